/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "sealsd/store.h"
#include "tests/unit/stored-seal.h"

static void act_fill(Act *act, uint32_t uid, uint64_t time) {
        *act = (Act){ .by = a_user(uid, "user:somebody"), .time = time };
}

static Seal a_full_seal(void) {
        Seal seal = a_seal(7);

        seal.state = SEAL_REVOKED;
        seal.revocation_pending = true;
        seal.use_count = 3;
        strcpy(seal.facts.country, "CN");
        strcpy(seal.facts.organization_identifier, "91110000MA00000000");
        seal.facts.picture = (PictureFacts){
                .type = "png",
                .sha256 = { 1, 2, 3 },
                .width = 42,
                .height = 30,
        };
        strcpy(seal.filing.number, "2026-17");
        strcpy(seal.filing.authority, "Registry");
        seal.filing.filed = 4;
        seal.filing.document_count = 1;
        strcpy(seal.filing.documents[0].title, "receipt");
        seal.filing.documents[0].hash_size = 32;
        act_fill(&seal.made, 1, 11);
        act_fill(&seal.filed, 2, 12);
        act_fill(&seal.delivered, 3, 13);
        act_fill(&seal.accepted, 4, 14);
        act_fill(&seal.revoked, 5, 15);
        strcpy(seal.revocation_reason, "lost");
        seal.named_keeper = a_user(9, "user:named");
        seal.public.publicArea = (TPMT_PUBLIC){
                .type = TPM2_ALG_ECC,
                .nameAlg = TPM2_ALG_SHA256,
                .parameters.eccDetail = { .symmetric.algorithm = TPM2_ALG_NULL,
                                          .scheme.scheme = TPM2_ALG_NULL,
                                          .curveID = TPM2_ECC_NIST_P256,
                                          .kdf.scheme = TPM2_ALG_NULL },
                .unique.ecc = { .x = { .size = 32, .buffer = { 1 } },
                                .y = { .size = 32, .buffer = { 2 } } },
        };
        seal.public.size = 86; /* of the area above as it is marshalled */
        seal.private = (TPM2B_PRIVATE){ .size = 3, .buffer = { 7, 8, 9 } };
        return seal;
}

static void a_seal_is_read_as_it_was_written(void **state) {
        Register *r = *state;
        Seal written = a_full_seal();

        stored_seals_prepare(r);
        assert_int_equal(store_seal_add(r->store, &written), 0);
        register_reopen(r);
        Seal read = stored_seal_get(r, written.number);
        read.public.size = written.public.size;
        assert_memory_equal(&read, &written, sizeof(read));
}

static Seal a_guarded_seal(void) {
        Seal seal = a_full_seal();

        seal.facts.pin = true;
        seal.facts.approver_count = 2;
        seal.facts.threshold = 1;
        seal.facts.approvers[0] = (Approver){ .subject = a_user(4, "user:four"), .pem = "one" };
        seal.facts.approvers[1] = (Approver){ .subject = a_user(3, "user:three"), .pem = "two" };
        seal.birth.hash = (TPM2B_DIGEST){ .size = 32, .buffer = { 5 } };
        seal.birth.ticket = (TPMT_TK_CREATION){ .tag = TPM2_ST_CREATION,
                                                .hierarchy = TPM2_RH_OWNER,
                                                .digest = { .size = 32, .buffer = { 6 } } };
        return seal;
}

static void pin_approvers_and_birth_are_read_as_they_were_written(void **state) {
        Register *r = *state;
        Seal written = a_guarded_seal();

        stored_seals_prepare(r);
        assert_int_equal(store_seal_add(r->store, &written), 0);
        register_reopen(r);
        Seal read = stored_seal_get(r, written.number);
        read.public.size = written.public.size;
        assert_memory_equal(&read, &written, sizeof(read));
}

static void approvers_that_do_not_fit_the_threshold_are_tampering(void **state) {
        const char *const changes[] = {
                "UPDATE seal_policy SET threshold = 3",
                "UPDATE seal_policy SET threshold = 0",
                "UPDATE seal_policy SET pin = 2",
                "DELETE FROM approver WHERE ordinal = 0",
                "DELETE FROM seal_policy",
        };
        Register *r = *state;
        Seal written = a_guarded_seal(), read;

        stored_seals_prepare(r);
        assert_int_equal(store_seal_add(r->store, &written), 0);
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                register_tamper(r, changes[i]);
                register_open(r);
                assert_int_equal(store_seal_get(r->store, written.number, &read),
                                 SEAL_E_REGISTER_TAMPERED);
                register_tamper(r, "DELETE FROM approver; DELETE FROM seal_policy;"
                                   "INSERT INTO seal_policy VALUES (1, 1, 1);"
                                   "INSERT INTO approver VALUES"
                                   " (1, 1, 0, 'user:four', 'user', 4, 'one'),"
                                   " (2, 1, 1, 'user:three', 'user', 3, 'two');");
                register_open(r);
                assert_int_equal(store_seal_get(r->store, written.number, &read), 0);
        }
}

