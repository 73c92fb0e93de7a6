/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-application.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"
#include "sealsd/bus-path.h"

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

static int approver_read(sd_bus_message *m, const char *option, Approver *ret,
                         ErrorDetail *detail) {
        const char *subject, *pem;

        int r = argument_text(m, option, TEXT_MAX, &subject, detail);
        if (r == 0)
                r = argument_text(m, option, PEM_MAX, &pem, detail);
        if (r == 0)
                r = subject_parse(subject, &ret->subject, detail);
        return r == 0 ? approver_complete(ret, (Bytes){ (const uint8_t *) pem, strlen(pem) },
                                          detail)
                      : r;
}

static int read_approvers(sd_bus_message *m, const char *option, void *target,
                          ErrorDetail *detail) {
        Application *application = target;

        application->approvers_given = true;
        int r = sd_bus_message_enter_container(m, 'a', "(ss)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'r', "ss")) > 0) {
                if (application->approver_count == APPROVERS_MAX)
                        return option_too_large(detail, option, APPROVERS_MAX, "approvers");
                r = approver_read(m, option, &application->approvers[application->approver_count++],
                                  detail);
                if (r == 0)
                        r = sd_result(sd_bus_message_exit_container(m));
                if (r != 0)
                        return r;
        }
        return r < 0 ? r : sd_result(sd_bus_message_exit_container(m));
}

/* Of a renewal false says something: that it has a PIN no more. */
static int read_pin(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        Application *application = target;
        int value;

        (void) option;
        (void) detail;
        int r = sd_bus_message_read_basic(m, 'b', &value);
        application->pin = value != 0;
        application->pin_given = true;
        return sd_result(r);
}

int purposes_read(sd_bus_message *m, const char *option, unsigned *ret, ErrorDetail *detail) {
        const char *text;

        int r = sd_bus_message_enter_container(m, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(m, 's', &text)) > 0) {
                unsigned purpose = purpose_from_name(text);

                if (purpose == 0 || (*ret & purpose))
                        return option_invalid(detail, option,
                                              "each once of identity-authentication, "
                                              "document-signing, endorsement");
                *ret |= purpose;
        }
        return r < 0 ? r : sd_result(sd_bus_message_exit_container(m));
}

static int read_purposes(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        return purposes_read(m, option, &((Application *) target)->purposes, detail);
}

/* Of an amendment 0 says something: that there is no limit any more. */
static int read_use_limit(sd_bus_message *m, const char *option, void *target,
                          ErrorDetail *detail) {
        Application *application = target;
        uint64_t value;

        int r = sd_bus_message_read_basic(m, 't', &value);
        if (r < 0)
                return r;
        if (value > INT64_MAX)
                return option_invalid(detail, option, "at most 2^63 - 1");
        application->use_limit = value;
        application->use_limit_given = true;
        return 0;
}

static int read_keeper(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        Application *application = target;
        const char *text;

        int r = argument_text(m, option, TEXT_MAX, &text, detail);
        if (r != 0)
                return r;
        application->keeper_count = 1;
        return subject_parse(text, &application->keepers[0], detail);
}

/* Of 0 nothing is known yet: a renewal's picture may have the size of the old one. */
static int read_picture_mm(sd_bus_message *m, const char *option, void *target,
                           ErrorDetail *detail) {
        PictureFacts *picture = &((Application *) target)->picture;

        int r = sd_bus_message_read(m, "(uu)", &picture->width, &picture->height);
        if (r >= 0 && (picture->width == 0 || picture->width > ESEAL_MM_MAX ||
                       picture->height == 0 || picture->height > ESEAL_MM_MAX))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'%s': width and height are each 1 to %d millimetres", option,
                                 ESEAL_MM_MAX);
        return sd_result(r);
}

/* Behind the Application, in ApplicationArgs as in ChangeArgs. */
#define PICTURE offsetof(ApplicationArgs, picture)
_Static_assert(PICTURE == offsetof(ChangeArgs, picture), "the tables share it");

#define FIELD(member) offsetof(Application, member)
#define ROOM(member) (sizeof(((Application *) NULL)->member) - 1)

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
        { "approvers", OPTION_CUSTOM, 0, 0, "a(ss)", read_approvers },
        { "threshold", OPTION_U32, FIELD(threshold), 0, NULL, NULL },
        { "pin", OPTION_CUSTOM, 0, 0, "b", read_pin },
        { "organization-identifier", OPTION_TEXT, FIELD(organization_identifier),
          ROOM(organization_identifier), NULL, NULL },
        { "country", OPTION_TEXT, FIELD(country), ROOM(country), NULL, NULL },
        { "backup", OPTION_LATER, 0, 0, NULL, NULL },
        { "picture", OPTION_FILE, PICTURE, PICTURE_MAX, NULL, NULL },
        { "picture-mm", OPTION_CUSTOM, 0, 0, "(uu)", read_picture_mm },
        { "copy-of", OPTION_LATER, 0, 0, NULL, NULL },
        { "token", OPTION_TEXT, FIELD(token), ROOM(token), NULL, NULL },
};

int application_read(Operation *op, ApplicationArgs *ret, ErrorDetail *detail) {
        const Application *application = &ret->application;

        int r = method_options(op, options, ROWS(options), ret, detail);
        if (r != 0)
                return r;
        if (application->name[0] == '\0')
                return option_invalid(detail, "name", "is required");
        /* polkit's rules go by it */
        if (application->type[0] != '\0' && !seal_type_code(application->type))
                return option_invalid(detail, "type", "there is no such type of seal");
        (void) snprintf(op->kind, sizeof(op->kind), "%s", REQUEST_KIND_MAKE);
        (void) snprintf(op->type, sizeof(op->type), "%s",
                        application->type[0] ? application->type : "other");
        return 0;
}

