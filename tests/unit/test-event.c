/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include <syslog.h>

#include "format/event.h"
#include "tests/unit/unit.h"

static void test_every_word_leads_back_to_its_event(void **state) {
        (void) state;
        for (int i = 0; i < EVENT_MAX; i++)
                assert_int_equal(event_from_name(event_name((EventCode) i)), i);
        assert_int_equal(event_from_name("no-such-event"), -1);
        assert_string_equal(event_name(EVENT_MAX), "?");
}

/* A consumer of the journal finds an event by its id: 32 lower-case hex digits, each its own. */
static void test_message_ids_are_well_formed_and_differ(void **state) {
        (void) state;
        for (int i = 0; i < EVENT_MAX; i++) {
                const char *id = event_message_id((EventCode) i);

                assert_int_equal(strlen(id), 32);
                for (const char *p = id; *p; p++)
                        assert_true(isdigit((unsigned char) *p) || (*p >= 'a' && *p <= 'f'));
                for (int j = 0; j < i; j++)
                        assert_string_not_equal(id, event_message_id((EventCode) j));
        }
}

static void test_custody_is_anchored_at_once_and_use_later(void **state) {
        (void) state;
        assert_true(event_is_anchored_now(EVENT_SEAL_REVOKED));
        assert_true(event_is_anchored_now(EVENT_GRANT_ADDED));
        assert_true(event_is_anchored_now(EVENT_TAMPERING_ACKNOWLEDGED));
        assert_false(event_is_anchored_now(EVENT_USE));
        assert_false(event_is_anchored_now(EVENT_USE_REFUSED));
}

static void test_priorities_and_sentences_are_there(void **state) {
        (void) state;
        for (int i = 0; i < EVENT_MAX; i++) {
                assert_in_range(event_priority((EventCode) i), LOG_CRIT, LOG_INFO);
                assert_true(strlen(event_text((EventCode) i)) > 10);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_word_leads_back_to_its_event),
                cmocka_unit_test(test_message_ids_are_well_formed_and_differ),
                cmocka_unit_test(test_custody_is_anchored_at_once_and_use_later),
                cmocka_unit_test(test_priorities_and_sentences_are_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
