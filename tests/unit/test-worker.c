/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "tests/fixture/swtpm.h"
#include "tests/unit/unit.h"

#define PATIENCE (30ULL * 1000 * 1000) /* for what takes milliseconds */
#define JOBS_MAX (2 * UID_JOBS_MAX)

/* A worker with a chip of its own, and what was told about the two. */
typedef struct Office {
        Swtpm swtpm;
        sd_event *event;
        Worker *worker;
        unsigned changes;
        bool available;
        char tcti[128];
        char name[128];
        FeatureSet features;
        unsigned done;            /* jobs */
        uint32_t order[JOBS_MAX]; /* their UIDs, as they ran: the worker's until done */
        unsigned ran;
        int hold[2]; /* a pipe: the holding job waits for a byte */
} Office;

typedef struct Task {
        Job job;
        Office *office;
        int code;         /* to return ... */
        unsigned failing; /* ... so often */
        unsigned runs, dones;
        bool connected;      /* there was a Tpm in the last run */
        unsigned challenges; /* on offer in the last run */
        pthread_t thread;
        int told;
        ErrorDetail detail;
} Task;

static void changed(void *userdata, const TpmNews *news) {
        Office *office = userdata;

        office->changes++;
        office->available = news->available;
        office->features = news->features;
        (void) snprintf(office->tcti, sizeof(office->tcti), "%s", news->tcti);
        (void) snprintf(office->name, sizeof(office->name), "%s", news->name);
}

/* No assertion in the worker's thread: cmocka would jump out of it. */
static int task_run(Job *job, Chip *chip, ErrorDetail *detail) {
        Task *t = (Task *) job;

        t->runs++;
        t->thread = pthread_self();
        t->connected = chip->tpm != NULL;
        t->challenges = challenges_count(chip->challenges);
        t->office->order[t->office->ran++] = job->uid;
        if (t->runs > t->failing)
                return 0;
        return error_set(detail, t->code, "run %u", t->runs);
}

static void task_done(Job *job, int code, const ErrorDetail *detail) {
        Task *t = (Task *) job;

        t->dones++;
        t->told = code;
        t->detail = *detail;
        t->office->done++;
}

static int run_hold(Job *job, Chip *chip, ErrorDetail *detail) {
        Task *t = (Task *) job;
        char byte;

        int r = task_run(job, chip, detail);
        return read(t->office->hold[0], &byte, 1) == 1 ? r : -EIO;
}

/* Until nothing is taken any more: so that what waits does so until the worker is stopped. */
static int run_until_stopped(Job *job, Chip *chip, ErrorDetail *detail) {
        Task *t = (Task *) job;
        Task refused = { .job = { .uid = job->uid, .run = task_run, .done = task_done } };

        int r = task_run(job, chip, detail);
        while (worker_submit(t->office->worker, &refused.job) != -ECANCELED)
                (void) sched_yield();
        return r;
}

static int run_offer(Job *job, Chip *chip, ErrorDetail *detail) {
        (void) challenges_take(chip->challenges, "machine-state");
        return task_run(job, chip, detail);
}

static int run_describe(Job *job, Chip *chip, ErrorDetail *detail) {
        char name[128];

        int r = task_run(job, chip, detail);
        return r == 0 ? tpm_describe(chip->tpm, name, sizeof(name), detail) : r;
}

static Task a_task(Office *office, uint32_t uid) {
        return (Task){ .job = { .uid = uid, .run = task_run, .done = task_done },
                       .office = office };
}

static int submit(Task *task) {
        return worker_submit(task->office->worker, &task->job);
}

static void wait_done(Office *office, unsigned count) {
        while (office->done < count)
                assert_true(sd_event_run(office->event, PATIENCE) > 0);
        assert_int_equal(office->done, count);
}

static void submit_and_wait(Task *task) {
        unsigned before = task->office->done;

        assert_int_equal(submit(task), 0);
        wait_done(task->office, before + 1);
}

static void release(Office *office) {
        assert_int_equal(write(office->hold[1], "x", 1), 1);
}

/* --- fixture -------------------------------------------------------------------------------- */

