/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verify-state.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/utc.h"
#include "client/bus-call.h"
#include "client/bus-value.h"
#include "client/output.h"
#include "client/text.h"
#include "client/verify.h"
#include "format/verify-signer.h"
#include "policy/openssl.h"

typedef struct Question {
        Context *context;
        const char *path; /* of the seal */
        bool named;       /* by who asks, else by the signature */
        VerifyReport *report;
} Question;

/*
 * No register is at hand that knows the seal: who named it has to be told that he got no answer,
 * and for all others there is nothing to check, as most who verify have no register.
 */
static CheckResult result_without_register(bool named) {
        return named ? CHECK_NOT_CHECKED : CHECK_ABSENT;
}

static bool nobody_answers(const sd_bus_error *error) {
        return sd_bus_error_has_names(error, SD_BUS_ERROR_SERVICE_UNKNOWN,
                                      SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

static void refusal_tell(const Question *q, const sd_bus_error *error) {
        const int code = error_from_name(error->name);

        if (code == SEAL_E_UNKNOWN_OBJECT)
                verify_check(q->report, CHECK_SEAL_STATE, result_without_register(q->named),
                             "This machine has no seal %s, or none that you may see",
                             path_last(q->path));
        else if (code == SEAL_E_NOT_FOUND)
                verify_check(q->report, CHECK_SEAL_STATE, CHECK_FAILED,
                             "At that time seal %s was not made yet", path_last(q->path));
        else
                verify_check(q->report, CHECK_SEAL_STATE,
                             nobody_answers(error) ? result_without_register(q->named)
                                                   : CHECK_NOT_CHECKED,
                             "The register of this machine does not tell: %s",
                             text_of(error->name, error->message));
}

/* *ret stays NULL where there was no answer; the row says then why. */
static int ask(const Question *q, sd_bus_message *call, json_t **ret) {
        _cleanup_(message_freep) sd_bus_message *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = call_attempt(q->context, call, &error, &reply);
        if (r < 0)
                refusal_tell(q, &error);
        sd_bus_error_free(&error);
        if (r < 0)
                return 0;
        r = message_to_json(reply, ret);
        return r < 0 ? fail_errno(q->context, r, "the answer cannot be read") : 0;
}

/* --- whose key -------------------------------------------------------------------------------- */

static int key_ask(const Question *q, char ret[static 2 * 32 + 1]) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;
        _cleanup_(json_freep) json_t *answer = NULL, *seal = NULL;

        int r = call_new(q->context, q->path, SEAL, "Describe", &call);
        if (r == 0)
                r = ask(q, call, &answer);
        if (r != 0 || !answer)
                return r;
        seal = json_loads(json_is_string(answer) ? json_string_value(answer) : "", 0, NULL);
        const char *pem = json_text(seal, "public-key");
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = verify_key_parse(pem, strlen(pem));
        verify_key_set(ret, key);
        return 0;
}

/* The row is said unless the keys are the same. */
static bool is_same_seal(const Question *q, const char *key) {
        const char *signer = q->report->facts.public_key_sha256;

        if (key[0] != '\0' && strcmp(key, signer) == 0)
                return true;
        verify_check(q->report, CHECK_SEAL_STATE, q->named ? CHECK_FAILED : CHECK_NOT_CHECKED,
                     "Seal %s of this machine has another key%s", path_last(q->path),
                     q->named ? " than the signer" : ": it is another seal of that number");
        return false;
}

/* --- its state -------------------------------------------------------------------------------- */

static bool is_active(const json_t *state) {
        return json_is_string(state) && strcmp(json_string_value(state), "active") == 0;
}

static void state_tell(const Question *q, const json_t *state) {
        char time[TIME_TEXT_SIZE];

        verify_check(q->report, CHECK_SEAL_STATE, is_active(state) ? CHECK_PASSED : CHECK_FAILED,
                     "In the register of this machine seal %s was %s at %s", path_last(q->path),
                     json_is_string(state) ? json_string_value(state) : "in no known state",
                     time_format_rfc3339(q->report->facts.time, time));
}

/* *ret stays NULL where there was no answer. */
static int state_ask(const Question *q, uint64_t time, json_t **ret) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(q->context, q->path, SEAL, "StateAt", &call);
        if (r == 0)
                r = call_built(q->context, sd_bus_message_append(call, "t", time));
        return r != 0 ? r : ask(q, call, ret);
}

