/* SPDX-License-Identifier: Apache-2.0 */
/* The clock as a value, so that a test can hand in its own: microseconds since the epoch. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct Clock {
        uint64_t (*now)(void *userdata);
        void *userdata;
} Clock;

#define USEC_PER_SEC 1000000ULL
#define USEC_PER_DAY (24ULL * 3600 * USEC_PER_SEC)

/* CLOCK_REALTIME. */
Clock clock_system(void);

uint64_t clock_now(const Clock *clock);

/* Is time after other by more than clocks may be apart (VERIFY_CLOCKS_APART)? */
bool clock_is_after(uint64_t time, uint64_t other);

/* "2026-11-23 08:15:02Z" into at least TIME_TEXT_SIZE bytes; "-" for 0. Returns ret. */
#define TIME_TEXT_SIZE 32
const char *time_format(uint64_t usec, char ret[static TIME_TEXT_SIZE]);
