/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A passport that anybody may have written: a byte of flags, then the file. Nobody finds a
 * signature by chance, so with flags the fixed key signs anew what is there: the attestations,
 * bound to the statement as it stands, and the approvals of the machine's states. Then all that is
 * compared behind the signatures is reached.
 */
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "format/passport-page.h"
#include "format/passport-verify.h"
#include "policy/approval.h"
#include "policy/attest.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"

#define RESIGN 1U  /* the attestations, by keys/p256.pem */
#define APPROVE 2U /* the states of the machine, likewise */

const unsigned fuzz_mutations = 60;

static const PassportWanted nothing;

/* --- signing anew --------------------------------------------------------------------------- */

static TPMT_SIGNATURE sign(Bytes message) {
        uint8_t der[FUZZ_SIGNATURE_MAX];
        TPMT_SIGNATURE signature;

        Bytes signed_bytes = { .data = der, .size = fuzz_sign(message, der) };
        fuzz_demand(signature_from_openssl(fuzz_key(0), signed_bytes, &signature) == 0);
        return signature;
}

static void state_approve(const char *profile, PassportState *state) {
        uint8_t buffer[APPROVAL_BYTES_MAX];
        Writer w = writer_over(buffer, sizeof(buffer));
        TPM2B_DIGEST ref;

        if (policy_ref(REF_PROFILE, profile, &ref) != 0)
                return;
        approval_authorize_bytes(&state->policy, &ref, &w);
        state->signature = sign((Bytes){ buffer, w.used });
}

/* What cannot be read stays as it is. */
static void proof_resign(const TPM2B_DATA *extra, PassportProof *proof) {
        TPMS_ATTEST attest = {};
        TPMT_SIGNATURE signature;
        uint8_t bytes[sizeof(attest)];
        size_t used = 0, size = 0;

        if (Tss2_MU_TPMS_ATTEST_Unmarshal(proof->attest, proof->attest_size, &used, &attest) != 0)
                return;
        attest.extraData = *extra;
        if (Tss2_MU_TPMS_ATTEST_Marshal(&attest, bytes, sizeof(bytes), &size) != 0 ||
            size > sizeof(proof->attest))
                return;
        memcpy(proof->attest, bytes, size);
        proof->attest_size = size;
        signature = sign((Bytes){ proof->attest, proof->attest_size });
        proof->signature_size = 0;
        fuzz_demand(Tss2_MU_TPMT_SIGNATURE_Marshal(&signature, proof->signature,
                                                   sizeof(proof->signature),
                                                   &proof->signature_size) == 0);
}

static void attestation_resign(Passport *passport) {
        const PassportStatement *s = &passport->statement;
        PassportAttestation *a = &passport->attestation;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        TPM2B_DATA extra;

        fuzz_demand(passport_statement_encode(s, &text, &size) == 0);
        fuzz_demand(passport_extra((Bytes){ s->nonce, s->nonce_size },
                                   (Bytes){ (const uint8_t *) text, size }, &extra) == 0);
        proof_resign(&extra, &a->seal);
        proof_resign(&extra, &a->revocation);
        proof_resign(&extra, &a->ledger);
        for (size_t i = 0; i < a->state_count; i++)
                proof_resign(&extra, &a->states[i]);
}

/* --- promises ------------------------------------------------------------------------------- */

/* What was read is what is written. */
static Passport *demand_canonical(Bytes file) {
        Passport *passport = NULL;
        _cleanup_free_ char *again = NULL;
        ErrorDetail detail = {};
        size_t size = 0;

        int r = passport_parse((const char *) file.data, file.size, &passport, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_REGISTER_TAMPERED);
        fuzz_demand((r != 0) == (detail.text[0] != '\0') && (r == 0) == (passport != NULL));
        if (r != 0)
                return NULL;
        fuzz_demand(passport_encode(passport, &again, &size) == 0);
        fuzz_demand(size == file.size && memcmp(again, file.data, size) == 0);
        return passport;
}

/* The policy in the key is the one that is told, and so are its attributes. */
static void demand_honest(const Passport *passport, const PassportFacts *facts) {
        const PassportStatement *s = &passport->statement;
        const TPMT_PUBLIC *area = &s->seal.public.publicArea;
        _cleanup_free_ char *page = NULL;
        SealPolicy policy;
        TPM2B_DIGEST digest;

        fuzz_demand(passport_policy(s, &policy) == 0 && seal_policy_digest(&policy, &digest) == 0);
        fuzz_demand(area->authPolicy.size == digest.size &&
                    memcmp(area->authPolicy.buffer, digest.buffer, digest.size) == 0);
        fuzz_demand(!(area->objectAttributes &
                      (TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)));
        fuzz_demand(facts->fixed == !s->policy.backup &&
                    facts->fixed == ((area->objectAttributes & TPMA_OBJECT_FIXEDTPM) != 0));
        fuzz_demand(s->policy.pin == !(area->objectAttributes & TPMA_OBJECT_NODA));
        fuzz_demand(facts->revoked || strcmp(s->seal.state, "revoked") != 0);
        const PassportPage all = { passport, facts, false };
        fuzz_demand(passport_page_write(&all, &page) == 0);
        fuzz_demand((strstr(page, "THE SEAL IS REVOKED") != NULL) == facts->revoked);
}

/* Any other file is none that holds. */
static void demand_signed(Bytes file, uint16_t at) {
        uint8_t *other = fuzz_copy(file);
        Passport *passport = NULL;
        PassportFacts facts;

        other[at % file.size] ^= 1;
        fuzz_demand(passport_verify((Bytes){ other, file.size }, &nothing, &passport, &facts,
                                    NULL) != 0);
        free(other);
}

static void verify(Bytes file, uint16_t at) {
        _cleanup_(passport_freep) Passport *passport = NULL;
        PassportFacts facts, before;
        ErrorDetail detail = {};

        memset(&before, 0xa5, sizeof(before));
        facts = before;
        int r = passport_verify(file, &nothing, &passport, &facts, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_REGISTER_TAMPERED);
        fuzz_demand((r != 0) == (detail.text[0] != '\0') && (r == 0) == (passport != NULL));
        if (r != 0) {
                fuzz_demand(fuzz_same(&facts, &before, sizeof(before)));
                return;
        }
        demand_honest(passport, &facts);
        demand_signed(file, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(passport_freep) Passport *passport = NULL;
        Input input = { .data = data, .size = size };
        _cleanup_free_ uint8_t *copy = NULL;
        _cleanup_free_ char *text = NULL;
        size_t text_size = 0;

        uint8_t flags = input_u8(&input);
        copy = fuzz_copy((Bytes){ input.data, input.size });
        const Bytes file = { copy, input.size };
        const uint16_t at = (uint16_t) (size * 2654435761U >> 7);
        passport = demand_canonical(file);
        verify(file, at);
        if (!passport || !(flags & (RESIGN | APPROVE)))
                return 0;
        for (size_t i = 0; i < passport->statement.machine.state_count && flags & APPROVE; i++)
                state_approve(passport->statement.policy.profile,
                              &passport->statement.machine.states[i]);
        attestation_resign(passport);
        fuzz_demand(passport_encode(passport, &text, &text_size) == 0);
        verify((Bytes){ (const uint8_t *) text, text_size }, at);
        return 0;
}
