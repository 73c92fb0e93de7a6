/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of signatures that a seal makes over a document's digest, in one place: what the
 * key signs of each (prepare), and the file that comes of it (finish). Of the raw format the key
 * signs the digest itself and the value is the file; of all others it signs a structure, which is
 * frozen so that whoever has to agree knows what he agrees to.
 *
 * The digest is the document's plain hash, but for raw SM2 (policy/sm2.h). A request for a
 * certificate is of no document.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/signature-value.h"

typedef enum SignFormat {
        FORMAT_RAW,       /* the value (policy/key.h, signature_to_openssl()) */
        FORMAT_CADES,     /* CMS, CAdES B-B, detached; of SM2 SignedData of GB/T 35275 */
        FORMAT_PADES_CMS, /* the CMS that stands in a PDF (PAdES B-B) */
        FORMAT_ESEAL,     /* SES_Signature of GB/T 38540-2020 */
        FORMAT_PKCS10,    /* a request for a certificate */
        SIGN_FORMAT_COUNT,
} SignFormat;

/* "raw", "cades", "pades-cms", "eseal", "pkcs10", as on the bus; all of them for sentences. */
const char *sign_format_name(SignFormat format);
#define SIGN_FORMAT_NAMES "raw, cades, pades-cms, eseal, pkcs10"

/* SIGN_FORMAT_COUNT for another word. */
SignFormat sign_format_find(const char *name);

/* Whether it says when it was signed. */
bool sign_format_timed(SignFormat format);

/* Nothing is owned. What a format does not have is left out. */
typedef struct SignedFacts {
        SignFormat format; /* not raw */
        const SignatureAlgorithm *algorithm;
        Bytes document_digest;
        uint64_t time;             /* that is claimed; µs since the epoch */
        const Bytes *certificates; /* DER, the signer's first */
        size_t certificate_count;
        Bytes eseal;               /* SESeal */
        const char *property_info; /* eseal: what part of the document the digest is of; ASCII */
        Bytes subject;             /* pkcs10: Name in DER */
        EVP_PKEY *key;             /* pkcs10 */
} SignedFacts;

/*
 * The structure, whose signature_digest() the key signs; malloc'ed. The same facts give the same
 * bytes. SEAL_E_INVALID_ARGS for facts that the format cannot say, -ENOMEM, -EIO.
 */
int signed_prepare(const SignedFacts *facts, uint8_t **ret, size_t *ret_size);

/*
 * The file, from the structure and its signature; malloc'ed. Of the facts format, algorithm and
 * certificates count. Errors as above.
 */
int signed_finish(const SignedFacts *facts, Bytes structure, Bytes signature, uint8_t **ret,
                  size_t *ret_size);

/* No more than this comes of a digest. */
size_t signed_size_max(const SignedFacts *facts);

/* The digest of the document that a structure is of. SEAL_E_INVALID_ARGS for other bytes. */
int signed_document(SignFormat format, Bytes structure, TPM2B_DIGEST *ret);

/*
 * What the structure of an eseal or pkcs10 carries whole: the SESeal, the subject's Name; malloc'ed
 * DER. SEAL_E_INVALID_ARGS for other bytes.
 */
int signed_part(Bytes structure, uint8_t **ret, size_t *ret_size);

/* By its name, or by its words on the bus (ecdsa, rsassa, rsapss, sm2; the hash); NULL: another. */
const SignatureAlgorithm *signed_algorithm_find(const char *name);
const SignatureAlgorithm *signed_algorithm(const char *scheme, const char *hash);
