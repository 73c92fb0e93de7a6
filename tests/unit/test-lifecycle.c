/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/lifecycle.h"
#include "tests/unit/unit.h"

#define NO (-1)

/* Written out once more, as the design's table has it: rows are states, columns operations. */
static void every_seal_operation_from_every_state(void **state) {
        static const int after[SEAL_STATE_MAX][SEAL_OPERATION_MAX] = {
                [SEAL_MADE] = { SEAL_FILED, NO, NO, NO, NO, SEAL_REVOKED },
                [SEAL_FILED] = { NO, SEAL_DELIVERED, NO, NO, NO, SEAL_REVOKED },
                [SEAL_DELIVERED] = { NO, NO, SEAL_ACTIVE, SEAL_FILED, NO, SEAL_REVOKED },
                [SEAL_ACTIVE] = { NO, NO, NO, NO, SEAL_ACTIVE, SEAL_REVOKED },
                [SEAL_REVOKED] = { NO, NO, NO, NO, NO, NO },
        };

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
                        if (from == SEAL_REVOKED && op == SEAL_SIGN) {
                                assert_int_equal(r, SEAL_E_REVOKED);
                                continue;
                        }
                        assert_int_equal(r, SEAL_E_INVALID_STATE);
                        assert_non_null(strstr(detail.text, seal_state_name(from)));
                        assert_non_null(strstr(detail.text, seal_operation_name(op)));
                }
}

static void every_request_operation_from_every_state(void **state) {
        static const int after[REQUEST_STATE_MAX][REQUEST_OPERATION_MAX] = {
                [REQUEST_APPLIED] = { REQUEST_APPROVED, REQUEST_REJECTED, REQUEST_CANCELLED, NO },
                [REQUEST_APPROVED] = { NO, NO, REQUEST_CANCELLED, REQUEST_MAKING },
                [REQUEST_MAKING] = { NO, NO, NO, NO },
                [REQUEST_COMPLETED] = { NO, NO, NO, NO },
                [REQUEST_FAILED] = { NO, NO, REQUEST_CANCELLED, REQUEST_MAKING },
                [REQUEST_REJECTED] = { NO, NO, NO, NO },
                [REQUEST_CANCELLED] = { NO, NO, NO, NO },
                [REQUEST_EXPIRED] = { NO, NO, NO, NO },
        };

        (void) state;
        for (RequestState from = 0; from < REQUEST_STATE_MAX; from++)
                for (RequestOperation op = 0; op < REQUEST_OPERATION_MAX; op++) {
                        RequestState to = REQUEST_STATE_MAX;
                        ErrorDetail detail = {};
                        int r = request_transition(from, op, &to, &detail);

                        assert_int_equal(r, after[from][op] == NO ? SEAL_E_INVALID_STATE : 0);
                        assert_int_equal(to, after[from][op] == NO
                                                     ? REQUEST_STATE_MAX
                                                     : (RequestState) after[from][op]);
                        if (r != 0)
                                assert_non_null(strstr(detail.text, request_state_name(from)));
                }
}

static void the_refusal_names_what_is_allowed(void **state) {
        SealState to;
        ErrorDetail detail = {};

        (void) state;
        assert_int_equal(seal_transition(SEAL_DELIVERED, SEAL_SIGN, &to, &detail),
                         SEAL_E_INVALID_STATE);
        assert_string_equal(detail.text, "The seal is delivered: Sign is not possible now, but "
                                         "Accept, Decline, Revoke");
}

static void words_lead_back_to_values(void **state) {
        (void) state;
        for (int i = SEPARATION_DUAL; i < SEPARATION_MAX; i++)
                assert_int_equal(separation_from_name(separation_name((Separation) i)), i);
        for (int i = 0; i < SEAL_STATE_MAX; i++)
                assert_int_equal(seal_state_from_name(seal_state_name((SealState) i)), i);
        for (int i = 0; i < REQUEST_STATE_MAX; i++)
                assert_int_equal(request_state_from_name(request_state_name((RequestState) i)), i);
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
                cmocka_unit_test(every_request_operation_from_every_state),
                cmocka_unit_test(the_refusal_names_what_is_allowed),
                cmocka_unit_test(words_lead_back_to_values),
                cmocka_unit_test(values_out_of_range_have_a_word_and_no_way),
                cmocka_unit_test(open_requests_can_still_become_something),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
