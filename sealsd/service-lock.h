/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock as the chip shows it, beside what the ledger knows of it: newest of the rows `locked`
 * and `lock-ended`.
 */
#pragma once

#include <stdbool.h>

typedef struct Service Service;
typedef struct Health Health;

typedef struct Lock {
        unsigned locking; /* calls under way: nothing signs already */
        bool known;       /* the ledger says that the seals are locked */
} Lock;

/* What the ledger says, when the register is opened. */
int lock_start(Service *service);
/*
 * After a look at the chip that came to its end: who locked, or ended the lock, without sealsd, is
 * recorded as found. before is what the look before had found.
 */
void lock_compare(Service *service, const Health *before);
