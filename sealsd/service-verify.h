/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger and the register are checked against each other on a thread of their own: at the start
 * from the last checkpoint, then the whole of it; every day; when another program has written; when
 * somebody asks. One check at a time: who asks while one runs gets the next.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sealsd/service.h"
#include "sealsd/store-verify.h"

typedef struct VerifyWaiter {
        Reply reply;
        struct VerifyWaiter *next;
} VerifyWaiter;

typedef struct Verification {
        struct VerifyTask *running;
        bool wanted;           /* another one after it */
        VerifyWaiter *waiting; /* for that one */
        uint64_t last;         /* when the whole was checked, 0: not since the start */
        Store *found;          /* the register as the start found it, until it was checked */
} Verification;

/* The register was opened, and nothing is written yet: what it is now is what is checked first. */
int verify_open(Service *service, ErrorDetail *detail);
/* At the start: what is later than the last checkpoint. Result: VerifyReport. */
int verify_recent(Service *service, Reply reply);
/* The whole. Result: VerifyReport. reply may be {}. */
int verify_all(Service *service, Reply reply);
/* Is it time, or did another program write? */
void verify_tick(Service *service);
/* Nobody waits any longer; the background, with the task, is gone. */
void verify_stop(Service *service);
