/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-polkit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

/* Callers wait 180 s; a prompt that outlives them helps nobody. */
#define INTERACTIVE_TIMEOUT (200 * USEC_PER_SEC)
#define SILENT_TIMEOUT (25 * USEC_PER_SEC)

enum {
        ALLOW_USER_INTERACTION = 1, /* CheckAuthorizationFlags */
};

typedef struct Verdict {
        int authorized, challenge;
        bool dismissed;
} Verdict;

static int append_detail(sd_bus_message *m, const char *name, const char *value) {
        return value[0] == '\0' ? 0 : sd_bus_message_append(m, "{ss}", name, value);
}

static int append_details(sd_bus_message *m, const Operation *op) {
        int r = sd_bus_message_open_container(m, 'a', "{ss}");

        if (r >= 0)
                r = append_detail(m, "seal", op->number);
        if (r >= 0)
                r = append_detail(m, "type", op->type);
        if (r >= 0)
                r = append_detail(m, "kind", op->kind);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* CheckAuthorization((sa{sv}) subject, s action, a{ss} details, u flags, s cancellation) */
static int question_new(Operation *op, const char *action, bool interactive, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(op->bus->connection, &m, POLKIT_NAME, POLKIT_PATH,
                                               POLKIT_INTERFACE, "CheckAuthorization");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "(sa{sv})s", "system-bus-name", 1, "name", "s",
                                  op->caller.bus_name, action);
        if (r >= 0)
                r = append_details(m, op);
        if (r >= 0)
                r = sd_bus_message_append(m, "us", interactive ? ALLOW_USER_INTERACTION : 0,
                                          op->polkit_cancellation);
        if (r < 0)
                return r;
        *ret = steal_ptr(m);
        return 0;
}

/* (bba{ss}): authorized, a challenge would help, details */
static int verdict_read(sd_bus_message *m, Verdict *ret) {
        Verdict verdict = {};
        const char *name, *value;

        int r = sd_bus_message_enter_container(m, 'r', "bba{ss}");
        if (r < 0)
                return r;
        r = sd_bus_message_read(m, "bb", &verdict.authorized, &verdict.challenge);
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(m, 'a', "{ss}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(m, "{ss}", &name, &value)) > 0)
                if (strcmp(name, "polkit.dismissed") == 0)
                        verdict.dismissed = true;
        if (r < 0)
                return r;
        *ret = verdict;
        return 0;
}

static int verdict_code(sd_bus_message *reply, ErrorDetail *detail) {
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Verdict verdict;

        if (error) {
                log_warning("polkit does not answer: %s: %s", error->name,
                            error->message ? error->message : "");
                return error_set(detail, SEAL_E_ACCESS_DENIED,
                                 "polkit, which has to agree, does not answer (%s)", error->name);
        }
        int r = verdict_read(reply, &verdict);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return error_set(detail, SEAL_E_ACCESS_DENIED,
                                 "polkit, which has to agree, gave no readable answer");
        if (verdict.authorized)
                return 0;
        if (verdict.dismissed)
                return error_set(detail, SEAL_E_ACCESS_DENIED, "The authentication was dismissed");
        if (verdict.challenge)
                return SEAL_E_INTERACTION_REQUIRED;
        return error_set(detail, SEAL_E_ACCESS_DENIED, "polkit does not allow it");
}

static int polkit_answered(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        Operation *op = userdata;
        ErrorDetail detail = {};

        (void) ret_error;
        op->polkit = sd_bus_slot_unref(op->polkit);
        int code = verdict_code(reply, &detail);
        op->authorized(op, code, &detail);
        return 1;
}

int polkit_check(Operation *op, const char *action) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        bool interactive = sd_bus_message_get_allow_interactive_authorization(op->message) > 0;

        (void) snprintf(op->polkit_cancellation, sizeof(op->polkit_cancellation), "%" PRIu64,
                        ++op->bus->polkit_serial);
        int r = question_new(op, action, interactive, &m);
        if (r < 0)
                return r;
        r = sd_bus_call_async(op->bus->connection, &op->polkit, m, polkit_answered, op,
                              interactive ? INTERACTIVE_TIMEOUT : SILENT_TIMEOUT);
        return r < 0 ? r : 0;
}

void polkit_cancel(Operation *op) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        if (!op->polkit)
                return;
        op->polkit = sd_bus_slot_unref(op->polkit);
        int r = sd_bus_message_new_method_call(op->bus->connection, &m, POLKIT_NAME, POLKIT_PATH,
                                               POLKIT_INTERFACE, "CancelCheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", op->polkit_cancellation);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, false);
        if (r >= 0)
                r = sd_bus_send(op->bus->connection, m, NULL);
        if (r < 0)
                log_debug("A question to polkit could not be withdrawn: %s", strerror(-r));
}
