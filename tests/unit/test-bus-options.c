/* SPDX-License-Identifier: Apache-2.0 */
/* The strict reader of a{sv}, on messages that are made and sealed here and never sent. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "sealsd/bus-options.h"

typedef struct Target {
        const char *string;
        char text[9];
        bool boolean;
        uint32_t number;
        uint64_t time;
        Bytes bytes;
        Secret secret, other_secret;
        HandedFile file;
        uint32_t custom;
} Target;

static int read_custom(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        Target *t = target;
        const char *text;

        int r = sd_bus_message_read(m, "(su)", &text, &t->custom);
        if (r < 0)
                return r;
        return strcmp(text, "good") == 0 ? 0 : option_invalid(detail, option, "is not good");
}

#define FIELD(member) offsetof(Target, member)

static const Option table[] = {
        { "string", OPTION_STRING, FIELD(string), 16, NULL, NULL },
        { "text", OPTION_TEXT, FIELD(text), sizeof(((Target *) NULL)->text) - 1, NULL, NULL },
        { "boolean", OPTION_BOOLEAN, FIELD(boolean), 0, NULL, NULL },
        { "number", OPTION_U32, FIELD(number), 100, NULL, NULL },
        { "time", OPTION_TIME, FIELD(time), 0, NULL, NULL },
        { "bytes", OPTION_BYTES, FIELD(bytes), 8, NULL, NULL },
        { "secret", OPTION_SECRET, FIELD(secret), 0, NULL, NULL },
        { "other-secret", OPTION_SECRET, FIELD(other_secret), 0, NULL, NULL },
        { "file", OPTION_FILE, FIELD(file), 8, NULL, NULL },
        { "custom", OPTION_CUSTOM, 0, 0, "(su)", read_custom },
        { "later", OPTION_LATER, 0, 0, NULL, NULL },
};

/* A connection to nobody, which is enough to make messages, and one message with an open array. */
typedef struct Fixture {
        sd_bus *bus;
        int sockets[2];
        sd_bus_message *message;
        SecretPipes pipes;
        Target target;
        ErrorDetail detail;
        bool no_inline_secrets;
        sd_event *event;
        Tickets *tickets;
} Fixture;

static int fixture_setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_int_equal(
                socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, f->sockets), 0);
        assert_true(sd_bus_new(&f->bus) >= 0);
        assert_true(sd_bus_set_fd(f->bus, f->sockets[0], f->sockets[0]) >= 0);
        assert_true(sd_bus_start(f->bus) >= 0);
        assert_true(sd_bus_message_new_method_call(f->bus, &f->message, "org.example", "/",
                                                   "org.example", "Call") >= 0);
        assert_true(sd_bus_message_open_container(f->message, 'a', "{sv}") >= 0);
        assert_true(sd_event_new(&f->event) >= 0);
        assert_int_equal(tickets_new(&f->tickets, f->event, TICKET_LIFETIME), 0);
        *state = f;
        return 0;
}

static int fixture_teardown(void **state) {
        Fixture *f = *state;

        (void) sd_bus_message_unref(f->message);
        (void) sd_bus_close_unref(f->bus); /* closes its end of the pair */
        (void) close(f->sockets[1]);
        (void) tickets_free(f->tickets);
        (void) sd_event_unref(f->event);
        secret_wipe(&f->target.secret);
        free(f);
        return 0;
}

static OptionContext context_of(Fixture *f) {
        return (OptionContext){
                .allow_inline_secrets = !f->no_inline_secrets,
                .pipes = &f->pipes,
                .tickets = f->tickets,
                .sender = ":1.7",
        };
}

