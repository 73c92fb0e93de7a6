/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this challenge what it says? An authority that signs whatever the daemon offers can be made to
 * approve an empty PCR selection, to clear revocation bits, or to hand out a reusable ticket. So
 * the bytes are computed again from what they should mean, and anything else is refused.
 *
 * No bus here: the facts are gathered by challenge-facts.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "policy/pcr.h"

typedef struct MachineFacts {
        char profile[PROFILE_MAX + 1];
        PcrValues values; /* of now */
        /* By whose bit the approval can be retired; handle 0: it cannot. */
        TPM2_HANDLE state_index;
        unsigned state_bit;
        TPM2B_NAME authority; /* of the authority's own key, where there is a state index */
} MachineFacts;

typedef struct IndexFacts {
        TPM2B_NAME authority; /* of the authority's own key, computed by itself */
        size_t n_revocation;
        TPM2_HANDLE revocation[INDICES_MAX];
        /*
         * Bits given out. The first index begins with the MAKER_BITS, every other one with none;
         * one with more belongs to seals and must not start from 0.
         */
        uint64_t used[INDICES_MAX];
        TPM2_HANDLE ledger; /* 0: none yet */
        size_t n_states;
        TPM2_HANDLE states[INDICES_MAX];
        uint64_t states_retired[INDICES_MAX]; /* how many bits are set */
} IndexFacts;

/*
 * approvedPolicy ‖ policyRef of exactly these PCR values, this bit and this profile. Returns
 * SEAL_E_APPROVAL_INVALID with a sentence.
 */
int challenge_check_machine(const MachineFacts *facts, Bytes challenge, ErrorDetail *detail);

/*
 * nonceTPM ‖ 0 ‖ cpHash ‖ policyRef, the first write of one of these indices: NV_SetBits(0) of
 * a revocation or state index or NV_Extend(genesis) of the ledger index. *ret_handle says which.
 * Returns SEAL_E_APPROVAL_INVALID with a sentence.
 */
int challenge_check_index(const IndexFacts *facts, Bytes challenge, TPM2_HANDLE *ret_handle,
                          ErrorDetail *detail);

/*
 * "sealsd/separation/MODE" ‖ 0 ‖ 32 bytes ‖ the authority's own Name: lets this installation lower
 * its separation of duties to MODE, once. wanted is what the authority's owner agreed to, NULL when
 * nobody asked him. Returns SEAL_E_APPROVAL_INVALID with a sentence.
 */
int challenge_check_separation(const TPM2B_NAME *authority, const char *wanted, Bytes challenge,
                               ErrorDetail *detail);

/* The Name of the authority's key, as the chip computes it. */
int challenge_authority_name(EVP_PKEY *key, TPM2B_NAME *ret, ErrorDetail *detail);
