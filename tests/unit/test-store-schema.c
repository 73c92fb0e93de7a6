/* SPDX-License-Identifier: Apache-2.0 */
/* Edits around the rows: what they are read by, and what they are written through. */
#include <string.h>

#include "sealsd/store-internal.h"
#include "sealsd/store-verify.h"
#include "tests/unit/register.h"

#define SEAL_1 "00000000000001"

static void begin(Register *r) {
        Request request = a_request(1000);
        Installation installation = { .phase = INIT_COMPLETE, .separation = SEPARATION_DUAL };
        Seal seal = { .number = SEAL_1,
                      .request = 1,
                      .state = SEAL_ACTIVE,
                      .separation = SEPARATION_DUAL,
                      .applicant = request.applicant,
                      .facts = request.application,
                      .created = 1000,
                      .index = REGISTER_INDEX };
        Grant grant = { .number = SEAL_1,
                        .subject = a_user(5, "user:five"),
                        .purposes = PURPOSE_ALL,
                        .giver = a_user(6, "user:six") };

        seal.facts.use_limit = 2;
        assert_int_equal(store_installation_save(r->store, &installation), 0);
        index_add(r, REGISTER_INDEX, 0, 64, true);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_seal_add(r->store, &seal), 0);
        assert_int_equal(store_grant_add(r->store, &grant), 0);
        assert_int_equal(store_ledger_begin(r->store, (const uint8_t[LEDGER_HASH_SIZE]){},
                                            &(Event){ .code = EVENT_INITIALIZED, .time = 5 }),
                         0);
}

static void verify(Register *r, VerifyReport *ret) {
        _cleanup_(store_closep) Store *reader = NULL;
        const VerifyOptions options = {};

        assert_int_equal(store_reader_open(&reader, r->path, NULL), 0);
        assert_int_equal(store_verify(reader, &options, ret, NULL), 0);
}

static void assert_found(Register *r, const char *place, const char *says) {
        VerifyReport report;

        verify(r, &report);
        if (report.breaks == 0 || !strstr(report.place, place) || !strstr(report.text, says))
                fail_msg("found %d, %s: \"%s\", expected %s: \"%s\"", (int) report.breaks,
                         report.place, report.text, place, says);
        verify_report_done(&report);
}

static void assert_good(Register *r) {
        VerifyReport report;

        verify(r, &report);
        if (report.breaks > 0)
                fail_msg("%s: %s", report.place, report.text);
        verify_report_done(&report);
}

/* --- the schema ------------------------------------------------------------------------------- */

/* It would take each use back, in the transaction that counts it, with a hash that fits. */
static void a_trigger_takes_no_use_back(void **state) {
        const char *const triggers[] = {
                "CREATE TRIGGER mine BEFORE UPDATE ON seal_use BEGIN SELECT raise(IGNORE); END",
                "CREATE TRIGGER mine AFTER UPDATE ON seal_use WHEN NEW.count > 0"
                " BEGIN UPDATE seal_use SET count = 0; END",
        };
        uint64_t first;

        (void) state;
        for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
                Register *r = NULL;

                assert_int_equal(register_setup((void **) &r), 0);
                begin(r);
                register_tamper(r, triggers[i]);
                register_open(r);
                for (uint64_t use = 1; use <= 2; use++) {
                        assert_int_equal(store_use_take(r->store, SEAL_1, 0, 1, &first, NULL), 0);
                        assert_int_equal(first, use);
                }
                assert_int_equal(store_use_take(r->store, SEAL_1, 0, 1, &first, NULL),
                                 SEAL_E_LIMIT_REACHED);
                assert_found(r, "schema", "trigger mine");
                assert_int_equal(register_teardown((void **) &r), 0);
        }
}

