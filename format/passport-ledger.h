/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does an exported ledger (format/ledger-verify.h) have the row that a passport names as its last,
 * and lead to the value that the chip certified in it?
 */
#pragma once

#include "format/ledger-verify.h"
#include "format/passport-verify.h"

/* What the file is looked through for, and what its verifier is to expect. -ENOMEM, -EIO. */
int passport_ledger_seek(const Passport *passport, const PassportFacts *facts, LedgerSought *ret,
                         LedgerExpected *ret_expected);

/*
 * The verdict that came of those. SEAL_E_REGISTER_TAMPERED with a sentence: the file itself is bad
 * or of another installation, or it is from before the passport, or does not lead to its value.
 */
int passport_ledger_judge(const Passport *passport, const LedgerVerdict *verdict,
                          ErrorDetail *detail);
