/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/passport-judge.h"
#include "policy/approval.h"
#include "policy/digest.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "policy/signature.h"

static bool digest_equal(const TPM2B_DIGEST *a, const TPM2B_DIGEST *b) {
        return a->size == b->size && memcmp(a->buffer, b->buffer, a->size) == 0;
}

/* PolicyPCR, and PolicyNV where the state can be retired. */
static int state_policy(const PassportState *state, TPM2B_DIGEST *ret) {
        TPM2B_NAME index;

        if (!state->has_index)
                return machine_state_policy(&state->values, ret);
        int r = index_name(&state->index, true, &index);
        return r == 0 ? machine_state_policy_retirable(&state->values, &index, state->bit, ret) : r;
}

static int judge_policy(const Judgement *j, const PassportState *state) {
        TPM2B_DIGEST policy;

        int r = state_policy(state, &policy);
        if (r != 0)
                return r;
        if (!digest_equal(&policy, &state->policy))
                return judgement_refuse(j,
                                        "Machine state %llu: its policy is not the one that "
                                        "follows from its PCR values%s",
                                        (unsigned long long) state->id,
                                        state->has_index ? " and its bit" : "");
        return 0;
}

/* In the form that openssl has; RSA-PSS is a plain block as RSASSA is. */
static int signature_bytes(const TPMT_SIGNATURE *signature, uint8_t **ret, size_t *ret_size) {
        TPMT_SIGNATURE plain = *signature;

        if (plain.sigAlg == TPM2_ALG_RSAPSS)
                plain.sigAlg = TPM2_ALG_RSASSA;
        return signature_to_openssl(&plain, ret, ret_size);
}

static int authority_signed(const Judgement *j, Bytes message, const TPMT_SIGNATURE *signature) {
        _cleanup_free_ uint8_t *bytes = NULL;
        TPMT_SIGNATURE accepted = {};
        size_t size = 0;

        int r = signature_bytes(signature, &bytes, &size);
        if (r == 0)
                r = signature_accept(&j->statement->policy.authority, message,
                                     (Bytes){ bytes, size }, &accepted);
        if (r == 0 && (accepted.sigAlg != signature->sigAlg ||
                       signature->signature.any.hashAlg != TPM2_ALG_SHA256))
                return SEAL_E_APPROVAL_INVALID;
        return r;
}

static int judge_signature(const Judgement *j, const PassportState *state) {
        uint8_t buffer[APPROVAL_BYTES_MAX];
        Writer w = writer_over(buffer, sizeof(buffer));
        TPM2B_DIGEST ref;

        int r = policy_ref(REF_PROFILE, j->statement->policy.profile, &ref);
        if (r != 0)
                return r;
        approval_authorize_bytes(&state->policy, &ref, &w);
        if (w.overflow)
                return -EINVAL;
        r = authority_signed(j, (Bytes){ buffer, w.used }, &state->signature);
        if (r > 0 || r == -EINVAL)
                return judgement_refuse(j,
                                        "Machine state %llu: its signature is not the "
                                        "authority's over its policy for profile '%s'",
                                        (unsigned long long) state->id,
                                        j->statement->policy.profile);
        return r;
}

static int judge_times(const Judgement *j, const PassportState *state) {
        unsigned long long id = state->id;

        if (state->approved > j->statement->created ||
            (state->retired != 0 &&
             (state->retired < state->approved || state->retired > j->statement->created)))
                return judgement_refuse(j, "Machine state %llu: its times are out of order", id);
        if (state->retired != 0 && !state->has_index)
                return judgement_refuse(j,
                                        "Machine state %llu is told to be retired, but has no "
                                        "bit by which the chip would know",
                                        id);
        return 0;
}

/* No two states share an id, nor a bit by which one would retire the other. */
static int judge_distinct(const Judgement *j, size_t i) {
        const PassportState *states = j->statement->machine.states, *state = &states[i];

        for (size_t k = 0; k < i; k++) {
                if (states[k].id == state->id || digest_equal(&states[k].policy, &state->policy))
                        return judgement_refuse(j, "Machine state %llu is there twice",
                                                (unsigned long long) state->id);
                if (states[k].has_index && state->has_index && states[k].bit == state->bit &&
                    states[k].index.nvIndex == state->index.nvIndex)
                        return judgement_refuse(j, "Machine states %llu and %llu share a bit",
                                                (unsigned long long) states[k].id,
                                                (unsigned long long) state->id);
        }
        return 0;
}

static int judge_state(const Judgement *j, size_t i) {
        const PassportState *state = &j->statement->machine.states[i];
        char what[64];

        (void) snprintf(what, sizeof(what), "The state index of machine state %llu",
                        (unsigned long long) state->id);
        int r = state->has_index ? passport_judge_index(j, INDEX_STATE, &state->index, what) : 0;
        if (r == 0)
                r = judge_policy(j, state);
        if (r == 0)
                r = judge_signature(j, state);
        if (r == 0)
                r = judge_times(j, state);
        return r == 0 ? judge_distinct(j, i) : r;
}

int passport_judge_machine(const Judgement *j) {
        const PassportMachine *machine = &j->statement->machine;

        if (strcmp(machine->profile, j->statement->policy.profile) != 0)
                return judgement_refuse(j, "The machine's states are of another profile than the "
                                           "seal's policy names");
        for (size_t i = 0; i < machine->state_count; i++) {
                int r = judge_state(j, i);
                if (r != 0)
                        return r;
        }
        return 0;
}
