/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store.h"
#include "tests/unit/register.h"

static MachineState a_machine_state(uint8_t mark) {
        MachineState machine = {
                .profile = "default",
                .approval = {
                        .values.selection = { .bank = TPM2_ALG_SHA256, .mask = 1U << 0 | 1U << 23 },
                        .policy = { .size = 32, .buffer = { mark } },
                        .signature = { .sigAlg = TPM2_ALG_ECDSA },
                        .ticket = { .tag = TPM2_ST_VERIFIED,
                                    .hierarchy = TPM2_RH_OWNER,
                                    .digest = { .size = 64, .buffer = { 3, mark } } },
                },
                .approved = 77,
                .by = a_user(5, "user:admin"),
        };
        TPMS_SIGNATURE_ECDSA *ecdsa = &machine.approval.signature.signature.ecdsa;

        ecdsa->hash = TPM2_ALG_SHA256;
        ecdsa->signatureR = (TPM2B_ECC_PARAMETER){ .size = 32, .buffer = { 1, mark } };
        ecdsa->signatureS = (TPM2B_ECC_PARAMETER){ .size = 32, .buffer = { 2, mark } };
        machine.approval.values.values[0] = (TPM2B_DIGEST){ .size = 32, .buffer = { mark } };
        machine.approval.values.values[23] = (TPM2B_DIGEST){ .size = 32, .buffer = { 9 } };
        return machine;
}

static void machine_states_are_read_as_they_were_written(void **state) {
        Register *r = *state;
        MachineState first = a_machine_state(1), second = a_machine_state(2);
        _cleanup_free_ MachineState *found = NULL;
        size_t count = 0;

        assert_int_equal(store_machine_state_add(r->store, &first), 0);
        assert_int_equal(store_machine_state_add(r->store, &second), 0);
        register_reopen(r);
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, 2);
        assert_int_equal(found[0].id, second.id);
        assert_memory_equal(&found[0].approval.values, &second.approval.values,
                            sizeof(second.approval.values));
        assert_memory_equal(&found[0].approval.policy, &second.approval.policy,
                            sizeof(second.approval.policy));
        assert_memory_equal(&found[0].approval.ticket, &second.approval.ticket,
                            sizeof(second.approval.ticket));
        assert_memory_equal(&found[1].approval.signature.signature.ecdsa,
                            &first.approval.signature.signature.ecdsa,
                            sizeof(TPMS_SIGNATURE_ECDSA));
        assert_int_equal(found[1].approved, 77);
        assert_string_equal(found[1].by.text, "user:admin");
        assert_int_equal(found[1].by.id, 5);
}

static void the_same_state_again_replaces_the_older(void **state) {
        Register *r = *state;
        MachineState first = a_machine_state(1), second = a_machine_state(2),
                     again = a_machine_state(1);
        _cleanup_free_ MachineState *found = NULL;
        size_t count = 0;

        assert_int_equal(store_machine_state_add(r->store, &first), 0);
        assert_int_equal(store_machine_state_add(r->store, &second), 0);
        again.approved = 99;
        assert_int_equal(store_machine_state_add(r->store, &again), 0);
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, 2);
        assert_int_equal(found[0].approved, 99);
        assert_true(found[0].id > second.id);
        strcpy(again.profile, "other");
        assert_int_equal(store_machine_state_add(r->store, &again), 0);
        free(steal_ptr(found));
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, 3);
}

