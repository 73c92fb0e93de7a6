/* SPDX-License-Identifier: Apache-2.0 */
/* Time stamps of signatures that are there already. */
#include "format/eseal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "format/eseal-asn1.h"
#include "policy/openssl.h"

/* An SES_Signature of version 4; NULL with the reason in the error queue. */
static SesSignature *signature_decode(Bytes bytes) {
        SesSignature *signature = ses_decode_whole(bytes, ASN1_ITEM_rptr(SesSignature));

        if (signature && ASN1_INTEGER_get(signature->tbs->version) == ESEAL_VERSION)
                return signature;
        ses_signaturep(&signature);
        return NULL;
}

int eseal_signature_value(Bytes signature, uint8_t **ret, size_t *ret_size) {
        _cleanup_(ses_signaturep) SesSignature *parsed = signature_decode(signature);

        if (!parsed)
                return openssl_refused(SEAL_E_INVALID_ARGS);
        Bytes value = ses_bytes(parsed->value);
        if (value.size == 0 || !ses_bits_are_whole(parsed->value))
                return SEAL_E_INVALID_ARGS;
        uint8_t *copy = malloc(value.size);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, value.data, value.size);
        *ret = copy;
        *ret_size = value.size;
        return 0;
}

int eseal_add_timestamp(Bytes signature, Bytes token, uint8_t **ret, size_t *ret_size) {
        _cleanup_(ses_signaturep) SesSignature *parsed = NULL;

        if (token.size == 0 || token.size > TIMESTAMP_MAX)
                return SEAL_E_INVALID_ARGS;
        parsed = signature_decode(signature);
        if (!parsed)
                return openssl_refused(SEAL_E_INVALID_ARGS);
        ASN1_BIT_STRING_free(parsed->stamp_untagged);
        parsed->stamp_untagged = NULL;
        ASN1_BIT_STRING_free(parsed->stamp);
        parsed->stamp = ASN1_BIT_STRING_new();
        if (!parsed->stamp || !ses_put_bits(parsed->stamp, token))
                return openssl_short();
        return ses_encode(parsed, ASN1_ITEM_rptr(SesSignature), ret, ret_size);
}
