/* SPDX-License-Identifier: Apache-2.0 */
#include "client/application.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "client/approver.h"
#include "client/bus-call.h"
#include "client/file.h"
#include "client/output.h"
#include "client/seal-filter.h"
#include "client/text.h"
#include "policy/algorithm.h"

#define TITLE_SIZE (TEXT_MAX + 1)

static int document_append(const Context *context, const char *document, sd_bus_message *call) {
        char title[TITLE_SIZE];
        uint8_t digest[EVP_MAX_MD_SIZE];
        size_t size = 0;

        const char *equals = strchr(document, '=');
        if (!equals || equals == document || equals[1] == '\0' ||
            (size_t) (equals - document) >= sizeof(title))
                return fail(context, EXIT_USAGE, "--document takes TITLE=FILE, not '%s'", document);
        (void) snprintf(title, sizeof(title), "%.*s", (int) (equals - document), document);
        int r = file_hash(context, equals + 1, EVP_sha256(), (Bytes){}, digest, &size);
        if (r != 0)
                return r;
        int built = sd_bus_message_open_container(call, 'r', "say");
        if (built >= 0)
                built = text_append(call, title);
        if (built >= 0)
                built = sd_bus_message_append_array(call, 'y', digest, size);
        if (built >= 0)
                built = sd_bus_message_close_container(call);
        return call_built(context, built);
}

static int documents_open(sd_bus_message *call) {
        int r = sd_bus_message_open_container(call, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(call, "s", "documents");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'v', "a(say)");
        return r < 0 ? r : sd_bus_message_open_container(call, 'a', "(say)");
}

static int documents_close(sd_bus_message *call) {
        int r = 0;

        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(call);
        return r;
}

int documents_append(const Context *context, const TextList *documents, Entries *entries) {
        sd_bus_message *call = entries->message;

        if (documents->count == 0 || entries->r < 0)
                return 0;
        int r = call_built(context, documents_open(call));
        for (size_t i = 0; i < documents->count && r == 0; i++)
                r = document_append(context, documents->values[i], call);
        return r != 0 ? r : call_built(context, documents_close(call));
}

/* Texts with a prefix need a place to live until they are appended. */
static int keepers_append(const Context *context, const TextList *keepers, Entries *entries) {
        char subjects[KEEPERS_MAX][SUBJECT_MAX + 1];
        TextList list = { .count = keepers->count };

        if (keepers->count > KEEPERS_MAX)
                return fail(context, EXIT_USAGE, "a seal has at most %d keepers", KEEPERS_MAX);
        for (size_t i = 0; i < keepers->count; i++) {
                if (!subject_complete(keepers->values[i], subjects[i]))
                        return fail(context, EXIT_USAGE,
                                    "'%s' is no keeper: write user:NAME or group:NAME",
                                    keepers->values[i]);
                list.values[i] = subjects[i];
        }
        entry_texts(entries, "keepers", &list);
        return 0;
}

static void plain_append(Entries *entries, const ApplicationWords *a) {
        entry_text(entries, "name", a->name);
        entry_text(entries, "class", a->class);
        entry_text(entries, "type", a->type);
        entry_text(entries, "holder", a->holder);
        entry_text(entries, "algorithm", a->algorithm);
        entry_text(entries, "token", a->token);
        entry_text(entries, "organization-identifier", a->organization_identifier);
        entry_text(entries, "country", a->country);
        entry_time(entries, "not-before", a->not_before);
        entry_time(entries, "not-after", a->not_after);
        entry_time(entries, "use-limit", a->use_limit);
        entry_texts(entries, "purposes", &a->purposes);
}

/* What is no UTF-8 is told when it is appended. */
static bool purposes_known(const TextList *purposes) {
        static const char *const words[] = { "document-signing", "identity-authentication",
                                             "endorsement" };

        for (size_t i = 0; i < purposes->count; i++)
                if (text_is_utf8(purposes->values[i], strlen(purposes->values[i])) &&
                    !word_is_of(purposes->values[i], words, 3))
                        return false;
        return purposes->count <= PURPOSES_MAX;
}

