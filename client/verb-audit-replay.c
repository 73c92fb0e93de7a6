/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl audit could, off, rules: questions for which the ledger is played again. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "client/audit-could.h"
#include "client/audit-off.h"
#include "client/audit-rules.h"
#include "client/audit.h"
#include "client/bus-call.h"
#include "client/seal-act.h"

static const char could_help[] =
        "Usage: sealctl audit could NUMBER --on TIME [OPTIONS]\n"
        "\n"
        "Who could use a seal on that day: its keepers and everybody with a grant, for\n"
        "which purposes, from when until when; its states are shown beside. Members of a\n"
        "group are those that it had then. Whether the machine was on, and in an approved\n"
        "state, is not asked: 'sealctl audit off' and 'sealctl audit rules' tell. A seal\n"
        "that was made before the ledger began is not in it.\n"
        "\n"
        "Options:\n" AUDIT_ON_HELP AUDIT_FILE_HELP "\n"
        "Example:\n"
        "  sealctl audit could 50011200000001 --on 2026-11-20\n"
        "\n"
        "Next: 'sealctl audit uses NUMBER --since DAY --until DAY' tells who did.\n";

static int could_row(void *userdata, const LedgerParsed *row) {
        return audit_could_row(userdata, row) < 0 ? EXIT_OTHER : 0;
}

static int states_print(const Context *context, const json_t *result) {
        static const OutputField columns[] = {
                { "state", "STATE", FIELD_TEXT },
                { "from", "FROM", FIELD_TIME },
                { "until", "UNTIL", FIELD_TIME },
        };

        return print_table(context, json_object_get(result, "states"), FIELDS(columns),
                           "The seal did not exist then.");
}

static int could_print(const Context *context, const json_t *result) {
        static const OutputField columns[] = {
                { "subject", "WHO", FIELD_TEXT }, { "as", "AS", FIELD_TEXT },
                { "grant", "GRANT", FIELD_TEXT }, { "from", "FROM", FIELD_TIME },
                { "until", "UNTIL", FIELD_TIME }, { "purposes", "PURPOSES", FIELD_TEXT },
        };

        if (context->json)
                return print_json_value(context, result);
        int r = print_table(context, json_object_get(result, "could"), FIELDS(columns),
                            "Nobody could use it.");
        putchar('\n');
        return r != 0 ? r : states_print(context, result);
}

static int could_answer(Context *context, const AuditQuery *window) {
        const AuditQuery query = { .file = window->file, .seal = window->seal };
        AuditCould *could = audit_could_new(window->since, window->until);
        _cleanup_(json_freep) json_t *result = NULL;

        if (!could)
                return fail(context, EXIT_OTHER, "out of memory");
        int r = audit_read(context, &query, could_row, could);
        if (r == 0 || r == EXIT_VERIFICATION)
                result = audit_could_result(could);
        audit_could_free(could);
        if (!result)
                return r != 0 ? r : fail(context, EXIT_OTHER, "out of memory");
        if (!json_is_true(json_object_get(result, "known")))
                return r != 0 ? r
                              : fail_plain(context, EXIT_NOT_FOUND,
                                           "the making of seal %s is not in this ledger",
                                           window->seal);
        int printed = could_print(context, result);
        return r != 0 ? r : printed;
}

int audit_could(Context *context, int argc, char **argv) {
        AuditQuery window = {};
        const char *on = NULL;
        const CommandOption table[] = { { "on", .text = &on }, { "file", .text = &window.file } };
        const Usage usage = { could_help, OPTIONS(table), 1, 1 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0 && !on)
                r = fail(context, EXIT_USAGE, "--on is required");
        if (r == 0)
                r = audit_window_get(context, on, &window);
        if (r != 0)
                return r;
        window.seal = path_last(path);
        return could_answer(context, &window);
}

static const char off_help[] =
        "Usage: sealctl audit off [OPTIONS]\n"
        "\n"
        "When the daemon was off, and how that began: stopped, or broke-off (a crash or a\n"
        "power cut; from the last row before it on).\n"
        "\n"
        "Options:\n" AUDIT_SINCE_HELP AUDIT_FILE_HELP "\n"
        "Example:\n"
        "  sealctl audit off --since 2026-11-01\n"
        "\n"
        "Next: 'journalctl -u sealsd' of that time.\n";

static int off_row(void *userdata, const LedgerParsed *row) {
        return audit_off_row(userdata, row) < 0 ? EXIT_OTHER : 0;
}

static int off_print(const Context *context, const json_t *spans) {
        static const OutputField columns[] = {
                { "from", "FROM", FIELD_TIME },
                { "until", "UNTIL", FIELD_TIME },
                { "how", "HOW", FIELD_TEXT },
        };

        return print_table(context, spans, FIELDS(columns), "It was never off.");
}

