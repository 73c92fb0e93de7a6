/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has to approve each use of a seal: a subject, and the key whose signature the chip demands
 * (design, section 3.1). Fixed at the seal's birth. A plain value.
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "sealsd/subject.h"

typedef struct Approver {
        Subject subject;
        char pem[KEY_PEM_MAX + 1]; /* "PUBLIC KEY", as we write it */
} Approver;

/*
 * Fill pem from a public key or a certificate that somebody brings. SEAL_E_INVALID_ARGS for a key
 * of another kind (policy/key.h says which are accepted).
 */
int approver_complete(Approver *approver, Bytes pem, ErrorDetail *detail);

/* The key in the chip's form. SEAL_E_REGISTER_TAMPERED when pem is none of ours. */
int approver_key(const Approver *approver, TPM2B_PUBLIC *ret);

/* The Name that the seal's policy has of it. */
int approver_name(const Approver *approver, TPM2B_NAME *ret);
