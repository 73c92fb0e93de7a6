/* SPDX-License-Identifier: Apache-2.0 */
#include "client/challenge.h"

#include <stdio.h>
#include <string.h>

#include "policy/approval.h"
#include "policy/index.h"
#include "policy/key.h"
#include "policy/ref.h"

#define DIGEST_SIZE 32
#define MACHINE_SIZE (2 * DIGEST_SIZE)
/* nonceTPM (32) ‖ expiration (4) ‖ cpHash (32) ‖ policyRef (32) */
#define EXPIRATION_AT 32
#define CPHASH_AT 36
#define REF_AT 68
#define INDEX_SIZE 100

static bool all_zero(const uint8_t *data, size_t size) {
        uint8_t any = 0;

        for (size_t i = 0; i < size; i++)
                any |= data[i];
        return any == 0;
}

static bool digest_is(const TPM2B_DIGEST *digest, const uint8_t *data) {
        return digest->size == DIGEST_SIZE && memcmp(digest->buffer, data, DIGEST_SIZE) == 0;
}

static int refuse(ErrorDetail *detail, const char *sentence) {
        return error_set(detail, SEAL_E_APPROVAL_INVALID, "Refused to sign: %s", sentence);
}

/* The Name of the written state index follows from the authority's key alone. */
static int machine_policy(const MachineFacts *facts, TPM2B_DIGEST *ret) {
        TPMS_NV_PUBLIC public = {};
        TPM2B_NAME name = {};

        if (facts->state_index == 0)
                return machine_state_policy(&facts->values, ret);
        int r = index_public(INDEX_STATE, facts->state_index, &facts->authority, &public);
        if (r == 0)
                r = index_name(&public, true, &name);
        return r == 0 ? machine_state_policy_retirable(&facts->values, &name, facts->state_bit, ret)
                      : r;
}

int challenge_check_machine(const MachineFacts *facts, Bytes challenge, ErrorDetail *detail) {
        TPM2B_DIGEST policy = {}, ref = {};

        if (challenge.size != MACHINE_SIZE)
                return refuse(detail, "the bytes are not a policy and a reference");
        if (facts->values.selection.mask == 0)
                return refuse(detail, "no PCR is selected, so any machine would be approved");
        if (all_zero(challenge.data, DIGEST_SIZE))
                return refuse(detail, "the policy is empty, so any machine would be approved");
        int r = machine_policy(facts, &policy);
        if (r == 0)
                r = policy_ref(REF_PROFILE, facts->profile, &ref);
        if (r != 0)
                return r;
        if (!digest_is(&policy, challenge.data))
                return refuse(detail, "the policy is not that of the PCR values of this machine");
        if (!digest_is(&ref, challenge.data + DIGEST_SIZE))
                return refuse(detail, "the bytes are for another profile or purpose");
        return 0;
}

/* The cpHash of the one first write that is allowed for this index. */
static int first_write(const IndexFacts *facts, IndexKind kind, TPM2_HANDLE handle,
                       TPM2B_DIGEST *ret) {
        TPMS_NV_PUBLIC public = {};
        TPM2B_NAME name = {};
        TPM2B_DIGEST genesis = {};

        int r = index_public(kind, handle, &facts->authority, &public);
        if (r == 0)
                r = index_name(&public, false, &name);
        if (r != 0)
                return r;
        if (index_has_bits(kind))
                return cphash_nv_set_bits(&name, 0, ret);
        r = ledger_genesis(&facts->authority, handle, &genesis);
        return r != 0 ? r : cphash_nv_extend(&name, (Bytes){ genesis.buffer, genesis.size }, ret);
}

/* The state index of this policyRef; SEAL_E_ALREADY_EXISTS for one whose bits are set. */
static int state_index_find(const IndexFacts *facts, const uint8_t *wanted, IndexKind *ret_kind,
                            TPM2_HANDLE *ret_handle) {
        TPM2B_DIGEST ref = {};

        for (size_t i = 0; i < facts->n_states; i++) {
                int r = policy_ref_handle(REF_STATE_INDEX, facts->states[i], &ref);
                if (r != 0)
                        return r;
                if (!digest_is(&ref, wanted))
                        continue;
                if (facts->states_retired[i] > 0)
                        return SEAL_E_ALREADY_EXISTS;
                *ret_kind = INDEX_STATE;
                *ret_handle = facts->states[i];
                return 0;
        }
        return SEAL_E_APPROVAL_INVALID;
}

