/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "format/passport-judge.h"
#include "policy/attest.h"
#include "policy/digest.h"

/* One of them, with what its judge needs. */
typedef struct Proof {
        const char *what; /* "The attestation of …" */
        AttestProof parts;
        uint8_t key[TPM_BLOB_MAX];
} Proof;

static int proof_take(const Judgement *j, const PassportProof *from, const char *what, Proof *ret) {
        size_t size = 0;

        *ret = (Proof){ .what = what };
        if (Tss2_MU_TPM2B_PUBLIC_Marshal(&j->attestation->key, ret->key, sizeof(ret->key), &size) !=
            0)
                return -EINVAL;
        ret->parts = (AttestProof){
                .attest = { from->attest, from->attest_size },
                .signature = { from->signature, from->signature_size },
                .key = { ret->key, size },
        };
        return 0;
}

/* Which of them it was stands before the sentence. */
static int proof_refuse(const Judgement *j, const Proof *proof, int r, const ErrorDetail *why) {
        return r > 0 ? judgement_refuse(j, "%s: %s", proof->what, why->text) : r;
}

/* --- one boot ------------------------------------------------------------------------------- */

static int boot_check(const Judgement *j, const char *what, uint32_t reset, uint32_t restart) {
        if (reset != j->facts->reset_count || restart != j->facts->restart_count)
                return judgement_refuse(j,
                                        "%s is of another start of the TPM than that of the "
                                        "seal's key: they were not made together",
                                        what);
        return 0;
}

/* --- the key -------------------------------------------------------------------------------- */

static int judge_seal(const Judgement *j) {
        static const char what[] = "The attestation of the seal's key";
        const AttestKeyWanted wanted = { .name = j->facts->seal, .extra = j->extra };
        KeyAttested attested = {};
        ErrorDetail why = {};
        Proof proof;

        int r = proof_take(j, &j->attestation->seal, what, &proof);
        if (r != 0)
                return r;
        r = j->attestation->kind == PASSPORT_CREATION
                    ? attest_creation_verify(&proof.parts, &wanted, &attested, &why)
                    : attest_key_verify(&proof.parts, &wanted, &attested, &why);
        if (r != 0)
                return proof_refuse(j, &proof, r, &why);
        j->facts->clock = attested.clock;
        j->facts->clock_safe = attested.clock_safe;
        j->facts->reset_count = attested.reset_count;
        j->facts->restart_count = attested.restart_count;
        return 0;
}

/* --- indices -------------------------------------------------------------------------------- */

static int judge_contents(const Judgement *j, const PassportProof *from,
                          const TPMS_NV_PUBLIC *index, const char *what,
                          uint8_t ret[static LEDGER_VALUE_SIZE]) {
        AttestWanted wanted = { .extra = j->extra, .size = index->dataSize };
        IndexAttested attested = {};
        ErrorDetail why = {};
        Proof proof;

        int r = proof_take(j, from, what, &proof);
        if (r == 0)
                r = index_name(index, true, &wanted.index);
        if (r != 0)
                return r;
        r = attest_index_verify(&proof.parts, &wanted, &attested, &why);
        if (r != 0)
                return proof_refuse(j, &proof, r, &why);
        memcpy(ret, attested.contents, LEDGER_VALUE_SIZE);
        return boot_check(j, what, attested.reset_count, attested.restart_count);
}

static int judge_bits(const Judgement *j, const PassportProof *from, const TPMS_NV_PUBLIC *index,
                      const char *what, uint64_t *ret) {
        uint8_t contents[LEDGER_VALUE_SIZE] = {};
        uint64_t bits = 0;

        int r = judge_contents(j, from, index, what, contents);
        for (size_t i = 0; i < sizeof(bits); i++)
                bits = bits << 8 | contents[i];
        *ret = bits;
        return r;
}

static int judge_revocation(const Judgement *j) {
        const PassportStatement *s = j->statement;
        uint64_t bits = 0;

        int r = judge_bits(j, &j->attestation->revocation, &s->policy.index,
                           "The attestation of the revocation index", &bits);
        if (r != 0)
                return r;
        j->facts->revoked = bits >> s->policy.bit & 1;
        if (!j->facts->revoked &&
            (strcmp(s->seal.state, "revoked") == 0 || strcmp(s->seal.state, "destroyed") == 0))
                return judgement_refuse(j,
                                        "The seal is told to be %s, but its bit in the chip is "
                                        "clear",
                                        s->seal.state);
        return 0;
}

static int judge_ledger(const Judgement *j) {
        return judge_contents(j, &j->attestation->ledger, &j->statement->ledger.index,
                              "The attestation of the ledger index", j->facts->ledger);
}

/* --- state indices -------------------------------------------------------------------------- */

/* The first state with a bit of the same index: its attestation is this one's. */
static const PassportState *index_first(const PassportMachine *machine,
                                        const PassportState *state) {
        for (const PassportState *other = machine->states;; other++)
                if (other->has_index && other->index.nvIndex == state->index.nvIndex)
                        return other;
}

/* The states from i on that have a bit of its index. */
static int judge_retired(const Judgement *j, size_t i, uint64_t bits) {
        const PassportMachine *machine = &j->statement->machine;
        TPM2_HANDLE handle = machine->states[i].index.nvIndex;

        for (; i < machine->state_count; i++) {
                const PassportState *state = &machine->states[i];

                if (!state->has_index || state->index.nvIndex != handle)
                        continue;
                j->facts->retired[i] = bits >> state->bit & 1;
                if (state->retired != 0 && !j->facts->retired[i])
                        return judgement_refuse(j,
                                                "Machine state %llu is told to be retired, but "
                                                "its bit in the chip is clear",
                                                (unsigned long long) state->id);
        }
        return 0;
}

/* In the order in which the states name their indices, one for each. */
static int judge_states(const Judgement *j) {
        const PassportMachine *machine = &j->statement->machine;
        size_t used = 0;

        for (size_t i = 0; i < machine->state_count; i++) {
                const PassportState *state = &machine->states[i];
                uint64_t bits = 0;

                if (!state->has_index || index_first(machine, state) != state)
                        continue;
                if (used == j->attestation->state_count)
                        return judgement_refuse(j, "The attestation of a state index is missing: "
                                                   "whether states were retired cannot be told");
                int r = judge_bits(j, &j->attestation->states[used++], &state->index,
                                   "The attestation of a state index", &bits);
                if (r == 0)
                        r = judge_retired(j, i, bits);
                if (r != 0)
                        return r;
        }
        if (used < j->attestation->state_count)
                return judgement_refuse(j, "There is an attestation of a state index that no "
                                           "machine state names");
        return 0;
}

int passport_judge_attestations(const Judgement *j) {
        int r = judge_seal(j);

        if (r == 0)
                r = judge_revocation(j);
        if (r == 0)
                r = judge_ledger(j);
        return r == 0 ? judge_states(j) : r;
}
