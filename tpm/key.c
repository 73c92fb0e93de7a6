/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/key.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <tss2/tss2_mu.h>

#include "policy/algorithm.h"
#include "tpm/auth.h"
#include "tpm/command-audit.h"
#include "tpm/context.h"
#include "tpm/session.h"
#include "tpm/srk.h"

#define SEALED_DATA_MAX 128U

const TPMT_SIG_SCHEME ecdsa_sha256 = {
        .scheme = TPM2_ALG_ECDSA,
        .details.ecdsa.hashAlg = TPM2_ALG_SHA256,
};

/* Compared as they are marshalled. */
static bool areas_equal(const TPMT_PUBLIC *one, const TPMT_PUBLIC *other) {
        uint8_t a[sizeof(*one)], b[sizeof(*other)];
        size_t a_size = 0, b_size = 0;

        if (Tss2_MU_TPMT_PUBLIC_Marshal(one, a, sizeof(a), &a_size) != 0 ||
            Tss2_MU_TPMT_PUBLIC_Marshal(other, b, sizeof(b), &b_size) != 0)
                return false;
        return a_size == b_size && memcmp(a, b, a_size) == 0;
}

bool tpm_key_matches(const TPM2B_PUBLIC *template, const TPM2B_PUBLIC *public) {
        TPMT_PUBLIC keyless = public->publicArea;

        keyless.unique = template->publicArea.unique;
        return areas_equal(&template->publicArea, &keyless);
}

static void sensitive_wipe(TPM2B_SENSITIVE_CREATE *sensitive) {
        OPENSSL_cleanse(sensitive, sizeof(*sensitive));
}

/* What TPM2_Create answers, as values. */
typedef struct Created {
        TPM2B_PUBLIC public;
        TPM2B_PRIVATE private;
        TPM2B_DIGEST hash;
        TPMT_TK_CREATION ticket;
} Created;

static int object_create(Tpm *tpm, const TPM2B_PUBLIC *template,
                         const TPM2B_SENSITIVE_CREATE *sensitive, Created *ret,
                         ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        _cleanup_esys_ TPMT_TK_CREATION *ticket = NULL;
        _cleanup_esys_ TPM2B_PRIVATE *private = NULL;
        _cleanup_esys_ TPM2B_PUBLIC *public = NULL;
        _cleanup_esys_ TPM2B_DIGEST *hash = NULL;
        static const TPM2B_DATA outside = {};
        static const TPML_PCR_SELECTION pcrs = {};

        int r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_COMMAND, &session, detail);
        if (r != 0)
                return r;
        r = tpm_srk_rc(tpm,
                       Esys_Create(tpm->esys, tpm->srk.tr, ONE_SESSION(&session), sensitive,
                                   template, &outside, &pcrs, &private, &public, NULL, &hash,
                                   &ticket),
                       TPM_STEP_CREATE, detail);
        if (r != 0)
                return r;
        if (!tpm_key_matches(template, public))
                return error_set(detail, SEAL_E_TPM_FAILURE,
                                 "The TPM made another key than the one asked for");
        *ret = (Created){
                .public = *public, .private = *private, .hash = *hash, .ticket = *ticket
        };
        return 0;
}

static int key_create(Tpm *tpm, const TPM2B_PUBLIC *template, const Secret *auth, Created *ret,
                      ErrorDetail *detail) {
        _cleanup_(sensitive_wipe) TPM2B_SENSITIVE_CREATE sensitive = {};

        int r = tpm_auth_value(auth, &sensitive.sensitive.userAuth, detail);
        return r == 0 ? object_create(tpm, template, &sensitive, ret, detail) : r;
}

int tpm_key_create(Tpm *tpm, const TPM2B_PUBLIC *template, const Secret *auth,
                   TPM2B_PUBLIC *ret_public, TPM2B_PRIVATE *ret_private, ErrorDetail *detail) {
        Created created;

        int r = key_create(tpm, template, auth, &created, detail);
        if (r != 0)
                return r;
        *ret_public = created.public;
        *ret_private = created.private;
        return 0;
}

int tpm_key_create_proved(Tpm *tpm, const TPM2B_PUBLIC *template, const Secret *auth,
                          TPM2B_PUBLIC *ret_public, TPM2B_PRIVATE *ret_private,
                          TPM2B_DIGEST *ret_hash, TPMT_TK_CREATION *ret_ticket,
                          ErrorDetail *detail) {
        Created created;

        int r = key_create(tpm, template, auth, &created, detail);
        if (r != 0)
                return r;
        *ret_public = created.public;
        *ret_private = created.private;
        *ret_hash = created.hash;
        *ret_ticket = created.ticket;
        return 0;
}

