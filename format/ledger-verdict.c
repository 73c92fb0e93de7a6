/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "format/ledger-verifier.h"
#include "policy/attest.h"
#include "policy/digest.h"
#include "policy/key.h"

const char *ledger_check_name(LedgerCheck check) {
        static const char *const names[LEDGER_CHECK_MAX] = {
                [LEDGER_CHECK_FORMAT] = "format",   [LEDGER_CHECK_INSTALLATION] = "installation",
                [LEDGER_CHECK_GENESIS] = "genesis", [LEDGER_CHECK_CHAIN] = "chain",
                [LEDGER_CHECK_COUNT] = "count",     [LEDGER_CHECK_HEAD] = "head",
                [LEDGER_CHECK_ANCHORS] = "anchors", [LEDGER_CHECK_ATTESTATION] = "attestation",
                [LEDGER_CHECK_VALUE] = "value",     [LEDGER_CHECK_KEY] = "key",
                [LEDGER_CHECK_EVENTS] = "events",
        };

        return (unsigned) check < LEDGER_CHECK_MAX ? names[check] : "?";
}

const char *ledger_result_name(LedgerResult result) {
        static const char *const names[] = {
                [LEDGER_UNKNOWN] = "unknown",
                [LEDGER_GOOD] = "good",
                [LEDGER_ACKNOWLEDGED] = "acknowledged",
                [LEDGER_BAD] = "bad",
        };

        return (unsigned) result <= LEDGER_BAD ? names[result] : "?";
}

