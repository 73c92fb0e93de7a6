/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an approver really signs for where the signature is of a format: not the document's digest,
 * but a structure that has it, with the time, the certificate and in an electronic seal much more.
 * A daemon in the wrong hands could put another document's structure there. So it is made again of
 * what the approver is shown, and anything else is refused. Pure, as use-challenge.h.
 */
#pragma once

#include <jansson.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/error.h"
#include "format/signed-format.h"

/* What is known of the signature otherwise. */
typedef struct UseSigned {
        const TPM2B_PUBLIC *public; /* of the seal */
        const char *hash, *scheme;
        const TPM2B_DIGEST *document;
} UseSigned;

/*
 * The format that Challenge's facts name, and what the chip is to sign. SEAL_E_APPROVAL_INVALID
 * with a sentence: the structure is not the one of this document, time and certificates, or the
 * certificate, or the electronic seal, is not of the seal's key, or the electronic seal is not as
 * the maker's certificate in it says. Whether that is a maker to trust is not known here.
 */
int use_structure_check(const json_t *facts, const UseSigned *known, SignFormat *ret_format,
                        TPM2B_DIGEST *ret_signs, ErrorDetail *detail);

/*
 * For people, from facts that were checked; each a new reference, NULL for what there is not: the
 * subject of the certificate, the electronic seal, whom a certificate is asked for.
 */
json_t *use_certificate_text(const json_t *facts);
json_t *use_eseal_text(const json_t *facts);
json_t *use_subject_text(const json_t *facts);
