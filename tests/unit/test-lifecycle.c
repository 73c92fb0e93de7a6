/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/lifecycle.h"
#include "tests/unit/unit.h"

#define NO (-1)

/* Written out once more, as the design's table has it: rows are states, columns operations. */
static const int after[SEAL_STATE_MAX][SEAL_OPERATION_MAX] = {
        [SEAL_MADE] = { [SEAL_RECORD_FILING] = SEAL_FILED,
                        [SEAL_DELIVER] = NO,
                        [SEAL_ACCEPT] = NO,
                        [SEAL_DECLINE] = NO,
                        [SEAL_SIGN] = NO,
                        [SEAL_CHANGE_PIN] = NO,
                        [SEAL_ADD_GRANT] = NO,
                        [SEAL_SUSPEND] = NO,
                        [SEAL_RESUME] = NO,
                        [SEAL_REPORT_LOST] = NO,
                        [SEAL_REPORT_FOUND] = NO,
                        [SEAL_SURRENDER] = NO,
                        [SEAL_TRANSFER] = NO,
                        [SEAL_RENEW] = NO,
                        [SEAL_RECERTIFY] = SEAL_MADE,
                        [SEAL_AMEND] = SEAL_MADE,
                        [SEAL_REVOKE] = SEAL_REVOKED,
                        [SEAL_DESTROY] = NO },
        [SEAL_FILED] = { [SEAL_RECORD_FILING] = NO,
                         [SEAL_DELIVER] = SEAL_DELIVERED,
                         [SEAL_ACCEPT] = NO,
                         [SEAL_DECLINE] = NO,
                         [SEAL_SIGN] = NO,
                         [SEAL_CHANGE_PIN] = NO,
                         [SEAL_ADD_GRANT] = NO,
                         [SEAL_SUSPEND] = NO,
                         [SEAL_RESUME] = NO,
                         [SEAL_REPORT_LOST] = NO,
                         [SEAL_REPORT_FOUND] = NO,
                         [SEAL_SURRENDER] = NO,
                         [SEAL_TRANSFER] = NO,
                         [SEAL_RENEW] = NO,
                         [SEAL_RECERTIFY] = SEAL_FILED,
                         [SEAL_AMEND] = SEAL_FILED,
                         [SEAL_REVOKE] = SEAL_REVOKED,
                         [SEAL_DESTROY] = NO },
        [SEAL_DELIVERED] = { [SEAL_RECORD_FILING] = NO,
                             [SEAL_DELIVER] = NO,
                             [SEAL_ACCEPT] = SEAL_ACTIVE,
                             [SEAL_DECLINE] = SEAL_FILED,
                             [SEAL_SIGN] = NO,
                             [SEAL_CHANGE_PIN] = NO,
                             [SEAL_ADD_GRANT] = NO,
                             [SEAL_SUSPEND] = NO,
                             [SEAL_RESUME] = NO,
                             [SEAL_REPORT_LOST] = SEAL_LOST,
                             [SEAL_REPORT_FOUND] = NO,
                             [SEAL_SURRENDER] = SEAL_SURRENDERED,
                             [SEAL_TRANSFER] = NO,
                             [SEAL_RENEW] = NO,
                             [SEAL_RECERTIFY] = SEAL_DELIVERED,
                             [SEAL_AMEND] = SEAL_DELIVERED,
                             [SEAL_REVOKE] = SEAL_REVOKED,
                             [SEAL_DESTROY] = NO },
        [SEAL_ACTIVE] = { [SEAL_RECORD_FILING] = NO,
                          [SEAL_DELIVER] = NO,
                          [SEAL_ACCEPT] = NO,
                          [SEAL_DECLINE] = NO,
                          [SEAL_SIGN] = SEAL_ACTIVE,
                          [SEAL_CHANGE_PIN] = SEAL_ACTIVE,
                          [SEAL_ADD_GRANT] = SEAL_ACTIVE,
                          [SEAL_SUSPEND] = SEAL_SUSPENDED,
                          [SEAL_RESUME] = NO,
                          [SEAL_REPORT_LOST] = SEAL_LOST,
                          [SEAL_REPORT_FOUND] = NO,
                          [SEAL_SURRENDER] = SEAL_SURRENDERED,
                          [SEAL_TRANSFER] = SEAL_DELIVERED,
                          [SEAL_RENEW] = SEAL_ACTIVE,
                          [SEAL_RECERTIFY] = SEAL_ACTIVE,
                          [SEAL_AMEND] = SEAL_ACTIVE,
                          [SEAL_REVOKE] = SEAL_REVOKED,
                          [SEAL_DESTROY] = NO },
        [SEAL_SUSPENDED] = { [SEAL_RECORD_FILING] = NO,
                             [SEAL_DELIVER] = NO,
                             [SEAL_ACCEPT] = NO,
                             [SEAL_DECLINE] = NO,
                             [SEAL_SIGN] = NO,
                             [SEAL_CHANGE_PIN] = SEAL_SUSPENDED,
                             [SEAL_ADD_GRANT] = SEAL_SUSPENDED,
                             [SEAL_SUSPEND] = NO,
                             [SEAL_RESUME] = SEAL_ACTIVE,
                             [SEAL_REPORT_LOST] = SEAL_LOST,
                             [SEAL_REPORT_FOUND] = NO,
                             [SEAL_SURRENDER] = SEAL_SURRENDERED,
                             [SEAL_TRANSFER] = SEAL_DELIVERED,
                             [SEAL_RENEW] = SEAL_SUSPENDED,
                             [SEAL_RECERTIFY] = SEAL_SUSPENDED,
                             [SEAL_AMEND] = SEAL_SUSPENDED,
                             [SEAL_REVOKE] = SEAL_REVOKED,
                             [SEAL_DESTROY] = NO },
        [SEAL_LOST] = { [SEAL_RECORD_FILING] = NO,
                        [SEAL_DELIVER] = NO,
                        [SEAL_ACCEPT] = NO,
                        [SEAL_DECLINE] = NO,
                        [SEAL_SIGN] = NO,
                        [SEAL_CHANGE_PIN] = NO,
                        [SEAL_ADD_GRANT] = NO,
                        [SEAL_SUSPEND] = NO,
                        [SEAL_RESUME] = NO,
                        [SEAL_REPORT_LOST] = NO,
                        [SEAL_REPORT_FOUND] = SEAL_SUSPENDED,
                        [SEAL_SURRENDER] = SEAL_SURRENDERED,
                        [SEAL_TRANSFER] = SEAL_DELIVERED,
                        [SEAL_RENEW] = NO,
                        [SEAL_RECERTIFY] = SEAL_LOST,
                        [SEAL_AMEND] = SEAL_LOST,
                        [SEAL_REVOKE] = SEAL_REVOKED,
                        [SEAL_DESTROY] = NO },
        [SEAL_SURRENDERED] = { [SEAL_RECORD_FILING] = NO,
                               [SEAL_DELIVER] = SEAL_DELIVERED,
                               [SEAL_ACCEPT] = NO,
                               [SEAL_DECLINE] = NO,
                               [SEAL_SIGN] = NO,
                               [SEAL_CHANGE_PIN] = NO,
                               [SEAL_ADD_GRANT] = NO,
                               [SEAL_SUSPEND] = NO,
                               [SEAL_RESUME] = NO,
                               [SEAL_REPORT_LOST] = NO,
                               [SEAL_REPORT_FOUND] = NO,
                               [SEAL_SURRENDER] = NO,
                               [SEAL_TRANSFER] = SEAL_DELIVERED,
                               [SEAL_RENEW] = SEAL_SURRENDERED,
                               [SEAL_RECERTIFY] = SEAL_SURRENDERED,
                               [SEAL_AMEND] = SEAL_SURRENDERED,
                               [SEAL_REVOKE] = SEAL_REVOKED,
                               [SEAL_DESTROY] = NO },
        [SEAL_REVOKED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
                           SEAL_DESTROYED },
        [SEAL_DESTROYED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
                             NO },
};

