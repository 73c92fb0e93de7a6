/* SPDX-License-Identifier: Apache-2.0 */
/* Which seals a list has, and who sees a seal. */
#include "sealsd/store.h"
#include "tests/unit/stored-seal.h"

static bool sees(Register *r, uint32_t uid, uint32_t gid) {
        const Caller viewer = { .uid = uid, .group_count = 2, .groups = { 99, gid } };
        const SealFilter filter = { .state = -1, .viewer = &viewer };
        _cleanup_free_ SealRow *rows = NULL;
        size_t count = 0;
        bool visible = false;

        assert_int_equal(store_seal_visible(r->store, "00000000000001", &viewer, &visible), 0);
        assert_int_equal(store_seal_list(r->store, &filter, &rows, &count), 0);
        assert_int_equal(count, visible); /* both ways of asking agree */
        return visible;
}

static void keepers_applicant_and_deciders_see_a_seal(void **state) {
        Register *r = *state;

        stored_seals_prepare(r);
        (void) stored_seal_add(r, 1);
        assert_true(sees(r, KEEPER, 0));
        assert_true(sees(r, 5, KEEPERS));
        assert_true(sees(r, APPLICANT, 0));
        assert_true(sees(r, DECIDER, 0));
}

/* Ids of users are no ids of groups. */
static void nobody_else_sees_a_seal(void **state) {
        Register *r = *state;

        stored_seals_prepare(r);
        (void) stored_seal_add(r, 1);
        assert_false(sees(r, 0, 0));
        assert_false(sees(r, KEEPERS, 5));
        assert_false(sees(r, 5, KEEPER));
        assert_false(sees(r, 5, APPLICANT));
        assert_false(sees(r, 5, DECIDER));
}

static void a_caller_without_groups_has_none(void **state) {
        const Caller viewer = { .uid = 5 };
        Register *r = *state;
        bool visible = true;

        stored_seals_prepare(r);
        (void) stored_seal_add(r, 1);
        assert_int_equal(store_seal_visible(r->store, "00000000000001", &viewer, &visible), 0);
        assert_false(visible);
        assert_int_equal(store_seal_visible(r->store, "00000000000002", &viewer, &visible), 0);
        assert_false(visible);
}

static void a_caller_with_all_groups_is_found_by_the_last(void **state) {
        static Caller viewer = { .uid = 5, .group_count = CALLER_GROUPS_MAX };
        Register *r = *state;
        bool visible = false;

        stored_seals_prepare(r);
        (void) stored_seal_add(r, 1);
        for (size_t i = 0; i < CALLER_GROUPS_MAX; i++)
                viewer.groups[i] = UINT32_MAX - (uint32_t) i;
        viewer.groups[CALLER_GROUPS_MAX - 1] = KEEPERS;
        assert_int_equal(store_seal_visible(r->store, "00000000000001", &viewer, &visible), 0);
        assert_true(visible);
}

static void the_named_keeper_sees_it_until_another_is_named(void **state) {
        Register *r = *state;

        stored_seals_prepare(r);
        Seal seal = stored_seal_add(r, 1);
        assert_false(sees(r, 4000, 0));
        seal.named_keeper = a_user(4000, "user:named");
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_true(sees(r, 4000, 0));
        seal.named_keeper = a_user(4001, "user:other");
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_false(sees(r, 4000, 0));
        assert_true(sees(r, 4001, 0));
        seal.named_keeper = seal.facts.keepers[0];
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_false(sees(r, 4001, 0));
        assert_true(sees(r, KEEPER, 0));
        seal.named_keeper = (Subject){};
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_true(sees(r, KEEPER, 0));
        assert_false(sees(r, 0, 0));
}

/* The serials that the filter gives are these, in this order; the list ends with 0. */
static void assert_serials(Register *r, SealFilter filter, const unsigned *serials) {
        _cleanup_free_ SealRow *rows = NULL;
        size_t count = 0, expected = 0;

        while (serials[expected] != 0)
                expected++;
        assert_int_equal(store_seal_list(r->store, &filter, &rows, &count), 0);
        assert_non_null(rows);
        assert_int_equal(count, expected);
        for (size_t i = 0; i < expected; i++)
                assert_int_equal(strtoul(rows[i].number, NULL, 10), serials[i]);
}

