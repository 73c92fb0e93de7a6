/* SPDX-License-Identifier: Apache-2.0 */
#include "client/page.h"

#include <errno.h>
#include <string.h>

/* A hundred thousand rows: more is for ReadLedger and a filter. */
#define PAGES_MAX 100

static int page_get(Context *context, const PagedList *list, const char *after, json_t **ret) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, list->member, &call);
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        list->filter(&e, list->userdata);
        if (after && list->after_is_path)
                entry_path(&e, "after", after);
        else
                entry_text(&e, "after", after);
        entry_u32(&e, "limit", PAGE_MAX);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send_json(context, call, ret);
}

int page_all(Context *context, const PagedList *list, json_t **ret) {
        _cleanup_(json_freep) json_t *all = json_array();
        _cleanup_free_ char *after = NULL;
        size_t count = PAGE_MAX;

        for (unsigned page = 0; count >= PAGE_MAX && page < PAGES_MAX; page++) {
                _cleanup_(json_freep) json_t *rows = NULL;
                int r = page_get(context, list, after, &rows);
                if (r != 0)
                        return r;
                count = json_array_size(rows);
                const json_t *last = json_array_get(rows, count - 1);
                const char *next = json_string_value(json_array_get(last, list->after_column));
                if (json_array_extend(all, rows) < 0 || (count > 0 && !next))
                        return fail(context, EXIT_OTHER, "the daemon's list cannot be read");
                if (count > 0 && after && strcmp(next, after) == 0)
                        return fail(context, EXIT_OTHER, "the daemon's list does not end");
                free(after);
                after = next ? strdup(next) : NULL;
        }
        if (count >= PAGE_MAX)
                note(context, "The list is cut here; use a filter to see the rest.");
        *ret = steal_ptr(all);
        return 0;
}
