/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every (state, operation, role, mode), and whether the caller did the act before that the
 * separation of duties asks about: the outcome, allowed or which error. What is expected is written
 * here once more, from the design's tables and not from the daemon's.
 */
#include <stdio.h>

#include "sealsd/config.h"
#include "sealsd/gate.h"
#include "sealsd/lifecycle.h"
#include "sealsd/seal.h"
#include "sealsd/separation.h"
#include "tests/unit/unit.h"

#define SEAL "org.sealsd1.Seal"
#define REQUEST "org.sealsd1.Request"

#define DUAL (1U << SEPARATION_DUAL)
#define STRICT (1U << SEPARATION_STRICT)
#define SINGLE (1U << SEPARATION_SINGLE)
#define ALL (DUAL | STRICT | SINGLE)

/* --- callers: one of each role, and root, whom every list names ------------------------------- */

typedef enum Who {
        APPLICANT,
        REVIEWER,
        MAKER,
        ADMINISTRATOR,
        AUDITOR,
        ROOT,
        KEEPER,
        USER,
        STRANGER,
        WHO_MAX,
} Who;

static const char *const who_names[WHO_MAX] = { "applicant",     "reviewer", "maker",
                                                "administrator", "auditor",  "root",
                                                "keeper",        "user",     "stranger" };

static uint32_t uid_of(Who who) {
        return who == ROOT ? 0 : 1000 + (uint32_t) who;
}

static Subject subject_of(Who who) {
        Subject subject = { .kind = SUBJECT_USER, .id = uid_of(who) };

        (void) snprintf(subject.text, sizeof(subject.text), "user:%s", who_names[who]);
        return subject;
}

static Config config_new(void) {
        Config config = {};
        SubjectList *const lists[] = { &config.applicants, &config.reviewers, &config.makers,
                                       &config.administrators, &config.auditors };

        for (Who who = APPLICANT; who <= AUDITOR; who++) {
                lists[who]->subjects[lists[who]->count++] = subject_of(who);
                lists[who]->subjects[lists[who]->count++] = subject_of(ROOT);
        }
        return config;
}

static Caller caller_new(const Config *config, Who who, Separation mode) {
        Caller caller = { .uid = uid_of(who), .login_uid = LOGIN_NONE };

        caller.subject = subject_of(who);
        caller_assign_roles(&caller, config, mode == SEPARATION_SINGLE);
        return caller;
}

/* --- what is expected ------------------------------------------------------------------------- */

#define OF(who) (1U << (who))
#define ADMINS (OF(ADMINISTRATOR) | OF(ROOT))
#define KEEPS OF(KEEPER)

/* Who did what the separation asks about. */
typedef enum Before {
        NOTHING,
        MADE_IT,
        SUSPENDED_IT,
        REVOKED_IT,
} Before;

static const struct {
        SealOperation operation;
        unsigned dual, strict, single; /* of Who */
        const char *from, *to;         /* letters of states, and the one after it; "" the same */
        Before before;                 /* that refuses the doer */
        unsigned modes;                /* in which it does */
        bool timed;
} expected[] = {
        { SEAL_RECORD_FILING, ADMINS | OF(REVIEWER), ADMINS | OF(MAKER), ADMINS, "m", "f", NOTHING,
          0, false },
        { SEAL_DELIVER, ADMINS, ADMINS, ADMINS, "fu", "d", NOTHING, 0, true },
        { SEAL_ACCEPT, KEEPS, KEEPS, KEEPS, "d", "a", MADE_IT, STRICT, true },
        { SEAL_DECLINE, KEEPS, KEEPS, KEEPS, "d", "f", NOTHING, 0, false },
        { SEAL_SIGN, KEEPS | OF(USER), KEEPS | OF(USER), KEEPS | OF(USER), "a", "", MADE_IT, STRICT,
          true },
        { SEAL_ADD_GRANT, ADMINS | KEEPS, ADMINS | KEEPS, ADMINS | KEEPS, "as", "", NOTHING, 0,
          false },
        { SEAL_CHANGE_PIN, KEEPS, KEEPS, KEEPS, "as", "", NOTHING, 0, false },
        { SEAL_SUSPEND, ADMINS | KEEPS, ADMINS | KEEPS, ADMINS | KEEPS, "a", "s", NOTHING, 0,
          false },
        { SEAL_RESUME, ADMINS, ADMINS, ADMINS, "s", "a", SUSPENDED_IT, DUAL | STRICT, true },
        { SEAL_REPORT_LOST, ADMINS | KEEPS, ADMINS | KEEPS, ADMINS | KEEPS, "das", "l", NOTHING, 0,
          false },
        { SEAL_REPORT_FOUND, ADMINS | KEEPS, ADMINS | KEEPS, ADMINS | KEEPS, "l", "s", NOTHING, 0,
          false },
        { SEAL_SURRENDER, ADMINS | KEEPS, ADMINS | KEEPS, ADMINS | KEEPS, "dasl", "u", NOTHING, 0,
          false },
        { SEAL_REVOKE, ADMINS, ADMINS, ADMINS, "mfdaslu", "r", NOTHING, 0, false },
        { SEAL_DESTROY, ADMINS, ADMINS, ADMINS, "r", "x", REVOKED_IT, DUAL | STRICT, false },
};

