/* SPDX-License-Identifier: Apache-2.0 */
#include "base/audit-trail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <libaudit.h>

#include "base/limits.h"
#include "tests/unit/capture.h"
#include "tests/unit/unit.h"

/* A kernel that answers as it is told to, and what it got. */
typedef struct Kernel {
        int open_error;
        int send_error;
        int sent;
        bool success;
        char text[AUDIT_TEXT_MAX];
} Kernel;

static int fake_open(void *userdata) {
        const Kernel *kernel = userdata;

        return kernel->open_error ? kernel->open_error : open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static int fake_send(void *userdata, int fd, const char *text, bool success) {
        Kernel *kernel = userdata;

        assert_true(fcntl(fd, F_GETFD) >= 0);
        kernel->sent++;
        kernel->success = success;
        assert_true(strlen(text) < AUDIT_TEXT_MAX);
        strcpy(kernel->text, text);
        return kernel->send_error;
}

static AuditTrail *trail_make(Kernel *kernel) {
        const AuditChannel channel = { fake_open, fake_send, kernel };
        AuditTrail *trail = NULL;

        assert_int_equal(audit_trail_new(&trail, &channel), 0);
        return trail;
}

static void assert_text(const JournalField *fields, size_t count, const char *expected) {
        Kernel kernel = {};
        _cleanup_(audit_trail_freep) AuditTrail *trail = trail_make(&kernel);

        assert_string_equal(audit_trail_absence(trail), "");
        audit_trail_log(trail, "sign", fields, count, true);
        assert_int_equal(kernel.sent, 1);
        assert_string_equal(kernel.text, expected);
}

static void record_has_operation_and_fields(void **state) {
        const JournalField fields[] = { { "SEALSD_SEAL", "11010800000001" },
                                        { "SEALSD_USE", NULL },
                                        { "SEALSD_SUBJECT", "user:alice" },
                                        { "SEALSD_P2", "" } };

        (void) state;
        assert_text(fields, 4,
                    "op=sign sealsd_seal=\"11010800000001\" sealsd_subject=\"user:alice\""
                    " sealsd_p2=\"\"");
        assert_text(NULL, 0, "op=sign");
}

static void record_tells_success_from_failure(void **state) {
        Kernel kernel = {};
        _cleanup_(audit_trail_freep) AuditTrail *trail = trail_make(&kernel);

        (void) state;
        audit_trail_log(trail, "revoke", NULL, 0, true);
        assert_true(kernel.success);
        audit_trail_log(trail, "revoke", NULL, 0, false);
        assert_false(kernel.success);
}

/* Each of these would end the value, the field, or what the kernel puts around the text. */
static void value_of_a_client_makes_no_field(void **state) {
        static const struct {
                const char *value, *encoded;
        } cases[] = {
                { "a b", "612062" },
                { "a\"", "6122" },
                { "a' res=failed", "6127207265733D6661696C6564" },
                { "'", "27" },
                { "a\nb", "610A62" },
                { "\x7f", "7F" },
                { "\xe5\x8d\xb0", "E58DB0" },
                { "\xff", "FF" },
                { "\x1b[m", "1B5B6D" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const JournalField field = { "NAME", cases[i].value };
                char expected[128];

                (void) snprintf(expected, sizeof(expected), "op=sign name=%s", cases[i].encoded);
                assert_text(&field, 1, expected);
        }
}

static void long_value_is_cut(void **state) {
        char value[AUDIT_VALUE_MAX + 2], expected[AUDIT_VALUE_MAX + 32];
        const JournalField field = { "NAME", value };

        (void) state;
        memset(value, 'x', sizeof(value));
        value[sizeof(value) - 1] = '\0';
        (void) snprintf(expected, sizeof(expected), "op=sign name=\"%.*s\"", AUDIT_VALUE_MAX,
                        value);
        assert_text(&field, 1, expected);
}

/* The maxima of fields, names and values together are more than a record takes. */
static void record_that_is_too_long_says_so(void **state) {
        char name[JOURNAL_NAME_MAX + 1], value[AUDIT_VALUE_MAX + 1];
        JournalField fields[JOURNAL_FIELDS_MAX];
        Kernel kernel = {};
        _cleanup_(audit_trail_freep) AuditTrail *trail = trail_make(&kernel);

        (void) state;
        memset(name, 'N', JOURNAL_NAME_MAX);
        name[JOURNAL_NAME_MAX] = '\0';
        memset(value, ' ', AUDIT_VALUE_MAX);
        value[AUDIT_VALUE_MAX] = '\0';
        for (size_t i = 0; i < JOURNAL_FIELDS_MAX; i++)
                fields[i] = (JournalField){ name, value };
        audit_trail_log(trail, "sign", fields, JOURNAL_FIELDS_MAX, true);
        size_t size = strlen(kernel.text);
        assert_true(size > AUDIT_TEXT_MAX - 2 * AUDIT_VALUE_MAX - JOURNAL_NAME_MAX - 32);
        assert_string_equal(kernel.text + size - 16, "20 truncated=yes");
}

static void field_that_is_none_is_told(void **state) {
        const JournalField fields[] = { { "a b", "1" }, { "GOOD", "2" } };
        Capture capture;

        (void) state;
        capture_begin(&capture);
        assert_text(fields, 2, "op=sign good=\"2\"");
        assert_string_equal(capture_end(&capture), "<3>a record's field 'a b' is left out\n");
}

static void kernel_without_audit_is_told_once(void **state) {
        static const int errors[] = { -EPROTONOSUPPORT, -EAFNOSUPPORT, -EINVAL, -EPERM, -EMFILE };

        (void) state;
        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
                Kernel kernel = { .open_error = errors[i] };
                char expected[256];
                Capture capture;

                capture_begin(&capture);
                _cleanup_(audit_trail_freep) AuditTrail *trail = trail_make(&kernel);
                for (int n = 0; n < 3; n++)
                        audit_trail_log(trail, "sign", NULL, 0, true);
                (void) capture_end(&capture);
                assert_int_equal(kernel.sent, 0);
                assert_true(strlen(audit_trail_absence(trail)) > 0);
                (void) snprintf(expected, sizeof(expected), "<5>kernel audit is not used: %s\n",
                                audit_trail_absence(trail));
                assert_string_equal(capture.text, expected);
        }
}

static void kernel_that_refuses_a_record_is_asked_no_more(void **state) {
        static const int errors[] = { -EPERM, -ECONNREFUSED };

        (void) state;
        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
                Kernel kernel = { .send_error = errors[i] };
                Capture capture;

                capture_begin(&capture);
                _cleanup_(audit_trail_freep) AuditTrail *trail = trail_make(&kernel);
                for (int n = 0; n < 3; n++)
                        audit_trail_log(trail, "sign", NULL, 0, true);
                (void) capture_end(&capture);
                assert_int_equal(kernel.sent, 1);
                assert_true(strlen(audit_trail_absence(trail)) > 0);
                assert_non_null(strstr(capture.text, audit_trail_absence(trail)));
                assert_ptr_equal(strchr(capture.text, '\n'), strrchr(capture.text, '\n'));
        }
}