int audit_off(Context *context, int argc, char **argv) {
        AuditQuery window = {};
        const CommandOption table[] = { AUDIT_SINCE_OPTIONS(window),
                                        { "file", .text = &window.file } };
        const Usage usage = { off_help, OPTIONS(table), 0, 0 };
        AuditOff off = {};
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = audit_since_check(context, &window);
        if (r != 0)
                return r;
        /* All rows: what was the last one before a start tells how it went off. */
        const AuditQuery query = { .file = window.file };
        if (audit_off_init(&off, window.since, window.until) < 0)
                return fail(context, EXIT_OTHER, "out of memory");
        r = audit_read(context, &query, off_row, &off);
        int printed = 0;
        if (audit_off_finish(&off) < 0)
                printed = fail(context, EXIT_OTHER, "out of memory");
        else if (r == 0 || r == EXIT_VERIFICATION)
                printed = off_print(context, off.spans);
        audit_off_done(&off);
        return r != 0 ? r : printed;
}

static const char rules_help[] =
        "Usage: sealctl audit rules --on TIME [OPTIONS]\n"
        "\n"
        "Under which rules the daemon worked on that day: the version of the program, the\n"
        "hashes of its configuration and of polkit's rules, the separation of duties, who\n"
        "had which role, and the reviewers' keys.\n"
        "\n"
        "Options:\n" AUDIT_ON_HELP AUDIT_FILE_HELP "\n"
        "Example:\n"
        "  sealctl audit rules --on yesterday\n"
        "\n"
        "Next: compare with 'sha256sum /etc/sealsd/sealsd.conf' of a backup.\n";

static int rules_row(void *userdata, const LedgerParsed *row) {
        return audit_rules_row(userdata, row) < 0 ? EXIT_OTHER : 0;
}

static void roles_print(const json_t *roles) {
        const char *role;
        json_t *subjects;

        json_object_foreach((json_t *) roles, role, subjects) {
                const json_t *subject;
                size_t i;

                printf("%22s: ", role);
                json_array_foreach(subjects, i, subject) {
                        fputs(i > 0 ? ", " : "", stdout);
                        print_escaped(json_is_string(subject) ? json_string_value(subject) : "?");
                }
                putchar('\n');
        }
}

static int span_print(const Context *context, const json_t *span) {
        static const OutputField fields[] = {
                { "from", "In force from", FIELD_TIME },
                { "until", "Until", FIELD_TIME },
                { "version", "Version", FIELD_TEXT },
                { "separation", "Separation of duties", FIELD_TEXT },
                { "config", "Configuration SHA-256", FIELD_TEXT },
                { "rules", "polkit rules SHA-256", FIELD_TEXT },
        };

        int r = print_fields(context, span, FIELDS(fields));
        if (r == 0)
                roles_print(json_object_get(span, "roles"));
        putchar('\n');
        return r;
}

static int rules_print(const Context *context, const AuditRules *rules) {
        const json_t *span;
        const char *subject;
        json_t *key;
        size_t i;
        int r = 0;

        if (context->json) {
                _cleanup_(json_freep) json_t *object = json_pack("{sO sO}", "rules", rules->spans,
                                                                 "reviewers", rules->reviewers);
                return print_json_value(context, object);
        }
        if (json_array_size(rules->spans) == 0)
                puts("The ledger had not begun then.");
        json_array_foreach(rules->spans, i, span)
                if (r == 0)
                        r = span_print(context, span);
        json_object_foreach(rules->reviewers, subject, key) {
                fputs("Key of ", stdout);
                print_escaped(subject);
                printf(": SHA256 %s\n", json_text(key, "key"));
        }
        return r;
}

int audit_rules(Context *context, int argc, char **argv) {
        AuditQuery window = {};
        const char *on = NULL;
        const CommandOption table[] = { { "on", .text = &on }, { "file", .text = &window.file } };
        const Usage usage = { rules_help, OPTIONS(table), 0, 0 };
        AuditRules rules = {};
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && !on)
                r = fail(context, EXIT_USAGE, "--on is required");
        if (r == 0)
                r = audit_window_get(context, on, &window);
        if (r != 0)
                return r;
        const AuditQuery query = { .file = window.file,
                                   .events = audit_rules_events,
                                   .n_events = audit_rules_event_count };
        if (audit_rules_init(&rules, window.since, window.until) < 0)
                return fail(context, EXIT_OTHER, "out of memory");
        r = audit_read(context, &query, rules_row, &rules);
        int printed = 0;
        if (audit_rules_finish(&rules) < 0)
                printed = fail(context, EXIT_OTHER, "out of memory");
        else if (r == 0 || r == EXIT_VERIFICATION)
                printed = rules_print(context, &rules);
        audit_rules_done(&rules);
        return r != 0 ? r : printed;
}
