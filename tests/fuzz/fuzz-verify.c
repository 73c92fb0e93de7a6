/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sealctl verify does with the file of a signature or a seal: whatever is in it, the report is
 * whole, its texts are harmless, and without anything to trust nothing is good.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/cms-verify.h"
#include "format/eseal-verify.h"
#include "format/verify-kind.h"
#include "format/verify-report.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 400;

#define NOW (1795931194 * USEC_PER_SEC)

/* One line of well-formed text that speaks to no terminal; may be empty. */
static void demand_harmless(const char *text, size_t size) {
        size_t length = strnlen(text, size);

        fuzz_demand(length < size);
        for (size_t at = 0, step; at < length; at += step) {
                uint32_t c = 0;
                step = char_decode(text + at, length - at, &c);
                fuzz_demand(step > 0 && !char_misleads(c));
        }
}

#define harmless(array) demand_harmless((array), sizeof(array))

static void demand_facts(const VerifyFacts *facts) {
        harmless(facts->profile);
        harmless(facts->algorithm);
        harmless(facts->hash);
        harmless(facts->subject);
        harmless(facts->issuer);
        harmless(facts->serial);
        harmless(facts->public_key_sha256);
        harmless(facts->authority);
        harmless(facts->seal_number);
        harmless(facts->seal_name);
        harmless(facts->seal_vendor);
        harmless(facts->seal_maker);
        harmless(facts->seal_type);
        harmless(facts->picture_type);
        harmless(facts->property_info);
        fuzz_demand(facts->time_source != VERIFY_TIME_STAMPED);
        fuzz_demand(facts->stamped == 0);
}

static void demand_json(const VerifyReport *report) {
        _cleanup_json_ json_t *document = verify_report_json(report);
        _cleanup_free_ char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;

        fuzz_demand(text);
        fuzz_demand(json_array_size(json_object_get(document, "deviations")) ==
                    report->deviation_count);
}

/* Every check has a sentence, and nobody trusts anybody: neither passed nor at a stamped time. */
static void demand_report(const VerifyReport *report) {
        for (CheckCode code = 0; code < CHECK_MAX; code++) {
                const VerifyCheck *check = &report->checks[code];
                fuzz_demand(check->result < CHECK_RESULT_MAX);
                fuzz_demand((check->result == CHECK_NOT_APPLICABLE) == (check->text[0] == '\0'));
                harmless(check->text);
        }
        fuzz_demand(verify_result(report, CHECK_CERTIFICATE_CHAIN) != CHECK_PASSED);
        fuzz_demand(verify_result(report, CHECK_SEAL_MAKER_CHAIN) != CHECK_PASSED);
        fuzz_demand(verify_result(report, CHECK_DOCUMENT_HASH) != CHECK_ABSENT);
        fuzz_demand(verify_verdict(report) != VERDICT_PASSED);
        fuzz_demand(report->deviation_count <= VERIFY_DEVIATIONS_MAX);
        for (size_t i = 0; i < report->deviation_count; i++)
                harmless(report->deviations[i].text);
        demand_facts(&report->facts);
        demand_json(report);
}

static void verify(VerifyFile kind, Bytes file) {
        const VerifyDocument document = { .count = 1, .digests = { { "sha256", 32, { 1 } } } };
        const VerifyTrust trust = { .now = NOW };
        VerifyReport report;

        int r = kind == VERIFY_FILE_CMS
                        ? cms_verify(file, &document, &trust, &report, 1, &(size_t){ 0 })
                        : eseal_verify(file, &document, &trust, &report);
        fuzz_demand(r == 0);
        fuzz_demand((report.kind == VERIFY_CMS) == (kind == VERIFY_FILE_CMS));
        demand_report(&report);
}

/* The first byte: read it as what its beginning says, as CMS, or as a seal's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input input = { .data = data, .size = size };
        _cleanup_free_ uint8_t *unwrapped = NULL;
        const uint8_t as = input_u8(&input);

        _cleanup_free_ uint8_t *exact = fuzz_copy((Bytes){ input.data, input.size });
        Bytes file = { exact, input.size };
        if (verify_file_unwrap(file, &unwrapped, &file.size))
                file.data = unwrapped;
        else
                fuzz_demand(!unwrapped && file.size == input.size);
        const VerifyFile found = verify_file_guess(file);
        if (as % 3 == 1 || (as % 3 == 0 && found == VERIFY_FILE_CMS))
                verify(VERIFY_FILE_CMS, file);
        else if (as % 3 == 2 || found == VERIFY_FILE_SES_SIGNATURE || found == VERIFY_FILE_SES_SEAL)
                verify(VERIFY_FILE_SES_SIGNATURE, file);
        return 0;
}
