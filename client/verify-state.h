/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine's register says of the seal that signed, where there is one and it may be
 * asked.
 */
#pragma once

#include "client/context.h"
#include "client/verify-words.h"
#include "format/verify-report.h"

/*
 * The row seal-state: of --seal, else of the number that the file says, at facts.time. The
 * register's seal has to have the signer's key; another one of that number is another seal. Of
 * several signers --seal is of those that have its key, and of all where none has. With --offline
 * there is no such row. That nobody can be asked is no failure here.
 */
int verify_state(Context *context, const VerifyWords *words, VerifyReport *reports, size_t count);
