/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fixture/chip.h"
#include "tests/fixture/wire.h"
#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/hierarchy.h"
#include "tpm/srk.h"

/* The second ends in a zero, which the chip does not keep. */
static const Secret old_auth = { .set = true, .size = 8, .data = "old-auth" };
static const Secret new_auth = { .set = true, .size = 9, .data = "new-auth" };
static const Secret wrong_auth = { .set = true, .size = 5, .data = "wrong" };

static TpmHierarchies hierarchies(Chip *chip) {
        TpmHierarchies h;

        assert_int_equal(tpm_hierarchies(chip->tpm, &h, NULL), 0);
        return h;
}

static void new_chip_has_no_authorisations(void **state) {
        TpmHierarchies h = hierarchies(*state);

        assert_false(h.owner_auth_set);
        assert_false(h.lockout_auth_set);
        assert_false(h.endorsement_auth_set);
        assert_false(h.clear_disabled);
        assert_false(h.in_lockout);
        assert_int_equal(h.lockout_counter, 0);
        assert_int_equal(h.max_auth_fail, 3);
        assert_int_equal(h.lockout_interval, 1000);
        assert_int_equal(h.lockout_recovery, 1000);
}

static void owner_auth_is_set_changed_and_checked(void **state) {
        Chip *chip = *state;

        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_OWNER, NULL, NULL), 0);
        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, NULL, &old_auth, NULL), 0);
        assert_true(hierarchies(chip).owner_auth_set);
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_OWNER, &old_auth, NULL), 0);
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_OWNER, NULL, NULL),
                         SEAL_E_WRONG_PIN);

        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, &wrong_auth, &new_auth, NULL),
                         SEAL_E_WRONG_PIN);
        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, &old_auth, &new_auth, NULL),
                         0);
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_OWNER, &old_auth, NULL),
                         SEAL_E_WRONG_PIN);
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_OWNER, &new_auth, NULL), 0);
        assert_int_equal(hierarchies(chip).lockout_counter, 0);
}

/* Others set these, with tools of their own. */
static void endorsement_auth_and_clear_control_are_told(void **state) {
        const TPM2B_AUTH auth = { .size = 3, .buffer = "ek!" };
        Chip *chip = *state;
        ESYS_CONTEXT *esys = chip->tpm->esys;

        assert_int_equal(Esys_HierarchyChangeAuth(esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD,
                                                  ESYS_TR_NONE, ESYS_TR_NONE, &auth),
                         0);
        assert_true(hierarchies(chip).endorsement_auth_set);
        assert_false(hierarchies(chip).clear_disabled);
        assert_int_equal(Esys_ClearControl(esys, ESYS_TR_RH_LOCKOUT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                           ESYS_TR_NONE, TPM2_YES),
                         0);
        assert_true(hierarchies(chip).clear_disabled);
        assert_false(hierarchies(chip).lockout_auth_set);
}

static void wrong_lockout_auth_blocks_also_the_right_one(void **state) {
        Chip *chip = *state;
        ErrorDetail detail = {};

        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_LOCKOUT, NULL, &old_auth, NULL), 0);
        assert_true(hierarchies(chip).lockout_auth_set);
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_LOCKOUT, &old_auth, NULL), 0);
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_LOCKOUT, &wrong_auth, &detail),
                         SEAL_E_WRONG_PIN);
        assert_non_null(strstr(detail.text, "lockout"));
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_LOCKOUT, &old_auth, NULL),
                         SEAL_E_TPM_LOCKOUT);
        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_LOCKOUT, &old_auth, &new_auth, NULL),
                         SEAL_E_TPM_LOCKOUT);
}

/* ESAPI keeps what it is lent, and would use it for whoever asks next. */
static void no_authorisation_outlives_its_use(void **state) {
        Chip *chip = *state;
        ESYS_CONTEXT *esys = chip->tpm->esys;

        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, NULL, &old_auth, NULL), 0);
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_OWNER, &old_auth, NULL), 0);
        assert_int_equal(
                tpm_rc_chip(Esys_ClockRateAdjust(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
                                                 ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CLOCK_NO_CHANGE)),
                TPM2_RC_BAD_AUTH | TPM2_RC_S | TPM2_RC_1);
}

static void trailing_zeros_are_no_part_of_an_auth(void **state) {
        const Secret zeros = { .set = true, .size = 40 };
        TPM2B_AUTH value = { .size = 99 };

        (void) state;
        assert_int_equal(tpm_auth_value(&new_auth, &value, NULL), 0);
        assert_int_equal(value.size, 8);
        assert_int_equal(tpm_auth_value(&zeros, &value, NULL), 0);
        assert_int_equal(value.size, 0);
}