static const char letters[SEAL_STATE_MAX + 1] = "mfdaslurx";

/* In made, filed and surrendered nobody keeps it, and nobody's grant is left. */
static bool is_kept(SealState state) {
        return state != SEAL_MADE && state != SEAL_FILED && state != SEAL_SURRENDERED;
}

static int expected_outcome(size_t row, SealState state, Who who, Separation mode, bool before) {
        const unsigned allowed = mode == SEPARATION_DUAL     ? expected[row].dual
                                 : mode == SEPARATION_STRICT ? expected[row].strict
                                                             : expected[row].single;
        static const int exact[SEAL_STATE_MAX] = {
                [SEAL_SUSPENDED] = SEAL_E_SUSPENDED,     [SEAL_LOST] = SEAL_E_LOST,
                [SEAL_SURRENDERED] = SEAL_E_SURRENDERED, [SEAL_REVOKED] = SEAL_E_REVOKED,
                [SEAL_DESTROYED] = SEAL_E_DESTROYED,
        };
        bool has_role = allowed & OF(who);

        if ((who == KEEPER || who == USER) && !is_kept(state))
                has_role = false;
        if (!has_role)
                return SEAL_E_ACCESS_DENIED;
        if (!strchr(expected[row].from, letters[state]))
                return expected[row].operation == SEAL_SIGN && exact[state] ? exact[state]
                                                                            : SEAL_E_INVALID_STATE;
        return before && expected[row].modes & 1U << mode ? SEAL_E_SEPARATION_OF_DUTIES : 0;
}

/* --- what is ---------------------------------------------------------------------------------- */

static Seal seal_new(SealState state, Before before, const Caller *caller) {
        Seal seal = { .state = state, .accepted = { .time = 5 }, .made = { .time = 1 } };
        Act *const acts[] = { [MADE_IT] = &seal.made,
                              [SUSPENDED_IT] = &seal.suspended,
                              [REVOKED_IT] = &seal.revoked };

        seal.facts.keepers[seal.facts.keeper_count++] = subject_of(KEEPER);
        seal.named_keeper = subject_of(KEEPER);
        if (before != NOTHING)
                *acts[before] = (Act){ .by = caller->subject, .login = LOGIN_NONE, .time = 3 };
        return seal;
}

static int separation(SealOperation operation, Separation mode, const Seal *seal,
                      const Caller *caller) {
        const SeparationRule rule = { .mode = mode };

        switch (operation) {
        case SEAL_ACCEPT:
        case SEAL_SIGN:
                return separation_keep(&rule, seal, caller, NULL);
        case SEAL_RESUME:
                return separation_resume(&rule, seal, caller, NULL);
        case SEAL_DESTROY:
                return separation_destroy(&rule, seal, caller, NULL);
        default:
                return 0;
        }
}

