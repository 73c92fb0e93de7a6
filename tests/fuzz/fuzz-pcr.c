/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A selection of PCRs as text, and values after it: what is parsed is printed in the canonical
 * form, which parses to the same; a digest is made of complete values only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "policy/approval.h"
#include "policy/pcr.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 1000;

static void demand_same_again(const PcrSelection *selection, unsigned fence) {
        char text[PCR_TEXT_MAX + 1], again_text[PCR_TEXT_MAX + 1];
        PcrSelection again = {};

        fuzz_demand(selection->mask != 0 && selection->mask >> PCR_COUNT == 0);
        fuzz_demand(!(selection->mask & 1U << PCR_IMA));
        fuzz_demand(fence >= PCR_COUNT || !(selection->mask & 1U << fence));
        fuzz_demand(pcr_selection_format(selection, text) == text);
        fuzz_demand(pcr_selection_parse(text, fence, &again, NULL) == 0);
        fuzz_demand(again.bank == selection->bank && again.mask == selection->mask);
        fuzz_demand(strcmp(pcr_selection_format(&again, again_text), text) == 0);
}

static void check_text(const char *text, unsigned fence, PcrSelection *selection) {
        const PcrSelection before = *selection;
        ErrorDetail detail = {};

        int r = pcr_selection_parse(text, fence, selection, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
        fuzz_demand((r == 0) == (detail.text[0] == '\0'));
        if (r == 0)
                demand_same_again(selection, fence);
        else
                fuzz_demand(fuzz_same(selection, &before, sizeof(before)));
}

static void take_values(Input *input, PcrValues *ret) {
        for (unsigned pcr = 0; pcr < PCR_COUNT && input->size > 0; pcr++) {
                Bytes value = input_bytes(input, input_u8(input) % (sizeof(TPMU_HA) + 1));

                ret->values[pcr].size = (UINT16) value.size;
                if (value.size > 0)
                        memcpy(ret->values[pcr].buffer, value.data, value.size);
        }
}

static bool values_complete(const PcrValues *values) {
        unsigned size = values->selection.bank == TPM2_ALG_SHA256   ? 32
                        : values->selection.bank == TPM2_ALG_SHA384 ? 48
                                                                    : 0;

        if (size == 0 || values->selection.mask == 0 || values->selection.mask >> PCR_COUNT)
                return false;
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                if (values->selection.mask & 1U << pcr && values->values[pcr].size != size)
                        return false;
        return true;
}

static void check_values(const PcrValues *values) {
        TPM2B_DIGEST digest = {}, policy = {};
        PcrValues other = *values;

        int r = pcr_values_digest(values, &digest);
        fuzz_demand(r == (values_complete(values) ? 0 : -EINVAL));
        fuzz_demand(machine_state_policy(values, &policy) == r);
        fuzz_demand(r != 0 || (digest.size == 32 && policy.size == 32));
        fuzz_demand(pcr_values_differing(values, &other) == 0);
        other.values[7].buffer[0] ^= 1;
        other.values[7].size = 32;
        fuzz_demand((pcr_values_differing(values, &other) & ~(1U << 7)) == 0);
        other.selection.mask = 0;
        fuzz_demand(pcr_values_differing(values, &other) ==
                    (values->selection.mask & ((1U << PCR_COUNT) - 1)));
}

/*
 * The fence, the text, and after a zero the values; without a good text, a selection of any bits.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        PcrValues values = { .selection = { .bank = TPM2_ALG_SHA256 } };
        Input input = { .data = data, .size = size };

        unsigned fence = input_u8(&input);
        size_t length = strnlen((const char *) input.data, input.size);
        _cleanup_free_ char *text = fuzz_text(input_bytes(&input, length));
        (void) input_u8(&input);
        check_text(text, fence, &values.selection);
        if (values.selection.mask == 0)
                values.selection.mask = input_u32(&input);
        take_values(&input, &values);
        check_values(&values);
        return 0;
}
