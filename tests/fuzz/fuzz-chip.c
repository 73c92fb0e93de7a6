/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the chip answers, or who sits on its bus: every operation of tpm/ ends, with a known result,
 * leaves nothing behind, and does not succeed with an answer whose HMAC is not the chip's.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "policy/algorithm.h"
#include "policy/approval.h"
#include "policy/key.h"
#include "policy/register-policy.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"
#include "tests/fuzz/paper-chip.h"
#include "tpm/attestation.h"
#include "tpm/authority.h"
#include "tpm/context.h"
#include "tpm/hierarchy.h"
#include "tpm/key.h"
#include "tpm/machine.h"
#include "tpm/register-key.h"
#include "tpm/seal.h"
#include "tpm/sign.h"
#include "tpm/srk.h"

const unsigned fuzz_mutations = 8;

#define INDEX_HANDLE 0x01812345U
#define LEDGER_HANDLE 0x01812346U
#define PROFILE "default"
#define NUMBER "11010500000001"

/* What the operations are given; the same each time. */
typedef struct World {
        PaperWorld paper;
        TPM2B_NAME srk;
        TpmAuthority authority; /* external */
        Secret passphrase;
        TPMT_SIGNATURE signature; /* of nobody: the paper chip judges none */
        SealKey key;
} World;

/* tpm/authority.h says what becomes of the passphrase. */
static void auths_fill(World *w) {
        static const char text[] = "sealsd/authority/passphrase"
                                   "secret";
        uint8_t digest[32];

        (void) SHA256((const uint8_t *) text, sizeof(text) - 1, digest);
        w->paper.index = (TpmIndex){ .kind = INDEX_REVOCATION, .handle = INDEX_HANDLE };
        fuzz_demand(secret_set(&w->paper.index.auth, "0123456789abcdef0123456789abcdef", 32) == 0);
        w->paper.ledger = (TpmIndex){ .kind = INDEX_LEDGER, .handle = LEDGER_HANDLE };
        w->paper.ledger.auth = w->paper.index.auth;
        fuzz_demand(secret_set(&w->paper.new_auth, "another", 7) == 0);
        fuzz_demand(secret_set(&w->paper.loaded_auth, digest, sizeof(digest)) == 0);
        fuzz_demand(secret_set(&w->passphrase, "secret", 6) == 0);
}

static const World *world(void) {
        static World w;
        TPM2B_PUBLIC *key = &w.key.public;

        if (w.srk.size > 0)
                return &w;
        (void) setenv("TSS2_LOG", "all+none", 0); /* a sentence for each answer that is wrong */
        w.authority.public = *fuzz_key(0);
        auths_fill(&w);
        fuzz_demand(public_name(&w.authority.public, &w.paper.index.authority) == 0);
        w.paper.ledger.authority = w.paper.index.authority;
        w.signature.sigAlg = TPM2_ALG_ECDSA;
        w.signature.signature.ecdsa.hash = TPM2_ALG_SHA256;
        w.signature.signature.ecdsa.signatureR.size = 32;
        w.signature.signature.ecdsa.signatureS.size = 32;
        *key = algorithm_template(algorithm_find("ecdsa-p256"), TPMA_OBJECT_FIXEDTPM, NULL);
        key->size = 1; /* there is one */
        key->publicArea.unique = paper_srk()->publicArea.unique;
        w.key.private.size = 16;
        w.srk = paper_srk_name();
        return &w;
}

/* --- operations ----------------------------------------------------------------------------- */

static int describe(Tpm *tpm, const World *w, ErrorDetail *detail) {
        TpmHierarchies hierarchies;
        char text[64];

        (void) w;
        memset(text, 'x', sizeof(text));
        int r = tpm_describe(tpm, text, sizeof(text), detail);
        if (r == 0)
                fuzz_demand(strnlen(text, sizeof(text)) < sizeof(text) &&
                            text_is_utf8(text, strlen(text)));
        return r != 0 ? r : tpm_hierarchies(tpm, &hierarchies, detail);
}

static int srk_again(Tpm *tpm, const World *w, ErrorDetail *detail) {
        TPM2B_NAME name = {};

        (void) w;

        int r = tpm_srk_ensure(tpm, NULL, NULL, &name, detail);
        fuzz_demand(r != 0 || name.size == 34);
        return r;
}