#define assert_list(r, filter, ...) assert_serials(r, filter, (const unsigned[]){ __VA_ARGS__ })
#define IN_STATE(value, ...) ((SealFilter){ .state = (value), __VA_ARGS__ })
#define FILTER(...) IN_STATE(-1, __VA_ARGS__)

/* Born in this order: 3, 1, 2. */
static void prepare_three(Register *r) {
        stored_seals_prepare(r);
        Seal seal = a_seal(3);
        strcpy(seal.facts.name, "Third's seal");
        strcpy(seal.facts.type, "finance");
        seal.facts.not_after = 500;
        assert_int_equal(store_seal_add(r->store, &seal), 0);
        seal = a_seal(1);
        strcpy(seal.facts.holder, "Holder Ltd");
        seal.state = SEAL_ACTIVE;
        assert_int_equal(store_seal_add(r->store, &seal), 0);
        seal = a_seal(2);
        strcpy(seal.facts.class, "personal");
        seal.facts.keeper_count = 1;
        seal.facts.keepers[0] = a_user(77, "user:alone");
        assert_int_equal(store_seal_add(r->store, &seal), 0);
}

static void lists_ascend_by_number_in_pages(void **state) {
        Register *r = *state;

        prepare_three(r);
        assert_list(r, FILTER(), 1, 2, 3, 0);
        assert_list(r, FILTER(.limit = 2), 1, 2, 0);
        assert_list(r, FILTER(.limit = 2, .after = "00000000000002"), 3, 0);
        assert_list(r, FILTER(.after = "00000000000003"), 0);
        assert_list(r, FILTER(.after = "000000000000015"), 2, 3, 0); /* need not exist */
}

static void lists_can_be_newest_first(void **state) {
        Register *r = *state;

        prepare_three(r);
        assert_list(r, FILTER(.newest_first = true), 2, 1, 3, 0);
        assert_list(r, FILTER(.newest_first = true, .limit = 1), 2, 0);
        assert_list(r, FILTER(.newest_first = true, .after = "00000000000002"), 1, 3, 0);
        assert_list(r, FILTER(.newest_first = true, .after = "00000000000009"), 0);
}

static void lists_are_filtered(void **state) {
        const Subject alone = a_user(77, "user:renamed"), other = a_user(78, "user:alone");
        const Subject group = { .kind = SUBJECT_GROUP, .id = KEEPERS, .text = "group:x" };
        const Caller viewer = { .uid = 77 };
        Register *r = *state;

        prepare_three(r);
        assert_list(r, IN_STATE(SEAL_ACTIVE), 1, 0);
        assert_list(r, IN_STATE(SEAL_MADE), 2, 3, 0);
        assert_list(r, FILTER(.type = "finance"), 3, 0);
        assert_list(r, FILTER(.class = "personal"), 2, 0);
        assert_list(r, FILTER(.holder = "Holder Ltd"), 1, 0);
        assert_list(r, FILTER(.holder = "Holder"), 0);
        assert_list(r, FILTER(.name = "rd's"), 3, 0);
        assert_list(r, FILTER(.name = "%"), 0);
        assert_list(r, FILTER(.name = "' OR 1 --"), 0);
        assert_list(r, FILTER(.expires_before = 501), 3, 0);
        assert_list(r, FILTER(.expires_before = 500), 0);
        assert_list(r, FILTER(.keeper = &alone), 2, 0);
        assert_list(r, FILTER(.keeper = &other), 0);
        assert_list(r, FILTER(.keeper = &group), 1, 3, 0);
        assert_list(r, FILTER(.viewer = &viewer), 2, 0);
        assert_list(r, FILTER(.viewer = &viewer, .newest_first = true), 2, 0);
}

