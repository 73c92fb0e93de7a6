/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates in a row: as the register keeps them, one after the other in DER, and as the bus has
 * them, a list with the signer's first.
 */
#pragma once

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/limits.h"

/* At most one more than a chain that was brought: an issuer's own may stand above it. */
#define CHAIN_LISTED_MAX (CERTIFICATE_CHAIN_MAX + 1)

/* Owns data, which the items point into. */
typedef struct CertificateChain {
        size_t count;
        Bytes items[CHAIN_LISTED_MAX];
        uint8_t *data;
        size_t size;
} CertificateChain;

/* Frees what is owned and zeroes the rest. */
void certificate_chain_free(CertificateChain *chain);
#define _cleanup_chain_ _cleanup_(certificate_chain_free)

/*
 * Of parts that are each certificates one after the other, copied. SEAL_E_REGISTER_TAMPERED for
 * anything else, and for more than CHAIN_LISTED_MAX.
 */
int certificate_chain_of(const Bytes *parts, size_t count, CertificateChain *ret);

/* One after the other: malloc'ed; of none NULL and 0. */
int certificate_chain_join(const Bytes *items, size_t count, uint8_t **ret, size_t *ret_size);
