/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store.h"
#include "tests/unit/register.h"

static void before_initialize_the_installation_is_empty(void **state) {
        Register *r = *state;
        Installation installation;

        memset(&installation, 0xff, sizeof(installation));
        assert_int_equal(store_installation_load(r->store, &installation), 0);
        assert_int_equal(installation.phase, INIT_NONE);
        assert_int_equal(installation.authority.size, 0);
        assert_false(installation.owner_auth.set);
}

static Installation an_installation(void) {
        Installation installation = {
                .phase = INIT_DEFINED,
                .separation = SEPARATION_STRICT,
                .resident = true,
                .authority = { .publicArea = {
                                       .type = TPM2_ALG_ECC,
                                       .nameAlg = TPM2_ALG_SHA256,
                                       .parameters.eccDetail = {
                                               .symmetric.algorithm = TPM2_ALG_NULL,
                                               .scheme.scheme = TPM2_ALG_NULL,
                                               .curveID = TPM2_ECC_NIST_P256,
                                               .kdf.scheme = TPM2_ALG_NULL,
                                       },
                                       .unique.ecc.x = { .size = 32, .buffer = { 1, 2, 3 } },
                                       .unique.ecc.y = { .size = 32, .buffer = { 4, 5, 6 } },
                               } },
                .authority_private = { .size = 5, .buffer = { 9, 8, 7, 6, 5 } },
                .pcrs = { .bank = TPM2_ALG_SHA256, .mask = 0x85 },
                .profile = "default",
                .capacity = 64,
                .srk = { .size = 34, .name = { 0, 0x0b, 1 } },
                .owner_auth_ours = true,
                .lockout_auth_taken = true,
        };

        installation.authority.size = 1; /* not 0: there is one; marshalling counts it */
        assert_int_equal(secret_set(&installation.owner_auth, "a\0b", 3), 0);
        assert_int_equal(secret_set(&installation.lockout_auth, "", 0), 0);
        return installation;
}

static void an_installation_is_read_as_it_was_written(void **state) {
        Register *r = *state;
        Installation written = an_installation(), read;

        assert_int_equal(store_installation_save(r->store, &written), 0);
        register_reopen(r);
        assert_int_equal(store_installation_load(r->store, &read), 0);
        assert_int_equal(read.phase, INIT_DEFINED);
        assert_int_equal(read.separation, SEPARATION_STRICT);
        assert_true(read.resident && read.owner_auth_ours && read.lockout_auth_taken);
        assert_memory_equal(&read.authority.publicArea, &written.authority.publicArea,
                            sizeof(written.authority.publicArea));
        assert_int_equal(read.authority_private.size, 5);
        assert_memory_equal(read.authority_private.buffer, written.authority_private.buffer, 5);
        assert_memory_equal(&read.pcrs, &written.pcrs, sizeof(read.pcrs));
        assert_string_equal(read.profile, "default");
        assert_int_equal(read.capacity, 64);
        assert_memory_equal(&read.srk, &written.srk, sizeof(read.srk));
        assert_true(secret_equal(&read.owner_auth, &written.owner_auth));
        assert_true(read.lockout_auth.set);
        assert_int_equal(read.lockout_auth.size, 0);
        assert_false(read.owner_auth_old.set);
}

static void saving_again_replaces_what_was_there(void **state) {
        Register *r = *state;
        Installation installation = an_installation();

        assert_int_equal(store_installation_save(r->store, &installation), 0);
        installation.phase = INIT_COMPLETE;
        secret_wipe(&installation.owner_auth);
        assert_int_equal(store_installation_save(r->store, &installation), 0);
        assert_int_equal(store_installation_load(r->store, &installation), 0);
        assert_int_equal(installation.phase, INIT_COMPLETE);
        assert_false(installation.owner_auth.set);
}

static void values_beyond_their_bounds_are_tampering(void **state) {
        const char *const changes[] = {
                "UPDATE installation SET phase = 'done'",
                "UPDATE installation SET separation = 'triple'",
                "UPDATE installation SET resident = 2",
                "UPDATE installation SET capacity = -1",
                "UPDATE installation SET capacity = 1000000",
                "UPDATE installation SET profile = printf('%.*c', 65, 'x')",
                "UPDATE installation SET profile = CAST(x'ff' AS TEXT)",
                "UPDATE installation SET profile = CAST(x'610062' AS TEXT)",
                "UPDATE installation SET owner_auth = zeroblob(1025)",
                "UPDATE installation SET authority = zeroblob(5000)",
                "UPDATE installation SET authority = x'0002'",
                ("UPDATE installation SET authority_private ="
                 " CAST(authority_private || x'00' AS BLOB)"),
                "UPDATE installation SET srk = zeroblob(200)",
                "UPDATE installation SET pcr_bank = 65536",
                "UPDATE installation SET pcr_mask = 16777216",
        };
        Register *r = *state;
        Installation good = an_installation(), read = { .capacity = 5 };

        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                assert_int_equal(store_installation_save(r->store, &good), 0);
                register_tamper(r, changes[i]);
                register_open(r);
                if (store_installation_load(r->store, &read) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s was not found", changes[i]);
                assert_int_equal(read.capacity, 5);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(before_initialize_the_installation_is_empty),
                register_test(an_installation_is_read_as_it_was_written),
                register_test(saving_again_replaces_what_was_there),
                register_test(values_beyond_their_bounds_are_tampering),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
