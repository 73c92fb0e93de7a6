/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/policy.h"

#include <errno.h>

#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/nv.h"
#include "tpm/srk.h"

/* Where a conjunction stands: the next answer for a PolicySigned. */
typedef struct Application {
        const TpmHandle *session;
        const PolicyInputs *inputs;
        size_t next_signature;
} Application;

typedef int (*ApplyTerm)(Application *application, const PolicyTerm *term, ErrorDetail *detail);

static ESYS_CONTEXT *esys_of(const Application *application) {
        return application->session->tpm->esys;
}

/* With the digest wanted, so that the chip refuses here and not at the end (Part 3 §23.7). */
static int apply_pcr(Application *a, const PolicyTerm *term, ErrorDetail *detail) {
        TPML_PCR_SELECTION list = {};

        pcr_selection_list(&term->pcr.selection, &list);
        return tpm_rc(
                Esys_PolicyPCR(esys_of(a), a->session->tr, NO_SESSIONS, &term->pcr.digest, &list),
                TPM_STEP_POLICY_PCR, detail);
}

static int apply_authorize(Application *a, const PolicyTerm *term, ErrorDetail *detail) {
        if (!a->inputs->approved || !a->inputs->ticket)
                return -EINVAL;
        return tpm_rc(Esys_PolicyAuthorize(esys_of(a), a->session->tr, NO_SESSIONS,
                                           a->inputs->approved, &term->authorize.ref,
                                           &term->authorize.key, a->inputs->ticket),
                      TPM_STEP_POLICY_AUTHORIZE, detail);
}

/* The index's authValue goes into an HMAC: no password on the bus. */
static int apply_nv(Application *a, const PolicyTerm *term, ErrorDetail *detail) {
        const TPM2B_OPERAND operand = policy_nv_operand(term->nv.mask);
        const PolicyInputs *in = a->inputs;
        _cleanup_(tpm_nv_close) TpmNv nv = {};

        if (!in->index || !in->hmac)
                return -EINVAL;
        int r = tpm_nv_open(a->session->tpm, in->index, &nv, detail);
        if (r != 0)
                return r;
        r = tpm_nv_demand_written(&nv, in->index, detail);
        if (r != 0)
                return r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
        return tpm_srk_rc(a->session->tpm,
                          Esys_PolicyNV(esys_of(a), nv.handle.tr, nv.handle.tr, a->session->tr,
                                        ONE_SESSION(in->hmac), &operand, 0, TPM2_EO_BITCLEAR),
                          in->index->kind == INDEX_STATE ? TPM_STEP_POLICY_NV_STATE
                                                         : TPM_STEP_POLICY_NV,
                          detail);
}

static int apply_auth_value(Application *a, const PolicyTerm *term, ErrorDetail *detail) {
        (void) term;
        return tpm_rc(Esys_PolicyAuthValue(esys_of(a), a->session->tr, NO_SESSIONS),
                      TPM_STEP_POLICY_AUTH_VALUE, detail);
}

static int apply_signed(Application *a, const PolicyTerm *term, ErrorDetail *detail) {
        static const TPM2B_NONCE no_nonce = {};
        static const TPM2B_DIGEST no_cphash = {};
        _cleanup_(tpm_handle_close) TpmHandle key = {};

        if (a->next_signature >= a->inputs->signature_count)
                return -EINVAL;
        const PolicySignature *s = &a->inputs->signatures[a->next_signature++];
        int r = tpm_key_load_external(a->session->tpm, s->key, &key, detail);
        if (r != 0)
                return r;
        return tpm_rc(Esys_PolicySigned(esys_of(a), key.tr, a->session->tr, NO_SESSIONS,
                                        s->nonce ? s->nonce : &no_nonce,
                                        s->cphash ? s->cphash : &no_cphash, &term->signing.ref,
                                        s->expiration, s->signature, NULL, NULL),
                      TPM_STEP_POLICY_SIGNED, detail);
}

static int apply_or(Application *a, const PolicyTerm *term, ErrorDetail *detail) {
        return tpm_rc(Esys_PolicyOR(esys_of(a), a->session->tr, NO_SESSIONS, &term->branches),
                      TPM_STEP_POLICY_OR, detail);
}

static int apply_nv_written(Application *a, const PolicyTerm *term, ErrorDetail *detail) {
        return tpm_rc(Esys_PolicyNvWritten(esys_of(a), a->session->tr, NO_SESSIONS,
                                           term->written ? TPM2_YES : TPM2_NO),
                      TPM_STEP_POLICY_NV_WRITTEN, detail);
}

static int apply_command_code(Application *a, const PolicyTerm *term, ErrorDetail *detail) {
        return tpm_rc(
                Esys_PolicyCommandCode(esys_of(a), a->session->tr, NO_SESSIONS, term->command),
                TPM_STEP_POLICY_COMMAND_CODE, detail);
}

static int apply_duplication_select(Application *a, const PolicyTerm *term, ErrorDetail *detail) {
        return tpm_rc(
                Esys_PolicyDuplicationSelect(esys_of(a), a->session->tr, NO_SESSIONS,
                                             &term->duplication.object, &term->duplication.parent,
                                             term->duplication.include_object ? TPM2_YES : TPM2_NO),
                TPM_STEP_POLICY_DUPLICATION_SELECT, detail);
}

static const ApplyTerm apply_term[POLICY_KIND_MAX] = {
        [POLICY_PCR] = apply_pcr,
        [POLICY_AUTHORIZE] = apply_authorize,
        [POLICY_NV] = apply_nv,
        [POLICY_AUTH_VALUE] = apply_auth_value,
        [POLICY_SIGNED] = apply_signed,
        [POLICY_OR] = apply_or,
        [POLICY_NV_WRITTEN] = apply_nv_written,
        [POLICY_COMMAND_CODE] = apply_command_code,
        [POLICY_DUPLICATION_SELECT] = apply_duplication_select,
};

int tpm_policy_apply(const TpmHandle *session, const PolicyTerm *terms, size_t count,
                     const PolicyInputs *inputs, ErrorDetail *detail) {
        static const PolicyInputs none = {};
        Application application = { .session = session, .inputs = inputs ? inputs : &none };

        for (size_t i = 0; i < count; i++) {
                if (terms[i].kind >= POLICY_KIND_MAX)
                        return -EINVAL;
                int r = apply_term[terms[i].kind](&application, &terms[i], detail);
                if (r != 0)
                        return r;
        }
        return 0;
}

int tpm_policy_restart(const TpmHandle *session, ErrorDetail *detail) {
        return tpm_rc(Esys_PolicyRestart(session->tpm->esys, session->tr, NO_SESSIONS),
                      TPM_STEP_POLICY_RESTART, detail);
}

int tpm_policy_digest(const TpmHandle *session, TPM2B_DIGEST *ret, ErrorDetail *detail) {
        _cleanup_esys_ TPM2B_DIGEST *digest = NULL;

        int r = tpm_rc(Esys_PolicyGetDigest(session->tpm->esys, session->tr, NO_SESSIONS, &digest),
                       TPM_STEP_POLICY_GET_DIGEST, detail);
        if (r != 0)
                return r;
        *ret = *digest;
        return 0;
}
