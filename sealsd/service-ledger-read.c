/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of the ledger: its rows, and whether it is whole. */
#include <errno.h>
#include <string.h>

#include "sealsd/service-internal.h"

int service_read_ledger(Service *service, const Caller *caller, const LedgerFilter *filter,
                        char ***ret, size_t *ret_count, ErrorDetail *detail) {
        int r = service_require_ready(service, detail);

        /*
         * Not for a later page: who reads to the end would never come to it, being told of himself.
         */
        if (r == 0 && filter->first <= 1)
                r = ledger_flush(service);
        if (r == 0)
                r = store_ledger_list(service->store, filter, ret, ret_count);
        if (r == 0)
                service_ledger_disclosed(service, caller, "ReadLedger");
        return r;
}

/* --- VerifyLedger --------------------------------------------------------------------------- */

typedef struct VerifyCall {
        Service *service;
        Reply reply;
        ErrorDetail place, text; /* copies: the report does not outlive its check */
        LedgerReport report;
} VerifyCall;

static void verify_reply(VerifyCall *call, int code, const ErrorDetail *detail) {
        call->report.chip = call->service->ledger.chip.found ? call->service->ledger.chip.text : "";
        call->report.checkpoint = call->service->checkpoints.seq;
        call->reply.done(call->reply.userdata, code, detail, &call->report);
        free(call);
}

/* Without one the report is as true. */
static void verify_signed(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        (void) result;
        if (code != -ECANCELED)
                code = 0;
        verify_reply(userdata, code, detail);
}

static void verify_known(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        VerifyCall *call = userdata;
        const VerifyReport *report = result;

        if (code == 0) {
                call->report.rows = report->rows;
                call->report.head_seq = report->head_seq;
                memcpy(call->report.head, report->head, sizeof(call->report.head));
                call->report.breaks = report->breaks;
                call->report.acknowledged = report->acknowledged;
                text_copy(call->place.text, sizeof(call->place.text), report->place);
                text_copy(call->text.text, sizeof(call->text.text), report->text);
                code = service_checkpoint(call->service,
                                          (Reply){ .done = verify_signed, .userdata = call });
        }
        if (code != 0)
                verify_reply(call, code, detail);
}

int service_verify_ledger(Service *service, const Caller *caller, Reply reply,
                          ErrorDetail *detail) {
        (void) caller;
        int r = service_require_ready(service, detail);

        if (r == 0)
                r = ledger_flush(service);
        if (r != 0)
                return r;
        VerifyCall *call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        call->service = service;
        call->reply = reply;
        call->report.place = call->place.text;
        call->report.text = call->text.text;
        r = verify_all(service, (Reply){ .done = verify_known, .userdata = call });
        if (r != 0)
                free(call);
        return r;
}