int tpm_key_seal(Tpm *tpm, const TPM2B_PUBLIC *template, const Secret *data,
                 TPM2B_PUBLIC *ret_public, TPM2B_PRIVATE *ret_private, ErrorDetail *detail) {
        _cleanup_(sensitive_wipe) TPM2B_SENSITIVE_CREATE sensitive = {};
        TPM2B_SENSITIVE_DATA *sealed = &sensitive.sensitive.data;
        Created created;

        if (!data->set || data->size == 0 || data->size > SEALED_DATA_MAX)
                return -EINVAL;
        sealed->size = (uint16_t) data->size;
        memcpy(sealed->buffer, data->data, data->size);
        int r = object_create(tpm, template, &sensitive, &created, detail);
        if (r != 0)
                return r;
        *ret_public = created.public;
        *ret_private = created.private;
        return 0;
}

int tpm_key_load(Tpm *tpm, const TpmHandle *session, const TPM2B_PUBLIC *public,
                 const TPM2B_PRIVATE *private, TpmHandle *ret, ErrorDetail *detail) {
        ESYS_TR authorisation = session ? session->tr : ESYS_TR_PASSWORD;
        ESYS_TR tr;

        if (!tpm->srk.tpm)
                return -ENOKEY;
        int r = tpm_srk_rc(tpm,
                           Esys_Load(tpm->esys, tpm->srk.tr, authorisation, ESYS_TR_NONE,
                                     ESYS_TR_NONE, private, public, &tr),
                           TPM_STEP_LOAD, detail);
        if (r != 0)
                return r;
        *ret = tpm_handle_transient(tpm, tr);
        return 0;
}

/* In a session, so that nobody on the way answers in the chip's place. */
static int public_read(const TpmHandle *key, const TpmHandle *session, TPM2B_PUBLIC *ret,
                       ErrorDetail *detail) {
        _cleanup_esys_ TPM2B_PUBLIC *public = NULL;

        int r = tpm_srk_rc(
                key->tpm,
                Esys_ReadPublic(key->tpm->esys, key->tr, ONE_SESSION(session), &public, NULL, NULL),
                TPM_STEP_READ_PUBLIC, detail);
        if (r == 0)
                *ret = *public;
        return r;
}

int tpm_key_check(Tpm *tpm, const TPM2B_PUBLIC *public, const TPM2B_PRIVATE *private,
                  const TPM2B_DIGEST *policy, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {}, key = {};
        TPM2B_PUBLIC told = {};

        int r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PROVES, &session, detail);
        if (r == 0)
                r = tpm_key_load(tpm, &session, public, private, &key, detail);
        if (r == 0)
                r = public_read(&key, &session, &told, detail);
        if (r != 0)
                return r;
        if (!areas_equal(&public->publicArea, &told.publicArea))
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "The public key in the register is not the one that the chip "
                                 "loaded");
        const TPM2B_DIGEST *kept = &told.publicArea.authPolicy;
        if (kept->size != policy->size || memcmp(kept->buffer, policy->buffer, kept->size) != 0)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "The chip has another policy for the key than the register: what "
                                 "the register says of its use does not bind it");
        return 0;
}

int tpm_key_load_external(Tpm *tpm, const TPM2B_PUBLIC *public, TpmHandle *ret,
                          ErrorDetail *detail) {
        ESYS_TR tr;

        int r = tpm_rc(
                Esys_LoadExternal(tpm->esys, NO_SESSIONS, NULL, public, ESYS_TR_RH_OWNER, &tr),
                TPM_STEP_LOAD_EXTERNAL, detail);
        if (r != 0)
                return r;
        *ret = tpm_handle_transient(tpm, tr);
        return 0;
}

/* The Name is ESAPI's own: no command is sent. */
static void key_note_signature(const TpmHandle *key, const TPM2B_DIGEST *digest,
                               const TPMT_SIG_SCHEME *scheme, const TPMT_SIGNATURE *signature) {
        _cleanup_esys_ TPM2B_NAME *name = NULL;

        if (Esys_TR_GetName(key->tpm->esys, key->tr, &name) == TSS2_RC_SUCCESS)
                tpm_command_audit_signed(key->tpm, name, digest, scheme, signature);
}

int tpm_key_sign(const TpmHandle *key, const TpmHandle *session, const TPM2B_DIGEST *digest,
                 const TPMT_SIG_SCHEME *scheme, TPMT_SIGNATURE *ret, ErrorDetail *detail) {
        _cleanup_esys_ TPMT_SIGNATURE *signature = NULL;

        int r = tpm_srk_rc(key->tpm,
                           Esys_Sign(key->tpm->esys, key->tr, ONE_SESSION(session), digest, scheme,
                                     &no_hash_ticket, &signature),
                           TPM_STEP_SIGN, detail);
        if (r != 0)
                return r;
        *ret = *signature;
        key_note_signature(key, digest, scheme, signature);
        return 0;
}
