/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attack/use.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>

#include "policy/algorithm.h"
#include "policy/approval.h"
#include "policy/key.h"
#include "policy/openssl.h"
#include "policy/ref.h"
#include "policy/signature.h"
#include "policy/use-approval.h"
#include "sealsd/approver.h"
#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/pin.h"
#include "tpm/policy.h"
#include "tpm/session.h"

/* One approval as it is shown to the chip, which need not be as it was made. */
typedef struct Claim {
        TPM2B_PUBLIC key;
        TPM2B_NAME name;
        TPM2B_NONCE nonce; /* empty: none */
        TPM2B_DIGEST cphash, ref;
        int32_t expiration;
        TPMT_SIGNATURE signature;
} Claim;

/* What is sent to the chip. */
typedef struct Attempt {
        Loot *loot;
        UseTarget target; /* what the approvers signed */
        size_t machine;   /* terms of the leaf before the people */
        size_t count;
        Claim claims[APPROVERS_MAX + 1];
        bool either;       /* a PolicyOR ... */
        SealPolicy policy; /* ... of this policy's leaves */
        TPM2B_DIGEST digest;
        bool hold;
} Attempt;

/* ---- honest: as the daemon would ------------------------------------------------------------ */

static int cphash_now(const Attempt *a, TPM2B_DIGEST *ret) {
        TPM2B_NAME name;

        int r = public_name(&a->loot->seal.public, &name);
        return r == 0 ? cphash_sign(&name, &a->digest, &a->target.scheme, ret) : r;
}

static int target_of(const Loot *loot, UseTarget *ret) {
        const UseFacts *facts = &loot->request.use.facts;
        const Algorithm *algorithm = algorithm_of(&loot->approved.public);
        UseTarget target = {
                .digest = *use_signs(facts),
                .live = facts->live,
                .nonce = facts->nonce,
                .expiration = (int32_t) facts->expiration,
        };
        size_t size;

        if (!algorithm)
                return -EINVAL;
        (void) snprintf(target.number, sizeof(target.number), "%s", loot->approved.number);
        int r = algorithm_scheme(algorithm, facts->hash, scheme_option(facts->scheme),
                                 &target.scheme, &size, NULL);
        if (r == 0)
                r = public_name(&loot->approved.public, &target.key);
        if (r == 0)
                *ret = target;
        return r;
}

static int claim_of(const Attempt *a, const UseApproval *approval, Claim *ret) {
        const Approver *approver = &a->loot->approved.facts.approvers[approval->approver];
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer w = writer_over(bytes, sizeof(bytes));
        const UseTarget *target = &a->target;
        Claim claim = { .nonce = target->nonce, .expiration = target->expiration };

        int r = approver_key(approver, &claim.key);
        if (r == 0)
                r = approver_name(approver, &claim.name);
        if (r == 0)
                r = use_approval_bytes(target, &w);
        if (r == 0)
                r = cphash_sign(&target->key, &target->digest, &target->scheme, &claim.cphash);
        if (r == 0)
                r = policy_ref(REF_SEAL, target->number, &claim.ref);
        if (r == 0)
                r = signature_accept(&claim.key, (Bytes){ bytes, w.used },
                                     (Bytes){ approval->signature, approval->size },
                                     &claim.signature);
        if (r == 0)
                *ret = claim;
        return r > 0 ? -EINVAL : r;
}

/* With the approvals that the register has, up to the threshold. */
static int attempt_honest(Loot *loot, Attempt *a) {
        const UseRequest *use = &loot->request.use;
        SealLeaves leaves;

        *a = (Attempt){ .loot = loot, .policy = loot->policy, .machine = 2U + loot->policy.pin };
        int r = target_of(loot, &a->target);
        a->digest = a->target.digest;
        for (size_t i = 0; r == 0 && i < use->approval_count && i < loot->policy.threshold; i++)
                r = claim_of(a, &use->approvals[i], &a->claims[a->count++]);
        if (r == 0)
                r = seal_policy_leaves(&loot->policy, &leaves);
        a->either = leaves.count > 1;
        return r;
}

/* ---- at the chip ---------------------------------------------------------------------------- */

static int apply_machine(const Attempt *a, const TpmHandle *session, ErrorDetail *detail) {
        const MachineApproval *approval = &a->loot->approvals[0];
        _cleanup_(tpm_handle_close) TpmHandle hmac = {};
        PolicyTerm state = { .kind = POLICY_PCR };
        const PolicyInputs inputs = {
                .approved = &approval->policy,
                .ticket = &approval->ticket,
                .index = &a->loot->index,
                .hmac = &hmac,
        };
        SealLeaves leaves;

        state.pcr.selection = approval->values.selection;
        int r = pcr_values_digest(&approval->values, &state.pcr.digest);
        if (r == 0)
                r = seal_policy_leaves(&a->loot->policy, &leaves);
        if (r == 0)
                r = tpm_session_open(a->loot->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &hmac, detail);
        if (r == 0)
                r = tpm_policy_apply(session, &state, 1, NULL, detail);
        if (r == 0)
                r = tpm_policy_apply(session, leaves.leaves[0].terms, a->machine, &inputs, detail);
        return r;
}

