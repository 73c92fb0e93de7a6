/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

/* A text that grows. The first failure is remembered, the rest then does nothing. */
typedef struct Text {
        char *data; /* owned */
        size_t size, used;
        int r; /* a negative errno, or 0 */
} Text;

static void text_put(Text *text, const char *data, size_t size) {
        if (text->r < 0)
                return;
        if (size >= text->size - text->used) {
                size_t wanted = 2 * (text->used + size) + 64;
                char *grown = realloc(text->data, wanted);
                if (!grown) {
                        text->r = -ENOMEM;
                        return;
                }
                text->data = grown;
                text->size = wanted;
        }
        memcpy(text->data + text->used, data, size);
        text->used += size;
        text->data[text->used] = '\0';
}

/* --- strings (§3.2.2.2) --------------------------------------------------------------------- */

/* Two characters for those that have them, else the number in lower-case hex. */
static void escape_put(Text *text, char c) {
        static const char names[] = "btn\0fr"; /* U+0008 to U+000D; U+000B has none */
        char escape[8];

        if (c == '"' || c == '\\')
                (void) snprintf(escape, sizeof(escape), "\\%c", c);
        else if (c >= '\b' && c <= '\r' && names[c - '\b'] != '\0')
                (void) snprintf(escape, sizeof(escape), "\\%c", names[c - '\b']);
        else
                (void) snprintf(escape, sizeof(escape), "\\u%04x", (unsigned) c);
        text_put(text, escape, strlen(escape));
}

static bool is_plain(char c) {
        return (unsigned char) c >= 0x20 && c != '"' && c != '\\';
}

/* libjansson's strings are UTF-8; everything else stays as it is. */
static void string_put(Text *text, const char *string, size_t size) {
        size_t begin = 0;

        text_put(text, "\"", 1);
        for (size_t i = 0; i < size; i++) {
                if (is_plain(string[i]))
                        continue;
                text_put(text, string + begin, i - begin);
                escape_put(text, string[i]);
                begin = i + 1;
        }
        text_put(text, string + begin, size - begin);
        text_put(text, "\"", 1);
}

/* --- keys (§3.2.3) -------------------------------------------------------------------------- */

/* Of the first byte in which two keys differ: does it begin a character beyond U+FFFF? */
static bool is_surrogate_lead(unsigned char c) {
        return c >= 0xf0;
}

/*
 * The order of UTF-16 units is that of the bytes of UTF-8, but for the characters beyond U+FFFF:
 * their surrogates (U+D800 to U+DFFF) come before U+E000 to U+FFFF, whose bytes begin with EE or
 * EF.
 */
static int key_compare(const void *a, const void *b) {
        const unsigned char *x = *(const unsigned char *const *) a;
        const unsigned char *y = *(const unsigned char *const *) b;

        while (*x != '\0' && *x == *y) {
                x++;
                y++;
        }
        if (is_surrogate_lead(*x) != is_surrogate_lead(*y) && *x >= 0xee && *y >= 0xee)
                return is_surrogate_lead(*x) ? -1 : 1;
        return *x - *y;
}

static const char **keys_sorted(const json_t *object, size_t *ret_count) {
        size_t count = 0, size = json_object_size(object);
        const char **keys = calloc(size + 1, sizeof(*keys));
        const char *key;
        json_t *value;

        if (!keys)
                return NULL;
        json_object_foreach((json_t *) object, key, value)
                if (count < size)
                        keys[count++] = key;
        qsort(keys, count, sizeof(*keys), key_compare);
        *ret_count = count;
        return keys;
}

/* --- values --------------------------------------------------------------------------------- */

static void value_put(Text *text, const json_t *value, unsigned depth);

static void integer_put(Text *text, json_int_t value) {
        char digits[32];

        if (value > (json_int_t) JSON_NUMBER_MAX || value < -(json_int_t) JSON_NUMBER_MAX)
                text->r = text->r < 0 ? text->r : -EINVAL;
        (void) snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, value);
        text_put(text, digits, strlen(digits));
}

static void array_put(Text *text, const json_t *array, unsigned depth) {
        text_put(text, "[", 1);
        for (size_t i = 0; i < json_array_size(array) && text->r == 0; i++) {
                if (i > 0)
                        text_put(text, ",", 1);
                value_put(text, json_array_get(array, i), depth);
        }
        text_put(text, "]", 1);
}

