/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an approver's program is asked to sign: the facts of Request.Challenge as JSON, a zero, then
 * the bytes that the facts get for "to-sign" where there are any. Only the bytes that these facts
 * stand for are approved, here computed once more.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "client/use-challenge.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 300;

#define NOW 1

static json_t *facts_of(const char *text, Bytes bytes) {
        json_t *facts = json_loads(text, 0, NULL);
        char hex[2 * APPROVAL_BYTES_MAX + 1];

        if (json_is_object(facts) && bytes.size > 0 && bytes.size <= APPROVAL_BYTES_MAX)
                json_object_set_new(facts, "to-sign",
                                    json_string(hex_encode(bytes.data, bytes.size, hex)));
        return facts;
}

static bool is_zero(const TPM2B_DIGEST *digest) {
        uint8_t any = 0;

        for (size_t i = 0; i < digest->size; i++)
                any |= digest->buffer[i];
        return any == 0;
}

/* What is signed is the document's digest, or that of a structure of the document. */
static void demand_structure(const UseChallenge *c, const json_t *facts) {
        const char *hex = json_string_value(json_object_get(facts, "structure"));
        const size_t size = hex ? strlen(hex) / 2 : 0;
        _cleanup_free_ uint8_t *structure = malloc(size + 1);
        TPM2B_DIGEST document = {};

        if (c->format == FORMAT_RAW) {
                fuzz_demand(fuzz_same(&c->document, &c->target.digest, sizeof(c->document)));
                return;
        }
        fuzz_demand(structure && size > 0 && hex_decode(hex, structure, size));
        if (c->format == FORMAT_PKCS10)
                return;
        fuzz_demand(signed_document(c->format, (Bytes){ structure, size }, &document) == 0);
        fuzz_demand(fuzz_same(&document, &c->document, sizeof(document.size) + document.size));
}

/* Part 3 §23.3 and §20.2, by the facts alone. */
static void demand_bound(const UseChallenge *c) {
        const bool rsa = c->algorithm->type == TPM2_ALG_RSA;
        TPM2B_DIGEST cphash = {}, ref = {};
        uint8_t wanted[APPROVAL_BYTES_MAX];
        Writer writer = writer_over(wanted, sizeof(wanted));
        TPMT_SIG_SCHEME scheme = {};
        TPM2B_NAME name = {};
        size_t size = 0;

        fuzz_demand(c->live == (c->target.nonce.size == 32));
        fuzz_demand(c->live ? c->expiration > 0 && c->expiration <= LIVE_USE_SECONDS_MAX
                            : c->expiration == 0);
        fuzz_demand(algorithm_scheme(c->algorithm, c->hash, rsa ? c->scheme : NULL, &scheme, &size,
                                     NULL) == 0);
        fuzz_demand(c->target.digest.size == size);
        fuzz_demand(public_name(&c->public, &name) == 0);
        fuzz_demand(cphash_sign(&name, &c->target.digest, &scheme, &cphash) == 0);
        fuzz_demand(policy_ref(REF_SEAL, c->target.number, &ref) == 0);
        fuzz_demand(!is_zero(&cphash) && cphash.size == 32);
        fuzz_demand(fuzz_same(&cphash, &c->cphash, sizeof(cphash.size) + cphash.size));
        fuzz_demand(fuzz_same(&ref, &c->ref, sizeof(ref.size) + ref.size));
        approval_signed_bytes(c->live ? &c->target.nonce : NULL, (int32_t) c->expiration, &cphash,
                              &ref, &writer);
        fuzz_demand(writer.used == c->to_sign_size);
        fuzz_demand(fuzz_same(wanted, c->to_sign, writer.used));
        fuzz_demand(c->expires > NOW);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input input = { .data = data, .size = size };
        UseChallenge challenge = {}, untouched = {};
        ErrorDetail detail = {};

        _cleanup_free_ char *text = fuzz_text(
                input_bytes(&input, strnlen((const char *) data, size)));
        (void) input_u8(&input);
        json_t *facts = facts_of(text, (Bytes){ .data = input.data, .size = input.size });
        int r = use_challenge_parse(facts, &challenge, &detail);
        if (r != 0)
                fuzz_demand(fuzz_same(&challenge, &untouched, sizeof(challenge)));
        if (r == 0)
                demand_structure(&challenge, facts);
        if (r == 0 && (r = use_challenge_check(&challenge, NOW, &detail)) == 0)
                demand_bound(&challenge);
        fuzz_demand(r == 0 || r == SEAL_E_APPROVAL_INVALID || r == SEAL_E_APPROVAL_EXPIRED);
        fuzz_demand((r == 0) == (detail.text[0] == '\0'));
        json_decref(facts);
        return 0;
}