/* Seal what was appended and read it back. */
static int fixture_read(Fixture *f) {
        const OptionContext context = context_of(f);

        assert_true(sd_bus_message_close_container(f->message) >= 0);
        assert_true(sd_bus_message_seal(f->message, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(f->message, true) >= 0);
        return options_read(f->message, table, ROWS(table), &context, &f->target, &f->detail);
}

#define append(f, ...) assert_true(sd_bus_message_append((f)->message, "{sv}", __VA_ARGS__) >= 0)

static void append_bytes(Fixture *f, const char *name, const void *data, size_t size) {
        assert_true(sd_bus_message_open_container(f->message, 'e', "sv") >= 0);
        assert_true(sd_bus_message_append(f->message, "s", name) >= 0);
        assert_true(sd_bus_message_open_container(f->message, 'v', "ay") >= 0);
        assert_true(sd_bus_message_append_array(f->message, 'y', data, size) >= 0);
        assert_true(sd_bus_message_close_container(f->message) >= 0);
        assert_true(sd_bus_message_close_container(f->message) >= 0);
}

static void assert_refused(Fixture *f, int code, const char *word) {
        assert_int_equal(fixture_read(f), code);
        assert_non_null(strstr(f->detail.text, word));
}

/* --- what is right -------------------------------------------------------------------------- */

static void test_no_options_leave_everything_as_it_is(void **state) {
        Fixture *f = *state;

        f->target.number = 7;
        assert_int_equal(fixture_read(f), 0);
        assert_int_equal(f->target.number, 7);
        assert_null(f->target.string);
        assert_false(f->target.secret.set);
}

static void test_every_type_arrives(void **state) {
        static const uint8_t data[] = { 0, 1, 2 };
        Fixture *f = *state;

        append(f, "string", "s", "exactly 16 bytes");
        append(f, "text", "s", "8 bytes!");
        append(f, "boolean", "b", 1);
        append(f, "number", "u", 100);
        append(f, "time", "t", INT64_MAX);
        append_bytes(f, "bytes", data, sizeof(data));
        append(f, "secret", "s", "open sesame");
        append(f, "custom", "(su)", "good", 42);
        assert_int_equal(fixture_read(f), 0);
        assert_string_equal(f->target.string, "exactly 16 bytes");
        assert_string_equal(f->target.text, "8 bytes!");
        assert_true(f->target.boolean);
        assert_int_equal(f->target.number, 100);
        assert_true(f->target.time == INT64_MAX);
        assert_int_equal(f->target.bytes.size, sizeof(data));
        assert_memory_equal(f->target.bytes.data, data, sizeof(data));
        assert_true(f->target.secret.set);
        assert_int_equal(f->target.secret.size, strlen("open sesame"));
        assert_memory_equal(f->target.secret.data, "open sesame", strlen("open sesame"));
        assert_int_equal(f->target.custom, 42);
}

static void test_empty_values_are_values(void **state) {
        Fixture *f = *state;

        append(f, "string", "s", "");
        append(f, "secret", "s", "");
        append_bytes(f, "bytes", NULL, 0);
        assert_int_equal(fixture_read(f), 0);
        assert_string_equal(f->target.string, "");
        assert_true(f->target.secret.set);
        assert_int_equal(f->target.secret.size, 0);
        assert_int_equal(f->target.bytes.size, 0);
}

static void test_what_follows_the_options_can_be_read(void **state) {
        Fixture *f = *state;
        const OptionContext context = context_of(f);
        const char *text;

        append(f, "number", "u", 1);
        assert_true(sd_bus_message_close_container(f->message) >= 0);
        assert_true(sd_bus_message_append(f->message, "s", "after") >= 0);
        assert_true(sd_bus_message_seal(f->message, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(f->message, true) >= 0);
        assert_int_equal(
                options_read(f->message, table, ROWS(table), &context, &f->target, &f->detail), 0);
        assert_int_equal(argument_text(f->message, "word", 5, &text, &f->detail), 0);
        assert_string_equal(text, "after");
}

/* --- what is wrong -------------------------------------------------------------------------- */

static void test_unknown_name_is_named(void **state) {
        append((Fixture *) *state, "colour", "s", "red");
        assert_refused(*state, SEAL_E_INVALID_ARGS, "'colour'");
}

static void test_names_match_exactly(void **state) {
        append((Fixture *) *state, "Number", "u", 1);
        assert_refused(*state, SEAL_E_INVALID_ARGS, "'Number'");
}

static void test_strange_name_is_not_echoed(void **state) {
        Fixture *f = *state;

        append(f, "n\303\244me\n", "s", "red");
        assert_refused(f, SEAL_E_INVALID_ARGS, "Unknown option");
        assert_null(strchr(f->detail.text, '\n'));
}

static void test_huge_name_is_not_echoed(void **state) {
        _cleanup_free_ char *name = malloc(1 << 20);
        Fixture *f = *state;

        assert_non_null(name);
        memset(name, 'a', (1 << 20) - 1);
        name[(1 << 20) - 1] = '\0';
        append(f, name, "s", "red");
        assert_refused(f, SEAL_E_INVALID_ARGS, "Unknown option");
        assert_true(strlen(f->detail.text) < 100);
}

static void test_repeat_is_refused(void **state) {
        append((Fixture *) *state, "number", "u", 1);
        append((Fixture *) *state, "number", "u", 1);
        assert_refused(*state, SEAL_E_INVALID_ARGS, "'number' is given twice");
}

static void test_repeat_of_another_type_is_refused(void **state) {
        append((Fixture *) *state, "secret", "s", "a");
        append((Fixture *) *state, "secret", "u", 1);
        assert_refused(*state, SEAL_E_INVALID_ARGS, "'secret' is given twice");
}

static void test_wrong_types_are_refused(void **state) {
        static const struct {
                const char *name, *type, *wanted;
        } wrong[] = {
                { "string", "u", "type s" },    { "text", "u", "type s" },
                { "boolean", "u", "type b" },   { "number", "t", "type u" },
                { "number", "i", "type u" },    { "number", "v", "type u" },
                { "time", "u", "type t" },      { "time", "x", "type t" },
                { "bytes", "s", "type ay" },    { "secret", "u", "s, h or o" },
                { "custom", "s", "type (su)" },
        };

        for (size_t i = 0; i < ROWS(wrong); i++) {
                void *fixture;
                Fixture *f;

                assert_int_equal(fixture_setup(&fixture), 0);
                f = fixture;
                switch (wrong[i].type[0]) {
                case 's':
                        append(f, wrong[i].name, "s", "1");
                        break;
                case 'v':
                        append(f, wrong[i].name, "v", "u", 1);
                        break;
                case 't':
                case 'x':
                        append(f, wrong[i].name, wrong[i].type, (uint64_t) 1);
                        break;
                default:
                        append(f, wrong[i].name, wrong[i].type, 1);
                        break;
                }
                assert_refused(f, SEAL_E_INVALID_ARGS, wrong[i].name);
                assert_non_null(strstr(f->detail.text, wrong[i].wanted));
                assert_int_equal(fixture_teardown(&fixture), 0);
        }
        (void) state;
}

static void test_array_of_another_type_is_refused(void **state) {
        append((Fixture *) *state, "bytes", "au", 1, 1);
        assert_refused(*state, SEAL_E_INVALID_ARGS, "'bytes' has the type ay");
}

static void test_custom_reader_speaks_for_its_option(void **state) {
        append((Fixture *) *state, "custom", "(su)", "bad", 1);
        assert_refused(*state, SEAL_E_INVALID_ARGS, "'custom': is not good");
}

static void test_option_of_a_later_version_is_unsupported_whatever_its_type(void **state) {
        append((Fixture *) *state, "later", "a{sv}", 1, "x", "u", 1);
        assert_refused(*state, SEAL_E_UNSUPPORTED, "'later'");
}

/* --- what is too large ---------------------------------------------------------------------- */

/* What is stored as a signed integer would come back as a time before 1970. */
static void test_time_beyond_the_register_is_refused(void **state) {
        append((Fixture *) *state, "time", "t", (uint64_t) INT64_MAX + 1);
        assert_refused(*state, SEAL_E_INVALID_ARGS, "'time'");
}

static void test_longer_string_is_refused(void **state) {
        append((Fixture *) *state, "string", "s", "these are 17 byte");
        assert_refused(*state, SEAL_E_LIMITS_EXCEEDED, "'string': more than 16 bytes");
}

static void test_longer_text_does_not_overrun_its_target(void **state) {
        append((Fixture *) *state, "text", "s", "9 bytes!!");
        assert_refused(*state, SEAL_E_LIMITS_EXCEEDED, "'text': more than 8 bytes");
}

static void test_ten_megabytes_are_refused_by_name(void **state) {
        const size_t size = 10 * 1024 * 1024;
        _cleanup_free_ uint8_t *data = calloc(1, size);

        assert_non_null(data);
        append_bytes(*state, "bytes", data, size);
        assert_refused(*state, SEAL_E_LIMITS_EXCEEDED, "'bytes': more than 8 bytes");
}

static void test_larger_number_is_refused(void **state) {
        append((Fixture *) *state, "number", "u", 101);
        assert_refused(*state, SEAL_E_LIMITS_EXCEEDED, "'number': at most 100");
}

static void test_longer_secret_is_refused_and_not_echoed(void **state) {
        char secret[SECRET_MAX + 2] = {};
        Fixture *f = *state;

        memset(secret, 'x', SECRET_MAX + 1);
        append(f, "secret", "s", secret);
        assert_refused(f, SEAL_E_LIMITS_EXCEEDED, "'secret'");
        assert_null(strstr(f->detail.text, "xx"));
}

/* --- secrets -------------------------------------------------------------------------------- */

static void test_inline_secret_can_be_forbidden(void **state) {
        Fixture *f = *state;

        f->no_inline_secrets = true;
        append(f, "secret", "s", "open sesame");
        assert_refused(f, SEAL_E_INVALID_ARGS, "memfd");
        assert_null(strstr(f->detail.text, "sesame"));
        assert_false(f->target.secret.set);
}

static int memfd_with(const char *text, int seals) {
        int fd = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
        return fd;
}

static void test_sealed_memfd_is_read_at_once(void **state) {
        _cleanup_close_ int fd = memfd_with("from a memfd",
                                            F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK);
        Fixture *f = *state;

        f->no_inline_secrets = true;
        append(f, "secret", "h", fd);
        assert_int_equal(fixture_read(f), 0);
        assert_int_equal(f->pipes.count, 0);
        assert_int_equal(f->target.secret.size, strlen("from a memfd"));
        assert_memory_equal(f->target.secret.data, "from a memfd", strlen("from a memfd"));
}

static void test_pipe_is_left_for_the_event_loop(void **state) {
        Fixture *f = *state;
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        append(f, "secret", "h", fds[0]);
        assert_int_equal(fixture_read(f), 0);
        assert_int_equal(f->pipes.count, 1);
        assert_string_equal(f->pipes.pipes[0].option, "secret");
        assert_ptr_equal(f->pipes.pipes[0].target, &f->target.secret);
        assert_false(f->target.secret.set);
        (void) close(fds[0]);
        (void) close(fds[1]);
}

static void test_file_comes_as_bytes_or_as_a_descriptor(void **state) {
        _cleanup_close_ int fd = memfd_with("a file", 0);
        Fixture *f = *state;
        void *other;

        append_bytes(f, "file", "in here", 7);
        assert_int_equal(fixture_read(f), 0);
        assert_true(f->target.file.given && !f->target.file.by_fd);
        assert_int_equal(f->target.file.bytes.size, 7);
        assert_memory_equal(f->target.file.bytes.data, "in here", 7);
        assert_int_equal(fixture_setup(&other), 0);
        append((Fixture *) other, "file", "h", fd);
        assert_int_equal(fixture_read(other), 0);
        assert_true(((Fixture *) other)->target.file.by_fd);
        assert_int_equal(fixture_teardown(&other), 0);
}

static void test_no_other_type_is_a_file(void **state) {
        append((Fixture *) *state, "file", "s", "/etc/passwd");
        assert_refused(*state, SEAL_E_INVALID_ARGS, "'file' has the type ay or h");
}

static void test_longer_file_is_refused_either_way(void **state) {
        _cleanup_close_ int fd = memfd_with("nine bytes", 0);
        void *other;

        append_bytes(*state, "file", "nine byte", 9);
        assert_refused(*state, SEAL_E_LIMITS_EXCEEDED, "'file': more than 8 bytes");
        assert_int_equal(fixture_setup(&other), 0);
        append((Fixture *) other, "file", "h", fd);
        assert_refused(other, SEAL_E_LIMITS_EXCEEDED, "'file': The file has more than 8 bytes");
        assert_int_equal(fixture_teardown(&other), 0);
}

static void assert_fd_refused(int fd) {
        void *fixture;

        assert_true(fd >= 0);
        assert_int_equal(fixture_setup(&fixture), 0);
        append((Fixture *) fixture, "secret", "h", fd);
        assert_refused(fixture, SEAL_E_INVALID_ARGS, "'secret'");
        assert_int_equal(fixture_teardown(&fixture), 0);
        (void) close(fd);
}

static void test_other_descriptors_are_refused(void **state) {
        int fds[2];

        (void) state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_fd_refused(fds[0]);
        (void) close(fds[1]);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_fd_refused(fds[1]); /* the end that is written to */
        (void) close(fds[0]);
        assert_fd_refused(memfd_with("unsealed", 0));
        assert_fd_refused(memfd_with("can grow", F_SEAL_WRITE | F_SEAL_SHRINK));
        assert_fd_refused(open("/dev/zero", O_RDONLY | O_CLOEXEC));
        assert_fd_refused(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        assert_fd_refused(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
        assert_fd_refused(open("/proc/self/exe", O_PATH | O_CLOEXEC));
}

static void test_fifo_by_path_only_is_refused(void **state) {
        char folder[] = "/tmp/test-bus-options-XXXXXX", path[sizeof(folder) + 8];

        (void) state;
        assert_non_null(mkdtemp(folder));
        (void) snprintf(path, sizeof(path), "%s/fifo", folder);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_fd_refused(open(path, O_PATH | O_CLOEXEC));
        (void) unlink(path);
        (void) rmdir(folder);
}

static void fixture_deposit(Fixture *f, const char *owner, const char *text, char *ret_path) {
        _cleanup_(secret_wipe) Secret secret = {};

        assert_int_equal(secret_set(&secret, text, strlen(text)), 0);
        assert_int_equal(tickets_put(f->tickets, owner, 1000, &secret, ret_path, NULL), 0);
}

static void test_ticket_gives_what_was_deposited_also_without_inline_secrets(void **state) {
        Fixture *f = *state;
        char path[OBJECT_PATH_MAX];

        f->no_inline_secrets = true;
        fixture_deposit(f, ":1.7", "from a ticket", path);
        append(f, "secret", "o", path);
        assert_int_equal(fixture_read(f), 0);
        assert_int_equal(f->target.secret.size, strlen("from a ticket"));
        assert_memory_equal(f->target.secret.data, "from a ticket", strlen("from a ticket"));
}

static void test_ticket_named_twice_in_a_call_serves_once(void **state) {
        Fixture *f = *state;
        char path[OBJECT_PATH_MAX];

        fixture_deposit(f, ":1.7", "once", path);
        append(f, "secret", "o", path);
        append(f, "other-secret", "o", path);
        assert_refused(f, SEAL_E_NOT_FOUND, "'other-secret'");
        assert_null(strstr(f->detail.text, path));
}

static void test_ticket_of_another_connection_is_refused(void **state) {
        Fixture *f = *state;
        char path[OBJECT_PATH_MAX];

        fixture_deposit(f, ":1.8", "his", path);
        append(f, "secret", "o", path);
        assert_refused(f, SEAL_E_NOT_FOUND, "'secret'");
        assert_false(f->target.secret.set);
}

static void test_path_that_is_no_ticket_is_refused(void **state) {
        append((Fixture *) *state, "secret", "o", "/org/sealsd1/seal/1");
        assert_refused(*state, SEAL_E_NOT_FOUND, "'secret'");
}

static void test_ticket_is_no_value_of_other_options(void **state) {
        Fixture *f = *state;
        char path[OBJECT_PATH_MAX];

        fixture_deposit(f, ":1.7", "secret", path);
        append(f, "string", "o", path);
        assert_refused(f, SEAL_E_INVALID_ARGS, "'string' has the type s");
}

/* --- plain arguments ------------------------------------------------------------------------ */

static void assert_argument(const char *type, const char *value, int code, const char *owner) {
        char path[OBJECT_PATH_MAX];
        Secret secret = {};
        void *fixture;
        Fixture *f;

        assert_int_equal(fixture_setup(&fixture), 0);
        f = fixture;
        fixture_deposit(f, owner, "secret", path);
        const OptionContext context = context_of(f);
        assert_true(sd_bus_message_close_container(f->message) >= 0);
        assert_true(sd_bus_message_append(f->message, "v", type, value ? value : path) >= 0);
        assert_true(sd_bus_message_append(f->message, "s", "after") >= 0);
        assert_true(sd_bus_message_seal(f->message, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(f->message, true) >= 0);
        assert_true(sd_bus_message_skip(f->message, "a{sv}") >= 0);
        assert_int_equal(argument_secret(f->message, "old", &context, &secret, &f->detail), code);
        assert_int_equal(secret.set, code == 0);
        if (code != 0)
                assert_non_null(strstr(f->detail.text, "'old'"));
        secret_wipe(&secret);
        assert_int_equal(fixture_teardown(&fixture), 0);
}

static void test_secret_can_be_an_argument(void **state) {
        (void) state;
        assert_argument("s", "open sesame", 0, ":1.7");
        assert_argument("o", NULL, 0, ":1.7");
        assert_argument("o", NULL, SEAL_E_NOT_FOUND, ":1.8");
        assert_argument("g", "s", SEAL_E_INVALID_ARGS, ":1.7");
}

static void test_plain_arguments_are_bounded(void **state) {
        Fixture *f = *state;
        sd_bus_message *m = f->message;
        const char *text;
        Bytes bytes;

        assert_true(sd_bus_message_close_container(m) >= 0);
        assert_true(sd_bus_message_append(m, "s", "12345") >= 0);
        assert_true(sd_bus_message_append_array(m, 'y', "12345", 5) >= 0);
        assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(m, true) >= 0);
        assert_true(sd_bus_message_skip(m, "a{sv}") > 0);
        assert_int_equal(argument_text(m, "reason", 4, &text, &f->detail), SEAL_E_LIMITS_EXCEEDED);
        assert_string_equal(f->detail.text, "'reason': more than 4 bytes");
        assert_int_equal(argument_bytes(m, "digest", 4, &bytes, &f->detail),
                         SEAL_E_LIMITS_EXCEEDED);
        assert_string_equal(f->detail.text, "'digest': more than 4 bytes");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_no_options_leave_everything_as_it_is),
                TEST(test_every_type_arrives),
                TEST(test_empty_values_are_values),
                TEST(test_what_follows_the_options_can_be_read),
                TEST(test_unknown_name_is_named),
                TEST(test_names_match_exactly),
                TEST(test_strange_name_is_not_echoed),
                TEST(test_huge_name_is_not_echoed),
                TEST(test_repeat_is_refused),
                TEST(test_repeat_of_another_type_is_refused),
                TEST(test_wrong_types_are_refused),
                TEST(test_array_of_another_type_is_refused),
                TEST(test_custom_reader_speaks_for_its_option),
                TEST(test_option_of_a_later_version_is_unsupported_whatever_its_type),
                TEST(test_time_beyond_the_register_is_refused),
                TEST(test_longer_string_is_refused),
                TEST(test_longer_text_does_not_overrun_its_target),
                TEST(test_ten_megabytes_are_refused_by_name),
                TEST(test_larger_number_is_refused),
                TEST(test_longer_secret_is_refused_and_not_echoed),
                TEST(test_inline_secret_can_be_forbidden),
                TEST(test_sealed_memfd_is_read_at_once),
                TEST(test_pipe_is_left_for_the_event_loop),
                TEST(test_file_comes_as_bytes_or_as_a_descriptor),
                TEST(test_no_other_type_is_a_file),
                TEST(test_longer_file_is_refused_either_way),
                cmocka_unit_test(test_other_descriptors_are_refused),
                cmocka_unit_test(test_fifo_by_path_only_is_refused),
                TEST(test_ticket_gives_what_was_deposited_also_without_inline_secrets),
                TEST(test_ticket_named_twice_in_a_call_serves_once),
                TEST(test_ticket_of_another_connection_is_refused),
                TEST(test_path_that_is_no_ticket_is_refused),
                TEST(test_ticket_is_no_value_of_other_options),
                TEST(test_secret_can_be_an_argument),
                TEST(test_plain_arguments_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
