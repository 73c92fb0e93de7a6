/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "base/limits.h"

static uint64_t realtime_now(void *userdata) {
        struct timespec t;

        (void) userdata;
        (void) clock_gettime(CLOCK_REALTIME, &t);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

Clock clock_system(void) {
        return (Clock){ .now = realtime_now };
}

uint64_t clock_now(const Clock *clock) {
        return clock->now(clock->userdata);
}

bool clock_is_after(uint64_t time, uint64_t other) {
        return time > other && time - other > VERIFY_CLOCKS_APART * USEC_PER_SEC;
}

const char *time_format(uint64_t usec, char ret[static TIME_TEXT_SIZE]) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        if (usec == 0 || !gmtime_r(&seconds, &tm) ||
            strftime(ret, TIME_TEXT_SIZE, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
                strcpy(ret, "-");
        return ret;
}
