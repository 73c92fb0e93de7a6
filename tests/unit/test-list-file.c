/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/list-file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define LIST "maker-sm2.crl"

static char folder[] = "/tmp/sealsd-test-list-file-XXXXXX";

static const Bytes first = { (const uint8_t *) "the first list", 14 },
                   second = { (const uint8_t *) "another, longer list", 20 };

static void path_of(const char *name, char *ret, size_t size) {
        (void) snprintf(ret, size, "%s/%s", folder, name);
}

static void what_is_written_is_there_for_everybody(void **state) {
        char path[128];
        struct stat st;

        (void) state;
        path_of(LIST, path, sizeof(path));
        assert_false(list_file_is(folder, "sm2", first));
        assert_int_equal(list_file_write(folder, "sm2", first, NULL), 0);
        assert_true(list_file_is(folder, "sm2", first));
        assert_false(list_file_is(folder, "sm2", second));
        assert_false(list_file_is(folder, "ecdsa-p256", first));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(list_file_write(folder, "sm2", second, NULL), 0);
        assert_true(list_file_is(folder, "sm2", second));
        path_of(LIST ".new", path, sizeof(path));
        assert_int_equal(access(path, F_OK), -1);
}

/* What stands in its place is replaced, and not written through. */
static void a_link_is_replaced(void **state) {
        char path[128], other[128];

        (void) state;
        path_of(LIST, path, sizeof(path));
        path_of("other", other, sizeof(other));
        (void) unlink(path);
        assert_int_equal(symlink(other, path), 0);
        assert_false(list_file_is(folder, "sm2", first));
        assert_int_equal(list_file_write(folder, "sm2", first, NULL), 0);
        assert_true(list_file_is(folder, "sm2", first));
        assert_int_equal(access(other, F_OK), -1);
        assert_int_equal(chmod(path, 0600), 0);
        assert_false(list_file_is(folder, "sm2", first));
}

static void a_missing_folder_is_made_and_a_missing_parent_told(void **state) {
        char path[128], deep[160];
        ErrorDetail detail = {};

        (void) state;
        path_of("made", path, sizeof(path));
        assert_int_equal(list_file_write(path, "sm2", first, NULL), 0);
        assert_true(list_file_is(path, "sm2", first));
        (void) snprintf(deep, sizeof(deep), "%s/not/there", path);
        assert_int_equal(list_file_write(deep, "sm2", first, &detail), SEAL_E_STORAGE_FAILURE);
        assert_non_null(strstr(detail.text, "maker-sm2.crl cannot be written: No such file"));
        (void) snprintf(deep, sizeof(deep), "%s/" LIST, path);
        assert_int_equal(unlink(deep), 0);
        assert_int_equal(rmdir(path), 0);
}

/* Whatever is in the way is told. */
static void what_is_no_folder_is_told(void **state) {
        ErrorDetail detail = {};

        (void) state;
        assert_int_equal(list_file_write("/dev/full", "sm2", first, &detail),
                         SEAL_E_STORAGE_FAILURE);
        assert_non_null(strstr(detail.text, "Not a directory"));
}

static int setup(void **state) {
        (void) state;
        return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
        char path[128];

        (void) state;
        path_of(LIST, path, sizeof(path));
        (void) unlink(path);
        return rmdir(folder);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_written_is_there_for_everybody),
                cmocka_unit_test(a_link_is_replaced),
                cmocka_unit_test(a_missing_folder_is_made_and_a_missing_parent_told),
                cmocka_unit_test(what_is_no_folder_is_told),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