static Office *office_new(const char *tcti) {
        Office *office = calloc(1, sizeof(*office));

        assert_non_null(office);
        if (!tcti)
                swtpm_start(&office->swtpm);
        assert_int_equal(pipe(office->hold), 0);
        assert_int_equal(sd_event_new(&office->event), 0);
        assert_int_equal(worker_new(&office->worker, office->event,
                                    tcti ? tcti : office->swtpm.tcti, changed, office),
                         0);
        return office;
}

static int setup(void **state) {
        *state = office_new(NULL);
        return 0;
}

static int setup_without_chip(void **state) {
        *state = office_new("swtpm:path=/nonexistent/sealsd-test/tpm");
        return 0;
}

static int teardown(void **state) {
        Office *office = *state;

        (void) worker_free(office->worker);
        (void) sd_event_unref(office->event);
        swtpm_stop(&office->swtpm);
        (void) close(office->hold[0]);
        (void) close(office->hold[1]);
        free(office);
        return 0;
}

/* --- tests ---------------------------------------------------------------------------------- */

static void job_runs_in_the_worker_and_is_done_here_once(void **state) {
        Office *office = *state;
        Task task = a_task(office, 1);

        assert_int_equal(submit(&task), 0);
        assert_int_equal(task.dones, 0);
        wait_done(office, 1);
        assert_int_equal(task.runs, 1);
        assert_int_equal(task.dones, 1);
        assert_int_equal(task.told, 0);
        assert_string_equal(task.detail.text, "");
        assert_true(task.connected);
        assert_false(pthread_equal(task.thread, pthread_self()));
        assert_int_equal(worker_depth(office->worker), 0);
        /* Nothing comes after. */
        assert_int_equal(sd_event_run(office->event, 0), 0);
}

static void connection_is_told_once(void **state) {
        Office *office = *state;
        Task first = a_task(office, 1), second = a_task(office, 1);

        assert_int_equal(office->changes, 0);
        submit_and_wait(&first);
        submit_and_wait(&second);
        assert_int_equal(office->changes, 1);
        assert_true(office->available);
        assert_string_equal(office->tcti, office->swtpm.tcti);
        assert_int_equal(office->features, (1U << FEATURE_MAX) - 1);
        assert_string_not_equal(office->name, "");
}

static void condition_and_sentence_come_back(void **state) {
        Office *office = *state;
        Task task = a_task(office, 1);

        task.code = SEAL_E_REVOKED;
        task.failing = 1;
        submit_and_wait(&task);
        assert_int_equal(task.told, SEAL_E_REVOKED);
        assert_string_equal(task.detail.text, "run 1");
        assert_true(office->available);
}

static void job_can_be_submitted_again_when_it_is_done(void **state) {
        Office *office = *state;
        Task task = a_task(office, 1);

        task.code = SEAL_E_REVOKED;
        task.failing = 1;
        submit_and_wait(&task);
        submit_and_wait(&task);
        assert_int_equal(task.told, 0);
        assert_string_equal(task.detail.text, "");
        assert_int_equal(task.dones, 2);
}

static void held_up_job_makes_the_others_wait(void **state) {
        Office *office = *state;
        Task holding = a_task(office, 1), waiting[3];

        holding.job.run = run_hold;
        assert_int_equal(submit(&holding), 0);
        for (int i = 0; i < 3; i++) {
                waiting[i] = a_task(office, 2);
                assert_int_equal(submit(&waiting[i]), 0);
        }
        assert_int_equal(worker_depth(office->worker), 4);
        assert_int_equal(sd_event_run(office->event, 10000), 0);
        assert_int_equal(office->done, 0);
        release(office);
        wait_done(office, 4);
        assert_int_equal(worker_depth(office->worker), 0);
        for (int i = 0; i < 3; i++)
                assert_int_equal(waiting[i].told, 0);
}

static void users_take_turns_whoever_came_first(void **state) {
        static const uint32_t came[] = { 1, 1, 1, 2, 2, 3 }, served[] = { 9, 1, 2, 3, 1, 2, 1 };
        Office *office = *state;
        Task holding = a_task(office, 9), tasks[6];

        holding.job.run = run_hold;
        assert_int_equal(submit(&holding), 0);
        for (int i = 0; i < 6; i++) {
                tasks[i] = a_task(office, came[i]);
                assert_int_equal(submit(&tasks[i]), 0);
        }
        release(office);
        wait_done(office, 7);
        assert_memory_equal(office->order, served, sizeof(served));
}

