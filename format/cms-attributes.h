/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of CMS signatures (RFC 5652 §5.3), for format/cms-*.c and format/timestamp*.c alone:
 * each is a type and a set of values, and those used here have exactly one of each.
 */
#pragma once

#include "format/cms-asn1.h"

/*
 * SET OF Attribute that was signed, and nothing behind it; in the order at hand. *ret is freed by
 * its cleanup. SEAL_E_INVALID_ARGS for anything else and beyond CMS_ATTRIBUTES_SIZE_MAX, -ENOMEM.
 */
int cms_attributes_read(Bytes der, CmsAttributes **ret);

/* size -1: value is an object of libcrypto's, of which a copy is taken. -ENOMEM. */
int cms_attribute_add(CmsAttributes *attributes, int nid, int type, const void *value, int size);

/* How many there are of a type, by NID. */
int cms_attribute_count(const CmsAttributes *attributes, int nid);

/*
 * The only value of the only attribute of this type; NULL unless it is so, or when the value is of
 * another ASN.1 type.
 */
const ASN1_TYPE *cms_attribute_value(const CmsAttributes *attributes, int nid, int type);

/* The only signing-time, whole seconds in µs since the epoch; 0: none that is one. */
uint64_t cms_attribute_time(const CmsAttributes *attributes);

/*
 * signing-certificate-v2, or version 1, which reads as the same without a hash algorithm; new.
 * NULL: none that is one (or no memory).
 */
CmsSigningCertificate *cms_attribute_signing_certificate(const CmsAttributes *attributes,
                                                         bool first_version);
