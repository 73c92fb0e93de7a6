/* SPDX-License-Identifier: Apache-2.0 */
#include "format/passport-ledger.h"

#include <string.h>

int passport_ledger_seek(const Passport *passport, const PassportFacts *facts, LedgerSought *ret,
                         LedgerExpected *ret_expected) {
        const PassportLedger *ledger = &passport->statement.ledger;
        TPM2B_DIGEST genesis;

        int r = ledger_genesis(&facts->authority, ledger->index.nvIndex, &genesis);
        if (r != 0)
                return r;
        *ret = (LedgerSought){ .seq = ledger->head_seq, .anchor = ledger->anchor_seq };
        memcpy(ret->head, ledger->head, sizeof(ret->head));
        memcpy(ret->value, facts->ledger, sizeof(ret->value));
        *ret_expected = (LedgerExpected){ .has_genesis = true, .ak = facts->attestation_key };
        memcpy(ret_expected->genesis, genesis.buffer, sizeof(ret_expected->genesis));
        return 0;
}

static int refuse(ErrorDetail *detail, const char *why) {
        return error_set(detail, SEAL_E_REGISTER_TAMPERED, "The ledger: %s", why);
}

int passport_ledger_judge(const Passport *passport, const LedgerVerdict *verdict,
                          ErrorDetail *detail) {
        const PassportLedger *ledger = &passport->statement.ledger;

        for (int i = 0; i < LEDGER_CHECK_MAX; i++)
                if (verdict->checks[i].result == LEDGER_BAD)
                        return refuse(detail, verdict->checks[i].detail.text);
        if (!verdict->row_found)
                return refuse(detail, verdict->last < ledger->head_seq
                                              ? "it ends before the passport was made; export it "
                                                "again"
                                              : "the row that the passport names as its last is "
                                                "not there");
        if (!verdict->anchor_found)
                return refuse(detail, "it does not lead to the value that the chip certified in "
                                      "the passport");
        return 0;
}
