/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "sealsd/lifecycle.h"
#include "sealsd/store.h"
#include "tests/unit/register.h"

#define APPLICANT 1000
#define DECIDER 2000
#define KEEPER 3000
#define KEEPERS 300 /* a group */

/* Alike but for number and bit; made from request 1. */
static Seal a_seal(unsigned serial) {
        Request request = a_request(APPLICANT);
        Seal seal = {
                .request = 1,
                .state = SEAL_MADE,
                .separation = SEPARATION_DUAL,
                .applicant = request.applicant,
                .facts = request.application,
                .created = 1000,
                .profile = "default",
                .index = REGISTER_INDEX,
                .bit = serial % SEALS_PER_INDEX,
        };

        (void) snprintf(seal.number, sizeof(seal.number), "000000%08u", serial);
        seal.facts.keeper_count = 2;
        seal.facts.keepers[0] = a_user(KEEPER, "user:keeper");
        seal.facts.keepers[1] = (Subject){ .kind = SUBJECT_GROUP,
                                           .id = KEEPERS,
                                           .text = "group:keepers" };
        return seal;
}

static void prepare(Register *r) {
        Request request = a_request(APPLICANT);
        Decision decision = { .by = a_user(DECIDER, "user:decider"), .approve = true };

        index_add(r, REGISTER_INDEX, 0, 64, true);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_decision_add(r->store, request.id, &decision), 0);
}

static Seal add(Register *r, unsigned serial) {
        Seal seal = a_seal(serial);

        assert_int_equal(store_seal_add(r->store, &seal), 0);
        return seal;
}

static Seal get(Register *r, const char *number) {
        Seal seal;

        assert_int_equal(store_seal_get(r->store, number, &seal), 0);
        return seal;
}

/* --- rows ------------------------------------------------------------------------------------ */

static void act_fill(Act *act, uint32_t uid, uint64_t time) {
        *act = (Act){ .by = a_user(uid, "user:somebody"), .time = time };
}

static Seal a_full_seal(void) {
        Seal seal = a_seal(7);

        seal.state = SEAL_REVOKED;
        seal.revocation_pending = true;
        seal.use_count = 3;
        strcpy(seal.facts.country, "CN");
        strcpy(seal.facts.organization_identifier, "91110000MA00000000");
        seal.facts.picture = (PictureFacts){
                .type = "png",
                .sha256 = { 1, 2, 3 },
                .width = 42,
                .height = 30,
        };
        strcpy(seal.filing.number, "2026-17");
        strcpy(seal.filing.authority, "Registry");
        seal.filing.filed = 4;
        seal.filing.document_count = 1;
        strcpy(seal.filing.documents[0].title, "receipt");
        seal.filing.documents[0].hash_size = 32;
        act_fill(&seal.made, 1, 11);
        act_fill(&seal.filed, 2, 12);
        act_fill(&seal.delivered, 3, 13);
        act_fill(&seal.accepted, 4, 14);
        act_fill(&seal.revoked, 5, 15);
        strcpy(seal.revocation_reason, "lost");
        seal.named_keeper = a_user(9, "user:named");
        seal.public.publicArea = (TPMT_PUBLIC){
                .type = TPM2_ALG_ECC,
                .nameAlg = TPM2_ALG_SHA256,
                .parameters.eccDetail = { .symmetric.algorithm = TPM2_ALG_NULL,
                                          .scheme.scheme = TPM2_ALG_NULL,
                                          .curveID = TPM2_ECC_NIST_P256,
                                          .kdf.scheme = TPM2_ALG_NULL },
                .unique.ecc = { .x = { .size = 32, .buffer = { 1 } },
                                .y = { .size = 32, .buffer = { 2 } } },
        };
        seal.public.size = 86; /* of the area above as it is marshalled */
        seal.private = (TPM2B_PRIVATE){ .size = 3, .buffer = { 7, 8, 9 } };
        return seal;
}

static void a_seal_is_read_as_it_was_written(void **state) {
        Register *r = *state;
        Seal written = a_full_seal();

        prepare(r);
        assert_int_equal(store_seal_add(r->store, &written), 0);
        register_reopen(r);
        Seal read = get(r, written.number);
        read.public.size = written.public.size;
        assert_memory_equal(&read, &written, sizeof(read));
}