void request_applied(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        char path[OBJECT_PATH_MAX];

        if (code != 0)
                operation_fail(userdata, code, detail);
        else
                operation_return(userdata, "o", request_path(*(const uint64_t *) result, path));
}

/* --- about a seal ----------------------------------------------------------------------------- */

#define OF(kind) (1U << (kind))
#define ANY_CHANGE (OF(KIND_COUNT) - 1)

/* The application stands first in ChangeArgs, so that its offsets are the same there. */
_Static_assert(offsetof(ChangeArgs, change) == 0, "readers take ChangeArgs for an Application");

static const struct {
        unsigned kinds;
        Option option;
} change_options[] = {
        { OF(KIND_RENEW), { "name", OPTION_TEXT, FIELD(name), ROOM(name), NULL, NULL } },
        { OF(KIND_RENEW), { "holder", OPTION_TEXT, FIELD(holder), ROOM(holder), NULL, NULL } },
        { OF(KIND_RENEW), { "class", OPTION_TEXT, FIELD(class), ROOM(class), NULL, NULL } },
        { OF(KIND_RENEW), { "type", OPTION_TEXT, FIELD(type), ROOM(type), NULL, NULL } },
        { OF(KIND_RENEW),
          { "algorithm", OPTION_TEXT, FIELD(algorithm), ROOM(algorithm), NULL, NULL } },
        { OF(KIND_RENEW), { "keepers", OPTION_CUSTOM, 0, 0, "as", read_keepers } },
        { OF(KIND_RENEW), { "not-before", OPTION_TIME, FIELD(not_before), 0, NULL, NULL } },
        { OF(KIND_RENEW), { "overlap", OPTION_TIME, FIELD(overlap), 0, NULL, NULL } },
        { OF(KIND_RENEW), { "approvers", OPTION_CUSTOM, 0, 0, "a(ss)", read_approvers } },
        { OF(KIND_RENEW), { "threshold", OPTION_U32, FIELD(threshold), 0, NULL, NULL } },
        { OF(KIND_RENEW), { "pin", OPTION_CUSTOM, 0, 0, "b", read_pin } },
        { OF(KIND_RENEW),
          { "organization-identifier", OPTION_TEXT, FIELD(organization_identifier),
            ROOM(organization_identifier), NULL, NULL } },
        { OF(KIND_RENEW), { "country", OPTION_TEXT, FIELD(country), ROOM(country), NULL, NULL } },
        { OF(KIND_RENEW), { "backup", OPTION_LATER, 0, 0, NULL, NULL } },
        { OF(KIND_RENEW), { "picture", OPTION_FILE, PICTURE, PICTURE_MAX, NULL, NULL } },
        { OF(KIND_RENEW), { "picture-mm", OPTION_CUSTOM, 0, 0, "(uu)", read_picture_mm } },
        { OF(KIND_RENEW) | OF(KIND_AMEND),
          { "purposes", OPTION_CUSTOM, 0, 0, "as", read_purposes } },
        { OF(KIND_RENEW) | OF(KIND_AMEND),
          { "use-limit", OPTION_CUSTOM, 0, 0, "t", read_use_limit } },
        { OF(KIND_RENEW) | OF(KIND_AMEND) | OF(KIND_RECERTIFY),
          { "not-after", OPTION_TIME, FIELD(not_after), 0, NULL, NULL } },
        { OF(KIND_TRANSFER), { "keeper", OPTION_CUSTOM, 0, 0, "s", read_keeper } },
        { ANY_CHANGE, { "documents", OPTION_CUSTOM, 0, 0, DOCUMENTS_SIGNATURE, read_documents } },
        { ANY_CHANGE,
          { "reason", OPTION_STRING, offsetof(ChangeArgs, reason), TEXT_MAX, NULL, NULL } },
};

/* What somebody may apply for: a review is opened by what it reviews. */
static int change_kind(const char *word, RequestKind *ret, ErrorDetail *detail) {
        int kind = request_kind_from_name(word);

        if (kind == KIND_USE)
                return option_invalid(detail, "kind", "a use is asked for with RequestUse");
        if (kind <= KIND_MAKE || kind == KIND_REVIEW)
                return option_invalid(detail, "kind",
                                      "one of renew, recertify, amend, transfer, revoke, resume, "
                                      "destroy");
        *ret = (RequestKind) kind;
        return 0;
}

int change_read_call(Operation *op, ChangeArgs *ret, ErrorDetail *detail) {
        Option table[ROWS(change_options)];
        const char *word;
        size_t count = 0;

        int r = argument_text(op->message, "kind", 0, &word, detail);
        if (r == 0)
                r = change_kind(word, &ret->kind, detail);
        if (r != 0)
                return r;
        for (size_t i = 0; i < ROWS(change_options); i++)
                if (change_options[i].kinds & OF(ret->kind))
                        table[count++] = change_options[i].option;
        r = method_options(op, table, count, ret, detail);
        if (r != 0)
                return r;
        if (!ret->reason)
                return option_invalid(detail, "reason", "is required");
        if (ret->change.type[0] != '\0' && !seal_type_code(ret->change.type))
                return option_invalid(detail, "type", "there is no such type of seal");
        (void) snprintf(op->kind, sizeof(op->kind), "%s", request_kind_name(ret->kind));
        if (ret->change.type[0] != '\0')
                (void) snprintf(op->type, sizeof(op->type), "%s", ret->change.type);
        return 0;
}
