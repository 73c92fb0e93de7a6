/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ledger-export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "policy/digest.h"

#define TAMPERED SEAL_E_REGISTER_TAMPERED

/* The keys that begin a line are none of a row's, so that no row is taken for another line. */
#define ANCHOR_BEGIN "{\"anchor\":"
#define DAMAGED_BEGIN "{\"damaged\":"
#define TAIL_BEGIN "{\"attest\":"

int ledger_head_qualifying(uint64_t seq, const uint8_t head[static LEDGER_HASH_SIZE],
                           TPM2B_DATA *ret) {
        static const char label[] = "sealsd/ledger-head"; /* with its zero */
        uint8_t buffer[sizeof(label) + 8 + LEDGER_HASH_SIZE];
        Writer writer = writer_over(buffer, sizeof(buffer));
        TPM2B_DIGEST digest;

        writer_put(&writer, label, sizeof(label));
        writer_put_u64(&writer, seq);
        writer_put(&writer, head, LEDGER_HASH_SIZE);
        int r = digest_written(&writer, &digest);
        if (r != 0)
                return r;
        ret->size = digest.size;
        memcpy(ret->buffer, digest.buffer, digest.size);
        return 0;
}

/* --- writing -------------------------------------------------------------------------------- */

static json_t *number(uint64_t value) {
        return value <= JSON_NUMBER_MAX ? json_integer((json_int_t) value) : NULL;
}

/* Takes the document, NULL when it could not be made. */
static int line_write(json_t *taken, char **ret) {
        _cleanup_json_ json_t *document = taken;
        char *line = NULL;
        size_t size = 0;

        int r = json_to_text_sized(document, &line, &size);
        if (r != 0)
                return r;
        char *longer = realloc(line, size + 2);
        if (!longer) {
                free(line);
                return -ENOMEM;
        }
        strcpy(longer + size, "\n");
        *ret = longer;
        return 0;
}

static json_t *ak_make(const TPM2B_PUBLIC *ak) {
        uint8_t bytes[sizeof(*ak)];
        size_t size = 0;

        if (Tss2_MU_TPM2B_PUBLIC_Marshal(ak, bytes, sizeof(bytes), &size) != 0)
                return NULL;
        return json_hex(bytes, size);
}

int ledger_header_write(const LedgerHeader *h, char **ret) {
        char index[9];

        (void) snprintf(index, sizeof(index), "%08" PRIx32, h->index);
        return line_write(
                json_pack("{s:o, s:o, s:o, s:s, s:o, s:s, s:o, s:o, s:i}", "ak", ak_make(&h->ak),
                          "authority", json_hex(h->authority.name, h->authority.size), "first",
                          number(h->first), "format", LEDGER_FORMAT, "genesis",
                          json_hex(h->genesis, sizeof(h->genesis)), "index", index, "previous",
                          json_hex(h->previous, sizeof(h->previous)), "value",
                          json_hex(h->value, sizeof(h->value)), "version", LEDGER_FORMAT_VERSION),
                ret);
}

int ledger_anchor_write(const LedgerAnchorLine *a, char **ret) {
        return line_write(json_pack("{s:o, s:o*, s:o}", "anchor", number(a->seq), "rebase",
                                    a->rebase ? json_true() : NULL, "value",
                                    json_hex(a->value, sizeof(a->value))),
                          ret);
}

int ledger_tail_write(const LedgerTail *t, char **ret) {
        return line_write(json_pack("{s:o, s:o, s:o, s:o, s:o}", "attest",
                                    json_hex(t->attest, t->attest_size), "head",
                                    json_hex(t->head, sizeof(t->head)), "rows", number(t->rows),
                                    "seq", number(t->seq), "signature",
                                    json_hex(t->signature, t->signature_size)),
                          ret);
}

