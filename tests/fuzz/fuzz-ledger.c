/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of the ledger, and an exported file: a row that is taken is written again byte for byte,
 * and where the file is cut into pieces changes nothing of the verdict.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/ledger-verify.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 300;

static void row_demand(const char *text, size_t size) {
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};
        _cleanup_free_ char *again = NULL;
        uint8_t hash[LEDGER_HASH_SIZE];
        ErrorDetail detail = {};
        size_t again_size = 0;

        int r = ledger_row_parse(text, size, &parsed, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_REGISTER_TAMPERED);
        fuzz_demand((r == 0) == (detail.text[0] == '\0'));
        fuzz_demand((r == 0) == (parsed.document != NULL));
        if (r != 0)
                return;
        fuzz_demand(ledger_row_encode(&parsed.row, &again, &again_size, hash) == 0);
        fuzz_demand(again_size == size && memcmp(again, text, size) == 0);
        fuzz_demand(memcmp(hash, parsed.hash, sizeof(hash)) == 0);
}

static LedgerVerdict verdict_of(const char *data, size_t size, size_t piece) {
        _cleanup_(ledger_verifier_freep) LedgerVerifier *verifier = NULL;
        const LedgerExpected nothing = {};
        LedgerVerdict verdict = {};

        fuzz_demand(ledger_verifier_new(&verifier) == 0);
        for (size_t at = 0; at < size; at += piece)
                fuzz_demand(ledger_verifier_feed(verifier, data + at,
                                                 size - at < piece ? size - at : piece) == 0);
        fuzz_demand(ledger_verifier_finish(verifier, &nothing, &verdict) == 0);
        return verdict;
}

static void verdicts_demand_same(const LedgerVerdict *a, const LedgerVerdict *b) {
        bool bad = false;

        for (int i = 0; i < LEDGER_CHECK_MAX; i++) {
                fuzz_demand(a->checks[i].result == b->checks[i].result);
                fuzz_demand(strcmp(a->checks[i].detail.text, b->checks[i].detail.text) == 0);
                fuzz_demand(a->checks[i].detail.text[0] != '\0');
                bad = bad || a->checks[i].result == LEDGER_BAD;
        }
        fuzz_demand(a->bad == b->bad && a->bad == bad);
        fuzz_demand(a->rows == b->rows && a->last == b->last && a->breaks == b->breaks);
        fuzz_demand(a->acknowledged <= a->breaks);
        fuzz_demand(memcmp(a->head, b->head, sizeof(a->head)) == 0);
}

/* What a register may hold as a row is one line of the file, which is no other line. */
static void line_demand(const char *text, size_t size) {
        _cleanup_free_ char *line = NULL;
        LedgerDamaged damaged;
        size_t line_size = 0;

        fuzz_demand(ledger_line_write(3, text, size, &line, &line_size) == 0);
        fuzz_demand(line_size > 0 && memchr(line, '\n', line_size) == line + line_size - 1);
        if (ledger_line_kind(line, line_size - 1) == LEDGER_LINE_ROW)
                fuzz_demand(line_size == size + 1 && memcmp(line, text, size) == 0);
        else
                fuzz_demand(ledger_damaged_read(line, line_size - 1, &damaged, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *) data;

        row_demand(text, size);
        line_demand(text, size);
        LedgerVerdict whole = verdict_of(text, size, size > 0 ? size : 1);
        LedgerVerdict pieces = verdict_of(text, size, 61);
        verdicts_demand_same(&whole, &pieces);
        return 0;
}
