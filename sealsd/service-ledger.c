/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <syslog.h>
#include <time.h>

#include "base/journal.h"
#include "base/log.h"
#include "sealsd/service-internal.h"

#define MINUTE (60 * USEC_PER_SEC)
#define CLOCK_BEHIND_MAX (5 * 60 * USEC_PER_SEC) /* design, section 4 */
#define CLOCK_JUMP_MIN (5 * USEC_PER_SEC)        /* less is a correction */

/* --- what becomes of a row -------------------------------------------------------------------- */

#define FIELDS_MAX 16
#define NUMBER_TEXT 24

typedef struct Fields {
        size_t count;
        JournalField fields[FIELDS_MAX];
        char numbers[4][NUMBER_TEXT];
        size_t number_count;
} Fields;

static void put_field(Fields *fields, const char *name, const char *value) {
        if (value && value[0] != '\0')
                fields->fields[fields->count++] = (JournalField){ name, value };
}

static void put_number_field(Fields *fields, const char *name, uint64_t value) {
        char *text = fields->numbers[fields->number_count++];

        (void) snprintf(text, NUMBER_TEXT, "%" PRIu64, value);
        put_field(fields, name, text);
}

static void fields_of(const LedgerRow *row, Fields *ret) {
        *ret = (Fields){};
        put_field(ret, "SEALSD_EVENT", row->event);
        put_number_field(ret, "SEALSD_SEQ", row->seq);
        put_field(ret, "SEALSD_SEAL", row->seal);
        if (row->request != 0)
                put_number_field(ret, "SEALSD_REQUEST", row->request);
        put_field(ret, "SEALSD_SUBJECT", row->subject);
        if (row->has_uid)
                put_number_field(ret, "SEALSD_UID", row->uid);
        put_field(ret, "SEALSD_OBJECT", row->object);
        put_field(ret, "SEALSD_STATE", row->state);
        put_field(ret, "SEALSD_PURPOSE", row->purpose);
        put_field(ret, "SEALSD_RESULT", row->result);
        put_field(ret, "SEALSD_REASON", row->reason);
        if (row->count != 0)
                put_number_field(ret, "SEALSD_COUNT", row->count);
}

/* "seal 00000000000001 was used by user:alice" cannot be said of all; the event's sentence can. */
static void sentence_of(const StoredEvent *event, char *ret, size_t size) {
        const LedgerRow *row = event->row;

        (void) snprintf(ret, size, "%s%s%s%s%s%s%s", event_text(event->code),
                        row->seal ? ": seal " : "", row->seal ? row->seal : "",
                        row->subject ? " by " : "", row->subject ? row->subject : "",
                        row->result ? ": " : "", row->result ? row->result : "");
}

/* Uses are many and are in the ledger: the kernel hears of what changes who may do what, and of
 * what went wrong. */
static bool is_for_audit(EventCode code) {
        return event_is_anchored_now(code) || event_priority(code) <= LOG_WARNING;
}

bool service_clock_trusted(const Service *service) {
        return service_now(service) + CLOCK_BEHIND_MAX >= service->ledger.latest;
}

/* A clock that is set back stays behind, whatever rows are written meanwhile by its time. */
static void clock_note(Service *service, const StoredEvent *event) {
        Ledger *l = &service->ledger;

        if (event->code == EVENT_TAMPERING_ACKNOWLEDGED || event->row->time > l->latest)
                l->latest = event->row->time;
}

static void on_row(void *userdata, const StoredEvent *event) {
        Service *s = userdata;
        char sentence[ERROR_TEXT_MAX];
        Fields fields;

        fields_of(event->row, &fields);
        sentence_of(event, sentence, sizeof(sentence));
        journal_event(event_priority(event->code), event_message_id(event->code), fields.fields,
                      fields.count, sentence);
        if (is_for_audit(event->code))
                audit_trail_log(s->ledger.audit, event_name(event->code), fields.fields,
                                fields.count, event->row->result == NULL);
        clock_note(s, event);
        anchor_wish(s, event_is_anchored_now(event->code));
}

/* --- what is counted -------------------------------------------------------------------------- */

static int take_entry(void *userdata, const TallyEntry *entry) {
        Service *s = userdata;
        _cleanup_json_ json_t *facts = NULL;
        Event event = {
                .code = entry->event,
                .time = entry->last,
                .caller = entry->anybody ? NULL : &entry->caller,
                .seal = entry->seal[0] != '\0' ? entry->seal : NULL,
                .count = entry->count,
        };

        if (entry->event == EVENT_DISCLOSED)
                event.object = entry->what;
        else
                event.result = entry->what[0] != '\0' ? entry->what : "several";
        if (entry->count > 1) {
                facts = json_pack("{s:I, s:I}", "first", (json_int_t) entry->first, "last",
                                  (json_int_t) entry->last);
                if (!facts)
                        return -ENOMEM;
        }
        event.facts = facts;
        return store_event(s->store, &event);
}

