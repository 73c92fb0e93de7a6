/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "policy/register-policy.h"
#include "tests/fixture/chip.h"
#include "tests/fixture/wire.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/register-key.h"
#include "tpm/session.h"

/* A register's key in the chip, an approval of the state as it is, and a use of both. */
typedef struct Sealed {
        Secret key;
        TPM2B_PUBLIC public;
        TPM2B_PRIVATE private;
        MachineApproval approval;
        RegisterKeyUse use;
} Sealed;

static void sealed_create(Chip *chip, Sealed *sealed) {
        TPM2B_DIGEST policy;
        ErrorDetail detail = {};

        assert_int_equal(register_policy_digest(&chip->key.name, CHIP_PROFILE, &policy), 0);
        if (tpm_register_key_create(chip->tpm, &policy, &sealed->key, &sealed->public,
                                    &sealed->private, &detail) != 0)
                fail_msg("%s", detail.text);
        chip_assert_empty(chip);
}

static void sealed_make(Chip *chip, Sealed *sealed) {
        *sealed = (Sealed){};
        assert_int_equal(secret_random(&sealed->key, REGISTER_KEY_SIZE), 0);
        sealed_create(chip, sealed);
        sealed->approval = chip_approve(chip, &chip->key, CHIP_PROFILE);
        sealed->use = (RegisterKeyUse){
                .public = &sealed->public,
                .private = &sealed->private,
                .authority = &chip->key.name,
                .profile = CHIP_PROFILE,
                .approvals = &sealed->approval,
                .approval_count = 1,
        };
}

/* Nothing is handed out but the key, and nothing stays in the chip. */
static int unseal(Chip *chip, const Sealed *sealed, ErrorDetail *detail) {
        _cleanup_(secret_wipe) Secret key = {};

        int r = tpm_register_key_unseal(chip->tpm, &sealed->use, &key, detail);
        if (r == 0)
                assert_true(secret_equal(&key, &sealed->key));
        else
                assert_false(key.set);
        chip_assert_empty(chip);
        return r;
}

static void assert_says(const ErrorDetail *detail, const char *text) {
        if (!strstr(detail->text, text))
                fail_msg("'%s' lacks '%s'", detail->text, text);
}

static void the_key_comes_back_in_the_approved_state(void **state) {
        const TPMA_OBJECT wanted = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                   TPMA_OBJECT_NODA | TPMA_OBJECT_ADMINWITHPOLICY;
        Chip *chip = *state;
        Sealed sealed;

        sealed_make(chip, &sealed);
        assert_int_equal(sealed.public.publicArea.objectAttributes, wanted);
        assert_int_equal(unseal(chip, &sealed, NULL), 0);
        assert_int_equal(unseal(chip, &sealed, NULL), 0);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        assert_int_equal(unseal(chip, &sealed, NULL), 0);
}

static void no_password_opens_it(void **state) {
        TPM2B_SENSITIVE_DATA *data = NULL;
        TPM2B_PRIVATE *private = NULL;
        const TPM2B_AUTH mine = { .size = 1, .buffer = "x" };
        TpmHandle session = {}, key = {};
        Chip *chip = *state;
        ESYS_CONTEXT *esys = chip->tpm->esys;
        Sealed sealed;

        sealed_make(chip, &sealed);
        assert_int_equal(tpm_key_load(chip->tpm, NULL, &sealed.public, &sealed.private, &key, NULL),
                         0);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, NULL),
                         0);
        assert_int_equal(
                Esys_Unseal(esys, key.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data),
                TPM2_RC_AUTH_UNAVAILABLE);
        assert_int_not_equal(Esys_Unseal(esys, key.tr, ONE_SESSION(&session), &data), 0);
        /* Nor does one give it a password: that is the ADMIN role. */
        assert_int_not_equal(Esys_ObjectChangeAuth(esys, key.tr, chip->tpm->srk.tr,
                                                   ONE_SESSION(&session), &mine, &private),
                             0);
        tpm_handle_close(&session);
        tpm_handle_close(&key);
}