/* A client must not be able to end the trail by what passes. */
static void failure_that_passes_is_told_until_it_has_passed(void **state) {
        static const int errors[] = { -ENOBUFS, -EINVAL, -ENOBUFS, 0, -ENOBUFS };
        Kernel kernel = {};
        Capture capture;

        (void) state;
        capture_begin(&capture);
        _cleanup_(audit_trail_freep) AuditTrail *trail = trail_make(&kernel);
        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
                kernel.send_error = errors[i];
                audit_trail_log(trail, "sign", NULL, 0, true);
        }
        assert_string_equal(capture_end(&capture),
                            "<4>kernel audit did not take a record: No buffer space available\n"
                            "<4>kernel audit did not take a record: No buffer space available\n");
        assert_int_equal(kernel.sent, 5);
        assert_string_equal(audit_trail_absence(trail), "");
}

/* ---- this machine's kernel ---- */

/* Counts what the kernel has taken. */
static int counting_send(void *userdata, int fd, const char *text, bool success) {
        const AuditChannel kernel = audit_channel_kernel();
        int r = kernel.send(NULL, fd, text, success);

        if (r == 0)
                (*(int *) userdata)++;
        return r;
}

static int real_open(void *userdata) {
        (void) userdata;
        return audit_channel_kernel().open(NULL);
}

/* How many of two records the kernel took; whether the trail is there at the end. */
static int real_records(char ret_absence[static 128]) {
        int taken = 0;
        const AuditChannel channel = { real_open, counting_send, &taken };
        const JournalField field = { "SEALSD_NAME", "it's a test" };
        AuditTrail *trail = NULL;

        if (audit_trail_new(&trail, &channel) != 0)
                return -1;
        audit_trail_log(trail, "test", &field, 1, true);
        audit_trail_log(trail, "test", &field, 1, true);
        (void) snprintf(ret_absence, 128, "%s", audit_trail_absence(trail));
        (void) audit_trail_free(trail);
        return taken;
}

