/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal-verify.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "format/x509-crl.h"
#include "policy/openssl.h"
#include "tests/fixture/eseal.h"
#include "tests/fixture/stamper.h"
#include "tests/unit/unit.h"

/* As a register has it: a maker who certifies himself and the seal's key. */
typedef struct Office {
        Signer maker, seal;
        uint8_t *crl;
        size_t crl_size;
} Office;

enum { SM2, P256, P384, RSA2048, OFFICES };
static const char *const algorithms[] = { "sm2-sm3", "ecdsa-sha256", "ecdsa-sha384",
                                          "rsassa-sha256" };
static Office offices[OFFICES];
static Stamper stamper;

static void crl_make(Office *office, const X509CrlEntry *entries, size_t count) {
        const X509CrlFacts facts = {
                .algorithm = office->maker.algorithm,
                .issuer = signer_certificate(&office->maker),
                .number = 1,
                .this_update = SIGNER_TIME + USEC_PER_DAY,
                .next_update = SIGNER_TIME + 30 * USEC_PER_DAY,
                .expired_since = SIGNER_TIME - USEC_PER_DAY,
                .entries = entries,
                .entry_count = count,
        };
        _cleanup_free_ uint8_t *tbs = NULL;
        size_t size = 0;

        assert_int_equal(x509_crl_prepare(&facts, &tbs, &size, NULL), 0);
        free(office->crl);
        office->crl = signer_finish(&office->maker, (Bytes){ tbs, size }, &office->crl_size);
}

static int offices_open(void **state) {
        (void) state;
        stamper_make(&stamper);
        for (size_t i = 0; i < OFFICES; i++) {
                signer_make(&offices[i].maker, algorithms[i], "Seal maker");
                signer_make(&offices[i].seal, algorithms[i], "50011200000001");
                signer_certify(&offices[i].maker, NULL, X509_USE_MAKER);
                signer_certify(&offices[i].seal, &offices[i].maker, X509_USE_SEAL);
                crl_make(&offices[i], NULL, 0);
        }
        return 0;
}

static int offices_close(void **state) {
        (void) state;
        stamper_done(&stamper);
        for (size_t i = 0; i < OFFICES; i++) {
                signer_done(&offices[i].maker);
                signer_done(&offices[i].seal);
                free(offices[i].crl);
        }
        return 0;
}

static SealMaking making_of(const Office *office) {
        return (SealMaking){ .maker = &office->maker, .signer = &office->seal };
}

/* ---- verifying --------------------------------------------------------------------------------- */

/* Large, and only one is looked at at a time. */
static VerifyReport report;

static VerifyDocument document_of(const Office *office, const char *text) {
        VerifyDocument document = { .count = 1 };
        unsigned size;

        assert_int_equal(EVP_Digest(text, strlen(text), document.digests[0].digest, &size,
                                    signature_algorithm_md(office->seal.algorithm), NULL),
                         1);
        document.digests[0].hash = office->seal.algorithm->hash;
        document.digests[0].size = size;
        return document;
}

/* Of a document with this text, believing the maker; at a time (0: as the file says, or now). */
static Verdict verify_at(const Office *office, Bytes file, const char *text, uint64_t at) {
        const Bytes anchors[] = { signer_certificate(&office->maker) };
        const Bytes crls[] = { { office->crl, office->crl_size } };
        const VerifyDocument document = document_of(office, text);
        const VerifyTrust trust = {
                .anchors = { anchors, 1 },
                .crls = { crls, 1 },
                .timestamp_anchors = { &stamper.certificates[1], 1 },
                .at = at,
                .now = SIGNER_TIME + 2 * USEC_PER_DAY,
        };

        assert_int_equal(eseal_verify(file, &document, &trust, &report), 0);
        assert_int_equal(ERR_peek_error(), 0); /* nothing is left for the next to stumble over */
        return verify_verdict(&report);
}

static Verdict verify(const Office *office, const Made *file) {
        return verify_at(office, made_bytes(file), DOCUMENT_TEXT, 0);
}

static void assert_row(CheckCode code, CheckResult result, const char *words) {
        if (verify_result(&report, code) != result || !strstr(report.checks[code].text, words))
                fail_msg("%s: %s, \"%s\"; not %s, \"%s\"", check_word(code),
                         check_result_word(verify_result(&report, code)), report.checks[code].text,
                         check_result_word(result), words);
}

/* No row but the register's failed or was left out, and these (0-terminated) are otherwise. */
static void assert_all_good_but(const CheckCode *others, size_t count) {
        for (CheckCode code = 0; code < CHECK_MAX; code++) {
                const CheckResult result = verify_result(&report, code);
                bool named = code == CHECK_SEAL_STATE;

                for (size_t i = 0; i < count; i++)
                        named = named || others[i] == code;
                if (!named && result != CHECK_PASSED && result != CHECK_ABSENT &&
                    result != CHECK_NOT_APPLICABLE)
                        fail_msg("%s: %s, %s", check_word(code), check_result_word(result),
                                 report.checks[code].text);
        }
}

#define assert_all_good() assert_all_good_but(NULL, 0)
#define assert_fails_only(code, words)                           \
        do {                                                     \
                assert_row(code, CHECK_FAILED, words);           \
                assert_all_good_but((CheckCode[]){ (code) }, 1); \
        } while (0)

/* Exactly these deviations. */
static void assert_deviations(const DeviationCode *codes, size_t count) {
        for (size_t i = 0; i < count; i++)
                assert_true(verify_deviated(&report, codes[i]));
        for (size_t i = 0; i < report.deviation_count; i++) {
                bool named = false;

                for (size_t j = 0; j < count; j++)
                        named = named || codes[j] == report.deviations[i].code;
                if (!named)
                        fail_msg("deviation %s", deviation_word(report.deviations[i].code));
        }
}

#define DEVIATIONS(...)                   \
        (DeviationCode[]){ __VA_ARGS__ }, \
                sizeof((DeviationCode[]){ __VA_ARGS__ }) / sizeof(DeviationCode)

/* ---- what is good ------------------------------------------------------------------------------- */

