/* SPDX-License-Identifier: Apache-2.0 */
#include "base/journal.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* The place in this file tells nothing. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"

/* Native Journal Protocol; sd_journal_sendv knows no other. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

#define MESSAGE_ID_SIZE 32
#define ENTRY_PARTS_MAX (JOURNAL_FIELDS_MAX + 3) /* priority, id, message */
#define PART_SIZE (JOURNAL_NAME_MAX + 1 + JOURNAL_VALUE_MAX + 1)

typedef struct Entry {
        size_t count;
        char parts[ENTRY_PARTS_MAX][PART_SIZE];
} Entry;

bool journal_field_is_valid(const JournalField *field) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        size_t size = strlen(field->name);

        return strspn(field->name, letters) > 0 && size <= JOURNAL_NAME_MAX &&
               strspn(field->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == size;
}

static bool message_id_is_valid(const char *id) {
        return strlen(id) == MESSAGE_ID_SIZE && strspn(id, "0123456789abcdef") == MESSAGE_ID_SIZE;
}

static void entry_add(Entry *entry, const char *name, const char *value) {
        char *part = entry->parts[entry->count++];
        int n = snprintf(part, JOURNAL_NAME_MAX + 2, "%s=", name);

        text_copy(part + n, JOURNAL_VALUE_MAX + 1, value);
        text_flatten(part + n);
}

static void entry_add_fields(Entry *entry, const JournalField *fields, size_t count) {
        size_t taken = 0;

        for (size_t i = 0; i < count; i++) {
                if (!fields[i].value)
                        continue;
                if (!journal_field_is_valid(&fields[i]) || taken == JOURNAL_FIELDS_MAX) {
                        log_error("an event's field '%s' is left out", fields[i].name);
                        continue;
                }
                entry_add(entry, fields[i].name, fields[i].value);
                taken++;
        }
}

/* sd_journal_sendv counts a journal that is not there as success. */
static bool entry_send(const Entry *entry) {
        struct iovec parts[ENTRY_PARTS_MAX];

        if (access(JOURNAL_SOCKET, F_OK) < 0)
                return false;
        for (size_t i = 0; i < entry->count; i++)
                parts[i] = (struct iovec){ .iov_base = (void *) (uintptr_t) entry->parts[i],
                                           .iov_len = strlen(entry->parts[i]) };
        return sd_journal_sendv(parts, (int) entry->count) >= 0;
}

/* NAME="value" as a shell would read it, so that no value can pretend to be a field. */
static void part_quote(const char *part, char ret[static 2 * PART_SIZE]) {
        const char *value = strchr(part, '=') + 1;

        ret += sprintf(ret, "%.*s\"", (int) (value - part), part);
        for (; *value; value++) {
                if (*value == '"' || *value == '\\')
                        *ret++ = '\\';
                *ret++ = *value;
        }
        (void) strcpy(ret, "\"");
}

/* As many lines as it takes, each with the id, since a line has an end and an event must not. */
static void entry_print(const Entry *entry, int priority, const char *message_id,
                        const char *message) {
        char line[LOG_LINE_MAX], quoted[2 * PART_SIZE];
        size_t used;

        text_copy(line, JOURNAL_VALUE_MAX + 1, message);
        used = strlen(line);
        used += (size_t) snprintf(line + used, sizeof(line) - used, " [%.32s]", message_id);
        for (size_t i = 0; i < entry->count; i++) {
                part_quote(entry->parts[i], quoted);
                if (used + 1 + strlen(quoted) >= sizeof(line)) {
                        log_line(priority, "%s", line);
                        used = (size_t) snprintf(line, sizeof(line), "more of [%.32s]", message_id);
                }
                used += (size_t) snprintf(line + used, sizeof(line) - used, " %s", quoted);
        }
        log_line(priority, "%s", line);
}

void journal_event(int priority, const char *message_id, const JournalField *fields, size_t count,
                   const char *message) {
        char number[12];
        Entry entry = {};

        entry_add_fields(&entry, fields, count);
        const size_t n_fields = entry.count;
        (void) snprintf(number, sizeof(number), "%d", priority);
        entry_add(&entry, "PRIORITY", number);
        entry_add(&entry, "MESSAGE", message);
        if (message_id_is_valid(message_id))
                entry_add(&entry, "MESSAGE_ID", message_id);
        else
                log_error("an event's message id '%s' is left out", message_id);
        if (entry_send(&entry))
                return;
        entry.count = n_fields;
        entry_print(&entry, priority, message_id, message);
}
