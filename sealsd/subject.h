/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subject: `user:NAME` or `group:NAME`. The register keeps name and id, since ids are reused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"

typedef enum SubjectKind {
        SUBJECT_USER,
        SUBJECT_GROUP,
} SubjectKind;

typedef struct Subject {
        SubjectKind kind;
        uint32_t id;
        char text[SUBJECT_MAX + 1]; /* "user:alice"; the account's name, or "user:1234" for none */
} Subject;

/* Look the name up (NSS). SEAL_E_INVALID_ARGS for another form or an account that is not there. */
int subject_parse(const char *text, Subject *ret, ErrorDetail *detail);

/*
 * The form alone, without looking the name up: kind and name of "user:NAME" or "group:NAME". The
 * name points into text. False for anything else.
 */
bool subject_text_split(const char *text, SubjectKind *ret_kind, const char **ret_name);

/* The user with this UID; never fails: without an account the text has the number. */
void subject_from_uid(uint32_t uid, Subject *ret);

/*
 * What an account's entry says. NSS does not check names: one that could not be shown or read back
 * (not UTF-8, control characters, too long, of a form that subject_text_split refuses) is replaced
 * by the number.
 */
void subject_from_account(SubjectKind kind, uint32_t id, const char *name, Subject *ret);

/*
 * The account that has this kind and id now: its text may be another. -ENOENT when there is none,
 * or another negative errno when NSS cannot tell.
 */
int subject_look_up(const Subject *subject, Subject *ret);

/* Same kind and id. */
bool subject_equal(const Subject *a, const Subject *b);
