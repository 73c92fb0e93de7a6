/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sealsd/json.h"
#include "sealsd/store-internal.h"

/* What never changes after birth, then what does; both in the order of the functions below. */
#define BIRTH_COLUMNS                                                                         \
        "number, request, separation, applicant_text, applicant_kind, applicant_id, created," \
        " nv_index, bit, name, holder, class, type, algorithm, not_before, replaces"
#define BIRTH_PLACES "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
#define ACT_COLUMNS(name) \
        " " name "_text, " name "_kind, " name "_id, " name "_login, " name "_time,"
#define LIFE_COLUMNS                                                                            \
        "state, revocation_pending, use_limit, purposes, not_after, profile, replaced_by,"      \
        " superseded_at, filing_number, filing_authority, filing_filed," ACT_COLUMNS("made")    \
                ACT_COLUMNS("filed") ACT_COLUMNS("delivered") ACT_COLUMNS("accepted")           \
                        ACT_COLUMNS("suspended") ACT_COLUMNS("surrendered") ACT_COLUMNS("lost") \
                                ACT_COLUMNS("revoked") ACT_COLUMNS(                             \
                                        "destroyed") " revocation_reason, named_text, "         \
                                                     "named_kind, named_id, public"
#define ACT_PLACES "?, ?, ?, ?, ?, "
#define LIFE_PLACES                                                                                \
        "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, " ACT_PLACES ACT_PLACES ACT_PLACES ACT_PLACES ACT_PLACES \
                ACT_PLACES ACT_PLACES ACT_PLACES ACT_PLACES "?, ?, ?, ?, ?"

/* --- what is confidential --------------------------------------------------------------------- */

static json_t *private_json(const TPM2B_PRIVATE *private) {
        char hex[2 * TPM_BLOB_MAX + 1];
        TpmBlob blob;

        if (blob_from_private(private, &blob) != 0)
                return NULL;
        return json_string(hex_encode(blob.data, blob.size, hex));
}

/* Of keys made since there are passports. */
static bool birth_put(json_t *document, const SealBirth *birth) {
        char hex[2 * TPM_BLOB_MAX + 1];
        TpmBlob blob;

        if (birth->hash.size == 0)
                return true;
        if (blob_from_birth(birth, &blob) != 0)
                return false;
        return json_object_set_new(document, "birth",
                                   json_string(hex_encode(blob.data, blob.size, hex))) == 0;
}

static int confidential_to_json(const Seal *seal, char **ret) {
        _cleanup_json_ json_t *document = json_pack(
                "{s:o, s:o, s:o}", "facts", application_json(&seal->facts), "filing-documents",
                json_documents(seal->filing.documents, seal->filing.document_count), "private",
                private_json(&seal->private));

        if (document && !birth_put(document, &seal->birth))
                return -ENOMEM;
        return json_to_text(document, ret);
}

static bool blob_read(const json_t *value, TpmBlob *ret) {
        const char *hex = json_string_value(value);
        size_t size = hex ? strlen(hex) / 2 : 0;

        if (!hex || size > sizeof(ret->data) || !hex_decode(hex, ret->data, size))
                return false;
        ret->size = size;
        return true;
}

static bool private_read(const json_t *value, TPM2B_PRIVATE *ret) {
        TpmBlob blob;

        return blob_read(value, &blob) && private_from_blob(&blob, ret);
}

static bool birth_read(const json_t *value, SealBirth *ret) {
        TpmBlob blob;

        return !value || (blob_read(value, &blob) && birth_from_blob(&blob, ret));
}

/* Facts that are in force stand in the columns, which were read before. */
static int confidential_read(const char *text, Seal *seal) {
        _cleanup_free_ Application *facts = calloc(1, sizeof(*facts));
        _cleanup_json_ json_t *document = NULL;

        int r = facts ? json_parse(text, &document) : -ENOMEM;
        if (r != 0)
                return r;
        if (!json_read_application(json_object_get(document, "facts"), facts) ||
            !json_read_documents(json_object_get(document, "filing-documents"),
                                 seal->filing.documents, &seal->filing.document_count) ||
            !private_read(json_object_get(document, "private"), &seal->private) ||
            !birth_read(json_object_get(document, "birth"), &seal->birth))
                return SEAL_E_REGISTER_TAMPERED;
        seal->facts.document_count = facts->document_count;
        memcpy(seal->facts.documents, facts->documents, sizeof(facts->documents));
        memcpy(seal->facts.country, facts->country, sizeof(facts->country));
        memcpy(seal->facts.organization_identifier, facts->organization_identifier,
               sizeof(facts->organization_identifier));
        seal->facts.picture = facts->picture;
        return 0;
}

