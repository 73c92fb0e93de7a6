/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl request: one request as its reviewer has to see it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/application.h"
#include "client/approver.h"
#include "client/bus-call.h"
#include "client/file.h"
#include "client/output.h"
#include "client/use-request.h"
#include "client/verb.h"

static const char help[] =
        "Usage: sealctl request ID [--picture FILE]\n"
        "\n"
        "Everything about one request: who applied for which seal, for whom, with which\n"
        "documents, and what was decided so far. With --json the daemon's document as it\n"
        "is.\n"
        "\n"
        "Options:\n"
        "  --picture FILE    Write the picture that came with it here ('-': standard\n"
        "                    output), and show nothing else\n"
        "\n"
        "Example:\n"
        "  sealctl request 3\n"
        "\n"
        "Next: 'sealctl approve ID' or 'sealctl reject ID REASON'; for the use of a seal\n"
        "'sealctl approve-use ID'.\n";

static const OutputField request_fields[] = {
        { "id", "Request", FIELD_TEXT },
        { "kind", "Kind", FIELD_TEXT },
        { "state", "State", FIELD_TEXT },
        { "applicant", "Applicant", FIELD_TEXT },
        { "seal", "Seal number", FIELD_TEXT },
        { "target", "About seal", FIELD_TEXT },
        { "reason", "Reason", FIELD_TEXT },
        { "digest", "Digest", FIELD_TEXT },
        { "created", "Created", FIELD_TIME },
        { "expires", "Expires", FIELD_TIME },
        { "missing", "Approvals missing", FIELD_TEXT },
        { "use", "Use of the seal", FIELD_LIMIT },
        { "error", "Why not done", FIELD_TEXT },
};

static const OutputField application_fields[] = {
        { "name", "Name", FIELD_TEXT },
        { "holder", "Holder", FIELD_TEXT },
        { "organization-identifier", "Identifier", FIELD_TEXT },
        { "country", "Country", FIELD_TEXT },
        { "class", "Class", FIELD_TEXT },
        { "type", "Type", FIELD_TEXT },
        { "algorithm", "Algorithm", FIELD_TEXT },
        { "purposes", "Purposes", FIELD_TEXT },
        { "not-before", "Not before", FIELD_TIME },
        { "not-after", "Not after", FIELD_TIME },
        { "use-limit", "Use limit", FIELD_LIMIT },
        { "picture", "Picture", FIELD_TEXT },
        { "keepers", "Keepers", FIELD_TEXT },
        { "keeper", "New keeper", FIELD_TEXT },
        { "pin", "PIN", FIELD_TEXT },
        { "overlap", "Overlap", FIELD_DURATION },
};

static void documents_print(const json_t *documents) {
        const json_t *document;
        size_t i;

        if (json_array_size(documents) > 0)
                puts("\nDocuments (SHA-256):");
        json_array_foreach(documents, i, document) {
                fputs("  ", stdout);
                print_escaped(json_text(document, "hash"));
                fputs("  ", stdout);
                print_escaped(json_text(document, "title"));
                putchar('\n');
        }
}

static int decisions_print(const Context *context, const json_t *decisions) {
        static const OutputField columns[] = {
                { "by", "DECIDED BY", FIELD_TEXT },   { "verdict", "VERDICT", FIELD_TEXT },
                { "time", "TIME", FIELD_TIME },       { "signed", "SIGNED", FIELD_TEXT },
                { "comment", "COMMENT", FIELD_TEXT },
        };
        json_t *decision;
        size_t i;

        if (json_array_size(decisions) == 0)
                return 0;
        json_array_foreach(decisions, i, decision) {
                json_object_set_new(decision, "signed",
                                    json_boolean(json_text(decision, "signature")[0] != '\0'));
        }
        putchar('\n');
        return print_table(context, decisions, FIELDS(columns), "");
}

/* For some kinds the seal and the reason are all there is. */
static int application_print(const Context *context, const json_t *request) {
        json_t *application = json_object_get(request, "application");
        bool says = false;

        for (size_t i = 0; i < sizeof(application_fields) / sizeof(application_fields[0]); i++)
                if (json_object_get(application, application_fields[i].key))
                        says = true;
        if (!says)
                return 0;
        puts(json_text(request, "target")[0] == '\0' ? "\nThe seal that is applied for:"
                                                     : "\nWhat is applied for:");
        picture_flatten(application);
        int r = print_fields(context, application, FIELDS(application_fields));
        if (r != 0)
                return r;
        return approvers_print(context, json_object_get(application, "approvers"),
                               json_integer_value(json_object_get(application, "threshold")));
}

