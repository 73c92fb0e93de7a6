/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thread that talks to the chip. The main thread submits jobs; the worker runs them one at
 * a time, fair across UIDs (round robin), with the only Tpm of the process; each job's done is
 * called once, on the main thread, from the event loop.
 *
 * Jobs know nothing of the register: they get copies of what they need and return what they found.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "policy/algorithm.h"
#include "sealsd/challenges.h"
#include "tpm/command-audit.h"
#include "tpm/tpm.h"

typedef struct Worker Worker;

/* What a job finds in the worker thread. */
typedef struct Chip {
        Tpm *tpm; /* connected; jobs that need the SRK begin with tpm_srk_ensure */
        FeatureSet features;
        Challenges *challenges;
        unsigned connection; /* its number, as TpmNews has it */
} Chip;

typedef struct Job {
        /* On whose behalf; UINT32_MAX for the daemon's own, which no quota holds back. */
        uint32_t uid;
        /*
         * It makes a key, which can take a chip minutes. What is quick and waits when such a job
         * ends goes before the next one: nobody waits for more than one key that another user has
         * made.
         */
        bool slow;
        /*
         * In the worker thread. May set detail. Run a second time, from its beginning, when the
         * connection that it found turns out to be gone, or when the chip was full and what an
         * earlier job had left in it is given back.
         */
        int (*run)(struct Job *job, Chip *chip, ErrorDetail *detail);
        /*
         * In the main thread, exactly once; also when the worker is stopped (code -ECANCELED) or
         * gave up waiting for the chip (SEAL_E_TIMEOUT).
         */
        void (*done)(struct Job *job, int code, const ErrorDetail *detail);
        /* The worker's own: what the job came to, on its way back to the main thread. */
        struct Job *next;
        int code;
        ErrorDetail detail;
        AuditedSigns signs;
} Job;

/*
 * The state of the connection, for the Manager's State and GetStatus. Called in the main thread;
 * also when one was lost and made anew.
 */
typedef struct TpmNews {
        bool available; /* when not, the rest is empty */
        const char *tcti, *name;
        FeatureSet features;
        unsigned connection; /* its number: what waited in another one is gone */
} TpmNews;

typedef void (*WorkerTpmChanged)(void *userdata, const TpmNews *news);

int worker_new(Worker **ret, sd_event *event, const char *tcti, WorkerTpmChanged changed,
               void *userdata);

/*
 * Jobs that still wait are done with -ECANCELED; the running one is waited for, some seconds: then
 * the process ends, since a thread in the chip's hands cannot be ended alone.
 */
Worker *worker_free(Worker *worker);
DEFINE_CLEANUP(Worker, worker_free)

/*
 * Tell, in the main thread, what jobs have signed (tpm/command-audit.h): in the order of the chip,
 * each job's just before its done. To be set before the first job; nobody asks otherwise.
 */
typedef void (*WorkerSigned)(void *userdata, const AuditedSigns *signs);
void worker_watch_signatures(Worker *worker, WorkerSigned told);

/*
 * Queue a job, which stays the submitter's memory (usually the head of a larger struct freed in
 * done). SEAL_E_BUSY when the queue is full, SEAL_E_QUOTA_EXCEEDED when this UID has too many; then
 * done is not called.
 */
int worker_submit(Worker *worker, Job *job);

/* Would worker_submit take a quick job of this UID now? 0 or its condition. */
int worker_check(Worker *worker, uint32_t uid);

/* Jobs that wait or run. */
unsigned worker_depth(const Worker *worker);

/*
 * Has a job been with the chip for longer than this (a slow one for longer than slow_usec)? Then
 * those that wait are answered with SEAL_E_TIMEOUT: the chip hangs, and nobody else's patience has
 * to.
 */
bool worker_is_stuck(Worker *worker, uint64_t usec, uint64_t slow_usec);
