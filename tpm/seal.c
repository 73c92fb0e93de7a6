/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/seal.h"

#include "tpm/key.h"

/* userWithAuth and adminWithPolicy clear: only the policy opens the key (design, section 3). */
#define SEAL_ATTRIBUTES \
        (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN)

int tpm_seal_create(Tpm *tpm, const Algorithm *algorithm, const TPM2B_DIGEST *policy,
                    const Secret *auth, SealKey *ret, ErrorDetail *detail) {
        const TPMA_OBJECT attributes = SEAL_ATTRIBUTES | (auth ? 0 : TPMA_OBJECT_NODA);
        const TPM2B_PUBLIC template = algorithm_template(algorithm, attributes, policy);
        SealKey key = {};

        int r = tpm_key_create_proved(tpm, &template, auth, &key.public, &key.private,
                                      &key.birth.hash, &key.birth.ticket, detail);
        if (r == 0)
                *ret = key;
        return r;
}
