/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/application.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/clock.h"
#include "base/text.h"
#include "format/picture.h"
#include "policy/algorithm.h"
#include "sealsd/json.h"

#define TYPE_DEFAULT "other"
#define CLASS_DEFAULT "institution"

static const struct {
        const char *word, *code;
} types[] = {
        { "official", "01" },
        { "finance", "02" },
        { "invoice", "03" },
        { "contract", "04" },
        { "legal-representative", "05" },
        { "personnel", "06" },
        { "department", "07" },
        { "special", "08" },
        { "other", "99" },
};

static const struct {
        Purpose purpose;
        const char *name;
} purposes[] = {
        { PURPOSE_IDENTITY_AUTHENTICATION, "identity-authentication" },
        { PURPOSE_DOCUMENT_SIGNING, "document-signing" },
        { PURPOSE_ENDORSEMENT, "endorsement" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *purpose_name(Purpose purpose) {
        for (size_t i = 0; i < COUNT(purposes); i++)
                if (purposes[i].purpose == purpose)
                        return purposes[i].name;
        return "?";
}

unsigned purpose_from_name(const char *name) {
        for (size_t i = 0; i < COUNT(purposes); i++)
                if (strcmp(purposes[i].name, name) == 0)
                        return purposes[i].purpose;
        return 0;
}

const char *seal_type_code(const char *type) {
        for (size_t i = 0; i < COUNT(types); i++)
                if (strcmp(types[i].word, type) == 0)
                        return types[i].code;
        return NULL;
}

/* --- completion ----------------------------------------------------------------------------- */

static void fill_text(char *field, size_t size, const char *value) {
        if (field[0] == '\0')
                (void) snprintf(field, size, "%s", value);
}

static void fill_defaults(Application *a, const Subject *applicant, uint64_t now,
                          unsigned validity_days) {
        fill_text(a->holder, sizeof(a->holder), a->name);
        fill_text(a->class, sizeof(a->class), CLASS_DEFAULT);
        fill_text(a->type, sizeof(a->type), TYPE_DEFAULT);
        fill_text(a->algorithm, sizeof(a->algorithm), ALGORITHM_DEFAULT);
        if (a->purposes == 0)
                a->purposes = PURPOSE_ALL;
        if (a->not_before == 0)
                a->not_before = now;
        if (a->not_after == 0 && a->not_before <= JSON_NUMBER_MAX)
                a->not_after = a->not_before + validity_days * USEC_PER_DAY;
        if (a->keeper_count == 0)
                a->keepers[a->keeper_count++] = *applicant;
        if (a->threshold == 0)
                a->threshold = (unsigned) a->approver_count;
}

int option_check_line(const char *option, const char *text, ErrorDetail *detail) {
        if (text[0] == '\0')
                return error_set(detail, SEAL_E_INVALID_ARGS, "'%s' is required", option);
        if (!text_is_line(text, NAME_CHARS_MAX))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'%s' is at most %d characters of plain text on one line", option,
                                 NAME_CHARS_MAX);
        return 0;
}

/* Whether the chip has it is for others to ask. */
static int check_algorithm(const char *algorithm, ErrorDetail *detail) {
        if (algorithm_find(algorithm))
                return 0;
        return error_set(detail, SEAL_E_INVALID_ARGS, "'algorithm' is one of " ALGORITHM_NAMES);
}

static int check_words(const Application *a, ErrorDetail *detail) {
        if (strcmp(a->class, "institution") != 0 && strcmp(a->class, "personal") != 0)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'class' is institution or personal, not '%s'", a->class);
        if (!seal_type_code(a->type))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'type' is official, finance, invoice, contract, "
                                 "legal-representative, personnel, department, special or other, "
                                 "not '%s'",
                                 a->type);
        if (a->purposes & ~(unsigned) PURPOSE_ALL)
                return error_set(detail, SEAL_E_INVALID_ARGS, "'purposes' has an unknown one");
        return check_algorithm(a->algorithm, detail);
}

static int check_numbers(const Application *a, uint64_t now, ErrorDetail *detail) {
        if (a->not_before > JSON_NUMBER_MAX || a->not_after > JSON_NUMBER_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'%s' is too far away; times are microseconds since 1970",
                                 a->not_before > JSON_NUMBER_MAX ? "not-before" : "not-after");
        if (a->not_after <= a->not_before)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'not-after' must be after 'not-before'");
        if (a->not_after <= now)
                return error_set(detail, SEAL_E_INVALID_ARGS, "'not-after' is in the future");
        if (a->use_limit > JSON_NUMBER_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS, "'use-limit' is too large");
        return 0;
}

