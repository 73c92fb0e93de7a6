/* SPDX-License-Identifier: Apache-2.0 */
#include "client/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/utc.h"
#include "base/version.h"
#include "client/text.h"

#define OPTIONS_MAX 24
#define FIRST_OPTION 256 /* beyond any letter */

int options_global(Context *context, int letter, const char *help) {
        switch (letter) {
        case 'j':
                context->json = true;
                return 0;
        case 'y':
                context->yes = true;
                return 0;
        case 'h':
                fputs(help, stdout);
                return DONE;
        case 'V':
                puts("sealctl " SEALSD_VERSION);
                return DONE;
        case ':':
                return fail(context, EXIT_USAGE, "an option lacks its value");
        default:
                return fail(context, EXIT_USAGE, "unknown option");
        }
}

static int list_add(const Context *context, const CommandOption *option, const char *value) {
        TextList *list = option->list;

        if (list->count == sizeof(list->values) / sizeof(list->values[0]))
                return fail(context, EXIT_USAGE, "--%s is given too often", option->name);
        list->values[list->count++] = value;
        return 0;
}

int time_argument(const Context *context, const char *text, bool day_end, uint64_t *ret) {
        const Clock clock = clock_system();

        if (time_parse(text, day_end, clock_now(&clock), ret))
                return 0;
        return fail(context, EXIT_USAGE, "'%s' is no time: write " TIME_HELP, text);
}

static int time_store(const Context *context, const CommandOption *option, const char *value) {
        const Clock clock = clock_system();
        uint64_t *place = option->time ? option->time : option->time_end;

        if (time_parse(value, option->time_end, clock_now(&clock), place))
                return 0;
        return fail(context, EXIT_USAGE, "--%s takes " TIME_HELP ", not '%s'", option->name, value);
}

int option_store(const Context *context, const CommandOption *option, const char *value) {
        if (option->list)
                return list_add(context, option, value);
        if (option->time || option->time_end)
                return time_store(context, option, value);
        if (option->number && !count_parse(value, option->number))
                return fail(context, EXIT_USAGE, "--%s takes a number, not '%s'", option->name,
                            value);
        if (option->duration && !duration_parse(value, option->duration))
                return fail(context, EXIT_USAGE, "--%s takes Nd, N days, not '%s'", option->name,
                            value);
        if (option->flag)
                *option->flag = true;
        if (option->text)
                *option->text = value;
        return 0;
}

static void table_fill(struct option *table, const Usage *usage) {
        static const struct option globals[] = { GLOBAL_OPTIONS, {} };
        size_t n = 0;

        for (; n < usage->n_options; n++)
                table[n] = (struct option){
                        .name = usage->options[n].name,
                        .has_arg = usage->options[n].flag ? no_argument : required_argument,
                        .val = FIRST_OPTION + (int) n,
                };
        memcpy(table + n, globals, sizeof(globals));
}

static int unknown_option(const Context *context, int letter, const char *word) {
        if (letter == ':')
                return fail(context, EXIT_USAGE, "%s lacks its value", word);
        return fail(context, EXIT_USAGE, "%s is not an option here, or takes no value", word);
}

/* -o, where the verb has --output. */
static int output_store(const Context *context, const Usage *usage, const char *value) {
        for (size_t i = 0; i < usage->n_options; i++)
                if (strcmp(usage->options[i].name, "output") == 0)
                        return option_store(context, &usage->options[i], value);
        return unknown_option(context, '?', "-o");
}

static int count_check(const Context *context, int count, const Usage *usage, char **arguments) {
        const char *form = usage->help + strlen("Usage: ");

        if (count < usage->min_arguments)
                return fail(context, EXIT_USAGE, "an argument is missing: %.*s",
                            (int) strcspn(form, "\n"), form);
        if (count > usage->max_arguments)
                return fail(context, EXIT_USAGE, "'%s' is one argument too many",
                            arguments[usage->max_arguments]);
        return 0;
}

int options_parse(Context *context, int argc, char **argv, const Usage *usage,
                  char ***ret_arguments) {
        struct option table[OPTIONS_MAX + 5] = {};
        int letter, r = 0;

        table_fill(table, usage);
        opterr = 0;
        optind = 0; /* glibc: start afresh */
        while (r == 0 && (letter = getopt_long(argc, argv, ":yho:", table, NULL)) != -1) {
                if (letter >= FIRST_OPTION)
                        r = option_store(context, &usage->options[letter - FIRST_OPTION], optarg);
                else if (letter == 'o')
                        r = output_store(context, usage, optarg);
                else if (letter == '?' || letter == ':')
                        r = unknown_option(context, letter, argv[optind - 1]);
                else
                        r = options_global(context, letter, usage->help);
        }
        if (r == 0)
                r = count_check(context, argc - optind, usage, argv + optind);
        if (r == 0)
                *ret_arguments = argv + optind;
        return r;
}
