/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/version.h"
#include "policy/pcr.h"
#include "sealsd/bus-dictionary.h"
#include "sealsd/bus-manager.h"

/* --- GetStatus ------------------------------------------------------------------------------ */

static const char *pcrs_text(const PcrSelection *pcrs, char ret[static PCR_TEXT_MAX + 1]) {
        if (pcrs->mask == 0) {
                ret[0] = '\0';
                return ret;
        }
        return pcr_selection_format(pcrs, ret);
}

static int append_installation(sd_bus_message *m, const Status *status) {
        const Installation *installation = status->installation;
        char pcrs[PCR_TEXT_MAX + 1];

        int r = dictionary_text(m, "separation", separation_name(installation->separation));
        if (r == 0)
                r = dictionary_text(m, "profile", installation->profile);
        if (r == 0)
                r = dictionary_text(m, "pcrs", pcrs_text(&installation->pcrs, pcrs));
        if (r == 0)
                r = dictionary_text(m, "authority",
                                    installation->resident ? "resident" : "external");
        if (r == 0)
                r = dictionary_text(m, "authority-public", status->authority_pem);
        if (r == 0)
                r = dictionary_bytes(m, "authority-name", status->authority_name.name,
                                     status->authority_name.size);
        if (r == 0)
                r = dictionary_bytes(m, "srk-name", installation->srk.name, installation->srk.size);
        return r < 0 ? r : dictionary_u32(m, "capacity", installation->capacity);
}

/* a(uuu): handle, bits used; bits in all, or of machine states those retired */
static int append_indices(sd_bus_message *m, const char *name, const IndexStatus *indices,
                          size_t count) {
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(uuu)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(uuu)");
        for (size_t i = 0; r >= 0 && i < count; i++)
                r = sd_bus_message_append(m, "(uuu)", indices[i].handle, indices[i].used,
                                          indices[i].bits);
        for (int level = 0; r >= 0 && level < 3; level++)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : 0;
}

/* a(sttttb): maker's algorithm, number, this update, next update, entries, owed */
static int append_lists(sd_bus_message *m, const Status *status) {
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", "revocation-lists");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(sttttb)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sttttb)");
        for (size_t i = 0; r >= 0 && i < status->list_count; i++) {
                const ListStatus *list = &status->lists[i];

                r = sd_bus_message_append(m, "(sttttb)", list->algorithm, list->number,
                                          list->this_update, list->next_update, list->entries,
                                          list->owed);
        }
        for (int level = 0; r >= 0 && level < 3; level++)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : 0;
}

static int append_room(sd_bus_message *m, const IndexRoom *room) {
        int r = dictionary_u32(m, "room-indices", room->indices);

        if (r == 0)
                r = dictionary_boolean(m, "room-exact", room->exact);
        return r < 0 ? r : dictionary_u64(m, "room-measured", room->measured);
}

static int append_counts(sd_bus_message *m, const Status *status, size_t clients) {
        int r = dictionary_u32(m, "ledger-index", status->ledger_index);

        if (r == 0)
                r = dictionary_bytes(m, "genesis", status->genesis.buffer, status->genesis.size);
        if (r == 0)
                r = dictionary_bytes(m, "ak-name", status->ak_name.name, status->ak_name.size);
        if (r == 0)
                r = dictionary_u32(m, "capacity-used", status->capacity_used);
        if (r == 0 && status->room.measured != 0)
                r = append_room(m, &status->room);
        if (r == 0)
                r = dictionary_u32(m, "seals", (uint32_t) status->seals);
        if (r == 0)
                r = dictionary_u32(m, "requests-open", status->requests_open);
        if (r == 0)
                r = dictionary_u32(m, "challenges", status->challenges);
        if (r == 0)
                r = dictionary_u32(m, "live-uses", status->live_uses);
        if (r == 0)
                r = dictionary_u32(m, "queue", status->queue);
        return r < 0 ? r : dictionary_u32(m, "clients", (uint32_t) clients);
}

static const char *state_word(int which) {
        return seal_state_name((SealState) which);
}

static const char *kind_word(int which) {
        return request_kind_name((RequestKind) which);
}

static const char *severity_word(int which) {
        return severity_name((Severity) which);
}

/* What a report begins with. */
static int append_register(sd_bus_message *m, const Status *status) {
        const RegisterCounts *counts = &status->counts;

        int r = dictionary_counts(m, "seals-by-state", state_word, counts->seals, SEAL_STATE_MAX);
        if (r == 0)
                r = dictionary_counts(m, "requests-by-kind", kind_word, counts->requests,
                                      KIND_COUNT);
        if (r == 0)
                r = dictionary_u32(m, "seals-expired", (uint32_t) counts->expired);
        if (r == 0)
                r = dictionary_u32(m, "seals-expiring", (uint32_t) counts->expiring);
        if (r == 0)
                r = dictionary_u32(m, "grants", (uint32_t) counts->grants);
        if (r == 0)
                r = dictionary_u64(m, "inspected", status->inspected);
        return r < 0 ? r
                     : dictionary_counts(m, "findings", severity_word, status->findings,
                                         SEVERITY_CRITICAL + 1);
}

static int append_features(sd_bus_message *m, FeatureSet features) {
        const char *words[FEATURE_MAX];

        return dictionary_texts(m, "features", words, feature_names(features, words));
}

