/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "format/event.h"
#include "sealsd/bus-dictionary.h"
#include "sealsd/bus-manager.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"
#include "sealsd/bus-sink.h"

#define ANSWER_BYTES_MAX (4 * 1024 * 1024) /* of rows in one message, beyond the first */

/* --- ReadLedger ------------------------------------------------------------------------------- */

#define FIELD(member) offsetof(ReadLedgerArgs, member)

static const Option read_options[] = {
        { "first", OPTION_TIME, FIELD(filter.first), 0, NULL, NULL },
        { "since", OPTION_TIME, FIELD(filter.since), 0, NULL, NULL },
        { "until", OPTION_TIME, FIELD(filter.until), 0, NULL, NULL },
        { "seal", OPTION_STRING, FIELD(filter.seal), NUMBER_MAX, NULL, NULL },
        { "subject", OPTION_STRING, FIELD(filter.subject), SUBJECT_MAX, NULL, NULL },
        { "event", OPTION_STRING, FIELD(filter.event), WORD_MAX, NULL, NULL },
        { "limit", OPTION_U32, FIELD(limit), PAGE_MAX, NULL, NULL },
};

#undef FIELD

int parse_read_ledger(Operation *op, ErrorDetail *detail) {
        ReadLedgerArgs *args = op->args;

        int r = method_options(op, read_options, ROWS(read_options), args, detail);
        if (r != 0)
                return r;
        args->filter.limit = args->limit;
        if (args->filter.event && event_from_name(args->filter.event) < 0)
                return option_invalid(detail, "event", "no word of the ledger");
        return 0;
}

typedef struct LedgerPage {
        char **rows;
        size_t count;
} LedgerPage;

/* A message has its limits: who asks goes on behind the last row that he has got. */
static int append_rows(sd_bus_message *m, const void *result) {
        const LedgerPage *page = result;
        size_t bytes = 0;

        int r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; r >= 0 && i < page->count; i++) {
                bytes += strlen(page->rows[i]);
                if (i > 0 && bytes > ANSWER_BYTES_MAX)
                        break;
                r = sd_bus_message_append_basic(m, 's', page->rows[i]);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int run_read_ledger(Operation *op, ErrorDetail *detail) {
        const ReadLedgerArgs *args = op->args;
        LedgerPage page = {};

        int r = service_read_ledger(op->bus->service, &op->caller, &args->filter, &page.rows,
                                    &page.count, detail);
        if (r == 0)
                operation_answer(op, 0, NULL, append_rows, &page);
        texts_free(page.rows, page.count);
        return r;
}

/* --- VerifyLedger ----------------------------------------------------------------------------- */

static int append_verdict(sd_bus_message *m, const void *result) {
        const LedgerReport *report = result;

        int r = dictionary_open(m);
        if (r == 0)
                r = dictionary_boolean(m, "good", report->breaks == 0 && report->chip[0] == '\0');
        if (r == 0)
                r = dictionary_u64(m, "rows", report->rows);
        if (r == 0)
                r = dictionary_u64(m, "last", report->head_seq);
        if (r == 0)
                r = dictionary_bytes(m, "head", report->head, LEDGER_HASH_SIZE);
        if (r == 0)
                r = dictionary_u64(m, "breaks", report->breaks);
        if (r == 0)
                r = dictionary_u64(m, "acknowledged", report->acknowledged);
        if (r == 0)
                r = dictionary_text(m, "first-bad", report->place);
        if (r == 0)
                r = dictionary_text(m, "problem", report->text);
        if (r == 0)
                r = dictionary_text(m, "chip", report->chip);
        if (r == 0)
                r = dictionary_u64(m, "checkpoint", report->checkpoint);
        return r < 0 ? r : dictionary_close(m);
}

static void verified(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        operation_answer(userdata, code, detail, append_verdict, result);
}

int run_verify_ledger(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = verified, .userdata = op };

        return service_verify_ledger(op->bus->service, &op->caller, reply, detail);
}

/* --- ExportLedger ----------------------------------------------------------------------------- */

#define FIELD(member) offsetof(ExportLedgerArgs, member)

static const Option export_options[] = {
        { "first", OPTION_TIME, FIELD(first), 0, NULL, NULL },
};

#undef FIELD

int parse_export_ledger(Operation *op, ErrorDetail *detail) {
        ExportLedgerArgs *args = op->args;

        int r = sd_result(sd_bus_message_read_basic(op->message, 'h', &args->fd));
        if (r == 0)
                r = sink_check(args->fd, detail);
        if (r == 0)
                r = method_options(op, export_options, ROWS(export_options), args, detail);
        if (args->first == 0)
                args->first = 1;
        return r;
}

static int export_next(void *userdata, Bytes *ret, ErrorDetail *detail) {
        return ledger_export_next(userdata, ret, detail);
}

static void export_drop(void *userdata) {
        (void) ledger_export_free(userdata);
}

static void export_written(void *userdata, int code, const ErrorDetail *detail) {
        Operation *op = userdata;

        if (code == 0)
                operation_return(op, NULL);
        else
                operation_fail(op, code, detail);
}

/* The descriptor is the message's, and lives as long as the operation. */
static void export_ready(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        Operation *op = userdata;
        LedgerExport *export = (LedgerExport *) result; /* ours from now on */

        if (code == 0) {
                const ExportLedgerArgs *args = op->args;
                const SinkSource source = { .next = export_next,
                                            .done = export_written,
                                            .free = export_drop,
                                            .userdata = export,
                                            .waiter = op };

                code = sink_new(&op->sink, op->bus->event, args->fd, &source);
                if (code != 0)
                        (void) ledger_export_free(export);
        }
        if (code != 0)
                operation_fail(op, code, detail);
}

int run_export_ledger(Operation *op, ErrorDetail *detail) {
        const ExportLedgerArgs *args = op->args;
        Reply reply = { .done = export_ready, .userdata = op };

        return service_export_ledger(op->bus->service, &op->caller, args->first, reply, detail);
}

/* --- AcknowledgeTampering --------------------------------------------------------------------- */

#define FIELD(member) offsetof(AcknowledgeArgs, member)

static const Option acknowledge_options[] = {
        { "passphrase", OPTION_LATER, 0, 0, NULL, NULL },
};

#undef FIELD

int parse_acknowledge(Operation *op, ErrorDetail *detail) {
        AcknowledgeArgs *args = op->args;

        int r = argument_text(op->message, "reason", TEXT_MAX, &args->reason, detail);
        return r == 0 ? method_options(op, acknowledge_options, ROWS(acknowledge_options), args,
                                       detail)
                      : r;
}

int run_acknowledge(Operation *op, ErrorDetail *detail) {
        const AcknowledgeArgs *args = op->args;
        Reply reply = { .done = operation_done, .userdata = op };

        return service_acknowledge(op->bus->service, &op->caller, args->reason, reply, detail);
}
