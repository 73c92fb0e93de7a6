/* SPDX-License-Identifier: Apache-2.0 */
#include "format/passport.h"

#include <errno.h>

#include "tests/unit/unit.h"

/* echo -n ... | sha256sum, by hand: the preimage of the manual page. */
static void what_is_signed_is_label_nonce_and_hash(void **state) {
        static const uint8_t nonce[8] = "12345678";
        static const uint8_t expected[] = {
                0x5a, 0xa7, 0xbf, 0x4e, 0x00, 0x23, 0x01, 0x5f, 0xd0, 0x75, 0xe7,
                0xb1, 0x0f, 0x6f, 0x3a, 0x17, 0xc6, 0x7c, 0xc3, 0x7d, 0x47, 0x63,
                0xc0, 0xb2, 0x73, 0xe9, 0x0c, 0xd9, 0xa4, 0x81, 0xb8, 0xc5,
        };
        TPM2B_DATA extra;

        (void) state;
        assert_int_equal(
                passport_extra((Bytes){ nonce, 8 }, (Bytes){ (const uint8_t *) "{}", 2 }, &extra),
                0);
        assert_int_equal(extra.size, PASSPORT_HASH_SIZE);
        assert_memory_equal(extra.buffer, expected, sizeof(expected));
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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_signed_is_label_nonce_and_hash),
                cmocka_unit_test(too_long_a_nonce_is_refused),
                cmocka_unit_test(certificates_have_a_bound),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
