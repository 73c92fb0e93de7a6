/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of NV index as values (design, section 3.2): their public areas, Names, policies,
 * and the command parameter hashes of the first writes that the authority signs.
 *
 * The policy of each is PolicyOR(NvWritten(no) ∧ PolicySigned(authority, ref),
 * NvWritten(yes) ∧ PolicyAuthValue).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "policy/term.h"

typedef enum IndexKind {
        INDEX_REVOCATION, /* TPM_NT_BITS, 8 bytes */
        INDEX_LEDGER,     /* TPM_NT_EXTEND, 32 bytes */
        INDEX_STATE, /* TPM_NT_BITS, 8 bytes: a bit for each machine state that can be retired */
} IndexKind;

/* 8 bytes of bits, and not the 32 of an extended value. */
bool index_has_bits(IndexKind kind);

/* Handles are drawn at random in this range at Initialize (owner-defined, Part 2 §7.4 leaves it to
 * the platform), so that a seal can move to another machine with its index. */
#define INDEX_HANDLE_FIRST 0x01800000U
#define INDEX_HANDLE_LAST 0x01BFFFFFU

typedef struct IndexPolicy {
        PolicyLeaf first;  /* the authority's first write */
        PolicyLeaf later;  /* the daemon's writes */
        PolicyTerm either; /* the PolicyOR over both */
} IndexPolicy;

int index_policy(IndexKind kind, TPM2_HANDLE handle, const TPM2B_NAME *authority, IndexPolicy *ret);

/* The public area as it is defined: attributes without WRITTEN, authPolicy set. */
int index_public(IndexKind kind, TPM2_HANDLE handle, const TPM2B_NAME *authority,
                 TPMS_NV_PUBLIC *ret);

/*
 * The Name; written says whether TPMA_NV_WRITTEN is counted in. SEAL_E_UNSUPPORTED for a
 * nameAlg other than SHA-256.
 */
int index_name(const TPMS_NV_PUBLIC *public, bool written, TPM2B_NAME *ret);

/* cpHash of TPM2_NV_SetBits / TPM2_NV_Extend with authHandle = nvIndex, both of the given Name. */
int cphash_nv_set_bits(const TPM2B_NAME *name, uint64_t bits, TPM2B_DIGEST *ret);
int cphash_nv_extend(const TPM2B_NAME *name, Bytes data, TPM2B_DIGEST *ret);

/* SHA-256("sealsd/genesis" ‖ authority Name ‖ handle as UINT32): the ledger's first extend. */
int ledger_genesis(const TPM2B_NAME *authority, TPM2_HANDLE handle, TPM2B_DIGEST *ret);

#define LEDGER_VALUE_SIZE 32U

/*
 * The value of a ledger index after one more extend: SHA-256(old ‖ head) (Part 3 §31.10). ret may
 * be old.
 */
int ledger_value_next(const uint8_t old[static LEDGER_VALUE_SIZE],
                      const uint8_t head[static LEDGER_VALUE_SIZE],
                      uint8_t ret[static LEDGER_VALUE_SIZE]);

/* The value once the genesis is written: the first extend begins at zeros. */
int ledger_value_first(const TPM2B_NAME *authority, TPM2_HANDLE handle,
                       uint8_t ret[static LEDGER_VALUE_SIZE]);
