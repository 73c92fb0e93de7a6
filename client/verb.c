/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verb.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "client/options.h"

static void help_line(const Verb *verb, FILE *out) {
        if (verb->name)
                fprintf(out, "  %-19s%s\n", verb->name, verb->summary);
        else
                fprintf(out, "\n%s:\n", verb->summary);
}

static char *help_new(const VerbTable *table) {
        char *help = NULL;
        size_t size;

        FILE *out = open_memstream(&help, &size);
        if (!out)
                return NULL;
        fputs(table->usage, out);
        for (size_t i = 0; i < table->n_verbs; i++)
                help_line(&table->verbs[i], out);
        fputs(table->footer, out);
        if (fclose(out) == 0)
                return help;
        free(help);
        return NULL;
}

static const Verb *verb_find(const VerbTable *table, const char *name) {
        for (size_t i = 0; i < table->n_verbs; i++)
                if (table->verbs[i].name && strcmp(table->verbs[i].name, name) == 0)
                        return &table->verbs[i];
        return NULL;
}

static int globals_parse(Context *context, const char *help, int argc, char **argv) {
        static const struct option globals[] = { GLOBAL_OPTIONS, {} };
        int letter, r = 0;

        opterr = 0;
        optind = 0;
        /* '+': stop at the verb, whose options are its own. */
        while (r == 0 && (letter = getopt_long(argc, argv, "+yh", globals, NULL)) != -1)
                r = options_global(context, letter, help);
        return r;
}

static size_t least(size_t a, size_t b) {
        return a < b ? a : b;
}

/* Insertions, deletions and replacements between two words (Levenshtein), row by row. */
static size_t word_distance(const char *a, const char *b) {
        size_t row[WORD_MAX + 1], size = strlen(b);

        for (size_t j = 0; j <= size; j++)
                row[j] = j;
        for (size_t i = 1; a[i - 1] != '\0'; i++) {
                size_t diagonal = row[0];
                row[0] = i;
                for (size_t j = 1; j <= size; j++) {
                        size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
                        diagonal = row[j];
                        row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
                }
        }
        return row[size];
}

/* The first verb that begins so, else the one at most two letters away, or NULL. */
static const char *verb_nearest(const VerbTable *table, const char *word) {
        const char *nearest = NULL;
        size_t best = 3, size = strlen(word);

        for (size_t i = 0; size > 1 && i < table->n_verbs; i++) {
                const char *name = table->verbs[i].name;
                if (name && strncmp(name, word, size) == 0)
                        return name;
        }
        for (size_t i = 0; size > 2 && size <= WORD_MAX && i < table->n_verbs; i++) {
                const char *name = table->verbs[i].name;
                size_t distance = name ? word_distance(word, name) : best;
                if (distance < best && distance < strlen(name)) {
                        best = distance;
                        nearest = name;
                }
        }
        return nearest;
}

static int verb_unknown(const Context *context, const VerbTable *table, const char *word) {
        const char *nearest = verb_nearest(table, word);

        if (nearest)
                return fail(context, EXIT_USAGE, "there is no verb '%s' here; did you mean '%s'?",
                            word, nearest);
        return fail_plain(context, EXIT_USAGE,
                          "there is no verb '%s' here; --help in its place lists them", word);
}

/* "help VERB…" is "VERB… --help"; "help" itself stands where the name of the program was. */
static int help_run(Context *context, const VerbTable *table, int argc, char **argv) {
        static char option[] = "--help";
        _cleanup_free_ char **words = calloc((size_t) argc + 2, sizeof(*words));

        if (!words)
                return fail(context, EXIT_OTHER, "out of memory");
        for (int i = 0; i < argc; i++)
                words[i] = argv[i];
        words[argc] = option;
        return verb_dispatch(context, table, argc + 1, words);
}

int verb_dispatch(Context *context, const VerbTable *table, int argc, char **argv) {
        _cleanup_free_ char *help = help_new(table);
        if (!help)
                return fail(context, EXIT_OTHER, "out of memory");
        int r = globals_parse(context, help, argc, argv);
        if (r != 0)
                return r;
        int first = optind;
        if (first >= argc) {
                if (!context->json)
                        fputs(help, stderr);
                return fail(context, EXIT_USAGE, "a verb is missing");
        }
        const Verb *verb = verb_find(table, argv[first]);
        if (!verb && strcmp(argv[first], "help") == 0)
                return help_run(context, table, argc - first, argv + first);
        if (!verb)
                return verb_unknown(context, table, argv[first]);
        return verb->run(context, argc - first, argv + first);
}
