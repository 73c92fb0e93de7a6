/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/seal.h"

#include "tpm/key.h"

/* userWithAuth and adminWithPolicy clear: only the policy opens the key (design, section 3). */
#define SEAL_ATTRIBUTES                                                                     \
        (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | \
         TPMA_OBJECT_NODA)

int tpm_seal_create(Tpm *tpm, const Algorithm *algorithm, const TPM2B_DIGEST *policy, SealKey *ret,
                    ErrorDetail *detail) {
        const TPM2B_PUBLIC template = algorithm_template(algorithm, SEAL_ATTRIBUTES, policy);
        SealKey key = {};

        int r = tpm_key_create(tpm, &template, NULL, &key.public, &key.private, detail);
        if (r == 0)
                *ret = key;
        return r;
}
