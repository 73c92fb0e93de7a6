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
        [SEAL_MADE] = "made",
        [SEAL_FILED] = "filed",
        [SEAL_DELIVERED] = "delivered",
        [SEAL_ACTIVE] = "active",
        [SEAL_SUSPENDED] = "suspended",
        [SEAL_LOST] = "lost",
        [SEAL_SURRENDERED] = "surrendered",
        [SEAL_REVOKED] = "revoked",
        [SEAL_DESTROYED] = "destroyed",
};

/* No state is a dead end without saying so. Each names an operation that leads on. */
static const char *const seal_ways[SEAL_STATE_MAX] = {
        [SEAL_MADE] = "RecordFiling comes next",
        [SEAL_FILED] = "Deliver comes next",
        [SEAL_DELIVERED] = "its keeper does Accept or Decline, Surrender takes it back",
        [SEAL_ACTIVE] = "Sign is possible",
        [SEAL_SUSPENDED] = "Resume lets it sign again, Surrender takes it back",
        [SEAL_LOST] = "ReportFound, Surrender and Revoke lead on",
        [SEAL_SURRENDERED] = "Deliver hands it out again, Revoke ends it",
        [SEAL_REVOKED] = "Destroy erases its key; for another seal somebody applies anew",
        [SEAL_DESTROYED] = "it stays so; for another seal somebody applies anew",
};

static const char *const timings[TIMING_MAX] = {
        [TIMING_VALID] = "valid",
        [TIMING_NOT_YET_VALID] = "not-yet-valid",
        [TIMING_EXPIRED] = "expired",
        [TIMING_SUPERSEDED] = "superseded",
};

static const char *const timing_ways[TIMING_MAX] = {
        [TIMING_VALID] = "nothing stands in its way",
        [TIMING_NOT_YET_VALID] = "its time comes",
        [TIMING_EXPIRED] = "apply for Recertify (the same key) or Renew (a new one)",
        [TIMING_SUPERSEDED] = "use the seal that replaces it; Revoke ends this one",
};

/* The design's table: what each kind of request does to the seal that it concerns. */
static const struct {
        const char *name;
        SealOperation operation;
} kinds[KIND_COUNT] = {
        [KIND_MAKE] = { "make", SEAL_OPERATION_MAX },
        [KIND_RENEW] = { "renew", SEAL_RENEW },
        [KIND_RECERTIFY] = { "recertify", SEAL_RECERTIFY },
        [KIND_AMEND] = { "amend", SEAL_AMEND },
        [KIND_TRANSFER] = { "transfer", SEAL_TRANSFER },
        [KIND_REVOKE] = { "revoke", SEAL_REVOKE },
        [KIND_RESUME] = { "resume", SEAL_RESUME },
        [KIND_DESTROY] = { "destroy", SEAL_DESTROY },
        [KIND_REVIEW] = { "review", SEAL_OPERATION_MAX },
        [KIND_USE] = { "use", SEAL_OPERATION_MAX },
};

static const char *const request_states[REQUEST_STATE_MAX] = {
        [REQUEST_APPLIED] = "applied",     [REQUEST_APPROVED] = "approved",
        [REQUEST_MAKING] = "making",       [REQUEST_COMPLETED] = "completed",
        [REQUEST_FAILED] = "failed",       [REQUEST_REJECTED] = "rejected",
        [REQUEST_CANCELLED] = "cancelled", [REQUEST_EXPIRED] = "expired",
};

/*
 * The table: an operation, the states that it may come from, the one that it leads to (design,
 * section 4), who does it, and how. KEEP says that the state stays.
 */
#define KEEP (-1)
#define ALIVE (FROM(SEAL_REVOKED) - 1) /* made to surrendered: the order of the enumeration */