/* Who has the key of a seal that is revoked, or lost, can claim any time of before. */
static int claim_check(const Question *q) {
        static const char *const over[] = { "lost", "revoked", "destroyed" };
        const Clock clock = clock_system();
        _cleanup_(json_freep) json_t *state = NULL;

        if (q->report->facts.time_source != VERIFY_TIME_CLAIMED)
                return 0;
        int r = state_ask(q, clock_now(&clock), &state);
        const char *now = r == 0 && json_is_string(state) ? json_string_value(state) : "";
        for (size_t i = 0; i < sizeof(over) / sizeof(over[0]); i++)
                if (strcmp(now, over[i]) == 0)
                        verify_check(q->report, CHECK_SEAL_STATE, CHECK_NOT_CHECKED,
                                     "Seal %s is %s now; that the signature is older, no time "
                                     "stamp proves",
                                     path_last(q->path), now);
        return r;
}

/*
 * Signatures and time stamps have whole seconds: who was active at the beginning or at the end of
 * one could sign.
 */
static int state_check(const Question *q) {
        _cleanup_(json_freep) json_t *end = NULL, *begin = NULL;
        const VerifyFacts *facts = &q->report->facts;
        const bool whole = (facts->time_source == VERIFY_TIME_CLAIMED ||
                            facts->time_source == VERIFY_TIME_STAMPED) &&
                           facts->time % USEC_PER_SEC == 0;

        int r = state_ask(q, facts->time + (whole ? USEC_PER_SEC - 1 : 0), &end);
        if (r == 0 && end && whole && !is_active(end))
                r = state_ask(q, facts->time, &begin);
        if (r == 0 && end)
                state_tell(q, is_active(begin) ? begin : end);
        return r == 0 && end ? claim_check(q) : r;
}

static int seal_ask(const Question *q) {
        char key[2 * 32 + 1] = "";

        int r = key_ask(q, key);
        if (r != 0 || q->report->checks[CHECK_SEAL_STATE].made)
                return r;
        return is_same_seal(q, key) ? state_check(q) : 0;
}

/* named: by who asks; NULL: as the signature says. */
static int signer_state(Context *context, const char *named, VerifyReport *report) {
        const char *number = named ? named : report->facts.seal_number;
        char path[PATH_SIZE];
        const Question q = { context, path, named != NULL, report };

        if (report->facts.public_key_sha256[0] == '\0' || report->facts.time == 0)
                verify_check(report, CHECK_SEAL_STATE, CHECK_NOT_CHECKED,
                             "Whose it is could not be read");
        else if (!seal_path_parse(number, path))
                verify_check(report, CHECK_SEAL_STATE, result_without_register(q.named),
                             "It names no seal that a register could be asked about");
        else if (bus_attempt(context) < 0)
                verify_check(report, CHECK_SEAL_STATE, result_without_register(q.named),
                             "There is no bus on which a register could be asked");
        else
                return seal_ask(&q);
        return 0;
}

/* Which of several signers have the key of the seal that was named; all where none is known to. */
static int named_find(Context *context, const char *number, const VerifyReport *reports,
                      size_t count, bool ret[static CMS_SIGNERS_MAX]) {
        char path[PATH_SIZE], key[2 * 32 + 1] = "";
        VerifyReport unheard;
        bool any = false;
        int r = 0;

        verify_report_begin(&unheard, VERIFY_CMS);
        if (count > 1 && seal_path_parse(number, path) && bus_attempt(context) >= 0)
                r = key_ask(&(Question){ context, path, true, &unheard }, key);
        for (size_t i = 0; i < count; i++) {
                ret[i] = key[0] != '\0' && strcmp(reports[i].facts.public_key_sha256, key) == 0;
                any = any || ret[i];
        }
        for (size_t i = 0; !any && i < count; i++)
                ret[i] = true;
        return r;
}

int verify_state(Context *context, const VerifyWords *words, VerifyReport *reports, size_t count) {
        bool named[CMS_SIGNERS_MAX] = {};
        int r = 0;

        if (words->seal && !words->offline)
                r = named_find(context, words->seal, reports, count, named);
        for (size_t i = 0; r == 0 && i < count; i++) {
                if (words->offline)
                        verify_check_drop(&reports[i], CHECK_SEAL_STATE);
                else
                        r = signer_state(context, named[i] ? words->seal : NULL, &reports[i]);
        }
        return r;
}