static void the_auth_of_a_birth_is_kept_until_it_is_erased(void **state) {
        Register *r = *state;
        Secret auth = {}, read = {};

        stored_seals_prepare(r);
        Seal seal = stored_seal_add(r, 1);
        assert_int_equal(store_birth_auth_get(r->store, seal.number, &read), SEAL_E_NOT_FOUND);
        assert_int_equal(secret_random(&auth, BIRTH_AUTH_SIZE - 1), 0);
        assert_int_equal(store_birth_auth_set(r->store, seal.number, &auth), -EINVAL);
        assert_int_equal(secret_random(&auth, BIRTH_AUTH_SIZE), 0);
        assert_int_equal(store_birth_auth_set(r->store, seal.number, &auth), 0);
        register_reopen(r);
        assert_int_equal(store_birth_auth_get(r->store, seal.number, &read), 0);
        assert_true(secret_equal(&auth, &read));
        assert_int_equal(store_birth_auth_erase(r->store, seal.number), 0);
        assert_int_equal(store_birth_auth_get(r->store, seal.number, &read), SEAL_E_NOT_FOUND);
}

static void a_number_and_a_bit_are_one_seals(void **state) {
        Register *r = *state;
        uint64_t count = 0;

        stored_seals_prepare(r);
        (void) stored_seal_add(r, 1);
        Seal again = a_seal(1);
        again.bit = 2;
        assert_int_equal(store_seal_add(r->store, &again), SEAL_E_ALREADY_EXISTS);
        again = a_seal(2);
        again.bit = 1;
        assert_int_equal(store_seal_add(r->store, &again), SEAL_E_ALREADY_EXISTS);
        assert_int_equal(store_seal_count(r->store, &count), 0);
        assert_int_equal(count, 1);
        assert_int_equal(store_seal_get(r->store, "00000000000002", &again), SEAL_E_NOT_FOUND);
}

static void a_seal_needs_its_request_and_its_index(void **state) {
        Register *r = *state;
        Seal seal = a_seal(1);

        stored_seals_prepare(r);
        seal.request = 99;
        assert_int_equal(store_seal_add(r->store, &seal), SEAL_E_STORAGE_FAILURE);
        seal = a_seal(1);
        seal.index++;
        assert_int_equal(store_seal_add(r->store, &seal), SEAL_E_STORAGE_FAILURE);
        (void) stored_seal_add(r, 1); /* nothing was left of the two */
        assert_int_equal(store_index_remove_all(r->store), SEAL_E_STORAGE_FAILURE);
}

static void what_a_seal_is_does_not_change(void **state) {
        Register *r = *state;

        stored_seals_prepare(r);
        Seal seal = stored_seal_add(r, 7), changed = a_full_seal();
        changed.request = 9;
        changed.bit = 9;
        changed.created = 9;
        changed.use_count = 9;
        changed.separation = SEPARATION_SINGLE;
        strcpy(changed.facts.name, "Other");
        assert_int_equal(store_seal_update(r->store, &changed), 0);
        Seal read = stored_seal_get(r, seal.number);
        assert_int_equal(read.request, 1);
        assert_int_equal(read.bit, 7);
        assert_int_equal(read.created, 1000);
        assert_int_equal(read.use_count, 0);
        assert_int_equal(read.separation, SEPARATION_DUAL);
        assert_string_equal(read.facts.name, "Acme");
        assert_int_equal(read.state, SEAL_REVOKED);
        assert_true(read.revocation_pending);
        assert_string_equal(read.revocation_reason, "lost");
        assert_string_equal(read.filing.documents[0].title, "receipt");
        assert_int_equal(read.private.size, 3);
        strcpy(changed.number, "00000000000099");
        assert_int_equal(store_seal_update(r->store, &changed), SEAL_E_NOT_FOUND);
}

#define SEALED(change) "UPDATE seal SET sealed = CAST(json_set(sealed, " change ") AS BLOB)"

static void damaged_seals_are_tampering(void **state) {
        const char *const changes[] = {
                "UPDATE seal SET state = 'fine'",
                "UPDATE seal SET separation = 'none'",
                "UPDATE seal SET sealed = CAST('[]' AS BLOB)",
                SEALED("'$.facts', json('[]')"),
                SEALED("'$.filing-documents', json('{}')"),
                SEALED("'$.filing-documents', json('[{}]')"),
                SEALED("'$.private', 'ffff'"),
                SEALED("'$.private', 7"),
                "UPDATE seal SET sealed = CAST(sealed || x'00' AS BLOB)",
                "UPDATE seal SET sealed = zeroblob(600000)",
                "UPDATE seal SET version = -1",
                "UPDATE seal SET purposes = 8",
                "UPDATE seal SET suspended_login = -1",
                "DELETE FROM seal_use",
                "UPDATE seal SET public = zeroblob(3000)",
                "UPDATE seal SET profile = printf('%.*c', 65, 'x')",
                "UPDATE seal SET revocation_reason = printf('%.*c', 1025, 'x')",
                "UPDATE seal SET named_text = printf('%.*c', 65, 'x')",
                "UPDATE seal SET made_time = -1",
                "UPDATE seal SET nv_index = nv_index + 4294967296",
        };
        Register *r = *state;
        Seal seal;

        stored_seals_prepare(r);
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                (void) stored_seal_add(r, 1);
                register_tamper(r, changes[i]);
                register_open(r);
                if (store_seal_get(r->store, "00000000000001", &seal) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s was not found", changes[i]);
                register_tamper(r, "DELETE FROM keeper; DELETE FROM seal_use; DELETE FROM seal");
                register_open(r);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(a_seal_is_read_as_it_was_written),
                register_test(pin_approvers_and_birth_are_read_as_they_were_written),
                register_test(approvers_that_do_not_fit_the_threshold_are_tampering),
                register_test(the_auth_of_a_birth_is_kept_until_it_is_erased),
                register_test(a_number_and_a_bit_are_one_seals),
                register_test(a_seal_needs_its_request_and_its_index),
                register_test(what_a_seal_is_does_not_change),
                register_test(damaged_seals_are_tampering),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
