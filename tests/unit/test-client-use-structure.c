/* SPDX-License-Identifier: Apache-2.0 */
/* What an approver's program refuses to sign for where the signature is of a format. */
#include "client/use-structure.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "format/eseal.h"
#include "format/x509-name.h"
#include "policy/key.h"
#include "tests/fixture/picture.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

static const SignFormat formats[] = { FORMAT_CADES, FORMAT_PADES_CMS, FORMAT_ESEAL, FORMAT_PKCS10 };
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

typedef struct Fixture {
        Signer maker, seal, other;
        Bytes certificates[2];
        TPM2B_PUBLIC public;
        TPM2B_DIGEST document;
        uint8_t *eseal, *subject;
        SignedFacts facts;
        UseSigned known;
} Fixture;

/* With the certificate of f->maker, whoever signs it. */
static uint8_t *eseal_signed_by(const Fixture *f, const Signer *signer, Bytes certificate,
                                size_t *ret_size) {
        _made_ Made picture = made_png_usual();
        _cleanup_free_ uint8_t *info = NULL;
        const ESealFacts facts = {
                .id = "50011200000001",
                .vendor = "sealsd",
                .name = "Contracts",
                .type = 4,
                .certificate = certificate,
                .created = SIGNER_TIME,
                .not_before = SIGNER_TIME,
                .not_after = SIGNER_TIME + 1000000,
                .picture_type = PICTURE_PNG,
                .picture = made_bytes(&picture),
                .width = 42,
                .height = 42,
        };
        uint8_t value[SIGNATURE_MAX], *ret = NULL;
        size_t size = 0;

        assert_int_equal(eseal_prepare(&facts, &info, &size), 0);
        const Bytes signature = { value, signer_sign(signer, (Bytes){ info, size }, value) };
        assert_int_equal(eseal_finish((Bytes){ info, size }, signer_certificate(&f->maker),
                                      f->maker.algorithm, signature, &ret, ret_size),
                         0);
        return ret;
}

static uint8_t *eseal_made_out_to(const Fixture *f, Bytes certificate, size_t *ret_size) {
        return eseal_signed_by(f, &f->maker, certificate, ret_size);
}

static void fixture_open(Fixture *f) {
        const X509Subject subject = { .organization = "Muster GmbH", .common_name = "7" };

        *f = (Fixture){};
        signer_make(&f->maker, "ecdsa-sha256", "Maker");
        signer_certify(&f->maker, NULL, X509_USE_MAKER);
        signer_make(&f->seal, "ecdsa-sha256", "50011200000001");
        signer_certify(&f->seal, &f->maker, X509_USE_SEAL);
        signer_make(&f->other, "ecdsa-sha256", "50011200000002");
        signer_certify(&f->other, &f->maker, X509_USE_SEAL);
        f->certificates[0] = signer_certificate(&f->seal);
        f->certificates[1] = signer_certificate(&f->maker);
        assert_int_equal(external_key_from_pkey(f->seal.key, &f->public, NULL), 0);
        f->document.size = 32;
        memset(f->document.buffer, 0xd1, 32);
        f->known = (UseSigned){
                .public = &f->public,
                .hash = "sha256",
                .scheme = "ecdsa",
                .document = &f->document,
        };
        f->facts = (SignedFacts){
                .algorithm = f->seal.algorithm,
                .document_digest = { f->document.buffer, 32 },
                .time = SIGNER_TIME,
                .certificates = f->certificates,
                .certificate_count = 2,
                .property_info = "sealsd:document",
                .key = f->seal.key,
        };
        f->eseal = eseal_made_out_to(f, f->certificates[0], &f->facts.eseal.size);
        f->facts.eseal.data = f->eseal;
        assert_int_equal(x509_name_encode(&subject, &f->subject, &f->facts.subject.size, NULL), 0);
        f->facts.subject.data = f->subject;
}

static void fixture_close(Fixture *f) {
        free(f->eseal);
        free(f->subject);
        signer_done(&f->other);
        signer_done(&f->seal);
        signer_done(&f->maker);
}

static json_t *hex_text(Bytes bytes) {
        _cleanup_free_ char *hex = malloc(2 * bytes.size + 1);

        assert_non_null(hex);
        return json_string(hex_encode(bytes.data, bytes.size, hex));
}

