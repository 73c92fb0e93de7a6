/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/maker-use.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "format/x509-signed.h"
#include "policy/algorithm.h"
#include "policy/key.h"
#include "policy/openssl.h"

void maker_use_clear(MakerUse *use) {
        (void) approval_set_unref(use->approvals);
        OPENSSL_cleanse(use, sizeof(*use));
}

const SignatureAlgorithm *maker_use_algorithm(EVP_PKEY *key) {
        return signature_algorithm_for(key, NULL, NULL);
}

static int use_sign_digest(const MakerUse *maker, Chip *chip, const SignatureAlgorithm *algorithm,
                           const TPM2B_DIGEST *digest, uint8_t **ret, size_t *ret_size,
                           ErrorDetail *detail) {
        SealUse use = {
                .key = &maker->key,
                .policy = &maker->policy,
                .index = &maker->index,
                .approvals = maker->approvals->approvals,
                .approval_count = maker->approvals->count,
                .digest = *digest,
        };
        TPMT_SIGNATURE structure;
        size_t size;

        int r = algorithm_scheme(algorithm_of(&maker->key.public), algorithm->hash, NULL,
                                 &use.scheme, &size, detail);
        if (r == 0)
                r = tpm_seal_sign(chip->tpm, &use, &structure, NULL, detail);
        return r == 0 ? signature_to_openssl(&structure, ret, ret_size) : r;
}

/* What does not convince us would convince nobody. */
static int use_check(const SignatureAlgorithm *algorithm, EVP_PKEY *key, const TPM2B_DIGEST *digest,
                     Bytes value, ErrorDetail *detail) {
        int r = signature_value_verify_digest(algorithm, key, digest, value, NULL);

        if (r != SEAL_E_APPROVAL_INVALID)
                return r;
        return error_set(detail, SEAL_E_TPM_FAILURE,
                         "The TPM has given a signature that its own key does not confirm");
}

int maker_use_sign(const MakerUse *use, Chip *chip, Bytes message,
                   const SignatureAlgorithm **ret_algorithm, uint8_t **ret, size_t *ret_size,
                   ErrorDetail *detail) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        const SignatureAlgorithm *algorithm = NULL;
        _cleanup_free_ uint8_t *value = NULL;
        TPM2B_DIGEST digest;
        size_t size = 0;

        int r = public_to_pkey(&use->key.public, &key);
        if (r == 0 && !(algorithm = maker_use_algorithm(key)))
                r = SEAL_E_UNSUPPORTED;
        if (r == 0)
                r = signature_digest(algorithm, key, message, &digest);
        if (r == 0)
                r = use_sign_digest(use, chip, algorithm, &digest, &value, &size, detail);
        if (r == 0)
                r = use_check(algorithm, key, &digest, (Bytes){ value, size }, detail);
        if (r != 0)
                return r;
        *ret = steal_ptr(value);
        *ret_size = size;
        *ret_algorithm = algorithm;
        return 0;
}

int maker_use_finish(const MakerUse *use, Chip *chip, Bytes tbs, uint8_t **ret, size_t *ret_size,
                     ErrorDetail *detail) {
        const SignatureAlgorithm *algorithm;
        _cleanup_free_ uint8_t *value = NULL;
        size_t size = 0;

        int r = maker_use_sign(use, chip, tbs, &algorithm, &value, &size, detail);
        return r == 0 ? x509_finish(tbs, algorithm, (Bytes){ value, size }, ret, ret_size) : r;
}
