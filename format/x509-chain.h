/* SPDX-License-Identifier: Apache-2.0 */
/* Chains of certificates that an authority outside issued, before they are taken in. */
#pragma once

#include "format/x509-certificate.h"
#include "format/x509-read.h"

/*
 * Will this chain do, the leaf first: for the expected key and use, each certificate signed by the
 * next, issuers that are CAs and may sign certificates, their path lengths and name constraints
 * kept, no critical extension that is not understood, all of them valid now (µs)? Whether anybody
 * trusts the last is not asked. SEAL_E_INVALID_ARGS for what cannot be read, SEAL_E_LIMITS_EXCEEDED
 * beyond CERTIFICATE_CHAIN_MAX certificates, SEAL_E_CERTIFICATE_INVALID with the reason; -ENOMEM,
 * -EIO.
 */
int x509_chain_check(const Bytes *chain, size_t count, EVP_PKEY *key, X509Use use, uint64_t now,
                     ErrorDetail *detail);
