/* SPDX-License-Identifier: Apache-2.0 */
/* Seals with a PIN, which the chip guards against guessing; and what it does not touch. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "policy/key.h"
#include "tests/fixture/approvers.h"
#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/hierarchy.h"
#include "tpm/key.h"
#include "tpm/pin.h"
#include "tpm/session.h"

#define TRIES 3 /* that swtpm gives before it refuses */

static Approvers approvers;

static int group_make(void **state) {
        (void) state;
        approvers_make(&approvers, "pppp");
        return 0;
}

static int group_done(void **state) {
        (void) state;
        approvers_done(&approvers);
        return 0;
}

static void pin_seal_make(Chip *chip, PeopleSeal *seal) {
        people_seal_make(chip, seal, (PeopleWanted){ .pin = true });
}

static void assert_says(const ErrorDetail *detail, const char *text) {
        if (!strstr(detail->text, text))
                fail_msg("'%s' lacks '%s'", detail->text, text);
}

static uint32_t failures(Chip *chip) {
        TpmHierarchies h;

        assert_int_equal(tpm_hierarchies(chip->tpm, &h, NULL), 0);
        return h.lockout_counter;
}

static int use_with(Chip *chip, PeopleSeal *seal, const char *pin, ErrorDetail *detail) {
        assert_int_equal(secret_set(&seal->pin, pin, strlen(pin)), 0);
        return people_use(chip, seal, detail);
}

/* The chip takes it anew for each signature: nothing of the last one is kept. */
static void right_pin_signs_and_is_asked_for_every_time(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;

        pin_seal_make(chip, &seal);
        assert_false(seal.base.key.public.publicArea.objectAttributes & TPMA_OBJECT_NODA);
        people_assert_signs(chip, &seal);
        people_assert_signs(chip, &seal);
        assert_int_equal(use_with(chip, &seal, "4711", NULL), SEAL_E_WRONG_PIN);
        assert_int_equal(use_with(chip, &seal, APPROVERS_PIN, NULL), 0);
        seal.base.use.pin = NULL;
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_PIN_REQUIRED);
        seal.base.use.pin = &(Secret){};
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_PIN_REQUIRED);
        assert_int_equal(failures(chip), 1); /* none was sent for those */
}

static void wrong_pins_say_the_tries_left_and_lock_out(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        PeopleSeal seal;

        pin_seal_make(chip, &seal);
        assert_int_equal(use_with(chip, &seal, "1", &detail), SEAL_E_WRONG_PIN);
        assert_says(&detail, "Wrong PIN; 2 tries are left before the TPM refuses all");
        assert_int_equal(use_with(chip, &seal, "2", &detail), SEAL_E_WRONG_PIN);
        assert_says(&detail, "1 try is left");
        assert_int_equal(use_with(chip, &seal, "", &detail), SEAL_E_WRONG_PIN);
        assert_says(&detail, "the TPM now refuses all, and forgets one every 1000 seconds");
        assert_int_equal(use_with(chip, &seal, "4", &detail), SEAL_E_TPM_LOCKOUT);
        assert_says(&detail, "forgets one every 1000 seconds");
        detail = (ErrorDetail){};
        assert_int_equal(use_with(chip, &seal, APPROVERS_PIN, &detail), SEAL_E_TPM_LOCKOUT);
        assert_says(&detail, "After too many wrong PINs the TPM refuses all");
        assert_int_equal(failures(chip), TRIES);

        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_LOCKOUT, NULL, NULL), 0);
        people_assert_signs(chip, &seal);
}

static void lockout_stops_no_seal_without_a_pin(void **state) {
        PeopleSeal pin, approved;
        Chip *chip = *state;
        ChipSeal plain;

        pin_seal_make(chip, &pin);
        chip_seal_make(chip, &plain, chip_seal_policy(chip));
        people_seal_make(chip, &approved,
                         (PeopleWanted){ .approvers = &approvers, .count = 2, .threshold = 1 });
        people_approve(&approved, 1, NULL, 0);
        for (int i = 0; i < TRIES; i++)
                assert_int_equal(use_with(chip, &pin, "wrong", NULL), SEAL_E_WRONG_PIN);
        assert_int_equal(use_with(chip, &pin, APPROVERS_PIN, NULL), SEAL_E_TPM_LOCKOUT);
        for (int i = 0; i < 2; i++) {
                TPMT_SIGNATURE signature;

                assert_int_equal(tpm_seal_sign(chip->tpm, &plain.use, &signature, NULL, NULL), 0);
                people_assert_signs(chip, &approved);
        }
        assert_int_equal(use_with(chip, &pin, APPROVERS_PIN, NULL), SEAL_E_TPM_LOCKOUT);
}