static Seal a_guarded_seal(void) {
        Seal seal = a_full_seal();

        seal.facts.pin = true;
        seal.facts.approver_count = 2;
        seal.facts.threshold = 1;
        seal.facts.approvers[0] = (Approver){ .subject = a_user(4, "user:four"), .pem = "one" };
        seal.facts.approvers[1] = (Approver){ .subject = a_user(3, "user:three"), .pem = "two" };
        seal.birth.hash = (TPM2B_DIGEST){ .size = 32, .buffer = { 5 } };
        seal.birth.ticket = (TPMT_TK_CREATION){ .tag = TPM2_ST_CREATION,
                                                .hierarchy = TPM2_RH_OWNER,
                                                .digest = { .size = 32, .buffer = { 6 } } };
        return seal;
}

static void pin_approvers_and_birth_are_read_as_they_were_written(void **state) {
        Register *r = *state;
        Seal written = a_guarded_seal();

        prepare(r);
        assert_int_equal(store_seal_add(r->store, &written), 0);
        register_reopen(r);
        Seal read = get(r, written.number);
        read.public.size = written.public.size;
        assert_memory_equal(&read, &written, sizeof(read));
}

static void approvers_that_do_not_fit_the_threshold_are_tampering(void **state) {
        const char *const changes[] = {
                "UPDATE seal_policy SET threshold = 3",
                "UPDATE seal_policy SET threshold = 0",
                "UPDATE seal_policy SET pin = 2",
                "DELETE FROM approver WHERE ordinal = 0",
                "DELETE FROM seal_policy",
        };
        Register *r = *state;
        Seal written = a_guarded_seal(), read;

        prepare(r);
        assert_int_equal(store_seal_add(r->store, &written), 0);
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                register_tamper(r, changes[i]);
                register_open(r);
                assert_int_equal(store_seal_get(r->store, written.number, &read),
                                 SEAL_E_REGISTER_TAMPERED);
                register_tamper(r, "DELETE FROM approver; DELETE FROM seal_policy;"
                                   "INSERT INTO seal_policy VALUES (1, 1, 1);"
                                   "INSERT INTO approver VALUES"
                                   " (1, 1, 0, 'user:four', 'user', 4, 'one'),"
                                   " (2, 1, 1, 'user:three', 'user', 3, 'two');");
                register_open(r);
                assert_int_equal(store_seal_get(r->store, written.number, &read), 0);
        }
}

static void the_auth_of_a_birth_is_kept_until_it_is_erased(void **state) {
        Register *r = *state;
        Secret auth = {}, read = {};

        prepare(r);
        Seal seal = add(r, 1);
        assert_int_equal(store_birth_auth_get(r->store, seal.number, &read), SEAL_E_NOT_FOUND);
        assert_int_equal(secret_random(&auth, BIRTH_AUTH_SIZE - 1), 0);
        assert_int_equal(store_birth_auth_set(r->store, seal.number, &auth), -EINVAL);
        assert_int_equal(secret_random(&auth, BIRTH_AUTH_SIZE), 0);
        assert_int_equal(store_birth_auth_set(r->store, seal.number, &auth), 0);
        register_reopen(r);
        assert_int_equal(store_birth_auth_get(r->store, seal.number, &read), 0);
        assert_true(secret_equal(&auth, &read));
        assert_int_equal(store_birth_auth_erase(r->store, seal.number), 0);
        assert_int_equal(store_birth_auth_get(r->store, seal.number, &read), SEAL_E_NOT_FOUND);
}

static void a_number_and_a_bit_are_one_seals(void **state) {
        Register *r = *state;
        uint64_t count = 0;

        prepare(r);
        (void) add(r, 1);
        Seal again = a_seal(1);
        again.bit = 2;
        assert_int_equal(store_seal_add(r->store, &again), SEAL_E_ALREADY_EXISTS);
        again = a_seal(2);
        again.bit = 1;
        assert_int_equal(store_seal_add(r->store, &again), SEAL_E_ALREADY_EXISTS);
        assert_int_equal(store_seal_count(r->store, &count), 0);
        assert_int_equal(count, 1);
        assert_int_equal(store_seal_get(r->store, "00000000000002", &again), SEAL_E_NOT_FOUND);
}

