/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/seal.h"

#include <errno.h>

#include "policy/certificate.h"
#include "policy/key.h"
#include "sealsd/json.h"

int filing_check(const Filing *filing, ErrorDetail *detail) {
        int r = 0;

        if (filing->number[0] != '\0')
                r = option_check_line("filing-number", filing->number, detail);
        if (r == 0 && filing->authority[0] != '\0')
                r = option_check_line("authority", filing->authority, detail);
        if (r == 0 && filing->filed > JSON_NUMBER_MAX)
                r = error_set(detail, SEAL_E_INVALID_ARGS,
                              "'filed' is too far away; times are microseconds since 1970");
        return r == 0 ? documents_check(filing->documents, filing->document_count, detail) : r;
}

bool seal_names_keeper(const Seal *seal, const Subject *subject) {
        for (size_t i = 0; i < seal->facts.keeper_count; i++)
                if (subject_equal(&seal->facts.keepers[i], subject))
                        return true;
        return false;
}

bool seal_is_accepted(const Seal *seal) {
        return seal->state == SEAL_ACTIVE || seal->accepted.time != 0;
}

bool seal_is_keeper(const Seal *seal, const Caller *caller) {
        if (seal->state == SEAL_MADE || seal->state == SEAL_FILED ||
            seal->state == SEAL_SURRENDERED)
                return false;
        if (caller_is(caller, &seal->named_keeper))
                return true;
        if (seal->state == SEAL_DELIVERED || !seal_is_accepted(seal))
                return false;
        for (size_t i = 0; i < seal->facts.keeper_count; i++)
                if (caller_is(caller, &seal->facts.keepers[i]))
                        return true;
        return false;
}

void seal_deliver(Seal *seal, const Subject *keeper, Act act) {
        seal->named_keeper = *keeper;
        seal->delivered = act;
        seal->accepted = (Act){ .login = LOGIN_NONE };
}

SealTiming seal_timing_at(const Seal *seal, uint64_t now) {
        return seal_timing(seal->facts.not_before, seal->facts.not_after, seal->superseded_at, now);
}

static int keeper_append(json_t *array, const Seal *seal, const Subject *keeper) {
        bool accepted = seal->accepted.time != 0 && seal->named_keeper.text[0] != '\0' &&
                        subject_equal(&seal->named_keeper, keeper);

        return json_array_append_new(
                array, json_pack("{s:s, s:b}", "subject", keeper->text, "accepted", accepted));
}

/* Those of the application, and the one it was delivered to where he is another. */
static json_t *keepers_json(const Seal *seal) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < seal->facts.keeper_count; i++)
                if (keeper_append(array, seal, &seal->facts.keepers[i]) != 0)
                        return NULL;
        if (array && seal->named_keeper.text[0] != '\0' &&
            !seal_names_keeper(seal, &seal->named_keeper) &&
            keeper_append(array, seal, &seal->named_keeper) != 0)
                return NULL;
        return steal_ptr(array);
}

static json_t *strings_json(const char *const *strings) {
        _cleanup_json_ json_t *array = json_array();

        for (; array && strings && *strings; strings++)
                if (json_array_append_new(array, json_string(*strings)) != 0)
                        return NULL;
        return steal_ptr(array);
}

static json_t *filing_json(const Seal *seal) {
        const Filing *filing = &seal->filing;

        if (filing->filed == 0)
                return json_null();
        return json_pack("{s:s, s:s, s:I, s:s, s:o}", "filing-number", filing->number, "authority",
                         filing->authority, "filed", (json_int_t) filing->filed, "by",
                         seal->filed.by.text, "documents",
                         json_documents(filing->documents, filing->document_count));
}

static json_t *facts_json(const Seal *seal, const char *why_not, const char *const *policy,
                          const char *pem) {
        const Application *facts = &seal->facts;

        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I,"
                         " s:I, s:I, s:s, s:s, s:s, s:I, s:b}",
                         "number", seal->number, "class", facts->class, "type", facts->type, "name",
                         facts->name, "holder", facts->holder, "state",
                         seal_state_name(seal->state), "why-not", why_not, "algorithm",
                         facts->algorithm, "separation", separation_name(seal->separation),
                         "purposes", json_purposes(facts->purposes), "policy", strings_json(policy),
                         "created", (json_int_t) seal->created, "not-before",
                         (json_int_t) facts->not_before, "not-after", (json_int_t) facts->not_after,
                         "use-limit", (json_int_t) facts->use_limit, "use-count",
                         (json_int_t) seal->use_count, "public-key", pem, "replaces",
                         seal->replaces, "replaced-by", seal->replaced_by, "superseded-at",
                         (json_int_t) seal->superseded_at, "opaque", seal->opaque);
}