/* Sign says more than that the state is not the right one. */
static int refusal(SealState from, SealOperation op) {
        static const int exact[SEAL_STATE_MAX] = {
                [SEAL_SUSPENDED] = SEAL_E_SUSPENDED,     [SEAL_LOST] = SEAL_E_LOST,
                [SEAL_SURRENDERED] = SEAL_E_SURRENDERED, [SEAL_REVOKED] = SEAL_E_REVOKED,
                [SEAL_DESTROYED] = SEAL_E_DESTROYED,
        };

        return op == SEAL_SIGN && exact[from] ? exact[from] : SEAL_E_INVALID_STATE;
}

static void every_seal_operation_from_every_state(void **state) {
        (void) state;
        for (SealState from = 0; from < SEAL_STATE_MAX; from++)
                for (SealOperation op = 0; op < SEAL_OPERATION_MAX; op++) {
                        SealState to = SEAL_STATE_MAX;
                        ErrorDetail detail = {};
                        int r = seal_transition(from, op, &to, &detail);

                        if (after[from][op] != NO) {
                                assert_int_equal(r, 0);
                                assert_int_equal(to, after[from][op]);
                                continue;
                        }
                        assert_int_equal(to, SEAL_STATE_MAX);
                        assert_int_equal(r, refusal(from, op));
                        assert_non_null(strstr(detail.text, seal_state_name(from)));
                        if (r == SEAL_E_INVALID_STATE)
                                assert_non_null(strstr(detail.text, seal_operation_name(op)));
                }
}