/* A PIN beside approvers: neither does without the other. */
static void pin_and_approvals_are_both_needed(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;

        people_seal_make(chip, &seal,
                         (PeopleWanted){
                                 .approvers = &approvers,
                                 .count = 3,
                                 .threshold = 2,
                                 .pin = true,
                         });
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_APPROVAL_REQUIRED);
        people_approve(&seal, 6, NULL, 0);
        people_assert_signs(chip, &seal);
        assert_int_equal(use_with(chip, &seal, "wrong", NULL), SEAL_E_WRONG_PIN);
        assert_int_equal(use_with(chip, &seal, APPROVERS_PIN, NULL), 0);
        seal.base.use.digest.buffer[0] = 'B';
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_APPROVAL_INVALID);
        assert_int_equal(failures(chip), 1); /* refused before the PIN was sent */
}

static void pin_never_passes_the_wire(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;
        Secret auth = {};

        pin_seal_make(chip, &seal);
        assert_int_equal(tpm_pin_auth(&seal.pin, &auth), 0);
        wire_tap(&chip->wire, chip->tpm);
        people_assert_signs(chip, &seal);
        assert_int_equal(use_with(chip, &seal, "swordfish", NULL), SEAL_E_WRONG_PIN);
        chip_assert_salted(chip);
        assert_false(wire_saw(&chip->wire, auth.data, auth.size));
        assert_false(wire_saw(&chip->wire, APPROVERS_PIN, strlen(APPROVERS_PIN)));
        assert_false(wire_saw(&chip->wire, "swordfish", 9));
        assert_int_equal(tpm_pin_auth(&seal.pin, &auth), 0);
        assert_false(wire_saw(&chip->wire, auth.data, auth.size));
}

/* Who has the PIN and the blob, and leaves the policy out. */
static void pin_alone_opens_nothing(void **state) {
        TpmHandle session = {}, key = {};
        ErrorDetail detail = {};
        TPMT_SIGNATURE signature;
        Chip *chip = *state;
        PeopleSeal seal;
        TpmAuth lent = {};
        Secret auth = {};

        pin_seal_make(chip, &seal);
        assert_int_equal(tpm_pin_auth(&seal.pin, &auth), 0);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, NULL),
                         0);
        assert_int_equal(tpm_key_load(chip->tpm, NULL, &seal.base.key.public,
                                      &seal.base.key.private, &key, NULL),
                         0);
        assert_int_equal(tpm_auth_lend(&lent, chip->tpm, key.tr, &auth, NULL), 0);
        assert_int_not_equal(tpm_key_sign(&key, &session, &seal.base.use.digest,
                                          &seal.base.use.scheme, &signature, &detail),
                             0);
        assert_says(&detail, "0x12f"); /* TPM_RC_AUTH_UNAVAILABLE */
        tpm_auth_revoke(&lent);
        tpm_handle_close(&key);
        tpm_handle_close(&session);
        assert_int_equal(failures(chip), 0);
}

/* An authValue that ends in zeros is shorter for the chip (Part 1 §19.6.4.3). */
static void pin_whose_hash_ends_in_a_zero_is_the_same_to_the_chip(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;
        Secret auth = {};
        char pin[16];

        for (unsigned i = 0;; i++) {
                (void) snprintf(pin, sizeof(pin), "%u", i);
                assert_int_equal(secret_set(&seal.pin, pin, strlen(pin)), 0);
                assert_int_equal(tpm_pin_auth(&seal.pin, &auth), 0);
                if (auth.data[31] == 0)
                        break;
        }
        pin_seal_make(chip, &seal);
        TPM2B_DIGEST digest;
        assert_int_equal(seal_policy_digest(&seal.base.policy, &digest), 0);
        assert_int_equal(tpm_seal_create(chip->tpm, algorithm_find(ALGORITHM_DEFAULT), &digest,
                                         &auth, &seal.base.key, NULL),
                         0);
        assert_int_equal(use_with(chip, &seal, pin, NULL), 0);
        assert_int_equal(use_with(chip, &seal, APPROVERS_PIN, NULL), SEAL_E_WRONG_PIN);
}

/* Nobody's failures but wrong PINs: other refusals of the same seal are not counted. */
static void refusals_of_the_machine_cost_no_try(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;

        pin_seal_make(chip, &seal);
        chip_pcr_extend(chip, 7);
        assert_int_equal(use_with(chip, &seal, "wrong", NULL), SEAL_E_MACHINE_STATE_REFUSED);
        seal.base.approval = chip_approve(chip, &chip->key, CHIP_PROFILE);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &chip->index, 1U << CHIP_BIT, NULL), 0);
        assert_int_equal(use_with(chip, &seal, "wrong", NULL), SEAL_E_REVOKED);
        assert_int_equal(failures(chip), 0);
}

#define chip_test(name) cmocka_unit_test_setup_teardown(name, chip_setup_installed, chip_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                chip_test(right_pin_signs_and_is_asked_for_every_time),
                chip_test(wrong_pins_say_the_tries_left_and_lock_out),
                chip_test(lockout_stops_no_seal_without_a_pin),
                chip_test(pin_and_approvals_are_both_needed),
                chip_test(pin_never_passes_the_wire),
                chip_test(pin_alone_opens_nothing),
                chip_test(pin_whose_hash_ends_in_a_zero_is_the_same_to_the_chip),
                chip_test(refusals_of_the_machine_cost_no_try),
        };

        return cmocka_run_group_tests(tests, group_make, group_done);
}
