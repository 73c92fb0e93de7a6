/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What takes long and needs no chip, on threads of its own beside the worker: the verification of
 * the ledger, the register's part of an inspection. A task has one thread and ends with it; what it
 * reads of the register it reads through a connection of its own (store_reader_open).
 *
 * Tasks know nothing of the Service: they get copies of what they need and return what they found.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/error.h"

typedef struct Background Background;

typedef struct Task {
        /* In the task's thread. May set detail. */
        int (*run)(struct Task *task, ErrorDetail *detail);
        /* In the main thread: the newest of what the thread reported; may be NULL. */
        void (*progress)(struct Task *task, uint64_t done, uint64_t total);
        /*
         * In the main thread, exactly once, when the thread is gone; also of one that was told to
         * stop, with what run returned then.
         */
        void (*done)(struct Task *task, int code, const ErrorDetail *detail);
        /* The background's own. */
        Background *background;
        struct Task *next;
        pthread_t thread;
        bool cancelled, ended, reported;
        uint64_t progress_done, progress_total;
        int code;
        ErrorDetail detail;
} Task;

int background_new(Background **ret, sd_event *event);
/* Tells those that run to stop, waits for them, and has done called. */
Background *background_free(Background *background);
DEFINE_CLEANUP(Background, background_free)

/*
 * Begin; the task stays the caller's memory (usually the head of a larger struct freed in done).
 * SEAL_E_BUSY when BACKGROUND_MAX run; then done is not called.
 */
int background_start(Background *background, Task *task, ErrorDetail *detail);

/* Tell a task to stop; its done comes all the same. */
void background_cancel(Background *background, Task *task);

/*
 * In the task's thread: how far it is. -ECANCELED when it has been told to stop. Cheap enough for
 * every few hundred steps; the main thread hears of the newest only.
 */
int task_report(Task *task, uint64_t done, uint64_t total);
