/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical JSON (RFC 8785) over libjansson: the one form in which documents are hashed, signed and
 * chained, so that a reader who writes it again gets the same bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/cleanup.h"

static inline void json_unrefp(json_t **value) {
        json_decref(*value);
}
#define _cleanup_json_ _cleanup_(json_unrefp)

/* The largest integer that every JSON reader keeps exactly (RFC 7493 §2.2, RFC 8785 §3.1). */
#define JSON_NUMBER_MAX ((1ULL << 53) - 1)

/* Levels of a canonical document: what we write has four. */
#define JSON_DEPTH_MAX 16

/*
 * Text of any document of integers, strings, booleans, null, arrays and objects; *ret is malloc'ed.
 * -ENOMEM, also for NULL, which is what a failed construction leaves. -EINVAL for what is not
 * written here: a real, an integer beyond ±JSON_NUMBER_MAX, more than JSON_DEPTH_MAX levels.
 */
int json_to_text(const json_t *document, char **ret);

/* The same with its length, since a string may hold U+0000 (written \u0000). */
int json_to_text_sized(const json_t *document, char **ret, size_t *ret_size);

/*
 * A text that json_to_text has made, from the register; of any other SEAL_E_REGISTER_TAMPERED.
 * -ENOMEM.
 */
int json_parse(const char *text, json_t **ret);
int json_parse_sized(const char *text, size_t size, json_t **ret);

/* Lower-case hex of at most TPM_BLOB_MAX bytes. A new reference, NULL when memory is short. */
json_t *json_hex(const uint8_t *data, size_t size);

/* Exactly size bytes of lower-case hex; false for any other value. */
bool json_read_hex(const json_t *value, void *ret, size_t size);
/* At most size bytes. */
bool json_read_hex_sized(const json_t *value, void *ret, size_t size, size_t *ret_size);
