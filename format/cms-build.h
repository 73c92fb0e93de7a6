/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMS signatures from a document's digest alone: CAdES B-B (ETSI EN 319 122-1 §6) and what PAdES
 * puts into a PDF (EN 319 142-1 §6), which are two sets of signed attributes of one builder:
 *
 *     content-type, message-digest, signing-certificate-v2      both
 *     signing-time                                              CAdES, and never PAdES
 *
 * With SM2 it is SignedData of GB/T 35275 with SM3, whose structure is the same and whose OIDs are
 * its own. In two steps: prepare makes what is signed, finish takes the signature.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "format/signature-value.h"

typedef enum CmsProfile { CMS_PROFILE_CADES, CMS_PROFILE_PADES } CmsProfile;

typedef struct CmsFacts {
        CmsProfile profile;
        const SignatureAlgorithm *algorithm;
        Bytes document_digest;     /* by the algorithm's hash, without any prefix */
        const Bytes *certificates; /* DER, the signer's first; borrowed */
        size_t certificate_count;  /* 1 to CMS_CERTIFICATES_MAX */
        uint64_t time;             /* µs since the epoch: signing-time, in whole seconds */
} CmsFacts;

/*
 * DER SET OF Attribute, the message that is signed (RFC 5652 §5.4), into malloc'ed *ret. The same
 * facts make the same bytes. SEAL_E_INVALID_ARGS for a digest of another size than the hash's, a
 * number of certificates out of bounds, or a time that X.509 has no form for; -ENOMEM, -EIO.
 */
int cms_prepare(const CmsFacts *facts, uint8_t **ret, size_t *ret_size);

/*
 * DER ContentInfo, detached, with all certificates, into malloc'ed *ret: of what prepare made, and
 * its signature (DER ECDSA-Sig-Value, SM2's likewise, or the RSA block). Of the facts the algorithm
 * and the certificates count. SEAL_E_INVALID_ARGS for attributes that are none and for a number of
 * certificates out of bounds, SEAL_E_CERTIFICATE_INVALID for one that cannot be read, -ENOMEM,
 * -EIO.
 */
int cms_finish(const CmsFacts *facts, Bytes attributes, Bytes signature, uint8_t **ret,
               size_t *ret_size);

/*
 * Whose document these attributes are: the message-digest of what prepare made for the profile.
 * SEAL_E_INVALID_ARGS for anything that prepare does not make, so that whoever approves such bytes
 * approves nothing beside the document.
 */
int cms_document_digest(CmsProfile profile, Bytes attributes, TPM2B_DIGEST *ret);
