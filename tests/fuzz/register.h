/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A register with a row of every kind, in a folder that is removed at the end; and all that the
 * store reads from one, with what its header promises of each.
 */
#pragma once

#include "sealsd/store-ledger.h"

#define REGISTER_INDEX 0x01812345U
#define REGISTER_NUMBER "00000000000001"

/* The path of a file in a folder of this process's own. */
const char *register_path(void);

/* Removes a register and its journals. */
void register_remove(const char *file);

/* A new register with rows, left open; guarded by a ledger or not. */
Store *register_make(const char *file, bool with_ledger);

/*
 * Everything that reads: each ends with 0 or a condition that the store's header has, what is read
 * is within its bounds, and can be described. Failures of the file itself are conditions too.
 */
void register_read_all(Store *store);
