/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of one verb: a table of its long options with the typed places they are stored
 * in, read with getopt_long(3). The global options are understood by every verb.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "client/context.h"

/* An option that may be given several times. The texts belong to argv. */
typedef struct TextList {
        size_t count;
        const char *values[DOCUMENTS_MAX];
} TextList;

/* Exactly one of the places is set. */
typedef struct CommandOption {
        const char *name;
        bool *flag;
        const char **text;
        TextList *list;
        uint64_t *number;
        uint64_t *time;     /* a day means its first second */
        uint64_t *time_end; /* a day means its last second */
        uint64_t *duration; /* Nd */
} CommandOption;

typedef struct Usage {
        const char *help;
        const CommandOption *options;
        size_t n_options;
        int min_arguments;
        int max_arguments;
} Usage;

#define OPTIONS(table) .options = (table), .n_options = sizeof(table) / sizeof((table)[0])

/*
 * Read the command line; ret_arguments is NULL-terminated and belongs to argv. Returns DONE after
 * --help or --version, EXIT_USAGE after a complaint.
 */
int options_parse(Context *context, int argc, char **argv, const Usage *usage,
                  char ***ret_arguments);

/* How a time is written, for help texts. */
#define TIME_HELP "YYYY-MM-DD (UTC), RFC 3339, -Nd, +Nd, @SECONDS, today, yesterday, now"

/* A time that is an argument; EXIT_USAGE after a complaint. */
int time_argument(const Context *context, const char *text, bool day_end, uint64_t *ret);

/* Store a value where the option wants it. EXIT_USAGE after a complaint. */
int option_store(const Context *context, const CommandOption *option, const char *value);

/* Handle one of the global options; 0, DONE, or EXIT_USAGE for one that is not known. */
int options_global(Context *context, int letter, const char *help);

/* The global options for getopt_long, without the closing zero element. */
#define GLOBAL_OPTIONS                                                         \
        { "json", no_argument, NULL, 'j' }, { "yes", no_argument, NULL, 'y' }, \
                { "help", no_argument, NULL, 'h' }, {                          \
                "version", no_argument, NULL, 'V'                              \
        }
