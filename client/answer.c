/* SPDX-License-Identifier: Apache-2.0 */
#include "client/answer.h"

#include <string.h>

#include "client/bus-call.h"
#include "client/challenge-facts.h"
#include "client/output.h"

/* At most two are offered at a time: indices, ledger, machine state, and some that expired. */
#define ROUNDS_MAX (2 * INDICES_MAX + 16)
#define CHALLENGE_MAX 256

typedef struct OfferedBytes {
        const char *id;
        const char *kind;
        uint8_t data[CHALLENGE_MAX];
        size_t size;
} OfferedBytes;

static int challenge_read(const Context *context, const json_t *row, OfferedBytes *ret) {
        const char *hex = json_string_value(json_array_get(row, 2));

        ret->id = json_string_value(json_array_get(row, 0));
        ret->kind = json_string_value(json_array_get(row, 1));
        ret->size = hex ? strlen(hex) / 2 : 0;
        if (!ret->id || !ret->kind || !hex || ret->size > sizeof(ret->data) ||
            !hex_decode(hex, ret->data, ret->size))
                return fail(context, EXIT_OTHER, "the daemon's challenge cannot be read");
        return 0;
}

static unsigned fence_of(const json_t *status) {
        return (unsigned) json_integer_value(json_object_get(status, "fence-pcr"));
}

static int check_machine(Context *context, const json_t *status, EVP_PKEY *key, Bytes bytes) {
        _cleanup_(json_freep) json_t *state = NULL;
        MachineFacts facts = {};
        ErrorDetail detail = {};

        int r = call_json(context, MANAGER_PATH, MANAGER, "GetMachineState", NULL, &state);
        if (r == 0)
                r = machine_facts_read(context, state, fence_of(status), key, &facts);
        if (r != 0)
                return r;
        r = challenge_check_machine(&facts, bytes, &detail);
        if (r != 0)
                return fail(context, EXIT_NOT_ALLOWED, "%s", error_describe(r, &detail));
        note(context, "Checked: approves the present state (%s) for profile '%s'%s",
             json_text(state, "pcrs"), facts.profile,
             facts.state_index != 0 ? ", until it is retired" : "");
        return 0;
}

static bool index_is_state(const IndexFacts *facts, TPM2_HANDLE handle) {
        for (size_t i = 0; i < facts->n_states; i++)
                if (facts->states[i] == handle)
                        return true;
        return false;
}

static int check_index(Context *context, const json_t *status, EVP_PKEY *key, Bytes bytes) {
        IndexFacts facts = {};
        ErrorDetail detail = {};
        TPM2_HANDLE handle = 0;

        int r = index_facts_read(context, status, key, &facts);
        if (r != 0)
                return r;
        r = challenge_check_index(&facts, bytes, &handle, &detail);
        if (r != 0)
                return fail(context, EXIT_NOT_ALLOWED, "%s", error_describe(r, &detail));
        note(context, "Checked: first write of %s index 0x%08x",
             handle == facts.ledger           ? "the ledger"
             : index_is_state(&facts, handle) ? "the machine states'"
                                              : "revocation",
             handle);
        return 0;
}

static int check_separation(const Context *context, const Authority *authority, Bytes bytes) {
        TPM2B_NAME name = {};
        ErrorDetail detail = {};

        int r = challenge_authority_name(authority->key, &name, &detail);
        if (r == 0)
                r = challenge_check_separation(&name, authority->separation, bytes, &detail);
        if (r != 0)
                return fail(context, EXIT_NOT_ALLOWED, "%s", error_describe(r, &detail));
        note(context, "Checked: lowers the separation of duties to '%s'", authority->separation);
        return 0;
}

static int challenge_check(Context *context, const json_t *status, const Authority *authority,
                           const OfferedBytes *challenge) {
        Bytes bytes = { challenge->data, challenge->size };

        if (strcmp(challenge->kind, "machine-state") == 0)
                return check_machine(context, status, authority->key, bytes);
        if (strcmp(challenge->kind, "index") == 0)
                return check_index(context, status, authority->key, bytes);
        if (strcmp(challenge->kind, "separation") == 0)
                return check_separation(context, authority, bytes);
        return fail(context, EXIT_NOT_ALLOWED,
                    "Refused to sign: challenges of kind '%s' are not known here", challenge->kind);
}

int answer_send(Context *context, const char *id, Bytes signature) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "Answer", &call);
        if (r != 0)
                return r;
        int built = text_append(call, id);
        if (built >= 0)
                built = sd_bus_message_append_array(call, 'y', signature.data, signature.size);
        r = call_built(context, built);
        return r != 0 ? r : call_send(context, call, NULL);
}

