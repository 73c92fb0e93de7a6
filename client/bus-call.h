/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call on the bus: opened on demand, polkit may ask, 180 s to answer (making a key can take
 * minutes on a chip). Every failure is printed with its hint and becomes an exit code.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "client/context.h"
#include "client/options.h"

static inline sd_bus_message *message_free(sd_bus_message *m) {
        return sd_bus_message_unref(m);
}
DEFINE_CLEANUP(sd_bus_message, message_free)

static inline json_t *json_free(json_t *value) {
        json_decref(value);
        return NULL;
}
DEFINE_CLEANUP(json_t, json_free)

#define MANAGER "org.sealsd1.Manager"
#define REQUEST "org.sealsd1.Request"
#define SEAL "org.sealsd1.Seal"
#define MANAGER_PATH "/org/sealsd1"

/* Connect, and leave a failure to the caller. A negative errno. */
int bus_attempt(Context *context);

/* A call with its arguments still to be appended; the caller unrefs it. */
int call_new(Context *context, const char *path, const char *interface, const char *member,
             sd_bus_message **ret);

/* Append a text that a person typed; -EILSEQ where it is not UTF-8, which the bus cannot carry. */
int text_append(sd_bus_message *call, const char *text);

/* Send it and leave a failure to the caller, who frees the error. Returns sd_bus_call's result. */
int call_attempt(Context *context, sd_bus_message *call, sd_bus_error *error,
                 sd_bus_message **ret_reply);

/* Send it. ret_reply may be NULL. */
int call_send(Context *context, sd_bus_message *call, sd_bus_message **ret_reply);

/* Send it and turn the whole reply into JSON (bus-value.h); *ret is owned by the caller. */
int call_send_json(Context *context, sd_bus_message *call, json_t **ret);

/* A call without arguments or with one or two texts; texts end with NULL. JSON as above. */
int call_json(Context *context, const char *path, const char *interface, const char *member,
              const char *const *texts, json_t **ret);

/* A property as JSON. */
int property_json(Context *context, const char *path, const char *interface, const char *name,
                  json_t **ret);

/* Describe() of a seal or a request, parsed. */
int describe(Context *context, const char *path, const char *interface, json_t **ret);

/* -errno of building a message, as a sentence. Passes 0 and positive through as 0. */
int call_built(const Context *context, int r);

/*
 * An a{sv} that is being appended. The first failure is remembered, the rest then does nothing.
 * Entries with nothing to say (NULL, 0, an empty list) are left out.
 */
typedef struct Entries {
        sd_bus_message *message; /* not owned */
        int r;                   /* a negative errno, or not */
} Entries;

Entries entries_open(sd_bus_message *message);
int entries_close(Entries *entries); /* 0 or the negative errno */

void entry_text(Entries *entries, const char *name, const char *text);
void entry_path(Entries *entries, const char *name, const char *path);
void entry_texts(Entries *entries, const char *name, const TextList *list);
void entry_time(Entries *entries, const char *name, uint64_t value);
void entry_u32(Entries *entries, const char *name, uint32_t value);
void entry_flag(Entries *entries, const char *name, bool value);
void entry_bytes(Entries *entries, const char *name, Bytes value);
void entry_fd(Entries *entries, const char *name, int fd);
