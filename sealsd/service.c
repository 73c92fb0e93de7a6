/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "policy/key.h"
#include "sealsd/service-life.h"

/* --- shared steps --------------------------------------------------------------------------- */

uint64_t service_now(const Service *service) {
        return clock_now(&service->clock);
}

SeparationRule service_separation_rule(const Service *service) {
        return (SeparationRule){
                .mode = service->installation.separation,
                .logins = service->config->separate_logins,
        };
}

int service_require_ready(const Service *service, ErrorDetail *detail) {
        if (service->installation.phase == INIT_COMPLETE)
                return 0;
        if (service->installation.phase == INIT_NONE)
                return SEAL_E_NOT_INITIALIZED;
        return error_set(detail, SEAL_E_NOT_INITIALIZED,
                         "Initialization is not complete: answer what 'sealctl authority "
                         "challenges' lists, or run 'sealctl init' again");
}

void service_changed(Service *service, const char *kind, const char *id, const char *state) {
        log_notice("%s%s%s is %s", kind, id[0] ? " " : "", id, state);
        if (strcmp(kind, "seal") == 0)
                service_sign_review(service, id);
        /* A revocation's list follows its bit. */
        if (strcmp(kind, "seal") == 0 && strcmp(state, seal_state_name(SEAL_REVOKED)) != 0)
                lists_note(service);
        if (strcmp(state, seal_state_name(SEAL_REVOKED)) == 0)
                use_settle(service);
        if (service->observer.changed && !service->stopping)
                service->observer.changed(service->observer.userdata, kind, id, state);
}

void service_changed_request(Service *service, const Request *request) {
        char id[24];

        (void) snprintf(id, sizeof(id), "%" PRIu64, request->id);
        service_changed(service, "request", id, request_state_name(request->state));
}

void service_changed_seal(Service *service, const Seal *seal) {
        service_changed(service, "seal", seal->number, seal_state_name(seal->state));
}

static void attention(Service *service, const char *severity, const char *code, const char *object,
                      const char *format, va_list ap) {
        ErrorDetail text = {};

        (void) vsnprintf(text.text, sizeof(text.text), format, ap);
        text_end_whole(text.text);
        log_warning("attention (%s) %s %s: %s", severity, code, object, text.text);
        if (service->observer.attention && !service->stopping)
                service->observer.attention(service->observer.userdata, severity, code, object,
                                            text.text);
}

void service_attention(Service *service, const char *severity, const char *code, const char *object,
                       const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        attention(service, severity, code, object, format, ap);
        va_end(ap);
}

void service_attention_seal(Service *service, const char *severity, const char *code,
                            const char *number, const char *format, ...) {
        char object[sizeof("seal/") + NUMBER_MAX];
        va_list ap;

        (void) snprintf(object, sizeof(object), "seal/%s", number);
        va_start(ap, format);
        attention(service, severity, code, object, format, ap);
        va_end(ap);
}

void service_tpm_index(const TPM2B_NAME *authority, const RegisterIndex *row, TpmIndex *ret) {
        *ret = (TpmIndex){
                .kind = row->kind,
                .handle = row->handle,
                .authority = *authority,
                .auth = row->auth,
        };
}

int service_seal_index(const Service *service, TPM2_HANDLE handle, TpmIndex *ret) {
        RegisterIndex row = {};

        int r = store_index_get(service->store, handle, &row);
        if (r == 0)
                service_tpm_index(&service->authority_name, &row, ret);
        OPENSSL_cleanse(&row, sizeof(row));
        return r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
}

int service_indices(Service *service, RegisterIndex *ret, size_t *ret_count) {
        return store_index_list(service->store, ret, INDICES_MAX + 1, ret_count);
}

/* The auth of the index, which the states' rows do not have. */
static int bit_complete(Service *service, StateBit *bit) {
        if (bit->index.handle == 0)
                return 0;
        return service_seal_index(service, bit->index.handle, &bit->index);
}

