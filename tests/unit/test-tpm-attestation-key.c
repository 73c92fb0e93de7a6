/* SPDX-License-Identifier: Apache-2.0 */
/* What the chip signs of a seal's key; of indices in test-tpm-attestation.c. */
#include "tests/unit/unit.h"

#include <errno.h>

#include <tss2/tss2_mu.h>

#include "policy/attest.h"
#include "policy/key.h"
#include "tests/fixture/chip.h"
#include "tests/fixture/wire.h"
#include "tpm/attestation.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/nv.h"

static const TPM2B_DATA asked = { .size = 32, .buffer = "sealsd/passport" };

typedef int (*Certify)(const TpmAk *ak, const SealKey *key, const TPM2B_DATA *qualifying,
                       TpmAttestation *ret, ErrorDetail *detail);

/* An attestation as it is handed on. */
typedef struct Kept {
        TpmAttestation made;
        uint8_t signature[sizeof(TPMT_SIGNATURE)];
        uint8_t key[sizeof(TPM2B_PUBLIC)];
        AttestProof proof;
} Kept;

/* An open AK, which has to be closed before the teardown. */
static TpmAk ak_open(Chip *chip) {
        ErrorDetail detail = {};
        TpmAk ak = {};

        if (tpm_ak_open(chip->tpm, &ak, &detail) != 0)
                fail_msg("%s", detail.text);
        return ak;
}

static void kept_fill(Kept *kept, const TpmAk *ak) {
        size_t signature_size = 0, key_size = 0;

        assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(&kept->made.signature, kept->signature,
                                                        sizeof(kept->signature), &signature_size),
                         0);
        assert_int_equal(
                Tss2_MU_TPM2B_PUBLIC_Marshal(&ak->public, kept->key, sizeof(kept->key), &key_size),
                0);
        kept->proof = (AttestProof){
                .attest = { kept->made.attest.attestationData, kept->made.attest.size },
                .signature = { kept->signature, signature_size },
                .key = { kept->key, key_size },
        };
}

static void certify(Chip *chip, Certify fn, const SealKey *key, Kept *kept) {
        ErrorDetail detail = {};
        TpmAk ak = ak_open(chip);

        *kept = (Kept){};
        if (fn(&ak, key, &asked, &kept->made, &detail) != 0)
                fail_msg("%s", detail.text);
        kept_fill(kept, &ak);
        tpm_ak_close(&ak);
        chip_assert_empty(chip);
}

static AttestKeyWanted wanted_of(const SealKey *key) {
        AttestKeyWanted wanted = { .extra = asked };

        assert_int_equal(public_name(&key->public, &wanted.name), 0);
        return wanted;
}

static SealKey seal_make(Chip *chip, const char *algorithm, const Secret *pin) {
        const TPM2B_DIGEST policy = { .size = 32, .buffer = "a policy" };
        ErrorDetail detail = {};
        SealKey key = {};

        if (tpm_seal_create(chip->tpm, algorithm_find(algorithm), &policy, pin, &key, &detail) != 0)
                fail_msg("%s", detail.text);
        return key;
}

static Secret pin(void) {
        Secret secret;

        assert_int_equal(secret_set(&secret, "a keeper's authValue", 20), 0);
        return secret;
}

static void assert_refused(Chip *chip, Certify fn, const SealKey *key, int condition,
                           const char *says) {
        TpmAttestation made = { .attest.size = 77 };
        ErrorDetail detail = {};
        TpmAk ak = ak_open(chip);

        assert_int_equal(fn(&ak, key, &asked, &made, &detail), condition);
        if (!strstr(detail.text, says))
                fail_msg("'%s' lacks '%s'", detail.text, says);
        assert_int_equal(made.attest.size, 77);
        tpm_ak_close(&ak);
        chip_assert_empty(chip);
}

static void a_key_of_each_algorithm_is_attested(void **state) {
        const char *const algorithms[] = { "ecdsa-p256", "ecdsa-p384", "rsa-2048" };
        Chip *chip = *state;

        for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
                const SealKey key = seal_make(chip, algorithms[i], NULL);
                const AttestKeyWanted wanted = wanted_of(&key);
                KeyAttested attested;
                Kept kept;

                certify(chip, tpm_ak_certify_key, &key, &kept);
                assert_int_equal(attest_key_verify(&kept.proof, &wanted, &attested, NULL), 0);
                certify(chip, tpm_ak_certify_creation, &key, &kept);
                assert_int_equal(attest_creation_verify(&kept.proof, &wanted, &attested, NULL), 0);
        }
}

/* What the register says of the key is in its Name, to the last attribute. */
static void another_public_area_is_not_what_was_attested(void **state) {
        Chip *chip = *state;
        const SealKey key = seal_make(chip, "ecdsa-p256", NULL);
        SealKey edited = key;
        KeyAttested attested;
        Kept kept;

        certify(chip, tpm_ak_certify_creation, &key, &kept);
        edited.public.publicArea.authPolicy.buffer[0] ^= 1;
        AttestKeyWanted wanted = wanted_of(&edited);
        assert_int_equal(attest_creation_verify(&kept.proof, &wanted, &attested, NULL),
                         SEAL_E_REGISTER_TAMPERED);
        edited = key;
        edited.public.publicArea.objectAttributes &= ~(TPMA_OBJECT) TPMA_OBJECT_FIXEDTPM;
        wanted = wanted_of(&edited);
        assert_int_equal(attest_creation_verify(&kept.proof, &wanted, &attested, NULL),
                         SEAL_E_REGISTER_TAMPERED);
}

