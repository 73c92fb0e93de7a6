/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that ExportLedger writes: lines of canonical JSON. First a header, which tells the
 * installation and where the rows begin; then the rows as they are, and behind the row that it
 * covers each anchor with the value that the chip had from then on; last the head, attested by the
 * chip. No byte of it is without a check (docs/ledger.md).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/ledger-row.h"
#include "policy/index.h"

#define LEDGER_FORMAT "sealsd-ledger"
#define LEDGER_FORMAT_VERSION 1

typedef struct LedgerHeader {
        TPM2B_NAME authority;
        TPM2_HANDLE index; /* the ledger index */
        uint8_t genesis[LEDGER_HASH_SIZE];
        TPM2B_PUBLIC ak;                    /* the attestation key */
        uint64_t first;                     /* the first row in the file */
        uint8_t previous[LEDGER_HASH_SIZE]; /* hash of the row before it; the genesis for row 1 */
        uint8_t value[LEDGER_VALUE_SIZE]; /* of the last anchor before it; see ledger_value_first */
} LedgerHeader;

typedef struct LedgerAnchorLine {
        uint64_t seq; /* of the row that it covers, behind which it stands */
        bool rebase;  /* value is what the chip was found with, acknowledged in this row */
        uint8_t value[LEDGER_VALUE_SIZE];
} LedgerAnchorLine;

typedef struct LedgerTail {
        uint64_t seq, rows; /* of the last row; how many are in the file */
        uint8_t head[LEDGER_HASH_SIZE];
        size_t attest_size, signature_size; /* 0: no chip attests the head */
        uint8_t attest[TPM_BLOB_MAX];       /* TPMS_ATTEST of the ledger index */
        uint8_t signature[SIGNATURE_MAX];   /* TPMT_SIGNATURE */
} LedgerTail;

/* A row whose text cannot stand in a line: with line breaks in it, too long, not an object. */
typedef struct LedgerDamaged {
        uint64_t seq;
        uint8_t hash[LEDGER_HASH_SIZE]; /* of the text */
} LedgerDamaged;

/*
 * The qualifying data of the attestation that a tail carries:
 * SHA-256("sealsd/ledger-head" ‖ 0 ‖ seq (8 bytes) ‖ head).
 */
int ledger_head_qualifying(uint64_t seq, const uint8_t head[static LEDGER_HASH_SIZE],
                           TPM2B_DATA *ret);

/* --- writing: lines with their line break, malloc'ed with a zero behind; -ENOMEM, -EINVAL ----- */

int ledger_header_write(const LedgerHeader *header, char **ret);
int ledger_anchor_write(const LedgerAnchorLine *anchor, char **ret);
int ledger_tail_write(const LedgerTail *tail, char **ret);

/* The row at seq as it is, or that it is damaged. */
int ledger_line_write(uint64_t seq, const char *text, size_t size, char **ret, size_t *ret_size);

/*
 * --- reading: lines without their line break; SEAL_E_REGISTER_TAMPERED with a sentence, -ENOMEM -
 */

typedef enum LedgerLine {
        LEDGER_LINE_ROW, /* also what is none of the others */
        LEDGER_LINE_ANCHOR,
        LEDGER_LINE_DAMAGED,
        LEDGER_LINE_TAIL,
} LedgerLine;

LedgerLine ledger_line_kind(const char *line, size_t size);

int ledger_header_read(const char *line, size_t size, LedgerHeader *ret, ErrorDetail *detail);
int ledger_anchor_read(const char *line, size_t size, LedgerAnchorLine *ret, ErrorDetail *detail);
int ledger_damaged_read(const char *line, size_t size, LedgerDamaged *ret, ErrorDetail *detail);
int ledger_tail_read(const char *line, size_t size, LedgerTail *ret, ErrorDetail *detail);