static int check_keepers(const Application *a, ErrorDetail *detail) {
        if (a->keeper_count > KEEPERS_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS, "'keepers' are 1 to %d", KEEPERS_MAX);
        for (size_t i = 0; i < a->keeper_count; i++)
                for (size_t k = 0; k < i; k++)
                        if (subject_equal(&a->keepers[i], &a->keepers[k]))
                                return error_set(detail, SEAL_E_INVALID_ARGS,
                                                 "'keepers' names %s twice", a->keepers[i].text);
        return 0;
}

/* One person, or one key, that counts twice would make k of n less than k people. */
static int check_approvers(const Application *a, ErrorDetail *detail) {
        if (a->approver_count > APPROVERS_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS, "'approvers' are at most %d",
                                 APPROVERS_MAX);
        for (size_t i = 0; i < a->approver_count; i++)
                for (size_t k = 0; k < i; k++)
                        if (subject_equal(&a->approvers[i].subject, &a->approvers[k].subject) ||
                            strcmp(a->approvers[i].pem, a->approvers[k].pem) == 0)
                                return error_set(detail, SEAL_E_INVALID_ARGS,
                                                 "'approvers' has %s and %s: each is one person "
                                                 "with a key of his own",
                                                 a->approvers[k].subject.text,
                                                 a->approvers[i].subject.text);
        if (a->threshold > a->approver_count)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'threshold' is at most the number of 'approvers', %zu",
                                 a->approver_count);
        return 0;
}

static bool text_is_of(const char *text, char from, char to) {
        for (; *text != '\0'; text++)
                if (*text < from || *text > to)
                        return false;
        return true;
}

/* X.520 §6.3.1; of organizationIdentifier (EN 319 412-1 §5.1.4, or a national code) any ASCII. */
static int check_subject(const Application *a, ErrorDetail *detail) {
        if (a->country[0] != '\0' &&
            (strlen(a->country) != COUNTRY_SIZE || !text_is_of(a->country, 'A', 'Z')))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'country' is two capital letters (ISO 3166)");
        if (!text_is_of(a->organization_identifier, '!', '~'))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'organization-identifier' is at most %d characters of ASCII "
                                 "without blanks",
                                 ORGANIZATION_IDENTIFIER_MAX);
        return 0;
}

/* GB/T 38540 has whole millimetres, and every seal a size. */
static int check_picture(const PictureFacts *picture, ErrorDetail *detail) {
        if (picture->type[0] == '\0' && (picture->width != 0 || picture->height != 0))
                return error_set(detail, SEAL_E_INVALID_ARGS, "'picture-mm' goes with a 'picture'");
        if (picture->type[0] != '\0' && (picture->width == 0 || picture->width > ESEAL_MM_MAX ||
                                         picture->height == 0 || picture->height > ESEAL_MM_MAX))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'picture-mm' is required beside 'picture': width and height of "
                                 "the seal, each 1 to %d millimetres",
                                 ESEAL_MM_MAX);
        return 0;
}

int documents_check(const Document *documents, size_t count, ErrorDetail *detail) {
        if (count > DOCUMENTS_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS, "'documents' are at most %d",
                                 DOCUMENTS_MAX);
        for (size_t i = 0; i < count; i++) {
                const Document *d = &documents[i];
                int r = option_check_line("documents", d->title, detail);

                if (r != 0)
                        return r;
                if (d->hash_size != TPM2_SHA256_DIGEST_SIZE &&
                    d->hash_size != TPM2_SHA384_DIGEST_SIZE &&
                    d->hash_size != TPM2_SHA512_DIGEST_SIZE)
                        return error_set(detail, SEAL_E_INVALID_ARGS,
                                         "'documents' have hashes of 32, 48 or 64 bytes");
        }
        return 0;
}

/* What the seal's certificate says (service-certify.c): refused now, not when it is made. */
static int check_certified(const Application *a, ErrorDetail *detail) {
        if (!text_is_line(a->holder, CERTIFICATE_NAME_CHARS_MAX))
                return error_set(
                        detail, SEAL_E_INVALID_ARGS,
                        "'holder' is at most %d characters, as certificates have it; where "
                        "none is given it is the name: give a shorter one",
                        CERTIFICATE_NAME_CHARS_MAX);
        if (strcmp(a->class, "personal") == 0 && !text_is_line(a->name, CERTIFICATE_NAME_CHARS_MAX))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'name' of a personal seal is at most %d characters, as "
                                 "certificates have it",
                                 CERTIFICATE_NAME_CHARS_MAX);
        return 0;
}