static int damaged_write(uint64_t seq, const char *text, size_t size, char **ret) {
        uint8_t hash[LEDGER_HASH_SIZE];

        int r = ledger_row_hash(text, size, hash);
        if (r != 0)
                return r;
        return line_write(json_pack("{s:o, s:o}", "damaged", number(seq), "hash",
                                    json_hex(hash, sizeof(hash))),
                          ret);
}

/* Would it be read back as the one row that it is? */
static bool text_fits_line(const char *text, size_t size) {
        if (size == 0 || size > LEDGER_ROW_MAX || text[0] != '{' ||
            ledger_line_kind(text, size) != LEDGER_LINE_ROW)
                return false;
        for (size_t i = 0; i < size; i++)
                if ((unsigned char) text[i] < 0x20)
                        return false;
        return true;
}

int ledger_line_write(uint64_t seq, const char *text, size_t size, char **ret, size_t *ret_size) {
        char *line = NULL;

        if (!text_fits_line(text, size)) {
                int r = damaged_write(seq, text, size, &line);
                if (r != 0)
                        return r;
                *ret = line;
                *ret_size = strlen(line);
                return 0;
        }
        line = malloc(size + 2);
        if (!line)
                return -ENOMEM;
        memcpy(line, text, size);
        strcpy(line + size, "\n");
        *ret = line;
        *ret_size = size + 1;
        return 0;
}

/* --- reading -------------------------------------------------------------------------------- */

static bool begins(const char *line, size_t size, const char *begin) {
        return size >= strlen(begin) && memcmp(line, begin, strlen(begin)) == 0;
}

LedgerLine ledger_line_kind(const char *line, size_t size) {
        if (begins(line, size, ANCHOR_BEGIN))
                return LEDGER_LINE_ANCHOR;
        if (begins(line, size, DAMAGED_BEGIN))
                return LEDGER_LINE_DAMAGED;
        return begins(line, size, TAIL_BEGIN) ? LEDGER_LINE_TAIL : LEDGER_LINE_ROW;
}

/* A canonical object with so many members. what names the line in the sentence. */
static int line_read(const char *line, size_t size, size_t members, const char *what, json_t **ret,
                     ErrorDetail *detail) {
        int r = json_parse_sized(line, size, ret);

        if (r == 0 && json_object_size(*ret) == members)
                return 0;
        if (r == 0 || r == TAMPERED)
                return error_set(detail, TAMPERED, "The %s is not one that this version writes",
                                 what);
        return r;
}

static int refused(ErrorDetail *detail, const char *what) {
        return error_set(detail, TAMPERED, "The %s has a value that is of no use", what);
}

static bool number_read(const json_t *object, const char *key, uint64_t *ret) {
        const json_t *value = json_object_get(object, key);

        *ret = (uint64_t) json_integer_value(value);
        return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool hash_read(const json_t *object, const char *key, uint8_t ret[static LEDGER_HASH_SIZE]) {
        return json_read_hex(json_object_get(object, key), ret, LEDGER_HASH_SIZE);
}

static bool text_is(const json_t *object, const char *key, const char *expected) {
        const char *text = json_string_value(json_object_get(object, key));

        return text && strcmp(text, expected) == 0;
}

static bool index_read(const json_t *object, TPM2_HANDLE *ret) {
        uint8_t b[4];

        if (!json_read_hex(json_object_get(object, "index"), b, sizeof(b)))
                return false;
        *ret = (TPM2_HANDLE) b[0] << 24 | (TPM2_HANDLE) b[1] << 16 | (TPM2_HANDLE) b[2] << 8 | b[3];
        return true;
}

/* nameAlg SHA-256 ‖ hash, as all Names here. */
static bool name_read(const json_t *object, const char *key, TPM2B_NAME *ret) {
        size_t size = 0;

        if (!json_read_hex_sized(json_object_get(object, key), ret->name, sizeof(ret->name), &size))
                return false;
        ret->size = (UINT16) size;
        return size == sizeof(TPMI_ALG_HASH) + LEDGER_HASH_SIZE &&
               ret->name[0] == TPM2_ALG_SHA256 >> 8 && ret->name[1] == (TPM2_ALG_SHA256 & 0xff);
}

/* The area and not a byte beside it; written again it is the same. */
static bool ak_read(const json_t *object, TPM2B_PUBLIC *ret) {
        uint8_t bytes[TPM_BLOB_MAX], again[sizeof(*ret)];
        size_t size = 0, used = 0, again_size = 0;

        return json_read_hex_sized(json_object_get(object, "ak"), bytes, sizeof(bytes), &size) &&
               Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes, size, &used, ret) == 0 && used == size &&
               Tss2_MU_TPM2B_PUBLIC_Marshal(ret, again, sizeof(again), &again_size) == 0 &&
               again_size == size && memcmp(bytes, again, size) == 0;
}

