/* SPDX-License-Identifier: Apache-2.0 */
#include "format/verify-report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* --- words ------------------------------------------------------------------------------------ */

static const char *const checks[CHECK_MAX] = {
#define CHECK(code, name, question) [CHECK_##code] = (name),
#define DEVIATION(code, name, sentence)
#include "format/verify-report.def"
#undef CHECK
#undef DEVIATION
};

static const struct {
        const char *word;
        const char *text;
} deviations[DEVIATION_MAX] = {
#define CHECK(code, name, question)
#define DEVIATION(code, name, sentence) [DEVIATION_##code] = { (name), (sentence) },
#include "format/verify-report.def"
#undef CHECK
#undef DEVIATION
};

const char *check_word(CheckCode code) {
        return checks[code];
}

const char *deviation_word(DeviationCode code) {
        return deviations[code].word;
}

const char *deviation_meaning(DeviationCode code) {
        return deviations[code].text;
}

const char *check_result_word(CheckResult result) {
        static const char *const words[CHECK_RESULT_MAX] = {
                [CHECK_NOT_APPLICABLE] = "not-applicable",
                [CHECK_PASSED] = "passed",
                [CHECK_ABSENT] = "absent",
                [CHECK_NOT_CHECKED] = "not-checked",
                [CHECK_FAILED] = "failed",
        };

        return words[result];
}

const char *verdict_word(Verdict verdict) {
        static const char *const words[VERDICT_MAX] = {
                [VERDICT_PASSED] = "passed",
                [VERDICT_INCOMPLETE] = "incomplete",
                [VERDICT_FAILED] = "failed",
        };

        return words[verdict];
}

const char *verify_kind_word(VerifyKind kind) {
        static const char *const words[VERIFY_KIND_MAX] = {
                [VERIFY_CMS] = "cades", [VERIFY_SIGNATURE] = "eseal", [VERIFY_SEAL] = "seal",
                [VERIFY_RAW] = "raw",   [VERIFY_KEY] = "raw",
        };

        return words[kind];
}

const char *verify_time_word(VerifyTimeSource source) {
        static const char *const words[VERIFY_TIME_MAX] = {
                [VERIFY_TIME_NOW] = "now",
                [VERIFY_TIME_CLAIMED] = "claimed",
                [VERIFY_TIME_STAMPED] = "timestamp",
                [VERIFY_TIME_GIVEN] = "given",
        };

        return words[source];
}

/* --- checks ----------------------------------------------------------------------------------- */

#define BIT(code) (1U << CHECK_##code)

#define CERTIFICATE_CHECKS                                                             \
        (BIT(CERTIFICATE_CHAIN) | BIT(CERTIFICATE_USAGE) | BIT(CERTIFICATE_VALIDITY) | \
         BIT(REVOCATION))
#define SEAL_CHECKS                                                                            \
        (BIT(SEAL_SIGNATURE) | BIT(SEAL_VALIDITY) | BIT(SEAL_EXTENSIONS) | BIT(SEAL_PICTURE) | \
         BIT(SEAL_MAKER_CHAIN) | BIT(SEAL_MAKER_USAGE) | BIT(SEAL_MAKER_VALIDITY) |            \
         BIT(SEAL_MAKER_REVOCATION))

static const unsigned kinds[VERIFY_KIND_MAX] = {
        [VERIFY_CMS] = BIT(STRUCTURE) | BIT(SIGNATURE_VALUE) | BIT(DOCUMENT_HASH) |
                       BIT(SIGNING_CERTIFICATE) | BIT(TIMESTAMP) | CERTIFICATE_CHECKS |
                       BIT(SEAL_STATE),
        [VERIFY_SIGNATURE] = BIT(STRUCTURE) | BIT(SIGNATURE_VALUE) | BIT(DOCUMENT_HASH) |
                             BIT(CERTIFICATE_IN_SEAL) | BIT(TIMESTAMP) | CERTIFICATE_CHECKS |
                             SEAL_CHECKS | BIT(SEAL_STATE),
        [VERIFY_SEAL] = BIT(STRUCTURE) | SEAL_CHECKS | BIT(SEAL_STATE),
        [VERIFY_RAW] = BIT(SIGNATURE_VALUE) | CERTIFICATE_CHECKS | BIT(SEAL_STATE),
        [VERIFY_KEY] = BIT(SIGNATURE_VALUE),
};