static int apply_claim(const TpmHandle *session, const Claim *claim, ErrorDetail *detail) {
        const PolicyTerm term = {
                .kind = POLICY_SIGNED,
                .signing = { .key = claim->name, .ref = claim->ref },
        };
        const PolicySignature signature = {
                .key = &claim->key,
                .nonce = claim->nonce.size > 0 ? &claim->nonce : NULL,
                .cphash = &claim->cphash,
                .signature = &claim->signature,
                .expiration = claim->expiration,
        };
        const PolicyInputs inputs = { .signatures = &signature, .signature_count = 1 };

        return tpm_policy_apply(session, &term, 1, &inputs, detail);
}

static int apply_either(const Attempt *a, const TpmHandle *session, ErrorDetail *detail) {
        PolicyTerm term;
        SealLeaves leaves;

        int r = seal_policy_leaves(&a->policy, &leaves);
        if (r == 0)
                r = policy_or_term(leaves.leaves, leaves.count, &term);
        return r == 0 ? tpm_policy_apply(session, &term, 1, NULL, detail) : r;
}

static int satisfy(const Attempt *a, const TpmHandle *session, ErrorDetail *detail) {
        int r = apply_machine(a, session, detail);

        for (size_t i = 0; r == 0 && i < a->count; i++)
                r = apply_claim(session, &a->claims[i], detail);
        if (r == 0 && a->either)
                r = apply_either(a, session, detail);
        return r;
}

static int pin_lend(const Attempt *a, const TpmHandle *key, TpmAuth *lent, ErrorDetail *detail) {
        const char *said = getenv("ATTACKER_PIN");
        _cleanup_(secret_wipe) Secret pin = {}, auth = {};

        if (!said)
                return 0;
        int r = secret_set(&pin, said, strlen(said));
        if (r == 0)
                r = tpm_pin_auth(&pin, &auth);
        return r == 0 ? tpm_auth_lend(lent, a->loot->tpm, key->tr, &auth, detail) : r;
}

static int wait_for_line(void) {
        char line[16];

        (void) printf("prepared\n");
        (void) fflush(stdout);
        return fgets(line, sizeof(line), stdin) ? 0 : -EPIPE;
}

static int attempt_run(const Attempt *a, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {}, key = {};
        _cleanup_(tpm_auth_revoke) TpmAuth lent = {};
        const Seal *seal = &a->loot->seal;
        TPMT_SIGNATURE signature;

        int r = tpm_session_open(a->loot->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, detail);
        if (r == 0)
                r = satisfy(a, &session, detail);
        if (r == 0)
                r = tpm_key_load(a->loot->tpm, NULL, &seal->public, &seal->private, &key, detail);
        if (r == 0)
                r = pin_lend(a, &key, &lent, detail);
        if (r == 0 && a->hold)
                r = wait_for_line();
        return r == 0 ? tpm_key_sign(&key, &session, &a->digest, &a->target.scheme, &signature,
                                     detail)
                      : r;
}

/* ---- tricks: each changes an honest attempt ------------------------------------------------- */

static int as_it_is(Attempt *a) {
        (void) a;
        return 0;
}

static int prepared_and_held(Attempt *a) {
        a->hold = true;
        return 0;
}

static int another_document(Attempt *a) {
        memset(a->digest.buffer, 'B', a->digest.size);
        return 0;
}

static int another_document_without_cphash(Attempt *a) {
        for (size_t i = 0; i < a->count; i++)
                a->claims[i].cphash.size = 0;
        return another_document(a);
}

static int claims_say_now(Attempt *a) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < a->count; i++) {
                r = cphash_now(a, &a->claims[i].cphash);
                if (r == 0)
                        r = policy_ref(REF_SEAL, a->loot->policy.number, &a->claims[i].ref);
        }
        return r;
}

static int another_document_said_to_be_it(Attempt *a) {
        (void) another_document(a);
        return claims_say_now(a);
}

static int one_fewer(Attempt *a) {
        if (a->count == 0)
                return -EINVAL;
        a->count--;
        return 0;
}

static int one_fewer_and_no_or(Attempt *a) {
        a->either = false;
        return one_fewer(a);
}

/* A PolicyOR over the leaves of a seal that fewer open: the chip takes it. */
static int one_fewer_and_another_or(Attempt *a) {
        if (a->policy.threshold > 1)
                a->policy.threshold--;
        a->either = a->policy.approver_count > 1;
        return one_fewer(a);
}

