/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/sys-policy.h"

#include <errno.h>

#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/sys-command.h"

/* A term, the session that it is for, and what satisfies it. */
typedef struct TermArguments {
        const SysSession *session;
        const PolicyTerm *term;
        const SysPolicyInputs *inputs;
        const SysPolicySignature *signature; /* POLICY_SIGNED: the next one */
        TPM2_HANDLE key;                     /* POLICY_SIGNED: loaded for it */
} TermArguments;

/* With the digest wanted, so that the chip refuses here and not at the end (Part 3 §23.7). */
static TSS2_RC prepare_pcr(TSS2_SYS_CONTEXT *sys, const void *args) {
        const TermArguments *a = args;
        TPML_PCR_SELECTION list = {};

        pcr_selection_list(&a->term->pcr.selection, &list);
        return Tss2_Sys_PolicyPCR_Prepare(sys, a->session->handle, &a->term->pcr.digest, &list);
}

static TSS2_RC prepare_authorize(TSS2_SYS_CONTEXT *sys, const void *args) {
        const TermArguments *a = args;

        return Tss2_Sys_PolicyAuthorize_Prepare(sys, a->session->handle, a->inputs->approved,
                                                &a->term->authorize.ref, &a->term->authorize.key,
                                                a->inputs->ticket);
}

static TSS2_RC prepare_nv(TSS2_SYS_CONTEXT *sys, const void *args) {
        const TermArguments *a = args;
        const TPM2B_OPERAND operand = policy_nv_operand(a->term->nv.mask);
        const TPM2_HANDLE index = a->inputs->index->handle;

        return Tss2_Sys_PolicyNV_Prepare(sys, index, index, a->session->handle, &operand, 0,
                                         TPM2_EO_BITCLEAR);
}

static TSS2_RC prepare_auth_value(TSS2_SYS_CONTEXT *sys, const void *args) {
        const TermArguments *a = args;

        return Tss2_Sys_PolicyAuthValue_Prepare(sys, a->session->handle);
}

static TSS2_RC prepare_signed(TSS2_SYS_CONTEXT *sys, const void *args) {
        const TermArguments *a = args;
        const SysPolicySigned *people = a->inputs->people;

        return Tss2_Sys_PolicySigned_Prepare(sys, a->key, a->session->handle, &people->nonce,
                                             &people->cphash, &a->term->signing.ref,
                                             people->expiration, a->signature->signature);
}

static TSS2_RC prepare_or(TSS2_SYS_CONTEXT *sys, const void *args) {
        const TermArguments *a = args;

        return Tss2_Sys_PolicyOR_Prepare(sys, a->session->handle, &a->term->branches);
}

static int run(const TermArguments *arguments, SysCommand command, ErrorDetail *detail) {
        command.args = arguments;
        return sys_command_run(arguments->session->tpm, &command, NULL, detail);
}

static int apply_pcr(const TermArguments *arguments, ErrorDetail *detail) {
        return run(arguments,
                   (SysCommand){
                           .code = TPM2_CC_PolicyPCR,
                           .step = TPM_STEP_POLICY_PCR,
                           .prepare = prepare_pcr,
                   },
                   detail);
}

static int apply_authorize(const TermArguments *arguments, ErrorDetail *detail) {
        if (!arguments->inputs->approved || !arguments->inputs->ticket)
                return -EINVAL;
        return run(arguments,
                   (SysCommand){
                           .code = TPM2_CC_PolicyAuthorize,
                           .step = TPM_STEP_POLICY_AUTHORIZE,
                           .prepare = prepare_authorize,
                   },
                   detail);
}

/* A refusal at a state index says nothing of the seal. */
static TpmStep policy_nv_step(const TpmIndex *index) {
        return index->kind == INDEX_STATE ? TPM_STEP_POLICY_NV_STATE : TPM_STEP_POLICY_NV;
}

/*
 * The HMAC is over the Name that the term demands, and takes the index's auth without sending it.
 * Another index at the handle, and a locked one, has another Name: the chip says BAD_AUTH. A policy
 * session's Name is its handle (Part 1 §16).
 */
