/* SPDX-License-Identifier: Apache-2.0 */
#include "format/passport.h"

#include <errno.h>
#include <stdlib.h>

#include "format/json.h"
#include "tests/fixture/passport.h"
#include "tests/unit/unit.h"

static const PaperOptions all = {
        .pin = true,
        .approvers = 3,
        .threshold = 2,
        .states = 2,
        .indexed = true,
        .creation = true,
};

static int paper_setup(void **state) {
        PaperPassport *paper = calloc(1, sizeof(*paper));

        assert_non_null(paper);
        paper_passport_make(paper, &all);
        *state = paper;
        return 0;
}

static int paper_teardown(void **state) {
        PaperPassport *paper = *state;

        paper_passport_done(paper);
        free(paper);
        return 0;
}

/* SHA-256("sealsd/passport" ‖ 0 ‖ "12345678" ‖ SHA-256("{}")), by Python's hashlib. */
static void what_is_signed_is_label_nonce_and_hash(void **state) {
        static const uint8_t nonce[8] = "12345678";
        TPM2B_DATA extra;

        (void) state;
        assert_int_equal(
                passport_extra((Bytes){ nonce, 8 }, (Bytes){ (const uint8_t *) "{}", 2 }, &extra),
                0);
        unit_assert_hex(extra.buffer, extra.size,
                        "5aa7bf4e0023015fd075e7b10f6f3a17c67cc37d4763c0b273e90cd9a481b8c5");
}

static void too_long_a_nonce_is_refused(void **state) {
        static const uint8_t nonce[PASSPORT_NONCE_MAX + 1];
        TPM2B_DATA extra;

        (void) state;
        assert_int_equal(
                passport_extra((Bytes){ nonce, sizeof(nonce) }, (Bytes){ nonce, 1 }, &extra),
                -EINVAL);
}

static void certificates_have_a_bound(void **state) {
        static const uint8_t der[CERTIFICATE_MAX + 1] = "x";
        _cleanup_(passport_freep) Passport *passport = passport_new();

        (void) state;
        assert_non_null(passport);
        PassportDers *ders = &passport->statement.certificates;
        assert_int_equal(passport_ders_add(ders, (Bytes){ der, 0 }), SEAL_E_LIMITS_EXCEEDED);
        assert_int_equal(passport_ders_add(ders, (Bytes){ der, sizeof(der) }),
                         SEAL_E_LIMITS_EXCEEDED);
        for (size_t i = 0; i < PASSPORT_CERTIFICATES_MAX; i++)
                assert_int_equal(passport_ders_add(ders, (Bytes){ der, CERTIFICATE_MAX }), 0);
        assert_int_equal(passport_ders_add(ders, (Bytes){ der, 1 }), SEAL_E_LIMITS_EXCEEDED);
}

/* --- there and back ------------------------------------------------------------------------- */

static void assert_round(PaperPassport *paper) {
        _cleanup_free_ char *text = NULL, *again = NULL;
        _cleanup_(passport_freep) Passport *back = NULL;
        size_t size = 0, again_size = 0;
        ErrorDetail detail = {};

        text = paper_passport_text(paper, &size);
        if (passport_parse(text, size, &back, &detail) != 0)
                fail_msg("%s", detail.text);
        assert_int_equal(passport_encode(back, &again, &again_size), 0);
        assert_string_equal(again, text);
        assert_int_equal(again_size, size);
}

static void what_is_written_is_read(void **state) {
        static const PaperOptions options[] = {
                {},
                { .backup = true, .states = 1, .creation = true },
                { .pin = true, .states = MACHINE_STATES_MAX },
                { .approvers = 4, .threshold = 2, .backup = true, .states = 3, .indexed = true },
        };

        assert_round(*state);
        for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
                PaperPassport paper;

                paper_passport_make(&paper, &options[i]);
                assert_round(&paper);
                paper_passport_done(&paper);
        }
}

