/* SPDX-License-Identifier: Apache-2.0 */
/* The maker's keys, certificates, revocation lists, pictures and structures in the register. */
#include "sealsd/store-ledger.h"
#include "sealsd/store.h"
#include "tests/unit/register.h"

enum { KEEPER = 1000 };

#define INDEX 0x01800001
#define NUMBER "00000000000001"
#define OTHER "00000000000002"

static void seal_add(Register *r, const char *number, unsigned bit, SealState state) {
        Request request = a_request(KEEPER);
        Seal seal = {
                .state = state,
                .separation = SEPARATION_DUAL,
                .applicant = request.applicant,
                .facts = request.application,
                .profile = "default",
                .index = INDEX,
                .bit = bit,
        };

        assert_int_equal(store_request_add(r->store, &request), 0);
        seal.request = request.id;
        (void) snprintf(seal.number, sizeof(seal.number), "%s", number);
        assert_int_equal(store_seal_add(r->store, &seal), 0);
}

static Maker a_maker(const char *algorithm, unsigned bit) {
        Maker maker = {
                .index = INDEX,
                .bit = bit,
                .profile = "default",
                .subject_size = 3,
                .subject = { 0x30, 1, 0 },
                .created = 7,
                .private = { .size = 4, .buffer = { 9, 8, 7, 6 } },
        };

        (void) snprintf(maker.algorithm, sizeof(maker.algorithm), "%s", algorithm);
        return maker;
}

static void prepare(Register *r, Maker *maker) {
        index_add(r, INDEX, 0, 64, true);
        *maker = a_maker("ecdsa-p256", 0);
        assert_int_equal(store_maker_add(r->store, maker), 0);
        seal_add(r, NUMBER, 2, SEAL_ACTIVE);
        seal_add(r, OTHER, 3, SEAL_ACTIVE);
}

/* Borrows literals: not to be freed. */
static CertificateRecord a_record(uint64_t issuer, uint8_t serial) {
        return (CertificateRecord){
                .issuer = issuer,
                .serial_size = 2,
                .serial = { 1, serial },
                .not_before = 100,
                .not_after = 200,
                .by = { .by = a_user(KEEPER, "user:keeper"), .login = 5, .time = 50 },
                .der = (uint8_t *) "certificate",
                .der_size = 11,
                .chain = (uint8_t *) "chain",
                .chain_size = 5,
        };
}

static void certify(Register *r, const char *number, uint64_t issuer, uint8_t serial) {
        CertificateRecord record = a_record(issuer, serial);

        assert_int_equal(store_seal_certificate_add(r->store, number, &record), 0);
}

static void a_maker_is_read_as_it_was_written(void **state) {
        Maker maker, second = a_maker("sm2", 1), read[MAKERS_MAX];
        Register *r = *state;
        size_t count = 0;

        prepare(r, &maker);
        assert_int_equal(store_maker_add(r->store, &second), 0);
        assert_int_equal(store_maker_list(r->store, read, &count), 0);
        assert_int_equal(count, 2);
        assert_memory_equal(&read[0], &maker, sizeof(maker));
        assert_memory_equal(&read[1], &second, sizeof(second));
}

static void two_makers_of_one_algorithm_or_bit_are_refused(void **state) {
        Maker maker, again = a_maker("ecdsa-p256", 1), bit = a_maker("sm2", 0);
        Register *r = *state;
        size_t count = 0;
        Maker read[MAKERS_MAX];

        prepare(r, &maker);
        assert_int_not_equal(store_maker_add(r->store, &again), 0);
        assert_int_not_equal(store_maker_add(r->store, &bit), 0);
        assert_int_equal(store_maker_list(r->store, read, &count), 0);
        assert_int_equal(count, 1);
}

