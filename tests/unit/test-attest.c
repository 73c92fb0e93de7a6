/* SPDX-License-Identifier: Apache-2.0 */
/* With a key of software in the chip's place; test-tpm-attestation.c has the chip's own. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include <tss2/tss2_mu.h>

#include "policy/attest.h"
#include "policy/digest.h"
#include "policy/key.h"
#include "tests/fixture/chip.h"

typedef struct Made {
        SoftwareKey pair;
        TPM2B_PUBLIC key;
        TPMS_ATTEST attest;
        TPMT_SIGNATURE signature;
        uint8_t attest_bytes[sizeof(TPMS_ATTEST) + 1];
        uint8_t signature_bytes[sizeof(TPMT_SIGNATURE) + 1];
        uint8_t key_bytes[sizeof(TPM2B_PUBLIC) + 1];
        AttestProof proof; /* of those */
        AttestWanted wanted;
        uint8_t contents[LEDGER_VALUE_SIZE];
} Made;

/* SHA-256 of a handle and a Name: a primary's qualified Name. */
static TPM2B_NAME qualified(TPM2_HANDLE hierarchy, const TPM2B_PUBLIC *key) {
        uint8_t buffer[64];
        Writer w = writer_over(buffer, sizeof(buffer));
        TPM2B_NAME name;

        assert_int_equal(public_name(key, &name), 0);
        writer_put_u32(&w, hierarchy);
        writer_put_name(&w, &name);
        assert_int_equal(name_written(&w, &name), 0);
        return name;
}

static void attest_marshal(Made *made) {
        size_t used = 0;

        assert_int_equal(Tss2_MU_TPMS_ATTEST_Marshal(&made->attest, made->attest_bytes,
                                                     sizeof(made->attest_bytes), &used),
                         0);
        made->proof.attest = (Bytes){ made->attest_bytes, used };
}

static void key_marshal(Made *made) {
        size_t used = 0;

        assert_int_equal(Tss2_MU_TPM2B_PUBLIC_Marshal(&made->key, made->key_bytes,
                                                      sizeof(made->key_bytes), &used),
                         0);
        made->proof.key = (Bytes){ made->key_bytes, used };
}

static void signature_marshal(Made *made) {
        size_t used = 0;

        assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(&made->signature, made->signature_bytes,
                                                        sizeof(made->signature_bytes), &used),
                         0);
        made->proof.signature = (Bytes){ made->signature_bytes, used };
}

static void made_sign(Made *made) {
        attest_marshal(made);
        made->signature = software_key_sign(&made->pair, made->proof.attest);
        signature_marshal(made);
}

static int made_setup(void **state) {
        Made *made = calloc(1, sizeof(*made));

        assert_non_null(made);
        software_key_make(&made->pair);
        made->key = attest_key_template();
        made->key.publicArea.unique = made->pair.public.publicArea.unique;
        key_marshal(made);
        made->attest = (TPMS_ATTEST){
                .magic = TPM2_GENERATED_VALUE,
                .type = TPM2_ST_ATTEST_NV,
                .qualifiedSigner = qualified(TPM2_RH_ENDORSEMENT, &made->key),
                .extraData = { .size = 32, .buffer = "checkpoint" },
                .clockInfo = { .clock = 123456, .resetCount = 7, .restartCount = 2,
                               .safe = TPM2_YES },
                .attested.nv = {
                        .indexName = { .size = 34, .name = { 0, TPM2_ALG_SHA256, 5, 5 } },
                        .nvContents = { .size = LEDGER_VALUE_SIZE, .buffer = { 9, 8, 7 } },
                },
        };
        memcpy(made->contents, made->attest.attested.nv.nvContents.buffer, LEDGER_VALUE_SIZE);
        made->wanted = (AttestWanted){
                .index = made->attest.attested.nv.indexName,
                .extra = made->attest.extraData,
                .contents = made->contents,
        };
        made_sign(made);
        *state = made;
        return 0;
}

static int made_teardown(void **state) {
        Made *made = *state;

        software_key_done(&made->pair);
        free(made);
        return 0;
}

static void assert_refused(const Made *made, const char *says) {
        IndexAttested attested = { .clock = 77 };
        ErrorDetail detail = {};

        assert_int_equal(attest_index_verify(&made->proof, &made->wanted, &attested, &detail),
                         SEAL_E_REGISTER_TAMPERED);
        if (!strstr(detail.text, says))
                fail_msg("'%s' lacks '%s'", detail.text, says);
        assert_int_equal(attested.clock, 77);
}

