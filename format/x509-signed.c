/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-signed.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/utc.h"
#include "format/x509-asn1.h"
#include "policy/openssl.h"

int x509_encode(const void *value, const ASN1_ITEM *item, uint8_t **ret, size_t *ret_size) {
        unsigned char *der = NULL;

        int size = ASN1_item_i2d(value, &der, item);
        if (size <= 0)
                return openssl_short();
        *ret = der; /* OpenSSL's allocator is malloc: this program never replaces it */
        *ret_size = (size_t) size;
        return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int tbs_set(X509Signed *whole, Bytes tbs) {
        const unsigned char *at = tbs.data;

        ASN1_TYPE_free(whole->tbs);
        whole->tbs = d2i_ASN1_TYPE(NULL, &at, (long) tbs.size);
        if (whole->tbs && whole->tbs->type == V_ASN1_SEQUENCE && at == tbs.data + tbs.size)
                return 0;
        return openssl_refused(-EINVAL);
}

static int signature_set(ASN1_BIT_STRING *string, Bytes signature) {
        if (ASN1_BIT_STRING_set(string, (unsigned char *) signature.data, (int) signature.size) !=
            1)
                return openssl_short();
        /* Else trailing zero bits would be left out as unused. */
        string->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 7);
        string->flags |= ASN1_STRING_FLAG_BITS_LEFT;
        return 0;
}

int x509_finish(Bytes tbs, const SignatureAlgorithm *algorithm, Bytes signature, uint8_t **ret,
                size_t *ret_size) {
        _cleanup_(X509Signed_freep) X509Signed *whole = X509Signed_new();

        if (!whole)
                return openssl_short();
        if (tbs.size > REVOCATION_LIST_MAX || signature.size > SIGNATURE_MAX)
                return -EINVAL;
        int r = tbs_set(whole, tbs);
        if (r == 0)
                r = signature_algorithm_encode(algorithm, whole->algorithm);
        if (r == 0)
                r = signature_set(whole->signature, signature);
        return r == 0 ? x509_encode(whole, X509Signed_it(), ret, ret_size) : r;
}

/* --- verifying -------------------------------------------------------------------------------- */

bool x509_is_written_as(const void *value, const ASN1_ITEM *item, Bytes written) {
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        return x509_encode(value, item, &der, &size) == 0 &&
               bytes_equal((Bytes){ der, size }, written);
}

Bytes x509_string_bytes(const ASN1_STRING *string) {
        return (Bytes){ .data = ASN1_STRING_get0_data(string),
                        .size = (size_t) ASN1_STRING_length(string) };
}

static void parts_free(ASN1_SEQUENCE_ANY **parts) {
        sk_ASN1_TYPE_pop_free(*parts, ASN1_TYPE_free);
}

/* The signed part's own AlgorithmIdentifier is the first SEQUENCE in it (§4.1, §5.1). */
static bool algorithm_is_named(const X509Signed *whole) {
        const Bytes tbs = x509_string_bytes(whole->tbs->value.sequence);
        const unsigned char *at = tbs.data;
        _cleanup_(parts_free)
                ASN1_SEQUENCE_ANY *parts = d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long) tbs.size);
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        if (x509_encode(whole->algorithm, ASN1_ITEM_rptr(X509_ALGOR), &der, &size) != 0)
                return false;
        for (int i = 0; i < sk_ASN1_TYPE_num(parts); i++) {
                const ASN1_TYPE *part = sk_ASN1_TYPE_value(parts, i);

                if (part->type == V_ASN1_SEQUENCE)
                        return bytes_equal(x509_string_bytes(part->value.sequence),
                                           (Bytes){ der, size });
        }
        return false;
}

/* What no signed part repeats has to be as we write it: a salt's size could be changed else. */
static bool algorithm_is_usual(const X509Signed *whole, const SignatureAlgorithm *algorithm) {
        _cleanup_(X509_ALGOR_freep) X509_ALGOR *usual = X509_ALGOR_new();
        _cleanup_free_ uint8_t *a = NULL, *b = NULL;
        size_t a_size = 0, b_size = 0;

        return usual && signature_algorithm_encode(algorithm, usual) == 0 &&
               x509_encode(usual, ASN1_ITEM_rptr(X509_ALGOR), &a, &a_size) == 0 &&
               x509_encode(whole->algorithm, ASN1_ITEM_rptr(X509_ALGOR), &b, &b_size) == 0 &&
               bytes_equal((Bytes){ a, a_size }, (Bytes){ b, b_size });
}

static int whole_verify(const X509Signed *whole, bool named, EVP_PKEY *key) {
        const SignatureAlgorithm *algorithm = signature_algorithm_read(whole->algorithm, key);
        SignatureEncoding encoding;

        if (!algorithm || whole->tbs->type != V_ASN1_SEQUENCE ||
            !(named ? algorithm_is_named(whole) : algorithm_is_usual(whole, algorithm)) ||
            (whole->signature->flags & 7) != 0)
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        int r = signature_value_verify(algorithm, key,
                                       x509_string_bytes(whole->tbs->value.sequence),
                                       x509_string_bytes(whole->signature), &encoding);
        return r == 0 && encoding != SIGNATURE_AS_DER ? SEAL_E_APPROVAL_INVALID : r;
}

static int verify_once(Bytes der, bool named, EVP_PKEY *key) {
        const unsigned char *at = der.data;
        _cleanup_(X509Signed_freep) X509Signed *whole = (X509Signed *) ASN1_item_d2i(
                NULL, &at, (long) der.size, X509Signed_it());

        if (!whole || !x509_is_written_as(whole, X509Signed_it(), der))
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        return whole_verify(whole, named, key);
}

int x509_signature_verify(Bytes der, bool named, EVP_PKEY *key) {
        if (der.size > REVOCATION_LIST_MAX)
                return SEAL_E_APPROVAL_INVALID;
        int r = verify_once(der, named, key);
        return r <= 0 ? r : verify_once(der, named, key); /* twice: policy/openssl.h */
}

/* --- times ------------------------------------------------------------------------------------ */

ASN1_TIME *x509_time_new(uint64_t usec) {
        return ASN1_TIME_set(NULL, (time_t) (usec / USEC_PER_SEC));
}

bool x509_time_read(const ASN1_TIME *time, uint64_t *ret_usec) {
        struct tm tm;

        if (!time || ASN1_TIME_to_tm(time, &tm) != 1) {
                ERR_clear_error();
                return false;
        }
        time_t seconds = timegm(&tm);
        if (seconds < 0 || (uint64_t) seconds > UTC_MAX / USEC_PER_SEC)
                return false;
        *ret_usec = (uint64_t) seconds * USEC_PER_SEC;
        return true;
}
