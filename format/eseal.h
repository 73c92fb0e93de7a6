/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Electronic seals of GB/T 38540-2020 (version 4): SESeal, the seal with its picture as its maker
 * signed it (an .esl file), and SES_Signature, a signature with it over a document's hash. Written
 * as the standard has it, strictly, in two steps: prepare returns the bytes that are signed, finish
 * takes the signature (DER, as signature_to_openssl() gives it). With SM2 and SM3 throughout the
 * result conforms; with other algorithms it has the same structure and is labelled so.
 *
 * Read and verified by format/eseal-verify.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/picture.h"
#include "format/signature-algorithm.h"

#define ESEAL_VERSION 4
#define ESEAL_VERSION_2014 1 /* GM/T 0031-2014: read only */
#define ESEAL_VERSION_2025 5 /* GM/T 0031-2025: refused by its name */

/*
 * What a seal is; nothing is owned. Times are µs since the epoch and lose what is below a second.
 */
typedef struct ESealFacts {
        const char *id;     /* esID, the seal's number: ASCII, at most ESEAL_TEXT_MAX bytes */
        const char *vendor; /* vid, likewise */
        const char *name;   /* UTF-8, at most NAME_BYTES_MAX */
        unsigned type;      /* a number without a common meaning */
        Bytes certificate;  /* of the seal's key, DER: certListType 1 with one */
        uint64_t created, not_before, not_after;
        PictureType picture_type;
        Bytes picture;          /* at most PICTURE_MAX bytes, as picture_check() takes it */
        unsigned width, height; /* mm, 1 to ESEAL_MM_MAX */
} ESealFacts;

/*
 * DER of SES_SealInfo (§7.1.2), which the maker signs; *ret is malloc'ed. SEAL_E_INVALID_ARGS for
 * what is beyond the above, -ENOMEM.
 */
int eseal_prepare(const ESealFacts *facts, uint8_t **ret, size_t *ret_size);

/*
 * DER of SESeal from what eseal_prepare() gave, the maker's certificate and his signature; *ret is
 * malloc'ed. SEAL_E_INVALID_ARGS for other bytes, and for PSS, whose parameters have no place
 * beside a bare OID. -ENOMEM.
 */
int eseal_finish(Bytes info, Bytes maker_certificate, const SignatureAlgorithm *algorithm,
                 Bytes signature, uint8_t **ret, size_t *ret_size);

/*
 * DER of TBS_Sign (§7.2.2), which the seal signs: the whole seal, the time that is claimed, the
 * document's plain digest (the signature's hash, at most DIGEST_MAX bytes) and what part of the
 * document that covers (ASCII, 1 to PROPERTY_INFO_MAX bytes). *ret is malloc'ed.
 * SEAL_E_INVALID_ARGS for what is beyond this and for an eseal that is not DER of version 4,
 * -ENOMEM.
 */
int eseal_sign_prepare(Bytes eseal, uint64_t time, Bytes document_digest, const char *property_info,
                       uint8_t **ret, size_t *ret_size);

/* DER of SES_Signature from what eseal_sign_prepare() gave; otherwise as eseal_finish(). */
int eseal_sign_finish(Bytes tbs, Bytes certificate, const SignatureAlgorithm *algorithm,
                      Bytes signature, uint8_t **ret, size_t *ret_size);

/* The digest of the document that a TBS_Sign is of. SEAL_E_INVALID_ARGS for other bytes. */
int eseal_document_digest(Bytes tbs, TPM2B_DIGEST *ret);

/*
 * The bytes that a time stamp of an SES_Signature of version 4 is of: the signature's value. *ret
 * is malloc'ed. SEAL_E_INVALID_ARGS for other bytes, -ENOMEM.
 */
int eseal_signature_value(Bytes signature, uint8_t **ret, size_t *ret_size);

/*
 * The same SES_Signature with a time stamp token (DER, at most TIMESTAMP_MAX bytes) in it; one
 * that is there is replaced. *ret is malloc'ed. SEAL_E_INVALID_ARGS for other bytes, -ENOMEM.
 */
int eseal_add_timestamp(Bytes signature, Bytes token, uint8_t **ret, size_t *ret_size);

/* Profiles, as on the bus and in reports. */
#define ESEAL_PROFILE_SM "GB/T 38540-2020"
#define ESEAL_PROFILE_OTHER "GB/T 38540-2020 structure, non-SM algorithm"
#define ESEAL_PROFILE_2014 "GM/T 0031-2014" /* read only */

/*
 * Of an SESeal of version 4: the former where its maker signed with SM2 and no certificate that it
 * lists has a key of another algorithm; the latter otherwise, and "" for other bytes.
 */
const char *eseal_profile(Bytes eseal);