static void assert_taken(const Made *made) {
        IndexAttested attested;
        ErrorDetail detail = {};

        if (attest_index_verify(&made->proof, &made->wanted, &attested, &detail) != 0)
                fail_msg("%s", detail.text);
}

static void what_was_signed_is_told(void **state) {
        Made *made = *state;
        IndexAttested attested = {};
        TPM2B_NAME key;

        assert_int_equal(attest_index_verify(&made->proof, &made->wanted, &attested, NULL), 0);
        assert_memory_equal(attested.contents, made->contents, LEDGER_VALUE_SIZE);
        assert_true(name_equal(&attested.index, &made->wanted.index));
        assert_int_equal(attested.extra.size, 32);
        assert_string_equal((const char *) attested.extra.buffer, "checkpoint");
        assert_int_equal(attested.clock, 123456);
        assert_int_equal(attested.reset_count, 7);
        assert_int_equal(attested.restart_count, 2);
        assert_true(attested.clock_safe);
        assert_int_equal(public_name(&made->key, &key), 0);
        assert_true(name_equal(&attested.key, &key));
}

static void any_contents_are_taken_where_none_are_wanted(void **state) {
        Made *made = *state;

        made->attest.attested.nv.nvContents.buffer[31] ^= 1;
        made_sign(made);
        assert_refused(made, "value of the index is not the expected");
        made->wanted.contents = NULL;
        assert_taken(made);
}

static void any_bit_of_what_is_signed_counts(void **state) {
        Made *made = *state;

        for (size_t i = 0; i < made->proof.attest.size; i++) {
                made->attest_bytes[i] ^= 1;
                assert_refused(made, "");
                made->attest_bytes[i] ^= 1;
        }
        for (size_t i = 0; i < made->proof.signature.size; i++) {
                made->signature_bytes[i] ^= 1;
                assert_refused(made, "");
                made->signature_bytes[i] ^= 1;
        }
        for (size_t i = 0; i < made->proof.key.size; i++) {
                made->key_bytes[i] ^= 1;
                assert_refused(made, "");
                made->key_bytes[i] ^= 1;
        }
        assert_taken(made);
}

/* Each in an array of its size, so that reading over its end shows under a sanitizer. */
static void assert_sizes_count(Made *made, Bytes *part, const char *says) {
        const Bytes whole = *part;
        uint8_t *longer = calloc(1, whole.size + 1);

        assert_non_null(longer);
        memcpy(longer, whole.data, whole.size);
        *part = (Bytes){ longer, whole.size + 1 };
        assert_refused(made, says);
        free(longer);
        for (size_t size = 0; size < whole.size; size++) {
                uint8_t *cut = malloc(size > 0 ? size : 1);

                assert_non_null(cut);
                memcpy(cut, whole.data, size);
                *part = (Bytes){ cut, size };
                assert_refused(made, says);
                free(cut);
        }
        *part = whole;
        assert_taken(made);
}

static void what_is_cut_or_longer_is_malformed(void **state) {
        Made *made = *state;

        assert_sizes_count(made, &made->proof.attest, "The attestation is malformed");
        assert_sizes_count(made, &made->proof.signature, "signature is malformed");
        assert_sizes_count(made, &made->proof.key, "not a public area");
}

static void lengths_that_lie_are_malformed(void **state) {
        static uint8_t huge[TPM_BLOB_MAX + sizeof(TPMS_ATTEST)];
        Made *made = *state;

        memcpy(huge, made->attest_bytes, made->proof.attest.size);
        made->proof.attest = (Bytes){ huge, sizeof(huge) };
        assert_refused(made, "The attestation is malformed");
        made->proof.attest = (Bytes){ made->attest_bytes, made->proof.attest.size };
        attest_marshal(made);
        made->attest_bytes[6] = 0xff; /* qualifiedSigner's size */
        assert_refused(made, "The attestation is malformed");
        attest_marshal(made);
        made->key_bytes[0] = 0;
        made->key_bytes[1] = 0;
        assert_refused(made, "not a public area");
}

/* What follows is signed by the key: it is what a key that is not a chip's could say. */
static void only_a_tpm_generates_attestations(void **state) {
        Made *made = *state;

        made->attest.magic ^= 1;
        attest_marshal(made);
        made_sign(made);
        assert_refused(made, "not generated by a TPM");
}