static void the_largest_fits(void **state) {
        static const uint8_t der[CERTIFICATE_MAX] = "x";
        PaperPassport *paper = *state;
        PassportStatement *statement = &paper->passport->statement;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        for (size_t i = 0; i < PASSPORT_CERTIFICATES_MAX; i++) {
                assert_int_equal(
                        passport_ders_add(&statement->certificates, (Bytes){ der, sizeof(der) }),
                        0);
                assert_int_equal(
                        passport_ders_add(&statement->ek_certificates, (Bytes){ der, sizeof(der) }),
                        0);
        }
        statement->machine.state_count = MACHINE_STATES_MAX;
        for (size_t i = 1; i < MACHINE_STATES_MAX; i++)
                statement->machine.states[i] = statement->machine.states[0];
        text = paper_passport_text(paper, &size);
        assert_true(size < PASSPORT_MAX);
        assert_round(paper);
}

/* As a human checks it: names before values, no white space, hex in lower case. */
static void the_text_is_canonical(void **state) {
        PaperPassport *paper = *state;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        text = paper_passport_text(paper, &size);
        assert_memory_equal(text, "{\"attestation\":{\"key\":\"", 22);
        assert_null(strchr(text, '\n'));
        assert_non_null(strstr(
                text, "\"statement\":{\"certificates\":[],\"command-audit\":\"off\",\"created\":"));
        assert_non_null(strstr(text, "\"pcrs\":\"sha256:0,2,7\""));
}

/* --- what cannot be written ----------------------------------------------------------------- */

static void assert_unwritable(const PaperPassport *paper) {
        size_t size = 0;
        char *text = NULL;

        assert_int_equal(passport_statement_encode(&paper->passport->statement, &text, &size),
                         -EINVAL);
        assert_int_equal(passport_encode(paper->passport, &text, &size), -EINVAL);
        assert_null(text);
}

#define UNWRITABLE(place, value)                     \
        do {                                         \
                __typeof__(place) _before = (place); \
                (place) = (value);                   \
                assert_unwritable(paper);            \
                (place) = _before;                   \
        } while (0)

static void what_the_format_cannot_say_is_not_written(void **state) {
        PaperPassport *paper = *state;
        PassportStatement *s = &paper->passport->statement;

        UNWRITABLE(s->nonce_size, PASSPORT_NONCE_MIN - 1);
        UNWRITABLE(s->nonce_size, PASSPORT_NONCE_MAX + 1);
        UNWRITABLE(s->created, JSON_NUMBER_MAX + 1);
        UNWRITABLE(s->seal.purpose_count, PURPOSES_MAX + 1U);
        UNWRITABLE(s->policy.bit, 64);
        UNWRITABLE(s->policy.approver_count, APPROVERS_MAX + 1U);
        UNWRITABLE(s->policy.terms.count, POLICY_LEAVES_MAX + 1U);
        UNWRITABLE(s->policy.terms.leaves[0].count, POLICY_TERMS_MAX + 1U);
        UNWRITABLE(s->policy.digest.size, 31);
        UNWRITABLE(s->machine.state_count, MACHINE_STATES_MAX + 1U);
        UNWRITABLE(s->machine.states[0].values.values[2].size, 20);
        UNWRITABLE(s->machine.states[0].values.selection.mask, 1U);
        UNWRITABLE(s->machine.states[0].signature.sigAlg, TPM2_ALG_AES);
        UNWRITABLE(s->seal.name[0], '\n');
        UNWRITABLE(s->seal.name[0], '\xff');
        memset(s->seal.state, 'x', sizeof(s->seal.state)); /* without its end */
        assert_unwritable(paper);
}

/* --- what cannot be read -------------------------------------------------------------------- */

static void assert_unreadable(const char *text, size_t size, const char *says) {
        Passport *passport = NULL;
        ErrorDetail detail = {};

        assert_int_equal(passport_parse(text, size, &passport, &detail), SEAL_E_REGISTER_TAMPERED);
        assert_null(passport);
        if (!strstr(detail.text, says))
                fail_msg("'%s' lacks '%s'", detail.text, says);
}

/* The value at the end of a path of members and numbers; NULL where there is none. */
static json_t *at(json_t *document, const char *const *path) {
        for (; *path && document; path++)
                document = json_is_array(document) ? json_array_get(document, (size_t) atoi(*path))
                                                   : json_object_get(document, *path);
        return document;
}

