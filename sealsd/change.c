/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "sealsd/json.h"

#define OVERLAP_DAYS_MAX 3650

static int invalid(const char *text, ErrorDetail *detail) {
        return error_set(detail, SEAL_E_INVALID_ARGS, "%s", text);
}

/* --- checks --------------------------------------------------------------------------------- */

/* Another certificate until the same end, where no later one is asked for. */
static int check_recertify(const Seal *seal, Application *change, uint64_t now,
                           ErrorDetail *detail) {
        if (change->not_after == 0)
                change->not_after = seal->facts.not_after;
        if (change->not_after > JSON_NUMBER_MAX)
                return invalid("'not-after' is too far away; times are microseconds since 1970",
                               detail);
        if (change->not_after <= now || change->not_after <= seal->facts.not_before)
                return invalid("'not-after' is in the future, and after the seal's beginning",
                               detail);
        if (change->not_after < seal->facts.not_after)
                return invalid("'not-after' is not earlier than the seal's: amend makes it earlier",
                               detail);
        return 0;
}

static int check_amend(const Seal *seal, const Application *change, uint64_t now,
                       ErrorDetail *detail) {
        if (change->purposes == 0 && !change->use_limit_given && change->not_after == 0)
                return invalid("Nothing to amend: give 'purposes', 'use-limit' or 'not-after'",
                               detail);
        if (change->not_after != 0 &&
            (change->not_after <= now || change->not_after <= seal->facts.not_before))
                return invalid("'not-after' is in the future, and after the seal's beginning",
                               detail);
        if (change->not_after != 0 && change->not_after >= seal->facts.not_after)
                return invalid(
                        "'not-after' has to be earlier than the seal's: recertify makes it later",
                        detail);
        if (change->use_limit > JSON_NUMBER_MAX)
                return invalid("'use-limit' is too large", detail);
        if (change->use_limit != 0 && change->use_limit <= seal->use_count)
                return invalid("'use-limit' is more than the uses that were made already", detail);
        return 0;
}

static int check_transfer(const Seal *seal, const Application *change, ErrorDetail *detail) {
        const Application *facts = &seal->facts;

        if (change->keeper_count != 1)
                return invalid("'keeper' is required", detail);
        if (facts->keeper_count == 1 && seal->state != SEAL_SURRENDERED &&
            subject_equal(&facts->keepers[0], &change->keepers[0]))
                return invalid("'keeper' keeps the seal already", detail);
        return 0;
}

static void renew_text(char *field, size_t size, const char *old) {
        if (field[0] == '\0')
                text_copy(field, size, old);
}

/* Another picture has the old one's size, and the old one may get another. */
static void renew_picture(const PictureFacts *old, PictureFacts *picture) {
        const uint32_t width = picture->width ? picture->width : old->width;
        const uint32_t height = picture->height ? picture->height : old->height;

        if (picture->type[0] == '\0')
                *picture = *old;
        picture->width = width;
        picture->height = height;
}

/* What is not given is as it was; a limit counts anew. */
static void renew_fill(const Application *old, Application *change) {
        renew_text(change->name, sizeof(change->name), old->name);
        renew_text(change->holder, sizeof(change->holder), old->holder);
        renew_text(change->class, sizeof(change->class), old->class);
        renew_text(change->type, sizeof(change->type), old->type);
        renew_text(change->algorithm, sizeof(change->algorithm), old->algorithm);
        renew_text(change->organization_identifier, sizeof(change->organization_identifier),
                   old->organization_identifier);
        renew_text(change->country, sizeof(change->country), old->country);
        renew_picture(&old->picture, &change->picture);
        if (change->purposes == 0)
                change->purposes = old->purposes;
        if (!change->use_limit_given)
                change->use_limit = old->use_limit;
        if (change->keeper_count == 0) {
                change->keeper_count = old->keeper_count;
                memcpy(change->keepers, old->keepers, sizeof(old->keepers));
        }
        if (!change->pin_given)
                change->pin = old->pin;
        if (!change->approvers_given) {
                change->approver_count = old->approver_count;
                memcpy(change->approvers, old->approvers, sizeof(old->approvers));
                if (change->threshold == 0)
                        change->threshold = old->threshold;
        }
}

static int check_renew(const Seal *seal, Application *change, uint64_t now, unsigned validity_days,
                       ErrorDetail *detail) {
        if (change->overlap > OVERLAP_DAYS_MAX * USEC_PER_DAY)
                return invalid("'overlap' is at most ten years, in microseconds", detail);
        renew_fill(&seal->facts, change);
        change->use_limit_given = change->pin_given = change->approvers_given = false;
        return application_complete(change, &seal->applicant, now, validity_days, detail);
}

