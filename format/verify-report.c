/* SPDX-License-Identifier: Apache-2.0 */
#include "format/verify-report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* --- words ------------------------------------------------------------------------------------ */

typedef struct Entry {
        const char *word;
        const char *text;
} Entry;

static const Entry checks[CHECK_MAX] = {
#define CHECK(code, name, question) [CHECK_##code] = { (name), (question) },
#define DEVIATION(code, name, sentence)
#include "format/verify-report.def"
#undef CHECK
#undef DEVIATION
};

static const Entry deviations[DEVIATION_MAX] = {
#define CHECK(code, name, question)
#define DEVIATION(code, name, sentence) [DEVIATION_##code] = { (name), (sentence) },
#include "format/verify-report.def"
#undef CHECK
#undef DEVIATION
};

const char *check_word(CheckCode code) {
        return checks[code].word;
}

const char *check_question(CheckCode code) {
        return checks[code].text;
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

Verdict verify_verdict(const VerifyReport *report) {
        Verdict verdict = VERDICT_INCOMPLETE;

        for (CheckCode code = 0; code < CHECK_MAX; code++) {
                CheckResult result = report->checks[code].result;
                if (result == CHECK_FAILED)
                        return VERDICT_FAILED;
                if (result == CHECK_PASSED && verdict == VERDICT_INCOMPLETE)
                        verdict = VERDICT_PASSED;
        }
        for (CheckCode code = 0; code < CHECK_MAX; code++)
                if (report->checks[code].result == CHECK_NOT_CHECKED)
                        return VERDICT_INCOMPLETE;
        return verdict;
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

bool verify_deviated(const VerifyReport *report, DeviationCode code) {
        for (size_t i = 0; i < report->deviation_count; i++)
                if (report->deviations[i].code == code)
                        return true;
        return false;
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
                if (check->result == CHECK_NOT_APPLICABLE)
                        continue;
                (void) json_array_append_new(
                        array, json_pack("{ss ss ss}", "check", check_word(code), "result",
                                         check_result_word(check->result), "text", check->text));
        }
        return array;
}

static json_t *deviations_json(const VerifyReport *report) {
        json_t *array = json_array();

        for (size_t i = 0; i < report->deviation_count; i++) {
                const VerifyDeviation *told = &report->deviations[i];
                (void) json_array_append_new(array, json_pack("{ss ss}", "deviation",
                                                              deviation_word(told->code), "text",
                                                              told->text));
        }
        return array;
}

json_t *verify_report_json(const VerifyReport *report) {
        return json_pack("{ss ss so so}", "verdict", verdict_word(verify_verdict(report)), "kind",
                         verify_kind_word(report->kind), "checks", checks_json(report),
                         "deviations", deviations_json(report));
}
