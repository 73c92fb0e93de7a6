/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl audit: the auditor's questions, answered from the ledger. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "client/audit.h"
#include "client/bus-call.h"
#include "client/output.h"
#include "client/seal-act.h"
#include "client/verb.h"

#define USEC_OF_LAST_SECOND (USEC_PER_SEC - 1)

int audit_window_get(const Context *context, const char *on, AuditQuery *query) {
        const Clock clock = clock_system();

        int r = time_argument(context, on, false, &query->since);

        if (r == 0)
                r = time_argument(context, on, true, &query->until);
        if (r == 0 && query->until > query->since)
                query->until += USEC_OF_LAST_SECOND;
        uint64_t now = clock_now(&clock); /* behind what "now" was read as */
        if (r == 0 && query->since > now)
                r = fail(context, EXIT_USAGE, "--on takes what is past: '%s' is to come", on);
        if (r == 0 && query->until > now)
                query->until = now;
        return r;
}

int audit_since_check(const Context *context, AuditQuery *query) {
        if (query->until % USEC_PER_SEC == 0 && query->until > 0)
                query->until += USEC_OF_LAST_SECOND;
        if (query->until > 0 && query->until < query->since)
                return fail(context, EXIT_USAGE, "--until lies before --since");
        return 0;
}

static const char uses_help[] =
        "Usage: sealctl audit uses [NUMBER] [OPTIONS]\n"
        "\n"
        "Who used a seal (or any), when, for what, on which document; and who tried to\n"
        "and was refused.\n"
        "\n"
        "Options:\n" AUDIT_SINCE_HELP "  --by SUBJECT   Only what user:NAME did\n"
        "  --digest HEX   Only signatures over the document with this digest ('sealctl sign\n"
        "                 --digest-only' or sha256sum prints it)\n" AUDIT_FILE_HELP "\n"
        "Example:\n"
        "  sealctl audit uses 50011200000001 --since 2026-11-01\n"
        "\n"
        "Next: 'sealctl audit could NUMBER --on DAY' tells who else could.\n";

typedef struct UsesWanted {
        json_t *rows;
        const char *digest; /* NULL: any */
} UsesWanted;

/* The digests of a use: one, or with SignMany those of its row. An array, NULL without memory. */
static json_t *use_digests(const LedgerRow *row) {
        json_t *list = json_object_get(row->facts, "digests");
        char hex[2 * DIGEST_MAX + 1];

        if (json_is_array(list))
                return json_copy(list);
        list = json_array();
        if (row->document_hash.size > 0 && row->document_hash.size <= DIGEST_MAX)
                json_array_append_new(list, json_string(hex_encode(row->document_hash.data,
                                                                   row->document_hash.size, hex)));
        return list;
}

static bool digest_is_of(const json_t *digests, const char *digest) {
        const json_t *item;
        size_t i;

        json_array_foreach(digests, i, item)
                if (strcasecmp(json_string_value(item), digest) == 0)
                        return true;
        return false;
}

static const char *use_result(const LedgerParsed *parsed) {
        if (parsed->row.result)
                return parsed->row.result;
        return parsed->code == EVENT_USE ? "signed" : "failed";
}

static int use_row(void *userdata, const LedgerParsed *parsed) {
        const UsesWanted *wanted = userdata;
        const LedgerRow *row = &parsed->row;
        json_t *digests = use_digests(row);

        if (wanted->digest && !digest_is_of(digests, wanted->digest)) {
                json_decref(digests);
                return 0;
        }
        return audit_append(wanted->rows,
                            json_pack("{sI sI ss* ss* ss ss* ss* ss* ss* so* sI sI}", "seq",
                                      (json_int_t) row->seq, "time", (json_int_t) row->time, "seal",
                                      row->seal, "subject", row->subject, "result",
                                      use_result(parsed), "purpose", row->purpose, "by",
                                      row->object, "document", row->document, "hash", row->hash,
                                      "digests", digests, "use", (json_int_t) row->use, "count",
                                      (json_int_t) (row->count > 0 ? row->count : 1)));
}

