/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs that act on one seal have in common: name it, call it, tell how it stands now. */
#pragma once

#include "client/context.h"
#include "client/text.h"

/* The object path of a seal number, or EXIT_USAGE. */
int seal_path_get(const Context *context, const char *number, char ret[static PATH_SIZE]);

/* REASON has to be one line of text, and not blank; EXIT_USAGE. */
int reason_check(const Context *context, const char *reason);

/* A member of the seal that takes one text. */
int seal_text_call(Context *context, const char *path, const char *member, const char *text);

typedef struct SealNext {
        const char *who;    /* "the keeper runs "; "" is the caller himself */
        const char *before; /* "sealctl deliver" */
        const char *after;  /* " KEEPER" */
} SealNext;

/* How the seal stands now, and what comes next (NULL: nothing). */
int seal_state_report(Context *context, const char *path, const SealNext *next);

/* Asks "VERB seal NUMBER REST"; EXIT_USAGE when that was not confirmed. */
int seal_confirm(const Context *context, const char *path, const char *verb, const char *rest);
