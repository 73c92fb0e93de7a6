/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signature with people costs: on a chip of silicon a command takes milliseconds to tenths
 * of a second. Whoever adds one has to say so here.
 */
#include "tests/unit/unit.h"

#include "tests/fixture/approvers.h"
#include "tpm/context.h"

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

#define MACHINE TPM2_CC_PolicyPCR, TPM2_CC_PolicyAuthorize, TPM2_CC_PolicyNV
#define ONE TPM2_CC_LoadExternal, TPM2_CC_PolicySigned, TPM2_CC_FlushContext

static void assert_sent(Chip *chip, const TPM2_CC *codes, size_t count) {
        assert_int_equal(chip->wire.commands, count);
        assert_memory_equal(chip->wire.codes, codes, count * sizeof(*codes));
        chip->wire.commands = 0;
}

#define assert_commands(chip, ...)                                             \
        do {                                                                   \
                const TPM2_CC _codes[] = { __VA_ARGS__ };                      \
                assert_sent((chip), _codes, sizeof(_codes) / sizeof(*_codes)); \
        } while (0)

static void seal_of(Chip *chip, PeopleSeal *seal, size_t count, size_t threshold, bool pin) {
        people_seal_make(chip, seal,
                         (PeopleWanted){
                                 .approvers = count > 0 ? &approvers : NULL,
                                 .count = count,
                                 .threshold = threshold,
                                 .pin = pin,
                         });
}

/* The second time with the same seal: what the first one loaded is there. */
static void warm(Chip *chip, PeopleSeal *seal, unsigned set) {
        if (set != 0)
                people_approve(seal, set, NULL, 0);
        people_assert_signs(chip, seal);
        wire_tap(&chip->wire, chip->tpm);
        people_assert_signs(chip, seal);
}

static void pin_costs_five_commands(void **state) {
        PeopleSeal seal;

        seal_of(*state, &seal, 0, 0, true);
        warm(*state, &seal, 0);
        assert_commands((Chip *) *state, MACHINE, TPM2_CC_PolicyAuthValue, TPM2_CC_Sign);
}

static void one_of_one_costs_seven(void **state) {
        PeopleSeal seal;

        seal_of(*state, &seal, 1, 1, false);
        warm(*state, &seal, 1);
        assert_commands((Chip *) *state, MACHINE, ONE, TPM2_CC_Sign);
}

static void two_of_three_cost_eleven(void **state) {
        PeopleSeal seal;

        seal_of(*state, &seal, 3, 2, false);
        warm(*state, &seal, 5);
        assert_commands((Chip *) *state, MACHINE, ONE, ONE, TPM2_CC_PolicyOR, TPM2_CC_Sign);
}

static void four_of_four_cost_sixteen(void **state) {
        PeopleSeal seal;

        seal_of(*state, &seal, 4, 4, false);
        warm(*state, &seal, 15);
        assert_commands((Chip *) *state, MACHINE, ONE, ONE, ONE, ONE, TPM2_CC_Sign);
}

static void two_of_three_with_a_pin_cost_twelve(void **state) {
        PeopleSeal seal;

        seal_of(*state, &seal, 3, 2, true);
        warm(*state, &seal, 5);
        assert_commands((Chip *) *state, MACHINE, TPM2_CC_PolicyAuthValue, ONE, ONE,
                        TPM2_CC_PolicyOR, TPM2_CC_Sign);
}

/* Its session is opened when the use is asked for, and flushed behind the signature. */
static void live_two_of_three_cost_two_more(void **state) {
        LiveUse *live = NULL;
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 3, 2, false);
        warm(chip, &seal, 5);
        chip->wire.commands = 0;
        assert_int_equal(tpm_live_use_open(chip->tpm, &live, NULL), 0);
        assert_commands(chip, TPM2_CC_StartAuthSession);
        people_approve(&seal, 5, live, 300);
        people_assert_signs(chip, &seal);
        assert_commands(chip, MACHINE, ONE, ONE, TPM2_CC_PolicyOR, TPM2_CC_Sign,
                        TPM2_CC_FlushContext);
        (void) tpm_live_use_free(live);
        assert_int_equal(chip->wire.commands, 0);
}

/* The first one has the key and two sessions to load; a live one brings its own. */
static void first_signature_costs_three_more_and_a_live_one_two(void **state) {
        LiveUse *live = NULL;
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 1, 1, false);
        people_approve(&seal, 1, NULL, 0);
        wire_tap(&chip->wire, chip->tpm);
        people_assert_signs(chip, &seal);
        assert_commands(chip, TPM2_CC_Load, TPM2_CC_StartAuthSession, TPM2_CC_StartAuthSession,
                        MACHINE, ONE, TPM2_CC_Sign);
        tpm_release(chip->tpm);
        assert_int_equal(tpm_live_use_open(chip->tpm, &live, NULL), 0);
        people_approve(&seal, 1, live, 300);
        chip->wire.commands = 0;
        people_assert_signs(chip, &seal);
        assert_commands(chip, TPM2_CC_Load, TPM2_CC_StartAuthSession, MACHINE, ONE, TPM2_CC_Sign,
                        TPM2_CC_FlushContext);
        (void) tpm_live_use_free(live);
}

/* Refused people are not asked for with another approval of the machine's state. */
static void refused_approval_costs_no_search(void **state) {
        MachineApproval approvals[2];
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 2, 2, false);
        warm(chip, &seal, 3);
        chip->wire.commands = 0;
        approvals[0] = approvals[1] = seal.base.approval;
        seal.base.use.approvals = approvals;
        seal.base.use.approval_count = 2;
        seal.signatures[1].signature = seal.signatures[0].signature;
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_APPROVAL_INVALID);
        assert_commands(chip, MACHINE, ONE, ONE);
        people_approve(&seal, 3, NULL, 0);
        people_assert_signs(chip, &seal);
        assert_commands(chip, TPM2_CC_PolicyRestart, MACHINE, ONE, ONE, TPM2_CC_Sign);
}

#define chip_test(name) cmocka_unit_test_setup_teardown(name, chip_setup_installed, chip_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                chip_test(pin_costs_five_commands),
                chip_test(one_of_one_costs_seven),
                chip_test(two_of_three_cost_eleven),
                chip_test(four_of_four_cost_sixteen),
                chip_test(two_of_three_with_a_pin_cost_twelve),
                chip_test(live_two_of_three_cost_two_more),
                chip_test(first_signature_costs_three_more_and_a_live_one_two),
                chip_test(refused_approval_costs_no_search),
        };

        return cmocka_run_group_tests(tests, group_make, group_done);
}
