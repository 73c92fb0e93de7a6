/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What certificates, requests and CRLs have in common (RFC 5280 §4.1.1, §5.1.1, RFC 2986 §4):
 * SEQUENCE { to be signed, AlgorithmIdentifier, BIT STRING }. Two steps: the prepare function of
 * each kind gives the bytes to be signed, of which signature_digest() says what the key signs; and
 * x509_finish() takes the signature. All DER is malloc'ed.
 */
#pragma once

#include <stdbool.h>

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/signature-value.h"

/* The whole, from the bytes that were signed as they are. -EINVAL when these are no SEQUENCE. */
int x509_finish(Bytes tbs, const SignatureAlgorithm *algorithm, Bytes signature, uint8_t **ret,
                size_t *ret_size);

/*
 * Is it signed by this key: DER to its last byte, an algorithm that the key has and, in
 * certificates and CRLs, that the signed part names too (requests name none there: then as we write
 * it), a signature in DER? SEAL_E_APPROVAL_INVALID when not; -ENOMEM, -EIO.
 */
int x509_signature_verify(Bytes der, bool named, EVP_PKEY *key);

/* Of our own templates: DER of the value, malloc'ed. -ENOMEM, -EIO. */
int x509_encode(const void *value, const ASN1_ITEM *item, uint8_t **ret, size_t *ret_size);

/* Is this how x509_encode() writes the value? False also without memory. */
bool x509_is_written_as(const void *value, const ASN1_ITEM *item, Bytes written);

/* The contents of a string, a BIT STRING's without the number of unused bits; borrowed. */
Bytes x509_string_bytes(const ASN1_STRING *string);

/*
 * Microseconds to UTCTime until 2049, GeneralizedTime from then on (RFC 5280 §4.1.2.5); what is not
 * a whole second is dropped. NULL without memory.
 */
ASN1_TIME *x509_time_new(uint64_t usec);

/* And back; false for what is not a time, and beyond 1970 to 9999. */
bool x509_time_read(const ASN1_TIME *time, uint64_t *ret_usec);
