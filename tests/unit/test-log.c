/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/limits.h"
#include "base/text.h"
#include "tests/unit/capture.h"
#include "tests/unit/unit.h"

static void line_has_its_priority_before_it(void **state) {
        Capture capture;

        (void) state;
        capture_begin(&capture);
        log_error("seal %d", 7);
        log_debug("%s", "");
        assert_string_equal(capture_end(&capture), "<3>seal 7\n<7>\n");
}

static void what_a_client_wrote_makes_no_second_line(void **state) {
        Capture capture;

        (void) state;
        capture_begin(&capture);
        log_notice("name %s.", "a\n<0>b\r\x1b[2J\x7f\tc");
        assert_string_equal(capture_end(&capture), "<5>name a <0>b  [2J  c.\n");
        capture_begin(&capture);
        log_notice("name %s.", "a\xe2\x80\xa8\xe2\x80\xae\xff");
        assert_string_equal(capture_end(&capture), "<5>name a      ?.\n");
}

/* The journal keeps a line that is no UTF-8 as data, which it does not show. */
static void line_that_is_too_long_ends_with_a_whole_character(void **state) {
        Capture capture;
        char name[LOG_LINE_MAX + 100];

        (void) state;
        for (size_t i = 0; i < sizeof(name); i++)
                name[i] = "\xe5\x8d\xb0"[i % 3];
        name[sizeof(name) - 2] = '\0';
        for (int shift = 0; shift < 3; shift++) {
                capture_begin(&capture);
                log_info("%.*s%s", shift, "ab", name);
                const char *line = capture_end(&capture);
                size_t size = strlen(line);
                assert_true(size > LOG_LINE_MAX - 10 && size < LOG_LINE_MAX + 10);
                assert_int_equal(line[size - 1], '\n');
                assert_true(text_is_utf8(line, size));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(line_has_its_priority_before_it),
                cmocka_unit_test(what_a_client_wrote_makes_no_second_line),
                cmocka_unit_test(line_that_is_too_long_ends_with_a_whole_character),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
