/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-application.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"

static int document_read(sd_bus_message *m, const char *option, Document *ret,
                         ErrorDetail *detail) {
        const char *title;
        Bytes hash = {};

        int r = argument_text(m, option, NAME_BYTES_MAX, &title, detail);
        if (r != 0)
                return r;
        r = argument_bytes(m, option, DIGEST_MAX, &hash, detail);
        if (r != 0)
                return r;
        strcpy(ret->title, title);
        ret->hash_size = hash.size;
        if (hash.size > 0)
                memcpy(ret->hash, hash.data, hash.size);
        return 0;
}

int documents_read(sd_bus_message *m, const char *option, Document *documents, size_t *count,
                   ErrorDetail *detail) {
        int r = sd_bus_message_enter_container(m, 'a', "(say)");

        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'r', "say")) > 0) {
                if (*count == DOCUMENTS_MAX)
                        return option_too_large(detail, option, DOCUMENTS_MAX, "documents");
                r = document_read(m, option, &documents[(*count)++], detail);
                if (r == 0)
                        r = sd_result(sd_bus_message_exit_container(m));
                if (r != 0)
                        return r;
        }
        return r < 0 ? r : sd_result(sd_bus_message_exit_container(m));
}

static int read_documents(sd_bus_message *m, const char *option, void *target,
                          ErrorDetail *detail) {
        Application *application = target;

        return documents_read(m, option, application->documents, &application->document_count,
                              detail);
}

static int read_keepers(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        Application *application = target;
        const char *text;

        int r = sd_bus_message_enter_container(m, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(m, 's', &text)) > 0) {
                if (application->keeper_count == KEEPERS_MAX)
                        return option_too_large(detail, option, KEEPERS_MAX, "keepers");
                r = subject_parse(text, &application->keepers[application->keeper_count++], detail);
                if (r != 0)
                        return r;
        }
        return r < 0 ? r : sd_result(sd_bus_message_exit_container(m));
}

static int read_purposes(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        Application *application = target;
        const char *text;

        int r = sd_bus_message_enter_container(m, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(m, 's', &text)) > 0) {
                unsigned purpose = purpose_from_name(text);

                if (purpose == 0 || (application->purposes & purpose))
                        return option_invalid(detail, option,
                                              "each once of identity-authentication, "
                                              "document-signing, endorsement");
                application->purposes |= purpose;
        }
        return r < 0 ? r : sd_result(sd_bus_message_exit_container(m));
}

#define FIELD(member) offsetof(Application, member)
#define ROOM(member) (sizeof(((Application *) NULL)->member) - 1)

/* token stands last, so that one row less is the table without it. */
static const Option options[] = {
        { "name", OPTION_TEXT, FIELD(name), ROOM(name), NULL, NULL },
        { "holder", OPTION_TEXT, FIELD(holder), ROOM(holder), NULL, NULL },
        { "class", OPTION_TEXT, FIELD(class), ROOM(class), NULL, NULL },
        { "type", OPTION_TEXT, FIELD(type), ROOM(type), NULL, NULL },
        { "algorithm", OPTION_TEXT, FIELD(algorithm), ROOM(algorithm), NULL, NULL },
        { "purposes", OPTION_CUSTOM, 0, 0, "as", read_purposes },
        { "not-before", OPTION_TIME, FIELD(not_before), 0, NULL, NULL },
        { "not-after", OPTION_TIME, FIELD(not_after), 0, NULL, NULL },
        { "use-limit", OPTION_TIME, FIELD(use_limit), 0, NULL, NULL },
        { "keepers", OPTION_CUSTOM, 0, 0, "as", read_keepers },
        { "documents", OPTION_CUSTOM, 0, 0, DOCUMENTS_SIGNATURE, read_documents },
        { "approvers", OPTION_LATER, 0, 0, NULL, NULL },
        { "threshold", OPTION_LATER, 0, 0, NULL, NULL },
        { "pin", OPTION_LATER, 0, 0, NULL, NULL },
        { "backup", OPTION_LATER, 0, 0, NULL, NULL },
        { "picture", OPTION_LATER, 0, 0, NULL, NULL },
        { "picture-mm", OPTION_LATER, 0, 0, NULL, NULL },
        { "copy-of", OPTION_LATER, 0, 0, NULL, NULL },
        { "token", OPTION_TEXT, FIELD(token), ROOM(token), NULL, NULL },
};

int application_read(Operation *op, bool token, Application *ret, ErrorDetail *detail) {
        size_t count = ROWS(options) - (token ? 0 : 1);

        int r = method_options(op, options, count, ret, detail);
        if (r != 0)
                return r;
        if (ret->name[0] == '\0')
                return option_invalid(detail, "name", "is required");
        if (ret->type[0] != '\0' && !seal_type_code(ret->type)) /* polkit's rules go by it */
                return option_invalid(detail, "type", "there is no such type of seal");
        (void) snprintf(op->kind, sizeof(op->kind), "%s", REQUEST_KIND_MAKE);
        (void) snprintf(op->type, sizeof(op->type), "%s", ret->type[0] ? ret->type : "other");
        return 0;
}
