/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/reviewer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "policy/key.h"
#include "policy/openssl.h"

int reviewer_complete(Reviewer *reviewer, Bytes pem, ErrorDetail *detail) {
        _cleanup_free_ char *text = NULL;
        TPM2B_PUBLIC key;

        if (reviewer->subject.kind != SUBJECT_USER)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "A key is one person's: user:NAME, not %s",
                                 reviewer->subject.text);
        int r = external_key_parse((const char *) pem.data, pem.size, &key, detail);
        if (r == 0)
                r = public_to_pem(&key, &text);
        if (r != 0)
                return r;
        if (strlen(text) >= sizeof(reviewer->pem))
                return error_set(detail, SEAL_E_INVALID_ARGS, "The key is too large");
        strcpy(reviewer->pem, text);
        return 0;
}

static int reviewer_key(const Reviewer *reviewer, TPM2B_PUBLIC *ret) {
        int r = external_key_parse(reviewer->pem, strlen(reviewer->pem), ret, NULL);

        /* libcrypto does not say of every allocation that it failed: then the text was good. */
        if (r == SEAL_E_INVALID_ARGS)
                r = external_key_parse(reviewer->pem, strlen(reviewer->pem), ret, NULL);
        return r == SEAL_E_INVALID_ARGS ? SEAL_E_REGISTER_TAMPERED : r;
}

int reviewer_key_hash(const Reviewer *reviewer, uint8_t ret[static TPM2_SHA256_DIGEST_SIZE]) {
        _cleanup_free_ uint8_t *spki = NULL;
        TPM2B_PUBLIC key;
        size_t size;

        int r = reviewer_key(reviewer, &key);
        if (r == 0)
                r = public_to_spki(&key, &spki, &size);
        if (r != 0)
                return r;
        return EVP_Digest(spki, size, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : openssl_short();
}

static void put_text(Writer *writer, const char *text) {
        writer_put(writer, text, strlen(text));
}

/* "sealsd/decision/approve" or "…/reject" ‖ the request's Digest. */
static void reviewer_decision_bytes(const uint8_t digest[static TPM2_SHA256_DIGEST_SIZE],
                                    bool approve, Writer *writer) {
        put_text(writer, approve ? "sealsd/decision/approve" : "sealsd/decision/reject");
        writer_put(writer, digest, TPM2_SHA256_DIGEST_SIZE);
}

void reviewer_replace_bytes(const Subject *subject,
                            const uint8_t hash[static TPM2_SHA256_DIGEST_SIZE], Writer *writer) {
        put_text(writer, "sealsd/reviewer/replace");
        writer_put_u8(writer, 0);
        put_text(writer, subject->text);
        writer_put_u8(writer, 0);
        writer_put(writer, hash, TPM2_SHA256_DIGEST_SIZE);
}

int reviewer_verify(const Reviewer *reviewer, Bytes bytes, Bytes signature) {
        TPM2B_PUBLIC key;

        int r = reviewer_key(reviewer, &key);
        return r == 0 ? signature_verify(&key, bytes, signature) : r;
}

static int require_signature(const Reviewer *reviewer, bool needed, Bytes signature,
                             ErrorDetail *detail) {
        if (!reviewer && (needed || signature.size > 0))
                return error_set(
                        detail, needed ? SEAL_E_APPROVAL_REQUIRED : SEAL_E_APPROVAL_INVALID,
                        "No key of yours is registered to check a decision's signature by: "
                        "an administrator has to (RegisterReviewer)");
        if (reviewer && signature.size == 0)
                return error_set(
                        detail, SEAL_E_APPROVAL_REQUIRED,
                        "Your decisions need your key's signature, since it is registered: "
                        "'sealctl approve --key'");
        if (signature.size > SIGNATURE_MAX)
                return error_set(detail, SEAL_E_APPROVAL_INVALID,
                                 "A signature has 1 to %d bytes, this has %zu", SIGNATURE_MAX,
                                 signature.size);
        return 0;
}

int reviewer_sign(const Reviewer *reviewer, bool needed, const Request *request, Bytes signature,
                  Decision *decision, ErrorDetail *detail) {
        uint8_t bytes[REVIEWER_BYTES_MAX];
        Writer w = writer_over(bytes, sizeof(bytes));
        int r;

        r = require_signature(reviewer, needed, signature, detail);
        if (r != 0 || !reviewer)
                return r;
        reviewer_decision_bytes(request->digest, decision->approve, &w);
        r = reviewer_verify(reviewer, (Bytes){ bytes, w.used }, signature);
        if (r == SEAL_E_APPROVAL_INVALID)
                return error_set(detail, r,
                                 "The signature is not your registered key's over this decision "
                                 "about this request");
        if (r != 0)
                return r;
        decision->signature_size = signature.size;
        memcpy(decision->signature, signature.data, signature.size);
        text_copy(decision->key, sizeof(decision->key), reviewer->pem);
        return 0;
}
