/* SPDX-License-Identifier: Apache-2.0 */
/* ExportLedger: the file of format/ledger-export.h, read page by page while it is written out. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <openssl/crypto.h>

#include "format/ledger-export.h"
#include "policy/index.h"
#include "sealsd/service-internal.h"

#define ROWS_AT_ONCE 200
#define ANCHORS_AT_ONCE 64

typedef enum ExportStep {
        EXPORT_HEADER,
        EXPORT_ROWS,
        EXPORT_END,
} ExportStep;

struct LedgerExport {
        Service *service;
        Reply reply;
        ExportStep step;
        LedgerHeader header;
        LedgerTail tail;
        uint64_t seq; /* the next row */
        char **rows;
        size_t row, row_count;
        LedgerAnchor anchors[ANCHORS_AT_ONCE];
        size_t anchor, anchor_count;
        uint64_t anchor_id; /* the last that was read */
        char *line;         /* handed out last */
};

LedgerExport *ledger_export_free(LedgerExport *export) {
        if (!export)
                return NULL;
        texts_free(export->rows, export->row_count);
        free(export->line);
        free(export);
        return NULL;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A row that is missing ends the file early, which its verifier tells. */
static int rows_refill(LedgerExport *export) {
        const LedgerFilter filter = { .first = export->seq, .limit = ROWS_AT_ONCE };

        if (export->row < export->row_count)
                return 0;
        texts_free(export->rows, export->row_count);
        export->rows = NULL;
        export->row = export->row_count = 0;
        return store_ledger_list(export->service->store, &filter, &export->rows,
                                 &export->row_count);
}

static int anchors_refill(LedgerExport *export) {
        if (export->anchor < export->anchor_count)
                return 0;
        export->anchor = 0;
        int r = store_anchor_list(export->service->store, export->anchor_id, ANCHORS_AT_ONCE,
                                  export->anchors, &export->anchor_count);
        if (r == 0 && export->anchor_count > 0)
                export->anchor_id = export->anchors[export->anchor_count - 1].id;
        return r;
}

/* The next marked anchor of a row before this one, taken; NULL when there is none. */
static int anchor_before(LedgerExport *export, uint64_t seq, const LedgerAnchor **ret) {
        *ret = NULL;
        for (;;) {
                int r = anchors_refill(export);
                if (r != 0 || export->anchor == export->anchor_count)
                        return r;
                const LedgerAnchor *a = &export->anchors[export->anchor];
                if (a->done && a->seq >= seq)
                        return 0;
                export->anchor++;
                if (a->done) {
                        *ret = a;
                        return 0;
                }
        }
}

/*
 * What the row says of itself, behind all that could be named alike in it: keys are in order
 * (RFC 8785), and quotes in texts are escaped. A damaged row stands where it is expected, and so
 * does one that says to stand behind the last: the rows after it would be read from the beginning
 * again.
 */
static uint64_t seq_of(const char *text, uint64_t expected, uint64_t last) {
        const char *found = NULL;

        for (const char *at = text; (at = strstr(at, "\"seq\":")); at++)
                found = at;
        uint64_t seq = found ? strtoull(found + sizeof("\"seq\":") - 1, NULL, 10) : 0;
        return seq >= expected && seq <= last ? seq : expected;
}

static int line_of_anchor(LedgerExport *export, const LedgerAnchor *anchor) {
        LedgerAnchorLine line = { .seq = anchor->seq, .rebase = anchor->rebase };

        memcpy(line.value, anchor->value, sizeof(line.value));
        return ledger_anchor_write(&line, &export->line);
}

/* Returns 1 when there are no more. */
static int line_of_row(LedgerExport *export, size_t *ret_size) {
        int r = rows_refill(export);

        if (r != 0)
                return r;
        if (export->row == export->row_count || export->seq > export->tail.seq)
                return 1;
        const char *text = export->rows[export->row++];
        export->seq = seq_of(text, export->seq, export->tail.seq);
        r = ledger_line_write(export->seq, text, strlen(text), &export->line, ret_size);
        export->seq++;
        export->tail.rows++;
        return r;
}

/* Of an anchor where the row before it has one, else of the next row. 1 when there are no more. */
static int line_of_either(LedgerExport *export, size_t *ret_size) {
        const LedgerAnchor *anchor;
        int r;

        do
                r = anchor_before(export, export->seq, &anchor);
        while (r == 0 && anchor && anchor->seq + 1 != export->seq); /* of a row that is missing */
        if (r != 0)
                return r;
        return anchor ? line_of_anchor(export, anchor) : line_of_row(export, ret_size);
}

static int line_next(LedgerExport *export, size_t *ret_size) {
        int r;

        switch (export->step) {
        case EXPORT_HEADER:
                export->step = EXPORT_ROWS;
                return ledger_header_write(&export->header, &export->line);
        case EXPORT_ROWS:
                r = line_of_either(export, ret_size);
                if (r != 1)
                        return r;
                export->step = EXPORT_END;
                return ledger_tail_write(&export->tail, &export->line);
        case EXPORT_END:
                break;
        }
        return 0;
}

int ledger_export_next(LedgerExport *export, Bytes *ret, ErrorDetail *detail) {
        size_t size = 0;

        free(export->line);
        export->line = NULL;
        int r = line_next(export, &size);
        if (r != 0) {
                service_explain(export->service, r, detail);
                return r;
        }
        if (size == 0 && export->line)
                size = strlen(export->line);
        *ret = (Bytes){ (const uint8_t *) export->line, size };
        return 0;
}

/* --- beginning -------------------------------------------------------------------------------- */

/* It begins later: what stands before its first row, and with the last anchor before that. */
static int header_skip(LedgerExport *export) {
        LedgerHeader *h = &export->header;
        const LedgerFilter filter = { .first = h->first - 1, .limit = 1 };
        const LedgerAnchor *anchor = NULL;
        char **texts = NULL;
        size_t count = 0;

        int r = store_ledger_list(export->service->store, &filter, &texts, &count);
        if (r == 0)
                r = count == 1 ? ledger_row_hash(texts[0], strlen(texts[0]), h->previous)
                               : SEAL_E_INVALID_ARGS;
        texts_free(texts, count);
        do {
                if (anchor)
                        memcpy(h->value, anchor->value, sizeof(h->value));
                if (r == 0)
                        r = anchor_before(export, h->first, &anchor);
        } while (r == 0 && anchor);
        return r;
}

static int header_fill(LedgerExport *export) {
        Service *s = export->service;
        LedgerHeader *h = &export->header;
        TPM2B_DIGEST genesis;
        TpmIndex index = {};

        int r = anchor_index(s, &index);
        h->authority = index.authority;
        h->index = index.handle;
        h->ak = s->checkpoints.ak;
        h->first = export->seq;
        OPENSSL_cleanse(&index, sizeof(index));
        if (r == 0)
                r = ledger_genesis(&h->authority, h->index, &genesis);
        if (r == 0)
                r = ledger_value_first(&h->authority, h->index, h->value);
        if (r != 0)
                return r;
        memcpy(h->genesis, genesis.buffer, sizeof(h->genesis));
        memcpy(h->previous, genesis.buffer, sizeof(h->previous));
        return export->seq > 1 ? header_skip(export) : 0;
}

/* Without a checkpoint nobody attests the head; the rows are the same. */
static void tail_fill(LedgerExport *export, const LedgerCheckpoint *checkpoint) {
        LedgerTail *t = &export->tail;
        LedgerHead head;

        store_ledger_head(export->service->store, &head);
        t->seq = checkpoint ? checkpoint->seq : head.seq;
        memcpy(t->head, checkpoint ? checkpoint->head : head.hash, sizeof(t->head));
        if (!checkpoint)
                return;
        t->attest_size = checkpoint->attest_size;
        memcpy(t->attest, checkpoint->attest, checkpoint->attest_size);
        t->signature_size = checkpoint->signature_size;
        memcpy(t->signature, checkpoint->signature, checkpoint->signature_size);
}

static void export_fail(LedgerExport *export, int code, const ErrorDetail *detail) {
        export->reply.done(export->reply.userdata, code, detail, NULL);
        (void) ledger_export_free(export);
}

/* A ledger that was tampered with is anchored no more, and has to be exported all the same. */
static bool goes_without(const Service *service, int code) {
        return service->checkpoints.ak.size > 0 &&
               (service->anchoring.foreign || code == SEAL_E_TPM_UNAVAILABLE);
}

static void export_signed(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        LedgerExport *export = userdata;
        const Checkpoint *checkpoint = result;

        if (code == 0)
                tail_fill(export, checkpoint->row);
        else if (goes_without(export->service, code))
                tail_fill(export, NULL);
        else {
                export_fail(export, code, detail);
                return;
        }
        code = header_fill(export);
        if (code == 0)
                export->reply.done(export->reply.userdata, 0, NULL, export);
        else
                export_fail(export, code, NULL);
}

/* That it was exported is in the file. */
static int export_record(Service *service, const Caller *caller, uint64_t first,
                         ErrorDetail *detail) {
        LedgerHead head;
        _cleanup_json_ json_t *facts = NULL;

        int r = ledger_flush(service);
        if (r != 0)
                return r;
        store_ledger_head(service->store, &head);
        if (first > head.seq)
                return error_set(detail, SEAL_E_INVALID_ARGS, "The last row is %" PRIu64, head.seq);
        facts = json_pack("{s:I, s:I}", "first", (json_int_t) first, "last",
                          (json_int_t) head.seq + 1);
        if (!facts)
                return -ENOMEM;
        const Event event = { .code = EVENT_LEDGER_EXPORTED, .caller = caller, .facts = facts };
        return store_event(service->store, &event);
}

int service_export_ledger(Service *service, const Caller *caller, uint64_t first, Reply reply,
                          ErrorDetail *detail) {
        int r = service_require_ready(service, detail);

        if (r == 0)
                r = export_record(service, caller, first, detail);
        if (r != 0)
                return r;
        LedgerExport *export = calloc(1, sizeof(*export));
        if (!export)
                return -ENOMEM;
        export->service = service;
        export->seq = first;
        export->reply = reply;
        r = service_checkpoint(service, (Reply){ .done = export_signed, .userdata = export });
        if (r != 0)
                (void) ledger_export_free(export);
        return r;
}
