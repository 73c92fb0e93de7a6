/* SPDX-License-Identifier: Apache-2.0 */
/* PINs of seals' keys set and changed in the simulated chip. */
#include "tests/unit/unit.h"

#include <openssl/evp.h>

#include "tests/fixture/approvers.h"
#include "tpm/hierarchy.h"
#include "tpm/pin.h"
#include "tpm/seal.h"

#define NEW_PIN "a new PIN"

static Secret secret_of(const char *text) {
        Secret secret = {};

        assert_int_equal(secret_set(&secret, text, strlen(text)), 0);
        return secret;
}

static Secret auth_of(const char *pin) {
        const Secret text = secret_of(pin);
        Secret auth = {};

        assert_int_equal(tpm_pin_auth(&text, &auth), 0);
        return auth;
}

static void seal_make(Chip *chip, PeopleSeal *seal) {
        people_seal_make(chip, seal, (PeopleWanted){ .pin = true });
}

static int change(Chip *chip, const PeopleSeal *seal, const char *old, const char *new,
                  TPM2B_PRIVATE *ret, ErrorDetail *detail) {
        const Secret from = auth_of(old), to = auth_of(new);

        int r = tpm_seal_change_auth(chip->tpm, &seal->base.key, &from, &to, ret, detail);
        chip_assert_empty(chip);
        return r;
}

static int use(Chip *chip, PeopleSeal *seal, const char *pin, ErrorDetail *detail) {
        seal->pin = secret_of(pin);
        int r = people_use(chip, seal, detail);
        tpm_release(chip->tpm);
        chip_assert_empty(chip);
        return r;
}

static void assert_says(const ErrorDetail *detail, const char *text) {
        if (!strstr(detail->text, text))
                fail_msg("'%s' lacks '%s'", detail->text, text);
}

static void lockout_reset(Chip *chip) {
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_LOCKOUT, NULL, NULL), 0);
}

static void new_pin_signs_and_the_old_one_does_not(void **state) {
        TPM2B_PRIVATE changed = {};
        ErrorDetail detail = {};
        Chip *chip = *state;
        PeopleSeal seal;

        seal_make(chip, &seal);
        assert_int_equal(use(chip, &seal, APPROVERS_PIN, NULL),
                         0); /* leaves its key for the next */
        assert_int_equal(change(chip, &seal, APPROVERS_PIN, NEW_PIN, &changed, &detail), 0);
        seal.base.key.private = changed;
        assert_int_equal(use(chip, &seal, APPROVERS_PIN, &detail), SEAL_E_WRONG_PIN);
        assert_says(&detail, "2 tries are left");
        assert_int_equal(use(chip, &seal, NEW_PIN, NULL), 0);
        people_assert_signs(chip, &seal);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        assert_int_equal(use(chip, &seal, NEW_PIN, NULL), 0);
}

/* What is kept of the signing before must not serve with the key that it loaded. */
static void key_kept_from_the_signature_before_does_not_take_the_old_pin(void **state) {
        TPM2B_PRIVATE changed = {};
        Chip *chip = *state;
        PeopleSeal seal;

        seal_make(chip, &seal);
        const TPM2B_PRIVATE old = seal.base.key.private;
        assert_int_equal(change(chip, &seal, APPROVERS_PIN, NEW_PIN, &changed, NULL), 0);
        for (size_t i = 0; i < 2; i++) { /* one that began before the change goes on with the old */
                seal.base.key.private = old;
                seal.pin = secret_of(APPROVERS_PIN);
                assert_int_equal(people_use(chip, &seal, NULL), 0);
                seal.base.key.private = changed;
                assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_WRONG_PIN);
                seal.pin = secret_of(NEW_PIN);
                assert_int_equal(people_use(chip, &seal, NULL), 0);
        }
        lockout_reset(chip);
        tpm_release(chip->tpm);
}

/* The fact that the manual tells of: a change protects the new blob, not what was copied before. */
static void old_blob_with_the_old_pin_works_for_ever(void **state) {
        TPM2B_PRIVATE changed = {}, again = {};
        Chip *chip = *state;
        PeopleSeal seal;

        seal_make(chip, &seal);
        const TPM2B_PRIVATE old = seal.base.key.private;
        assert_int_equal(change(chip, &seal, APPROVERS_PIN, NEW_PIN, &changed, NULL), 0);
        seal.base.key.private = changed;
        assert_int_equal(change(chip, &seal, NEW_PIN, "another", &again, NULL), 0);
        seal.base.key.private = old;
        assert_int_equal(use(chip, &seal, APPROVERS_PIN, NULL), 0);
        people_assert_signs(chip, &seal);
        seal.base.key.private = changed;
        assert_int_equal(use(chip, &seal, NEW_PIN, NULL), 0);
}

static void birth_value_is_replaced_by_a_pin(void **state) {
        TPM2B_PRIVATE changed = {};
        TPM2B_DIGEST policy;
        Chip *chip = *state;
        PeopleSeal seal;
        Secret birth = {};
        const Secret pin = auth_of(APPROVERS_PIN);

        seal_make(chip, &seal);
        assert_int_equal(secret_random(&birth, 32), 0);
        birth.data[31] = 0; /* the chip drops it */
        assert_int_equal(seal_policy_digest(&seal.base.policy, &policy), 0);
        assert_int_equal(tpm_seal_create(chip->tpm, algorithm_find("ecdsa-p256"), &policy, &birth,
                                         &seal.base.key, NULL),
                         0);
        assert_int_equal(use(chip, &seal, APPROVERS_PIN, NULL), SEAL_E_WRONG_PIN);
        assert_int_equal(
                tpm_seal_change_auth(chip->tpm, &seal.base.key, &birth, &pin, &changed, NULL), 0);
        seal.base.key.private = changed;
        assert_int_equal(use(chip, &seal, APPROVERS_PIN, NULL), 0);
        lockout_reset(chip);
}

