/* SPDX-License-Identifier: Apache-2.0 */
/* What a revocation list says of a certificate, from what the register says of its seal. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "format/x509-crl.h"
#include "sealsd/maker.h"

/*
 * The entry of one certificate; its serial is borrowed. A seal that is suspended or lost is on
 * hold. A revoked one has the reason that the register knows, by what it was revoked from: lost,
 * keyCompromise; replaced by another, superseded; surrendered, cessationOfOperation; else none.
 * When it was destroyed changes nothing. The date is that since which the certificate is on the
 * list without a break: a hold that ends in revocation counts from its beginning (ITU-T X.509, of
 * certificateHold), else what was made with a lost seal before somebody revoked it would be good.
 */
X509CrlEntry revocation_of(const RevocationEntry *entry);

/* Whether a list made of one would be that made of the other. */
bool revocations_equal(const RevocationEntry *a, size_t a_count, const RevocationEntry *b,
                       size_t b_count);
