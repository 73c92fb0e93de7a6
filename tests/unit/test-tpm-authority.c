/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/approval.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "tests/fixture/chip.h"
#include "tests/fixture/wire.h"
#include "tpm/authority.h"
#include "tpm/hierarchy.h"

static const Bytes message = { .data = (const uint8_t *) "to be signed", .size = 12 };
static const Secret right = { .set = true, .size = 14, .data = "correct horse " };
static const Secret wrong = { .set = true, .size = 13, .data = "correct horse" };

static TpmAuthority resident_make(Chip *chip) {
        TpmAuthority authority = {};

        assert_int_equal(tpm_authority_create(chip->tpm, &right, &authority, NULL), 0);
        return authority;
}

static int verify(const TpmAuthority *authority, const TPMT_SIGNATURE *signature, Bytes bytes) {
        uint8_t *der = NULL;
        size_t size;

        assert_int_equal(signature_to_openssl(signature, &der, &size), 0);
        int r = signature_verify(&authority->public, bytes, (Bytes){ .data = der, .size = size });
        free(der);
        return r;
}

static void resident_authority_signs_with_its_passphrase(void **state) {
        Chip *chip = *state;
        TpmAuthority authority = resident_make(chip);
        TPMT_SIGNATURE signature;

        assert_true(authority.resident);
        assert_int_equal(authority.public.publicArea.objectAttributes & TPMA_OBJECT_NODA, 0);
        assert_int_equal(
                tpm_authority_sign(chip->tpm, &authority, &right, message, &signature, NULL), 0);
        assert_int_equal(verify(&authority, &signature, message), 0);
        const Bytes shorter = { .data = message.data, .size = message.size - 1 };
        assert_int_equal(verify(&authority, &signature, shorter), SEAL_E_APPROVAL_INVALID);
}

static void resident_authority_signs_after_tpm_reset(void **state) {
        Chip *chip = *state;
        TpmAuthority authority = resident_make(chip);
        TPMT_SIGNATURE signature;

        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        assert_int_equal(
                tpm_authority_sign(chip->tpm, &authority, &right, message, &signature, NULL), 0);
}

static void wrong_passphrases_are_counted_down_to_lockout(void **state) {
        Chip *chip = *state;
        TpmAuthority authority = resident_make(chip);
        TPMT_SIGNATURE signature;
        ErrorDetail detail = {};
        const char *says[] = { "2 tries are left", "1 try is left", "refuses all" };

        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(tpm_authority_sign(chip->tpm, &authority, &wrong, message,
                                                    &signature, &detail),
                                 SEAL_E_WRONG_PIN);
                if (!strstr(detail.text, says[i]))
                        fail_msg("'%s' lacks '%s'", detail.text, says[i]);
                chip_assert_empty(chip);
        }
        assert_int_equal(
                tpm_authority_sign(chip->tpm, &authority, &right, message, &signature, &detail),
                SEAL_E_TPM_LOCKOUT);
        assert_non_null(strstr(detail.text, "1000 seconds"));
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_LOCKOUT, NULL, NULL), 0);
        assert_int_equal(
                tpm_authority_sign(chip->tpm, &authority, &right, message, &signature, NULL), 0);
}

static void passphrase_is_required(void **state) {
        Chip *chip = *state;
        TpmAuthority authority = resident_make(chip);
        const Secret none = {};
        TPMT_SIGNATURE signature;

        assert_int_equal(tpm_authority_sign(chip->tpm, &authority, NULL, message, &signature, NULL),
                         SEAL_E_PIN_REQUIRED);
        assert_int_equal(
                tpm_authority_sign(chip->tpm, &authority, &none, message, &signature, NULL),
                SEAL_E_PIN_REQUIRED);
        assert_int_equal(
                tpm_authority_sign(chip->tpm, &chip->authority, &right, message, &signature, NULL),
                SEAL_E_UNSUPPORTED);
}

static void passphrase_passes_neither_in_clear_nor_as_its_hash(void **state) {
        static const char text[] = "sealsd/authority/passphrasecorrect horse ";
        Chip *chip = *state;
        uint8_t hash[32];
        TPMT_SIGNATURE signature;

        assert_int_equal(EVP_Digest(text, sizeof(text) - 1, hash, NULL, EVP_sha256(), NULL), 1);
        wire_tap(&chip->wire, chip->tpm);
        TpmAuthority authority = resident_make(chip);
        assert_int_equal(
                tpm_authority_sign(chip->tpm, &authority, &right, message, &signature, NULL), 0);
        assert_true(wire_saw(&chip->wire, signature.signature.ecdsa.signatureR.buffer, 32));
        assert_false(wire_saw(&chip->wire, hash, sizeof(hash)));
        assert_false(wire_saw(&chip->wire, right.data, right.size));
        chip_assert_salted(chip);
        wire_untap(&chip->wire);
}

