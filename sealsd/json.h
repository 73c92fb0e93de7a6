/* SPDX-License-Identifier: Apache-2.0 */
/* What the JSON documents of the daemon have in common. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "format/json.h"
#include "sealsd/application.h"

/* New references, NULL when memory is short. */
json_t *json_documents(const Document *documents, size_t count);
json_t *json_purposes(unsigned purposes);
json_t *application_json(const Application *application);
json_t *picture_facts_json(const PictureFacts *picture);

/*
 * Back from these: false for another shape or what is out of bounds; *ret may be half filled then.
 * At most DOCUMENTS_MAX documents. A number is one from 0 to JSON_NUMBER_MAX, purposes are at least
 * one, each once. Of an application, what application_json wrote, into a zeroed one.
 */
bool json_read_documents(const json_t *array, Document *ret, size_t *ret_count);
bool json_read_text(const json_t *object, const char *key, char *ret, size_t size);
bool json_read_number(const json_t *object, const char *key, uint64_t *ret);
bool json_read_purposes(const json_t *array, unsigned *ret);
bool json_read_subject(const json_t *text, const json_t *id, Subject *ret);
bool json_read_application(const json_t *object, Application *ret);
