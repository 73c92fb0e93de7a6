/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal-shown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/text.h"
#include "format/eseal-asn1.h"
#include "format/eseal.h"

/* NULL for other bytes. */
static SesSeal *seal_read(Bytes eseal) {
        SesSeal *seal = ses_decode_whole(eseal, ASN1_ITEM_rptr(SesSeal));

        ERR_clear_error();
        if (!seal || ASN1_INTEGER_get(seal->info->header->version) == ESEAL_VERSION)
                return seal;
        ses_sealp(&seal);
        return NULL;
}

static bool text_take(const ASN1_STRING *string, char *ret, size_t size) {
        const Bytes text = ses_bytes(string);

        if (text.size >= size || memchr(text.data, '\0', text.size) ||
            !text_is_utf8((const char *) text.data, text.size))
                return false;
        memcpy(ret, text.data, text.size);
        ret[text.size] = '\0';
        return true;
}

int eseal_shown(Bytes eseal, ESealShown *ret) {
        _cleanup_(ses_sealp) SesSeal *seal = seal_read(eseal);

        return seal && text_take(seal->info->id, ret->id, sizeof(ret->id)) &&
                               text_take(seal->info->property->name, ret->name, sizeof(ret->name))
                       ? 0
                       : SEAL_E_INVALID_ARGS;
}

int eseal_picture(Bytes eseal, uint8_t **ret, size_t *ret_size) {
        _cleanup_(ses_sealp) SesSeal *seal = seal_read(eseal);

        if (!seal)
                return SEAL_E_INVALID_ARGS;
        const Bytes picture = ses_bytes(seal->info->picture->data);
        uint8_t *copy = malloc(picture.size + 1);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, picture.data, picture.size);
        *ret = copy;
        *ret_size = picture.size;
        return 0;
}

int eseal_certificate_check(Bytes eseal, Bytes certificate) {
        _cleanup_(ses_sealp) SesSeal *seal = seal_read(eseal);

        if (!seal)
                return SEAL_E_INVALID_ARGS;
        const SesListed *listed = sk_SesListed_num(seal->info->property->list) == 1
                                          ? sk_SesListed_value(seal->info->property->list, 0)
                                          : NULL;
        if (!listed || listed->type != SES_LISTED_CERTIFICATE)
                return SEAL_E_CERTIFICATE_INVALID;
        const Bytes found = ses_bytes(listed->d.certificate);
        return found.size == certificate.size &&
                               memcmp(found.data, certificate.data, found.size) == 0
                       ? 0
                       : SEAL_E_CERTIFICATE_INVALID;
}