/* In the order in which the daemon asks. */
static int outcome(SealOperation operation, const Seal *seal, Who who, Separation mode,
                   const Caller *caller, SealState *ret) {
        unsigned relations = seal_is_keeper(seal, caller) ? ROLE_KEEPER : 0;
        const GateRule *rule = NULL;

        if (who == USER && is_kept(seal->state))
                relations |= ROLE_USER;
        int r = gate_check(SEAL, seal_operation_name(operation), mode, caller->roles | relations,
                           &rule, NULL);
        if (r == 0)
                r = seal_transition(seal->state, operation, ret, NULL);
        return r == 0 ? separation(operation, mode, seal, caller) : r;
}

static void assert_cell(const Config *config, size_t row, SealState state, Who who, Separation mode,
                        bool before) {
        const SealOperation operation = expected[row].operation;
        const Caller caller = caller_new(config, who, mode);
        const Seal seal = seal_new(state, before ? expected[row].before : NOTHING, &caller);
        SealState to = SEAL_STATE_MAX;
        int want = expected_outcome(row, state, who, mode,
                                    before && expected[row].before != NOTHING);
        int got = outcome(operation, &seal, who, mode, &caller, &to);

        if (got != want)
                fail_msg("%s, %s, %s, %s%s: %s, not %s", seal_state_name(state),
                         seal_operation_name(operation), who_names[who], separation_name(mode),
                         before ? ", who did it before" : "", error_name(got), error_name(want));
        if (got == 0)
                assert_int_equal(letters[to],
                                 expected[row].to[0] ? expected[row].to[0] : letters[state]);
}

static void every_state_operation_role_and_mode(void **state) {
        const size_t rows = sizeof(expected) / sizeof(expected[0]);
        const Config config = config_new();
        unsigned cells = 0;

        (void) state;
        for (size_t row = 0; row < rows; row++)
                for (SealState s = 0; s < SEAL_STATE_MAX; s++)
                        for (Who who = 0; who < WHO_MAX; who++)
                                for (Separation mode = SEPARATION_DUAL; mode < SEPARATION_MAX;
                                     mode++)
                                        for (int before = 0; before < 2; before++, cells++)
                                                assert_cell(&config, row, s, who, mode, before);
        assert_int_equal(cells, rows * SEAL_STATE_MAX * WHO_MAX * 3 * 2);
}

/* Those that are called are all here, and those that are requested have no member of their name. */
static void every_operation_is_among_them(void **state) {
        (void) state;
        for (SealOperation op = 0; op < SEAL_OPERATION_MAX; op++) {
                bool found = false;

                for (size_t row = 0; row < sizeof(expected) / sizeof(expected[0]); row++)
                        if (expected[row].operation == op) {
                                found = true;
                                assert_int_equal(seal_operation_is_timed(op), expected[row].timed);
                        }
                assert_int_equal(found, seal_operation_facts(op)->called);
                assert_int_equal(gate_has_entry(SEAL, seal_operation_name(op)), found);
        }
}

/* --- requests --------------------------------------------------------------------------------- */

/* What the caller did to the request before. */
typedef enum Part {
        NO_PART,
        APPLIED,
        DECIDED,
        WILL_KEEP,
        PART_MAX,
} Part;

static const struct {
        const char *member;
        RequestOperation operation;
        unsigned dual, strict, single;    /* of Who */
        const char *from;                 /* letters of states */
        unsigned applied, decided, keeps; /* modes in which that part is refused */
} requests[] = {
        { "Approve", REQUEST_APPROVE, OF(REVIEWER), OF(REVIEWER), ADMINS | OF(REVIEWER), "a",
          DUAL | STRICT, DUAL | STRICT, 0 },
        { "Reject", REQUEST_REJECT, OF(REVIEWER), OF(REVIEWER), ADMINS | OF(REVIEWER), "a",
          DUAL | STRICT, DUAL | STRICT, 0 },
        { "RejectSigned", REQUEST_REJECT, OF(REVIEWER), OF(REVIEWER), ADMINS | OF(REVIEWER), "a",
          DUAL | STRICT, DUAL | STRICT, 0 },
        { "Cancel", REQUEST_CANCEL, ADMINS, ADMINS, ADMINS, "apf", 0, 0, 0 },
        { "Make", REQUEST_MAKE, OF(REVIEWER), OF(MAKER), ADMINS, "pf", STRICT, STRICT, STRICT },
};

