/* SPDX-License-Identifier: Apache-2.0 */
/* The rules about a seal, its grants and its requests. */
#include <inttypes.h>

#include "base/clock.h"
#include "sealsd/inspection.h"

static unsigned days(uint64_t usec) {
        return (unsigned) (usec / USEC_PER_DAY);
}

/* Has so much time passed since then? */
static bool is_past(const InspectionRules *rules, uint64_t since, uint64_t patience) {
        return since != 0 && rules->now > since && rules->now - since >= patience;
}

bool inspected_is_live(const InspectedSeal *seal) {
        return seal->state != SEAL_REVOKED && seal->state != SEAL_DESTROYED;
}

static void inspect_validity(const InspectionRules *rules, const InspectedSeal *seal,
                             Findings *ret) {
        char end[TIME_TEXT_SIZE];

        (void) time_format(seal->not_after, end);
        if (rules->now > seal->not_after)
                findings_add(ret, FINDING_EXPIRED, seal->number, 0,
                             "Expired on %s: apply for recertification or renewal, or revoke it",
                             end);
        else if (seal->not_after - rules->now <= rules->warn)
                findings_add(ret, FINDING_EXPIRES_SOON, seal->number, 0,
                             "Expires on %s, in %u days: apply for recertification or renewal", end,
                             days(seal->not_after - rules->now));
        if (seal->superseded_at != 0 && rules->now >= seal->superseded_at)
                findings_add(ret, FINDING_SUPERSEDED, seal->number, 0,
                             "Replaced since %s by a newer seal: surrender or revoke it",
                             time_format(seal->superseded_at, end));
}

/* That it ends with the seal is told of the seal. */
static void inspect_certificate(const InspectionRules *rules, const InspectedSeal *seal,
                                Findings *ret) {
        const uint64_t end = seal->certified_until;
        char text[TIME_TEXT_SIZE];

        if (!seal->certified)
                findings_add(
                        ret, FINDING_CERTIFICATE_MISSING, seal->number, 0,
                        "It is from before there were certificates: apply for recertification");
        else if (rules->now >= end + USEC_PER_SEC && rules->now <= seal->not_after)
                findings_add(ret, FINDING_CERTIFICATE_ENDED, seal->number, 0,
                             "Its certificate ended on %s, and it signs nothing: apply for "
                             "recertification, or set the new one of its authority",
                             time_format(end, text));
        else if (end + USEC_PER_SEC <= seal->not_after && end < rules->now + rules->warn)
                findings_add(ret, FINDING_CERTIFICATE_ENDS_SOON, seal->number, 0,
                             "Its certificate ends on %s, before the seal: apply for "
                             "recertification, or set the new one of its authority",
                             time_format(end, text));
}

/*
 * As after an amendment. Another certificate beside it would end nothing: the first one stays good
 * for whoever has it, until its own end or until a list says otherwise.
 */
static void inspect_certificate_end(const InspectedSeal *seal, Findings *ret) {
        char certificate[TIME_TEXT_SIZE], own[TIME_TEXT_SIZE];

        if (seal->certified && seal->certified_until > seal->not_after)
                findings_add(ret, FINDING_CERTIFICATE_OUTLIVES_SEAL, seal->number, 0,
                             "Its certificate is valid until %s, the seal until %s: revoke it at "
                             "its end, which those who verify learn from a list alone",
                             time_format(seal->certified_until, certificate),
                             time_format(seal->not_after, own));
}

/* Nobody keeps a seal before it is delivered, and after it was surrendered. */
static bool seal_is_kept(const InspectedSeal *seal) {
        return seal->state != SEAL_MADE && seal->state != SEAL_FILED &&
               seal->state != SEAL_SURRENDERED;
}

static void inspect_keepers(const InspectedSeal *seal, Findings *ret) {
        if (!seal_is_kept(seal))
                return;
        for (size_t i = 0; i < seal->keeper_count; i++) {
                const InspectedPerson *keeper = &seal->keepers[i];

                if (keeper->account == ACCOUNT_NONE)
                        findings_add(ret, FINDING_KEEPER_NO_ACCOUNT, seal->number,
                                     keeper->subject.id,
                                     "Keeper %s (%u) has no account: recall the seal and deliver "
                                     "it to somebody else",
                                     keeper->subject.text, keeper->subject.id);
                else if (keeper->account == ACCOUNT_OTHER)
                        findings_add(ret, FINDING_KEEPER_OTHER_ACCOUNT, seal->number,
                                     keeper->subject.id,
                                     "Keeper %s: the id %u belongs to another name now, who keeps "
                                     "the seal by it; if that is another person, recall the seal",
                                     keeper->subject.text, keeper->subject.id);
        }
}

static void inspect_use(const InspectionRules *rules, const InspectedSeal *seal, Findings *ret) {
        uint64_t since = seal->last_use > seal->accepted ? seal->last_use : seal->accepted;

        if (seal->state != SEAL_ACTIVE)
                return;
        if (seal->use_limit != 0 && seal->use_count >= seal->use_limit)
                findings_add(ret, FINDING_LIMIT_REACHED, seal->number, 0,
                             "All %" PRIu64 " uses are used: amend it, or revoke it",
                             seal->use_limit);
        else if (is_past(rules, since, rules->unused))
                findings_add(
                        ret, FINDING_UNUSED, seal->number, 0, "%s for %u days: is it needed still?",
                        seal->last_use == 0 ? "Never used" : "Not used", days(rules->now - since));
}

