/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static char path[] = "/tmp/sealsd-test-config-XXXXXX";

static void file_write(const char *text, size_t size) {
        _cleanup_fclose_ FILE *file = fopen(path, "w");

        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, size, file), size);
}

static int load(const char *text, Config **ret, ErrorDetail *detail) {
        file_write(text, strlen(text));
        return config_load(ret, path, detail);
}

/* It is refused, and the text says at which line. */
static void assert_refused(const char *text, int line) {
        Config *config = NULL;
        ErrorDetail detail = {};
        char place[64];

        (void) snprintf(place, sizeof(place), "%s:%d: ", path, line);
        assert_int_equal(load(text, &config, &detail), SEAL_E_INVALID_ARGS);
        assert_null(config);
        if (strncmp(detail.text, place, strlen(place)) != 0)
                fail_msg("'%s' does not begin with '%s'", detail.text, place);
}

static void an_empty_file_gives_the_defaults(void **state) {
        _cleanup_(config_freep) Config *config = NULL;

        (void) state;
        (void) unsetenv("STATE_DIRECTORY");
        (void) unsetenv("CACHE_DIRECTORY");
        assert_int_equal(load("", &config, NULL), 0);
        assert_string_equal(config->tcti, "");
        assert_string_equal(config->state_directory, "/var/lib/sealsd");
        assert_true(config->allow_inline_secrets);
        assert_string_equal(config->number_region, "000000");
        assert_int_equal(config->validity_days, 1095);
        assert_int_equal(config->reviewers_needed, 1);
        assert_int_equal(config_reviewers_needed(config, "finance"), 1);
        assert_int_equal(config->request_days, 30);
        assert_false(config->separate_logins);
        assert_false(config->signed_decisions);
        assert_int_equal(config->anchor_minutes, 10);
        assert_int_equal(config->inspection.every_hours, 24);
        assert_int_equal(config->inspection.warn_days, 30);
        assert_int_equal(config->inspection.unused_days, 180);
        assert_int_equal(config->inspection.wait_days, 7);
        assert_int_equal(config->inspection.grants_max, 8);
        assert_false(config->inspection.command_audit);
        assert_string_equal(config->maker.organization, "");
        assert_string_equal(config->maker.country, "");
        assert_int_equal(config->maker.validity_days, 3650);
        assert_int_equal(config->maker.crl_days, 7);
        assert_string_equal(config->maker.crl_directory, "/var/cache/sealsd");
        assert_int_equal(config->maker.crl_url_count, 0);
        assert_int_equal(config->fence_pcr, 15);
}