static bool leads_on(SealState from, SealOperation op) {
        SealState to;

        return seal_transition(from, op, &to, NULL) == 0;
}

/* Every refusal, in every state but the last, names something that is possible there. */
static void every_refusal_names_a_way_on(void **state) {
        (void) state;
        for (SealState from = 0; from < SEAL_STATE_MAX; from++)
                for (SealOperation op = 0; op < SEAL_OPERATION_MAX; op++) {
                        ErrorDetail detail = {};
                        SealState to;
                        bool named = false;

                        if (seal_transition(from, op, &to, &detail) == 0)
                                continue;
                        for (SealOperation way = 0; way < SEAL_OPERATION_MAX; way++)
                                named |= leads_on(from, way) &&
                                         strstr(detail.text, seal_operation_name(way));
                        if (from == SEAL_DESTROYED)
                                named = strstr(detail.text, "applies anew") != NULL;
                        if (!named)
                                fail_msg("no way on in '%s'", detail.text);
                }
}

/* Whatever the clock says: something leads to another state that the clock does not stop. */
static void no_state_is_a_dead_end(void **state) {
        (void) state;
        for (SealState from = 0; from < SEAL_DESTROYED; from++) {
                bool moves = false, named = false;

                for (SealOperation op = 0; op < SEAL_OPERATION_MAX; op++) {
                        moves |= leads_on(from, op) && after[from][op] != (int) from &&
                                 !seal_operation_is_timed(op);
                        named |= leads_on(from, op) &&
                                 strstr(seal_state_way(from), seal_operation_name(op));
                }
                assert_true(moves);
                assert_true(named);
        }
}

/* Where an operation waits for the validity, Recertify gives it a later end. */
static void what_has_expired_can_become_valid_again(void **state) {
        (void) state;
        for (SealState from = 0; from < SEAL_REVOKED; from++)
                assert_true(leads_on(from, SEAL_RECERTIFY));
        assert_non_null(strstr(seal_timing_way(TIMING_EXPIRED), "Recertify"));
}

static void what_was_surrendered_can_sign_again_one_day(void **state) {
        (void) state;
        assert_true(leads_on(SEAL_SURRENDERED, SEAL_DELIVER));
        assert_true(leads_on(SEAL_DELIVERED, SEAL_ACCEPT));
}

static void the_clock_stops_four_operations(void **state) {
        (void) state;
        for (SealOperation op = 0; op < SEAL_OPERATION_MAX; op++)
                assert_int_equal(seal_operation_is_timed(op),
                                 op == SEAL_SIGN || op == SEAL_RESUME || op == SEAL_DELIVER ||
                                         op == SEAL_ACCEPT);
}

