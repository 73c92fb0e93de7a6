/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the installation that the authority has to agree to: SetSeparation, ExtendCapacity,
 * AcknowledgeTampering. A resident authority is asked by its passphrase with the call; an external
 * one is offered challenges, which --authority answers at once.
 */
#pragma once

#include "client/bus-call.h"
#include "client/options.h"

typedef struct Consent {
        const char *authority, *passphrase_file;
        const char *separation; /* what the mode is lowered to, where it is that */
        bool resident;
        int fd; /* of the passphrase; -1: none */
} Consent;

/* clang-format off: one option a line */
#define CONSENT_OPTIONS(c)                                                                \
        { "authority", .text = &(c).authority }, { "resident", .flag = &(c).resident }, { \
                "passphrase-file", .text = &(c).passphrase_file                           \
        }
/* clang-format on */

#define CONSENT_HELP                                                                    \
        "  --authority KEYFILE      Answer at once with the authority's private key;\n" \
        "                           what it signs is computed again first\n"            \
        "  --resident               The authority in the TPM, by its passphrase\n"      \
        "  --passphrase-file FILE   First line is the passphrase ('-': standard input)\n"

void consent_done(Consent *consent);

/* Read the passphrase, where one is needed. */
int consent_get(const Context *context, Consent *consent);

/* The option `passphrase` of the call. */
void consent_append(Entries *entries, const Consent *consent);

/*
 * After the call: answer what the daemon asks, or say how it is answered. *ret_waits: something is
 * left to be answered.
 */
int consent_finish(Context *context, const Consent *consent, bool *ret_waits);