static void ours_of_every_algorithm_is_good(void **state) {
        (void) state;
        for (size_t i = 0; i < OFFICES; i++) {
                const SealMaking making = making_of(&offices[i]);
                _made_ Made seal = made_seal(&making), signature = made_signature(&making);

                (void) verify_at(&offices[i], made_bytes(&seal), "", SIGNER_TIME);
                assert_all_good();
                assert_int_equal(report.kind, VERIFY_SEAL);
                assert_int_equal(verify_result(&report, CHECK_SIGNATURE_VALUE),
                                 CHECK_NOT_APPLICABLE);
                (void) verify(&offices[i], &signature);
                assert_all_good();
                assert_int_equal(report.kind, VERIFY_SIGNATURE);
                assert_row(CHECK_TIMESTAMP, CHECK_ABSENT, "no time stamp");
                assert_row(CHECK_SEAL_EXTENSIONS, CHECK_ABSENT, "none");
                assert_row(CHECK_DOCUMENT_HASH, CHECK_PASSED, offices[i].seal.algorithm->hash);
                assert_row(CHECK_REVOCATION, CHECK_PASSED, "not revoked");
                assert_string_equal(report.facts.algorithm, algorithms[i]);
                assert_string_equal(eseal_document_hash(made_bytes(&signature)),
                                    offices[i].seal.algorithm->hash);
        }
}

static void with_another_algorithm_it_is_labelled(void **state) {
        (void) state;
        for (size_t i = 0; i < OFFICES; i++) {
                const SealMaking making = making_of(&offices[i]);
                _made_ Made seal = made_seal(&making), signature = made_signature(&making);

                assert_string_equal(eseal_profile(made_bytes(&seal)),
                                    i == SM2 ? ESEAL_PROFILE_SM : ESEAL_PROFILE_OTHER);
                (void) verify(&offices[i], &signature);
                assert_string_equal(report.facts.profile,
                                    i == SM2 ? ESEAL_PROFILE_SM : ESEAL_PROFILE_OTHER);
                assert_int_equal(verify_deviated(&report, DEVIATION_NON_SM_ALGORITHM), i != SM2);
        }
}

/* By the P-256 maker, where the chip has no SM2 for him. */
static void one_algorithm_of_both_is_not_enough(void **state) {
        const SealMaking making = { .maker = &offices[P256].maker, .signer = &offices[SM2].seal };
        _made_ Made seal = made_seal(&making), signature = made_signature(&making);

        (void) state;
        assert_string_equal(eseal_profile(made_bytes(&seal)), ESEAL_PROFILE_OTHER);
        (void) verify(&offices[SM2], &signature);
        assert_row(CHECK_SIGNATURE_VALUE, CHECK_PASSED, "sm2-sm3");
        assert_row(CHECK_SEAL_SIGNATURE, CHECK_PASSED, "ecdsa-sha256");
        assert_string_equal(report.facts.profile, ESEAL_PROFILE_OTHER);
        const SealMaking reverse = { .maker = &offices[SM2].maker, .signer = &offices[P256].seal };
        _made_ Made esl = made_seal(&reverse), made = made_signature(&reverse);
        assert_string_equal(eseal_profile(made_bytes(&esl)), ESEAL_PROFILE_OTHER);
        (void) verify_at(&offices[SM2], made_bytes(&esl), "", SIGNER_TIME);
        assert_string_equal(report.facts.profile, ESEAL_PROFILE_OTHER);
        assert_true(verify_deviated(&report, DEVIATION_NON_SM_ALGORITHM));
        (void) verify(&offices[P256], &made);
        assert_string_equal(report.facts.profile, ESEAL_PROFILE_OTHER);
        assert_true(verify_deviated(&report, DEVIATION_NON_SM_ALGORITHM));
}

static void what_a_seal_says_is_told(void **state) {
        const SealMaking making = making_of(&offices[SM2]);
        _made_ Made signature = made_signature(&making);
        const VerifyFacts *facts = &report.facts;

        (void) state;
        (void) verify(&offices[SM2], &signature);
        assert_string_equal(facts->seal_number, "50011200000001");
        assert_string_equal(facts->seal_name, "合同专用章");
        assert_string_equal(facts->seal_vendor, "another");
        assert_string_equal(facts->seal_type, "4");
        assert_non_null(strstr(facts->seal_maker, "CN=Seal maker"));
        assert_non_null(strstr(facts->subject, "CN=50011200000001"));
        assert_string_equal(facts->picture_type, "PNG");
        assert_int_equal(facts->picture_width, 42);
        assert_int_equal(facts->picture_height, 42);
        assert_int_equal(facts->seal_not_before, SIGNER_TIME);
        assert_int_equal(facts->seal_not_after, SIGNER_TIME + 365 * USEC_PER_DAY);
        assert_string_equal(facts->property_info, "/Doc_0/Signature.xml");
        assert_string_equal(facts->hash, "sm3");
        assert_int_equal(facts->claimed, SIGNER_TIME);
        assert_int_equal(facts->time, SIGNER_TIME);
        assert_int_equal(facts->time_source, VERIFY_TIME_CLAIMED);
}

/* ---- GM/T 0031-2014 ------------------------------------------------------------------------------ */

static void of_2014_is_read_as_well(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.is_2014 = true;
        _made_ Made seal = made_seal(&making), signature = made_signature(&making);
        (void) verify_at(&offices[SM2], made_bytes(&seal), "", SIGNER_TIME);
        assert_all_good();
        assert_string_equal(report.facts.profile, "GM/T 0031-2014");
        assert_deviations(NULL, 0);
        (void) verify(&offices[SM2], &signature);
        assert_all_good();
        assert_string_equal(report.facts.profile, "GM/T 0031-2014");
        assert_int_equal(report.facts.claimed, SIGNER_TIME);
        assert_deviations(NULL, 0);
        assert_string_equal(eseal_document_hash(made_bytes(&signature)), "sm3");
}

static const char *claim;

static void claim_change(SesTbs2014 *tbs) {
        assert_true(ses_put_bits(tbs->time, (Bytes){ (const uint8_t *) claim, strlen(claim) }));
}

/* As one maker writes it, without its offset. */
static void a_time_of_2014_is_any_text(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.is_2014 = true;
        making.tbs_2014 = claim_change;
        claim = "2023-11-14T22:13:20.377";
        _made_ Made text = made_signature(&making);
        (void) verify(&offices[SM2], &text);
        assert_all_good();
        assert_int_equal(report.facts.claimed, SIGNER_TIME + 377000);
        assert_deviations(DEVIATIONS(DEVIATION_TIME_FORMAT));
        claim = "\x30\x03\x02\x01\x01";
        _made_ Made token = made_signature(&making);
        (void) verify(&offices[SM2], &token);
        assert_row(CHECK_TIMESTAMP, CHECK_NOT_CHECKED, "GM/T 0031-2014");
        assert_int_equal(report.facts.claimed, 0);
        /* Not what a person at a keyboard may say. */
        claim = "+1d";
        _made_ Made word = made_signature(&making);
        (void) verify(&offices[SM2], &word);
        assert_row(CHECK_TIMESTAMP, CHECK_NOT_CHECKED, "no text that can be read");
}

