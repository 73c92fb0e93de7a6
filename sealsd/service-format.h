/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What signatures of a format take beside the digest: the seal's certificates, its structure of
 * GB/T 38540, its name. Filled in the main thread by the register as it is then, used by whichever
 * thread signs.
 */
#pragma once

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "format/signed-format.h"
#include "sealsd/certificate-chain.h"
#include "sealsd/service.h"
#include "sealsd/use.h"

#define PROPERTY_INFO_DEFAULT "sealsd:document"

typedef struct FormatUse {
        SignFormat format; /* raw: nothing else is there */
        const SignatureAlgorithm *algorithm;
        EVP_PKEY *key;
        uint64_t time; /* that is claimed */
        CertificateChain chain;
        char property_info[PROPERTY_INFO_MAX + 1];
        uint8_t *eseal;
        size_t eseal_size;
        size_t subject_size;
        uint8_t subject[DISTINGUISHED_NAME_MAX];
} FormatUse;

/* Frees what is owned and zeroes the rest. */
void format_use_clear(FormatUse *use);
#define _cleanup_format_ _cleanup_(format_use_clear)

/* Whether the options go together. SEAL_E_INVALID_ARGS names one that does not. */
int format_options_check(const SignOptions *options, const TPMT_SIG_SCHEME *scheme,
                         ErrorDetail *detail);

/*
 * For signatures by the seal now. SEAL_E_CERTIFICATE_INVALID: it has no certificate that is valid;
 * SEAL_E_INVALID_STATE: no picture; SEAL_E_LIMITS_EXCEEDED: what comes of so many digests is too
 * large for an answer. Each says what to do.
 */
int service_format_fill(Service *service, const Seal *seal, const SignOptions *options,
                        const char *hash, const TPMT_SIG_SCHEME *scheme, FormatUse *ret,
                        ErrorDetail *detail);

/*
 * The structure (malloc'ed; of raw none) over a document's digest, and what the key signs. Of a
 * certificate request *digest is made the plain hash of the structure, for want of a document.
 */
int format_use_prepare(const FormatUse *use, TPM2B_DIGEST *digest, uint8_t **ret, size_t *ret_size,
                       TPM2B_DIGEST *ret_signs);

/*
 * What comes of it, malloc'ed. digest is what was signed. SEAL_E_UNSUPPORTED for an RSAPSS
 * signature that this chip has salted as the format cannot say.
 */
int format_use_finish(const FormatUse *use, Bytes structure, const TPM2B_DIGEST *digest,
                      Bytes signature, uint8_t **ret, size_t *ret_size, ErrorDetail *detail);

/* The same of a use that approvers signed for, before the signature is kept. */
int format_check_value(const UseFacts *facts, const TPM2B_PUBLIC *public, Bytes signature,
                       ErrorDetail *detail);

/*
 * What is frozen with a request, what a seal's key signs of it, and what comes of it with the
 * signature, malloc'ed. SEAL_E_REGISTER_TAMPERED for what freeze did not make.
 */
int format_signs(const UseStructure *frozen, const TPM2B_PUBLIC *public, TPM2B_DIGEST *ret);
int format_freeze(const FormatUse *use, Bytes structure, UseStructure *ret);
int format_thaw(const UseStructure *frozen, Bytes signature, uint8_t **ret, size_t *ret_size);
