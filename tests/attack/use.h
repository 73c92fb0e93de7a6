/* SPDX-License-Identifier: Apache-2.0 */
/* Root at the chip with what approvers have signed: tests/tools/attacker.c has the words. */
#pragma once

#include "tests/attack/loot.h"

/*
 * Try the tricks of a word one after the other: 0 as soon as the chip signs, else what it said to
 * the last one; -EINVAL for no word, and for approvals that are none.
 */
int attack_use(Loot *loot, const char *word, ErrorDetail *detail);
