/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signature in OpenSSL's form for one of four fixed keys: what is taken is encoded back to the
 * same bytes, and only what is taken can verify.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/key.h"
#include "policy/signature.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"

const unsigned fuzz_mutations = 200;

static void demand_same_again(const TPMT_SIGNATURE *signature, Bytes der) {
        _cleanup_free_ uint8_t *again = NULL;
        size_t size = 0;

        fuzz_demand(signature_to_openssl(signature, &again, &size) == 0);
        fuzz_demand(size == der.size && memcmp(again, der.data, size) == 0);
}

/* Of people's tools more is taken, all of it verified: whatever verifies as openssl's, too. */
static void demand_accepted(const TPM2B_PUBLIC *key, Bytes message, Bytes bytes, bool verified) {
        TPMT_SIGNATURE signature, before;

        memset(&before, 0xa5, sizeof(before));
        signature = before;
        int r = signature_accept(key, message, bytes, &signature);
        fuzz_demand(r == 0 || r == SEAL_E_APPROVAL_INVALID);
        fuzz_demand(r == 0 || !verified);
        fuzz_demand(r == 0 || fuzz_same(&signature, &before, sizeof(before)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char text[] = "sealsd";
        const Bytes message = { .data = (const uint8_t *) text, .size = sizeof(text) - 1 };
        Input input = { .data = data, .size = size };
        TPMT_SIGNATURE signature, before;

        const TPM2B_PUBLIC *key = fuzz_key(input_u8(&input));
        _cleanup_free_ uint8_t *copy = fuzz_copy((Bytes){ .data = input.data, .size = input.size });
        Bytes der = { .data = copy, .size = input.size };
        memset(&before, 0xa5, sizeof(before));
        signature = before;
        int r = signature_from_openssl(key, der, &signature);
        fuzz_demand(r == 0 || r == SEAL_E_APPROVAL_INVALID);
        int verified = signature_verify(key, message, der);
        fuzz_demand(verified == 0 || verified == SEAL_E_APPROVAL_INVALID);
        fuzz_demand(r == 0 || verified != 0);
        demand_accepted(key, message, der, verified == 0);
        if (r == 0)
                demand_same_again(&signature, der);
        else
                fuzz_demand(fuzz_same(&signature, &before, sizeof(before)));
        return 0;
}
