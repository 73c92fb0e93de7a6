/* SPDX-License-Identifier: Apache-2.0 */
#include "format/verify-trust.h"

#include <string.h>

#include "base/clock.h"

void verify_time_choose(VerifyReport *report, const VerifyTrust *trust, uint64_t stamped,
                        uint64_t claimed) {
        const bool comes = claimed > trust->now;
        const struct {
                VerifyTimeSource source;
                uint64_t time;
        } choices[] = {
                { VERIFY_TIME_GIVEN, trust->at },
                { VERIFY_TIME_STAMPED, stamped },
                { VERIFY_TIME_CLAIMED, comes ? 0 : claimed },
                { VERIFY_TIME_NOW, trust->now },
        };
        size_t i = 0;

        while (choices[i].time == 0 && choices[i].source != VERIFY_TIME_NOW)
                i++;
        report->facts.stamped = stamped;
        report->facts.claimed = claimed;
        report->facts.time_source = choices[i].source;
        report->facts.time = choices[i].time;
        if (clock_is_after(claimed, trust->now))
                verify_deviation(report, DEVIATION_FUTURE_TIME, NULL);
        if (stamped != 0 && clock_is_after(claimed, stamped))
                verify_deviation(report, DEVIATION_TIME_CONTRADICTION, NULL);
}

Bytes verify_document_digest(const VerifyDocument *document, const char *hash) {
        for (size_t i = 0; i < document->count; i++)
                if (strcmp(document->digests[i].hash, hash) == 0)
                        return (Bytes){ document->digests[i].digest, document->digests[i].size };
        return (Bytes){};
}
