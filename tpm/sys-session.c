/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/sys-session.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/bytes.h"
#include "policy/digest.h"
#include "policy/openssl.h"
#include "tpm/context.h"
#include "tpm/srk.h"
#include "tpm/sys-command.h"

DEFINE_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

#define NONCE_SIZE TPM2_SHA256_DIGEST_SIZE
#define IV_AT 16 /* behind AES-128's key */

static int nonce_new(TPM2B_NONCE *ret) {
        ret->size = NONCE_SIZE;
        return RAND_bytes(ret->buffer, NONCE_SIZE) == 1 ? 0 : openssl_error();
}

typedef struct StartArguments {
        TPM2B_ENCRYPTED_SECRET salt;
        TPM2B_NONCE nonce_caller;
        TPM2_SE type;
        TPMA_SESSION encrypts;
} StartArguments;

static TSS2_RC start_prepare(TSS2_SYS_CONTEXT *sys, const void *args) {
        static const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
        static const TPMT_SYM_DEF aes = {
                .algorithm = TPM2_ALG_AES,
                .keyBits.aes = 128,
                .mode.aes = TPM2_ALG_CFB,
        };
        const StartArguments *a = args;

        return Tss2_Sys_StartAuthSession_Prepare(sys, SRK_HANDLE, TPM2_RH_NULL, &a->nonce_caller,
                                                 &a->salt, a->type, a->encrypts ? &aes : &none,
                                                 TPM2_ALG_SHA256);
}

/* TPM2_StartAuthSession (Part 3 §11.1). */
static int session_start(SysSession *session, const StartArguments *arguments,
                         ErrorDetail *detail) {
        const SysCommand start = {
                .code = TPM2_CC_StartAuthSession,
                .step = TPM_STEP_START_SESSION,
                .prepare = start_prepare,
                .args = arguments,
        };
        TSS2_SYS_CONTEXT *sys;

        int r = sys_command_run(session->tpm, &start, &sys, detail);
        if (r != 0)
                return r;
        r = tpm_rc(Tss2_Sys_StartAuthSession_Complete(sys, &session->handle, &session->nonce_tpm),
                   TPM_STEP_START_SESSION, detail);
        if (r != 0) /* the chip has a session whose handle is not known */
                session->tpm->littered = true;
        return r;
}

static void session_flush(const SysSession *session) {
        TSS2_SYS_CONTEXT *sys;

        if (Esys_GetSysContext(session->tpm->esys, &sys) == TSS2_RC_SUCCESS)
                tpm_flushed(session->tpm, Tss2_Sys_FlushContext(sys, session->handle));
}

int sys_session_open(Tpm *tpm, TPM2_SE type, TPMA_SESSION encrypts, SysSession *ret,
                     ErrorDetail *detail) {
        StartArguments arguments = { .type = type, .encrypts = encrypts };
        SysSession session = { .tpm = tpm, .attributes = TPMA_SESSION_CONTINUESESSION | encrypts };
        uint8_t salt[SESSION_KEY_SIZE];

        if (!tpm->srk.tpm)
                return -ENOKEY;
        int r = nonce_new(&arguments.nonce_caller);
        if (r == 0)
                r = salt_new(&tpm->srk_public, &arguments.salt, salt);
        if (r != 0)
                return r;
        r = session_start(&session, &arguments, detail);
        if (r == 0) {
                r = session_key_derive(salt, &session.nonce_tpm, &arguments.nonce_caller,
                                       session.key);
                if (r != 0)
                        session_flush(&session);
        }
        OPENSSL_cleanse(salt, sizeof(salt));
        if (r == 0)
                *ret = session;
        OPENSSL_cleanse(&session, sizeof(session));
        return r;
}

void sys_session_close(SysSession *session) {
        if (!session->tpm)
                return;
        session_flush(session);
        OPENSSL_cleanse(session, sizeof(*session));
}

/*
 * HMAC(sessionKey ‖ authValue, pHash ‖ nonceNewer ‖ nonceOlder ‖ sessionAttributes),
 * Part 1 §19.6.5.
 */
static int session_hmac(const SysProof *proof, const TPM2B_DIGEST *hash, const TPM2B_NONCE *newer,
                        const TPM2B_NONCE *older, TPMA_SESSION attributes, TPM2B_AUTH *ret) {
        uint8_t key[SESSION_KEY_SIZE + sizeof(proof->auth->buffer)];
        uint8_t message[3 * sizeof(TPMU_HA) + 1];
        Writer k = writer_over(key, sizeof(key)), m = writer_over(message, sizeof(message));
        unsigned size = 0;

        writer_put(&k, proof->session->key, SESSION_KEY_SIZE);
        if (proof->auth)
                writer_put_digest(&k, proof->auth);
        writer_put_digest(&m, hash);
        writer_put_digest(&m, newer);
        writer_put_digest(&m, older);
        writer_put_u8(&m, attributes);
        bool made = !k.overflow && !m.overflow &&
                    HMAC(EVP_sha256(), key, (int) k.used, message, m.used, ret->buffer, &size);
        OPENSSL_cleanse(key, sizeof(key));
        ret->size = (UINT16) size;
        return made ? 0 : openssl_short();
}

int sys_session_authorise(SysProof *proof, const TPM2B_DIGEST *cphash, TPMS_AUTH_COMMAND *ret) {
        int r = nonce_new(&proof->nonce_caller);

        if (r != 0)
                return r;
        *ret = (TPMS_AUTH_COMMAND){
                .sessionHandle = proof->session->handle,
                .nonce = proof->nonce_caller,
                .sessionAttributes = proof->session->attributes,
        };
        return session_hmac(proof, cphash, &proof->nonce_caller, &proof->session->nonce_tpm,
                            ret->sessionAttributes, &ret->hmac);
}

int sys_session_accept(SysSession *session, const SysProof *proof, const TPM2B_DIGEST *rphash,
                       const TPMS_AUTH_RESPONSE *response) {
        TPM2B_AUTH wanted;

        int r = session_hmac(proof, rphash, &response->nonce, &proof->nonce_caller,
                             response->sessionAttributes, &wanted);
        if (r != 0)
                return r;
        if (response->hmac.size != wanted.size ||
            CRYPTO_memcmp(response->hmac.buffer, wanted.buffer, wanted.size) != 0)
                return SEAL_E_TPM_UNAVAILABLE;
        session->nonce_tpm = response->nonce;
        session->nonce_caller = proof->nonce_caller;
        return 0;
}

int sys_session_decrypt(const SysSession *session, uint8_t *data, size_t size) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *cipher = NULL;
        uint8_t key[SESSION_KEY_SIZE];
        int done = 0;

        int r = answer_key_derive(session->key, &session->nonce_tpm, &session->nonce_caller, key);
        if (r != 0)
                return r;
        cipher = EVP_CIPHER_CTX_new();
        bool good = cipher &&
                    EVP_DecryptInit_ex(cipher, EVP_aes_128_cfb128(), NULL, key, key + IV_AT) == 1 &&
                    EVP_DecryptUpdate(cipher, data, &done, data, (int) size) == 1;
        OPENSSL_cleanse(key, sizeof(key));
        return good ? 0 : openssl_error();
}