static int pcr_read(Tpm *tpm, const World *w, ErrorDetail *detail) {
        const PcrSelection selection = { .bank = TPM2_ALG_SHA256, .mask = 0xfffbff };
        PcrValues values = {};

        (void) w;
        int r = tpm_pcr_read(tpm, &selection, &values, detail);
        fuzz_demand(r != 0 || values.selection.mask == selection.mask);
        return r;
}

static int fence(Tpm *tpm, const World *w, ErrorDetail *detail) {
        (void) w;
        return tpm_fence(tpm, 15, detail);
}

static int index_state(Tpm *tpm, const World *w, ErrorDetail *detail) {
        TpmIndexState state = TPM_INDEX_ABSENT;

        int r = tpm_index_state(tpm, &w->paper.index, &state, detail);
        fuzz_demand(state <= TPM_INDEX_LOCKED);
        return r;
}

static int index_bits(Tpm *tpm, const World *w, ErrorDetail *detail) {
        uint64_t bits = 0;

        int r = tpm_index_set_bits(tpm, &w->paper.index, 1, detail);
        return r != 0 ? r : tpm_index_read_bits(tpm, &w->paper.index, &bits, detail);
}

static int index_define(Tpm *tpm, const World *w, ErrorDetail *detail) {
        int r = tpm_index_define(tpm, &w->paper.index, NULL, detail);
        return r != 0 ? r : tpm_index_undefine(tpm, w->paper.index.handle, NULL, detail);
}

static int index_first_write(Tpm *tpm, const World *w, ErrorDetail *detail) {
        static const uint8_t zeros[8];
        _cleanup_(tpm_challenge_freep) TpmChallenge *challenge = NULL;

        int r = tpm_challenge_new(&challenge, tpm, &w->paper.index,
                                  (Bytes){ .data = zeros, .size = sizeof(zeros) }, detail);
        fuzz_demand((r == 0) == (challenge != NULL));
        if (r != 0)
                return r;
        Bytes bytes = tpm_challenge_bytes(challenge);
        fuzz_demand(bytes.size >= 68 && bytes.size <= APPROVAL_BYTES_MAX);
        return tpm_challenge_answer(challenge, &w->authority, &w->signature, detail);
}

static int key_create(Tpm *tpm, const World *w, ErrorDetail *detail) {
        TPM2B_DIGEST policy = { .size = 32 };
        SealKey key, before;

        (void) w;
        memset(&before, 0xa5, sizeof(before));
        key = before;
        int r = tpm_seal_create(tpm, algorithm_find("ecdsa-p256"), &policy, NULL, &key, detail);
        if (r != 0)
                fuzz_demand(fuzz_same(&key, &before, sizeof(key)));
        else
                fuzz_demand(key.public.publicArea.authPolicy.size == 32 && key.private.size > 0 &&
                            !(key.public.publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH));
        return r;
}

static int hierarchy(Tpm *tpm, const World *w, ErrorDetail *detail) {
        int r = tpm_hierarchy_set_auth(tpm, TPM_LOCKOUT, NULL, &w->paper.new_auth, detail);
        return r != 0 ? r : tpm_hierarchy_check_auth(tpm, TPM_OWNER, NULL, detail);
}

static int authority(Tpm *tpm, const World *w, ErrorDetail *detail) {
        static const uint8_t message[] = "message";
        TPM2B_DIGEST digest = { .size = 32 };
        TPMT_TK_VERIFIED ticket;
        TPMT_SIGNATURE signature;
        TpmAuthority made;

        int r = tpm_authority_ticket(tpm, &w->authority, &digest, &digest, &w->signature, &ticket,
                                     detail);
        if (r == 0)
                r = tpm_authority_create(tpm, &w->passphrase, &made, detail);
        return r != 0 ? r
                      : tpm_authority_sign(tpm, &made, &w->passphrase,
                                           (Bytes){ .data = message, .size = sizeof(message) },
                                           &signature, detail);
}

static MachineApproval approval_make(const World *w) {
        MachineApproval approval = {
                .values.selection = { .bank = TPM2_ALG_SHA256, .mask = 1 << 0 | 1 << 7 },
                .signature = w->signature,
                .ticket = { .tag = TPM2_ST_VERIFIED, .hierarchy = TPM2_RH_OWNER },
        };

        approval.values.values[0].size = approval.values.values[7].size = 32;
        approval.ticket.digest.size = 32;
        fuzz_demand(machine_state_policy(&approval.values, &approval.policy) == 0);
        return approval;
}

