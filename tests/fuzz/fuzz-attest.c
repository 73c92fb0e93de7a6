/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attestation, of an index or of a key, from a file that anybody may have written. A byte of
 * flags, then attestation, signature and key as fields. Nobody finds a signature by chance, so with
 * a flag the fixed key signs whatever is there: then all that is compared behind the signature is
 * reached.
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

#define SIGN 1U      /* by keys/p256.pem, in place of the signature that is there */
#define CONTENTS 2U  /* are wanted too */
#define BITS 4U      /* of a bits index, in place of a ledger's */
#define KEY 8U       /* by TPM2_Certify, in place of an index */
#define CREATION 16U /* by TPM2_CertifyCreation, in place of either */

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

/* The name that the key has, and what it signed begins so. */
static void demand_signer(const AttestProof *proof, uint16_t kind, const TPM2B_NAME *signer) {
        const uint8_t begin[] = { 0xff, 0x54, 0x43, 0x47, (uint8_t) (kind >> 8), (uint8_t) kind };
        TPM2B_PUBLIC key = {};
        TPM2B_NAME name;
        size_t used = 0;

        fuzz_demand(proof->attest.size > sizeof(begin) &&
                    memcmp(proof->attest.data, begin, sizeof(begin)) == 0);
        fuzz_demand(Tss2_MU_TPM2B_PUBLIC_Unmarshal(proof->key.data, proof->key.size, &used, &key) ==
                    0);
        fuzz_demand(public_name(&key, &name) == 0 && name_equal(&name, signer));
        fuzz_demand(key.publicArea.objectAttributes & TPMA_OBJECT_RESTRICTED);
}

static void demand_there(const AttestProof *proof, const void *data, size_t size) {
        fuzz_demand(memmem(proof->attest.data, proof->attest.size, data, size) != NULL);
}

/* What was asked for, and what came of it. */
typedef struct Judged {
        unsigned flags;
        AttestWanted index;
        IndexAttested of_index;
        AttestKeyWanted key;
        KeyAttested of_key;
} Judged;

static int judge(const AttestProof *proof, Judged *j, ErrorDetail *detail) {
        if (j->flags & CREATION)
                return attest_creation_verify(proof, &j->key, &j->of_key, detail);
        if (j->flags & KEY)
                return attest_key_verify(proof, &j->key, &j->of_key, detail);
        return attest_index_verify(proof, &j->index, &j->of_index, detail);
}

/* What was believed is in what was signed. */
static void demand_honest(const AttestProof *proof, const Judged *j) {
        demand_there(proof, wanted.extra.buffer, wanted.extra.size);
        demand_there(proof, wanted.index.name, wanted.index.size);
        if (j->flags & (KEY | CREATION)) {
                demand_signer(proof,
                              j->flags & CREATION ? TPM2_ST_ATTEST_CREATION
                                                  : TPM2_ST_ATTEST_CERTIFY,
                              &j->of_key.key);
                return;
        }
        demand_signer(proof, TPM2_ST_ATTEST_NV, &j->of_index.key);
        fuzz_demand(name_equal(&j->of_index.index, &wanted.index));
        fuzz_demand(j->of_index.extra.size == wanted.extra.size &&
                    memcmp(j->of_index.extra.buffer, wanted.extra.buffer, wanted.extra.size) == 0);
        demand_there(proof, j->of_index.contents, j->index.size);
        fuzz_demand(!j->index.contents ||
                    memcmp(j->of_index.contents, contents, j->index.size) == 0);
}

/* Any other bytes are not what was signed. */
static void demand_signed(const AttestProof *proof, const Judged *j, uint16_t at) {
        uint8_t *other = fuzz_copy(proof->attest);
        AttestProof altered = *proof;
        Judged again = *j;

        other[at % proof->attest.size] ^= 1;
        altered.attest.data = other;
        fuzz_demand(judge(&altered, &again, NULL) != 0);
        free(other);
}

static Judged judged_begin(unsigned flags) {
        Judged j = { .flags = flags, .index = wanted };

        memset(&j.of_index, 0xa5, sizeof(j.of_index));
        memset(&j.of_key, 0xa5, sizeof(j.of_key));
        j.key = (AttestKeyWanted){ .name = wanted.index, .extra = wanted.extra };
        j.index.size = flags & BITS ? sizeof(uint64_t) : LEDGER_VALUE_SIZE;
        j.index.contents = flags & CONTENTS ? contents : NULL;
        return j;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input input = { .data = data, .size = size };
        uint8_t made[sizeof(TPMT_SIGNATURE)];
        ErrorDetail detail = {};

        Judged judged = judged_begin(input_u8(&input));
        const Judged before = judged;
        Bytes attest = input_field(&input), signature = input_field(&input);
        Bytes key = input_field(&input);
        _cleanup_free_ uint8_t *a = fuzz_copy(attest), *s = fuzz_copy(signature);
        _cleanup_free_ uint8_t *k = fuzz_copy(key);
        AttestProof proof = {
                .attest = { a, attest.size },
                .signature = { s, signature.size },
                .key = { k, key.size },
        };

        if (judged.flags & SIGN)
                proof.signature = sign(proof.attest, made, sizeof(made));
        int r = judge(&proof, &judged, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_REGISTER_TAMPERED);
        fuzz_demand((r != 0) == (detail.text[0] != '\0'));
        if (r != 0) {
                fuzz_demand(fuzz_same(&judged.of_index, &before.of_index, sizeof(before.of_index)));
                fuzz_demand(fuzz_same(&judged.of_key, &before.of_key, sizeof(before.of_key)));
                return 0;
        }
        demand_honest(&proof, &judged);
        demand_signed(&proof, &judged, input_u16(&input));
        return 0;
}