static int uses_print(Context *context, const AuditQuery *query, UsesWanted *wanted) {
        static const OutputField columns[] = {
                { "time", "TIME", FIELD_TIME },         { "seal", "SEAL", FIELD_TEXT },
                { "subject", "WHO", FIELD_TEXT },       { "result", "RESULT", FIELD_TEXT },
                { "purpose", "PURPOSE", FIELD_TEXT },   { "count", "COUNT", FIELD_TEXT },
                { "document", "DOCUMENT", FIELD_NAME }, { "digests", "DIGEST", FIELD_NAME },
        };

        int r = audit_read(context, query, use_row, wanted);
        if (r != 0 && r != EXIT_VERIFICATION)
                return r;
        int printed = print_table(context, wanted->rows, FIELDS(columns), "No use.");
        return r != 0 ? r : printed;
}

static int audit_uses(Context *context, int argc, char **argv) {
        static const EventCode events[] = { EVENT_USE, EVENT_USE_FAILED, EVENT_USE_REFUSED };
        AuditQuery query = { .events = events, .n_events = 3 };
        UsesWanted wanted = {};
        const CommandOption table[] = { AUDIT_SINCE_OPTIONS(query),
                                        { "by", .text = &query.subject },
                                        { "digest", .text = &wanted.digest },
                                        { "file", .text = &query.file } };
        const Usage usage = { uses_help, OPTIONS(table), 0, 1 };
        char **arguments, path[PATH_SIZE], subject[SUBJECT_MAX + 1];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = audit_since_check(context, &query);
        if (r == 0 && arguments[0])
                r = seal_path_get(context, arguments[0], path);
        if (r == 0 && query.subject && !subject_complete(query.subject, subject))
                r = fail(context, EXIT_USAGE, "'%s' is nobody: write user:NAME", query.subject);
        if (r != 0)
                return r;
        query.seal = arguments[0] ? path_last(path) : NULL;
        query.subject = query.subject ? subject : NULL;
        wanted.rows = json_array();
        r = uses_print(context, &query, &wanted);
        json_decref(wanted.rows);
        return r;
}

static const char disclosures_help[] =
        "Usage: sealctl audit disclosures [OPTIONS]\n"
        "\n"
        "Who read the register or its ledger as a whole, or exported it: everybody who\n"
        "saw more than his own seals. What one person reads is one row, which is\n"
        "written after a minute, or before somebody reads the ledger.\n"
        "\n"
        "Options:\n" AUDIT_SINCE_HELP AUDIT_FILE_HELP "\n"
        "Example:\n"
        "  sealctl audit disclosures --since -30d\n"
        "\n"
        "Next: 'sealctl audit rules --on DAY' tells who had which role then.\n";

static int disclosure_row(void *userdata, const LedgerParsed *parsed) {
        const LedgerRow *row = &parsed->row;
        const json_t *facts = row->facts;

        return audit_append(
                userdata,
                json_pack("{sI sI ss* ss sI sO* sO*}", "seq", (json_int_t) row->seq, "time",
                          (json_int_t) row->time, "subject", row->subject, "what",
                          parsed->code == EVENT_LEDGER_EXPORTED ? "ExportLedger"
                          : row->object                         ? row->object
                                                                : "?",
                          "count", (json_int_t) (row->count > 0 ? row->count : 1), "first",
                          json_object_get(facts, "first"), "last", json_object_get(facts, "last")));
}

