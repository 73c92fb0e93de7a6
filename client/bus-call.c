/* SPDX-License-Identifier: Apache-2.0 */
#include "client/bus-call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "client/bus-value.h"
#include "client/text.h"

#define TIMEOUT_USEC (180 * USEC_PER_SEC)
#define SERVICE "org.sealsd1"

int bus_attempt(Context *context) {
        if (context->bus)
                return 0;
        int r = sd_bus_open_system(&context->bus);
        if (r < 0)
                return r;
        (void) sd_bus_set_allow_interactive_authorization(context->bus, true);
        return 0;
}

static int bus_open(Context *context) {
        int r = bus_attempt(context);

        return r < 0 ? fail_errno(context, r, "the system bus cannot be reached") : 0;
}

int call_built(const Context *context, int r) {
        if (r == -EILSEQ)
                return fail_plain(context, EXIT_USAGE,
                                  "an argument is not valid UTF-8, as every text has to be");
        return r < 0 ? fail_errno(context, r, "the call cannot be made") : 0;
}

int text_append(sd_bus_message *call, const char *text) {
        if (!text_is_utf8(text, strlen(text)))
                return -EILSEQ;
        return sd_bus_message_append(call, "s", text);
}

int call_new(Context *context, const char *path, const char *interface, const char *member,
             sd_bus_message **ret) {
        int r = bus_open(context);

        if (r != 0)
                return r;
        return call_built(context, sd_bus_message_new_method_call(context->bus, ret, SERVICE, path,
                                                                  interface, member));
}

int call_attempt(Context *context, sd_bus_message *call, sd_bus_error *error,
                 sd_bus_message **ret_reply) {
        int r = sd_bus_call(context->bus, call, TIMEOUT_USEC, error, ret_reply);

        if (r < 0 && !sd_bus_error_is_set(error))
                (void) sd_bus_error_set_errno(error, r);
        return r;
}

/* An object that the caller named is missing: say which. False for any other failure. */
static bool missing_format(sd_bus_message *call, int code, char *ret, size_t size) {
        const char *path = sd_bus_message_get_path(call);
        const bool request = strncmp(path, REQUEST_PATH, strlen(REQUEST_PATH)) == 0;
        const bool seal = strncmp(path, SEAL_PATH, strlen(SEAL_PATH)) == 0;

        if (code != SEAL_E_UNKNOWN_OBJECT || (!request && !seal))
                return false;
        (void) snprintf(ret, size, "There is no %s %s (or it is not yours to see)",
                        request ? "request" : "seal", path_last(path));
        return true;
}

static int call_failed(const Context *context, sd_bus_message *call, const sd_bus_error *error) {
        char missing[128];

        const char *text = missing_format(call, error_from_name(error->name), missing,
                                          sizeof(missing))
                                   ? missing
                                   : text_of(error->name, error->message);
        const char *member = sd_bus_message_get_member(call);
        (void) fail_remote_as(context, error->name, text, hint_of_call(member, error->name));
        return exit_code_of_call(member, error->name);
}

int call_send(Context *context, sd_bus_message *call, sd_bus_message **ret_reply) {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = call_attempt(context, call, &error, ret_reply);
        if (r >= 0)
                return 0;
        r = call_failed(context, call, &error);
        sd_bus_error_free(&error);
        return r;
}

int call_send_json(Context *context, sd_bus_message *call, json_t **ret) {
        sd_bus_message *reply = NULL;

        int r = call_send(context, call, &reply);
        if (r != 0)
                return r;
        r = message_to_json(reply, ret);
        sd_bus_message_unref(reply);
        return r < 0 ? fail_errno(context, r, "the answer cannot be read") : 0;
}

