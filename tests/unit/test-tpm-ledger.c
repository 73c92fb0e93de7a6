/* SPDX-License-Identifier: Apache-2.0 */
/* The exported file as a chip attests it: what format/ computes is what the chip computes. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include <tss2/tss2_mu.h>

#include "format/ledger-verify.h"
#include "policy/key.h"
#include "tests/fixture/ledger.h"
#include "tpm/attestation.h"

#define HANDLE 0x01a5a5a7U

typedef struct Export {
        TpmIndex index;
        LedgerFile file;
        char *data; /* owned */
        size_t size;
} Export;

/* The header is that of the chip's installation. */
static void export_begin(Chip *chip, Export *export) {
        LedgerHeader *header = &export->file.header;
        TPM2B_DIGEST genesis;

        *export = (Export){ .index = chip_index_values(chip, INDEX_LEDGER, HANDLE) };
        chip_index_write(chip, &export->index, &chip->key, 0);
        ledger_file_init(&export->file, open_memstream(&export->data, &export->size));
        assert_non_null(export->file.out);
        header->authority = export->index.authority;
        header->index = HANDLE;
        assert_int_equal(tpm_ak_public(chip->tpm, &header->ak, NULL), 0);
        assert_int_equal(ledger_genesis(&header->authority, HANDLE, &genesis), 0);
        memcpy(header->genesis, genesis.buffer, LEDGER_HASH_SIZE);
        memcpy(header->previous, genesis.buffer, LEDGER_HASH_SIZE);
        assert_int_equal(ledger_value_first(&header->authority, HANDLE, header->value), 0);
        ledger_file_begin_at(&export->file, 1);
        ledger_file_header(&export->file);
}

static void export_row(Chip *chip, Export *export, EventCode code, bool anchored) {
        ledger_file_event(&export->file, code, "33010000000001");
        if (!anchored)
                return;
        assert_int_equal(tpm_index_extend(chip->tpm, &export->index, export->file.head, NULL), 0);
        ledger_file_anchor(&export->file);
}

static void export_end(Chip *chip, Export *export) {
        LedgerTail tail = { .seq = export->file.seq, .rows = export->file.rows };
        TPM2B_ATTEST attest = {};
        TPMT_SIGNATURE signature;
        TPM2B_DATA qualifying;
        char *line = NULL;

        memcpy(tail.head, export->file.head, sizeof(tail.head));
        assert_int_equal(ledger_head_qualifying(tail.seq, tail.head, &qualifying), 0);
        assert_int_equal(tpm_index_certify(chip->tpm, &export->index, &qualifying, &attest,
                                           &signature, NULL),
                         0);
        memcpy(tail.attest, attest.attestationData, attest.size);
        tail.attest_size = attest.size;
        assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(&signature, tail.signature,
                                                        sizeof(tail.signature),
                                                        &tail.signature_size),
                         0);
        assert_int_equal(ledger_tail_write(&tail, &line), 0);
        assert_true(fputs(line, export->file.out) >= 0);
        free(line);
        assert_int_equal(fclose(export->file.out), 0);
}

static void export_done(Export *export) {
        ledger_file_done(&export->file);
        free(export->data);
}

static LedgerVerdict export_judge(const Export *export) {
        _cleanup_(ledger_verifier_freep) LedgerVerifier *verifier = NULL;
        LedgerExpected expected = {};
        LedgerVerdict verdict;

        assert_int_equal(public_name(&export->file.header.ak, &expected.ak), 0);
        assert_int_equal(ledger_verifier_new(&verifier), 0);
        assert_int_equal(ledger_verifier_feed(verifier, export->data, export->size), 0);
        assert_int_equal(ledger_verifier_finish(verifier, &expected, &verdict), 0);
        return verdict;
}

static void assert_only_bad(const LedgerVerdict *verdict, int check) {
        for (int i = 0; i < LEDGER_CHECK_MAX; i++)
                if ((verdict->checks[i].result == LEDGER_BAD) != (i == check))
                        fail_msg("%s is %s: %s", ledger_check_name((LedgerCheck) i),
                                 ledger_result_name(verdict->checks[i].result),
                                 verdict->checks[i].detail.text);
}

static void what_the_chip_attests_is_good(void **state) {
        Chip *chip = *state;
        _cleanup_(export_done) Export export = {};

        export_begin(chip, &export);
        export_row(chip, &export, EVENT_INITIALIZED, true);
        export_row(chip, &export, EVENT_USE, false);
        export_row(chip, &export, EVENT_LEDGER_EXPORTED, true);
        export_end(chip, &export);
        LedgerVerdict verdict = export_judge(&export);
        assert_only_bad(&verdict, -1);
        assert_int_equal(verdict.checks[LEDGER_CHECK_ATTESTATION].result, LEDGER_GOOD);
        assert_int_equal(verdict.checks[LEDGER_CHECK_VALUE].result, LEDGER_GOOD);
        assert_int_equal(verdict.checks[LEDGER_CHECK_KEY].result, LEDGER_GOOD);
}

/* The register was put back to an older copy: its last anchor is not the chip's. */
static void what_the_chip_has_more_is_told(void **state) {
        static const uint8_t forgotten[LEDGER_HASH_SIZE] = { 9 };
        Chip *chip = *state;
        _cleanup_(export_done) Export export = {};

        export_begin(chip, &export);
        export_row(chip, &export, EVENT_INITIALIZED, true);
        assert_int_equal(tpm_index_extend(chip->tpm, &export.index, forgotten, NULL), 0);
        export_end(chip, &export);
        LedgerVerdict verdict = export_judge(&export);
        assert_only_bad(&verdict, LEDGER_CHECK_VALUE);
}

/* The anchor is in the file and not in the chip. */
static void what_the_chip_lacks_is_told(void **state) {
        Chip *chip = *state;
        _cleanup_(export_done) Export export = {};

        export_begin(chip, &export);
        export_row(chip, &export, EVENT_INITIALIZED, true);
        export_row(chip, &export, EVENT_SEAL_MADE, false);
        ledger_file_anchor(&export.file);
        export_end(chip, &export);
        LedgerVerdict verdict = export_judge(&export);
        assert_only_bad(&verdict, LEDGER_CHECK_VALUE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define WITH_CHIP(test) cmocka_unit_test_setup_teardown(test, chip_setup, chip_teardown)
                WITH_CHIP(what_the_chip_attests_is_good),
                WITH_CHIP(what_the_chip_has_more_is_told),
                WITH_CHIP(what_the_chip_lacks_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
