/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/approval-set.h"

#include <errno.h>
#include <string.h>

int approval_set_new(ApprovalSet **ret, const MachineState *states, size_t count,
                     const char *profile, const PcrSelection *pcrs) {
        ApprovalSet *set = calloc(1, sizeof(*set) + count * sizeof(set->approvals[0]));

        if (!set)
                return -ENOMEM;
        set->references = 1;
        for (size_t i = 0; i < count; i++) {
                const PcrSelection *s = &states[i].approval.values.selection;

                if (strcmp(states[i].profile, profile) == 0 && s->bank == pcrs->bank &&
                    s->mask == pcrs->mask)
                        set->approvals[set->count++] = states[i].approval;
        }
        *ret = set;
        return 0;
}

ApprovalSet *approval_set_ref(ApprovalSet *set) {
        set->references++;
        return set;
}

ApprovalSet *approval_set_unref(ApprovalSet *set) {
        if (set && --set->references == 0)
                free(set);
        return NULL;
}

bool approval_set_match(const ApprovalSet *set, const PcrValues *values, uint32_t *ret_differing) {
        uint32_t nearest = values->selection.mask;

        for (size_t i = 0; i < set->count; i++) {
                uint32_t mask = pcr_values_differing(&set->approvals[i].values, values);

                if (__builtin_popcount(mask) < __builtin_popcount(nearest))
                        nearest = mask;
                if (mask == 0)
                        break;
        }
        *ret_differing = nearest;
        return nearest == 0;
}
