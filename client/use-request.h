/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs about one use of a seal share: the request, its facts, and for whom one speaks. */
#pragma once

#include <jansson.h>

#include "client/bus-call.h"
#include "client/text.h"
#include "client/use-challenge.h"

/* The object path of a request's id, or EXIT_USAGE. */
int request_path_get(const Context *context, const char *id, char ret[static PATH_SIZE]);

/*
 * Challenge of a request, and the look at it (use-challenge.h): what is not right is
 * EXIT_NOT_ALLOWED with a sentence. ret_facts is the caller's.
 */
int use_facts_get(Context *context, const char *path, json_t **ret_facts, UseChallenge *ret);

/* For people: what is signed when this is approved, by whom, until when. */
int use_facts_print(const Context *context, const json_t *facts, const UseChallenge *challenge);

/* Is the request about this file? EXIT_NOT_ALLOWED when it is not. */
int use_document_check(const Context *context, const UseChallenge *challenge, const char *file);

/*
 * For which of the approvers: the one that is given, else the caller himself, else the one of his
 * groups that is an approver. EXIT_USAGE says whom there is to choose from.
 */
int use_approver_choose(const Context *context, const json_t *approvers, const char *given,
                        char ret[static SUBJECT_MAX + 1]);

/* How the request stands now, and who goes on. */
int use_report(Context *context, const char *path);

/* Who goes on with a use in this state, and how; nothing where nobody can. */
void use_next_print(const json_t *request, const char *id);

/* Of Describe's document: how many approvals there are, and whose are not; *ret is malloc'ed. */
int use_progress_text(const json_t *request, char **ret);
