/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attacker: root with everything that the daemon has (register, wrapped blobs, index auths,
 * approvals) and the owner's authorisation, talking to the chip himself. What he is refused, the
 * chip refuses.
 *
 *   attacker sign FOLDER NUMBER            sign with the blob of the register in FOLDER
 *   attacker hold FOLDER NUMBER            satisfy the policy, print "prepared", wait for a line,
 *   sign attacker later FOLDER NUMBER           open the register, print "prepared", wait for a
 *   line, sign attacker revoke FOLDER NUMBER          set the seal's bit, without the daemon's
 *   knowing attacker redefine FOLDER HANDLE        delete the index and make it again, same
 *   attributes and auth attacker extend FOLDER HANDLE          append something to the ledger's
 *   index attacker rewrite FOLDER HANDLE         write the re-made index with the daemon's branch
 *   attacker replay FOLDER HANDLE BYTES SIGNATURE
 *                                          satisfy its first branch with an old challenge's bytes
 *                                          and the authority's answer to them
 *   attacker answer FOLDER HANDLE BYTES KEY
 *                                          the same, but with the session's own nonce and a
 *                                          signature made now with the authority's private key;
 *                                          then write
 *
 *   attacker use FOLDER NUMBER REQUEST     sign what a request of kind use is for, with the
 *   approvals
 *                                          that are in it and the PIN in $ATTACKER_PIN
 *   attacker use-other FOLDER NUMBER REQUEST
 *                                          sign another document with them
 *   attacker use-seal FOLDER NUMBER REQUEST
 *                                          sign it with another seal, which is NUMBER
 *   attacker use-fewer FOLDER NUMBER REQUEST
 *                                          with one less, one twice, a stranger's, in another order
 *   attacker use-again FOLDER NUMBER REQUEST
 *                                          live ones in another session, and as deferred ones
 *   attacker use-bare FOLDER NUMBER REQUEST
 *                                          leave machine state, revocation bit or PIN out
 *   attacker use-hold FOLDER NUMBER REQUEST
 *                                          satisfy all, print "prepared", wait for a line, sign
 *
 * In a number's place may stand maker:ALGORITHM: what certifies seals has such a key, too.
 *
 * The words with use- try one trick after the other, and print what the last one came to, or done
 * as soon as one signs; what each was refused for is told on standard error.
 *
 * `answer` is no attack: it shows that `replay` fails for want of a fresh signature and of nothing
 * else. $SEALSD_TCTI is how the chip is reached. Prints one word: done, or the refusal's name.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/bytes.h"
#include "policy/approval.h"
#include "policy/index.h"
#include "policy/key.h"
#include "tests/attack/loot.h"
#include "tests/attack/use.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/policy.h"
#include "tpm/session.h"

/*
 * Whoever has the index's auth may append to the ledger's index; what he appends is nothing that
 * the register knows.
 */
static int attack_extend(Loot *loot, ErrorDetail *detail) {
        static const uint8_t head[LEDGER_VALUE_SIZE] = "a head that no ledger has, ever";

        return tpm_index_extend(loot->tpm, &loot->index, head, detail);
}

static int attack_sign(Loot *loot, ErrorDetail *detail) {
        SealKey key = { .public = loot->seal.public, .private = loot->seal.private };
        TPMT_SIGNATURE signature;
        size_t which;
        SealUse use = {
                .key = &key,
                .policy = &loot->policy,
                .index = &loot->index,
                .approvals = loot->approvals,
                .approval_count = loot->state_count,
                .scheme = ecdsa_sha256,
                .digest = { .size = 32, .buffer = "the attacker's own document hash" },
        };
        return tpm_seal_sign(loot->tpm, &use, &signature, &which, detail);
}

static int attack_hold(Loot *loot, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle key = {}, hmac = {}, session = {};
        const MachineApproval *approval = &loot->approvals[0];
        const TpmIndex *states = &approval->retire.index;
        PolicyInputs retire = { .index = states, .hmac = &hmac };
        TPMS_NV_PUBLIC public;
        TPM2B_NAME name = {};
        PolicyLeaf state;
        TPM2B_DIGEST digest = { .size = 32 };
        TPMT_SIGNATURE signature;
        SealLeaves leaves;
        char line[16];
        PolicyInputs inputs = {
                &approval->policy, &approval->ticket, &loot->index, &hmac, NULL, 0
        };
        int r;

        r = seal_policy_leaves(&loot->policy, &leaves);
        if (r == 0 && states->handle != 0)
                r = index_public(INDEX_STATE, states->handle, &loot->authority, &public);
        if (r == 0 && states->handle != 0)
                r = index_name(&public, true, &name);
        if (r == 0)
                r = machine_state_leaf(&approval->values, states->handle != 0 ? &name : NULL,
                                       approval->retire.bit, &state);
        if (r == 0)
                r = tpm_session_open(loot->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &hmac, detail);
        if (r == 0)
                r = tpm_key_load(loot->tpm, &hmac, &loot->seal.public, &loot->seal.private, &key,
                                 detail);
        if (r == 0)
                r = tpm_session_open(loot->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, detail);
        if (r == 0)
                r = tpm_policy_apply(&session, state.terms, state.count, &retire, detail);
        if (r == 0)
                r = tpm_policy_apply(&session, leaves.leaves[0].terms, leaves.leaves[0].count,
                                     &inputs, detail);
        if (r != 0)
                return r;
        (void) printf("prepared\n");
        (void) fflush(stdout);
        if (!fgets(line, sizeof(line), stdin))
                return -EPIPE;
        return tpm_key_sign(&key, &session, &digest, &ecdsa_sha256, &signature, detail);
}