static json_t *approvers_json(const Application *facts) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < facts->approver_count; i++)
                if (json_array_append_new(array, json_pack("{s:s, s:s}", "subject",
                                                           facts->approvers[i].subject.text, "key",
                                                           facts->approvers[i].pem)) != 0)
                        return NULL;
        return steal_ptr(array);
}

/* What its use takes beside the machine. */
static json_t *conditions_json(const Application *facts) {
        return json_pack("{s:b, s:o, s:i}", "pin", facts->pin, "approvers", approvers_json(facts),
                         "threshold", (int) facts->threshold);
}

/* "" is left out. */
static bool put_text(json_t *object, const char *key, const char *text) {
        return text[0] == '\0' || json_object_set_new(object, key, json_string(text)) == 0;
}

/* Of its certificate, and its picture; what was not given is left out. */
static bool put_face(json_t *object, const Application *facts) {
        if (facts->picture.type[0] != '\0' &&
            json_object_set_new(object, "picture", picture_facts_json(&facts->picture)) != 0)
                return false;
        return put_text(object, "organization-identifier", facts->organization_identifier) &&
               put_text(object, "country", facts->country);
}

/* Who did what when, in the order of the life cycle; what did not happen is left out. */
static json_t *acts_json(const Seal *seal) {
        const struct {
                const char *name;
                const Act *act;
        } acts[] = {
                { "made", &seal->made },
                { "filed", &seal->filed },
                { "delivered", &seal->delivered },
                { "accepted", &seal->accepted },
                { "suspended", &seal->suspended },
                { "lost", &seal->lost },
                { "surrendered", &seal->surrendered },
                { "revoked", &seal->revoked },
                { "destroyed", &seal->destroyed },
        };
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < sizeof(acts) / sizeof(acts[0]); i++) {
                const Act *act = acts[i].act;

                if (act->time != 0 &&
                    json_array_append_new(array, json_pack("{s:s, s:s, s:I}", "act", acts[i].name,
                                                           "by", act->by.text, "time",
                                                           (json_int_t) act->time)) != 0)
                        return NULL;
        }
        return steal_ptr(array);
}

static json_t *custody_json(const Seal *seal, const Request *request) {
        return json_pack("{s:o, s:I, s:s, s:o, s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:i, s:o, s:o,"
                         " s:o}",
                         "keepers", keepers_json(seal), "request", (json_int_t) seal->request,
                         "applicant", seal->applicant.text, "filing", filing_json(seal), "made-by",
                         seal->made.by.text, "delivered-by", seal->delivered.by.text, "accepted-by",
                         seal->accepted.by.text, "revoked-by", seal->revoked.by.text, "revoked",
                         (json_int_t) seal->revoked.time, "revocation-reason",
                         seal->revocation_reason, "index", (json_int_t) seal->index, "bit",
                         (int) seal->bit, "documents",
                         json_documents(seal->facts.documents, seal->facts.document_count),
                         "decisions", request ? request_decisions(request, false) : json_array(),
                         "acts", acts_json(seal));
}

/* PEM, its own first. */
static json_t *certificates_json(const SealContext *context) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < context->certificate_count; i++) {
                _cleanup_free_ char *pem = NULL;

                if (certificate_to_pem(context->certificates[i], &pem) != 0 ||
                    json_array_append_new(array, json_string(pem)) != 0)
                        return NULL;
        }
        return steal_ptr(array);
}

static json_t *papers_json(const SealContext *context) {
        return json_pack("{s:o, s:s}", "certificates", certificates_json(context), "eseal-profile",
                         context->eseal_profile ? context->eseal_profile : "");
}

int seal_describe(const Seal *seal, const SealContext *context, bool full, char **ret) {
        _cleanup_free_ char *pem = NULL;
        _cleanup_json_ json_t *document = NULL, *conditions = NULL, *papers = NULL, *custody = NULL;

        int r = seal->public.size > 0 ? public_to_pem(&seal->public, &pem) : 0;
        if (r != 0)
                return r;
        document = facts_json(seal, context->why_not, context->policy, pem ? pem : "");
        conditions = conditions_json(&seal->facts);
        papers = papers_json(context);
        if (!conditions || json_object_update(document, conditions) != 0 || !papers ||
            json_object_update(document, papers) != 0 || !put_face(document, &seal->facts))
                return -ENOMEM;
        if (full) {
                custody = custody_json(seal, context->request);
                if (!custody || json_object_update(document, custody) != 0)
                        return -ENOMEM;
        }
        return json_to_text(document, ret);
}