/* ---- what others do otherwise --------------------------------------------------------------------- */

static void other_spellings_of_a_signature_are_tolerated(void **state) {
        (void) state;
        for (size_t i = SM2; i <= P256; i++)
                for (int is_2014 = 0; is_2014 < 2; is_2014++) {
                        SealMaking making = making_of(&offices[i]);

                        making.is_2014 = is_2014;
                        making.respell = respell_raw;
                        _made_ Made raw = made_signature(&making);
                        (void) verify(&offices[i], &raw);
                        assert_all_good();
                        assert_true(verify_deviated(&report, DEVIATION_RAW_SIGNATURE));
                        assert_non_null(strstr(report.deviations[0].text, "the seal"));
                        making.respell = respell_padded;
                        _made_ Made padded = made_signature(&making);
                        (void) verify(&offices[i], &padded);
                        assert_all_good();
                        assert_true(verify_deviated(&report, DEVIATION_NON_MINIMAL_INTEGER));
                        assert_false(verify_deviated(&report, DEVIATION_RAW_SIGNATURE));
                }
}

static void seal_extension_usual(SesInfo *info) {
        extension_push(&info->extensions, "1.2.156.112600.7.1", -1);
}

static void seal_extension_tagged(SesInfo *info) {
        extension_push(&info->extensions_tagged, "1.2.156.112600.7.1", -1);
}

static void signature_extension_usual(SesTbs *tbs) {
        extension_push(&tbs->extensions, "1.2.156.112600.7.1", -1);
}

static void signature_extension_untagged(SesTbs *tbs) {
        extension_push(&tbs->extensions_untagged, "1.2.156.112600.7.1", -1);
}

static void either_tag_of_extensions_is_read(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.info = seal_extension_usual;
        making.tbs = signature_extension_usual;
        _made_ Made usual = made_signature(&making);
        (void) verify(&offices[SM2], &usual);
        assert_all_good();
        assert_row(CHECK_SEAL_EXTENSIONS, CHECK_PASSED, "(2)");
        assert_deviations(NULL, 0);
        making.info = seal_extension_tagged;
        _made_ Made tagged = made_signature(&making);
        (void) verify(&offices[SM2], &tagged);
        assert_all_good();
        assert_row(CHECK_SEAL_EXTENSIONS, CHECK_PASSED, "(2)");
        assert_deviations(DEVIATIONS(DEVIATION_EXTDATAS_TAG));
        assert_non_null(strstr(report.deviations[0].text, "the seal"));
        making.info = NULL;
        making.tbs = signature_extension_untagged;
        _made_ Made untagged = made_signature(&making);
        (void) verify(&offices[SM2], &untagged);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_EXTDATAS_TAG));
        assert_non_null(strstr(report.deviations[0].text, "the signature"));
}

static void seal_extensions_twice(SesInfo *info) {
        seal_extension_usual(info);
        seal_extension_tagged(info);
}

static void seal_extensions_many(SesInfo *info) {
        for (int i = 0; i <= ESEAL_EXTENSIONS_MAX; i++)
                seal_extension_usual(info);
}

static void seal_extension_written_out(SesInfo *info) {
        extension_push(&info->extensions, "1.2.156.112600.7.1", 0);
}

static void seal_extension_critical(SesInfo *info) {
        extension_push(&info->extensions, "1.2.156.112600.7.1", 0);
        extension_push(&info->extensions, "1.2.156.112600.7.2", 0xff);
}

static void seal_extension_critical_tagged(SesInfo *info) {
        extension_push(&info->extensions_tagged, "1.2.156.112600.7.2", 0x01);
}

static void signature_extension_critical(SesTbs *tbs) {
        extension_push(&tbs->extensions, "1.2.156.112600.7.3", 0xff);
}

static void extensions_that_say_they_are_not_critical_are_tolerated(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.info = seal_extension_written_out;
        _made_ Made signature = made_signature(&making);
        (void) verify(&offices[SM2], &signature);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_CRITICAL_ENCODED));
}

static void an_unknown_critical_extension_fails(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.info = seal_extension_critical;
        _made_ Made seal = made_seal(&making);
        (void) verify_at(&offices[SM2], made_bytes(&seal), "", SIGNER_TIME);
        assert_fails_only(CHECK_SEAL_EXTENSIONS, "1.2.156.112600.7.2");
        making.info = seal_extension_critical_tagged;
        _made_ Made tagged = made_signature(&making);
        (void) verify(&offices[SM2], &tagged);
        assert_fails_only(CHECK_SEAL_EXTENSIONS, "1.2.156.112600.7.2");
        assert_deviations(DEVIATIONS(DEVIATION_EXTDATAS_TAG, DEVIATION_NOT_DER));
        making.info = NULL;
        making.tbs = signature_extension_critical;
        _made_ Made signature = made_signature(&making);
        (void) verify(&offices[SM2], &signature);
        assert_fails_only(CHECK_SEAL_EXTENSIONS, "1.2.156.112600.7.3");
}

/* A file that is refused has told nothing of itself as checked. */
static void assert_structure_fails(const Office *office, const Made *file, const char *words) {
        assert_int_equal(verify_at(office, made_bytes(file), DOCUMENT_TEXT, SIGNER_TIME),
                         VERDICT_FAILED);
        assert_row(CHECK_STRUCTURE, CHECK_FAILED, words);
        for (CheckCode code = 0; code < CHECK_MAX; code++)
                if (code != CHECK_STRUCTURE)
                        assert_true(verify_result(&report, code) == CHECK_NOT_CHECKED ||
                                    verify_result(&report, code) == CHECK_NOT_APPLICABLE);
        assert_null(eseal_document_hash(made_bytes(file)));
}

static void extensions_are_there_once_and_bounded(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.info = seal_extensions_twice;
        _made_ Made twice = made_seal(&making);
        assert_structure_fails(&offices[SM2], &twice, "twice");
        making.info = seal_extensions_many;
        _made_ Made many = made_seal(&making);
        assert_structure_fails(&offices[SM2], &many, "too many");
}

static void picture_type_set(SesInfo *info, const char *type) {
        assert_int_equal(ASN1_STRING_set(info->picture->type, type, -1), 1);
}

static void type_small(SesInfo *info) {
        picture_type_set(info, "png");
}

static void type_jpeg(SesInfo *info) {
        picture_type_set(info, "JPG");
}

