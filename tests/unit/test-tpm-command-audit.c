/* SPDX-License-Identifier: Apache-2.0 */
/* The chip's count of signatures is the one that is computed from what was signed. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "policy/command-audit.h"
#include "tests/fixture/approvers.h"
#include "tpm/command-audit.h"
#include "tpm/hierarchy.h"

static const Secret passphrase = { .set = true, .size = 14, .data = "correct horse " };

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

static TpmCommandAudit audit_of(Chip *chip) {
        TpmCommandAudit audit = {};

        assert_int_equal(tpm_command_audit_read(chip->tpm, &audit, NULL), 0);
        assert_int_equal(audit.digest.size, 32);
        return audit;
}

static TpmCommandAudit arm(Chip *chip, AuditedSigns *signs) {
        assert_int_equal(tpm_command_audit_arm(chip->tpm, NULL, NULL), 0);
        tpm_command_audit_note(chip->tpm, signs);
        return audit_of(chip);
}

static TPM2B_DIGEST computed(TPM2B_DIGEST value, const AuditedSigns *signs) {
        for (size_t i = 0; i < signs->count; i++)
                assert_int_equal(command_audit_extend(&value, &signs->list[i].cphash,
                                                      &signs->list[i].rphash),
                                 0);
        return value;
}

static bool explained(Chip *chip, const TpmCommandAudit *begun, const AuditedSigns *signs) {
        const TPM2B_DIGEST value = computed(begun->digest, signs);
        const TpmCommandAudit now = audit_of(chip);

        return memcmp(value.buffer, now.digest.buffer, value.size) == 0;
}

static void sign_by_authority(Chip *chip) {
        static const Bytes message = { .data = (const uint8_t *) "an index", .size = 8 };
        TpmAuthority authority = {};
        TPMT_SIGNATURE signature;

        assert_int_equal(tpm_authority_create(chip->tpm, &passphrase, &authority, NULL), 0);
        assert_int_equal(
                tpm_authority_sign(chip->tpm, &authority, &passphrase, message, &signature, NULL),
                0);
}

static void sign_with(Chip *chip, PeopleWanted wanted, unsigned set) {
        PeopleSeal seal;

        people_seal_make(chip, &seal, wanted);
        if (set != 0)
                people_approve(&seal, set, NULL, 0);
        people_assert_signs(chip, &seal);
        people_assert_signs(chip, &seal);
}

static void signatures_of_every_kind_are_explained(void **state) {
        AuditedSigns signs = {};
        Chip *chip = *state;
        const TpmCommandAudit begun = arm(chip, &signs);

        assert_true(explained(chip, &begun, &signs));
        sign_with(chip, (PeopleWanted){}, 0);
        sign_with(chip, (PeopleWanted){ .algorithm = "rsa-2048" }, 0);
        sign_with(chip, (PeopleWanted){ .pin = true }, 0);
        sign_with(chip, (PeopleWanted){ .approvers = &approvers, .count = 3, .threshold = 2 }, 5);
        sign_by_authority(chip);
        assert_int_equal(signs.count, 9);
        assert_true(explained(chip, &begun, &signs));
        free(signs.list);
}

static void refused_signature_is_not_counted(void **state) {
        AuditedSigns signs = {};
        Chip *chip = *state;
        PeopleSeal seal;
        const TpmCommandAudit begun = arm(chip, &signs);

        people_seal_make(chip, &seal, (PeopleWanted){ .pin = true });
        seal.pin.data[0]++;
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_WRONG_PIN);
        assert_int_equal(signs.count, 0);
        assert_true(explained(chip, &begun, &signs));
}

static void signature_of_another_program_is_not_explained(void **state) {
        AuditedSigns signs = {};
        Chip *chip = *state;
        const TpmCommandAudit begun = arm(chip, &signs);

        sign_with(chip, (PeopleWanted){}, 0);
        tpm_command_audit_note(chip->tpm, NULL); /* nobody writes it down */
        sign_with(chip, (PeopleWanted){}, 0);
        assert_int_equal(signs.count, 2);
        assert_false(explained(chip, &begun, &signs));
        free(signs.list);
}

