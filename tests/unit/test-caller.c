/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/caller.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* A child of ours with this login UID and this short name, stopped at a pipe. */
static pid_t child_new(const char *login, const char *comm, int *ret_end) {
        int gate[2], ready[2];
        char c;

        assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid_t pid = fork();
        assert_int_not_equal(pid, -1);
        if (pid == 0) {
                int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);

                c = login && (fd < 0 || write(fd, login, strlen(login)) < 0) ? 'n' : 'y';
                (void) prctl(PR_SET_NAME, comm);
                (void) !write(ready[1], &c, 1);
                (void) close(gate[1]);
                (void) !read(gate[0], &c, 1);
                _exit(0);
        }
        assert_int_equal(read(ready[0], &c, 1), 1);
        (void) close(gate[0]);
        (void) close(ready[0]);
        (void) close(ready[1]);
        *ret_end = gate[1];
        if (c == 'n') {
                (void) close(gate[1]);
                (void) waitpid(pid, NULL, 0);
                return 0;
        }
        return pid;
}

static void child_end(pid_t pid, int end) {
        (void) close(end);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void the_executable_and_the_login_are_seen(void **state) {
        char self[CALLER_TEXT_MAX + 1];
        Caller caller = {};
        int end;

        (void) state;
        pid_t pid = child_new("1234", "short", &end);
        if (pid == 0)
                skip(); /* setting a login UID is root's, with kernel audit */
        caller.pid = (uint32_t) pid;
        caller_observe(&caller);
        child_end(pid, end);
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        assert_true(n > 0);
        self[n] = '\0';
        assert_int_equal(caller.login_uid, 1234);
        assert_string_equal(caller.process, self);
}

static void what_is_gone_or_not_known_is_empty(void **state) {
        Caller caller = { .login_uid = 5, .process = "old", .unit = "old" };
        int end;

        (void) state;
        caller_observe(&caller);
        assert_int_equal(caller.login_uid, LOGIN_NONE);
        assert_string_equal(caller.process, "");
        assert_string_equal(caller.unit, "");

        pid_t pid = child_new(NULL, "gone", &end);
        child_end(pid, end);
        caller = (Caller){ .pid = (uint32_t) pid, .login_uid = 5, .process = "old" };
        caller_observe(&caller);
        assert_int_equal(caller.login_uid, LOGIN_NONE);
        assert_string_equal(caller.process, "");
}

/* As the daemon sees a process of another user: the executable is not told. */
static void the_short_name_stands_in_and_cannot_mislead(void **state) {
        Caller caller = {};
        int end, status;

        (void) state;
        if (geteuid() != 0)
                skip();
        pid_t pid = child_new(NULL, "a\x1b\xffz", &end);
        pid_t observer = fork();
        assert_int_not_equal(observer, -1);
        if (observer == 0) {
                if (setuid(65534) != 0)
                        _exit(2);
                caller.pid = (uint32_t) pid;
                caller_observe(&caller);
                _exit(strcmp(caller.process, "a??z") == 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(observer, &status, 0), observer);
        child_end(pid, end);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_executable_and_the_login_are_seen),
                cmocka_unit_test(what_is_gone_or_not_known_is_empty),
                cmocka_unit_test(the_short_name_stands_in_and_cannot_mislead),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
