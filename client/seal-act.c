/* SPDX-License-Identifier: Apache-2.0 */
#include "client/seal-act.h"

#include <stdio.h>

#include "base/text.h"
#include "client/bus-call.h"
#include "client/output.h"

int seal_path_get(const Context *context, const char *number, char ret[static PATH_SIZE]) {
        if (seal_path_parse(number, ret))
                return 0;
        return fail(context, EXIT_USAGE, "'%s' is no seal number", number);
}

int reason_check(const Context *context, const char *reason) {
        if (text_is_line(reason, TEXT_MAX))
                return 0;
        return fail(context, EXIT_USAGE, "REASON is one line of text, and not blank");
}

int seal_text_call(Context *context, const char *path, const char *member, const char *text) {
        const char *const texts[] = { text, NULL };
        _cleanup_(json_freep) json_t *nothing = NULL;

        return call_json(context, path, SEAL, member, texts, &nothing);
}

/*
 * The State, "" where the act itself took the seal out of the caller's sight: who gave a seal back
 * or declined it may be nobody to it any more.
 */
static int state_get(Context *context, const char *path, char *ret, size_t size) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;
        const char *text;

        int r = call_new(context, path, "org.freedesktop.DBus.Properties", "Get", &call);
        if (r != 0)
                return r;
        r = call_built(context, sd_bus_message_append(call, "ss", SEAL, "State"));
        if (r != 0)
                return r;
        ret[0] = '\0';
        if (call_attempt(context, call, &error, &reply) >= 0) {
                if (sd_bus_message_read(reply, "v", "s", &text) >= 0)
                        (void) snprintf(ret, size, "%s", text);
                return 0;
        }
        if (exit_code_of(error.name) == EXIT_NOT_FOUND)
                return 0;
        return fail_remote(context, error.name, error.message);
}

int seal_state_report(Context *context, const char *path, const SealNext *next) {
        const char *number = path_last(path);
        char state[WORD_MAX + 1];

        int r = state_get(context, path, state, sizeof(state));
        if (r != 0)
                return r;
        if (context->json) {
                _cleanup_(json_freep)
                        json_t *object = json_pack("{ssss}", "number", number, "state", state);
                return print_json_value(context, object);
        }
        printf("Seal %s: ", number);
        print_escaped(state[0] != '\0' ? state : "done; it is not yours to see any more");
        putchar('\n');
        if (next)
                printf("Next: %s'%s %s%s'\n", next->who, next->before, number, next->after);
        return 0;
}

int seal_confirm(const Context *context, const char *path, const char *verb, const char *rest) {
        char question[160];

        (void) snprintf(question, sizeof(question), "%s seal %s %s", verb, path_last(path), rest);
        return confirm_or_fail(context, question);
}