static void the_clock_decides_in_the_order_of_the_design(void **state) {
        (void) state;
        assert_int_equal(seal_timing(10, 20, 0, 9), TIMING_NOT_YET_VALID);
        assert_int_equal(seal_timing(10, 20, 0, 10), TIMING_VALID);
        assert_int_equal(seal_timing(10, 20, 0, 20), TIMING_VALID);
        assert_int_equal(seal_timing(10, 20, 0, 21), TIMING_EXPIRED);
        assert_int_equal(seal_timing(10, 20, 15, 14), TIMING_VALID);
        assert_int_equal(seal_timing(10, 20, 15, 15), TIMING_SUPERSEDED);
        assert_int_equal(seal_timing(10, 20, 15, 21), TIMING_EXPIRED);
        assert_int_equal(seal_timing(10, 20, 5, 9), TIMING_NOT_YET_VALID);
}

static void assert_transitions(RequestKind kind,
                               const int next[REQUEST_STATE_MAX][REQUEST_OPERATION_MAX]) {
        for (RequestState from = 0; from < REQUEST_STATE_MAX; from++)
                for (RequestOperation op = 0; op < REQUEST_OPERATION_MAX; op++) {
                        RequestState to = REQUEST_STATE_MAX;
                        ErrorDetail detail = {};
                        int r = request_transition(kind, from, op, &to, &detail);

                        assert_int_equal(r, next[from][op] == NO ? SEAL_E_INVALID_STATE : 0);
                        assert_int_equal(to, next[from][op] == NO ? REQUEST_STATE_MAX
                                                                  : (RequestState) next[from][op]);
                        if (r != 0)
                                assert_non_null(strstr(detail.text, request_state_name(from)));
                }
}

static void every_request_operation_from_every_state(void **state) {
        static const int next[REQUEST_STATE_MAX][REQUEST_OPERATION_MAX] = {
                [REQUEST_APPLIED] = { REQUEST_APPROVED, REQUEST_REJECTED, REQUEST_CANCELLED, NO, NO,
                                      NO, NO, NO, REQUEST_EXPIRED },
                [REQUEST_APPROVED] = { NO, NO, REQUEST_CANCELLED, REQUEST_MAKING, NO, NO, NO,
                                       REQUEST_COMPLETED, REQUEST_EXPIRED },
                [REQUEST_MAKING] = { NO, NO, NO, NO, NO, NO, NO, NO, NO },
                [REQUEST_COMPLETED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO },
                [REQUEST_FAILED] = { NO, NO, REQUEST_CANCELLED, REQUEST_MAKING, NO, NO, NO,
                                     REQUEST_COMPLETED, NO },
                [REQUEST_REJECTED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO },
                [REQUEST_CANCELLED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO },
                [REQUEST_EXPIRED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO },
        };

        (void) state;
        for (RequestKind kind = 0; kind < KIND_COUNT; kind++)
                if (kind != KIND_USE)
                        assert_transitions(kind, next);
}

static void uses_are_signed_for_and_not_decided_about(void **state) {
        static const int next[REQUEST_STATE_MAX][REQUEST_OPERATION_MAX] = {
                [REQUEST_APPLIED] = { NO, NO, REQUEST_CANCELLED, NO, REQUEST_APPROVED,
                                      REQUEST_APPLIED, NO, NO, REQUEST_EXPIRED },
                [REQUEST_APPROVED] = { NO, NO, REQUEST_CANCELLED, NO, REQUEST_APPROVED,
                                       REQUEST_APPLIED, REQUEST_COMPLETED, NO, REQUEST_EXPIRED },
                [REQUEST_MAKING] = { NO, NO, NO, NO, NO, NO, NO, NO, NO },
                [REQUEST_COMPLETED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO },
                [REQUEST_FAILED] = { NO, NO, REQUEST_CANCELLED, NO, NO, NO, NO, NO, NO },
                [REQUEST_REJECTED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO },
                [REQUEST_CANCELLED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO },
                [REQUEST_EXPIRED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO },
        };

        (void) state;
        assert_transitions(KIND_USE, next);
}

