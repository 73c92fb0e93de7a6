/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verb.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "client/options.h"

static char *help_new(const VerbTable *table) {
        char *help = NULL;
        size_t size;

        FILE *out = open_memstream(&help, &size);
        if (!out)
                return NULL;
        fputs(table->usage, out);
        for (size_t i = 0; i < table->n_verbs; i++)
                fprintf(out, "  %-15s%s\n", table->verbs[i].name, table->verbs[i].summary);
        fputs(table->footer, out);
        if (fclose(out) == 0)
                return help;
        free(help);
        return NULL;
}

static const Verb *verb_find(const VerbTable *table, const char *name) {
        for (size_t i = 0; i < table->n_verbs; i++)
                if (strcmp(table->verbs[i].name, name) == 0)
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
        if (!verb)
                return fail(context, EXIT_USAGE, "there is no verb '%s' here", argv[first]);
        return verb->run(context, argc - first, argv + first);
}
