/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DIGITS "0123456789"
#define MICROSECOND_DIGITS 6
#define PLAIN_DIGITS_MIN 15
#define PLAIN_DIGITS_MAX 18 /* of UTC_MAX */
#define DAYS_DIGITS_MAX 5

/* Exactly count digits, at most max; advances *p. strptime(3) would take blanks and signs, too. */
static bool number_take(const char **p, size_t count, int max, int *ret) {
        int value = 0;

        if (strspn(*p, DIGITS) < count)
                return false;
        for (size_t i = 0; i < count; i++)
                value = value * 10 + (*(*p)++ - '0');
        *ret = value;
        return value <= max;
}

static bool char_take(const char **p, const char *set) {
        if (**p == '\0' || !strchr(set, **p))
                return false;
        (*p)++;
        return true;
}

static bool date_take(const char **p, int64_t *ret_seconds) {
        int year, month, day;

        if (!number_take(p, 4, 9999, &year) || !char_take(p, "-") ||
            !number_take(p, 2, 12, &month) || !char_take(p, "-") || !number_take(p, 2, 31, &day))
                return false;
        struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };
        *ret_seconds = timegm(&tm);
        return tm.tm_mday == day && tm.tm_mon == month - 1; /* not so for 31 June and month 0 */
}

static bool fraction_take(const char **p, uint64_t *ret_usec) {
        uint64_t usec = 0;

        *ret_usec = 0;
        if (!char_take(p, "."))
                return true;
        size_t digits = strspn(*p, DIGITS);
        for (size_t i = 0; i < MICROSECOND_DIGITS; i++)
                usec = usec * 10 + (i < digits ? (uint64_t) ((*p)[i] - '0') : 0);
        *p += digits;
        *ret_usec = usec;
        return digits > 0;
}

/* "Z", or hours and minutes ahead of UTC or behind. */
static bool offset_take(const char **p, int *ret_seconds) {
        int hours, minutes;

        *ret_seconds = 0;
        if (char_take(p, "Zz"))
                return true;
        int sign = **p == '-' ? -1 : 1;
        if (!char_take(p, "+-") || !number_take(p, 2, 23, &hours) || !char_take(p, ":") ||
            !number_take(p, 2, 59, &minutes))
                return false;
        *ret_seconds = sign * (hours * 3600 + minutes * 60);
        return true;
}

/* What follows the date: from its beginning, offset included. */
static bool time_of_day_take(const char **p, int64_t *ret_seconds, uint64_t *ret_usec) {
        int hours, minutes, seconds, offset;

        if (!char_take(p, "Tt ") || !number_take(p, 2, 23, &hours) || !char_take(p, ":") ||
            !number_take(p, 2, 59, &minutes) || !char_take(p, ":") ||
            !number_take(p, 2, 60, &seconds) || !fraction_take(p, ret_usec) ||
            !offset_take(p, &offset))
                return false;
        *ret_seconds = hours * 3600 + minutes * 60 + seconds - offset;
        return true;
}

static bool date_parse(const char *text, bool day_end, uint64_t *ret_usec) {
        int64_t seconds, more = 0;
        uint64_t usec = 0;

        if (!date_take(&text, &seconds))
                return false;
        if (*text == '\0')
                more = day_end ? 24 * 3600 - 1 : 0;
        else if (!time_of_day_take(&text, &more, &usec) || *text != '\0')
                return false;
        seconds += more;
        if (seconds < 0)
                return false;
        *ret_usec = (uint64_t) seconds * USEC_PER_SEC + usec;
        return true;
}

/* Digits alone, of a number that fits into *ret. */
static bool digits_parse(const char *text, size_t min, size_t max, uint64_t *ret) {
        size_t digits = strlen(text);

        if (digits < min || digits > max || strspn(text, DIGITS) != digits)
                return false;
        *ret = strtoull(text, NULL, 10);
        return true;
}

/* sign is '+' or '-'. */
static bool days_parse(char sign, const char *text, uint64_t now, uint64_t *ret_usec) {
        size_t digits = strspn(text, DIGITS);

        if (digits == 0 || digits > DAYS_DIGITS_MAX || strcmp(text + digits, "d") != 0)
                return false;
        uint64_t distance = strtoull(text, NULL, 10) * USEC_PER_DAY;
        if (sign == '-' && distance > now)
                return false;
        *ret_usec = sign == '-' ? now - distance : now + distance;
        return true;
}

/* "now"; and days that have a name, which begin and end as a date does. */
static bool named_parse(const char *text, bool day_end, uint64_t now, uint64_t *ret_usec) {
        const bool yesterday = strcmp(text, "yesterday") == 0;
        uint64_t day = now - now % USEC_PER_DAY;

        if (strcmp(text, "now") == 0) {
                *ret_usec = now;
                return true;
        }
        if (strcmp(text, "today") != 0 && (!yesterday || day == 0))
                return false;
        if (yesterday)
                day -= USEC_PER_DAY;
        *ret_usec = day_end ? day + USEC_PER_DAY - USEC_PER_SEC : day;
        return true;
}

static bool seconds_parse(const char *text, uint64_t *ret_usec) {
        uint64_t seconds;

        if (!digits_parse(text, 1, PLAIN_DIGITS_MAX - MICROSECOND_DIGITS, &seconds))
                return false;
        *ret_usec = seconds * USEC_PER_SEC;
        return true;
}

static bool any_parse(const char *text, bool day_end, uint64_t now, uint64_t *ret_usec) {
        switch (text[0]) {
        case '+':
        case '-':
                return days_parse(text[0], text + 1, now, ret_usec);
        case '@':
                return seconds_parse(text + 1, ret_usec);
        default:
                return date_parse(text, day_end, ret_usec) ||
                       named_parse(text, day_end, now, ret_usec) ||
                       digits_parse(text, PLAIN_DIGITS_MIN, PLAIN_DIGITS_MAX, ret_usec);
        }
}

bool time_parse(const char *text, bool day_end, uint64_t now, uint64_t *ret_usec) {
        uint64_t usec;

        if (!any_parse(text, day_end, now, &usec) || usec == 0 || usec > UTC_MAX)
                return false;
        *ret_usec = usec;
        return true;
}

const char *time_format_rfc3339(uint64_t usec, char ret[static TIME_TEXT_SIZE]) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        char fraction[MICROSECOND_DIGITS + 2] = "", whole[TIME_TEXT_SIZE - sizeof(fraction)];
        struct tm tm;

        if (usec == 0 || usec > UTC_MAX || !gmtime_r(&seconds, &tm) ||
            strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
                return strcpy(ret, "-");
        if (usec % USEC_PER_SEC != 0)
                (void) snprintf(fraction, sizeof(fraction), ".%06u",
                                (unsigned int) (usec % USEC_PER_SEC));
        (void) snprintf(ret, TIME_TEXT_SIZE, "%s%sZ", whole, fraction);
        return ret;
}
