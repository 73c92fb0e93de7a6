/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is by its first bytes, so that nobody has to say it. It only chooses the verifier,
 * which then reads the whole and says what is wrong with it.
 */
#pragma once

#include "base/bytes.h"
#include "format/verify-report.h"

typedef enum VerifyFile {
        VERIFY_FILE_OTHER, /* a bare signature, or nothing that is known here */
        VERIFY_FILE_CMS,
        VERIFY_FILE_SES_SIGNATURE,
        VERIFY_FILE_SES_SEAL,
        VERIFY_FILE_X509, /* a certificate, a request or a CRL, in DER; anything in PEM */
} VerifyFile;

/* Of DER or BER. ContentInfo of any type is CMS; also a seal or signature of an unknown version. */
VerifyFile verify_file_guess(Bytes file);

/*
 * What is in PEM, the first block that is no certificate; *ret is malloc'ed. False, and nothing in
 * *ret, where the file does not begin with "-----BEGIN " or cannot be read so.
 */
bool verify_file_unwrap(Bytes file, uint8_t **ret, size_t *ret_size);
