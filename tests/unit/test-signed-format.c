/* SPDX-License-Identifier: Apache-2.0 */
#include "format/signed-format.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "format/eseal.h"
#include "format/x509-name.h"
#include "tests/fixture/command.h"
#include "tests/fixture/picture.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

static const char *const kinds[] = { "ecdsa-sha256", "ecdsa-sha384", "rsassa-sha256", "sm2-sm3" };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const SignFormat formats[] = { FORMAT_CADES, FORMAT_PADES_CMS, FORMAT_ESEAL, FORMAT_PKCS10 };
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

/* A seal with all that any format asks for. */
typedef struct Fixture {
        Signer maker, seal;
        Bytes certificates[2];
        uint8_t digest[DIGEST_MAX];
        uint8_t *eseal, *subject;
        SignedFacts facts;
} Fixture;

static void eseal_make(Fixture *f) {
        _made_ Made picture = made_png_usual();
        _cleanup_free_ uint8_t *info = NULL;
        const ESealFacts facts = {
                .id = "50011200000001",
                .vendor = "sealsd",
                .name = "Contracts",
                .type = 4,
                .certificate = f->certificates[0],
                .created = SIGNER_TIME,
                .not_before = SIGNER_TIME,
                .not_after = SIGNER_TIME + 1000000,
                .picture_type = PICTURE_PNG,
                .picture = made_bytes(&picture),
                .width = 42,
                .height = 42,
        };
        uint8_t value[SIGNATURE_MAX];
        size_t size = 0;

        assert_int_equal(eseal_prepare(&facts, &info, &size), 0);
        const Bytes message = { info, size };
        const Bytes signature = { value, signer_sign(&f->maker, message, value) };
        assert_int_equal(eseal_finish(message, f->certificates[1], f->maker.algorithm, signature,
                                      &f->eseal, &f->facts.eseal.size),
                         0);
        f->facts.eseal.data = f->eseal;
}

static void fixture_open(Fixture *f, const char *algorithm, SignFormat format) {
        const X509Subject subject = { .organization = "Muster GmbH", .common_name = "7" };

        *f = (Fixture){};
        signer_make(&f->maker, algorithm, "Maker");
        signer_certify(&f->maker, NULL, X509_USE_MAKER);
        signer_make(&f->seal, algorithm, "50011200000001");
        signer_certify(&f->seal, &f->maker, X509_USE_SEAL);
        f->certificates[0] = signer_certificate(&f->seal);
        f->certificates[1] = signer_certificate(&f->maker);
        memset(f->digest, 0x5a, sizeof(f->digest));
        f->facts = (SignedFacts){
                .format = format,
                .algorithm = f->seal.algorithm,
                .document_digest = { f->digest, (size_t) EVP_MD_get_size(signature_algorithm_md(
                                                        f->seal.algorithm)) },
                .time = SIGNER_TIME,
                .certificates = f->certificates,
                .certificate_count = 2,
                .property_info = "sealsd:document",
                .key = f->seal.key,
        };
        eseal_make(f);
        assert_int_equal(x509_name_encode(&subject, &f->subject, &f->facts.subject.size, NULL), 0);
        f->facts.subject.data = f->subject;
}

static void fixture_close(Fixture *f) {
        free(f->eseal);
        free(f->subject);
        signer_done(&f->seal);
        signer_done(&f->maker);
}

