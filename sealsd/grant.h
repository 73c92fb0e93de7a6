/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A grant: who may use a seal beside its keepers, for what, from when until when and how often
 * (design, section 4). A plain value; its rules are pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/limits.h"
#include "sealsd/application.h"
#include "sealsd/caller.h"
#include "sealsd/seal.h"
#include "sealsd/separation.h"
#include "sealsd/subject.h"

#define GRANT_EMERGENCY_TIME (24 * 3600 * USEC_PER_SEC)
#define GRANT_EMERGENCY_USES 10

typedef struct Grant {
        uint64_t id; /* 1, 2, …; never reused; 0 stands for the keepers' own */
        char number[NUMBER_MAX + 1];
        Subject subject;
        unsigned purposes;   /* of Purpose, never 0 once complete */
        uint64_t not_before; /* never 0 once complete */
        uint64_t until;      /* 0: as long as the giver's custody */
        uint64_t count;      /* uses in all; 0: no limit */
        uint64_t used;
        bool keeper; /* a deputy: does what the keepers do, but make deputies */
        bool emergency;
        Subject giver;
        uint64_t via; /* the grant by which the giver is a deputy; 0: a keeper, an administrator */
        uint64_t given;
        uint64_t ended; /* taken back, or ended with the custody; 0: not */
        Subject ended_by;
        /* Confidential; not there when opaque. */
        bool opaque;
        char reason[TEXT_MAX + 1];
        char end_reason[TEXT_MAX + 1];
} Grant;

/* What a new grant is judged by. */
typedef struct GrantContext {
        const Seal *seal;
        const Caller *giver;
        bool keeper;         /* the giver keeps the seal by the register */
        const Grant *deputy; /* else: the grant that makes him a deputy, NULL none */
        SeparationRule rule;
        uint64_t now;
} GrantContext;

/*
 * Check what was asked for and fill what was left out, the giver too. SEAL_E_INVALID_ARGS names the
 * option, SEAL_E_PURPOSE_NOT_ALLOWED a purpose that the seal or the deputy has not,
 * SEAL_E_ACCESS_DENIED who may give it, SEAL_E_SEPARATION_OF_DUTIES an emergency grant to oneself.
 */
int grant_complete(Grant *grant, const GrantContext *context, ErrorDetail *detail);

/*
 * Does it let the caller use the seal for this purpose now? SEAL_E_ACCESS_DENIED (not his, or
 * over), SEAL_E_NOT_YET_VALID, SEAL_E_PURPOSE_NOT_ALLOWED, SEAL_E_LIMIT_REACHED (count uses are not
 * left; 0: they were taken already).
 */
int grant_covers(const Grant *grant, const Caller *caller, Purpose purpose, uint64_t count,
                 uint64_t now, ErrorDetail *detail);

/* Is the caller a deputy by it, now? */
bool grant_makes_keeper(const Grant *grant, const Caller *caller, uint64_t now);