/*
 * The index whose policyRef the challenge carries. SEAL_E_ALREADY_EXISTS for one with seals:
 * written anew with 0 it would lose their revocations. SEAL_E_APPROVAL_INVALID for none.
 */
static int index_find(const IndexFacts *facts, const uint8_t *wanted, IndexKind *ret_kind,
                      TPM2_HANDLE *ret_handle) {
        TPM2B_DIGEST ref = {};

        for (size_t i = 0; i < facts->n_revocation; i++) {
                int r = policy_ref_handle(REF_REVOCATION_INDEX, facts->revocation[i], &ref);
                if (r != 0)
                        return r;
                if (digest_is(&ref, wanted)) {
                        if (facts->used[i] > (i == 0 ? MAKER_BITS : 0))
                                return SEAL_E_ALREADY_EXISTS;
                        *ret_kind = INDEX_REVOCATION;
                        *ret_handle = facts->revocation[i];
                        return 0;
                }
        }
        int r = policy_ref_handle(REF_LEDGER_INDEX, facts->ledger, &ref);
        if (r != 0)
                return r;
        if (facts->ledger == 0 || !digest_is(&ref, wanted))
                return state_index_find(facts, wanted, ret_kind, ret_handle);
        *ret_kind = INDEX_LEDGER;
        *ret_handle = facts->ledger;
        return 0;
}

int challenge_check_index(const IndexFacts *facts, Bytes challenge, TPM2_HANDLE *ret_handle,
                          ErrorDetail *detail) {
        IndexKind kind = INDEX_REVOCATION;
        TPM2_HANDLE handle = 0;
        TPM2B_DIGEST cphash = {};

        if (challenge.size != INDEX_SIZE)
                return refuse(detail, "the bytes are not bound to one session of this TPM");
        if (!all_zero(challenge.data + EXPIRATION_AT, CPHASH_AT - EXPIRATION_AT))
                return refuse(detail,
                              "the expiration is not 0, which could make a reusable ticket");
        int r = index_find(facts, challenge.data + REF_AT, &kind, &handle);
        if (r == SEAL_E_APPROVAL_INVALID)
                return refuse(detail, "the bytes are for no index of this installation");
        if (r == SEAL_E_ALREADY_EXISTS)
                return refuse(detail,
                              "the index has seals or states; made anew it would forget what "
                              "was revoked or retired");
        if (r == 0)
                r = first_write(facts, kind, handle, &cphash);
        if (r != 0)
                return r;
        if (!digest_is(&cphash, challenge.data + CPHASH_AT))
                return refuse(detail,
                              "the bytes approve another write than the first of this index");
        *ret_handle = handle;
        return 0;
}

int challenge_check_separation(const TPM2B_NAME *authority, const char *wanted, Bytes challenge,
                               ErrorDetail *detail) {
        static const char prefix[] = "sealsd/separation/";
        const char *text = (const char *) challenge.data;
        char words[sizeof(prefix) + WORD_MAX];

        if (challenge.size < sizeof(prefix) || memcmp(text, prefix, sizeof(prefix) - 1) != 0)
                return refuse(detail, "the bytes are not about the separation of duties");
        if (!wanted)
                return error_set(detail, SEAL_E_APPROVAL_INVALID,
                                 "Refused to sign: it lets the separation of duties be lowered; if "
                                 "that is meant, say --separation MODE");
        int size = snprintf(words, sizeof(words), "%s%s", prefix, wanted);
        if (size < 0 || (size_t) size >= sizeof(words))
                return refuse(detail, "there is no such separation");
        if (challenge.size != (size_t) size + 1 + DIGEST_SIZE + authority->size ||
            memcmp(text, words, (size_t) size + 1) != 0)
                return refuse(detail, "the bytes are for another separation than was agreed to");
        if (memcmp(challenge.data + challenge.size - authority->size, authority->name,
                   authority->size) != 0)
                return refuse(detail, "the bytes are for another authority");
        return 0;
}

int challenge_authority_name(EVP_PKEY *key, TPM2B_NAME *ret, ErrorDetail *detail) {
        TPM2B_PUBLIC public = {};

        int r = external_key_from_pkey(key, &public, detail);
        return r != 0 ? r : public_name(&public, ret);
}