static void a_key_with_a_pin_is_attested_without_it_also_after_a_reset(void **state) {
        const Secret secret = pin();
        Chip *chip = *state;
        const SealKey key = seal_make(chip, "ecdsa-p256", &secret);
        const AttestKeyWanted wanted = wanted_of(&key);
        KeyAttested before, after;
        Kept kept;

        certify(chip, tpm_ak_certify_creation, &key, &kept);
        assert_int_equal(attest_creation_verify(&kept.proof, &wanted, &before, NULL), 0);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        certify(chip, tpm_ak_certify_creation, &key, &kept);
        assert_int_equal(attest_creation_verify(&kept.proof, &wanted, &after, NULL), 0);
        assert_int_equal(after.reset_count, before.reset_count + 1);
}

static void count(Wire *wire, TPM2_CC command) {
        unsigned *certified = wire->userdata;

        if (command == TPM2_CC_Certify)
                *certified += 1;
}

/* A try without the PIN would be counted as a wrong one. */
static void a_pin_is_never_guessed(void **state) {
        const Secret secret = pin();
        Chip *chip = *state;
        const SealKey key = seal_make(chip, "ecdsa-p256", &secret);
        unsigned certified = 0;

        chip->wire.before = count;
        chip->wire.userdata = &certified;
        wire_tap(&chip->wire, chip->tpm);
        assert_refused(chip, tpm_ak_certify_key, &key, SEAL_E_INVALID_STATE, "has a PIN");
        assert_int_equal(certified, 0);
}

static void lock_out(Chip *chip) {
        const Secret secret = pin();
        const SealKey key = seal_make(chip, "ecdsa-p256", &secret);
        TPM2B_ATTEST *attest = NULL;
        TPMT_SIGNATURE *signature = NULL;
        TSS2_RC rc = 0;

        TpmAk ak = ak_open(chip);
        for (int i = 0; i < 40 && !tpm_rc_is(rc, TPM2_RC_LOCKOUT); i++) {
                TpmHandle loaded = {};

                assert_int_equal(
                        tpm_key_load(chip->tpm, NULL, &key.public, &key.private, &loaded, NULL), 0);
                rc = Esys_Certify(chip->tpm->esys, loaded.tr, ak.key.tr, ESYS_TR_PASSWORD,
                                  ESYS_TR_PASSWORD, ESYS_TR_NONE, &asked,
                                  &(TPMT_SIG_SCHEME){ .scheme = TPM2_ALG_NULL }, &attest,
                                  &signature);
                assert_int_not_equal(rc, 0);
                tpm_handle_close(&loaded);
        }
        assert_true(tpm_rc_is(rc, TPM2_RC_LOCKOUT));
        tpm_ak_close(&ak);
}

static void lockout_does_not_stop_it(void **state) {
        const Secret secret = pin();
        Chip *chip = *state;
        const SealKey plain = seal_make(chip, "ecdsa-p256", NULL);
        const SealKey guarded = seal_make(chip, "ecdsa-p256", &secret);
        Kept kept;

        lock_out(chip);
        certify(chip, tpm_ak_certify_key, &plain, &kept);
        certify(chip, tpm_ak_certify_creation, &plain, &kept);
        certify(chip, tpm_ak_certify_creation, &guarded, &kept);
}

static void another_birth_is_refused(void **state) {
        Chip *chip = *state;
        const SealKey key = seal_make(chip, "ecdsa-p256", NULL);
        const SealKey other = seal_make(chip, "ecdsa-p256", NULL);
        SealKey altered = key;

        altered.birth = other.birth;
        assert_refused(chip, tpm_ak_certify_creation, &altered, SEAL_E_REGISTER_TAMPERED, "birth");
        altered = key;
        altered.birth.hash.buffer[31] ^= 1;
        assert_refused(chip, tpm_ak_certify_creation, &altered, SEAL_E_REGISTER_TAMPERED, "birth");
        altered = key;
        altered.birth.ticket.digest.buffer[0] ^= 1;
        assert_refused(chip, tpm_ak_certify_creation, &altered, SEAL_E_REGISTER_TAMPERED, "birth");
        altered = key;
        altered.birth.ticket.hierarchy = TPM2_RH_NULL;
        assert_refused(chip, tpm_ak_certify_creation, &altered, SEAL_E_REGISTER_TAMPERED, "birth");
        altered = key;
        altered.birth = (SealBirth){};
        assert_refused(chip, tpm_ak_certify_creation, &altered, -EINVAL, "");
}

