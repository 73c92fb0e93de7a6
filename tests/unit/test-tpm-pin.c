/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <openssl/evp.h>

#include "tests/fixture/chip.h"
#include "tpm/pin.h"

static void assert_auth(const Secret *auth, const char *text) {
        uint8_t digest[32];

        assert_int_equal(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL), 1);
        assert_int_equal(auth->size, sizeof(digest));
        assert_memory_equal(auth->data, digest, sizeof(digest));
}

static void auth_values_are_of_one_purpose(void **state) {
        Secret text = {}, auth = {};

        (void) state;
        assert_int_equal(secret_set(&text, "4711", 4), 0);
        assert_int_equal(tpm_pin_auth(&text, &auth), 0);
        assert_auth(&auth, "sealsd/seal/pin4711");
        assert_int_equal(tpm_passphrase_auth(&text, &auth), 0);
        assert_auth(&auth, "sealsd/authority/passphrase4711");
}

static void no_room_is_said(void **state) {
        Secret text = { .size = SECRET_MAX, .set = true }, auth = {};

        (void) state;
        assert_int_equal(tpm_pin_auth(&text, &auth), SEAL_E_LIMITS_EXCEEDED);
        assert_false(auth.set);
}

static void refusals_say_tries_and_seconds(void **state) {
        ErrorDetail wrong = {}, locked = {};
        Chip *chip = *state;

        assert_int_equal(tpm_pin_explain(chip->tpm, SEAL_E_WRONG_PIN, "Wrong PIN", "PINs", &wrong),
                         SEAL_E_WRONG_PIN);
        assert_string_equal(wrong.text, "Wrong PIN; 3 tries are left before the TPM refuses all");
        assert_int_equal(
                tpm_pin_explain(chip->tpm, SEAL_E_TPM_LOCKOUT, "Wrong PIN", "PINs", &locked),
                SEAL_E_TPM_LOCKOUT);
        assert_string_equal(locked.text, "After too many wrong PINs the TPM refuses all; it "
                                         "forgets one every 1000 seconds");
}

static void chip_that_does_not_answer_changes_no_sentence(void **state) {
        ErrorDetail detail = { .text = "as it was" };
        Chip *chip = *state;

        swtpm_power_off(&chip->swtpm);
        assert_int_equal(tpm_pin_explain(chip->tpm, SEAL_E_WRONG_PIN, "Wrong PIN", "PINs", &detail),
                         SEAL_E_WRONG_PIN);
        assert_string_equal(detail.text, "as it was");
        swtpm_power_on(&chip->swtpm);
        chip_reconnect(chip);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(auth_values_are_of_one_purpose),
                cmocka_unit_test(no_room_is_said),
                cmocka_unit_test_setup_teardown(refusals_say_tries_and_seconds, chip_setup,
                                                chip_teardown),
                cmocka_unit_test_setup_teardown(chip_that_does_not_answer_changes_no_sentence,
                                                chip_setup, chip_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