static int audit_disclosures(Context *context, int argc, char **argv) {
        static const EventCode events[] = { EVENT_DISCLOSED, EVENT_LEDGER_EXPORTED };
        static const OutputField columns[] = {
                { "time", "TIME", FIELD_TIME },
                { "subject", "WHO", FIELD_TEXT },
                { "what", "WHAT", FIELD_TEXT },
                { "count", "TIMES", FIELD_TEXT },
        };
        AuditQuery query = { .events = events, .n_events = 2 };
        const CommandOption table[] = { AUDIT_SINCE_OPTIONS(query),
                                        { "file", .text = &query.file } };
        const Usage usage = { disclosures_help, OPTIONS(table), 0, 0 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = audit_since_check(context, &query);
        if (r != 0)
                return r;
        return audit_table(context, &query, disclosure_row, FIELDS(columns), "No disclosures.");
}

static const char single_help[] =
        "Usage: sealctl audit single [OPTIONS]\n"
        "\n"
        "Which seals were made where one person may do all (separation 'single').\n"
        "\n"
        "Options:\n" AUDIT_SINCE_HELP AUDIT_FILE_HELP "\n"
        "Example:\n"
        "  sealctl audit single\n"
        "\n"
        "Next: 'sealctl show NUMBER'.\n";

static int single_row(void *userdata, const LedgerParsed *parsed) {
        const LedgerRow *row = &parsed->row;
        const json_t *mode = json_object_get(row->facts, "separation");

        if (!json_is_string(mode) || strcmp(json_string_value(mode), "single") != 0)
                return 0;
        return audit_append(userdata,
                            json_pack("{sI sI ss* ss* sO* sO*}", "seq", (json_int_t) row->seq,
                                      "time", (json_int_t) row->time, "seal", row->seal, "subject",
                                      row->subject, "name", json_object_get(row->facts, "name"),
                                      "holder", json_object_get(row->facts, "holder")));
}

static int audit_single(Context *context, int argc, char **argv) {
        static const EventCode events[] = { EVENT_SEAL_MADE };
        static const OutputField columns[] = {
                { "seal", "SEAL", FIELD_TEXT },     { "name", "NAME", FIELD_NAME },
                { "holder", "HOLDER", FIELD_NAME }, { "time", "MADE", FIELD_TIME },
                { "subject", "BY", FIELD_TEXT },
        };
        AuditQuery query = { .events = events, .n_events = 1 };
        const CommandOption table[] = { AUDIT_SINCE_OPTIONS(query),
                                        { "file", .text = &query.file } };
        const Usage usage = { single_help, OPTIONS(table), 0, 0 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = audit_since_check(context, &query);
        if (r != 0)
                return r;
        return audit_table(context, &query, single_row, FIELDS(columns),
                           "No seal was made in separation 'single'.");
}

int audit_append(void *rows, json_t *row) {
        return json_array_append_new(rows, row) < 0 ? EXIT_OTHER : 0;
}

int audit_table(Context *context, const AuditQuery *query, AuditRowFunction row,
                const OutputField *fields, size_t n_fields, const char *empty) {
        _cleanup_(json_freep) json_t *rows = json_array();

        int r = audit_read(context, query, row, rows);
        if (r != 0 && r != EXIT_VERIFICATION)
                return r;
        int printed = print_table(context, rows, fields, n_fields, empty);
        return r != 0 ? r : printed;
}

int verb_audit(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "could", audit_could, "Who could use a seal on a day" },
                { "uses", audit_uses, "Who did, for what" },
                { "rules", audit_rules, "Rules, roles and version in force on a day" },
                { "disclosures", audit_disclosures, "Who saw or exported the register" },
                { "off", audit_off, "When the daemon was off" },
                { "single", audit_single, "Seals that one person made alone" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl audit could|uses|rules|disclosures|off|single [OPTIONS]\n"
                         "\n"
                         "An auditor's questions, answered from the ledger: of this machine, or "
                         "with --file\n"
                         "of one that was exported, without a daemon. Verify such a file first, "
                         "with\n"
                         "'sealctl ledger verify FILE'.\n"
                         "\n",
                .footer = "\n'sealctl audit VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl audit could 50011200000001 --on 2026-11-20\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}
