/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Electronic seals and signatures with them of others, one that is trusted before them; and our
 * own, made of any facts, which our verifier finds without fault in their structure.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/utc.h"
#include "format/eseal-verify.h"
#include "format/eseal.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 60;

enum { OF_OTHERS, OF_OURS };

#define NOW (1830000000 * USEC_PER_SEC) /* December 2027 */

/* DER of ours, or a copy in memory of its own size. */
typedef struct Own {
        uint8_t *data;
        size_t size;
} Own;

static void own_done(Own *own) {
        free(own->data);
}

#define _own_ _cleanup_(own_done)

static Own own(Bytes bytes) {
        return (Own){ fuzz_copy(bytes), bytes.size };
}

static Bytes bytes_of(const Own *own) {
        return (Bytes){ own->data, own->size };
}

/* ---- reports --------------------------------------------------------------------------------- */

static bool text_is_shown(const char *text) {
        return text[0] == '\0' || text_is_line(text, VERIFY_TEXT_MAX);
}

/* What could not be read has no result; what was read has one for each that applies. */
static void demand_report(const VerifyReport *report) {
        const bool whole = verify_result(report, CHECK_STRUCTURE) == CHECK_PASSED;

        fuzz_demand(whole || verify_result(report, CHECK_STRUCTURE) == CHECK_FAILED);
        for (CheckCode code = 0; code < CHECK_MAX; code++) {
                const CheckResult result = verify_result(report, code);

                fuzz_demand(text_is_shown(report->checks[code].text));
                if (code == CHECK_STRUCTURE || code == CHECK_SEAL_STATE)
                        continue;
                if (!whole)
                        fuzz_demand(result == CHECK_NOT_CHECKED || result == CHECK_NOT_APPLICABLE);
                else if (result != CHECK_NOT_APPLICABLE)
                        fuzz_demand(report->checks[code].made);
        }
        for (size_t i = 0; i < report->deviation_count; i++)
                fuzz_demand(text_is_shown(report->deviations[i].text));
        fuzz_demand(report->kind == VERIFY_SEAL || report->kind == VERIFY_SIGNATURE);
        fuzz_demand(verify_verdict(report) != VERDICT_PASSED); /* no register was asked */
        json_t *json = verify_report_json(report);
        fuzz_demand(json);
        json_decref(json);
}

static void verify(Bytes file, Bytes anchor, VerifyReport *ret) {
        const VerifyTrust trust = {
                .anchors = { &anchor, anchor.size > 0 ? 1 : 0 },
                .timestamp_anchors = { &anchor, anchor.size > 0 ? 1 : 0 },
                .now = NOW,
        };
        const VerifyDocument document = { .count = 1,
                                          .digests = { { .hash = "sm3", .size = 32 } } };

        memset(ret, 0, sizeof(*ret)); /* padding too, to compare it */
        fuzz_demand(eseal_verify(file, &document, &trust, ret) == 0);
        fuzz_demand(ERR_peek_error() == 0);
        demand_report(ret);
}

/* ---- of others ------------------------------------------------------------------------------- */

/* A token goes in without a change to what was signed; what is stamped is the value alone. */
static void demand_stamped(Bytes file) {
        _own_ Own value = {}, stamped = {}, again = {};
        const uint8_t token[] = { 0x30, 0x00 };

        int r = eseal_signature_value(file, &value.data, &value.size);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
        if (r != 0)
                return;
        fuzz_demand(memmem(file.data, file.size, value.data, 1));
        r = eseal_add_timestamp(file, (Bytes){ token, sizeof(token) }, &stamped.data,
                                &stamped.size);
        fuzz_demand(r == 0);
        fuzz_demand(eseal_signature_value(bytes_of(&stamped), &again.data, &again.size) == 0);
        fuzz_demand(again.size == value.size && memcmp(again.data, value.data, value.size) == 0);
}

