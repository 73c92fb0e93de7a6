/* SPDX-License-Identifier: Apache-2.0 */
/* The options that describe a seal to be made, shared by new and apply. */
#pragma once

#include "client/bus-call.h"
#include "client/options.h"

typedef struct Application {
        const char *name, *class, *type, *holder, *algorithm, *token;
        uint64_t not_before, not_after, use_limit;
        TextList purposes, keepers, documents;
} Application;

/* Text of the options for the help. */
#define APPLICATION_HELP                                                                     \
        "  --name NAME            What the seal is called (required)\n"                      \
        "  --class CLASS          institution (default) or personal\n"                       \
        "  --type TYPE            official, finance, invoice, contract,\n"                   \
        "                         legal-representative, personnel, department, special,\n"   \
        "                         other\n"                                                   \
        "  --holder HOLDER        The organisation or person it stands for\n"                \
        "  --algorithm ALGORITHM  ecdsa-p256\n"                                              \
        "  --purpose PURPOSE      document-signing, identity-authentication, endorsement;\n" \
        "                         may be repeated (default: all)\n"                          \
        "  --not-before TIME      YYYY-MM-DD (UTC), RFC 3339, or +Nd (N days from now)\n"    \
        "  --not-after TIME       Likewise; a day counts to its end\n"                       \
        "  --use-limit N          How many signatures in all\n"                              \
        "  --keeper SUBJECT       alice, user:alice or group:sales; may be repeated\n"       \
        "  --document TITLE=FILE  A supporting document; its SHA-256 is recorded\n"

/* clang-format off: one option a line */
#define APPLICATION_OPTIONS(a)                                                                   \
        { "name", .text = &(a).name }, { "class", .text = &(a).class },                          \
                { "type", .text = &(a).type }, { "holder", .text = &(a).holder },                \
                { "algorithm", .text = &(a).algorithm }, { "purpose", .list = &(a).purposes },   \
                { "not-before", .time = &(a).not_before },                                       \
                { "not-after", .time_end = &(a).not_after },                                     \
                { "use-limit", .number = &(a).use_limit }, { "keeper", .list = &(a).keepers }, { \
                "document", .list = &(a).documents                                               \
        }
/* clang-format on */

/* Complain about what can be seen to be wrong without the daemon. */
int application_check(const Context *context, const Application *application);

/* Append the a{sv} to a call. */
int application_append(const Context *context, const Application *application,
                       sd_bus_message *call);

/* The entry `documents` a(say) from TITLE=FILE arguments. Returns an exit code. */
int documents_append(const Context *context, const TextList *documents, Entries *entries);
