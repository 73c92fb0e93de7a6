/* SPDX-License-Identifier: Apache-2.0 */
#include "client/decision.h"

#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "client/authority.h"
#include "client/output.h"
#include "client/verify.h"
#include "format/json.h"

static bool member_copy(json_t *object, const json_t *request, const char *name) {
        return json_object_set(object, name, json_object_get(request, name)) == 0;
}

/* What is there only where it says something. */
static bool text_copy_said(json_t *object, const json_t *request, const char *name) {
        return json_text(request, name)[0] == '\0' || member_copy(object, request, name);
}

bool decision_digest(const json_t *request, uint8_t ret[static DECISION_DIGEST_SIZE]) {
        json_t *object = json_object();
        char *text = NULL;

        bool good = object && member_copy(object, request, "kind") &&
                    member_copy(object, request, "applicant") &&
                    member_copy(object, request, "created") &&
                    member_copy(object, request, "application") &&
                    text_copy_said(object, request, "target") &&
                    text_copy_said(object, request, "reason");
        good = good && json_to_text(object, &text) == 0;
        json_decref(object);
        good = good && EVP_Digest(text, strlen(text), ret, NULL, EVP_sha256(), NULL) == 1;
        free(text);
        return good;
}

bool decision_digest_is_stated(const json_t *request,
                               const uint8_t digest[static DECISION_DIGEST_SIZE]) {
        uint8_t stated[DECISION_DIGEST_SIZE];

        return hex_decode(json_text(request, "digest"), stated, sizeof(stated)) &&
               memcmp(stated, digest, sizeof(stated)) == 0;
}

size_t decision_bytes(bool approve, const uint8_t digest[static DECISION_DIGEST_SIZE],
                      uint8_t ret[static DECISION_BYTES_MAX]) {
        const char *prefix = approve ? "sealsd/decision/approve" : "sealsd/decision/reject";
        Writer writer = writer_over(ret, DECISION_BYTES_MAX);

        writer_put(&writer, prefix, strlen(prefix));
        writer_put(&writer, digest, DECISION_DIGEST_SIZE);
        return writer.used;
}

const char *decision_verdict_name(DecisionVerdict verdict) {
        static const char *const names[DECISION_VERDICT_MAX] = {
                [DECISION_UNSIGNED] = "none",
                [DECISION_GOOD] = "good",
                [DECISION_BAD] = "bad",
                [DECISION_OTHER_KEY] = "another key",
        };

        return verdict < DECISION_VERDICT_MAX ? names[verdict] : "?";
}

static bool signature_is_of(const json_t *decision, EVP_PKEY *key, const uint8_t *digest) {
        const char *hex = json_text(decision, "signature"), *word = json_text(decision, "verdict");
        const bool approve = strcmp(word, "approve") == 0;
        uint8_t bytes[DECISION_BYTES_MAX], hash[DECISION_DIGEST_SIZE], signature[SIGNATURE_MAX];
        size_t size = strlen(hex) / 2;

        if ((!approve && strcmp(word, "reject") != 0) || size > sizeof(signature) ||
            !hex_decode(hex, signature, size))
                return false;
        size_t n = decision_bytes(approve, digest, bytes);
        return EVP_Digest(bytes, n, hash, NULL, EVP_sha256(), NULL) == 1 &&
               verify_digest(key, EVP_sha256(), "rsassa", (Bytes){ hash, sizeof(hash) },
                             (Bytes){ signature, size });
}

DecisionVerdict decision_check(const json_t *decision,
                               const uint8_t digest[static DECISION_DIGEST_SIZE],
                               EVP_PKEY *expected) {
        const char *pem = json_text(decision, "key");

        if (json_text(decision, "signature")[0] == '\0')
                return DECISION_UNSIGNED;
        _cleanup_(pkey_freep) EVP_PKEY *key = verify_key_parse(pem, strlen(pem));
        if (!key || !signature_is_of(decision, key, digest))
                return DECISION_BAD;
        return expected && EVP_PKEY_eq(expected, key) != 1 ? DECISION_OTHER_KEY : DECISION_GOOD;
}
