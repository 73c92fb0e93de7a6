/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed public keys of the external kinds, read from PEM once. */
#pragma once

#include <tss2/tss2_tpm2_types.h>

/* 0: P-256, 1: P-384, 2: RSA 2048; any other number is one of these. */
const TPM2B_PUBLIC *fuzz_key(unsigned number);