static void object_put(Text *text, const json_t *object, unsigned depth) {
        size_t count = 0;
        _cleanup_free_ const char **keys = keys_sorted(object, &count);

        if (!keys) {
                text->r = text->r < 0 ? text->r : -ENOMEM;
                return;
        }
        text_put(text, "{", 1);
        for (size_t i = 0; i < count && text->r == 0; i++) {
                if (i > 0)
                        text_put(text, ",", 1);
                string_put(text, keys[i], strlen(keys[i]));
                text_put(text, ":", 1);
                value_put(text, json_object_get(object, keys[i]), depth);
        }
        text_put(text, "}", 1);
}

static void value_put(Text *text, const json_t *value, unsigned depth) {
        /* No value: a key with U+0000 in it, which cannot be looked up. */
        if (!value || depth > JSON_DEPTH_MAX) {
                text->r = text->r < 0 ? text->r : -EINVAL;
                return;
        }
        switch (json_typeof(value)) {
        case JSON_OBJECT:
                object_put(text, value, depth + 1);
                break;
        case JSON_ARRAY:
                array_put(text, value, depth + 1);
                break;
        case JSON_STRING:
                string_put(text, json_string_value(value), json_string_length(value));
                break;
        case JSON_INTEGER:
                integer_put(text, json_integer_value(value));
                break;
        case JSON_TRUE:
                text_put(text, "true", 4);
                break;
        case JSON_FALSE:
                text_put(text, "false", 5);
                break;
        case JSON_NULL:
                text_put(text, "null", 4);
                break;
        default: /* a real: its shortest form (§3.2.2.3) is nothing that we need */
                text->r = text->r < 0 ? text->r : -EINVAL;
        }
}

int json_to_text_sized(const json_t *document, char **ret, size_t *ret_size) {
        Text text = {};

        if (!document)
                return -ENOMEM;
        value_put(&text, document, 1);
        if (text.r < 0) {
                free(text.data);
                return text.r;
        }
        *ret = text.data;
        *ret_size = text.used;
        return 0;
}

int json_to_text(const json_t *document, char **ret) {
        size_t size;

        return json_to_text_sized(document, ret, &size);
}

/* --- reading -------------------------------------------------------------------------------- */

static int parse_once(const char *text, size_t size, json_t **ret) {
        _cleanup_json_ json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
        _cleanup_free_ char *again = NULL;
        size_t again_size = 0;

        if (!document)
                return SEAL_E_REGISTER_TAMPERED;
        int r = json_to_text_sized(document, &again, &again_size);
        if (r != 0)
                return r == -EINVAL ? SEAL_E_REGISTER_TAMPERED : r;
        if (again_size != size || memcmp(again, text, size) != 0)
                return SEAL_E_REGISTER_TAMPERED;
        *ret = steal_ptr(document);
        return 0;
}

/*
 * libjansson tells a lack of memory as a fault of the text, or not at all: of a number or a string
 * that found no room it takes the beginning. What is read has to be what is written; the second
 * look is for texts that had bad luck.
 */
int json_parse_sized(const char *text, size_t size, json_t **ret) {
        int r = parse_once(text, size, ret);

        return r == SEAL_E_REGISTER_TAMPERED ? parse_once(text, size, ret) : r;
}

int json_parse(const char *text, json_t **ret) {
        return json_parse_sized(text, strlen(text), ret);
}

json_t *json_hex(const uint8_t *data, size_t size) {
        char text[2 * TPM_BLOB_MAX + 1];

        return size <= TPM_BLOB_MAX ? json_string(hex_encode(data, size, text)) : NULL;
}

bool json_read_hex_sized(const json_t *value, void *ret, size_t size, size_t *ret_size) {
        const char *text = json_string_value(value);
        size_t length = json_string_length(value);

        if (!text || length / 2 > size || strspn(text, "0123456789abcdef") != length ||
            !hex_decode(text, ret, length / 2))
                return false;
        *ret_size = length / 2;
        return true;
}

bool json_read_hex(const json_t *value, void *ret, size_t size) {
        size_t got;

        return json_string_length(value) == 2 * size && json_read_hex_sized(value, ret, size, &got);
}
