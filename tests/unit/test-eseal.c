/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/utc.h"
#include "tests/fixture/eseal.h"
#include "tests/fixture/layout.h"
#include "tests/unit/unit.h"

/* What is written here is not looked into: any bytes stand for certificates and signatures. */
#define TEXT(text) ((Bytes){ (const uint8_t *) (text), sizeof(text) - 1 })
#define TIME (1767225600 * USEC_PER_SEC) /* 2026-01-01 */

static const ESealFacts usual = {
        .id = "50011200000001",
        .vendor = "sealsd",
        .name = "合同专用章",
        .type = 4,
        .certificate = { (const uint8_t *) "certificate", 11 },
        .created = TIME + 999999,
        .not_before = TIME,
        .not_after = TIME + 3 * 365 * USEC_PER_DAY,
        .picture_type = PICTURE_JPEG,
        .picture = { (const uint8_t *) "picture", 7 },
        .width = 42,
        .height = 40,
};

/* ---- steps ----------------------------------------------------------------------------------- */

typedef struct Der {
        uint8_t *data;
        size_t size;
} Der;

static void der_done(Der *der) {
        free(der->data);
}
#define _der_ _cleanup_(der_done)

static Bytes bytes(const Der *der) {
        return (Bytes){ der->data, der->size };
}

static const SignatureAlgorithm *algorithm(const char *name) {
        const SignatureAlgorithm *found = NULL;

        for (size_t i = 0; !found && signature_algorithm_at(i); i++)
                if (strcmp(signature_algorithm_at(i)->name, name) == 0)
                        found = signature_algorithm_at(i);
        assert_non_null(found);
        return found;
}

static Der info_make(const ESealFacts *facts) {
        Der der = {};

        assert_int_equal(eseal_prepare(facts, &der.data, &der.size), 0);
        return der;
}

static Der seal_make(const char *signed_with) {
        _der_ Der info = info_make(&usual);
        Der der = {};

        assert_int_equal(eseal_finish(bytes(&info), TEXT("maker"), algorithm(signed_with),
                                      TEXT("value\0\0"), &der.data, &der.size),
                         0);
        return der;
}

static Der tbs_make(void) {
        _der_ Der seal = seal_make("sm2-sm3");
        Der der = {};

        assert_int_equal(
                eseal_sign_prepare(bytes(&seal), TIME, TEXT("0123456789abcdef01234567890\0\0"),
                                   "/Doc_0/Signs/Sign_0/Signature.xml", &der.data, &der.size),
                0);
        return der;
}

static Der signature_make(void) {
        _der_ Der tbs = tbs_make();
        Der der = {};

        assert_int_equal(eseal_sign_finish(bytes(&tbs), TEXT("signer"), algorithm("sm2-sm3"),
                                           TEXT("value\0"), &der.data, &der.size),
                         0);
        return der;
}

static void assert_contains(const Der *whole, Bytes part) {
        assert_non_null(memmem(whole->data, whole->size, part.data, part.size));
}

static void assert_layout(Bytes der, const char *layout) {
        _cleanup_free_ char *found = layout_of(der);

        assert_string_equal(found, layout);
}

/* ---- layouts --------------------------------------------------------------------------------- */

#define INFO_AT(a, b, c, d)                                                                 \
        a " SEQUENCE\n" b " SEQUENCE\n" c " IA5STRING\n" c " INTEGER\n" c " IA5STRING\n" b  \
          " IA5STRING\n" b " SEQUENCE\n" c " INTEGER\n" c " UTF8STRING\n" c " INTEGER\n" c  \
          " SEQUENCE\n" d " OCTET STRING\n" c " GENERALIZEDTIME\n" c " GENERALIZEDTIME\n" c \
          " GENERALIZEDTIME\n" b " SEQUENCE\n" c " IA5STRING\n" c " OCTET STRING\n" c       \
          " INTEGER\n" c " INTEGER\n"
#define SIGNING_AT(a) a " OCTET STRING\n" a " OBJECT\n" a " BIT STRING\n"
#define TBS_AT(a, b)                                                                               \
        a " SEQUENCE\n" b " INTEGER\n" b " SEQUENCE\n" INFO_AT("3", "4", "5", "6") SIGNING_AT("3") \
                b " GENERALIZEDTIME\n" b " BIT STRING\n" b " IA5STRING\n"