static void order_of_signatures_matters(void **state) {
        AuditedSigns signs = {};
        Chip *chip = *state;
        const TpmCommandAudit begun = arm(chip, &signs);

        sign_with(chip, (PeopleWanted){}, 0);
        const AuditedSign first = signs.list[0];
        signs.list[0] = signs.list[1];
        signs.list[1] = first;
        assert_false(explained(chip, &begun, &signs));
        free(signs.list);
}

/* Who switches it off, and on again, is counted himself. */
static void disarming_is_not_explained(void **state) {
        AuditedSigns signs = {};
        Chip *chip = *state;
        const TpmCommandAudit begun = arm(chip, &signs);

        assert_true(explained(chip, &begun, &signs));
        tpm_command_audit_note(chip->tpm, NULL);
        assert_int_equal(setenv("TPM2TOOLS_TCTI", chip->swtpm.tcti, 1), 0);
        assert_int_equal(system("tpm2_setcommandauditstatus -C o --clear-list 0x15d >&2"), 0);
        assert_false(explained(chip, &begun, &signs));
}

static void reset_ends_the_digest_and_not_the_list(void **state) {
        AuditedSigns signs = {};
        Chip *chip = *state;
        const TpmCommandAudit begun = arm(chip, &signs);
        static const uint8_t zero[32];

        sign_with(chip, (PeopleWanted){}, 0);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        const TpmCommandAudit after = audit_of(chip);
        assert_memory_equal(after.digest.buffer, zero, sizeof(zero));
        assert_int_not_equal(after.resets, begun.resets);
        tpm_command_audit_note(chip->tpm, &signs);
        signs.count = 0;
        sign_with(chip, (PeopleWanted){}, 0);
        assert_int_equal(signs.count, 2);
        assert_true(explained(chip, &after, &signs));
        free(signs.list);
}

/* The command itself is always counted: who arms reads the digest after it, not before. */
static void arming_again_is_counted(void **state) {
        AuditedSigns signs = {};
        Chip *chip = *state;
        const TpmCommandAudit begun = arm(chip, &signs);

        sign_with(chip, (PeopleWanted){}, 0);
        assert_int_equal(tpm_command_audit_arm(chip->tpm, NULL, NULL), 0);
        assert_false(explained(chip, &begun, &signs));
        free(signs.list);
}

static void owner_auth_is_needed_to_arm(void **state) {
        static const Secret auth = { .set = true, .size = 5, .data = "owner" };
        Chip *chip = *state;

        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, NULL, &auth, NULL), 0);
        assert_int_equal(tpm_command_audit_arm(chip->tpm, NULL, NULL), SEAL_E_PIN_REQUIRED);
        assert_int_equal(tpm_command_audit_arm(chip->tpm, &auth, NULL), 0);
        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, &auth, &(Secret){}, NULL), 0);
}

/* Nobody on the TPM's bus answers in its place. */
static void sessions_are_salted(void **state) {
        Chip *chip = *state;

        wire_tap(&chip->wire, chip->tpm);
        (void) arm(chip, NULL);
        chip_assert_salted(chip);
}

#define chip_test(name) cmocka_unit_test_setup_teardown(name, chip_setup_installed, chip_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                chip_test(signatures_of_every_kind_are_explained),
                chip_test(refused_signature_is_not_counted),
                chip_test(signature_of_another_program_is_not_explained),
                chip_test(order_of_signatures_matters),
                chip_test(disarming_is_not_explained),
                chip_test(reset_ends_the_digest_and_not_the_list),
                chip_test(arming_again_is_counted),
                chip_test(owner_auth_is_needed_to_arm),
                chip_test(sessions_are_salted),
        };

        return cmocka_run_group_tests(tests, group_make, group_done);
}
