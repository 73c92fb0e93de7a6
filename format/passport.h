/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seal passport: one file that tells a third party what a seal is, and proves of it what a TPM
 * can prove. Canonical JSON (RFC 8785), {"attestation": {…}, "statement": {…}}. The statement is
 * the daemon's; the attestations are the chip's, and each is made with passport_extra() as its
 * qualifying data, so that all of them are of this statement and of the caller's nonce. The members
 * are told in sealsd-passport(5). Here the types, writing and reading; format/passport-verify.h
 * judges.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/limits.h"
#include "policy/index.h"
#include "policy/pcr.h"
#include "policy/seal-policy.h"
#include "policy/term.h"

#define PASSPORT_FORMAT "sealsd-passport"
#define PASSPORT_FORMAT_VERSION 1

#define PASSPORT_HASH_SIZE 32 /* SHA-256 */

/* DER of a certificate, malloc'ed, owned by the statement. */
typedef struct PassportDer {
        uint8_t *data;
        size_t size; /* at most CERTIFICATE_MAX */
} PassportDer;

typedef struct PassportDers {
        size_t count;
        PassportDer items[PASSPORT_CERTIFICATES_MAX];
} PassportDers;

/* As the register has it; texts as on the bus (docs/bus.md), "" where there is nothing. */
typedef struct PassportSeal {
        char number[NUMBER_MAX + 1];
        char name[NAME_BYTES_MAX + 1];
        char holder[NAME_BYTES_MAX + 1];
        char class[WORD_MAX + 1];
        char type[WORD_MAX + 1];
        char algorithm[WORD_MAX + 1];
        size_t purpose_count;
        char purposes[PURPOSES_MAX][WORD_MAX + 1];
        uint64_t not_before, not_after; /* µs since the epoch */
        uint64_t use_limit;             /* 0: none */
        char state[WORD_MAX + 1];
        char separation[WORD_MAX + 1]; /* of its birth */
        char replaces[NUMBER_MAX + 1], replaced_by[NUMBER_MAX + 1];
        uint64_t made; /* µs since the epoch */
        TPM2B_PUBLIC public;
} PassportSeal;

typedef struct PassportApprover {
        char subject[SUBJECT_MAX + 1];
        TPM2B_PUBLIC key; /* the fixed template of external keys (policy/key.h) */
} PassportApprover;

/* The policy written out: a line for each term of each leaf. passport_terms_write() makes it. */
typedef struct PassportTerms {
        size_t count;
        struct {
                size_t count;
                char lines[POLICY_TERMS_MAX][PASSPORT_TERM_MAX + 1];
        } leaves[POLICY_LEAVES_MAX];
} PassportTerms;

typedef struct PassportPolicy {
        TPM2B_PUBLIC authority; /* the fixed template of external keys, or the resident one's */
        char profile[PROFILE_MAX + 1];
        TPMS_NV_PUBLIC index; /* the revocation index, TPMA_NV_WRITTEN set and not READLOCKED */
        unsigned bit;
        bool pin, backup;
        size_t approver_count;
        unsigned threshold; /* 0 without approvers */
        PassportApprover approvers[APPROVERS_MAX];
        PassportTerms terms;
        TPM2B_DIGEST digest; /* authPolicy */
} PassportPolicy;

/* An approved state of the machine. */
typedef struct PassportState {
        uint64_t id;
        TPM2B_DIGEST policy; /* as approved: PolicyPCR, and PolicyNV where there is an index */
        PcrValues values;
        uint64_t approved; /* µs since the epoch */
        char by[SUBJECT_MAX + 1];
        TPMT_SIGNATURE signature; /* the authority's over policy ‖ policyRef(profile) */
        bool has_index;
        TPMS_NV_PUBLIC index; /* the state index, TPMA_NV_WRITTEN set */
        unsigned bit;
        uint64_t retired; /* µs since the epoch; 0: not */
} PassportState;

typedef struct PassportMachine {
        char profile[PROFILE_MAX + 1];
        PcrSelection pcrs; /* of the profile, and so of each state */
        size_t state_count;
        PassportState states[MACHINE_STATES_MAX];
} PassportMachine;

/* Whether inspections on the machine find what the TPM has signed past sealsd. */
typedef enum PassportAudit {
        PASSPORT_AUDIT_OFF,     /* sealsd is not told to look */
        PASSPORT_AUDIT_ON,      /* the TPM's count of signatures is compared with the ledger */
        PASSPORT_AUDIT_STOPPED, /* it is to be, and something is in the way */
        PASSPORT_AUDIT_ABSENT,  /* the TPM has no command audit */
        PASSPORT_AUDIT_MAX,
} PassportAudit;

/* As it is written: "off", "on", "stopped", "absent". */
const char *passport_audit_name(PassportAudit audit);