/* What a daemon tells whose structure is of `made`; of a request the digest is of it. */
static json_t *told(Fixture *f, const SignedFacts *made, SignFormat format) {
        _cleanup_free_ uint8_t *structure = NULL;
        json_t *facts = json_object(), *list = json_array();
        size_t size = 0;
        unsigned n = 0;

        assert_int_equal(signed_prepare(made, &structure, &size), 0);
        if (format == FORMAT_PKCS10)
                assert_int_equal(
                        EVP_Digest(structure, size, f->document.buffer, &n, EVP_sha256(), NULL), 1);
        json_object_set_new(facts, "format", json_string(sign_format_name(format)));
        json_object_set_new(facts, "structure", hex_text((Bytes){ structure, size }));
        for (size_t i = 0; i < made->certificate_count && format != FORMAT_PKCS10; i++)
                json_array_append_new(list, hex_text(made->certificates[i]));
        json_object_set_new(facts, "certificates", list);
        json_object_set_new(facts, "signing-time", json_integer((json_int_t) SIGNER_TIME));
        if (format == FORMAT_ESEAL)
                json_object_set_new(facts, "property-info", json_string("sealsd:document"));
        return facts;
}

static json_t *honest(Fixture *f, SignFormat format) {
        f->facts.format = format;
        return told(f, &f->facts, format);
}

