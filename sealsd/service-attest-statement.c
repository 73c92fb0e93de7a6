/* SPDX-License-Identifier: Apache-2.0 */
/* What the register says of a seal, as its passport has it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/text.h"
#include "base/version.h"
#include "policy/key.h"
#include "sealsd/approver.h"
#include "sealsd/service-attest.h"
#include "sealsd/service-certify.h"
#include "sealsd/service-internal.h"

/* --- the seal --------------------------------------------------------------------------------- */

static void purposes_fill(unsigned purposes, PassportSeal *ret) {
        for (unsigned purpose = 1; purpose <= PURPOSE_ALL; purpose <<= 1)
                if (purposes & purpose)
                        text_copy(ret->purposes[ret->purpose_count++], sizeof(ret->purposes[0]),
                                  purpose_name((Purpose) purpose));
}

static void seal_fill(const Seal *seal, PassportSeal *ret) {
        const Application *facts = &seal->facts;

        text_copy(ret->number, sizeof(ret->number), seal->number);
        text_copy(ret->name, sizeof(ret->name), facts->name);
        text_copy(ret->holder, sizeof(ret->holder), facts->holder);
        text_copy(ret->class, sizeof(ret->class), facts->class);
        text_copy(ret->type, sizeof(ret->type), facts->type);
        text_copy(ret->algorithm, sizeof(ret->algorithm), facts->algorithm);
        text_copy(ret->state, sizeof(ret->state), seal_state_name(seal->state));
        text_copy(ret->separation, sizeof(ret->separation), separation_name(seal->separation));
        text_copy(ret->replaces, sizeof(ret->replaces), seal->replaces);
        text_copy(ret->replaced_by, sizeof(ret->replaced_by), seal->replaced_by);
        purposes_fill(facts->purposes, ret);
        ret->not_before = facts->not_before;
        ret->not_after = facts->not_after;
        ret->use_limit = facts->use_limit;
        ret->made = seal->made.time;
        ret->public = seal->public;
}

/* --- the policy ------------------------------------------------------------------------------- */

/* As it stands in Names: written, and not locked. */
static int index_fill(const Service *service, IndexKind kind, TPM2_HANDLE handle,
                      TPMS_NV_PUBLIC *ret) {
        int r = index_public(kind, handle, &service->authority_name, ret);

        ret->attributes |= TPMA_NV_WRITTEN;
        return r;
}