static void too_long_an_auth_is_refused(void **state) {
        Chip *chip = *state;
        Secret long_auth = { .set = true, .size = 33 };

        memset(long_auth.data, 'x', long_auth.size);
        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, NULL, &long_auth, NULL),
                         SEAL_E_LIMITS_EXCEEDED);
        long_auth.size = 65;
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_OWNER, &long_auth, NULL),
                         SEAL_E_WRONG_PIN);
}

static void no_authorisation_passes_in_clear(void **state) {
        Chip *chip = *state;

        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, NULL, &old_auth, NULL), 0);
        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, &old_auth, &new_auth, NULL),
                         0);
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_OWNER, &new_auth, NULL), 0);
        assert_true(chip->wire.commands >= 9);
        assert_false(wire_saw(&chip->wire, old_auth.data, old_auth.size));
        assert_false(wire_saw(&chip->wire, new_auth.data, new_auth.size - 1));
        chip_assert_salted(chip);
        wire_untap(&chip->wire);
}

/* The first answer with a session's HMAC is altered in its last byte. */
static void alter_hmac(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        (void) wire;
        if (command == TPM2_CC_HierarchyChangeAuth)
                answer[size - 1] ^= 1;
}

static void altered_answer_ends_the_connection(void **state) {
        Chip *chip = *state;
        ErrorDetail detail = {};

        chip->wire.answered = alter_hmac;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, NULL, &old_auth, &detail),
                         SEAL_E_TPM_UNAVAILABLE);
        assert_non_null(strstr(detail.text, "altered"));
        wire_untap(&chip->wire);
        /* What that connection had open dies with a resource manager's connection, or at reset. */
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
}

/* TPM_RC_RETRY (Part 2 §6.6.3): the chip did not start the command. */
static void retry_some(Wire *wire, TPM2_CC command) {
        unsigned *left = wire->userdata;

        if (command != TPM2_CC_DictionaryAttackLockReset || *left == 0)
                return;
        --*left;
        wire->refusal = TPM2_RC_RETRY;
}

static void retry_is_sent_again(void **state) {
        Chip *chip = *state;
        unsigned left = 2;

        chip->wire.before = retry_some;
        chip->wire.userdata = &left;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_LOCKOUT, NULL, NULL), 0);
        assert_int_equal(left, 0);
        left = 1000;
        assert_int_equal(tpm_hierarchy_check_auth(chip->tpm, TPM_LOCKOUT, NULL, NULL), SEAL_E_BUSY);
}

/* Header (10 bytes), moreData, then capability and count (Part 3 §30.2). */
static void answer_with_curves(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        (void) wire;
        if (command == TPM2_CC_GetCapability && size > 14)
                answer[14] = TPM2_CAP_ECC_CURVES;
}

/*
 * There is room for four times as many curves as properties: the list was read to its end and on.
 */
static void answer_of_another_capability_is_refused(void **state) {
        TpmHierarchies h = { .max_auth_fail = 7 };
        ErrorDetail detail = {};
        Chip *chip = *state;
        char text[64];

        chip->wire.answered = answer_with_curves;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_hierarchies(chip->tpm, &h, &detail), SEAL_E_TPM_FAILURE);
        assert_non_null(strstr(detail.text, "capability 8 instead of 6"));
        assert_int_equal(h.max_auth_fail, 7);
        assert_int_equal(tpm_describe(chip->tpm, text, sizeof(text), NULL), SEAL_E_TPM_FAILURE);
        wire_untap(&chip->wire);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ON_CHIP(test) cmocka_unit_test_setup_teardown(test, chip_setup, chip_teardown)
                ON_CHIP(new_chip_has_no_authorisations),
                ON_CHIP(owner_auth_is_set_changed_and_checked),
                ON_CHIP(endorsement_auth_and_clear_control_are_told),
                ON_CHIP(wrong_lockout_auth_blocks_also_the_right_one),
                ON_CHIP(no_authorisation_outlives_its_use),
                cmocka_unit_test(trailing_zeros_are_no_part_of_an_auth),
                ON_CHIP(too_long_an_auth_is_refused),
                ON_CHIP(no_authorisation_passes_in_clear),
                ON_CHIP(altered_answer_ends_the_connection),
                ON_CHIP(retry_is_sent_again),
                ON_CHIP(answer_of_another_capability_is_refused),
#undef ON_CHIP
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
