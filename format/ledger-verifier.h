/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verifier knows between two lines; for format/ledger-verify.c and ledger-verdict.c alone.
 */
#pragma once

#include "format/ledger-breaks.h"
#include "format/ledger-verify.h"

/* A row and some room for the line break; other lines are far shorter. */
#define LEDGER_LINE_MAX (LEDGER_ROW_MAX + 1)

typedef enum LedgerStage {
        STAGE_HEADER, /* the first line is awaited */
        STAGE_ROWS,
        STAGE_END,  /* the last line was there */
        STAGE_LOST, /* what follows cannot be read; format has the sentence */
} LedgerStage;

struct LedgerVerifier {
        char *line; /* owned; the beginning of a line whose end is yet to come */
        size_t line_size, line_used;
        LedgerStage stage;
        bool has_header, has_tail;
        ErrorDetail format; /* what is wrong with a line that is no row; the first */
        LedgerHeader header;
        LedgerTail tail;

        uint64_t rows, seq;             /* rows read; number of the last */
        uint8_t head[LEDGER_HASH_SIZE]; /* hash of the last as it stands */
        bool may_rebase;                /* the last was a tampering-acknowledged that follows */
        uint64_t first_time, last_time;
        uint64_t unknown_events, unknown_at; /* how many; the first */
        LedgerBreaks breaks;

        LedgerSought sought; /* seq 0: nothing */
        bool row_found, anchor_found;

        uint64_t anchors, anchored, rebased;
        uint8_t value[LEDGER_VALUE_SIZE]; /* of the last anchor */
        ErrorDetail anchor; /* what is wrong with an anchor, but that it does not fit */
};