/* Of which index the next bit is: before Initialize is complete, of one that is not written yet. */
static int next_bit(Service *service, ApprovalSet *set) {
        bool early = service->installation.phase != INIT_COMPLETE;
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count;

        int r = service_indices(service, rows, &count);
        for (size_t i = 0; r == 0 && i < count && set->next.index.handle == 0; i++) {
                unsigned used = 0, retired = 0;

                if (rows[i].kind != INDEX_STATE || !(rows[i].written || early))
                        continue;
                r = store_state_bits_used(service->store, rows[i].handle, &used, &retired);
                set->full = used >= SEALS_PER_INDEX;
                if (r == 0 && !set->full) {
                        service_tpm_index(&service->authority_name, &rows[i], &set->next.index);
                        set->next.bit = used;
                }
        }
        OPENSSL_cleanse(rows, sizeof(rows));
        return r;
}

static int approvals_complete(Service *service, ApprovalSet *set) {
        int r = next_bit(service, set);

        for (size_t i = 0; r == 0 && i < set->count; i++)
                r = bit_complete(service, &set->approvals[i].retire);
        return r;
}

static int approvals_reload(Service *service) {
        _cleanup_free_ MachineState *states = NULL;
        _cleanup_(approval_set_unrefp) ApprovalSet *set = NULL;
        size_t count;
        int r;

        r = store_machine_state_list(service->store, &states, &count);
        if (r == 0)
                r = approval_set_new(&set, states, count, service->installation.profile,
                                     &service->installation.pcrs);
        if (r == 0)
                r = approvals_complete(service, set);
        if (r != 0)
                return r;
        (void) approval_set_unref(service->approvals);
        service->approvals = steal_ptr(set);
        return 0;
}

int service_reload(Service *service) {
        Installation i = {};
        int r;

        r = store_installation_load(service->store, &i);
        if (r != 0)
                return r;
        service->installation = i;
        OPENSSL_cleanse(&i, sizeof(i));
        service->authority_name = (TPM2B_NAME){};
        if (service->installation.authority.size > 0) {
                r = public_name(&service->installation.authority, &service->authority_name);
                if (r != 0)
                        return r;
        }
        return approvals_reload(service);
}

/* --- state -------------------------------------------------------------------------------- */

static const char *state_now(const Service *service) {
        if (service->installation.phase != INIT_COMPLETE)
                return "uninitialized";
        if (!service->tpm_available || service->stuck || service->failure[0] != '\0')
                return "no-tpm";
        if (service_require_sound(service, NULL) != 0)
                return "tampered";
        if (service->health.locked)
                return "locked";
        return service->health.approved ? "ready" : "unapproved";
}

void service_update_state(Service *service) {
        const char *now = state_now(service);

        if (now == service->state) /* both point into the same literals */
                return;
        service->state = now;
        service_changed(service, "manager", "", now);
}

void service_note_approved(Service *service, bool approved) {
        service->health.approved = approved;
        service_update_state(service);
        if (approved) {
                key_look(service);
                makers_tend(service);
        } else {
                service_probe(service);
        }
}

const char *service_state(const Service *service) {
        return service->state;
}

Separation service_separation(const Service *service) {
        return service->installation.phase == INIT_COMPLETE ? service->installation.separation
                                                            : SEPARATION_NONE;
}

FeatureSet service_features(const Service *service) {
        return service->features;
}

/* --- what the chip and the clock tell --------------------------------------------------------- */

static void features_learn(Service *service, FeatureSet features) {
        if (features == service->features)
                return;
        service->features = features;
        if (service->observer.features && !service->stopping)
                service->observer.features(service->observer.userdata);
}

static void tpm_changed(void *userdata, const TpmNews *news) {
        Service *s = userdata;
        bool came = news->available && !s->tpm_available;

        s->tpm_available = news->available;
        if (!s->health.probed)
                came = false; /* the first look is on its way */
        (void) snprintf(s->tcti, sizeof(s->tcti), "%s", news->tcti);
        (void) snprintf(s->tpm_name, sizeof(s->tpm_name), "%s", news->name);
        if (news->available)
                features_learn(s, news->features);
        if (s->stopping)
                return;
        live_connection(s, news->connection);
        if (s->health.probed || !news->available)
                service_update_state(s);
        if (came)
                service_probe(s);
        if (!news->available && s->timer)
                service_look_soon(s);
}

