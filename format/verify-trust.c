/* SPDX-License-Identifier: Apache-2.0 */
#include "format/verify-trust.h"

#include <string.h>

void verify_time_choose(VerifyReport *report, const VerifyTrust *trust, uint64_t stamped,
                        uint64_t claimed) {
        VerifyFacts *facts = &report->facts;

        facts->stamped = stamped;
        facts->claimed = claimed;
        facts->time_source = trust->at != 0 ? VERIFY_TIME_GIVEN
                             : stamped != 0 ? VERIFY_TIME_STAMPED
                             : claimed != 0 ? VERIFY_TIME_CLAIMED
                                            : VERIFY_TIME_NOW;
        facts->time = trust->at != 0 ? trust->at
                      : stamped != 0 ? stamped
                      : claimed != 0 ? claimed
                                     : trust->now;
}

Bytes verify_document_digest(const VerifyDocument *document, const char *hash) {
        for (size_t i = 0; i < document->count; i++)
                if (strcmp(document->digests[i].hash, hash) == 0)
                        return (Bytes){ document->digests[i].digest, document->digests[i].size };
        return (Bytes){};
}
