/* SPDX-License-Identifier: Apache-2.0 */
/* A key or a certificate in PEM: what is accepted is printed and read again to the same key. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "client/verify.h"
#include "policy/key.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 60;

static void demand_external(const TPM2B_PUBLIC *key) {
        const TPMT_PUBLIC *area = &key->publicArea;

        fuzz_demand(key->size > 0);
        fuzz_demand(area->nameAlg == TPM2_ALG_SHA256 && area->authPolicy.size == 0);
        fuzz_demand(area->objectAttributes ==
                    (TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH));
        if (area->type == TPM2_ALG_ECC) {
                bool large = area->parameters.eccDetail.curveID == TPM2_ECC_NIST_P384;

                fuzz_demand(large || area->parameters.eccDetail.curveID == TPM2_ECC_NIST_P256);
                fuzz_demand(area->unique.ecc.x.size == (large ? 48 : 32));
                fuzz_demand(area->unique.ecc.y.size == (large ? 48 : 32));
        } else {
                fuzz_demand(area->type == TPM2_ALG_RSA);
                fuzz_demand(area->unique.rsa.size * 8 == area->parameters.rsaDetail.keyBits);
                fuzz_demand(area->parameters.rsaDetail.exponent == 0);
        }
}

static void demand_same_again(const TPM2B_PUBLIC *key) {
        _cleanup_free_ uint8_t *spki = NULL;
        _cleanup_free_ char *pem = NULL;
        TPM2B_NAME name = {}, name_again = {};
        TPM2B_PUBLIC again = {};
        size_t size = 0;

        fuzz_demand(public_to_pem(key, &pem) == 0);
        fuzz_demand(external_key_parse(pem, strlen(pem), &again, NULL) == 0);
        fuzz_demand(public_name(key, &name) == 0 && public_name(&again, &name_again) == 0);
        fuzz_demand(name.size == name_again.size &&
                    memcmp(name.name, name_again.name, name.size) == 0);
        fuzz_demand(public_to_spki(key, &spki, &size) == 0 && size > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = fuzz_text((Bytes){ .data = data, .size = size });
        _cleanup_free_ uint8_t *pem = fuzz_copy((Bytes){ .data = data, .size = size });
        TPM2B_PUBLIC key, before;
        ErrorDetail detail = {};

        memset(&before, 0xa5, sizeof(before));
        key = before;
        int r = external_key_parse((const char *) pem, size, &key, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
        fuzz_demand(text_is_utf8(detail.text, strlen(detail.text)));
        if (r == 0) {
                fuzz_demand(size <= PEM_MAX);
                demand_external(&key);
                demand_same_again(&key);
        } else {
                fuzz_demand(fuzz_same(&key, &before, sizeof(key)));
                fuzz_demand(detail.text[0] != '\0');
        }
        EVP_PKEY_free(verify_key_parse(text, size));
        return 0;
}