static void the_last_certificate_is_in_force_and_the_others_stay(void **state) {
        CertificateRecord record, *records = NULL;
        Register *r = *state;
        uint64_t from = 0, to = 0;
        size_t count = 0;
        Maker maker;

        prepare(r, &maker);
        assert_int_equal(store_seal_certificate_get(r->store, NUMBER, &record), SEAL_E_NOT_FOUND);
        assert_int_equal(store_seal_certificate_validity(r->store, NUMBER, &from, &to),
                         SEAL_E_NOT_FOUND);
        certify(r, NUMBER, maker.id, 1);
        certify(r, OTHER, maker.id, 2);
        certify(r, NUMBER, 0, 3);
        assert_int_equal(store_seal_certificate_get(r->store, NUMBER, &record), 0);
        assert_int_equal(record.issuer, 0);
        assert_int_equal(record.serial[1], 3);
        assert_int_equal(record.by.time, 50);
        assert_int_equal(record.der_size, 11);
        assert_memory_equal(record.der, "certificate", 11);
        assert_memory_equal(record.chain, "chain", 5);
        assert_null(record.structure);
        certificate_record_free(&record);
        assert_int_equal(store_seal_certificate_validity(r->store, NUMBER, &from, &to), 0);
        assert_int_equal(from, 100);
        assert_int_equal(to, 200);
        assert_int_equal(store_seal_certificate_list(r->store, NUMBER, &records, &count), 0);
        assert_int_equal(count, 2);
        assert_int_equal(records[0].serial[1], 3);
        assert_int_equal(records[1].serial[1], 1);
        certificate_records_free(records, count);
        assert_int_equal(store_maker_certificate_get(r->store, maker.id, &record),
                         SEAL_E_NOT_FOUND);
}

static void a_makers_certificate_is_no_seals(void **state) {
        CertificateRecord record = { 0 };
        Register *r = *state;
        Maker maker;

        prepare(r, &maker);
        record = a_record(maker.id, 9);
        assert_int_equal(store_maker_certificate_add(r->store, maker.id, &record), 0);
        assert_int_equal(store_maker_certificate_get(r->store, maker.id, &record), 0);
        assert_int_equal(record.serial[1], 9);
        certificate_record_free(&record);
        assert_int_equal(store_seal_certificate_get(r->store, NUMBER, &record), SEAL_E_NOT_FOUND);
}