typedef struct Edit {
        const char *path[8]; /* of the object */
        const char *member;
        const char *value; /* JSON; NULL: removed */
        const char *says;
} Edit;

static void assert_edit(const char *text, size_t size, const Edit *edit) {
        _cleanup_json_ json_t *document = json_loadb(text, size, 0, NULL);
        _cleanup_free_ char *edited = NULL;
        size_t edited_size = 0;

        json_t *object = at(document, edit->path);
        assert_true(json_is_object(object));
        if (edit->value)
                assert_int_equal(
                        json_object_set_new(object, edit->member,
                                            json_loads(edit->value, JSON_DECODE_ANY, NULL)),
                        0);
        else
                assert_int_equal(json_object_del(object, edit->member), 0);
        assert_int_equal(json_to_text_sized(document, &edited, &edited_size), 0);
        assert_unreadable(edited, edited_size, edit->says);
}

#define NINES "\"999999999999999999999999999999999999999999999999999999999999999999\""

static void what_is_no_passport_is_told_by_its_member(void **state) {
        static const Edit edits[] = {
                { {}, "statement", NULL, "statement is missing" },
                { {}, "attestation", "[]", "attestation is not an object" },
                { {}, "comment", "\"hello\"", "comment is no member" },
                { { "statement" }, "format", "\"sealsd-ledger\"", "statement.format is not that" },
                { { "statement" }, "version", "2", "statement.version is another" },
                { { "statement" }, "version", "\"1\"", "statement.version is another" },
                { { "statement" }, "nonce", "\"00\"", "statement.nonce is not 8 to 64" },
                { { "statement" }, "nonce", "\"AAAAAAAAAAAAAAAAAAAA\"", "statement.nonce" },
                { { "statement" }, "created", "-1", "statement.created is not a whole number" },
                { { "statement" }, "created", NULL, "statement.created is missing" },
                { { "statement" }, "command-audit", NULL, "command-audit is none of off, on" },
                { { "statement" }, "command-audit", "\"maybe\"", "command-audit is none of off" },
                { { "statement" }, "command-audit", "true", "command-audit is none of off, on" },
                { { "statement" }, "extra", "1", "statement.extra is no member" },
                { { "statement", "seal" }, "name", "\"a\\u202eb\"", "seal.name is not one line" },
                { { "statement", "seal" }, "name", "\" \"", "seal.name is not one line" },
                { { "statement", "seal" },
                  "number",
                  "\"012345678901234567890123456789012\"",
                  "seal.number is not one line of text that fits" },
                { { "statement", "seal" }, "public", NINES, "not exactly a TPM2B_PUBLIC" },
                { { "statement", "seal" }, "public", "\"\"", "not exactly a TPM2B_PUBLIC" },
                { { "statement", "seal" }, "public", "\"0000\"", "not exactly a TPM2B_PUBLIC" },
                { { "statement", "seal" }, "purposes", "\"all\"", "purposes is not a list" },
                { { "statement", "seal" }, "purposes", "[1]", "purposes[0] is not one line" },
                { { "statement", "seal" },
                  "purposes",
                  "[\"a\",\"a\",\"a\",\"a\"]",
                  "more elements" },
                { { "statement", "policy" }, "bit", "64", "policy.bit is not a number within" },
                { { "statement", "policy" }, "pin", "0", "policy.pin is neither true nor false" },
                { { "statement", "policy" }, "digest", "\"ab\"", "policy.digest is not a SHA-256" },
                { { "statement", "policy" }, "index", "\"ab\"", "not exactly a TPMS_NV_PUBLIC" },
                { { "statement", "policy" }, "terms", "[[1]]", "terms[0][0] is not one line" },
                { { "statement", "policy" }, "terms", "[1]", "terms[0] is not a list of terms" },
                { { "statement", "policy", "approvers", "1" },
                  "key",
                  NULL,
                  "policy.approvers[1].key is missing" },
                { { "statement", "policy", "approvers", "1" },
                  "id",
                  "1",
                  "policy.approvers[1].id is no member" },
                { { "statement", "machine" }, "pcrs", "\"sha256:2,0,7\"", "machine.pcrs is not a" },
                { { "statement", "machine" }, "pcrs", "\"sha256:\"", "machine.pcrs is not a" },
                { { "statement", "machine" }, "pcrs", "\"sha384:0,2,7\"", "value of a PCR" },
                { { "statement", "machine" }, "pcrs", "\"sha256:0,2\"", "none of the profile's" },
                { { "statement", "machine", "states", "1", "pcrs" },
                  "7",
                  NULL,
                  "machine.states[1].pcrs.7 is not the value" },
                { { "statement", "machine", "states", "1", "pcrs" },
                  "8",
                  "\"00\"",
                  "machine.states[1].pcrs has a PCR that is none" },
                { { "statement", "machine", "states", "0" },
                  "state-index",
                  NULL,
                  "states[0].state-index is missing" },
                { { "statement", "machine", "states", "0" },
                  "bit",
                  NULL,
                  "states[0].bit is missing" },
                { { "statement", "machine", "states", "0" },
                  "signature",
                  "\"0000\"",
                  "not exactly a TPMT_SIGNATURE" },
                { { "statement", "ledger" }, "head", "\"\"", "ledger.head is not a SHA-256" },
                { { "statement" },
                  "certificates",
                  "[\"\"]",
                  "certificates[0] is not a certificate" },
                { { "statement" }, "ek-certificates", "{}", "ek-certificates is not a list" },
                { { "attestation" }, "key", NULL, "attestation.key is missing" },
                { { "attestation", "seal" }, "kind", "\"quote\"", "neither certify nor creation" },
                { { "attestation", "seal" }, "attest", "1", "attestation.seal.attest is missing" },
                { { "attestation", "ledger" }, "kind", "\"certify\"", "ledger.kind is no member" },
                { { "attestation" }, "revocation", NULL, "attestation.revocation is missing" },
                { { "attestation" }, "quote", "{}", "attestation.quote is no member" },
        };
        PaperPassport *paper = *state;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        text = paper_passport_text(paper, &size);
        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
                assert_edit(text, size, &edits[i]);
}

