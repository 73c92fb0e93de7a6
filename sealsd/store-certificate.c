/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of makers and seals: added, and never changed or taken out. */
#include <errno.h>
#include <stdlib.h>

#include "sealsd/store-internal.h"

#define RECORD_COLUMNS                                                                            \
        "row, issuer, serial, not_before, not_after, by_text, by_kind, by_id, by_login, by_time," \
        " der, chain, structure"

static int record_insert(Store *store, uint64_t seal, uint64_t maker,
                         const CertificateRecord *record) {
        _cleanup_query_ Query query = query_new(
                store, "INSERT INTO certificate (seal, maker, issuer, serial, not_before,"
                       " not_after, by_text, by_kind, by_id, by_login, by_time, der, chain,"
                       " structure) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

        put_number(&query, seal);
        put_number(&query, maker);
        put_number(&query, record->issuer);
        put_bytes(&query, record->serial, record->serial_size);
        put_number(&query, record->not_before);
        put_number(&query, record->not_after);
        put_act(&query, &record->by);
        put_long_bytes(&query, record->der, record->der_size);
        put_long_bytes(&query, record->chain, record->chain_size);
        put_long_bytes(&query, record->structure, record->structure_size);
        return query_run(&query);
}

int store_maker_certificate_add(Store *store, uint64_t maker, const CertificateRecord *record) {
        return record_insert(store, 0, maker, record);
}

/* One more of a seal that is on hold is on hold too. */
static int issuer_owe(Store *store, uint64_t seal, uint64_t issuer) {
        _cleanup_query_ Query query = query_new(
                store,
                "UPDATE revocation_list SET owed = 1 WHERE owed = 0 AND maker = ?1 AND ?1 <> 0"
                " AND (SELECT state FROM seal WHERE id = ?2) IN"
                "  ('suspended', 'lost', 'revoked', 'destroyed')");

        put_number(&query, issuer);
        put_number(&query, seal);
        return query_run(&query);
}

int store_seal_certificate_add(Store *store, const char *number, const CertificateRecord *record) {
        uint64_t seal = 0;
        bool own;

        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        r = seal_row(store, number, &seal);
        if (r == 0)
                r = record_insert(store, seal, 0, record);
        if (r == 0)
                r = issuer_owe(store, seal, record->issuer);
        return store_end_own(store, own, r);
}

static int record_take(Store *store, Query *query, CertificateRecord *ret) {
        CertificateRecord record = {};
        uint64_t row = 0;

        take_number(query, &row);
        take_number(query, &record.issuer);
        take_bytes(query, record.serial, sizeof(record.serial), &record.serial_size);
        take_number(query, &record.not_before);
        take_number(query, &record.not_after);
        take_act(query, &record.by);
        take_long_bytes(query, &record.der, CERTIFICATE_MAX, &record.der_size);
        take_long_bytes(query, &record.chain, CERTIFICATE_CHAIN_BYTES_MAX, &record.chain_size);
        take_long_bytes(query, &record.structure, ESEAL_MAX, &record.structure_size);
        int r = query_check(query);
        if (r == 0)
                r = guard_check(store, "certificate", row);
        if (r != 0)
                certificate_record_free(&record);
        else
                *ret = record;
        return r;
}

int store_maker_certificate_get(Store *store, uint64_t maker, CertificateRecord *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT " RECORD_COLUMNS " FROM certificate WHERE maker = ? AND maker <> 0"
                       " ORDER BY row DESC LIMIT 1");

        put_number(&query, maker);
        int r = query_one(&query);
        return r == 0 ? record_take(store, &query, ret) : r;
}

int store_seal_certificate_get(Store *store, const char *number, CertificateRecord *ret) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT " RECORD_COLUMNS " FROM certificate WHERE seal ="
                       " (SELECT id FROM seal WHERE number = ?) AND seal <> 0"
                       " ORDER BY row DESC LIMIT 1");

        put_text(&query, number);
        int r = query_one(&query);
        return r == 0 ? record_take(store, &query, ret) : r;
}

int store_seal_certificate_validity(Store *store, const char *number, uint64_t *ret_not_before,
                                    uint64_t *ret_not_after) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT row, not_before, not_after FROM certificate WHERE seal ="
                       " (SELECT id FROM seal WHERE number = ?) AND seal <> 0"
                       " ORDER BY row DESC LIMIT 1");
        uint64_t row = 0;

        put_text(&query, number);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &row);
        take_number(&query, ret_not_before);
        take_number(&query, ret_not_after);
        r = query_check(&query);
        return r == 0 ? guard_check(store, "certificate", row) : r;
}

void certificate_records_free(CertificateRecord *records, size_t count) {
        for (size_t i = 0; i < count; i++)
                certificate_record_free(&records[i]);
        free(records);
}

static int records_read(Store *store, Query *query, CertificateRecord *records, size_t *ret_count) {
        bool row = true;

        for (;;) {
                int r = query_row(query, &row);
                if (r != 0 || !row)
                        return r;
                r = record_take(store, query, &records[*ret_count]);
                if (r != 0)
                        return r;
                (*ret_count)++;
        }
}

int store_seal_certificate_list(Store *store, const char *number, CertificateRecord **ret,
                                size_t *ret_count) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT " RECORD_COLUMNS " FROM certificate WHERE seal ="
                       " (SELECT id FROM seal WHERE number = ?) AND seal <> 0"
                       " ORDER BY row DESC LIMIT ?");
        CertificateRecord *records = calloc(CERTIFICATES_LISTED_MAX, sizeof(*records));
        size_t count = 0;

        if (!records)
                return -ENOMEM;
        put_text(&query, number);
        put_number(&query, CERTIFICATES_LISTED_MAX);
        int r = records_read(store, &query, records, &count);
        if (r != 0) {
                certificate_records_free(records, count);
                return r;
        }
        *ret = records;
        *ret_count = count;
        return 0;
}
