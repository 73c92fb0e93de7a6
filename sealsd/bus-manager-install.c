/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "sealsd/bus-dictionary.h"
#include "sealsd/bus-manager.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"

/* --- Initialize ----------------------------------------------------------------------------- */

static int read_separation(sd_bus_message *m, const char *option, void *target,
                           ErrorDetail *detail) {
        InitOptions *init = target;
        const char *text;

        int r = sd_bus_message_read_basic(m, 's', &text);
        if (r < 0)
                return r;
        int separation = separation_from_name(text);
        if (separation <= SEPARATION_NONE)
                return option_invalid(detail, option, "one of dual, strict, single");
        init->separation = (Separation) separation;
        return 0;
}

#define FIELD(member) offsetof(InitOptions, member)

static const Option init_options[] = {
        { "separation", OPTION_CUSTOM, 0, 0, "s", read_separation },
        { "authority", OPTION_STRING, FIELD(authority_pem), PEM_MAX, NULL, NULL },
        { "passphrase", OPTION_SECRET, FIELD(passphrase), 0, NULL, NULL },
        { "pcrs", OPTION_STRING, FIELD(pcrs), PCR_TEXT_MAX, NULL, NULL },
        { "profile", OPTION_STRING, FIELD(profile), PROFILE_MAX, NULL, NULL },
        { "capacity", OPTION_U32, FIELD(capacity), CAPACITY_MAX, NULL, NULL },
        { "owner-auth", OPTION_SECRET, FIELD(owner_auth), 0, NULL, NULL },
        { "lockout-auth", OPTION_SECRET, FIELD(lockout_auth), 0, NULL, NULL },
        { "set-owner-auth", OPTION_BOOLEAN, FIELD(set_owner_auth), 0, NULL, NULL },
        { "machine-states", OPTION_BOOLEAN, FIELD(machine_states), 0, NULL, NULL },
        { "escrow", OPTION_STRING, FIELD(escrow_pem), PEM_MAX, NULL, NULL },
};

#undef FIELD

int parse_initialize(Operation *op, ErrorDetail *detail) {
        InitOptions *init = op->args;

        int r = method_options(op, init_options, ROWS(init_options), init, detail);
        if (r != 0)
                return r;
        if (init->authority_pem)
                init->authority_pem_size = strlen(init->authority_pem);
        if (init->escrow_pem)
                init->escrow_pem_size = strlen(init->escrow_pem);
        return 0;
}

static int append_report(sd_bus_message *m, const void *result) {
        const InitReport *report = result;

        int r = dictionary_open(m);
        if (r == 0)
                r = dictionary_text(m, "state", report->state);
        if (r == 0)
                r = dictionary_text(m, "separation", separation_name(report->separation));
        if (r == 0)
                r = dictionary_text(m, "authority", report->resident ? "resident" : "external");
        if (r == 0)
                r = dictionary_bytes(m, "authority-name", report->authority_name.name,
                                     report->authority_name.size);
        if (r == 0)
                r = dictionary_u32(m, "challenges", report->challenges);
        if (r == 0)
                r = dictionary_u32s(m, "indices", report->indices, report->index_count);
        if (r == 0)
                r = dictionary_u32(m, "ledger-index", report->ledger_index);
        if (r == 0 && report->state_index != 0)
                r = dictionary_u32(m, "state-index", report->state_index);
        if (r == 0)
                r = dictionary_u32(m, "capacity", report->capacity);
        if (r == 0)
                r = dictionary_text(m, "lockout-auth", report->lockout_auth);
        if (r == 0)
                r = dictionary_text(m, "owner-auth", report->owner_auth);
        if (r == 0 && report->escrowed.size > 0)
                r = dictionary_bytes(m, "escrowed", report->escrowed.data, report->escrowed.size);
        return r < 0 ? r : dictionary_close(m);
}

static void initialized(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        operation_answer(userdata, code, detail, append_report, result);
}

int run_initialize(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = initialized, .userdata = op };

        return service_initialize(op->bus->service, &op->caller, op->args, reply, detail);
}

/* --- challenges ----------------------------------------------------------------------------- */

