/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "sealsd/json.h"
#include "sealsd/store-internal.h"

/* What never changes after birth, then what does; both in the order of the functions below. */
#define BIRTH_COLUMNS                                                                         \
        "number, request, separation, applicant_text, applicant_kind, applicant_id, created," \
        " use_count, nv_index, bit, facts"
#define SEARCH_COLUMNS "use_limit, name, holder, class, type, not_after"
#define LIFE_COLUMNS                                                                              \
        "state, revocation_pending, profile, filing_number, filing_authority, filing_filed,"      \
        " filing_documents, made_text, made_kind, made_id, made_time, filed_text, filed_kind,"    \
        " filed_id, filed_time, delivered_text, delivered_kind, delivered_id, delivered_time,"    \
        " accepted_text, accepted_kind, accepted_id, accepted_time, revoked_text, revoked_kind,"  \
        " revoked_id, revoked_time, revocation_reason, named_text, named_kind, named_id, public," \
        " private"
#define LIFE_PLACES                                                                           \
        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?," \
        " ?, ?, ?, ?, ?"

/* The place in the keeper table of the one the seal was delivered to, after those of facts. */
#define NAMED_ORDINAL KEEPERS_MAX

/* --- write ---------------------------------------------------------------------------------- */

/* What a row is made of beside the Seal itself; the query borrows it. */
typedef struct SealBlobs {
        char *facts;
        char *documents;
        TpmBlob public, private;
} SealBlobs;

static void blobs_free(SealBlobs *blobs) {
        free(blobs->facts);
        free(blobs->documents);
}

static int blobs_make(const Seal *seal, SealBlobs *ret) {
        _cleanup_json_ json_t *documents = json_documents(seal->filing.documents,
                                                          seal->filing.document_count);

        int r = json_to_text(documents, &ret->documents);
        if (r == 0)
                r = application_to_json(&seal->facts, &ret->facts);
        if (r == 0)
                r = blob_from_public(&seal->public, &ret->public);
        if (r == 0)
                r = blob_from_private(&seal->private, &ret->private);
        return r;
}

static void put_act(Query *query, const Act *act) {
        put_subject(query, &act->by);
        put_number(query, act->time);
}

static void put_life(Query *query, const Seal *seal, const SealBlobs *blobs) {
        put_text(query, seal_state_name(seal->state));
        put_number(query, seal->revocation_pending);
        put_text(query, seal->profile);
        put_text(query, seal->filing.number);
        put_text(query, seal->filing.authority);
        put_number(query, seal->filing.filed);
        put_text(query, blobs->documents);
        put_act(query, &seal->made);
        put_act(query, &seal->filed);
        put_act(query, &seal->delivered);
        put_act(query, &seal->accepted);
        put_act(query, &seal->revoked);
        put_text(query, seal->revocation_reason);
        put_subject(query, &seal->named_keeper);
        put_bytes(query, blobs->public.data, blobs->public.size);
        put_bytes(query, blobs->private.data, blobs->private.size);
}

static void put_birth(Query *query, const Seal *seal, const SealBlobs *blobs) {
        const Application *facts = &seal->facts;

        put_text(query, seal->number);
        put_number(query, seal->request);
        put_text(query, separation_name(seal->separation));
        put_subject(query, &seal->applicant);
        put_number(query, seal->created);
        put_number(query, seal->use_count);
        put_number(query, seal->index);
        put_number(query, seal->bit);
        put_text(query, blobs->facts);
        put_number(query, facts->use_limit);
        put_text(query, facts->name);
        put_text(query, facts->holder);
        put_text(query, facts->class);
        put_text(query, facts->type);
        put_number(query, facts->not_after);
}

static int keeper_insert(Store *store, const char *number, unsigned ordinal,
                         const Subject *keeper) {
        _cleanup_query_ Query query = query_new(store,
                                                "INSERT INTO keeper (seal, ordinal, text, kind, id)"
                                                " VALUES (?, ?, ?, ?, ?)");

        put_text(&query, number);
        put_number(&query, ordinal);
        put_subject(&query, keeper);
        return query_run(&query);
}

