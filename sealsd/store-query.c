/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/store-internal.h"

int store_recover(Store *store) {
        if (!store->stale)
                return 0;
        int code = sqlite3_get_autocommit(store->db)
                           ? SQLITE_OK
                           : sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        store->stale = code != SQLITE_OK;
        return store_failure(store, code, "rollback");
}

int store_execute(Store *store, const char *sql) {
        int r = store_recover(store);

        if (r != 0)
                return r;
        return store_failure(store, sqlite3_exec(store->db, sql, NULL, NULL, NULL), sql);
}

int store_read_number(Store *store, const char *sql, uint64_t *ret) {
        _cleanup_query_ Query query = query_new(store, sql);
        uint64_t value = 0;

        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &value);
        r = query_check(&query);
        if (r == 0)
                *ret = value;
        return r;
}

/* --- parameters ----------------------------------------------------------------------------- */

static void query_fail(Query *query, int code) {
        if (query->code == 0)
                query->code = code;
}

/* A failed sqlite3_ call. */
static void query_note(Query *query, int code) {
        if (query->code == 0 && code != SQLITE_OK)
                query->code = store_failure(query->store, code, "statement");
}

Query query_new(Store *store, const char *sql) {
        Query query = { .store = store, .code = store_recover(store) };

        if (query.code == 0)
                query_note(&query, sqlite3_prepare_v2(store->db, sql, -1, &query.statement, NULL));
        return query;
}

/* The place of the statement, or one for it; NULL when it is in use or nothing is free. */
static Kept *kept_find(Store *store, const char *sql) {
        for (size_t i = 0; i < KEPT_MAX; i++) {
                Kept *kept = &store->kept[i];

                if (!kept->sql || kept->sql == sql)
                        return kept->busy ? NULL : kept;
        }
        return NULL;
}

Query query_kept(Store *store, const char *sql) {
        Query query = { .store = store, .code = store_recover(store) };
        Kept *kept = kept_find(store, sql);

        if (query.code != 0 || !kept)
                return query.code != 0 ? query : query_new(store, sql);
        if (!kept->statement)
                query_note(&query, sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                                      &kept->statement, NULL));
        if (query.code != 0)
                return query;
        kept->sql = sql;
        kept->busy = true;
        query.kept = kept;
        query.statement = kept->statement;
        return query;
}

void query_forget_all(Store *store) {
        for (size_t i = 0; i < KEPT_MAX; i++) {
                (void) sqlite3_finalize(store->kept[i].statement);
                store->kept[i] = (Kept){};
        }
}

/* What finalizing could say was said by the step. */
void query_end(Query *query) {
        if (query->kept) {
                (void) sqlite3_reset(query->statement);
                (void) sqlite3_clear_bindings(query->statement);
                query->kept->busy = false;
        } else
                (void) sqlite3_finalize(query->statement);
        query->statement = NULL;
        query->kept = NULL;
        if (query->own)
                store_rollback(query->store);
        query->own = false;
}

void put_number(Query *query, uint64_t value) {
        if (value > INT64_MAX)
                query_fail(query, SEAL_E_INVALID_ARGS);
        if (query->code == 0)
                query_note(query, sqlite3_bind_int64(query->statement, ++query->parameter,
                                                     (sqlite3_int64) value));
}

void put_text(Query *query, const char *text) {
        if (!text_is_utf8(text, strlen(text)))
                query_fail(query, SEAL_E_INVALID_ARGS);
        if (query->code == 0)
                query_note(query, sqlite3_bind_text(query->statement, ++query->parameter, text, -1,
                                                    SQLITE_STATIC));
}

void put_bytes(Query *query, const void *data, size_t size) {
        if (query->code == 0)
                query_note(query, sqlite3_bind_blob64(query->statement, ++query->parameter, data,
                                                      size, SQLITE_STATIC));
}

void put_long_bytes(Query *query, const void *data, size_t size) {
        put_bytes(query, data ? data : "", size);
}

