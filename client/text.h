/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people type and what they are shown: subjects, seal numbers and request ids in; names that a
 * stranger chose out, without the characters that would speak to the terminal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define SEAL_PATH "/org/sealsd1/seal/"
#define REQUEST_PATH "/org/sealsd1/request/"
#define PATH_SIZE 64

/*
 * A copy with the characters that mislead (base/text.h) written as \u001b or \u202e, and bytes that
 * are no UTF-8 as \xff; NULL without memory. Owned by the caller.
 */
char *text_escape(const char *text);

/*
 * "alice" becomes "user:alice"; "user:" and "group:" stay. False when empty or too long. No
 * look-up.
 */
bool subject_complete(const char *text, char ret[static SUBJECT_MAX + 1]);

/* The object path of a seal number ([0-9A-Z]{1,32}) or of such a path. */
bool seal_path_parse(const char *text, char ret[static PATH_SIZE]);

/* The object path of a decimal request id or of such a path. */
bool request_path_parse(const char *text, char ret[static PATH_SIZE]);

/* The last element of an object path. */
const char *path_last(const char *path);

/* Nd, N days. */
bool duration_parse(const char *text, uint64_t *ret_usec);

/* Digits only, no sign, no overflow. */
bool count_parse(const char *text, uint64_t *ret);
