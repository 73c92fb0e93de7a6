/* SPDX-License-Identifier: Apache-2.0 */
/* Who a certificate is of, told in a report in the same words whatever the file was. */
#pragma once

#include <openssl/x509.h>

#include "base/bytes.h"
#include "format/verify-report.h"

/*
 * From the signer's certificate in DER: facts.subject, .issuer, .serial and .public_key_sha256, and
 * where .seal_number is not said yet, the common name when it can be a seal's number. What cannot
 * be read stays "".
 */
void verify_signer_set(VerifyReport *report, Bytes certificate);

/* RFC 2253, UTF-8 as it is; cut, harmless. */
void verify_name_set(char *ret, size_t size, const X509_NAME *name);

/* The subject of a certificate in DER; "" of what is none. */
void verify_subject_set(char *ret, size_t size, Bytes certificate);

/* SHA-256 over the key's DER SubjectPublicKeyInfo, as `openssl pkey` writes it, in hex. */
void verify_key_set(char ret[static 2 * 32 + 1], EVP_PKEY *key);
