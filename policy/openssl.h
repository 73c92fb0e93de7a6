/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a failure of libcrypto comes to, and owners for those of its objects that more than one
 * source holds: `_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;`.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(ASN1_OBJECT, ASN1_OBJECT_free)
DEFINE_CLEANUP(BIGNUM, BN_free)
DEFINE_CLEANUP(BIO, BIO_free)
DEFINE_CLEANUP(ECDSA_SIG, ECDSA_SIG_free)
DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(X509, X509_free)
DEFINE_CLEANUP(X509_ALGOR, X509_ALGOR_free)
DEFINE_CLEANUP(X509_NAME, X509_NAME_free)

/* The object has this dotted OID, which libcrypto need not know. */
bool openssl_object_is(const ASN1_OBJECT *object, const char *oid);

/*
 * Did memory run out on the way? Empties the thread's error queue, whose last entry seldom has the
 * cause. The results below are made of it inline: analyzers see that they are errors.
 */
bool openssl_ran_short(void);

/* -ENOMEM when memory ran out on the way, else -EIO. */
static inline int openssl_error(void) {
        return openssl_ran_short() ? -ENOMEM : -EIO;
}

/*
 * The code given, where the input is to blame, unless memory ran out. Where libcrypto takes a
 * shortage of its own for a fault of what it reads and says nothing, as it does of certificates'
 * keys, a refusal is believed when it is said twice.
 */
static inline int openssl_refused(int code) {
        return openssl_ran_short() ? -ENOMEM : code;
}

/*
 * -ENOMEM, for what neither input nor algorithm can spoil, as a digest: libcrypto does not say
 * of every allocation that it failed. Empties the error queue.
 */
static inline int openssl_short(void) {
        ERR_clear_error();
        return -ENOMEM;
}
