/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification of electronic seals (SESeal, .esl) and of signatures with them (SES_Signature): GB/T
 * 38540-2020 (§8) and GM/T 0031-2014; other versions are refused by name. What real files do
 * otherwise than the standards say is tolerated and told as a deviation: values as r ‖ s or with
 * padded INTEGERs, either tag of extDatas, a timeStamp without its tag, picture types in any case,
 * critical written where it is FALSE. A critical extension is never known, so its seal fails.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "format/verify-report.h"
#include "format/verify-trust.h"

/*
 * Verify a file that verify_file_guess() takes for one of both, with the digests of the document
 * (NULL: none is at hand). The report is begun here. 0 whatever was found; -ENOMEM, -EIO.
 */
int eseal_verify(Bytes file, const VerifyDocument *document, const VerifyTrust *trust,
                 VerifyReport *report);

/*
 * Did the key of the maker's certificate in it sign this seal (SESeal)? Whose certificate that is,
 * is not asked. SEAL_E_APPROVAL_INVALID with the reason when not, or where it is no seal; -ENOMEM,
 * -EIO.
 */
int eseal_maker_check(Bytes eseal, ErrorDetail *detail);

/*
 * The hash of the document that an SES_Signature has, as on the bus; NULL where that cannot be
 * told.
 */
const char *eseal_document_hash(Bytes file);
