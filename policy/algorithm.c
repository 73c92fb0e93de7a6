/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/algorithm.h"

#include <stdio.h>
#include <string.h>

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static const Algorithm algorithms[] = {
        { "ecdsa-p256", TPM2_ALG_ECC, TPM2_ECC_NIST_P256, 0, "sha256" },
        { "ecdsa-p384", TPM2_ALG_ECC, TPM2_ECC_NIST_P384, 0, "sha384" },
        { "rsa-2048", TPM2_ALG_RSA, 0, 2048, "sha256" },
        { "rsa-3072", TPM2_ALG_RSA, 0, 3072, "sha256" },
        { "sm2", TPM2_ALG_ECC, TPM2_ECC_SM2_P256, 0, "sm3" },
};

typedef struct HashWord {
        const char *word;
        TPMI_ALG_HASH told; /* to the chip */
        size_t size;
} HashWord;

static const HashWord hashes[] = {
        { "sha256", TPM2_ALG_SHA256, TPM2_SHA256_DIGEST_SIZE },
        { "sha384", TPM2_ALG_SHA384, TPM2_SHA384_DIGEST_SIZE },
        { "sha512", TPM2_ALG_SHA512, TPM2_SHA512_DIGEST_SIZE },
        { "sm3", TPM2_ALG_SHA256, TPM2_SM3_256_DIGEST_SIZE },
};

static const struct {
        const char *word;
        TPMI_ALG_SIG_SCHEME scheme;
} schemes[] = {
        { "rsassa", TPM2_ALG_RSASSA },
        { "rsapss", TPM2_ALG_RSAPSS },
};

const Algorithm *algorithm_at(size_t position) {
        return position < ROWS(algorithms) ? &algorithms[position] : NULL;
}

const Algorithm *algorithm_find(const char *name) {
        for (size_t i = 0; i < ROWS(algorithms); i++)
                if (strcmp(algorithms[i].name, name) == 0)
                        return &algorithms[i];
        return NULL;
}

const Algorithm *algorithm_of(const TPM2B_PUBLIC *public) {
        const TPMT_PUBLIC *area = &public->publicArea;

        for (size_t i = 0; i < ROWS(algorithms); i++) {
                const Algorithm *a = &algorithms[i];

                if (a->type == area->type &&
                    (a->type == TPM2_ALG_ECC ? a->curve == area->parameters.eccDetail.curveID
                                             : a->bits == area->parameters.rsaDetail.keyBits))
                        return a;
        }
        return NULL;
}

TPM2B_PUBLIC algorithm_template(const Algorithm *algorithm, TPMA_OBJECT attributes,
                                const TPM2B_DIGEST *policy) {
        TPM2B_PUBLIC template = {
                .publicArea = {
                        .type = algorithm->type,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | attributes,
                },
        };
        TPMU_PUBLIC_PARMS *parameters = &template.publicArea.parameters;

        if (algorithm->type == TPM2_ALG_ECC)
                parameters->eccDetail = (TPMS_ECC_PARMS){
                        .symmetric.algorithm = TPM2_ALG_NULL,
                        .scheme.scheme = TPM2_ALG_NULL,
                        .curveID = algorithm->curve,
                        .kdf.scheme = TPM2_ALG_NULL,
                };
        else
                parameters->rsaDetail = (TPMS_RSA_PARMS){
                        .symmetric.algorithm = TPM2_ALG_NULL,
                        .scheme.scheme = TPM2_ALG_NULL,
                        .keyBits = algorithm->bits,
                };
        if (policy)
                template.publicArea.authPolicy = *policy;
        return template;
}

/* --- signing -------------------------------------------------------------------------------- */

static bool is_sm2(const Algorithm *algorithm) {
        return algorithm->type == TPM2_ALG_ECC && algorithm->curve == TPM2_ECC_SM2_P256;
}

static const HashWord *hash_find(const char *word) {
        for (size_t i = 0; i < ROWS(hashes); i++)
                if (strcmp(hashes[i].word, word) == 0)
                        return &hashes[i];
        return NULL;
}

/* SM2 goes with SM3 and nothing else (GB/T 35276), and nothing else with SM3. NULL: refused. */
static const HashWord *hash_choose(const Algorithm *algorithm, const char *word,
                                   ErrorDetail *detail) {
        const HashWord *hash = hash_find(word ? word : algorithm->hash);

        if (!hash) {
                (void) error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'hash' is one of sha256, sha384, sha512, sm3");
                return NULL;
        }
        if (is_sm2(algorithm) == (strcmp(hash->word, "sm3") == 0))
                return hash;
        (void) error_set(detail, SEAL_E_INVALID_ARGS, "'hash': %s takes %s, not %s",
                         algorithm->name, is_sm2(algorithm) ? "sm3" : "sha256, sha384 or sha512",
                         hash->word);
        return NULL;
}

