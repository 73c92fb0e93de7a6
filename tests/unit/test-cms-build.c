/* SPDX-License-Identifier: Apache-2.0 */
/* What openssl's command and gpgsm say of our CMS signatures, and that nothing else is made. */
#include "format/cms-build.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/cms.h>
#include <openssl/pem.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "format/cms-attributes.h"
#include "format/x509-signed.h"
#include "tests/fixture/cms.h"
#include "tests/unit/unit.h"

#define COMMAND_MAX 1024

/* Every algorithm that OpenSSL's cms has; SM2 is apart. */
static const char *const kinds[] = {
        "ecdsa-sha256",  "ecdsa-sha384",  "ecdsa-sha512",  "rsassa-sha256", "rsassa-sha384",
        "rsassa-sha512", "rsapss-sha256", "rsapss-sha384", "rsapss-sha512",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* --- other programs ------------------------------------------------------------------------- */

static int folder_setup(void **state) {
        char *folder = strdup("/tmp/test-cms-build-XXXXXX");

        assert_non_null(folder);
        assert_non_null(mkdtemp(folder));
        *state = folder;
        return 0;
}

static int folder_teardown(void **state) {
        char command[COMMAND_MAX];

        (void) snprintf(command, sizeof(command), "rm -r '%s'", (const char *) *state);
        assert_int_equal(system(command), 0);
        free(*state);
        return 0;
}

static FILE *file_open(const char *folder, const char *name, const char *mode) {
        char path[COMMAND_MAX];

        (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *file = fopen(path, mode);
        assert_non_null(file);
        return file;
}

static void file_put(const char *folder, const char *name, const void *data, size_t size) {
        FILE *file = file_open(folder, name, "w");

        assert_int_equal(fwrite(data, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
}

static void certificate_put(const char *folder, const char *name, Bytes der) {
        FILE *file = file_open(folder, name, "w");
        const unsigned char *at = der.data;

        X509 *x509 = d2i_X509(NULL, &at, (long) der.size);
        assert_non_null(x509);
        assert_int_equal(PEM_write_X509(file, x509), 1);
        X509_free(x509);
        assert_int_equal(fclose(file), 0);
}

/* sh's exit code; what the command says goes to its file "log", and from there to who looks. */
static int run(const char *folder, const char *command) {
        char line[2 * COMMAND_MAX];

        int size = snprintf(line, sizeof(line), "cd '%s' && { %s; } >log 2>&1", folder, command);
        assert_true(size > 0 && (size_t) size < sizeof(line));
        int status = system(line);
        if (status != 0) {
                (void) snprintf(line, sizeof(line), "sed 's/^/# /' '%s/log' >&2", folder);
                (void) !system(line);
        }
        return WEXITSTATUS(status);
}

static void made_put(const char *folder, const MadeCms *made) {
        file_put(folder, "document", made_cms_document, strlen(made_cms_document));
        file_put(folder, "cms", made->cms, made->cms_size);
        file_put(folder, "attributes", made->attributes, made->attributes_size);
        certificate_put(folder, "root.pem", made->certificates[1]);
        certificate_put(folder, "signer.pem", made->certificates[0]);
}

static void openssl_accepts(void **state) {
        for (size_t i = 0; i < KINDS; i++) {
                for (int profile = CMS_PROFILE_CADES; profile <= CMS_PROFILE_PADES; profile++) {
                        MadeCms made;

                        made_cms_make(&made, kinds[i], (CmsProfile) profile);
                        made_put(*state, &made);
                        assert_int_equal(run(*state, "openssl cms -verify -cades -binary "
                                                     "-inform DER -in cms -content document "
                                                     "-CAfile root.pem -purpose any "
                                                     "-out /dev/null"),
                                         0);
                        made_cms_done(&made);
                }
        }
}

/*
 * With a home of its own that trusts our root, without the network. The agent that it starts to ask
 * about trust is told to end.
 */
static int gpgsm_verify(const char *folder) {
        return run(folder, "export GNUPGHOME=$PWD/home && rm -rf home && mkdir -m 700 home && "
                           "openssl x509 -in root.pem -noout -fingerprint -sha1 | "
                           "sed 's/.*=//; s/$/ S relax/' >home/trustlist.txt && "
                           "gpgsm --batch --disable-dirmngr --import root.pem && "
                           "gpgsm --batch --disable-dirmngr --disable-crl-checks --status-fd 1 "
                           "--verify cms document >status; gpgconf --kill gpg-agent; "
                           "grep -q '^.GNUPG:. VALIDSIG' status && "
                           "grep -q '^.GNUPG:. TRUST_FULLY' status");
}

static void gpgsm_accepts(void **state) {
        for (size_t i = 0; i < KINDS; i++) {
                MadeCms made;

                /* No seal has P-521, and gpgsm 2.2.40 cannot: "DSA requires the hash length to be a
                 * multiple of 8 bits". */
                if (strcmp(kinds[i], "ecdsa-sha512") == 0)
                        continue;
                made_cms_make(&made, kinds[i], CMS_PROFILE_CADES);
                made_put(*state, &made);
                assert_int_equal(gpgsm_verify(*state), 0);
                file_put(*state, "document", "Another", strlen("Another"));
                assert_int_not_equal(gpgsm_verify(*state), 0);
                made_cms_done(&made);
        }
}

/*
 * Neither program knows GB/T 35275, but they know SM2, and what DER looks like: the attributes and
 * the signature are cut out at the places that asn1parse shows, and verified as a bare signature.
 */
static void sm2_is_what_openssl_verifies(void **state) {
        MadeCms made;

        made_cms_make(&made, "sm2-sm3", CMS_PROFILE_CADES);
        made_put(*state, &made);
        assert_int_equal(
                run(*state,
                    "openssl asn1parse -inform DER -in cms >layout && "
                    "at() { sed -n \"s/^ *\\([0-9]*\\):d=5 .*$1.*/\\1/p\" layout; } && "
                    "size() { sed -n \"s/.*:d=5  hl=\\([0-9]*\\) l= *\\([0-9]*\\) .*$1.*/"
                    "\\1 + \\2/p\" layout; } && "
                    "tail -c +$(($(at 'cont . 0 .') + 1)) cms | head -c $(($(size 'cont . 0 .'))) "
                    "| "
                    "sed '1s/^\\xa0/\\x31/' >cut && cmp cut attributes && "
                    "openssl asn1parse -inform DER -in cms -strparse $(at 'OCTET STRING') -noout "
                    "-out signature && "
                    "openssl x509 -in signer.pem -pubkey -noout >key.pem && "
                    "openssl dgst -sm3 -verify key.pem -sigopt distid:1234567812345678 "
                    "-signature signature cut"),
                0);
        assert_int_equal(run(*state, "grep -q ':d=1 .*OBJECT *:1.2.156.10197.6.1.4.2.2$' layout && "
                                     "test $(grep -c ':1.2.156.10197.6.1.4.2.1$' layout) = 2 && "
                                     "grep -q ':d=6 .*OBJECT *:1.2.156.10197.1.301.1$' layout && "
                                     "test $(grep -c 'OBJECT *:sm3$' layout) = 3"),
                         0);
        made_cms_done(&made);
}

/* --- attributes ----------------------------------------------------------------------------- */

static CmsAttributes *attributes_of(const MadeCms *made) {
        CmsAttributes *attributes = NULL;

        assert_int_equal(cms_attributes_read((Bytes){ made->attributes, made->attributes_size },
                                             &attributes),
                         0);
        return attributes;
}

static void only_cades_says_when(void **state) {
        (void) state;
        for (int profile = CMS_PROFILE_CADES; profile <= CMS_PROFILE_PADES; profile++) {
                MadeCms made;

                made_cms_make(&made, kinds[0], (CmsProfile) profile);
                CmsAttributes *attributes = attributes_of(&made);
                assert_int_equal(cms_attribute_time(attributes),
                                 profile == CMS_PROFILE_CADES ? MADE_CMS_TIME : 0);
                assert_int_equal(cms_attribute_count(attributes, NID_pkcs9_signingTime),
                                 profile == CMS_PROFILE_CADES ? 1 : 0);
                assert_int_equal(sk_X509_ATTRIBUTE_num(attributes),
                                 profile == CMS_PROFILE_CADES ? 4 : 3);
                cms_attributes_freep(&attributes);
                made_cms_done(&made);
        }
}

static void the_time_has_the_form_of_its_century(void **state) {
        const struct {
                uint64_t seconds;
                int type;
        } times[] = { { 2524607999, V_ASN1_UTCTIME }, { 2524608000, V_ASN1_GENERALIZEDTIME } };
        MadeCms made;

        (void) state;
        made_cms_make(&made, kinds[0], CMS_PROFILE_CADES);
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
                made.facts.time = times[i].seconds * 1000000 + 999999;
                free(made.attributes);
                assert_int_equal(cms_prepare(&made.facts, &made.attributes, &made.attributes_size),
                                 0);
                CmsAttributes *attributes = attributes_of(&made);
                assert_non_null(
                        cms_attribute_value(attributes, NID_pkcs9_signingTime, times[i].type));
                assert_int_equal(cms_attribute_time(attributes), times[i].seconds * 1000000);
                cms_attributes_freep(&attributes);
        }
        made_cms_done(&made);
}

/* DER throughout (EN 319 142-1 §6.3), in whatever order the certificates are given. */
static void the_whole_is_der(void **state) {
        (void) state;
        for (int i = 0; i < 4; i++) {
                uint8_t *again = NULL;
                size_t size = 0;
                MadeCms made;

                made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_PADES);
                CMS_ContentInfo *cms = d2i_CMS_ContentInfo(
                        NULL, (const unsigned char *[]){ made.cms }, (long) made.cms_size);
                assert_non_null(cms);
                int written = i2d_CMS_ContentInfo(cms, &again);
                assert_true(written > 0);
                size = (size_t) written;
                assert_int_equal(size, made.cms_size);
                assert_memory_equal(again, made.cms, size);
                CMS_ContentInfo_free(cms);
                free(again);
                made_cms_done(&made);
        }
}

static void the_same_facts_make_the_same_bytes(void **state) {
        uint8_t *again = NULL;
        size_t size = 0;
        MadeCms made;

        (void) state;
        made_cms_make(&made, kinds[0], CMS_PROFILE_CADES);
        made.facts.time += 999999;
        assert_int_equal(cms_prepare(&made.facts, &again, &size), 0);
        assert_int_equal(size, made.attributes_size);
        assert_memory_equal(again, made.attributes, size);
        free(again);
        made_cms_done(&made);
}

/* --- whose document ------------------------------------------------------------------------- */

static void the_document_is_told_from_the_attributes(void **state) {
        const char *const all[] = { "ecdsa-sha256", "ecdsa-sha384", "rsapss-sha512", "sm2-sm3" };

        (void) state;
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
                for (int profile = CMS_PROFILE_CADES; profile <= CMS_PROFILE_PADES; profile++) {
                        TPM2B_DIGEST digest = {};
                        MadeCms made;

                        made_cms_make(&made, all[i], (CmsProfile) profile);
                        const Bytes attributes = { made.attributes, made.attributes_size };
                        assert_int_equal(
                                cms_document_digest((CmsProfile) profile, attributes, &digest), 0);
                        assert_int_equal(digest.size, made.digest.size);
                        assert_memory_equal(digest.buffer, made.digest.buffer, digest.size);
                        assert_int_equal(cms_document_digest(profile == CMS_PROFILE_CADES
                                                                     ? CMS_PROFILE_PADES
                                                                     : CMS_PROFILE_CADES,
                                                             attributes, &digest),
                                         SEAL_E_INVALID_ARGS);
                        made_cms_done(&made);
                }
        }
}

typedef void (*Spoil)(CmsAttributes *attributes);

static void add_another(CmsAttributes *attributes) {
        assert_int_equal(cms_attribute_add(attributes, NID_pkcs9_countersignature, V_ASN1_SEQUENCE,
                                           "\x30\x00", 2),
                         0);
}

static void repeat_first(CmsAttributes *attributes) {
        X509_ATTRIBUTE *copy = X509_ATTRIBUTE_dup(sk_X509_ATTRIBUTE_value(attributes, 0));

        assert_true(sk_X509_ATTRIBUTE_push(attributes, copy) > 0);
}

static void drop_last(CmsAttributes *attributes) {
        X509_ATTRIBUTE_free(sk_X509_ATTRIBUTE_pop(attributes));
}

static void second_value(CmsAttributes *attributes) {
        for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++)
                assert_int_equal(X509_ATTRIBUTE_set1_data(sk_X509_ATTRIBUTE_value(attributes, i),
                                                          V_ASN1_OCTET_STRING, "x", 1),
                                 1);
}

