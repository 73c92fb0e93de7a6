/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal's end of it is a socket of ours at the place where sd_journal_sendv looks, in a mount
 * namespace of this program alone.
 */
#include "base/journal.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "tests/unit/capture.h"
#include "tests/unit/unit.h"

#define EVENT_ID "0123456789abcdef0123456789abcdef"
#define ENTRY_MAX (64 * 1024)

static const struct sockaddr_un address = { .sun_family = AF_UNIX,
                                            .sun_path = "/run/systemd/journal/socket" };

/* An empty /run, seen by this process only; false where that is refused. */
static bool run_of_our_own(void) {
        if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return false;
        return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount("none", "/run", "tmpfs", 0, NULL) == 0;
}

static int begin(void **state) {
        static bool own;

        if (!own && !run_of_our_own()) {
                print_message("no mount namespace: %s\n", strerror(errno));
                *state = NULL;
                return 0;
        }
        own = true;
        *state = &own;
        return 0;
}

/* A journal that listens; the caller closes it. */
static int journal_open(void) {
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        (void) mkdir("/run/systemd", 0755);
        (void) mkdir("/run/systemd/journal", 0755);
        (void) unlink(address.sun_path);
        assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
        return fd;
}

/* One entry as the Native Journal Protocol has it: NAME=value, each with a line's end. */
static const char *journal_read(int fd, char entry[static ENTRY_MAX]) {
        ssize_t n = recv(fd, entry, ENTRY_MAX - 1, MSG_DONTWAIT);

        assert_true(n > 0);
        entry[n] = '\0';
        return entry;
}

static bool has_line(const char *entry, const char *line) {
        size_t size = strlen(line);

        for (const char *p = entry; *p; p = strchr(p, '\n') + 1)
                if (strncmp(p, line, size) == 0 && p[size] == '\n')
                        return true;
        return false;
}

static size_t count_lines(const char *text) {
        size_t count = 0;

        for (; (text = strchr(text, '\n')); text++)
                count++;
        return count;
}

static size_t count_of(const char *text, const char *part) {
        size_t count = 0;

        for (; (text = strstr(text, part)); text++)
                count++;
        return count;
}

static void assert_lines(const char *entry, const char *const *lines, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (!has_line(entry, lines[i]))
                        fail_msg("no line '%s' in:\n%s", lines[i], entry);
        assert_int_equal(count_lines(entry), count + 1); /* and SYSLOG_IDENTIFIER */
        assert_int_equal(count_of(entry, "SYSLOG_IDENTIFIER="), 1);
}

/* What goes to the journal's socket, with nothing on standard error. */
static const char *event_entry(const JournalField *fields, size_t count, const char *message,
                               char entry[static ENTRY_MAX]) {
        _cleanup_close_ int fd = journal_open();
        Capture capture;

        capture_begin(&capture);
        journal_event(LOG_NOTICE, EVENT_ID, fields, count, message);
        assert_string_equal(capture_end(&capture), "");
        return journal_read(fd, entry);
}

static void event_is_an_entry_with_its_fields(void **state) {
        const JournalField fields[] = { { "SEALSD_SEAL", "11010800000001" },
                                        { "SEALSD_USE", NULL },
                                        { "SEALSD_P2", "" } };
        static const char *const lines[] = { "PRIORITY=5", ("MESSAGE_ID=" EVENT_ID),
                                             "SEALSD_P2=", "MESSAGE=A seal signed",
                                             "SEALSD_SEAL=11010800000001" };
        char entry[ENTRY_MAX];

        if (!*state)
                skip();
        assert_lines(event_entry(fields, 3, "A seal signed", entry), lines, 5);
}

static void value_of_a_client_makes_no_field(void **state) {
        const JournalField fields[] = { { "SEALSD_NAME", "a\nPRIORITY=0\r\x1b[1m\xe2\x80\xa8z" } };
        static const char *const lines[] = { "PRIORITY=5", ("MESSAGE_ID=" EVENT_ID),
                                             "MESSAGE=b MESSAGE=c",
                                             "SEALSD_NAME=a PRIORITY=0  [1m   z" };
        char entry[ENTRY_MAX];

        if (!*state)
                skip();
        assert_lines(event_entry(fields, 1, "b\nMESSAGE=c", entry), lines, 4);
}

static void long_value_ends_with_a_whole_character(void **state) {
        char value[JOURNAL_VALUE_MAX + 100], entry[ENTRY_MAX];
        const JournalField fields[] = { { "SEALSD_NAME", value } };

        if (!*state)
                skip();
        for (size_t i = 0; i < sizeof(value); i++)
                value[i] = "\xe5\x8d\xb0"[i % 3];
        value[sizeof(value) - 1] = '\0';
        const char *found = strstr(event_entry(fields, 1, "m", entry), "SEALSD_NAME=");
        assert_non_null(found);
        size_t size = strcspn(found, "\n") - strlen("SEALSD_NAME=");
        assert_true(size <= JOURNAL_VALUE_MAX && size > JOURNAL_VALUE_MAX - 3);
        assert_true(text_is_utf8(entry, strlen(entry)));
}

