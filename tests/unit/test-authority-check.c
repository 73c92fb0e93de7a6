/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority's tool signs nothing but what it has computed again: every way in which a daemon
 * could ask for more than it says (blind authority) is tried here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

/* sealctl is a program without an archive: its checker is built into this test. */
#include "client/challenge.c"
#include "policy/approval.h"
#include "policy/index.h"
#include "policy/ref.h"

#define REVOCATION_A 0x01812345U
#define REVOCATION_B 0x0199abcdU
#define LEDGER 0x01a00001U

typedef struct Message {
        uint8_t data[APPROVAL_BYTES_MAX];
        size_t size;
} Message;

static Bytes bytes_of(const Message *message) {
        return (Bytes){ message->data, message->size };
}

static MachineFacts machine_facts(void) {
        MachineFacts facts = { .profile = "default" };
        ErrorDetail detail = {};

        assert_int_equal(pcr_selection_parse("sha256:0,2,7", 15, &facts.values.selection, &detail),
                         0);
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                if (facts.values.selection.mask >> pcr & 1) {
                        facts.values.values[pcr].size = 32;
                        memset(facts.values.values[pcr].buffer, (int) pcr + 1, 32);
                }
        return facts;
}

static Message machine_message(const MachineFacts *facts, RefKind kind, const char *name) {
        TPM2B_DIGEST policy = {}, ref = {};
        Message message = {};
        Writer w = writer_over(message.data, sizeof(message.data));

        assert_int_equal(machine_state_policy(&facts->values, &policy), 0);
        assert_int_equal(policy_ref(kind, name, &ref), 0);
        approval_authorize_bytes(&policy, &ref, &w);
        message.size = w.used;
        return message;
}

static void assert_machine_refused(const MachineFacts *facts, Bytes bytes) {
        ErrorDetail detail = {};

        assert_int_equal(challenge_check_machine(facts, bytes, &detail), SEAL_E_APPROVAL_INVALID);
        assert_non_null(strstr(detail.text, "Refused to sign: "));
}

static void state_of_now_is_signed(void **state) {
        MachineFacts facts = machine_facts();
        Message message = machine_message(&facts, REF_PROFILE, "default");

        (void) state;
        assert_int_equal(challenge_check_machine(&facts, bytes_of(&message), NULL), 0);
}

static void other_pcr_values_are_refused(void **state) {
        MachineFacts facts = machine_facts(), other = machine_facts();

        (void) state;
        other.values.values[7].buffer[31] ^= 1;
        Message message = machine_message(&other, REF_PROFILE, "default");
        assert_machine_refused(&facts, bytes_of(&message));
}

static void other_profile_or_purpose_is_refused(void **state) {
        MachineFacts facts = machine_facts();
        Message profile = machine_message(&facts, REF_PROFILE, "kiosk");
        Message backup = machine_message(&facts, REF_BACKUP, "default");

        (void) state;
        assert_machine_refused(&facts, bytes_of(&profile));
        assert_machine_refused(&facts, bytes_of(&backup));
}

static void empty_selection_is_refused(void **state) {
        MachineFacts facts = machine_facts();

        (void) state;
        facts.values.selection.mask = 0;
        Message message = { .size = 64 };
        memset(message.data, 1, sizeof(message.data));
        assert_machine_refused(&facts, bytes_of(&message));
}

static void zero_policy_is_refused(void **state) {
        MachineFacts facts = machine_facts();
        Message message = machine_message(&facts, REF_PROFILE, "default");

        (void) state;
        memset(message.data, 0, 32);
        assert_machine_refused(&facts, bytes_of(&message));
}

static void other_sizes_are_refused(void **state) {
        MachineFacts facts = machine_facts();
        Message message = machine_message(&facts, REF_PROFILE, "default");

        (void) state;
        assert_int_equal(message.size, 64);
        assert_machine_refused(&facts, (Bytes){ message.data, 63 });
        assert_machine_refused(&facts, (Bytes){ message.data, 100 });
        assert_machine_refused(&facts, (Bytes){ message.data, 0 });
}

static IndexFacts index_facts(void) {
        IndexFacts facts = {
                .n_revocation = 2,
                .revocation = { REVOCATION_A, REVOCATION_B },
                .ledger = LEDGER,
        };
        EVP_PKEY *key = EVP_EC_gen("P-256");

        assert_non_null(key);
        assert_int_equal(challenge_authority_name(key, &facts.authority, NULL), 0);
        assert_int_equal(facts.authority.size, 34);
        EVP_PKEY_free(key);
        return facts;
}

typedef struct Write {
        IndexKind kind;
        TPM2_HANDLE handle;
        TPM2B_NAME authority;
        int32_t expiration;
        uint64_t bits;
        bool written; /* the Name of an index that was written before */
} Write;

