/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/register-key.h"

#include <errno.h>
#include <stdbool.h>

#include <openssl/crypto.h>
#include <tss2/tss2_sys.h>

#include "policy/register-policy.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/policy.h"
#include "tpm/session.h"
#include "tpm/srk.h"

#define STACK_WIPED (16U * 1024U)

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
        TpmHandle session;
        bool session_used; /* terms were applied: TPM2_PolicyRestart first */
        Secret *ret;
} Unsealing;

static void unsealing_close(Unsealing *u) {
        tpm_handle_close(&u->session);
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

static int unsealing_open(Unsealing *u, Tpm *tpm, ErrorDetail *detail) {
        int r = object_check(u, detail);
        if (r == 0) /* opens first what frees the place of the last signature's key */
                r = tpm_session_open(tpm, TPM2_SE_POLICY, SESSION_ANSWER, &u->session, detail);
        if (r != 0)
                return r;
        r = tpm_key_load(tpm, NULL, u->use->public, u->use->private, &u->key, detail);
        if (r == SEAL_E_REGISTER_TAMPERED)
                return error_set(detail, r,
                                 "The chip does not take the register's key: it was altered, or "
                                 "made by another TPM or before the TPM was cleared; restore a "
                                 "backup");
        return r;
}

static void sensitive_freep(TPM2B_SENSITIVE_DATA **data) {
        if (*data)
                OPENSSL_cleanse(*data, sizeof(**data));
        Esys_Free(*data);
}

/* The TSS decrypts an answer where it received it, and the next one may be shorter. */
static void answer_wipe(Tpm *tpm) {
        TSS2_SYS_CONTEXT *sys;
        const uint8_t *answer;
        size_t size;

        if (Esys_GetSysContext(tpm->esys, &sys) == TSS2_RC_SUCCESS &&
            Tss2_Sys_GetRpBuffer(sys, &size, &answer) == TSS2_RC_SUCCESS)
                OPENSSL_cleanse((void *) answer, size);
}

/* ... and leaves a copy in a frame of its own, much nearer than this reaches. */
static __attribute__((noinline)) void stack_wipe(void) {
        uint8_t dead[STACK_WIPED];

        OPENSSL_cleanse(dead, sizeof(dead));
}

static int unseal(Unsealing *u, ErrorDetail *detail) {
        _cleanup_(sensitive_freep) TPM2B_SENSITIVE_DATA *data = NULL;
        Tpm *tpm = u->key.tpm;

        TSS2_RC rc = Esys_Unseal(tpm->esys, u->key.tr, ONE_SESSION(&u->session), &data);
        answer_wipe(tpm);
        stack_wipe();
        int r = tpm_srk_rc(tpm, rc, TPM_STEP_UNSEAL, detail);
        if (r != 0)
                return r;
        if (data->size != REGISTER_KEY_SIZE)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "The register's key has %u bytes instead of %u: somebody replaced "
                                 "it; restore a backup",
                                 data->size, REGISTER_KEY_SIZE);
        return secret_set(u->ret, data->buffer, data->size);
}

static int unsealing_attempt(void *userdata, const MachineApproval *approval, ErrorDetail *detail) {
        Unsealing *u = userdata;
        const PolicyInputs inputs = { .approved = &approval->policy, .ticket = &approval->ticket };
        PolicyTerm state;

        int r = machine_approval_term(approval, &state);
        if (r == 0 && u->session_used)
                r = tpm_policy_restart(&u->session, detail);
        if (r != 0)
                return r;
        u->session_used = true;
        r = tpm_policy_apply(&u->session, &state, 1, NULL, detail);
        if (r == 0)
                r = tpm_policy_apply(&u->session, u->leaf.terms, u->leaf.count, &inputs, detail);
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
