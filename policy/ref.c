/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ref.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/digest.h"

#define REF_TEXT_MAX 128

static const char *const ref_kinds[] = {
        [REF_PROFILE] = "profile",
        [REF_SEAL] = "seal",
        [REF_BACKUP] = "backup",
        [REF_BACKUP_SEAL] = "backup-seal",
        [REF_REVOCATION_INDEX] = "revocation-index",
        [REF_LEDGER_INDEX] = "ledger-index",
        [REF_STATE_INDEX] = "state-index",
};

int policy_ref(RefKind kind, const char *name, TPM2B_DIGEST *ret) {
        uint8_t text[REF_TEXT_MAX];
        Writer w = writer_over(text, sizeof(text));

        if ((size_t) kind >= sizeof(ref_kinds) / sizeof(ref_kinds[0]) || name[0] == '\0')
                return -EINVAL;
        writer_put(&w, "sealsd/", strlen("sealsd/"));
        writer_put(&w, ref_kinds[kind], strlen(ref_kinds[kind]));
        writer_put_u8(&w, '/');
        writer_put(&w, name, strlen(name));
        return digest_written(&w, ret);
}

int policy_ref_handle(RefKind kind, TPM2_HANDLE handle, TPM2B_DIGEST *ret) {
        char name[9];

        (void) snprintf(name, sizeof(name), "%08x", handle);
        return policy_ref(kind, name, ret);
}
