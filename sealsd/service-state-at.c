/* SPDX-License-Identifier: Apache-2.0 */
/* What a seal was at a time: its state by the ledger, and what the clock made of it then. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/json.h"
#include "sealsd/service-life.h"

/* What decides about the clock's states, as of some event. */
typedef struct Validity {
        uint64_t not_before, not_after, superseded_at;
        uint64_t seq; /* of the newest row that not_after is from */
} Validity;

static void number_take(const json_t *facts, const char *key, uint64_t *ret) {
        uint64_t number;

        if (json_object_get(facts, key) && json_read_number(facts, key, &number))
                *ret = number;
}

static void validity_learn(const char *text, Validity *validity) {
        _cleanup_json_ json_t *row = json_loads(text, 0, NULL);
        const json_t *facts = json_object_get(row, "facts");
        uint64_t seq = 0;

        number_take(row, "seq", &seq);
        number_take(facts, "at", &validity->superseded_at);
        number_take(facts, "not-before", &validity->not_before);
        if (seq < validity->seq || !json_object_get(facts, "not-after"))
                return;
        validity->seq = seq;
        number_take(facts, "not-after", &validity->not_after);
}

/* The newest event of this kind about the seal, up to that time. */
static int validity_read(Service *service, const char *number, EventCode code, uint64_t time,
                         Validity *validity) {
        LedgerFilter filter = {
                .until = time,
                .seal = number,
                .event = event_name(code),
                .states = true, /* of a seal's many uses none is read */
                .limit = 1,
                .newest_first = true,
        };
        char **texts = NULL;
        size_t count = 0;

        int r = store_ledger_list(service->store, &filter, &texts, &count);
        if (r != 0)
                return r;
        if (count > 0)
                validity_learn(texts[0], validity);
        texts_free(texts, count);
        return 0;
}

/* Of a seal from before the ledger the register's own words count. */
static int validity_at(Service *service, const Seal *seal, uint64_t time, Validity *ret) {
        static const EventCode codes[] = { EVENT_SEAL_MADE, EVENT_SEAL_RECERTIFIED,
                                           EVENT_SEAL_AMENDED, EVENT_SEAL_SUPERSEDED };
        int r = 0;

        *ret = (Validity){ .not_before = seal->facts.not_before,
                           .not_after = seal->facts.not_after };
        for (size_t i = 0; r == 0 && i < sizeof(codes) / sizeof(codes[0]); i++)
                r = validity_read(service, seal->number, codes[i], time, ret);
        return r;
}

int service_seal_state_at(Service *service, const Caller *caller, const char *number, uint64_t time,
                          char ret[static STATE_TEXT_MAX], ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        Validity validity;
        SealState state;

        if (!seal)
                return -ENOMEM;
        /*
         * Of now all rows are known, also those that a clock which was set back has not reached
         * yet.
         */
        const uint64_t known = time >= service_now(service) ? INT64_MAX : time;
        int r = service_seal_fetch(service, caller, number, seal, detail);
        if (r != 0)
                return r;
        r = store_state_at(service->store, number, known, &state);
        if (r == SEAL_E_NOT_FOUND)
                return error_set(detail, r, "Seal %s was not made yet then", number);
        if (r == 0)
                r = validity_at(service, seal, known, &validity);
        if (r != 0)
                return r;
        SealTiming timing = seal_timing(validity.not_before, validity.not_after,
                                        validity.superseded_at, time);
        (void) snprintf(ret, STATE_TEXT_MAX, "%s%s%s", seal_state_name(state),
                        timing == TIMING_VALID ? "" : " ",
                        timing == TIMING_VALID ? "" : seal_timing_name(timing));
        return 0;
}