/* Takes facts. */
static void assert_refused(const Fixture *f, json_t *facts, const char *word) {
        SignFormat format = FORMAT_RAW;
        TPM2B_DIGEST signs = {};
        ErrorDetail detail = {};

        assert_int_equal(use_structure_check(facts, &f->known, &format, &signs, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_int_equal(signs.size, 0);
        if (!strstr(detail.text, word))
                fail_msg("'%s' does not speak of '%s'", detail.text, word);
        json_decref(facts);
}

static void the_structure_of_the_document_is_what_is_signed_for(void **state) {
        Fixture f;

        (void) state;
        fixture_open(&f);
        for (size_t i = 0; i < FORMATS; i++) {
                _cleanup_free_ uint8_t *structure = NULL;
                TPM2B_DIGEST signs = {}, wanted = {};
                SignFormat format = FORMAT_RAW;
                ErrorDetail detail = {};
                size_t size = 0;
                json_t *facts = honest(&f, formats[i]);

                int r = use_structure_check(facts, &f.known, &format, &signs, &detail);
                if (r != 0)
                        fail_msg("%s: %s", sign_format_name(formats[i]), detail.text);
                assert_int_equal(format, formats[i]);
                assert_int_equal(signed_prepare(&f.facts, &structure, &size), 0);
                assert_int_equal(signature_digest(f.seal.algorithm, f.seal.key,
                                                  (Bytes){ structure, size }, &wanted),
                                 0);
                assert_int_equal(signs.size, wanted.size);
                assert_memory_equal(signs.buffer, wanted.buffer, wanted.size);
                json_decref(facts);
        }
        fixture_close(&f);
}

static void of_raw_and_of_an_older_daemon_the_digest_itself_is_signed(void **state) {
        json_t *facts = json_object();
        Fixture f;

        (void) state;
        fixture_open(&f);
        for (int i = 0; i < 2; i++) {
                SignFormat format = FORMAT_ESEAL;
                TPM2B_DIGEST signs = {};

                assert_int_equal(use_structure_check(facts, &f.known, &format, &signs, NULL), 0);
                assert_int_equal(format, FORMAT_RAW);
                assert_memory_equal(signs.buffer, f.document.buffer, 32);
                json_object_set_new(facts, "format", json_string("raw"));
        }
        json_decref(facts);
        fixture_close(&f);
}

static void another_documents_structure_is_refused(void **state) {
        uint8_t other[32] = { 1 };
        Fixture f;

        (void) state;
        fixture_open(&f);
        for (size_t i = 0; i < FORMATS && formats[i] != FORMAT_PKCS10; i++) {
                SignedFacts made = f.facts;

                made.format = formats[i];
                made.document_digest = (Bytes){ other, sizeof(other) };
                assert_refused(&f, told(&f, &made, formats[i]), "structure of this document");
        }
        json_t *facts = honest(&f, FORMAT_PKCS10);
        f.document.buffer[0] ^= 1;
        assert_refused(&f, facts, "digest is not that of the request");
        fixture_close(&f);
}

static void another_formats_structure_is_refused(void **state) {
        Fixture f;

        (void) state;
        fixture_open(&f);
        for (size_t i = 0; i < FORMATS; i++)
                for (size_t k = 0; k < FORMATS; k++) {
                        SignedFacts made = f.facts;

                        if (k == i)
                                continue;
                        made.format = formats[k];
                        json_t *facts = told(&f, &made, formats[i]);
                        if (formats[i] == FORMAT_PKCS10)
                                json_object_set_new(facts, "certificates", json_array());
                        assert_refused(&f, facts, "");
                }
        fixture_close(&f);
}

static void what_is_shown_beside_it_is_what_stands_in_it(void **state) {
        Fixture f;

        (void) state;
        fixture_open(&f);
        json_t *facts = honest(&f, FORMAT_CADES);
        json_object_set_new(facts, "signing-time",
                            json_integer((json_int_t) SIGNER_TIME + 86400000000));
        assert_refused(&f, facts, "structure of this document, time");
        facts = honest(&f, FORMAT_ESEAL);
        json_object_set_new(facts, "property-info", json_string("page 1"));
        assert_refused(&f, facts, "structure of this document");
        facts = honest(&f, FORMAT_ESEAL);
        json_object_set_new(facts, "signing-time", json_integer(0));
        assert_refused(&f, facts, "structure of this document");
        fixture_close(&f);
}

static void a_certificate_of_another_key_is_refused(void **state) {
        Fixture f;
        Bytes list[2];

        (void) state;
        fixture_open(&f);
        for (size_t i = 0; i < FORMATS && formats[i] != FORMAT_PKCS10; i++) {
                SignedFacts made = f.facts;

                list[0] = signer_certificate(&f.other);
                list[1] = f.certificates[1];
                made.format = formats[i];
                made.certificates = list;
                assert_refused(&f, told(&f, &made, formats[i]), "not that of the seal's key");
                /* The seal's is there, and does not stand first. */
                list[0] = f.certificates[1];
                list[1] = f.certificates[0];
                assert_refused(&f, told(&f, &made, formats[i]), "not that of the seal's key");
                made.certificates = f.certificates;
                json_t *facts = told(&f, &made, formats[i]);
                json_object_set_new(facts, "certificates", json_array());
                assert_refused(&f, facts, "certificate");
        }
        SignedFacts made = f.facts;
        made.format = FORMAT_PKCS10;
        made.key = f.other.key;
        assert_refused(&f, told(&f, &made, FORMAT_PKCS10), "structure of this document");
        fixture_close(&f);
}

static void an_electronic_seal_of_another_is_refused(void **state) {
        Fixture f;

        (void) state;
        fixture_open(&f);
        SignedFacts made = f.facts;
        _cleanup_free_ uint8_t *eseal = eseal_made_out_to(&f, signer_certificate(&f.other),
                                                          &made.eseal.size);
        made.eseal.data = eseal;
        made.format = FORMAT_ESEAL;
        assert_refused(&f, told(&f, &made, FORMAT_ESEAL), "not made out to");
        fixture_close(&f);
}

static void an_electronic_seal_that_its_maker_has_not_signed_is_refused(void **state) {
        Fixture f;

        (void) state;
        fixture_open(&f);
        SignedFacts made = f.facts;
        _cleanup_free_ uint8_t *eseal = eseal_signed_by(&f, &f.other, f.certificates[0],
                                                        &made.eseal.size);
        made.eseal.data = eseal;
        made.format = FORMAT_ESEAL;
        assert_refused(&f, told(&f, &made, FORMAT_ESEAL), "not as its maker signed it");
        fixture_close(&f);
}

/* Its name, say: the structure is then made of the other seal, and all else in it is true. */
static void an_electronic_seal_that_was_changed_is_refused(void **state) {
        Fixture f;

        (void) state;
        fixture_open(&f);
        SignedFacts made = f.facts;
        _cleanup_free_ uint8_t *eseal = malloc(made.eseal.size);
        assert_non_null(eseal);
        memcpy(eseal, f.eseal, made.eseal.size);
        uint8_t *name = memmem(eseal, made.eseal.size, "Contracts", 9);
        assert_non_null(name);
        made.eseal.data = eseal;
        made.format = FORMAT_ESEAL;
        name[0] = 'K';
        assert_refused(&f, told(&f, &made, FORMAT_ESEAL), "not as its maker signed it");
        fixture_close(&f);
}

static void what_is_not_shown_is_not_signed_for(void **state) {
        static const char *const words[] = { "CAdES", "", "xades" };
        Fixture f;

        (void) state;
        fixture_open(&f);
        for (size_t i = 0; i < FORMATS; i++) {
                json_t *facts = honest(&f, formats[i]);
                assert_int_equal(json_object_del(facts, "structure"), 0);
                assert_refused(&f, facts, "'structure'");
                facts = honest(&f, formats[i]);
                json_object_set_new(facts, "structure", json_string("3000zz"));
                assert_refused(&f, facts, "'structure'");
        }
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                json_t *facts = honest(&f, FORMAT_CADES);
                json_object_set_new(facts, "format", json_string(words[i]));
                assert_refused(&f, facts, "does not know");
        }
        json_t *facts = honest(&f, FORMAT_CADES);
        json_object_set_new(facts, "format", json_integer(1));
        assert_refused(&f, facts, "does not know");
        fixture_close(&f);
}

/* Those of an electronic seal are its maker's, and asked above. */
static void no_byte_of_a_structure_can_be_another(void **state) {
        Fixture f;

        (void) state;
        fixture_open(&f);
        for (size_t i = 0; i < FORMATS; i++) {
                json_t *facts = honest(&f, formats[i]);
                _cleanup_free_ char *hex = strdup(
                        json_string_value(json_object_get(facts, "structure")));
                _cleanup_free_ char *eseal = malloc(2 * f.facts.eseal.size + 1);
                const char *inner;

                assert_non_null(hex);
                assert_non_null(eseal);
                hex_encode(f.facts.eseal.data, f.facts.eseal.size, eseal);
                inner = strstr(hex, eseal);
                assert_int_equal(inner != NULL, formats[i] == FORMAT_ESEAL);
                json_decref(facts);
                for (size_t at = 0; hex[at] != '\0'; at++) {
                        const char was = hex[at];

                        if (inner && hex + at >= inner && hex + at < inner + strlen(eseal))
                                continue;
                        facts = honest(&f, formats[i]);
                        hex[at] = was == '0' ? '1' : '0';
                        json_object_set_new(facts, "structure", json_string(hex));
                        assert_refused(&f, facts, "");
                        hex[at] = was;
                }
        }
        fixture_close(&f);
}

static void whose_it_is_is_told(void **state) {
        Fixture f;

        (void) state;
        fixture_open(&f);
        json_t *facts = honest(&f, FORMAT_ESEAL);
        json_t *certificate = use_certificate_text(facts), *eseal = use_eseal_text(facts);
        assert_string_equal(
                json_string_value(certificate),
                "CN=50011200000001,organizationIdentifier=NTRDE-HRB1234,O=Muster GmbH,C=DE");
        assert_string_equal(json_string_value(eseal), "50011200000001 (Contracts), GB/T "
                                                      "38540-2020 structure, non-SM algorithm");
        assert_null(use_subject_text(facts));
        json_decref(certificate);
        json_decref(eseal);
        json_decref(facts);
        facts = honest(&f, FORMAT_PKCS10);
        json_t *subject = use_subject_text(facts);
        assert_string_equal(json_string_value(subject), "CN=7,O=Muster GmbH");
        assert_null(use_certificate_text(facts));
        assert_null(use_eseal_text(facts));
        json_decref(subject);
        json_decref(facts);
        fixture_close(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_structure_of_the_document_is_what_is_signed_for),
                cmocka_unit_test(of_raw_and_of_an_older_daemon_the_digest_itself_is_signed),
                cmocka_unit_test(another_documents_structure_is_refused),
                cmocka_unit_test(another_formats_structure_is_refused),
                cmocka_unit_test(what_is_shown_beside_it_is_what_stands_in_it),
                cmocka_unit_test(a_certificate_of_another_key_is_refused),
                cmocka_unit_test(an_electronic_seal_of_another_is_refused),
                cmocka_unit_test(an_electronic_seal_that_its_maker_has_not_signed_is_refused),
                cmocka_unit_test(an_electronic_seal_that_was_changed_is_refused),
                cmocka_unit_test(what_is_not_shown_is_not_signed_for),
                cmocka_unit_test(no_byte_of_a_structure_can_be_another),
                cmocka_unit_test(whose_it_is_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