static void another_schema_is_found(void **state) {
        const struct {
                const char *sql, *says;
        } edits[] = {
                { "CREATE TABLE more (a)", "table more" },
                { "CREATE VIEW v AS SELECT * FROM seal", "view v" },
                { "DROP INDEX use_grant_seal", "index use_grant_seal" },
                { "DROP INDEX use_grant_seal; CREATE INDEX use_grant_seal ON use_grant (seal, id)"
                  " WHERE id > 5",
                  "index use_grant_seal" },
                { "ALTER TABLE reviewer RENAME TO mine; CREATE VIEW reviewer AS SELECT * FROM mine",
                  "mine" },
                { "ALTER TABLE seal ADD COLUMN more TEXT", "table seal" },
                { "CREATE TABLE \"a\x1b[2J\" (a)", "table a?[2J" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
                Register *r = NULL;

                assert_int_equal(register_setup((void **) &r), 0);
                begin(r);
                assert_good(r);
                register_tamper(r, edits[i].sql);
                assert_found(r, "schema", edits[i].says);
                assert_int_equal(register_teardown((void **) &r), 0);
        }
}

/* ANALYZE is no harm. */
static void statistics_are_no_other_schema(void **state) {
        Register *r = *state;

        begin(r);
        register_tamper(r, "ANALYZE");
        register_open(r);
        assert_good(r);
}

/* An index that leaves a grant out: whoever surrenders the seal ends all but that one. */
static void an_index_that_leaves_rows_out_is_found_and_made_anew(void **state) {
        Register *r = *state;
        VerifyReport report;

        begin(r);
        register_tamper(r, "CREATE TEMP TABLE was AS SELECT sql FROM sqlite_schema"
                           "  WHERE name = 'use_grant_seal';"
                           "DROP INDEX use_grant_seal;"
                           "CREATE INDEX use_grant_seal ON use_grant (seal, id) WHERE id > 5;"
                           "PRAGMA writable_schema = ON;"
                           "UPDATE sqlite_schema SET sql = (SELECT sql FROM was)"
                           "  WHERE name = 'use_grant_seal'");
        register_open(r);
        verify(r, &report);
        assert_true(report.indices && report.breaks > 0);
        assert_int_equal(store_acknowledge(r->store,
                                           &(Event){ .code = EVENT_TAMPERING_ACKNOWLEDGED },
                                           &report),
                         0);
        verify_report_done(&report);
        assert_good(r);
}

/* --- what cannot be read ---------------------------------------------------------------------- */

/* It must not end the check, behind which anything else could be edited. */
static void a_malformed_anchor_is_found_and_hides_nothing(void **state) {
        const char *const edits[] = {
                "UPDATE anchor SET head = x'00'",  "UPDATE anchor SET value = x''",
                "UPDATE anchor SET kind = 'none'", "UPDATE anchor SET done = 7",
                "UPDATE anchor SET seq = -5",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
                Register *r = NULL;
                VerifyReport report;

                assert_int_equal(register_setup((void **) &r), 0);
                begin(r);
                for (uint64_t n = 0; n < 2; n++)
                        assert_int_equal(store_anchor_add(r->store, &(LedgerAnchor){ .seq = 1 }),
                                         0);
                register_tamper(r, edits[i]);
                register_tamper(r, "UPDATE seal SET name = 'Other'");
                register_open(r);
                verify(r, &report);
                assert_int_equal(report.record_count, 1);
                verify_report_done(&report);
                assert_int_equal(register_teardown((void **) &r), 0);
        }
}

/* A register that was put back, with the row and the anchor of an acknowledgement behind it. */
static void a_chain_of_anchors_that_began_anew_is_counted_as_acknowledged(void **state) {
        Register *r = *state;
        LedgerAnchor base = { .seq = 2, .value = { 7 }, .rebase = true, .done = true };
        VerifyReport report;

        begin(r);
        assert_int_equal(store_event(r->store, &(Event){ .code = EVENT_TAMPERING_ACKNOWLEDGED }),
                         0);
        assert_int_equal(store_anchor_add(r->store, &base), 0);
        verify(r, &report);
        assert_int_equal(report.breaks, 0);
        assert_int_equal(report.acknowledged, 1);
        verify_report_done(&report);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_trigger_takes_no_use_back),
                cmocka_unit_test(another_schema_is_found),
                register_test(statistics_are_no_other_schema),
                register_test(an_index_that_leaves_rows_out_is_found_and_made_anew),
                cmocka_unit_test(a_malformed_anchor_is_found_and_hides_nothing),
                register_test(a_chain_of_anchors_that_began_anew_is_counted_as_acknowledged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
