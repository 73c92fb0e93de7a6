/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the chip signs about itself, with its attestation key (AK; policy/attest.h has the template,
 * and judges what is signed): the values of indices, and the keys of seals. The AK is made for each
 * job, which gives the same one, and flushed. All of it passes in one session salted to the SRK,
 * whose HMACs are checked both ways; what passes is no secret.
 *
 * All functions: SEAL_E_PIN_REQUIRED when the endorsement hierarchy has an authorisation, which
 * sealsd does not know; SEAL_E_UNSUPPORTED when that hierarchy is switched off.
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "tpm/handle.h"
#include "tpm/index.h"
#include "tpm/seal.h"
#include "tpm/tpm.h"

/* As the chip gave it. */
typedef struct TpmAttestation {
        TPM2B_ATTEST attest;
        TPMT_SIGNATURE signature;
} TpmAttestation;

/*
 * The AK for several attestations in a row: it and the session stay in the chip until it is closed,
 * beside at most one key of a seal. `_cleanup_(tpm_ak_close) TpmAk ak = {};`
 */
typedef struct TpmAk {
        TpmHandle session, key; /* not held: it is closed */
        TPM2B_PUBLIC public;
} TpmAk;

int tpm_ak_open(Tpm *tpm, TpmAk *ret, ErrorDetail *detail);

/* Idempotent. */
void tpm_ak_close(TpmAk *ak);

/*
 * TPM2_NV_Certify (Part 3 §31.16) of the whole value of an index. The qualifying data comes back in
 * what is signed, here and below. Errors as tpm_index_read_value() besides: SEAL_E_LOCKED when a
 * revocation index is read-locked, which keeps its value from being attested, too.
 */
int tpm_ak_certify_index(const TpmAk *ak, const TpmIndex *index, const TPM2B_DATA *qualifying,
                         TpmAttestation *ret, ErrorDetail *detail);

/*
 * TPM2_Certify (§18.2): the key of a seal is in this TPM, whole. That is an administrator's role,
 * which the key's authValue gives (adminWithPolicy is clear): the empty one of a seal without PIN,
 * also in lockout, as the key is noDA. With a PIN SEAL_E_INVALID_STATE, and the chip is not asked.
 * SEAL_E_REGISTER_TAMPERED when the chip does not take the blob.
 */
int tpm_ak_certify_key(const TpmAk *ak, const SealKey *key, const TPM2B_DATA *qualifying,
                       TpmAttestation *ret, ErrorDetail *detail);

/*
 * TPM2_CertifyCreation (§18.3): this TPM has made the key. It needs no authorisation by the key,
 * and its ticket outlives TPM resets, but not TPM2_Clear. -EINVAL when the birth was not kept.
 * SEAL_E_REGISTER_TAMPERED when the chip does not take the blob, or the ticket is not of this key.
 */
int tpm_ak_certify_creation(const TpmAk *ak, const SealKey *key, const TPM2B_DATA *qualifying,
                            TpmAttestation *ret, ErrorDetail *detail);

/* --- one at a time ---------------------------------------------------------------------------- */

/* The AK's public half, the answer's HMAC checked. */
int tpm_ak_public(Tpm *tpm, TPM2B_PUBLIC *ret, ErrorDetail *detail);

/* As tpm_ak_certify_index(). */
int tpm_index_certify(Tpm *tpm, const TpmIndex *index, const TPM2B_DATA *qualifying,
                      TPM2B_ATTEST *ret_attest, TPMT_SIGNATURE *ret_signature, ErrorDetail *detail);
