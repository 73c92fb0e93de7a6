/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at the chip: the hierarchies, the machine's state, every index; at the start, every
 * minute, when the chip has come back, and when somebody asks for the status. The worker looks;
 * what it found is compared with the register in the main thread.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "base/text.h"
#include "sealsd/service-internal.h"
#include "tpm/index.h"
#include "tpm/machine.h"

typedef struct ProbeJob {
        ServiceJob head;
        uint64_t now;
        PcrSelection selection;
        PcrValues values;
        size_t index_count;
        unsigned unlocked; /* revocation indices that are not locked */
        TpmIndex indices[INDICES_MAX + 1];
        uint64_t bits[INDICES_MAX + 1]; /* that are set: revoked */
        bool valued;                    /* the ledger index was read */
        uint8_t value[LEDGER_VALUE_SIZE];
        Health health;
        AuditLook audit;
} ProbeJob;

static int probe_value(ProbeJob *probe, const TpmIndex *index, Chip *chip, ErrorDetail *detail) {
        int r = tpm_index_read_value(chip->tpm, index, probe->value, detail);

        probe->valued = r == 0;
        return r;
}

static int probe_index(ProbeJob *probe, size_t i, Chip *chip, ErrorDetail *detail) {
        const TpmIndex *index = &probe->indices[i];
        TpmIndexState state;
        int r;

        r = tpm_index_state(chip->tpm, index, &state, detail);
        if (r != 0)
                return r;
        if (index->kind == INDEX_REVOCATION && state == TPM_INDEX_LOCKED)
                probe->health.locked = true;
        else if (index->kind == INDEX_REVOCATION)
                probe->unlocked++;
        if (state == TPM_INDEX_WRITTEN && index_has_bits(index->kind))
                return tpm_index_read_bits(chip->tpm, index, &probe->bits[i], detail);
        if (state == TPM_INDEX_WRITTEN)
                return probe_value(probe, index, chip, detail);
        if (state == TPM_INDEX_WRITTEN || state == TPM_INDEX_LOCKED)
                return 0;
        return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                         "NV index 0x%08x is %s; the authority has to make it again", index->handle,
                         state == TPM_INDEX_ABSENT      ? "gone from the chip"
                         : state == TPM_INDEX_UNWRITTEN ? "not written"
                                                        : "not ours");
}

static int probe_run(Job *job, Chip *chip, ErrorDetail *detail) {
        ProbeJob *probe = (ProbeJob *) job;
        Health *h = &probe->health;
        int r;

        *h = (Health){};
        probe->valued = false;
        probe->unlocked = 0;
        challenges_expire(chip->challenges, probe->now);
        h->challenges = challenges_offered(chip->challenges);
        r = tpm_hierarchies(chip->tpm, &h->hierarchies, detail);
        if (r == 0 && probe->selection.mask != 0)
                r = tpm_pcr_read(chip->tpm, &probe->selection, &probe->values, detail);
        if (r != 0)
                return r;
        if (probe->head.srk.size == 0)
                return 0;
        r = service_job_begin(&probe->head, chip, detail);
        if (r == 0)
                r = audit_look_run(&probe->audit, chip->tpm, &h->hierarchies,
                                   probe->head.owner_auth.set ? &probe->head.owner_auth : NULL,
                                   detail);
        for (size_t i = 0; r == 0 && i < probe->index_count; i++)
                r = probe_index(probe, i, chip, detail);
        h->locked_in_part = h->locked && probe->unlocked > 0;
        return r;
}

/* A register that was put back to an older copy does not know of every revocation. */
static void probe_compare(Service *service, const ProbeJob *probe) {
        char number[NUMBER_MAX + 1];

        for (size_t i = 0; i < probe->index_count; i++) {
                if (probe->indices[i].kind == INDEX_STATE)
                        retire_compare(service, probe->indices[i].handle, probe->bits[i]);
                for (unsigned bit = 0; bit < SEALS_PER_INDEX; bit++)
                        if ((probe->bits[i] >> bit & 1) &&
                            store_seal_by_bit(service->store, probe->indices[i].handle, bit,
                                              number) == 0)
                                service_revoke_found(service, number);
        }
}

void service_look_soon(Service *service) {
        (void) sd_event_source_set_time_relative(service->timer, PROBE_SOON);
        (void) sd_event_source_set_enabled(service->timer, SD_EVENT_ONESHOT);
}

