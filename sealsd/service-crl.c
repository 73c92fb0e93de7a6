/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-crl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "sealsd/list-draft.h"
#include "sealsd/list-file.h"
#include "sealsd/service-life.h"
#include "sealsd/service-maker.h"

struct ListWaiter {
        Reply reply;
        bool covered; /* came before the run gathered what it says */
        struct ListWaiter *next;
};

typedef struct ListRun {
        ServiceJob head;
        int failed; /* why a maker has no draft, 0 when all have that need one */
        size_t count;
        ListDraft drafts[MAKERS_MAX];
} ListRun;

static void lists_issue(Service *service);

/* --- who waits -------------------------------------------------------------------------------- */

/* all: or only those whom this run covers. */
static void waiters_answer(Service *service, bool all, int code, const ErrorDetail *detail) {
        ListWaiter **at = &service->lists.waiters;

        while (*at) {
                ListWaiter *waiter = *at;

                if (!all && !waiter->covered) {
                        at = &waiter->next;
                        continue;
                }
                *at = waiter->next;
                waiter->reply.done(waiter->reply.userdata, code, detail, NULL);
                free(waiter);
                at = &service->lists.waiters; /* an answer may have changed the line */
        }
}

int lists_why_not(Service *service, ErrorDetail *detail) {
        int r = service_machine_why_not(service, detail);

        if (r == 0 && !service_has_key(service))
                r = SEAL_E_MACHINE_STATE_REFUSED;
        return r == 0 ? service_ledger_why_not(service, detail) : r;
}

/* Told once; the finding stays. */
static void lists_owe(Service *service, int code, const ErrorDetail *detail) {
        Lists *all = &service->lists;
        bool owed = false;

        (void) snprintf(all->problem, sizeof(all->problem), "%s", error_describe(code, detail));
        if (store_revocation_list_is_owed(service->store, &owed) != 0 || !owed ||
            all->owed_since != 0)
                return;
        all->owed_since = service_now(service);
        service_attention(service, "warning", "crl-owed", "",
                          "A list of revoked certificates is owed: %s. It is issued when the "
                          "maker's key can sign",
                          all->problem);
}

/* --- in the worker ---------------------------------------------------------------------------- */

/*
 * A maker that the chip refuses does not keep the other's list from being issued; the first error.
 */
static int run_run(Job *job, Chip *chip, ErrorDetail *detail) {
        ListRun *run = (ListRun *) job;

        for (size_t i = 0; i < run->count; i++)
                list_draft_drop(&run->drafts[i]); /* of a run that was cut off */
        int r = service_job_begin(&run->head, chip, detail);
        if (r != 0)
                return r;
        for (size_t i = 0; i < run->count; i++) {
                ErrorDetail own = {};

                int code = list_draft_sign(&run->drafts[i], chip, &own);
                if (code != 0 && r == 0) {
                        r = code;
                        *detail = own;
                }
        }
        if (r == 0)
                arrow_pass(run->head.arrows, ARROW_CRL_SIGNED);
        return r;
}

static bool run_has_signed(const ListRun *run) {
        for (size_t i = 0; i < run->count; i++)
                if (list_draft_is_signed(&run->drafts[i]))
                        return true;
        return false;
}

/* --- in the register -------------------------------------------------------------------------- */

static int run_write(ListRun *run) {
        Service *s = run->head.service;
        int r = 0;

        for (size_t i = 0; r == 0 && i < run->count; i++) {
                if (list_draft_is_signed(&run->drafts[i]))
                        r = list_draft_keep(s, &run->drafts[i]);
        }
        return r;
}

static int run_keep(ListRun *run, ErrorDetail *detail) {
        Store *store = run->head.service->store;

        int r = store_begin(store);
        if (r == 0)
                r = store_end(store, run_write(run));
        if (r == 0)
                arrow_pass(run->head.arrows, ARROW_CRL_KEPT);
        else
                service_explain(run->head.service, r, detail);
        return r;
}

/* --- files ------------------------------------------------------------------------------------ */

/* A folder that cannot be written holds nothing up: the lists are given over the bus. */
static int file_publish(Service *service, const char *algorithm, const RevocationList *list,
                        ErrorDetail *detail) {
        const char *directory = service->config->maker.crl_directory;
        const Bytes der = { list->der, list->size };

        if (der.size == 0 || list_file_is(directory, algorithm, der))
                return 0;
        return list_file_write(directory, algorithm, der, detail);
}

static int lists_publish_all(Service *service, ErrorDetail *detail) {
        _cleanup_free_ Maker *makers = calloc(MAKERS_MAX, sizeof(*makers));
        size_t count = 0;
        int failed = 0;

        if (!makers)
                return -ENOMEM;
        int r = store_maker_list(service->store, makers, &count);
        for (size_t i = 0; r == 0 && i < count; i++) {
                _cleanup_list_ RevocationList list = {};

                r = store_revocation_list_get(service->store, makers[i].id, &list);
                if (r == 0 && file_publish(service, makers[i].algorithm, &list, detail) != 0)
                        failed = SEAL_E_STORAGE_FAILURE;
        }
        OPENSSL_cleanse(makers, MAKERS_MAX * sizeof(*makers));
        return r != 0 ? r : failed;
}

