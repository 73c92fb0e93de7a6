/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of the ledger: what can happen to an installation, its seals and its requests. One
 * list, event.def; daemon and client read it alike.
 */
#pragma once

#include <stdbool.h>

typedef enum EventCode {
#define EVENT(code, name, anchored, priority, message_id, text) EVENT_##code,
#include "format/event.def"
#undef EVENT
        EVENT_MAX
} EventCode;

/* "seal-suspended"; "?" for a value that is none. */
const char *event_name(EventCode code);
/* Back from the word; -1 when it is none. */
int event_from_name(const char *name);

/* Its row is anchored in the chip at once; the others wait for the next anchor. */
bool event_is_anchored_now(EventCode code);

/* Of syslog(3). */
int event_priority(EventCode code);
/* 32 hex digits (systemd.journal-fields(7), MESSAGE_ID). */
const char *event_message_id(EventCode code);
/* What happened, as a sentence without its end. */
const char *event_text(EventCode code);
