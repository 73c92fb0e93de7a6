/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy terms as values, and their digests in software.
 *
 * A term is one TPM2_Policy… command. Here it extends a SHA-256 policy digest as the chip would
 * (TPM 2.0 Part 3 §23); tpm/policy.h applies the same value to a session, and a test compares the
 * two on the simulator for every kind. All policy sessions are SHA-256.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "policy/pcr.h"

#define POLICY_LEAVES_MAX 7 /* 6 combinations of 2 of 4 approvers, and duplication */
#define POLICY_TERMS_MAX 12

typedef enum PolicyKind {
        POLICY_PCR,                /* Part 3 §23.7 */
        POLICY_AUTHORIZE,          /* §23.16 */
        POLICY_NV,                 /* §23.9, operation BITCLEAR on the 8 bytes of a bits index */
        POLICY_AUTH_VALUE,         /* §23.17 */
        POLICY_SIGNED,             /* §23.3 */
        POLICY_OR,                 /* §23.6 */
        POLICY_NV_WRITTEN,         /* §23.20 */
        POLICY_COMMAND_CODE,       /* §23.11 */
        POLICY_DUPLICATION_SELECT, /* §23.15 */
        POLICY_KIND_MAX,
} PolicyKind;

typedef struct PolicyTerm {
        PolicyKind kind;
        union {
                struct {
                        PcrSelection selection;
                        TPM2B_DIGEST digest; /* pcrDigest of the wanted values */
                } pcr;
                struct {
                        TPM2B_NAME key;
                        TPM2B_DIGEST ref;
                } authorize;
                struct {
                        TPM2B_NAME index; /* the Name of the written, unlocked index */
                        uint64_t mask;    /* bits that must be clear */
                } nv;
                struct {
                        TPM2B_NAME key;
                        TPM2B_DIGEST ref;
                } signing;            /* POLICY_SIGNED */
                TPML_DIGEST branches; /* POLICY_OR: 2 to 8 digests */
                bool written;
                TPM2_CC command;
                struct {
                        TPM2B_NAME object;
                        TPM2B_NAME parent;
                        bool include_object;
                } duplication;
        };
} PolicyTerm;

/* A conjunction of terms in order. Plain value; count is at most POLICY_TERMS_MAX. */
typedef struct PolicyLeaf {
        size_t count;
        PolicyTerm terms[POLICY_TERMS_MAX];
} PolicyLeaf;

/* The zero digest that every policy starts from. */
TPM2B_DIGEST policy_start(void);

/* Extend digest by one term, as the chip does; POLICY_AUTHORIZE and POLICY_OR replace it. */
int policy_term_extend(const PolicyTerm *term, TPM2B_DIGEST *digest);

/* The digest of a whole leaf from the start. */
int policy_leaf_digest(const PolicyLeaf *leaf, TPM2B_DIGEST *ret);

/* PolicyOR over count (2 to POLICY_LEAVES_MAX) leaves as a term. */
int policy_or_term(const PolicyLeaf *leaves, size_t count, PolicyTerm *ret);

/* args of TPM2_PolicyNV: the 8-byte operand, big-endian as NV holds it. */
TPM2B_OPERAND policy_nv_operand(uint64_t mask);

/*
 * One line for people: "PolicyNV(index 01abcdef bit 3 clear)"; of Names and digests the first 8 hex
 * digits. ret is cut at size. Returns ret.
 */
const char *policy_term_describe(const PolicyTerm *term, char *ret, size_t size);