static void a_seal_needs_its_request_and_its_index(void **state) {
        Register *r = *state;
        Seal seal = a_seal(1);

        prepare(r);
        seal.request = 99;
        assert_int_equal(store_seal_add(r->store, &seal), SEAL_E_STORAGE_FAILURE);
        seal = a_seal(1);
        seal.index++;
        assert_int_equal(store_seal_add(r->store, &seal), SEAL_E_STORAGE_FAILURE);
        (void) add(r, 1); /* nothing was left of the two */
        assert_int_equal(store_index_remove_all(r->store), SEAL_E_STORAGE_FAILURE);
}

static void what_a_seal_is_does_not_change(void **state) {
        Register *r = *state;

        prepare(r);
        Seal seal = add(r, 7), changed = a_full_seal();
        changed.request = 9;
        changed.bit = 9;
        changed.created = 9;
        changed.use_count = 9;
        changed.separation = SEPARATION_SINGLE;
        strcpy(changed.facts.name, "Other");
        assert_int_equal(store_seal_update(r->store, &changed), 0);
        Seal read = get(r, seal.number);
        assert_int_equal(read.request, 1);
        assert_int_equal(read.bit, 7);
        assert_int_equal(read.created, 1000);
        assert_int_equal(read.use_count, 0);
        assert_int_equal(read.separation, SEPARATION_DUAL);
        assert_string_equal(read.facts.name, "Acme");
        assert_int_equal(read.state, SEAL_REVOKED);
        assert_true(read.revocation_pending);
        assert_string_equal(read.revocation_reason, "lost");
        assert_string_equal(read.filing.documents[0].title, "receipt");
        assert_int_equal(read.private.size, 3);
        strcpy(changed.number, "00000000000099");
        assert_int_equal(store_seal_update(r->store, &changed), SEAL_E_NOT_FOUND);
}

#define SEALED(change) "UPDATE seal SET sealed = CAST(json_set(sealed, " change ") AS BLOB)"

static void damaged_seals_are_tampering(void **state) {
        const char *const changes[] = {
                "UPDATE seal SET state = 'fine'",
                "UPDATE seal SET separation = 'none'",
                "UPDATE seal SET sealed = CAST('[]' AS BLOB)",
                SEALED("'$.facts', json('[]')"),
                SEALED("'$.filing-documents', json('{}')"),
                SEALED("'$.filing-documents', json('[{}]')"),
                SEALED("'$.private', 'ffff'"),
                SEALED("'$.private', 7"),
                "UPDATE seal SET sealed = CAST(sealed || x'00' AS BLOB)",
                "UPDATE seal SET sealed = zeroblob(600000)",
                "UPDATE seal SET version = -1",
                "UPDATE seal SET purposes = 8",
                "UPDATE seal SET suspended_login = -1",
                "DELETE FROM seal_use",
                "UPDATE seal SET public = zeroblob(3000)",
                "UPDATE seal SET profile = printf('%.*c', 65, 'x')",
                "UPDATE seal SET revocation_reason = printf('%.*c', 1025, 'x')",
                "UPDATE seal SET named_text = printf('%.*c', 65, 'x')",
                "UPDATE seal SET made_time = -1",
                "UPDATE seal SET nv_index = nv_index + 4294967296",
        };
        Register *r = *state;
        Seal seal;

        prepare(r);
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                (void) add(r, 1);
                register_tamper(r, changes[i]);
                register_open(r);
                if (store_seal_get(r->store, "00000000000001", &seal) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s was not found", changes[i]);
                register_tamper(r, "DELETE FROM keeper; DELETE FROM seal_use; DELETE FROM seal");
                register_open(r);
        }
}

/* --- revocation ------------------------------------------------------------------------------ */

static const Act revocation = { .by = { .kind = SUBJECT_USER, .id = 7, .text = "user:admin" },
                                .time = 99 };

static SealBrief brief(Register *r, const char *number) {
        SealBrief seal;

        assert_int_equal(store_seal_get_brief(r->store, number, &seal), 0);
        return seal;
}

static void a_revocation_is_marked_and_settled(void **state) {
        Register *r = *state;

        prepare(r);
        Seal seal = add(r, 1);
        assert_int_equal(store_seal_mark_revoked(r->store, seal.number, &revocation, "lost"), 0);
        register_reopen(r);
        seal = get(r, seal.number);
        assert_int_equal(seal.state, SEAL_REVOKED);
        assert_true(seal.revocation_pending);
        assert_string_equal(seal.revoked.by.text, "user:admin");
        assert_int_equal(seal.revoked.by.id, 7);
        assert_int_equal(seal.revoked.time, 99);
        assert_string_equal(seal.revocation_reason, "lost");
        assert_true(brief(r, seal.number).revocation_pending);
        assert_int_equal(store_seal_settle_revoked(r->store, seal.number), 0);
        assert_false(brief(r, seal.number).revocation_pending);
        assert_int_equal(brief(r, seal.number).state, SEAL_REVOKED);
}

