/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMS signatures of documents, verified check by check: CAdES and the CMS of PAdES (ETSI EN 319
 * 122-1, 319 142-1), GB/T 35275 with SM2, detached or with the document in it. BER and odd encodings
 * are read and told as deviations; so is everything in the file that nothing protects.
 */
#pragma once

#include "base/bytes.h"
#include "format/verify-report.h"
#include "format/verify-trust.h"

/*
 * Verify a file: all that was found is in the report, which is begun here. document has the digest
 * by cms_document_hash(); it may be empty where the file holds the document. At most CMS_FILE_MAX
 * bytes. 0 whatever was found; -ENOMEM, -EIO.
 */
int cms_verify(Bytes file, const VerifyDocument *document, const VerifyTrust *trust,
               VerifyReport *report);

/* By which hash the document is asked for, as on the bus; NULL: it cannot be read, or by none known. */
const char *cms_document_hash(Bytes file);