static int apply_nv(const TermArguments *arguments, ErrorDetail *detail) {
        const TPM2B_NAME *index = &arguments->term->nv.index;
        _cleanup_(tpm_auth_value_wipe) TPM2B_AUTH auth = {};
        TPM2B_NAME session = {};
        Writer writer = writer_over(session.name, sizeof(session.name));

        if (!arguments->inputs->index || !arguments->inputs->hmac)
                return -EINVAL;
        writer_put_u32(&writer, arguments->session->handle);
        session.size = (UINT16) writer.used;
        int r = tpm_auth_value(&arguments->inputs->index->auth, &auth, detail);
        if (r != 0)
                return r;
        return run(arguments,
                   (SysCommand){
                           .code = TPM2_CC_PolicyNV,
                           .step = policy_nv_step(arguments->inputs->index),
                           .prepare = prepare_nv,
                           .session = arguments->inputs->hmac,
                           .auth = &auth,
                           .names = { index, index, &session },
                   },
                   detail);
}

static int apply_auth_value(const TermArguments *arguments, ErrorDetail *detail) {
        return run(arguments,
                   (SysCommand){
                           .code = TPM2_CC_PolicyAuthValue,
                           .step = TPM_STEP_POLICY_AUTH_VALUE,
                           .prepare = prepare_auth_value,
                   },
                   detail);
}

static int apply_signed(const TermArguments *arguments, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle key = {};
        TermArguments with_key = *arguments;
        Tpm *tpm = arguments->session->tpm;

        if (!arguments->signature)
                return -EINVAL;
        int r = tpm_key_load_external(tpm, arguments->signature->key, &key, detail);
        if (r == 0)
                r = tpm_rc(Esys_TR_GetTpmHandle(tpm->esys, key.tr, &with_key.key),
                           TPM_STEP_LOAD_EXTERNAL, detail);
        if (r != 0)
                return r;
        return run(&with_key,
                   (SysCommand){
                           .code = TPM2_CC_PolicySigned,
                           .step = TPM_STEP_POLICY_SIGNED,
                           .prepare = prepare_signed,
                   },
                   detail);
}

static int apply_or(const TermArguments *arguments, ErrorDetail *detail) {
        return run(arguments,
                   (SysCommand){
                           .code = TPM2_CC_PolicyOR,
                           .step = TPM_STEP_POLICY_OR,
                           .prepare = prepare_or,
                   },
                   detail);
}

static int term_apply(const TermArguments *arguments, ErrorDetail *detail) {
        switch (arguments->term->kind) {
        case POLICY_PCR:
                return apply_pcr(arguments, detail);
        case POLICY_AUTHORIZE:
                return apply_authorize(arguments, detail);
        case POLICY_NV:
                return apply_nv(arguments, detail);
        case POLICY_AUTH_VALUE:
                return apply_auth_value(arguments, detail);
        case POLICY_SIGNED:
                return apply_signed(arguments, detail);
        case POLICY_OR:
                return apply_or(arguments, detail);
        default:
                return -EINVAL;
        }
}

int sys_policy_apply(const SysSession *session, const PolicyTerm *terms, size_t count,
                     const SysPolicyInputs *inputs, ErrorDetail *detail) {
        const SysPolicySigned *people = inputs->people;
        size_t signatures = 0;

        for (size_t i = 0; i < count; i++) {
                TermArguments arguments = {
                        .session = session,
                        .term = &terms[i],
                        .inputs = inputs,
                };

                if (terms[i].kind == POLICY_SIGNED && people && signatures < people->count)
                        arguments.signature = &people->signatures[signatures++];
                int r = term_apply(&arguments, detail);
                if (r != 0)
                        return r;
        }
        return 0;
}

static TSS2_RC prepare_restart(TSS2_SYS_CONTEXT *sys, const void *args) {
        const SysSession *session = args;

        return Tss2_Sys_PolicyRestart_Prepare(sys, session->handle);
}

int sys_policy_restart(const SysSession *session, ErrorDetail *detail) {
        const SysCommand restart = {
                .code = TPM2_CC_PolicyRestart,
                .step = TPM_STEP_POLICY_RESTART,
                .prepare = prepare_restart,
                .args = session,
        };

        return sys_command_run(session->tpm, &restart, NULL, detail);
}

int sys_policy_begin(SysPolicySession *policy, ErrorDetail *detail) {
        int r = policy->used ? sys_policy_restart(&policy->session, detail) : 0;

        if (r == 0)
                policy->used = true;
        return r;
}