static void tell(LedgerVerdict *verdict, LedgerCheck check, LedgerResult result, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

static void tell(LedgerVerdict *verdict, LedgerCheck check, LedgerResult result, const char *format,
                 ...) {
        char text[ERROR_TEXT_MAX];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        verdict->checks[check].result = result;
        (void) error_set(&verdict->checks[check].detail, 0, "%s", text);
}

/* --- the lines and the rows ----------------------------------------------------------------- */

static void format_judge(const LedgerVerifier *v, LedgerVerdict *verdict) {
        const char *why = v->format.text;

        if (why[0] == '\0' && v->stage == STAGE_HEADER)
                why = "The file has no first line";
        if (why[0] == '\0' && v->stage != STAGE_END)
                why = "The file ends before its last line, which has the attested head";
        if (why[0] == '\0' && v->line_used > 0)
                why = "Something follows what should be the last line";
        if (why[0] == '\0')
                tell(verdict, LEDGER_CHECK_FORMAT, LEDGER_GOOD, "The file is whole, version %d",
                     LEDGER_FORMAT_VERSION);
        else
                tell(verdict, LEDGER_CHECK_FORMAT, LEDGER_BAD, "%s", why);
}

static void chain_judge(const LedgerVerifier *v, LedgerVerdict *verdict) {
        const LedgerBreaks *breaks = &v->breaks;
        const uint64_t bad = breaks->count + breaks->beyond;

        if (bad > 0)
                tell(verdict, LEDGER_CHECK_CHAIN, LEDGER_BAD,
                     "%" PRIu64 " %s not acknowledged, the first: %s", bad,
                     bad == 1 ? "break is" : "breaks are",
                     breaks->count > 0 ? breaks->items[0].detail.text : "beyond those remembered");
        else if (breaks->acknowledged > 0)
                tell(verdict, LEDGER_CHECK_CHAIN, LEDGER_ACKNOWLEDGED,
                     "%" PRIu64 " %s acknowledged by an administrator; what was there before "
                     "is lost",
                     breaks->acknowledged, breaks->acknowledged == 1 ? "break was" : "breaks were");
        else if (v->rows == 0)
                tell(verdict, LEDGER_CHECK_CHAIN, LEDGER_UNKNOWN, "There are no rows");
        else
                tell(verdict, LEDGER_CHECK_CHAIN, LEDGER_GOOD,
                     "Rows %" PRIu64 " to %" PRIu64 " follow on each other%s", v->header.first,
                     v->seq, v->header.first > 1 ? "; those before are not in the file" : "");
}

static void count_judge(const LedgerVerifier *v, LedgerVerdict *verdict) {
        const uint64_t wanted = v->tail.seq + 1 - v->header.first;

        if (v->seq != v->tail.seq)
                tell(verdict, LEDGER_CHECK_COUNT, LEDGER_BAD,
                     "The file ends with row %" PRIu64 "; the attested one is row %" PRIu64, v->seq,
                     v->tail.seq);
        else if (v->rows != v->tail.rows)
                tell(verdict, LEDGER_CHECK_COUNT, LEDGER_BAD,
                     "The file has %" PRIu64 " rows; %" PRIu64 " were exported", v->rows,
                     v->tail.rows);
        else if (v->rows == wanted)
                tell(verdict, LEDGER_CHECK_COUNT, LEDGER_GOOD, "All %" PRIu64 " rows are there",
                     v->rows);
        else if (v->breaks.count + v->breaks.beyond == 0)
                tell(verdict, LEDGER_CHECK_COUNT, LEDGER_ACKNOWLEDGED,
                     "%" PRIu64 " rows where %" PRIu64 " belong", v->rows, wanted);
        else
                tell(verdict, LEDGER_CHECK_COUNT, LEDGER_BAD,
                     "%" PRIu64 " rows where %" PRIu64 " belong", v->rows, wanted);
}

static void head_judge(const LedgerVerifier *v, LedgerVerdict *verdict) {
        if (memcmp(v->head, v->tail.head, sizeof(v->head)) == 0)
                tell(verdict, LEDGER_CHECK_HEAD, LEDGER_GOOD, "The last row is the exported head");
        else
                tell(verdict, LEDGER_CHECK_HEAD, LEDGER_BAD,
                     "The last row is not the exported head: rows at the end were cut off or "
                     "changed");
}

static void events_judge(const LedgerVerifier *v, LedgerVerdict *verdict) {
        if (v->unknown_events > 0)
                tell(verdict, LEDGER_CHECK_EVENTS, LEDGER_UNKNOWN,
                     "%" PRIu64 " %s of a newer version, the first in row %" PRIu64,
                     v->unknown_events, v->unknown_events == 1 ? "event is" : "events are",
                     v->unknown_at);
        else
                tell(verdict, LEDGER_CHECK_EVENTS, LEDGER_GOOD, "Every event is a known one");
}

/* --- the installation ----------------------------------------------------------------------- */

static bool header_is_at_genesis(const LedgerHeader *h, const uint8_t value[LEDGER_VALUE_SIZE]) {
        return h->first > 1 || (memcmp(h->previous, h->genesis, sizeof(h->genesis)) == 0 &&
                                memcmp(h->value, value, LEDGER_VALUE_SIZE) == 0);
}

static int installation_judge(const LedgerVerifier *v, LedgerVerdict *verdict) {
        const LedgerHeader *h = &v->header;
        uint8_t value[LEDGER_VALUE_SIZE];
        TPM2B_DIGEST genesis;

        int r = ledger_genesis(&h->authority, h->index, &genesis);
        if (r == 0)
                r = ledger_value_first(&h->authority, h->index, value);
        if (r != 0)
                return r;
        if (memcmp(genesis.buffer, h->genesis, sizeof(h->genesis)) != 0)
                tell(verdict, LEDGER_CHECK_INSTALLATION, LEDGER_BAD,
                     "The genesis is not that of this authority and index");
        else if (!header_is_at_genesis(h, value))
                tell(verdict, LEDGER_CHECK_INSTALLATION, LEDGER_BAD,
                     "Row 1 does not begin at the genesis");
        else
                tell(verdict, LEDGER_CHECK_INSTALLATION, LEDGER_GOOD,
                     "The genesis is that of the authority's ledger index %08" PRIx32, h->index);
        return 0;
}

static void genesis_judge(const LedgerVerifier *v, const LedgerExpected *expected,
                          LedgerVerdict *verdict) {
        char hex[2 * LEDGER_HASH_SIZE + 1];

        hex_encode(v->header.genesis, LEDGER_HASH_SIZE, hex);
        if (!expected->has_genesis)
                tell(verdict, LEDGER_CHECK_GENESIS, LEDGER_UNKNOWN,
                     "Compare the genesis with that of the installation: %s", hex);
        else if (memcmp(expected->genesis, v->header.genesis, LEDGER_HASH_SIZE) == 0)
                tell(verdict, LEDGER_CHECK_GENESIS, LEDGER_GOOD, "The genesis is the expected one");
        else
                tell(verdict, LEDGER_CHECK_GENESIS, LEDGER_BAD,
                     "The genesis is %s: the ledger is of another installation", hex);
}

/* --- the chip ------------------------------------------------------------------------------- */

static void anchors_judge(const LedgerVerifier *v, LedgerVerdict *verdict) {
        if (v->anchor.text[0] != '\0')
                tell(verdict, LEDGER_CHECK_ANCHORS, LEDGER_BAD, "%s", v->anchor.text);
        else if (v->rebased > 0)
                tell(verdict, LEDGER_CHECK_ANCHORS, LEDGER_ACKNOWLEDGED,
                     "An administrator acknowledged%s that the chip had another value than the "
                     "register",
                     v->rebased > 1 ? ", more than once," : "");
        else if (v->anchors == 0)
                tell(verdict, LEDGER_CHECK_ANCHORS, LEDGER_UNKNOWN,
                     "No row in the file was anchored by itself");
        else
                tell(verdict, LEDGER_CHECK_ANCHORS, LEDGER_GOOD,
                     "The last of %" PRIu64 " is that of row %" PRIu64, v->anchors, v->anchored);
}

/* A refusal of the inputs' own: the Name of an authority that is none. */
static int wanted_make(const LedgerVerifier *v, AttestWanted *ret) {
        TPMS_NV_PUBLIC public;

        int r = index_public(INDEX_LEDGER, v->header.index, &v->header.authority, &public);
        if (r == 0)
                r = index_name(&public, true, &ret->index);
        return r != 0 ? r : ledger_head_qualifying(v->tail.seq, v->tail.head, &ret->extra);
}

static int attest(const LedgerVerifier *v, IndexAttested *ret, ErrorDetail *detail) {
        uint8_t key[sizeof(TPM2B_PUBLIC)];
        size_t size = 0;
        AttestWanted wanted = {};

        int r = wanted_make(v, &wanted);
        if (r != 0)
                return r;
        if (Tss2_MU_TPM2B_PUBLIC_Marshal(&v->header.ak, key, sizeof(key), &size) != 0)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED, "The key is malformed");
        const AttestProof proof = {
                .attest = { v->tail.attest, v->tail.attest_size },
                .signature = { v->tail.signature, v->tail.signature_size },
                .key = { key, size },
        };
        return attest_index_verify(&proof, &wanted, ret, detail);
}

