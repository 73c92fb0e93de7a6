/* SPDX-License-Identifier: Apache-2.0 */
/* When two calls have the same arguments. */
#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sealsd/bus-join.h"

typedef struct Fixture {
        sd_bus *bus;
        int peer;
} Fixture;

static int fixture_setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));
        int sockets[2];

        assert_non_null(f);
        assert_int_equal(
                socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets), 0);
        assert_true(sd_bus_new(&f->bus) >= 0);
        assert_true(sd_bus_set_fd(f->bus, sockets[0], sockets[0]) >= 0);
        assert_true(sd_bus_start(f->bus) >= 0);
        f->peer = sockets[1];
        *state = f;
        return 0;
}

static int fixture_teardown(void **state) {
        Fixture *f = *state;

        (void) sd_bus_close_unref(f->bus);
        (void) close(f->peer);
        free(f);
        return 0;
}

static sd_bus_message *call_new(Fixture *f, const char *types, ...) {
        sd_bus_message *m = NULL;
        va_list ap;

        assert_true(sd_bus_message_new_method_call(f->bus, &m, "org.example", "/", "org.example",
                                                   "Call") >= 0);
        if (types) {
                va_start(ap, types);
                assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
                va_end(ap);
        }
        assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
        return m;
}

#define CALL _cleanup_(sd_bus_message_unrefp) sd_bus_message

static void test_no_arguments_are_the_same(void **state) {
        CALL *a = call_new(*state, NULL), *b = call_new(*state, NULL);

        assert_true(arguments_equal(a, b));
}

static void test_options_are_compared_deeply(void **state) {
        CALL *a = call_new(*state, "sa{sv}", "x", 2, "name", "s", "Acme", "keepers", "as", 1, "a");
        CALL *b = call_new(*state, "sa{sv}", "x", 2, "name", "s", "Acme", "keepers", "as", 1, "a");
        CALL *c = call_new(*state, "sa{sv}", "x", 2, "name", "s", "Acme", "keepers", "as", 1, "b");
        CALL *d = call_new(*state, "sa{sv}", "x", 1, "name", "s", "Acme");

        assert_true(arguments_equal(a, b));
        assert_true(arguments_equal(a, b)); /* and leaves nothing behind */
        assert_false(arguments_equal(a, c));
        assert_false(arguments_equal(a, d));
        assert_false(arguments_equal(d, a));
}

static void test_values_of_every_basic_type_count(void **state) {
        CALL *a = call_new(*state, "ybqutdo", 1, 1, 2, 3, (uint64_t) 4, 5.0, "/a");
        CALL *b = call_new(*state, "ybqutdo", 1, 1, 2, 3, (uint64_t) 4, 5.0, "/a");
        CALL *c = call_new(*state, "ybqutdo", 1, 1, 2, 3, (uint64_t) 4 << 32, 5.0, "/a");
        CALL *d = call_new(*state, "ybqutdo", 1, 1, 2, 3, (uint64_t) 4, 5.0, "/b");

        assert_true(arguments_equal(a, b));
        assert_false(arguments_equal(a, c));
        assert_false(arguments_equal(a, d));
}

static void test_variants_of_other_types_differ(void **state) {
        CALL *a = call_new(*state, "v", "u", 1), *b = call_new(*state, "v", "i", 1);

        assert_false(arguments_equal(a, b));
}

static void test_longer_array_differs_either_way(void **state) {
        CALL *a = call_new(*state, "ay", 2, 1, 2), *b = call_new(*state, "ay", 3, 1, 2, 3);

        assert_false(arguments_equal(a, b));
        assert_false(arguments_equal(b, a));
}

static void test_other_signature_differs(void **state) {
        CALL *a = call_new(*state, "s", "x"), *b = call_new(*state, "ss", "x", "x");

        assert_false(arguments_equal(a, b));
}

static void test_descriptors_are_never_the_same(void **state) {
        CALL *a = call_new(*state, "h", STDERR_FILENO), *b = call_new(*state, "h", STDERR_FILENO);

        assert_false(arguments_equal(a, b));
        assert_false(arguments_equal(a, a));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_no_arguments_are_the_same),
                TEST(test_options_are_compared_deeply),
                TEST(test_values_of_every_basic_type_count),
                TEST(test_variants_of_other_types_differ),
                TEST(test_longer_array_differs_either_way),
                TEST(test_other_signature_differs),
                TEST(test_descriptors_are_never_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