static void a_seal_has_the_layout_of_the_standard(void **state) {
        _der_ Der info = info_make(&usual), seal = seal_make("sm2-sm3");

        (void) state;
        assert_layout(bytes(&info), INFO_AT("0", "1", "2", "3"));
        assert_layout(bytes(&seal), "0 SEQUENCE\n" INFO_AT("1", "2", "3", "4") SIGNING_AT("1"));
        assert_contains(&seal, bytes(&info));
}

static void a_signature_has_the_layout_of_the_standard(void **state) {
        _der_ Der tbs = tbs_make(), seal = seal_make("sm2-sm3"), signature = signature_make();

        (void) state;
        assert_layout(bytes(&signature), "0 SEQUENCE\n" TBS_AT("1", "2") SIGNING_AT("1"));
        assert_contains(&tbs, bytes(&seal));
        assert_contains(&signature, bytes(&tbs));
}

/* 0x03, the size, no unused bits: zeros at the end stay. */
static void values_of_bits_keep_their_zeros(void **state) {
        _der_ Der seal = seal_make("sm2-sm3"), tbs = tbs_make(), signature = signature_make();

        (void) state;
        assert_contains(&seal, TEXT("\x03\x08\0value\0\0"));
        assert_contains(&tbs, TEXT("\x03\x1e\0"
                                   "0123456789abcdef01234567890\0\0"));
        assert_contains(&signature, TEXT("\x03\x07\0value\0"));
}

static void texts_and_times_are_as_they_were_given(void **state) {
        ESealFacts later = usual;
        _der_ Der info = info_make(&usual);

        (void) state;
        later.not_before += USEC_PER_DAY;
        _der_ Der begins_later = info_make(&later);
        assert_contains(&begins_later, TEXT("\x18\x0f"
                                            "20260101000000Z\x18\x0f"
                                            "20260102000000Z\x18\x0f"
                                            "20281231000000Z"));
        assert_contains(&info, TEXT("\x16\x02"
                                    "ES\x02\x01\x04\x16\x06sealsd"));
        assert_contains(&info, TEXT("\x16\x0e"
                                    "50011200000001"));
        assert_contains(&info, TEXT("\x02\x01\x04\x0c\x0f"
                                    "合同专用章\x02\x01\x01"));
        /* created, and from when: what is below a second is not written. */
        assert_contains(&info, TEXT("\x18\x0f"
                                    "20260101000000Z\x18\x0f"
                                    "20260101000000Z\x18\x0f"
                                    "20281231000000Z"));
        assert_contains(&info, TEXT("\x16\x03JPG\x04\x07picture\x02\x01\x2a\x02\x01\x28"));
}