static void destroyed_seals_can_be_left_out(void **state) {
        Register *r = *state;

        prepare_three(r);
        Seal seal = a_seal(4);
        seal.state = SEAL_DESTROYED;
        assert_int_equal(store_seal_add(r->store, &seal), 0);
        assert_list(r, FILTER(), 1, 2, 3, 4, 0);
        assert_list(r, FILTER(.without_destroyed = true), 1, 2, 3, 0);
        assert_list(r, IN_STATE(SEAL_DESTROYED, .without_destroyed = true), 0);
}

static void all_filters_together_are_one_statement(void **state) {
        const Subject alone = a_user(77, "user:alone");
        const Caller viewer = { .uid = 77 };
        Register *r = *state;

        prepare_three(r);
        for (int newest = 0; newest <= 1; newest++)
                assert_list(r,
                            IN_STATE(SEAL_MADE, .viewer = &viewer, .type = "other",
                                     .class = "personal", .holder = "Acme", .name = "c",
                                     .keeper = &alone, .expires_before = UINT32_MAX * 1000ULL,
                                     .after = newest ? "00000000000009" : "00000000000000",
                                     .newest_first = newest),
                            newest ? 0 : 2, 0);
}

static void a_page_is_bounded(void **state) {
        const SealFilter filter = { .state = -1, .limit = 1000000 };
        Register *r = *state;
        _cleanup_free_ SealRow *rows = NULL;
        size_t count = 0;

        stored_seals_prepare(r);
        assert_int_equal(store_begin(r->store), 0);
        for (unsigned i = 0; i <= PAGE_MAX; i++) {
                Seal seal = a_seal(i + 1);

                seal.index = REGISTER_INDEX + 1 + i / SEALS_PER_INDEX;
                seal.bit = i % SEALS_PER_INDEX;
                if (seal.bit == 0)
                        index_add(r, seal.index, 1 + i / SEALS_PER_INDEX, 64, true);
                assert_int_equal(store_seal_add(r->store, &seal), 0);
        }
        assert_int_equal(store_commit(r->store), 0);
        assert_int_equal(store_seal_list(r->store, &filter, &rows, &count), 0);
        assert_int_equal(count, PAGE_MAX);
        assert_string_equal(rows[PAGE_MAX - 1].number, "00000000001000");
        assert_string_equal(rows[0].name, "Acme");
        assert_int_equal(rows[0].state, SEAL_MADE);
}

/* It was -ERANGE, which callers take for a failure of the daemon. */
static void a_time_beyond_sqlites_numbers_is_an_invalid_argument(void **state) {
        const SealFilter filter = { .state = -1, .expires_before = INT64_MAX + 1ULL };
        Register *r = *state;
        SealRow *rows = NULL;
        size_t count = 0;

        assert_int_equal(store_seal_list(r->store, &filter, &rows, &count), SEAL_E_INVALID_ARGS);
        assert_null(rows);
}

static void pending_revocations_are_listed(void **state) {
        Register *r = *state;
        _cleanup_free_ SealRow *rows = NULL, *none = NULL;
        size_t count = 7;

        prepare_three(r);
        assert_int_equal(store_seal_list_pending(r->store, &none, &count), 0);
        assert_int_equal(count, 0);
        Seal seal = stored_seal_get(r, "00000000000002");
        seal.state = SEAL_REVOKED;
        seal.revocation_pending = true;
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        register_reopen(r);
        assert_int_equal(store_seal_list_pending(r->store, &rows, &count), 0);
        assert_int_equal(count, 1);
        assert_string_equal(rows[0].number, "00000000000002");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(keepers_applicant_and_deciders_see_a_seal),
                register_test(nobody_else_sees_a_seal),
                register_test(a_caller_without_groups_has_none),
                register_test(a_caller_with_all_groups_is_found_by_the_last),
                register_test(the_named_keeper_sees_it_until_another_is_named),
                register_test(lists_ascend_by_number_in_pages),
                register_test(lists_can_be_newest_first),
                register_test(lists_are_filtered),
                register_test(destroyed_seals_can_be_left_out),
                register_test(all_filters_together_are_one_statement),
                register_test(a_page_is_bounded),
                register_test(a_time_beyond_sqlites_numbers_is_an_invalid_argument),
                register_test(pending_revocations_are_listed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
