/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "sealsd/queue.h"

#define TPM_TEXT_MAX 128

/* What a job came to, on its way back to the main thread. */
typedef struct Outcome {
        struct Outcome *next;
        Job *job;
        int code;
        ErrorDetail detail;
} Outcome;

typedef struct Connection {
        bool known; /* tried at least once */
        bool available;
        char tcti[TPM_TEXT_MAX];
        char name[TPM_TEXT_MAX];
} Connection;

struct Worker {
        pthread_t thread;
        bool started;
        pthread_mutex_t lock; /* guards what follows, up to told */
        pthread_cond_t wake;
        Queue *queue;
        bool stopping;
        Outcome *first, **end;
        Connection connection;
        Connection told; /* main thread: what changed() was last given */

        char *tcti;
        int eventfd;
        sd_event_source *source;
        WorkerTpmChanged changed;
        void *userdata;

        /* Worker thread only. */
        Chip chip;
        Challenges challenges;
};

/* --- worker thread ------------------------------------------------------------------------ */

static void connection_set(Worker *worker, const Connection *connection) {
        (void) pthread_mutex_lock(&worker->lock);
        worker->connection = *connection;
        (void) pthread_mutex_unlock(&worker->lock);
}

static void worker_disconnect(Worker *worker) {
        const Connection gone = { .known = true };

        challenges_clear(&worker->challenges);
        worker->chip.tpm = tpm_free(worker->chip.tpm);
        connection_set(worker, &gone);
}

static int worker_connect(Worker *worker, ErrorDetail *detail) {
        Connection c = { .known = true, .available = true };
        int r;

        if (worker->chip.tpm)
                return 0;
        r = tpm_new(&worker->chip.tpm, worker->tcti, detail);
        if (r == 0)
                r = tpm_describe(worker->chip.tpm, c.name, sizeof(c.name), detail);
        if (r != 0) {
                worker_disconnect(worker);
                return r;
        }
        (void) snprintf(c.tcti, sizeof(c.tcti), "%s", tpm_tcti(worker->chip.tpm));
        connection_set(worker, &c);
        return 0;
}

static void worker_run(Worker *worker, Outcome *outcome) {
        outcome->code = worker_connect(worker, &outcome->detail);
        if (outcome->code == 0)
                outcome->code = outcome->job->run(outcome->job, &worker->chip, &outcome->detail);
        if (outcome->code == SEAL_E_TPM_UNAVAILABLE)
                worker_disconnect(worker);
}

static void outcome_deliver(Worker *worker, Outcome *outcome) {
        const uint64_t one = 1;

        (void) pthread_mutex_lock(&worker->lock);
        queue_release(worker->queue, outcome->job->uid);
        *worker->end = outcome;
        worker->end = &outcome->next;
        (void) pthread_mutex_unlock(&worker->lock);
        /* The counter cannot overflow: the main thread reads it back to zero. */
        if (write(worker->eventfd, &one, sizeof(one)) != (ssize_t) sizeof(one))
                log_error("worker: eventfd: %m");
}

/* The next job, or NULL to end. */
static Job *worker_wait(Worker *worker) {
        Job *job = NULL;

        (void) pthread_mutex_lock(&worker->lock);
        while (!worker->stopping && !(job = queue_pop(worker->queue)))
                (void) pthread_cond_wait(&worker->wake, &worker->lock);
        (void) pthread_mutex_unlock(&worker->lock);
        return job;
}

static void *worker_main(void *argument) {
        Worker *worker = argument;
        Job *job;

        while ((job = worker_wait(worker))) {
                Outcome *o = calloc(1, sizeof(*o));

                while (!o) /* a job owes its caller an answer, so wait for the memory */
                        if (usleep(10000) == 0)
                                o = calloc(1, sizeof(*o));
                o->job = job;
                worker_run(worker, o);
                outcome_deliver(worker, o);
        }
        worker_disconnect(worker);
        return NULL;
}

/* --- main thread -------------------------------------------------------------------------- */