/* As it is now: a keeper named before, who declined, does not see the seal any more. */
static int named_keeper_write(Store *store, const Seal *seal) {
        _cleanup_query_ Query query = query_new(
                store, "DELETE FROM keeper WHERE seal = ? AND ordinal = ?");

        put_text(&query, seal->number);
        put_number(&query, NAMED_ORDINAL);
        int r = query_run(&query);
        if (r != 0 || seal->named_keeper.text[0] == '\0')
                return r;
        return keeper_insert(store, seal->number, NAMED_ORDINAL, &seal->named_keeper);
}

static int seal_insert(Store *store, const Seal *seal, const SealBlobs *blobs) {
        _cleanup_query_ Query query = query_new(store, "INSERT INTO seal (" BIRTH_COLUMNS
                                                       ", " SEARCH_COLUMNS ", " LIFE_COLUMNS
                                                       ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                                                       " ?, ?, ?, ?, ?, ?, " LIFE_PLACES ")");

        put_birth(&query, seal, blobs);
        put_life(&query, seal, blobs);
        int r = query_run(&query);
        for (unsigned i = 0; i < seal->facts.keeper_count && r == 0; i++)
                r = keeper_insert(store, seal->number, i, &seal->facts.keepers[i]);
        return r != 0 ? r : named_keeper_write(store, seal);
}

static int seal_rewrite(Store *store, const Seal *seal, const SealBlobs *blobs) {
        _cleanup_query_ Query query = query_new(store,
                                                "UPDATE seal SET (" LIFE_COLUMNS ") = (" LIFE_PLACES
                                                ") WHERE number = ? RETURNING 1");

        put_life(&query, seal, blobs);
        put_text(&query, seal->number);
        int r = query_one(&query);
        if (r == 0)
                r = query_run(&query);
        return r != 0 ? r : named_keeper_write(store, seal);
}

static int seal_write(Store *store, const Seal *seal,
                      int (*write)(Store *, const Seal *, const SealBlobs *)) {
        _cleanup_(blobs_free) SealBlobs blobs = {};
        bool own;

        int r = blobs_make(seal, &blobs);
        if (r == 0)
                r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        return store_end_own(store, own, write(store, seal, &blobs));
}

int store_seal_add(Store *store, const Seal *seal) {
        return seal_write(store, seal, seal_insert);
}

int store_seal_update(Store *store, const Seal *seal) {
        return seal_write(store, seal, seal_rewrite);
}

/* --- read ----------------------------------------------------------------------------------- */

static void take_act(Query *query, Act *ret) {
        take_subject(query, &ret->by);
        take_number(query, &ret->time);
}

static void take_birth(Query *query, Seal *ret, char **ret_facts) {
        int separation = 0;

        take_text(query, ret->number, sizeof(ret->number));
        take_number(query, &ret->request);
        take_word(query, separation_from_name, &separation);
        take_subject(query, &ret->applicant);
        take_number(query, &ret->created);
        take_number(query, &ret->use_count);
        take_u32(query, &ret->index);
        take_unsigned(query, &ret->bit, SEALS_PER_INDEX - 1);
        take_long_text(query, ret_facts, APPLICATION_JSON_MAX);
        ret->separation = (Separation) separation;
}

static void take_life(Query *query, Seal *ret, char **ret_documents) {
        int state = 0;

        take_word(query, seal_state_from_name, &state);
        take_bool(query, &ret->revocation_pending);
        take_text(query, ret->profile, sizeof(ret->profile));
        take_text(query, ret->filing.number, sizeof(ret->filing.number));
        take_text(query, ret->filing.authority, sizeof(ret->filing.authority));
        take_number(query, &ret->filing.filed);
        take_long_text(query, ret_documents, DOCUMENTS_JSON_MAX);
        take_act(query, &ret->made);
        take_act(query, &ret->filed);
        take_act(query, &ret->delivered);
        take_act(query, &ret->accepted);
        take_act(query, &ret->revoked);
        take_text(query, ret->revocation_reason, sizeof(ret->revocation_reason));
        take_subject(query, &ret->named_keeper);
        take_public(query, &ret->public);
        take_private(query, &ret->private);
        ret->state = (SealState) state;
}

static int documents_load(const char *json, Filing *filing) {
        _cleanup_json_ json_t *array = NULL;

        int r = json_parse(json, &array);
        if (r != 0)
                return r;
        return json_read_documents(array, filing->documents, &filing->document_count)
                       ? 0
                       : SEAL_E_REGISTER_TAMPERED;
}

