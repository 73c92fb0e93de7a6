/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A passport that holds, in plain words for people who know law and no TPMs: what the chip enforces
 * for this seal, what the daemon enforces, what nobody does, and what was not compared. Every
 * sentence is of the case at hand.
 */
#pragma once

#include "format/passport-verify.h"

typedef struct PassportPage {
        const Passport *passport;
        const PassportFacts *facts;
        bool ledger_known; /* an exported ledger led to the certified value */
} PassportPage;

/* UTF-8 in lines of at most 80 columns where no word is longer, malloc'ed. -ENOMEM. */
int passport_page_write(const PassportPage *page, char **ret);