static void connection_tell(Worker *worker) {
        (void) pthread_mutex_lock(&worker->lock);
        Connection now = worker->connection;
        (void) pthread_mutex_unlock(&worker->lock);

        if (memcmp(&now, &worker->told, sizeof(now)) == 0)
                return;
        worker->told = now;
        worker->changed(worker->userdata, now.available, now.tcti, now.name);
}

static void outcomes_finish(Worker *worker) {
        (void) pthread_mutex_lock(&worker->lock);
        Outcome *o = worker->first;
        worker->first = NULL;
        worker->end = &worker->first;
        (void) pthread_mutex_unlock(&worker->lock);

        while (o) {
                Outcome *next = o->next;

                o->job->done(o->job, o->code, &o->detail);
                free(o);
                o = next;
        }
}

static int worker_event(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Worker *worker = userdata;
        uint64_t count;

        (void) source;
        (void) revents;
        if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
                return -errno;
        connection_tell(worker);
        outcomes_finish(worker);
        return 0;
}

static int worker_start(Worker *worker) {
        sigset_t all, before;

        /* Signals belong to the main thread's event loop. */
        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &before);
        int r = pthread_create(&worker->thread, NULL, worker_main, worker);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        worker->started = r == 0;
        return -r;
}

int worker_new(Worker **ret, sd_event *event, const char *tcti, WorkerTpmChanged changed,
               void *userdata) {
        _cleanup_(worker_freep) Worker *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        *w = (Worker){ .end = &w->first, .eventfd = -1, .changed = changed, .userdata = userdata };
        w->chip.challenges = &w->challenges;
        (void) pthread_mutex_init(&w->lock, NULL);
        (void) pthread_cond_init(&w->wake, NULL);
        w->tcti = strdup(tcti ? tcti : "");
        if (!w->tcti)
                return -ENOMEM;
        w->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (w->eventfd < 0)
                return -errno;
        if ((r = queue_new(&w->queue)) < 0 ||
            (r = sd_event_add_io(event, &w->source, w->eventfd, EPOLLIN, worker_event, w)) < 0 ||
            (r = worker_start(w)) < 0)
                return r;
        *ret = steal_ptr(w);
        return 0;
}

static void worker_stop(Worker *worker) {
        (void) pthread_mutex_lock(&worker->lock);
        worker->stopping = true;
        (void) pthread_cond_signal(&worker->wake);
        (void) pthread_mutex_unlock(&worker->lock);
        (void) pthread_join(worker->thread, NULL);
}

static void worker_cancel_waiting(Worker *worker) {
        const ErrorDetail stopping = { .text = "The daemon is stopping" };
        Job *job;

        while ((job = queue_pop(worker->queue))) {
                queue_release(worker->queue, job->uid);
                job->done(job, -ECANCELED, &stopping);
        }
}

Worker *worker_free(Worker *worker) {
        if (!worker)
                return NULL;
        if (worker->started) {
                worker_stop(worker);
                outcomes_finish(worker);
                worker_cancel_waiting(worker);
        }
        (void) sd_event_source_disable_unref(worker->source);
        (void) queue_free(worker->queue);
        closep(&worker->eventfd);
        free(worker->tcti);
        (void) pthread_cond_destroy(&worker->wake);
        (void) pthread_mutex_destroy(&worker->lock);
        free(worker);
        return NULL;
}

int worker_submit(Worker *worker, Job *job) {
        (void) pthread_mutex_lock(&worker->lock);
        int r = worker->stopping ? -ECANCELED : queue_push(worker->queue, job->uid, job);
        if (r == 0)
                (void) pthread_cond_signal(&worker->wake);
        (void) pthread_mutex_unlock(&worker->lock);
        return r;
}

unsigned worker_depth(const Worker *worker) {
        Worker *w = (Worker *) worker; /* the lock is not part of the value */

        (void) pthread_mutex_lock(&w->lock);
        unsigned depth = queue_depth(w->queue);
        (void) pthread_mutex_unlock(&w->lock);
        return depth;
}