static void kinds_do_what_the_table_allows(void **state) {
        (void) state;
        for (RequestKind kind = 0; kind < KIND_COUNT; kind++) {
                SealOperation op = request_kind_operation(kind);

                assert_int_equal(request_kind_from_name(request_kind_name(kind)), kind);
                assert_int_equal(request_kind_makes(kind), kind == KIND_MAKE || kind == KIND_RENEW);
                if (op < SEAL_OPERATION_MAX)
                        assert_true(seal_operation_facts(op)->requested);
        }
        for (SealOperation op = 0; op < SEAL_OPERATION_MAX; op++) {
                const SealOperationFacts *facts = seal_operation_facts(op);
                bool kind = false;

                for (RequestKind k = 0; k < KIND_COUNT; k++)
                        kind |= request_kind_operation(k) == op;
                assert_int_equal(facts->requested, kind);
                assert_true(facts->called || facts->requested);
        }
        assert_int_equal(request_kind_operation(KIND_REVOKE), SEAL_REVOKE);
        assert_int_equal(request_kind_operation(KIND_REVIEW), SEAL_OPERATION_MAX);
        assert_null(seal_operation_facts(SEAL_OPERATION_MAX));
}

static void the_refusal_names_what_is_allowed(void **state) {
        SealState to;
        ErrorDetail detail = {};

        (void) state;
        assert_int_equal(seal_transition(SEAL_DELIVERED, SEAL_SIGN, &to, &detail),
                         SEAL_E_INVALID_STATE);
        assert_string_equal(detail.text,
                            "The seal is delivered: Sign is not possible now, but Accept, Decline, "
                            "ReportLost, Surrender, Recertify, Amend, Revoke");
        assert_int_equal(seal_transition(SEAL_SUSPENDED, SEAL_SIGN, &to, &detail),
                         SEAL_E_SUSPENDED);
        assert_string_equal(detail.text, "The seal is suspended: Resume lets it sign again, "
                                         "Surrender takes it back");
}

static void words_lead_back_to_values(void **state) {
        (void) state;
        for (int i = SEPARATION_DUAL; i < SEPARATION_MAX; i++)
                assert_int_equal(separation_from_name(separation_name((Separation) i)), i);
        for (int i = 0; i < SEAL_STATE_MAX; i++)
                assert_int_equal(seal_state_from_name(seal_state_name((SealState) i)), i);
        for (int i = 0; i < REQUEST_STATE_MAX; i++)
                assert_int_equal(request_state_from_name(request_state_name((RequestState) i)), i);
        for (int i = 0; i < TIMING_MAX; i++)
                assert_true(seal_timing_name((SealTiming) i)[0] != '?');
        assert_int_equal(request_kind_from_name("sign"), -1);
        assert_int_equal(separation_from_name("none"), -1);
        assert_int_equal(separation_from_name(""), -1);
        assert_int_equal(seal_state_from_name("Active"), -1);
        assert_int_equal(request_state_from_name("open"), -1);
}

static void values_out_of_range_have_a_word_and_no_way(void **state) {
        SealState to;

        (void) state;
        assert_non_null(separation_name((Separation) 99));
        assert_non_null(seal_state_name((SealState) -1));
        assert_non_null(request_operation_name((RequestOperation) 99));
        assert_int_equal(seal_transition((SealState) 99, SEAL_SIGN, &to, NULL),
                         SEAL_E_INVALID_STATE);
}

static void open_requests_can_still_become_something(void **state) {
        (void) state;
        for (RequestState s = 0; s < REQUEST_STATE_MAX; s++)
                assert_int_equal(request_state_open(s), s <= REQUEST_MAKING || s == REQUEST_FAILED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_seal_operation_from_every_state),
                cmocka_unit_test(every_refusal_names_a_way_on),
                cmocka_unit_test(no_state_is_a_dead_end),
                cmocka_unit_test(what_has_expired_can_become_valid_again),
                cmocka_unit_test(what_was_surrendered_can_sign_again_one_day),
                cmocka_unit_test(the_clock_stops_four_operations),
                cmocka_unit_test(the_clock_decides_in_the_order_of_the_design),
                cmocka_unit_test(every_request_operation_from_every_state),
                cmocka_unit_test(uses_are_signed_for_and_not_decided_about),
                cmocka_unit_test(kinds_do_what_the_table_allows),
                cmocka_unit_test(the_refusal_names_what_is_allowed),
                cmocka_unit_test(words_lead_back_to_values),
                cmocka_unit_test(values_out_of_range_have_a_word_and_no_way),
                cmocka_unit_test(open_requests_can_still_become_something),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
