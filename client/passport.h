/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A passport on the command line: what the caller knows is read and compared, the verdict printed.
 */
#pragma once

#include "client/context.h"
#include "format/passport-verify.h"

/* Paths and words of options; NULL and size 0: not given. */
typedef struct PassportKnown {
        Bytes nonce;
        const char *authority, *attestation_key, *ledger, *ek_roots;
} PassportKnown;

typedef struct PassportVerdict {
        PassportFacts facts;
        bool ledger_known;
} PassportVerdict;

/* EXIT_VERIFICATION with a sentence for one that does not hold. what names it there. */
int passport_check(Context *context, const char *what, Bytes file, const PassportKnown *known,
                   Passport **ret, PassportVerdict *ret_verdict);

/* The page, or all of it as JSON; returns passport_exit() unless that fails. */
int passport_print(Context *context, const Passport *passport, const PassportVerdict *verdict);

/* 0, or EXIT_SEAL_REFUSES of a revoked seal. */
int passport_exit(const PassportVerdict *verdict);