static void other_order(CmsAttributes *attributes) {
        assert_true(sk_X509_ATTRIBUTE_push(attributes, sk_X509_ATTRIBUTE_shift(attributes)) > 0);
}

static void attributes_of_others_are_refused(void **state) {
        const Spoil spoils[] = { add_another, repeat_first, drop_last, second_value, other_order };
        const TPM2B_DIGEST before = { .size = 7 };
        MadeCms made;

        (void) state;
        made_cms_make(&made, kinds[0], CMS_PROFILE_CADES);
        for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
                CmsAttributes *attributes = attributes_of(&made);
                TPM2B_DIGEST digest = before;
                uint8_t *der = NULL;
                size_t size = 0;

                spoils[i](attributes);
                /* Sorted, so that nothing else is wrong, but where that is what is wrong. */
                assert_int_equal(x509_encode(attributes,
                                             spoils[i] == other_order ? CmsAttributesAsRead_it()
                                                                      : CmsAttributesSorted_it(),
                                             &der, &size),
                                 0);
                assert_int_equal(
                        cms_document_digest(CMS_PROFILE_CADES, (Bytes){ der, size }, &digest),
                        SEAL_E_INVALID_ARGS);
                assert_memory_equal(&digest, &before, sizeof(before));
                free(der);
                cms_attributes_freep(&attributes);
        }
        made_cms_done(&made);
}