static int check_all(const Application *a, uint64_t now, ErrorDetail *detail) {
        int r = option_check_line("name", a->name, detail);
        if (r == 0)
                r = option_check_line("holder", a->holder, detail);
        if (r == 0)
                r = check_words(a, detail);
        if (r == 0)
                r = check_certified(a, detail);
        if (r == 0)
                r = check_numbers(a, now, detail);
        if (r == 0)
                r = check_keepers(a, detail);
        if (r == 0)
                r = check_approvers(a, detail);
        if (r == 0)
                r = documents_check(a->documents, a->document_count, detail);
        if (r == 0)
                r = check_subject(a, detail);
        if (r == 0)
                r = check_picture(&a->picture, detail);
        if (r == 0 && a->token[0] != '\0')
                r = option_check_line("token", a->token, detail);
        return r;
}

int application_complete(Application *application, const Subject *applicant, uint64_t now,
                         unsigned validity_days, ErrorDetail *detail) {
        _cleanup_free_ Application *whole = malloc(sizeof(*whole));

        if (!whole)
                return -ENOMEM;
        *whole = *application;
        fill_defaults(whole, applicant, now, validity_days);
        int r = check_all(whole, now, detail);
        if (r == 0)
                *application = *whole;
        return r;
}

/* --- JSON ----------------------------------------------------------------------------------- */

/* The register finds a keeper by id again, since his name may be another's by then. */
static json_t *keepers_json(const Application *a, bool ids) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < a->keeper_count; i++)
                if (json_array_append_new(array, ids ? json_integer(a->keepers[i].id)
                                                     : json_string(a->keepers[i].text)) != 0)
                        return NULL;
        return steal_ptr(array);
}

static json_t *approvers_json(const Application *a) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < a->approver_count; i++) {
                const Approver *approver = &a->approvers[i];

                if (json_array_append_new(array, json_pack("{s:s, s:I, s:s}", "subject",
                                                           approver->subject.text, "id",
                                                           (json_int_t) approver->subject.id, "key",
                                                           approver->pem)) != 0)
                        return NULL;
        }
        return steal_ptr(array);
}

/* Left out where there is none, as in applications from before there were any. */
static bool put_policy(json_t *object, const Application *a) {
        if (a->pin && json_object_set_new(object, "pin", json_true()) != 0)
                return false;
        return a->approver_count == 0 ||
               (json_object_set_new(object, "approvers", approvers_json(a)) == 0 &&
                json_object_set_new(object, "threshold", json_integer(a->threshold)) == 0);
}

/* Likewise. */
static bool put_text(json_t *object, const char *key, const char *text) {
        return text[0] == '\0' || json_object_set_new(object, key, json_string(text)) == 0;
}

json_t *picture_facts_json(const PictureFacts *picture) {
        return json_pack("{s:s, s:o, s:i, s:i}", "type", picture->type, "sha256",
                         json_hex(picture->sha256, sizeof(picture->sha256)), "width",
                         (int) picture->width, "height", (int) picture->height);
}

static bool put_picture(json_t *object, const Application *a) {
        return a->picture.type[0] == '\0' ||
               json_object_set_new(object, "picture", picture_facts_json(&a->picture)) == 0;
}

static bool put_subject(json_t *object, const Application *a) {
        return put_text(object, "organization-identifier", a->organization_identifier) &&
               put_text(object, "country", a->country);
}

json_t *application_json(const Application *a) {
        _cleanup_json_ json_t *object = json_pack(
                "{s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:o, s:o, s:o}", "name", a->name,
                "holder", a->holder, "class", a->class, "type", a->type, "algorithm", a->algorithm,
                "purposes", json_purposes(a->purposes), "not-before", (json_int_t) a->not_before,
                "not-after", (json_int_t) a->not_after, "use-limit", (json_int_t) a->use_limit,
                "keepers", keepers_json(a, false), "keeper-ids", keepers_json(a, true), "documents",
                json_documents(a->documents, a->document_count));

        return object && put_policy(object, a) && put_subject(object, a) && put_picture(object, a)
                       ? steal_ptr(object)
                       : NULL;
}

