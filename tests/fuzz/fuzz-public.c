/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A public area as the chip or the register has it, then a signature likewise: what becomes a key
 * of OpenSSL has the same point or modulus, and what becomes DER comes back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "base/cleanup.h"
#include "policy/key.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 60;

static bool is_external_template(const TPM2B_PUBLIC *public) {
        const TPMT_PUBLIC *area = &public->publicArea;

        if (area->type == TPM2_ALG_RSA)
                return area->parameters.rsaDetail.exponent == 0 ||
                       area->parameters.rsaDetail.exponent == 65537;
        return area->parameters.eccDetail.curveID != TPM2_ECC_SM2_P256;
}

/* A coordinate without the zeros that a chip may leave out (Part 2 §11.2.5.1). */
static bool same_number(const TPM2B_ECC_PARAMETER *a, const TPM2B_ECC_PARAMETER *b) {
        size_t i = 0, k = 0;

        while (i < a->size && a->buffer[i] == 0)
                i++;
        while (k < b->size && b->buffer[k] == 0)
                k++;
        return a->size - i == b->size - k && memcmp(a->buffer + i, b->buffer + k, a->size - i) == 0;
}

/*
 * As an authority's key. RSA's modulus is not looked at when the key is made, so a bad one (even,
 * or with leading zeros) is refused here only.
 */
static void demand_same_key(const TPM2B_PUBLIC *public, const char *pem) {
        TPM2B_PUBLIC again = {};
        const TPMU_PUBLIC_ID *a = &public->publicArea.unique, *b = &again.publicArea.unique;

        int r = external_key_parse(pem, strlen(pem), &again, NULL);
        if (r != 0) {
                fuzz_demand(r == SEAL_E_INVALID_ARGS && public->publicArea.type == TPM2_ALG_RSA);
                return;
        }
        fuzz_demand(again.publicArea.type == public->publicArea.type);
        if (again.publicArea.type == TPM2_ALG_ECC)
                fuzz_demand(same_number(&a->ecc.x, &b->ecc.x) && same_number(&a->ecc.y, &b->ecc.y));
        else
                fuzz_demand(a->rsa.size == b->rsa.size &&
                            memcmp(a->rsa.buffer, b->rsa.buffer, a->rsa.size) == 0);
}

static void check_public(const TPM2B_PUBLIC *public) {
        _cleanup_free_ uint8_t *spki = NULL;
        _cleanup_free_ char *pem = NULL;
        EVP_PKEY *key = NULL;
        TPM2B_NAME name;
        size_t size = 0;

        int r = public_to_pkey(public, &key);
        fuzz_demand(r == 0 || r == SEAL_E_UNSUPPORTED || r == -EINVAL);
        fuzz_demand((r == 0) == (key != NULL));
        EVP_PKEY_free(key);
        fuzz_demand(public_to_spki(public, &spki, &size) == r);
        fuzz_demand(public_to_pem(public, &pem) == r);
        if (r == 0 && is_external_template(public))
                demand_same_key(public, pem);
        r = public_name(public, &name);
        fuzz_demand(r == (public->publicArea.nameAlg == TPM2_ALG_SHA256 ? 0 : SEAL_E_UNSUPPORTED));
        fuzz_demand(r != 0 || name.size == 2 + TPM2_SHA256_DIGEST_SIZE);
}

static void check_signature(const TPM2B_PUBLIC *public, const TPMT_SIGNATURE *signature) {
        _cleanup_free_ uint8_t *der = NULL;
        TPMT_SIGNATURE again = {};
        size_t size = 0;

        int r = signature_to_openssl(signature, &der, &size);
        fuzz_demand(r == 0 || r == SEAL_E_UNSUPPORTED || r == -EINVAL);
        fuzz_demand((r == 0) == (der != NULL));
        if (r != 0)
                return;
        r = signature_from_openssl(public, (Bytes){ .data = der, .size = size }, &again);
        fuzz_demand(r == 0 || r == SEAL_E_UNSUPPORTED || r == SEAL_E_APPROVAL_INVALID);
        if (r == 0 && again.sigAlg == TPM2_ALG_ECDSA && signature->sigAlg == TPM2_ALG_ECDSA)
                fuzz_demand(same_number(&again.signature.ecdsa.signatureR,
                                        &signature->signature.ecdsa.signatureR) &&
                            same_number(&again.signature.ecdsa.signatureS,
                                        &signature->signature.ecdsa.signatureS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        TPMT_SIGNATURE signature = {};
        TPM2B_PUBLIC public = {};
        size_t used = 0;

        /*
         * The library also says yes to an area that it could not read, and stops behind the size.
         */
        if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(data, size, &used, &public) != TSS2_RC_SUCCESS ||
            public.size == 0 || used != sizeof(public.size) + public.size)
                return 0;
        check_public(&public);
        if (Tss2_MU_TPMT_SIGNATURE_Unmarshal(data, size, &used, &signature) == TSS2_RC_SUCCESS)
                check_signature(&public, &signature);
        return 0;
}