/* With what he took before, sessions apart. */
static int attack_later(Loot *loot, ErrorDetail *detail) {
        char line[16];

        (void) printf("prepared\n");
        (void) fflush(stdout);
        return fgets(line, sizeof(line), stdin) ? attack_sign(loot, detail) : -EPIPE;
}

static int attack_revoke(Loot *loot, ErrorDetail *detail) {
        return tpm_index_set_bits(loot->tpm, &loot->index, UINT64_C(1) << loot->seal.bit, detail);
}

static int attack_redefine(Loot *loot, ErrorDetail *detail) {
        int r = tpm_index_undefine(loot->tpm, loot->index.handle, NULL, detail);

        return r == 0 ? tpm_index_define(loot->tpm, &loot->index, NULL, detail) : r;
}

/* The later branch needs NvWritten(yes), which only a first write can make true. */
static int attack_rewrite(Loot *loot, ErrorDetail *detail) {
        return tpm_index_set_bits(loot->tpm, &loot->index, 0, detail);
}

static size_t read_file(const char *path, uint8_t *ret, size_t size) {
        FILE *file = fopen(path, "re");
        size_t n = file ? fread(ret, 1, size, file) : 0;

        fclosep(&file);
        return n;
}

/* nonceTPM ‖ expiration ‖ cpHash ‖ policyRef, as an old challenge had them. */
typedef struct Challenge {
        size_t size;
        uint8_t bytes[APPROVAL_BYTES_MAX];
        TPM2B_NONCE nonce;
        TPM2B_DIGEST cphash, ref;
} Challenge;

static int challenge_read(const char *path, Challenge *ret) {
        ret->size = read_file(path, ret->bytes, sizeof(ret->bytes));
        if (ret->size != 100)
                return -EINVAL;
        ret->nonce.size = ret->cphash.size = ret->ref.size = 32;
        memcpy(ret->nonce.buffer, ret->bytes, 32);
        memcpy(ret->cphash.buffer, ret->bytes + 36, 32);
        memcpy(ret->ref.buffer, ret->bytes + 68, 32);
        return 0;
}

/* The first branch's terms in a session: what the chip says to this nonce and this signature. */
static int branch_satisfy(Loot *loot, const TpmHandle *session, const TPM2B_NONCE *nonce,
                          const TPM2B_DIGEST *cphash, Bytes der, ErrorDetail *detail) {
        TPMT_SIGNATURE signature;
        IndexPolicy policy;
        PolicySignature answer = { &loot->installation.authority, nonce, cphash, &signature, 0 };
        PolicyInputs inputs = { .signatures = &answer, .signature_count = 1 };

        int r = signature_from_openssl(&loot->installation.authority, der, &signature);
        if (r == 0)
                r = index_policy(loot->index.kind, loot->index.handle, &loot->authority, &policy);
        if (r != 0)
                return r;
        return tpm_policy_apply(session, policy.first.terms, policy.first.count, &inputs, detail);
}

/*
 * The recorded answer against fresh sessions: its nonce is not the session's, and without a nonce
 * the signature is over other bytes. Either has to be refused as just that.
 */
static int attack_replay(Loot *loot, char **argv, ErrorDetail *detail) {
        uint8_t der[SIGNATURE_MAX];
        Challenge old = {};

        int r = challenge_read(argv[4], &old);
        if (r != 0)
                return r;
        Bytes answer = { der, read_file(argv[5], der, sizeof(der)) };
        const TPM2B_NONCE *const nonces[] = { &old.nonce, NULL };
        for (size_t i = 0; i < 2; i++) {
                _cleanup_(tpm_handle_close) TpmHandle session = {};

                r = tpm_session_open(loot->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, detail);
                if (r == 0)
                        r = branch_satisfy(loot, &session, nonces[i], &old.cphash, answer, detail);
                if (r != SEAL_E_APPROVAL_INVALID)
                        return r;
        }
        return SEAL_E_APPROVAL_INVALID;
}

