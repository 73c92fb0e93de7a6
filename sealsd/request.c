/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/request.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "policy/openssl.h"
#include "sealsd/json.h"

unsigned request_missing(const Request *request) {
        unsigned approvals = 0;

        if (request->state != REQUEST_APPLIED)
                return 0;
        for (size_t i = 0; i < request->decision_count; i++)
                approvals += request->decisions[i].approve;
        return approvals < request->reviewers_needed ? request->reviewers_needed - approvals : 0;
}

int request_digest(const Request *request, uint8_t ret[static TPM2_SHA256_DIGEST_SIZE]) {
        _cleanup_free_ char *text = NULL;
        _cleanup_json_ json_t *document = json_pack("{s:s, s:s, s:I, s:o}", "kind", request->kind,
                                                    "applicant", request->applicant.text, "created",
                                                    (json_int_t) request->created, "application",
                                                    application_json(&request->application));
        uint8_t digest[TPM2_SHA256_DIGEST_SIZE];

        int r = json_to_text(document, &text);
        if (r != 0)
                return r;
        if (EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) != 1)
                return openssl_short();
        memcpy(ret, digest, sizeof(digest));
        return 0;
}

static json_t *decision_json(const Decision *decision, bool full) {
        _cleanup_json_ json_t *item = json_pack("{s:s, s:s, s:I}", "by", decision->by.text,
                                                "verdict", decision->approve ? "approve" : "reject",
                                                "time", (json_int_t) decision->time);

        if (full && json_object_set_new(item, "comment", json_string(decision->comment)) != 0)
                return NULL;
        return steal_ptr(item);
}

static json_t *decisions_json(const Request *request, bool full) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < request->decision_count; i++)
                if (json_array_append_new(array, decision_json(&request->decisions[i], full)) != 0)
                        return NULL;
        return steal_ptr(array);
}

int request_describe(const Request *request, bool full, char **ret) {
        _cleanup_json_ json_t *document = json_pack(
                "{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:i, s:s, s:o, s:o}", "id",
                (json_int_t) request->id, "kind", request->kind, "state",
                request_state_name(request->state), "applicant", request->applicant.text, "seal",
                request->number, "created", (json_int_t) request->created, "expires",
                (json_int_t) request->expires, "digest",
                json_hex(request->digest, sizeof(request->digest)), "missing",
                (int) request_missing(request), "error", request->error, "application",
                application_json(&request->application), "decisions",
                decisions_json(request, full));

        return json_to_text(document, ret);
}
