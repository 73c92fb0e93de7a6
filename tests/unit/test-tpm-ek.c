/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <openssl/x509.h>

#include "policy/certificate.h"
#include "tests/fixture/chip.h"
#include "tests/fixture/wire.h"
#include "tpm/attestation.h"
#include "tpm/context.h"
#include "tpm/ek.h"

#define RSA_CERTIFICATE 0x01c00002U
#define P256_CERTIFICATE 0x01c0000aU
#define P384_CERTIFICATE 0x01c00016U
#define CHAIN 0x01c00100U

/* As the profile of the TCG has them, but the owner's in place of the platform's. */
#define ATTRIBUTES (TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA)

#define DER_MAX 1024

typedef struct Der {
        size_t size;
        uint8_t data[DER_MAX];
} Der;

/* A self-signed certificate, longer with a longer name. */
static Der certificate(const char *name) {
        X509 *x509 = X509_new();
        SoftwareKey key;
        Der der = {};
        uint8_t *out = der.data;

        software_key_make(&key);
        assert_non_null(x509);
        X509_NAME *subject = X509_get_subject_name(x509);
        assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                    (const unsigned char *) name, -1, -1, 0),
                         1);
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), 0));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 86400));
        assert_int_equal(X509_set_issuer_name(x509, subject), 1);
        assert_int_equal(X509_set_pubkey(x509, key.pkey), 1);
        assert_true(X509_sign(x509, key.pkey, EVP_sha256()) > 0);
        assert_true(i2d_X509(x509, NULL) <= DER_MAX);
        der.size = (size_t) i2d_X509(x509, &out);
        X509_free(x509);
        software_key_done(&key);
        return der;
}

static void nv_define(Chip *chip, TPM2_HANDLE handle, TPMA_NV attributes, uint16_t size,
                      const char *auth) {
        TPM2B_NV_PUBLIC public = { .nvPublic = { .nvIndex = handle,
                                                 .nameAlg = TPM2_ALG_SHA256,
                                                 .attributes = attributes,
                                                 .dataSize = size } };
        TPM2B_AUTH value = { .size = (uint16_t) strlen(auth) };
        ESYS_TR tr;

        memcpy(value.buffer, auth, value.size);
        assert_int_equal(Esys_NV_DefineSpace(chip->tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
                                             ESYS_TR_NONE, ESYS_TR_NONE, &value, &public, &tr),
                         0);
        assert_int_equal(Esys_TR_Close(chip->tpm->esys, &tr), 0);
}

static void nv_write(Chip *chip, TPM2_HANDLE handle, const void *data, size_t size) {
        TpmHandle nv = {};

        assert_int_equal(tpm_handle_open(chip->tpm, handle, &nv, NULL), 0);
        for (size_t at = 0; at < size;) {
                TPM2B_MAX_NV_BUFFER buffer = { .size = (uint16_t) (size - at < 512 ? size - at
                                                                                   : 512) };

                memcpy(buffer.buffer, (const uint8_t *) data + at, buffer.size);
                assert_int_equal(Esys_NV_Write(chip->tpm->esys, ESYS_TR_RH_OWNER, nv.tr,
                                               ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                               &buffer, (uint16_t) at),
                                 0);
                at += buffer.size;
        }
        tpm_handle_close(&nv);
}

static void nv_make(Chip *chip, TPM2_HANDLE handle, const void *data, size_t size) {
        nv_define(chip, handle, ATTRIBUTES, (uint16_t) size, "");
        nv_write(chip, handle, data, size);
}

static TpmEkCertificates read_all(Chip *chip) {
        TpmEkCertificates certificates = { .count = 77 };
        ErrorDetail detail = {};
        TpmAk ak = {};

        assert_int_equal(tpm_ak_open(chip->tpm, &ak, &detail), 0);
        if (tpm_ek_certificates(&ak.session, &certificates, &detail) != 0)
                fail_msg("%s", detail.text);
        tpm_ak_close(&ak);
        chip_assert_empty(chip);
        return certificates;
}

static void assert_is(const TpmEkCertificates *certificates, size_t i, const Der *der) {
        assert_true(i < certificates->count);
        assert_int_equal(certificates->items[i].size, der->size);
        assert_memory_equal(certificates->items[i].der, der->data, der->size);
}

static void most_chips_have_none(void **state) {
        Chip *chip = *state;

        assert_int_equal(read_all(chip).count, 0);
        /* An index of others behind the range is not looked at. */
        nv_make(chip, 0x01c00200U, "x", 1);
        assert_int_equal(read_all(chip).count, 0);
}

