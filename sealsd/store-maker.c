/* SPDX-License-Identifier: Apache-2.0 */
/* The maker's keys and the last list of each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sealsd/json.h"
#include "sealsd/store-internal.h"

#define MAKER_COLUMNS \
        "id, algorithm, nv_index, bit, profile, subject, public, created, version, sealed"

/* --- what is confidential --------------------------------------------------------------------- */

static int private_write(const TPM2B_PRIVATE *private, char **ret) {
        char hex[2 * TPM_BLOB_MAX + 1];
        _cleanup_json_ json_t *document = NULL;
        TpmBlob blob;

        int r = blob_from_private(private, &blob);
        if (r != 0)
                return r;
        document = json_pack("{s:s}", "private", hex_encode(blob.data, blob.size, hex));
        return json_to_text(document, ret);
}

static int private_take(const char *text, TPM2B_PRIVATE *ret) {
        _cleanup_json_ json_t *document = NULL;
        TpmBlob blob;

        int r = json_parse(text, &document);
        if (r != 0)
                return r;
        const char *hex = json_string_value(json_object_get(document, "private"));
        blob.size = hex ? strlen(hex) / 2 : 0;
        if (!hex || blob.size > sizeof(blob.data) || !hex_decode(hex, blob.data, blob.size) ||
            !private_from_blob(&blob, ret))
                return SEAL_E_REGISTER_TAMPERED;
        return 0;
}

/* --- keys ------------------------------------------------------------------------------------- */

static int maker_insert(Store *store, Maker *maker) {
        _cleanup_query_ Query query = query_new(
                store,
                "INSERT INTO maker (algorithm, nv_index, bit, profile, subject, public, created,"
                " version, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, 0, x'') RETURNING id");
        TpmBlob public;

        int r = blob_from_public(&maker->public, &public);
        if (r != 0)
                return r;
        put_text(&query, maker->algorithm);
        put_number(&query, maker->index);
        put_number(&query, maker->bit);
        put_text(&query, maker->profile);
        put_bytes(&query, maker->subject, maker->subject_size);
        put_bytes(&query, public.data, public.size);
        put_number(&query, maker->created);
        r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &maker->id);
        return query_taken(&query);
}

static int list_insert(Store *store, uint64_t maker) {
        _cleanup_query_ Query query = query_new(
                store, "INSERT INTO revocation_list (maker, number, this_update, next_update,"
                       " entries, owed, der) VALUES (?, 0, 0, 0, 0, 1, x'')");

        put_number(&query, maker);
        return query_run(&query);
}

static int maker_write(Store *store, Maker *maker) {
        _cleanup_plain_ char *text = NULL;

        int r = private_write(&maker->private, &text);
        if (r == 0)
                r = maker_insert(store, maker);
        if (r == 0)
                r = sealed_write(store, "maker", maker->id, text);
        return r == 0 ? list_insert(store, maker->id) : r;
}

int store_maker_add(Store *store, Maker *maker) {
        bool own;

        int r = store_begin_own(store, &own);
        return r == 0 ? store_end_own(store, own, maker_write(store, maker)) : r;
}

static int maker_take(Store *store, Query *query, Maker *ret) {
        _cleanup_sealed_ Sealed sealed = {};
        _cleanup_plain_ char *text = NULL;

        *ret = (Maker){};
        take_number(query, &ret->id);
        take_text(query, ret->algorithm, sizeof(ret->algorithm));
        take_u32(query, &ret->index);
        take_unsigned(query, &ret->bit, SEALS_PER_INDEX - 1);
        take_text(query, ret->profile, sizeof(ret->profile));
        take_bytes(query, ret->subject, sizeof(ret->subject), &ret->subject_size);
        take_public(query, &ret->public);
        take_number(query, &ret->created);
        take_sealed(query, &sealed);
        int r = query_check(query);
        if (r == 0)
                r = guard_check(store, "maker", ret->id);
        if (r == 0)
                r = sealed_open(store, "maker", ret->id, &sealed, &text);
        ret->opaque = text == NULL;
        return r == 0 && text ? private_take(text, &ret->private) : r;
}

int store_maker_list(Store *store, Maker ret[static MAKERS_MAX], size_t *ret_count) {
        _cleanup_query_ Query query = query_new(store,
                                                "SELECT " MAKER_COLUMNS " FROM maker ORDER BY bit");
        size_t count = 0;
        bool row = true;

        for (;;) {
                int r = query_row(&query, &row);
                if (r != 0)
                        return r;
                if (!row)
                        break;
                r = count == MAKERS_MAX ? SEAL_E_REGISTER_TAMPERED
                                        : maker_take(store, &query, &ret[count++]);
                if (r != 0)
                        return r;
        }
        *ret_count = count;
        return 0;
}

/* --- lists ------------------------------------------------------------------------------------ */

int store_revocation_list_get(Store *store, uint64_t maker, RevocationList *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT number, this_update, next_update, entries, owed, der"
                       " FROM revocation_list WHERE maker = ?");
        _cleanup_list_ RevocationList list = { .maker = maker };

        put_number(&query, maker);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &list.number);
        take_number(&query, &list.this_update);
        take_number(&query, &list.next_update);
        take_number(&query, &list.entries);
        take_bool(&query, &list.owed);
        take_long_bytes(&query, &list.der, REVOCATION_LIST_MAX, &list.size);
        r = query_check(&query);
        if (r == 0)
                r = guard_check(store, "revocation_list", maker);
        if (r != 0)
                return r;
        *ret = list;
        list = (RevocationList){};
        return 0;
}

int store_revocation_list_set(Store *store, const RevocationList *list) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE revocation_list SET number = ?, this_update = ?, next_update = ?,"
                       " entries = ?, owed = ?, der = ? WHERE maker = ? RETURNING 1");

        put_number(&query, list->number);
        put_number(&query, list->this_update);
        put_number(&query, list->next_update);
        put_number(&query, list->entries);
        put_number(&query, list->owed);
        put_long_bytes(&query, list->der, list->size);
        put_number(&query, list->maker);
        return query_change(&query);
}

/*
 * Of a seal that has certificates of several makers each owes; one that owes already stays as it
 * is.
 */
int store_revocation_list_owe(Store *store, const char *number) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE revocation_list SET owed = 1 WHERE owed = 0 AND maker IN"
                       " (SELECT issuer FROM certificate WHERE issuer <> 0 AND seal ="
                       "  (SELECT id FROM seal WHERE number = ?))");

        put_text(&query, number);
        return query_run(&query);
}

int store_revocation_list_is_owed(Store *store, bool *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT 1 FROM revocation_list WHERE owed <> 0 LIMIT 1");

        return query_row(&query, ret);
}

/* Where the seal's coming state is one that lists tell of, or the one that it leaves. */
int list_follow(Store *store, const char *number, SealState next) {
        _cleanup_query_ Query query = query_kept(
                store, "UPDATE revocation_list SET owed = 1 WHERE owed = 0 AND maker IN"
                       " (SELECT issuer FROM certificate JOIN seal ON seal.id = certificate.seal"
                       "  WHERE issuer <> 0 AND number = ?1 AND state <> ?2"
                       "  AND (state IN ('suspended', 'lost') OR"
                       "       (?2 IN ('suspended', 'lost', 'revoked') AND"
                       "        state NOT IN ('revoked', 'destroyed'))))");

        put_text(&query, number);
        put_text(&query, seal_state_name(next));
        return query_run(&query);
}
