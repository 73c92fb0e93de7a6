/* SPDX-License-Identifier: Apache-2.0 */
/* Seals in a register, for the tests of the tables that stand by a seal. */
#pragma once

#include "tests/unit/register.h"

#define APPLICANT 1000
#define DECIDER 2000
#define KEEPER 3000
#define KEEPERS 300 /* a group */

/* Alike but for number and bit; made from request 1. */
static inline Seal a_seal(unsigned serial) {
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

static inline void stored_seals_prepare(Register *r) {
        Request request = a_request(APPLICANT);
        Decision decision = { .by = a_user(DECIDER, "user:decider"), .approve = true };

        index_add(r, REGISTER_INDEX, 0, 64, true);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_decision_add(r->store, request.id, &decision), 0);
}

static inline Seal stored_seal_add(Register *r, unsigned serial) {
        Seal seal = a_seal(serial);

        assert_int_equal(store_seal_add(r->store, &seal), 0);
        return seal;
}

static inline Seal stored_seal_get(Register *r, const char *number) {
        Seal seal;

        assert_int_equal(store_seal_get(r->store, number, &seal), 0);
        return seal;
}
