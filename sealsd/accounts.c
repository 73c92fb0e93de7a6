/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/accounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Two that fall on the same place take turns: what is remembered is right, and bounded. */
#define PLACES 1024

typedef struct Known {
        bool there;
        Subject subject;
        Account account;
} Known;

struct Accounts {
        Known places[PLACES];
};

int accounts_new(Accounts **ret) {
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

Accounts *accounts_free(Accounts *accounts) {
        free(accounts);
        return NULL;
}

/* "user:1234" was written for somebody without an account. */
static bool text_is_number(const Subject *subject) {
        const char *name = strchr(subject->text, ':');

        return name && name[1] != '\0' && name[1 + strspn(name + 1, "0123456789")] == '\0';
}

static Account account_ask(const Subject *subject) {
        Subject now;

        int r = subject_look_up(subject, &now);
        if (r == -ENOENT)
                return ACCOUNT_NONE;
        if (r != 0)
                return ACCOUNT_UNKNOWN;
        return strcmp(now.text, subject->text) == 0 || text_is_number(subject) ? ACCOUNT_THERE
                                                                               : ACCOUNT_OTHER;
}

Account accounts_check(Accounts *accounts, const Subject *subject) {
        Known *known = &accounts->places[(subject->id * 2 + subject->kind) % PLACES];

        if (!known->there || !subject_equal(&known->subject, subject) ||
            strcmp(known->subject.text, subject->text) != 0)
                *known = (Known){ true, *subject, account_ask(subject) };
        return known->account;
}
