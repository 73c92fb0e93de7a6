/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an inspection and the status read of the register: few columns of many rows, handed out one
 * by one. On a reader of its own thread (store_reader_open), or on the store. Errors are as in
 * store.h.
 */
#pragma once

#include "sealsd/inspection.h"
#include "sealsd/store.h"

/*
 * The seal's grants that may be used now or later, by id; what each returns but 0 ends the listing.
 */
typedef int (*InspectSeal)(void *userdata, InspectedSeal *seal, InspectedGrant *grants,
                           size_t grant_count);

/*
 * Every seal that has a bit of an index which is not retired, by number; with number not NULL this
 * one alone. Of the many that were destroyed on retired indices nothing is left to look at. now
 * tells which grants are over. Accounts are not looked up.
 */
int store_inspect_seals(Store *store, const char *number, uint64_t now, InspectSeal each,
                        void *userdata);

/* How many store_inspect_seals() gives. */
int store_inspect_count(Store *store, uint64_t *ret);

/* Requests that are open, of this seal where number is not NULL. */
int store_inspect_requests(Store *store, const char *number,
                           int (*each)(void *userdata, const InspectedRequest *request),
                           void *userdata);

/* The time of the first row of the ledger after this one; 0 when there is none. */
int store_ledger_time_after(Store *store, uint64_t seq, uint64_t *ret);

/* Figures for people. */
typedef struct RegisterCounts {
        uint64_t seals[SEAL_STATE_MAX];
        uint64_t expired, expiring;    /* live ones, and those that end before the time given */
        uint64_t requests[KIND_COUNT]; /* open ones */
        uint64_t grants;               /* that may be used now or later */
} RegisterCounts;

int store_register_counts(Store *store, uint64_t now, uint64_t soon, RegisterCounts *ret);