/* Twice, since the first one leaves key and sessions for the second. */
static int sign(Tpm *tpm, const World *w, ErrorDetail *detail) {
        MachineApproval approvals[2] = { approval_make(w), approval_make(w) };
        SealPolicy policy = { .authority = w->paper.index.authority,
                              .profile = PROFILE,
                              .number = NUMBER,
                              .bit = 3 };
        const SealUse use = { .key = &w->key,
                              .policy = &policy,
                              .index = &w->paper.index,
                              .approvals = approvals,
                              .approval_count = 2,
                              .scheme = { TPM2_ALG_ECDSA, { { TPM2_ALG_SHA256 } } },
                              .digest = { .size = 32 } };
        TPMT_SIGNATURE signature = {};
        TPMS_NV_PUBLIC public;
        size_t approval = 2;

        fuzz_demand(index_public(INDEX_REVOCATION, INDEX_HANDLE, &policy.authority, &public) == 0);
        fuzz_demand(index_name(&public, true, &policy.index) == 0);
        int r = tpm_seal_sign(tpm, &use, &signature, &approval, detail);
        fuzz_demand(r != 0 || approval < 2);
        if (r == 0)
                r = tpm_seal_sign(tpm, &use, &signature, NULL, detail);
        tpm_release(tpm);
        return r;
}

/* Two of three approvers; one use deferred, one live, which is spent if and only if it signed. */
static int use_of(Tpm *tpm, const World *w, const SealPolicy *policy, LiveUse *live,
                  ErrorDetail *detail) {
        const MachineApproval approval = approval_make(w);
        const ApproverSignature signatures[] = {
                { .approver = 0, .key = *fuzz_key(0), .signature = w->signature },
                { .approver = 2, .key = *fuzz_key(2), .signature = w->signature },
        };
        const UseApprovals by = { .approvers = 5,
                                  .count = 2,
                                  .signatures = signatures,
                                  .live = live,
                                  .expiration = live ? 60 : 0 };
        const SealUse use = { .key = &w->key,
                              .policy = policy,
                              .index = &w->paper.index,
                              .approvals = &approval,
                              .approval_count = 1,
                              .scheme = { TPM2_ALG_ECDSA, { { TPM2_ALG_SHA256 } } },
                              .digest = { .size = 32 },
                              .signed_by = &by };
        TPMT_SIGNATURE signature = {};

        int r = tpm_seal_sign(tpm, &use, &signature, NULL, detail);
        fuzz_demand(!live || tpm_live_use_is_spent(live) == (r == 0));
        return r;
}

static int people(Tpm *tpm, const World *w, ErrorDetail *detail) {
        _cleanup_(tpm_live_use_freep) LiveUse *live = NULL;
        SealPolicy policy = { .authority = w->paper.index.authority,
                              .profile = PROFILE,
                              .number = NUMBER,
                              .bit = 3,
                              .approver_count = 3,
                              .threshold = 2 };
        TPMS_NV_PUBLIC public;

        for (unsigned i = 0; i < 3; i++)
                fuzz_demand(public_name(fuzz_key(i), &policy.approvers[i]) == 0);
        fuzz_demand(index_public(INDEX_REVOCATION, INDEX_HANDLE, &policy.authority, &public) == 0);
        fuzz_demand(index_name(&public, true, &policy.index) == 0);
        int r = use_of(tpm, w, &policy, NULL, detail);
        if (r == 0)
                r = tpm_live_use_open(tpm, &live, detail);
        fuzz_demand((r == 0) == (live != NULL));
        if (r == 0)
                r = use_of(tpm, w, &policy, live, detail);
        tpm_release(tpm);
        return r;
}

static int register_key(Tpm *tpm, const World *w, ErrorDetail *detail) {
        _cleanup_(secret_wipe) Secret key = {};
        MachineApproval approvals[2] = { approval_make(w), approval_make(w) };
        TPM2B_PUBLIC public;
        TPM2B_PRIVATE private;
        TPM2B_DIGEST policy;
        const RegisterKeyUse use = { .public = &public,
                                     .private = &private,
                                     .authority = &w->paper.index.authority,
                                     .profile = PROFILE,
                                     .approvals = approvals,
                                     .approval_count = 2 };

        fuzz_demand(register_policy_digest(use.authority, PROFILE, &policy) == 0);
        int r = tpm_register_key_create(tpm, &policy, &w->paper.index.auth, &public, &private,
                                        detail);
        if (r != 0)
                return r;
        r = tpm_register_key_unseal(tpm, &use, &key, detail);
        fuzz_demand(key.set == (r == 0) && (!key.set || key.size == REGISTER_KEY_SIZE));
        return r;
}

