/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The algorithms of signatures in certificates, CRLs, CMS and electronic seals, in one table: which
 * of them goes with a key, and how an AlgorithmIdentifier (RFC 5280 §4.1.1.2) names it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

typedef enum SignatureScheme {
        SIGNATURE_ECDSA,
        SIGNATURE_RSASSA, /* PKCS #1 v1.5 */
        SIGNATURE_RSAPSS, /* MGF1 with the same hash, trailer 1, a salt of its size; any is read */
        SIGNATURE_SM2,
} SignatureScheme;

typedef struct SignatureAlgorithm {
        const char *name; /* "ecdsa-sha256", "rsassa-sha256", "rsapss-sha256", …, "sm2-sm3" */
        SignatureScheme scheme;
        const char *hash; /* as on the bus: "sha256", "sha384", "sha512", "sm3" */
        int nid;          /* OpenSSL's number of the signature's OID: with the hash, but for PSS */
        int hash_nid;     /* that of the hash's OID */
} SignatureAlgorithm;

/* In the table's order; NULL behind the last. */
const SignatureAlgorithm *signature_algorithm_at(size_t position);

/*
 * What a key signs with: hash as on the bus (NULL: the key's own, as in policy/algorithm.h; SHA-512
 * for curves beyond those), scheme "rsassa" or "rsapss" (NULL: rsassa; curves have only one). NULL
 * for what does not go together.
 */
const SignatureAlgorithm *signature_algorithm_for(EVP_PKEY *key, const char *hash,
                                                  const char *scheme);

/* Can this key have made a signature of the algorithm? */
bool signature_algorithm_fits(const SignatureAlgorithm *algorithm, EVP_PKEY *key);

const EVP_MD *signature_algorithm_md(const SignatureAlgorithm *algorithm);

/*
 * Write the AlgorithmIdentifier: ECDSA and SM2 without parameters (RFC 5758 §3.2, GB/T 33560), RSA
 * with NULL (RFC 4055 §5), PSS with all that differs from its defaults (§3.1). -ENOMEM, -EIO.
 */
int signature_algorithm_encode(const SignatureAlgorithm *algorithm, X509_ALGOR *ret);

/*
 * The algorithm that an AlgorithmIdentifier names and this key can have used; NULL otherwise. Also
 * read: RSA without parameters, SM2 with NULL ones, and 1.2.156.10197.1.301.1 for SM2 with SM3.
 */
const SignatureAlgorithm *signature_algorithm_read(const X509_ALGOR *identifier, EVP_PKEY *key);

/* The same of an OID that stands alone (GB/T 38540); PSS cannot. */
const SignatureAlgorithm *signature_algorithm_of_object(const ASN1_OBJECT *object, EVP_PKEY *key);

/*
 * The same of a CMS SignerInfo (RFC 5652 §5.3): besides the former, rsaEncryption, id-ecPublicKey
 * and SM2's key OID (GB/T 35275), where the digest's algorithm says the rest. NULL where signature
 * and digest contradict each other.
 */
const SignatureAlgorithm *signature_algorithm_read_cms(const X509_ALGOR *signature,
                                                       const X509_ALGOR *digest, EVP_PKEY *key);