/* RegisterTampered was the answer to Revoke, and the key stayed alive. */
static void a_damaged_description_does_not_keep_from_revocation(void **state) {
        _cleanup_free_ SealRow *rows = NULL;
        Register *r = *state;
        size_t count = 0;
        Seal seal;

        prepare(r);
        (void) add(r, 1);
        (void) add(r, 2);
        register_tamper(r, "UPDATE seal SET sealed = x'', name = CAST(x'ff' AS TEXT), public = x'',"
                           " made_kind = 'robot'"
                           " WHERE number = '00000000000001'");
        register_open(r);
        assert_int_equal(store_seal_get(r->store, "00000000000001", &seal),
                         SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(brief(r, "00000000000001").state, SEAL_MADE);
        assert_int_equal(brief(r, "00000000000001").index, REGISTER_INDEX);
        assert_int_equal(brief(r, "00000000000001").bit, 1);
        for (unsigned i = 1; i <= 2; i++)
                assert_int_equal(store_seal_mark_revoked(
                                         r->store, i == 1 ? "00000000000001" : "00000000000002",
                                         &revocation, "damaged"),
                                 0);
        assert_int_equal(store_seal_list_pending(r->store, &rows, &count), 0);
        assert_int_equal(count, 2);
        assert_string_equal(rows[0].number, "00000000000001");
}

static void a_revocation_needs_its_seal(void **state) {
        char number[NUMBER_MAX + 1] = "before";
        Register *r = *state;
        SealBrief seal;

        prepare(r);
        (void) add(r, 1);
        assert_int_equal(store_seal_get_brief(r->store, "9", &seal), SEAL_E_NOT_FOUND);
        assert_int_equal(store_seal_mark_revoked(r->store, "9", &revocation, ""), SEAL_E_NOT_FOUND);
        assert_int_equal(store_seal_settle_revoked(r->store, "9"), SEAL_E_NOT_FOUND);
        assert_int_equal(store_seal_by_bit(r->store, REGISTER_INDEX, 2, number), SEAL_E_NOT_FOUND);
        assert_int_equal(store_seal_by_bit(r->store, 0, 1, number), SEAL_E_NOT_FOUND);
        assert_string_equal(number, "before");
        assert_int_equal(store_seal_by_bit(r->store, REGISTER_INDEX, 1, number), 0);
        assert_string_equal(number, "00000000000001");
}

static void a_long_reason_is_cut_between_characters(void **state) {
        char reason[2 * TEXT_MAX] = "x";
        Register *r = *state;

        prepare(r);
        Seal seal = add(r, 1);
        for (size_t i = 0; i < TEXT_MAX / 4; i++)
                strcat(reason, "\xf0\x9d\x84\x9e");
        assert_int_equal(store_seal_mark_revoked(r->store, seal.number, &revocation, reason), 0);
        assert_int_equal(strlen(get(r, seal.number).revocation_reason), TEXT_MAX - 3);
}

/* --- who sees it ----------------------------------------------------------------------------- */

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

        prepare(r);
        (void) add(r, 1);
        assert_true(sees(r, KEEPER, 0));
        assert_true(sees(r, 5, KEEPERS));
        assert_true(sees(r, APPLICANT, 0));
        assert_true(sees(r, DECIDER, 0));
}

/* Ids of users are no ids of groups. */
static void nobody_else_sees_a_seal(void **state) {
        Register *r = *state;

        prepare(r);
        (void) add(r, 1);
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

        prepare(r);
        (void) add(r, 1);
        assert_int_equal(store_seal_visible(r->store, "00000000000001", &viewer, &visible), 0);
        assert_false(visible);
        assert_int_equal(store_seal_visible(r->store, "00000000000002", &viewer, &visible), 0);
        assert_false(visible);
}