static int words_check(const Context *context, const ApplicationWords *a) {
        static const char *const classes[] = { "institution", "personal" };

        if (a->class && !word_is_of(a->class, classes, 2))
                return fail(context, EXIT_USAGE, "there is no class '%s' of seals", a->class);
        if (a->type && !word_is_of(a->type, seal_types, SEAL_TYPE_COUNT))
                return fail(context, EXIT_USAGE, "there is no type '%s' of seals", a->type);
        if (a->algorithm && !algorithm_find(a->algorithm))
                return fail(context, EXIT_USAGE, "there is no algorithm '%s': it is one of %s",
                            a->algorithm, ALGORITHM_NAMES);
        if (!purposes_known(&a->purposes))
                return fail(context, EXIT_USAGE,
                            "--purpose is document-signing, identity-authentication or "
                            "endorsement, each at most once");
        return 0;
}

int application_words_check(const Context *context, const ApplicationWords *a) {
        if (!a->name || a->name[0] == '\0')
                return fail(context, EXIT_USAGE, "--name is required");
        if (a->not_after > 0 && a->not_after <= a->not_before)
                return fail(context, EXIT_USAGE, "--not-after lies before --not-before");
        if (a->threshold > 0 && a->approvers.count == 0)
                return fail(context, EXIT_USAGE,
                            "--threshold is of approvers: --approver is missing");
        int r = words_check(context, a);
        return r != 0 ? r : approvers_check(context, a);
}

/* "42x30" */
static bool millimetres_parse(const char *text, uint32_t *ret_width, uint32_t *ret_height) {
        unsigned width, height;
        int used = 0;

        if (strspn(text, "0123456789x") != strlen(text) || strlen(text) > 9 ||
            sscanf(text, "%ux%u%n", &width, &height, &used) != 2 || text[used] != '\0')
                return false;
        *ret_width = width;
        *ret_height = height;
        return true;
}

static int picture_append(const Context *context, const ApplicationWords *a, Entries *entries) {
        uint32_t width, height;
        uint8_t *data = NULL;
        size_t size = 0;

        if (a->picture_mm && !millimetres_parse(a->picture_mm, &width, &height))
                return fail(context, EXIT_USAGE,
                            "--picture-mm takes width and height in millimetres, as 42x42, not "
                            "'%s'",
                            a->picture_mm);
        if (a->picture_mm && entries->r >= 0)
                entries->r = sd_bus_message_append(entries->message, "{sv}", "picture-mm", "(uu)",
                                                   width, height);
        if (!a->picture)
                return 0;
        int r = file_read(context, a->picture, PICTURE_MAX, &data, &size);
        if (r == 0)
                entry_bytes(entries, "picture", (Bytes){ data, size });
        file_data_free(data, size);
        return r;
}

int application_entries(const Context *context, const ApplicationWords *application,
                        Entries *entries) {
        plain_append(entries, application);
        int r = keepers_append(context, &application->keepers, entries);
        if (r == 0)
                r = approvers_append(context, application, entries);
        if (r == 0)
                r = picture_append(context, application, entries);
        return r != 0 ? r : documents_append(context, &application->documents, entries);
}

int application_words_append(const Context *context, const ApplicationWords *application,
                             sd_bus_message *call) {
        Entries entries = entries_open(call);

        int r = application_entries(context, application, &entries);
        return r != 0 ? r : call_built(context, entries_close(&entries));
}

void picture_flatten(json_t *object) {
        const json_t *picture = json_object_get(object, "picture");
        char text[256];

        if (!json_is_object(picture))
                return;
        (void) snprintf(
                text, sizeof(text),
                "%.16s, %" JSON_INTEGER_FORMAT " x %" JSON_INTEGER_FORMAT " mm, SHA-256 %.64s",
                json_text(picture, "type"), json_integer_value(json_object_get(picture, "width")),
                json_integer_value(json_object_get(picture, "height")),
                json_text(picture, "sha256"));
        (void) json_object_set_new(object, "picture", json_string(text));
}

int application_report(const Context *context, const char *path) {
        uint64_t id = 0;

        if (!context->json) {
                printf("Request %s\n", path_last(path));
                printf("Next: a reviewer looks first with 'sealctl request %s', then runs "
                       "'sealctl approve %s'\n",
                       path_last(path), path_last(path));
                return 0;
        }
        (void) count_parse(path_last(path), &id);
        _cleanup_(json_freep)
                json_t *object = json_pack("{sssI}", "request", path, "id", (json_int_t) id);
        return print_json_value(context, object);
}
