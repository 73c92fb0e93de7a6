/* SPDX-License-Identifier: Apache-2.0 */
/* What a check of the register has found. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "sealsd/store-verifier.h"

void verify_report_done(VerifyReport *report) {
        free(report->chain);
        free(report->records);
        free(report->columns);
        *report = (VerifyReport){};
}

void report_first(VerifyReport *report, const char *place, uint64_t row, const char *text) {
        if (report->place[0] != '\0')
                return;
        (void) snprintf(report->place, sizeof(report->place), "%s %" PRIu64, place, row);
        text_copy(report->text, sizeof(report->text), text);
}

static int grow(void **items, size_t count, size_t *size, size_t each) {
        if (count < *size)
                return 0;
        size_t wanted = *size > 0 ? 2 * *size : 64;
        void *grown = reallocarray(*items, wanted, each);
        if (!grown)
                return -ENOMEM;
        *items = grown;
        *size = wanted;
        return 0;
}

int report_record(VerifyReport *report, unsigned table, int64_t row, const char *what) {
        char text[ERROR_TEXT_MAX];

        int r = grow((void **) &report->records, report->record_count, &report->record_size,
                     sizeof(RecordBreak));
        if (r != 0)
                return r;
        report->records[report->record_count++] = (RecordBreak){ table, row };
        (void) snprintf(text, sizeof(text),
                        "The register was changed behind sealsd's back: row %" PRId64
                        " of table %s %s",
                        row, guard_tables[table], what);
        report_first(report, guard_tables[table], (uint64_t) row, text);
        return 0;
}

int report_guard(VerifyReport *report, unsigned table, int64_t row) {
        char text[ERROR_TEXT_MAX];

        (void) snprintf(text, sizeof(text),
                        "The register was changed behind sealsd's back: the guard of row %" PRId64
                        " of table %s is not what the ledger says",
                        row, guard_tables[table]);
        report_first(report, "guard", (uint64_t) row, text);
        return report_record(report, table, row, "");
}

int report_column(VerifyReport *report, uint64_t seq) {
        char text[ERROR_TEXT_MAX];

        int r = grow((void **) &report->columns, report->column_count, &report->column_size,
                     sizeof(uint64_t));
        if (r != 0)
                return r;
        report->columns[report->column_count++] = seq;
        (void) snprintf(text, sizeof(text),
                        "The ledger was changed behind sealsd's back: the columns of row %" PRIu64
                        " are not what its text says",
                        seq);
        report_first(report, "ledger", seq, text);
        return 0;
}

void report_schema(VerifyReport *report, const char *object) {
        report->schema = true;
        (void) snprintf(report->place, sizeof(report->place), "schema");
        (void) snprintf(report->text, sizeof(report->text),
                        "The register was changed behind sealsd's back: its schema has another "
                        "'%.128s' than sealsd makes; put it right with the sqlite3 program while "
                        "sealsd is stopped",
                        object);
}

void report_damage(VerifyReport *report, const char *what) {
        report->indices = true;
        if (report->place[0] != '\0')
                return;
        (void) snprintf(report->place, sizeof(report->place), "index");
        (void) snprintf(report->text, sizeof(report->text),
                        "The register's pages or indices do not fit its tables: %.256s", what);
}