int call_json(Context *context, const char *path, const char *interface, const char *member,
              const char *const *texts, json_t **ret) {
        sd_bus_message *call = NULL;
        int built = 0;

        int r = call_new(context, path, interface, member, &call);
        if (r != 0)
                return r;
        for (size_t i = 0; texts && texts[i] && built >= 0; i++)
                built = text_append(call, texts[i]);
        r = call_built(context, built);
        if (r == 0)
                r = call_send_json(context, call, ret);
        sd_bus_message_unref(call);
        return r;
}

int property_json(Context *context, const char *path, const char *interface, const char *name,
                  json_t **ret) {
        const char *const texts[] = { interface, name, NULL };

        return call_json(context, path, "org.freedesktop.DBus.Properties", "Get", texts, ret);
}

int describe(Context *context, const char *path, const char *interface, json_t **ret) {
        json_t *text = NULL;

        int r = call_json(context, path, interface, "Describe", NULL, &text);
        if (r != 0)
                return r;
        json_t *object = json_loads(json_is_string(text) ? json_string_value(text) : "", 0, NULL);
        json_decref(text);
        if (!json_is_object(object)) {
                json_decref(object);
                return fail_errno(context, -EBADMSG, "the description cannot be read");
        }
        *ret = object;
        return 0;
}

Entries entries_open(sd_bus_message *message) {
        return (Entries){ message, sd_bus_message_open_container(message, 'a', "{sv}") };
}

int entries_close(Entries *entries) {
        int r = entries->r < 0 ? entries->r : sd_bus_message_close_container(entries->message);

        return r < 0 ? r : 0;
}

void entry_text(Entries *entries, const char *name, const char *text) {
        if (!text || entries->r < 0)
                return;
        if (text_is_utf8(text, strlen(text)))
                entries->r = sd_bus_message_append(entries->message, "{sv}", name, "s", text);
        else
                entries->r = -EILSEQ;
}

void entry_path(Entries *entries, const char *name, const char *path) {
        if (path && entries->r >= 0)
                entries->r = sd_bus_message_append(entries->message, "{sv}", name, "o", path);
}

void entry_time(Entries *entries, const char *name, uint64_t value) {
        if (value > 0 && entries->r >= 0)
                entries->r = sd_bus_message_append(entries->message, "{sv}", name, "t", value);
}

void entry_u32(Entries *entries, const char *name, uint32_t value) {
        if (value > 0 && entries->r >= 0)
                entries->r = sd_bus_message_append(entries->message, "{sv}", name, "u", value);
}

void entry_flag(Entries *entries, const char *name, bool value) {
        if (value && entries->r >= 0)
                entries->r = sd_bus_message_append(entries->message, "{sv}", name, "b", 1);
}

void entry_fd(Entries *entries, const char *name, int fd) {
        if (fd >= 0 && entries->r >= 0)
                entries->r = sd_bus_message_append(entries->message, "{sv}", name, "h", fd);
}

/* Open {s v(signature)}; closed by entry_close. */
static int entry_open(sd_bus_message *m, const char *name, const char *signature) {
        int r = sd_bus_message_open_container(m, 'e', "sv");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", name);
        return r < 0 ? r : sd_bus_message_open_container(m, 'v', signature);
}

static int entry_close(sd_bus_message *m) {
        int r = sd_bus_message_close_container(m);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

void entry_bytes(Entries *entries, const char *name, Bytes value) {
        if (!value.data || entries->r < 0)
                return;
        int r = entry_open(entries->message, name, "ay");
        if (r >= 0)
                r = sd_bus_message_append_array(entries->message, 'y', value.data, value.size);
        entries->r = r < 0 ? r : entry_close(entries->message);
}

void entry_texts(Entries *entries, const char *name, const TextList *list) {
        if (list->count == 0 || entries->r < 0)
                return;
        int r = entry_open(entries->message, name, "as");
        if (r >= 0)
                r = sd_bus_message_open_container(entries->message, 'a', "s");
        for (size_t i = 0; i < list->count && r >= 0; i++)
                r = text_append(entries->message, list->values[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(entries->message);
        entries->r = r < 0 ? r : entry_close(entries->message);
}
