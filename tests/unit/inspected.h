/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of findings share: when it is, what is told how early, and which are expected. */
#pragma once

#include "base/clock.h"
#include "sealsd/inspection.h"
#include "tests/unit/unit.h"

#define NOW (1000 * USEC_PER_DAY)

static const InspectionRules rules = {
        .now = NOW,
        .warn = 30 * USEC_PER_DAY,
        .unused = 180 * USEC_PER_DAY,
        .wait = 7 * USEC_PER_DAY,
        .grants_max = 8,
};

/* Exactly these codes, in the order of the answer. */
static inline void assert_codes(Findings *found, size_t count, const FindingCode *codes) {
        findings_close(found);
        for (size_t i = 0; i < found->count; i++) {
                assert_true(found->list[i].text[0] != '\0');
                if (i < count)
                        assert_string_equal(finding_name(found->list[i].code),
                                            finding_name(codes[i]));
        }
        assert_int_equal(found->count, count);
        findings_done(found);
}
