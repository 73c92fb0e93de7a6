/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/authority.h"

#include "policy/algorithm.h"
#include "policy/approval.h"
#include "policy/digest.h"
#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/pin.h"
#include "tpm/session.h"

/* noDA clear: the chip counts wrong passphrases. */
#define AUTHORITY_ATTRIBUTES                                                                \
        (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | \
         TPMA_OBJECT_USERWITHAUTH)

int tpm_authority_create(Tpm *tpm, const Secret *passphrase, TpmAuthority *ret,
                         ErrorDetail *detail) {
        const TPM2B_PUBLIC template = algorithm_template(algorithm_find("ecdsa-p256"),
                                                         AUTHORITY_ATTRIBUTES, NULL);
        _cleanup_(secret_wipe) Secret auth = {};
        TpmAuthority authority = { .resident = true };

        int r = tpm_passphrase_auth(passphrase, &auth);
        if (r != 0)
                return r;
        r = tpm_key_create(tpm, &template, &auth, &authority.public, &authority.private, detail);
        if (r != 0)
                return r;
        *ret = authority;
        return 0;
}

static int resident_sign(Tpm *tpm, const TpmAuthority *authority, const Secret *passphrase,
                         const TPM2B_DIGEST *digest, TPMT_SIGNATURE *ret, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {}, key = {};
        _cleanup_(tpm_auth_revoke) TpmAuth lent = {};
        _cleanup_(secret_wipe) Secret auth = {};

        int r = tpm_passphrase_auth(passphrase, &auth);
        if (r == 0)
                r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, detail);
        if (r == 0)
                r = tpm_key_load(tpm, &session, &authority->public, &authority->private, &key,
                                 detail);
        if (r == 0)
                r = tpm_auth_lend(&lent, tpm, key.tr, &auth, detail);
        if (r == 0)
                r = tpm_key_sign(&key, &session, digest, &ecdsa_sha256, ret, detail);
        return r;
}

int tpm_authority_sign(Tpm *tpm, const TpmAuthority *authority, const Secret *passphrase,
                       Bytes message, TPMT_SIGNATURE *ret, ErrorDetail *detail) {
        TPM2B_DIGEST digest = {};

        if (!authority->resident)
                return error_set(detail, SEAL_E_UNSUPPORTED,
                                 "The authority's key is not in this TPM; sign with its own tool");
        if (!passphrase || !passphrase->set)
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "The authority's passphrase is required; give 'passphrase'");
        int r = digest_bytes(message, &digest);
        if (r == 0)
                r = resident_sign(tpm, authority, passphrase, &digest, ret, detail);
        if (r == SEAL_E_WRONG_PIN || r == SEAL_E_TPM_LOCKOUT)
                return tpm_pin_explain(tpm, r, "Wrong passphrase of the authority", "passphrases",
                                       detail);
        return r;
}

/* SHA-256(approvedPolicy ‖ policyRef): PolicyAuthorize makes the same (Part 3 §23.16). */
static int authorize_digest(const TPM2B_DIGEST *approved_policy, const TPM2B_DIGEST *ref,
                            TPM2B_DIGEST *ret) {
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer writer = writer_over(bytes, sizeof(bytes));

        approval_authorize_bytes(approved_policy, ref, &writer);
        return digest_written(&writer, ret);
}

int tpm_authority_ticket(Tpm *tpm, const TpmAuthority *authority,
                         const TPM2B_DIGEST *approved_policy, const TPM2B_DIGEST *ref,
                         const TPMT_SIGNATURE *signature, TPMT_TK_VERIFIED *ret,
                         ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle key = {};
        _cleanup_esys_ TPMT_TK_VERIFIED *ticket = NULL;
        TPM2B_DIGEST digest = {};

        int r = authorize_digest(approved_policy, ref, &digest);
        if (r == 0)
                r = tpm_key_load_external(tpm, &authority->public, &key, detail);
        if (r != 0)
                return r;
        r = tpm_rc(
                Esys_VerifySignature(tpm->esys, key.tr, NO_SESSIONS, &digest, signature, &ticket),
                TPM_STEP_VERIFY_SIGNATURE, detail);
        if (r != 0)
                return r;
        *ret = *ticket;
        return 0;
}
