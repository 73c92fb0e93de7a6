/* SPDX-License-Identifier: Apache-2.0 */
#include "format/passport-fields.h"

#include <errno.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "base/text.h"
#include "format/passport.h"

#define TEXT(type, member, name) \
        { name, FIELD_TEXT, offsetof(type, member), sizeof(((type *) NULL)->member) }
#define HASH(type, member, name) \
        { name, FIELD_HASH, offsetof(type, member), sizeof(((type *) NULL)->member) }
#define PLAIN(type, member, name, kind) \
        { name, FIELD_##kind, offsetof(type, member), 0 }
#define UP_TO(type, member, name, max) \
        { name, FIELD_UNSIGNED, offsetof(type, member), max }

static const Field statement_list[] = {
        PLAIN(PassportStatement, created, "created", NUMBER),
        TEXT(PassportStatement, version, "sealsd-version"),
};

static const Field seal_list[] = {
        TEXT(PassportSeal, number, "number"),
        TEXT(PassportSeal, name, "name"),
        TEXT(PassportSeal, holder, "holder"),
        TEXT(PassportSeal, class, "class"),
        TEXT(PassportSeal, type, "type"),
        TEXT(PassportSeal, algorithm, "algorithm"),
        PLAIN(PassportSeal, not_before, "not-before", NUMBER),
        PLAIN(PassportSeal, not_after, "not-after", NUMBER),
        PLAIN(PassportSeal, use_limit, "use-limit", NUMBER),
        TEXT(PassportSeal, state, "state"),
        TEXT(PassportSeal, separation, "separation"),
        TEXT(PassportSeal, replaces, "replaces"),
        TEXT(PassportSeal, replaced_by, "replaced-by"),
        PLAIN(PassportSeal, made, "made", NUMBER),
        PLAIN(PassportSeal, public, "public", PUBLIC),
};

static const Field policy_list[] = {
        PLAIN(PassportPolicy, authority, "authority", PUBLIC),
        TEXT(PassportPolicy, profile, "profile"),
        PLAIN(PassportPolicy, index, "index", NV_PUBLIC),
        UP_TO(PassportPolicy, bit, "bit", SEALS_PER_INDEX - 1),
        PLAIN(PassportPolicy, pin, "pin", FLAG),
        PLAIN(PassportPolicy, backup, "backup", FLAG),
        UP_TO(PassportPolicy, threshold, "threshold", APPROVERS_MAX),
        PLAIN(PassportPolicy, digest, "digest", DIGEST),
};

static const Field approver_list[] = {
        TEXT(PassportApprover, subject, "subject"),
        PLAIN(PassportApprover, key, "key", PUBLIC),
};

static const Field machine_list[] = {
        TEXT(PassportMachine, profile, "profile"),
};

static const Field state_list[] = {
        PLAIN(PassportState, id, "id", NUMBER),
        PLAIN(PassportState, policy, "policy", DIGEST),
        PLAIN(PassportState, approved, "approved", NUMBER),
        TEXT(PassportState, by, "by"),
        PLAIN(PassportState, signature, "signature", SIGNATURE),
        PLAIN(PassportState, retired, "retired", NUMBER),
};

static const Field state_index_list[] = {
        PLAIN(PassportState, index, "state-index", NV_PUBLIC),
        UP_TO(PassportState, bit, "bit", SEALS_PER_INDEX - 1),
};

static const Field ledger_list[] = {
        PLAIN(PassportLedger, index, "index", NV_PUBLIC),
        PLAIN(PassportLedger, head_seq, "head-seq", NUMBER),
        HASH(PassportLedger, head, "head"),
        PLAIN(PassportLedger, anchor_seq, "anchor-seq", NUMBER),
};

static const Field attestation_list[] = {
        PLAIN(PassportAttestation, key, "key", PUBLIC),
};

#define LIST(list) \
        { list, sizeof(list) / sizeof((list)[0]) }

const FieldTable passport_statement_fields = LIST(statement_list);
const FieldTable passport_seal_fields = LIST(seal_list);
const FieldTable passport_policy_fields = LIST(policy_list);
const FieldTable passport_approver_fields = LIST(approver_list);
const FieldTable passport_machine_fields = LIST(machine_list);
const FieldTable passport_state_fields = LIST(state_list);
const FieldTable passport_state_index_fields = LIST(state_index_list);
const FieldTable passport_ledger_fields = LIST(ledger_list);
const FieldTable passport_attestation_fields = LIST(attestation_list);

/* --- structures of the TPM ------------------------------------------------------------------ */

/* Room for the largest of them as the library has it, filled or not. */
#define MARSHAL_MAX (2 * sizeof(TPM2B_PUBLIC) + sizeof(TPMT_SIGNATURE))

static bool structure_marshal(FieldKind kind, const void *from, uint8_t ret[static MARSHAL_MAX],
                              size_t *ret_size) {
        size_t used = 0;
        TSS2_RC rc;

        if (kind == FIELD_PUBLIC)
                rc = Tss2_MU_TPM2B_PUBLIC_Marshal(from, ret, MARSHAL_MAX, &used);
        else if (kind == FIELD_NV_PUBLIC)
                rc = Tss2_MU_TPMS_NV_PUBLIC_Marshal(from, ret, MARSHAL_MAX, &used);
        else
                rc = Tss2_MU_TPMT_SIGNATURE_Marshal(from, ret, MARSHAL_MAX, &used);
        *ret_size = used;
        return rc == TSS2_RC_SUCCESS && used <= TPM_BLOB_MAX;
}

static bool structure_unmarshal(FieldKind kind, Bytes bytes, size_t *used, void *ret) {
        if (kind == FIELD_PUBLIC)
                return Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes.data, bytes.size, used, ret) ==
                       TSS2_RC_SUCCESS;
        if (kind == FIELD_NV_PUBLIC)
                return Tss2_MU_TPMS_NV_PUBLIC_Unmarshal(bytes.data, bytes.size, used, ret) ==
                       TSS2_RC_SUCCESS;
        return Tss2_MU_TPMT_SIGNATURE_Unmarshal(bytes.data, bytes.size, used, ret) ==
               TSS2_RC_SUCCESS;
}