static void type_gif(SesInfo *info) {
        picture_type_set(info, "Gif");
}

static void type_other(SesInfo *info) {
        picture_type_set(info, "TIFF");
}

static void type_long(SesInfo *info) {
        picture_type_set(info, "PNGPNGPNGPNGPNGPNGPNGPNGPNGPNGPNGPNG");
}

static void picture_types_are_told_in_any_case(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.info = type_small;
        _made_ Made png = made_signature(&making);
        (void) verify(&offices[SM2], &png);
        assert_all_good();
        assert_row(CHECK_SEAL_PICTURE, CHECK_PASSED, "PNG of 3 by 2 pixels");
        assert_deviations(DEVIATIONS(DEVIATION_PICTURE_TYPE_CASE));
        making.info = type_gif;
        making.picture = (Bytes){ (const uint8_t *) "GIF89a", 6 };
        _made_ Made gif = made_signature(&making);
        (void) verify(&offices[SM2], &gif);
        assert_all_good();
        assert_row(CHECK_SEAL_PICTURE, CHECK_PASSED, "begins as its type (GIF) says");
        assert_deviations(DEVIATIONS(DEVIATION_PICTURE_TYPE_CASE));
}

static void a_picture_is_what_its_type_says(void **state) {
        static const struct {
                void (*info)(SesInfo *info);
                const char *picture; /* NULL: PNG */
                CheckResult result;
                const char *words;
        } cases[] = {
                { type_jpeg, NULL, CHECK_FAILED, "Its type says JPG, and it is PNG" },
                { type_gif, NULL, CHECK_FAILED, "does not begin as its type (GIF)" },
                { type_other, NULL, CHECK_NOT_CHECKED, "not known here" },
                { type_long, NULL, CHECK_FAILED, "no word" },
                { type_small, "\x89PNG\r\n\x1a\n", CHECK_FAILED, "damaged" },
                { type_small, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'><script/>",
                  CHECK_FAILED, "script" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                SealMaking making = making_of(&offices[SM2]);

                making.info = cases[i].info;
                if (cases[i].picture)
                        making.picture = (Bytes){ (const uint8_t *) cases[i].picture,
                                                  strlen(cases[i].picture) };
                _made_ Made signature = made_signature(&making);
                (void) verify(&offices[SM2], &signature);
                assert_row(CHECK_SEAL_PICTURE, cases[i].result, cases[i].words);
                assert_all_good_but((CheckCode[]){ CHECK_SEAL_PICTURE }, 1);
        }
}

static void time_fraction(SesTbs *tbs) {
        assert_int_equal(ASN1_STRING_set(tbs->time, "20231114221320.5Z", -1), 1);
}

static void time_nonsense(SesTbs *tbs) {
        assert_int_equal(ASN1_STRING_set(tbs->time, "20231314221320Z", -1), 1);
}

static void times_are_tolerated_as_long_as_they_are_some(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.tbs = time_fraction;
        _made_ Made fraction = made_signature(&making);
        (void) verify(&offices[SM2], &fraction);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_TIME_FORMAT));
        making.tbs = time_nonsense;
        _made_ Made nonsense = made_signature(&making);
        assert_structure_fails(&offices[SM2], &nonsense, "time of the signature");
}

static void algorithm_older(SesSignature *whole) {
        whole->algorithm = OBJ_txt2obj("1.2.156.10197.1.301.1", 1);
}

static void another_name_of_sm2_is_tolerated(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.whole = algorithm_older;
        _made_ Made signature = made_signature(&making);
        (void) verify(&offices[SM2], &signature);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_ALGORITHM_IDENTIFIER));
}

/* What is stamped in the place of the value; size 0: the value. */
static Bytes stamped_instead;

static ASN1_BIT_STRING *stamp_make(const SesSignature *whole) {
        const Bytes value = stamped_instead.size > 0 ? stamped_instead : ses_bytes(whole->value);
        ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
        size_t size = 0;

        uint8_t *token = stamper_token(&stamper, value, &size);
        assert_non_null(bits);
        assert_true(ses_put_bits(bits, (Bytes){ token, size }));
        free(token);
        return bits;
}

static void stamp_usual(SesSignature *whole) {
        whole->stamp = stamp_make(whole);
}

static void stamp_untagged(SesSignature *whole) {
        whole->stamp_untagged = stamp_make(whole);
}

static void stamp_twice(SesSignature *whole) {
        stamp_usual(whole);
        stamp_untagged(whole);
}

static void stamp_nonsense(SesSignature *whole) {
        whole->stamp = ASN1_BIT_STRING_new();
        assert_true(ses_put_bits(whole->stamp, (Bytes){ (const uint8_t *) "token", 5 }));
}

/* In our own two steps, and in one as others make it. */
static void a_time_stamp_proves_the_time(void **state) {
        SealMaking making = making_of(&offices[SM2]);
        _made_ Made plain = made_signature(&making), value = {}, token = {}, stamped = {};

        (void) state;
        stamper.time = SIGNER_TIME + 3 * USEC_PER_SEC;
        assert_int_equal(eseal_signature_value(made_bytes(&plain), &value.data, &value.size), 0);
        token.data = stamper_token(&stamper, made_bytes(&value), &token.size);
        assert_int_equal(eseal_add_timestamp(made_bytes(&plain), made_bytes(&token), &stamped.data,
                                             &stamped.size),
                         0);
        (void) verify(&offices[SM2], &stamped);
        assert_all_good();
        assert_row(CHECK_TIMESTAMP, CHECK_PASSED, "It was there at");
        assert_int_equal(report.facts.stamped, stamper.time);
        assert_int_equal(report.facts.time, stamper.time);
        assert_int_equal(report.facts.time_source, VERIFY_TIME_STAMPED);
        making.whole = stamp_usual;
        _made_ Made again = made_signature(&making);
        (void) verify(&offices[SM2], &again);
        assert_all_good();
        assert_row(CHECK_TIMESTAMP, CHECK_PASSED, "It was there at");
        assert_deviations(NULL, 0);
}

/* Which is when the seal and both certificates are judged, whatever the signer claims. */
static void the_time_that_is_proven_counts(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        stamper.time = SIGNER_TIME - 10 * USEC_PER_SEC;
        making.whole = stamp_usual;
        _made_ Made signature = made_signature(&making);
        (void) verify(&offices[SM2], &signature);
        assert_int_equal(report.facts.claimed, SIGNER_TIME);
        assert_row(CHECK_TIMESTAMP, CHECK_PASSED, "");
        assert_fails_only(CHECK_SEAL_VALIDITY, "not valid yet");
        stamper.time = SIGNER_TIME;
}

