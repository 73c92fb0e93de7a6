/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store-inspection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/store-internal.h"

#define SEAL_TABLES "seal AS s JOIN nv_index AS n ON n.handle = s.nv_index AND n.retired = 0"
/* Ended, or over: it lets nobody use anything any more. */
#define GRANT_MAY_BE_USED "ended = 0 AND (until = 0 OR until >= ?)"
/* Also what is not decided after its time: the daemon ends those soon. */
#define REQUEST_OPEN "state IN ('applied', 'approved', 'making', 'failed')"

/* --- seals ------------------------------------------------------------------------------------ */

static void take_seal(Query *query, uint64_t *ret_id, InspectedSeal *ret) {
        Subject revoked_by;
        int state = 0;

        *ret = (InspectedSeal){};
        take_number(query, ret_id);
        take_text(query, ret->number, sizeof(ret->number));
        take_word(query, seal_state_from_name, &state);
        ret->state = (SealState) state;
        take_bool(query, &ret->revocation_pending);
        take_subject(query, &revoked_by);
        ret->found_revoked = revoked_by.text[0] == '\0';
        take_u32(query, &ret->index);
        take_unsigned(query, &ret->bit, SEALS_PER_INDEX - 1);
        take_number(query, &ret->not_before);
        take_number(query, &ret->not_after);
        take_number(query, &ret->superseded_at);
        take_bool(query, &ret->certified);
        take_number(query, &ret->certified_until);
        take_number(query, &ret->delivered);
        take_number(query, &ret->accepted);
        take_number(query, &ret->use_limit);
        take_number(query, &ret->use_count);
        take_number(query, &ret->last_use);
}

static bool keeper_is_known(const InspectedSeal *seal, const Subject *subject) {
        for (size_t i = 0; i < seal->keeper_count; i++)
                if (subject_equal(&seal->keepers[i].subject, subject))
                        return true;
        return false;
}

/* Who keeps it, and to whom it was delivered, who is mostly one of them. */
static int read_keepers(Store *store, uint64_t id, InspectedSeal *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT text, kind, id FROM keeper WHERE seal = ? ORDER BY ordinal");
        bool row = true;
        Subject subject;

        put_number(&query, id);
        for (;;) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                take_subject(&query, &subject);
                r = query_check(&query);
                if (r != 0)
                        return r;
                if (keeper_is_known(ret, &subject))
                        continue;
                if (ret->keeper_count >= KEEPERS_MAX + 1)
                        return SEAL_E_REGISTER_TAMPERED;
                ret->keepers[ret->keeper_count++].subject = subject;
        }
}

/* At most PAGE_MAX; ret->grants counts all. */
static int read_grants(Store *store, uint64_t id, uint64_t now, InspectedSeal *ret,
                       InspectedGrant *grants, size_t *ret_count) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT id, text, kind, subject, until, used, given, emergency"
                       " FROM use_grant WHERE seal = ? AND " GRANT_MAY_BE_USED " ORDER BY id");
        InspectedGrant last;
        bool row = true;

        put_number(&query, id);
        put_number(&query, now);
        for (*ret_count = 0;; ret->grants++) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                InspectedGrant *grant = *ret_count < PAGE_MAX ? &grants[(*ret_count)++] : &last;
                *grant = (InspectedGrant){};
                take_number(&query, &grant->id);
                take_subject(&query, &grant->holder.subject);
                take_number(&query, &grant->until);
                take_number(&query, &grant->used);
                take_number(&query, &grant->given);
                take_bool(&query, &grant->emergency);
                r = query_check(&query);
                if (r != 0)
                        return r;
        }
}

int store_inspect_seals(Store *store, const char *number, uint64_t now, InspectSeal each,
                        void *userdata) {
        _cleanup_query_ Query query = query_new(
                store,
                "SELECT s.id, s.number, s.state, s.revocation_pending, s.revoked_text,"
                " s.revoked_kind, s.revoked_id, s.nv_index, s.bit, s.not_before, s.not_after,"
                " s.superseded_at, c.row IS NOT NULL, coalesce(c.not_after, 0), s.delivered_time, "
                "s.accepted_time, s.use_limit,"
                " coalesce((SELECT count FROM seal_use WHERE seal = s.id), 0),"
                " coalesce((SELECT time FROM ledger WHERE seal = s.number AND seal <> ''"
                "  AND event = 'use' ORDER BY seq DESC LIMIT 1), 0)"
                " FROM " SEAL_TABLES " LEFT JOIN certificate AS c ON c.row ="
                " (SELECT max(row) FROM certificate WHERE seal = s.id AND seal <> 0)"
                " WHERE (?1 = '' OR s.number = ?1) ORDER BY s.number");
        _cleanup_free_ InspectedGrant *grants = calloc(PAGE_MAX, sizeof(*grants));
        _cleanup_free_ InspectedSeal *seal = malloc(sizeof(*seal));
        bool row = true;
        size_t count;
        uint64_t id;

        if (!grants || !seal)
                return -ENOMEM;
        put_text(&query, number ? number : "");
        for (;;) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                take_seal(&query, &id, seal);
                r = query_check(&query);
                if (r == 0)
                        r = read_keepers(store, id, seal);
                if (r == 0)
                        r = read_grants(store, id, now, seal, grants, &count);
                if (r == 0)
                        r = each(userdata, seal, grants, count);
                if (r != 0)
                        return r;
        }
}