/* Whatever seal we sign with is in what is signed as it was. */
static void demand_signed(Bytes seal) {
        static const uint8_t document[32] = { 1, 2, 3 };
        _own_ Own tbs = {};
        TPM2B_DIGEST digest = {};

        int r = eseal_sign_prepare(seal, NOW, (Bytes){ document, sizeof(document) }, "whole",
                                   &tbs.data, &tbs.size);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
        if (r != 0)
                return;
        fuzz_demand(memmem(tbs.data, tbs.size, seal.data, seal.size));
        fuzz_demand(eseal_document_digest(bytes_of(&tbs), &digest) == 0);
        fuzz_demand(digest.size == sizeof(document) &&
                    memcmp(digest.buffer, document, sizeof(document)) == 0);
}

static void fuzz_others(Input *input) {
        static VerifyReport report, again;
        _own_ Own anchor = own(input_field(input)), file = own(input_bytes(input, input->size));
        const Bytes bytes = bytes_of(&file);
        TPM2B_DIGEST digest;

        verify(bytes, bytes_of(&anchor), &report);
        verify(bytes, bytes_of(&anchor), &again);
        fuzz_demand(fuzz_same(&report, &again, sizeof(report)));
        const char *hash = eseal_document_hash(bytes);
        fuzz_demand((hash == NULL) == (report.facts.hash[0] == '\0'));
        fuzz_demand(!hash || strcmp(hash, report.facts.hash) == 0);
        const char *profile = eseal_profile(bytes);
        fuzz_demand(strcmp(profile, "") == 0 || strcmp(profile, ESEAL_PROFILE_SM) == 0 ||
                    strcmp(profile, ESEAL_PROFILE_OTHER) == 0);
        demand_stamped(bytes);
        demand_signed(bytes);
        int r = eseal_document_digest(bytes, &digest);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
}

/* ---- of ours --------------------------------------------------------------------------------- */

static void demand_seal(Bytes info, Bytes certificate, const SignatureAlgorithm *algorithm) {
        static const uint8_t value[] = { 0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x00 };
        static VerifyReport report;
        _own_ Own seal = {};

        int r = eseal_finish(info, certificate, algorithm, (Bytes){ value, sizeof(value) },
                             &seal.data, &seal.size);
        fuzz_demand((r == 0) == (algorithm->scheme != SIGNATURE_RSAPSS));
        if (r != 0)
                return;
        verify(bytes_of(&seal), (Bytes){}, &report);
        fuzz_demand(verify_result(&report, CHECK_STRUCTURE) == CHECK_PASSED);
        for (size_t i = 0; i < report.deviation_count; i++)
                fuzz_demand(report.deviations[i].code == DEVIATION_NON_SM_ALGORITHM);
        demand_signed(bytes_of(&seal));
}

static const SignatureAlgorithm *algorithm_of(uint8_t number) {
        while (!signature_algorithm_at(number))
                number /= 2;
        return signature_algorithm_at(number);
}

static void fuzz_ours(Input *input) {
        const SignatureAlgorithm *algorithm = algorithm_of(input_u8(input));
        char *id = fuzz_text(input_field(input)), *vendor = fuzz_text(input_field(input)),
             *name = fuzz_text(input_field(input));
        _own_ Own certificate = own(input_field(input)), picture = own(input_field(input)),
                  info = {};
        const ESealFacts facts = {
                .id = id,
                .vendor = vendor,
                .name = name,
                .type = input_u32(input),
                .certificate = bytes_of(&certificate),
                .created = input_u64(input),
                .not_before = input_u64(input),
                .not_after = input_u64(input),
                .picture_type = (PictureType) (input_u8(input) % (PICTURE_SVG + 1)),
                .picture = bytes_of(&picture),
                .width = input_u16(input),
                .height = input_u16(input),
        };

        int r = eseal_prepare(&facts, &info.data, &info.size);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
        fuzz_demand((r == 0) == (info.data != NULL));
        if (r == 0)
                demand_seal(bytes_of(&info), facts.certificate, algorithm);
        free(id);
        free(vendor);
        free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input input = { data, size };

        if (input_u8(&input) % 2 == OF_OTHERS)
                fuzz_others(&input);
        else
                fuzz_ours(&input);
        fuzz_demand(ERR_peek_error() == 0);
        return 0;
}
