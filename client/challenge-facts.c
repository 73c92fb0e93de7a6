/* SPDX-License-Identifier: Apache-2.0 */
#include "client/challenge-facts.h"

#include <string.h>

#include "client/output.h"

static int unreadable(const Context *context, const char *what) {
        return fail(context, EXIT_OTHER, "the daemon's %s cannot be read", what);
}

/* [[0, "hex"], …] into the values; every selected PCR must be there. */
static int values_read(const Context *context, const json_t *rows, PcrValues *values) {
        uint32_t seen = 0;
        json_t *row;
        size_t i;

        json_array_foreach(rows, i, row) {
                json_int_t pcr = json_integer_value(json_array_get(row, 0));
                const char *hex = json_string_value(json_array_get(row, 1));
                if (!hex || pcr < 0 || pcr >= PCR_COUNT)
                        return unreadable(context, "PCR values");
                TPM2B_DIGEST *value = &values->values[pcr];
                size_t size = strlen(hex) / 2;
                if (size > sizeof(value->buffer) || !hex_decode(hex, value->buffer, size))
                        return unreadable(context, "PCR values");
                value->size = (uint16_t) size;
                seen |= 1U << pcr;
        }
        return seen == values->selection.mask ? 0 : unreadable(context, "PCR values");
}

int machine_facts_read(const Context *context, const json_t *state, unsigned fence_pcr,
                       EVP_PKEY *key, MachineFacts *ret) {
        const char *profile = json_text(state, "profile");
        ErrorDetail detail = {};

        if (strlen(profile) > PROFILE_MAX)
                return unreadable(context, "profile");
        strcpy(ret->profile, profile);
        int r = pcr_selection_parse(json_text(state, "pcrs"), fence_pcr, &ret->values.selection,
                                    &detail);
        if (r != 0)
                return fail(context, EXIT_NOT_ALLOWED, "Refused to sign: %s",
                            error_describe(r, &detail));
        ret->state_index = (TPM2_HANDLE) json_integer_value(json_object_get(state, "state-index"));
        ret->state_bit = (unsigned) json_integer_value(json_object_get(state, "state-bit"));
        if (ret->state_index != 0) {
                r = challenge_authority_name(key, &ret->authority, &detail);
                if (r != 0)
                        return fail(context, EXIT_USAGE, "the authority key: %s",
                                    error_describe(r, &detail));
        }
        return values_read(context, json_object_get(state, "values"), &ret->values);
}

static int handles_read(const Context *context, const json_t *status, IndexFacts *ret) {
        json_t *row, *rows = json_object_get(status, "indices");
        size_t i;

        if (json_array_size(rows) > INDICES_MAX)
                return unreadable(context, "list of indices");
        json_array_foreach(rows, i, row) {
                ret->revocation[i] = (TPM2_HANDLE) json_integer_value(json_array_get(row, 0));
                ret->used[i] = (uint64_t) json_integer_value(json_array_get(row, 1));
        }
        ret->n_revocation = json_array_size(rows);
        rows = json_object_get(status, "state-indices");
        if (json_array_size(rows) > INDICES_MAX)
                return unreadable(context, "list of indices");
        json_array_foreach(rows, i, row) {
                ret->states[i] = (TPM2_HANDLE) json_integer_value(json_array_get(row, 0));
                ret->states_retired[i] = (uint64_t) json_integer_value(json_array_get(row, 2));
        }
        ret->n_states = json_array_size(rows);
        ret->ledger = (TPM2_HANDLE) json_integer_value(json_object_get(status, "ledger-index"));
        return 0;
}

int index_facts_read(const Context *context, const json_t *status, EVP_PKEY *key, IndexFacts *ret) {
        char hex[2 * sizeof(ret->authority.name) + 1];
        ErrorDetail detail = {};

        int r = challenge_authority_name(key, &ret->authority, &detail);
        if (r != 0)
                return fail(context, EXIT_USAGE, "the authority key: %s",
                            error_describe(r, &detail));
        hex_encode(ret->authority.name, ret->authority.size, hex);
        if (strcmp(json_text(status, "authority-name"), hex) != 0)
                return fail(context, EXIT_NOT_ALLOWED,
                            "Refused to sign: this machine's authority is another key");
        return handles_read(context, status, ret);
}