static int append_challenge(sd_bus_message *m, const Challenge *challenge) {
        int r = sd_bus_message_open_container(m, 'r', "ssayt");

        if (r >= 0)
                r = sd_bus_message_append(m, "ss", challenge->id, challenge->kind);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', challenge->bytes.data,
                                                challenge->bytes.size);
        if (r >= 0)
                r = sd_bus_message_append(m, "t", challenge->expires);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_challenges(sd_bus_message *m, const void *result) {
        const ChallengeList *list = result;

        int r = sd_bus_message_open_container(m, 'a', "(ssayt)");

        for (size_t i = 0; r >= 0 && i < list->count; i++)
                r = append_challenge(m, &list->challenges[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void challenges_listed(void *userdata, int code, const ErrorDetail *detail,
                              const void *result) {
        operation_answer(userdata, code, detail, append_challenges, result);
}

int run_list_challenges(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = challenges_listed, .userdata = op };

        return service_list_challenges(op->bus->service, &op->caller, reply, detail);
}

int parse_answer(Operation *op, ErrorDetail *detail) {
        AnswerArgs *args = op->args;

        int r = argument_text(op->message, "id", TEXT_MAX, &args->id, detail);
        if (r != 0)
                return r;
        return argument_bytes(op->message, "signature", SIGNATURE_MAX, &args->signature, detail);
}

int run_answer(Operation *op, ErrorDetail *detail) {
        const AnswerArgs *args = op->args;
        Reply reply = { .done = operation_done, .userdata = op };

        return service_answer(op->bus->service, &op->caller, args->id, args->signature, reply,
                              detail);
}

/* --- approving a machine state -------------------------------------------------------------- */

static int read_predicted_pcr(sd_bus_message *m, const char *option, MachineApproveOptions *approve,
                              ErrorDetail *detail) {
        Bytes value = {};
        uint32_t number;

        int r = sd_bus_message_read_basic(m, 'u', &number);
        if (r < 0)
                return r;
        r = argument_bytes(m, option, DIGEST_MAX, &value, detail);
        if (r != 0)
                return r;
        if (number >= PCR_COUNT || (approve->values_mask & (1U << number)))
                return option_invalid(detail, option, "each PCR of 0 to 23 once");
        if (value.size == 0)
                return option_invalid(detail, option, "a PCR without a value");
        approve->values_mask |= 1U << number;
        TPM2B_DIGEST *target = &approve->values.values[number];
        target->size = (UINT16) value.size;
        memcpy(target->buffer, value.data, value.size);
        return 0;
}

static int read_predicted(sd_bus_message *m, const char *option, void *target,
                          ErrorDetail *detail) {
        MachineApproveOptions *approve = target;

        int r = sd_bus_message_enter_container(m, 'a', "(uay)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'r', "uay")) > 0) {
                r = read_predicted_pcr(m, option, approve, detail);
                if (r == 0)
                        r = sd_result(sd_bus_message_exit_container(m));
                if (r != 0)
                        return r;
        }
        if (r < 0)
                return r;
        if (approve->values_mask == 0)
                return option_invalid(detail, option, "names no PCR");
        approve->predicted = true;
        return sd_result(sd_bus_message_exit_container(m));
}

#define FIELD(member) offsetof(MachineApproveOptions, member)

static const Option approve_options[] = {
        { "signature", OPTION_BYTES, FIELD(signature), SIGNATURE_MAX, NULL, NULL },
        { "passphrase", OPTION_SECRET, FIELD(passphrase), 0, NULL, NULL },
        { "profile", OPTION_STRING, FIELD(profile), PROFILE_MAX, NULL, NULL },
        { "predicted", OPTION_CUSTOM, 0, 0, "a(uay)", read_predicted },
};

#undef FIELD

int parse_approve_machine_state(Operation *op, ErrorDetail *detail) {
        return method_options(op, approve_options, ROWS(approve_options), op->args, detail);
}

int run_approve_machine_state(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = operation_done, .userdata = op };

        return service_approve_machine_state(op->bus->service, &op->caller, op->args, reply,
                                             detail);
}