static int approvers_fill(const Application *facts, PassportPolicy *ret) {
        ret->approver_count = facts->approver_count;
        ret->threshold = facts->threshold;
        for (size_t i = 0; i < facts->approver_count; i++) {
                text_copy(ret->approvers[i].subject, sizeof(ret->approvers[i].subject),
                          facts->approvers[i].subject.text);
                int r = approver_key(&facts->approvers[i], &ret->approvers[i].key);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int policy_fill(const Service *service, const Seal *seal, PassportStatement *statement) {
        PassportPolicy *ret = &statement->policy;

        ret->authority = service->installation.authority;
        text_copy(ret->profile, sizeof(ret->profile), seal->profile);
        ret->bit = seal->bit;
        ret->pin = seal->facts.pin;
        ret->digest = seal->public.publicArea.authPolicy;
        int r = index_fill(service, INDEX_REVOCATION, seal->index, &ret->index);
        if (r == 0)
                r = approvers_fill(&seal->facts, ret);
        return r == 0 ? passport_terms_write(statement) : r;
}

/* --- the machine ------------------------------------------------------------------------------ */

static bool state_belongs(const MachineState *state, const PassportMachine *machine) {
        const PcrSelection *pcrs = &state->approval.values.selection;

        return strcmp(state->profile, machine->profile) == 0 && pcrs->bank == machine->pcrs.bank &&
               pcrs->mask == machine->pcrs.mask;
}

/* One that is there already is attested once. */
static int index_add(const Service *service, TPM2_HANDLE handle, AttestIndices *indices) {
        for (size_t i = 0; i < indices->state_count; i++)
                if (indices->states[i].handle == handle)
                        return 0;
        if (indices->state_count == INDICES_MAX)
                return SEAL_E_REGISTER_TAMPERED;
        return service_seal_index(service, handle, &indices->states[indices->state_count++]);
}

/* Its bit, where the state can be retired. */
static int bit_fill(const Service *service, const MachineState *state, PassportState *ret,
                    AttestIndices *indices) {
        const StateBit *retire = &state->approval.retire;

        if (retire->index.handle == 0)
                return 0;
        ret->has_index = true;
        ret->bit = retire->bit;
        ret->retired = state->retired;
        int r = index_fill(service, INDEX_STATE, retire->index.handle, &ret->index);
        return r == 0 ? index_add(service, retire->index.handle, indices) : r;
}

static int state_fill(const Service *service, const MachineState *state, PassportState *ret,
                      AttestIndices *indices) {
        *ret = (PassportState){
                .id = state->id,
                .policy = state->approval.policy,
                .values = state->approval.values,
                .approved = state->approved,
                .signature = state->approval.signature,
        };
        text_copy(ret->by, sizeof(ret->by), state->by.text);
        int r = bit_fill(service, state, ret, indices);
        return r == 0 ? store_machine_state_check(service->store, state->id) : r;
}

static int machine_fill(const Service *service, const Seal *seal, PassportMachine *ret,
                        AttestIndices *indices) {
        _cleanup_free_ MachineState *states = NULL;
        size_t count = 0;

        text_copy(ret->profile, sizeof(ret->profile), seal->profile);
        ret->pcrs = service->installation.pcrs;
        indices->state_count = 0;
        int r = store_machine_state_list(service->store, &states, &count);
        for (size_t i = 0; r == 0 && i < count; i++)
                if (state_belongs(&states[i], ret))
                        r = state_fill(service, &states[i], &ret->states[ret->state_count++],
                                       indices);
        return r;
}

/* --- the ledger ------------------------------------------------------------------------------- */

static int ledger_fill(Service *service, PassportLedger *ret, TpmIndex *ret_index) {
        LedgerHead head;

        store_ledger_head(service->store, &head);
        ret->head_seq = head.seq;
        memcpy(ret->head, head.hash, sizeof(ret->head));
        ret->anchor_seq = service->anchoring.last.seq;
        int r = anchor_index(service, ret_index);
        return r == 0 ? index_fill(service, INDEX_LEDGER, ret_index->handle, &ret->index) : r;
}

/* --- its certificate -------------------------------------------------------------------------- */

/* That in force, and those above it; none where the seal has none. */
static int certificates_fill(Service *service, const Seal *seal, PassportDers *ret) {
        _cleanup_chain_ CertificateChain chain = {};

        int r = service_seal_certificates(service, seal->number, &chain);
        for (size_t i = 0; r == 0 && i < chain.count; i++)
                r = passport_ders_add(ret, chain.items[i]);
        return r;
}

/* --- all of it -------------------------------------------------------------------------------- */

int attest_statement_fill(Service *service, const Seal *seal, PassportStatement *statement,
                          AttestIndices *ret_indices) {
        statement->created = service_now(service);
        text_copy(statement->version, sizeof(statement->version), SEALSD_VERSION);
        statement->audit = audit_state(service);
        seal_fill(seal, &statement->seal);
        int r = policy_fill(service, seal, statement);
        if (r == 0)
                r = machine_fill(service, seal, &statement->machine, ret_indices);
        if (r == 0)
                r = ledger_fill(service, &statement->ledger, &ret_indices->ledger);
        if (r == 0)
                r = certificates_fill(service, seal, &statement->certificates);
        return r == 0 ? service_seal_index(service, seal->index, &ret_indices->revocation) : r;
}