/* What a good signature or seal may lack. Of anything else, absent means that nobody knows. */
static const unsigned optional = BIT(SIGNING_CERTIFICATE) | BIT(TIMESTAMP) |
                                 BIT(CERTIFICATE_USAGE) | BIT(REVOCATION) | BIT(SEAL_EXTENSIONS) |
                                 BIT(SEAL_MAKER_USAGE) | BIT(SEAL_MAKER_REVOCATION) |
                                 BIT(SEAL_STATE);

_Static_assert(CHECK_MAX <= 32, "a kind's checks are bits of an unsigned");

void verify_report_begin(VerifyReport *report, VerifyKind kind) {
        *report = (VerifyReport){ .kind = kind };
        for (CheckCode code = 0; code < CHECK_MAX; code++) {
                if ((kinds[kind] & (1U << code)) == 0)
                        continue;
                report->checks[code].result = CHECK_NOT_CHECKED;
                text_copy(report->checks[code].text, sizeof(report->checks[code].text),
                          "It was not reached");
        }
}

/* How bad: a result that is worse replaces one that is better. */
static int badness(CheckResult result) {
        static const int order[CHECK_RESULT_MAX] = {
                [CHECK_NOT_APPLICABLE] = 0, [CHECK_ABSENT] = 1, [CHECK_PASSED] = 2,
                [CHECK_NOT_CHECKED] = 3,    [CHECK_FAILED] = 4,
        };

        return order[result];
}

void verify_check(VerifyReport *report, CheckCode code, CheckResult result, const char *format,
                  ...) {
        VerifyCheck *check = &report->checks[code];
        va_list ap;

        if (check->made && badness(result) <= badness(check->result))
                return;
        check->made = true;
        check->result = result;
        va_start(ap, format);
        (void) vsnprintf(check->text, sizeof(check->text), format, ap);
        va_end(ap);
        text_end_whole(check->text);
        text_disarm(check->text);
}

void verify_check_drop(VerifyReport *report, CheckCode code) {
        report->checks[code] = (VerifyCheck){};
}

CheckResult verify_result(const VerifyReport *report, CheckCode code) {
        return report->checks[code].result;
}

/* What one check alone makes of the whole. */
static Verdict verdict_of(CheckCode code, CheckResult result) {
        if (result == CHECK_FAILED)
                return VERDICT_FAILED;
        if (result == CHECK_NOT_CHECKED)
                return VERDICT_INCOMPLETE;
        if (result == CHECK_ABSENT && (optional & (1U << code)) == 0)
                return VERDICT_INCOMPLETE;
        return VERDICT_PASSED;
}

Verdict verify_verdict(const VerifyReport *report) {
        Verdict worst = VERDICT_PASSED;
        bool passed = false;

        for (CheckCode code = 0; code < CHECK_MAX; code++) {
                CheckResult result = report->checks[code].result;
                Verdict verdict = verdict_of(code, result);
                worst = verdict > worst ? verdict : worst;
                passed = passed || result == CHECK_PASSED;
        }
        return worst == VERDICT_PASSED && !passed ? VERDICT_INCOMPLETE : worst;
}

Verdict verify_reports_verdict(const VerifyReport *reports, size_t count) {
        Verdict worst = verify_verdict(&reports[0]);

        for (size_t i = 1; i < count; i++) {
                const Verdict verdict = verify_verdict(&reports[i]);
                worst = verdict > worst ? verdict : worst;
        }
        return worst;
}

/* --- deviations and facts --------------------------------------------------------------------- */

void verify_deviation(VerifyReport *report, DeviationCode code, const char *where) {
        VerifyDeviation told = { .code = code };

        (void) snprintf(told.text, sizeof(told.text), where ? "%s (%s)" : "%s",
                        deviation_meaning(code), where);
        text_end_whole(told.text);
        text_disarm(told.text);
        for (size_t i = 0; i < report->deviation_count; i++)
                if (report->deviations[i].code == code &&
                    strcmp(report->deviations[i].text, told.text) == 0)
                        return;
        if (report->deviation_count < VERIFY_DEVIATIONS_MAX)
                report->deviations[report->deviation_count++] = told;
        else
                report->deviations_left_off++;
}