static const char request_letters[REQUEST_STATE_MAX + 1] = "apmcfrxe";

static unsigned refused_modes(size_t row, Part part) {
        const unsigned modes[PART_MAX] = { 0, requests[row].applied, requests[row].decided,
                                           requests[row].keeps };

        return modes[part];
}

static int expected_request(size_t row, RequestState state, Who who, Separation mode, Part part) {
        const unsigned allowed = mode == SEPARATION_DUAL     ? requests[row].dual
                                 : mode == SEPARATION_STRICT ? requests[row].strict
                                                             : requests[row].single;
        bool owner = part == APPLIED && requests[row].operation == REQUEST_CANCEL;

        if (!(allowed & OF(who)) && !owner)
                return SEAL_E_ACCESS_DENIED;
        if (!strchr(requests[row].from, request_letters[state]))
                return SEAL_E_INVALID_STATE;
        return refused_modes(row, part) & 1U << mode ? SEAL_E_SEPARATION_OF_DUTIES : 0;
}

static int request_outcome(size_t row, const Request *request, Separation mode,
                           const Caller *caller) {
        const SeparationRule separation_rule = { .mode = mode };
        unsigned owner = caller_is(caller, &request->applicant) ? ROLE_OWNER : 0;
        const GateRule *rule;
        RequestState to;

        int r = gate_check(REQUEST, requests[row].member, mode, caller->roles | owner, &rule, NULL);
        if (r == 0)
                r = request_transition(KIND_MAKE, request->state, requests[row].operation, &to,
                                       NULL);
        if (r != 0 || requests[row].operation == REQUEST_CANCEL)
                return r;
        return requests[row].operation == REQUEST_MAKE
                       ? separation_make(&separation_rule, request, caller, NULL)
                       : separation_decide(&separation_rule, request, caller, NULL);
}

static void request_play(Request *request, Part part, const Caller *caller) {
        request->applicant = part == APPLIED ? caller->subject
                                             : (Subject){ .id = 77, .text = "user:applied" };
        request->applicant_login = LOGIN_NONE;
        if (part == DECIDED)
                request->decisions[request->decision_count++] = (Decision){ .by = caller->subject,
                                                                            .login = LOGIN_NONE };
        if (part == WILL_KEEP)
                request->application.keepers[request->application.keeper_count++] = caller->subject;
}

static void assert_request_cell(const Config *config, size_t row, RequestState state, Who who,
                                Separation mode, Part part) {
        static Request request;
        const Caller caller = caller_new(config, who, mode);
        int want = expected_request(row, state, who, mode, part);

        request = (Request){ .state = state };
        request_play(&request, part, &caller);
        int got = request_outcome(row, &request, mode, &caller);
        if (got != want)
                fail_msg("%s, %s, %s, %s, part %d: %s, not %s", request_state_name(state),
                         requests[row].member, who_names[who], separation_name(mode), part,
                         error_name(got), error_name(want));
}

static void every_state_member_role_mode_and_part_of_requests(void **state) {
        const Config config = config_new();

        (void) state;
        for (size_t row = 0; row < sizeof(requests) / sizeof(requests[0]); row++)
                for (RequestState s = 0; s < REQUEST_STATE_MAX; s++)
                        for (Who who = 0; who < WHO_MAX; who++)
                                for (Separation mode = SEPARATION_DUAL; mode < SEPARATION_MAX;
                                     mode++)
                                        for (Part part = 0; part < PART_MAX; part++)
                                                assert_request_cell(&config, row, s, who, mode,
                                                                    part);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_state_operation_role_and_mode),
                cmocka_unit_test(every_operation_is_among_them),
                cmocka_unit_test(every_state_member_role_mode_and_part_of_requests),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
