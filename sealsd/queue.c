/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/queue.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

typedef struct Entry {
        struct Entry *next;
        uint64_t number; /* in the order of pushing */
        bool slow;
        struct Job *job;
} Entry;

/* One UID's jobs. Lines with waiting jobs stand in a ring, the one at `turn` is served next. */
typedef struct Line {
        struct Line *next;
        uint32_t uid;
        unsigned count; /* waiting or running */
        Entry *first, **end;
} Line;

struct Queue {
        Line *first;
        Line *last;       /* a line that was served goes behind this one */
        unsigned waiting; /* of users: the daemon's own take nobody's place */
        unsigned depth;
        uint64_t pushed;
        bool slow;    /* the last one served */
        uint64_t due; /* quick ones up to this number go before a slow one */
};

int queue_new(Queue **ret) {
        Queue *q = calloc(1, sizeof(*q));

        if (!q)
                return -ENOMEM;
        *ret = q;
        return 0;
}

static Line *line_free(Line *line) {
        while (line->first) {
                Entry *e = line->first;

                line->first = e->next;
                free(e);
        }
        free(line);
        return NULL;
}

Queue *queue_free(Queue *queue) {
        if (!queue)
                return NULL;
        while (queue->first) {
                Line *l = queue->first;

                queue->first = l->next;
                (void) line_free(l);
        }
        free(queue);
        return NULL;
}

static Line *line_find(const Queue *queue, uint32_t uid) {
        Line *l = queue->first;

        while (l && l->uid != uid)
                l = l->next;
        return l;
}

static void line_append(Queue *queue, Line *line) {
        line->next = NULL;
        if (queue->last)
                queue->last->next = line;
        else
                queue->first = line;
        queue->last = line;
}

static void line_remove(Queue *queue, Line *line) {
        Line *before = NULL;

        for (Line *l = queue->first; l != line; l = l->next)
                before = l;
        if (before)
                before->next = line->next;
        else
                queue->first = line->next;
        if (queue->last == line)
                queue->last = before;
}

static Line *line_get(Queue *queue, uint32_t uid) {
        Line *l = line_find(queue, uid);

        if (l)
                return l;
        l = calloc(1, sizeof(*l));
        if (!l)
                return NULL;
        l->uid = uid;
        l->end = &l->first;
        line_append(queue, l);
        return l;
}

int queue_check(const Queue *queue, uint32_t uid) {
        if (uid == UINT32_MAX)
                return 0;
        if (queue->waiting >= QUEUE_MAX)
                return SEAL_E_BUSY;
        const Line *line = line_find(queue, uid);
        return line && line->count >= UID_JOBS_MAX ? SEAL_E_QUOTA_EXCEEDED : 0;
}

int queue_push(Queue *queue, uint32_t uid, bool slow, struct Job *job) {
        int r = queue_check(queue, uid);
        if (r != 0)
                return r;

        Entry *e = calloc(1, sizeof(*e));
        Line *line = e ? line_get(queue, uid) : NULL;
        if (!line) {
                free(e);
                return -ENOMEM;
        }
        *e = (Entry){ .number = ++queue->pushed, .slow = slow, .job = job };
        *line->end = e;
        line->end = &e->next;
        line->count++;
        queue->waiting += uid != UINT32_MAX;
        queue->depth++;
        return 0;
}

static bool quick_is_due(const Queue *queue) {
        for (const Line *l = queue->first; l; l = l->next)
                if (l->first && !l->first->slow && l->first->number <= queue->due)
                        return true;
        return false;
}

/* The line whose turn it is. */
static Line *line_next(const Queue *queue) {
        bool quick = quick_is_due(queue);
        Line *l = queue->first;

        while (l && (!l->first || (quick && l->first->slow)))
                l = l->next;
        return l;
}

struct Job *queue_pop(Queue *queue) {
        if (queue->slow)
                queue->due = queue->pushed;
        Line *line = line_next(queue);
        if (!line)
                return NULL;

        Entry *e = line->first;
        struct Job *job = e->job;
        queue->slow = e->slow;
        line->first = e->next;
        if (!line->first)
                line->end = &line->first;
        free(e);
        line_remove(queue, line);
        line_append(queue, line); /* its turn is over */
        queue->waiting -= line->uid != UINT32_MAX;
        return job;
}

void queue_release(Queue *queue, uint32_t uid) {
        Line *line = line_find(queue, uid);

        queue->depth--;
        if (--line->count > 0)
                return;
        line_remove(queue, line);
        (void) line_free(line);
}

unsigned queue_depth(const Queue *queue) {
        return queue->depth;
}