static void every_key_is_read(void **state) {
        _cleanup_(config_freep) Config *config = NULL;

        (void) state;
        assert_int_equal(load("# comment\n"
                              "[Daemon]\n"
                              "Tcti=swtpm:path=/run/x\n"
                              "StateDirectory=/srv/seals\n"
                              "AllowInlineSecrets=no\n"
                              "[Roles]\n"
                              "Applicants=user:root group:daemon\n"
                              "  user:daemon\n"
                              "Reviewers=\n"
                              "Makers=user:bin\n"
                              "Administrators=user:root\n"
                              "Auditors=user:root\n"
                              "SeparateLogins=yes\n"
                              "SignedDecisions=yes\n"
                              "[Seals]\n"
                              "NumberRegion=110108\n"
                              "ValidityDays = 30\n"
                              "ReviewersNeeded=4\n"
                              "ReviewersFor=finance:2 official:1\n"
                              "  legal-representative:3\n"
                              "RequestDays=7\n"
                              "[Maker]\n"
                              "Organization=Pr\xc3\xbc"
                              "fstelle\n"
                              "OrganizationIdentifier=VATDE-123456789\n"
                              "Country=DE\n"
                              "CommonName=Seals of Test\n"
                              "ValidityDays=365\n"
                              "CrlValidityDays=1\n"
                              "CrlDirectory=/srv/crl\n"
                              "CrlDistributionPoint=http://a.example/%a.crl\n"
                              "  ldap://b.example/%20x?certificateRevocationList\n"
                              "[Ledger]\n"
                              "AnchorMinutes=60\n"
                              "[Inspection]\n"
                              "EveryHours=0\n"
                              "WarnDays=60\n"
                              "UnusedDays=0\n"
                              "WaitDays=1\n"
                              "GrantsMax=3\n"
                              "CommandAudit=yes\n"
                              "[Tpm]\r\n"
                              "FencePcr=14",
                              &config, NULL),
                         0);
        assert_string_equal(config->tcti, "swtpm:path=/run/x");
        assert_string_equal(config->state_directory, "/srv/seals");
        assert_false(config->allow_inline_secrets);
        assert_int_equal(config->applicants.count, 3);
        assert_string_equal(config->applicants.subjects[1].text, "group:daemon");
        assert_string_equal(config->applicants.subjects[2].text, "user:daemon");
        assert_int_equal(config->reviewers.count, 0);
        assert_string_equal(config->makers.subjects[0].text, "user:bin");
        assert_int_equal(config->administrators.subjects[0].id, 0);
        assert_string_equal(config->number_region, "110108");
        assert_int_equal(config->validity_days, 30);
        assert_int_equal(config->reviewers_needed, 4);
        assert_int_equal(config_reviewers_needed(config, "finance"), 2);
        assert_int_equal(config_reviewers_needed(config, "official"), 1);
        assert_int_equal(config_reviewers_needed(config, "legal-representative"), 3);
        assert_int_equal(config_reviewers_needed(config, "other"), 4);
        assert_int_equal(config->request_days, 7);
        assert_string_equal(config->maker.organization, "Pr\xc3\xbc"
                                                        "fstelle");
        assert_string_equal(config->maker.organization_identifier, "VATDE-123456789");
        assert_string_equal(config->maker.country, "DE");
        assert_string_equal(config->maker.common_name, "Seals of Test");
        assert_int_equal(config->maker.validity_days, 365);
        assert_int_equal(config->maker.crl_days, 1);
        assert_string_equal(config->maker.crl_directory, "/srv/crl");
        assert_int_equal(config->maker.crl_url_count, 2);
        assert_string_equal(config->maker.crl_urls[0], "http://a.example/%a.crl");
        assert_string_equal(config->maker.crl_urls[1],
                            "ldap://b.example/%20x?certificateRevocationList");
        assert_true(config->separate_logins);
        assert_true(config->signed_decisions);
        assert_int_equal(config->anchor_minutes, 60);
        assert_int_equal(config->inspection.every_hours, 0);
        assert_int_equal(config->inspection.warn_days, 60);
        assert_int_equal(config->inspection.unused_days, 0);
        assert_int_equal(config->inspection.wait_days, 1);
        assert_int_equal(config->inspection.grants_max, 3);
        assert_true(config->inspection.command_audit);
        assert_int_equal(config->fence_pcr, 14);
}

static void assert_same_subjects(const SubjectList *a, const SubjectList *b) {
        assert_int_equal(a->count, b->count);
        for (size_t i = 0; i < a->count; i++)
                assert_true(subject_equal(&a->subjects[i], &b->subjects[i]));
}

static void assert_same_config(const Config *a, const Config *b) {
        assert_string_equal(a->tcti, b->tcti);
        assert_string_equal(a->state_directory, b->state_directory);
        assert_int_equal(a->allow_inline_secrets, b->allow_inline_secrets);
        assert_same_subjects(&a->applicants, &b->applicants);
        assert_same_subjects(&a->reviewers, &b->reviewers);
        assert_same_subjects(&a->makers, &b->makers);
        assert_same_subjects(&a->administrators, &b->administrators);
        assert_same_subjects(&a->auditors, &b->auditors);
        assert_string_equal(a->number_region, b->number_region);
        assert_int_equal(a->validity_days, b->validity_days);
        assert_int_equal(a->reviewers_needed, b->reviewers_needed);
        assert_int_equal(a->reviewers_for_count, b->reviewers_for_count);
        assert_int_equal(a->request_days, b->request_days);
        assert_int_equal(a->separate_logins, b->separate_logins);
        assert_int_equal(a->signed_decisions, b->signed_decisions);
        assert_int_equal(a->anchor_minutes, b->anchor_minutes);
        assert_memory_equal(&a->inspection, &b->inspection, sizeof(a->inspection));
        assert_memory_equal(&a->maker, &b->maker, sizeof(a->maker));
        assert_int_equal(a->fence_pcr, b->fence_pcr);
}

