/* SPDX-License-Identifier: Apache-2.0 */
/* Distinguished names of certificates (RFC 5280 §4.1.2.4, ETSI EN 319 412-3 §4.2.1). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"

/* UTF-8, not owned; NULL and "" are left out. */
typedef struct X509Subject {
        const char *country; /* two capital letters (ISO 3166) */
        const char *organization;
        const char *organization_identifier; /* 2.5.4.97: "VATDE-123456789" (EN 319 412-1 §5.1.4) */
        const char *common_name;
} X509Subject;

/*
 * DER of the Name, malloc'ed: country, organization, its identifier, common name, in this order.
 * SEAL_E_INVALID_ARGS for a country that is none, for text that is no line or has more than
 * CERTIFICATE_NAME_CHARS_MAX characters, and for a name of nothing.
 */
int x509_name_encode(const X509Subject *subject, uint8_t **ret, size_t *ret_size,
                     ErrorDetail *detail);

#define X509_NAME_TEXT_MAX 255 /* of a name, as text; cut */

/* As RFC 2253 writes it, for people: what misleads is replaced. Returns ret. */
const char *x509_name_text(const X509_NAME *name, char ret[static X509_NAME_TEXT_MAX + 1]);