static void lists_publish(Service *service) {
        Lists *all = &service->lists;
        ErrorDetail detail = {};

        int r = lists_publish_all(service, &detail);
        if (r == 0) {
                all->unwritten[0] = '\0';
                return;
        }
        if (all->unwritten[0] == '\0')
                log_warning("lists of revoked certificates: %s", error_describe(r, &detail));
        (void) snprintf(all->unwritten, sizeof(all->unwritten), "%s", error_describe(r, &detail));
}

/* --- a run ------------------------------------------------------------------------------------ */

static ListRun *run_free(ListRun *run) {
        for (size_t i = 0; i < run->count; i++)
                list_draft_clear(&run->drafts[i]);
        return service_job_discard(run);
}

/*
 * Who came since this run has gathered what it says waits for the next one, if there is more to
 * say.
 */
static void run_succeeded(Service *service) {
        Lists *all = &service->lists;
        bool more = false;

        (void) store_revocation_list_is_owed(service->store, &more);
        all->problem[0] = '\0';
        if (!more)
                all->owed_since = 0;
        lists_publish(service);
        arrow_pass(service->arrows, ARROW_CRL_FILED);
        waiters_answer(service, !more, 0, NULL);
        if (more)
                lists_issue(service);
}

/* Those who came meanwhile wait for the maker that could sign. */
static void run_succeeded_in_part(Service *service, int code, const ErrorDetail *detail) {
        lists_publish(service);
        waiters_answer(service, false, code, detail);
        if (service->lists.waiters)
                lists_issue(service);
}

/*
 * What is signed is kept, whatever became of the other; the first error. At the stop it stays owed:
 * no row comes behind the last one, which the chip has.
 */
static int run_end(ListRun *run, int code, bool *ret_kept, ErrorDetail *detail) {
        ErrorDetail own = {};
        int r = 0;

        if (code == 0)
                code = run->failed;
        *ret_kept = code != -ECANCELED && !run->head.service->ledger.ended && run_has_signed(run);
        if (*ret_kept)
                r = run_keep(run, &own);
        if (r == 0)
                return code;
        *ret_kept = false;
        *detail = own;
        return r;
}

static void run_done(Job *job, int code, const ErrorDetail *detail) {
        ListRun *run = (ListRun *) job;
        Service *s = run->head.service;
        ErrorDetail told = *detail;
        bool kept;

        s->lists.running = false;
        code = run_end(run, code, &kept, &told);
        (void) run_free(run);
        if (code == 0 && !s->stopping) {
                run_succeeded(s);
                makers_settled(s);
                return;
        }
        if (code != 0 && code != -ECANCELED) {
                log_warning("no list of revoked certificates: %s", error_describe(code, &told));
                lists_owe(s, code, &told);
        }
        if (code == SEAL_E_MACHINE_STATE_REFUSED && !s->stopping)
                service_note_approved(s, false);
        if (kept && !s->stopping)
                run_succeeded_in_part(s, code, &told);
        else
                waiters_answer(s, true, code, &told);
        makers_settled(s);
}

/* --- gathering -------------------------------------------------------------------------------- */

static int run_gather_one(ListRun *run, const Maker *maker) {
        Service *s = run->head.service;
        _cleanup_list_ RevocationList last = {};

        int r = store_revocation_list_get(s->store, maker->id, &last);
        if (r != 0 || !list_is_due(s, &last))
                return r;
        r = list_draft_fill(s, maker, &last, &run->drafts[run->count]);
        run->count += r == 0;
        return r;
}

/* Count 0: nothing is owed or due. */
static int run_gather(ListRun *run) {
        _cleanup_free_ Maker *makers = calloc(MAKERS_MAX, sizeof(*makers));
        size_t count = 0;

        if (!makers)
                return -ENOMEM;
        int r = store_maker_list(run->head.service->store, makers, &count);
        for (size_t i = 0; r == 0 && i < count; i++) {
                int code = run_gather_one(run, &makers[i]);
                if (run->failed == 0)
                        run->failed = code;
        }
        OPENSSL_cleanse(makers, MAKERS_MAX * sizeof(*makers));
        return r == 0 && run->count == 0 ? run->failed : r;
}

static int run_start(Service *service, bool *ret_nothing) {
        ListRun *run = service_job_new(service, sizeof(*run), UINT32_MAX, (Reply){});

        *ret_nothing = false;
        if (!run)
                return -ENOMEM;
        int r = run_gather(run);
        *ret_nothing = r == 0 && run->count == 0;
        if (r == 0 && !*ret_nothing)
                r = service_job_submit(&run->head, run_run, run_done);
        service->lists.running = r == 0 && !*ret_nothing;
        if (!service->lists.running)
                (void) run_free(run);
        return r;
}

/*
 * The register's key is on its way, and with it the maker's: what it comes to is told by
 * lists_tend().
 */
static bool key_is_coming(Service *service) {
        if (service->health.approved)
                key_look(service);
        return !service_has_key(service) && service->key.asked;
}

