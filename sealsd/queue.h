/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded queue of jobs, fair across UIDs: one line per UID, served in turn. Knows no thread
 * and no lock; the worker guards it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct Job;

typedef struct Queue Queue;

int queue_new(Queue **ret);
Queue *queue_free(Queue *queue);
DEFINE_CLEANUP(Queue, queue_free)

/*
 * Append to the UID's line. SEAL_E_QUOTA_EXCEEDED when it has UID_JOBS_MAX in the queue or running,
 * SEAL_E_BUSY when QUEUE_MAX wait in all; a job of UINT32_MAX, the daemon's own, is never refused.
 */
int queue_push(Queue *queue, uint32_t uid, bool slow, struct Job *job);

/* Would queue_push take a job of this UID? 0 or its condition. */
int queue_check(const Queue *queue, uint32_t uid);

/*
 * The next job, NULL when none waits. Its UID's place stays counted until queue_release. Once a
 * slow job was served, the quick ones that wait at that next call have their turn before another
 * slow one, but for those behind a slow one of the same UID.
 */
struct Job *queue_pop(Queue *queue);

/* A popped job of this UID has ended. */
void queue_release(Queue *queue, uint32_t uid);

/* Jobs that wait, or were popped and not released. */
unsigned queue_depth(const Queue *queue);
