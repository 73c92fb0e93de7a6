/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The challenges that are on offer: a table by id, owned by the worker thread, since each may hold
 * a session in the chip. At most CHALLENGES_OFFERED_MAX, each with a deadline. Among them count the
 * sessions that wait for live approvals of a use.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "policy/approval.h"
#include "policy/pcr.h"
#include "tpm/index.h"
#include "tpm/live-use.h"

#define CHALLENGE_ID_MAX 31

typedef struct OfferedChallenge {
        char id[CHALLENGE_ID_MAX + 1]; /* "" marks a free slot */
        TPM2_HANDLE handle;            /* of the index; 0 for a machine state */
        TpmChallenge *session;         /* owned; NULL for a machine state */
        PcrValues values;              /* machine state only */
        size_t size;
        uint8_t bytes[APPROVAL_BYTES_MAX]; /* what is to be signed */
        uint64_t expires;
} OfferedChallenge;

/* A session that waits for approvals; whoever had it opened knows when its time is over. */
typedef struct HeldUse {
        uint64_t key;     /* 0 marks a free slot */
        LiveUse *session; /* owned */
} HeldUse;

typedef struct Challenges {
        OfferedChallenge slots[CHALLENGES_OFFERED_MAX];
        HeldUse uses[CHALLENGES_OFFERED_MAX];
} Challenges;

/* NULL when there is none. */
OfferedChallenge *challenges_find(Challenges *challenges, const char *id);
OfferedChallenge *challenges_find_handle(Challenges *challenges, TPM2_HANDLE handle);

/* A free slot with a fresh random id "KIND-xxxxxxxx", or NULL when all are taken. */
OfferedChallenge *challenges_take(Challenges *challenges, const char *kind);

/* End one: flushes its session. */
void challenge_drop(OfferedChallenge *challenge);

/* End those whose time is over. */
void challenges_expire(Challenges *challenges, uint64_t now);

/* End all: before the connection they live in is closed. */
void challenges_clear(Challenges *challenges);

/* Those that wait for the authority. */
unsigned challenges_offered(const Challenges *challenges);

/* With the uses that are held. */
unsigned challenges_count(const Challenges *challenges);

/*
 * For how many more there is room beside what a signature needs, which is two sessions: of a chip
 * of our own one is left for whatever is held.
 */
unsigned challenges_room(const Challenges *challenges, const Tpm *tpm);

/*
 * Open a session for a use and hold it under this key, which nobody uses twice. Where an index
 * waits for its first write one place is left to its challenge, until that is on offer. SEAL_E_BUSY
 * when there is no room.
 */
int held_use_open(Challenges *challenges, Tpm *tpm, uint64_t key, bool index_waits,
                  TPM2B_NONCE *ret_nonce, ErrorDetail *detail);
/* NULL when it is gone: dropped, or with its connection. */
LiveUse *held_use_find(Challenges *challenges, uint64_t key);
/* True: the chip has signed in it, so that it holds nothing and is dropped. */
bool held_use_drop_spent(Challenges *challenges, uint64_t key);
/* Of none, nothing. */
void held_use_drop(Challenges *challenges, uint64_t key);