/* What nobody can use any more is no less waiting for its end: only the last states are silent. */
void inspect_seal(const InspectionRules *rules, const InspectedSeal *seal, Findings *ret) {
        if (!inspected_is_live(seal))
                return;
        inspect_validity(rules, seal, ret);
        inspect_certificate(rules, seal, ret);
        inspect_certificate_end(seal, ret);
        inspect_keepers(seal, ret);
        inspect_use(rules, seal, ret);
        if (seal->state == SEAL_DELIVERED && is_past(rules, seal->delivered, rules->wait))
                findings_add(ret, FINDING_ACCEPTANCE_WAITS, seal->number, 0,
                             "Delivered %u days ago and not accepted: ask the keeper, or recall it",
                             days(rules->now - seal->delivered));
        if (seal->grants > rules->grants_max)
                findings_add(ret, FINDING_GRANTS_MANY, seal->number, 0,
                             "%u grants let others use it, more than %u: remove what is not needed",
                             seal->grants, rules->grants_max);
}

void inspect_grant(const InspectionRules *rules, const InspectedSeal *seal,
                   const InspectedGrant *grant, Findings *ret) {
        const Subject *holder = &grant->holder.subject;

        if (!inspected_is_live(seal))
                return;
        if (grant->holder.account == ACCOUNT_NONE)
                findings_add(ret, FINDING_HOLDER_NO_ACCOUNT, seal->number, grant->id,
                             "Grant %" PRIu64 ": %s (%u) has no account: remove the grant",
                             grant->id, holder->text, holder->id);
        if (holder->kind == SUBJECT_GROUP && grant->until == 0)
                findings_add(ret, FINDING_GRANT_GROUP_FOREVER, seal->number, grant->id,
                             "Grant %" PRIu64 " lets everybody of %s use it without an end: give "
                             "it one, or name the people",
                             grant->id, holder->text);
        if (grant->used == 0 && is_past(rules, grant->given, rules->unused))
                findings_add(ret, FINDING_GRANT_UNUSED, seal->number, grant->id,
                             "Grant %" PRIu64 " of %s was not used in %u days: remove it",
                             grant->id, holder->text, days(rules->now - grant->given));
}

void inspect_request(const InspectionRules *rules, const InspectedRequest *request, Findings *ret) {
        if (request->review)
                findings_add(ret, FINDING_REVIEW_OPEN, request->seal, request->id,
                             "Request %" PRIu64 ": an emergency grant waits for a reviewer",
                             request->id);
        else if (request->state == REQUEST_FAILED)
                findings_add(ret, FINDING_REQUEST_FAILED, request->seal, request->id,
                             "Request %" PRIu64 " (%s) failed: see why, then make it again or "
                             "cancel it",
                             request->id, request->kind);
        else if (is_past(rules, request->created, rules->wait))
                findings_add(ret, FINDING_REQUEST_WAITS, request->seal, request->id,
                             "Request %" PRIu64 " (%s) is %s since %u days", request->id,
                             request->kind, request_state_name(request->state),
                             days(rules->now - request->created));
}

static void inspect_bit(const InspectedSeal *seal, const InspectedKey *key, Findings *ret) {
        bool ended = !inspected_is_live(seal);

        if (seal->revocation_pending)
                findings_add(ret, FINDING_REVOCATION_OWED, seal->number, 0,
                             "Revoked in the register and refused here, but its bit is not set in "
                             "the chip yet: sealsd sets it as soon as the chip answers");
        else if (key->bit_known && key->bit && !ended)
                findings_add(ret, FINDING_BIT_SET, seal->number, 0,
                             "Its bit %u of index 0x%08x is set though the register has it as %s: "
                             "somebody set it, or the register is an older copy",
                             seal->bit, seal->index, seal_state_name(seal->state));
        else if (key->bit_known && !key->bit && ended)
                findings_add(ret, FINDING_BIT_CLEAR, seal->number, 0,
                             "Its bit %u of index 0x%08x is clear though the register has it as "
                             "%s: the index was made anew without it",
                             seal->bit, seal->index, seal_state_name(seal->state));
        else if (seal->found_revoked && seal->state == SEAL_REVOKED)
                findings_add(ret, FINDING_BIT_SET, seal->number, 0,
                             "It was found revoked in the chip: somebody set its bit, or the "
                             "register had been put back to an older copy");
}

void inspect_key(const InspectedSeal *seal, const InspectedKey *key, Findings *ret) {
        inspect_bit(seal, key, ret);
        if (!inspected_is_live(seal))
                return;
        if (key->key == KEY_DIFFERS)
                findings_add(ret, FINDING_KEY_DIFFERS, seal->number, 0,
                             "The key is not as recorded: %s. It does not sign again; see who "
                             "could write the register, restore a backup or revoke it",
                             key->why);
}
