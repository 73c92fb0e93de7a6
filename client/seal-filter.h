/* SPDX-License-Identifier: Apache-2.0 */
/* Which seals: the options that list, suspend-all and report share, and the filter of the bus. */
#pragma once

#include "client/bus-call.h"
#include "client/options.h"

typedef struct SealFilter {
        const char *state, *type, *class, *keeper, *holder, *name;
        uint64_t expires_before;
        char subject[SUBJECT_MAX + 1]; /* of keeper, completed by seal_filter_check */
} SealFilter;

/* Text of the options for the help, without --state. */
#define SEAL_FILTER_HELP                                                                    \
        "  --type TYPE             official, finance, invoice, contract,\n"                 \
        "                          legal-representative, personnel, department, special,\n" \
        "                          other\n"                                                 \
        "  --class CLASS           institution or personal\n"                               \
        "  --keeper SUBJECT        alice, user:alice or group:sales\n"                      \
        "  --holder TEXT           The holder\n"                                            \
        "  --name TEXT             A part of the name\n"                                    \
        "  --expires-before TIME   YYYY-MM-DD (UTC), RFC 3339, or +Nd\n"

/* clang-format off: one option a line */
#define SEAL_FILTER_OPTIONS(f)                                                        \
        { "type", .text = &(f).type }, { "class", .text = &(f).class },               \
                { "keeper", .text = &(f).keeper }, { "holder", .text = &(f).holder }, \
                { "name", .text = &(f).name }, {                                      \
                "expires-before", .time = &(f).expires_before                         \
        }
/* clang-format on */

/* Complain about words that the daemon would answer with an empty list; complete the keeper. */
int seal_filter_check(const Context *context, SealFilter *filter);

/* Is nothing asked for but, perhaps, a state? */
bool seal_filter_is_open(const SealFilter *filter);

/* The entries; userdata is a SealFilter, as page.h wants it. */
void seal_filter_append(Entries *entries, const void *userdata);

/* The words of the design, section 4; in the order of their codes. */
#define SEAL_TYPE_COUNT 9
extern const char *const seal_types[SEAL_TYPE_COUNT];

bool word_is_of(const char *word, const char *const *words, size_t n_words);