static Message index_message(const Write *write) {
        TPMS_NV_PUBLIC public = {};
        TPM2B_NAME name = {};
        TPM2B_DIGEST cphash = {}, ref = {}, genesis = {};
        TPM2B_NONCE nonce = { .size = 32 };
        Message message = {};
        Writer w = writer_over(message.data, sizeof(message.data));

        memset(nonce.buffer, 0x5a, nonce.size);
        assert_int_equal(index_public(write->kind, write->handle, &write->authority, &public), 0);
        assert_int_equal(index_name(&public, write->written, &name), 0);
        if (write->kind == INDEX_REVOCATION) {
                assert_int_equal(cphash_nv_set_bits(&name, write->bits, &cphash), 0);
        } else {
                assert_int_equal(ledger_genesis(&write->authority, write->handle, &genesis), 0);
                genesis.buffer[0] ^= (uint8_t) write->bits;
                Bytes data = { genesis.buffer, genesis.size };
                assert_int_equal(cphash_nv_extend(&name, data, &cphash), 0);
        }
        RefKind ref_kind = write->kind == INDEX_REVOCATION ? REF_REVOCATION_INDEX
                                                           : REF_LEDGER_INDEX;
        assert_int_equal(policy_ref_handle(ref_kind, write->handle, &ref), 0);
        approval_signed_bytes(&nonce, write->expiration, &cphash, &ref, &w);
        message.size = w.used;
        return message;
}

static void assert_index_refused(const IndexFacts *facts, const Write *write) {
        Message message = index_message(write);
        ErrorDetail detail = {};
        TPM2_HANDLE handle = 0;

        assert_int_equal(challenge_check_index(facts, bytes_of(&message), &handle, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_non_null(strstr(detail.text, "Refused to sign: "));
        assert_int_equal(handle, 0);
}

static void first_writes_are_signed(void **state) {
        IndexFacts facts = index_facts();
        const Write writes[] = {
                { INDEX_REVOCATION, REVOCATION_A, facts.authority, 0, 0, false },
                { INDEX_REVOCATION, REVOCATION_B, facts.authority, 0, 0, false },
                { INDEX_LEDGER, LEDGER, facts.authority, 0, 0, false },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
                Message message = index_message(&writes[i]);
                TPM2_HANDLE handle = 0;
                assert_int_equal(message.size, 100);
                assert_int_equal(challenge_check_index(&facts, bytes_of(&message), &handle, NULL),
                                 0);
                assert_int_equal(handle, writes[i].handle);
        }
}

static void expirations_are_refused(void **state) {
        IndexFacts facts = index_facts();
        Write write = { INDEX_REVOCATION, REVOCATION_A, facts.authority, -1, 0, false };

        (void) state;
        assert_index_refused(&facts, &write); /* would give a reusable ticket */
        write.expiration = 60;
        assert_index_refused(&facts, &write);
}

static void other_values_are_refused(void **state) {
        IndexFacts facts = index_facts();
        Write write = { INDEX_REVOCATION, REVOCATION_A, facts.authority, 0, 1, false };

        (void) state;
        assert_index_refused(&facts, &write);
        write = (Write){ INDEX_LEDGER, LEDGER, facts.authority, 0, 1, false }; /* not genesis */
        assert_index_refused(&facts, &write);
        write = (Write){ INDEX_REVOCATION, REVOCATION_A, facts.authority, 0, 0, true };
        assert_index_refused(&facts, &write);
}

static void foreign_index_is_refused(void **state) {
        IndexFacts facts = index_facts();
        Write write = { INDEX_REVOCATION, 0x01800001U, facts.authority, 0, 0, false };

        (void) state;
        assert_index_refused(&facts, &write);
        write = (Write){ INDEX_REVOCATION, LEDGER, facts.authority, 0, 0, false };
        assert_index_refused(&facts, &write);
        facts.ledger = 0;
        write = (Write){ INDEX_LEDGER, 0, facts.authority, 0, 0, false };
        assert_index_refused(&facts, &write);
}

static void index_of_another_authority_is_refused(void **state) {
        IndexFacts facts = index_facts(), other = index_facts();
        const Write write = { INDEX_REVOCATION, REVOCATION_A, other.authority, 0, 0, false };

        (void) state;
        assert_index_refused(&facts, &write);
}

static void index_with_seals_does_not_start_from_zero_again(void **state) {
        IndexFacts facts = index_facts();
        const Write write = { INDEX_REVOCATION, REVOCATION_A, facts.authority, 0, 0, false };

        (void) state;
        facts.used[0] = 3;
        assert_index_refused(&facts, &write);
}

static void blank_cheques_are_refused(void **state) {
        IndexFacts facts = index_facts();
        const Write write = { INDEX_REVOCATION, REVOCATION_A, facts.authority, 0, 0, false };
        Message message = index_message(&write);
        TPM2_HANDLE handle = 0;

        (void) state;
        /* Without a nonce the signature could be replayed, without cpHash it fits any command. */
        assert_int_equal(
                challenge_check_index(&facts, (Bytes){ message.data + 32, 68 }, &handle, NULL),
                SEAL_E_APPROVAL_INVALID);
        memset(message.data + 36, 0, 32);
        assert_int_equal(challenge_check_index(&facts, bytes_of(&message), &handle, NULL),
                         SEAL_E_APPROVAL_INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(state_of_now_is_signed),
                cmocka_unit_test(other_pcr_values_are_refused),
                cmocka_unit_test(other_profile_or_purpose_is_refused),
                cmocka_unit_test(empty_selection_is_refused),
                cmocka_unit_test(zero_policy_is_refused),
                cmocka_unit_test(other_sizes_are_refused),
                cmocka_unit_test(first_writes_are_signed),
                cmocka_unit_test(expirations_are_refused),
                cmocka_unit_test(other_values_are_refused),
                cmocka_unit_test(foreign_index_is_refused),
                cmocka_unit_test(index_of_another_authority_is_refused),
                cmocka_unit_test(index_with_seals_does_not_start_from_zero_again),
                cmocka_unit_test(blank_cheques_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