/* Who retired it, and why, was lost: the row had another id by then. */
static void a_state_approved_again_while_it_is_retired_is_retired(void **state) {
        Register *r = *state;
        MachineState first = a_machine_state(1), other = a_machine_state(2), again;
        _cleanup_free_ MachineState *found = NULL;
        size_t count = 0;

        first.approval.retire = (StateBit){ .index = { .handle = 0x01800009 }, .bit = 3 };
        other.approval.retire = (StateBit){ .index = { .handle = 0x01800009 }, .bit = 4 };
        again = first;
        index_add(r, 0x01800009, 0, 64, true);
        assert_int_equal(store_machine_state_add(r->store, &other), 0);
        assert_int_equal(store_machine_state_add(r->store, &first), 0);
        assert_int_equal(store_machine_state_add(r->store, &again), 0);
        first.retired = 88;
        first.retired_by = first.by;
        strcpy(first.retired_why, "a hole");
        assert_int_equal(store_machine_state_retire(r->store, &first), 0);
        assert_int_equal(first.id, again.id);
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, 2);
        assert_int_equal(found[0].id, again.id);
        assert_int_equal(found[0].retired, 88);
        assert_string_equal(found[0].retired_by.text, "user:admin");
        assert_string_equal(found[0].retired_why, "a hole");
        assert_int_equal(found[1].retired, 0);
        first.approval.retire.bit = 5;
        assert_int_equal(store_machine_state_retire(r->store, &first), SEAL_E_NOT_FOUND);
        assert_int_equal(first.id, again.id);
}

static void machine_states_fill(Register *r) {
        assert_int_equal(store_begin(r->store), 0);
        for (unsigned i = 0; i < MACHINE_STATES_MAX; i++) {
                MachineState machine = a_machine_state((uint8_t) i);

                assert_int_equal(store_machine_state_add(r->store, &machine), 0);
        }
        assert_int_equal(store_commit(r->store), 0);
}

/* After 64 updates of a machine nothing could be approved any more. */
static void the_oldest_machine_state_makes_room(void **state) {
        Register *r = *state;
        MachineState machine = a_machine_state(MACHINE_STATES_MAX);
        _cleanup_free_ MachineState *found = NULL;
        size_t count = 0;

        machine_states_fill(r);
        assert_int_equal(store_machine_state_add(r->store, &machine), 0);
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, MACHINE_STATES_MAX);
        assert_int_equal(found[0].id, machine.id);
        assert_int_equal(found[count - 1].approval.policy.buffer[0], 1);
        machine = a_machine_state(1); /* again: nothing has to go for it */
        assert_int_equal(store_machine_state_add(r->store, &machine), 0);
        free(steal_ptr(found));
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, MACHINE_STATES_MAX);
        assert_int_equal(found[count - 1].approval.policy.buffer[0], 2);
}

static void another_profiles_states_make_no_room(void **state) {
        Register *r = *state;
        MachineState machine = a_machine_state(0);

        machine_states_fill(r);
        strcpy(machine.profile, "other");
        assert_int_equal(store_machine_state_add(r->store, &machine), SEAL_E_LIMITS_EXCEEDED);
        assert_int_equal(machine.id, 0);
        assert_int_equal(store_machine_state_remove_all(r->store), 0);
        assert_int_equal(store_machine_state_add(r->store, &machine), 0);
}

static void damaged_approvals_are_tampering(void **state) {
        const char *const changes[] = {
                "UPDATE machine_state SET pcr_mask = 3 | 1 << 23",
                "UPDATE machine_state SET pcr_mask = 1 << 24",
                "UPDATE machine_state SET pcr_values = zeroblob(9000)",
                "UPDATE machine_state SET ticket = zeroblob(200)",
                "UPDATE machine_state SET signature = x'0018'",
                "UPDATE machine_state SET by_kind = 'robot'",
                "UPDATE machine_state SET by_id = 4294967296",
        };
        Register *r = *state;
        MachineState *found = NULL;
        size_t count = 0;

        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                MachineState machine = a_machine_state(1);

                assert_int_equal(store_machine_state_add(r->store, &machine), 0);
                register_tamper(r, changes[i]);
                register_open(r);
                if (store_machine_state_list(r->store, &found, &count) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s was not found", changes[i]);
                assert_null(found);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(machine_states_are_read_as_they_were_written),
                register_test(the_same_state_again_replaces_the_older),
                register_test(a_state_approved_again_while_it_is_retired_is_retired),
                register_test(the_oldest_machine_state_makes_room),
                register_test(another_profiles_states_make_no_room),
                register_test(damaged_approvals_are_tampering),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