int ledger_header_read(const char *line, size_t size, LedgerHeader *ret, ErrorDetail *detail) {
        _cleanup_json_ json_t *object = NULL;
        LedgerHeader h = {};
        uint64_t version;

        int r = json_parse_sized(line, size, &object);
        if (r != 0 && r != TAMPERED)
                return r;
        if (!text_is(object, "format", LEDGER_FORMAT))
                return error_set(detail, TAMPERED, "The first line is not that of a ledger");
        if (!number_read(object, "version", &version) || version != LEDGER_FORMAT_VERSION)
                return error_set(detail, TAMPERED, "The file is of another version than %d",
                                 LEDGER_FORMAT_VERSION);
        if (json_object_size(object) != 9 || !name_read(object, "authority", &h.authority) ||
            !index_read(object, &h.index) || !hash_read(object, "genesis", h.genesis) ||
            !ak_read(object, &h.ak) || !number_read(object, "first", &h.first) || h.first == 0 ||
            !hash_read(object, "previous", h.previous) || !hash_read(object, "value", h.value))
                return refused(detail, "first line");
        *ret = h;
        return 0;
}

int ledger_anchor_read(const char *line, size_t size, LedgerAnchorLine *ret, ErrorDetail *detail) {
        _cleanup_json_ json_t *object = NULL;
        LedgerAnchorLine a = { .rebase = memmem(line, size, "\"rebase\"", 8) != NULL };

        int r = line_read(line, size, a.rebase ? 3 : 2, "line of an anchor", &object, detail);
        if (r != 0)
                return r;
        if (!number_read(object, "anchor", &a.seq) || !hash_read(object, "value", a.value) ||
            a.rebase != json_is_true(json_object_get(object, "rebase")))
                return refused(detail, "line of an anchor");
        *ret = a;
        return 0;
}

int ledger_damaged_read(const char *line, size_t size, LedgerDamaged *ret, ErrorDetail *detail) {
        _cleanup_json_ json_t *object = NULL;
        LedgerDamaged d = {};

        int r = line_read(line, size, 2, "line of a damaged row", &object, detail);
        if (r != 0)
                return r;
        if (!number_read(object, "damaged", &d.seq) || d.seq == 0 ||
            !hash_read(object, "hash", d.hash))
                return refused(detail, "line of a damaged row");
        *ret = d;
        return 0;
}

int ledger_tail_read(const char *line, size_t size, LedgerTail *ret, ErrorDetail *detail) {
        _cleanup_json_ json_t *object = NULL;
        LedgerTail t = {};

        int r = line_read(line, size, 5, "last line", &object, detail);
        if (r != 0)
                return r;
        if (!number_read(object, "seq", &t.seq) || !number_read(object, "rows", &t.rows) ||
            !hash_read(object, "head", t.head) ||
            !json_read_hex_sized(json_object_get(object, "attest"), t.attest, sizeof(t.attest),
                                 &t.attest_size) ||
            !json_read_hex_sized(json_object_get(object, "signature"), t.signature,
                                 sizeof(t.signature), &t.signature_size))
                return refused(detail, "last line");
        *ret = t;
        return 0;
}
