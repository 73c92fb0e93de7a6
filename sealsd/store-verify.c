/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store-verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/store-verifier.h"

#define TELL_EVERY 500 /* rows and records */

int verifier_tell(Verifier *v) {
        const VerifyOptions *o = v->options;

        if (v->done++ % TELL_EVERY != 0 || !o->progress)
                return 0;
        return o->progress(o->userdata, v->done, v->total > v->done ? v->total : v->done);
}

/*
 * Who reaches the chip and the register can go on from another value as an acknowledgement does,
 * but not without the row: where nothing is broken it is counted all the same.
 */
static void chain_tell(const Verifier *v) {
        VerifyReport *report = v->report;
        const LedgerBreaks *chain = report->chain;

        report->acknowledged = chain->acknowledged + v->rebased;
        report->breaks = chain->count + chain->beyond + report->record_count +
                         report->column_count + report->strangers + report->schema +
                         report->indices;
        if (chain->count > 0 && !report->schema) {
                report->place[0] = '\0'; /* the chain before what hangs on it */
                report_first(report, "ledger", chain->items[0].seq, chain->items[0].detail.text);
        }
}

static int on_integrity(void *userdata) {
        const Verifier *v = userdata;
        const VerifyOptions *o = v->options;

        return o->progress ? o->progress(o->userdata, v->done, v->total) : 0;
}

static int schema_verify(Verifier *v) {
        char what[ERROR_TEXT_MAX];

        int r = schema_compare(v->store, what, sizeof(what));
        if (r == 0 && what[0] != '\0')
                report_schema(v->report, what);
        return r;
}

static int indices_verify(Verifier *v) {
        char what[ERROR_TEXT_MAX];

        int r = schema_integrity(v->store, on_integrity, v, what, sizeof(what));
        if (r == 0 && what[0] != '\0')
                report_damage(v->report, what);
        return r;
}

static int contents_verify(Verifier *v) {
        const bool whole = v->options->from == 0;
        int r = verify_ledger(v);

        /* Where the first rows were not read, the guard stands for what they say. */
        if (r == 0 && !whole)
                r = verify_guard(v);
        if (r == 0)
                r = verify_records(v);
        /* Else last, so that an edited record is named by itself. */
        if (r == 0 && whole)
                r = verify_guard(v);
        /* As slow as all the rows. */
        return r == 0 && whole ? indices_verify(v) : r;
}

static int verify_all(Verifier *v) {
        int r = schema_verify(v);

        if (r == 0)
                r = store_read_number(v->store,
                                      "SELECT (SELECT count(*) FROM ledger) +"
                                      " 2 * (SELECT count(*) FROM guard)",
                                      &v->total);
        if (r == 0)
                r = contents_verify(v);
        /* What stands in a table's place cannot be read, and that is found. */
        return r != -ECANCELED && v->report->schema ? 0 : r;
}

int store_verify(Store *reader, const VerifyOptions *options, VerifyReport *ret,
                 ErrorDetail *detail) {
        _cleanup_(touch_map_freep) TouchMap *map = NULL;
        bool held = sqlite3_get_autocommit(reader->db) == 0;
        Verifier v = { .store = reader, .options = options, .report = ret, .seq = options->from };

        *ret = (VerifyReport){ .chain = calloc(1, sizeof(*ret->chain)) };
        memcpy(v.head, options->head, sizeof(v.head));
        memcpy(v.value, options->value, sizeof(v.value));
        int r = ret->chain ? touch_map_new(&map) : -ENOMEM;
        v.map = map;
        if (r == 0 && !held)
                r = store_execute(reader, "BEGIN"); /* one view of all tables */
        if (r == 0)
                r = verify_all(&v);
        if (!held)
                store_rollback(reader);
        if (r == 0)
                chain_tell(&v);
        else
                store_explain(reader, r, detail);
        return r;
}