static int one_twice(Attempt *a) {
        if (a->count == 0)
                return -EINVAL;
        if (a->count == 1)
                a->count++;
        a->claims[a->count - 1] = a->claims[0];
        return 0;
}

static int in_another_order(Attempt *a) {
        const Claim first = a->claims[0];

        if (a->count < 2)
                return one_twice(a);
        a->claims[0] = a->claims[a->count - 1];
        a->claims[a->count - 1] = first;
        return 0;
}

static int sign_as_stranger(EVP_PKEY *key, const TPM2B_PUBLIC *public, Bytes message,
                            TPMT_SIGNATURE *ret) {
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        uint8_t der[SIGNATURE_MAX];
        size_t size = sizeof(der);

        bool good = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
                    EVP_DigestSign(md, der, &size, message.data, message.size) == 1;
        EVP_MD_CTX_free(md);
        return good ? signature_from_openssl(public, (Bytes){ der, size }, ret) : -EINVAL;
}

/* Somebody else signed the right bytes. */
static int a_strangers(Attempt *a) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer w = writer_over(bytes, sizeof(bytes));

        if (a->count == 0 || !key)
                return -EINVAL;
        Claim *claim = &a->claims[a->count - 1];
        int r = external_key_from_pkey(key, &claim->key, NULL);
        if (r == 0)
                r = public_name(&claim->key, &claim->name);
        if (r == 0)
                r = use_approval_bytes(&a->target, &w);
        return r == 0 ? sign_as_stranger(key, &claim->key, (Bytes){ bytes, w.used },
                                         &claim->signature)
                      : r;
}

static int a_strangers_said_to_be_an_approvers(Attempt *a) {
        const Claim before = a->claims[a->count > 0 ? a->count - 1 : 0];

        int r = a_strangers(a);
        if (r == 0) {
                a->claims[a->count - 1].key = before.key;
                a->claims[a->count - 1].name = before.name;
        }
        return r;
}

static int without_nonce(Attempt *a) {
        for (size_t i = 0; i < a->count; i++)
                a->claims[i].nonce.size = 0;
        return 0;
}

static int as_deferred(Attempt *a) {
        for (size_t i = 0; i < a->count; i++)
                a->claims[i].expiration = 0;
        return without_nonce(a);
}

static int without_machine_state(Attempt *a) {
        a->machine = 0;
        return 0;
}

static int without_bit(Attempt *a) {
        a->machine = 1;
        return 0;
}

static int without_pin(Attempt *a) {
        if (!a->policy.pin)
                return without_bit(a);
        a->machine = 2;
        return 0;
}

typedef struct Trick {
        const char *word;
        const char *name;
        int (*play)(Attempt *attempt);
} Trick;

static const Trick tricks[] = {
        { "use", "as it is", as_it_is },
        { "use-hold", "prepared and held", prepared_and_held },
        { "use-other", "another document", another_document },
        { "use-other", "another, no cpHash", another_document_without_cphash },
        { "use-other", "another, said to be it", another_document_said_to_be_it },
        { "use-seal", "another seal", as_it_is },
        { "use-seal", "another, said to be it", claims_say_now },
        { "use-fewer", "one fewer", one_fewer },
        { "use-fewer", "one fewer, no PolicyOR", one_fewer_and_no_or },
        { "use-fewer", "one fewer, another PolicyOR", one_fewer_and_another_or },
        { "use-fewer", "one twice", one_twice },
        { "use-fewer", "in another order", in_another_order },
        { "use-fewer", "a stranger's", a_strangers },
        { "use-fewer", "a stranger's, said to be it", a_strangers_said_to_be_an_approvers },
        { "use-again", "in another session", as_it_is },
        { "use-again", "without its nonce", without_nonce },
        { "use-again", "as a deferred one", as_deferred },
        { "use-bare", "no machine state", without_machine_state },
        { "use-bare", "no revocation bit", without_bit },
        { "use-bare", "no PIN", without_pin },
};

static int trick_play(Loot *loot, const Trick *trick, ErrorDetail *detail) {
        Attempt attempt;

        int r = attempt_honest(loot, &attempt);
        if (r == 0)
                r = trick->play(&attempt);
        if (r == 0)
                r = attempt_run(&attempt, detail);
        (void) fprintf(stderr, "%s: %s\n", trick->name,
                       r == 0 ? "signed" : error_describe(r, detail));
        return r;
}

int attack_use(Loot *loot, const char *word, ErrorDetail *detail) {
        int r = -EINVAL;

        for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
                if (strcmp(tricks[i].word, word) != 0)
                        continue;
                *detail = (ErrorDetail){};
                r = trick_play(loot, &tricks[i], detail);
                if (r <= 0)
                        return r;
        }
        return r;
}
