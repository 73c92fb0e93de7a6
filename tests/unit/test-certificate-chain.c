/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/certificate-chain.h"

#include <stdlib.h>

#include "base/error.h"
#include "format/x509-certificate.h"
#include "policy/openssl.h"
#include "tests/unit/unit.h"

/* One in DER; whose signature it has is nobody's question here. Free with free(). */
static Bytes a_certificate(const char *name) {
        const X509Subject subject = { .common_name = name };
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        _cleanup_free_ uint8_t *der_name = NULL, *tbs = NULL;
        size_t name_size = 0, tbs_size = 0, size = 0;
        uint8_t *der = NULL;

        assert_non_null(key);
        assert_int_equal(x509_name_encode(&subject, &der_name, &name_size, NULL), 0);
        const X509CertificateFacts facts = {
                .algorithm = signature_algorithm_for(key, NULL, NULL),
                .subject = { der_name, name_size },
                .key = key,
                .serial = { 1 },
                .not_after = 1000000,
                .use = X509_USE_SEAL,
        };
        assert_int_equal(x509_certificate_prepare(&facts, &tbs, &tbs_size, NULL), 0);
        assert_int_equal(x509_finish((Bytes){ tbs, tbs_size }, facts.algorithm,
                                     (Bytes){ (const uint8_t *) "0", 1 }, &der, &size),
                         0);
        return (Bytes){ der, size };
}

static void what_was_joined_is_split_again(void **state) {
        const Bytes items[] = { a_certificate("one"), a_certificate("two"),
                                a_certificate("three") };
        _cleanup_chain_ CertificateChain chain = {};
        _cleanup_free_ uint8_t *joined = NULL;
        size_t size = 0;

        (void) state;
        assert_int_equal(certificate_chain_join(items + 1, 2, &joined, &size), 0);
        assert_int_equal(size, items[1].size + items[2].size);
        const Bytes parts[] = { items[0], { joined, size }, {} };
        assert_int_equal(certificate_chain_of(parts, 3, &chain), 0);
        assert_int_equal(chain.count, 3);
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(chain.items[i].size, items[i].size);
                assert_memory_equal(chain.items[i].data, items[i].data, items[i].size);
                free((void *) items[i].data);
        }
}

static void of_nothing_there_is_none(void **state) {
        _cleanup_chain_ CertificateChain chain = {};
        uint8_t *joined = NULL;
        size_t size = 1;

        (void) state;
        assert_int_equal(certificate_chain_join(NULL, 0, &joined, &size), 0);
        assert_null(joined);
        assert_int_equal(size, 0);
        assert_int_equal(certificate_chain_of((const Bytes[]){ {} }, 1, &chain), 0);
        assert_int_equal(chain.count, 0);
}

static void what_are_no_certificates_is_refused(void **state) {
        const Bytes one = a_certificate("one");
        const Bytes cut = { one.data, one.size - 1 };
        Bytes many[CHAIN_LISTED_MAX + 1];
        CertificateChain chain = {};

        (void) state;
        assert_int_equal(certificate_chain_of(&cut, 1, &chain), SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(certificate_chain_of((const Bytes[]){ one, { (const uint8_t *) "x", 1 } },
                                              2, &chain),
                         SEAL_E_REGISTER_TAMPERED);
        for (size_t i = 0; i <= CHAIN_LISTED_MAX; i++)
                many[i] = one;
        assert_int_equal(certificate_chain_of(many, CHAIN_LISTED_MAX + 1, &chain),
                         SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(certificate_chain_of(many, CHAIN_LISTED_MAX, &chain), 0);
        certificate_chain_free(&chain);
        assert_null(chain.data);
        free((void *) one.data);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_was_joined_is_split_again),
                cmocka_unit_test(of_nothing_there_is_none),
                cmocka_unit_test(what_are_no_certificates_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