/* Standard error's lines of an event whose fields are not as they have to be, and its entry. */
static void bad_event(const char *id, const JournalField *fields, size_t count, Capture *capture,
                      char entry[static ENTRY_MAX]) {
        _cleanup_close_ int fd = journal_open();

        capture_begin(capture);
        journal_event(LOG_INFO, id, fields, count, "m");
        (void) capture_end(capture);
        (void) journal_read(fd, entry);
}

static void field_that_the_journal_would_drop_is_told(void **state) {
        const JournalField fields[] = { { "lower", "1" },  { "_TRUSTED", "2" }, { "A=B", "3" },
                                        { "9LIVES", "4" }, { "", "5" },         { "GOOD_1", "6" },
                                        { "A\nB", "7" } };
        static const char *const lines[] = { "PRIORITY=6", "MESSAGE=m", "GOOD_1=6" };
        char entry[ENTRY_MAX];
        Capture capture;

        if (!*state)
                skip();
        bad_event("0123", fields, 7, &capture, entry);
        assert_lines(entry, lines, 3);
        assert_int_equal(count_of(capture.text, "is left out"), 7);
        assert_non_null(strstr(capture.text, "message id '0123'"));
}

static void fields_beyond_the_maximum_are_told(void **state) {
        JournalField fields[JOURNAL_FIELDS_MAX + 2];
        char entry[ENTRY_MAX];
        Capture capture;

        if (!*state)
                skip();
        for (size_t i = 0; i < JOURNAL_FIELDS_MAX + 2; i++)
                fields[i] = (JournalField){ "SAME", "1" };
        bad_event(EVENT_ID, fields, JOURNAL_FIELDS_MAX + 2, &capture, entry);
        assert_int_equal(count_of(entry, "SAME=1\n"), JOURNAL_FIELDS_MAX);
        assert_int_equal(count_of(capture.text, "'SAME' is left out"), 2);
}

static void assert_printed(const JournalField *fields, size_t count, const char *expected) {
        Capture capture;

        capture_begin(&capture);
        journal_event(LOG_WARNING, EVENT_ID, fields, count, "A seal is lost");
        assert_string_equal(capture_end(&capture), expected);
}

static void event_without_a_journal_is_a_line(void **state) {
        const JournalField fields[] = { { "SEALSD_SEAL", "1" },
                                        { "SEALSD_NAME", "a\" SEALSD_SELF=\"no\\\n<0>" } };
        static const char expected[] = "<4>A seal is lost [" EVENT_ID "] SEALSD_SEAL=\"1\""
                                       " SEALSD_NAME=\"a\\\" SEALSD_SELF=\\\"no\\\\ <0>\"\n";

        if (!*state)
                skip();
        (void) unlink(address.sun_path);
        assert_printed(fields, 2, expected);
        assert_int_equal(close(journal_open()), 0); /* a socket at which nobody listens */
        assert_printed(fields, 2, expected);
}

static void long_event_without_a_journal_loses_nothing(void **state) {
        char value[JOURNAL_VALUE_MAX + 1], quoted[2 * JOURNAL_VALUE_MAX + 1];
        JournalField fields[JOURNAL_FIELDS_MAX];
        Capture capture;

        if (!*state)
                skip();
        (void) unlink(address.sun_path);
        memset(value, '"', JOURNAL_VALUE_MAX);
        value[JOURNAL_VALUE_MAX] = '\0';
        for (size_t i = 0; i < sizeof(quoted); i++)
                quoted[i] = i % 2 == 0 ? '\\' : '"';
        quoted[sizeof(quoted) - 1] = '\0';
        for (size_t i = 0; i < JOURNAL_FIELDS_MAX; i++)
                fields[i] = (JournalField){ "SEALSD_NAME", value };
        capture_begin(&capture);
        journal_event(LOG_INFO, EVENT_ID, fields, JOURNAL_FIELDS_MAX, value);
        (void) capture_end(&capture);
        assert_int_equal(count_of(capture.text, quoted), JOURNAL_FIELDS_MAX);
        assert_int_equal(count_of(capture.text, "[" EVENT_ID "]"), count_lines(capture.text));
        assert_memory_equal(capture.text + 3, value, JOURNAL_VALUE_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(event_is_an_entry_with_its_fields, begin),
                cmocka_unit_test_setup(value_of_a_client_makes_no_field, begin),
                cmocka_unit_test_setup(long_value_ends_with_a_whole_character, begin),
                cmocka_unit_test_setup(field_that_the_journal_would_drop_is_told, begin),
                cmocka_unit_test_setup(fields_beyond_the_maximum_are_told, begin),
                cmocka_unit_test_setup(event_without_a_journal_is_a_line, begin),
                cmocka_unit_test_setup(long_event_without_a_journal_loses_nothing, begin),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
