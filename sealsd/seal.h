/* SPDX-License-Identifier: Apache-2.0 */
/* A seal, as the register keeps it. A plain value. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "sealsd/application.h"
#include "sealsd/caller.h"
#include "sealsd/lifecycle.h"
#include "sealsd/request.h"
#include "sealsd/subject.h"
#include "tpm/seal.h"

typedef struct Act {
        Subject by;     /* text "" when it has not happened */
        uint32_t login; /* his login UID, as observed; LOGIN_NONE not known */
        uint64_t time;
} Act;

typedef struct Filing {
        char number[NAME_BYTES_MAX + 1];
        char authority[NAME_BYTES_MAX + 1];
        uint64_t filed; /* 0 when there is no filing record */
        size_t document_count;
        Document documents[DOCUMENTS_MAX];
} Filing;

/* SEAL_E_INVALID_ARGS names the option. Number, authority and time may be left out. */
int filing_check(const Filing *filing, ErrorDetail *detail);

typedef struct Seal {
        uint64_t id; /* 1, 2, … in order of birth */
        char number[NUMBER_MAX + 1];
        uint64_t request; /* of kind make or renew, which it was made for */
        SealState state;
        bool opaque; /* read without the register key: facts, filing's documents, key not there */
        bool revocation_pending; /* revoked here, the bit in the chip still to be set */
        Separation separation;   /* of its birth */
        Subject applicant;
        Application facts; /* as approved */
        uint64_t created;
        uint64_t use_count;
        char profile[PROFILE_MAX + 1];
        TPM2_HANDLE index;
        unsigned bit;
        Filing filing;
        Act made, filed, delivered, accepted;
        Act suspended, surrendered, lost; /* the last time, also when it is over */
        Act revoked, destroyed;
        char revocation_reason[TEXT_MAX + 1];
        Subject named_keeper;             /* to whom it was delivered last; text "" before */
        char replaces[NUMBER_MAX + 1];    /* the seal that this one renews; "" */
        char replaced_by[NUMBER_MAX + 1]; /* the one that renews this; "" */
        uint64_t superseded_at;           /* from when it does not sign for that; 0 never */
        /* The key; public.size 0 when none was made yet. */
        TPM2B_PUBLIC public;
        TPM2B_PRIVATE private;
        SealBirth birth; /* of the key; hash.size 0 when it was not kept */
} Seal;

/* One of the keepers that were applied for, or that it was transferred to. */
bool seal_names_keeper(const Seal *seal, const Subject *subject);

/* Whether this delivery was accepted: else only the named keeper is one. */
bool seal_is_accepted(const Seal *seal);

/*
 * A keeper by the register: nobody before delivery and after surrender, before acceptance the named
 * keeper alone.
 */
bool seal_is_keeper(const Seal *seal, const Caller *caller);

/* Hand it out: nobody else keeps it until he accepts. The state is the caller's to set. */
void seal_deliver(Seal *seal, const Subject *keeper, Act act);

/* What the clock makes of it. */
SealTiming seal_timing_at(const Seal *seal, uint64_t now);

/* What is told of a seal that its own row does not have. */
typedef struct SealContext {
        /* That it was made for, whose decisions are part of the filing record; NULL: unreadable. */
        const Request *request;
        const char *why_not;
        const char *const *policy; /* NULL-terminated; NULL: none */
        const Bytes *certificates; /* DER, its own first */
        size_t certificate_count;
        const char *eseal_profile; /* "" without a seal of GB/T 38540 */
} SealContext;

/* Everything as JSON (docs/bus.md), malloc'ed; full is false for those who may not see custody. */
int seal_describe(const Seal *seal, const SealContext *context, bool full, char **ret);
