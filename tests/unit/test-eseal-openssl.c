/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `openssl` command takes our seals and signatures apart and verifies them, knowing nothing of
 * our code: who signed, what, and by which algorithm is found by the elements of the outer
 * SEQUENCE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/fixture/command.h"
#include "tests/fixture/eseal.h"
#include "tests/unit/unit.h"

/*
 * part FILE N SKIP: the Nth element of the outer SEQUENCE, without so many bytes at its beginning;
 * h is its header.
 */
static const char script[] =
        "part() {\n"
        "  set -- $(openssl asn1parse -inform DER -in $1 | sed -nE "
        "'s/^ *([0-9]+):d=1 +hl=([0-9]+) +l= *([0-9]+) .*/\\1 \\2 \\3/p' | sed -n \"$2p\") $1 "
        "\"$3\"\n"
        "  h=$2; tail -c +$(($1 + $5 + 1)) $4 | head -c $(($2 + $3 - $5))\n"
        "}\n"
        "part file 1 0 >message\n"
        "part file 2 \"h\" >certificate\n"
        "openssl asn1parse -inform DER -in file | sed -nE "
        "'s/^ *[0-9]+:d=1 .*prim: OBJECT *:(.*)$/\\1/p' | head -n 1 >algorithm\n"
        "part file 4 \"h + 1\" >value\n"
        "openssl x509 -inform DER -in certificate -pubkey -noout >key\n";

/* What both commands are told of an algorithm. */
static const struct {
        const char *name, *found, *digest, *dgst, *pkeyutl;
} kinds[] = {
        { "sm2-sm3", "SM2-with-SM3", "sm3", "-sigopt distid:1234567812345678",
          "-pkeyopt distid:1234567812345678" },
        { "ecdsa-sha256", "ecdsa-with-SHA256", "sha256", "", "" },
        { "ecdsa-sha384", "ecdsa-with-SHA384", "sha384", "", "" },
        { "rsassa-sha256", "sha256WithRSAEncryption", "sha256", "", "" },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool openssl_verifies(Workshop *workshop, Bytes file, size_t kind) {
        workshop_put(workshop, "file", file);
        workshop_demand(workshop, "%s", script);
        workshop_demand(workshop, "grep -x %s algorithm", kinds[kind].found);
        const bool dgst = workshop_run(workshop,
                                       "openssl dgst -%s %s -verify key -signature value message",
                                       kinds[kind].digest, kinds[kind].dgst);
        const bool pkeyutl = workshop_run(
                workshop,
                "openssl pkeyutl -verify -pubin -inkey key -rawin -digest %s %s -in message "
                "-sigfile value",
                kinds[kind].digest, kinds[kind].pkeyutl);
        assert_int_equal(dgst, pkeyutl);
        return dgst;
}

static void openssl_verifies_ours_of_every_algorithm(void **state) {
        Workshop workshop;

        (void) state;
        workshop_open(&workshop);
        for (size_t i = 0; i < KINDS; i++) {
                Signer maker, seal;

                signer_make(&maker, kinds[i].name, "Seal maker");
                signer_make(&seal, kinds[i].name, "50011200000001");
                signer_certify(&maker, NULL, X509_USE_MAKER);
                signer_certify(&seal, &maker, X509_USE_SEAL);
                const SealMaking making = { .maker = &maker, .signer = &seal };
                _made_ Made esl = made_seal(&making), signature = made_signature(&making);
                assert_true(openssl_verifies(&workshop, made_bytes(&esl), i));
                assert_true(openssl_verifies(&workshop, made_bytes(&signature), i));
                /* Not whatever it is given: the picture's last byte, and the document's hash. */
                uint8_t *end = memmem(esl.data, esl.size, "IEND", 4);
                assert_non_null(end);
                end[0] ^= 1;
                assert_false(openssl_verifies(&workshop, made_bytes(&esl), i));
                signer_done(&maker);
                signer_done(&seal);
        }
        workshop_close(&workshop);
}

/* What the seal's maker and what the document's hash are over, by asn1parse and dgst alone. */
static void openssl_finds_the_documents_hash(void **state) {
        Signer maker, seal;
        Workshop workshop;

        (void) state;
        workshop_open(&workshop);
        signer_make(&maker, "sm2-sm3", "Seal maker");
        signer_make(&seal, "sm2-sm3", "50011200000001");
        signer_certify(&maker, NULL, X509_USE_MAKER);
        signer_certify(&seal, &maker, X509_USE_SEAL);
        const SealMaking making = { .maker = &maker, .signer = &seal };
        _made_ Made signature = made_signature(&making);
        workshop_put(&workshop, "file", made_bytes(&signature));
        workshop_put(&workshop, "document",
                     (Bytes){ (const uint8_t *) DOCUMENT_TEXT, strlen(DOCUMENT_TEXT) });
        workshop_demand(&workshop,
                        "set -- $(openssl asn1parse -inform DER -in file | grep 'd=2 .*BIT STRING' "
                        "| sed -E 's/^ *([0-9]+):.*/\\1/'); tail -c +$(($1 + 4)) file | "
                        "head -c 32 >hash; openssl dgst -sm3 -binary document | cmp - hash");
        workshop_close(&workshop);
        signer_done(&maker);
        signer_done(&seal);
}

/* As in test-eseal-samples.c. */
static void openssl_agrees_about_the_samples(void **state) {
        static const struct {
                const char *name;
                bool good;
        } samples[] = {
                { "UserV4.esl", true },
                { "SignedValueV4.dat", true },
                { "ofdrw-v4-ok.SignedValue.dat", true },
                { "hebeigede-v4-2certs-ext-BADSIG.der", false },
        };
        const char *named = getenv("SEALSD_SAMPLES");
        const char *folder = named ? named : "../shared/samples/eseal";
        Workshop workshop;

        (void) state;
        if (access(folder, X_OK) != 0) {
                print_message("no samples in %s (SEALSD_SAMPLES names their folder)\n", folder);
                skip();
        }
        workshop_open(&workshop);
        for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
                _made_ Made file = made_file(folder, samples[i].name);

                assert_int_equal(openssl_verifies(&workshop, made_bytes(&file), 0),
                                 samples[i].good);
        }
        workshop_close(&workshop);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(openssl_verifies_ours_of_every_algorithm),
                cmocka_unit_test(openssl_finds_the_documents_hash),
                cmocka_unit_test(openssl_agrees_about_the_samples),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