static void a_time_stamp_is_of_this_signature(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        stamped_instead = (Bytes){ (const uint8_t *) "another", 7 };
        making.whole = stamp_usual;
        _made_ Made other = made_signature(&making);
        stamped_instead = (Bytes){};
        (void) verify(&offices[SM2], &other);
        assert_fails_only(CHECK_TIMESTAMP, "");
        assert_int_equal(report.facts.time_source, VERIFY_TIME_CLAIMED);
        making.whole = stamp_nonsense;
        _made_ Made nonsense = made_signature(&making);
        (void) verify(&offices[SM2], &nonsense);
        assert_fails_only(CHECK_TIMESTAMP, "");
}

static void a_time_stamp_without_its_tag_is_tolerated(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.whole = stamp_untagged;
        _made_ Made untagged = made_signature(&making);
        (void) verify(&offices[SM2], &untagged);
        assert_all_good();
        assert_row(CHECK_TIMESTAMP, CHECK_PASSED, "It was there at");
        assert_deviations(DEVIATIONS(DEVIATION_UNTAGGED_TIMESTAMP));
        /* Another one takes its place. */
        _made_ Made value = {}, token = {}, stamped = {};
        assert_int_equal(eseal_signature_value(made_bytes(&untagged), &value.data, &value.size), 0);
        token.data = stamper_token(&stamper, made_bytes(&value), &token.size);
        assert_int_equal(eseal_add_timestamp(made_bytes(&untagged), made_bytes(&token),
                                             &stamped.data, &stamped.size),
                         0);
        (void) verify(&offices[SM2], &stamped);
        assert_all_good();
        assert_deviations(NULL, 0);
        making.whole = stamp_twice;
        _made_ Made twice = made_signature(&making);
        assert_structure_fails(&offices[SM2], &twice, "two time stamps");
}

static void bytes_behind_the_end_are_told(void **state) {
        SealMaking making = making_of(&offices[SM2]);
        _made_ Made signature = made_signature(&making);

        (void) state;
        made_append(&signature, "\0", 1);
        (void) verify(&offices[SM2], &signature);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_TRAILING_BYTES));
}

/* The outermost length in a byte more than it takes. */
static void what_is_not_der_is_told(void **state) {
        SealMaking making = making_of(&offices[SM2]);
        _made_ Made signature = made_signature(&making), longer = {};

        (void) state;
        assert_int_equal(signature.data[1], 0x82);
        made_append(&longer, "\x30\x83\0", 3);
        made_append(&longer, signature.data + 2, signature.size - 2);
        (void) verify(&offices[SM2], &longer);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_NOT_DER));
}

/* ---- versions ------------------------------------------------------------------------------------- */

static long version;

static void version_change(SesInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(info->header->version, version), 1);
}

static void a_version_that_is_not_known_is_refused_by_name(void **state) {
        static const struct {
                long version;
                bool is_2014;
                const char *words;
        } cases[] = {
                { 5, false, "version 5 (GM/T 0031-2025)" },
                { 6, false, "version 6, which is not known" },
                { 3, false, "version 3, which is not known" },
                { 2, true, "version 2, which is not known" },
                { 4, true, "begins as one of GB/T 38540-2020" },
                { 1, false, "begins as one of GM/T 0031-2014" },
                { -7, false, "version -7, which is not known" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                SealMaking making = making_of(&offices[SM2]);

                making.info = version_change;
                making.is_2014 = cases[i].is_2014;
                version = cases[i].version;
                _made_ Made seal = made_seal(&making), signature = made_signature(&making);
                assert_structure_fails(&offices[SM2], &seal, cases[i].words);
                assert_int_equal(report.kind, VERIFY_SEAL);
                assert_structure_fails(&offices[SM2], &signature, cases[i].words);
                assert_int_equal(report.kind, VERIFY_SIGNATURE);
        }
}

/* GM/T 0031-2025 adds [0] timeStamp to the seal: five elements. */
static void a_seal_of_2025_with_its_time_stamp_is_refused_by_name(void **state) {
        SealMaking making = making_of(&offices[SM2]);
        _made_ Made seal = {}, longer = {};

        (void) state;
        making.info = version_change;
        version = 5;
        seal = made_seal(&making);
        const size_t size = seal.size - 4 + 6;
        made_append(&longer, (uint8_t[]){ 0x30, 0x82, (uint8_t) (size >> 8), (uint8_t) size }, 4);
        made_append(&longer, seal.data + 4, seal.size - 4);
        made_append(&longer, "\xa0\x04\x03\x02\x00t", 6);
        assert_structure_fails(&offices[SM2], &longer, "version 5 (GM/T 0031-2025)");
}

static void tbs_version_change(SesTbs *tbs) {
        assert_int_equal(ASN1_INTEGER_set(tbs->version, 5), 1);
}

static void tbs_version_change_2014(SesTbs2014 *tbs) {
        assert_int_equal(ASN1_INTEGER_set(tbs->version, 4), 1);
}

static void a_signature_is_of_its_seals_version(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.tbs = tbs_version_change;
        making.tbs_2014 = tbs_version_change_2014;
        _made_ Made new = made_signature(&making);
        assert_structure_fails(&offices[SM2], &new, "another than its seal's");
        making.is_2014 = true;
        _made_ Made old = made_signature(&making);
        assert_structure_fails(&offices[SM2], &old, "another than its seal's");
}

/* ---- what fails ------------------------------------------------------------------------------------ */

/* The last byte: s is another number. */
static void value_flip(ASN1_BIT_STRING *value) {
        value->data[value->length - 1] ^= 1;
}

static void seal_value_flip(SesSeal *seal) {
        value_flip(seal->value);
}

static void value_of_signer_flip(SesSignature *whole) {
        value_flip(whole->value);
}

static void a_signature_that_does_not_fit_fails_in_its_row(void **state) {
        (void) state;
        for (size_t i = 0; i < OFFICES; i++) {
                SealMaking making = making_of(&offices[i]);

                making.seal = seal_value_flip;
                _made_ Made seal = made_signature(&making);
                (void) verify(&offices[i], &seal);
                assert_fails_only(CHECK_SEAL_SIGNATURE, "of the seal's maker over these bytes");
                making.seal = NULL;
                making.whole = value_of_signer_flip;
                _made_ Made signature = made_signature(&making);
                (void) verify(&offices[i], &signature);
                assert_fails_only(CHECK_SIGNATURE_VALUE, "of the signer over these bytes");
        }
}

static void algorithm_other(SesSignature *whole) {
        whole->algorithm = OBJ_nid2obj(NID_ecdsa_with_SHA256);
}

static void algorithm_unknown(SesSignature *whole) {
        whole->algorithm = OBJ_nid2obj(NID_sha256);
}

static void an_algorithm_is_one_of_the_key(void **state) {
        void (*const changes[])(SesSignature *) = { algorithm_other, algorithm_unknown };

        (void) state;
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                SealMaking making = making_of(&offices[SM2]);

                making.whole = changes[i];
                _made_ Made signature = made_signature(&making);
                (void) verify(&offices[SM2], &signature);
                assert_row(CHECK_SIGNATURE_VALUE, CHECK_FAILED, "not known, or not one of the key");
                assert_row(CHECK_DOCUMENT_HASH, CHECK_NOT_CHECKED, "without the signature's");
                assert_null(eseal_document_hash(made_bytes(&signature)));
        }
}