static void keys_being_made_let_those_who_wait_pass_in_between(void **state) {
        /* Four users want keys, two want signatures, one of these twice. */
        static const uint32_t came[] = { 1, 2, 3, 4, 5, 6, 5 },
                              served[] = { 9, 1, 5, 6, 5, 2, 3, 4 };
        Office *office = *state;
        Task holding = a_task(office, 9), tasks[7];

        holding.job.run = run_hold;
        assert_int_equal(submit(&holding), 0);
        for (int i = 0; i < 7; i++) {
                tasks[i] = a_task(office, came[i]);
                tasks[i].job.slow = i < 4;
                assert_int_equal(submit(&tasks[i]), 0);
        }
        release(office);
        wait_done(office, 8);
        assert_memory_equal(office->order, served, sizeof(served));
}

static void refused_job_is_never_done(void **state) {
        Office *office = *state;
        static Task tasks[UID_JOBS_MAX];
        Task refused = a_task(office, 1), other = a_task(office, 2);

        for (size_t i = 0; i < UID_JOBS_MAX; i++) {
                tasks[i] = a_task(office, 1);
                if (i == 0)
                        tasks[i].job.run = run_hold;
                assert_int_equal(submit(&tasks[i]), 0);
        }
        assert_int_equal(submit(&refused), SEAL_E_QUOTA_EXCEEDED);
        assert_int_equal(submit(&other), 0);
        release(office);
        wait_done(office, UID_JOBS_MAX + 1);
        assert_int_equal(refused.runs, 0);
        assert_int_equal(refused.dones, 0);
        assert_int_equal(other.dones, 1);
}

static void stopping_cancels_what_waits_and_awaits_what_runs(void **state) {
        Office *office = *state;
        static Task tasks[UID_JOBS_MAX];

        for (size_t i = 0; i < UID_JOBS_MAX; i++) {
                tasks[i] = a_task(office, 1);
                if (i == 0)
                        tasks[i].job.run = run_until_stopped;
                assert_int_equal(submit(&tasks[i]), 0);
        }
        Worker *worker = office->worker;
        assert_null(worker_free(worker));
        office->worker = NULL;
        assert_int_equal(office->done, UID_JOBS_MAX);
        for (size_t i = 0; i < UID_JOBS_MAX; i++)
                assert_int_equal(tasks[i].dones, 1);
        /* The first may not even have begun. */
        assert_true(tasks[0].runs == 1 ? tasks[0].told == 0 : tasks[0].told == -ECANCELED);
        for (size_t i = 1; i < UID_JOBS_MAX; i++) {
                assert_int_equal(tasks[i].runs, 0);
                assert_int_equal(tasks[i].told, -ECANCELED);
                assert_string_not_equal(tasks[i].detail.text, "");
        }
}

static void chip_that_cannot_be_reached_is_told_without_running(void **state) {
        Office *office = *state;
        Task task = a_task(office, 1);

        submit_and_wait(&task);
        assert_int_equal(task.runs, 0);
        assert_int_equal(task.dones, 1);
        assert_int_equal(task.told, SEAL_E_TPM_UNAVAILABLE);
        assert_int_equal(office->changes, 1);
        assert_false(office->available);
        assert_int_equal(office->features, 0);
        /* The worker tries again for every job. */
        submit_and_wait(&task);
        assert_int_equal(task.dones, 2);
        assert_int_equal(office->changes, 1);
}

static void connection_that_died_unused_is_no_news_for_the_job(void **state) {
        Office *office = *state;
        Task first = a_task(office, 1), unlucky = a_task(office, 1);

        first.job.run = run_offer;
        submit_and_wait(&first);
        unlucky.code = SEAL_E_TPM_UNAVAILABLE;
        unlucky.failing = 1;
        submit_and_wait(&unlucky);
        assert_int_equal(unlucky.runs, 2);
        assert_int_equal(unlucky.dones, 1);
        assert_int_equal(unlucky.told, 0);
        assert_string_equal(unlucky.detail.text, "");
        /* What was on offer lived in the old connection. */
        assert_int_equal(unlucky.challenges, 0);
}