static void keys_and_their_issuers_are_read(void **state) {
        const Der rsa = certificate("rsa"), p256 = certificate("p256"), p384 = certificate("p384");
        const Der root = certificate("root"), middle = certificate("middle");
        uint8_t chain[3 * DER_MAX] = {};
        Chip *chip = *state;

        memcpy(chain, middle.data, middle.size);
        memcpy(chain + middle.size, root.data, root.size);
        const size_t size = middle.size + root.size, cut = middle.size + 7;
        nv_make(chip, CHAIN, chain, cut);
        nv_make(chip, CHAIN + 1, chain + cut, size - cut);
        nv_make(chip, P384_CERTIFICATE, p384.data, p384.size);
        nv_make(chip, P256_CERTIFICATE, p256.data, p256.size);
        nv_make(chip, RSA_CERTIFICATE, rsa.data, rsa.size);

        const TpmEkCertificates all = read_all(chip);
        assert_int_equal(all.count, 5);
        assert_is(&all, 0, &rsa);
        assert_is(&all, 1, &p256);
        assert_is(&all, 2, &p384);
        assert_is(&all, 3, &middle);
        assert_is(&all, 4, &root);
}

/* Chips fill the index up; one command reads no more than their buffer has. */
static void a_long_index_is_read_in_pieces_and_its_filling_left_out(void **state) {
        const Der der = certificate("padded");
        uint8_t filled[3000];
        Chip *chip = *state;

        memset(filled, 0xff, sizeof(filled));
        memcpy(filled, der.data, der.size);
        nv_define(chip, RSA_CERTIFICATE, ATTRIBUTES, 2048, "");
        nv_write(chip, RSA_CERTIFICATE, filled, 2048);
        wire_tap(&chip->wire, chip->tpm);
        const TpmEkCertificates all = read_all(chip);
        chip_assert_salted(chip);
        wire_untap(&chip->wire);
        assert_int_equal(all.count, 1);
        assert_is(&all, 0, &der);
}

static void what_is_no_certificate_is_left_out(void **state) {
        const Der der = certificate("real");
        Chip *chip = *state;
        Der broken = der;

        broken.data[3]++; /* its length */
        nv_make(chip, RSA_CERTIFICATE, broken.data, broken.size);
        nv_make(chip, CHAIN, "no certificate", 14);
        nv_make(chip, P256_CERTIFICATE, der.data, der.size);
        const TpmEkCertificates all = read_all(chip);
        assert_int_equal(all.count, 1);
        assert_is(&all, 0, &der);
}

/* Also one whose refusal would count as a wrong PIN: it is not tried. */
static void what_cannot_be_read_is_left_out(void **state) {
        const Der der = certificate("hidden");
        Chip *chip = *state;

        nv_define(chip, RSA_CERTIFICATE, ATTRIBUTES, (uint16_t) der.size, "secret");
        nv_write(chip, RSA_CERTIFICATE, der.data, der.size);
        nv_define(chip, P256_CERTIFICATE, ATTRIBUTES, 100, ""); /* not written */
        nv_define(chip, CHAIN, ATTRIBUTES & ~(TPMA_NV) TPMA_NV_NO_DA, (uint16_t) der.size, "pin");
        nv_write(chip, CHAIN, der.data, der.size);
        nv_define(chip, CHAIN + 1, ATTRIBUTES & ~(TPMA_NV) TPMA_NV_AUTHREAD, (uint16_t) der.size,
                  "");
        nv_write(chip, CHAIN + 1, der.data, der.size);
        assert_int_equal(read_all(chip).count, 0);
}

static void more_than_the_most_are_left_out(void **state) {
        const Der der = certificate("again and again");
        Chip *chip = *state;

        for (TPM2_HANDLE i = 0; i <= PASSPORT_CERTIFICATES_MAX; i++)
                nv_make(chip, CHAIN + i, der.data, der.size);
        assert_int_equal(read_all(chip).count, PASSPORT_CERTIFICATES_MAX);
}

static void a_certificate_ends_where_it_says(void **state) {
        const Der der = certificate("measured");
        uint8_t longer[DER_MAX + 1] = {};

        (void) state;
        memcpy(longer, der.data, der.size);
        assert_int_equal(certificate_size((Bytes){ longer, sizeof(longer) }), der.size);
        assert_int_equal(certificate_size((Bytes){ der.data, der.size }), der.size);
        for (size_t size = 0; size < der.size; size++)
                assert_int_equal(certificate_size((Bytes){ der.data, size }), 0);
        assert_int_equal(certificate_size((Bytes){ longer + 1, sizeof(longer) - 1 }), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ON_CHIP(test) cmocka_unit_test_setup_teardown(test, chip_setup, chip_teardown)
                ON_CHIP(most_chips_have_none),
                ON_CHIP(keys_and_their_issuers_are_read),
                ON_CHIP(a_long_index_is_read_in_pieces_and_its_filling_left_out),
                ON_CHIP(what_is_no_certificate_is_left_out),
                ON_CHIP(what_cannot_be_read_is_left_out),
                ON_CHIP(more_than_the_most_are_left_out),
                cmocka_unit_test(a_certificate_ends_where_it_says),
#undef ON_CHIP
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
