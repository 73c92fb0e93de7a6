/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every verb is handed: the global options and the connection. And how a verb fails.
 *
 * Functions of client/ return 0, or an exit code after the sentence for it was printed; DONE means
 * that everything asked for (a help text) has been printed already.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

/* Documented in sealctl --help and in sealctl(8); scripts rely on them. */
typedef enum ExitCode {
        EXIT_OK = 0,
        EXIT_OTHER = 1,
        EXIT_USAGE = 2,
        EXIT_NOT_ALLOWED = 3,
        EXIT_NOT_FOUND = 4,
        EXIT_WRONG_STATE = 5,
        EXIT_SEAL_REFUSES = 6,
        EXIT_MACHINE_REFUSES = 7,
        EXIT_TPM = 8,
        EXIT_TRY_AGAIN = 9,
        EXIT_VERIFICATION = 10,
        EXIT_INCOMPLETE = 11, /* nothing was bad, and not everything was checked */
} ExitCode;

#define DONE (-1)

typedef struct Context {
        bool json; /* results and errors as JSON */
        bool yes;  /* do not ask for a confirmation */
        /* What a failure is about ("list.csv, line 3"), where the command line does not say it. */
        const char *where;
        sd_bus *bus; /* owned; opened by the first call */
} Context;

void context_done(Context *context);

/* Print one sentence ("sealctl: …", or JSON with --json) on standard error; returns exit_code. */
int fail(const Context *context, int exit_code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The same where --help would not help: the use is right and the thing itself is refused. */
int fail_plain(const Context *context, int exit_code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The same, for a negative errno: "WHAT: No such file or directory". */
int fail_errno(const Context *context, int negative_errno, const char *what);

/* The same, for the topmost OpenSSL error. */
int fail_openssl(const Context *context, const char *what);

/* The same, for a D-Bus error name and its message: exit code and hint come from one table. */
int fail_remote(const Context *context, const char *name, const char *message);

/* The same with a sentence and a hint of the caller's; hint may be NULL. */
int fail_remote_as(const Context *context, const char *name, const char *message, const char *hint);

/* The exit code of a D-Bus error name; EXIT_OTHER for an unknown one. */
int exit_code_of(const char *name);

/* What a person can do about a D-Bus error; NULL when there is nothing to add. */
const char *hint_of(const char *name);
/* The same where it is known which member was called; hint_of's where that makes no difference. */
const char *hint_of_call(const char *member, const char *name);
/* exit_code_of() likewise: a file that is refused is a wrong argument, and no seal that refuses. */
int exit_code_of_call(const char *member, const char *name);

/* The sentence for a person: ours where the bus's own says little, else message. Never NULL. */
const char *text_of(const char *name, const char *message);

/* A note for people on standard error; nothing with --json. */
void note(const Context *context, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ask on the terminal; true with --yes. False when there is no terminal to ask on. */
bool confirm(const Context *context, const char *question);

/* The same; EXIT_USAGE with a sentence when it was not confirmed. */
int confirm_or_fail(const Context *context, const char *question);