/* Bound in place, so that no copy of it is left behind. */
void put_secret(Query *query, const Secret *secret) {
        put_bytes(query, secret->set ? secret->data : NULL, secret->set ? secret->size : 0);
}

void put_kind(Query *query, SubjectKind kind) {
        put_text(query, kind == SUBJECT_GROUP ? "group" : "user");
}

void put_subject(Query *query, const Subject *subject) {
        put_text(query, subject->text);
        put_kind(query, subject->kind);
        put_number(query, subject->id);
}

void put_person(Query *query, const Subject *subject, uint32_t login) {
        put_subject(query, subject);
        put_number(query, login);
}

void put_act(Query *query, const Act *act) {
        put_person(query, &act->by, act->login);
        put_number(query, act->time);
}

/* --- steps ---------------------------------------------------------------------------------- */

/* A write outside a transaction begins its own. */
static int query_begin(Query *query) {
        if (query->own || query->alone || sqlite3_stmt_readonly(query->statement) ||
            !sqlite3_get_autocommit(query->store->db))
                return 0;
        int r = store_begin(query->store);
        query->own = r == 0;
        return r;
}

/* Its last step was done. */
static int query_commit(Query *query) {
        if (!query->own)
                return 0;
        (void) sqlite3_reset(query->statement);
        query->own = false;
        return store_end(query->store, 0);
}

int query_row(Query *query, bool *ret) {
        if (query->code == 0)
                query->code = query_begin(query);
        if (query->code != 0)
                return query->code;
        query->column = 0;
        int code = sqlite3_step(query->statement);
        if (code == SQLITE_DONE)
                query->code = query_commit(query);
        else if (code != SQLITE_ROW)
                query->code = store_failure(query->store, code, sqlite3_sql(query->statement));
        if (query->code == 0)
                *ret = code == SQLITE_ROW;
        return query->code;
}

int query_run(Query *query) {
        bool row;
        int r;

        do
                r = query_row(query, &row);
        while (r == 0 && row);
        return r;
}

int query_one(Query *query) {
        bool row;

        int r = query_row(query, &row);
        return r == 0 && !row ? SEAL_E_NOT_FOUND : r;
}

int query_change(Query *query) {
        int r = query_one(query);

        return r != 0 ? r : query_run(query);
}

int query_taken(Query *query) {
        int r = query_check(query);

        return r != 0 ? r : query_run(query);
}

int query_check(const Query *query) {
        return query->code;
}

/* --- columns -------------------------------------------------------------------------------- */

/* Is the next column there and of this type? Its number is in *ret. */
static bool column_next(Query *query, int type, int *ret) {
        *ret = query->column++;
        if (query->code == 0 && sqlite3_column_type(query->statement, *ret) != type)
                query_fail(query, SEAL_E_REGISTER_TAMPERED);
        return query->code == 0;
}

void take_number(Query *query, uint64_t *ret) {
        int column;

        if (!column_next(query, SQLITE_INTEGER, &column))
                return;
        sqlite3_int64 value = sqlite3_column_int64(query->statement, column);
        if (value < 0)
                query_fail(query, SEAL_E_REGISTER_TAMPERED);
        else
                *ret = (uint64_t) value;
}

void take_unsigned(Query *query, unsigned *ret, unsigned max) {
        uint64_t value = 0;

        take_number(query, &value);
        if (value > max)
                query_fail(query, SEAL_E_REGISTER_TAMPERED);
        if (query->code == 0)
                *ret = (unsigned) value;
}

void take_u32(Query *query, uint32_t *ret) {
        take_unsigned(query, ret, UINT32_MAX);
}

void take_bool(Query *query, bool *ret) {
        unsigned value = 0;

        take_unsigned(query, &value, 1);
        if (query->code == 0)
                *ret = value == 1;
}