static void another_document_fails(void **state) {
        const SealMaking making = making_of(&offices[SM2]);
        _made_ Made signature = made_signature(&making);
        const VerifyTrust trust = { .now = SIGNER_TIME };

        (void) state;
        (void) verify_at(&offices[SM2], made_bytes(&signature), "another", 0);
        assert_fails_only(CHECK_DOCUMENT_HASH, "another document");
        assert_int_equal(eseal_verify(made_bytes(&signature), NULL, &trust, &report), 0);
        assert_row(CHECK_DOCUMENT_HASH, CHECK_NOT_CHECKED, "no document at hand");
        assert_row(CHECK_CERTIFICATE_CHAIN, CHECK_NOT_CHECKED, "");
}

static void hash_cut(SesTbs *tbs) {
        assert_true(ses_put_bits(tbs->hash, (Bytes){ tbs->hash->data, 31 }));
}

static void a_hash_of_another_size_fails(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.tbs = hash_cut;
        _made_ Made signature = made_signature(&making);
        (void) verify(&offices[SM2], &signature);
        assert_fails_only(CHECK_DOCUMENT_HASH, "another document");
}

static void a_seal_is_valid_when_it_was_used(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        making.time = SIGNER_TIME - 10 * USEC_PER_SEC;
        _made_ Made early = made_signature(&making);
        (void) verify(&offices[SM2], &early);
        assert_fails_only(CHECK_SEAL_VALIDITY, "not valid yet");
        making.time = SIGNER_TIME + 365 * USEC_PER_DAY;
        _made_ Made last = made_signature(&making);
        (void) verify_at(&offices[SM2], made_bytes(&last), "", making.time);
        assert_row(CHECK_SEAL_VALIDITY, CHECK_PASSED, "valid from");
        making.time += USEC_PER_SEC;
        _made_ Made late = made_signature(&making);
        (void) verify_at(&offices[SM2], made_bytes(&late), "", making.time);
        assert_row(CHECK_SEAL_VALIDITY, CHECK_FAILED, "not valid any more");
        /* Of a seal alone now is asked, or the time that is named. */
        _made_ Made seal = made_seal(&making);
        (void) verify(&offices[SM2], &seal);
        assert_row(CHECK_SEAL_VALIDITY, CHECK_PASSED, "valid from");
        (void) verify_at(&offices[SM2], made_bytes(&seal), "", SIGNER_TIME - USEC_PER_SEC);
        assert_row(CHECK_SEAL_VALIDITY, CHECK_FAILED, "not valid yet");
}

static void revoked_certificates_fail_each_in_its_row(void **state) {
        Office *office = &offices[P384];
        const SealMaking making = making_of(office);
        _made_ Made signature = made_signature(&making);
        _cleanup_(X509_freep) X509 *certificate = NULL;
        const unsigned char *at = office->seal.certificate;

        (void) state;
        certificate = d2i_X509(NULL, &at, (long) office->seal.certificate_size);
        const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
        const X509CrlEntry entry = { ses_bytes(serial), SIGNER_TIME - USEC_PER_SEC,
                                     X509_REASON_KEY_COMPROMISE };
        crl_make(office, &entry, 1);
        (void) verify(office, &signature);
        assert_fails_only(CHECK_REVOCATION, "keyCompromise");
        crl_make(office, NULL, 0);
}

/* ---- whose certificate ------------------------------------------------------------------------------ */

static const Signer *stranger;

static void listed_set(SesProperty *property, const Signer *signer) {
        const Bytes der = signer_certificate(signer);
        SesListed *listed = sk_SesListed_value(property->list, 0);

        assert_int_equal(ASN1_STRING_set(listed->d.certificate, der.data, (int) der.size), 1);
}

static void list_stranger(SesInfo *info) {
        listed_set(info->property, stranger);
}

static void list_more(SesInfo *info) {
        const Bytes der = signer_certificate(stranger);
        SesListed *listed = (SesListed *) ASN1_item_new(ASN1_ITEM_rptr(SesListed));

        listed->type = SES_LISTED_CERTIFICATE;
        listed->d.certificate = ASN1_OCTET_STRING_new();
        assert_int_equal(ASN1_STRING_set(listed->d.certificate, der.data, (int) der.size), 1);
        /* In front, so that the second is the signer's. */
        assert_true(sk_SesListed_insert(info->property->list, listed, 0) > 0);
}

static void list_many(SesInfo *info) {
        for (int i = 0; i < ESEAL_LISTED_MAX; i++)
                list_more(info);
}

static void list_nothing(SesInfo *info) {
        ASN1_item_free((ASN1_VALUE *) sk_SesListed_pop(info->property->list),
                       ASN1_ITEM_rptr(SesListed));
}

static void the_signer_is_one_of_those_listed(void **state) {
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        stranger = &offices[SM2].maker;
        making.info = list_more;
        _made_ Made two = made_signature(&making);
        (void) verify(&offices[SM2], &two);
        assert_all_good();
        making.info = list_stranger;
        _made_ Made other = made_signature(&making);
        (void) verify(&offices[SM2], &other);
        assert_fails_only(CHECK_CERTIFICATE_IN_SEAL, "does not list the signer's certificate");
        making.info = list_nothing;
        _made_ Made none = made_signature(&making);
        (void) verify(&offices[SM2], &none);
        assert_fails_only(CHECK_CERTIFICATE_IN_SEAL, "does not list the signer's certificate");
        making.info = list_many;
        _made_ Made many = made_signature(&making);
        assert_structure_fails(&offices[SM2], &many, "too many certificates");
}

