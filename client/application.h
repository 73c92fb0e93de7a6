/* SPDX-License-Identifier: Apache-2.0 */
/* The options that describe a seal to be made, shared by new and apply. */
#pragma once

#include "client/bus-call.h"
#include "client/options.h"

typedef struct ApplicationWords {
        const char *name, *class, *type, *holder, *algorithm, *token;
        const char *organization_identifier, *country, *picture, *picture_mm;
        uint64_t not_before, not_after, use_limit, threshold;
        TextList purposes, keepers, documents, approvers;
        bool pin;
        bool no_pin, no_approvers; /* renewal: what the old seal had, the new one shall not have */
} ApplicationWords;

/* Text of the options for the help. */
#define APPLICATION_HELP                                                                           \
        "  --name NAME            What the seal is called (required)\n"                            \
        "  --class CLASS          institution (default) or personal\n"                             \
        "  --type TYPE            official, finance, invoice, contract,\n"                         \
        "                         legal-representative, personnel, department, special,\n"         \
        "                         other (default)\n"                                               \
        "  --holder HOLDER        The organisation or person it stands for, at most 64\n"          \
        "                         characters (default: the name)\n"                                \
        "  --algorithm ALGORITHM  ecdsa-p256 (default), ecdsa-p384, rsa-2048, rsa-3072, sm2;\n"    \
        "                         'sealctl status' shows which this TPM has\n"                     \
        "  --purpose PURPOSE      document-signing, identity-authentication, endorsement;\n"       \
        "                         may be repeated (default: all)\n"                                \
        "  --not-before TIME      Valid from: YYYY-MM-DD (UTC), RFC 3339, or +Nd (N days\n"        \
        "                         from now); default: now\n"                                       \
        "  --not-after TIME       Valid until, likewise; a day counts to its end (default:\n"      \
        "                         as configured, 3 years)\n"                                       \
        "  --use-limit N          How many signatures in all (default: no limit)\n"                \
        "  --keeper SUBJECT       Who signs with it: alice, user:alice or group:sales; may\n"      \
        "                         be repeated (default: you)\n"                                    \
        "  --approver SUBJECT=FILE  Who has to agree to each signature, and his public key or\n"   \
        "                         certificate (PEM; P-256, P-384 or RSA); up to 4\n"               \
        "  --threshold K          How many of the approvers each time (default: all)\n"            \
        "  --pin                  The keeper sets a PIN, and gives it for each signature\n"        \
        "  --organization-identifier ID  Of the holder, for the certificate: a registration\n"     \
        "                         number such as NTRDE-HRB12345 or VATBE-0123456789\n"             \
        "  --country CC           Of the holder, likewise: two letters (default: as configured)\n" \
        "  --picture FILE         What it looks like: PNG, JPEG or SVG, up to 64 KiB; part of\n"   \
        "                         GB/T 38540 signatures\n"                                         \
        "  --picture-mm WxH       Its size in millimetres, as 42x42; required with --picture\n"    \
        "  --document TITLE=FILE  A supporting document; its SHA-256 is recorded\n"

/* clang-format off: one option a line */
#define APPLICATION_OPTIONS(a)                                                                     \
        { "name", .text = &(a).name }, { "class", .text = &(a).class },                            \
                { "type", .text = &(a).type }, { "holder", .text = &(a).holder },                  \
                { "algorithm", .text = &(a).algorithm }, { "purpose", .list = &(a).purposes },     \
                { "not-before", .time = &(a).not_before },                                         \
                { "not-after", .time_end = &(a).not_after },                                       \
                { "use-limit", .number = &(a).use_limit }, { "keeper", .list = &(a).keepers },     \
                { "approver", .list = &(a).approvers }, { "threshold", .number = &(a).threshold }, \
                { "organization-identifier", .text = &(a).organization_identifier },               \
                { "country", .text = &(a).country }, { "picture", .text = &(a).picture },          \
                { "picture-mm", .text = &(a).picture_mm }, { "pin", .flag = &(a).pin }, {          \
                "document", .list = &(a).documents                                                 \
        }
/* clang-format on */

/* Complain about what can be seen to be wrong without the daemon. */
int application_words_check(const Context *context, const ApplicationWords *application);

/* Append the a{sv} to a call. */
int application_words_append(const Context *context, const ApplicationWords *application,
                             sd_bus_message *call);

/* Append its entries to an a{sv} that is open. */
int application_entries(const Context *context, const ApplicationWords *application,
                        Entries *entries);

/* "Request 7", its path and number with --json, and who goes on. */
int application_report(const Context *context, const char *path);

/* What an application or a seal says of its picture, as one text in its place. */
void picture_flatten(json_t *object);

/* The entry `documents` a(say) from TITLE=FILE arguments. Returns an exit code. */
int documents_append(const Context *context, const TextList *documents, Entries *entries);
