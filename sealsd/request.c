/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/request.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "policy/openssl.h"
#include "sealsd/change.h"
#include "sealsd/json.h"

unsigned request_missing(const Request *request) {
        unsigned approvals = 0;

        if (request->state != REQUEST_APPLIED)
                return 0;
        for (size_t i = 0; i < request->decision_count; i++)
                approvals += request->decisions[i].approve;
        return approvals < request->reviewers_needed ? request->reviewers_needed - approvals : 0;
}

int request_kind(const Request *request) {
        return request_kind_from_name(request->kind);
}

const char *request_seal(const Request *request) {
        return request->number[0] != '\0' ? request->number : request->target;
}

/* "" is left out. */
static bool put_text(json_t *object, const char *key, const char *text) {
        return text[0] == '\0' || json_object_set_new(object, key, json_string(text)) == 0;
}

/* What was applied for: also what a reviewer signs. */
static json_t *request_json(const Request *request) {
        _cleanup_json_ json_t *document = json_pack(
                "{s:s, s:s, s:I, s:o}", "kind", request->kind, "applicant", request->applicant.text,
                "created", (json_int_t) request->created, "application",
                change_json((RequestKind) request_kind(request), &request->application));

        if (!document || !put_text(document, "target", request->target) ||
            !put_text(document, "reason", request->reason))
                return NULL;
        return steal_ptr(document);
}

int request_digest(const Request *request, uint8_t ret[static TPM2_SHA256_DIGEST_SIZE]) {
        _cleanup_free_ char *text = NULL;
        _cleanup_json_ json_t *document = request_json(request);
        uint8_t digest[TPM2_SHA256_DIGEST_SIZE];

        int r = json_to_text(document, &text);
        if (r != 0)
                return r;
        if (EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) != 1)
                return openssl_short();
        memcpy(ret, digest, sizeof(digest));
        return 0;
}

/* --- the register's records ------------------------------------------------------------------ */

int request_to_json(const Request *request, char **ret) {
        _cleanup_json_ json_t *document = json_pack(
                "{s:o, s:s}", "application",
                change_json((RequestKind) request_kind(request), &request->application), "reason",
                request->reason);

        return json_to_text(document, ret);
}

int request_from_json(const char *json, Request *request) {
        _cleanup_json_ json_t *document = NULL;
        int kind = request_kind(request);

        int r = kind < 0 ? SEAL_E_REGISTER_TAMPERED : json_parse(json, &document);
        if (r != 0)
                return r;
        if (!change_read((RequestKind) kind, json_object_get(document, "application"),
                         &request->application) ||
            !json_read_text(document, "reason", request->reason, sizeof(request->reason)))
                return SEAL_E_REGISTER_TAMPERED;
        return 0;
}

static json_t *signature_json(const Decision *decision) {
        char text[2 * SIGNATURE_MAX + 1];

        if (decision->signature_size > SIGNATURE_MAX)
                return NULL;
        return json_string(hex_encode(decision->signature, decision->signature_size, text));
}

/* The signature stands only where there is one. */
static bool signature_put(json_t *object, const Decision *decision) {
        return decision->signature_size == 0 ||
               (json_object_set_new(object, "signature", signature_json(decision)) == 0 &&
                json_object_set_new(object, "key", json_string(decision->key)) == 0);
}

int decision_to_json(const Decision *decision, char **ret) {
        _cleanup_json_ json_t *object = json_pack("{s:s}", "comment", decision->comment);

        if (!object || !signature_put(object, decision))
                return -ENOMEM;
        return json_to_text(object, ret);
}

static bool signature_read(const json_t *object, Decision *decision) {
        const char *hex = json_string_value(json_object_get(object, "signature"));

        if (!json_object_get(object, "signature"))
                return true;
        size_t size = hex ? strlen(hex) / 2 : 0;
        if (size == 0 || size > SIGNATURE_MAX || !hex_decode(hex, decision->signature, size))
                return false;
        decision->signature_size = size;
        return json_read_text(object, "key", decision->key, sizeof(decision->key));
}

int decision_from_json(const char *json, Decision *decision) {
        _cleanup_json_ json_t *object = NULL;

        int r = json_parse(json, &object);
        if (r != 0)
                return r;
        return json_read_text(object, "comment", decision->comment, sizeof(decision->comment)) &&
                               signature_read(object, decision)
                       ? 0
                       : SEAL_E_REGISTER_TAMPERED;
}

/* --- for people ------------------------------------------------------------------------------ */

static json_t *decision_json(const Decision *decision, bool full) {
        _cleanup_json_ json_t *item = json_pack("{s:s, s:s, s:I}", "by", decision->by.text,
                                                "verdict", decision->approve ? "approve" : "reject",
                                                "time", (json_int_t) decision->time);

        if (!item || !signature_put(item, decision))
                return NULL;
        if (full && json_object_set_new(item, "comment", json_string(decision->comment)) != 0)
                return NULL;
        return steal_ptr(item);
}

json_t *request_decisions(const Request *request, bool full) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < request->decision_count; i++)
                if (json_array_append_new(array, decision_json(&request->decisions[i], full)) != 0)
                        return NULL;
        return steal_ptr(array);
}

int request_describe(const Request *request, bool full, char **ret) {
        _cleanup_json_ json_t *document = request_json(request), *more = NULL;

        if (!document)
                return -ENOMEM;
        more = json_pack("{s:I, s:s, s:s, s:s, s:I, s:o, s:i, s:i, s:s, s:o, s:b}", "id",
                         (json_int_t) request->id, "state", request_state_name(request->state),
                         "seal", request->number, "type", request->type, "expires",
                         (json_int_t) request->expires, "digest",
                         json_hex(request->digest, sizeof(request->digest)), "missing",
                         (int) request_missing(request), "reviewers-needed",
                         (int) request->reviewers_needed, "error", request->error, "decisions",
                         request_decisions(request, full), "opaque", request->opaque);
        if (!more || json_object_update(document, more) != 0)
                return -ENOMEM;
        return json_to_text(document, ret);
}
