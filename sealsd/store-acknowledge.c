/* SPDX-License-Identifier: Apache-2.0 */
/* What store_verify has found becomes what counts, in one row of the ledger that names it all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sealsd/store-internal.h"
#include "sealsd/store-verify.h"

static int break_append(json_t *breaks, uint64_t seq, const uint8_t *hash) {
        json_t *item = json_pack("{s:o, s:I}", "hash", json_hex(hash, LEDGER_HASH_SIZE), "seq",
                                 (json_int_t) seq);

        return json_array_append_new(breaks, item) == 0 ? 0 : -ENOMEM;
}

/* Breaks of ours: some are not found yet, and the acknowledgement itself may make one. */
static int seam_append(json_t *breaks, const Seam *seam, const VerifyReport *report) {
        return seam->seq == 0
                       ? 0
                       : break_append(breaks, seam->seq, seam->first ? report->head : seam->hash);
}

static int breaks_collect(Store *store, const VerifyReport *report, json_t *breaks) {
        const LedgerBreaks *chain = report->chain;
        Seam next = {};

        int r = ledger_seam(store, &next);
        if (r == 0)
                r = seam_append(breaks, &next, report);
        for (size_t i = 0; i < store->seam_count && r == 0; i++)
                r = seam_append(breaks, &store->seams[i], report);
        for (size_t i = 0; i < chain->count && r == 0; i++)
                r = break_append(breaks, chain->items[i].seq, chain->items[i].hash);
        return r;
}

static int facts_with_breaks(Store *store, const Event *event, const VerifyReport *report,
                             json_t **ret) {
        _cleanup_json_ json_t *facts = event->facts ? json_deep_copy(event->facts) : json_object();
        _cleanup_json_ json_t *breaks = json_array();

        int r = facts && breaks ? breaks_collect(store, report, breaks) : -ENOMEM;
        if (r != 0)
                return r;
        if (json_array_size(breaks) > 0 && json_object_set(facts, "breaks", breaks) < 0)
                return -ENOMEM;
        *ret = steal_ptr(facts);
        return 0;
}

/* The columns say what the text says; who reads by them finds the row where it belongs. */
static int column_mend(Store *store, uint64_t seq) {
        _cleanup_query_ Query read = query_new(store, "SELECT text FROM ledger WHERE seq = ?");
        _cleanup_query_ Query write = query_new(
                store, "UPDATE ledger SET time = ?, event = ?, seal = ?, subject = ?, state = ?,"
                       " hash = ? WHERE seq = ?");
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};
        _cleanup_free_ char *text = NULL;

        put_number(&read, seq);
        int r = query_one(&read);
        if (r == 0)
                take_long_text(&read, &text, LEDGER_ROW_MAX);
        if (r == 0)
                r = query_check(&read);
        if (r == 0)
                r = ledger_row_parse(text, strlen(text), &parsed, NULL);
        if (r != 0) /* it has changed once more: then it is found once more */
                return r == SEAL_E_REGISTER_TAMPERED || r == SEAL_E_NOT_FOUND ? 0 : r;
        put_number(&write, parsed.row.time);
        put_text(&write, parsed.row.event);
        put_text(&write, parsed.row.seal ? parsed.row.seal : "");
        put_text(&write, parsed.row.subject ? parsed.row.subject : "");
        put_text(&write, parsed.row.state ? parsed.row.state : "");
        put_bytes(&write, parsed.hash, sizeof(parsed.hash));
        put_number(&write, seq);
        return query_run(&write);
}

static int strangers_remove(Store *store) {
        char sql[512] = "DELETE FROM guard WHERE tbl NOT IN (''";
        size_t used = strlen(sql);

        for (unsigned i = 0; i < guard_table_count; i++)
                used += (size_t) snprintf(sql + used, sizeof(sql) - used, ", '%s'",
                                          guard_tables[i]);
        (void) snprintf(sql + used, sizeof(sql) - used, ")");
        return store_execute(store, sql);
}

static int acknowledge(Store *store, const Event *event, const VerifyReport *report) {
        _cleanup_json_ json_t *facts = NULL;
        Event with = *event;

        int r = facts_with_breaks(store, event, report, &facts);
        for (size_t i = 0; r == 0 && i < report->record_count; i++)
                r = guard_touch(store, report->records[i].table, report->records[i].row);
        for (size_t i = 0; r == 0 && i < report->column_count; i++)
                r = column_mend(store, report->columns[i]);
        if (r == 0 && report->strangers)
                r = strangers_remove(store);
        if (r == 0 && report->indices)
                r = store_execute(store, "REINDEX");
        with.facts = facts;
        return r == 0 ? store_event(store, &with) : r;
}

int store_acknowledge(Store *store, const Event *event, const VerifyReport *report) {
        bool own;

        if (report->chain->beyond > 0)
                return SEAL_E_LIMITS_EXCEEDED;
        int r = store_begin_own(store, &own);
        if (r == 0)
                r = store_end_own(store, own, acknowledge(store, event, report));
        if (r == 0)
                store->seam_count = 0;
        return r;
}
