/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger [--write] [ROWS] - time and memory of verifying an exported ledger of so many rows
 * (default 1,000,000), which is made up for it: uses, with an anchor every thousand rows. With
 * --write it is written to standard output instead.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "format/ledger-verify.h"
#include "tests/fixture/ledger.h"

#define ROWS_DEFAULT 1000000
#define ROWS_MAX 100000000
#define ANCHOR_EVERY 1000
#define PIECE (256 * 1024)

static double seconds_now(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void die(const char *what) {
        (void) fprintf(stderr, "ledger: %s\n", what);
        exit(EXIT_FAILURE);
}

static void use_write(LedgerFile *file, uint64_t number) {
        static const uint8_t digest[32] = { 1, 2, 3 };
        char document[64], seal[NUMBER_MAX + 1];
        const LedgerTouch touch = { .table = "seal_use", .row = (int64_t) (number % 997) + 1 };
        LedgerRow row = {
                .event = "use",
                .subject = "user:alice",
                .has_uid = true,
                .uid = 1000,
                .process = "/usr/bin/sealctl",
                .unit = "user@1000.service",
                .purpose = "document-signing",
                .hash = "sha256",
                .document_hash = { digest, sizeof(digest) },
                .use = number / 997 + 1,
                .count = 1,
                .touches = &touch,
                .touch_count = 1,
        };

        (void) snprintf(document, sizeof(document), "contract-%" PRIu64 ".pdf", number);
        (void) snprintf(seal, sizeof(seal), "330100%08" PRIu64, number % 997 + 1);
        row.document = document;
        row.seal = seal;
        ledger_file_row(file, &row);
}

static void ledger_write(FILE *out, uint64_t rows) {
        LedgerFile file;

        ledger_file_init(&file, out);
        ledger_file_header(&file);
        ledger_file_event(&file, EVENT_INITIALIZED, NULL);
        ledger_file_anchor(&file);
        while (file.seq < rows) {
                use_write(&file, file.seq);
                if (file.seq % ANCHOR_EVERY == 0 || file.seq == rows)
                        ledger_file_anchor(&file);
        }
        ledger_file_tail(&file);
        ledger_file_done(&file);
        if (fflush(out) != 0)
                die("the file cannot be written");
}

static LedgerVerdict ledger_judge(FILE *in) {
        _cleanup_(ledger_verifier_freep) LedgerVerifier *verifier = NULL;
        const LedgerExpected nothing = {};
        static char piece[PIECE];
        LedgerVerdict verdict;
        size_t n;

        if (ledger_verifier_new(&verifier) != 0)
                die("no memory");
        while ((n = fread(piece, 1, sizeof(piece), in)) > 0)
                if (ledger_verifier_feed(verifier, piece, n) != 0)
                        die("the file cannot be verified");
        if (ledger_verifier_finish(verifier, &nothing, &verdict) != 0)
                die("the file cannot be verified");
        return verdict;
}

static long peak_kib(void) {
        struct rusage usage;

        (void) getrusage(RUSAGE_SELF, &usage);
        return usage.ru_maxrss;
}

static void measure(uint64_t rows) {
        _cleanup_fclose_ FILE *file = tmpfile();

        if (!file)
                die("there is no room for the file");
        ledger_write(file, rows);
        const long size = ftell(file), before = peak_kib();
        rewind(file);
        const double begin = seconds_now();
        LedgerVerdict verdict = ledger_judge(file);
        const double spent = seconds_now() - begin;
        if (verdict.bad || verdict.rows != rows)
                die("the file is not good");
        printf("%" PRIu64 " rows, %.1f MB: %.1f s, %.0f rows/s; peak %ld KiB, %ld KiB more than "
               "before\n",
               rows, (double) size / 1e6, spent, (double) rows / spent, peak_kib(),
               peak_kib() - before);
}

int main(int argc, char **argv) {
        const bool write = argc > 1 && strcmp(argv[1], "--write") == 0;
        const char *count = argv[write ? 2 : 1];
        uint64_t rows = count ? strtoull(count, NULL, 10) : ROWS_DEFAULT;

        if (rows == 0 || rows > ROWS_MAX) {
                (void) fprintf(stderr, "Usage: ledger [--write] [ROWS]\n");
                return 2;
        }
        if (write)
                ledger_write(stdout, rows);
        else
                measure(rows);
        return 0;
}
