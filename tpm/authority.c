/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/authority.h"

#include <openssl/crypto.h>

#include "policy/algorithm.h"
#include "policy/approval.h"
#include "policy/digest.h"
#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/hierarchy.h"
#include "tpm/key.h"
#include "tpm/session.h"

/* noDA clear: the chip counts wrong passphrases. */
#define AUTHORITY_ATTRIBUTES                                                                \
        (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | \
         TPMA_OBJECT_USERWITHAUTH)

static void digest_wipe(TPM2B_DIGEST *digest) {
        OPENSSL_cleanse(digest, sizeof(*digest));
}

/*
 * One SHA-256 and no slow derivation: nobody is given what he could guess against. The chip counts
 * wrong tries (noDA clear) and then refuses all. The authValue never leaves it, and passes on the
 * way in only encrypted, later only within HMACs of salted sessions. Guessing offline needs the
 * wrapped blob and the SRK's private half, which is to have opened the chip.
 */
static int authority_auth(const Secret *passphrase, Secret *ret) {
        static const char purpose[] = "sealsd/authority/passphrase";
        _cleanup_(secret_wipe) Secret text = {};
        _cleanup_(digest_wipe) TPM2B_DIGEST digest = {};

        int r = secret_set(&text, purpose, sizeof(purpose) - 1);
        if (r == 0)
                r = secret_append(&text, passphrase->data, passphrase->size);
        if (r == 0)
                r = digest_bytes((Bytes){ .data = text.data, .size = text.size }, &digest);
        if (r != 0)
                return r;
        return secret_set(ret, digest.buffer, digest.size);
}

int tpm_authority_create(Tpm *tpm, const Secret *passphrase, TpmAuthority *ret,
                         ErrorDetail *detail) {
        const TPM2B_PUBLIC template = algorithm_template(algorithm_find("ecdsa-p256"),
                                                         AUTHORITY_ATTRIBUTES, NULL);
        _cleanup_(secret_wipe) Secret auth = {};
        TpmAuthority authority = { .resident = true };

        int r = authority_auth(passphrase, &auth);
        if (r != 0)
                return r;
        r = tpm_key_create(tpm, &template, &auth, &authority.public, &authority.private, detail);
        if (r != 0)
                return r;
        *ret = authority;
        return 0;
}

/* Say how many tries are left, or how long to wait, when the chip tells. */
static int explain_refusal(Tpm *tpm, int condition, ErrorDetail *detail) {
        TpmHierarchies h;

        if (tpm_hierarchies(tpm, &h, NULL) != 0)
                return condition;
        if (condition == SEAL_E_TPM_LOCKOUT)
                return error_set(detail, condition,
                                 "After too many wrong passphrases the TPM refuses all; it "
                                 "forgets one every %u seconds",
                                 h.lockout_interval);
        if (h.lockout_counter >= h.max_auth_fail)
                return error_set(detail, condition,
                                 "Wrong passphrase of the authority; the TPM now refuses all, and "
                                 "forgets one every %u seconds",
                                 h.lockout_interval);
        uint32_t left = h.max_auth_fail - h.lockout_counter;
        return error_set(detail, condition,
                         "Wrong passphrase of the authority; %u %s left before the TPM refuses all",
                         left, left == 1 ? "try is" : "tries are");
}

static int resident_sign(Tpm *tpm, const TpmAuthority *authority, const Secret *passphrase,
                         const TPM2B_DIGEST *digest, TPMT_SIGNATURE *ret, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {}, key = {};
        _cleanup_(tpm_auth_revoke) TpmAuth lent = {};
        _cleanup_(secret_wipe) Secret auth = {};

        int r = authority_auth(passphrase, &auth);
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
                return explain_refusal(tpm, r, detail);
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
