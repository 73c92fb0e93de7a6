/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The challenges that are on offer: a table by id, owned by the worker thread, since each may hold
 * a session in the chip. At most CHALLENGES_OFFERED_MAX, each with a deadline.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "policy/approval.h"
#include "policy/pcr.h"
#include "tpm/index.h"

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

typedef struct Challenges {
        OfferedChallenge slots[CHALLENGES_OFFERED_MAX];
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

unsigned challenges_count(const Challenges *challenges);
