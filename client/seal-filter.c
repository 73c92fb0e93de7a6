/* SPDX-License-Identifier: Apache-2.0 */
#include "client/seal-filter.h"

#include <string.h>

#include "client/text.h"

const char *const seal_types[SEAL_TYPE_COUNT] = {
        "official",  "finance",    "invoice", "contract", "legal-representative",
        "personnel", "department", "special", "other",
};

bool word_is_of(const char *word, const char *const *words, size_t n_words) {
        for (size_t i = 0; i < n_words; i++)
                if (strcmp(word, words[i]) == 0)
                        return true;
        return false;
}

int seal_filter_check(const Context *context, SealFilter *filter) {
        static const char *const classes[] = { "institution", "personal" };

        if (filter->type && !word_is_of(filter->type, seal_types, SEAL_TYPE_COUNT))
                return fail(context, EXIT_USAGE, "there is no type '%s' of seals", filter->type);
        if (filter->class && !word_is_of(filter->class, classes, 2))
                return fail(context, EXIT_USAGE, "there is no class '%s' of seals", filter->class);
        if (!filter->keeper)
                return 0;
        if (!subject_complete(filter->keeper, filter->subject))
                return fail(context, EXIT_USAGE, "'%s' is no keeper", filter->keeper);
        filter->keeper = filter->subject;
        return 0;
}

bool seal_filter_is_open(const SealFilter *filter) {
        return !filter->type && !filter->class && !filter->keeper && !filter->holder &&
               !filter->name && filter->expires_before == 0;
}

void seal_filter_append(Entries *entries, const void *userdata) {
        const SealFilter *filter = userdata;

        entry_text(entries, "state", filter->state);
        entry_text(entries, "type", filter->type);
        entry_text(entries, "class", filter->class);
        entry_text(entries, "keeper", filter->keeper);
        entry_text(entries, "holder", filter->holder);
        entry_text(entries, "name", filter->name);
        entry_time(entries, "expires-before", filter->expires_before);
}
