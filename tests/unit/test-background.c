/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/background.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/limits.h"
#include "tests/unit/unit.h"

#define PATIENCE (30ULL * 1000 * 1000) /* for what takes milliseconds */

typedef struct Room {
        sd_event *event;
        Background *background;
        unsigned done;
} Room;

typedef struct Work {
        Task task;
        Room *room;
        unsigned steps;   /* that it reports; 0: until it is told to stop */
        atomic_bool open; /* whether it may go on to the first step */
        pthread_t ran_in;
        int code; /* what it returns */
        unsigned dones, progresses;
        uint64_t heard_done, heard_total;
        int told;
        ErrorDetail detail;
} Work;

/* No assertion in another thread: cmocka would jump out of it. */
static int work_run(Task *task, ErrorDetail *detail) {
        Work *w = (Work *) task;

        w->ran_in = pthread_self();
        while (!w->open)
                (void) sched_yield();
        for (unsigned i = 1; w->steps == 0 || i <= w->steps; i++) {
                if (task_report(task, i, w->steps) != 0)
                        return error_set(detail, -ECANCELED, "stopped");
                if (w->steps == 0)
                        (void) sched_yield();
        }
        return w->code == 0 ? 0 : error_set(detail, w->code, "after %u", w->steps);
}

static void work_progress(Task *task, uint64_t done, uint64_t total) {
        Work *w = (Work *) task;

        w->progresses++;
        w->heard_done = done;
        w->heard_total = total;
}

static void work_done(Task *task, int code, const ErrorDetail *detail) {
        Work *w = (Work *) task;

        w->dones++;
        w->told = code;
        w->detail = *detail;
        w->room->done++;
}

static void work_start(Room *room, Work *work, unsigned steps, int code, bool open) {
        *work = (Work){
                .task = { .run = work_run, .progress = work_progress, .done = work_done },
                .room = room,
                .steps = steps,
                .code = code,
        };
        work->open = open;
        assert_int_equal(background_start(room->background, &work->task, NULL), 0);
}

static void room_wait(Room *room, unsigned done) {
        while (room->done < done)
                assert_true(sd_event_run(room->event, PATIENCE) > 0);
}

static int room_setup(void **state) {
        Room *room = calloc(1, sizeof(*room));

        if (!room || sd_event_new(&room->event) < 0 ||
            background_new(&room->background, room->event) < 0)
                return -1;
        *state = room;
        return 0;
}

static int room_teardown(void **state) {
        Room *room = *state;

        (void) background_free(room->background);
        (void) sd_event_unref(room->event);
        free(room);
        return 0;
}

static void test_a_task_runs_beside_the_main_thread(void **state) {
        Room *room = *state;
        Work work;

        work_start(room, &work, 3, 0, true);
        room_wait(room, 1);
        assert_int_equal(work.told, 0);
        assert_int_equal(work.dones, 1);
        assert_false(pthread_equal(work.ran_in, pthread_self()));
}

static void test_a_failure_is_told_with_its_sentence(void **state) {
        Room *room = *state;
        Work work;

        work_start(room, &work, 2, SEAL_E_REGISTER_TAMPERED, true);
        room_wait(room, 1);
        assert_int_equal(work.told, SEAL_E_REGISTER_TAMPERED);
        assert_string_equal(work.detail.text, "after 2");
}

/* However often the thread reports, the last report is heard before the end. */
static void test_progress_is_heard_up_to_the_end(void **state) {
        Room *room = *state;
        Work work;

        work_start(room, &work, 100000, 0, true);
        room_wait(room, 1);
        assert_in_range(work.progresses, 1, 100000);
        assert_int_equal(work.heard_done, 100000);
        assert_int_equal(work.heard_total, 100000);
}

static void test_a_cancelled_task_stops_at_its_next_report(void **state) {
        Room *room = *state;
        Work work;

        work_start(room, &work, 0, 0, true);
        background_cancel(room->background, &work.task);
        room_wait(room, 1);
        assert_int_equal(work.told, -ECANCELED);
}

static void test_no_more_than_the_maximum_run_at_once(void **state) {
        Room *room = *state;
        Work works[BACKGROUND_MAX], late;
        ErrorDetail detail = {};

        for (unsigned i = 0; i < BACKGROUND_MAX; i++)
                work_start(room, &works[i], 1, 0, false);
        late = (Work){ .task = { .run = work_run, .done = work_done }, .room = room };
        assert_int_equal(background_start(room->background, &late.task, &detail), SEAL_E_BUSY);
        for (unsigned i = 0; i < BACKGROUND_MAX; i++)
                works[i].open = true;
        room_wait(room, BACKGROUND_MAX);
        assert_int_equal(late.dones, 0);
        work_start(room, &late, 1, 0, true);
        room_wait(room, BACKGROUND_MAX + 1);
        assert_int_equal(late.dones, 1);
}

static void test_the_end_stops_all_and_tells_each_once(void **state) {
        Room *room = *state;
        Work works[BACKGROUND_MAX];

        for (unsigned i = 0; i < BACKGROUND_MAX; i++)
                work_start(room, &works[i], 0, 0, true);
        room->background = background_free(room->background);
        for (unsigned i = 0; i < BACKGROUND_MAX; i++) {
                assert_int_equal(works[i].dones, 1);
                assert_int_equal(works[i].told, -ECANCELED);
        }
}

#define room_test(function) cmocka_unit_test_setup_teardown(function, room_setup, room_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                room_test(test_a_task_runs_beside_the_main_thread),
                room_test(test_a_failure_is_told_with_its_sentence),
                room_test(test_progress_is_heard_up_to_the_end),
                room_test(test_a_cancelled_task_stops_at_its_next_report),
                room_test(test_no_more_than_the_maximum_run_at_once),
                room_test(test_the_end_stops_all_and_tells_each_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
