/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be put into a finished CMS signature without touching what is signed: the document, so
 * that it is enveloping, and a time stamp, so that it is CAdES B-T. Done by who has both at hand;
 * the daemon never does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/*
 * With the document as its content, DER into malloc'ed *ret. SEAL_E_INVALID_ARGS when it is no
 * detached signature of one signer over this document, SEAL_E_LIMITS_EXCEEDED where the whole would
 * be larger than CMS_FILE_MAX; -ENOMEM, -EIO.
 */
int cms_embed(Bytes file, Bytes document, uint8_t **ret, size_t *ret_size, ErrorDetail *detail);

/*
 * The value of its signature, which is what a time stamp is over; *ret is malloc'ed.
 * SEAL_E_INVALID_ARGS when it is no signature of one signer, -ENOMEM.
 */
int cms_signature_value(Bytes file, uint8_t **ret, size_t *ret_size, ErrorDetail *detail);

/*
 * With one more signature-time-stamp (1.2.840.113549.1.9.16.2.14; ETSI EN 319 122-1 §5.3) among the
 * unsigned attributes, DER into malloc'ed *ret. The token is taken as it is: timestamp_accept() has
 * judged it. SEAL_E_INVALID_ARGS when one of both cannot be read, or there are CMS_TIMESTAMPS_MAX;
 * -ENOMEM.
 */
int cms_add_timestamp(Bytes file, Bytes token, uint8_t **ret, size_t *ret_size,
                      ErrorDetail *detail);
