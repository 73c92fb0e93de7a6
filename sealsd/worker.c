/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sealsd/queue.h"
#include "tpm/algorithm.h"

#define TPM_TEXT_MAX 128
#define STOP_PATIENCE 10 /* seconds that a stop waits for the chip */
#define KEEP_FOR 1       /* seconds that a shared chip's room is kept for the next signature */

typedef struct Connection {
        bool known; /* tried at least once */
        bool available;
        char tcti[TPM_TEXT_MAX];
        char name[TPM_TEXT_MAX];
        FeatureSet features;
        unsigned serial;
} Connection;

struct Worker {
        pthread_t thread;
        bool started;
        pthread_mutex_t lock; /* guards what follows, up to told */
        pthread_cond_t wake;
        Queue *queue;
        bool stopping;
        bool busy_slow;      /* the job with the chip makes a key */
        uint64_t busy_since; /* CLOCK_MONOTONIC, µs; 0 while no job is with the chip */
        Job *first, **end;   /* ended, to be told */
        Connection connection;
        Connection told; /* main thread: what changed() was last given */

        char *tcti;
        int eventfd;
        sd_event_source *source;
        WorkerTpmChanged changed;
        WorkerSigned told_signed; /* NULL: nobody asks; set before the first job */
        void *userdata;

        /* Worker thread only. */
        Chip chip;
        AuditedSigns signs; /* of the job that runs */
        bool kept;          /* a job may have left something in a chip that others share */
        unsigned connected; /* how often */
        Challenges challenges;
};

static uint64_t monotonic_now(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

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
        if (r == 0)
                r = tpm_features(worker->chip.tpm, &c.features, detail);
        if (r != 0) {
                worker_disconnect(worker);
                return r;
        }
        (void) snprintf(c.tcti, sizeof(c.tcti), "%s", tpm_tcti(worker->chip.tpm));
        if (worker->told_signed)
                tpm_command_audit_note(worker->chip.tpm, &worker->signs);
        worker->chip.features = c.features;
        c.serial = ++worker->connected;
        worker->chip.connection = c.serial;
        connection_set(worker, &c);
        return 0;
}

static void worker_try(Worker *worker, Job *job) {
        job->detail = (ErrorDetail){};
        job->code = worker_connect(worker, &job->detail);
        if (job->code == 0)
                job->code = job->run(job, &worker->chip, &job->detail);
        if (job->code == SEAL_E_TPM_UNAVAILABLE)
                worker_disconnect(worker);
}

/*
 * What the chip would not flush goes with the connection, or at the beginning of the next.
 * Challenges that are on offer go too, and are offered anew.
 */
static void worker_reconnect(Worker *worker) {
        ErrorDetail detail = {};

        challenges_clear(&worker->challenges);
        worker->chip.tpm = tpm_free(worker->chip.tpm);
        if (worker_connect(worker, &detail) != 0)
                log_warning("after a flush that failed: %s", detail.text);
}

static void worker_clean(Worker *worker) {
        if (worker->chip.tpm && tpm_is_littered(worker->chip.tpm))
                worker_reconnect(worker);
}

/*
 * Whether a chip is full that is ours alone, and of which we hold nothing: what fills it was left
 * by commands whose good answers came as refusals, so that nobody knows the handles.
 */
static bool worker_is_filled(const Worker *worker, const Job *job) {
        return job->code == SEAL_E_TPM_FULL && worker->chip.tpm &&
               !tpm_is_shared(worker->chip.tpm) && challenges_count(&worker->challenges) == 0;
}

/*
 * A connection may have died while nobody used it, and what an earlier signature left may take the
 * room that is missing: neither is news for the job, which runs again.
 */
static void worker_run(Worker *worker, Job *job) {
        bool old = worker->chip.tpm != NULL;
        bool held = old && tpm_holds(worker->chip.tpm), again = true;

        worker_try(worker, job);
        if (worker_is_filled(worker, job))
                worker_reconnect(worker);
        else if (held && job->code == SEAL_E_TPM_FULL)
                tpm_release(worker->chip.tpm);
        else
                again = old && job->code == SEAL_E_TPM_UNAVAILABLE;
        if (again)
                worker_try(worker, job);
        worker_clean(worker);
}

static void job_deliver(Worker *worker, Job *job) {
        const uint64_t one = 1;

        (void) pthread_mutex_lock(&worker->lock);
        worker->busy_since = 0;
        queue_release(worker->queue, job->uid);
        *worker->end = job;
        worker->end = &job->next;
        (void) pthread_mutex_unlock(&worker->lock);
        /* The counter cannot overflow: the main thread reads it back to zero. */
        if (write(worker->eventfd, &one, sizeof(one)) != (ssize_t) sizeof(one))
                log_error("worker: eventfd: %m");
}

/*
 * Behind a resource manager what a signature left costs others: it is given back when no further
 * one came for a while. Called with the lock held, which is let go meanwhile.
 */
static void worker_rest(Worker *worker) {
        worker->kept = false;
        worker->busy_since = monotonic_now();
        worker->busy_slow = false;
        (void) pthread_mutex_unlock(&worker->lock);
        tpm_release(worker->chip.tpm);
        worker_clean(worker);
        (void) pthread_mutex_lock(&worker->lock);
        worker->busy_since = 0;
}