int store_inspect_count(Store *store, uint64_t *ret) {
        return store_read_number(store, "SELECT count(*) FROM " SEAL_TABLES, ret);
}

/* --- requests --------------------------------------------------------------------------------- */

int store_inspect_requests(Store *store, const char *number,
                           int (*each)(void *userdata, const InspectedRequest *request),
                           void *userdata) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT id, state, kind, CASE target WHEN '' THEN number ELSE target END,"
                       " created FROM request WHERE " REQUEST_OPEN
                       " AND (?1 = '' OR number = ?1 OR target = ?1) ORDER BY id");
        InspectedRequest request;
        bool row = true;
        int state = 0;

        put_text(&query, number ? number : "");
        for (;;) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                request = (InspectedRequest){};
                take_number(&query, &request.id);
                take_word(&query, request_state_from_name, &state);
                request.state = (RequestState) state;
                take_text(&query, request.kind, sizeof(request.kind));
                take_text(&query, request.seal, sizeof(request.seal));
                take_number(&query, &request.created);
                request.review = strcmp(request.kind, request_kind_name(KIND_REVIEW)) == 0;
                r = query_check(&query);
                if (r == 0)
                        r = each(userdata, &request);
                if (r != 0)
                        return r;
        }
}

/* --- figures ---------------------------------------------------------------------------------- */

int store_ledger_time_after(Store *store, uint64_t seq, uint64_t *ret) {
        _cleanup_query_ Query query = query_new(
                store,
                "SELECT coalesce((SELECT time FROM ledger WHERE seq > ? ORDER BY seq LIMIT 1),"
                " 0)");

        put_number(&query, seq);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, ret);
        return query_check(&query);
}

/* Each row is a word and its count. */
static int count_words(Query *query, int (*find)(const char *), uint64_t *ret) {
        bool row = true;
        int word = 0;

        for (;;) {
                uint64_t count = 0;
                int r = query_row(query, &row);
                if (r != 0 || !row)
                        return r;
                take_word(query, find, &word);
                take_number(query, &count);
                r = query_check(query);
                if (r != 0)
                        return r;
                ret[word] = count;
        }
}

static int count_validity(Store *store, uint64_t now, uint64_t soon, RegisterCounts *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT count(*) FILTER (WHERE not_after < ?1),"
                       " count(*) FILTER (WHERE not_after BETWEEN ?1 AND ?2) FROM seal"
                       " WHERE state IN ('made', 'filed', 'delivered', 'active', 'suspended',"
                       " 'lost', 'surrendered')");

        put_number(&query, now);
        put_number(&query, soon);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &ret->expired);
        take_number(&query, &ret->expiring);
        return query_check(&query);
}

static int count_grants(Store *store, uint64_t now, RegisterCounts *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT count(*) FROM use_grant WHERE " GRANT_MAY_BE_USED);

        put_number(&query, now);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &ret->grants);
        return query_check(&query);
}

int store_register_counts(Store *store, uint64_t now, uint64_t soon, RegisterCounts *ret) {
        _cleanup_query_ Query seals = query_new(store,
                                                "SELECT state, count(*) FROM seal GROUP BY state");
        _cleanup_query_ Query requests = query_new(
                store, "SELECT kind, count(*) FROM request WHERE " REQUEST_OPEN " GROUP BY kind");
        RegisterCounts counts = {};

        int r = count_words(&seals, seal_state_from_name, counts.seals);
        if (r == 0)
                r = count_words(&requests, request_kind_from_name, counts.requests);
        if (r == 0)
                r = count_validity(store, now, soon, &counts);
        if (r == 0)
                r = count_grants(store, now, &counts);
        if (r == 0)
                *ret = counts;
        return r;
}