typedef struct PassportLedger {
        TPMS_NV_PUBLIC index; /* TPMA_NV_WRITTEN set */
        uint64_t head_seq;    /* the last row when the statement was made */
        uint8_t head[PASSPORT_HASH_SIZE];
        uint64_t anchor_seq; /* the row whose anchor gave the value that the chip certifies */
} PassportLedger;

/* What the machine says; large, so on the heap. */
typedef struct PassportStatement {
        size_t nonce_size; /* PASSPORT_NONCE_MIN to PASSPORT_NONCE_MAX */
        uint8_t nonce[PASSPORT_NONCE_MAX];
        uint64_t created; /* µs since the epoch */
        PassportSeal seal;
        PassportPolicy policy;
        PassportMachine machine;
        PassportLedger ledger;
        PassportAudit audit;
        PassportDers certificates;    /* the seal's first, then its issuers' */
        PassportDers ek_certificates; /* the endorsement keys' first, then their issuers' */
        char version[WORD_MAX + 1];   /* of sealsd */
} PassportStatement;

/* An attestation as the chip gave it. */
typedef struct PassportProof {
        size_t attest_size, signature_size;
        uint8_t attest[TPM_BLOB_MAX];     /* TPMS_ATTEST: what is in a TPM2B_ATTEST */
        uint8_t signature[SIGNATURE_MAX]; /* TPMT_SIGNATURE, marshalled */
} PassportProof;

/* How the chip vouches for the seal's key. */
typedef enum PassportKind {
        PASSPORT_CERTIFY,  /* TPM2_Certify (Part 3 §18.2): it is loaded in this TPM */
        PASSPORT_CREATION, /* TPM2_CertifyCreation (§18.3): this TPM has made it */
        PASSPORT_KIND_MAX,
} PassportKind;

/* "certify", "creation". */
const char *passport_kind_name(PassportKind kind);

typedef struct PassportAttestation {
        TPM2B_PUBLIC key; /* the attestation key */
        PassportKind kind;
        PassportProof seal;
        PassportProof revocation, ledger; /* TPM2_NV_Certify (§31.16) of the whole index */
        size_t state_count;               /* one for each state index that the statement names */
        PassportProof states[INDICES_MAX];
} PassportAttestation;

typedef struct Passport {
        PassportStatement statement;
        PassportAttestation attestation;
} Passport;

/* Zeroed. NULL without memory. free takes NULL and returns NULL. */
PassportStatement *passport_statement_new(void);
PassportStatement *passport_statement_free(PassportStatement *statement);
DEFINE_CLEANUP(PassportStatement, passport_statement_free)

/* free frees what the statement within owns, too. */
Passport *passport_new(void);
Passport *passport_free(Passport *passport);
DEFINE_CLEANUP(Passport, passport_free)

/* Append a copy. SEAL_E_LIMITS_EXCEEDED beyond the maxima, -ENOMEM. */
int passport_ders_add(PassportDers *ders, Bytes der);

/* --- the policy ------------------------------------------------------------------------------- */

/*
 * The policy that authority, profile, index, bit, PIN, approvers, threshold and backup come to.
 * SEAL_E_INVALID_ARGS as in policy/seal-policy.h, SEAL_E_UNSUPPORTED for a nameAlg that is not
 * SHA-256.
 */
int passport_policy(const PassportStatement *statement, SealPolicy *ret);

/* The terms that follow from these; errors likewise. */
int passport_terms_of(const PassportStatement *statement, PassportTerms *ret);

/* Fill the statement's terms from these; errors likewise. The digest is the key's authPolicy. */
int passport_terms_write(PassportStatement *statement);

/* One term as it is written out: every Name and digest of it in full, PASSPORT_TERM_MAX bytes. */
const char *passport_term_text(const PolicyTerm *term, char ret[static PASSPORT_TERM_MAX + 1]);

/* --- writing and reading ---------------------------------------------------------------------- */

/*
 * Canonical text, malloc'ed, with a terminating zero that does not count. -EINVAL for what the
 * format cannot say (a number beyond JSON_NUMBER_MAX, a structure that cannot be marshalled, text
 * that is no UTF-8, nonce or counts out of bounds), -ENOMEM.
 */
int passport_statement_encode(const PassportStatement *statement, char **ret, size_t *ret_size);
int passport_encode(const Passport *passport, char **ret, size_t *ret_size);

/*
 * Read strictly: canonical, every member there, of its type and within its bounds, none beside
 * them, every structure of the TPM to its last byte. SEAL_E_REGISTER_TAMPERED names the member that
 * is wrong; -ENOMEM. Whether any of it is true is not asked.
 */
int passport_parse(const char *text, size_t size, Passport **ret, ErrorDetail *detail);

/*
 * Qualifying data of every attestation: SHA-256("sealsd/passport" ‖ 0 ‖ nonce ‖ SHA-256(text of the
 * statement)). -ENOMEM, -EIO.
 */
int passport_extra(Bytes nonce, Bytes statement, TPM2B_DATA *ret);
