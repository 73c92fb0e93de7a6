/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/use-approval.h"

#include <errno.h>
#include <string.h>

#include "policy/approval.h"
#include "policy/digest.h"
#include "policy/ref.h"

#define HASH_BYTES \
        ((size_t) TPM2_SHA256_DIGEST_SIZE) /* also of a nonce, as all sessions are SHA-256 */
#define EXPIRATION_BYTES sizeof(int32_t)
#define DEFERRED_BYTES (EXPIRATION_BYTES + 2 * HASH_BYTES)
#define LIVE_BYTES (HASH_BYTES + DEFERRED_BYTES)

/* The challenge cut into its parts; nonce has no bytes in a deferred one. */
typedef struct Parts {
        Bytes nonce;
        int32_t expiration;
        Bytes cphash;
        Bytes ref;
} Parts;

static Bytes cut(Bytes *rest, size_t size) {
        const Bytes head = { .data = rest->data, .size = size };

        rest->data += size;
        rest->size -= size;
        return head;
}

static int32_t expiration_read(Bytes bytes) {
        uint32_t value = 0;

        for (size_t i = 0; i < bytes.size; i++)
                value = value << 8 | bytes.data[i];
        return (int32_t) value;
}

/* The size is right by now. */
static Parts parts_read(Bytes bytes, bool live) {
        Parts parts = { .nonce = cut(&bytes, live ? HASH_BYTES : 0) };

        parts.expiration = expiration_read(cut(&bytes, EXPIRATION_BYTES));
        parts.cphash = cut(&bytes, HASH_BYTES);
        parts.ref = bytes;
        return parts;
}

static bool holds(Bytes bytes, const TPM2B_DIGEST *digest) {
        return bytes.size == digest->size && memcmp(bytes.data, digest->buffer, bytes.size) == 0;
}

static bool is_zero(Bytes bytes) {
        uint8_t any = 0;

        for (size_t i = 0; i < bytes.size; i++)
                any |= bytes.data[i];
        return any == 0;
}

static int invalid(ErrorDetail *detail, const char *what) {
        return error_set(detail, SEAL_E_APPROVAL_INVALID, "%s; do not sign it", what);
}

/*
 * Without nonce it would be good for longer, without cpHash for every document, without reference
 * for every seal that has this approver.
 */
static int size_check(size_t size, bool live, ErrorDetail *detail) {
        const size_t wanted = live ? LIVE_BYTES : DEFERRED_BYTES;

        if (size == wanted)
                return 0;
        if (size == wanted - HASH_BYTES)
                return invalid(detail, live ? "The challenge lacks its nonce, cpHash or reference"
                                            : "The challenge lacks its cpHash or its reference");
        return invalid(detail, "The challenge has not the size of one");
}

static int expiration_check(int32_t expiration, bool live, ErrorDetail *detail) {
        if (expiration < 0)
                return invalid(detail, "The challenge's expiration is negative: the chip would "
                                       "give a ticket for it that serves again and again");
        if (!live && expiration != 0)
                return invalid(detail, "The challenge of a deferred approval has an expiration, "
                                       "which the chip would count from its last start");
        if (live && expiration == 0)
                return invalid(detail, "The challenge of a live approval never expires");
        if (live && expiration > LIVE_USE_SECONDS_MAX)
                return invalid(detail, "The challenge of a live approval expires too late");
        return 0;
}

static int cphash_check(Bytes cphash, const UseTarget *target, ErrorDetail *detail) {
        TPM2B_DIGEST wanted;

        if (is_zero(cphash))
                return invalid(detail, "The challenge's cpHash is empty");
        int r = cphash_sign(&target->key, &target->digest, &target->scheme, &wanted);
        if (r != 0)
                return r;
        if (!holds(cphash, &wanted))
                return invalid(detail, "The challenge is not for a signature of this document by "
                                       "this seal with this scheme");
        return 0;
}

static int ref_check(Bytes ref, const UseTarget *target, ErrorDetail *detail) {
        TPM2B_DIGEST wanted;

        int r = policy_ref(REF_SEAL, target->number, &wanted);
        if (r != 0)
                return r;
        return holds(ref, &wanted) ? 0 : invalid(detail, "The challenge is for another seal");
}

int use_approval_check(Bytes bytes, const UseTarget *target, ErrorDetail *detail) {
        int r = size_check(bytes.size, target->live, detail);
        if (r != 0)
                return r;
        const Parts parts = parts_read(bytes, target->live);
        r = expiration_check(parts.expiration, target->live, detail);
        if (r == 0 && parts.expiration != target->expiration)
                r = invalid(detail, "The challenge has another expiration than it is said to have");
        if (r == 0 && !holds(parts.nonce, &target->nonce))
                r = invalid(detail, "The challenge has another nonce than it is said to have");
        if (r == 0)
                r = ref_check(parts.ref, target, detail);
        if (r == 0)
                r = cphash_check(parts.cphash, target, detail);
        return r;
}

static bool target_fits(const UseTarget *target) {
        return target->key.size > 0 && target->digest.size > 0 &&
               target->digest.size == hash_size(target->scheme.details.any.hashAlg) &&
               target->nonce.size == (target->live ? HASH_BYTES : 0) &&
               expiration_check(target->expiration, target->live, NULL) == 0;
}

int use_approval_bytes(const UseTarget *target, Writer *writer) {
        TPM2B_DIGEST cphash, ref;

        if (!target_fits(target))
                return -EINVAL;
        int r = cphash_sign(&target->key, &target->digest, &target->scheme, &cphash);
        if (r == 0)
                r = policy_ref(REF_SEAL, target->number, &ref);
        if (r != 0)
                return r;
        approval_signed_bytes(target->live ? &target->nonce : NULL, target->expiration, &cphash,
                              &ref, writer);
        return writer->overflow ? -EINVAL : 0;
}
