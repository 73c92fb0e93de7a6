/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the register as the ledger has it? Every row of the ledger is canonical, follows on the one
 * before, and stands in its columns; every anchor follows from the one before it and its row; every
 * record has the hash of its last touch, and no other record is there. Nothing of it is changed,
 * and no break ends it: all are counted, and the first is told.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "format/ledger-breaks.h"
#include "sealsd/store-ledger.h"

/* From the beginning: from 0, head the genesis, value ledger_value_first(). */
typedef struct VerifyOptions {
        uint64_t
                from; /* rows up to here are known to be good: the records' guard is believed too */
        uint8_t head[LEDGER_HASH_SIZE];  /* hash of row `from` */
        uint8_t value[LEDGER_HASH_SIZE]; /* of the chip's index when that row was anchored */
        /* Called now and then; another code than 0 ends it, and is returned. May be NULL. */
        int (*progress)(void *userdata, uint64_t done, uint64_t total);
        void *userdata;
} VerifyOptions;

/* A record, or a row of the guard, that is not as the ledger has it. */
typedef struct RecordBreak {
        unsigned table; /* of the guard's list */
        int64_t row;
} RecordBreak;

typedef struct VerifyReport {
        uint64_t rows; /* of the ledger, that were read */
        uint64_t head_seq;
        uint8_t head[LEDGER_HASH_SIZE];
        uint64_t breaks, acknowledged;
        char place[64];            /* of the first: "ledger 57", "seal 12"; "" without one */
        char text[ERROR_TEXT_MAX]; /* what is wrong there */
        /* For store_acknowledge. Owned. */
        LedgerBreaks *chain;
        RecordBreak *records;
        size_t record_count, record_size;
        uint64_t *columns; /* rows of the ledger whose columns say something else than their text */
        size_t column_count, column_size;
        bool strangers; /* the guard has rows of no table */
        bool schema;    /* is another: that is mended by hand */
        bool indices;   /* do not say what their tables say */
} VerifyReport;

void verify_report_done(VerifyReport *report);

/*
 * A connection of its own for a thread of its own: it only reads, and sees the register as it is
 * when it first reads. store_close() in the same thread.
 */
int store_reader_open(Store **ret, const char *path, ErrorDetail *detail);

/*
 * The register as it is now is what it sees from here on, for as many checks as there are, whatever
 * is written meanwhile: so that no later write covers up what was found at a start.
 */
int store_reader_hold(Store *reader);

int store_verify(Store *reader, const VerifyOptions *options, VerifyReport *ret,
                 ErrorDetail *detail);

/*
 * What was found is taken as it is from now on: in one transaction, or the open one, the event,
 * with the breaks of the chain in its facts, and every record that was found as it stands now. More
 * than one row has room for is SEAL_E_LIMITS_EXCEEDED: such a register is put back from a copy.
 */
int store_acknowledge(Store *store, const Event *event, const VerifyReport *report);
