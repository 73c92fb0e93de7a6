/* SPDX-License-Identifier: Apache-2.0 */
/* The frozen structures that approvers sign for, by their request. */
#include "sealsd/store-internal.h"

int store_use_structure_add(Store *store, uint64_t request, const UseStructure *structure) {
        _cleanup_query_ Query query = query_new(
                store, "INSERT INTO use_structure (request, format, algorithm, structure,"
                       " certificates) VALUES (?, ?, ?, ?, ?)");

        put_number(&query, request);
        put_text(&query, structure->format);
        put_text(&query, structure->algorithm);
        put_long_bytes(&query, structure->structure, structure->size);
        put_long_bytes(&query, structure->certificates, structure->certificates_size);
        return query_run(&query);
}

int store_use_structure_drop(Store *store, uint64_t request) {
        _cleanup_query_ Query query = query_new(store,
                                                "DELETE FROM use_structure WHERE request = ?");

        put_number(&query, request);
        return query_run(&query);
}

int store_use_structure_get(Store *store, uint64_t request, UseStructure *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT format, algorithm, structure, certificates FROM use_structure"
                       " WHERE request = ?");
        UseStructure structure = {};

        put_number(&query, request);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_text(&query, structure.format, sizeof(structure.format));
        take_text(&query, structure.algorithm, sizeof(structure.algorithm));
        take_long_bytes(&query, &structure.structure, USE_STRUCTURE_MAX, &structure.size);
        take_long_bytes(&query, &structure.certificates, CERTIFICATE_CHAIN_BYTES_MAX,
                        &structure.certificates_size);
        r = query_check(&query);
        if (r == 0)
                r = guard_check(store, "use_structure", request);
        if (r != 0)
                use_structure_free(&structure);
        else
                *ret = structure;
        return r;
}
