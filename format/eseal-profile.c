/* SPDX-License-Identifier: Apache-2.0 */
/* Does a seal conform to the standard, which has SM2 and SM3 only? */
#include "format/eseal.h"

#include <string.h>

#include "format/eseal-asn1.h"
#include "format/x509-read.h"
#include "policy/openssl.h"

/* Also false where memory is short: nothing is claimed then. */
static bool key_is_sm2(const SesListed *listed) {
        _cleanup_(X509_freep) X509 *certificate = NULL;

        if (listed->type != SES_LISTED_CERTIFICATE ||
            x509_read(ses_bytes(listed->d.certificate), &certificate, NULL) != 0)
                return false;
        EVP_PKEY *key = X509_get0_pubkey(certificate);
        return key && EVP_PKEY_is_a(key, "SM2") == 1;
}

static bool is_sm(const SesSeal *seal) {
        const STACK_OF(SesListed) *list = seal->info->property->list;

        if (OBJ_obj2nid(seal->algorithm) != NID_SM2_with_SM3)
                return false;
        for (int i = 0; i < sk_SesListed_num(list); i++)
                if (!key_is_sm2(sk_SesListed_value(list, i)))
                        return false;
        return true;
}

const char *eseal_profile(Bytes eseal) {
        _cleanup_(ses_sealp) SesSeal *seal = ses_decode_whole(eseal, ASN1_ITEM_rptr(SesSeal));
        const char *profile = "";

        if (seal && ASN1_INTEGER_get(seal->info->header->version) == ESEAL_VERSION)
                profile = is_sm(seal) ? ESEAL_PROFILE_SM : ESEAL_PROFILE_OTHER;
        ERR_clear_error();
        return profile;
}
