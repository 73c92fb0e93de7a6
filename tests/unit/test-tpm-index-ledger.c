/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's index: what test-tpm-index.c shows of both kinds is not shown again. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "policy/approval.h"
#include "tests/fixture/chip.h"
#include "tests/fixture/wire.h"
#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/nv.h"
#include "tpm/srk.h"

#define HANDLE 0x01a5a5a6U

static const uint8_t row1[LEDGER_VALUE_SIZE] = { 1, 1, 1 };
static const uint8_t row2[LEDGER_VALUE_SIZE] = { 2, 2, 2 };

static TpmIndex ledger_make(Chip *chip) {
        TpmIndex index = chip_index_values(chip, INDEX_LEDGER, HANDLE);

        chip_index_write(chip, &index, &chip->key, 0);
        return index;
}

static void assert_value(Chip *chip, const TpmIndex *index,
                         const uint8_t wanted[static LEDGER_VALUE_SIZE]) {
        uint8_t value[LEDGER_VALUE_SIZE] = {};

        assert_int_equal(tpm_index_read_value(chip->tpm, index, value, NULL), 0);
        assert_memory_equal(value, wanted, LEDGER_VALUE_SIZE);
}

static void the_chip_chains_as_software_does(void **state) {
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        uint8_t value[LEDGER_VALUE_SIZE];

        assert_int_equal(ledger_value_first(&index.authority, HANDLE, value), 0);
        assert_value(chip, &index, value);
        assert_int_equal(tpm_index_extend(chip->tpm, &index, row1, NULL), 0);
        chip_assert_empty(chip);
        assert_int_equal(ledger_value_next(value, row1, value), 0);
        assert_value(chip, &index, value);
        chip_assert_empty(chip);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        assert_value(chip, &index, value);
        assert_int_equal(tpm_index_extend(chip->tpm, &index, row2, NULL), 0);
        assert_int_equal(ledger_value_next(value, row2, value), 0);
        assert_value(chip, &index, value);
}

static void assert_refused(Chip *chip, const TpmIndex *index, int condition) {
        uint8_t value[LEDGER_VALUE_SIZE] = { 77 };

        assert_int_equal(tpm_index_extend(chip->tpm, index, row1, NULL), condition);
        assert_int_equal(tpm_index_read_value(chip->tpm, index, value, NULL), condition);
        assert_int_equal(value[0], 77);
        chip_assert_empty(chip);
}

static void an_index_that_is_not_there_or_not_ours_is_refused(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_LEDGER, HANDLE), other;
        SoftwareKey stranger;

        assert_refused(chip, &index, SEAL_E_NOT_FOUND);
        chip_index_write(chip, &index, &chip->key, 0);
        other = index;
        other.auth.data[3] ^= 1;
        assert_refused(chip, &other, SEAL_E_REGISTER_TAMPERED);
        software_key_make(&stranger);
        other = index;
        other.authority = stranger.name;
        assert_refused(chip, &other, SEAL_E_REGISTER_TAMPERED);
        software_key_done(&stranger);
}

static void each_kind_has_its_own_functions(void **state) {
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        uint8_t value[LEDGER_VALUE_SIZE];
        uint64_t bits;

        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, 1, NULL), -EINVAL);
        assert_int_equal(tpm_index_read_bits(chip->tpm, &index, &bits, NULL), -EINVAL);
        index.kind = INDEX_REVOCATION;
        assert_int_equal(tpm_index_extend(chip->tpm, &index, row1, NULL), -EINVAL);
        assert_int_equal(tpm_index_read_value(chip->tpm, &index, value, NULL), -EINVAL);
}

/* root has the register and so the auth: it may append, which shows, and not take back. */
static void an_extend_by_somebody_else_shows(void **state) {
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        uint8_t wanted[LEDGER_VALUE_SIZE], value[LEDGER_VALUE_SIZE];
        Tpm *other = NULL;

        assert_int_equal(ledger_value_first(&index.authority, HANDLE, wanted), 0);
        assert_int_equal(tpm_new(&other, chip->swtpm.tcti, NULL), 0);
        assert_int_equal(tpm_srk_ensure(other, &chip->srk, NULL, NULL, NULL), 0);
        assert_int_equal(tpm_index_extend(other, &index, row2, NULL), 0);
        (void) tpm_free(other);
        assert_int_equal(tpm_index_read_value(chip->tpm, &index, value, NULL), 0);
        assert_memory_not_equal(value, wanted, sizeof(value));
}

static void an_index_made_anew_waits_for_the_authority(void **state) {
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);

        assert_int_equal(tpm_index_extend(chip->tpm, &index, row1, NULL), 0);
        assert_int_equal(tpm_index_undefine(chip->tpm, HANDLE, NULL, NULL), 0);
        assert_refused(chip, &index, SEAL_E_NOT_FOUND);
        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), 0);
        assert_refused(chip, &index, SEAL_E_REGISTER_TAMPERED);
}