void lists_key_refused(Service *service, int code, const ErrorDetail *detail) {
        if (service->lists.running)
                return;
        lists_owe(service, code, detail);
        waiters_answer(service, true, code, detail);
}

/* What is owed or due, now; those who wait are answered by it, one way or the other. */
static void lists_issue(Service *service) {
        ErrorDetail detail = {};
        bool nothing = false;

        if (service->lists.running || key_is_coming(service))
                return;
        int r = lists_why_not(service, &detail);
        if (r == 0)
                r = run_start(service, &nothing);
        if (r != 0) {
                service_explain(service, r, &detail);
                lists_owe(service, r, &detail);
        }
        if (r != 0 || nothing) {
                waiters_answer(service, true, r, &detail);
                return;
        }
        for (ListWaiter *waiter = service->lists.waiters; waiter; waiter = waiter->next)
                waiter->covered = true;
}

void lists_wait(Service *service, Reply reply) {
        ListWaiter *waiter = calloc(1, sizeof(*waiter));
        ListWaiter **end = &service->lists.waiters;

        if (!waiter) {
                reply.done(reply.userdata, -ENOMEM, NULL, NULL);
                return;
        }
        waiter->reply = reply;
        while (*end)
                end = &(*end)->next;
        *end = waiter;
        lists_issue(service);
}

/* --- what there is ---------------------------------------------------------------------------- */

void revocation_lists_free(RevocationLists *lists) {
        for (size_t i = 0; i < lists->count; i++)
                revocation_list_free(&lists->items[i].list);
        *lists = (RevocationLists){};
}

static int lists_read(Service *service, const Maker *makers, size_t count, RevocationLists *ret) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < count; i++) {
                RevocationList list = {};

                r = store_revocation_list_get(service->store, makers[i].id, &list);
                if (r != 0 || list.number == 0) {
                        revocation_list_free(&list);
                        continue;
                }
                memcpy(ret->items[ret->count].algorithm, makers[i].algorithm,
                       sizeof(makers[i].algorithm));
                ret->items[ret->count++].list = list;
        }
        return r;
}

int service_revocation_lists(Service *service, RevocationLists *ret, ErrorDetail *detail) {
        _cleanup_free_ Maker *makers = calloc(MAKERS_MAX, sizeof(*makers));
        size_t count = 0;

        if (!makers)
                return -ENOMEM;
        int r = service_require_ready(service, detail);
        if (r == 0)
                r = store_maker_list(service->store, makers, &count);
        if (r == 0)
                r = lists_read(service, makers, count, ret);
        OPENSSL_cleanse(makers, MAKERS_MAX * sizeof(*makers));
        if (r == 0 && ret->count == 0)
                r = error_set(detail, SEAL_E_NOT_FOUND,
                              "No list was issued yet: the first one comes with the maker's key, "
                              "when the machine is in an approved state");
        return r;
}

int lists_status(Service *service, ListStatus ret[static MAKERS_MAX], size_t *ret_count) {
        _cleanup_free_ Maker *makers = calloc(MAKERS_MAX, sizeof(*makers));

        if (!makers)
                return -ENOMEM;
        int r = store_maker_list(service->store, makers, ret_count);
        for (size_t i = 0; r == 0 && i < *ret_count; i++) {
                _cleanup_list_ RevocationList list = {};

                r = store_revocation_list_get(service->store, makers[i].id, &list);
                ret[i] = (ListStatus){
                        .number = list.number,
                        .this_update = list.this_update,
                        .next_update = list.next_update,
                        .entries = list.entries,
                        .owed = list.owed,
                };
                memcpy(ret[i].algorithm, makers[i].algorithm, sizeof(ret[i].algorithm));
        }
        OPENSSL_cleanse(makers, MAKERS_MAX * sizeof(*makers));
        return r;
}

/* --- what nobody waits for -------------------------------------------------------------------- */

static bool lists_may(const Service *service) {
        return service->installation.phase == INIT_COMPLETE && !service->ledger.ended &&
               !service->stopping;
}

static int on_soon(sd_event_source *source, void *userdata) {
        Service *s = userdata;

        (void) source;
        s->lists.noted = false;
        if (lists_may(s))
                lists_issue(s);
        makers_settled(s);
        return 0;
}

void lists_note(Service *service) {
        bool owed = false;

        if (lists_may(service) && store_revocation_list_is_owed(service->store, &owed) == 0 && owed)
                service->lists.noted = sd_event_source_set_enabled(service->lists.soon,
                                                                   SD_EVENT_ONESHOT) >= 0;
}

void lists_tend(Service *service) {
        if (!lists_may(service))
                return;
        lists_publish(service);
        lists_issue(service);
}

int lists_start(Service *service) {
        int r = sd_event_add_defer(service->event, &service->lists.soon, on_soon, service);

        if (r >= 0)
                r = sd_event_source_set_enabled(service->lists.soon, SD_EVENT_OFF);
        return r < 0 ? r : 0;
}

void lists_stop(Service *service) {
        waiters_answer(service, true, -ECANCELED, NULL);
        (void) sd_event_source_disable_unref(service->lists.soon);
        service->lists.soon = NULL;
}
