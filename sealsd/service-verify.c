/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "policy/index.h"
#include "sealsd/background.h"
#include "sealsd/service-internal.h"

typedef struct VerifyTask {
        Task task;
        Service *service;
        char path[CONFIG_PATH_MAX + 16];
        bool whole;
        Store *found; /* what is checked in place of the register as it is now */
        VerifyOptions options;
        VerifyReport report;
        VerifyWaiter *waiting;
} VerifyTask;

/* --- in its thread ---------------------------------------------------------------------------- */

static int on_progress(void *userdata, uint64_t done, uint64_t total) {
        return task_report(userdata, done, total);
}

static int verify_run(Task *task, ErrorDetail *detail) {
        VerifyTask *t = (VerifyTask *) task;
        _cleanup_(store_closep) Store *reader = NULL;

        int r = t->found ? 0 : store_reader_open(&reader, t->path, detail);
        if (r == 0)
                r = store_verify(t->found ? t->found : reader, &t->options, &t->report, detail);
        return r;
}

/* --- in the main thread ----------------------------------------------------------------------- */

static void verify_progress(Task *task, uint64_t done, uint64_t total) {
        const Service *s = ((VerifyTask *) task)->service;

        if (s->observer.progress && !s->stopping)
                s->observer.progress(s->observer.userdata, "verify-ledger", done, total);
}

static void waiters_tell(VerifyWaiter *waiting, int code, const ErrorDetail *detail,
                         const VerifyReport *report) {
        while (waiting) {
                VerifyWaiter *next = waiting->next;

                waiting->reply.done(waiting->reply.userdata, code, detail, report);
                free(waiting);
                waiting = next;
        }
}

static void verify_next(Service *service);

static void verify_note(Service *service, const VerifyTask *task) {
        if (task->whole)
                service->verification.last = service_now(service);
        if (task->report.breaks > 0)
                finding_rows(service, &task->report);
        else
                log_info("the ledger is whole: %" PRIu64 " rows to %" PRIu64 " fit together",
                         task->report.rows, task->report.head_seq);
}

static void verify_done(Task *task, int code, const ErrorDetail *detail) {
        VerifyTask *t = (VerifyTask *) task;
        Service *s = t->service;

        s->verification.running = NULL;
        if (t->whole)
                (void) store_close(t->found);
        else
                s->verification.found = t->found;
        if (code == 0 && !s->stopping)
                verify_note(s, t);
        else if (code == SEAL_E_REGISTER_TAMPERED && !s->stopping)
                finding_unreadable(s, error_describe(code, detail));
        else if (code != 0 && code != -ECANCELED)
                log_error("the ledger could not be verified: %s", error_describe(code, detail));
        waiters_tell(t->waiting, code, detail, &t->report);
        verify_report_done(&t->report);
        free(t);
        if (s->verification.wanted && !s->stopping)
                verify_next(s);
}

static int options_fill(Service *service, bool whole, VerifyOptions *ret) {
        const Checkpoints *c = &service->checkpoints;
        TpmIndex index = {};

        *ret = (VerifyOptions){};
        if (!whole && c->seq > 0) {
                ret->from = c->seq;
                memcpy(ret->head, c->head, sizeof(ret->head));
                memcpy(ret->value, c->value, sizeof(ret->value));
                return 0;
        }
        int r = anchor_index(service, &index);
        TPM2B_DIGEST genesis = {};
        if (r == 0)
                r = ledger_genesis(&index.authority, index.handle, &genesis);
        if (r == 0)
                r = ledger_value_first(&index.authority, index.handle, ret->value);
        memcpy(ret->head, genesis.buffer, sizeof(ret->head));
        OPENSSL_cleanse(&index, sizeof(index));
        return r;
}

static int verify_begin(Service *service, bool whole, VerifyWaiter *waiting) {
        VerifyTask *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        *t = (VerifyTask){
                .task = { .run = verify_run, .progress = verify_progress, .done = verify_done },
                .service = service,
                .whole = whole,
                .waiting = waiting,
                .found = steal_ptr(service->verification.found),
        };
        service_register_path(service, t->path, sizeof(t->path));
        r = options_fill(service, whole, &t->options);
        t->options.progress = on_progress;
        t->options.userdata = t;
        if (r == 0)
                r = background_start(service->background, &t->task, NULL);
        if (r == 0) {
                service->verification.running = t;
                return 0;
        }
        service->verification.found = t->found;
        free(t);
        return r;
}

static void verify_next(Service *service) {
        VerifyWaiter *waiting = steal_ptr(service->verification.waiting);

        service->verification.wanted = false;
        int r = verify_begin(service, true, waiting);
        if (r == 0)
                return;
        log_error("the ledger cannot be verified now: %s", error_text(r));
        waiters_tell(waiting, r, NULL, NULL);
}

int verify_open(Service *service, ErrorDetail *detail) {
        char path[CONFIG_PATH_MAX + 16];
        LedgerHead head;

        store_ledger_head(service->store, &head);
        if (head.seq == 0)
                return 0;
        service_register_path(service, path, sizeof(path));
        int r = store_reader_open(&service->verification.found, path, detail);
        return r == 0 ? store_reader_hold(service->verification.found) : r;
}

static int waiter_new(Reply reply, VerifyWaiter **ret) {
        *ret = NULL;
        if (!reply.done)
                return 0;
        *ret = calloc(1, sizeof(**ret));
        if (!*ret)
                return -ENOMEM;
        (*ret)->reply = reply;
        return 0;
}

int verify_recent(Service *service, Reply reply) {
        VerifyWaiter *waiter;
        int r = waiter_new(reply, &waiter);

        if (r == 0)
                r = verify_begin(service, false, waiter);
        if (r != 0)
                free(waiter);
        return r;
}

int verify_all(Service *service, Reply reply) {
        Verification *v = &service->verification;
        VerifyWaiter *waiter;
        int r = waiter_new(reply, &waiter);

        if (r != 0)
                return r;
        if (waiter) {
                waiter->next = v->waiting;
                v->waiting = waiter;
        }
        v->wanted = true;
        if (!v->running)
                verify_next(service);
        return 0;
}

void verify_tick(Service *service) {
        bool foreign = false;

        if (service->installation.phase != INIT_COMPLETE || service->verification.wanted)
                return;
        int r = store_foreign_write(service->store, &foreign);
        if (r != 0)
                log_error("whether another program writes: %s", error_text(r));
        if (foreign)
                log_warning("another program has written to the register: the ledger is verified");
        uint64_t last = service->verification.last;
        if (foreign || (last > 0 && service_now(service) > last + USEC_PER_DAY))
                (void) verify_all(service, (Reply){});
}

void verify_stop(Service *service) {
        waiters_tell(steal_ptr(service->verification.waiting), -ECANCELED, NULL, NULL);
        service->verification.found = store_close(service->verification.found);
}
