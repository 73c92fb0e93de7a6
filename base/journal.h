/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that programs look for: entries of the journal with a stable message id
 * (systemd.journal-fields(7)) and fields of their own, so that `journalctl MESSAGE_ID=…` and
 * `journalctl SEALSD_SEAL=…` find them. What only people read is a line of base/log.h. Never a
 * secret.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The name is a constant of the program: [A-Z][A-Z0-9_]*, at most JOURNAL_NAME_MAX. The value is
 * anybody's; NULL leaves the field out.
 */
typedef struct JournalField {
        const char *name;
        const char *value;
} JournalField;

/* Is the name one that the journal takes from a program? */
bool journal_field_is_valid(const JournalField *field);

/*
 * Write one entry: a priority of syslog(3), an id of 32 lower-case hex digits, at most
 * JOURNAL_FIELDS_MAX fields, and a sentence. Values are flattened to one line and cut at
 * JOURNAL_VALUE_MAX. Where there is no journal, or it does not take the entry, all of it is written
 * as log lines instead, as many as it needs. What breaks these rules is left out of the entry, and
 * a log line says so. Waits while the journal's queue is full, as writing to standard error does.
 */
void journal_event(int priority, const char *message_id, const JournalField *fields, size_t count,
                   const char *message);