int ledger_flush(Service *service) {
        Ledger *l = &service->ledger;

        if (!l->tally || tally_is_empty(l->tally))
                return 0;
        int r = store_begin(service->store);
        if (r != 0)
                return r;
        r = store_end(service->store, tally_each(l->tally, take_entry, service));
        if (r == 0)
                tally_clear(l->tally);
        return r;
}

static int on_minute(sd_event_source *source, uint64_t usec, void *userdata) {
        Service *s = userdata;

        (void) usec;
        int r = ledger_flush(s);
        if (r == 0)
                return 0;
        log_error("what was refused is not in the ledger yet: %s", error_text(r));
        (void) sd_event_source_set_time_relative(source, MINUTE);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void count_one(Service *service, EventCode event, const Caller *caller, const char *seal,
                      const char *what) {
        Ledger *l = &service->ledger;

        if (service->stopping || service->installation.phase != INIT_COMPLETE)
                return;
        if (tally_is_empty(l->tally)) {
                (void) sd_event_source_set_time_relative(l->minute, MINUTE);
                (void) sd_event_source_set_enabled(l->minute, SD_EVENT_ONESHOT);
        }
        tally_add(l->tally, event, caller, seal, what, service_now(service));
}

void service_ledger_refused(Service *service, const Caller *caller, const char *seal, int code) {
        /* The bus's name for it without what all of them begin with: a constant. */
        count_one(service, EVENT_USE_REFUSED, caller, seal, strrchr(error_name(code), '.') + 1);
}

void service_ledger_disclosed(Service *service, const Caller *caller, const char *member) {
        count_one(service, EVENT_DISCLOSED, caller, "", member);
}

/* --- the clock -------------------------------------------------------------------------------- */

static uint64_t boot_now(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_BOOTTIME, &t);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

static int clock_jumped(Service *service, uint64_t expected, uint64_t now) {
        _cleanup_json_ json_t *facts = json_pack("{s:I, s:I}", "from", (json_int_t) expected, "to",
                                                 (json_int_t) now);
        const Event event = { .code = EVENT_CLOCK_JUMPED, .facts = facts };

        return facts ? store_event(service->store, &event) : -ENOMEM;
}

void ledger_watch_clock(Service *service) {
        Ledger *l = &service->ledger;
        uint64_t wall = service_now(service), boot = boot_now();
        uint64_t expected = l->wall + (boot - l->boot);
        uint64_t jump = wall > expected ? wall - expected : expected - wall;

        if (l->wall != 0 && jump >= CLOCK_JUMP_MIN) {
                int r = clock_jumped(service, expected, wall);
                if (r != 0)
                        log_error("a jump of the clock is not in the ledger: %s", error_text(r));
        }
        l->wall = wall;
        l->boot = boot;
}

/* The kernel ends the wait of a timer that nobody means to wait for (timerfd_create(2)). */
static int clock_arm(const Ledger *ledger) {
        const struct itimerspec never = { .it_value.tv_sec = INT64_MAX / 1000000000 };

        return timerfd_settime(ledger->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
                               &never, NULL) < 0
                       ? -errno
                       : 0;
}

static int on_clock_set(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Service *s = userdata;
        uint64_t count;

        (void) source;
        (void) events;
        if (read(fd, &count, sizeof(count)) < 0 && errno != ECANCELED)
                return errno == EAGAIN ? 0 : -errno;
        ledger_watch_clock(s);
        service_sign_review(s, NULL);
        return clock_arm(&s->ledger);
}

static int clock_start(Service *service) {
        Ledger *l = &service->ledger;

        ledger_watch_clock(service);
        l->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
        if (l->clock_fd < 0)
                return -errno;
        int r = clock_arm(l);
        return r < 0 ? r
                     : sd_event_add_io(service->event, &l->clock_set, l->clock_fd, EPOLLIN,
                                       on_clock_set, service);
}

/* --- life ------------------------------------------------------------------------------------- */

int ledger_start(Service *service) {
        const AuditChannel channel = audit_channel_kernel();
        Ledger *l = &service->ledger;
        int r;

        l->clock_fd = -1;
        r = tally_new(&l->tally);
        if (r == 0)
                r = audit_trail_new(&l->audit, &channel);
        if (r == 0)
                r = sd_event_add_time_relative(service->event, &l->minute, CLOCK_MONOTONIC, 0, 0,
                                               on_minute, service);
        if (r >= 0)
                r = sd_event_source_set_enabled(l->minute, SD_EVENT_OFF);
        if (r >= 0)
                r = clock_start(service);
        if (r >= 0)
                store_observe(service->store, on_row, service);
        return r < 0 ? r : 0;
}

void ledger_stop(Service *service) {
        Ledger *l = &service->ledger;

        if (service->store)
                store_observe(service->store, NULL, NULL);
        (void) sd_event_source_disable_unref(l->minute);
        (void) sd_event_source_disable_unref(l->clock_set);
        if (l->tally) /* else it was never opened */
                closep(&l->clock_fd);
        l->tally = tally_free(l->tally);
        l->audit = audit_trail_free(l->audit);
}