static void a_certificate_that_was_swapped_is_tampering(void **state) {
        CertificateRecord record;
        Register *r = *state;
        uint64_t from, to;
        Maker maker;

        prepare(r, &maker);
        assert_int_equal(store_ledger_begin(r->store, (const uint8_t[LEDGER_HASH_SIZE]){},
                                            &(Event){ .code = EVENT_INITIALIZED }),
                         0);
        certify(r, NUMBER, maker.id, 1);
        register_tamper(r, "UPDATE certificate SET not_after = 900");
        register_open(r);
        assert_int_equal(store_seal_certificate_get(r->store, NUMBER, &record),
                         SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(store_seal_certificate_validity(r->store, NUMBER, &from, &to),
                         SEAL_E_REGISTER_TAMPERED);
}

static void revoking_owes_the_lists_of_those_who_certified(void **state) {
        Maker maker, sm2 = a_maker("sm2", 1);
        _cleanup_list_ RevocationList list = {}, other = {};
        RevocationList issued = { .number = 1, .this_update = 5, .next_update = 9 };
        Register *r = *state;

        prepare(r, &maker);
        assert_int_equal(store_maker_add(r->store, &sm2), 0);
        certify(r, NUMBER, maker.id, 1);
        issued.maker = maker.id;
        assert_int_equal(store_revocation_list_set(r->store, &issued), 0);
        issued.maker = sm2.id;
        issued.der = (uint8_t *) "list";
        issued.size = 4;
        assert_int_equal(store_revocation_list_set(r->store, &issued), 0);
        assert_int_equal(store_revocation_list_owe(r->store, NUMBER), 0);
        assert_int_equal(store_revocation_list_get(r->store, maker.id, &list), 0);
        assert_int_equal(store_revocation_list_get(r->store, sm2.id, &other), 0);
        assert_true(list.owed);
        assert_int_equal(list.number, 1);
        assert_int_equal(list.size, 0);
        assert_false(other.owed);
        assert_memory_equal(other.der, "list", 4);
        issued.maker = 77;
        assert_int_equal(store_revocation_list_set(r->store, &issued), SEAL_E_NOT_FOUND);
}

/* Is it owed after the seal went there? It is not before. */
static bool owes_after(Register *r, uint64_t maker, SealState state) {
        const RevocationList issued = { .maker = maker, .number = 1 };
        bool owed;
        Seal seal;

        assert_int_equal(store_revocation_list_set(r->store, &issued), 0);
        assert_int_equal(store_revocation_list_is_owed(r->store, &owed), 0);
        assert_false(owed);
        assert_int_equal(store_seal_get(r->store, NUMBER, &seal), 0);
        seal.state = state;
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_int_equal(store_revocation_list_is_owed(r->store, &owed), 0);
        return owed;
}

static void a_state_that_the_list_tells_of_owes_it_in_the_same_transaction(void **state) {
        const Act act = { .by = a_user(KEEPER, "user:keeper"), .login = 5, .time = 50 };
        Register *r = *state;
        bool owed;
        Maker maker;

        prepare(r, &maker);
        certify(r, NUMBER, maker.id, 1);
        assert_false(owes_after(r, maker.id, SEAL_ACTIVE));
        assert_true(owes_after(r, maker.id, SEAL_SUSPENDED));
        assert_false(owes_after(r, maker.id, SEAL_SUSPENDED));
        assert_true(owes_after(r, maker.id, SEAL_LOST));
        assert_true(owes_after(r, maker.id, SEAL_DELIVERED));
        assert_false(owes_after(r, maker.id, SEAL_SURRENDERED));
        assert_int_equal(store_seal_mark_revoked(r->store, NUMBER, &act, "gone"), 0);
        assert_int_equal(store_revocation_list_is_owed(r->store, &owed), 0);
        assert_true(owed);
        assert_false(owes_after(r, maker.id, SEAL_DESTROYED));
}

static void a_list_has_what_is_revoked_or_on_hold(void **state) {
        const Act act = { .by = a_user(KEEPER, "user:keeper"), .login = 5, .time = 50 };
        _cleanup_free_ RevocationEntry *entries = NULL;
        Register *r = *state;
        size_t count = 0;
        Maker maker;

        prepare(r, &maker);
        certify(r, NUMBER, maker.id, 1);
        certify(r, NUMBER, 0, 2);
        certify(r, OTHER, maker.id, 3);
        certify(r, NUMBER, maker.id, 4);
        assert_int_equal(store_revocation_entries(r->store, maker.id, &entries, &count), 0);
        assert_int_equal(count, 0);
        free(steal_ptr(entries));
        assert_int_equal(store_seal_mark_revoked(r->store, NUMBER, &act, "gone"), 0);
        assert_int_equal(store_revocation_entries(r->store, maker.id, &entries, &count), 0);
        assert_int_equal(count, 2);
        assert_int_equal(entries[0].serial[1], 1);
        assert_int_equal(entries[1].serial[1], 4);
        assert_int_equal(entries[0].since, 50);
        assert_int_equal(entries[0].state, SEAL_REVOKED);
}

/* One act: the seal's row, and the ledger's; now and then the clock is set back between two. */
static void goes_to(Register *r, SealState state, EventCode code, uint64_t time) {
        const Act act = { .by = a_user(KEEPER, "user:keeper"), .login = 5, .time = time };
        Event event = { .code = code, .seal = NUMBER, .state = seal_state_name(state) };
        Seal seal;

        event.time = time;
        if (state == SEAL_REVOKED) {
                assert_int_equal(store_seal_mark_revoked(r->store, NUMBER, &act, "gone"), 0);
        } else {
                assert_int_equal(store_seal_get(r->store, NUMBER, &seal), 0);
                seal.state = state;
                if (state == SEAL_SUSPENDED)
                        seal.suspended = act;
                if (state == SEAL_LOST)
                        seal.lost = act;
                if (state == SEAL_SURRENDERED)
                        seal.surrendered = act;
                assert_int_equal(store_seal_update(r->store, &seal), 0);
        }
        assert_int_equal(store_event(r->store, &event), 0);
}

static void assert_listed(Register *r, uint64_t maker, SealState before, uint64_t since) {
        _cleanup_free_ RevocationEntry *entries = NULL;
        size_t count = 0;

        assert_int_equal(store_revocation_entries(r->store, maker, &entries, &count), 0);
        assert_int_equal(count, 1);
        assert_int_equal(entries[0].before, before);
        assert_int_equal(entries[0].since, since);
}

static void a_hold_counts_from_its_beginning_and_a_revocation_goes_on_from_there(void **state) {
        Register *r = *state;
        Maker maker;

        prepare(r, &maker);
        assert_int_equal(store_ledger_begin(r->store, (const uint8_t[LEDGER_HASH_SIZE]){},
                                            &(Event){ .code = EVENT_INITIALIZED }),
                         0);
        certify(r, NUMBER, maker.id, 1);
        goes_to(r, SEAL_SUSPENDED, EVENT_SEAL_SUSPENDED, 100);
        assert_listed(r, maker.id, SEAL_REVOKED, 100);
        goes_to(r, SEAL_ACTIVE, EVENT_SEAL_RESUMED, 110);
        goes_to(r, SEAL_LOST, EVENT_SEAL_LOST, 120);
        goes_to(r, SEAL_SUSPENDED, EVENT_SEAL_FOUND, 90); /* by a clock that was set back */
        assert_listed(r, maker.id, SEAL_REVOKED, 120);
        goes_to(r, SEAL_LOST, EVENT_SEAL_LOST, 80);
        assert_listed(r, maker.id, SEAL_REVOKED, 120);
        goes_to(r, SEAL_REVOKED, EVENT_SEAL_REVOKED, 130);
        assert_listed(r, maker.id, SEAL_LOST, 120);
        goes_to(r, SEAL_REVOKED, EVENT_SEAL_REVOCATION_SETTLED, 140);
        goes_to(r, SEAL_DESTROYED, EVENT_SEAL_DESTROYED, 150);
        assert_listed(r, maker.id, SEAL_LOST, 120);
}

static void what_is_over_when_a_seal_is_revoked_counts_no_more(void **state) {
        Register *r = *state;
        Maker maker;

        prepare(r, &maker);
        assert_int_equal(store_ledger_begin(r->store, (const uint8_t[LEDGER_HASH_SIZE]){},
                                            &(Event){ .code = EVENT_INITIALIZED }),
                         0);
        certify(r, NUMBER, maker.id, 1);
        goes_to(r, SEAL_LOST, EVENT_SEAL_LOST, 100);
        goes_to(r, SEAL_SURRENDERED, EVENT_SEAL_SURRENDERED, 110);
        goes_to(r, SEAL_DELIVERED, EVENT_SEAL_DELIVERED, 120);
        goes_to(r, SEAL_FILED, EVENT_SEAL_DECLINED, 130);
        goes_to(r, SEAL_REVOKED, EVENT_SEAL_REVOKED, 140);
        assert_listed(r, maker.id, SEAL_FILED, 140);
}

/* A register from before there was a ledger: what the row says is all there is. */
static void without_rows_of_the_ledger_the_seal_s_own_acts_count(void **state) {
        Register *r = *state;
        Maker maker;
        Seal seal;

        prepare(r, &maker);
        certify(r, NUMBER, maker.id, 1);
        assert_int_equal(store_seal_get(r->store, NUMBER, &seal), 0);
        seal.state = SEAL_LOST;
        seal.lost = (Act){ .by = a_user(KEEPER, "user:keeper"), .login = 5, .time = 70 };
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_listed(r, maker.id, SEAL_REVOKED, 70);
}

static void pictures_and_structures_are_read_as_they_were_written(void **state) {
        _cleanup_structure_ UseStructure structure = {};
        _cleanup_picture_ SealPicture picture = {};
        Register *r = *state;
        Maker maker;

        prepare(r, &maker);
        assert_int_equal(store_picture_get(r->store, 1, &picture), SEAL_E_NOT_FOUND);
        assert_int_equal(
                store_picture_add(r->store, 1, &(SealPicture){ "png", (uint8_t *) "PNG", 3 }), 0);
        assert_int_equal(store_picture_get(r->store, 1, &picture), 0);
        assert_string_equal(picture.type, "png");
        assert_memory_equal(picture.data, "PNG", 3);
        assert_int_equal(store_use_structure_add(r->store, 2,
                                                 &(UseStructure){ .format = "cades",
                                                                  .algorithm = "sm2-sm3",
                                                                  .structure = (uint8_t *) "set",
                                                                  .size = 3 }),
                         0);
        assert_int_equal(store_use_structure_get(r->store, 2, &structure), 0);
        assert_string_equal(structure.format, "cades");
        assert_string_equal(structure.algorithm, "sm2-sm3");
        assert_memory_equal(structure.structure, "set", 3);
        assert_int_equal(structure.certificates_size, 0);
        assert_int_equal(store_use_structure_get(r->store, 1, &structure), SEAL_E_NOT_FOUND);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(a_maker_is_read_as_it_was_written),
                register_test(two_makers_of_one_algorithm_or_bit_are_refused),
                register_test(the_last_certificate_is_in_force_and_the_others_stay),
                register_test(a_makers_certificate_is_no_seals),
                register_test(a_certificate_that_was_swapped_is_tampering),
                register_test(revoking_owes_the_lists_of_those_who_certified),
                register_test(a_state_that_the_list_tells_of_owes_it_in_the_same_transaction),
                register_test(a_list_has_what_is_revoked_or_on_hold),
                register_test(a_hold_counts_from_its_beginning_and_a_revocation_goes_on_from_there),
                register_test(what_is_over_when_a_seal_is_revoked_counts_no_more),
                register_test(without_rows_of_the_ledger_the_seal_s_own_acts_count),
                register_test(pictures_and_structures_are_read_as_they_were_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
