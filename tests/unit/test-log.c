/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/unit/unit.h"

#define LINE_MAX_BYTES 4096

/* Standard error is a file meanwhile. */
typedef struct Capture {
        FILE *file;
        int before;
        char text[LINE_MAX_BYTES];
} Capture;

static void capture_begin(Capture *capture) {
        capture->file = tmpfile();
        assert_non_null(capture->file);
        capture->before = dup(STDERR_FILENO);
        assert_true(capture->before >= 0);
        assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
}

static const char *capture_end(Capture *capture) {
        assert_true(dup2(capture->before, STDERR_FILENO) >= 0);
        (void) close(capture->before);
        rewind(capture->file);
        size_t size = fread(capture->text, 1, sizeof(capture->text) - 1, capture->file);
        capture->text[size] = '\0';
        (void) fclose(capture->file);
        return capture->text;
}

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
}

/* The journal keeps a line that is no UTF-8 as data, which it does not show. */
static void line_that_is_too_long_ends_with_a_whole_character(void **state) {
        Capture capture;
        char name[2000];

        (void) state;
        for (size_t i = 0; i < sizeof(name); i++)
                name[i] = "\xe5\x8d\xb0"[i % 3];
        name[sizeof(name) - 2] = '\0';
        for (int shift = 0; shift < 3; shift++) {
                capture_begin(&capture);
                log_info("%.*s%s", shift, "ab", name);
                const char *line = capture_end(&capture);
                size_t size = strlen(line);
                assert_true(size > 1000 && size < 1100);
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