static void trail_is_there_or_says_why_not(void **state) {
        char absence[128] = "";
        Capture capture;

        (void) state;
        capture_begin(&capture);
        int taken = real_records(absence);
        (void) capture_end(&capture);
        if (absence[0] == '\0') {
                assert_int_equal(taken, 2);
                assert_string_equal(capture.text, "");
        } else {
                assert_int_equal(taken, 0);
                print_message("kernel audit is absent here: %s\n", absence);
                assert_non_null(strstr(capture.text, absence));
        }
}

/* In a child that has given up what it may; 0 when it ends as it should. */
static int child_without(bool (*give_up)(void), const char *reason) {
        pid_t child = fork();
        int status = -1;

        assert_true(child >= 0);
        if (child == 0) {
                char absence[128] = "";
                if (!give_up())
                        _exit(77);
                _exit(real_records(absence) == 0 && strstr(absence, reason) ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static bool become_nobody(void) {
        return getuid() != 0 || setuid(65534) == 0;
}

/* All capabilities, and yet none over the machine. */
static bool become_root_of_nothing(void) {
        return unshare(CLONE_NEWUSER) == 0;
}

static bool kernel_has_audit(void) {
        _cleanup_close_ int fd = audit_open();

        if (fd < 0)
                print_message("audit_open: %s\n", strerror(errno));
        return fd >= 0;
}

static void trail_without_the_capability_is_absent(void **state) {
        (void) state;
        if (!kernel_has_audit())
                skip();
        assert_int_equal(child_without(become_nobody, "CAP_AUDIT_WRITE"), 0);
}

static void trail_in_a_user_namespace_is_absent(void **state) {
        (void) state;
        if (!kernel_has_audit())
                skip();
        int r = child_without(become_root_of_nothing, "container");
        if (r == 77)
                skip();
        assert_int_equal(r, 0);
}

/* Those who may read along get each record; -1 where that is refused or audit is off. */
static int reader_open(void) {
        const struct sockaddr_nl all = { .nl_family = AF_NETLINK,
                                         .nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1) };
        _cleanup_close_ int control = audit_open();
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

        if (control < 0 || fd < 0 || bind(fd, (const struct sockaddr *) &all, sizeof(all)) < 0) {
                print_message("kernel audit cannot be read here: %s\n", strerror(errno));
                return -1;
        }
        if (audit_is_enabled(control) < 1) {
                print_message("kernel audit is there and switched off (auditctl -e)\n");
                return -1;
        }
        return steal_fd(fd);
}

static bool reader_finds(int fd, const char *text) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        char record[MAX_AUDIT_MESSAGE_LENGTH + 1];

        while (poll(&ready, 1, 10000) == 1) {
                ssize_t n = recv(fd, record, sizeof(record) - 1, 0);
                if (n < (ssize_t) NLMSG_HDRLEN)
                        return false;
                record[n] = '\0';
                if (strstr(record + NLMSG_HDRLEN, text))
                        return true;
        }
        return false;
}

static void record_is_in_the_kernels_log(void **state) {
        _cleanup_close_ int fd = reader_open();
        char absence[128] = "";

        (void) state;
        if (fd < 0)
                skip();
        assert_int_equal(real_records(absence), 2);
        assert_true(reader_finds(fd, "msg='op=test sealsd_name=6974277320612074657374 exe="));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(record_has_operation_and_fields),
                cmocka_unit_test(record_tells_success_from_failure),
                cmocka_unit_test(value_of_a_client_makes_no_field),
                cmocka_unit_test(long_value_is_cut),
                cmocka_unit_test(record_that_is_too_long_says_so),
                cmocka_unit_test(field_that_is_none_is_told),
                cmocka_unit_test(kernel_without_audit_is_told_once),
                cmocka_unit_test(kernel_that_refuses_a_record_is_asked_no_more),
                cmocka_unit_test(failure_that_passes_is_told_until_it_has_passed),
                cmocka_unit_test(trail_is_there_or_says_why_not),
                cmocka_unit_test(trail_without_the_capability_is_absent),
                cmocka_unit_test(trail_in_a_user_namespace_is_absent),
                cmocka_unit_test(record_is_in_the_kernels_log),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