/* The next job, or NULL to end. */
static Job *worker_wait(Worker *worker) {
        Job *job = NULL;
        struct timespec rest;

        (void) clock_gettime(CLOCK_MONOTONIC, &rest);
        rest.tv_sec += KEEP_FOR;
        (void) pthread_mutex_lock(&worker->lock);
        while (!worker->stopping && !(job = queue_pop(worker->queue))) {
                if (!worker->kept)
                        (void) pthread_cond_wait(&worker->wake, &worker->lock);
                else if (pthread_cond_timedwait(&worker->wake, &worker->lock, &rest) == ETIMEDOUT)
                        worker_rest(worker);
        }
        if (job) {
                worker->busy_since = monotonic_now();
                worker->busy_slow = job->slow;
        }
        (void) pthread_mutex_unlock(&worker->lock);
        return job;
}

static void *worker_main(void *argument) {
        Worker *worker = argument;
        Job *job;

        while ((job = worker_wait(worker))) {
                worker_run(worker, job);
                job->signs = worker->signs;
                worker->signs = (AuditedSigns){};
                worker->kept = worker->chip.tpm && tpm_is_shared(worker->chip.tpm);
                job_deliver(worker, job);
        }
        worker_disconnect(worker);
        return NULL;
}

/* --- main thread -------------------------------------------------------------------------- */

static bool connection_equal(const Connection *a, const Connection *b) {
        return a->known == b->known && a->available == b->available && a->features == b->features &&
               a->serial == b->serial && strcmp(a->tcti, b->tcti) == 0 &&
               strcmp(a->name, b->name) == 0;
}

static void connection_tell(Worker *worker) {
        (void) pthread_mutex_lock(&worker->lock);
        Connection now = worker->connection;
        (void) pthread_mutex_unlock(&worker->lock);

        if (connection_equal(&now, &worker->told))
                return;
        worker->told = now;
        const TpmNews news = { now.available, now.tcti, now.name, now.features, now.serial };
        worker->changed(worker->userdata, &news);
}

static void signs_tell(const Worker *worker, Job *job) {
        if (job->signs.count > 0 && worker->told_signed)
                worker->told_signed(worker->userdata, &job->signs);
        free(job->signs.list);
        job->signs = (AuditedSigns){};
}

static void jobs_finish(Worker *worker) {
        (void) pthread_mutex_lock(&worker->lock);
        Job *job = worker->first;
        worker->first = NULL;
        worker->end = &worker->first;
        (void) pthread_mutex_unlock(&worker->lock);

        while (job) {
                Job *next = job->next; /* done may free the job, or submit it again */
                ErrorDetail detail = job->detail;

                signs_tell(worker, job);
                job->done(job, job->code, &detail);
                job = next;
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
        jobs_finish(worker);
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

/* It waits by the clock that nobody sets. None of these can fail with glibc. */
static void wake_init(pthread_cond_t *wake) {
        pthread_condattr_t attributes;

        (void) pthread_condattr_init(&attributes);
        (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        (void) pthread_cond_init(wake, &attributes);
        (void) pthread_condattr_destroy(&attributes);
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
        wake_init(&w->wake);
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

        struct timespec deadline;
        (void) clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_sec += STOP_PATIENCE;
        if (pthread_timedjoin_np(worker->thread, NULL, &deadline) == 0)
                return;
        /*
         * The register is whole after every commit, and what the chip owes is found at the next
         * start.
         */
        log_error("the TPM does not answer; ending without it");
        _exit(EXIT_FAILURE);
}

static Job *worker_take_waiting(Worker *worker) {
        (void) pthread_mutex_lock(&worker->lock);
        Job *job = queue_pop(worker->queue);
        if (job)
                queue_release(worker->queue, job->uid);
        (void) pthread_mutex_unlock(&worker->lock);
        return job;
}

static void worker_refuse_waiting(Worker *worker, int code, const char *why) {
        ErrorDetail detail;
        Job *job;

        (void) error_set(&detail, code, "%s", why);
        while ((job = worker_take_waiting(worker)))
                job->done(job, code, &detail);
}

bool worker_is_stuck(Worker *worker, uint64_t usec, uint64_t slow_usec) {
        (void) pthread_mutex_lock(&worker->lock);
        uint64_t patience = worker->busy_slow ? slow_usec : usec;
        bool stuck = worker->busy_since != 0 && monotonic_now() - worker->busy_since > patience;
        (void) pthread_mutex_unlock(&worker->lock);
        if (stuck)
                worker_refuse_waiting(worker, SEAL_E_TIMEOUT,
                                      "The TPM has not answered for minutes; check it and its "
                                      "resource manager");
        return stuck;
}

Worker *worker_free(Worker *worker) {
        if (!worker)
                return NULL;
        if (worker->started) {
                worker_stop(worker);
                jobs_finish(worker);
                worker_refuse_waiting(worker, -ECANCELED, "The daemon is stopping");
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

void worker_watch_signatures(Worker *worker, WorkerSigned told) {
        worker->told_signed = told;
}

int worker_submit(Worker *worker, Job *job) {
        job->next = NULL;
        job->signs = (AuditedSigns){};
        job->code = 0;
        job->detail = (ErrorDetail){};
        (void) pthread_mutex_lock(&worker->lock);
        int r = worker->stopping ? -ECANCELED : queue_push(worker->queue, job->uid, job->slow, job);
        if (r == 0)
                (void) pthread_cond_signal(&worker->wake);
        (void) pthread_mutex_unlock(&worker->lock);
        return r;
}

int worker_check(Worker *worker, uint32_t uid) {
        (void) pthread_mutex_lock(&worker->lock);
        int r = worker->stopping ? -ECANCELED : queue_check(worker->queue, uid);
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
