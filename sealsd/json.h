/* SPDX-License-Identifier: Apache-2.0 */
/* What the JSON documents of the daemon have in common, over libjansson. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "sealsd/application.h"

static inline void json_unrefp(json_t **value) {
        json_decref(*value);
}
#define _cleanup_json_ _cleanup_(json_unrefp)

/* The largest integer that every JSON reader keeps exactly (RFC 7493 §2.2, RFC 8785 §3.1). */
#define JSON_NUMBER_MAX ((1ULL << 53) - 1)

/*
 * Text as RFC 8785 wants it; *ret is malloc'ed. -ENOMEM for NULL, which is what a failed
 * construction leaves.
 *
 * JSON_COMPACT with JSON_SORT_KEYS is that form for what we put in: keys are ASCII, for which the
 * order of bytes is the order of UTF-16 units (§3.2.3); numbers are integers up to JSON_NUMBER_MAX,
 * whose shortest form is their digits (§3.2.2.3); of strings, which are UTF-8, libjansson escapes
 * what §3.2.2.2 does. It writes \u001F where the RFC has \u001f, but canonical documents have no
 * control characters: application_complete refuses them.
 */
int json_to_text(const json_t *document, char **ret);

/*
 * A text that json_to_text has made, from the register; of any other SEAL_E_REGISTER_TAMPERED.
 * -ENOMEM.
 */
int json_parse(const char *text, json_t **ret);

/* New references, NULL when memory is short. */
json_t *json_hex(const uint8_t *data, size_t size);
json_t *json_documents(const Document *documents, size_t count);
json_t *json_purposes(unsigned purposes);
json_t *application_json(const Application *application);

/* Back from json_documents: at most DOCUMENTS_MAX; false for another shape. */
bool json_read_documents(const json_t *array, Document *ret, size_t *ret_count);
