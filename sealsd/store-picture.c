/* SPDX-License-Identifier: Apache-2.0 */
/* The pictures of seals, by the request that they came with. */
#include "sealsd/store-internal.h"

int store_picture_add(Store *store, uint64_t request, const SealPicture *picture) {
        _cleanup_query_ Query query = query_new(
                store, "INSERT INTO picture (request, type, data) VALUES (?, ?, ?)");

        put_number(&query, request);
        put_text(&query, picture->type);
        put_long_bytes(&query, picture->data, picture->size);
        return query_run(&query);
}

int store_picture_drop(Store *store, uint64_t request) {
        _cleanup_query_ Query query = query_new(store, "DELETE FROM picture WHERE request = ?");

        put_number(&query, request);
        return query_run(&query);
}

int store_picture_get(Store *store, uint64_t request, SealPicture *ret) {
        _cleanup_query_ Query query = query_new(store,
                                                "SELECT type, data FROM picture WHERE request = ?");
        SealPicture picture = {};

        put_number(&query, request);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_text(&query, picture.type, sizeof(picture.type));
        take_long_bytes(&query, &picture.data, PICTURE_MAX, &picture.size);
        r = query_check(&query);
        if (r == 0)
                r = guard_check(store, "picture", request);
        if (r != 0)
                seal_picture_free(&picture);
        else
                *ret = picture;
        return r;
}
