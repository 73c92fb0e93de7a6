/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/register-key.h"

#include <errno.h>
#include <stdbool.h>

#include <openssl/crypto.h>
#include <tss2/tss2_sys.h>

#include "policy/key.h"
#include "policy/register-policy.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/session.h"
#include "tpm/sys-command.h"
#include "tpm/sys-policy.h"

/* userWithAuth is clear: without the policy there is no way in. */
static TPM2B_PUBLIC register_key_template(const TPM2B_DIGEST *policy) {
        return (TPM2B_PUBLIC){
                .publicArea = {
                        .type = TPM2_ALG_KEYEDHASH,
                        .nameAlg = TPM2_ALG_SHA256,
                        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                            TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_NODA,
                        .authPolicy = *policy,
                        .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
                },
        };
}

int tpm_register_key_create(Tpm *tpm, const TPM2B_DIGEST *policy, const Secret *key,
                            TPM2B_PUBLIC *ret_public, TPM2B_PRIVATE *ret_private,
                            ErrorDetail *detail) {
        const TPM2B_PUBLIC template = register_key_template(policy);

        if (key->size != REGISTER_KEY_SIZE || policy->size != TPM2_SHA256_DIGEST_SIZE)
                return -EINVAL;
        return tpm_key_seal(tpm, &template, key, ret_public, ret_private, detail);
}

/* An unsealing under way. */
typedef struct Unsealing {
        const RegisterKeyUse *use;
        PolicyLeaf leaf;
        TpmHandle key;
        TPM2_HANDLE key_handle;
        TPM2B_NAME key_name;
        SysSession session, hmac; /* the second where a state can be retired */
        bool session_used;        /* terms were applied: TPM2_PolicyRestart first */
        Secret *ret;
} Unsealing;

static void unsealing_close(Unsealing *u) {
        sys_session_close(&u->hmac);
        sys_session_close(&u->session);
        tpm_handle_close(&u->key);
}

/*
 * Whoever may write the register could put an object there that opens otherwise, and read what is
 * encrypted under it from then on.
 */
static int object_check(Unsealing *u, ErrorDetail *detail) {
        TPM2B_DIGEST policy;

        int r = register_policy_leaf(u->use->authority, u->use->profile, &u->leaf);
        if (r == 0)
                r = policy_leaf_digest(&u->leaf, &policy);
        if (r != 0)
                return r;
        const TPM2B_PUBLIC template = register_key_template(&policy);
        if (!tpm_key_matches(&template, u->use->public))
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "The register's key is not of this authority and profile: "
                                 "somebody replaced it; restore a backup");
        return 0;
}

static int key_open(Unsealing *u, Tpm *tpm, ErrorDetail *detail) {
        int r = public_name(u->use->public, &u->key_name);
        if (r != 0)
                return r;
        r = tpm_key_load(tpm, NULL, u->use->public, u->use->private, &u->key, detail);
        if (r == SEAL_E_REGISTER_TAMPERED)
                return error_set(detail, r,
                                 "The chip does not take the register's key: it was altered, or "
                                 "made by another TPM or before the TPM was cleared; restore a "
                                 "backup");
        if (r != 0)
                return r;
        return tpm_rc(Esys_TR_GetTpmHandle(tpm->esys, u->key.tr, &u->key_handle), TPM_STEP_LOAD,
                      detail);
}

static bool any_retirable(const RegisterKeyUse *use) {
        bool any = false;

        for (size_t i = 0; i < use->approval_count; i++)
                any |= use->approvals[i].retire.index.handle != 0;
        return any;
}

static int unsealing_open(Unsealing *u, Tpm *tpm, ErrorDetail *detail) {
        int r = object_check(u, detail);
        if (r != 0)
                return r;
        tpm_release(tpm); /* a chip need not have room for more (Part 2 §6.13) */
        r = key_open(u, tpm, detail);
        if (r == 0)
                r = sys_session_open(tpm, TPM2_SE_POLICY, SESSION_ANSWER, &u->session, detail);
        if (r == 0 && any_retirable(u->use))
                r = sys_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &u->hmac, detail);
        return r;
}

static TSS2_RC prepare_unseal(TSS2_SYS_CONTEXT *sys, const void *args) {
        const Unsealing *u = args;

        return Tss2_Sys_Unseal_Prepare(sys, u->key_handle);
}

static void sensitive_wipe(TPM2B_SENSITIVE_DATA *data) {
        OPENSSL_cleanse(data, sizeof(*data));
}

/*
 * By SAPI, which knows nothing of encryption: the key is never in the TSS's memory, which it does
 * not wipe. ESAPI (3.2) would also believe any size that an encrypted parameter claims.
 */
static int unseal(Unsealing *u, ErrorDetail *detail) {
        _cleanup_(sensitive_wipe) TPM2B_SENSITIVE_DATA data = {};
        const SysCommand command = {
                .code = TPM2_CC_Unseal,
                .step = TPM_STEP_UNSEAL,
                .prepare = prepare_unseal,
                .args = u,
                .session = &u->session,
                .names = { &u->key_name },
        };
        TSS2_SYS_CONTEXT *sys;

        int r = sys_command_run(u->session.tpm, &command, &sys, detail);
        if (r == 0)
                r = tpm_rc(Tss2_Sys_Unseal_Complete(sys, &data), TPM_STEP_UNSEAL, detail);
        if (r != 0)
                return r;
        if (data.size != REGISTER_KEY_SIZE)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "The register's key has %u bytes instead of %u: somebody replaced "
                                 "it; restore a backup",
                                 data.size, REGISTER_KEY_SIZE);
        r = sys_session_decrypt(&u->session, data.buffer, data.size);
        return r != 0 ? r : secret_set(u->ret, data.buffer, data.size);
}

static int unsealing_attempt(void *userdata, const MachineApproval *approval, ErrorDetail *detail) {
        Unsealing *u = userdata;
        const SysPolicyInputs inputs = {
                .approved = &approval->policy,
                .ticket = &approval->ticket,
        };
        int r = 0;

        if (u->session_used)
                r = sys_policy_restart(&u->session, detail);
        if (r != 0)
                return r;
        u->session_used = true;
        r = machine_approval_apply(approval, &u->session, &u->hmac, detail);
        if (r == 0)
                r = sys_policy_apply(&u->session, u->leaf.terms, u->leaf.count, &inputs, detail);
        return r != 0 ? r : unseal(u, detail);
}

int tpm_register_key_unseal(Tpm *tpm, const RegisterKeyUse *use, Secret *ret, ErrorDetail *detail) {
        _cleanup_(unsealing_close) Unsealing unsealing = { .use = use, .ret = ret };
        const MachineAttempts attempts = {
                .approvals = use->approvals,
                .count = use->approval_count,
                .attempt = unsealing_attempt,
                .userdata = &unsealing,
        };
        size_t approval;

        int r = machine_attempts_demand(use->approval_count, detail);
        if (r == 0)
                r = unsealing_open(&unsealing, tpm, detail);
        return r != 0 ? r : machine_attempts_run(tpm, &attempts, &approval, detail);
}