static void a_caller_with_all_groups_is_found_by_the_last(void **state) {
        static Caller viewer = { .uid = 5, .group_count = CALLER_GROUPS_MAX };
        Register *r = *state;
        bool visible = false;

        prepare(r);
        (void) add(r, 1);
        for (size_t i = 0; i < CALLER_GROUPS_MAX; i++)
                viewer.groups[i] = UINT32_MAX - (uint32_t) i;
        viewer.groups[CALLER_GROUPS_MAX - 1] = KEEPERS;
        assert_int_equal(store_seal_visible(r->store, "00000000000001", &viewer, &visible), 0);
        assert_true(visible);
}

static void the_named_keeper_sees_it_until_another_is_named(void **state) {
        Register *r = *state;

        prepare(r);
        Seal seal = add(r, 1);
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

/* --- lists ----------------------------------------------------------------------------------- */

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
        prepare(r);
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

        prepare(r);
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
        Seal seal = get(r, "00000000000002");
        seal.state = SEAL_REVOKED;
        seal.revocation_pending = true;
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        register_reopen(r);
        assert_int_equal(store_seal_list_pending(r->store, &rows, &count), 0);
        assert_int_equal(count, 1);
        assert_string_equal(rows[0].number, "00000000000002");
}

/* --- use ------------------------------------------------------------------------------------- */

static void uses_are_counted_up_to_the_limit(void **state) {
        Register *r = *state;
        Seal seal = a_seal(1);
        uint64_t use = 0;

        prepare(r);
        seal.facts.use_limit = 2;
        assert_int_equal(store_seal_add(r->store, &seal), 0);
        assert_int_equal(store_use_take(r->store, seal.number, 0, 1, &use, NULL), 0);
        assert_int_equal(use, 1);
        register_reopen(r);
        assert_int_equal(store_use_take(r->store, seal.number, 0, 1, &use, NULL), 0);
        assert_int_equal(use, 2);
        assert_int_equal(store_use_take(r->store, seal.number, 0, 1, &use, NULL),
                         SEAL_E_LIMIT_REACHED);
        assert_int_equal(use, 2);
        seal = get(r, seal.number);
        assert_int_equal(seal.use_count, 2);
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_int_equal(store_use_take(r->store, seal.number, 0, 1, &use, NULL),
                         SEAL_E_LIMIT_REACHED);
}

static void without_a_limit_uses_are_only_counted(void **state) {
        Register *r = *state;
        uint64_t use = 0;

        prepare(r);
        (void) add(r, 1);
        for (unsigned i = 1; i <= 5; i++) {
                assert_int_equal(store_use_take(r->store, "00000000000001", 0, 1, &use, NULL), 0);
                assert_int_equal(use, i);
        }
        assert_int_equal(store_use_take(r->store, "00000000000002", 0, 1, &use, NULL),
                         SEAL_E_NOT_FOUND);
}

static void only_the_last_use_can_be_returned(void **state) {
        Register *r = *state;
        uint64_t use = 0;

        prepare(r);
        Seal seal = add(r, 1);
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(store_use_take(r->store, seal.number, 0, 1, &use, NULL), 0);
        assert_int_equal(store_use_return(r->store, seal.number, 0, 2, 1), 0);
        assert_int_equal(get(r, seal.number).use_count, 3);
        assert_int_equal(store_use_return(r->store, seal.number, 0, 3, 1), 0);
        assert_int_equal(get(r, seal.number).use_count, 2);
        assert_int_equal(store_use_return(r->store, seal.number, 0, 0, 1), 0);
        assert_int_equal(get(r, seal.number).use_count, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(a_seal_is_read_as_it_was_written),
                register_test(pin_approvers_and_birth_are_read_as_they_were_written),
                register_test(approvers_that_do_not_fit_the_threshold_are_tampering),
                register_test(the_auth_of_a_birth_is_kept_until_it_is_erased),
                register_test(a_number_and_a_bit_are_one_seals),
                register_test(a_seal_needs_its_request_and_its_index),
                register_test(what_a_seal_is_does_not_change),
                register_test(damaged_seals_are_tampering),
                register_test(a_revocation_is_marked_and_settled),
                register_test(a_damaged_description_does_not_keep_from_revocation),
                register_test(a_revocation_needs_its_seal),
                register_test(a_long_reason_is_cut_between_characters),
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
                register_test(uses_are_counted_up_to_the_limit),
                register_test(without_a_limit_uses_are_only_counted),
                register_test(only_the_last_use_can_be_returned),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