/*
 * A chip that answers that it is out of order is as good as none until it is switched off and on.
 */
static void probe_note_failure(Service *service, int code, const ErrorDetail *detail) {
        bool before = service->failure[0] != '\0';

        if (code == SEAL_E_TPM_FAILURE)
                text_copy(service->failure, sizeof(service->failure), error_describe(code, detail));
        else if (code == 0 || code == SEAL_E_REGISTER_TAMPERED)
                service->failure[0] = '\0';
        if (service->failure[0] == '\0' || before || service->stopping)
                return;
        service_attention(service, "critical", "tpm-failure", "", "%s", service->failure);
        service_look_soon(service);
}

/* Who retired the state that the machine is in, and why. */
static void probe_note_retired(const Service *service, ProbeJob *probe) {
        const MachineState *state = probe->selection.mask == 0
                                            ? NULL
                                            : approval_set_retired(service->approvals,
                                                                   &probe->values);

        if (state)
                machine_retired_text(state, probe->health.retired);
}

static void probe_done(Job *job, int code, const ErrorDetail *detail) {
        ProbeJob *probe = (ProbeJob *) job;
        Service *s = probe->head.service;
        const Health before = s->health;

        audit_look_end(s, &probe->audit);
        s->probing &= job->uid != UINT32_MAX;
        if (code == 0 || code == SEAL_E_REGISTER_TAMPERED) {
                /* By the approvals of now: one may have come while the chip was looked at. */
                probe->health.approved = probe->selection.mask != 0 &&
                                         approval_set_match(s->approvals, &probe->values,
                                                            &probe->health.differing);
                probe->health.state_id = probe->health.approved
                                                 ? approval_set_id(s->approvals, &probe->values)
                                                 : 0;
                probe_note_retired(s, probe);
                probe->health.probed = true;
                probe->health.tampered = code != 0;
                (void) snprintf(probe->health.problem, sizeof(probe->health.problem), "%s",
                                error_describe(code, detail));
                s->health = probe->health;
                if (code != 0 && !before.tampered)
                        service_attention(s, "critical", "register-tampered", "", "%s",
                                          s->health.problem);
        } else if (code != -ECANCELED) {
                log_warning("the chip cannot be examined: %s", error_describe(code, detail));
        }
        probe_note_failure(s, code, detail);
        if (!s->stopping) {
                ledger_watch_clock(s);
                verify_tick(s);
                audit_looked(s, &probe->audit);
                probe_compare(s, probe);
                if (code == 0 && s->installation.phase == INIT_COMPLETE)
                        lock_compare(s, &before);
                if (probe->valued)
                        anchor_compare(s, probe->value);
                service_update_state(s);
                if (s->health.approved) {
                        key_look(s);
                        makers_tend(s);
                        lists_note(s);
                }
                if (s->tpm_available)
                        service_revoke_pending(s);
        }
        service_job_finish(&probe->head, code, detail, NULL);
}

static int probe_fill(ProbeJob *probe, Service *service) {
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count;
        int r;

        probe->now = service_now(service);
        probe->selection = service->installation.pcrs;
        if (service->installation.phase != INIT_COMPLETE)
                return 0;
        audit_look_fill(service, &probe->audit);
        r = service_indices(service, rows, &count);
        /* Those that extend the capacity are nothing to rely on before their first write. */
        for (size_t i = 0; r == 0 && i < count; i++)
                if (rows[i].written)
                        service_tpm_index(&service->authority_name, &rows[i],
                                          &probe->indices[probe->index_count++]);
        OPENSSL_cleanse(rows, sizeof(rows));
        return r;
}

int service_look(Service *service, uint32_t uid, Reply reply) {
        ProbeJob *probe = service_job_new(service, sizeof(*probe), uid, reply);
        int r;

        if (!probe)
                return -ENOMEM;
        r = probe_fill(probe, service);
        if (r == 0)
                r = service_job_submit(&probe->head, probe_run, probe_done);
        if (r != 0) {
                audit_look_end(service, &probe->audit);
                (void) service_job_discard(probe);
        }
        return r;
}

void service_probe(Service *service) {
        if (service->probing || service->stopping)
                return;
        service->probing = service_look(service, UINT32_MAX, (Reply){}) == 0;
}
