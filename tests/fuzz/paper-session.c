/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chip's side of salted sessions (Part 1 §11.4.10 KDFs, §19.6 sessions, Annex C.6.1 ECDH), made
 * from the specification with libcrypto, and with nothing of the TSS, which it is to convince.
 */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "policy/key.h"
#include "tests/fuzz/paper-chip.h"

#define HASH 32

/* --- the storage root key ------------------------------------------------------------------- */

/* Its private half is 1, so that the point is the curve's base point (FIPS 186-4 D.1.2.3). */
static const uint8_t base_x[HASH] = {
        0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6,
        0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
        0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
};
static const uint8_t base_y[HASH] = {
        0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb,
        0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
        0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

const TPM2B_PUBLIC *paper_srk(void) {
        static TPM2B_PUBLIC srk;
        TPMT_PUBLIC *area = &srk.publicArea;

        if (srk.size > 0)
                return &srk;
        *area = (TPMT_PUBLIC){
                .type = TPM2_ALG_ECC,
                .nameAlg = TPM2_ALG_SHA256,
                .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                    TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
                .parameters.eccDetail = {
                        .symmetric = { TPM2_ALG_AES, { .aes = 128 }, { .aes = TPM2_ALG_CFB } },
                        .scheme.scheme = TPM2_ALG_NULL,
                        .curveID = TPM2_ECC_NIST_P256,
                        .kdf.scheme = TPM2_ALG_NULL,
                },
        };
        area->unique.ecc.x.size = area->unique.ecc.y.size = HASH;
        memcpy(area->unique.ecc.x.buffer, base_x, HASH);
        memcpy(area->unique.ecc.y.buffer, base_y, HASH);
        srk.size = 90; /* any but 0: marshalling counts itself */
        return &srk;
}

TPM2B_NAME paper_srk_name(void) {
        TPM2B_NAME name;

        fuzz_demand(public_name(paper_srk(), &name) == 0);
        return name;
}

/* --- keys of sessions ----------------------------------------------------------------------- */

/*
 * KDFe(SHA-256, Z, "SECRET", ephemeral x, key's x). With the private half 1, Z is the ephemeral
 * point's own x.
 */
static void salt_open(Bytes ephemeral_x, uint8_t ret[static HASH]) {
        uint8_t bytes[4 * HASH + 16];
        Writer w = writer_over(bytes, sizeof(bytes));

        writer_put_u32(&w, 1);
        writer_put(&w, ephemeral_x.data, ephemeral_x.size);
        writer_put(&w, "SECRET", 7);
        writer_put(&w, ephemeral_x.data, ephemeral_x.size);
        writer_put(&w, base_x, HASH);
        fuzz_demand(!w.overflow);
        (void) SHA256(bytes, w.used, ret);
}

/* KDFa(SHA-256, salt, "ATH", nonceTPM, nonceCaller, 256). */
static void session_key(PaperSession *session, const uint8_t salt[static HASH],
                        Bytes nonce_caller) {
        uint8_t bytes[256];
        Writer w = writer_over(bytes, sizeof(bytes));
        unsigned size = HASH;

        writer_put_u32(&w, 1);
        writer_put(&w, "ATH", 4);
        writer_put(&w, session->nonce, HASH);
        writer_put(&w, nonce_caller.data, nonce_caller.size);
        writer_put_u32(&w, 8 * HASH);
        fuzz_demand(!w.overflow);
        fuzz_demand(HMAC(EVP_sha256(), salt, HASH, bytes, w.used, session->key, &size) != NULL);
        session->key_size = HASH;
}

static void nonce_roll(PaperChip *chip, PaperSession *session) {
        memset(session->nonce, (int) (++chip->next_nonce & 0xff), HASH);
        session->rolled = true;
}

/* TPM2_StartAuthSession (Part 3 §11.1). */
TPM2_HANDLE paper_session_begin(PaperChip *chip, const PaperCommand *command, Writer *parameters) {
        unsigned number = chip->next_session++ % PAPER_SESSIONS;
        PaperSession *session = &chip->sessions[number];
        Input in = command->parameters;
        uint8_t salt[HASH];

        *session = (PaperSession){};
        nonce_roll(chip, session);
        session->rolled = false;
        Bytes nonce_caller = input_field(&in);
        Bytes encrypted_salt = input_field(&in);
        uint8_t type = input_u8(&in);
        if (encrypted_salt.size > 0) {
                Input point = { .data = encrypted_salt.data, .size = encrypted_salt.size };

                salt_open(input_field(&point), salt);
                session_key(session, salt, nonce_caller);
        }
        session->handle = (type == TPM2_SE_HMAC ? TPM2_HMAC_SESSION_FIRST
                                                : TPM2_POLICY_SESSION_FIRST) +
                          number;
        put_sized(parameters, session->nonce, HASH);
        return session->handle;
}

PaperSession *paper_session_find(PaperChip *chip, TPM2_HANDLE handle) {
        for (size_t i = 0; i < PAPER_SESSIONS; i++)
                if (chip->sessions[i].handle == handle)
                        return &chip->sessions[i];
        return NULL;
}

/* --- encrypted answers ---------------------------------------------------------------------- */

/*
 * KDFa(SHA-256, session key, "CFB", nonceTPM, nonceCaller, 256): key and IV (Part 1 §21.3).
 * Whatever answers so here has an empty authValue.
 */
static void encryption_key(const PaperSession *session, Bytes nonce_caller,
                           uint8_t ret[static HASH]) {
        uint8_t bytes[256];
        Writer w = writer_over(bytes, sizeof(bytes));
        unsigned size = HASH;

        writer_put_u32(&w, 1);
        writer_put(&w, "CFB", 4);
        writer_put(&w, session->nonce, HASH);
        writer_put(&w, nonce_caller.data, nonce_caller.size);
        writer_put_u32(&w, 8 * HASH);
        fuzz_demand(!w.overflow);
        fuzz_demand(HMAC(EVP_sha256(), session->key, (int) session->key_size, bytes, w.used, ret,
                         &size) != NULL);
}

static void cfb_encrypt(const uint8_t key[static HASH], uint8_t *data, size_t size) {
        EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
        int done = 0;

        fuzz_demand(cipher && EVP_EncryptInit_ex(cipher, EVP_aes_128_cfb128(), NULL, key,
                                                 key + HASH / 2) == 1);
        fuzz_demand(EVP_EncryptUpdate(cipher, data, &done, data, (int) size) == 1);
        EVP_CIPHER_CTX_free(cipher);
}

void paper_encrypt(PaperChip *chip, const PaperCommand *command, Writer *parameters) {
        Input in = { .data = command->sessions.data, .size = command->sessions.size };
        uint8_t key[HASH];

        while (in.size > 0) {
                PaperAuthorization a = paper_authorization(&in);
                PaperSession *session = paper_session_find(chip, a.handle);
                Input first = { .data = parameters->data, .size = parameters->used };

                if (!session || !(a.attributes & TPMA_SESSION_ENCRYPT))
                        continue;
                size_t size = input_field(&first).size; /* what there is of it */
                nonce_roll(chip, session);
                encryption_key(session, a.nonce_caller, key);
                if (size > 0)
                        cfb_encrypt(key, parameters->data + sizeof(uint16_t), size);
        }
}

/* --- proofs --------------------------------------------------------------------------------- */

/* Of the handle that the session authorises; a hierarchy's new one already. */
static const Secret *auth_value(const PaperChip *chip, const PaperCommand *command,
                                size_t position) {
        const PaperWorld *world = chip->world;
        TPM2_HANDLE handle = command->handles[position];

        if (command->code == TPM2_CC_HierarchyChangeAuth)
                return &world->new_auth;
        if (command->code == TPM2_CC_ReadPublic) /* nothing is authorised */
                return NULL;
        if (handle == world->index.handle)
                return &world->index.auth;
        if (handle == world->ledger.handle)
                return &world->ledger.auth;
        return handle == PAPER_LOADED_HANDLE ? &world->loaded_auth : NULL;
}

/* sessionKey ‖ authValue (Part 1 §19.6.5); in a policy session only after PolicyAuthValue. */
static void put_key(const PaperSession *session, const Secret *auth, Writer *w) {
        bool policy = session->handle >> TPM2_HR_SHIFT == TPM2_HT_POLICY_SESSION;

        writer_put(w, session->key, session->key_size);
        if (auth && (!policy || session->auth_value))
                writer_put(w, auth->data, auth->size);
}

/* rpHash ‖ nonceTPM ‖ nonceCaller ‖ sessionAttributes (Part 1 §19.6.5, §18.8). */
static void hmac_make(const PaperSession *session, const Secret *auth, Bytes proved,
                      uint8_t ret[static HASH]) {
        uint8_t key[HASH + SECRET_MAX];
        Writer w = writer_over(key, sizeof(key));
        unsigned size = HASH;

        put_key(session, auth, &w);
        fuzz_demand(!w.overflow);
        fuzz_demand(HMAC(EVP_sha256(), key, (int) w.used, proved.data, proved.size, ret, &size) !=
                    NULL);
}

static void parameters_hash(const PaperCommand *command, Bytes parameters,
                            uint8_t ret[static HASH]) {
        uint8_t bytes[PAPER_ANSWER_MAX];
        Writer w = writer_over(bytes, sizeof(bytes));

        writer_put_u32(&w, TPM2_RC_SUCCESS);
        writer_put_u32(&w, command->code);
        writer_put(&w, parameters.data, parameters.size);
        fuzz_demand(!w.overflow);
        (void) SHA256(bytes, w.used, ret);
}

/* What answers a password: no nonce and no HMAC (Part 1 §19.4). */
static void put_password_answer(Writer *answer) {
        put_sized(answer, NULL, 0);
        writer_put_u8(answer, TPMA_SESSION_CONTINUESESSION);
        put_sized(answer, NULL, 0);
}

static void put_proof(PaperChip *chip, PaperSession *session, const Secret *auth,
                      const uint8_t hash[static HASH], const PaperAuthorization *a,
                      Writer *answer) {
        uint8_t proved[256], hmac[HASH];
        Writer w = writer_over(proved, sizeof(proved));

        if (!session->rolled)
                nonce_roll(chip, session);
        session->rolled = false;
        writer_put(&w, hash, HASH);
        writer_put(&w, session->nonce, HASH);
        writer_put(&w, a->nonce_caller.data, a->nonce_caller.size);
        writer_put_u8(&w, a->attributes);
        fuzz_demand(!w.overflow);
        hmac_make(session, auth, (Bytes){ .data = proved, .size = w.used }, hmac);
        put_sized(answer, session->nonce, HASH);
        writer_put_u8(answer, a->attributes);
        put_sized(answer, hmac, HASH);
}

void paper_authorize(PaperChip *chip, const PaperCommand *command, Bytes parameters,
                     Writer *answer) {
        Input in = { .data = command->sessions.data, .size = command->sessions.size };
        uint8_t hash[HASH];

        parameters_hash(command, parameters, hash);
        for (size_t position = 0; in.size > 0; position++) {
                PaperAuthorization a = paper_authorization(&in);
                PaperSession *session = paper_session_find(chip, a.handle);

                fuzz_demand(session || a.handle == TPM2_RS_PW);
                fuzz_demand(position < sizeof(command->handles) / sizeof(command->handles[0]));
                if (session)
                        put_proof(chip, session, auth_value(chip, command, position), hash, &a,
                                  answer);
                else
                        put_password_answer(answer);
        }
}