/* Another one of the same bits would be a document that nobody approved. */
static void no_byte_can_change_unseen(void **state) {
        MadeCms made;

        (void) state;
        made_cms_make(&made, kinds[0], CMS_PROFILE_CADES);
        for (size_t i = 0; i < made.attributes_size; i++) {
                TPM2B_DIGEST digest = {};

                made.attributes[i] ^= 1;
                int r = cms_document_digest(CMS_PROFILE_CADES,
                                            (Bytes){ made.attributes, made.attributes_size },
                                            &digest);
                if (r == 0) {
                        uint8_t *again = NULL;
                        size_t size = 0;
                        CmsAttributes *attributes = attributes_of(&made);

                        assert_int_equal(x509_encode(attributes,
                                                     ASN1_ITEM_rptr(CmsAttributesSorted), &again,
                                                     &size),
                                         0);
                        assert_int_equal(size, made.attributes_size);
                        assert_memory_equal(again, made.attributes, size);
                        free(again);
                        cms_attributes_freep(&attributes);
                }
                made.attributes[i] ^= 1;
        }
        made_cms_done(&made);
}

/* --- what is refused ------------------------------------------------------------------------ */

static void facts_out_of_bounds_are_refused(void **state) {
        uint8_t *ret = NULL;
        size_t size = 0;
        MadeCms made;

        (void) state;
        made_cms_make(&made, kinds[0], CMS_PROFILE_CADES);
        const Bytes attributes = { made.attributes, made.attributes_size };
        const Bytes signature = { made.attributes, 64 };
        CmsFacts facts = made.facts;
        facts.document_digest.size--;
        assert_int_equal(cms_prepare(&facts, &ret, &size), SEAL_E_INVALID_ARGS);
        facts = made.facts;
        facts.certificate_count = 0;
        assert_int_equal(cms_prepare(&facts, &ret, &size), SEAL_E_INVALID_ARGS);
        facts.certificate_count = CMS_CERTIFICATES_MAX + 1;
        assert_int_equal(cms_finish(&facts, attributes, signature, &ret, &size),
                         SEAL_E_INVALID_ARGS);
        facts = made.facts;
        facts.time = UINT64_MAX;
        assert_int_equal(cms_prepare(&facts, &ret, &size), SEAL_E_INVALID_ARGS);
        assert_int_equal(
                cms_finish(&made.facts, (Bytes){ made.cms, made.cms_size }, signature, &ret, &size),
                SEAL_E_INVALID_ARGS);
        Bytes broken[] = { made.facts.certificates[0] };
        broken[0].size--;
        facts = made.facts;
        facts.certificates = broken;
        facts.certificate_count = 1;
        assert_int_equal(cms_finish(&facts, attributes, signature, &ret, &size),
                         SEAL_E_CERTIFICATE_INVALID);
        assert_null(ret);
        made_cms_done(&made);
}