static int scheme_choose(const Algorithm *algorithm, const char *word, TPMI_ALG_SIG_SCHEME *ret,
                         ErrorDetail *detail) {
        for (size_t i = 0; i < ROWS(schemes); i++) {
                if (strcmp(word, schemes[i].word) != 0)
                        continue;
                if (algorithm->type != TPM2_ALG_RSA)
                        return error_set(detail, SEAL_E_INVALID_ARGS,
                                         "'scheme': %s is for RSA, and this is %s", word,
                                         algorithm->name);
                *ret = schemes[i].scheme;
                return 0;
        }
        return error_set(detail, SEAL_E_INVALID_ARGS, "'scheme' is one of rsassa, rsapss");
}

int algorithm_scheme(const Algorithm *algorithm, const char *hash, const char *scheme,
                     TPMT_SIG_SCHEME *ret, size_t *ret_size, ErrorDetail *detail) {
        TPMT_SIG_SCHEME chosen = {
                .scheme = algorithm->type == TPM2_ALG_RSA ? TPM2_ALG_RSASSA
                          : is_sm2(algorithm)             ? TPM2_ALG_SM2
                                                          : TPM2_ALG_ECDSA,
        };
        const HashWord *row = hash_choose(algorithm, hash, detail);

        if (!row)
                return SEAL_E_INVALID_ARGS;
        int r = scheme ? scheme_choose(algorithm, scheme, &chosen.scheme, detail) : 0;
        if (r != 0)
                return r;
        chosen.details.any.hashAlg = row->told;
        *ret = chosen;
        *ret_size = row->size;
        return 0;
}

const TPMT_TK_HASHCHECK no_hash_ticket = {
        .tag = TPM2_ST_HASHCHECK,
        .hierarchy = TPM2_RH_NULL,
};

/* --- features ------------------------------------------------------------------------------- */

static const struct {
        const char *word;
        TPM2_ALG_ID id;
} extras[] = {
        { "rsapss", TPM2_ALG_RSAPSS },
        { "sha384", TPM2_ALG_SHA384 },
        { "sha512", TPM2_ALG_SHA512 },
};

_Static_assert(ROWS(algorithms) + ROWS(extras) == FEATURE_MAX, "every feature has a bit");

const char *feature_name(size_t position) {
        if (position < ROWS(algorithms))
                return algorithms[position].name;
        position -= ROWS(algorithms);
        return position < ROWS(extras) ? extras[position].word : NULL;
}

TPM2_ALG_ID feature_id(size_t position) {
        if (position < ROWS(algorithms) || position >= FEATURE_MAX)
                return TPM2_ALG_ERROR;
        return extras[position - ROWS(algorithms)].id;
}

size_t feature_names(FeatureSet features, const char *ret[static FEATURE_MAX]) {
        size_t count = 0;

        for (size_t i = 0; i < FEATURE_MAX; i++)
                if (features >> i & 1)
                        ret[count++] = feature_name(i);
        return count;
}

FeatureSet feature_of_algorithm(const Algorithm *algorithm) {
        return 1U << (algorithm - algorithms);
}

FeatureSet feature_of_id(TPM2_ALG_ID id) {
        for (size_t i = 0; i < ROWS(extras); i++)
                if (extras[i].id == id)
                        return 1U << (ROWS(algorithms) + i);
        return 0;
}

static int feature_lacks(FeatureSet features, FeatureSet missing, ErrorDetail *detail) {
        const char *lacking = feature_name((size_t) __builtin_ctz(missing));
        const char *names[FEATURE_MAX];
        char there[ERROR_TEXT_MAX / 2] = "";
        size_t used = 0, count = feature_names(features, names);

        for (size_t i = 0; i < count; i++)
                used += (size_t) snprintf(there + used, sizeof(there) - used, "%s%s",
                                          i > 0 ? ", " : "", names[i]);
        return error_set(detail, SEAL_E_UNSUPPORTED, "This TPM does not have %s; it has %s",
                         lacking, there);
}

int features_check(FeatureSet features, const Algorithm *algorithm, const TPMT_SIG_SCHEME *scheme,
                   ErrorDetail *detail) {
        FeatureSet wanted = feature_of_algorithm(algorithm);

        if (scheme)
                wanted |= feature_of_id(scheme->scheme) |
                          feature_of_id(scheme->details.any.hashAlg);
        if (features == 0 || (wanted & ~features) == 0)
                return 0;
        return feature_lacks(features, wanted & ~features, detail);
}
