/* SPDX-License-Identifier: Apache-2.0 */
/* An exported ledger as a file, judged while it is read. */
#pragma once

#include "client/context.h"
#include "format/ledger-verify.h"

/*
 * The verdict on the file ("-": standard input); sought may be NULL. An exit code after a sentence
 * where it cannot be read, never for what is wrong with it.
 */
int ledger_file_judge(const Context *context, const char *path, const LedgerSought *sought,
                      const LedgerExpected *expected, LedgerVerdict *ret);
