/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that come in pages: called again with `after` until a page is not full. */
#pragma once

#include <jansson.h>

#include "client/bus-call.h"

typedef struct PagedList {
        const char *member;
        /* Append the filter, without after and limit. */
        void (*filter)(Entries *entries, const void *userdata);
        const void *userdata;
        size_t after_column; /* the column that `after` takes */
        bool after_is_path;  /* its type: o, else s */
} PagedList;

/* All rows of all pages as one array of arrays; *ret is owned by the caller. */
int page_all(Context *context, const PagedList *list, json_t **ret);