/* A chip that hangs holds the worker, and nothing else would tell. */
static void service_watch_chip(Service *service) {
        bool stuck = worker_is_stuck(service->worker, CHIP_PATIENCE, KEY_PATIENCE);

        if (stuck == service->stuck)
                return;
        service->stuck = stuck;
        if (stuck)
                service_attention(service, "critical", "tpm-stuck", "",
                                  "The TPM has not answered for minutes; nothing signs");
        service_update_state(service);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Service *s = userdata;

        (void) usec;
        service_watch_chip(s);
        int r = service_make_recover(s);
        if (r != 0)
                log_error("requests whose making failed: %s", error_text(r));
        service_expire_requests(s);
        use_settle(s);
        lists_tend(s);
        if (s->purge_owed)
                service_purge(s);
        service_probe(s);
        bool soon = s->owed || !s->tpm_available || s->failure[0] != '\0';
        (void) sd_event_source_set_time_relative(source, soon ? PROBE_SOON : PROBE_INTERVAL);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void service_wait(Service *service, const bool *going, uint64_t patience) {
        uint64_t begin, now;

        if (sd_event_now(service->event, CLOCK_MONOTONIC, &begin) < 0)
                return;
        now = begin;
        while (*going && now - begin < patience) {
                if (sd_event_run(service->event, patience - (now - begin)) < 0 ||
                    sd_event_get_state(service->event) == SD_EVENT_FINISHED)
                        return;
                (void) sd_event_now(service->event, CLOCK_MONOTONIC, &now);
        }
}

/* Who asks for the State at once is told what the chip says, and not that nobody has looked yet. */
static void service_probe_first(Service *service) {
        service_probe(service);
        service_wait(service, &service->probing, FIRST_PROBE_PATIENCE);
}

static void checked(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        bool *checking = userdata;

        (void) code;
        (void) detail;
        (void) result;
        *checking = false;
}

/*
 * What the chip has not signed for is checked before anybody signs; all the rest beside the work. A
 * start that is interrupted in between has its flag in the Service, where the answer still finds
 * it.
 */
static void service_verify_first(Service *service) {
        const Reply reply = { .done = checked, .userdata = &service->checking };

        if (service->installation.phase != INIT_COMPLETE)
                return;
        service->checking = service->tpm_available && checkpoint_seek(service, reply) == 0;
        service_wait(service, &service->checking, FIRST_PROBE_PATIENCE);
        service->checking = verify_recent(service, reply) == 0;
        service_wait(service, &service->checking, FIRST_VERIFY_PATIENCE);
        if (!service->stopping)
                (void) verify_all(service, (Reply){});
}

/* --- life --------------------------------------------------------------------------------- */

void service_register_path(const Service *service, char *ret, size_t size) {
        (void) snprintf(ret, size, "%s/register.db", service->config->state_directory);
}

/* Initialize would make another installation of it. */
static int require_installation(const Service *service, ErrorDetail *detail) {
        LedgerHead head;

        store_ledger_head(service->store, &head);
        if (head.seq == 0 || service->installation.phase == INIT_COMPLETE)
                return 0;
        return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                         "The register has a ledger and no installation: its record was removed or "
                         "changed. Put the register back from a copy");
}

/* From here on what happens is a row. */
static int service_open_ledger(Service *service, ErrorDetail *detail) {
        int r = require_installation(service, detail);

        if (r == 0)
                r = key_start(service);
        if (r == 0)
                r = lists_start(service);
        if (r == 0)
                r = ledger_start(service);
        if (r == 0)
                r = ledger_adopt(service);
        if (r == 0)
                r = finding_start(service);
        if (r == 0)
                r = lock_start(service);
        if (r == 0)
                r = audit_start(service);
        if (r == 0 && service->installation.phase == INIT_COMPLETE)
                r = anchor_start(service);
        return r;
}

