/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates of endorsement keys that the chip's maker left in its NV memory (TCG EK
 * Credential Profile 2.x §2.2.1.4 and .5: one for each kind of key, RSA 2048 at 0x01c00002, P-256
 * at 0x01c0000a, all kinds from 0x01c00012 on; the certificates of their issuers one behind the
 * other from 0x01c00100 on). Many chips have none.
 * Taken as they are: who believes them, and whether the endorsement key is this chip's, is for
 * others to say.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"
#include "tpm/handle.h"

typedef struct TpmEkCertificates {
        size_t count; /* the keys' first */
        struct {
                size_t size;
                uint8_t der[CERTIFICATE_MAX];
        } items[PASSPORT_CERTIFICATES_MAX];
} TpmEkCertificates;

/*
 * In an HMAC session. What is not written, cannot be read without an authorisation or is no
 * certificate is left out, and so is what has no place.
 */
int tpm_ek_certificates(const TpmHandle *session, TpmEkCertificates *ret, ErrorDetail *detail);
