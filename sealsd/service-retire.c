/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retiring a machine state: set its bit in the state index, then the fence (chip) → say so
 * (register). The approval that the authority gave, and whoever has kept its ticket, count no more.
 * A bit that the chip has and the register does not know, after a kill or in a register that was
 * put back, is set once more, fenced and recorded as found.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/utc.h"
#include "sealsd/service-life.h"
#include "tpm/index.h"
#include "tpm/machine.h"

typedef struct RetireJob {
        ServiceJob head;
        bool known; /* by whom: caller */
        Caller caller;
        MachineState state;
        unsigned fence_pcr;
} RetireJob;

void machine_retired_text(const MachineState *state, char ret[static ERROR_TEXT_MAX]) {
        char when[TIME_TEXT_SIZE];

        (void) snprintf(ret, ERROR_TEXT_MAX,
                        "This machine state (number %" PRIu64
                        ") was retired on %s%s%s: %.200s; start "
                        "what is approved, or have the authority approve it again",
                        state->id, time_format_rfc3339(state->retired, when),
                        state->retired_by.text[0] ? " by " : "", state->retired_by.text,
                        state->retired_why);
}

static int retire_run(Job *job, Chip *chip, ErrorDetail *detail) {
        RetireJob *j = (RetireJob *) job;
        const StateBit *bit = &j->state.approval.retire;

        int r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = tpm_index_set_bits(chip->tpm, &bit->index, UINT64_C(1) << bit->bit, detail);
        if (r == SEAL_E_NOT_FOUND) /* the index, not the state */
                r = SEAL_E_REGISTER_TAMPERED;
        if (r == 0)
                arrow_pass(j->head.arrows, ARROW_RETIRE_BIT_SET);
        if (r == 0)
                r = tpm_fence(chip->tpm, j->fence_pcr, detail);
        if (r == 0)
                arrow_pass(j->head.arrows, ARROW_RETIRE_FENCED);
        return r;
}

static int retire_write(RetireJob *job) {
        Service *s = job->head.service;
        MachineState *state = &job->state;
        char policy[2 * TPM2_SHA256_DIGEST_SIZE + 1];

        hex_encode(state->approval.policy.buffer, TPM2_SHA256_DIGEST_SIZE, policy);
        int r = store_begin(s->store);
        if (r != 0)
                return r;
        r = store_machine_state_retire(s->store, state);
        if (r == 0)
                r = service_event(s,
                                  (Event){ .code = EVENT_MACHINE_STATE_RETIRED,
                                           .caller = job->known ? &job->caller : NULL,
                                           .reason = state->retired_why },
                                  json_pack("{sI ss ss}", "id", (json_int_t) state->id, "policy",
                                            policy, "profile", state->profile));
        return store_end(s->store, r);
}

static int retire_settle(RetireJob *job, ErrorDetail *told) {
        Service *s = job->head.service;
        const bool in_force = s->health.approved && job->state.id == s->health.state_id;

        int r = retire_write(job);
        if (r == 0)
                arrow_pass(s->arrows, ARROW_RETIRE_RECORDED);
        if (r == 0)
                r = service_reload(s);
        if (r != 0) {
                ErrorDetail why = {};

                service_explain(s, r, &why);
                return error_set(told, r,
                                 "The chip refuses that machine state from now on, but that could "
                                 "not be recorded: %s. Then retire it again",
                                 error_describe(r, &why));
        }
        log_notice("machine state %" PRIu64 " is retired", job->state.id);
        if (in_force || (s->health.approved && job->state.id == s->health.state_id))
                service_attention(
                        s, "warning", "machine-state-retired", "",
                        "The machine state that is in force was retired: no seal signs "
                        "until the machine is started in an approved one, or the authority "
                        "approves this one again");
        service_probe(s);
        return 0;
}

static void retire_done(Job *job, int code, const ErrorDetail *detail) {
        RetireJob *j = (RetireJob *) job;
        Service *s = j->head.service;
        ErrorDetail told = {};

        s->retiring--;
        if (code == 0) {
                code = retire_settle(j, &told);
                detail = &told;
        }
        if (code != 0 && !j->known)
                log_error("a machine state that the chip has retired: %s",
                          error_describe(code, detail));
        service_job_finish(&j->head, code, detail, NULL);
        if (code == 0)
                arrow_pass(s->arrows, ARROW_RETIRE_REPLIED);
}

