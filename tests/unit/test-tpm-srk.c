/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/algorithm.h"
#include "tests/fixture/chip.h"
#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/hierarchy.h"
#include "tpm/key.h"
#include "tpm/session.h"
#include "tpm/srk.h"

static Secret secret_of(const char *text) {
        Secret secret = {};

        assert_int_equal(secret_set(&secret, text, strlen(text)), 0);
        return secret;
}

static void persistent_evict(Chip *chip) {
        ESYS_TR tr = chip->tpm->srk.tr, none;

        assert_int_equal(Esys_EvictControl(chip->tpm->esys, ESYS_TR_RH_OWNER, tr, ESYS_TR_PASSWORD,
                                           ESYS_TR_NONE, ESYS_TR_NONE, SRK_HANDLE, &none),
                         0);
        chip->tpm->srk = (TpmHandle){};
}

/*
 * Another program's doing, behind the back of our connection; template NULL: nothing in its place.
 */
static void srk_replace(Chip *chip, const TPM2B_PUBLIC *template) {
        const TPM2B_SENSITIVE_CREATE sensitive = {};
        const TPM2B_DATA outside = {};
        const TPML_PCR_SELECTION pcrs = {};
        ESYS_TR old, primary, persistent;
        ESYS_CONTEXT *esys = NULL;

        assert_int_equal(Esys_Initialize(&esys, chip->tpm->tcti, NULL), 0);
        assert_int_equal(Esys_TR_FromTPMPublic(esys, SRK_HANDLE, NO_SESSIONS, &old), 0);
        assert_int_equal(Esys_EvictControl(esys, ESYS_TR_RH_OWNER, old, ESYS_TR_PASSWORD,
                                           ESYS_TR_NONE, ESYS_TR_NONE, SRK_HANDLE, &persistent),
                         0);
        if (template) {
                assert_int_equal(Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
                                                    ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                                                    template, &outside, &pcrs, &primary, NULL, NULL,
                                                    NULL, NULL),
                                 0);
                assert_int_equal(Esys_EvictControl(esys, ESYS_TR_RH_OWNER, primary,
                                                   ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                                   SRK_HANDLE, &persistent),
                                 0);
                assert_int_equal(Esys_FlushContext(esys, primary), 0);
        }
        Esys_Finalize(&esys);
}

/* A storage key; with unique other than zero it is another one than ours. */
static TPM2B_PUBLIC storage_template(TPMA_OBJECT attributes, uint8_t unique) {
        return (TPM2B_PUBLIC){
                .publicArea = {
                        .type = TPM2_ALG_ECC,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                            TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
                                            TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT |
                                            attributes,
                        .parameters.eccDetail = {
                                .symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,
                                               .mode.aes = TPM2_ALG_CFB },
                                .scheme.scheme = TPM2_ALG_NULL,
                                .curveID = TPM2_ECC_NIST_P256,
                                .kdf.scheme = TPM2_ALG_NULL,
                        },
                        .unique.ecc = {
                                .x = { .size = 32, .buffer = { unique } },
                                .y.size = 32,
                        },
                },
        };
}

#define SRK_ATTRIBUTES (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT)
#define KEY_ATTRIBUTES (SRK_ATTRIBUTES | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH)

static void describes_the_chip(void **state) {
        Chip *chip = *state;
        char text[64];

        assert_int_equal(tpm_describe(chip->tpm, text, sizeof(text), NULL), 0);
        assert_string_equal(text, "IBM SW TPM 8217.4131");
        assert_string_equal(tpm_tcti(chip->tpm), chip->swtpm.tcti);
}

static void sessions_demand_an_srk(void **state) {
        Chip *chip = *state;
        TpmHandle session = {};

        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, NULL),
                         -ENOKEY);
}

static void srk_is_created_once_and_found_again(void **state) {
        Chip *chip = *state;
        TPM2B_NAME first = {}, second = {};

        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, &first, NULL), 0);
        assert_int_equal(first.size, 34);
        chip_assert_empty(chip);
        chip_reconnect(chip);
        assert_int_equal(tpm_srk_ensure(chip->tpm, &first, NULL, &second, NULL), 0);
        assert_memory_equal(first.name, second.name, 34);
}

