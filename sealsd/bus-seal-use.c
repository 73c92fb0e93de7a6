/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-seal-use.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/bus-application.h"
#include "sealsd/bus-dictionary.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"
#include "sealsd/bus-path.h"

/* --- signatures ----------------------------------------------------------------------------- */

/* Which words there are, and go together, is the algorithm's to say. */
static int read_hash(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        return argument_text(m, option, WORD_MAX, &((SignOptions *) target)->hash, detail);
}

static int read_scheme(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        return argument_text(m, option, WORD_MAX, &((SignOptions *) target)->scheme, detail);
}

static int read_format(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        SignOptions *sign = target;
        const char *text;

        int r = sd_bus_message_read_basic(m, 's', &text);
        if (r < 0)
                return r;
        sign->format = sign_format_find(text);
        return sign->format == SIGN_FORMAT_COUNT
                       ? option_invalid(detail, option, "one of " SIGN_FORMAT_NAMES)
                       : 0;
}

/* IA5String (GB/T 38540-2020 §7.2.2), of what can be shown. */
static int read_property_info(sd_bus_message *m, const char *option, void *target,
                              ErrorDetail *detail) {
        SignOptions *sign = target;

        int r = argument_text(m, option, PROPERTY_INFO_MAX, &sign->property_info, detail);
        if (r != 0)
                return r;
        for (const char *c = sign->property_info; *c != '\0'; c++)
                if (*c < ' ' || *c > '~')
                        return option_invalid(detail, option, "one line of ASCII");
        return sign->property_info[0] != '\0' ? 0
                                              : option_invalid(detail, option, "one line of ASCII");
}

static int read_purpose(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        SignOptions *sign = target;
        const char *text;

        int r = sd_bus_message_read_basic(m, 's', &text);
        if (r < 0)
                return r;
        sign->purpose = (Purpose) purpose_from_name(text);
        if (sign->purpose == 0)
                return option_invalid(
                        detail, option,
                        "one of identity-authentication, document-signing, endorsement");
        return 0;
}

/* It is written into the journal, where a line is an entry. */
static int read_document_name(sd_bus_message *m, const char *option, void *target,
                              ErrorDetail *detail) {
        SignOptions *sign = target;

        int r = argument_text(m, option, TEXT_MAX, &sign->document_name, detail);
        if (r != 0)
                return r;
        return text_is_line(sign->document_name, TEXT_MAX)
                       ? 0
                       : option_invalid(detail, option, "one line of text");
}

static const Option sign_options[] = {
        { "hash", OPTION_CUSTOM, 0, 0, "s", read_hash },
        { "scheme", OPTION_CUSTOM, 0, 0, "s", read_scheme },
        { "format", OPTION_CUSTOM, 0, 0, "s", read_format },
        { "purpose", OPTION_CUSTOM, 0, 0, "s", read_purpose },
        { "document-name", OPTION_CUSTOM, 0, 0, "s", read_document_name },
        { "property-info", OPTION_CUSTOM, 0, 0, "s", read_property_info },
        { "pin", OPTION_SECRET, offsetof(SignOptions, pin), 0, NULL, NULL },
};

int parse_sign(Operation *op, ErrorDetail *detail) {
        SignArgs *args = op->args;

        int r = argument_bytes(op->message, "digest", DIGEST_MAX, &args->digest, detail);
        if (r != 0)
                return r;
        args->sign.count = 1;
        args->sign.digests = &args->digest;
        return method_options(op, sign_options, ROWS(sign_options), &args->sign, detail);
}