static const SealOperationFacts seal_table[SEAL_OPERATION_MAX] = {
        [SEAL_RECORD_FILING] = { "RecordFiling", FROM(SEAL_MADE), SEAL_FILED,
                                 "maker, administrator", true, false },
        [SEAL_DELIVER] = { "Deliver", FROM(SEAL_FILED) | FROM(SEAL_SURRENDERED), SEAL_DELIVERED,
                           "administrator", true, false },
        [SEAL_ACCEPT] = { "Accept", FROM(SEAL_DELIVERED), SEAL_ACTIVE, "the named keeper", true,
                          false },
        [SEAL_DECLINE] = { "Decline", FROM(SEAL_DELIVERED), SEAL_FILED, "the named keeper", true,
                           false },
        [SEAL_SIGN] = { "Sign", FROM(SEAL_ACTIVE), KEEP, "keeper, user by a grant", true, false },
        [SEAL_CHANGE_PIN] = { "ChangePin", FROM(SEAL_ACTIVE) | FROM(SEAL_SUSPENDED), KEEP, "keeper",
                              true, false },
        [SEAL_ADD_GRANT] = { "AddGrant", FROM(SEAL_ACTIVE) | FROM(SEAL_SUSPENDED), KEEP,
                             "keeper, administrator", true, false },
        [SEAL_SUSPEND] = { "Suspend", FROM(SEAL_ACTIVE), SEAL_SUSPENDED, "keeper, administrator",
                           true, false },
        [SEAL_RESUME] = { "Resume", FROM(SEAL_SUSPENDED), SEAL_ACTIVE,
                          "administrator who did not suspend it; reviewers", true, true },
        [SEAL_REPORT_LOST] = { "ReportLost",
                               FROM(SEAL_DELIVERED) | FROM(SEAL_ACTIVE) | FROM(SEAL_SUSPENDED),
                               SEAL_LOST, "keeper, administrator", true, false },
        [SEAL_REPORT_FOUND] = { "ReportFound", FROM(SEAL_LOST), SEAL_SUSPENDED,
                                "keeper, administrator", true, false },
        [SEAL_SURRENDER] = { "Surrender",
                             FROM(SEAL_DELIVERED) | FROM(SEAL_ACTIVE) | FROM(SEAL_SUSPENDED) |
                                     FROM(SEAL_LOST),
                             SEAL_SURRENDERED, "keeper, administrator", true, false },
        [SEAL_TRANSFER] = { "Transfer",
                            FROM(SEAL_ACTIVE) | FROM(SEAL_SUSPENDED) | FROM(SEAL_LOST) |
                                    FROM(SEAL_SURRENDERED),
                            SEAL_DELIVERED, "reviewers", false, true },
        [SEAL_RENEW] = { "Renew", FROM(SEAL_ACTIVE) | FROM(SEAL_SUSPENDED) | FROM(SEAL_SURRENDERED),
                         KEEP, "reviewers", false, true },
        [SEAL_RECERTIFY] = { "Recertify", ALIVE, KEEP, "reviewers", false, true },
        [SEAL_AMEND] = { "Amend", ALIVE, KEEP, "reviewers", false, true },
        [SEAL_REVOKE] = { "Revoke", ALIVE, SEAL_REVOKED, "administrator; reviewers", true, true },
        [SEAL_DESTROY] = { "Destroy", FROM(SEAL_REVOKED), SEAL_DESTROYED,
                           "administrator who did not revoke it; reviewers", true, true },
};

/* Kinds that reviewers decide about, and the one that approvers sign for. */
#define REVIEWED 1U
#define SIGNED_FOR 2U

typedef struct Transition {
        const char *name;
        unsigned kinds;
        unsigned from;
        int to;
} Transition;

static const Transition request_table[REQUEST_OPERATION_MAX] = {
        [REQUEST_APPROVE] = { "Approve", REVIEWED, FROM(REQUEST_APPLIED), REQUEST_APPROVED },
        [REQUEST_REJECT] = { "Reject", REVIEWED, FROM(REQUEST_APPLIED), REQUEST_REJECTED },
        [REQUEST_CANCEL] = { "Cancel", REVIEWED | SIGNED_FOR,
                             FROM(REQUEST_APPLIED) | FROM(REQUEST_APPROVED) | FROM(REQUEST_FAILED),
                             REQUEST_CANCELLED },
        [REQUEST_MAKE] = { "Make", REVIEWED, FROM(REQUEST_APPROVED) | FROM(REQUEST_FAILED),
                           REQUEST_MAKING },
        [REQUEST_AUTHORIZE] = { "Authorize", SIGNED_FOR,
                                FROM(REQUEST_APPLIED) | FROM(REQUEST_APPROVED), REQUEST_APPROVED },
        [REQUEST_WITHDRAW] = { "WithdrawApproval", SIGNED_FOR,
                               FROM(REQUEST_APPLIED) | FROM(REQUEST_APPROVED), REQUEST_APPLIED },
        [REQUEST_COLLECT] = { "Collect", SIGNED_FOR, FROM(REQUEST_APPROVED), REQUEST_COMPLETED },
        [REQUEST_COMPLETE] = { "Make", REVIEWED, FROM(REQUEST_APPROVED) | FROM(REQUEST_FAILED),
                               REQUEST_COMPLETED },
        [REQUEST_EXPIRE] = { "Expire", REVIEWED | SIGNED_FOR,
                             FROM(REQUEST_APPLIED) | FROM(REQUEST_APPROVED), REQUEST_EXPIRED },
};

/* What people may call: completing is what Make does to the kinds that make no key. */
#define REQUEST_CALLED (REQUEST_COLLECT + 1)

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

const char *seal_timing_name(SealTiming timing) {
        return word(timings, COUNT(timings), (int) timing);
}