static void wrong_old_pins_are_counted_down_to_lockout(void **state) {
        static const char *const says[] = { "2 tries are left", "1 try is left", "refuses all" };
        TPM2B_PRIVATE changed = {}, untouched = {};
        ErrorDetail detail = {};
        Chip *chip = *state;
        ChipSeal other;
        PeopleSeal seal;
        TPMT_SIGNATURE signature;

        seal_make(chip, &seal);
        chip_seal_make(chip, &other, chip_seal_policy(chip));
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(change(chip, &seal, "0816", NEW_PIN, &changed, &detail),
                                 SEAL_E_WRONG_PIN);
                assert_says(&detail, says[i]);
        }
        assert_int_equal(change(chip, &seal, APPROVERS_PIN, NEW_PIN, &changed, &detail),
                         SEAL_E_TPM_LOCKOUT);
        assert_says(&detail, "1000 seconds");
        assert_int_equal(use(chip, &seal, APPROVERS_PIN, &detail), SEAL_E_TPM_LOCKOUT);
        assert_memory_equal(&changed, &untouched, sizeof(changed));
        /* Who has no PIN is not concerned. */
        assert_int_equal(tpm_seal_sign(chip->tpm, &other.use, &signature, NULL, NULL), 0);
        tpm_release(chip->tpm);
        lockout_reset(chip);
        assert_int_equal(change(chip, &seal, APPROVERS_PIN, NEW_PIN, &changed, &detail), 0);
}

static void key_without_a_pin_gets_none(void **state) {
        const Secret none = {}, pin = auth_of(NEW_PIN);
        TPM2B_PRIVATE changed = {};
        ErrorDetail detail = {};
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(tpm_seal_change_auth(chip->tpm, &seal.key, &none, &pin, &changed, &detail),
                         SEAL_E_REGISTER_TAMPERED);
        assert_says(&detail, "made without one");
        assert_int_equal(changed.size, 0);
}

static void blob_of_another_key_is_refused(void **state) {
        TPM2B_PRIVATE changed = {};
        Chip *chip = *state;
        PeopleSeal seal, other;

        seal_make(chip, &seal);
        seal_make(chip, &other);
        seal.base.key.private = other.base.key.private;
        assert_int_equal(change(chip, &seal, APPROVERS_PIN, NEW_PIN, &changed, NULL),
                         SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(changed.size, 0);
}

static void neither_pin_passes_in_clear_nor_as_its_hash(void **state) {
        const Secret from = auth_of(APPROVERS_PIN), to = auth_of(NEW_PIN);
        TPM2B_PRIVATE changed = {};
        Chip *chip = *state;
        PeopleSeal seal;

        seal_make(chip, &seal);
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(
                tpm_seal_change_auth(chip->tpm, &seal.base.key, &from, &to, &changed, NULL), 0);
        assert_true(
                wire_saw(&chip->wire, changed.buffer, changed.size)); /* not decrypted by ESAPI */
        assert_false(wire_saw(&chip->wire, from.data, from.size));
        assert_false(wire_saw(&chip->wire, to.data, to.size));
        assert_false(wire_saw(&chip->wire, NEW_PIN, strlen(NEW_PIN)));
        assert_false(wire_saw(&chip->wire, APPROVERS_PIN, strlen(APPROVERS_PIN)));
        chip_assert_salted(chip);
        /*
         * Session, Load, ObjectChangeAuth (the chip asks for it again), Load, and three to flush.
         */
        assert_in_range(chip->wire.commands, 7, 8);
        wire_untap(&chip->wire);
}

static void alter_private(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        (void) wire;
        if (command == TPM2_CC_ObjectChangeAuth && size > 41) /* not that it is to be sent again */
                answer[40] ^= 1;                              /* within the blob */
}

static void blob_altered_on_its_way_is_noticed(void **state) {
        TPM2B_PRIVATE changed = {};
        ErrorDetail detail = {};
        Chip *chip = *state;
        PeopleSeal seal;

        seal_make(chip, &seal);
        chip->wire.answered = alter_private;
        wire_tap(&chip->wire, chip->tpm);
        const Secret from = auth_of(APPROVERS_PIN), to = auth_of(NEW_PIN);
        assert_int_equal(
                tpm_seal_change_auth(chip->tpm, &seal.base.key, &from, &to, &changed, &detail),
                SEAL_E_TPM_UNAVAILABLE);
        assert_int_equal(changed.size, 0);
        wire_untap(&chip->wire);
        chip_reconnect(chip);
        assert_int_equal(use(chip, &seal, APPROVERS_PIN, NULL), 0);
}

#define ON_CHIP(function) \
        cmocka_unit_test_setup_teardown(function, chip_setup_installed, chip_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                ON_CHIP(new_pin_signs_and_the_old_one_does_not),
                ON_CHIP(key_kept_from_the_signature_before_does_not_take_the_old_pin),
                ON_CHIP(old_blob_with_the_old_pin_works_for_ever),
                ON_CHIP(birth_value_is_replaced_by_a_pin),
                ON_CHIP(wrong_old_pins_are_counted_down_to_lockout),
                ON_CHIP(key_without_a_pin_gets_none),
                ON_CHIP(blob_of_another_key_is_refused),
                ON_CHIP(neither_pin_passes_in_clear_nor_as_its_hash),
                ON_CHIP(blob_altered_on_its_way_is_noticed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
