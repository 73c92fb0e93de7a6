/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the schema the one that sealsd makes, and do indices say what their tables say? Rows are
 * guarded by their hashes; a trigger that takes each use back, a view in a table's place, or an
 * index that leaves a grant out changes what is read and written and no row that anybody looks at.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/store-internal.h"

/* The planner's statistics change no answer, and whoever runs ANALYZE means well. */
#define OBJECTS                                                            \
        "SELECT type || ' ' || name, tbl_name || ' ' || coalesce(sql, '')" \
        " FROM main.sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY 1"
#define TELL_EVERY 100000 /* steps of SQLite's machine */

/* --- the schema ------------------------------------------------------------------------------- */

static const char *column(const Query *query, bool row, int i) {
        const unsigned char *text = row ? sqlite3_column_text(query->statement, i) : NULL;

        return text ? (const char *) text : "";
}

/* Somebody else chose the name, and it is told and written down. */
static void name_copy(char *ret, size_t size, const char *name) {
        text_copy(ret, size, name);
        text_disarm(ret);
}

/*
 * Both lists are in one order: the first name that is in one of them alone, or says another thing.
 */
static int lists_compare(Query *found, Query *wanted, char *ret, size_t size) {
        bool one = true, other = true;

        for (ret[0] = '\0'; ret[0] == '\0';) {
                int r = query_row(found, &one);
                if (r == 0)
                        r = query_row(wanted, &other);
                if (r != 0 || (!one && !other))
                        return r;
                const char *a = column(found, one, 0), *b = column(wanted, other, 0);
                int order = !one ? 1 : !other ? -1 : strcmp(a, b);
                if (order != 0 || strcmp(column(found, true, 1), column(wanted, true, 1)) != 0)
                        name_copy(ret, size, order <= 0 ? a : b);
        }
        return 0;
}

static int model_compare(Store *store, Store *model, char *ret, size_t size) {
        _cleanup_query_ Query found = query_new(store, OBJECTS);
        _cleanup_query_ Query wanted = query_new(model, OBJECTS);

        return lists_compare(&found, &wanted, ret, size);
}

int schema_compare(Store *store, char *ret, size_t size) {
        Store model = { .path = (char *) ":memory:" };

        int r = store_failure(&model, sqlite3_open(model.path, &model.db), "schema");
        if (r == 0)
                r = schema_migrate(&model);
        if (r == 0)
                r = model_compare(store, &model, ret, size);
        query_forget_all(&model);
        pending_drop(&model);
        (void) sqlite3_close(model.db);
        return r;
}

/* --- indices and pages ------------------------------------------------------------------------ */

typedef struct Teller {
        int (*tell)(void *userdata);
        void *userdata;
        int code;
} Teller;

static int on_steps(void *userdata) {
        Teller *t = userdata;

        if (t->tell)
                t->code = t->tell(t->userdata);
        return t->code != 0;
}

int schema_integrity(Store *store, int (*tell)(void *userdata), void *userdata, char *ret,
                     size_t size) {
        _cleanup_query_ Query query = query_new(store, "PRAGMA main.integrity_check(1)");
        Teller teller = { .tell = tell, .userdata = userdata };
        bool row = false;

        ret[0] = '\0';
        sqlite3_progress_handler(store->db, TELL_EVERY, on_steps, &teller);
        int r = query_row(&query, &row);
        sqlite3_progress_handler(store->db, 0, NULL, NULL);
        if (teller.code != 0)
                return teller.code;
        if (r != 0 && r != SEAL_E_REGISTER_TAMPERED)
                return r;
        const char *text = r == 0 ? column(&query, row, 0) : "a page cannot be read";
        if (strcmp(text, "ok") != 0)
                name_copy(ret, size, text);
        return 0;
}