static bool same(Bytes a, Bytes b) {
        return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static void structure_done(Bytes *structure) {
        free((void *) structure->data);
}
#define _structure_ _cleanup_(structure_done)

static Bytes prepare(const SignedFacts *facts) {
        uint8_t *structure = NULL;
        size_t size = 0;

        assert_int_equal(signed_prepare(facts, &structure, &size), 0);
        return (Bytes){ structure, size };
}

static void formats_have_the_names_of_the_bus(void **state) {
        char all[128] = "";

        (void) state;
        for (SignFormat format = FORMAT_RAW; format < SIGN_FORMAT_COUNT; format++) {
                const char *name = sign_format_name(format);

                assert_int_equal(sign_format_find(name), format);
                strcat(strcat(all, format == FORMAT_RAW ? "" : ", "), name);
        }
        assert_string_equal(all, SIGN_FORMAT_NAMES);
        assert_int_equal(sign_format_find("CAdES"), SIGN_FORMAT_COUNT);
        assert_int_equal(sign_format_find(""), SIGN_FORMAT_COUNT);
}

static void algorithms_are_found_by_the_words_of_the_bus(void **state) {
        (void) state;
        for (size_t i = 0; signature_algorithm_at(i); i++)
                assert_ptr_equal(signed_algorithm_find(signature_algorithm_at(i)->name),
                                 signature_algorithm_at(i));
        assert_string_equal(signed_algorithm("sm2", "sm3")->name, "sm2-sm3");
        assert_string_equal(signed_algorithm("rsapss", "sha512")->name, "rsapss-sha512");
        assert_null(signed_algorithm("sm2", "sha256"));
        assert_null(signed_algorithm("?", "sha256"));
        assert_null(signed_algorithm_find(""));
}

/* Whoever has to agree makes it again from what he is told, and compares. */
static void the_same_facts_give_the_same_structure_and_others_another(void **state) {
        (void) state;
        for (size_t k = 0; k < KINDS; k++)
                for (size_t i = 0; i < FORMATS; i++) {
                        Fixture f;

                        fixture_open(&f, kinds[k], formats[i]);
                        _structure_ Bytes first = prepare(&f.facts);
                        _structure_ Bytes again = prepare(&f.facts);
                        assert_true(same(first, again));
                        f.digest[0] ^= 1;
                        _structure_ Bytes other = prepare(&f.facts);
                        assert_int_equal(same(first, other), formats[i] == FORMAT_PKCS10);
                        for (size_t n = 0; n < FORMATS; n++) {
                                if (n == i)
                                        continue;
                                f.facts.format = formats[n];
                                _structure_ Bytes another = prepare(&f.facts);
                                assert_false(same(first, another));
                        }
                        fixture_close(&f);
                }
}

static void a_structure_says_whose_document_it_is(void **state) {
        (void) state;
        for (size_t i = 0; i < FORMATS; i++) {
                TPM2B_DIGEST digest = {};
                Fixture f;

                fixture_open(&f, "ecdsa-sha256", formats[i]);
                _structure_ Bytes structure = prepare(&f.facts);
                int r = signed_document(formats[i], structure, &digest);
                if (formats[i] == FORMAT_PKCS10) {
                        assert_int_equal(r, SEAL_E_INVALID_ARGS);
                } else {
                        assert_int_equal(r, 0);
                        assert_int_equal(digest.size, f.facts.document_digest.size);
                        assert_memory_equal(digest.buffer, f.digest, digest.size);
                }
                for (size_t n = 0; n < FORMATS; n++)
                        if (formats[n] != formats[i])
                                assert_int_equal(signed_document(formats[n], structure, &digest),
                                                 SEAL_E_INVALID_ARGS);
                fixture_close(&f);
        }
}

static void what_a_structure_carries_is_taken_out_of_it(void **state) {
        (void) state;
        for (size_t i = 0; i < FORMATS; i++) {
                _cleanup_free_ uint8_t *part = NULL;
                Bytes wanted;
                size_t size = 0;
                Fixture f;

                fixture_open(&f, "ecdsa-sha256", formats[i]);
                _structure_ Bytes structure = prepare(&f.facts);
                wanted = formats[i] == FORMAT_ESEAL ? f.facts.eseal : f.facts.subject;
                int r = signed_part(structure, &part, &size);
                if (formats[i] == FORMAT_ESEAL || formats[i] == FORMAT_PKCS10) {
                        assert_int_equal(r, 0);
                        assert_true(same((Bytes){ part, size }, wanted));
                        structure.size--;
                        assert_int_equal(signed_part(structure, &part, &size), SEAL_E_INVALID_ARGS);
                } else {
                        assert_int_equal(r, SEAL_E_INVALID_ARGS);
                }
                fixture_close(&f);
        }
        assert_int_equal(signed_part((Bytes){}, NULL, NULL), SEAL_E_INVALID_ARGS);
}

/* From what is kept with a request: format, algorithm and certificates. */
static void a_file_comes_of_the_frozen_structure_alone(void **state) {
        (void) state;
        for (size_t k = 0; k < KINDS; k++)
                for (size_t i = 0; i < FORMATS; i++) {
                        _cleanup_free_ uint8_t *whole = NULL, *again = NULL;
                        size_t whole_size = 0, again_size = 0;
                        uint8_t value[SIGNATURE_MAX];
                        Fixture f;

                        fixture_open(&f, kinds[k], formats[i]);
                        _structure_ Bytes structure = prepare(&f.facts);
                        const Bytes signature = { value, signer_sign(&f.seal, structure, value) };
                        const SignedFacts kept = {
                                .format = formats[i],
                                .algorithm = f.facts.algorithm,
                                .certificates = f.certificates,
                                .certificate_count = 2,
                        };
                        assert_int_equal(
                                signed_finish(&f.facts, structure, signature, &whole, &whole_size),
                                0);
                        assert_int_equal(
                                signed_finish(&kept, structure, signature, &again, &again_size), 0);
                        assert_true(
                                same((Bytes){ whole, whole_size }, (Bytes){ again, again_size }));
                        assert_true(whole_size <= signed_size_max(&f.facts));
                        fixture_close(&f);
                }
}

static void openssl_takes_the_request_for_a_certificate(void **state) {
        static Workshop workshop;

        (void) state;
        workshop_open(&workshop);
        for (size_t k = 0; k < KINDS; k++) {
                _cleanup_free_ uint8_t *der = NULL;
                uint8_t value[SIGNATURE_MAX];
                size_t size = 0;
                Fixture f;

                fixture_open(&f, kinds[k], FORMAT_PKCS10);
                _structure_ Bytes structure = prepare(&f.facts);
                const Bytes signature = { value, signer_sign(&f.seal, structure, value) };
                assert_int_equal(signed_finish(&f.facts, structure, signature, &der, &size), 0);
                workshop_put(&workshop, "request.der", (Bytes){ der, size });
                workshop_demand(
                        &workshop,
                        "openssl req -inform DER -in request.der -verify -noout -subject%s",
                        strcmp(kinds[k], "sm2-sm3") == 0 ? " -vfyopt distid:1234567812345678" : "");
                assert_non_null(strstr(workshop.output, "verify OK"));
                assert_non_null(strstr(workshop.output, "O = Muster GmbH, CN = 7"));
                fixture_close(&f);
        }
        workshop_close(&workshop);
}

static void what_a_format_cannot_say_is_refused(void **state) {
        uint8_t *ret = NULL;
        size_t size = 0;
        Fixture f;

        (void) state;
        fixture_open(&f, "ecdsa-sha256", FORMAT_CADES);
        f.facts.document_digest.size--;
        assert_int_equal(signed_prepare(&f.facts, &ret, &size), SEAL_E_INVALID_ARGS);
        f.facts.document_digest.size++;
        f.facts.certificate_count = 0;
        assert_int_equal(signed_prepare(&f.facts, &ret, &size), SEAL_E_INVALID_ARGS);
        f.facts.format = FORMAT_ESEAL;
        assert_int_equal(signed_finish(&f.facts, f.facts.eseal, (Bytes){}, &ret, &size),
                         SEAL_E_INVALID_ARGS);
        f.facts.property_info = "\xe5\x8d\xb0";
        assert_int_equal(signed_prepare(&f.facts, &ret, &size), SEAL_E_INVALID_ARGS);
        f.facts.format = FORMAT_PKCS10;
        f.facts.subject.size--;
        assert_int_equal(signed_prepare(&f.facts, &ret, &size), SEAL_E_INVALID_ARGS);
        f.facts.format = FORMAT_RAW;
        assert_true(signed_prepare(&f.facts, &ret, &size) < 0);
        assert_null(ret);
        fixture_close(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(formats_have_the_names_of_the_bus),
                cmocka_unit_test(algorithms_are_found_by_the_words_of_the_bus),
                cmocka_unit_test(the_same_facts_give_the_same_structure_and_others_another),
                cmocka_unit_test(a_structure_says_whose_document_it_is),
                cmocka_unit_test(what_a_structure_carries_is_taken_out_of_it),
                cmocka_unit_test(a_file_comes_of_the_frozen_structure_alone),
                cmocka_unit_test(openssl_takes_the_request_for_a_certificate),
                cmocka_unit_test(what_a_format_cannot_say_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
