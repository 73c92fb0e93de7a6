/* SPDX-License-Identifier: Apache-2.0 */
#include "client/context.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/err.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "client/text.h"

void context_done(Context *context) {
        context->bus = sd_bus_flush_close_unref(context->bus);
}

/* Names for failures that are found here and have no D-Bus name. */
static const char *local_name(int exit_code) {
        static const char *const names[] = {
                [EXIT_OTHER] = "Failed",
                [EXIT_USAGE] = "Usage",
                [EXIT_NOT_ALLOWED] = "NotAllowed",
                [EXIT_NOT_FOUND] = "NotFound",
                [EXIT_WRONG_STATE] = "WrongState",
                [EXIT_SEAL_REFUSES] = "SealRefuses",
                [EXIT_MACHINE_REFUSES] = "MachineRefuses",
                [EXIT_TPM] = "Tpm",
                [EXIT_TRY_AGAIN] = "TryAgain",
                [EXIT_VERIFICATION] = "VerificationFailed",
                [EXIT_INCOMPLETE] = "Incomplete",
        };

        return exit_code > 0 && exit_code <= EXIT_INCOMPLETE ? names[exit_code] : "Failed";
}

static void print_json(const char *name, const char *message, const char *hint) {
        /* JSON is UTF-8, and a message may quote what is not. */
        _cleanup_free_ char *escaped = text_escape(message);
        const bool plain = text_is_utf8(message, strlen(message)) || !escaped;
        json_t *error = json_object();

        json_object_set_new(error, "error", json_string(name));
        json_object_set_new(error, "message", json_string(plain ? message : escaped));
        if (hint)
                json_object_set_new(error, "hint", json_string(hint));
        json_dumpf(error, stderr, 0);
        fputc('\n', stderr);
        json_decref(error);
}

static void print_failure(const Context *context, const char *name, const char *message,
                          const char *hint) {
        _cleanup_free_ char *placed = NULL;

        if (context->where && asprintf(&placed, "%s: %s", context->where, message) < 0)
                placed = NULL;
        if (placed)
                message = placed;
        if (context->json) {
                print_json(name, message, hint);
                return;
        }
        _cleanup_free_ char *text = text_escape(message);
        fprintf(stderr, "sealctl: %s\n", text ? text : name);
        if (hint)
                fprintf(stderr, "Hint: %s\n", hint);
}

int fail(const Context *context, int exit_code, const char *format, ...) {
        char message[4096];
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        print_failure(context, local_name(exit_code), message,
                      exit_code == EXIT_USAGE ? "add --help to see what this takes" : NULL);
        return exit_code;
}

int fail_plain(const Context *context, int exit_code, const char *format, ...) {
        char message[4096];
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        print_failure(context, local_name(exit_code), message, NULL);
        return exit_code;
}

int fail_errno(const Context *context, int negative_errno, const char *what) {
        return fail(context, EXIT_OTHER, "%s: %s", what, strerror(-negative_errno));
}

int fail_openssl(const Context *context, const char *what) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());

        ERR_clear_error();
        return fail(context, EXIT_OTHER, "%s: %s", what, reason ? reason : "not readable");
}

int fail_remote(const Context *context, const char *name, const char *message) {
        return fail_remote_as(context, name, text_of(name, message), hint_of(name));
}

int fail_remote_as(const Context *context, const char *name, const char *message,
                   const char *hint) {
        print_failure(context, name, message, hint);
        return exit_code_of(name);
}

void note(const Context *context, const char *format, ...) {
        va_list arguments;

        if (context->json)
                return;
        (void) fflush(stdout); /* where both go to one place it comes after what was printed */
        va_start(arguments, format);
        (void) vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
}

bool confirm(const Context *context, const char *question) {
        char answer[16];

        if (context->yes)
                return true;
        if (!isatty(STDIN_FILENO))
                return false;
        fprintf(stderr, "%s [y/N] ", question);
        fflush(stderr);
        if (!fgets(answer, sizeof(answer), stdin))
                return false;
        return answer[0] == 'y' || answer[0] == 'Y';
}

int confirm_or_fail(const Context *context, const char *question) {
        if (confirm(context, question))
                return 0;
        return fail_plain(context, EXIT_USAGE,
                          "not confirmed (answer y, or give --yes); nothing was done");
}