static void srk_of_another_name_is_refused(void **state) {
        Chip *chip = *state;
        TPM2B_NAME other = {};
        ErrorDetail detail = {};

        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, &other, NULL), 0);
        other.name[5] ^= 1;
        assert_int_equal(tpm_srk_ensure(chip->tpm, &other, NULL, NULL, &detail),
                         SEAL_E_REGISTER_TAMPERED);
        assert_non_null(strstr(detail.text, "storage root key"));
}

static void srk_of_another_name_is_not_made_persistent(void **state) {
        Chip *chip = *state;
        TPM2B_NAME other = { .size = 34 };
        TpmHandle handle = {};

        assert_int_equal(tpm_srk_ensure(chip->tpm, &other, NULL, NULL, NULL),
                         SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(tpm_handle_open(chip->tpm, SRK_HANDLE, &handle, NULL), 0);
        assert_null(handle.tpm);
}

static void srk_is_created_with_an_owner_auth(void **state) {
        Chip *chip = *state;
        Secret right = secret_of("owner"), wrong = secret_of("thief");
        TPM2B_NAME name = {}, again = {};

        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, &name, NULL), 0);
        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, NULL, &right, NULL), 0);
        assert_int_equal(tpm_auth_lend(&(TpmAuth){}, chip->tpm, ESYS_TR_RH_OWNER, &right, NULL), 0);
        persistent_evict(chip);
        tpm_auth_revoke(&(TpmAuth){ .tpm = chip->tpm, .tr = ESYS_TR_RH_OWNER });

        assert_int_equal(tpm_srk_ensure(chip->tpm, &name, &wrong, NULL, NULL), SEAL_E_WRONG_PIN);
        assert_int_equal(tpm_srk_ensure(chip->tpm, &name, NULL, NULL, NULL), SEAL_E_WRONG_PIN);
        chip_assert_empty(chip);
        assert_int_equal(tpm_srk_ensure(chip->tpm, &name, &right, &again, NULL), 0);
        assert_memory_equal(name.name, again.name, 34);
}

/* A key that anybody could have made elsewhere: no fixedTPM. */
static void srk_of_another_template_is_refused(void **state) {
        const TPM2B_PUBLIC template = storage_template(0, 0);
        ErrorDetail detail = {};
        Chip *chip = *state;

        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, NULL, NULL), 0);
        srk_replace(chip, &template);
        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, NULL, &detail), SEAL_E_UNSUPPORTED);
        assert_non_null(strstr(detail.text, "0x81000001"));
}

static void known_srk_is_not_asked_for_again(void **state) {
        TPM2B_NAME name = {}, again = {};
        Chip *chip = *state;

        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, &name, NULL), 0);
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_srk_ensure(chip->tpm, &name, NULL, &again, NULL), 0);
        assert_int_equal(chip->wire.commands, 0);
        assert_memory_equal(name.name, again.name, 34);
        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, NULL, NULL), 0);
        assert_int_not_equal(chip->wire.commands, 0); /* nothing pins it */
}

static void replaced_srk_is_not_blamed_on_an_authorisation(void **state) {
        const TPM2B_PUBLIC other = storage_template(SRK_ATTRIBUTES, 1);
        const TPM2B_PUBLIC key = algorithm_template(algorithm_find("ecdsa-p256"), KEY_ATTRIBUTES,
                                                    NULL);
        TPM2B_PRIVATE private;
        TPM2B_PUBLIC public;
        TPM2B_NAME name = {};
        ErrorDetail detail = {};
        Chip *chip = *state;

        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, &name, NULL), 0);
        srk_replace(chip, &other);
        assert_int_equal(tpm_srk_ensure(chip->tpm, &name, NULL, NULL, NULL), 0);
        assert_int_equal(tpm_key_create(chip->tpm, &key, NULL, &public, &private, &detail),
                         SEAL_E_TPM_UNAVAILABLE);
        assert_non_null(strstr(detail.text, "removed or replaced the storage root key"));
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_OWNER, NULL, NULL),
                         SEAL_E_TPM_UNAVAILABLE);
        chip_assert_empty(chip);
        chip_reconnect(chip);
        assert_int_equal(tpm_srk_ensure(chip->tpm, &name, NULL, NULL, NULL),
                         SEAL_E_REGISTER_TAMPERED);
}