/* The library passes over a size that does not fit what follows. */
static void a_structure_whose_size_lies_is_no_structure(void **state) {
        PaperPassport *paper = *state;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        text = paper_passport_text(paper, &size);
        char *public = strstr(text, "\"public\":\"00");
        assert_non_null(public);
        public += strlen("\"public\":\"00");
        const char before[2] = { public[0], public[1] };
        for (unsigned lie = 0; lie < 256; lie++) {
                char digits[3];

                (void) snprintf(digits, sizeof(digits), "%02x", lie);
                if (memcmp(digits, before, 2) == 0)
                        continue;
                memcpy(public, digits, 2);
                assert_unreadable(text, size, "seal.public is not exactly a TPM2B_PUBLIC");
        }
}

static void what_is_not_canonical_is_no_passport(void **state) {
        PaperPassport *paper = *state;
        _cleanup_free_ char *text = NULL, *large = calloc(1, PASSPORT_MAX + 1);
        size_t size = 0;

        text = paper_passport_text(paper, &size);
        assert_unreadable(text, size - 1, "not canonical JSON");
        assert_unreadable("", 0, "not canonical JSON");
        assert_unreadable("[]", 2, "statement is missing");
        assert_non_null(large);
        assert_unreadable(large, PASSPORT_MAX + 1, "larger than a passport may be");
        text[size] = '\n';
        assert_unreadable(text, size + 1, "not canonical JSON");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_signed_is_label_nonce_and_hash),
                cmocka_unit_test(too_long_a_nonce_is_refused),
                cmocka_unit_test(certificates_have_a_bound),
#define PAPER(test) cmocka_unit_test_setup_teardown(test, paper_setup, paper_teardown)
                PAPER(what_is_written_is_read),
                PAPER(the_largest_fits),
                PAPER(the_text_is_canonical),
                PAPER(what_the_format_cannot_say_is_not_written),
                PAPER(what_is_no_passport_is_told_by_its_member),
                PAPER(a_structure_whose_size_lies_is_no_structure),
                PAPER(what_is_not_canonical_is_no_passport),
#undef PAPER
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
