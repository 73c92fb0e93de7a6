/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "sealsd/approval-set.h"

#define PROFILE "default"

static const PcrSelection pcrs = { TPM2_ALG_SHA256, 1U << 7 };

/* handle 0: it cannot be retired. */
static MachineState state_of(uint64_t id, uint8_t value, TPM2_HANDLE handle, unsigned bit) {
        MachineState state = { .id = id, .profile = PROFILE };

        state.approval.values.selection = pcrs;
        state.approval.values.values[7] = (TPM2B_DIGEST){ .size = 32, .buffer = { value } };
        state.approval.retire.index = (TpmIndex){ .kind = INDEX_STATE, .handle = handle };
        state.approval.retire.bit = bit;
        return state;
}

static ApprovalSet *set_of(const MachineState *states, size_t count) {
        ApprovalSet *set = NULL;

        assert_int_equal(approval_set_new(&set, states, count, PROFILE, &pcrs), 0);
        set->next.index = (TpmIndex){ .kind = INDEX_STATE, .handle = 0x01800001 };
        set->next.bit = 9;
        return set;
}

static void a_state_that_counts_keeps_its_bit_and_others_get_the_next(void **state) {
        const MachineState states[] = { state_of(4, 1, 0x01800001, 3), state_of(2, 2, 0, 0) };
        MachineApproval same = states[0].approval, old = states[1].approval,
                        other = state_of(0, 3, 0, 0).approval;
        ApprovalSet *set = set_of(states, 2);
        TPM2B_DIGEST plain;

        (void) state;
        assert_int_equal(approval_set_place(set, &same, NULL), 0);
        assert_int_equal(same.retire.bit, 3);
        assert_int_equal(approval_set_place(set, &other, NULL), 0);
        assert_int_equal(other.retire.bit, 9);
        /* One from before the index gets a bit too. */
        assert_int_equal(machine_approval_policy(&old, &plain), 0);
        assert_int_equal(approval_set_place(set, &old, NULL), 0);
        assert_int_equal(old.retire.bit, 9);
        assert_memory_not_equal(old.policy.buffer, plain.buffer, 32);
        (void) approval_set_unref(set);
}

static void a_retired_state_neither_counts_nor_keeps_its_bit(void **state) {
        MachineState states[] = { state_of(4, 1, 0x01800001, 3) };
        MachineApproval again = states[0].approval;
        uint32_t differing = 0;

        (void) state;
        states[0].retired = 77;
        ApprovalSet *set = set_of(states, 1);
        assert_int_equal(set->count, 0);
        assert_false(approval_set_match(set, &again.values, &differing));
        assert_int_equal(approval_set_id(set, &again.values), 0);
        assert_int_equal(approval_set_retired(set, &again.values)->retired, 77);
        assert_int_equal(approval_set_place(set, &again, NULL), 0);
        assert_int_equal(again.retire.bit, 9);
        (void) approval_set_unref(set);
}

static void a_state_that_was_approved_again_is_not_retired(void **state) {
        MachineState states[] = { state_of(5, 1, 0x01800001, 4), state_of(4, 1, 0x01800001, 3) };

        (void) state;
        states[1].retired = 77;
        ApprovalSet *set = set_of(states, 2);
        assert_null(approval_set_retired(set, &states[0].approval.values));
        assert_int_equal(approval_set_id(set, &states[0].approval.values), 5);
        (void) approval_set_unref(set);
}

static void without_a_bit_left_only_states_that_have_one_are_placed(void **state) {
        const MachineState states[] = { state_of(4, 1, 0x01800001, 63) };
        MachineApproval same = states[0].approval, other = state_of(0, 3, 0, 0).approval;
        ApprovalSet *set = set_of(states, 1);
        ErrorDetail detail = {};

        (void) state;
        set->next = (StateBit){};
        set->full = true;
        assert_int_equal(approval_set_place(set, &same, NULL), 0);
        assert_int_equal(approval_set_place(set, &other, &detail), SEAL_E_CAPACITY_EXHAUSTED);
        assert_non_null(strstr(detail.text, "--machine-states"));
        (void) approval_set_unref(set);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_state_that_counts_keeps_its_bit_and_others_get_the_next),
                cmocka_unit_test(a_retired_state_neither_counts_nor_keeps_its_bit),
                cmocka_unit_test(a_state_that_was_approved_again_is_not_retired),
                cmocka_unit_test(without_a_bit_left_only_states_that_have_one_are_placed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