static void another_blob_is_refused(void **state) {
        Chip *chip = *state;
        const SealKey key = seal_make(chip, "ecdsa-p256", NULL);
        const SealKey other = seal_make(chip, "ecdsa-p256", NULL);
        SealKey altered = key;

        altered.private = other.private;
        assert_refused(chip, tpm_ak_certify_key, &altered, SEAL_E_REGISTER_TAMPERED, "wrapped key");
        assert_refused(chip, tpm_ak_certify_creation, &altered, SEAL_E_REGISTER_TAMPERED,
                       "wrapped key");
        altered = key;
        altered.public.publicArea.authPolicy.buffer[0] ^= 1;
        assert_refused(chip, tpm_ak_certify_key, &altered, SEAL_E_REGISTER_TAMPERED, "wrapped key");
}

/* A key that says noDA and has an authValue all the same: somebody changed it with the chip. */
static void an_authorisation_that_ought_not_be_there_is_told(void **state) {
        Chip *chip = *state;
        SealKey key = seal_make(chip, "ecdsa-p256", NULL);
        const TPM2B_AUTH auth = { .size = 4, .buffer = "mine" };
        TPM2B_PRIVATE *private = NULL;
        TpmHandle loaded = {};
        Kept kept;

        assert_int_equal(tpm_key_load(chip->tpm, NULL, &key.public, &key.private, &loaded, NULL),
                         0);
        assert_int_equal(Esys_ObjectChangeAuth(chip->tpm->esys, loaded.tr, chip->tpm->srk.tr,
                                               ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &auth,
                                               &private),
                         0);
        tpm_handle_close(&loaded);
        key.private = *private;
        Esys_Free(private);
        assert_refused(chip, tpm_ak_certify_key, &key, SEAL_E_REGISTER_TAMPERED,
                       "ought to have none");
        certify(chip, tpm_ak_certify_creation, &key, &kept); /* it is the same key */
}

/* In what is signed: its last bytes but those of the signature, parameters and HMACs behind it. */
static void alter_attestation(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        const TPM2_CC *altered = wire->userdata;

        if (command == *altered && size > 100)
                answer[100] ^= 1;
}

static void assert_altered_is_not_taken(Chip *chip, Certify fn, TPM2_CC command) {
        const SealKey key = seal_make(chip, "ecdsa-p256", NULL);
        TpmAttestation made = {};
        TpmAk ak = ak_open(chip);

        chip->wire.answered = alter_attestation;
        chip->wire.userdata = &command;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(fn(&ak, &key, &asked, &made, NULL), SEAL_E_TPM_UNAVAILABLE);
        assert_int_equal(made.attest.size, 0);
        tpm_ak_close(&ak);
        wire_untap(&chip->wire);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
}

static void an_altered_attestation_is_not_taken(void **state) {
        assert_altered_is_not_taken(*state, tpm_ak_certify_key, TPM2_CC_Certify);
        assert_altered_is_not_taken(*state, tpm_ak_certify_creation, TPM2_CC_CertifyCreation);
}

/* The whole of a passport: one key of attestation, one session, nothing left, 11 commands. */
static void several_pass_in_one_session(void **state) {
        Chip *chip = *state;
        TpmIndex ledger = chip_index_values(chip, INDEX_LEDGER, 0x01a5a5a7U);
        const SealKey key = seal_make(chip, "ecdsa-p256", NULL);
        TpmAttestation made;

        chip_index_write(chip, &ledger, &chip->key, 0);
        wire_tap(&chip->wire, chip->tpm);
        TpmAk ak = ak_open(chip);
        assert_int_equal(tpm_ak_certify_creation(&ak, &key, &asked, &made, NULL), 0);
        assert_int_equal(tpm_ak_certify_index(&ak, &chip->index, &asked, &made, NULL), 0);
        assert_int_equal(tpm_ak_certify_index(&ak, &ledger, &asked, &made, NULL), 0);
        tpm_ak_close(&ak);
        chip_assert_salted(chip);
        assert_false(wire_saw(&chip->wire, ledger.auth.data, 8));
        assert_false(wire_saw(&chip->wire, chip->index.auth.data, 8));
        assert_int_equal(chip->wire.commands, 11);
        wire_untap(&chip->wire);
        chip_assert_empty(chip);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ON_CHIP(test) cmocka_unit_test_setup_teardown(test, chip_setup, chip_teardown)
#define INSTALLED(test) cmocka_unit_test_setup_teardown(test, chip_setup_installed, chip_teardown)
                ON_CHIP(a_key_of_each_algorithm_is_attested),
                ON_CHIP(another_public_area_is_not_what_was_attested),
                ON_CHIP(a_key_with_a_pin_is_attested_without_it_also_after_a_reset),
                ON_CHIP(a_pin_is_never_guessed),
                ON_CHIP(lockout_does_not_stop_it),
                ON_CHIP(another_birth_is_refused),
                ON_CHIP(another_blob_is_refused),
                ON_CHIP(an_authorisation_that_ought_not_be_there_is_told),
                ON_CHIP(an_altered_attestation_is_not_taken),
                INSTALLED(several_pass_in_one_session),
#undef INSTALLED
#undef ON_CHIP
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