static void value_judge(const LedgerVerifier *v, const IndexAttested *attested,
                        LedgerVerdict *verdict) {
        /* Before its first anchor the value of such a file is what whoever wrote it has seen. */
        if (v->anchors == 0 && v->header.first > 1)
                tell(verdict, LEDGER_CHECK_VALUE, LEDGER_UNKNOWN,
                     "No anchor in the file binds its rows to the chip's value: export from row 1");
        else if (memcmp(attested->contents, v->value, sizeof(v->value)) == 0)
                tell(verdict, LEDGER_CHECK_VALUE, LEDGER_GOOD,
                     "The chip's value is that of the last anchor");
        else
                tell(verdict, LEDGER_CHECK_VALUE, LEDGER_BAD,
                     "The chip's value is not that of the last anchor: anchors or anchored rows "
                     "are "
                     "missing or were changed");
}

static int attestation_judge(const LedgerVerifier *v, LedgerVerdict *verdict) {
        IndexAttested attested;
        ErrorDetail why = {};

        tell(verdict, LEDGER_CHECK_VALUE, LEDGER_UNKNOWN, "No value is attested");
        if (v->tail.attest_size == 0 && v->tail.signature_size == 0) {
                tell(verdict, LEDGER_CHECK_ATTESTATION, LEDGER_BAD,
                     "No chip attests the head: anybody can have written this file");
                return 0;
        }
        int r = attest(v, &attested, &why);
        if (r < 0)
                return r;
        if (r != 0) {
                tell(verdict, LEDGER_CHECK_ATTESTATION, LEDGER_BAD, "%s", error_describe(r, &why));
                return 0;
        }
        tell(verdict, LEDGER_CHECK_ATTESTATION, LEDGER_GOOD,
             "The key signed for row %" PRIu64 " as the head and for the ledger index",
             v->tail.seq);
        value_judge(v, &attested, verdict);
        return 0;
}