static void chip_that_stays_away_is_told_once_and_asked_again(void **state) {
        Office *office = *state;
        Task first = a_task(office, 1), unlucky = a_task(office, 1), next = a_task(office, 1);

        submit_and_wait(&first);
        unlucky.code = SEAL_E_TPM_UNAVAILABLE;
        unlucky.failing = 2;
        submit_and_wait(&unlucky);
        assert_int_equal(unlucky.runs, 2);
        assert_int_equal(unlucky.dones, 1);
        assert_int_equal(unlucky.told, SEAL_E_TPM_UNAVAILABLE);
        assert_false(office->available);
        submit_and_wait(&next);
        assert_int_equal(next.told, 0);
        assert_true(office->available);
}

static void chip_that_was_reset_is_connected_to_anew(void **state) {
        Office *office = *state;
        Task before = a_task(office, 1), after = a_task(office, 1);

        before.job.run = after.job.run = run_describe;
        submit_and_wait(&before);
        assert_int_equal(before.told, 0);
        swtpm_reset(&office->swtpm);
        submit_and_wait(&after);
        if (after.told != 0)
                fail_msg("%s", after.detail.text);
        assert_true(office->available);
}

static void key_in_the_making_is_given_more_time(void **state) {
        Office *office = *state;
        Task holding = a_task(office, 1), waiting = a_task(office, 2);

        holding.job.run = run_hold;
        holding.job.slow = true;
        assert_int_equal(submit(&holding), 0);
        assert_int_equal(submit(&waiting), 0);
        time_t deadline = time(NULL) + 30;
        while (!worker_is_stuck(office->worker, PATIENCE, 0)) /* once the worker has taken it */
                assert_true(time(NULL) < deadline);
        assert_int_equal(waiting.told, SEAL_E_TIMEOUT);
        assert_false(worker_is_stuck(office->worker, 0, PATIENCE));
        release(office);
        wait_done(office, 2);
        assert_int_equal(holding.told, 0);
}

static void job_that_hangs_in_the_chip_frees_those_that_wait(void **state) {
        Office *office = *state;
        Task holding = a_task(office, 1), waiting = a_task(office, 2), later = a_task(office, 2);

        assert_false(worker_is_stuck(office->worker, 0, 0));
        holding.job.run = run_hold;
        assert_int_equal(submit(&holding), 0);
        assert_int_equal(submit(&waiting), 0);
        assert_false(worker_is_stuck(office->worker, PATIENCE, 0));
        assert_int_equal(waiting.dones, 0);
        while (!worker_is_stuck(office->worker, 0, 0)) /* once the worker has taken it */
                (void) sched_yield();
        assert_int_equal(waiting.dones, 1);
        assert_int_equal(waiting.told, SEAL_E_TIMEOUT);
        assert_int_equal(waiting.runs, 0);
        assert_int_equal(holding.dones, 0);
        /* The chip comes back: all goes on. */
        assert_int_equal(submit(&later), 0);
        release(office);
        wait_done(office, 3);
        assert_int_equal(holding.told, 0);
        assert_int_equal(later.told, 0);
        assert_false(worker_is_stuck(office->worker, 0, 0));
}

#define worker_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                worker_test(job_runs_in_the_worker_and_is_done_here_once),
                worker_test(connection_is_told_once),
                worker_test(condition_and_sentence_come_back),
                worker_test(job_can_be_submitted_again_when_it_is_done),
                worker_test(held_up_job_makes_the_others_wait),
                worker_test(users_take_turns_whoever_came_first),
                worker_test(keys_being_made_let_those_who_wait_pass_in_between),
                worker_test(refused_job_is_never_done),
                worker_test(stopping_cancels_what_waits_and_awaits_what_runs),
                cmocka_unit_test_setup_teardown(chip_that_cannot_be_reached_is_told_without_running,
                                                setup_without_chip, teardown),
                worker_test(connection_that_died_unused_is_no_news_for_the_job),
                worker_test(chip_that_stays_away_is_told_once_and_asked_again),
                worker_test(chip_that_was_reset_is_connected_to_anew),
                worker_test(key_in_the_making_is_given_more_time),
                worker_test(job_that_hangs_in_the_chip_frees_those_that_wait),
        };

        (void) setenv("TSS2_LOG", "all+none", 0);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
