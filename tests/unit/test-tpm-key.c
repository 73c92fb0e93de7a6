/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an inspection asks of a key; the rest is shown by the tests of those who make and use keys.
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "policy/algorithm.h"
#include "tests/fixture/chip.h"
#include "tests/fixture/wire.h"
#include "tpm/key.h"

typedef struct Inspected {
        SealKey key;
        TPM2B_DIGEST policy;
} Inspected;

static Inspected seal_make(Chip *chip, unsigned bit) {
        SealPolicy policy = chip_seal_policy(chip);
        Inspected seal = {};

        policy.bit = bit;
        assert_int_equal(seal_policy_digest(&policy, &seal.policy), 0);
        assert_int_equal(tpm_seal_create(chip->tpm, algorithm_find(ALGORITHM_DEFAULT), &seal.policy,
                                         NULL, &seal.key, NULL),
                         0);
        return seal;
}

static int check(Chip *chip, const Inspected *seal, ErrorDetail *detail) {
        int r = tpm_key_check(chip->tpm, &seal->key.public, &seal->key.private, &seal->policy,
                              detail);

        chip_assert_empty(chip);
        return r;
}

static void assert_tampered(Chip *chip, const Inspected *seal, const char *says) {
        ErrorDetail detail = {};

        assert_int_equal(check(chip, seal, &detail), SEAL_E_REGISTER_TAMPERED);
        if (!strstr(detail.text, says))
                fail_msg("'%s' lacks '%s'", detail.text, says);
}

static void a_sound_key_is_found_so_in_any_machine_state(void **state) {
        Chip *chip = *state;
        Inspected seal = seal_make(chip, CHIP_BIT);

        assert_int_equal(check(chip, &seal, NULL), 0);
        chip_pcr_extend(chip, 7);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        assert_int_equal(check(chip, &seal, NULL), 0);
}

static void a_key_of_another_policy_is_found(void **state) {
        Chip *chip = *state;
        Inspected seal = seal_make(chip, CHIP_BIT), other = seal_make(chip, CHIP_BIT + 1);

        seal.policy = other.policy;
        assert_tampered(chip, &seal, "another policy");
        seal.policy.size = 0;
        assert_tampered(chip, &seal, "another policy");
}

static void what_the_chip_does_not_take_is_found(void **state) {
        Chip *chip = *state;
        Inspected seal = seal_make(chip, CHIP_BIT), other = seal_make(chip, CHIP_BIT);
        Inspected altered = seal;

        altered.key.private.buffer[40] ^= 1;
        assert_tampered(chip, &altered, "does not take the wrapped key");
        altered = seal;
        altered.key.private = other.key.private; /* of the same policy */
        assert_tampered(chip, &altered, "does not take the wrapped key");
        altered = seal;
        altered.key.public.publicArea.authPolicy.buffer[0] ^= 1;
        assert_tampered(chip, &altered, "does not take the wrapped key");
}

/* Somewhere in the public area that TPM2_ReadPublic hands out. */
static void alter_public(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        (void) wire;
        if (command == TPM2_CC_ReadPublic && size > 60)
                answer[60] ^= 1;
}

static void an_answer_that_was_altered_is_no_finding(void **state) {
        Chip *chip = *state;
        Inspected seal = seal_make(chip, CHIP_BIT);
        ErrorDetail detail = {};

        chip->wire.answered = alter_public;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_key_check(chip->tpm, &seal.key.public, &seal.key.private, &seal.policy,
                                       &detail),
                         SEAL_E_TPM_UNAVAILABLE);
        wire_untap(&chip->wire);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        assert_int_equal(check(chip, &seal, NULL), 0);
}

static void no_more_is_sealed_than_a_chip_takes(void **state) {
        TPM2B_PUBLIC template = { .publicArea.type = TPM2_ALG_KEYEDHASH };
        Secret data = { .set = true, .size = 129 }, none = {};
        Chip *chip = *state;
        TPM2B_PRIVATE private;
        TPM2B_PUBLIC public;

        assert_int_equal(tpm_key_seal(chip->tpm, &template, &data, &public, &private, NULL),
                         -EINVAL);
        assert_int_equal(tpm_key_seal(chip->tpm, &template, &none, &public, &private, NULL),
                         -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define SEALED(test) cmocka_unit_test_setup_teardown(test, chip_setup_installed, chip_teardown)
                SEALED(a_sound_key_is_found_so_in_any_machine_state),
                SEALED(a_key_of_another_policy_is_found),
                SEALED(what_the_chip_does_not_take_is_found),
                SEALED(an_answer_that_was_altered_is_no_finding),
                SEALED(no_more_is_sealed_than_a_chip_takes),
#undef SEALED
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