int parse_sign_many(Operation *op, ErrorDetail *detail) {
        SignManyArgs *args = op->args;
        SignOptions *sign = &args->sign;

        int r = sd_bus_message_enter_container(op->message, 'a', "ay");
        while (r >= 0 && (r = sd_bus_message_at_end(op->message, false)) == 0) {
                if (sign->count == SIGN_MANY_MAX)
                        return option_too_large(detail, "digests", SIGN_MANY_MAX, "digests");
                r = argument_bytes(op->message, "digests", DIGEST_MAX,
                                   &args->digests[sign->count++], detail);
                if (r != 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(op->message);
        if (r < 0)
                return r;
        sign->digests = args->digests;
        return method_options(op, sign_options, ROWS(sign_options), sign, detail);
}

static int append_signature(sd_bus_message *m, const void *result) {
        const SignResult *sign = result;
        const Bytes *signature = &sign->signatures[0];

        int r = sd_bus_message_append_array(m, 'y', signature->data, signature->size);
        return r < 0 ? r : sd_bus_message_append(m, "t", sign->use);
}

static int append_signatures(sd_bus_message *m, const void *result) {
        const SignResult *sign = result;

        int r = sd_bus_message_open_container(m, 'a', "ay");
        for (size_t i = 0; r >= 0 && i < sign->count; i++)
                r = sd_bus_message_append_array(m, 'y', sign->signatures[i].data,
                                                sign->signatures[i].size);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_append(m, "t", sign->use);
}

void seal_signed(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        operation_answer(userdata, code, detail, append_signature, result);
}

static void seal_signed_many(void *userdata, int code, const ErrorDetail *detail,
                             const void *result) {
        operation_answer(userdata, code, detail, append_signatures, result);
}

int run_sign(Operation *op, ErrorDetail *detail) {
        const SignArgs *args = op->args;

        return service_seal_sign(op->bus->service, &op->caller, op->number, &args->sign,
                                 (Reply){ .done = seal_signed, .userdata = op }, detail);
}

int run_sign_many(Operation *op, ErrorDetail *detail) {
        const SignManyArgs *args = op->args;

        return service_seal_sign(op->bus->service, &op->caller, op->number, &args->sign,
                                 (Reply){ .done = seal_signed_many, .userdata = op }, detail);
}

/* --- requests for certificates ---------------------------------------------------------------- */

int parse_certificate_request(Operation *op, ErrorDetail *detail) {
        static const Option table[] = {
                { "hash", OPTION_CUSTOM, 0, 0, "s", read_hash },
                { "scheme", OPTION_CUSTOM, 0, 0, "s", read_scheme },
                { "purpose", OPTION_CUSTOM, 0, 0, "s", read_purpose },
                { "pin", OPTION_SECRET, offsetof(SignOptions, pin), 0, NULL, NULL },
        };
        SignArgs *args = op->args;

        args->sign.format = FORMAT_PKCS10;
        args->sign.count = 1;
        args->sign.digests = &args->digest;
        return method_options(op, table, ROWS(table), &args->sign, detail);
}

static int append_request(sd_bus_message *m, const void *result) {
        const Bytes *request = &((const SignResult *) result)->signatures[0];

        return sd_bus_message_append_array(m, 'y', request->data, request->size);
}

static void certificate_requested(void *userdata, int code, const ErrorDetail *detail,
                                  const void *result) {
        operation_answer(userdata, code, detail, append_request, result);
}

int run_certificate_request(Operation *op, ErrorDetail *detail) {
        const SignArgs *args = op->args;

        return service_seal_sign(op->bus->service, &op->caller, op->number, &args->sign,
                                 (Reply){ .done = certificate_requested, .userdata = op }, detail);
}

/* --- uses that approvers sign for ------------------------------------------------------------- */

/* The signature's options stand first, so that their readers take it for SignOptions. */
_Static_assert(offsetof(RequestUseArgs, use.sign) == 0, "readers take it for SignOptions");

static const Option request_use_options[] = {
        { "hash", OPTION_CUSTOM, 0, 0, "s", read_hash },
        { "scheme", OPTION_CUSTOM, 0, 0, "s", read_scheme },
        { "format", OPTION_CUSTOM, 0, 0, "s", read_format },
        { "purpose", OPTION_CUSTOM, 0, 0, "s", read_purpose },
        { "document-name", OPTION_CUSTOM, 0, 0, "s", read_document_name },
        { "property-info", OPTION_CUSTOM, 0, 0, "s", read_property_info },
        { "pin", OPTION_SECRET, offsetof(RequestUseArgs, use.pin), 0, NULL, NULL },
        { "expires", OPTION_TIME, offsetof(RequestUseArgs, use.expires), 0, NULL, NULL },
        { "live", OPTION_BOOLEAN, offsetof(RequestUseArgs, use.live), 0, NULL, NULL },
};

int parse_request_use(Operation *op, ErrorDetail *detail) {
        RequestUseArgs *args = op->args;

        int r = argument_bytes(op->message, "digest", DIGEST_MAX, &args->digest, detail);
        if (r != 0)
                return r;
        args->use.sign.count = 1;
        args->use.sign.digests = &args->digest;
        return method_options(op, request_use_options, ROWS(request_use_options), args, detail);
}

int run_request_use(Operation *op, ErrorDetail *detail) {
        const RequestUseArgs *args = op->args;

        return service_request_use(op->bus->service, &op->caller, op->number, &args->use,
                                   (Reply){ .done = request_applied, .userdata = op }, detail);
}

/* --- grants --------------------------------------------------------------------------------- */

static int read_grant_purposes(sd_bus_message *m, const char *option, void *target,
                               ErrorDetail *detail) {
        int r = purposes_read(m, option, &((Grant *) target)->purposes, detail);

        if (r == 0 && ((Grant *) target)->purposes == 0)
                return option_invalid(detail, option, "at least one");
        return r;
}

static const Option grant_options[] = {
        { "purposes", OPTION_CUSTOM, 0, 0, "as", read_grant_purposes },
        { "not-before", OPTION_TIME, offsetof(Grant, not_before), 0, NULL, NULL },
        { "until", OPTION_TIME, offsetof(Grant, until), 0, NULL, NULL },
        { "count", OPTION_TIME, offsetof(Grant, count), 0, NULL, NULL },
        { "keeper", OPTION_BOOLEAN, offsetof(Grant, keeper), 0, NULL, NULL },
        { "emergency", OPTION_BOOLEAN, offsetof(Grant, emergency), 0, NULL, NULL },
        { "reason", OPTION_TEXT, offsetof(Grant, reason), TEXT_MAX, NULL, NULL },
};

int parse_add_grant(Operation *op, ErrorDetail *detail) {
        Grant *grant = op->args;
        const char *subject;

        int r = argument_text(op->message, "subject", TEXT_MAX, &subject, detail);
        if (r == 0)
                r = subject_parse(subject, &grant->subject, detail);
        if (r != 0)
                return r;
        return method_options(op, grant_options, ROWS(grant_options), grant, detail);
}

int run_add_grant(Operation *op, ErrorDetail *detail) {
        Grant *grant = op->args;
        char id[24];

        int r = service_grant_add(op->bus->service, &op->caller, op->number, grant, detail);
        if (r != 0)
                return r;
        (void) snprintf(id, sizeof(id), "%" PRIu64, grant->id);
        operation_return(op, "s", id);
        return 0;
}

int parse_remove_grant(Operation *op, ErrorDetail *detail) {
        RemoveGrantArgs *args = op->args;
        const char *id;

        int r = argument_text(op->message, "id", TEXT_MAX, &id, detail);
        if (r != 0)
                return r;
        if (!request_id_parse(id, &args->id))
                return option_invalid(detail, "id", "a number, as AddGrant and ListGrants give it");
        return argument_text(op->message, "reason", TEXT_MAX, &args->reason, detail);
}

int run_remove_grant(Operation *op, ErrorDetail *detail) {
        const RemoveGrantArgs *args = op->args;

        int r = service_grant_remove(op->bus->service, &op->caller, op->number, args->id,
                                     args->reason, detail);
        if (r == 0)
                operation_return(op, NULL);
        return r;
}

static int append_grant_facts(sd_bus_message *m, const Grant *grant) {
        const char *purposes[PURPOSES_MAX];
        size_t count = 0;

        for (unsigned purpose = 1; purpose <= PURPOSE_ALL; purpose <<= 1)
                if (grant->purposes & purpose)
                        purposes[count++] = purpose_name((Purpose) purpose);
        int r = dictionary_open(m);
        if (r == 0)
                r = dictionary_texts(m, "purposes", purposes, count);
        if (r == 0)
                r = dictionary_u64(m, "not-before", grant->not_before);
        if (r == 0)
                r = dictionary_u64(m, "until", grant->until);
        if (r == 0)
                r = dictionary_u64(m, "count", grant->count);
        if (r == 0)
                r = dictionary_u64(m, "used", grant->used);
        if (r == 0)
                r = dictionary_boolean(m, "keeper", grant->keeper);
        if (r == 0)
                r = dictionary_boolean(m, "emergency", grant->emergency);
        if (r == 0)
                r = dictionary_text(m, "giver", grant->giver.text);
        if (r == 0)
                r = dictionary_u64(m, "given", grant->given);
        if (r == 0)
                r = dictionary_text(m, "reason", grant->reason);
        return r == 0 ? dictionary_close(m) : r;
}

static int append_grant(sd_bus_message *m, const Grant *grant) {
        char id[24];

        (void) snprintf(id, sizeof(id), "%" PRIu64, grant->id);
        int r = sd_bus_message_open_container(m, 'r', "ssa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", id, grant->subject.text);
        if (r >= 0)
                r = append_grant_facts(m, grant);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int run_list_grants(Operation *op, ErrorDetail *detail) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ Grant *grants = NULL;
        size_t count = 0;

        int r = service_grant_list(op->bus->service, &op->caller, op->number, &grants, &count,
                                   detail);
        if (r != 0)
                return r;
        r = sd_bus_message_new_method_return(op->message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssa{sv})");
        for (size_t i = 0; r >= 0 && i < count; i++)
                r = append_grant(reply, &grants[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        operation_finish(op, r, reply);
        return 0;
}
