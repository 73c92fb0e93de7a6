/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether people in the register still have their accounts. Many seals have the same keepers, and a
 * directory may be slow: each is asked for once as long as an Accounts lives. One thread at a time.
 */
#pragma once

#include "base/cleanup.h"
#include "sealsd/inspection.h"

typedef struct Accounts Accounts;

int accounts_new(Accounts **ret);
Accounts *accounts_free(Accounts *accounts);
DEFINE_CLEANUP(Accounts, accounts_free)

Account accounts_check(Accounts *accounts, const Subject *subject);