static int key_sign(const char *path, Bytes message, uint8_t *ret, size_t *size) {
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
        EVP_MD_CTX *md = EVP_MD_CTX_new();

        bool good = key && md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
                    EVP_DigestSign(md, ret, size, message.data, message.size) == 1;
        EVP_MD_CTX_free(md);
        EVP_PKEY_free(key);
        return good ? 0 : -EINVAL;
}

/* As in the replay, but for the nonce, which the chip gave this session, and what signs it. */
static int control_branch(Loot *loot, const Challenge *old, const char *key, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        uint8_t bytes[APPROVAL_BYTES_MAX], der[SIGNATURE_MAX];
        Writer w = writer_over(bytes, sizeof(bytes));
        _cleanup_esys_ TPM2B_NONCE *nonce = NULL;
        size_t size = sizeof(der);

        int r = tpm_session_open(loot->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, detail);
        if (r == 0 &&
            Esys_TRSess_GetNonceTPM(loot->tpm->esys, session.tr, &nonce) != TSS2_RC_SUCCESS)
                r = -EIO;
        if (r != 0)
                return r;
        approval_signed_bytes(nonce, 0, &old->cphash, &old->ref, &w);
        r = key_sign(key, (Bytes){ bytes, w.used }, der, &size);
        if (r != 0)
                return r;
        return branch_satisfy(loot, &session, nonce, &old->cphash, (Bytes){ der, size }, detail);
}

/* The whole road of a first write, as the daemon walks it. */
static int control_write(Loot *loot, const char *key, ErrorDetail *detail) {
        _cleanup_(tpm_challenge_freep) TpmChallenge *challenge = NULL;
        const TpmAuthority authority = { .public = loot->installation.authority };
        static const uint8_t no_bit[8];
        TPMT_SIGNATURE signature;
        uint8_t der[SIGNATURE_MAX];
        size_t size = sizeof(der);

        int r = tpm_challenge_new(&challenge, loot->tpm, &loot->index,
                                  (Bytes){ no_bit, sizeof(no_bit) }, detail);
        if (r == 0)
                r = key_sign(key, tpm_challenge_bytes(challenge), der, &size);
        if (r == 0)
                r = signature_from_openssl(&authority.public, (Bytes){ der, size }, &signature);
        return r == 0 ? tpm_challenge_answer(challenge, &authority, &signature, detail) : r;
}

static int control_answer(Loot *loot, char **argv, ErrorDetail *detail) {
        Challenge old = {};

        int r = challenge_read(argv[4], &old);
        if (r == 0)
                r = control_branch(loot, &old, argv[5], detail);
        return r == 0 ? control_write(loot, argv[5], detail) : r;
}

static int attack(Loot *loot, char **argv, ErrorDetail *detail) {
        if (strncmp(argv[1], "use", 3) == 0)
                return attack_use(loot, argv[1], detail);
        if (strcmp(argv[1], "sign") == 0)
                return attack_sign(loot, detail);
        if (strcmp(argv[1], "hold") == 0)
                return attack_hold(loot, detail);
        if (strcmp(argv[1], "later") == 0)
                return attack_later(loot, detail);
        if (strcmp(argv[1], "revoke") == 0)
                return attack_revoke(loot, detail);
        if (strcmp(argv[1], "redefine") == 0)
                return attack_redefine(loot, detail);
        if (strcmp(argv[1], "extend") == 0)
                return attack_extend(loot, detail);
        if (strcmp(argv[1], "rewrite") == 0)
                return attack_rewrite(loot, detail);
        if (strcmp(argv[1], "replay") == 0 && argv[4] && argv[5])
                return attack_replay(loot, argv, detail);
        if (strcmp(argv[1], "answer") == 0 && argv[4] && argv[5])
                return control_answer(loot, argv, detail);
        return -EINVAL;
}

int main(int argc, char **argv) {
        static Loot loot;
        ErrorDetail detail = {};

        (void) setenv("TSS2_LOG", "all+none", 0); /* refusals are what is expected here */
        if (argc < 4)
                return 2;
        const bool of_use = strncmp(argv[1], "use", 3) == 0;
        int r = of_use && argc < 5
                        ? -EINVAL
                        : loot_take(&loot, argv[2], argv[3], of_use ? argv[4] : NULL, &detail);
        /* What the chip says to the register's key. */
        if (r != 0 && r != SEAL_E_MACHINE_STATE_REFUSED && r != SEAL_E_REGISTER_TAMPERED) {
                (void) fprintf(stderr, "no loot: %d %s\n", r, error_describe(r, &detail));
                loot_drop(&loot);
                return 2;
        }
        if (r == 0)
                r = attack(&loot, argv, &detail);
        const char *name = r == 0 ? "done" : error_name(r);
        const char *dot = strrchr(name, '.');
        (void) printf("%s\n", dot ? dot + 1 : name);
        (void) fflush(stdout); /* the word comes before its explanation */
        if (r != 0)
                (void) fprintf(stderr, "%s\n", error_describe(r, &detail));
        loot_drop(&loot);
        return r == 0 ? 0 : 1;
}
