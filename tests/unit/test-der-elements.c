/* SPDX-License-Identifier: Apache-2.0 */
#include "format/der-elements.h"

#include <string.h>

#include "tests/unit/unit.h"

static void elements_are_counted_wherever_they_are(void **state) {
        static const struct {
                const char *file;
                size_t size, elements;
        } cases[] = {
                { "\x05\x00", 2, 1 },
                { "\x30\x00", 2, 1 },
                { "\x30\x00\x05\x00", 4, 1 }, /* what follows is not read */
                { "\x30\x04\x05\x00\x05\x00", 6, 3 },
                { "\x30\x04\x30\x02\x05\x00", 6, 3 },
                { "\x30\x80\x05\x00\x05\x00\x00\x00", 8, 3 },
                { "\x30\x80\x30\x80\x05\x00\x00\x00\x05\x00\x00\x00\x05\x00", 14, 4 },
                { "\x04\x04\x05\x00\x05\x00", 6, 1 },         /* not in primitive ones */
                { "\x30\x06\x30\x02\x02\x05\x05\x00", 8, 3 }, /* behind a damaged one */
                { "\x30\x06\x30\x02\x30\x80\x05\x00", 8, 4 }, /* and one that does not end */
                { "\x30\x06\x30\x02\x1f\x80\x05\x00", 8, 3 }, /* and a tag that does not */
                { "\x30\x80\x02\x05\x05\x00", 6, 1 },         /* nobody reads on there */
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const Bytes file = { (const uint8_t *) cases[i].file, cases[i].size };

                assert_true(der_elements_fit(file, cases[i].elements));
                assert_false(der_elements_fit(file, cases[i].elements - 1));
        }
}

static void nothing_and_rubbish_have_none(void **state) {
        (void) state;
        assert_true(der_elements_fit((Bytes){ (const uint8_t *) "", 0 }, 0));
        assert_true(der_elements_fit((Bytes){ (const uint8_t *) "\x30", 1 }, 0));
        assert_true(der_elements_fit((Bytes){ (const uint8_t *) "\x30\x05", 2 }, 0));
}

/* Of known size, they are passed over where they are too deep; else nobody could tell their end. */
static void depth_has_an_end(void **state) {
        uint8_t open[2 * 66];

        (void) state;
        for (size_t i = 0; i < sizeof(open); i += 2)
                memcpy(open + i, (const uint8_t[]){ 0x30, 0x80 }, 2);
        assert_false(der_elements_fit((Bytes){ open, sizeof(open) }, 1000));
        assert_true(der_elements_fit((Bytes){ open, sizeof(open) - 4 }, 1000));
        for (size_t i = 0; i < sizeof(open); i += 2)
                open[i + 1] = (uint8_t) (i < 2 * 2 ? 0x80 : sizeof(open) - i - 2);
        assert_true(der_elements_fit((Bytes){ open, sizeof(open) }, 1000));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(elements_are_counted_wherever_they_are),
                cmocka_unit_test(nothing_and_rubbish_have_none),
                cmocka_unit_test(depth_has_an_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
