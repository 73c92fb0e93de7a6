/* SPDX-License-Identifier: Apache-2.0 */
#include "client/audit-off.h"

#include <errno.h>

int audit_off_init(AuditOff *off, uint64_t since, uint64_t until) {
        *off = (AuditOff){ .since = since, .until = until, .spans = json_array() };
        return off->spans ? 0 : -ENOMEM;
}

void audit_off_done(AuditOff *off) {
        json_decref(off->spans);
        *off = (AuditOff){};
}

/* until 0: it did not start again. Where the clock was set back meanwhile it lies before from. */
static bool span_is_asked_about(const AuditOff *off, uint64_t from, uint64_t until) {
        const bool set_back = until > 0 && until < from;
        const uint64_t begin = set_back ? until : from, end = set_back ? from : until;

        return (end == 0 || end >= off->since) && (off->until == 0 || begin <= off->until);
}

static int span_add(AuditOff *off, uint64_t from, uint64_t until, const char *how) {
        if (!span_is_asked_about(off, from, until))
                return 0;
        return json_array_append_new(off->spans,
                                     json_pack("{sI sI ss}", "from", (json_int_t) from, "until",
                                               (json_int_t) until, "how", how)) < 0
                       ? -ENOMEM
                       : 0;
}

int audit_off_row(AuditOff *off, const LedgerParsed *parsed) {
        int r = 0;

        if (parsed->code == EVENT_STARTED && off->last_time > 0)
                r = span_add(off, off->last_time, parsed->row.time,
                             off->stopped ? "stopped" : "broke-off");
        off->last_time = parsed->row.time;
        off->stopped = parsed->code == EVENT_STOPPED;
        return r;
}

int audit_off_finish(AuditOff *off) {
        return off->stopped ? span_add(off, off->last_time, 0, "stopped") : 0;
}