/* The column's text where it is UTF-8 without zeros and shorter than size, else NULL. */
static const char *column_text(Query *query, size_t size) {
        int column;

        if (!column_next(query, SQLITE_TEXT, &column))
                return NULL;
        const char *text = (const char *) sqlite3_column_text(query->statement, column);
        size_t length = (size_t) sqlite3_column_bytes(query->statement, column);
        if (!text) {
                query_fail(query, -ENOMEM);
                return NULL;
        }
        if (length >= size || strlen(text) != length || !text_is_utf8(text, length)) {
                query_fail(query, SEAL_E_REGISTER_TAMPERED);
                return NULL;
        }
        return text;
}

void take_text(Query *query, char *ret, size_t size) {
        const char *text = column_text(query, size);

        if (text)
                strcpy(ret, text);
}

void take_long_text(Query *query, char **ret, size_t max) {
        const char *text = column_text(query, max + 1);
        char *copy = text ? strdup(text) : NULL;

        if (copy)
                *ret = copy;
        else
                query_fail(query, -ENOMEM);
}

void take_word(Query *query, int (*find)(const char *), int *ret) {
        const char *text = column_text(query, sizeof(((ErrorDetail *) NULL)->text));
        int value = text ? find(text) : -1;

        if (value >= 0)
                *ret = value;
        else
                query_fail(query, SEAL_E_REGISTER_TAMPERED);
}

void take_bytes(Query *query, void *ret, size_t max, size_t *ret_size) {
        int column;

        if (!column_next(query, SQLITE_BLOB, &column))
                return;
        const void *data = sqlite3_column_blob(query->statement, column);
        size_t size = (size_t) sqlite3_column_bytes(query->statement, column);
        if (size > max || (size > 0 && !data)) {
                query_fail(query, size > max ? SEAL_E_REGISTER_TAMPERED : -ENOMEM);
                return;
        }
        if (size > 0)
                memcpy(ret, data, size);
        *ret_size = size;
}

void take_long_bytes(Query *query, uint8_t **ret, size_t max, size_t *ret_size) {
        int column;

        if (!column_next(query, SQLITE_BLOB, &column))
                return;
        const void *data = sqlite3_column_blob(query->statement, column);
        size_t size = (size_t) sqlite3_column_bytes(query->statement, column);
        if (size > max) {
                query_fail(query, SEAL_E_REGISTER_TAMPERED);
                return;
        }
        *ret_size = 0;
        if (size == 0)
                return;
        *ret = data ? malloc(size) : NULL;
        if (!*ret) {
                query_fail(query, -ENOMEM);
                return;
        }
        memcpy(*ret, data, size);
        *ret_size = size;
}

void take_array(Query *query, void *ret, size_t size) {
        size_t found = 0;

        take_bytes(query, ret, size, &found);
        if (found != size)
                query_fail(query, SEAL_E_REGISTER_TAMPERED);
}

/* Straight from SQLite's page into the type that wipes itself. */
void take_secret(Query *query, Secret *ret) {
        size_t size = 0;

        if (query->code == 0 &&
            sqlite3_column_type(query->statement, query->column) == SQLITE_NULL) {
                query->column++;
                secret_wipe(ret);
                return;
        }
        take_bytes(query, ret->data, sizeof(ret->data), &size);
        if (query->code == 0) {
                ret->size = size;
                ret->set = true;
        }
}

static int kind_find(const char *word) {
        if (strcmp(word, "user") == 0)
                return SUBJECT_USER;
        return strcmp(word, "group") == 0 ? SUBJECT_GROUP : -1;
}

void take_subject(Query *query, Subject *ret) {
        Subject subject = {};
        int kind = 0;

        take_text(query, subject.text, sizeof(subject.text));
        take_word(query, kind_find, &kind);
        take_u32(query, &subject.id);
        subject.kind = (SubjectKind) kind;
        if (query->code == 0)
                *ret = subject;
}

void take_person(Query *query, Subject *ret, uint32_t *ret_login) {
        take_subject(query, ret);
        take_u32(query, ret_login);
}

void take_act(Query *query, Act *ret) {
        take_person(query, &ret->by, &ret->login);
        take_number(query, &ret->time);
}