static int attestation(Tpm *tpm, const World *w, ErrorDetail *detail) {
        const TPM2B_DATA asked = { .size = 32 };
        TPM2B_ATTEST attest = {};
        TPMT_SIGNATURE signature;
        TPM2B_PUBLIC key = {};

        int r = tpm_ak_public(tpm, &key, detail);
        fuzz_demand(r != 0 || key.publicArea.objectAttributes & TPMA_OBJECT_RESTRICTED);
        if (r == 0)
                r = tpm_index_certify(tpm, &w->paper.ledger, &asked, &attest, &signature, detail);
        fuzz_demand(r == 0 || attest.size == 0);
        return r;
}

static int ledger(Tpm *tpm, const World *w, ErrorDetail *detail) {
        uint8_t value[LEDGER_VALUE_SIZE] = { 1 };

        int r = tpm_index_extend(tpm, &w->paper.ledger, value, detail);
        return r != 0 ? r : tpm_index_read_value(tpm, &w->paper.ledger, value, detail);
}

static int key_check(Tpm *tpm, const World *w, ErrorDetail *detail) {
        return tpm_key_check(tpm, &w->key.public, &w->key.private,
                             &w->key.public.publicArea.authPolicy, detail);
}

/* The order is that of the seeds' first byte; result is what a chip that answers rightly gives. */
static const struct {
        int (*run)(Tpm *tpm, const World *w, ErrorDetail *detail);
        bool index_written;
        int result;
} operations[] = {
        { describe, true, 0 },
        { srk_again, true, 0 },
        { pcr_read, true, 0 },
        { fence, true, 0 },
        { index_state, true, 0 },
        { index_state, false, 0 },
        { index_bits, true, 0 },
        { index_define, true, 0 },
        { index_first_write, false, 0 },
        { key_create, true, 0 },
        { hierarchy, true, 0 },
        { authority, true, 0 },
        { sign, true, 0 },
        { index_first_write, true, SEAL_E_ALREADY_EXISTS },
        { index_bits, false, SEAL_E_REGISTER_TAMPERED },
        { register_key, true, 0 },
        { attestation, true, 0 },
        { ledger, true, 0 },
        { key_check, true, 0 },
        { people, true, 0 },
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* --- runs ----------------------------------------------------------------------------------- */

static void demand_result(const PaperChip *chip, int code, const ErrorDetail *detail) {
        fuzz_demand(fuzz_code_is_known(code));
        fuzz_demand(text_is_utf8(detail->text, strlen(detail->text)));
        fuzz_demand(code != 0 || !chip->forged);
}

static int connect_and_run(PaperChip *chip, size_t choice, bool later, Input spoilings) {
        _cleanup_(tpm_freep) Tpm *tpm = NULL;
        ErrorDetail detail = {};

        int r = tpm_new_over(&tpm, later ? "paper" : "swtpm", (TSS2_TCTI_CONTEXT *) chip, &detail);
        fuzz_demand((r == 0) == (tpm != NULL));
        if (r == 0)
                r = tpm_srk_ensure(tpm, &world()->srk, NULL, NULL, &detail);
        demand_result(chip, r, &detail);
        if (r != 0)
                return r;
        if (later)
                chip->input = spoilings;
        chip->forged = false;
        r = operations[choice].run(tpm, world(), &detail);
        demand_result(chip, r, &detail);
        return r;
}

/*
 * The first byte is the operation; with its highest bit only that is spoilt, else all from the
 * first.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const Input nothing;
        Input input = { .data = data, .size = size };
        PaperChip chip;

        uint8_t first = input_u8(&input);
        bool later = first & 0x80;
        size_t choice = (first & 0x7f) % OPERATIONS;
        paper_chip_init(&chip, later ? nothing : input, &world()->paper,
                        operations[choice].index_written);
        int r = connect_and_run(&chip, choice, later, input);
        if (input.size == 0)
                fuzz_demand(r == operations[choice].result);
        return 0;
}
