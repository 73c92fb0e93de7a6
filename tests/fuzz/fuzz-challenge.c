/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the authority's program is asked to sign: facts in the JSON of the daemon, a zero, then the
 * bytes. Only the bytes that these facts stand for are approved, here computed once more.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <tss2/tss2_mu.h>

#include "base/cleanup.h"
#include "client/challenge-facts.h"
#include "client/challenge.h"
#include "policy/approval.h"
#include "policy/index.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"
#include "tpm/machine-approval.h"

const unsigned fuzz_mutations = 300;

#define FENCE 15

static void check_machine(const Context *context, const json_t *state, EVP_PKEY *key, Bytes bytes) {
        uint8_t wanted[APPROVAL_BYTES_MAX];
        Writer writer = writer_over(wanted, sizeof(wanted));
        TPM2B_DIGEST policy = {}, ref = {};
        MachineFacts facts = {};

        if (machine_facts_read(context, state, FENCE, key, &facts) != 0)
                return;
        fuzz_demand(facts.values.selection.mask != 0);
        fuzz_demand(!(facts.values.selection.mask & (1U << FENCE | 1U << PCR_IMA)));
        int r = challenge_check_machine(&facts, bytes, NULL);
        MachineApproval wanted_state = { .values = facts.values };
        wanted_state.retire.index.handle = facts.state_index;
        wanted_state.retire.index.authority = facts.authority;
        wanted_state.retire.bit = facts.state_bit;
        if (machine_approval_policy(&wanted_state, &policy) != 0 ||
            policy_ref(REF_PROFILE, facts.profile, &ref) != 0) {
                fuzz_demand(r != 0);
                return;
        }
        approval_authorize_bytes(&policy, &ref, &writer);
        bool same = bytes.size == writer.used && memcmp(bytes.data, wanted, bytes.size) == 0;
        fuzz_demand(r == (same ? 0 : SEAL_E_APPROVAL_INVALID));
}

/*
 * cpHash of the only write that an index may begin with: no bit, or the genesis (policy/index.h).
 */
static void first_write(const IndexFacts *facts, TPM2_HANDLE handle, TPM2B_DIGEST *ret) {
        bool ledger = handle == facts->ledger, revocation = false;
        TPMS_NV_PUBLIC public = {};
        TPM2B_DIGEST genesis = {};
        TPM2B_NAME name = {};

        for (size_t i = 0; i < facts->n_revocation; i++)
                revocation |= handle == facts->revocation[i];
        IndexKind kind = revocation ? INDEX_REVOCATION : ledger ? INDEX_LEDGER : INDEX_STATE;
        ledger = kind == INDEX_LEDGER;
        fuzz_demand(index_public(kind, handle, &facts->authority, &public) == 0);
        fuzz_demand(index_name(&public, false, &name) == 0);
        fuzz_demand(ledger_genesis(&facts->authority, handle, &genesis) == 0);
        fuzz_demand((ledger ? cphash_nv_extend(&name, (Bytes){ genesis.buffer, genesis.size }, ret)
                            : cphash_nv_set_bits(&name, 0, ret)) == 0);
}

static bool is_named(const IndexFacts *facts, TPM2_HANDLE handle) {
        bool named = handle == facts->ledger;

        for (size_t i = 0; i < facts->n_revocation; i++)
                named |= handle == facts->revocation[i] &&
                         facts->used[i] <= (i == 0 ? MAKER_BITS : 0);
        for (size_t i = 0; i < facts->n_states; i++)
                named |= handle == facts->states[i] && facts->states_retired[i] == 0;
        return named && handle != 0;
}

/*
 * nonceTPM ‖ expiration ‖ cpHash ‖ policyRef: no expiration, and the first write of a named index.
 */
static void demand_bound(const IndexFacts *facts, Bytes bytes, TPM2_HANDLE handle) {
        static const uint8_t zeros[4];
        TPM2B_DIGEST cphash = {};

        fuzz_demand(is_named(facts, handle));
        fuzz_demand(bytes.size == 100 && memcmp(bytes.data + 32, zeros, sizeof(zeros)) == 0);
        first_write(facts, handle, &cphash);
        fuzz_demand(memcmp(bytes.data + 36, cphash.buffer, 32) == 0);
}

static void check_index(const Context *context, const json_t *status, EVP_PKEY *key, Bytes bytes) {
        IndexFacts facts = {};
        TPM2_HANDLE handle = 0;

        if (index_facts_read(context, status, key, &facts) != 0)
                return;
        fuzz_demand(facts.n_revocation <= INDICES_MAX);
        int r = challenge_check_index(&facts, bytes, &handle, NULL);
        fuzz_demand(r == 0 || r == SEAL_E_APPROVAL_INVALID);
        if (r == 0)
                demand_bound(&facts, bytes, handle);
        else
                fuzz_demand(handle == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const Context context = { .json = true };
        static EVP_PKEY *key;
        Input input = { .data = data, .size = size };

        _cleanup_free_ char *text = fuzz_text(
                input_bytes(&input, strnlen((const char *) data, size)));
        (void) input_u8(&input);
        _cleanup_free_ uint8_t *copy = fuzz_copy((Bytes){ .data = input.data, .size = input.size });
        Bytes bytes = { .data = copy, .size = input.size };
        json_t *facts = json_loads(text, 0, NULL);
        if (!key)
                fuzz_demand(public_to_pkey(fuzz_key(0), &key) == 0);
        check_machine(&context, facts, key, bytes);
        check_index(&context, facts, key, bytes);
        json_decref(facts);
        return 0;
}