/* Field by field what the algorithm's name is: an OID that stands alone. */
static void algorithms_are_named_by_their_bare_identifiers(void **state) {
        static const struct {
                const char *name;
                Bytes oid;
        } all[] = {
                { "sm2-sm3", TEXT("\x06\x08\x2a\x81\x1c\xcf\x55\x01\x83\x75\x03") },
                { "ecdsa-sha256", TEXT("\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x03") },
                { "ecdsa-sha384", TEXT("\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03\x03") },
                { "rsassa-sha256", TEXT("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x03") },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
                _der_ Der seal = seal_make(all[i].name);

                assert_contains(&seal, all[i].oid);
        }
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void assert_facts_refused(const ESealFacts *facts) {
        uint8_t *der = NULL;
        size_t size = 7;

        assert_int_equal(eseal_prepare(facts, &der, &size), SEAL_E_INVALID_ARGS);
        assert_null(der);
        assert_int_equal(size, 7);
}

#define assert_refused_with(field, ...)        \
        do {                                   \
                ESealFacts _facts = usual;     \
                                               \
                _facts.field = __VA_ARGS__;    \
                assert_facts_refused(&_facts); \
        } while (0)

static void facts_beyond_their_bounds_are_refused(void **state) {
        static const uint8_t large[PICTURE_MAX + 1];
        char text[NAME_BYTES_MAX + 2];

        (void) state;
        memset(text, 'a', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        assert_refused_with(id, "");
        assert_refused_with(id, "章");
        assert_refused_with(id, "a\nb");
        assert_refused_with(id, text + NAME_BYTES_MAX - ESEAL_TEXT_MAX);
        assert_refused_with(vendor, "");
        assert_refused_with(name, text);
        assert_refused_with(name, "\xff");
        assert_refused_with(type, 1U << 31);
        assert_refused_with(certificate, (Bytes){ large, 0 });
        assert_refused_with(certificate, (Bytes){ large, CERTIFICATE_MAX + 1 });
        assert_refused_with(picture, (Bytes){ large, 0 });
        assert_refused_with(picture, (Bytes){ large, sizeof(large) });
        assert_refused_with(picture_type, PICTURE_NONE);
        assert_refused_with(width, 0);
        assert_refused_with(height, ESEAL_MM_MAX + 1);
        assert_refused_with(not_after, TIME - 1);
        assert_refused_with(not_after, UTC_MAX + 1);
        assert_refused_with(created, UTC_MAX + 1);
}

static void a_seal_is_finished_from_its_own_bytes_only(void **state) {
        _der_ Der info = info_make(&usual), seal = seal_make("sm2-sm3");
        const SignatureAlgorithm *sm2 = algorithm("sm2-sm3");
        uint8_t *der = NULL;
        size_t size;

        (void) state;
        assert_int_equal(eseal_finish(bytes(&seal), TEXT("m"), sm2, TEXT("v"), &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(eseal_finish((Bytes){ info.data, info.size - 1 }, TEXT("m"), sm2,
                                      TEXT("v"), &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(eseal_finish(bytes(&info), TEXT(""), sm2, TEXT("v"), &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(eseal_finish(bytes(&info), TEXT("m"), sm2, TEXT(""), &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_null(der);
}

/* Its OID says nothing of its hash, and the structure has no place for more. */
static void pss_has_no_place_in_the_structure(void **state) {
        _der_ Der info = info_make(&usual), tbs = tbs_make();
        const SignatureAlgorithm *pss = algorithm("rsapss-sha256");
        uint8_t *der = NULL;
        size_t size;

        (void) state;
        assert_int_equal(eseal_finish(bytes(&info), TEXT("m"), pss, TEXT("v"), &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(eseal_sign_finish(bytes(&tbs), TEXT("s"), pss, TEXT("v"), &der, &size),
                         SEAL_E_INVALID_ARGS);
}

static void what_is_signed_is_bounded(void **state) {
        _der_ Der seal = seal_make("sm2-sm3"), info = info_make(&usual);
        char text[PROPERTY_INFO_MAX + 2];
        uint8_t *der = NULL;
        size_t size;

        (void) state;
        memset(text, 'a', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        assert_int_equal(eseal_sign_prepare(bytes(&seal), TIME, TEXT("d"), text, &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(eseal_sign_prepare(bytes(&seal), TIME, TEXT("d"), "", &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(eseal_sign_prepare(bytes(&seal), TIME, TEXT("d"), "章", &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(eseal_sign_prepare(bytes(&seal), TIME, TEXT(""), "a", &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(eseal_sign_prepare(bytes(&seal), TIME, (Bytes){ (uint8_t *) text, 65 },
                                            "a", &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(eseal_sign_prepare(bytes(&info), TIME, TEXT("d"), "a", &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_null(der);
        text[PROPERTY_INFO_MAX] = '\0';
        assert_int_equal(eseal_sign_prepare(bytes(&seal), TIME, (Bytes){ (uint8_t *) text, 64 },
                                            text, &der, &size),
                         0);
        free(der);
}

/* ---- what is read back ----------------------------------------------------------------------- */

static void the_documents_digest_is_read_back(void **state) {
        _der_ Der tbs = tbs_make(), seal = seal_make("sm2-sm3");
        TPM2B_DIGEST digest = {};

        (void) state;
        assert_int_equal(eseal_document_digest(bytes(&tbs), &digest), 0);
        assert_int_equal(digest.size, 29);
        assert_memory_equal(digest.buffer, "0123456789abcdef01234567890\0\0", 29);
        assert_int_equal(eseal_document_digest(bytes(&seal), &digest), SEAL_E_INVALID_ARGS);
        assert_int_equal(eseal_document_digest((Bytes){ tbs.data, tbs.size - 1 }, &digest),
                         SEAL_E_INVALID_ARGS);
}

/* What is signed has one encoding, so that it is what everybody takes it for. */
static void what_is_not_der_is_not_signed(void **state) {
        _der_ Der seal = seal_make("sm2-sm3"), tbs = tbs_make();
        uint8_t *der = NULL, longer[1024];
        TPM2B_DIGEST digest;
        size_t size;

        (void) state;
        for (int of_tbs = 0; of_tbs < 2; of_tbs++) {
                const Der *from = of_tbs ? &tbs : &seal;

                assert_true(from->data[1] > 0x80 && from->size < sizeof(longer));
                longer[0] = from->data[0];
                longer[1] = (uint8_t) (from->data[1] + 1); /* the length, in a byte more */
                longer[2] = 0;
                memcpy(longer + 3, from->data + 2, from->size - 2);
                const Bytes bytes = { longer, from->size + 1 };
                if (of_tbs)
                        assert_int_equal(eseal_document_digest(bytes, &digest),
                                         SEAL_E_INVALID_ARGS);
                else
                        assert_int_equal(
                                eseal_sign_prepare(bytes, TIME, TEXT("d"), "a", &der, &size),
                                SEAL_E_INVALID_ARGS);
        }
        assert_null(der);
}

/* Whoever approves a signature knows what is in it. */
static void what_we_do_not_write_is_not_signed(void **state) {
        _der_ Der tbs = tbs_make();
        TPM2B_DIGEST digest = {};

        (void) state;
        for (int untagged = 0; untagged < 2; untagged++) {
                _cleanup_(ses_tbsp)
                        SesTbs *parsed = ses_decode_whole(bytes(&tbs), ASN1_ITEM_rptr(SesTbs));
                _der_ Der more = {};

                assert_non_null(parsed);
                extension_push(untagged ? &parsed->extensions_untagged : &parsed->extensions,
                               "1.2.3.4", -1);
                parsed->encoding.modified = 1;
                assert_int_equal(ses_encode(parsed, ASN1_ITEM_rptr(SesTbs), &more.data, &more.size),
                                 0);
                assert_int_equal(eseal_document_digest(bytes(&more), &digest), SEAL_E_INVALID_ARGS);
        }
}

static void a_time_stamp_goes_in_behind_the_value(void **state) {
        _der_ Der signature = signature_make(), value = {}, stamped = {}, again = {};

        (void) state;
        assert_int_equal(eseal_signature_value(bytes(&signature), &value.data, &value.size), 0);
        assert_int_equal(value.size, 6);
        assert_memory_equal(value.data, "value\0", 6);
        assert_int_equal(eseal_add_timestamp(bytes(&signature), TEXT("token\0"), &stamped.data,
                                             &stamped.size),
                         0);
        assert_layout(bytes(&stamped),
                      "0 SEQUENCE\n" TBS_AT("1", "2") SIGNING_AT("1") "1 [0]\n2 BIT STRING\n");
        assert_contains(&stamped, TEXT("\xa0\x09\x03\x07\0token\0"));
        assert_int_equal(
                eseal_add_timestamp(bytes(&stamped), TEXT("another"), &again.data, &again.size), 0);
        assert_contains(&again, TEXT("\xa0\x0a\x03\x08\0another"));
        assert_null(memmem(again.data, again.size, "token", 5));
        /* Into a whole signature and nothing else. */
        _der_ Der tbs = tbs_make(), longer = { malloc(stamped.size + 1), stamped.size + 1 };
        const Bytes others[] = { bytes(&tbs), bytes(&longer), { stamped.data, stamped.size - 1 } };
        uint8_t *der = NULL;
        size_t size;
        assert_non_null(longer.data);
        memcpy(longer.data, stamped.data, stamped.size);
        longer.data[stamped.size] = 0;
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
                assert_int_equal(eseal_add_timestamp(others[i], TEXT("token"), &der, &size),
                                 SEAL_E_INVALID_ARGS);
                assert_int_equal(eseal_signature_value(others[i], &der, &size),
                                 SEAL_E_INVALID_ARGS);
        }
        assert_int_equal(eseal_add_timestamp(bytes(&signature), TEXT(""), &der, &size),
                         SEAL_E_INVALID_ARGS);
        assert_null(der);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_seal_has_the_layout_of_the_standard),
                cmocka_unit_test(a_signature_has_the_layout_of_the_standard),
                cmocka_unit_test(values_of_bits_keep_their_zeros),
                cmocka_unit_test(texts_and_times_are_as_they_were_given),
                cmocka_unit_test(algorithms_are_named_by_their_bare_identifiers),
                cmocka_unit_test(facts_beyond_their_bounds_are_refused),
                cmocka_unit_test(a_seal_is_finished_from_its_own_bytes_only),
                cmocka_unit_test(pss_has_no_place_in_the_structure),
                cmocka_unit_test(what_is_signed_is_bounded),
                cmocka_unit_test(the_documents_digest_is_read_back),
                cmocka_unit_test(what_is_not_der_is_not_signed),
                cmocka_unit_test(what_we_do_not_write_is_not_signed),
                cmocka_unit_test(a_time_stamp_goes_in_behind_the_value),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