static void another_machine_state_is_refused_by_number(void **state) {
        MachineApproval approvals[2];
        ErrorDetail detail = {}, overcome = {};
        Chip *chip = *state;
        Sealed sealed;

        sealed_make(chip, &sealed);
        chip_pcr_extend(chip, 7);
        assert_int_equal(unseal(chip, &sealed, &detail), SEAL_E_MACHINE_STATE_REFUSED);
        assert_says(&detail, "PCR 7 (sha256) differs from the approved state");
        approvals[0] = sealed.approval;
        approvals[1] = chip_approve(chip, &chip->key, CHIP_PROFILE);
        sealed.use.approvals = approvals;
        sealed.use.approval_count = 2;
        assert_int_equal(unseal(chip, &sealed, &overcome), 0);
        assert_string_equal(overcome.text, "");
}

static void no_approved_state_is_said(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        Sealed sealed;

        sealed_make(chip, &sealed);
        sealed.use.approval_count = 0;
        assert_int_equal(unseal(chip, &sealed, &detail), SEAL_E_MACHINE_STATE_REFUSED);
        assert_says(&detail, "No machine state is approved, or all that were are retired");
}

static void approvals_of_others_are_refused(void **state) {
        Chip *chip = *state;
        SoftwareKey other;
        Sealed sealed;

        sealed_make(chip, &sealed);
        software_key_make(&other);
        sealed.approval = chip_approve(chip, &other, CHIP_PROFILE);
        assert_int_equal(unseal(chip, &sealed, NULL), SEAL_E_APPROVAL_INVALID);
        sealed.approval = chip_approve(chip, &chip->key, "other");
        assert_int_equal(unseal(chip, &sealed, NULL), SEAL_E_APPROVAL_INVALID);
        sealed.approval = chip_approve(chip, &chip->key, CHIP_PROFILE);
        sealed.approval.ticket.digest.buffer[0] ^= 1;
        assert_int_equal(unseal(chip, &sealed, NULL), SEAL_E_APPROVAL_INVALID);
        software_key_done(&other);
}

/* Its own approval serves its own authority: the register says whose the key has to be. */
static void a_key_of_another_authority_is_replaced(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        SoftwareKey other;
        Sealed sealed;

        sealed_make(chip, &sealed);
        software_key_make(&other);
        sealed.use.authority = &other.name;
        sealed.approval = chip_approve(chip, &other, CHIP_PROFILE);
        assert_int_equal(unseal(chip, &sealed, &detail), SEAL_E_REGISTER_TAMPERED);
        assert_says(&detail, "replaced");
        software_key_done(&other);
}

/* The attacker's: the right policy, and his password beside it. */
static void an_object_that_opens_otherwise_is_replaced(void **state) {
        Chip *chip = *state;
        Sealed sealed;

        sealed_make(chip, &sealed);
        TPM2B_PUBLIC template = sealed.public;
        template.publicArea.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
        template.publicArea.unique = (TPMU_PUBLIC_ID){};
        assert_int_equal(tpm_key_seal(chip->tpm, &template, &sealed.key, &sealed.public,
                                      &sealed.private, NULL),
                         0);
        assert_int_equal(unseal(chip, &sealed, NULL), SEAL_E_REGISTER_TAMPERED);
}

