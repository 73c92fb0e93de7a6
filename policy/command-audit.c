/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/command-audit.h"

#include <errno.h>

#include <tss2/tss2_mu.h>

#include "policy/digest.h"

int rphash_sign(const TPMT_SIGNATURE *signature, TPM2B_DIGEST *ret) {
        uint8_t buffer[8 + sizeof(*signature)];
        Writer w = writer_over(buffer, sizeof(buffer));

        writer_put_u32(&w, TPM2_RC_SUCCESS);
        writer_put_u32(&w, TPM2_CC_Sign);
        if (Tss2_MU_TPMT_SIGNATURE_Marshal(signature, w.data, w.size, &w.used) != TSS2_RC_SUCCESS)
                return -EINVAL;
        return digest_written(&w, ret);
}

int command_audit_extend(TPM2B_DIGEST *value, const TPM2B_DIGEST *cphash,
                         const TPM2B_DIGEST *rphash) {
        uint8_t buffer[3 * sizeof(value->buffer)];
        Writer w = writer_over(buffer, sizeof(buffer));

        writer_put_digest(&w, value);
        writer_put_digest(&w, cphash);
        writer_put_digest(&w, rphash);
        return digest_written(&w, value);
}
