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
        if (request_kind(request) == KIND_USE)
                approvals = (unsigned) request->use.approval_count;
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

static json_t *asked_json(const Request *request) {
        const RequestKind kind = (RequestKind) request_kind(request);

        if (kind == KIND_USE)
                return use_json(&request->use.facts);
        return change_json(kind, &request->application);
}

static bool asked_read(RequestKind kind, const json_t *object, Request *request) {
        if (kind == KIND_USE)
                return use_read(object, &request->use.facts);
        return change_read(kind, object, &request->application);
}

/* What was applied for: also what a reviewer signs. */
static json_t *request_json(const Request *request) {
        _cleanup_json_ json_t *document = json_pack(
                "{s:s, s:s, s:I, s:o}", "kind", request->kind, "applicant", request->applicant.text,
                "created", (json_int_t) request->created, "application", asked_json(request));

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
        _cleanup_json_ json_t *document = json_pack("{s:o, s:s}", "application",
                                                    asked_json(request), "reason", request->reason);

        return json_to_text(document, ret);
}

int request_from_json(const char *json, Request *request) {
        _cleanup_json_ json_t *document = NULL;
        int kind = request_kind(request);

        int r = kind < 0 ? SEAL_E_REGISTER_TAMPERED : json_parse(json, &document);
        if (r != 0)
                return r;
        if (!asked_read((RequestKind) kind, json_object_get(document, "application"), request) ||
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

/* Of one that cannot be read now there are no facts to show. */
static int opaque_use_json(const Request *request, json_t **ret) {
        *ret = json_pack("{s:s, s:s, s:I, s:s}", "kind", request->kind, "applicant",
                         request->applicant.text, "created", (json_int_t) request->created,
                         "target", request->target);
        return *ret ? 0 : -ENOMEM;
}

static bool use_put(json_t *document, const Request *request) {
        const UseRequest *use = &request->use;
        _cleanup_json_ json_t *more = json_pack(
                "{s:i, s:i, s:o, s:o, s:I, s:I}", "reviewers-needed", 0, "threshold",
                (int) request->reviewers_needed, "approvers", use_approvers_json(use), "approvals",
                use_approvals_json(use), "use", (json_int_t) use->result.use, "collected",
                (json_int_t) use->result.done);

        return more && json_object_update(document, more) == 0;
}

int request_describe(const Request *request, bool full, char **ret) {
        const bool use = request_kind(request) == KIND_USE;
        _cleanup_json_ json_t *document = NULL, *more = NULL;

        if (use && request->opaque) {
                int r = opaque_use_json(request, &document);
                if (r != 0)
                        return r;
        } else {
                document = request_json(request);
        }
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
        if (!more || json_object_update(document, more) != 0 ||
            (use && !use_put(document, request)))
                return -ENOMEM;
        return json_to_text(document, ret);
}