static int service_open_register(Service *service, ErrorDetail *detail) {
        char path[CONFIG_PATH_MAX + 16];
        int r;

        if (mkdir(service->config->state_directory, 0700) < 0 && errno != EEXIST)
                return error_set(detail, SEAL_E_STORAGE_FAILURE, "Cannot create %s: %s",
                                 service->config->state_directory, strerror(errno));
        service_register_path(service, path, sizeof(path));
        r = store_open(&service->store, path, detail);
        if (r == 0)
                store_set_clock(service->store, service->clock);
        if (r == 0)
                r = verify_open(service, detail);
        if (r == 0)
                r = service_reload(service);
        if (r == 0)
                r = service_open_ledger(service, detail);
        if (r == 0)
                r = service_make_recover(service);
        if (r == 0)
                r = live_recover(service);
        if (r == 0)
                service_purge(service); /* a key may have been erased and the daemon killed */
        if (r != 0 && service->store)
                service_explain(service, r, detail);
        return r;
}

int service_new(Service **ret, sd_event *event, const Config *config, Clock clock,
                const ArrowObserver *arrows, ErrorDetail *detail) {
        _cleanup_(service_freep) Service *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->config = config;
        s->clock = clock;
        s->arrows = arrows;
        s->state = "uninitialized";
        r = background_new(&s->background, event);
        if (r == 0)
                r = service_open_register(s, detail);
        if (r == 0)
                r = worker_new(&s->worker, event, config->tcti, tpm_changed, s);
        if (r == 0 && config->inspection.command_audit)
                worker_watch_signatures(s->worker, audit_signed);
        if (r == 0)
                r = sd_event_add_time_relative(event, &s->timer, CLOCK_MONOTONIC, PROBE_SOON, 0,
                                               on_timer, s);
        if (r != 0)
                return r;
        r = inspections_start(s);
        if (r != 0)
                return r;
        s->state = state_now(s);
        service_probe_first(s);
        service_verify_first(s);
        lists_tend(s);
        r = ledger_started(s);
        if (r != 0) {
                service_explain(s, r, detail);
                return r;
        }
        *ret = steal_ptr(s);
        return 0;
}

/* --- the end -------------------------------------------------------------------------------- */

static void service_ended(Service *service) {
        void (*done)(void *userdata) = service->ended;

        service->ended = NULL;
        if (done)
                done(service->ended_userdata);
}

static void last_signed(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        (void) code;
        (void) detail;
        (void) result;
        service_ended(userdata);
}

static int end_over(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        log_warning("the TPM does not answer; the ledger's last rows are not anchored");
        service_ended(userdata);
        return 0;
}

void service_stop(Service *service, void (*done)(void *userdata), void *userdata) {
        service->ended = done;
        service->ended_userdata = userdata;
        int r = ledger_stopped(service);
        if (r != 0)
                log_error("the stop is not in the ledger: %s", error_text(r));
        r = sd_event_add_time_relative(service->event, &service->end, CLOCK_MONOTONIC, END_PATIENCE,
                                       0, end_over, service);
        if (r >= 0)
                r = service_checkpoint(service,
                                       (Reply){ .done = last_signed, .userdata = service });
        if (r != 0)
                service_ended(service);
}

Service *service_free(Service *service) {
        if (!service)
                return NULL;
        if (service->worker)
                (void) ledger_stopped(service);
        service->stopping = true;
        (void) service_suspend_free(service->suspending);
        service->background = background_free(service->background);
        (void) worker_free(service->worker);
        makers_stop(service);
        lists_stop(service);
        live_stop(service);
        picture_stop(service);
        verify_stop(service);
        anchor_stop(service);
        key_stop(service);
        ledger_stop(service);
        inspections_stop(service);
        (void) sd_event_source_disable_unref(service->timer);
        (void) sd_event_source_disable_unref(service->end);
        (void) approval_set_unref(service->approvals);
        (void) store_close(service->store);
        (void) sd_event_unref(service->event);
        OPENSSL_cleanse(service, sizeof(*service));
        free(service);
        return NULL;
}

void service_observe(Service *service, Observer observer) {
        service->observer = observer;
}

void service_explain(const Service *service, int code, ErrorDetail *detail) {
        store_explain(service->store, code, detail);
}