static void attestations_of_other_things_are_refused(void **state) {
        const TPMI_ST_ATTEST types[] = { TPM2_ST_ATTEST_QUOTE, TPM2_ST_ATTEST_CERTIFY,
                                         TPM2_ST_ATTEST_TIME, TPM2_ST_ATTEST_CREATION, 0x8000 };
        Made *made = *state;

        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                made->attest_bytes[4] = (uint8_t) (types[i] >> 8);
                made->attest_bytes[5] = (uint8_t) types[i];
                made->signature = software_key_sign(&made->pair, made->proof.attest);
                signature_marshal(made);
                assert_refused(made, "of another kind than an NV index's");
        }
}

static void only_an_attestation_key_is_believed(void **state) {
        Made *made = *state;

        made->key.publicArea.objectAttributes &= ~(TPMA_OBJECT) TPMA_OBJECT_RESTRICTED;
        key_marshal(made);
        made->attest.qualifiedSigner = qualified(TPM2_RH_ENDORSEMENT, &made->key);
        made_sign(made);
        assert_refused(made, "of another kind than sealsd's");

        made->key = made->pair.public; /* an external key's area */
        key_marshal(made);
        assert_refused(made, "of another kind than sealsd's");
}

static void a_point_off_the_curve_is_no_key(void **state) {
        Made *made = *state;

        made->key.publicArea.unique.ecc.y = made->key.publicArea.unique.ecc.x;
        key_marshal(made);
        assert_refused(made, "signature is not the key's");
}

static void another_keys_signature_is_refused(void **state) {
        Made *made = *state;
        SoftwareKey other;

        software_key_make(&other);
        made->signature = software_key_sign(&other, made->proof.attest);
        software_key_done(&other);
        signature_marshal(made);
        assert_refused(made, "signature is not the key's");
}

static void another_scheme_is_refused(void **state) {
        Made *made = *state;

        made->signature.signature.ecdsa.hash = TPM2_ALG_SHA1;
        signature_marshal(made);
        assert_refused(made, "not ECDSA with SHA-256");
        made->signature.sigAlg = TPM2_ALG_ECSCHNORR;
        signature_marshal(made);
        assert_refused(made, "not ECDSA with SHA-256");
}

static void a_signer_of_another_hierarchy_is_refused(void **state) {
        Made *made = *state;

        made->attest.qualifiedSigner = qualified(TPM2_RH_NULL, &made->key);
        made_sign(made);
        assert_refused(made, "endorsement hierarchy");
}

static void another_index_is_refused(void **state) {
        TPM2B_NAME *name = &((Made *) *state)->attest.attested.nv.indexName;
        Made *made = *state;

        name->name[20] ^= 1;
        made_sign(made);
        assert_refused(made, "another NV index");
        name->name[1] = TPM2_ALG_SHA384;
        made_sign(made);
        assert_refused(made, "no SHA-256 Name");
        name->size = 4; /* a handle in the Name's place */
        made_sign(made);
        assert_refused(made, "no SHA-256 Name");
}

static void a_part_of_the_value_is_refused(void **state) {
        Made *made = *state;

        made->attest.attested.nv.nvContents.size = LEDGER_VALUE_SIZE - 1;
        made_sign(made);
        assert_refused(made, "whole value");
        made->attest.attested.nv.nvContents.size = LEDGER_VALUE_SIZE;
        made->attest.attested.nv.offset = 1;
        made_sign(made);
        assert_refused(made, "whole value");
}

static void other_qualifying_data_is_refused(void **state) {
        Made *made = *state;

        made->attest.extraData.buffer[31] = 1;
        made_sign(made);
        assert_refused(made, "qualifying data");
        made->attest.extraData.size = 0;
        made_sign(made);
        assert_refused(made, "qualifying data");
        made->wanted.extra.size = UINT16_MAX;
        assert_refused(made, "qualifying data");
        made->wanted.extra.size = 0;
        assert_taken(made);
}

static void a_shorter_value_is_taken_where_it_is_wanted(void **state) {
        Made *made = *state;

        made->attest.attested.nv.nvContents.size = 8;
        made_sign(made);
        assert_refused(made, "whole value");
        made->wanted.size = 8;
        assert_taken(made);
        made->wanted.contents = (const uint8_t *) "12345678";
        assert_refused(made, "not the expected");
        made->wanted.size = LEDGER_VALUE_SIZE + 1;
        made->attest.attested.nv.nvContents.size = LEDGER_VALUE_SIZE + 1;
        made_sign(made);
        assert_refused(made, "whole value");
}