static void a_key_of_another_size_is_replaced(void **state) {
        const Secret none = {};
        Chip *chip = *state;
        Sealed sealed;

        sealed_make(chip, &sealed);
        TPM2B_PUBLIC template = sealed.public;
        template.publicArea.unique = (TPMU_PUBLIC_ID){};
        sealed.key.size = REGISTER_KEY_SIZE - 1;
        assert_int_equal(tpm_key_seal(chip->tpm, &template, &sealed.key, &sealed.public,
                                      &sealed.private, NULL),
                         0);
        assert_int_equal(unseal(chip, &sealed, NULL), SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(tpm_register_key_create(chip->tpm, &template.publicArea.authPolicy,
                                                 &sealed.key, &sealed.public, &sealed.private,
                                                 NULL),
                         -EINVAL);
        assert_int_equal(tpm_register_key_create(chip->tpm, &template.publicArea.authPolicy, &none,
                                                 &sealed.public, &sealed.private, NULL),
                         -EINVAL);
}

static void an_altered_blob_is_tampering(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        Sealed sealed;

        sealed_make(chip, &sealed);
        sealed.private.buffer[40] ^= 1;
        assert_int_equal(unseal(chip, &sealed, &detail), SEAL_E_REGISTER_TAMPERED);
        assert_says(&detail, "register's key");
}

static void the_key_never_passes_in_clear(void **state) {
        Chip *chip = *state;
        Sealed sealed;

        sealed_make(chip, &sealed);
        wire_tap(&chip->wire, chip->tpm);
        sealed_create(chip, &sealed);
        assert_int_equal(unseal(chip, &sealed, NULL), 0);
        assert_true(wire_saw(&chip->wire, sealed.private.buffer, sealed.private.size));
        for (size_t i = 0; i + 8 <= REGISTER_KEY_SIZE; i++)
                assert_false(wire_saw(&chip->wire, sealed.key.data + i, 8));
        chip_assert_salted(chip);
}

/* Behind the header, the parameters' size and the data's: the first byte of what is encrypted. */
static void alter_unsealed(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        (void) wire;
        if (command == TPM2_CC_Unseal && size > 16)
                answer[16] ^= 1;
}

static void an_altered_key_is_not_taken(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        Secret key = {};
        Sealed sealed;

        sealed_make(chip, &sealed);
        chip->wire.answered = alter_unsealed;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_register_key_unseal(chip->tpm, &sealed.use, &key, &detail),
                         SEAL_E_TPM_UNAVAILABLE);
        assert_says(&detail, "altered");
        assert_false(key.set);
        wire_untap(&chip->wire);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        assert_int_equal(unseal(chip, &sealed, NULL), 0);
}

/* Another program measures, on a connection of its own, just before the unsealing. */
typedef struct Measurer {
        Tpm *other;
        unsigned left;
} Measurer;

static void measure_before_unseal(Wire *wire, TPM2_CC command) {
        const TPML_DIGEST_VALUES values = {
                .count = 1,
                .digests[0] = { .hashAlg = TPM2_ALG_SHA256, .digest.sha256 = { 9 } },
        };
        Measurer *measurer = wire->userdata;

        if (command != TPM2_CC_Unseal || measurer->left == 0)
                return;
        measurer->left--;
        assert_int_equal(Esys_PCR_Extend(measurer->other->esys, ESYS_TR_PCR0 + 14, ESYS_TR_PASSWORD,
                                         ESYS_TR_NONE, ESYS_TR_NONE, &values),
                         0);
}

static void a_measurement_in_between_is_retried_within_bounds(void **state) {
        Measurer measurer = { .left = 7 };
        Chip *chip = *state;
        Sealed sealed;

        sealed_make(chip, &sealed);
        assert_int_equal(tpm_new(&measurer.other, chip->swtpm.tcti, NULL), 0);
        chip->wire.before = measure_before_unseal;
        chip->wire.userdata = &measurer;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(unseal(chip, &sealed, NULL), 0);
        assert_int_equal(measurer.left, 0);
        measurer.left = 100;
        assert_int_equal(unseal(chip, &sealed, NULL), SEAL_E_BUSY);
        assert_int_equal(measurer.left, 92);
        wire_untap(&chip->wire);
        (void) tpm_free(measurer.other);
}

