/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define CHAR_BYTES_MAX 4 /* RFC 3629 §3 */

/* Bytes of a character by its first byte, 0 for one that begins none; the value's bits in *ret. */
static size_t lead_decode(uint8_t lead, uint32_t *ret) {
        static const struct {
                uint8_t mask, value;
        } forms[] = { { 0x80, 0x00 }, { 0xe0, 0xc0 }, { 0xf0, 0xe0 }, { 0xf8, 0xf0 } };

        for (size_t i = 0; i < CHAR_BYTES_MAX; i++)
                if ((lead & forms[i].mask) == forms[i].value) {
                        *ret = lead & (uint8_t) ~forms[i].mask;
                        return i + 1;
                }
        return 0;
}

size_t char_decode(const char *text, size_t size, uint32_t *ret) {
        static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint32_t value = 0;

        size_t length = lead_decode((uint8_t) text[0], &value);
        if (length == 0 || length > size)
                return 0;
        for (size_t i = 1; i < length; i++) {
                if (((uint8_t) text[i] & 0xc0) != 0x80)
                        return 0;
                value = value << 6 | ((uint8_t) text[i] & 0x3f);
        }
        if (value < lowest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
                return 0;
        *ret = value;
        return length;
}

static bool is_control(uint32_t c) {
        return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

/*
 * Unicode Bidirectional Algorithm (UAX 9) §2: embeddings, overrides, isolates, and implicit marks.
 */
static bool is_reordering(uint32_t c) {
        return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
               c == 0x200f || c == 0x061c;
}

bool char_misleads(uint32_t c) {
        return is_control(c) || is_reordering(c);
}

/* Characters that show nothing; a text of these alone is blank. */
static bool is_blank(uint32_t c) {
        return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200f) ||
               c == 0x202f || c == 0x205f || c == 0x2060 || c == 0x3000 || c == 0xfeff;
}

bool text_is_utf8(const char *text, size_t size) {
        uint32_t c;

        while (size > 0) {
                size_t length = char_decode(text, size, &c);
                if (length == 0)
                        return false;
                text += length;
                size -= length;
        }
        return true;
}

bool text_is_line(const char *text, size_t chars_max) {
        size_t size = strlen(text), chars = 0;
        bool blank = true;

        while (size > 0) {
                uint32_t c;
                size_t length = char_decode(text, size, &c);

                if (length == 0 || char_misleads(c) || ++chars > chars_max)
                        return false;
                blank = blank && is_blank(c);
                text += length;
                size -= length;
        }
        return !blank;
}

void text_end_whole(char *text) {
        size_t size = strlen(text), back = 0;
        uint32_t bits;

        do {
                if (back == size)
                        return;
                back++;
        } while (back < CHAR_BYTES_MAX && ((uint8_t) text[size - back] & 0xc0) == 0x80);
        if (lead_decode((uint8_t) text[size - back], &bits) > back)
                text[size - back] = '\0';
}

void text_repair(char *text) {
        size_t left = strlen(text), length;
        uint32_t c;

        for (; left > 0; text += length, left -= length) {
                length = char_decode(text, left, &c);
                if (length == 0) {
                        *text = '?';
                        length = 1;
                }
        }
}

void text_flatten(char *text) {
        size_t left, length;
        uint32_t c;

        text_repair(text);
        for (left = strlen(text); left > 0; text += length, left -= length) {
                length = char_decode(text, left, &c);
                if (char_misleads(c))
                        memset(text, ' ', length);
        }
}

/* Code points that are no characters; sd-bus carries none (Unicode 15.0 §23.7). */
static bool is_noncharacter(uint32_t c) {
        return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

void text_disarm(char *text) {
        uint32_t c;

        for (size_t size; *text != '\0'; text += size) {
                size = char_decode(text, strlen(text), &c);
                if (size > 0 && !char_misleads(c) && !is_noncharacter(c))
                        continue;
                size = size > 0 ? size : 1;
                memset(text, '?', size);
        }
}

void text_copy(char *ret, size_t size, const char *text) {
        (void) snprintf(ret, size, "%s", text);
        if (strlen(text) >= size)
                text_end_whole(ret);
}
