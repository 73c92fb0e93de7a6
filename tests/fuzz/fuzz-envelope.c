/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The escrow certificate: what envelope_check takes can be encrypted to, and the other way round.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "format/envelope.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 150;

static void demand_enveloped(const uint8_t *der, size_t size) {
        const unsigned char *p = der;
        CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long) size);

        fuzz_demand(cms && p == der + size);
        fuzz_demand(OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_enveloped);
        fuzz_demand(sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(cms)) == 1);
        CMS_ContentInfo_free(cms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const uint8_t secret[] = "0123456789abcdef";
        _cleanup_free_ uint8_t *pem = fuzz_copy((Bytes){ .data = data, .size = size });
        _cleanup_free_ uint8_t *der = NULL;
        ErrorDetail detail = {};
        size_t der_size = 0;

        int checked = envelope_check((const char *) pem, size, &detail);
        fuzz_demand(checked == 0 || checked == SEAL_E_INVALID_ARGS ||
                    checked == SEAL_E_LIMITS_EXCEEDED);
        fuzz_demand((checked == 0) == (detail.text[0] == '\0'));
        fuzz_demand((size > PEM_MAX) == (checked == SEAL_E_LIMITS_EXCEEDED));
        int r = envelope_encrypt((const char *) pem, size,
                                 (Bytes){ .data = secret, .size = sizeof(secret) }, &der, &der_size,
                                 NULL);
        fuzz_demand(r == checked);
        fuzz_demand((r == 0) == (der != NULL));
        if (r == 0)
                demand_enveloped(der, der_size);
        return 0;
}
