/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 certificates (RFC 5280) as others keep them: taken off, not judged. */
#pragma once

#include "base/bytes.h"

/*
 * Bytes of the certificate in DER that stands first, whatever follows it; 0 when none does, or one
 * of more than CERTIFICATE_MAX bytes.
 */
size_t certificate_size(Bytes bytes);

/* PEM of one in DER, which is not looked at; *ret is malloc'ed, zero-terminated. */
int certificate_to_pem(Bytes der, char **ret);