const char *request_kind_name(RequestKind kind) {
        return (int) kind >= 0 && kind < KIND_COUNT ? kinds[kind].name : "?";
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

int request_kind_from_name(const char *name) {
        for (int i = 0; i < KIND_COUNT; i++)
                if (strcmp(kinds[i].name, name) == 0)
                        return i;
        return -1;
}

int request_state_from_name(const char *name) {
        return word_find(request_states, 0, COUNT(request_states), name);
}

/* The names of a table's rows that a state allows, in the table's order. */
typedef struct NameList {
        char text[256];
        size_t used;
} NameList;

static void names_add(NameList *list, const char *name) {
        list->used += (size_t) snprintf(list->text + list->used, sizeof(list->text) - list->used,
                                        "%s%s", list->used > 0 ? ", " : "", name);
}

/* "The seal is made: Sign is not possible now, but RecordFiling, Revoke" */
static int refuse(const char *noun, const char *state, const char *operation,
                  const NameList *allowed, ErrorDetail *detail) {
        if (allowed->used == 0)
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "The %s is %s: %s is not possible, and nothing else is; for "
                                 "another seal somebody applies anew",
                                 noun, state, operation);
        return error_set(detail, SEAL_E_INVALID_STATE,
                         "The %s is %s: %s is not possible now, but %s", noun, state, operation,
                         allowed->text);
}

/* 0 where "InvalidState" is as exact as it gets. */
static int sign_condition(SealState state) {
        switch (state) {
        case SEAL_SUSPENDED:
                return SEAL_E_SUSPENDED;
        case SEAL_LOST:
                return SEAL_E_LOST;
        case SEAL_SURRENDERED:
                return SEAL_E_SURRENDERED;
        case SEAL_REVOKED:
                return SEAL_E_REVOKED;
        case SEAL_DESTROYED:
                return SEAL_E_DESTROYED;
        default:
                return 0;
        }
}

static int seal_refuse(SealState from, SealOperation operation, ErrorDetail *detail) {
        int condition = operation == SEAL_SIGN ? sign_condition(from) : 0;
        NameList allowed = {};

        if (condition != 0)
                return error_set(detail, condition, "The seal is %s: %s", seal_states[from],
                                 seal_ways[from]);
        for (int i = 0; i < SEAL_OPERATION_MAX; i++)
                if (seal_table[i].from & FROM(from))
                        names_add(&allowed, seal_table[i].name);
        return refuse("seal", seal_states[from], seal_table[operation].name, &allowed, detail);
}

int seal_transition(SealState from, SealOperation operation, SealState *ret, ErrorDetail *detail) {
        if ((int) from < 0 || from >= SEAL_STATE_MAX || (int) operation < 0 ||
            operation >= SEAL_OPERATION_MAX)
                return error_set(detail, SEAL_E_INVALID_STATE, "The seal's state is not known");
        const SealOperationFacts *facts = &seal_table[operation];
        if (!(facts->from & FROM(from)))
                return seal_refuse(from, operation, detail);
        *ret = facts->to == KEEP ? from : (SealState) facts->to;
        return 0;
}

const char *seal_state_way(SealState state) {
        return word(seal_ways, COUNT(seal_ways), (int) state);
}

const char *seal_timing_way(SealTiming timing) {
        return word(timing_ways, COUNT(timing_ways), (int) timing);
}

SealTiming seal_timing(uint64_t not_before, uint64_t not_after, uint64_t superseded_at,
                       uint64_t now) {
        if (now < not_before)
                return TIMING_NOT_YET_VALID;
        if (now > not_after)
                return TIMING_EXPIRED;
        return superseded_at != 0 && now >= superseded_at ? TIMING_SUPERSEDED : TIMING_VALID;
}

bool seal_operation_is_timed(SealOperation operation) {
        return operation == SEAL_SIGN || operation == SEAL_RESUME || operation == SEAL_DELIVER ||
               operation == SEAL_ACCEPT;
}

const SealOperationFacts *seal_operation_facts(SealOperation operation) {
        return (int) operation >= 0 && operation < SEAL_OPERATION_MAX ? &seal_table[operation]
                                                                      : NULL;
}

SealOperation request_kind_operation(RequestKind kind) {
        return (int) kind >= 0 && kind < KIND_COUNT ? kinds[kind].operation : SEAL_OPERATION_MAX;
}

bool request_kind_makes(RequestKind kind) {
        return kind == KIND_MAKE || kind == KIND_RENEW;
}

int request_transition(RequestKind kind, RequestState from, RequestOperation operation,
                       RequestState *ret, ErrorDetail *detail) {
        const unsigned which = kind == KIND_USE ? SIGNED_FOR : REVIEWED;
        NameList allowed = {};

        if ((int) from < 0 || from >= REQUEST_STATE_MAX || (int) operation < 0 ||
            operation >= REQUEST_OPERATION_MAX)
                return error_set(detail, SEAL_E_INVALID_STATE, "The request's state is not known");
        const Transition *transition = &request_table[operation];
        if (transition->kinds & which && transition->from & FROM(from)) {
                *ret = (RequestState) transition->to;
                return 0;
        }
        for (int i = 0; i < REQUEST_CALLED; i++)
                if (request_table[i].kinds & which && request_table[i].from & FROM(from))
                        names_add(&allowed, request_table[i].name);
        if (allowed.used == 0)
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "The request is %s: %s is not possible any more",
                                 request_states[from], transition->name);
        return refuse("request", request_states[from], transition->name, &allowed, detail);
}

bool request_state_open(RequestState state) {
        return state == REQUEST_APPLIED || state == REQUEST_APPROVED || state == REQUEST_MAKING ||
               state == REQUEST_FAILED;
}
