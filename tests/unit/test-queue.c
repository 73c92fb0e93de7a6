/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/queue.h"

#include "base/error.h"
#include "base/limits.h"
#include "sealsd/worker.h"
#include "tests/unit/unit.h"

static void jobs_of_two_users_take_turns(void **state) {
        _cleanup_(queue_freep) Queue *queue = NULL;
        Job jobs[6] = {};
        const uint32_t uids[6] = { 1, 1, 1, 1, 2, 2 };
        const int order[6] = { 0, 4, 1, 5, 2, 3 };

        (void) state;
        assert_int_equal(queue_new(&queue), 0);
        for (int i = 0; i < 6; i++)
                assert_int_equal(queue_push(queue, uids[i], false, &jobs[i]), 0);
        for (int i = 0; i < 6; i++)
                assert_ptr_equal(queue_pop(queue), &jobs[order[i]]);
        assert_null(queue_pop(queue));
        assert_int_equal(queue_depth(queue), 6);
        for (int i = 0; i < 6; i++)
                queue_release(queue, uids[i]);
        assert_int_equal(queue_depth(queue), 0);
}

static void one_user_has_a_quota_that_running_jobs_count_in(void **state) {
        _cleanup_(queue_freep) Queue *queue = NULL;
        Job job = {};

        (void) state;
        assert_int_equal(queue_new(&queue), 0);
        for (int i = 0; i < UID_JOBS_MAX; i++)
                assert_int_equal(queue_push(queue, 7, false, &job), 0);
        assert_int_equal(queue_push(queue, 7, false, &job), SEAL_E_QUOTA_EXCEEDED);
        assert_int_equal(queue_check(queue, 7), SEAL_E_QUOTA_EXCEEDED);
        assert_int_equal(queue_check(queue, 8), 0);
        assert_non_null(queue_pop(queue));
        assert_int_equal(queue_push(queue, 7, false, &job), SEAL_E_QUOTA_EXCEEDED);
        queue_release(queue, 7);
        assert_int_equal(queue_check(queue, 7), 0);
        assert_int_equal(queue_push(queue, 7, false, &job), 0);
        assert_int_equal(queue_push(queue, 8, false, &job), 0);
}

static void full_queue_is_busy_but_not_for_the_daemon_itself(void **state) {
        _cleanup_(queue_freep) Queue *queue = NULL;
        Job job = {};

        (void) state;
        assert_int_equal(queue_new(&queue), 0);
        for (uint32_t i = 0; i < QUEUE_MAX; i++)
                assert_int_equal(queue_push(queue, i / UID_JOBS_MAX, false, &job), 0);
        assert_int_equal(queue_push(queue, 5000, false, &job), SEAL_E_BUSY);
        assert_int_equal(queue_check(queue, 5000), SEAL_E_BUSY);
        assert_int_equal(queue_check(queue, UINT32_MAX), 0);
        assert_int_equal(queue_push(queue, UINT32_MAX, false, &job), 0);
        assert_non_null(queue_pop(queue));
        assert_int_equal(queue_push(queue, 5000, false, &job), 0);
        assert_int_equal(queue_push(queue, 5000, false, &job), SEAL_E_BUSY);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(jobs_of_two_users_take_turns),
                cmocka_unit_test(one_user_has_a_quota_that_running_jobs_count_in),
                cmocka_unit_test(full_queue_is_busy_but_not_for_the_daemon_itself),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
