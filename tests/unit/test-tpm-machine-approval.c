/* SPDX-License-Identifier: Apache-2.0 */
/* The order of attempts; test-tpm-seal.c and test-tpm-register-key.c show them on real keys. */
#include "tests/unit/unit.h"

#include "policy/approval.h"
#include "tests/fixture/chip.h"
#include "tpm/machine-approval.h"
#include "tpm/machine.h"

#define ATTEMPTS_MAX 32

/* Answers in order, the last one again and again; which approvals they were asked for. */
typedef struct Script {
        const MachineApproval *approvals;
        const int *answers;
        size_t answer_count;
        size_t asked;
        size_t positions[ATTEMPTS_MAX];
} Script;

static int script_attempt(void *userdata, const MachineApproval *approval, ErrorDetail *detail) {
        Script *s = userdata;
        size_t at = s->asked < s->answer_count ? s->asked : s->answer_count - 1;

        assert_true(s->asked < ATTEMPTS_MAX);
        s->positions[s->asked++] = (size_t) (approval - s->approvals);
        if (s->answers[at] != 0)
                (void) error_set(detail, s->answers[at], "refusal %zu", s->asked);
        return s->answers[at];
}

static void approvals_make(Chip *chip, MachineApproval *approvals, size_t count) {
        const PcrSelection selection = chip_pcrs();

        for (size_t i = 0; i < count; i++) {
                approvals[i] = (MachineApproval){};
                assert_int_equal(tpm_pcr_read(chip->tpm, &selection, &approvals[i].values, NULL),
                                 0);
        }
}

static int run(Chip *chip, Script *script, size_t count, size_t *approval, ErrorDetail *detail) {
        const MachineAttempts attempts = {
                .approvals = script->approvals,
                .count = count,
                .attempt = script_attempt,
                .userdata = script,
        };

        return machine_attempts_run(chip->tpm, &attempts, approval, detail);
}

static void the_first_is_tried_without_reading_pcrs(void **state) {
        static const int answers[] = { 0 };
        MachineApproval approvals[2];
        Chip *chip = *state;
        Script script = { .approvals = approvals, .answers = answers, .answer_count = 1 };
        ErrorDetail detail = { .text = "as it was" };
        size_t approval = 9;

        approvals_make(chip, approvals, 2);
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(run(chip, &script, 2, &approval, &detail), 0);
        assert_int_equal(chip->wire.commands, 0);
        assert_int_equal(script.asked, 1);
        assert_int_equal(approval, 0);
        assert_string_equal(detail.text, "as it was");
}

static void those_that_fit_follow_in_order(void **state) {
        static const int answers[] = { SEAL_E_MACHINE_STATE_REFUSED, SEAL_E_APPROVAL_INVALID, 0 };
        MachineApproval approvals[4];
        Chip *chip = *state;
        Script script = { .approvals = approvals, .answers = answers, .answer_count = 3 };
        ErrorDetail detail = {};
        size_t approval = 9;

        approvals_make(chip, approvals, 4);
        approvals[0].values.values[7].buffer[0] ^= 1;
        approvals[2].values.values[2].buffer[0] ^= 1;
        assert_int_equal(run(chip, &script, 4, &approval, &detail), 0);
        assert_int_equal(script.asked, 3);
        assert_int_equal(script.positions[1], 1);
        assert_int_equal(script.positions[2], 3);
        assert_int_equal(approval, 3);
        assert_string_equal(detail.text, "");
}

static void any_other_refusal_ends_the_search(void **state) {
        static const int answers[] = { SEAL_E_MACHINE_STATE_REFUSED, SEAL_E_REVOKED };
        MachineApproval approvals[3];
        Chip *chip = *state;
        Script script = { .approvals = approvals, .answers = answers, .answer_count = 2 };
        ErrorDetail detail = {};
        size_t approval = 9;

        approvals_make(chip, approvals, 3);
        assert_int_equal(run(chip, &script, 3, &approval, &detail), SEAL_E_REVOKED);
        assert_int_equal(script.asked, 2);
        assert_int_equal(approval, 9);
        assert_string_equal(detail.text, "refusal 2");
}

static void busy_is_tried_again_within_bounds(void **state) {
        static const int answers[] = { SEAL_E_BUSY };
        MachineApproval approvals[1];
        Chip *chip = *state;
        Script script = { .approvals = approvals, .answers = answers, .answer_count = 1 };
        size_t approval = 9;

        approvals_make(chip, approvals, 1);
        assert_int_equal(run(chip, &script, 1, &approval, NULL), SEAL_E_BUSY);
        assert_int_equal(script.asked, 8);
}

static void without_an_approval_it_is_said_what_to_do(void **state) {
        ErrorDetail detail = {};

        (void) state;
        assert_int_equal(machine_attempts_demand(1, &detail), 0);
        assert_string_equal(detail.text, "");
        assert_int_equal(machine_attempts_demand(0, &detail), SEAL_E_MACHINE_STATE_REFUSED);
        assert_non_null(strstr(detail.text, "sealctl machine-state approve"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ON_CHIP(test) cmocka_unit_test_setup_teardown(test, chip_setup, chip_teardown)
                ON_CHIP(the_first_is_tried_without_reading_pcrs),
                ON_CHIP(those_that_fit_follow_in_order),
                ON_CHIP(any_other_refusal_ends_the_search),
                ON_CHIP(busy_is_tried_again_within_bounds),
                cmocka_unit_test(without_an_approval_it_is_said_what_to_do),
#undef ON_CHIP
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
