/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ledger-verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/ledger-verifier.h"

#define TAMPERED SEAL_E_REGISTER_TAMPERED

int ledger_verifier_new(LedgerVerifier **ret) {
        LedgerVerifier *verifier = calloc(1, sizeof(*verifier));

        if (!verifier)
                return -ENOMEM;
        *ret = verifier;
        return 0;
}

LedgerVerifier *ledger_verifier_free(LedgerVerifier *verifier) {
        if (verifier)
                free(verifier->line);
        free(verifier);
        return NULL;
}

void ledger_verifier_seek(LedgerVerifier *verifier, const LedgerSought *sought) {
        verifier->sought = *sought;
}

/* The first sentence stays. */
static void say(ErrorDetail *detail, const char *sentence) {
        if (detail->text[0] == '\0')
                (void) error_set(detail, 0, "%s", sentence);
}

/* --- rows ----------------------------------------------------------------------------------- */

static void row_passed(LedgerVerifier *v, uint64_t seq, const uint8_t hash[LEDGER_HASH_SIZE]) {
        v->rows++;
        v->seq = seq;
        memcpy(v->head, hash, LEDGER_HASH_SIZE);
        if (seq == v->sought.seq && memcmp(hash, v->sought.head, LEDGER_HASH_SIZE) == 0)
                v->row_found = true;
}

/* The chip's value from row seq on; 0: from the genesis on. */
static void value_passed(LedgerVerifier *v, uint64_t seq, const uint8_t value[LEDGER_VALUE_SIZE]) {
        memcpy(v->value, value, LEDGER_VALUE_SIZE);
        if (seq == v->sought.anchor && memcmp(value, v->sought.value, LEDGER_VALUE_SIZE) == 0)
                v->anchor_found = true;
}

static void row_note(LedgerVerifier *v, const LedgerParsed *parsed) {
        if (v->first_time == 0)
                v->first_time = parsed->row.time;
        v->last_time = parsed->row.time;
        if (parsed->code < 0 && v->unknown_events++ == 0)
                v->unknown_at = parsed->row.seq;
}

/*
 * An acknowledgement counts where it stands in the chain: behind the row before it, or behind an
 * edited one that it names itself.
 */
static void row_judge(LedgerVerifier *v, const LedgerParsed *parsed) {
        ErrorDetail why = {};

        bool follows = ledger_row_follows(&parsed->row, v->seq + 1, v->head, &why) == 0;
        if (!follows)
                ledger_breaks_add(&v->breaks, parsed->row.seq, v->head, why.text);
        v->may_rebase = parsed->code == EVENT_TAMPERING_ACKNOWLEDGED &&
                        (follows ||
                         ledger_breaks_named(parsed->row.facts, parsed->row.seq, v->head));
        if (v->may_rebase)
                ledger_breaks_acknowledge(&v->breaks, parsed->row.facts);
        row_note(v, parsed);
        row_passed(v, parsed->row.seq, parsed->hash);
}

/* A row that cannot be read stands where the next one belongs. */
static void unreadable(LedgerVerifier *v, const char *why, const uint8_t hash[LEDGER_HASH_SIZE]) {
        ErrorDetail detail = {};

        (void) error_set(&detail, 0, "row %" PRIu64 " cannot be read: %s", v->seq + 1, why);
        ledger_breaks_add(&v->breaks, v->seq + 1, v->head, detail.text);
        v->may_rebase = false;
        row_passed(v, v->seq + 1, hash);
}

static int row_take(LedgerVerifier *v, const char *line, size_t size) {
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};
        uint8_t hash[LEDGER_HASH_SIZE];
        ErrorDetail why = {};

        int r = ledger_row_parse(line, size, &parsed, &why);
        if (r == 0) {
                row_judge(v, &parsed);
                return 0;
        }
        if (r == TAMPERED)
                r = ledger_row_hash(line, size, hash);
        if (r == 0)
                unreadable(v, why.text, hash);
        return r;
}

static int damaged_take(LedgerVerifier *v, const char *line, size_t size) {
        LedgerDamaged damaged;
        ErrorDetail why = {};

        int r = ledger_damaged_read(line, size, &damaged, &why);
        if (r == 0 && damaged.seq != v->seq + 1)
                r = error_set(&why, TAMPERED, "A damaged row stands where row %" PRIu64 " belongs",
                              v->seq + 1);
        if (r == TAMPERED)
                say(&v->format, why.text);
        if (r == 0)
                unreadable(v, "its text in the register is no line", damaged.hash);
        return r == TAMPERED ? 0 : r;
}

/* --- anchors -------------------------------------------------------------------------------- */

/* The chip had another value than the register: right only where that was acknowledged. */
static void rebase_judge(LedgerVerifier *v) {
        ErrorDetail why = {};

        v->rebased++;
        if (v->may_rebase)
                return;
        (void) error_set(&why, 0,
                         "The chip had another value before row %" PRIu64
                         " was anchored, which that "
                         "row does not acknowledge",
                         v->seq);
        say(&v->anchor, why.text);
}

