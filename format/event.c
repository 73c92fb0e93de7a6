/* SPDX-License-Identifier: Apache-2.0 */
#include "format/event.h"

#include <string.h>
#include <syslog.h>

typedef enum Anchored {
        LATER,
        NOW,
} Anchored;

typedef struct EventRow {
        const char *name;
        Anchored anchored;
        int priority;
        const char *message_id;
        const char *text;
} EventRow;

static const EventRow events[EVENT_MAX] = {
#define EVENT(code, name, anchored, priority, message_id, text) \
        [EVENT_##code] = { name, anchored, priority, message_id, text },
#include "format/event.def"
#undef EVENT
};

static const EventRow none = { "?", NOW, LOG_WARNING, "", "Something unknown happened" };

static const EventRow *event_row(EventCode code) {
        return (int) code >= 0 && code < EVENT_MAX ? &events[code] : &none;
}

const char *event_name(EventCode code) {
        return event_row(code)->name;
}

int event_from_name(const char *name) {
        for (int i = 0; i < EVENT_MAX; i++)
                if (strcmp(events[i].name, name) == 0)
                        return i;
        return -1;
}

bool event_is_anchored_now(EventCode code) {
        return event_row(code)->anchored == NOW;
}

int event_priority(EventCode code) {
        return event_row(code)->priority;
}

const char *event_message_id(EventCode code) {
        return event_row(code)->message_id;
}

const char *event_text(EventCode code) {
        return event_row(code)->text;
}