static void a_renewed_certificate_asks_for_a_new_seal(void **state) {
        Signer renewed = { .algorithm = offices[SM2].seal.algorithm, .key = offices[SM2].seal.key };
        SealMaking making = making_of(&offices[SM2]);

        (void) state;
        (void) snprintf(renewed.name, sizeof(renewed.name), "%s", offices[SM2].seal.name);
        signer_certify(&renewed, &offices[SM2].maker, X509_USE_SEAL);
        stranger = &renewed;
        making.info = list_stranger;
        _made_ Made signature = made_signature(&making);
        (void) verify(&offices[SM2], &signature);
        assert_fails_only(CHECK_CERTIFICATE_IN_SEAL, "made anew since the certificate was renewed");
        free(renewed.certificate);
}

static const char *digest_name;
static const EVP_MD *(*digest_md)(void);
static unsigned digest_cut;

static void list_digest(SesInfo *info) {
        SesListed *listed = sk_SesListed_value(info->property->list, 0);
        const Bytes der = ses_bytes(listed->d.certificate);
        SesDigest *digest = (SesDigest *) ASN1_item_new(ASN1_ITEM_rptr(SesDigest));
        uint8_t value[EVP_MAX_MD_SIZE];
        unsigned size;

        assert_int_equal(EVP_Digest(der.data, der.size, value, &size, digest_md(), NULL), 1);
        assert_int_equal(ASN1_STRING_set(digest->type, digest_name, -1), 1);
        assert_int_equal(ASN1_STRING_set(digest->value, value, (int) (size - digest_cut)), 1);
        ASN1_OCTET_STRING_free(listed->d.certificate);
        listed->type = SES_LISTED_DIGEST;
        listed->d.digest = digest;
        assert_int_equal(ASN1_INTEGER_set(info->property->list_type, 2), 1);
}

static void list_type_lie(SesInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(info->property->list_type, 2), 1);
}

static void list_type_unknown(SesInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(info->property->list_type, 3), 1);
}

static void list_type_left_out(SesInfo *info) {
        ASN1_INTEGER_free(info->property->list_type);
        info->property->list_type = NULL;
}

static void a_seal_may_list_digests(void **state) {
        static const struct {
                const char *name;
                const EVP_MD *(*md)(void);
                bool good;
                unsigned cut;
        } cases[] = {
                { "SM3", EVP_sm3, true, 0 },
                { "sha-256", EVP_sha256, true, 0 },
                { "1.2.156.10197.1.401", EVP_sm3, true, 0 },
                { "Hash", EVP_sm3, true, 0 }, /* a name that is none of ours */
                { "Hash", EVP_sha512, true, 0 },
                { "SM3", EVP_sha256, false, 0 },
                { "Hash", EVP_sha1, false, 0 },
                { "SM3", EVP_sm3, false, 1 },
                { "Hash", EVP_sm3, false, 31 },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                SealMaking making = making_of(&offices[SM2]);

                making.info = list_digest;
                digest_name = cases[i].name;
                digest_md = cases[i].md;
                digest_cut = cases[i].cut;
                _made_ Made signature = made_signature(&making);
                (void) verify(&offices[SM2], &signature);
                if (cases[i].good)
                        assert_all_good();
                else
                        assert_fails_only(CHECK_CERTIFICATE_IN_SEAL, "does not list");
        }
}

static void a_list_is_what_its_type_says(void **state) {
        void (*const changes[])(SesInfo *) = { list_type_lie, list_type_unknown,
                                               list_type_left_out };

        (void) state;
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                SealMaking making = making_of(&offices[SM2]);

                making.info = changes[i];
                _made_ Made seal = made_seal(&making);
                assert_structure_fails(&offices[SM2], &seal, "not what its type says");
        }
}

/* A signature by a key that nobody listed or certified, with what the seal's own looks like. */
static void another_key_does_not_sign_for_the_seal(void **state) {
        const SealMaking good = making_of(&offices[SM2]);
        SealMaking making = good;
        Signer forger = {}, maker = {};

        (void) state;
        signer_make(&forger, "sm2-sm3", "50011200000001");
        signer_certify(&forger, NULL, X509_USE_SEAL);
        stranger = &offices[SM2].seal;
        making.signer = &forger;
        making.info = list_stranger;
        _made_ Made forged = made_signature(&making);
        (void) verify(&offices[SM2], &forged);
        assert_row(CHECK_SIGNATURE_VALUE, CHECK_PASSED, "");
        assert_row(CHECK_SEAL_SIGNATURE, CHECK_PASSED, "");
        assert_row(CHECK_CERTIFICATE_IN_SEAL, CHECK_FAILED, "does not list");
        assert_row(CHECK_CERTIFICATE_CHAIN, CHECK_FAILED, "");
        /* A maker of his own. */
        signer_make(&maker, "sm2-sm3", "Seal maker");
        signer_certify(&maker, NULL, X509_USE_MAKER);
        making = good;
        making.maker = &maker;
        _made_ Made seal = made_signature(&making);
        (void) verify(&offices[SM2], &seal);
        assert_row(CHECK_SEAL_SIGNATURE, CHECK_PASSED, "");
        assert_row(CHECK_SEAL_MAKER_CHAIN, CHECK_FAILED, "");
        assert_row(CHECK_CERTIFICATE_CHAIN, CHECK_PASSED, "");
        signer_done(&forger);
        signer_done(&maker);
}

/* ---- bounds --------------------------------------------------------------------------------------- */

static void width_negative(SesInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(info->picture->width, -1), 1);
}

static void type_huge(SesInfo *info) {
        assert_int_equal(ASN1_INTEGER_set_uint64(info->property->type, 1ULL << 40), 1);
}

static void header_other(SesInfo *info) {
        assert_int_equal(ASN1_STRING_set(info->header->id, "EZ", -1), 1);
}

static void times_utc(SesInfo *info) {
        assert_non_null(ASN1_UTCTIME_set(info->property->not_after, 1800000000));
}

static void value_bits(SesSeal *seal) {
        seal->value->flags |= 1;
        seal->value->data[seal->value->length - 1] &= 0xfe;
}

static void hash_bits(SesTbs *tbs) {
        tbs->hash->flags |= 1;
        tbs->hash->data[tbs->hash->length - 1] &= 0xfe;
}

