/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/background.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"

struct Background {
        pthread_mutex_t lock; /* guards the tasks' own fields, and the list */
        Task *tasks;          /* that run, or have ended and are not told */
        unsigned count;
        int eventfd;
        sd_event_source *source;
};

/* --- the tasks' threads ----------------------------------------------------------------------- */

/* The counter cannot overflow: the main thread reads it back to zero. */
static void background_wake(const Background *background) {
        const uint64_t one = 1;

        if (write(background->eventfd, &one, sizeof(one)) != (ssize_t) sizeof(one))
                log_error("background: eventfd: %m");
}

int task_report(Task *task, uint64_t done, uint64_t total) {
        Background *b = task->background;

        (void) pthread_mutex_lock(&b->lock);
        bool cancelled = task->cancelled;
        bool wake = !task->reported; /* who has not listened yet hears the newest then */
        task->reported = true;
        task->progress_done = done;
        task->progress_total = total;
        (void) pthread_mutex_unlock(&b->lock);
        if (wake)
                background_wake(b);
        return cancelled ? -ECANCELED : 0;
}

static void *task_main(void *argument) {
        Task *task = argument;
        Background *b = task->background;
        ErrorDetail detail = {};

        int r = task->run(task, &detail);
        (void) pthread_mutex_lock(&b->lock);
        task->code = r;
        task->detail = detail;
        task->ended = true; /* from here on it is the main thread's */
        (void) pthread_mutex_unlock(&b->lock);
        background_wake(b);
        return NULL;
}

/* --- the main thread -------------------------------------------------------------------------- */

static Task *task_take_ended(Background *background) {
        Task *found = NULL;

        (void) pthread_mutex_lock(&background->lock);
        for (Task **link = &background->tasks; *link && !found; link = &(*link)->next)
                if ((*link)->ended) {
                        found = *link;
                        *link = found->next;
                        break;
                }
        (void) pthread_mutex_unlock(&background->lock);
        return found;
}

static void tasks_finish(Background *background) {
        Task *task;

        while ((task = task_take_ended(background))) {
                ErrorDetail detail = task->detail;

                (void) pthread_join(task->thread, NULL);
                background->count--;
                task->done(task, task->code, &detail); /* may free it, or start it again */
        }
}

static void tasks_progress(Background *background) {
        for (Task *task = background->tasks; task; task = task->next) {
                (void) pthread_mutex_lock(&background->lock);
                bool reported = task->reported;
                uint64_t done = task->progress_done, total = task->progress_total;
                task->reported = false;
                (void) pthread_mutex_unlock(&background->lock);
                if (reported && task->progress)
                        task->progress(task, done, total);
        }
}

static int background_event(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Background *b = userdata;
        uint64_t count;

        (void) source;
        (void) revents;
        if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
                return -errno;
        tasks_progress(b);
        tasks_finish(b);
        return 0;
}

int background_new(Background **ret, sd_event *event) {
        _cleanup_(background_freep) Background *b = calloc(1, sizeof(*b));

        if (!b)
                return -ENOMEM;
        (void) pthread_mutex_init(&b->lock, NULL);
        b->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (b->eventfd < 0)
                return -errno;
        int r = sd_event_add_io(event, &b->source, b->eventfd, EPOLLIN, background_event, b);
        if (r < 0)
                return r;
        *ret = steal_ptr(b);
        return 0;
}

void background_cancel(Background *background, Task *task) {
        (void) pthread_mutex_lock(&background->lock);
        task->cancelled = true;
        (void) pthread_mutex_unlock(&background->lock);
}

/* All are told first, then each is waited for: a task stops at its next report. */
Background *background_free(Background *background) {
        if (!background)
                return NULL;
        for (Task *task = background->tasks; task; task = task->next)
                background_cancel(background, task);
        while (background->tasks) {
                Task *task = background->tasks;

                (void) pthread_join(task->thread, NULL);
                background->tasks = task->next;
                ErrorDetail detail = task->detail;
                task->done(task, task->code, &detail);
        }
        (void) sd_event_source_disable_unref(background->source);
        closep(&background->eventfd);
        (void) pthread_mutex_destroy(&background->lock);
        free(background);
        return NULL;
}

static int task_start(Task *task) {
        sigset_t all, before;

        /* Signals belong to the main thread's event loop. */
        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        int r = pthread_create(&task->thread, NULL, task_main, task);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

int background_start(Background *background, Task *task, ErrorDetail *detail) {
        int r;

        if (background->count >= BACKGROUND_MAX)
                return error_set(detail, SEAL_E_BUSY,
                                 "%d verifications and inspections are under way already",
                                 BACKGROUND_MAX);
        task->background = background;
        task->cancelled = task->ended = task->reported = false;
        task->detail = (ErrorDetail){};
        task->code = 0;
        (void) pthread_mutex_lock(&background->lock);
        r = task_start(task);
        if (r == 0) {
                task->next = background->tasks;
                background->tasks = task;
                background->count++;
        }
        (void) pthread_mutex_unlock(&background->lock);
        return r;
}
