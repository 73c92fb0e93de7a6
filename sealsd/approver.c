/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/approver.h"

#include <string.h>

#include "base/cleanup.h"
#include "policy/key.h"

int approver_complete(Approver *approver, Bytes pem, ErrorDetail *detail) {
        _cleanup_free_ char *text = NULL;
        TPM2B_PUBLIC key;

        int r = external_key_parse((const char *) pem.data, pem.size, &key, detail);
        if (r == 0)
                r = public_to_pem(&key, &text);
        if (r != 0)
                return r;
        if (strlen(text) >= sizeof(approver->pem))
                return error_set(detail, SEAL_E_INVALID_ARGS, "The key of %s is too large",
                                 approver->subject.text);
        strcpy(approver->pem, text);
        return 0;
}

int approver_key(const Approver *approver, TPM2B_PUBLIC *ret) {
        int r = external_key_parse(approver->pem, strlen(approver->pem), ret, NULL);

        /* libcrypto does not say of every allocation that it failed: then the text was good. */
        if (r == SEAL_E_INVALID_ARGS)
                r = external_key_parse(approver->pem, strlen(approver->pem), ret, NULL);
        return r == SEAL_E_INVALID_ARGS ? SEAL_E_REGISTER_TAMPERED : r;
}

int approver_name(const Approver *approver, TPM2B_NAME *ret) {
        TPM2B_PUBLIC key;

        int r = approver_key(approver, &key);
        return r == 0 ? public_name(&key, ret) : r;
}