static int anchor_judge(LedgerVerifier *v, const LedgerAnchorLine *anchor) {
        uint8_t wanted[LEDGER_VALUE_SIZE];
        ErrorDetail why = {};

        if (anchor->rebase) {
                rebase_judge(v);
                return 0;
        }
        int r = ledger_value_next(v->value, v->head, wanted);
        if (r != 0 || memcmp(wanted, anchor->value, sizeof(wanted)) == 0)
                return r;
        (void) error_set(&why, 0, "row %" PRIu64 " is not the one that was anchored in the chip",
                         v->seq);
        ledger_breaks_add(&v->breaks, v->seq + 1, v->head, why.text);
        return 0;
}

static int anchor_take(LedgerVerifier *v, const char *line, size_t size) {
        LedgerAnchorLine anchor;
        ErrorDetail why = {};

        int r = ledger_anchor_read(line, size, &anchor, &why);
        if (r == 0 && (v->rows == 0 || anchor.seq != v->seq))
                r = error_set(&why, TAMPERED,
                              "An anchor does not stand behind the row that it covers, %" PRIu64,
                              anchor.seq);
        if (r == TAMPERED) {
                say(&v->format, why.text);
                return 0;
        }
        if (r == 0)
                r = anchor_judge(v, &anchor);
        if (r != 0)
                return r;
        v->anchors++;
        v->anchored = anchor.seq;
        value_passed(v, anchor.seq, anchor.value);
        return 0;
}

/* --- lines ---------------------------------------------------------------------------------- */

static int header_take(LedgerVerifier *v, const char *line, size_t size) {
        ErrorDetail why = {};

        int r = ledger_header_read(line, size, &v->header, &why);
        if (r == TAMPERED) {
                say(&v->format, why.text);
                v->stage = STAGE_LOST;
                return 0;
        }
        if (r != 0)
                return r;
        v->has_header = true;
        v->seq = v->header.first - 1;
        memcpy(v->head, v->header.previous, sizeof(v->head));
        value_passed(v, v->seq, v->header.value);
        v->stage = STAGE_ROWS;
        return 0;
}

static int tail_take(LedgerVerifier *v, const char *line, size_t size) {
        ErrorDetail why = {};

        int r = ledger_tail_read(line, size, &v->tail, &why);
        if (r == TAMPERED)
                say(&v->format, why.text);
        v->has_tail = r == 0;
        v->stage = STAGE_END;
        return r == TAMPERED ? 0 : r;
}

static int line_take(LedgerVerifier *v, const char *line, size_t size) {
        switch (v->stage) {
        case STAGE_HEADER:
                return header_take(v, line, size);
        case STAGE_LOST:
                return 0;
        case STAGE_END:
                say(&v->format, "Something follows what should be the last line");
                return 0;
        case STAGE_ROWS:
                break;
        }
        switch (ledger_line_kind(line, size)) {
        case LEDGER_LINE_ANCHOR:
                return anchor_take(v, line, size);
        case LEDGER_LINE_DAMAGED:
                return damaged_take(v, line, size);
        case LEDGER_LINE_TAIL:
                return tail_take(v, line, size);
        default:
                return row_take(v, line, size);
        }
}

static void line_lost(LedgerVerifier *v) {
        say(&v->format, "A line is longer than any that sealsd writes");
        v->stage = STAGE_LOST;
        v->line_used = 0;
}

/* Keep the beginning of a line. */
static int line_keep(LedgerVerifier *v, const char *data, size_t size) {
        if (size > LEDGER_LINE_MAX - v->line_used) {
                line_lost(v);
                return 0;
        }
        if (v->line_used + size > v->line_size) {
                size_t wanted = 2 * (v->line_used + size);
                char *grown = realloc(v->line, wanted);
                if (!grown)
                        return -ENOMEM;
                v->line = grown;
                v->line_size = wanted;
        }
        if (size > 0)
                memcpy(v->line + v->line_used, data, size);
        v->line_used += size;
        return 0;
}

/* The end of a line has come: of what was kept, or all of it. */
static int line_complete(LedgerVerifier *v, const char *data, size_t size) {
        if (v->line_used == 0 && size <= LEDGER_LINE_MAX)
                return line_take(v, data, size);
        int r = line_keep(v, data, size);
        if (r == 0 && v->stage != STAGE_LOST)
                r = line_take(v, v->line, v->line_used);
        v->line_used = 0;
        return r;
}

int ledger_verifier_feed(LedgerVerifier *verifier, const void *data, size_t size) {
        const char *at = data;

        while (size > 0 && verifier->stage != STAGE_LOST) {
                const char *end = memchr(at, '\n', size);
                size_t length = end ? (size_t) (end - at) : size;

                int r = end ? line_complete(verifier, at, length) : line_keep(verifier, at, length);
                if (r != 0)
                        return r;
                length += end ? 1 : 0;
                at += length;
                size -= length;
        }
        return 0;
}
