/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/register.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "policy/approval.h"
#include "policy/key.h"
#include "sealsd/store-verify.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"

/* --- files ---------------------------------------------------------------------------------- */

static char folder[64], path[96];

void register_remove(const char *file) {
        static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
        char name[128];

        for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
                (void) snprintf(name, sizeof(name), "%s%s", file, suffixes[i]);
                (void) unlink(name);
        }
}

static void folder_remove(void) {
        register_remove(path);
        (void) rmdir(folder);
}

/* In memory where there is such a place: a commit waits for no disk there. */
const char *register_path(void) {
        if (path[0] != '\0')
                return path;
        (void) snprintf(folder, sizeof(folder), "%s/sealsd-fuzz-XXXXXX",
                        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        fuzz_demand(mkdtemp(folder) != NULL);
        (void) snprintf(path, sizeof(path), "%s/register.db", folder);
        fuzz_demand(atexit(folder_remove) == 0);
        return path;
}

/* --- rows ----------------------------------------------------------------------------------- */

static const uint8_t genesis[LEDGER_HASH_SIZE] = { 1 };
static const Subject user = { .kind = SUBJECT_USER, .id = 1000, .text = "user:alice" };

static void installation_add(Store *store) {
        Installation installation = {
                .phase = INIT_COMPLETE,
                .separation = SEPARATION_DUAL,
                .authority = *fuzz_key(0),
                .pcrs = { .bank = TPM2_ALG_SHA256, .mask = 0x85 },
                .profile = "default",
                .capacity = 62,
                .srk.size = 34,
        };
        RegisterIndex index = { .kind = INDEX_REVOCATION, .handle = REGISTER_INDEX, .used = 3 };
        RegisterIndex ledger = { .kind = INDEX_LEDGER, .handle = REGISTER_INDEX + 1 };

        fuzz_demand(secret_set(&installation.lockout_auth, "secret", 6) == 0);
        fuzz_demand(secret_set(&index.auth, "secret", 6) == 0);
        fuzz_demand(store_installation_save(store, &installation) == 0);
        fuzz_demand(store_index_add(store, &index) == 0 && store_index_add(store, &ledger) == 0);
        fuzz_demand(store_index_mark_written(store, index.handle) == 0);
}

static void machine_state_add(Store *store) {
        MachineState state = { .profile = "default", .approved = 1000, .by = user };
        MachineApproval *approval = &state.approval;

        approval->values.selection = (PcrSelection){ .bank = TPM2_ALG_SHA256, .mask = 0x81 };
        approval->values.values[0].size = approval->values.values[7].size = 32;
        fuzz_demand(machine_state_policy(&approval->values, &approval->policy) == 0);
        approval->signature.sigAlg = TPM2_ALG_ECDSA;
        approval->signature.signature.ecdsa.hash = TPM2_ALG_SHA256;
        approval->signature.signature.ecdsa.signatureR.size = 32;
        approval->signature.signature.ecdsa.signatureS.size = 32;
        approval->ticket.tag = TPM2_ST_VERIFIED;
        approval->ticket.hierarchy = TPM2_RH_OWNER;
        approval->ticket.digest.size = 32;
        fuzz_demand(store_machine_state_add(store, &state) == 0);
}

static void application_fill(Application *application) {
        strcpy(application->name, "Acme");
        application->document_count = 1;
        strcpy(application->documents[0].title, "Licence");
        application->documents[0].hash_size = 32;
        fuzz_demand(application_complete(application, &user, 1000, 10, NULL) == 0);
}

static uint64_t request_add(Store *store) {
        static Request request;
        const Decision decision = { .by = user, .approve = true, .comment = "well", .time = 5 };

        request = (Request){
                .kind = REQUEST_KIND_MAKE,
                .state = REQUEST_APPROVED,
                .applicant = user,
                .number = REGISTER_NUMBER,
                .created = 1000,
                .reviewers_needed = 1,
        };
        application_fill(&request.application);
        strcpy(request.application.token, "token");
        fuzz_demand(request_digest(&request, request.digest) == 0);
        fuzz_demand(store_request_add(store, &request) == 0);
        fuzz_demand(store_decision_add(store, request.id, &decision) == 0);
        return request.id;
}

static void seal_add(Store *store, uint64_t request) {
        static Seal seal;

        seal = (Seal){
                .number = REGISTER_NUMBER,
                .request = request,
                .state = SEAL_ACTIVE,
                .separation = SEPARATION_DUAL,
                .applicant = user,
                .created = 1000,
                .profile = "default",
                .index = REGISTER_INDEX,
                .bit = 2,
                .filing = { .number = "F-1", .authority = "Bureau", .filed = 7 },
                .named_keeper = user,
                .public = *fuzz_key(0),
                .private = { .size = 64 },
        };
        application_fill(&seal.facts);
        seal.made = seal.filed = seal.delivered = seal.accepted = (Act){ .by = user, .time = 9 };
        fuzz_demand(store_seal_add(store, &seal) == 0);
}

static void grant_add(Store *store) {
        Grant grant = { .number = REGISTER_NUMBER,
                        .subject = user,
                        .purposes = PURPOSE_ALL,
                        .count = 3,
                        .giver = user,
                        .given = 9,
                        .reason = "well" };
        Reviewer reviewer = { .subject = user, .pem = "key", .registered = 9, .by = user };

        fuzz_demand(store_grant_add(store, &grant) == 0);
        fuzz_demand(store_reviewer_set(store, &reviewer) == 0);
}

static void ledger_begin(Store *store) {
        static const Event begun = { .code = EVENT_INITIALIZED, .time = 5 };
        static const Event suspended = { .code = EVENT_SEAL_SUSPENDED,
                                         .time = 6,
                                         .seal = REGISTER_NUMBER,
                                         .state = "suspended",
                                         .subject = "user:alice" };
        LedgerAnchor anchor = { .seq = 1, .time = 6 };
        LedgerCheckpoint checkpoint = { .seq = 1, .anchor = 1, .attest_size = 8, .time = 6 };

        fuzz_demand(store_ledger_begin(store, genesis, &begun) == 0);
        fuzz_demand(store_event(store, &suspended) == 0);
        fuzz_demand(store_anchor_add(store, &anchor) == 0);
        fuzz_demand(store_anchor_done(store, anchor.id) == 0);
        fuzz_demand(store_checkpoint_add(store, &checkpoint) == 0);
}

Store *register_make(const char *file, bool with_ledger) {
        Store *store = NULL;

        register_remove(file);
        fuzz_demand(store_open(&store, file, NULL) == 0);
        installation_add(store);
        machine_state_add(store);
        seal_add(store, request_add(store));
        grant_add(store);
        if (with_ledger)
                ledger_begin(store);
        return store;
}

/* --- reading -------------------------------------------------------------------------------- */

#define demand_text(field) fuzz_demand(strnlen(field, sizeof(field)) < sizeof(field))

static void demand_condition(int code) {
        fuzz_demand(code == 0 || code == SEAL_E_REGISTER_TAMPERED || code == SEAL_E_NOT_FOUND ||
                    code == SEAL_E_STORAGE_FAILURE);
}

static void read_installation(Store *store) {
        static Installation installation;
        static RegisterIndex indices[INDICES_MAX + 1];
        size_t count = 0;

        int r = store_installation_load(store, &installation);
        demand_condition(r);
        if (r == 0) {
                demand_text(installation.profile);
                fuzz_demand(installation.pcrs.mask >> PCR_COUNT == 0);
                fuzz_demand(installation.capacity <= CAPACITY_MAX);
                fuzz_demand(installation.srk.size <= sizeof(installation.srk.name));
        }
        demand_condition(store_index_list(store, indices, INDICES_MAX + 1, &count));
        fuzz_demand(count <= INDICES_MAX + 1);
        for (size_t i = 0; i < count; i++)
                fuzz_demand(indices[i].used <= SEALS_PER_INDEX &&
                            indices[i].ordinal <= INDICES_MAX &&
                            indices[i].auth.size <= sizeof(indices[i].auth.data));
        demand_condition(store_index_get(store, REGISTER_INDEX, &indices[0]));
}

static void read_machine_states(Store *store) {
        _cleanup_free_ MachineState *states = NULL;
        size_t count = 0;

        int r = store_machine_state_list(store, &states, &count);
        demand_condition(r);
        fuzz_demand((r == 0) == (states != NULL) && count <= MACHINE_STATES_MAX);
        fuzz_demand(states || count == 0);
        for (size_t i = 0; i < count; i++) {
                const MachineApproval *approval = &states[i].approval;
                TPM2B_DIGEST policy;

                demand_text(states[i].profile);
                fuzz_demand(approval->values.selection.mask >> PCR_COUNT == 0);
                fuzz_demand(approval->policy.size <= sizeof(approval->policy.buffer));
                (void) machine_state_policy(&approval->values, &policy);
        }
}

static void demand_request(Request *request) {
        _cleanup_free_ char *text = NULL;

        demand_text(request->error);
        demand_text(request->application.token);
        fuzz_demand(request->decision_count <= DECISIONS_MAX);
        for (size_t i = 0; i < request->decision_count; i++)
                demand_text(request->decisions[i].comment);
        fuzz_demand(request_describe(request, true, &text) == 0);
        fuzz_demand(text_is_utf8(text, strlen(text)));
}

static void read_requests(Store *store) {
        static Request request, before;
        static const RequestFilter filter = { .state = -1,
                                              .awaiting = AWAITING_ME | AWAITING_MAKING };
        static const RequestFilter all = { .state = -1 };
        _cleanup_free_ RequestRow *rows = NULL, *mine = NULL;
        size_t count = 0, mine_count = 0;
        unsigned open = 0;
        uint64_t id = 0;

        memset(&before, 0xa5, sizeof(before));
        request = before;
        int r = store_request_get(store, 1, &request);
        demand_condition(r);
        if (r == 0)
                demand_request(&request);
        else
                fuzz_demand(fuzz_same(&request, &before, sizeof(before)));
        demand_condition(store_request_list(store, &all, &rows, &count));
        demand_condition(store_request_list(store, &filter, &mine, &mine_count));
        fuzz_demand(count <= PAGE_MAX && mine_count <= PAGE_MAX);
        demand_condition(store_request_count_open(store, &user.id, &open));
        demand_condition(store_request_by_token(store, user.id, "token", &id));
}

static void demand_seal(Store *store, const Seal *seal) {
        static Seal again;
        _cleanup_free_ char *text = NULL;

        demand_text(seal->number);
        demand_text(seal->revocation_reason);
        fuzz_demand(seal->bit < SEALS_PER_INDEX && seal->state < SEAL_STATE_MAX);
        fuzz_demand(seal->filing.document_count <= DOCUMENTS_MAX);
        int r = seal_describe(seal, &(SealContext){ .why_not = "why" }, true, &text);
        fuzz_demand(r == 0 || r == -EINVAL || r == SEAL_E_UNSUPPORTED);
        fuzz_demand((r == 0) == (text != NULL));
        /* What was read can be written, and is the same then; but a page may be damaged. */
        r = store_seal_update(store, seal);
        fuzz_demand(r == 0 || r == SEAL_E_STORAGE_FAILURE || r == SEAL_E_REGISTER_TAMPERED ||
                    r == SEAL_E_NOT_FOUND || r == SEAL_E_ALREADY_EXISTS);
        if (r == 0 && store_seal_get(store, seal->number, &again) == 0)
                fuzz_demand(fuzz_same(&again, seal, sizeof(again)));
}

static void read_seals(Store *store) {
        static Seal seal, before;
        static const SealFilter filter = { .state = -1, .name = "A", .keeper = &user };
        static const SealFilter all = { .state = -1 };
        _cleanup_free_ SealRow *rows = NULL, *some = NULL, *pending = NULL;
        size_t count = 0, some_count = 0, pending_count = 0;
        char number[NUMBER_MAX + 1];
        SealBrief brief;

        demand_condition(store_seal_list(store, &all, &rows, &count));
        demand_condition(store_seal_list(store, &filter, &some, &some_count));
        demand_condition(store_seal_list_pending(store, &pending, &pending_count));
        for (size_t i = 0; i < count; i++) {
                demand_text(rows[i].name);
                demand_text(rows[i].number);
        }
        demand_condition(store_seal_get_brief(store, REGISTER_NUMBER, &brief));
        demand_condition(store_seal_by_bit(store, REGISTER_INDEX, 2, number));
        memset(&before, 0xa5, sizeof(before));
        seal = before;
        int r = store_seal_get(store, REGISTER_NUMBER, &seal);
        demand_condition(r);
        if (r == 0)
                demand_seal(store, &seal);
        else
                fuzz_demand(fuzz_same(&seal, &before, sizeof(before)));
}

static void read_grants(Store *store) {
        const Act act = { .by = user, .time = 11 };
        static Grant grant, before;
        const GrantFilter all = {};
        _cleanup_free_ Grant *grants = NULL;
        _cleanup_free_ Reviewer *reviewers = NULL;
        _cleanup_free_ uint64_t *ended = NULL;
        size_t count = 0, reviewer_count = 0, ended_count = 0;
        Reviewer reviewer;

        memset(&before, 0xa5, sizeof(before));
        grant = before;
        int r = store_grant_get(store, 1, &grant);
        demand_condition(r);
        if (r == 0) {
                demand_text(grant.reason);
                demand_text(grant.end_reason);
                fuzz_demand(grant.purposes <= PURPOSE_ALL);
        } else
                fuzz_demand(fuzz_same(&grant, &before, sizeof(before)));
        demand_condition(store_grant_list(store, &all, &grants, &count));
        demand_condition(store_reviewer_get(store, &user, &reviewer));
        demand_condition(store_reviewer_list(store, &reviewers, &reviewer_count));
        r = store_grants_end(store, REGISTER_NUMBER, NULL, &act, "why", &ended, &ended_count);
        demand_condition(r);
        fuzz_demand((r == 0) == (ended != NULL) && ended_count <= GRANTS_MAX);
}

/* What revoking and using a seal change, whatever else its row has. */
static void change_seal(Store *store) {
        const Act act = { .by = user, .time = 11 };
        TPM2_HANDLE index;
        unsigned bit;
        uint64_t use = 0;

        int r = store_use_take(store, REGISTER_NUMBER, 1, 1, &use, NULL);
        fuzz_demand(r == SEAL_E_LIMIT_REACHED || fuzz_code_is_known(r));
        demand_condition(store_use_return(store, REGISTER_NUMBER, 1, use, 1));
        demand_condition(store_seal_mark_revoked(store, REGISTER_NUMBER, &act, "why"));
        demand_condition(store_seal_settle_revoked(store, REGISTER_NUMBER));
        r = store_bit_take(store, &index, &bit);
        fuzz_demand(r != 0 || bit < SEALS_PER_INDEX);
}

static void read_ledger(Store *store) {
        static const uint8_t value[LEDGER_HASH_SIZE];
        const LedgerFilter all = { .newest_first = true }, some = { .first = 1,
                                                                    .since = 1,
                                                                    .until = UINT32_MAX,
                                                                    .seal = REGISTER_NUMBER,
                                                                    .subject = "user:alice",
                                                                    .event = "seal-suspended" };
        LedgerCheckpoint checkpoints[2];
        LedgerAnchor anchor;
        char **texts = NULL, **few = NULL;
        size_t count = 0, few_count = 0, checkpoint_count = 0;
        SealState state;

        demand_condition(store_ledger_list(store, &all, &texts, &count));
        demand_condition(store_ledger_list(store, &some, &few, &few_count));
        for (size_t i = 0; i < count; i++)
                fuzz_demand(strlen(texts[i]) <= LEDGER_ROW_MAX);
        texts_free(texts, count);
        texts_free(few, few_count);
        int r = store_state_at(store, REGISTER_NUMBER, 7, &state);
        demand_condition(r);
        fuzz_demand(r != 0 || state < SEAL_STATE_MAX);
        demand_condition(store_anchor_last(store, true, &anchor));
        demand_condition(store_anchor_last(store, false, &anchor));
        demand_condition(store_anchor_by_value(store, value, &anchor));
        demand_condition(store_checkpoint_list(store, 2, checkpoints, &checkpoint_count));
        for (size_t i = 0; i < checkpoint_count; i++)
                fuzz_demand(checkpoints[i].attest_size <= sizeof(checkpoints[i].attest) &&
                            checkpoints[i].signature_size <= sizeof(checkpoints[i].signature));
        demand_condition(store_event(store, &(Event){ .code = EVENT_STARTED }));
}

/* Every break is told, and none ends the check; what was found can be acknowledged. */
static void verify(Store *store) {
        static const Event event = { .code = EVENT_TAMPERING_ACKNOWLEDGED };
        _cleanup_(store_closep) Store *reader = NULL;
        _cleanup_(verify_report_done) VerifyReport report = {};
        VerifyOptions options = {};

        memcpy(options.head, genesis, sizeof(genesis));
        int r = store_reader_open(&reader, path, NULL);
        demand_condition(r);
        if (r != 0)
                return;
        r = store_verify(reader, &options, &report, NULL);
        demand_condition(r);
        if (r != 0)
                return;
        demand_text(report.place);
        demand_text(report.text);
        fuzz_demand((report.breaks > 0) == (report.place[0] != '\0'));
        fuzz_demand(text_is_utf8(report.text, strlen(report.text)));
        r = store_acknowledge(store, &event, &report);
        fuzz_demand(r == SEAL_E_LIMITS_EXCEEDED || fuzz_code_is_known(r));
}

void register_read_all(Store *store) {
        LedgerHead head;

        read_installation(store);
        read_machine_states(store);
        read_requests(store);
        read_seals(store);
        change_seal(store);
        read_grants(store);
        read_ledger(store);
        store_ledger_head(store, &head);
        if (head.seq > 0)
                verify(store);
}