/* The key of the last signature and its two sessions make room. */
static void it_opens_while_a_signature_is_kept(void **state) {
        TPMT_SIGNATURE signature;
        Chip *chip = *state;
        Sealed sealed;
        ChipSeal seal;

        sealed_make(chip, &sealed);
        chip->index = chip_index_values(chip, INDEX_REVOCATION, 0x01812345);
        chip_index_write(chip, &chip->index, &chip->key, 0);
        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(tpm_seal_sign(chip->tpm, &seal.use, &signature, NULL, NULL), 0);
        assert_true(tpm_holds(chip->tpm));
        assert_int_equal(unseal(chip, &sealed, NULL), 0);
}

#define MASK 0xa5

/* The needle is masked, so that the search does not find itself. Freed memory is read as well. */
__attribute__((no_sanitize("address"))) static bool region_has(const uint8_t *at,
                                                               const uint8_t *end,
                                                               const uint8_t *masked) {
        for (; at + REGISTER_KEY_SIZE <= end; at++) {
                size_t i = 0;

                while (i < REGISTER_KEY_SIZE && (at[i] ^ MASK) == masked[i])
                        i++;
                if (i == REGISTER_KEY_SIZE)
                        return true;
        }
        return false;
}

/* The heap and what of the stack is not in use. */
static bool memory_has(const uint8_t *masked) {
        const uint8_t *here = __builtin_frame_address(0);
        FILE *maps = fopen("/proc/self/maps", "r");
        unsigned long first, last;
        bool found = false;
        char line[512];

        assert_non_null(maps);
        while (fgets(line, sizeof(line), maps)) {
                if (!strstr(line, "[heap]") && !strstr(line, "[stack]"))
                        continue;
                assert_int_equal(sscanf(line, "%lx-%lx rw", &first, &last), 2);
                const uint8_t *end = strstr(line, "[heap]") ? (const uint8_t *) last : here;
                found = found || region_has((const uint8_t *) first, end, masked);
        }
        assert_int_equal(fclose(maps), 0);
        return found;
}

static void no_copy_of_the_key_stays_in_memory(void **state) {
        uint8_t masked[REGISTER_KEY_SIZE];
        Secret *key = calloc(1, sizeof(*key));
        Sealed *sealed = calloc(1, sizeof(*sealed));
        Chip *chip = *state;

        assert_non_null(key);
        assert_non_null(sealed);
        sealed_make(chip, sealed);
        for (size_t i = 0; i < REGISTER_KEY_SIZE; i++)
                masked[i] = sealed->key.data[i] ^ MASK;
        bool searchable = memory_has(masked); /* not with a sanitizer's heap, nor valgrind's */
        secret_wipe(&sealed->key);
        chip_reconnect(chip); /* what sealed it is gone */
        assert_int_equal(tpm_register_key_unseal(chip->tpm, &sealed->use, key, NULL), 0);
        assert_true(memory_has(masked) || !searchable);
        secret_wipe(key);
        assert_false(memory_has(masked));
        free(sealed);
        free(key);
        if (!searchable)
                skip();
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ON_CHIP(test) cmocka_unit_test_setup_teardown(test, chip_setup, chip_teardown)
                ON_CHIP(the_key_comes_back_in_the_approved_state),
                ON_CHIP(no_password_opens_it),
                ON_CHIP(another_machine_state_is_refused_by_number),
                ON_CHIP(no_approved_state_is_said),
                ON_CHIP(approvals_of_others_are_refused),
                ON_CHIP(a_key_of_another_authority_is_replaced),
                ON_CHIP(an_object_that_opens_otherwise_is_replaced),
                ON_CHIP(a_key_of_another_size_is_replaced),
                ON_CHIP(an_altered_blob_is_tampering),
                ON_CHIP(the_key_never_passes_in_clear),
                ON_CHIP(an_altered_key_is_not_taken),
                ON_CHIP(a_measurement_in_between_is_retried_within_bounds),
                ON_CHIP(it_opens_while_a_signature_is_kept),
                ON_CHIP(no_copy_of_the_key_stays_in_memory),
#undef ON_CHIP
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
