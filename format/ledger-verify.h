/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifies an exported ledger (format/ledger-export.h) without a daemon and without a TPM, fed
 * piece by piece, in constant memory. What comes out is a list of checks, each with its own result,
 * since "good" means little where one of them could not be made.
 */
#pragma once

#include "base/cleanup.h"
#include "format/ledger-export.h"

typedef enum LedgerCheck {
        LEDGER_CHECK_FORMAT,       /* the lines are those of such a file, to the last one */
        LEDGER_CHECK_INSTALLATION, /* the genesis is that of authority and index */
        LEDGER_CHECK_GENESIS,      /* and the one that was expected */
        LEDGER_CHECK_CHAIN,        /* each row follows on the one before it */
        LEDGER_CHECK_COUNT,        /* all rows up to the attested one are there */
        LEDGER_CHECK_HEAD,         /* the last row is the attested one */
        LEDGER_CHECK_ANCHORS,      /* each anchor follows from the one before it and its row */
        LEDGER_CHECK_ATTESTATION,  /* the key signed for this head and this index */
        LEDGER_CHECK_VALUE,        /* the chip's value is that of the last anchor */
        LEDGER_CHECK_KEY,          /* the key is the one that was expected */
        LEDGER_CHECK_EVENTS,       /* this version knows every event */
        LEDGER_CHECK_MAX,
} LedgerCheck;

typedef enum LedgerResult {
        LEDGER_UNKNOWN, /* could not be judged; the text says what is missing */
        LEDGER_GOOD,
        LEDGER_ACKNOWLEDGED, /* tampered with, and an administrator acknowledged it later */
        LEDGER_BAD,
} LedgerResult;

/* "chain"; "good". */
const char *ledger_check_name(LedgerCheck check);
const char *ledger_result_name(LedgerResult result);

/* What the auditor knows from elsewhere. */
typedef struct LedgerExpected {
        bool has_genesis;
        uint8_t genesis[LEDGER_HASH_SIZE];
        TPM2B_NAME ak; /* size 0: not known */
} LedgerExpected;

/* A row and an anchor that have to be in the file as they are known here. */
typedef struct LedgerSought {
        uint64_t seq, anchor;           /* anchor 0: the value that the genesis gives */
        uint8_t head[LEDGER_HASH_SIZE]; /* hash of the row */
        uint8_t value[LEDGER_VALUE_SIZE];
} LedgerSought;

typedef struct LedgerVerdict {
        struct {
                LedgerResult result;
                ErrorDetail detail; /* a sentence, also where it is good */
        } checks[LEDGER_CHECK_MAX];
        bool bad;                       /* is any of them bad? */
        uint64_t rows, first, last;     /* how many; the numbers of the first and the last */
        uint64_t first_time, last_time; /* 0: no row could be read */
        uint64_t breaks, acknowledged;  /* places where the chain or an anchor does not fit */
        uint64_t first_bad;             /* row at the first that is not acknowledged; 0: none */
        bool row_found, anchor_found;   /* those that were sought */
        uint64_t anchors, anchored;     /* how many; the last row that one covers, 0: none here */
        TPM2B_NAME ak;                  /* of the key; size 0: the first line cannot be read */
        uint8_t genesis[LEDGER_HASH_SIZE], head[LEDGER_HASH_SIZE];
} LedgerVerdict;

typedef struct LedgerVerifier LedgerVerifier;

int ledger_verifier_new(LedgerVerifier **ret);
LedgerVerifier *ledger_verifier_free(LedgerVerifier *verifier);
DEFINE_CLEANUP(LedgerVerifier, ledger_verifier_free)

/* Look out for these; before the first byte. */
void ledger_verifier_seek(LedgerVerifier *verifier, const LedgerSought *sought);

/*
 * The next bytes of the file, cut anywhere. What is wrong with them is told by finish; here only
 * -ENOMEM, and -EIO of libcrypto.
 */
int ledger_verifier_feed(LedgerVerifier *verifier, const void *data, size_t size);

/* The file has ended. Once. -ENOMEM, -EIO. */
int ledger_verifier_finish(LedgerVerifier *verifier, const LedgerExpected *expected,
                           LedgerVerdict *ret);
