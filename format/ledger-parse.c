/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "format/ledger-internal.h"
#include "format/ledger-row.h"

#define TAMPERED SEAL_E_REGISTER_TAMPERED

/* --- values --------------------------------------------------------------------------------- */

static bool text_read(const json_t *value, const char **ret) {
        *ret = json_string_value(value);
        return *ret && (*ret)[0] != '\0';
}

static bool number_read(const json_t *value, uint64_t *ret) {
        json_int_t number = json_integer_value(value);

        *ret = (uint64_t) number;
        return json_is_integer(value) && number > 0;
}

static bool uid_read(const json_t *value, uint32_t *ret, bool *ret_has) {
        json_int_t number = json_integer_value(value);

        *ret = (uint32_t) number;
        *ret_has = true;
        return json_is_integer(value) && number >= 0 && number <= UINT32_MAX;
}

static bool digest_read(LedgerParsed *parsed, const json_t *value) {
        Bytes *digest = &parsed->row.document_hash;

        digest->data = parsed->document_hash;
        return json_read_hex_sized(value, parsed->document_hash, DIGEST_MAX, &digest->size) &&
               digest->size > 0;
}

static bool touch_read(const json_t *value, LedgerTouch *ret) {
        const json_t *row = json_array_get(value, 1), *hash = json_array_get(value, 2);

        if (json_array_size(value) != 3 || !text_read(json_array_get(value, 0), &ret->table) ||
            strlen(ret->table) > LEDGER_WORD_MAX || !json_is_integer(row))
                return false;
        ret->row = json_integer_value(row);
        ret->deleted = json_is_null(hash);
        return ret->deleted || json_read_hex(hash, ret->hash, LEDGER_HASH_SIZE);
}

/* -ENOMEM, TAMPERED. */
static int touches_read(LedgerParsed *parsed, const json_t *value) {
        size_t count = json_array_size(value);

        if (count == 0 || count > LEDGER_TOUCHES_MAX)
                return TAMPERED;
        parsed->touches = calloc(count, sizeof(*parsed->touches));
        if (!parsed->touches)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++)
                if (!touch_read(json_array_get(value, i), &parsed->touches[i]))
                        return TAMPERED;
        parsed->row.touches = parsed->touches;
        parsed->row.touch_count = count;
        return 0;
}

static bool facts_read(const json_t *value, const json_t **ret) {
        *ret = value;
        return json_object_size(value) > 0;
}

/* -ENOMEM, TAMPERED: not of the key's type, or empty. */
static int value_read(LedgerParsed *parsed, const LedgerKey *key, const json_t *value) {
        void *place = (void *) key_place(&parsed->row, key);
        bool right = false;

        switch (key->kind) {
        case KEY_TEXT:
                right = text_read(value, place);
                break;
        case KEY_NUMBER:
                right = number_read(value, place);
                break;
        case KEY_UID:
                right = uid_read(value, place, (bool *) &parsed->row + key->has_offset);
                break;
        case KEY_FLAG:
                right = *(bool *) place = json_is_true(value);
                break;
        case KEY_HASH:
                right = json_read_hex(value, place, LEDGER_HASH_SIZE);
                break;
        case KEY_DIGEST:
                right = digest_read(parsed, value);
                break;
        case KEY_FACTS:
                right = facts_read(value, place);
                break;
        case KEY_TOUCHES:
                return touches_read(parsed, value);
        }
        return right ? 0 : TAMPERED;
}

/* --- the row -------------------------------------------------------------------------------- */

static const char *const required[] = { "event", "previous", "seq", "time" };

static const LedgerKey *key_find(const char *name) {
        for (size_t i = 0; i < ledger_key_count; i++)
                if (strcmp(ledger_keys[i].name, name) == 0)
                        return &ledger_keys[i];
        return NULL;
}

static const char *kind_text(KeyKind kind) {
        static const char *const texts[] = {
                [KEY_TEXT] = "a text that is not empty",
                [KEY_NUMBER] = "a number above 0",
                [KEY_UID] = "a user's number",
                [KEY_FLAG] = "true",
                [KEY_HASH] = "a SHA-256 in lower-case hex",
                [KEY_DIGEST] = "a hash in lower-case hex",
                [KEY_FACTS] = "an object that is not empty",
                [KEY_TOUCHES] = "a list of [table, number, hash or null]",
        };

        return texts[kind];
}

static int members_read(LedgerParsed *parsed, ErrorDetail *detail) {
        const char *name;
        json_t *value;

        json_object_foreach(parsed->document, name, value) {
                const LedgerKey *key = key_find(name);
                if (!key)
                        return error_set(detail, TAMPERED, "a row has no key '%.64s'", name);
                int r = value_read(parsed, key, value);
                if (r == TAMPERED)
                        return error_set(detail, r, "'%s' is not %s", name, kind_text(key->kind));
                if (r != 0)
                        return r;
        }
        for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
                if (!json_object_get(parsed->document, required[i]))
                        return error_set(detail, TAMPERED, "'%s' is missing", required[i]);
        return 0;
}

static int event_read(LedgerParsed *parsed, ErrorDetail *detail) {
        const char *event = parsed->row.event ? parsed->row.event : "";
        size_t length = strlen(event);

        if (length == 0 || length > LEDGER_WORD_MAX ||
            strspn(event, "abcdefghijklmnopqrstuvwxyz-") != length)
                return error_set(detail, TAMPERED, "'event' is not a word");
        parsed->code = event_from_name(event);
        return 0;
}

static int document_read(const char *text, size_t size, json_t **ret, ErrorDetail *detail) {
        if (size > LEDGER_ROW_MAX)
                return error_set(detail, TAMPERED, "the row is longer than %d bytes",
                                 LEDGER_ROW_MAX);
        int r = json_parse_sized(text, size, ret);
        if (r == TAMPERED) {
                _cleanup_json_ json_t *loose = json_loadb(text, size, 0, NULL);
                return error_set(detail, r, "the row is %s",
                                 loose ? "not in canonical form" : "not JSON");
        }
        if (r == 0 && !json_is_object(*ret))
                return error_set(detail, TAMPERED, "the row is not an object");
        return r;
}

void ledger_parsed_done(LedgerParsed *parsed) {
        free(parsed->touches);
        json_decref(parsed->document);
        *parsed = (LedgerParsed){};
}

int ledger_row_parse(const char *text, size_t size, LedgerParsed *ret, ErrorDetail *detail) {
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};

        int r = document_read(text, size, &parsed.document, detail);
        if (r == 0)
                r = members_read(&parsed, detail);
        if (r == 0)
                r = event_read(&parsed, detail);
        if (r == 0)
                r = ledger_row_hash(text, size, parsed.hash);
        if (r != 0)
                return r;
        *ret = parsed;
        ret->row.document_hash.data = parsed.row.document_hash.size > 0 ? ret->document_hash : NULL;
        parsed = (LedgerParsed){};
        return 0;
}

int ledger_row_follows(const LedgerRow *row, uint64_t seq,
                       const uint8_t previous[static LEDGER_HASH_SIZE], ErrorDetail *detail) {
        if (row->seq > seq)
                return error_set(detail, TAMPERED, "row %llu is missing", (unsigned long long) seq);
        if (row->seq < seq)
                return error_set(detail, TAMPERED, "row %llu stands where row %llu belongs",
                                 (unsigned long long) row->seq, (unsigned long long) seq);
        if (memcmp(row->previous, previous, LEDGER_HASH_SIZE) != 0)
                return error_set(detail, TAMPERED,
                                 "row %llu does not follow on the row before it as that stands",
                                 (unsigned long long) seq);
        return 0;
}
