/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A maker's key as a job at the chip uses it: filled in the main thread (service-maker.h), used in
 * the worker's. What it signs, certificates, requests, lists and seals of GB/T 38540, is made of
 * bytes whose digest the chip is given, under the policy that every seal of the profile has.
 */
#pragma once

#include "base/bytes.h"
#include "base/cleanup.h"
#include "format/signature-value.h"
#include "sealsd/approval-set.h"
#include "sealsd/maker.h"
#include "sealsd/worker.h"
#include "tpm/sign.h"

typedef struct MakerUse {
        uint64_t maker; /* its id in the register; 0: it is being made */
        char algorithm[WORD_MAX + 1];
        SealKey key;
        SealPolicy policy;
        TpmIndex index;
        ApprovalSet *approvals; /* a reference */
        size_t subject_size;
        uint8_t subject[DISTINGUISHED_NAME_MAX]; /* DER Name */
        size_t certificate_size; /* of the one in force, DER; 0: there is none yet */
        uint8_t certificate[CERTIFICATE_MAX];
        uint64_t not_before, not_after; /* of it */
} MakerUse;

/* Wipe, and give the reference back; in the main thread. A zeroed one is left as it is. */
void maker_use_clear(MakerUse *use);

/*
 * The value of the maker's signature of the message, malloc'ed, with what it is called; checked
 * before it is handed out. Errors as tpm_seal_sign(), SEAL_E_TPM_FAILURE for a signature that is
 * none.
 */
int maker_use_sign(const MakerUse *use, Chip *chip, Bytes message,
                   const SignatureAlgorithm **ret_algorithm, uint8_t **ret, size_t *ret_size,
                   ErrorDetail *detail);

/* The same of the bytes of a certificate, a request or a list, whole: DER, malloc'ed. */
int maker_use_finish(const MakerUse *use, Chip *chip, Bytes tbs, uint8_t **ret, size_t *ret_size,
                     ErrorDetail *detail);

/* What the maker's key signs with; NULL for a key that nobody has. */
const SignatureAlgorithm *maker_use_algorithm(EVP_PKEY *key);
