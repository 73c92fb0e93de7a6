/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/handed-file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/unit/unit.h"

#define ROOM 8

static int memfd_with(const char *text) {
        int fd = memfd_create("handed", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        return fd;
}

static void assert_holds(const HandedFile *file, const char *text) {
        _cleanup_free_ uint8_t *data = NULL;
        size_t size = 0;

        assert_int_equal(handed_file_read(file, ROOM, &data, &size, NULL), 0);
        assert_int_equal(size, strlen(text));
        assert_memory_equal(data, text, size);
}

static void a_copy_outlives_what_it_was_made_of(void **state) {
        char text[] = "message";
        HandedFile bytes = { .given = true, .bytes = { (uint8_t *) text, strlen(text) } };
        HandedFile file = { .given = true, .by_fd = true, .fd = memfd_with("a file") };
        HandedFile copies[2];

        (void) state;
        assert_int_equal(handed_file_copy(&bytes, &copies[0]), 0);
        assert_int_equal(handed_file_copy(&file, &copies[1]), 0);
        memset(text, 'x', strlen(text));
        (void) close(file.fd);
        assert_holds(&copies[0], "message");
        assert_holds(&copies[1], "a file");
        for (size_t i = 0; i < 2; i++) {
                handed_file_done(&copies[i]);
                assert_false(copies[i].given);
                handed_file_done(&copies[i]);
        }
}

/* The offset belongs to the caller, who shares it. */
static void a_file_is_read_from_its_beginning_as_often_as_one_likes(void **state) {
        _cleanup_close_ int fd = memfd_with("from top");
        const HandedFile file = { .given = true, .by_fd = true, .fd = fd };

        (void) state;
        assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
        assert_holds(&file, "from top");
        assert_holds(&file, "from top");
        assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
}

static void what_is_too_long_is_refused_before_and_while_it_is_read(void **state) {
        _cleanup_close_ int fd = memfd_with("8 bytes!");
        const HandedFile file = { .given = true, .by_fd = true, .fd = fd };
        const HandedFile bytes = { .given = true, .bytes = { (const uint8_t *) "9 bytes!!", 9 } };
        uint8_t *data = NULL;
        size_t size = 0;

        (void) state;
        assert_int_equal(handed_file_check(fd, ROOM, NULL), 0);
        assert_int_equal(pwrite(fd, "!", 1, ROOM), 1); /* it has grown since */
        assert_int_equal(handed_file_check(fd, ROOM, NULL), SEAL_E_LIMITS_EXCEEDED);
        assert_int_equal(handed_file_read(&file, ROOM, &data, &size, NULL), SEAL_E_LIMITS_EXCEEDED);
        assert_int_equal(handed_file_read(&bytes, ROOM, &data, &size, NULL),
                         SEAL_E_LIMITS_EXCEEDED);
        assert_null(data);
}

static void assert_refused(int fd, const char *word) {
        ErrorDetail detail = {};

        assert_true(fd >= 0);
        assert_int_equal(handed_file_check(fd, ROOM, &detail), SEAL_E_INVALID_ARGS);
        if (!strstr(detail.text, word))
                fail_msg("'%s' does not say %s", detail.text, word);
        (void) close(fd);
}

static void only_files_that_can_be_read_are_taken(void **state) {
        char path[32];
        int fds[2];

        (void) state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_refused(fds[0], "regular file");
        (void) close(fds[1]);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_refused(fds[0], "regular file");
        (void) close(fds[1]);
        assert_refused(open("/dev/zero", O_RDONLY | O_CLOEXEC), "regular file");
        assert_refused(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "regular file");
        assert_refused(open("/proc/self/exe", O_PATH | O_CLOEXEC), "open for reading");
        assert_refused(memfd_create("empty", MFD_CLOEXEC), "empty");
        assert_refused(open("/proc/version", O_RDONLY | O_CLOEXEC), "empty");
        _cleanup_close_ int fd = memfd_with("text");
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        assert_refused(open(path, O_WRONLY | O_CLOEXEC), "open for reading");
}

static void what_was_not_given_is_nothing(void **state) {
        const HandedFile none = {};
        HandedFile copy = { .given = true, .by_fd = true, .fd = 99 };

        (void) state;
        assert_int_equal(handed_file_copy(&none, &copy), 0);
        assert_false(copy.given);
        handed_file_done(&copy);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_copy_outlives_what_it_was_made_of),
                cmocka_unit_test(a_file_is_read_from_its_beginning_as_often_as_one_likes),
                cmocka_unit_test(what_is_too_long_is_refused_before_and_while_it_is_read),
                cmocka_unit_test(only_files_that_can_be_read_are_taken),
                cmocka_unit_test(what_was_not_given_is_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
