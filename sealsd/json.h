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

/* Back from json_documents: at most DOCUMENTS_MAX; false for another shape. */
bool json_read_documents(const json_t *array, Document *ret, size_t *ret_count);
