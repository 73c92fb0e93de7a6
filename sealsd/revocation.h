/* SPDX-License-Identifier: Apache-2.0 */
/* What a revocation list says of a certificate, from what the register says of its seal. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "format/x509-crl.h"
#include "sealsd/maker.h"

/*
 * The entry of one certificate; its serial is borrowed. A seal that is suspended or lost is on hold,
 * since then. A revoked one has the reason that the register knows: lost before and never found,
 * keyCompromise; replaced by another, superseded; surrendered before, cessationOfOperation; else
 * none. When it was destroyed changes nothing.
 */
X509CrlEntry revocation_of(const RevocationEntry *entry);

/* Whether a list made of one would be that made of the other. */
bool revocations_equal(const RevocationEntry *a, size_t a_count, const RevocationEntry *b,
                       size_t b_count);