/*
 * Beside this source, as the compiler was given its path; $SEALSD_SOURCE is the tree, run
 * elsewhere.
 */
static void shipped_path(char *ret, size_t size) {
        const char *tree = getenv("SEALSD_SOURCE");
        const char *end = strstr(__FILE__, "tests/unit/");

        assert_non_null(end);
        if (tree)
                (void) snprintf(ret, size, "%s/units/sealsd.conf", tree);
        else
                (void) snprintf(ret, size, "%.*sunits/sealsd.conf", (int) (end - __FILE__),
                                __FILE__);
}

/*
 * "#Key=value" lines of the shipped file say what is in force: taken at their word, they change
 * nothing.
 */
static void uncomment(FILE *in, FILE *out) {
        char line[512];

        while (fgets(line, sizeof(line), in)) {
                bool key = line[0] == '#' && line[1] >= 'A' && line[1] <= 'Z' &&
                           line[1 + strspn(line + 1, LETTERS)] == '=';

                assert_true(fputs(key ? line + 1 : line, out) >= 0);
        }
}

static void the_shipped_file_is_the_defaults(void **state) {
        _cleanup_(config_freep) Config *empty = NULL, *shipped = NULL, *spoken = NULL;
        ErrorDetail detail = {};
        char source[512];

        (void) state;
        (void) unsetenv("STATE_DIRECTORY");
        shipped_path(source, sizeof(source));
        assert_int_equal(load("", &empty, NULL), 0);
        if (config_load(&shipped, source, &detail) != 0)
                fail_msg("%s (is $SEALSD_SOURCE the tree?)", detail.text);
        assert_same_config(shipped, empty);
        {
                _cleanup_fclose_ FILE *in = fopen(source, "r"), *out = fopen(path, "w");

                assert_non_null(in);
                assert_non_null(out);
                uncomment(in, out);
        }
        if (config_load(&spoken, path, &detail) != 0)
                fail_msg("%s", detail.text);
        assert_same_config(spoken, empty);
}

static void a_subject_without_account_is_left_out(void **state) {
        _cleanup_(config_freep) Config *config = NULL;

        (void) state;
        assert_int_equal(
                load("[Roles]\nReviewers=user:no-such-account-here user:root\n", &config, NULL), 0);
        assert_int_equal(config->reviewers.count, 1);
        assert_string_equal(config->reviewers.subjects[0].text, "user:root");
}

static void what_is_not_known_is_refused_by_line(void **state) {
        (void) state;
        assert_refused("[Daemon]\nTcti=\nTypo=1\n", 3);
        assert_refused("[Daemom]\n", 1);
        assert_refused("Tcti=x\n", 1);
        assert_refused("[Seals]\nTcti=x\n", 2);
        assert_refused("[Daemon]\n\nnonsense\n", 3);
        assert_refused("[Daemon]\nTcti=a\nTcti=b\n", 3);
        assert_refused("[Daemon]\nnonsense\nTypo=1\n", 2);
        assert_refused("[Daemon]\nTypo=1\nnonsense\n", 2);
}