/* Of a use: what is signed, who has approved it, and whom it waits for. */
static int use_print(const Context *context, const json_t *request) {
        static const OutputField fields[] = {
                { "document-name", "Document", FIELD_TEXT },
                { "digest", "Its digest", FIELD_TEXT },
                { "hash", "Hash", FIELD_TEXT },
                { "scheme", "Scheme", FIELD_TEXT },
                { "format", "Format", FIELD_TEXT },
                { "signing-time", "Signing time", FIELD_TIME },
                { "property-info", "Property info", FIELD_TEXT },
                { "purpose", "Purpose", FIELD_TEXT },
                { "live", "Live", FIELD_TEXT },
        };
        static const OutputField columns[] = {
                { "approver", "APPROVED BY", FIELD_TEXT },
                { "by", "HANDED IN BY", FIELD_TEXT },
                { "time", "TIME", FIELD_TIME },
        };
        const json_t *approvals = json_object_get(request, "approvals");
        _cleanup_free_ char *progress = NULL;
        char id[24];

        puts("\nThe signature that is asked for:");
        int r = print_fields(context, json_object_get(request, "application"), FIELDS(fields));
        if (r != 0)
                return r;
        if (use_progress_text(request, &progress) == 0) {
                putchar('\n');
                print_escaped(progress);
                putchar('\n');
        }
        if (json_array_size(approvals) > 0) {
                putchar('\n');
                r = print_table(context, approvals, FIELDS(columns), "");
        }
        (void) snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT,
                        json_integer_value(json_object_get(request, "id")));
        use_next_print(request, id);
        return r;
}

static int request_print(const Context *context, json_t *request) {
        const bool use = strcmp(json_text(request, "kind"), "use") == 0;

        if (context->json)
                return print_json_value(context, request);
        note_opaque(context, request);
        if (use) /* it is of decisions */
                (void) json_object_del(request, "digest");
        if (json_integer_value(json_object_get(request, "use")) == 0)
                (void) json_object_del(request, "use");
        int r = print_fields(context, request, FIELDS(request_fields));
        if (r != 0)
                return r;
        if (use)
                return use_print(context, request);
        r = application_print(context, request);
        if (r != 0)
                return r;
        documents_print(json_object_get(json_object_get(request, "application"), "documents"));
        return decisions_print(context, json_object_get(request, "decisions"));
}

static int picture_write(Context *context, const char *path, const char *output) {
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;
        const char *type = "";
        const void *data = NULL;
        size_t size = 0;

        int r = call_new(context, path, REQUEST, "GetPicture", &call);
        if (r == 0)
                r = call_send(context, call, &reply);
        if (r != 0)
                return r;
        int read = sd_bus_message_read(reply, "s", &type);
        if (read >= 0)
                read = sd_bus_message_read_array(reply, 'y', &data, &size);
        if (read < 0)
                return fail_errno(context, read, "the picture cannot be read");
        if (strcmp(output, "-") == 0 && (isatty(STDOUT_FILENO) || context->json))
                return fail(context, EXIT_USAGE,
                            "a picture is binary: name a file, or redirect without --json");
        r = file_write(context, output, 0644, (Bytes){ data, size });
        if (r != 0 || strcmp(output, "-") == 0)
                return r;
        return print_done(context, "type", type, "The picture (%s) is in %s", type, output);
}

int verb_request(Context *context, int argc, char **argv) {
        const char *picture = NULL;
        const CommandOption table[] = { { "picture", .text = &picture } };
        const Usage usage = { help, OPTIONS(table), 1, 1 };
        _cleanup_(json_freep) json_t *request = NULL;
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = request_path_get(context, arguments[0], path);
        if (r == 0 && picture)
                return picture_write(context, path, picture);
        if (r == 0)
                r = describe(context, path, REQUEST, &request);
        return r != 0 ? r : request_print(context, request);
}