static int key_judge(const LedgerVerifier *v, const LedgerExpected *expected,
                     LedgerVerdict *verdict) {
        char hex[2 * sizeof(verdict->ak.name) + 1];

        int r = public_name(&v->header.ak, &verdict->ak);
        if (r < 0)
                return r;
        if (r != 0) {
                tell(verdict, LEDGER_CHECK_KEY, LEDGER_BAD, "The key has no Name");
                return 0;
        }
        hex_encode(verdict->ak.name, verdict->ak.size, hex);
        if (expected->ak.size == 0)
                tell(verdict, LEDGER_CHECK_KEY, LEDGER_UNKNOWN,
                     "Nothing in the file shows that the key is in a TPM; compare its Name with "
                     "that of the machine: %s",
                     hex);
        else if (name_equal(&expected->ak, &verdict->ak))
                tell(verdict, LEDGER_CHECK_KEY, LEDGER_GOOD, "The key is the expected one");
        else
                tell(verdict, LEDGER_CHECK_KEY, LEDGER_BAD,
                     "The key that signed is another one: %s", hex);
        return 0;
}

/* --- all of it ------------------------------------------------------------------------------ */

static void facts_tell(const LedgerVerifier *v, LedgerVerdict *verdict) {
        const LedgerBreaks *breaks = &v->breaks;

        verdict->rows = v->rows;
        verdict->first = v->header.first;
        verdict->last = v->seq;
        verdict->first_time = v->first_time;
        verdict->last_time = v->last_time;
        verdict->acknowledged = breaks->acknowledged;
        verdict->breaks = breaks->acknowledged + breaks->count + breaks->beyond;
        verdict->first_bad = breaks->count > 0 ? breaks->items[0].seq : 0;
        verdict->row_found = v->row_found;
        verdict->anchor_found = v->anchor_found;
        verdict->anchors = v->anchors;
        verdict->anchored = v->anchored;
        memcpy(verdict->genesis, v->header.genesis, sizeof(verdict->genesis));
        memcpy(verdict->head, v->head, sizeof(verdict->head));
}

static void rows_judge(const LedgerVerifier *v, LedgerVerdict *verdict) {
        chain_judge(v, verdict);
        events_judge(v, verdict);
        anchors_judge(v, verdict);
        if (v->has_tail) {
                count_judge(v, verdict);
                head_judge(v, verdict);
        }
}

static int judge(const LedgerVerifier *v, const LedgerExpected *expected, LedgerVerdict *verdict) {
        for (int i = 0; i < LEDGER_CHECK_MAX; i++)
                tell(verdict, (LedgerCheck) i, LEDGER_UNKNOWN,
                     "Not judged, since a line that it needs cannot be read or is missing");
        format_judge(v, verdict);
        if (!v->has_header)
                return 0;
        facts_tell(v, verdict);
        rows_judge(v, verdict);
        genesis_judge(v, expected, verdict);
        int r = installation_judge(v, verdict);
        if (r == 0)
                r = key_judge(v, expected, verdict);
        if (r == 0 && v->has_tail)
                r = attestation_judge(v, verdict);
        return r;
}

int ledger_verifier_finish(LedgerVerifier *verifier, const LedgerExpected *expected,
                           LedgerVerdict *ret) {
        LedgerVerdict verdict = {};

        int r = judge(verifier, expected, &verdict);
        if (r != 0)
                return r;
        for (int i = 0; i < LEDGER_CHECK_MAX; i++)
                verdict.bad = verdict.bad || verdict.checks[i].result == LEDGER_BAD;
        *ret = verdict;
        return 0;
}