typedef struct Request {
        TPM2B_DIGEST policy;
        TPM2B_DIGEST ref;
        TPMT_SIGNATURE signature;
} Request;

static Request request_signed_by(const SoftwareKey *key) {
        Request request = { .policy = { .size = 32, .buffer = { 1, 2, 3 } } };
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer writer = writer_over(bytes, sizeof(bytes));

        assert_int_equal(policy_ref(REF_PROFILE, CHIP_PROFILE, &request.ref), 0);
        approval_authorize_bytes(&request.policy, &request.ref, &writer);
        request.signature = software_key_sign(key, (Bytes){ .data = bytes, .size = writer.used });
        return request;
}

static void ticket_is_given_for_the_authoritys_signature_only(void **state) {
        Chip *chip = *state;
        Request good = request_signed_by(&chip->key), bad;
        TPMT_TK_VERIFIED ticket = {};
        SoftwareKey stranger;

        software_key_make(&stranger);
        bad = request_signed_by(&stranger);
        assert_int_equal(tpm_authority_ticket(chip->tpm, &chip->authority, &good.policy, &good.ref,
                                              &bad.signature, &ticket, NULL),
                         SEAL_E_APPROVAL_INVALID);
        chip_assert_empty(chip);
        good.policy.buffer[0] ^= 1;
        assert_int_equal(tpm_authority_ticket(chip->tpm, &chip->authority, &good.policy, &good.ref,
                                              &good.signature, &ticket, NULL),
                         SEAL_E_APPROVAL_INVALID);
        assert_int_equal(ticket.tag, 0);
        good.policy.buffer[0] ^= 1;
        assert_int_equal(tpm_authority_ticket(chip->tpm, &chip->authority, &good.policy, &good.ref,
                                              &good.signature, &ticket, NULL),
                         0);
        assert_int_equal(ticket.hierarchy, TPM2_RH_OWNER);
        assert_int_not_equal(ticket.digest.size, 0);
        software_key_done(&stranger);
}

static void ticket_is_refused_for_a_signature_of_another_shape(void **state) {
        Chip *chip = *state;
        Request request = request_signed_by(&chip->key);
        TPMT_TK_VERIFIED ticket;

        request.signature.sigAlg = TPM2_ALG_RSASSA;
        request.signature.signature.rsassa = (TPMS_SIGNATURE_RSASSA){ .hash = TPM2_ALG_SHA256,
                                                                      .sig.size = 256 };
        assert_int_equal(tpm_authority_ticket(chip->tpm, &chip->authority, &request.policy,
                                              &request.ref, &request.signature, &ticket, NULL),
                         SEAL_E_APPROVAL_INVALID);
}

static void resident_authority_gives_tickets_too(void **state) {
        Chip *chip = *state;
        TpmAuthority authority = resident_make(chip);
        Request request = request_signed_by(&chip->key);
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer writer = writer_over(bytes, sizeof(bytes));
        TPMT_TK_VERIFIED ticket;

        approval_authorize_bytes(&request.policy, &request.ref, &writer);
        assert_int_equal(tpm_authority_sign(chip->tpm, &authority, &right,
                                            (Bytes){ .data = bytes, .size = writer.used },
                                            &request.signature, NULL),
                         0);
        assert_int_equal(tpm_authority_ticket(chip->tpm, &authority, &request.policy, &request.ref,
                                              &request.signature, &ticket, NULL),
                         0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ON_CHIP(test) cmocka_unit_test_setup_teardown(test, chip_setup, chip_teardown)
                ON_CHIP(resident_authority_signs_with_its_passphrase),
                ON_CHIP(resident_authority_signs_after_tpm_reset),
                ON_CHIP(wrong_passphrases_are_counted_down_to_lockout),
                ON_CHIP(passphrase_is_required),
                ON_CHIP(passphrase_passes_neither_in_clear_nor_as_its_hash),
                ON_CHIP(ticket_is_given_for_the_authoritys_signature_only),
                ON_CHIP(ticket_is_refused_for_a_signature_of_another_shape),
                ON_CHIP(resident_authority_gives_tickets_too),
#undef ON_CHIP
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