static void values_out_of_range_are_refused_by_line(void **state) {
        const char *const wrong[] = {
                "[Tpm]\nFencePcr=10\n",
                "[Tpm]\nFencePcr=16\n",
                "[Tpm]\nFencePcr=24\n",
                "[Tpm]\nFencePcr=-1\n",
                "[Tpm]\nFencePcr=\n",
                "[Seals]\nValidityDays=0\n",
                "[Seals]\nValidityDays=1d\n",
                "[Seals]\nValidityDays=99999999999999999999\n",
                "[Seals]\nReviewersNeeded=5\n",
                "[Seals]\nReviewersFor=finance\n",
                "[Seals]\nReviewersFor=finance:0\n",
                "[Seals]\nReviewersFor=finance:5\n",
                "[Seals]\nReviewersFor=finanse:1\n",
                "[Seals]\nReviewersFor=finance:2 finance:2\n",
                "[Seals]\nReviewersFor=:2\n",
                "[Seals]\nRequestDays=0\n",
                "[Maker]\nCountry=Germany\n",
                "[Maker]\nCountry=de\n",
                "[Maker]\nValidityDays=0\n",
                "[Maker]\nCrlValidityDays=366\n",
                "[Maker]\nCrlDirectory=cache\n",
                "[Maker]\nCrlDistributionPoint=ftp://a.example/x\n",
                "[Maker]\nCrlDistributionPoint=http://a.example/%b.crl\n",
                "[Maker]\nOrganizationIdentifier=a\tb\n",
                ("[Maker]\nCommonName="
                 "12345678901234567890123456789012345678901234567890123456789012345\n"),
                "[Ledger]\nAnchorMinutes=0\n",
                "[Ledger]\nAnchorMinutes=1441\n",
                "[Inspection]\nEveryHours=8761\n",
                "[Inspection]\nWarnDays=-1\n",
                "[Inspection]\nGrantsMax=1001\n",
                "[Inspection]\nCommandAudit=sometimes\n",
                "[Roles]\nSeparateLogins=perhaps\n",
                "[Seals]\nNumberRegion=12345\n",
                "[Seals]\nNumberRegion=12345a\n",
                "[Daemon]\nAllowInlineSecrets=maybe\n",
                "[Daemon]\nStateDirectory=relative\n",
                "[Roles]\nMakers=root\n",
                "[Roles]\nMakers=user:root,user:bin\n",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                assert_refused(wrong[i], 2);
}

static void a_line_that_the_parser_would_cut_is_refused(void **state) {
        char text[1024] = "[Daemon]\nTcti=";

        (void) state;
        memset(text + strlen(text), 'x', 500);
        assert_refused(text, 2);
}

static void large_files_zeros_and_missing_files_are_refused(void **state) {
        _cleanup_free_ char *large = calloc(1, CONFIG_BYTES_MAX + 1);
        Config *config = NULL;
        ErrorDetail detail = {};

        (void) state;
        assert_non_null(large);
        memset(large, '\n', CONFIG_BYTES_MAX + 1);
        file_write(large, CONFIG_BYTES_MAX + 1);
        assert_int_equal(config_load(&config, path, &detail), SEAL_E_INVALID_ARGS);
        file_write(large, CONFIG_BYTES_MAX);
        assert_int_equal(config_load(&config, path, &detail), 0);
        config = config_free(config);
        file_write("[Daemon]\n\0x", 11);
        assert_int_equal(config_load(&config, path, &detail), SEAL_E_INVALID_ARGS);
        assert_int_equal(config_load(&config, "/nonexistent/sealsd.conf", &detail), -ENOENT);
        assert_null(config);
        assert_non_null(strstr(detail.text, "/nonexistent/sealsd.conf"));
}

static void too_many_subjects_are_refused(void **state) {
        char text[1024] = "[Roles]\n";

        (void) state;
        strcat(text, "Makers=user:root\n");
        for (int i = 0; i < CONFIG_SUBJECTS_MAX; i++)
                strcat(text, " user:root\n");
        assert_refused(text, CONFIG_SUBJECTS_MAX + 2);
}

static void the_folder_comes_from_the_service_manager(void **state) {
        _cleanup_(config_freep) Config *config = NULL;

        (void) state;
        assert_int_equal(setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1), 0);
        assert_int_equal(load("", &config, NULL), 0);
        assert_string_equal(config->state_directory, "/var/lib/one");
        (void) unsetenv("STATE_DIRECTORY");
        config = config_free(config);
        assert_int_equal(setenv("CACHE_DIRECTORY", "/var/cache/one", 1), 0);
        assert_int_equal(load("", &config, NULL), 0);
        assert_string_equal(config->maker.crl_directory, "/var/cache/one");
        (void) unsetenv("CACHE_DIRECTORY");
}

static int setup(void **state) {
        int fd = mkstemp(path);

        (void) state;
        return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state) {
        (void) state;
        return unlink(path);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_empty_file_gives_the_defaults),
                cmocka_unit_test(every_key_is_read),
                cmocka_unit_test(the_shipped_file_is_the_defaults),
                cmocka_unit_test(a_subject_without_account_is_left_out),
                cmocka_unit_test(what_is_not_known_is_refused_by_line),
                cmocka_unit_test(values_out_of_range_are_refused_by_line),
                cmocka_unit_test(a_line_that_the_parser_would_cut_is_refused),
                cmocka_unit_test(large_files_zeros_and_missing_files_are_refused),
                cmocka_unit_test(too_many_subjects_are_refused),
                cmocka_unit_test(the_folder_comes_from_the_service_manager),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
