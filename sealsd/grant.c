/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/grant.h"

#include <inttypes.h>

#include "base/text.h"
#include "sealsd/json.h"

static int invalid(ErrorDetail *detail, const char *option, const char *why) {
        return error_set(detail, SEAL_E_INVALID_ARGS, "'%s': %s", option, why);
}

/* --- a new one ------------------------------------------------------------------------------ */

/* Who gives what: keepers and deputies give the use away, administrators in an emergency. */
static int giver_check(const Grant *grant, const GrantContext *context, ErrorDetail *detail) {
        const Grant *deputy = context->deputy;

        if (grant->emergency) {
                if (!(context->giver->roles & ROLE_ADMINISTRATOR))
                        return error_set(detail, SEAL_E_ACCESS_DENIED,
                                         "Only administrators give emergency grants");
                return separation_emergency(&context->rule, &grant->subject, context->giver,
                                            detail);
        }
        if (context->keeper)
                return 0;
        if (!deputy)
                return error_set(
                        detail, SEAL_E_ACCESS_DENIED,
                        "Only keepers give the use of a seal away; an administrator can in "
                        "an emergency: option 'emergency'");
        if (grant->keeper)
                return error_set(detail, SEAL_E_ACCESS_DENIED, "A deputy does not make deputies");
        if (deputy->count > 0)
                return error_set(detail, SEAL_E_ACCESS_DENIED,
                                 "A deputy whose uses are counted gives none away");
        return 0;
}

static int emergency_complete(Grant *grant, uint64_t now, ErrorDetail *detail) {
        if (grant->keeper)
                return invalid(detail, "keeper", "an emergency grant makes no deputy");
        if (grant->reason[0] == '\0')
                return invalid(detail, "reason", "required of an emergency grant");
        if (grant->until == 0)
                grant->until = grant->not_before + GRANT_EMERGENCY_TIME;
        if (grant->count == 0)
                grant->count = GRANT_EMERGENCY_USES;
        if (grant->until > now + GRANT_EMERGENCY_TIME)
                return invalid(detail, "until", "an emergency grant ends within 24 hours");
        if (grant->count > GRANT_EMERGENCY_USES)
                return invalid(detail, "count", "an emergency grant has at most 10 uses");
        return 0;
}

/* A deputy gives no more than he has, and not for longer. */
static int deputy_complete(Grant *grant, const Grant *deputy, ErrorDetail *detail) {
        grant->via = deputy->id;
        if (grant->until == 0)
                grant->until = deputy->until;
        if (grant->until > deputy->until)
                return invalid(detail, "until", "a deputy's grants end with his own");
        return 0;
}

static int time_check(const Grant *grant, uint64_t now, ErrorDetail *detail) {
        if (grant->not_before > JSON_NUMBER_MAX || grant->until > JSON_NUMBER_MAX)
                return invalid(detail, "until", "too far away; times are microseconds since 1970");
        if (grant->count > JSON_NUMBER_MAX)
                return invalid(detail, "count", "too many");
        if (grant->until > 0 && (grant->until <= grant->not_before || grant->until <= now))
                return invalid(detail, "until", "would end before it begins");
        if (grant->keeper && grant->until == 0)
                return invalid(detail, "until", "required of a deputy's grant");
        return 0;
}

static int purposes_complete(Grant *grant, const GrantContext *context, ErrorDetail *detail) {
        bool limited = !context->keeper && !grant->emergency && context->deputy;
        unsigned has = context->seal->facts.purposes;

        if (grant->purposes & ~has)
                return error_set(detail, SEAL_E_PURPOSE_NOT_ALLOWED,
                                 "Seal %s itself is not for all of these purposes",
                                 context->seal->number);
        if (limited)
                has &= context->deputy->purposes;
        if (grant->purposes == 0)
                grant->purposes = has;
        if (grant->purposes & ~has || has == 0)
                return error_set(detail, SEAL_E_PURPOSE_NOT_ALLOWED,
                                 "Your own grant is not for all of these purposes");
        return 0;
}

int grant_complete(Grant *grant, const GrantContext *context, ErrorDetail *detail) {
        Grant g = *grant;
        int r;

        r = giver_check(&g, context, detail);
        if (r == 0 && g.reason[0] != '\0' && !text_is_line(g.reason, TEXT_MAX))
                r = invalid(detail, "reason", "one line of text");
        if (r == 0)
                r = purposes_complete(&g, context, detail);
        if (r != 0)
                return r;
        text_copy(g.number, sizeof(g.number), context->seal->number);
        g.giver = context->giver->subject;
        g.given = context->now;
        if (g.not_before == 0)
                g.not_before = context->now;
        if (g.emergency)
                r = emergency_complete(&g, context->now, detail);
        else if (!context->keeper)
                r = deputy_complete(&g, context->deputy, detail);
        if (r == 0)
                r = time_check(&g, context->now, detail);
        if (r == 0)
                *grant = g;
        return r;
}

/* --- one that is there ---------------------------------------------------------------------- */

/* Neither ended nor before or after its time. */
static bool grant_in_force(const Grant *grant, uint64_t now) {
        return grant->ended == 0 && grant->not_before <= now &&
               (grant->until == 0 || now <= grant->until);
}

bool grant_makes_keeper(const Grant *grant, const Caller *caller, uint64_t now) {
        return grant->keeper && grant_in_force(grant, now) && caller_is(caller, &grant->subject);
}

static int time_covers(const Grant *grant, uint64_t now, ErrorDetail *detail) {
        char when[TIME_TEXT_SIZE];

        if (grant->ended != 0)
                return error_set(detail, SEAL_E_ACCESS_DENIED,
                                 "Your grant for seal %s was taken back", grant->number);
        if (now < grant->not_before)
                return error_set(detail, SEAL_E_NOT_YET_VALID,
                                 "Your grant for seal %s begins at %s", grant->number,
                                 time_format(grant->not_before, when));
        if (grant->until != 0 && now > grant->until)
                return error_set(detail, SEAL_E_ACCESS_DENIED, "Your grant for seal %s ended at %s",
                                 grant->number, time_format(grant->until, when));
        return 0;
}

int grant_covers(const Grant *grant, const Caller *caller, Purpose purpose, uint64_t count,
                 uint64_t now, ErrorDetail *detail) {
        int r;

        if (!caller_is(caller, &grant->subject))
                return error_set(detail, SEAL_E_ACCESS_DENIED,
                                 "Nobody granted you the use of seal %s", grant->number);
        r = time_covers(grant, now, detail);
        if (r != 0)
                return r;
        if (!(grant->purposes & purpose))
                return error_set(detail, SEAL_E_PURPOSE_NOT_ALLOWED,
                                 "Your grant for seal %s is not for the purpose %s", grant->number,
                                 purpose_name(purpose));
        if (count > 0 && grant->count > 0 &&
            (grant->used >= grant->count || count > grant->count - grant->used))
                return error_set(
                        detail, SEAL_E_LIMIT_REACHED,
                        "The grant's limit of %" PRIu64 " uses is reached, %" PRIu64 " are left",
                        grant->count, grant->used < grant->count ? grant->count - grant->used : 0);
        return 0;
}
