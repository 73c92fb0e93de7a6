/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of people whose tools we do not choose: a smartcard, OpenSSL, a key service.
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"

/*
 * Verify a signature over SHA-256(message) by an external key, and hand it out in the form that the
 * chip verifies it in. Of a curve: DER ECDSA-Sig-Value, or r ‖ s as smartcards give it. Of RSA:
 * PKCS #1 v1.5, or PSS with MGF1-SHA-256 and a salt of any size. SEAL_E_APPROVAL_INVALID for
 * everything else, SEAL_E_UNSUPPORTED for a key of another kind.
 */
int signature_accept(const TPM2B_PUBLIC *key, Bytes message, Bytes signature, TPMT_SIGNATURE *ret);