/* caller NULL: it was found. */
static int retire_submit(Service *service, const Caller *caller, const MachineState *state,
                         const char *reason, Reply reply) {
        RetireJob *job = service_job_new(service, sizeof(*job), caller ? caller->uid : UINT32_MAX,
                                         reply);

        if (!job)
                return -ENOMEM;
        job->known = caller != NULL;
        job->state = *state;
        job->state.retired = service_now(service);
        if (caller) {
                job->caller = *caller;
                job->state.retired_by = caller->subject;
        }
        text_copy(job->state.retired_why, sizeof(job->state.retired_why), reason);
        job->fence_pcr = service->config->fence_pcr;
        int r = service_seal_index(service, state->approval.retire.index.handle,
                                   &job->state.approval.retire.index);
        if (r == 0)
                r = service_job_submit(&job->head, retire_run, retire_done);
        if (r != 0)
                (void) service_job_discard(job);
        service->retiring += r == 0;
        return r;
}

/* An approval without a bit counts for ever, so that the state could not be said to be retired. */
static int retirable_check(const MachineState *states, size_t count, const MachineState *state,
                           ErrorDetail *detail) {
        if (state->approval.retire.index.handle == 0)
                return error_set(
                        detail, SEAL_E_INVALID_STATE,
                        "State %" PRIu64 " was approved before there was a state index: the "
                        "authority's approval names no bit, and the chip takes it for ever",
                        state->id);
        for (size_t i = 0; i < count; i++)
                if (states[i].approval.retire.index.handle == 0 &&
                    pcr_values_differing(&states[i].approval.values, &state->approval.values) == 0)
                        return error_set(detail, SEAL_E_INVALID_STATE,
                                         "The same state was approved as number %" PRIu64
                                         " before there was a state index: that approval names no "
                                         "bit, and the chip takes it for ever",
                                         states[i].id);
        return 0;
}

static const MachineState *state_find(const MachineState *states, size_t count, uint64_t id) {
        for (size_t i = 0; i < count; i++)
                if (states[i].id == id)
                        return &states[i];
        return NULL;
}

int service_list_machine_states(Service *service, const Caller *caller, MachineState **ret,
                                size_t *ret_count, ErrorDetail *detail) {
        (void) caller;
        int r = service_require_ready(service, detail);

        return r == 0 ? store_machine_state_list(service->store, ret, ret_count) : r;
}

int service_retire_machine_state(Service *service, const Caller *caller, uint64_t id,
                                 const char *reason, Reply reply, ErrorDetail *detail) {
        _cleanup_free_ MachineState *states = NULL;
        size_t count = 0;

        int r = service_list_machine_states(service, caller, &states, &count, detail);
        if (r != 0)
                return r;
        const MachineState *state = state_find(states, count, id);
        if (!state)
                return error_set(detail, SEAL_E_NOT_FOUND,
                                 "There is no approved machine state %" PRIu64
                                 "; see ListMachineStates",
                                 id);
        r = retirable_check(states, count, state, detail);
        if (r != 0)
                return r;
        if (state->retired != 0) {
                reply.done(reply.userdata, 0, NULL, NULL);
                return 0;
        }
        return retire_submit(service, caller, state, reason, reply);
}

void retire_compare(Service *service, TPM2_HANDLE index, uint64_t bits) {
        _cleanup_free_ MachineState *states = NULL;
        size_t count = 0;

        if (service->retiring > 0 || bits == 0 ||
            store_machine_state_list(service->store, &states, &count) != 0)
                return;
        for (size_t i = 0; i < count; i++) {
                const StateBit *bit = &states[i].approval.retire;

                if (bit->index.handle != index || states[i].retired != 0 || !(bits >> bit->bit & 1))
                        continue;
                int r = retire_submit(service, NULL, &states[i],
                                      "found retired in the chip; the register did not know",
                                      (Reply){});
                if (r != 0)
                        log_error("a machine state that the chip has retired: %s", error_text(r));
        }
}
