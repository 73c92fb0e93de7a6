/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The algorithms of seals, in one table: their names on the bus (design, section 5.6), the key that
 * the chip makes for each, and the hashes and schemes that it signs with. Keys have scheme NULL and
 * name scheme and hash in TPM2_Sign, so that one key serves all of them. A hash or scheme that does
 * not go with an algorithm is SEAL_E_INVALID_ARGS; SEAL_E_UNSUPPORTED is for what goes together and
 * the chip at hand lacks.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/error.h"

typedef struct Algorithm {
        const char *name;
        TPMI_ALG_PUBLIC type;
        TPMI_ECC_CURVE curve;   /* of elliptic curves */
        TPMI_RSA_KEY_BITS bits; /* of RSA */
        const char *hash;       /* where none is named */
} Algorithm;

#define ALGORITHM_DEFAULT "ecdsa-p256"

/* For lists and sentences: every name, in the table's order. */
#define ALGORITHM_NAMES "ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, sm2"

/* In the table's order; NULL behind the last. */
const Algorithm *algorithm_at(size_t position);

/* NULL for a name that is none. */
const Algorithm *algorithm_find(const char *name);

/* That of a key; NULL for a key that no seal has. */
const Algorithm *algorithm_of(const TPM2B_PUBLIC *public);

/*
 * What TPM2_Create is given: nameAlg SHA-256, sign, scheme and symmetric NULL, exponent 0 (65537),
 * the attributes besides sign, and the policy (may be NULL).
 */
TPM2B_PUBLIC algorithm_template(const Algorithm *algorithm, TPMA_OBJECT attributes,
                                const TPM2B_DIGEST *policy);

/*
 * What TPM2_Sign is told, from the words of Sign's options: hash sha256, sha384, sha512, sm3 (NULL:
 * the algorithm's own), scheme rsassa, rsapss (NULL: rsassa, and for curves the only one). ret_size
 * is the digest's, in bytes. For SM2 the chip is told SHA-256, which has SM3's size: it signs the
 * digest that it is given, and need not know SM3 (design, section 3.3). SEAL_E_INVALID_ARGS names
 * the option.
 */
int algorithm_scheme(const Algorithm *algorithm, const char *hash, const char *scheme,
                     TPMT_SIG_SCHEME *ret, size_t *ret_size, ErrorDetail *detail);

/* In place of a hash ticket in TPM2_Sign: our keys are not restricted (Part 3 §20.2). */
extern const TPMT_TK_HASHCHECK no_hash_ticket;

/*
 * What a chip has: a set of features, each with its word in the Manager's Features. The algorithms
 * come first, in the table's order; then the scheme and the hashes that not every chip with a
 * seal's algorithm has. 0: nobody has asked the chip yet.
 */
typedef uint32_t FeatureSet;

#define FEATURE_MAX 8

/* The word of bit 1 << position; NULL behind the last. */
const char *feature_name(size_t position);

/* What TPM2_CAP_ALGS calls it, of those behind the algorithms; TPM2_ALG_ERROR for all others. */
TPM2_ALG_ID feature_id(size_t position);

/* The words of those in the set, in order; returns how many. */
size_t feature_names(FeatureSet features, const char *ret[static FEATURE_MAX]);

FeatureSet feature_of_algorithm(const Algorithm *algorithm);
/* Of TPM2_ALG_RSAPSS, TPM2_ALG_SHA384, TPM2_ALG_SHA512; 0 for what needs no telling. */
FeatureSet feature_of_id(TPM2_ALG_ID id);

/*
 * SEAL_E_UNSUPPORTED, with what is lacking and what there is, unless the set has the algorithm and
 * (scheme not NULL) what that scheme needs. An empty set lets all pass: the chip will say.
 */
int features_check(FeatureSet features, const Algorithm *algorithm, const TPMT_SIG_SCHEME *scheme,
                   ErrorDetail *detail);