/* Into a zeroed Seal. */
static int seal_load(Store *store, const char *number, Seal *seal) {
        _cleanup_query_ Query query = query_new(store, "SELECT " BIRTH_COLUMNS ", " LIFE_COLUMNS
                                                       " FROM seal WHERE number = ?");
        _cleanup_free_ char *facts = NULL, *documents = NULL;

        put_text(&query, number);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_birth(&query, seal, &facts);
        take_life(&query, seal, &documents);
        r = query_check(&query);
        if (r == 0)
                r = application_from_json(facts, &seal->facts);
        return r != 0 ? r : documents_load(documents, &seal->filing);
}

int store_seal_get(Store *store, const char *number, Seal *ret) {
        _cleanup_free_ Seal *seal = calloc(1, sizeof(*seal));

        if (!seal)
                return -ENOMEM;
        int r = seal_load(store, number, seal);
        if (r == 0)
                *ret = *seal;
        return r;
}

int store_seal_count(Store *store, uint64_t *ret) {
        return store_read_number(store, "SELECT count(*) FROM seal", ret);
}

/* --- revocation ----------------------------------------------------------------------------- */

int store_seal_get_brief(Store *store, const char *number, SealBrief *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT number, state, revocation_pending, nv_index, bit FROM seal"
                       " WHERE number = ?");
        SealBrief brief = {};
        int state = 0;

        put_text(&query, number);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_text(&query, brief.number, sizeof(brief.number));
        take_word(&query, seal_state_from_name, &state);
        take_bool(&query, &brief.revocation_pending);
        take_u32(&query, &brief.index);
        take_unsigned(&query, &brief.bit, SEALS_PER_INDEX - 1);
        brief.state = (SealState) state;
        r = query_check(&query);
        if (r == 0)
                *ret = brief;
        return r;
}

int store_seal_by_bit(Store *store, TPM2_HANDLE index, unsigned bit,
                      char ret[static NUMBER_MAX + 1]) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT number FROM seal WHERE nv_index = ? AND bit = ?");

        put_number(&query, index);
        put_number(&query, bit);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_text(&query, ret, NUMBER_MAX + 1);
        return query_check(&query);
}

int store_seal_mark_revoked(Store *store, const char *number, const Act *act, const char *reason) {
        char text[TEXT_MAX + 1];

        text_copy(text, sizeof(text), reason);
        _cleanup_query_ Query query = query_new(
                store, "UPDATE seal SET state = 'revoked', revocation_pending = 1,"
                       " (revoked_text, revoked_kind, revoked_id, revoked_time) = (?, ?, ?, ?),"
                       " revocation_reason = ? WHERE number = ? RETURNING 1");
        put_act(&query, act);
        put_text(&query, text);
        put_text(&query, number);
        int r = query_one(&query);
        return r != 0 ? r : query_run(&query);
}

int store_seal_settle_revoked(Store *store, const char *number) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE seal SET revocation_pending = 0 WHERE number = ? RETURNING 1");

        put_text(&query, number);
        int r = query_one(&query);
        return r != 0 ? r : query_run(&query);
}

/* --- use ------------------------------------------------------------------------------------ */

static int seal_exists(Store *store, const char *number) {
        _cleanup_query_ Query query = query_new(store, "SELECT 1 FROM seal WHERE number = ?");

        put_text(&query, number);
        return query_one(&query);
}

/* One statement is one transaction, durable on return: a crash wastes a use, never adds one. */
int store_seal_take_use(Store *store, const char *number, uint64_t *ret_use) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE seal SET use_count = use_count + 1 WHERE number = ?"
                       " AND (use_limit = 0 OR use_count < use_limit)"
                       " RETURNING use_count");
        uint64_t use = 0;

        put_text(&query, number);
        int r = query_one(&query);
        if (r == SEAL_E_NOT_FOUND) {
                r = seal_exists(store, number);
                return r == 0 ? SEAL_E_LIMIT_REACHED : r;
        }
        if (r != 0)
                return r;
        take_number(&query, &use);
        r = query_check(&query);
        if (r == 0)
                r = query_run(&query);
        if (r == 0)
                *ret_use = use;
        return r;
}

int store_seal_return_use(Store *store, const char *number, uint64_t use) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE seal SET use_count = use_count - 1 WHERE number = ?"
                       " AND use_count = ? AND use_count > 0");

        put_text(&query, number);
        put_number(&query, use);
        return query_run(&query);
}