static int answer_one(Context *context, const Authority *authority, const json_t *status,
                      const json_t *row) {
        OfferedBytes challenge = {};
        _cleanup_free_ uint8_t *signature = NULL;
        size_t size = 0;

        int r = challenge_read(context, row, &challenge);
        if (r == 0)
                r = challenge_check(context, status, authority, &challenge);
        if (r == 0)
                r = authority_sign(context, authority, (Bytes){ challenge.data, challenge.size },
                                   &signature, &size);
        return r != 0 ? r : answer_send(context, challenge.id, (Bytes){ signature, size });
}

/* The fingerprints of the key at hand and of the machine's authority must be one. */
static int authority_compare(const Context *context, const json_t *status, EVP_PKEY *key) {
        char ours[FINGERPRINT_SIZE], theirs[FINGERPRINT_SIZE] = "?";
        const char *pem = json_text(status, "authority-public");
        _cleanup_(pkey_freep) EVP_PKEY *pinned = authority_public_parse(pem);

        if (pem[0] == '\0')
                return fail(
                        context, EXIT_WRONG_STATE,
                        "This machine has no authority yet: an administrator runs 'sealctl init'");
        authority_fingerprint(key, ours);
        if (pinned)
                authority_fingerprint(pinned, theirs);
        note(context, "Authority key at hand:     SHA256 %s", ours);
        note(context, "Authority of this machine: SHA256 %s", theirs);
        if (pinned && EVP_PKEY_eq(pinned, key) == 1)
                return 0;
        return fail(context, EXIT_NOT_ALLOWED,
                    "Refused to sign: this machine's authority is another key (SHA256 %s)", theirs);
}

static int status_get(Context *context, json_t **ret) {
        return call_json(context, MANAGER_PATH, MANAGER, "GetStatus", NULL, ret);
}

/* What is offered now; ret_count 0 when nothing is. */
static int answer_round(Context *context, const Authority *authority, size_t *ret_count) {
        _cleanup_(json_freep) json_t *rows = NULL, *status = NULL;
        json_t *row;
        size_t i;

        int r = call_json(context, MANAGER_PATH, MANAGER, "ListChallenges", NULL, &rows);
        if (r == 0)
                r = status_get(context, &status);
        json_array_foreach(rows, i, row)
                if (r == 0)
                        r = answer_one(context, authority, status, row);
        if (r == 0)
                *ret_count = json_array_size(rows);
        return r;
}

int answer_all(Context *context, const Authority *authority, unsigned *ret_answered) {
        _cleanup_(json_freep) json_t *status = NULL;
        unsigned answered = 0;
        size_t count = 1;

        int r = status_get(context, &status);
        if (r == 0)
                r = authority_compare(context, status, authority->key);
        for (unsigned round = 0; r == 0 && count > 0 && round < ROUNDS_MAX; round++) {
                r = answer_round(context, authority, &count);
                answered += (unsigned) count;
        }
        if (r != 0)
                return r;
        if (count > 0)
                return fail(context, EXIT_OTHER, "the daemon asks without end");
        *ret_answered = answered;
        return 0;
}

static int approve_send(Context *context, const char *profile, Bytes signature) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "ApproveMachineState", &call);
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        entry_bytes(&e, "signature", signature);
        entry_text(&e, "profile", profile);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send(context, call, NULL);
}

/* The bytes to sign as GetMachineState gives them, checked against its own values. */
static int to_sign_get(Context *context, const json_t *status, EVP_PKEY *key, OfferedBytes *ret) {
        _cleanup_(json_freep) json_t *state = NULL, *row = NULL;

        int r = call_json(context, MANAGER_PATH, MANAGER, "GetMachineState", NULL, &state);
        if (r != 0)
                return r;
        row = json_pack("[sss]", "", "", json_text(state, "to-sign"));
        r = challenge_read(context, row, ret);
        ret->id = ret->kind = NULL; /* they go with the row */
        return r != 0 ? r : check_machine(context, status, key, (Bytes){ ret->data, ret->size });
}

int answer_machine_state(Context *context, const Authority *authority, const char *profile) {
        _cleanup_(json_freep) json_t *status = NULL;
        _cleanup_free_ uint8_t *signature = NULL;
        OfferedBytes challenge = {};
        size_t size = 0;

        int r = status_get(context, &status);
        if (r == 0)
                r = authority_compare(context, status, authority->key);
        if (r == 0)
                r = to_sign_get(context, status, authority->key, &challenge);
        if (r == 0)
                r = authority_sign(context, authority, (Bytes){ challenge.data, challenge.size },
                                   &signature, &size);
        return r != 0 ? r : approve_send(context, profile, (Bytes){ signature, size });
}