/* --- write ------------------------------------------------------------------------------------ */

static int put_life(Query *query, const Seal *seal, TpmBlob *public) {
        const Act *const acts[] = { &seal->made,     &seal->filed,     &seal->delivered,
                                    &seal->accepted, &seal->suspended, &seal->surrendered,
                                    &seal->lost,     &seal->revoked,   &seal->destroyed };

        int r = blob_from_public(&seal->public, public);
        if (r != 0)
                return r;
        put_text(query, seal_state_name(seal->state));
        put_number(query, seal->revocation_pending);
        put_number(query, seal->facts.use_limit);
        put_number(query, seal->facts.purposes);
        put_number(query, seal->facts.not_after);
        put_text(query, seal->profile);
        put_text(query, seal->replaced_by);
        put_number(query, seal->superseded_at);
        put_text(query, seal->filing.number);
        put_text(query, seal->filing.authority);
        put_number(query, seal->filing.filed);
        for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
                put_act(query, acts[i]);
        put_text(query, seal->revocation_reason);
        put_subject(query, &seal->named_keeper);
        put_bytes(query, public->data, public->size);
        return 0;
}

static void put_birth(Query *query, const Seal *seal) {
        const Application *facts = &seal->facts;

        put_text(query, seal->number);
        put_number(query, seal->request);
        put_text(query, separation_name(seal->separation));
        put_subject(query, &seal->applicant);
        put_number(query, seal->created);
        put_number(query, seal->index);
        put_number(query, seal->bit);
        put_text(query, facts->name);
        put_text(query, facts->holder);
        put_text(query, facts->class);
        put_text(query, facts->type);
        put_text(query, facts->algorithm);
        put_number(query, facts->not_before);
        put_text(query, seal->replaces);
}

static int row_insert(Store *store, const Seal *seal, uint64_t *ret_id) {
        _cleanup_query_ Query query = query_kept(store, "INSERT INTO seal (" BIRTH_COLUMNS
                                                        ", " LIFE_COLUMNS
                                                        ", version, sealed) VALUES (" BIRTH_PLACES
                                                        ", " LIFE_PLACES ", 0, x'') RETURNING id");
        TpmBlob public;

        put_birth(&query, seal);
        int r = put_life(&query, seal, &public);
        if (r == 0)
                r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, ret_id);
        return query_taken(&query);
}

static int use_insert(Store *store, uint64_t seal, uint64_t count) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO seal_use (seal, count) VALUES (?, ?)");

        put_number(&query, seal);
        put_number(&query, count);
        return query_run(&query);
}

static int confidential_write(Store *store, const Seal *seal, uint64_t id) {
        _cleanup_plain_ char *text = NULL;

        int r = confidential_to_json(seal, &text);
        return r != 0 ? r : sealed_write(store, "seal", id, text);
}

static int seal_insert(Store *store, const Seal *seal, uint64_t *ret_id) {
        int r = row_insert(store, seal, ret_id);

        if (r == 0)
                r = confidential_write(store, seal, *ret_id);
        if (r == 0)
                r = use_insert(store, *ret_id, seal->use_count);
        if (r == 0)
                r = keepers_write(store, *ret_id, seal->facts.keepers, seal->facts.keeper_count);
        if (r == 0)
                r = approvers_write(store, *ret_id, &seal->facts);
        return r != 0 ? r : named_keeper_write(store, *ret_id, &seal->named_keeper);
}

static int row_update(Store *store, const Seal *seal, uint64_t *ret_id) {
        _cleanup_query_ Query query = query_kept(store, "UPDATE seal SET (" LIFE_COLUMNS
                                                        ") = (" LIFE_PLACES
                                                        ") WHERE number = ? RETURNING id");
        TpmBlob public;

        int r = put_life(&query, seal, &public);
        put_text(&query, seal->number);
        if (r == 0)
                r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, ret_id);
        return query_taken(&query);
}

static int seal_rewrite(Store *store, const Seal *seal) {
        uint64_t id = 0;

        int r = list_follow(store, seal->number, seal->state);
        if (r == 0)
                r = row_update(store, seal, &id);
        if (r == 0 && !seal->opaque)
                r = confidential_write(store, seal, id);
        return r != 0 ? r : named_keeper_write(store, id, &seal->named_keeper);
}