/* With an index of its own making root gets the value of any shorter chain, but not our Name. */
static void a_shorter_chain_in_another_index_is_foreign(void **state) {
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        _cleanup_(tpm_auth_value_wipe) TPM2B_AUTH auth = {};
        TPM2B_MAX_NV_BUFFER data = { .size = LEDGER_VALUE_SIZE };
        TPM2B_NV_PUBLIC public = {};
        TPM2B_DIGEST genesis;
        ESYS_TR tr;

        assert_int_equal(tpm_index_extend(chip->tpm, &index, row1, NULL), 0);
        assert_int_equal(tpm_index_undefine(chip->tpm, HANDLE, NULL, NULL), 0);
        assert_int_equal(index_public(INDEX_LEDGER, HANDLE, &index.authority, &public.nvPublic), 0);
        public.nvPublic.attributes |= TPMA_NV_AUTHWRITE;
        assert_int_equal(tpm_auth_value(&index.auth, &auth, NULL), 0);
        assert_int_equal(Esys_NV_DefineSpace(chip->tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
                                             ESYS_TR_NONE, ESYS_TR_NONE, &auth, &public, &tr),
                         0);
        assert_int_equal(ledger_genesis(&index.authority, HANDLE, &genesis), 0);
        memcpy(data.buffer, genesis.buffer, LEDGER_VALUE_SIZE);
        assert_int_equal(Esys_NV_Extend(chip->tpm->esys, tr, tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                        ESYS_TR_NONE, &data),
                         0);
        assert_int_equal(Esys_TR_Close(chip->tpm->esys, &tr), 0);
        assert_refused(chip, &index, SEAL_E_REGISTER_TAMPERED);
}

/* The last byte is of the answer's HMAC. */
static void alter_answer(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        const TPM2_CC *altered = wire->userdata;

        if (command == *altered)
                answer[size - 1] ^= 1;
}

static void alter_next(Chip *chip, TPM2_CC *command) {
        chip->wire.answered = alter_answer;
        chip->wire.userdata = command;
        wire_tap(&chip->wire, chip->tpm);
}

static void new_connection(Chip *chip) {
        wire_untap(&chip->wire);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
}

static void an_extend_whose_answer_was_lost_is_seen_in_the_value(void **state) {
        TPM2_CC altered = TPM2_CC_NV_Extend;
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        uint8_t value[LEDGER_VALUE_SIZE];

        alter_next(chip, &altered);
        assert_int_equal(tpm_index_extend(chip->tpm, &index, row1, NULL), SEAL_E_TPM_UNAVAILABLE);
        new_connection(chip);
        assert_int_equal(ledger_value_first(&index.authority, HANDLE, value), 0);
        assert_int_equal(ledger_value_next(value, row1, value), 0);
        assert_value(chip, &index, value);
}

static void an_altered_value_is_not_believed(void **state) {
        TPM2_CC altered = TPM2_CC_NV_Read;
        uint8_t value[LEDGER_VALUE_SIZE];
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);

        alter_next(chip, &altered);
        assert_int_equal(tpm_index_read_value(chip->tpm, &index, value, NULL),
                         SEAL_E_TPM_UNAVAILABLE);
        new_connection(chip);
}

static void the_auth_never_passes_in_clear(void **state) {
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        uint8_t value[LEDGER_VALUE_SIZE];

        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_index_extend(chip->tpm, &index, row1, NULL), 0);
        assert_int_equal(tpm_index_read_value(chip->tpm, &index, value, NULL), 0);
        assert_true(wire_saw(&chip->wire, row1, sizeof(row1)));
        assert_true(wire_saw(&chip->wire, value, sizeof(value)));
        assert_false(wire_saw(&chip->wire, index.auth.data, 8));
        chip_assert_salted(chip);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ON_CHIP(test) cmocka_unit_test_setup_teardown(test, chip_setup, chip_teardown)
                ON_CHIP(the_chip_chains_as_software_does),
                ON_CHIP(an_index_that_is_not_there_or_not_ours_is_refused),
                ON_CHIP(each_kind_has_its_own_functions),
                ON_CHIP(an_extend_by_somebody_else_shows),
                ON_CHIP(an_index_made_anew_waits_for_the_authority),
                ON_CHIP(a_shorter_chain_in_another_index_is_foreign),
                ON_CHIP(an_extend_whose_answer_was_lost_is_seen_in_the_value),
                ON_CHIP(an_altered_value_is_not_believed),
                ON_CHIP(the_auth_never_passes_in_clear),
#undef ON_CHIP
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
