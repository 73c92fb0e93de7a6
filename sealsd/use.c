/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/use.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "sealsd/json.h"

static const struct {
        TPMI_ALG_SIG_SCHEME scheme;
        const char *name;
        const char *option;
} schemes[] = {
        { TPM2_ALG_ECDSA, "ecdsa", NULL },
        { TPM2_ALG_RSASSA, "rsassa", "rsassa" },
        { TPM2_ALG_RSAPSS, "rsapss", "rsapss" },
        { TPM2_ALG_SM2, "sm2", NULL },
};

#define SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

const char *scheme_name(TPMI_ALG_SIG_SCHEME scheme) {
        for (size_t i = 0; i < SCHEMES; i++)
                if (schemes[i].scheme == scheme)
                        return schemes[i].name;
        return "?";
}

const char *scheme_option(const char *name) {
        for (size_t i = 0; i < SCHEMES; i++)
                if (strcmp(schemes[i].name, name) == 0)
                        return schemes[i].option;
        return NULL;
}

const UseApproval *use_approval_find(const UseRequest *use, unsigned approver) {
        for (size_t i = 0; i < use->approval_count; i++)
                if (use->approvals[i].approver == approver)
                        return &use->approvals[i];
        return NULL;
}

/* --- what is asked for ------------------------------------------------------------------------ */

static json_t *hex_json(const TPM2B_DIGEST *bytes) {
        char text[2 * sizeof(bytes->buffer) + 1];

        if (bytes->size > sizeof(bytes->buffer))
                return NULL;
        return json_string(hex_encode(bytes->buffer, bytes->size, text));
}

const TPM2B_DIGEST *use_signs(const UseFacts *facts) {
        return facts->format == FORMAT_RAW ? &facts->digest : &facts->signs;
}

static bool format_put_more(json_t *object, const UseFacts *facts) {
        if (sign_format_timed(facts->format) &&
            json_object_set_new(object, "signing-time", json_integer((json_int_t) facts->time)) !=
                    0)
                return false;
        return facts->property_info[0] == '\0' ||
               json_object_set_new(object, "property-info", json_string(facts->property_info)) == 0;
}

/* Left out of raw ones, as in requests from before there were others. */
static bool format_put(json_t *object, const UseFacts *facts) {
        return facts->format == FORMAT_RAW ||
               (json_object_set_new(object, "format",
                                    json_string(sign_format_name(facts->format))) == 0 &&
                json_object_set_new(object, "signs", hex_json(&facts->signs)) == 0 &&
                format_put_more(object, facts));
}

json_t *use_json(const UseFacts *facts) {
        _cleanup_json_ json_t *object = json_pack(
                "{s:o, s:s, s:s, s:s, s:s, s:b, s:I}", "digest", hex_json(&facts->digest), "hash",
                facts->hash, "scheme", facts->scheme, "purpose", purpose_name(facts->purpose),
                "document-name", facts->document_name, "live", facts->live, "grant",
                (json_int_t) facts->grant);

        if (!object || !format_put(object, facts))
                return NULL;
        if (facts->live &&
            (json_object_set_new(object, "expiration", json_integer(facts->expiration)) != 0 ||
             json_object_set_new(object, "nonce", hex_json(&facts->nonce)) != 0))
                return NULL;
        return steal_ptr(object);
}

static bool hex_read(const json_t *object, const char *key, TPM2B_DIGEST *ret) {
        const char *hex = json_string_value(json_object_get(object, key));
        size_t size = hex ? strlen(hex) / 2 : 0;

        if (size == 0 || size > sizeof(ret->buffer) || !hex_decode(hex, ret->buffer, size))
                return false;
        ret->size = (UINT16) size;
        return true;
}

static bool live_read(const json_t *object, UseFacts *ret) {
        const json_t *live = json_object_get(object, "live");
        uint64_t expiration = 0;

        if (!json_is_boolean(live))
                return false;
        ret->live = json_is_true(live);
        if (!ret->live)
                return true;
        if (!json_read_number(object, "expiration", &expiration) || expiration > INT32_MAX)
                return false;
        ret->expiration = (uint32_t) expiration;
        return hex_read(object, "nonce", &ret->nonce);
}

static bool format_read(const json_t *object, UseFacts *ret) {
        const char *format = json_string_value(json_object_get(object, "format"));

        ret->format = FORMAT_RAW;
        if (!json_object_get(object, "format"))
                return true;
        ret->format = format ? sign_format_find(format) : SIGN_FORMAT_COUNT;
        return ret->format != FORMAT_RAW && ret->format != SIGN_FORMAT_COUNT &&
               hex_read(object, "signs", &ret->signs) &&
               (!sign_format_timed(ret->format) ||
                json_read_number(object, "signing-time", &ret->time)) &&
               (!json_object_get(object, "property-info") ||
                json_read_text(object, "property-info", ret->property_info,
                               sizeof(ret->property_info)));
}

bool use_read(const json_t *object, UseFacts *ret) {
        const char *purpose = json_string_value(json_object_get(object, "purpose"));

        ret->purpose = (Purpose) (purpose ? purpose_from_name(purpose) : 0);
        return ret->purpose != 0 && hex_read(object, "digest", &ret->digest) &&
               json_read_text(object, "hash", ret->hash, sizeof(ret->hash)) &&
               json_read_text(object, "scheme", ret->scheme, sizeof(ret->scheme)) &&
               json_read_text(object, "document-name", ret->document_name,
                              sizeof(ret->document_name)) &&
               json_read_number(object, "grant", &ret->grant) && live_read(object, ret) &&
               format_read(object, ret);
}

/* --- approvals -------------------------------------------------------------------------------- */

int use_approval_to_json(const UseApproval *approval, char **ret) {
        char hex[2 * SIGNATURE_MAX + 1];

        if (approval->size == 0 || approval->size > SIGNATURE_MAX)
                return -EINVAL;
        _cleanup_json_ json_t *object = json_pack(
                "{s:s}", "signature", hex_encode(approval->signature, approval->size, hex));

        return json_to_text(object, ret);
}

int use_approval_from_json(const char *json, UseApproval *approval) {
        _cleanup_json_ json_t *object = NULL;

        int r = json_parse(json, &object);
        if (r != 0)
                return r;
        const char *hex = json_string_value(json_object_get(object, "signature"));
        size_t size = hex ? strlen(hex) / 2 : 0;
        if (size == 0 || size > SIGNATURE_MAX || !hex_decode(hex, approval->signature, size))
                return SEAL_E_REGISTER_TAMPERED;
        approval->size = size;
        return 0;
}

json_t *use_approvers_json(const UseRequest *use) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < use->approver_count; i++)
                if (json_array_append_new(array, json_string(use->approvers[i].text)) != 0)
                        return NULL;
        return steal_ptr(array);
}

json_t *use_approvals_json(const UseRequest *use) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < use->approval_count; i++) {
                const UseApproval *approval = &use->approvals[i];
                json_t *item = json_pack("{s:s, s:s, s:I}", "approver",
                                         use->approvers[approval->approver].text, "by",
                                         approval->by.text, "time", (json_int_t) approval->time);

                if (json_array_append_new(array, item) != 0)
                        return NULL;
        }
        return steal_ptr(array);
}