static void removed_srk_is_made_again_by_a_new_connection(void **state) {
        ErrorDetail detail = {};
        TpmHandle session = {};
        TPM2B_NAME name = {};
        Chip *chip = *state;

        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, &name, NULL), 0);
        srk_replace(chip, NULL);
        assert_int_equal(tpm_srk_ensure(chip->tpm, &name, NULL, NULL, NULL), 0);
        assert_int_equal(
                tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, &detail),
                SEAL_E_TPM_UNAVAILABLE);
        assert_non_null(strstr(detail.text, "try again"));
        chip_reconnect(chip);
        assert_memory_equal(chip->srk.name, name.name, 34);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, NULL),
                         0);
        tpm_handle_close(&session);
}

static void auth_that_no_chip_can_hold_is_too_large(void **state) {
        Secret secret = {};
        TPM2B_AUTH value;

        (void) state;
        assert_int_equal(secret_random(&secret, 65), 0);
        secret.data[64] = 1;
        assert_int_equal(tpm_auth_value(&secret, &value, NULL), SEAL_E_LIMITS_EXCEEDED);
        secret.data[64] = 0; /* a trailing zero does not count */
        assert_int_equal(tpm_auth_value(&secret, &value, NULL), 0);
}

/* The first answer to TPM2_ReadPublic gets another point, whose secret the interposer knows. */
static void alter_point(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        bool *done = wire->userdata;

        if (command != TPM2_CC_ReadPublic || *done)
                return;
        assert_true(size > 40);
        answer[40] ^= 1;
        *done = true;
}

static void salt_goes_to_no_other_key_than_the_checked_one(void **state) {
        Chip *chip = *state;
        TPM2B_NAME name = {};
        ErrorDetail detail = {};
        bool done = false;

        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, &name, NULL), 0);
        tpm_handle_close(&chip->tpm->srk);
        chip->wire.answered = alter_point;
        chip->wire.userdata = &done;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_srk_ensure(chip->tpm, &name, NULL, NULL, &detail),
                         SEAL_E_REGISTER_TAMPERED);
        assert_true(done);
        assert_non_null(strstr(detail.text, "two different public areas"));
}

/* Bare, so that the bootstrap's own session is on the wire too. */
static void owner_auth_of_the_bootstrap_stays_off_the_wire(void **state) {
        Chip *chip = *state;
        Secret auth = secret_of("owner-of-this-chip");

        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, NULL, NULL), 0);
        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, NULL, &auth, NULL), 0);
        assert_int_equal(tpm_auth_lend(&(TpmAuth){}, chip->tpm, ESYS_TR_RH_OWNER, &auth, NULL), 0);
        persistent_evict(chip);
        tpm_auth_revoke(&(TpmAuth){ .tpm = chip->tpm, .tr = ESYS_TR_RH_OWNER });
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, &auth, NULL, NULL), 0);
        assert_true(chip->wire.commands > 5);
        assert_false(wire_saw(&chip->wire, auth.data, auth.size));
}

static void a_lost_chip_is_unavailable(void **state) {
        Chip *chip = *state;
        ErrorDetail detail = {};
        char text[64];

        swtpm_power_off(&chip->swtpm);
        assert_int_equal(tpm_describe(chip->tpm, text, sizeof(text), &detail),
                         SEAL_E_TPM_UNAVAILABLE);
        swtpm_power_on(&chip->swtpm);
        chip_reconnect(chip);
        assert_int_equal(tpm_describe(chip->tpm, text, sizeof(text), NULL), 0);
}