void verify_text_set(char *ret, size_t size, Bytes text) {
        size_t kept = text.size < size ? text.size : size - 1;

        if (kept > 0)
                memcpy(ret, text.data, kept);
        for (size_t i = 0; i < kept; i++)
                if (ret[i] == '\0')
                        ret[i] = '?';
        ret[kept] = '\0';
        if (kept < text.size)
                text_end_whole(ret);
        text_disarm(ret);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *checks_json(const VerifyReport *report) {
        json_t *array = json_array();

        for (CheckCode code = 0; code < CHECK_MAX; code++) {
                const VerifyCheck *check = &report->checks[code];
                if (check->result != CHECK_NOT_APPLICABLE &&
                    json_array_append_new(array,
                                          json_pack("{ss ss ss}", "check", check_word(code),
                                                    "result", check_result_word(check->result),
                                                    "text", check->text)) != 0)
                        goto no_memory;
        }
        return array;
no_memory:
        json_decref(array);
        return NULL;
}

static json_t *deviations_json(const VerifyReport *report) {
        json_t *array = json_array();

        for (size_t i = 0; i < report->deviation_count; i++) {
                const VerifyDeviation *told = &report->deviations[i];
                if (json_array_append_new(array, json_pack("{ss ss}", "deviation",
                                                           deviation_word(told->code), "text",
                                                           told->text)) != 0)
                        goto no_memory;
        }
        return array;
no_memory:
        json_decref(array);
        return NULL;
}

typedef struct FactKey {
        const char *key;
        enum { FACT_TEXT, FACT_TIME, FACT_MILLIMETRES } type;
        size_t offset;
} FactKey;

#define FACT(name, kind, member) \
        { (name), FACT_##kind, offsetof(VerifyFacts, member) }

static const FactKey fact_keys[] = {
        FACT("profile", TEXT, profile),
        FACT("algorithm", TEXT, algorithm),
        FACT("hash", TEXT, hash),
        FACT("subject", TEXT, subject),
        FACT("issuer", TEXT, issuer),
        FACT("serial", TEXT, serial),
        FACT("public-key-sha256", TEXT, public_key_sha256),
        FACT("claimed", TIME, claimed),
        FACT("timestamp", TIME, stamped),
        FACT("timestamp-authority", TEXT, authority),
        FACT("seal", TEXT, seal_number),
        FACT("seal-name", TEXT, seal_name),
        FACT("seal-type", TEXT, seal_type),
        FACT("seal-vendor", TEXT, seal_vendor),
        FACT("seal-maker", TEXT, seal_maker),
        FACT("seal-not-before", TIME, seal_not_before),
        FACT("seal-not-after", TIME, seal_not_after),
        FACT("picture-type", TEXT, picture_type),
        FACT("picture-width", MILLIMETRES, picture_width),
        FACT("picture-height", MILLIMETRES, picture_height),
        FACT("property-info", TEXT, property_info),
        FACT("time", TIME, time),
};

/* NULL where it is not said, or without memory: those are told apart by *ret_said. */
static json_t *fact_json(const VerifyFacts *facts, const FactKey *key, bool *ret_said) {
        const char *at = (const char *) facts + key->offset;
        uint64_t number = 0;

        if (key->type == FACT_TEXT) {
                *ret_said = at[0] != '\0';
                return *ret_said ? json_string(at) : NULL;
        }
        if (key->type == FACT_MILLIMETRES)
                number = *(const unsigned *) (const void *) at;
        else
                number = *(const uint64_t *) (const void *) at;
        *ret_said = number != 0 && number <= UTC_MAX;
        return *ret_said ? json_integer((json_int_t) number) : NULL;
}

static json_t *facts_json(const VerifyFacts *facts) {
        json_t *object = json_object();

        for (size_t i = 0; i < sizeof(fact_keys) / sizeof(fact_keys[0]); i++) {
                bool said = false;
                json_t *value = fact_json(facts, &fact_keys[i], &said);
                if (said && json_object_set_new(object, fact_keys[i].key, value) != 0)
                        goto no_memory;
        }
        if (json_object_set_new(object, "time-source",
                                json_string(verify_time_word(facts->time_source))) == 0)
                return object;
no_memory:
        json_decref(object);
        return NULL;
}

json_t *verify_report_json(const VerifyReport *report) {
        return json_pack("{ss ss so so sI so}", "verdict", verdict_word(verify_verdict(report)),
                         "kind", verify_kind_word(report->kind), "checks", checks_json(report),
                         "deviations", deviations_json(report), "deviations-left-off",
                         (json_int_t) report->deviations_left_off, "signed",
                         facts_json(&report->facts));
}

json_t *verify_reports_json(const VerifyReport *reports, size_t count) {
        if (count == 1)
                return verify_report_json(reports);
        _cleanup_json_ json_t *array = json_array();
        for (size_t i = 0; i < count; i++)
                if (json_array_append_new(array, verify_report_json(&reports[i])) != 0)
                        return NULL;
        return json_pack("{ss ss sO}", "verdict",
                         verdict_word(verify_reports_verdict(reports, count)), "kind",
                         verify_kind_word(reports[0].kind), "signers", array);
}