static void values_beyond_their_bounds_are_refused(void **state) {
        static const struct {
                SealMaking making;
                const char *words;
        } cases[] = {
                { { .info = width_negative }, "not a number of mm" },
                { { .info = type_huge }, "not a number of a type" },
                { { .info = header_other }, "\"ES\"" },
                { { .info = times_utc }, "standard's type" },
                { { .seal = value_bits }, "not one of whole bytes" },
                { { .tbs = hash_bits }, "not one of whole bytes" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                SealMaking making = cases[i].making;

                making.maker = &offices[SM2].maker;
                making.signer = &offices[SM2].seal;
                _made_ Made signature = made_signature(&making);
                assert_structure_fails(&offices[SM2], &signature, cases[i].words);
        }
}

static void what_is_neither_is_refused(void **state) {
        static const char *const files[] = {
                "", "x", "\x30", "\x30\x80", "\x30\x03\x02\x01\x01", "\x30\x84\xff\xff\xff\xff"
        };

        (void) state;
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                const Bytes file = { (const uint8_t *) files[i], strlen(files[i]) };

                assert_int_equal(verify_at(&offices[SM2], file, "", 0), VERDICT_FAILED);
                assert_row(CHECK_STRUCTURE, CHECK_FAILED, "It is no whole SESeal");
        }
        uint8_t *large = calloc(1, ESEAL_FILE_MAX + 1);
        assert_non_null(large);
        (void) verify_at(&offices[SM2], (Bytes){ large, ESEAL_FILE_MAX + 1 }, "", 0);
        assert_row(CHECK_STRUCTURE, CHECK_FAILED, "2097153 bytes");
        free(large);
}

static void a_file_cut_anywhere_is_refused(void **state) {
        const SealMaking making = making_of(&offices[P256]);
        _made_ Made signature = made_signature(&making);

        (void) state;
        for (size_t size = 0; size < signature.size; size++) {
                assert_int_equal(verify_at(&offices[P256], (Bytes){ signature.data, size },
                                           DOCUMENT_TEXT, 0),
                                 VERDICT_FAILED);
                assert_row(CHECK_STRUCTURE, CHECK_FAILED, "");
        }
}

/* ---- every byte ------------------------------------------------------------------------------------ */

/* Each in one of three ways: its lowest bit, its highest, all. P-256 is verified fast. */
static void assert_every_byte_counts(const Office *office, const Made *file) {
        static const uint8_t changes[] = { 0x01, 0x80, 0xff };

        assert_int_not_equal(verify_at(office, made_bytes(file), DOCUMENT_TEXT, SIGNER_TIME),
                             VERDICT_FAILED);
        const size_t deviations = report.deviation_count;
        for (size_t i = 0; i < file->size; i++) {
                const uint8_t change = changes[i % sizeof(changes)];

                file->data[i] ^= change;
                if (verify_at(office, made_bytes(file), DOCUMENT_TEXT, SIGNER_TIME) !=
                            VERDICT_FAILED &&
                    report.deviation_count == deviations)
                        fail_msg("byte %zu ^ 0x%02x: nobody notices", i, change);
                file->data[i] ^= change;
        }
}

static void every_byte_of_a_seal_counts(void **state) {
        (void) state;
        for (int is_2014 = 0; is_2014 < 2; is_2014++) {
                SealMaking making = making_of(&offices[P256]);

                making.is_2014 = is_2014;
                making.info = is_2014 ? NULL : seal_extension_usual;
                _made_ Made seal = made_seal(&making);
                assert_every_byte_counts(&offices[P256], &seal);
        }
}

static void every_byte_of_a_signature_counts(void **state) {
        (void) state;
        for (int is_2014 = 0; is_2014 < 2; is_2014++) {
                SealMaking making = making_of(&offices[P256]);

                making.is_2014 = is_2014;
                making.info = is_2014 ? NULL : seal_extension_usual;
                making.tbs = signature_extension_usual;
                _made_ Made signature = made_signature(&making);
                assert_every_byte_counts(&offices[P256], &signature);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ours_of_every_algorithm_is_good),
                cmocka_unit_test(with_another_algorithm_it_is_labelled),
                cmocka_unit_test(one_algorithm_of_both_is_not_enough),
                cmocka_unit_test(what_a_seal_says_is_told),
                cmocka_unit_test(of_2014_is_read_as_well),
                cmocka_unit_test(a_time_of_2014_is_any_text),
                cmocka_unit_test(other_spellings_of_a_signature_are_tolerated),
                cmocka_unit_test(either_tag_of_extensions_is_read),
                cmocka_unit_test(extensions_that_say_they_are_not_critical_are_tolerated),
                cmocka_unit_test(an_unknown_critical_extension_fails),
                cmocka_unit_test(extensions_are_there_once_and_bounded),
                cmocka_unit_test(picture_types_are_told_in_any_case),
                cmocka_unit_test(a_picture_is_what_its_type_says),
                cmocka_unit_test(times_are_tolerated_as_long_as_they_are_some),
                cmocka_unit_test(another_name_of_sm2_is_tolerated),
                cmocka_unit_test(a_time_stamp_proves_the_time),
                cmocka_unit_test(the_time_that_is_proven_counts),
                cmocka_unit_test(a_time_stamp_is_of_this_signature),
                cmocka_unit_test(a_time_stamp_without_its_tag_is_tolerated),
                cmocka_unit_test(bytes_behind_the_end_are_told),
                cmocka_unit_test(what_is_not_der_is_told),
                cmocka_unit_test(a_version_that_is_not_known_is_refused_by_name),
                cmocka_unit_test(a_seal_of_2025_with_its_time_stamp_is_refused_by_name),
                cmocka_unit_test(a_signature_is_of_its_seals_version),
                cmocka_unit_test(a_signature_that_does_not_fit_fails_in_its_row),
                cmocka_unit_test(an_algorithm_is_one_of_the_key),
                cmocka_unit_test(another_document_fails),
                cmocka_unit_test(a_hash_of_another_size_fails),
                cmocka_unit_test(a_seal_is_valid_when_it_was_used),
                cmocka_unit_test(revoked_certificates_fail_each_in_its_row),
                cmocka_unit_test(the_signer_is_one_of_those_listed),
                cmocka_unit_test(a_renewed_certificate_asks_for_a_new_seal),
                cmocka_unit_test(a_seal_may_list_digests),
                cmocka_unit_test(a_list_is_what_its_type_says),
                cmocka_unit_test(another_key_does_not_sign_for_the_seal),
                cmocka_unit_test(values_beyond_their_bounds_are_refused),
                cmocka_unit_test(what_is_neither_is_refused),
                cmocka_unit_test(a_file_cut_anywhere_is_refused),
                cmocka_unit_test(every_byte_of_a_seal_counts),
                cmocka_unit_test(every_byte_of_a_signature_counts),
        };

        return cmocka_run_group_tests(tests, offices_open, offices_close);
}