int store_seal_add(Store *store, Seal *seal) {
        uint64_t id = 0;
        bool own;

        if (seal->opaque)
                return SEAL_E_MACHINE_STATE_REFUSED;
        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        r = store_end_own(store, own, seal_insert(store, seal, &id));
        if (r == 0)
                seal->id = id;
        return r;
}

int store_seal_update(Store *store, const Seal *seal) {
        bool own;

        if (seal->opaque && (seal->filing.document_count > 0 || seal->private.size > 0))
                return SEAL_E_MACHINE_STATE_REFUSED;
        int r = store_begin_own(store, &own);
        return r != 0 ? r : store_end_own(store, own, seal_rewrite(store, seal));
}

/* --- read ------------------------------------------------------------------------------------- */

static void take_birth(Query *query, Seal *ret) {
        Application *facts = &ret->facts;
        int separation = 0;

        take_text(query, ret->number, sizeof(ret->number));
        take_number(query, &ret->request);
        take_word(query, separation_from_name, &separation);
        take_subject(query, &ret->applicant);
        take_number(query, &ret->created);
        take_u32(query, &ret->index);
        take_unsigned(query, &ret->bit, SEALS_PER_INDEX - 1);
        take_text(query, facts->name, sizeof(facts->name));
        take_text(query, facts->holder, sizeof(facts->holder));
        take_text(query, facts->class, sizeof(facts->class));
        take_text(query, facts->type, sizeof(facts->type));
        take_text(query, facts->algorithm, sizeof(facts->algorithm));
        take_number(query, &facts->not_before);
        take_text(query, ret->replaces, sizeof(ret->replaces));
        ret->separation = (Separation) separation;
}

static void take_life(Query *query, Seal *ret) {
        Act *const acts[] = { &ret->made,     &ret->filed,     &ret->delivered,
                              &ret->accepted, &ret->suspended, &ret->surrendered,
                              &ret->lost,     &ret->revoked,   &ret->destroyed };
        int state = 0;

        take_word(query, seal_state_from_name, &state);
        take_bool(query, &ret->revocation_pending);
        take_number(query, &ret->facts.use_limit);
        take_unsigned(query, &ret->facts.purposes, PURPOSE_ALL);
        take_number(query, &ret->facts.not_after);
        take_text(query, ret->profile, sizeof(ret->profile));
        take_text(query, ret->replaced_by, sizeof(ret->replaced_by));
        take_number(query, &ret->superseded_at);
        take_text(query, ret->filing.number, sizeof(ret->filing.number));
        take_text(query, ret->filing.authority, sizeof(ret->filing.authority));
        take_number(query, &ret->filing.filed);
        for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
                take_act(query, acts[i]);
        take_text(query, ret->revocation_reason, sizeof(ret->revocation_reason));
        take_subject(query, &ret->named_keeper);
        take_public(query, &ret->public);
        ret->state = (SealState) state;
}

#define SEAL_GET                                                                     \
        "SELECT s.id, " BIRTH_COLUMNS ", " LIFE_COLUMNS ", u.count, version, sealed" \
        " FROM seal AS s LEFT JOIN seal_use AS u ON u.seal = s.id WHERE number = ?"

static int row_read(Store *store, const char *number, Seal *seal, Sealed *ret_sealed) {
        _cleanup_query_ Query query = query_kept(store, SEAL_GET);

        put_text(&query, number);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &seal->id);
        take_birth(&query, seal);
        take_life(&query, seal);
        take_number(&query, &seal->use_count);
        take_sealed(&query, ret_sealed);
        return query_check(&query);
}

/* The seal's rows are those of the ledger: checked first, whatever they say. */
static int rows_check(Store *store, const char *number) {
        uint64_t id = 0;

        int r = seal_row(store, number, &id);
        if (r == 0)
                r = guard_check(store, "seal", id);
        if (r == 0)
                r = guard_check(store, "seal_use", id);
        return r != 0 ? r : keepers_check(store, id);
}

/* Into a zeroed Seal. */
static int seal_load(Store *store, const char *number, Seal *seal) {
        _cleanup_sealed_ Sealed sealed = {};
        _cleanup_plain_ char *text = NULL;

        int r = rows_check(store, number);
        if (r == 0)
                r = row_read(store, number, seal, &sealed);
        if (r == 0)
                r = keepers_read(store, seal->id, seal->facts.keepers, &seal->facts.keeper_count);
        if (r == 0)
                r = approvers_read(store, seal->id, &seal->facts);
        if (r == 0)
                r = sealed_open(store, "seal", seal->id, &sealed, &text);
        if (r != 0)
                return r;
        seal->opaque = text == NULL;
        return text ? confidential_read(text, seal) : 0;
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
