/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a chip attests of an NV index by TPM2_NV_Certify (Part 3 §31.16), of a key by TPM2_Certify
 * (§18.2) and of its creation by TPM2_CertifyCreation (§18.3), judged in software and offline:
 * nothing here is believed that the attestation key did not sign. Whose chip's the key is says only
 * its Name, which is pinned elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "policy/index.h"

/*
 * The attestation key as it is made, always the same one of a chip: a primary of the endorsement
 * hierarchy, restricted (so that it signs nothing that looks like an attestation and is none),
 * ECDSA P-256 with SHA-256, empty auth, noDA.
 */
TPM2B_PUBLIC attest_key_template(void);

/* An attestation as it is kept or handed on: each marshalled as in Part 2. */
typedef struct AttestProof {
        Bytes attest;    /* TPMS_ATTEST: what is in a TPM2B_ATTEST, and is signed */
        Bytes signature; /* TPMT_SIGNATURE */
        Bytes key;       /* TPM2B_PUBLIC of the attestation key */
} AttestProof;

/* What it has to be about. */
typedef struct AttestWanted {
        TPM2B_NAME index;        /* of the written index */
        TPM2B_DATA extra;        /* the qualifying data that was asked with */
        size_t size;             /* of its contents; 0: LEDGER_VALUE_SIZE, which is the most */
        const uint8_t *contents; /* of that size; NULL: whatever they are */
} AttestWanted;

typedef struct IndexAttested {
        uint8_t contents[LEDGER_VALUE_SIZE]; /* of a bits index the first 8, big-endian */
        TPM2B_NAME index;
        TPM2B_DATA extra;
        TPM2B_NAME key;         /* the Name of the key that signed */
        uint64_t clock;         /* ms that this chip was on, since TPM2_Clear (Part 1 §36.3) */
        uint32_t reset_count;   /* TPM Resets since TPM2_Clear */
        uint32_t restart_count; /* TPM Restarts and Resumes since the last of those */
        bool clock_safe;        /* no higher clock was ever told */
} IndexAttested;

/*
 * SEAL_E_REGISTER_TAMPERED, with a sentence of its own for each: a structure is malformed, the key
 * is no attestation key, the signature is not its, magic or type are others, the key is not of the
 * endorsement hierarchy; index, contents or qualifying data are not the wanted ones. ret stays as
 * it was then. -ENOMEM or -EIO when libcrypto fails.
 */
int attest_index_verify(const AttestProof *proof, const AttestWanted *wanted, IndexAttested *ret,
                        ErrorDetail *detail);

typedef struct AttestKeyWanted {
        TPM2B_NAME name;  /* of the key */
        TPM2B_DATA extra; /* the qualifying data that was asked with */
} AttestKeyWanted;

/* As in IndexAttested. */
typedef struct KeyAttested {
        TPM2B_NAME key;
        uint64_t clock;
        uint32_t reset_count;
        uint32_t restart_count;
        bool clock_safe;
} KeyAttested;

/*
 * The key of this Name was loaded in the chip; the chip has created it. Only the second says of a
 * key without fixedTPM that it was born in a TPM. Results as above.
 */
int attest_key_verify(const AttestProof *proof, const AttestKeyWanted *wanted, KeyAttested *ret,
                      ErrorDetail *detail);
int attest_creation_verify(const AttestProof *proof, const AttestKeyWanted *wanted,
                           KeyAttested *ret, ErrorDetail *detail);