static int check_kind(RequestKind kind, const Seal *seal, Application *change, uint64_t now,
                      unsigned validity_days, ErrorDetail *detail) {
        switch (kind) {
        case KIND_RENEW:
                return check_renew(seal, change, now, validity_days, detail);
        case KIND_RECERTIFY:
                return check_recertify(seal, change, now, detail);
        case KIND_AMEND:
                return check_amend(seal, change, now, detail);
        case KIND_TRANSFER:
                return check_transfer(seal, change, detail);
        default:
                return 0;
        }
}

int change_check(RequestKind kind, const Seal *seal, Application *change, uint64_t now,
                 unsigned validity_days, ErrorDetail *detail) {
        _cleanup_free_ Application *whole = malloc(sizeof(*whole));

        if (!whole)
                return -ENOMEM;
        *whole = *change;
        int r = documents_check(whole->documents, whole->document_count, detail);
        if (r == 0)
                r = check_kind(kind, seal, whole, now, validity_days, detail);
        if (r == 0)
                *change = *whole;
        return r;
}

/* --- doing it ------------------------------------------------------------------------------- */

void change_apply(RequestKind kind, const Application *change, Application *facts) {
        if (kind == KIND_RECERTIFY || (kind == KIND_AMEND && change->not_after != 0))
                facts->not_after = change->not_after;
        if (kind == KIND_AMEND && change->purposes != 0)
                facts->purposes = change->purposes;
        if (kind == KIND_AMEND && change->use_limit_given)
                facts->use_limit = change->use_limit;
        if (kind != KIND_TRANSFER)
                return;
        facts->keeper_count = 1;
        facts->keepers[0] = change->keepers[0];
}

/* --- JSON ----------------------------------------------------------------------------------- */

static bool put(json_t *object, const char *key, json_t *value) {
        return json_object_set_new(object, key, value) == 0;
}

static bool put_number(json_t *object, const char *key, uint64_t number) {
        return put(object, key, json_integer((json_int_t) number));
}

static bool parts_put(RequestKind kind, const Application *change, json_t *object) {
        const bool amend = kind == KIND_AMEND;

        if ((kind == KIND_RECERTIFY || amend) && change->not_after != 0 &&
            !put_number(object, "not-after", change->not_after))
                return false;
        if (amend && change->purposes != 0 &&
            !put(object, "purposes", json_purposes(change->purposes)))
                return false;
        if (amend && change->use_limit_given && !put_number(object, "use-limit", change->use_limit))
                return false;
        return kind != KIND_TRANSFER || change->keeper_count == 0 ||
               (put(object, "keeper", json_string(change->keepers[0].text)) &&
                put_number(object, "keeper-id", change->keepers[0].id));
}

json_t *change_json(RequestKind kind, const Application *change) {
        _cleanup_json_ json_t *object = NULL;

        if (request_kind_makes(kind)) {
                object = application_json(change);
                if (!object ||
                    (kind == KIND_RENEW && !put_number(object, "overlap", change->overlap)))
                        return NULL;
                return steal_ptr(object);
        }
        object = json_object();
        if (!object || !parts_put(kind, change, object) ||
            !put(object, "documents", json_documents(change->documents, change->document_count)))
                return NULL;
        return steal_ptr(object);
}

/* A part that is not there is left as it is. */
static bool number_read(const json_t *object, const char *key, uint64_t *ret) {
        return !json_object_get(object, key) || json_read_number(object, key, ret);
}

static bool parts_read(RequestKind kind, const json_t *object, Application *ret) {
        const json_t *purposes = json_object_get(object, "purposes");
        const json_t *keeper = json_object_get(object, "keeper");

        ret->use_limit_given = json_object_get(object, "use-limit") != NULL;
        if (!number_read(object, "not-after", &ret->not_after) ||
            !number_read(object, "use-limit", &ret->use_limit) ||
            (purposes && !json_read_purposes(purposes, &ret->purposes)))
                return false;
        if (kind != KIND_TRANSFER)
                return true;
        ret->keeper_count = 1;
        return json_read_subject(keeper, json_object_get(object, "keeper-id"), &ret->keepers[0]);
}

bool change_read(RequestKind kind, const json_t *object, Application *ret) {
        if (request_kind_makes(kind))
                return json_read_application(object, ret) &&
                       (kind != KIND_RENEW || json_read_number(object, "overlap", &ret->overlap));
        return parts_read(kind, object, ret) &&
               json_read_documents(json_object_get(object, "documents"), ret->documents,
                                   &ret->document_count);
}
