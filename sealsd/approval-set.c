/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/approval-set.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

static size_t set_size(size_t count) {
        return sizeof(ApprovalSet) + count * sizeof(MachineApproval);
}

static bool state_belongs(const MachineState *state, const char *profile,
                          const PcrSelection *pcrs) {
        const PcrSelection *s = &state->approval.values.selection;

        return strcmp(state->profile, profile) == 0 && s->bank == pcrs->bank &&
               s->mask == pcrs->mask;
}

int approval_set_new(ApprovalSet **ret, const MachineState *states, size_t count,
                     const char *profile, const PcrSelection *pcrs) {
        ApprovalSet *set = calloc(1, set_size(count));

        if (!set)
                return -ENOMEM;
        set->references = 1;
        set->retired = calloc(count + 1, sizeof(*set->retired));
        if (!set->retired) {
                free(set);
                return -ENOMEM;
        }
        for (size_t i = 0; i < count; i++) {
                if (!state_belongs(&states[i], profile, pcrs))
                        continue;
                if (states[i].retired != 0) {
                        set->retired[set->retired_count++] = states[i];
                        continue;
                }
                set->ids[set->count] = states[i].id;
                set->approvals[set->count++] = states[i].approval;
        }
        *ret = set;
        return 0;
}

ApprovalSet *approval_set_ref(ApprovalSet *set) {
        set->references++;
        return set;
}

/* With each bit stands the auth of its index. */
ApprovalSet *approval_set_unref(ApprovalSet *set) {
        if (set && --set->references == 0) {
                free(set->retired);
                OPENSSL_cleanse(set, set_size(set->count));
                free(set);
        }
        return NULL;
}

static const MachineApproval *set_find(const ApprovalSet *set, const PcrValues *values) {
        for (size_t i = 0; i < set->count; i++)
                if (pcr_values_differing(&set->approvals[i].values, values) == 0)
                        return &set->approvals[i];
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

uint64_t approval_set_id(const ApprovalSet *set, const PcrValues *values) {
        const MachineApproval *found = set_find(set, values);

        return found ? set->ids[found - set->approvals] : 0;
}

const MachineState *approval_set_retired(const ApprovalSet *set, const PcrValues *values) {
        if (set_find(set, values))
                return NULL;
        for (size_t i = 0; i < set->retired_count; i++)
                if (pcr_values_differing(&set->retired[i].approval.values, values) == 0)
                        return &set->retired[i];
        return NULL;
}

int approval_set_place(const ApprovalSet *set, MachineApproval *approval, ErrorDetail *detail) {
        const StateBit *kept = NULL;

        for (size_t i = 0; !kept && i < set->count; i++)
                if (set->approvals[i].retire.index.handle != 0 &&
                    pcr_values_differing(&set->approvals[i].values, &approval->values) == 0)
                        kept = &set->approvals[i].retire;
        if (!kept && set->full)
                return error_set(
                        detail, SEAL_E_CAPACITY_EXHAUSTED,
                        "No bit is left for another machine state that can be retired; "
                        "extend the capacity ('sealctl capacity extend --machine-states')");
        approval->retire = kept ? *kept : set->next;
        return machine_approval_policy(approval, &approval->policy);
}