/* What verifiers refuse to read is not finished either. */
static void a_signer_s_certificate_of_an_unknown_version_was_taken(void **state) {
        static const uint8_t version_3[] = { 0xa0, 3, 2, 1, 2 };
        uint8_t *ret = NULL;
        size_t size = 0;
        MadeCms made;

        (void) state;
        made_cms_make(&made, kinds[0], CMS_PROFILE_CADES);
        Bytes changed = made.facts.certificates[0];
        _cleanup_free_ uint8_t *der = malloc(changed.size);
        assert_non_null(der);
        memcpy(der, changed.data, changed.size);
        uint8_t *version = memmem(der, changed.size, version_3, sizeof(version_3));
        assert_non_null(version);
        version[4] = 3;
        changed.data = der;
        CmsFacts facts = made.facts;
        facts.certificates = &changed;
        facts.certificate_count = 1;
        assert_int_equal(cms_finish(&facts, (Bytes){ made.attributes, made.attributes_size },
                                    (Bytes){ made.attributes, 64 }, &ret, &size),
                         SEAL_E_CERTIFICATE_INVALID);
        assert_null(ret);
        made_cms_done(&made);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(openssl_accepts, folder_setup, folder_teardown),
                cmocka_unit_test_setup_teardown(gpgsm_accepts, folder_setup, folder_teardown),
                cmocka_unit_test_setup_teardown(sm2_is_what_openssl_verifies, folder_setup,
                                                folder_teardown),
                cmocka_unit_test(only_cades_says_when),
                cmocka_unit_test(the_time_has_the_form_of_its_century),
                cmocka_unit_test(the_whole_is_der),
                cmocka_unit_test(the_same_facts_make_the_same_bytes),
                cmocka_unit_test(the_document_is_told_from_the_attributes),
                cmocka_unit_test(attributes_of_others_are_refused),
                cmocka_unit_test(no_byte_can_change_unseen),
                cmocka_unit_test(facts_out_of_bounds_are_refused),
                cmocka_unit_test(a_signer_s_certificate_of_an_unknown_version_was_taken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
