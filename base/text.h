/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that people write and others have to trust: what they see is what is stored and signed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The next character of text: its length in bytes, 0 when it is not well-formed (RFC 3629 §4). */
size_t char_decode(const char *text, size_t size, uint32_t *ret);

/*
 * Does it change what is seen of its neighbours: control characters (C0, DEL, C1), line and
 * paragraph separators, those that reorder text (U+061C, U+200E–200F, U+202A–202E, U+2066–2069)?
 */
bool char_misleads(uint32_t c);

/* Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
bool text_is_utf8(const char *text, size_t size);

/*
 * UTF-8 of at most chars_max characters, not blank, without those that mislead: for names, titles,
 * numbers.
 */
bool text_is_line(const char *text, size_t chars_max);

/* Drop the last character where a cut left only its beginning: what is not UTF-8 cannot be sent. */
void text_end_whole(char *text);

/* Write '?' over each byte that is no part of a well-formed character. */
void text_repair(char *text);

/*
 * One line, whatever is in it: a space over each byte of a character that misleads, '?' over each
 * that is no part of a well-formed one.
 */
void text_flatten(char *text);

/*
 * '?' in place of each byte of what is not UTF-8, of characters that mislead and of noncharacters
 * (which no bus carries): for text of others that is shown to people.
 */
void text_disarm(char *text);

/* Copy into size bytes, cut between two characters where it is longer. */
void text_copy(char *ret, size_t size, const char *text);
