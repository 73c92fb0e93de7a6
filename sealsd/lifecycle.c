/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/lifecycle.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) ((int) (sizeof(array) / sizeof((array)[0])))
#define FROM(state) (1U << (state))

static const char *const separations[SEPARATION_MAX] = {
        [SEPARATION_NONE] = "none",
        [SEPARATION_DUAL] = "dual",
        [SEPARATION_STRICT] = "strict",
        [SEPARATION_SINGLE] = "single",
};

static const char *const seal_states[SEAL_STATE_MAX] = {
        [SEAL_MADE] = "made",     [SEAL_FILED] = "filed",     [SEAL_DELIVERED] = "delivered",
        [SEAL_ACTIVE] = "active", [SEAL_REVOKED] = "revoked",
};

static const char *const request_states[REQUEST_STATE_MAX] = {
        [REQUEST_APPLIED] = "applied",     [REQUEST_APPROVED] = "approved",
        [REQUEST_MAKING] = "making",       [REQUEST_COMPLETED] = "completed",
        [REQUEST_FAILED] = "failed",       [REQUEST_REJECTED] = "rejected",
        [REQUEST_CANCELLED] = "cancelled", [REQUEST_EXPIRED] = "expired",
};

/*
 * The table: an operation, the states that it may come from, and the one that it leads to (design,
 * section 4). KEEP says that the state stays.
 */
#define KEEP (-1)

typedef struct Transition {
        const char *name;
        unsigned from;
        int to;
} Transition;

static const Transition seal_table[SEAL_OPERATION_MAX] = {
        [SEAL_RECORD_FILING] = { "RecordFiling", FROM(SEAL_MADE), SEAL_FILED },
        [SEAL_DELIVER] = { "Deliver", FROM(SEAL_FILED), SEAL_DELIVERED },
        [SEAL_ACCEPT] = { "Accept", FROM(SEAL_DELIVERED), SEAL_ACTIVE },
        [SEAL_DECLINE] = { "Decline", FROM(SEAL_DELIVERED), SEAL_FILED },
        [SEAL_SIGN] = { "Sign", FROM(SEAL_ACTIVE), KEEP },
        [SEAL_REVOKE] = { "Revoke",
                          FROM(SEAL_MADE) | FROM(SEAL_FILED) | FROM(SEAL_DELIVERED) |
                                  FROM(SEAL_ACTIVE),
                          SEAL_REVOKED },
};

static const Transition request_table[REQUEST_OPERATION_MAX] = {
        [REQUEST_APPROVE] = { "Approve", FROM(REQUEST_APPLIED), REQUEST_APPROVED },
        [REQUEST_REJECT] = { "Reject", FROM(REQUEST_APPLIED), REQUEST_REJECTED },
        [REQUEST_CANCEL] = { "Cancel",
                             FROM(REQUEST_APPLIED) | FROM(REQUEST_APPROVED) | FROM(REQUEST_FAILED),
                             REQUEST_CANCELLED },
        [REQUEST_MAKE] = { "Make", FROM(REQUEST_APPROVED) | FROM(REQUEST_FAILED), REQUEST_MAKING },
};

/* Values come from the register too: one that is out of range has no word. */
static const char *word(const char *const *words, int count, int value) {
        return value >= 0 && value < count ? words[value] : "?";
}

static int word_find(const char *const *words, int first, int count, const char *name) {
        for (int i = first; i < count; i++)
                if (strcmp(words[i], name) == 0)
                        return i;
        return -1;
}

const char *separation_name(Separation separation) {
        return word(separations, COUNT(separations), (int) separation);
}

const char *seal_state_name(SealState state) {
        return word(seal_states, COUNT(seal_states), (int) state);
}

const char *request_state_name(RequestState state) {
        return word(request_states, COUNT(request_states), (int) state);
}

const char *seal_operation_name(SealOperation operation) {
        return (int) operation >= 0 && operation < SEAL_OPERATION_MAX ? seal_table[operation].name
                                                                      : "?";
}

const char *request_operation_name(RequestOperation operation) {
        return (int) operation >= 0 && operation < REQUEST_OPERATION_MAX
                       ? request_table[operation].name
                       : "?";
}

/* "none" is no mode that anybody chooses. */
int separation_from_name(const char *name) {
        return word_find(separations, SEPARATION_DUAL, COUNT(separations), name);
}

int seal_state_from_name(const char *name) {
        return word_find(seal_states, 0, COUNT(seal_states), name);
}

int request_state_from_name(const char *name) {
        return word_find(request_states, 0, COUNT(request_states), name);
}

/* "The seal is made: Sign is not possible now, but RecordFiling, Revoke" */
static int refuse(const Transition *table, int count, int operation, int from, const char *noun,
                  const char *state, ErrorDetail *detail) {
        char allowed[128] = "";
        size_t used = 0;

        for (int i = 0; i < count; i++)
                if (table[i].from & FROM(from))
                        used += (size_t) snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
                                                  used > 0 ? ", " : "", table[i].name);
        if (used == 0)
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "The %s is %s: %s is not possible, and nothing else is", noun,
                                 state, table[operation].name);
        return error_set(detail, SEAL_E_INVALID_STATE,
                         "The %s is %s: %s is not possible now, but %s", noun, state,
                         table[operation].name, allowed);
}

static bool transition_find(const Transition *transition, int from, int *ret) {
        if (!(transition->from & FROM(from)))
                return false;
        *ret = transition->to == KEEP ? from : transition->to;
        return true;
}

int seal_transition(SealState from, SealOperation operation, SealState *ret, ErrorDetail *detail) {
        int to;

        if ((int) from < 0 || from >= SEAL_STATE_MAX || (int) operation < 0 ||
            operation >= SEAL_OPERATION_MAX)
                return error_set(detail, SEAL_E_INVALID_STATE, "The seal's state is not known");
        if (transition_find(&seal_table[operation], (int) from, &to)) {
                *ret = (SealState) to;
                return 0;
        }
        if (operation == SEAL_SIGN && from == SEAL_REVOKED)
                return SEAL_E_REVOKED;
        return refuse(seal_table, SEAL_OPERATION_MAX, (int) operation, (int) from, "seal",
                      seal_states[from], detail);
}

int request_transition(RequestState from, RequestOperation operation, RequestState *ret,
                       ErrorDetail *detail) {
        int to;

        if ((int) from < 0 || from >= REQUEST_STATE_MAX || (int) operation < 0 ||
            operation >= REQUEST_OPERATION_MAX)
                return error_set(detail, SEAL_E_INVALID_STATE, "The request's state is not known");
        if (transition_find(&request_table[operation], (int) from, &to)) {
                *ret = (RequestState) to;
                return 0;
        }
        return refuse(request_table, REQUEST_OPERATION_MAX, (int) operation, (int) from, "request",
                      request_states[from], detail);
}

bool request_state_open(RequestState state) {
        return state == REQUEST_APPLIED || state == REQUEST_APPROVED || state == REQUEST_MAKING ||
               state == REQUEST_FAILED;
}
