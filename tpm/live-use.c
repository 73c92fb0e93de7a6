/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/live-use.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tpm/context.h"
#include "tpm/session.h"
#include "tpm/sys-policy.h"

struct LiveUse {
        Tpm *tpm; /* not owned; NULL: spent */
        SysPolicySession policy;
        TPM2B_NONCE nonce;
};

/* By name: the others keep three sessions, or as many as the chip has, which is no more. */
unsigned tpm_live_uses_max(const Tpm *tpm) {
        return strstr(tpm->name, "tabrmd") ? LIVE_USES_MAX : 1;
}

int tpm_live_use_open(Tpm *tpm, LiveUse **ret, ErrorDetail *detail) {
        _cleanup_(tpm_live_use_freep) LiveUse *use = NULL;

        if (tpm->live_uses >= tpm_live_uses_max(tpm))
                return error_set(detail, SEAL_E_BUSY,
                                 "The TPM holds a session for %u live %s already, and has room for "
                                 "no more; wait, or ask for a deferred use",
                                 tpm->live_uses, tpm->live_uses == 1 ? "use" : "uses");
        use = calloc(1, sizeof(*use));
        if (!use)
                return -ENOMEM;
        int r = sys_session_open(tpm, TPM2_SE_POLICY, SESSION_PLAIN, &use->policy.session, detail);
        if (r != 0)
                return r;
        use->tpm = tpm;
        use->nonce = use->policy.session.nonce_tpm;
        tpm->live_uses++;
        *ret = steal_ptr(use);
        return 0;
}

void tpm_live_use_spend(LiveUse *use) {
        if (!use->tpm)
                return;
        sys_session_close(&use->policy.session);
        use->tpm->live_uses--;
        use->tpm = NULL;
}

LiveUse *tpm_live_use_free(LiveUse *use) {
        if (!use)
                return NULL;
        tpm_live_use_spend(use);
        free(use);
        return NULL;
}

const TPM2B_NONCE *tpm_live_use_nonce(const LiveUse *use) {
        return &use->nonce;
}

bool tpm_live_use_is_spent(const LiveUse *use) {
        return !use->tpm;
}

SysPolicySession *tpm_live_use_session(LiveUse *use) {
        return &use->policy;
}
