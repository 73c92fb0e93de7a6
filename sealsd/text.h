/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that people write and others have to trust: what they see is what is stored and signed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). */
bool text_is_utf8(const char *text, size_t size);

/*
 * UTF-8 of at most chars_max characters, not blank, without control characters (C0, DEL, C1), line
 * and paragraph separators, and those that reorder text (U+202A–202E, U+2066–2069): for names,
 * titles, numbers.
 */
bool text_is_line(const char *text, size_t chars_max);
