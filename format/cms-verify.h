/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMS signatures of documents, verified check by check: CAdES and the CMS of PAdES (ETSI EN 319
 * 122-1, 319 142-1), GB/T 35275 with SM2, detached or with the document in it. BER and odd
 * encodings are read and told as deviations; so is everything in the file that nothing protects.
 */
#pragma once

#include "base/bytes.h"
#include "format/verify-report.h"
#include "format/verify-trust.h"

/*
 * Verify a file: all that was found is in the reports, one for each signer in the order of the
 * file, which are begun here; one also where there is no signer. document has the digests by
 * cms_document_hashes(); it may be empty where the file holds the document. At most CMS_FILE_MAX
 * bytes. With more than max signers none is verified, as one report says. 0 whatever was found;
 * -ENOMEM, -EIO.
 */
int cms_verify(Bytes file, const VerifyDocument *document, const VerifyTrust *trust,
               VerifyReport *reports, size_t max, size_t *ret_count);

/*
 * By which hashes the document is asked for, as on the bus, each once; how many: 0 where it cannot
 * be read, or by none known.
 */
size_t cms_document_hashes(Bytes file, const char *ret[static VERIFY_HASHES_MAX]);
