/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal-profile.h"

#include "format/eseal.h"
#include "format/x509-read.h"
#include "policy/openssl.h"

static bool is_sm2(const SesListed *listed) {
        _cleanup_(X509_freep) X509 *certificate = NULL;

        if (listed->type == SES_LISTED_DIGEST)
                return true;
        if (x509_read(ses_bytes(listed->d.certificate), &certificate, NULL) != 0)
                return false;
        EVP_PKEY *key = X509_get0_pubkey(certificate);
        return key && EVP_PKEY_is_a(key, "SM2") == 1;
}

bool eseal_list_is_sm2(const STACK_OF(SesListed) * list) {
        for (int i = 0; i < sk_SesListed_num(list); i++)
                if (!is_sm2(sk_SesListed_value(list, i)))
                        return false;
        return true;
}

const char *eseal_profile(Bytes eseal) {
        _cleanup_(ses_sealp) SesSeal *seal = ses_decode_whole(eseal, ASN1_ITEM_rptr(SesSeal));
        const char *profile = "";

        if (seal && ASN1_INTEGER_get(seal->info->header->version) == ESEAL_VERSION)
                profile = OBJ_obj2nid(seal->algorithm) == NID_SM2_with_SM3 &&
                                          eseal_list_is_sm2(seal->info->property->list)
                                  ? ESEAL_PROFILE_SM
                                  : ESEAL_PROFILE_OTHER;
        ERR_clear_error();
        return profile;
}