/* To the last byte, and written again the same: the library passes over what it cannot read. */
static bool structure_read(FieldKind kind, const json_t *value, void *ret) {
        uint8_t bytes[TPM_BLOB_MAX], again[MARSHAL_MAX];
        size_t size = 0, used = 0, again_size = 0;

        return json_read_hex_sized(value, bytes, sizeof(bytes), &size) && size > 0 &&
               structure_unmarshal(kind, (Bytes){ bytes, size }, &used, ret) && used == size &&
               structure_marshal(kind, ret, again, &again_size) && again_size == size &&
               memcmp(bytes, again, size) == 0;
}

/* --- writing -------------------------------------------------------------------------------- */

static void fail(int *r, int code) {
        if (*r == 0)
                *r = code;
}

void member_set(int *r, json_t *object, const char *name, json_t *taken) {
        if (json_object_set_new(object, name, taken) != 0)
                fail(r, -ENOMEM);
}

json_t *hex_write(const uint8_t *data, size_t size) {
        char *text = malloc(2 * size + 1);

        if (!text)
                return NULL;
        json_t *value = json_string(hex_encode(data, size, text));
        free(text);
        return value;
}

static bool text_fits(const char *text) {
        return text[0] == '\0' || text_is_line(text, strlen(text));
}

static json_t *text_write(int *r, const char *text, size_t size) {
        if (strnlen(text, size) == size || !text_fits(text)) {
                fail(r, -EINVAL);
                return NULL;
        }
        return json_string(text);
}

static json_t *number_write(int *r, uint64_t number, uint64_t max) {
        if (number > max) {
                fail(r, -EINVAL);
                return NULL;
        }
        return json_integer((json_int_t) number);
}

static json_t *digest_write(int *r, const TPM2B_DIGEST *digest) {
        if (digest->size != PASSPORT_HASH_SIZE) {
                fail(r, -EINVAL);
                return NULL;
        }
        return hex_write(digest->buffer, digest->size);
}

static json_t *structure_write(int *r, FieldKind kind, const void *from) {
        uint8_t bytes[MARSHAL_MAX];
        size_t size = 0;

        if (!structure_marshal(kind, from, bytes, &size)) {
                fail(r, -EINVAL);
                return NULL;
        }
        return hex_write(bytes, size);
}

static json_t *field_write(int *r, const Field *field, const void *place) {
        switch (field->kind) {
        case FIELD_TEXT:
                return text_write(r, place, field->size);
        case FIELD_NUMBER:
                return number_write(r, *(const uint64_t *) place, JSON_NUMBER_MAX);
        case FIELD_UNSIGNED:
                return number_write(r, *(const unsigned *) place, field->size);
        case FIELD_FLAG:
                return json_boolean(*(const bool *) place);
        case FIELD_HASH:
                return hex_write(place, field->size);
        case FIELD_DIGEST:
                return digest_write(r, place);
        default:
                return structure_write(r, field->kind, place);
        }
}

void fields_write(int *r, json_t *object, const FieldTable *table, const void *from) {
        for (size_t i = 0; i < table->count && *r == 0; i++) {
                const Field *field = &table->fields[i];

                member_set(r, object, field->name,
                           field_write(r, field, (const char *) from + field->offset));
        }
}

/* --- reading -------------------------------------------------------------------------------- */

const char *path_join(const char *path, const char *name, char ret[static PATH_SIZE]) {
        (void) snprintf(ret, PATH_SIZE, "%s%s%s", path, path[0] != '\0' ? "." : "", name);
        return ret;
}

