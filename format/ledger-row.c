/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ledger-row.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "format/ledger-internal.h"
#include "policy/digest.h"

#define KEY(name, kind, member) \
        { name, kind, offsetof(LedgerRow, member), 0 }
#define KEY_WITH(name, kind, member, has) \
        { name, kind, offsetof(LedgerRow, member), offsetof(LedgerRow, has) }

const LedgerKey ledger_keys[] = {
        KEY("seq", KEY_NUMBER, seq),
        KEY("time", KEY_NUMBER, time),
        KEY("event", KEY_TEXT, event),
        KEY("subject", KEY_TEXT, subject),
        KEY_WITH("uid", KEY_UID, uid, has_uid),
        KEY_WITH("login-uid", KEY_UID, login_uid, has_login_uid),
        KEY("process", KEY_TEXT, process),
        KEY("unit", KEY_TEXT, unit),
        KEY("self", KEY_FLAG, self),
        KEY("seal", KEY_TEXT, seal),
        KEY("request", KEY_NUMBER, request),
        KEY("object", KEY_TEXT, object),
        KEY("state", KEY_TEXT, state),
        KEY("purpose", KEY_TEXT, purpose),
        KEY("hash", KEY_TEXT, hash),
        KEY("document", KEY_TEXT, document),
        KEY("document-hash", KEY_DIGEST, document_hash),
        KEY("use", KEY_NUMBER, use),
        KEY("count", KEY_NUMBER, count),
        KEY("result", KEY_TEXT, result),
        KEY("reason", KEY_TEXT, reason),
        KEY("facts", KEY_FACTS, facts),
        KEY("rows", KEY_TOUCHES, touches),
        KEY("previous", KEY_HASH, previous),
};
const size_t ledger_key_count = sizeof(ledger_keys) / sizeof(ledger_keys[0]);

int ledger_row_hash(const char *text, size_t size, uint8_t ret[static LEDGER_HASH_SIZE]) {
        TPM2B_DIGEST digest;

        int r = digest_bytes((Bytes){ (const uint8_t *) text, size }, &digest);
        if (r == 0)
                memcpy(ret, digest.buffer, LEDGER_HASH_SIZE);
        return r;
}

/* --- values: absent ones leave *ret NULL ---------------------------------------------------- */

static int made(json_t *value, json_t **ret) {
        *ret = value;
        return value ? 0 : -ENOMEM;
}

static int text_make(const char *text, json_t **ret) {
        if (!text || text[0] == '\0')
                return 0;
        if (text_is_utf8(text, strlen(text)))
                return made(json_string(text), ret);
        _cleanup_free_ char *repaired = strdup(text);
        if (!repaired)
                return -ENOMEM;
        text_repair(repaired);
        return made(json_string(repaired), ret);
}

static int number_make(uint64_t number, json_t **ret) {
        if (number == 0)
                return 0;
        return number > JSON_NUMBER_MAX ? -EINVAL : made(json_integer((json_int_t) number), ret);
}

static int digest_make(Bytes digest, json_t **ret) {
        if (digest.size == 0)
                return 0;
        return digest.size > DIGEST_MAX ? -EINVAL : made(json_hex(digest.data, digest.size), ret);
}

static json_t *touch_make(const LedgerTouch *touch) {
        json_t *hash = touch->deleted ? json_null() : json_hex(touch->hash, LEDGER_HASH_SIZE);

        return json_pack("[s, I, o]", touch->table, (json_int_t) touch->row, hash);
}

static int touches_make(const LedgerRow *row, json_t **ret) {
        _cleanup_json_ json_t *array = json_array();

        if (row->touch_count > LEDGER_TOUCHES_MAX)
                return SEAL_E_LIMITS_EXCEEDED;
        if (row->touch_count == 0)
                return 0;
        for (size_t i = 0; i < row->touch_count; i++)
                if (json_array_append_new(array, touch_make(&row->touches[i])) < 0)
                        return -ENOMEM;
        return made(steal_ptr(array), ret);
}

static int facts_make(const json_t *facts, json_t **ret) {
        if (json_object_size(facts) > 0)
                *ret = json_incref((json_t *) facts);
        return 0;
}

static int value_make(const LedgerRow *row, const LedgerKey *key, json_t **ret) {
        const void *place = key_place(row, key);

        switch (key->kind) {
        case KEY_TEXT:
                return text_make(*(const char *const *) place, ret);
        case KEY_NUMBER:
                return number_make(*(const uint64_t *) place, ret);
        case KEY_UID:
                if (!*((const bool *) row + key->has_offset))
                        return 0;
                return made(json_integer(*(const uint32_t *) place), ret);
        case KEY_FLAG:
                *ret = *(const bool *) place ? json_true() : NULL;
                return 0;
        case KEY_HASH:
                return made(json_hex(place, LEDGER_HASH_SIZE), ret);
        case KEY_DIGEST:
                return digest_make(*(const Bytes *) place, ret);
        case KEY_FACTS:
                return facts_make(*(const json_t *const *) place, ret);
        case KEY_TOUCHES:
                return touches_make(row, ret);
        }
        return -EINVAL;
}

static int document_make(const LedgerRow *row, json_t *document) {
        for (size_t i = 0; i < ledger_key_count; i++) {
                json_t *value = NULL;
                int r = value_make(row, &ledger_keys[i], &value);
                if (r != 0)
                        return r;
                if (value && json_object_set_new(document, ledger_keys[i].name, value) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int ledger_row_encode(const LedgerRow *row, char **ret_text, size_t *ret_size,
                      uint8_t ret_hash[static LEDGER_HASH_SIZE]) {
        _cleanup_json_ json_t *document = json_object();
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        if (row->seq == 0 || row->time == 0 || !row->event || row->event[0] == '\0')
                return -EINVAL;
        int r = document ? document_make(row, document) : -ENOMEM;
        if (r == 0)
                r = json_to_text_sized(document, &text, &size);
        if (r == 0 && size > LEDGER_ROW_MAX)
                r = SEAL_E_LIMITS_EXCEEDED;
        if (r == 0)
                r = ledger_row_hash(text, size, ret_hash);
        if (r != 0)
                return r;
        *ret_text = steal_ptr(text);
        *ret_size = size;
        return 0;
}