static int append_chip(sd_bus_message *m, const Status *status) {
        int r = dictionary_u32(m, "fence-pcr", status->fence_pcr);

        if (r == 0)
                r = dictionary_text(m, "tcti", status->tcti);
        if (r == 0)
                r = dictionary_text(m, "tpm", status->tpm);
        if (r == 0)
                r = append_features(m, status->features);
        if (r == 0)
                r = dictionary_text(m, "lockout-auth", status->lockout_auth);
        return r < 0 ? r : dictionary_text(m, "owner-auth", status->owner_auth);
}

static int append_ledger(sd_bus_message *m, const Status *status) {
        int r = dictionary_u64(m, "ledger-rows", status->ledger.seq);

        if (r == 0)
                r = dictionary_bytes(m, "ledger-head", status->ledger.hash,
                                     status->ledger.seq > 0 ? LEDGER_HASH_SIZE : 0);
        if (r == 0)
                r = dictionary_u64(m, "anchored-rows", status->anchored);
        if (r == 0)
                r = dictionary_u64(m, "anchor-time", status->anchor_time);
        if (r == 0)
                r = dictionary_u64(m, "checkpoint-rows", status->checkpoint);
        if (r == 0)
                r = dictionary_u64(m, "checkpoint-time", status->checkpoint_time);
        if (r == 0)
                r = dictionary_text(m, "key-memory", status->key_memory);
        if (r == 0)
                r = dictionary_text(m, "command-audit", status->command_audit);
        return r < 0 ? r : dictionary_text(m, "audit", status->audit);
}

/* What the service tells, and what the bus adds to it. */
typedef struct StatusAnswer {
        const Status *status;
        size_t clients;
} StatusAnswer;

static int append_status(sd_bus_message *m, const void *result) {
        const StatusAnswer *answer = result;
        const Status *status = answer->status;

        int r = dictionary_open(m);
        if (r == 0)
                r = dictionary_text(m, "version", SEALSD_VERSION);
        if (r == 0)
                r = dictionary_text(m, "state", status->state);
        if (r == 0)
                r = append_installation(m, status);
        if (r == 0)
                r = append_indices(m, "indices", status->indices, status->index_count);
        if (r == 0)
                r = append_indices(m, "state-indices", status->state_indices,
                                   status->state_index_count);
        if (r == 0)
                r = append_lists(m, status);
        if (r == 0)
                r = append_counts(m, status, answer->clients);
        if (r == 0)
                r = append_register(m, status);
        if (r == 0)
                r = append_chip(m, status);
        if (r == 0)
                r = append_ledger(m, status);
        if (r == 0)
                r = dictionary_texts(m, "attention", status->attention, status->attention_count);
        return r < 0 ? r : dictionary_close(m);
}

static void status_known(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        Operation *op = userdata;
        const StatusAnswer answer = { result, callers_count(op->bus->callers) };

        operation_answer(op, code, detail, append_status, &answer);
}

int run_get_status(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = status_known, .userdata = op };

        return service_get_status(op->bus->service, &op->caller, reply, detail);
}

/* --- GetMachineState ------------------------------------------------------------------------ */

/* What the authority signs: approvedPolicy ‖ policyRef (TPM 2.0 Part 3, TPM2_PolicyAuthorize). */
static int append_to_sign(sd_bus_message *m, const MachineReport *report) {
        uint8_t bytes[sizeof(report->policy.buffer) + sizeof(report->ref.buffer)];

        memcpy(bytes, report->policy.buffer, report->policy.size);
        memcpy(bytes + report->policy.size, report->ref.buffer, report->ref.size);
        return dictionary_bytes(m, "to-sign", bytes,
                                (size_t) report->policy.size + report->ref.size);
}

static int append_machine(sd_bus_message *m, const void *result) {
        const MachineReport *report = result;
        char pcrs[PCR_TEXT_MAX + 1];

        int r = dictionary_open(m);
        if (r == 0)
                r = dictionary_text(m, "profile", report->profile);
        if (r == 0)
                r = dictionary_text(m, "pcrs", pcrs_text(&report->values.selection, pcrs));
        if (r == 0)
                r = dictionary_pcrs(m, "values", &report->values);
        if (r == 0)
                r = dictionary_boolean(m, "approved", report->approved);
        if (r == 0)
                r = dictionary_mask(m, "differing", report->differing);
        if (r == 0)
                r = dictionary_bytes(m, "policy", report->policy.buffer, report->policy.size);
        if (r == 0)
                r = dictionary_bytes(m, "policy-ref", report->ref.buffer, report->ref.size);
        if (r == 0)
                r = append_to_sign(m, report);
        if (r == 0 && report->state_index != 0)
                r = dictionary_u32(m, "state-index", report->state_index);
        if (r == 0 && report->state_index != 0)
                r = dictionary_u32(m, "state-bit", report->state_bit);
        if (r == 0)
                r = dictionary_u64(m, "state", report->id);
        if (r == 0)
                r = dictionary_boolean(m, "retired", report->retired);
        if (r == 0)
                r = dictionary_u32(m, "approvals", report->approvals);
        return r < 0 ? r : dictionary_close(m);
}

static void machine_known(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        operation_answer(userdata, code, detail, append_machine, result);
}

int run_get_machine_state(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = machine_known, .userdata = op };

        return service_get_machine_state(op->bus->service, &op->caller, reply, detail);
}
