/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time as people and programs write them: microseconds since the epoch on the inside, UTC
 * and RFC 3339 on the outside, 1970 to 9999 since a year has four digits there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* The last microsecond of 9999. */
#define UTC_MAX (253402300800ULL * USEC_PER_SEC - 1)

/*
 * Any of: YYYY-MM-DD (UTC; the day's first second, or its last when day_end); RFC 3339 section 5.6
 * with its offset, a space for the T, digits beyond the microsecond dropped; +Nd or -Nd from now, N
 * up to 99999; now, today, yesterday; @SECONDS since the epoch; plain microseconds as the bus and
 * JSON have them, of 15 digits at least (1973), so that no date without its dashes is taken for
 * one. Returns false, and leaves *ret_usec, for anything else, for the epoch itself and what is
 * before it, and beyond UTC_MAX.
 */
bool time_parse(const char *text, bool day_end, uint64_t now, uint64_t *ret_usec);

/*
 * "2026-11-23T08:15:02Z", with ".000001" only where the second is not whole; what time_parse reads
 * back as the same. "-" for 0 and beyond UTC_MAX. Returns ret.
 */
const char *time_format_rfc3339(uint64_t usec, char ret[static TIME_TEXT_SIZE]);