/* --- of a key ------------------------------------------------------------------------------- */

static const TPM2B_NAME key_name = { .size = 34, .name = { 0, TPM2_ALG_SHA256, 3, 3 } };

static void made_of_key(Made *made, bool creation) {
        made->attest.type = creation ? TPM2_ST_ATTEST_CREATION : TPM2_ST_ATTEST_CERTIFY;
        if (creation)
                made->attest.attested.creation = (TPMS_CREATION_INFO){
                        .objectName = key_name,
                        .creationHash = { .size = 32, .buffer = "hash" },
                };
        else
                made->attest.attested.certify = (TPMS_CERTIFY_INFO){ .name = key_name,
                                                                     .qualifiedName = key_name };
        made_sign(made);
}

static void assert_key(const Made *made, bool creation, const AttestKeyWanted *wanted,
                       const char *says) {
        KeyAttested attested = { .clock = 77 };
        ErrorDetail detail = {};

        int r = creation ? attest_creation_verify(&made->proof, wanted, &attested, &detail)
                         : attest_key_verify(&made->proof, wanted, &attested, &detail);
        if (says) {
                assert_int_equal(r, SEAL_E_REGISTER_TAMPERED);
                if (!strstr(detail.text, says))
                        fail_msg("'%s' lacks '%s'", detail.text, says);
                assert_int_equal(attested.clock, 77);
        } else {
                assert_int_equal(r, 0);
                assert_int_equal(attested.clock, 123456);
                assert_int_equal(attested.reset_count, 7);
                assert_int_equal(attested.restart_count, 2);
                assert_true(attested.clock_safe);
        }
}

static void a_keys_attestation_is_of_this_key_and_kind(void **state) {
        Made *made = *state;

        for (int creation = 0; creation < 2; creation++) {
                AttestKeyWanted wanted = { .name = key_name, .extra = made->attest.extraData };

                made_of_key(made, creation);
                assert_key(made, creation, &wanted, NULL);
                assert_key(made, !creation, &wanted, "of another kind than");
                assert_refused(made, "of another kind than an NV index's");
                wanted.name.name[33] ^= 1;
                assert_key(made, creation, &wanted, "of another key");
                wanted.name = key_name;
                wanted.extra.buffer[0] ^= 1;
                assert_key(made, creation, &wanted, "qualifying data");
        }
}

static void an_index_is_no_key(void **state) {
        Made *made = *state;
        AttestKeyWanted wanted = { .name = made->wanted.index, .extra = made->attest.extraData };

        assert_key(made, false, &wanted, "of another kind than a loaded key's");
        assert_key(made, true, &wanted, "of another kind than a key's creation");
}

static void a_forged_attestation_of_a_key_is_refused(void **state) {
        Made *made = *state;
        AttestKeyWanted wanted = { .name = key_name, .extra = made->attest.extraData };

        for (int creation = 0; creation < 2; creation++) {
                made_of_key(made, creation);
                for (size_t i = 0; i < made->proof.attest.size; i++) {
                        made->attest_bytes[i] ^= 1;
                        assert_key(made, creation, &wanted, "");
                        made->attest_bytes[i] ^= 1;
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define MADE(test) cmocka_unit_test_setup_teardown(test, made_setup, made_teardown)
                MADE(what_was_signed_is_told),
                MADE(any_contents_are_taken_where_none_are_wanted),
                MADE(any_bit_of_what_is_signed_counts),
                MADE(what_is_cut_or_longer_is_malformed),
                MADE(lengths_that_lie_are_malformed),
                MADE(only_a_tpm_generates_attestations),
                MADE(attestations_of_other_things_are_refused),
                MADE(only_an_attestation_key_is_believed),
                MADE(a_point_off_the_curve_is_no_key),
                MADE(another_keys_signature_is_refused),
                MADE(another_scheme_is_refused),
                MADE(a_signer_of_another_hierarchy_is_refused),
                MADE(another_index_is_refused),
                MADE(a_part_of_the_value_is_refused),
                MADE(other_qualifying_data_is_refused),
                MADE(a_shorter_value_is_taken_where_it_is_wanted),
                MADE(a_keys_attestation_is_of_this_key_and_kind),
                MADE(an_index_is_no_key),
                MADE(a_forged_attestation_of_a_key_is_refused),
#undef MADE
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
