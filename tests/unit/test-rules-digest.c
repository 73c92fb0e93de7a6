/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/rules-digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

typedef struct Fixture {
        char first[64], second[64];
        const char *folders[4];
} Fixture;

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        strcpy(f->first, "/tmp/rules-XXXXXX");
        strcpy(f->second, "/tmp/rules-XXXXXX");
        assert_non_null(mkdtemp(f->first));
        assert_non_null(mkdtemp(f->second));
        f->folders[0] = f->first;
        f->folders[1] = "/nonexistent/rules.d";
        f->folders[2] = f->second;
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        char command[256];

        (void) snprintf(command, sizeof(command), "rm -r %s %s", f->first, f->second);
        assert_int_equal(system(command), 0);
        free(f);
        return 0;
}

static void put(const char *folder, const char *name, const char *text) {
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static RulesDigest digest_now(const Fixture *f) {
        RulesDigest digest = {};

        assert_int_equal(rules_digest_of(f->folders, &digest), 0);
        assert_int_equal(digest.digest.size, 32);
        return digest;
}

static bool same(const RulesDigest *a, const RulesDigest *b) {
        return memcmp(a->digest.buffer, b->digest.buffer, 32) == 0;
}

static void a_change_of_any_file_or_name_is_another_digest(void **state) {
        Fixture *f = *state;

        put(f->first, "50-one.rules", "one");
        put(f->second, "60-two.rules", "two");
        RulesDigest before = digest_now(f), again = digest_now(f);
        assert_true(same(&before, &again));
        assert_int_equal(before.files, 2);
        assert_int_equal(before.unreadable, 0);

        put(f->second, "60-two.rules", "tvo");
        RulesDigest edited = digest_now(f);
        assert_false(same(&before, &edited));
        put(f->second, "60-two.rules", "two");
        put(f->second, "70-three.rules", "");
        RulesDigest added = digest_now(f);
        assert_false(same(&before, &added));
        assert_int_equal(added.files, 3);
}

static void what_polkit_does_not_read_does_not_count(void **state) {
        Fixture *f = *state;

        put(f->first, "50-one.rules", "one");
        RulesDigest before = digest_now(f);
        put(f->first, "README", "text");
        put(f->first, ".50-one.rules", "an editor's");
        put(f->second, "50-one.rules", "hidden by the one before");
        RulesDigest after = digest_now(f);
        assert_true(same(&before, &after));
        assert_int_equal(after.files, 1);
}

static void what_cannot_be_read_is_told(void **state) {
        Fixture *f = *state;
        char path[128];

        put(f->first, "50-one.rules", "one");
        (void) snprintf(path, sizeof(path), "%s/60-folder.rules", f->first);
        assert_int_equal(mkdir(path, 0700), 0);
        RulesDigest digest = digest_now(f);
        assert_int_equal(digest.files, 1);
        assert_int_equal(digest.unreadable, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_change_of_any_file_or_name_is_another_digest,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(what_polkit_does_not_read_does_not_count, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(what_cannot_be_read_is_told, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