static void a_bare_chip_is_started(void **state) {
        Chip *chip = *state;

        chip->tpm = tpm_free(chip->tpm);
        chip->swtpm.unstarted = true;
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
}

/* A connection that broke flushes nothing: its keys and sessions stay in a bare chip. */
static void leftovers_of_a_broken_connection_are_flushed(void **state) {
        const TPM2B_PUBLIC template = algorithm_template(algorithm_find("ecdsa-p256"),
                                                         KEY_ATTRIBUTES, NULL);
        TPM2B_PRIVATE private;
        TPM2B_PUBLIC public;
        Chip *chip = *state;

        assert_int_equal(tpm_srk_ensure(chip->tpm, NULL, NULL, NULL, NULL), 0);
        assert_int_equal(tpm_key_create(chip->tpm, &template, NULL, &public, &private, NULL), 0);
        for (int i = 0; i < 3; i++) {
                TpmHandle session = {}, key = {};

                assert_int_equal(
                        tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, NULL),
                        0);
                assert_int_equal(tpm_key_load(chip->tpm, &session, &public, &private, &key, NULL),
                                 0);
                chip_reconnect(chip); /* the handles are lost */
                chip_assert_empty(chip);
        }
}

static void only_bare_chips_are_ours_alone(void **state) {
        static const char *const direct[] = { "swtpm",
                                              "swtpm:path=/run/tpm",
                                              "mssim:port=2321",
                                              "device:/dev/tpm0",
                                              "device:/dev/tpm12",
                                              "pcap:device:/dev/tpm0",
                                              "/usr/lib/libtap.so:swtpm:path=/run/tpm" };
        static const char *const shared[] = { "",
                                              "tabrmd",
                                              "tabrmd:bus_type=session",
                                              "device",
                                              "device:",
                                              "device:/dev/tpm",
                                              "device:/dev/tpmrm0",
                                              "pcap:tabrmd:",
                                              "pcap:device:/dev/tpmrm0",
                                              "device:/dev/tpm0x",
                                              "cmd:tpm2_send",
                                              "swtpmx:" };

        (void) state;
        for (size_t i = 0; i < sizeof(direct) / sizeof(direct[0]); i++)
                assert_true(tcti_is_direct(direct[i]));
        for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
                assert_false(tcti_is_direct(shared[i]));
}

static void no_chip_is_unavailable(void **state) {
        ErrorDetail detail = {};
        Tpm *tpm = NULL;

        (void) state;
        assert_int_equal(tpm_new(&tpm, "swtpm:path=/nonexistent/tpm", &detail),
                         SEAL_E_TPM_UNAVAILABLE);
        assert_null(tpm);
        assert_non_null(strstr(detail.text, "cannot be reached"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define BARE(test) cmocka_unit_test_setup_teardown(test, chip_setup_bare, chip_teardown)
                BARE(describes_the_chip),
                BARE(sessions_demand_an_srk),
                BARE(srk_is_created_once_and_found_again),
                BARE(srk_of_another_name_is_refused),
                BARE(srk_of_another_name_is_not_made_persistent),
                BARE(srk_is_created_with_an_owner_auth),
                BARE(srk_of_another_template_is_refused),
                BARE(salt_goes_to_no_other_key_than_the_checked_one),
                BARE(owner_auth_of_the_bootstrap_stays_off_the_wire),
                BARE(a_lost_chip_is_unavailable),
                BARE(known_srk_is_not_asked_for_again),
                BARE(replaced_srk_is_not_blamed_on_an_authorisation),
                BARE(removed_srk_is_made_again_by_a_new_connection),
                BARE(a_bare_chip_is_started),
                BARE(leftovers_of_a_broken_connection_are_flushed),
#undef BARE
                cmocka_unit_test(auth_that_no_chip_can_hold_is_too_large),
                cmocka_unit_test(only_bare_chips_are_ours_alone),
                cmocka_unit_test(no_chip_is_unavailable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
