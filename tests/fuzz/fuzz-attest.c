/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attestation of the ledger's index from a file that anybody may have written. A byte of flags,
 * then attestation, signature and key as fields. Nobody finds a signature by chance, so with a flag
 * the fixed key signs whatever is there: then all that is compared behind the signature is reached.
 */
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "base/cleanup.h"
#include "policy/attest.h"
#include "policy/digest.h"
#include "policy/key.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"

#define SIGN 1U     /* by keys/p256.pem, in place of the signature that is there */
#define CONTENTS 2U /* are wanted too */

const unsigned fuzz_mutations = 60;

/* What make-corpus writes. */
static const uint8_t contents[LEDGER_VALUE_SIZE] = { 9, 8, 7 };
static const AttestWanted wanted = {
        .index = { .size = 34, .name = { 0, TPM2_ALG_SHA256, 5, 5 } },
        .extra = { .size = 32, .buffer = "checkpoint" },
};

static Bytes sign(Bytes message, uint8_t *ret, size_t room) {
        uint8_t der[FUZZ_SIGNATURE_MAX];
        TPMT_SIGNATURE signature;
        size_t used = 0;

        Bytes signed_bytes = { .data = der, .size = fuzz_sign(message, der) };
        fuzz_demand(signature_from_openssl(fuzz_key(0), signed_bytes, &signature) == 0);
        fuzz_demand(Tss2_MU_TPMT_SIGNATURE_Marshal(&signature, ret, room, &used) == 0);
        return (Bytes){ .data = ret, .size = used };
}

/* What was believed is in what was signed. */
static void demand_honest(const AttestProof *proof, const IndexAttested *attested, bool exact) {
        static const uint8_t begin[] = { 0xff, 0x54, 0x43, 0x47, 0x80, 0x14 };
        TPM2B_PUBLIC key = {};
        TPM2B_NAME name;
        size_t used = 0;

        fuzz_demand(proof->attest.size > sizeof(begin) &&
                    memcmp(proof->attest.data, begin, sizeof(begin)) == 0);
        fuzz_demand(name_equal(&attested->index, &wanted.index));
        fuzz_demand(attested->extra.size == wanted.extra.size &&
                    memcmp(attested->extra.buffer, wanted.extra.buffer, wanted.extra.size) == 0);
        fuzz_demand(memmem(proof->attest.data, proof->attest.size, attested->contents,
                           LEDGER_VALUE_SIZE) != NULL);
        fuzz_demand(!exact || memcmp(attested->contents, contents, LEDGER_VALUE_SIZE) == 0);
        fuzz_demand(Tss2_MU_TPM2B_PUBLIC_Unmarshal(proof->key.data, proof->key.size, &used, &key) ==
                    0);
        fuzz_demand(public_name(&key, &name) == 0 && name_equal(&name, &attested->key));
        fuzz_demand(key.publicArea.objectAttributes & TPMA_OBJECT_RESTRICTED);
}

/* Any other bytes are not what was signed. */
static void demand_signed(const AttestProof *proof, uint16_t at) {
        uint8_t *other = fuzz_copy(proof->attest);
        AttestProof altered = *proof;
        IndexAttested attested;

        other[at % proof->attest.size] ^= 1;
        altered.attest.data = other;
        fuzz_demand(attest_index_verify(&altered, &wanted, &attested, NULL) != 0);
        free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input input = { .data = data, .size = size };
        uint8_t made[sizeof(TPMT_SIGNATURE)];
        IndexAttested attested, before;
        AttestWanted asked = wanted;
        ErrorDetail detail = {};

        uint8_t flags = input_u8(&input);
        Bytes attest = input_field(&input), signature = input_field(&input);
        Bytes key = input_field(&input);
        _cleanup_free_ uint8_t *a = fuzz_copy(attest), *s = fuzz_copy(signature);
        _cleanup_free_ uint8_t *k = fuzz_copy(key);
        AttestProof proof = {
                .attest = { a, attest.size },
                .signature = { s, signature.size },
                .key = { k, key.size },
        };

        if (flags & SIGN)
                proof.signature = sign(proof.attest, made, sizeof(made));
        if (flags & CONTENTS)
                asked.contents = contents;
        memset(&before, 0xa5, sizeof(before));
        attested = before;
        int r = attest_index_verify(&proof, &asked, &attested, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_REGISTER_TAMPERED);
        fuzz_demand((r != 0) == (detail.text[0] != '\0'));
        if (r != 0) {
                fuzz_demand(fuzz_same(&attested, &before, sizeof(before)));
                return 0;
        }
        demand_honest(&proof, &attested, flags & CONTENTS);
        demand_signed(&proof, input_u16(&input));
        return 0;
}