int application_to_json(const Application *application, char **ret) {
        _cleanup_json_ json_t *document = application_json(application);

        return json_to_text(document, ret);
}

static bool read_keepers(const json_t *object, Application *a) {
        const json_t *texts = json_object_get(object, "keepers");
        const json_t *ids = json_object_get(object, "keeper-ids");
        size_t count = json_array_size(texts);

        if (count == 0 || count > KEEPERS_MAX || json_array_size(ids) != count)
                return false;
        for (size_t i = 0; i < count; i++)
                if (!json_read_subject(json_array_get(texts, i), json_array_get(ids, i),
                                       &a->keepers[i]))
                        return false;
        a->keeper_count = count;
        return true;
}

static bool read_approver(const json_t *object, Approver *ret) {
        return json_read_subject(json_object_get(object, "subject"), json_object_get(object, "id"),
                                 &ret->subject) &&
               json_read_text(object, "key", ret->pem, sizeof(ret->pem));
}

static bool read_policy(const json_t *object, Application *a) {
        const json_t *approvers = json_object_get(object, "approvers");
        size_t count = json_array_size(approvers);
        uint64_t threshold = 0;

        a->pin = json_is_true(json_object_get(object, "pin"));
        if (!approvers)
                return true;
        if (count == 0 || count > APPROVERS_MAX ||
            !json_read_number(object, "threshold", &threshold) || threshold == 0 ||
            threshold > count)
                return false;
        for (size_t i = 0; i < count; i++)
                if (!read_approver(json_array_get(approvers, i), &a->approvers[i]))
                        return false;
        a->approver_count = count;
        a->threshold = (unsigned) threshold;
        return true;
}

static bool read_optional(const json_t *object, const char *key, char *ret, size_t size) {
        return !json_object_get(object, key) || json_read_text(object, key, ret, size);
}

static bool read_subject(const json_t *o, Application *a) {
        return read_optional(o, "organization-identifier", a->organization_identifier,
                             sizeof(a->organization_identifier)) &&
               read_optional(o, "country", a->country, sizeof(a->country));
}

static bool read_millimetres(const json_t *object, const char *key, uint32_t *ret) {
        uint64_t number = 0;

        if (!json_read_number(object, key, &number) || number == 0 || number > ESEAL_MM_MAX)
                return false;
        *ret = (uint32_t) number;
        return true;
}

static bool read_picture(const json_t *o, PictureFacts *ret) {
        const json_t *picture = json_object_get(o, "picture");
        const char *hex = json_string_value(json_object_get(picture, "sha256"));

        if (!picture)
                return true;
        return json_read_text(picture, "type", ret->type, sizeof(ret->type)) &&
               picture_type_find(ret->type) != PICTURE_NONE && hex &&
               hex_decode(hex, ret->sha256, sizeof(ret->sha256)) &&
               read_millimetres(picture, "width", &ret->width) &&
               read_millimetres(picture, "height", &ret->height);
}

bool json_read_application(const json_t *o, Application *a) {
        return json_read_text(o, "name", a->name, sizeof(a->name)) &&
               json_read_text(o, "holder", a->holder, sizeof(a->holder)) &&
               json_read_text(o, "class", a->class, sizeof(a->class)) &&
               json_read_text(o, "type", a->type, sizeof(a->type)) &&
               json_read_text(o, "algorithm", a->algorithm, sizeof(a->algorithm)) &&
               json_read_number(o, "not-before", &a->not_before) &&
               json_read_number(o, "not-after", &a->not_after) &&
               json_read_number(o, "use-limit", &a->use_limit) &&
               json_read_purposes(json_object_get(o, "purposes"), &a->purposes) &&
               read_keepers(o, a) && read_policy(o, a) && read_subject(o, a) &&
               read_picture(o, &a->picture) &&
               json_read_documents(json_object_get(o, "documents"), a->documents,
                                   &a->document_count);
}

int application_from_json(const char *json, Application *ret) {
        _cleanup_free_ Application *application = calloc(1, sizeof(*application));
        _cleanup_json_ json_t *document = NULL;

        if (!application)
                return -ENOMEM;
        int r = json_parse(json, &document);
        if (r != 0)
                return r;
        if (!json_read_application(document, application))
                return SEAL_E_REGISTER_TAMPERED;
        *ret = *application;
        return 0;
}