const char *path_at(const char *path, size_t number, char ret[static PATH_SIZE]) {
        (void) snprintf(ret, PATH_SIZE, "%s[%zu]", path, number);
        return ret;
}

void reading_fail(Reading *reading, const char *path, const char *name, const char *what) {
        char joined[PATH_SIZE];

        if (reading->r != 0)
                return;
        reading->r = error_set(reading->detail, SEAL_E_REGISTER_TAMPERED, "%s %s",
                               name ? path_join(path, name, joined) : path, what);
}

static bool number_read(const json_t *value, uint64_t max, uint64_t *ret) {
        json_int_t number = json_integer_value(value);

        *ret = (uint64_t) number;
        return json_is_integer(value) && number >= 0 && (uint64_t) number <= max;
}

static bool unsigned_read(const json_t *value, size_t max, unsigned *ret) {
        uint64_t number = 0;

        if (!number_read(value, max, &number))
                return false;
        *ret = (unsigned) number;
        return true;
}

/* A text with U+0000 in it is shorter than it says. */
static bool text_read(const json_t *value, size_t size, char *ret) {
        const char *text = json_string_value(value);
        size_t length = json_string_length(value);

        if (!text || length >= size || strlen(text) != length || !text_fits(text))
                return false;
        memcpy(ret, text, length + 1);
        return true;
}

static bool digest_read(const json_t *value, TPM2B_DIGEST *ret) {
        ret->size = PASSPORT_HASH_SIZE;
        return json_read_hex(value, ret->buffer, PASSPORT_HASH_SIZE);
}

static bool field_read(const Field *field, const json_t *value, void *place) {
        switch (field->kind) {
        case FIELD_TEXT:
                return text_read(value, field->size, place);
        case FIELD_NUMBER:
                return number_read(value, JSON_NUMBER_MAX, place);
        case FIELD_UNSIGNED:
                return unsigned_read(value, field->size, place);
        case FIELD_FLAG:
                *(bool *) place = json_is_true(value);
                return json_is_boolean(value);
        case FIELD_HASH:
                return json_read_hex(value, place, field->size);
        case FIELD_DIGEST:
                return digest_read(value, place);
        default:
                return structure_read(field->kind, value, place);
        }
}

/* What the member should have been. */
static const char *const field_words[] = {
        [FIELD_TEXT] = "is not one line of text that fits there",
        [FIELD_NUMBER] = "is not a whole number",
        [FIELD_UNSIGNED] = "is not a number within its bounds",
        [FIELD_FLAG] = "is neither true nor false",
        [FIELD_HASH] = "is not a SHA-256 in lower-case hex",
        [FIELD_DIGEST] = "is not a SHA-256 in lower-case hex",
        [FIELD_PUBLIC] = "is not exactly a TPM2B_PUBLIC in lower-case hex",
        [FIELD_NV_PUBLIC] = "is not exactly a TPMS_NV_PUBLIC in lower-case hex",
        [FIELD_SIGNATURE] = "is not exactly a TPMT_SIGNATURE in lower-case hex",
};

void fields_read(Reading *reading, const json_t *object, const char *path, const FieldTable *table,
                 void *ret) {
        for (size_t i = 0; i < table->count && reading->r == 0; i++) {
                const Field *field = &table->fields[i];
                const json_t *value = json_object_get(object, field->name);

                if (!value)
                        reading_fail(reading, path, field->name, "is missing");
                else if (!field_read(field, value, (char *) ret + field->offset))
                        reading_fail(reading, path, field->name, field_words[field->kind]);
        }
}

json_t *object_read(Reading *reading, const json_t *parent, const char *path, const char *name) {
        json_t *value = json_object_get(parent, name);

        if (!value)
                reading_fail(reading, path, name, "is missing");
        else if (!json_is_object(value))
                reading_fail(reading, path, name, "is not an object");
        return reading->r == 0 ? value : NULL;
}

json_t *array_read(Reading *reading, const json_t *parent, const char *path, const char *name,
                   size_t max) {
        json_t *value = json_object_get(parent, name);

        if (!value)
                reading_fail(reading, path, name, "is missing");
        else if (!json_is_array(value))
                reading_fail(reading, path, name, "is not a list");
        else if (json_array_size(value) > max)
                reading_fail(reading, path, name, "has more elements than a passport may have");
        return reading->r == 0 ? value : NULL;
}

static bool is_known(const char *name, const FieldTable *table, const char *const *others) {
        for (size_t i = 0; i < table->count; i++)
                if (strcmp(name, table->fields[i].name) == 0)
                        return true;
        while (*others)
                if (strcmp(name, *others++) == 0)
                        return true;
        return false;
}

void members_check(Reading *reading, const json_t *object, const char *path,
                   const FieldTable *table, const char *const *others) {
        const char *name;
        json_t *value;

        json_object_foreach((json_t *) object, name, value)
                if (!is_known(name, table, others))
                        reading_fail(reading, path, name, "is no member of a passport");
}
