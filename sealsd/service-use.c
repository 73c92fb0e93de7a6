/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Uses that approvers sign for: asking, what there is to sign, and the end with the seal. Approvals
 * are service-use-approve.c, the signature is service-collect.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "base/text.h"
#include "policy/approval.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "sealsd/json.h"
#include "sealsd/service-format.h"
#include "sealsd/service-life.h"
#include "sealsd/service-pin.h"
#include "sealsd/service-sign.h"
#include "sealsd/service-use.h"

/* --- what is signed --------------------------------------------------------------------------- */

SignAim use_aim(const UseFacts *facts) {
        return (SignAim){ .format = facts->format, .purpose = facts->purpose, .count = 1 };
}

int use_target(const Request *request, const Seal *seal, UseTarget *ret) {
        const UseFacts *facts = &request->use.facts;
        const Algorithm *algorithm = algorithm_of(&seal->public);
        size_t size;

        if (!algorithm)
                return SEAL_E_UNSUPPORTED;
        *ret = (UseTarget){
                .digest = *use_signs(facts),
                .live = facts->live,
                .nonce = facts->nonce,
                .expiration = (int32_t) facts->expiration,
        };
        memcpy(ret->number, seal->number, sizeof(ret->number));
        int r = algorithm_scheme(algorithm, facts->hash, scheme_option(facts->scheme), &ret->scheme,
                                 &size, NULL);
        return r == 0 ? public_name(&seal->public, &ret->key) : r;
}

int use_read_seal(Service *service, const Request *request, Seal *ret) {
        if (request->opaque)
                return SEAL_E_MACHINE_STATE_REFUSED;
        int r = store_seal_get(service->store, request->target, ret);
        return r == 0 && ret->opaque ? SEAL_E_MACHINE_STATE_REFUSED : r;
}

int use_check_open(Service *service, Request *request, ErrorDetail *detail) {
        if (request_kind(request) != KIND_USE)
                return 0; /* the table of operations says it */
        int r = service_expire_request(service, request, detail);
        if (r != 0 && r != SEAL_E_INVALID_STATE)
                return r;
        switch (request->state) {
        case REQUEST_EXPIRED:
                return error_set(detail, SEAL_E_APPROVAL_EXPIRED, "The request has expired: %s",
                                 request->error);
        case REQUEST_COMPLETED:
                return error_set(detail, SEAL_E_APPROVAL_USED,
                                 "It is signed already, by use %" PRIu64
                                 " of the seal: its applicant collects the signature",
                                 request->use.result.use);
        default:
                return 0;
        }
}

/*
 * What is approved stays good at the chip for ever, so nobody is asked to approve for a seal that
 * is out of its time or over. One that was suspended or lost may come back: approvals wait for it.
 */
static int use_check_seal(const Service *service, const Seal *seal, ErrorDetail *detail) {
        SealState same;

        if (seal->state == SEAL_REVOKED || seal->state == SEAL_DESTROYED)
                return seal_transition(seal->state, SEAL_SIGN, &same, detail);
        return service_check_timing(service, seal, detail);
}

int use_check_approvable(Service *service, Request *request, Seal *ret, ErrorDetail *detail) {
        RequestState next;

        int r = use_check_open(service, request, detail);
        if (r == 0 && request_kind(request) == KIND_USE) {
                r = use_read_seal(service, request, ret);
                if (r == 0)
                        r = use_check_seal(service, ret, detail);
        }
        return r == 0 ? request_transition((RequestKind) request_kind(request), request->state,
                                           REQUEST_AUTHORIZE, &next, detail)
                      : r;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Left out of raw ones. */
static bool facts_put_format(json_t *facts, const Request *request) {
        const SignFormat format = request->use.facts.format;

        return format == FORMAT_RAW ||
               json_object_set_new(facts, "format", json_string(sign_format_name(format))) == 0;
}

int service_event_use(Service *service, Event event, const Request *request) {
        _cleanup_json_ json_t *facts = json_object();

        if (!facts || !facts_put_format(facts, request))
                return -ENOMEM;
        event.facts = json_object_size(facts) > 0 ? facts : NULL;
        return store_event(service->store, &event);
}

static json_t *requested_facts(const Request *request) {
        _cleanup_json_ json_t *facts = json_pack(
                "{s:s, s:o, s:o, s:i, s:b, s:I}", "type", request->type, "digest",
                json_hex(request->digest, sizeof(request->digest)), "approvers",
                use_approvers_json(&request->use), "threshold", (int) request->reviewers_needed,
                "live", request->use.facts.live, "expires", (json_int_t) request->expires);

        return facts && facts_put_format(facts, request) ? steal_ptr(facts) : NULL;
}

Event event_of_use(EventCode code, const Caller *caller, const Request *request) {
        const UseFacts *facts = &request->use.facts;
        Event event = event_of_request(code, caller, request);

        if (request->opaque)
                return event;
        event.purpose = purpose_name(facts->purpose);
        event.hash = facts->hash;
        event.digest = (Bytes){ facts->digest.buffer, facts->digest.size };
        event.document = facts->document_name[0] != '\0' ? facts->document_name : NULL;
        return event;
}

static int use_add(Service *service, const Caller *caller, Request *request,
                   const UseStructure *frozen) {
        int r = store_request_add(service->store, request);

        if (r == 0)
                r = store_use_add(service->store, request);
        if (r == 0 && frozen->format[0] != '\0')
                r = store_use_structure_add(service->store, request->id, frozen);
        if (r != 0)
                return r;
        return service_event(service, event_of_use(EVENT_USE_REQUESTED, caller, request),
                             requested_facts(request));
}

int use_commit(Service *service, const Caller *caller, Request *request,
               const UseStructure *frozen) {
        int r = request_digest(request, request->digest);

        if (r == 0)
                r = store_begin(service->store);
        if (r != 0)
                return r;
        r = store_end(service->store, use_add(service, caller, request, frozen));
        if (r == 0)
                service_changed_request(service, request);
        return r;
}

static int use_fill_facts(Service *service, const Seal *seal, const SignOptions *options,
                          TPMT_SIG_SCHEME *ret_scheme, UseFacts *ret, ErrorDetail *detail) {
        size_t size = 0;

        int r = service_sign_scheme(service, seal, options->hash, options->scheme, ret_scheme,
                                    &size, detail);
        if (r == 0)
                r = format_options_check(options, ret_scheme, detail);
        if (r != 0)
                return r;
        ret->format = options->format;
        text_copy(ret->hash, sizeof(ret->hash),
                  options->hash ? options->hash : algorithm_of(&seal->public)->hash);
        text_copy(ret->scheme, sizeof(ret->scheme), scheme_name(ret_scheme->scheme));
        if (options->format != FORMAT_PKCS10 && options->digests[0].size != size)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "A digest of %s has %zu bytes, this one %zu", ret->hash, size,
                                 options->digests[0].size);
        ret->digest.size = (UINT16) options->digests[0].size;
        if (ret->digest.size > 0)
                memcpy(ret->digest.buffer, options->digests[0].data, ret->digest.size);
        ret->purpose = options->purpose ? options->purpose : PURPOSE_DOCUMENT_SIGNING;
        if (options->document_name)
                text_copy(ret->document_name, sizeof(ret->document_name), options->document_name);
        return 0;
}

/* Of live ones in whole seconds, which the chip counts. */
static int use_fill_time(const Service *service, const UseOptions *options, Request *ret,
                         ErrorDetail *detail) {
        const uint64_t days = service->config->request_days * USEC_PER_DAY;
        const uint64_t max = options->live ? LIVE_USE_SECONDS_MAX * USEC_PER_SEC : days;
        uint64_t rest = options->live ? LIVE_USE_SECONDS * USEC_PER_SEC : days;

        if (options->expires != 0)
                rest = options->expires > ret->created ? options->expires - ret->created : 0;
        if (rest > max || rest < USEC_PER_SEC)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'expires' is a time within the next %" PRIu64 " %s",
                                 options->live ? (uint64_t) LIVE_USE_SECONDS_MAX / 60
                                               : (uint64_t) service->config->request_days,
                                 options->live ? "minutes" : "days");
        if (options->live)
                ret->use.facts.expiration = (uint32_t) (rest / USEC_PER_SEC);
        ret->expires = ret->created + rest;
        return 0;
}

static int use_quota(Service *service, const Caller *caller, const UseStructure *frozen,
                     ErrorDetail *detail) {
        UsesOpen open;

        int r = store_use_count_open(service->store, caller->uid, &open);
        if (r == 0 && open.count >= USE_REQUESTS_MAX)
                r = error_set(detail, SEAL_E_QUOTA_EXCEEDED,
                              "%u requests for uses of yours wait; collect or cancel some",
                              open.count);
        if (r == 0 && open.bytes + frozen->size + frozen->certificates_size > USE_STRUCTURES_MAX)
                r = error_set(
                        detail, SEAL_E_QUOTA_EXCEEDED,
                        "What the %u requests for uses of yours that wait are to sign has %" PRIu64
                        " bytes, and all of one user's %d at most; collect or cancel some",
                        open.count, open.bytes, USE_STRUCTURES_MAX);
        return r;
}

/* What cannot become of it whatever the approvers say. */
static int use_check_options(const Seal *seal, const UseOptions *options, ErrorDetail *detail) {
        if (seal->facts.approver_count == 0)
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "Seal %s has no approvers, and nobody to ask: use Sign",
                                 seal->number);
        if (options->pin.set && !options->live)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'pin' goes with 'live' alone: a request that waits keeps no PIN; "
                                 "give it to CollectWith");
        if (!options->pin.set && options->live && seal->facts.pin)
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "Seal %s has a PIN, which signs as soon as the last approval is "
                                 "there: give it as the option pin",
                                 seal->number);
        return options->live ? service_pin_for_use(seal, &options->pin, detail) : 0;
}

/* What approvers sign for is made now, with the certificates and the time of now. */
static int use_freeze(Service *service, const Seal *seal, const SignOptions *options,
                      const TPMT_SIG_SCHEME *scheme, UseFacts *facts, UseStructure *ret,
                      ErrorDetail *detail) {
        _cleanup_free_ uint8_t *structure = NULL;
        _cleanup_format_ FormatUse format = {};
        size_t size = 0;

        int r = service_format_fill(service, seal, options, facts->hash, scheme, &format, detail);
        if (r != 0 || facts->format == FORMAT_RAW)
                return r;
        r = format_use_prepare(&format, &facts->digest, &structure, &size, &facts->signs);
        if (r != 0)
                return r;
        facts->time = sign_format_timed(facts->format) ? format.time : 0;
        text_copy(facts->property_info, sizeof(facts->property_info), format.property_info);
        return format_freeze(&format, (Bytes){ structure, size }, ret);
}

static int use_prepare(Service *service, const Caller *caller, const Seal *seal,
                       const UseOptions *options, Request *ret, UseStructure *ret_frozen,
                       ErrorDetail *detail) {
        UseFacts *facts = &ret->use.facts;
        TPMT_SIG_SCHEME scheme;
        int chip;

        int r = use_fill_facts(service, seal, &options->sign, &scheme, facts, detail);
        if (r != 0)
                return r;
        /* What the chip judges it judges when it is asked: that may be in days. */
        const SignAim aim = use_aim(facts);
        r = service_sign_may(service, caller, seal, &aim, &facts->grant, &chip, detail);
        if (r > 0)
                service_ledger_refused(service, caller, seal->number, r);
        if (r == 0 && seal->opaque)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        if (r == 0)
                r = use_freeze(service, seal, &options->sign, &scheme, facts, ret_frozen, detail);
        if (r == 0)
                r = use_quota(service, caller, ret_frozen, detail);
        if (r != 0)
                return r;
        text_copy(ret->kind, sizeof(ret->kind), request_kind_name(KIND_USE));
        memcpy(ret->target, seal->number, sizeof(ret->target));
        text_copy(ret->type, sizeof(ret->type), seal->facts.type);
        ret->state = REQUEST_APPLIED;
        ret->applicant = caller->subject;
        ret->applicant_login = caller->login_uid;
        ret->created = service_now(service);
        ret->reviewers_needed = seal->facts.threshold;
        facts->live = options->live;
        for (size_t i = 0; i < seal->facts.approver_count; i++)
                ret->use.approvers[ret->use.approver_count++] = seal->facts.approvers[i].subject;
        return use_fill_time(service, options, ret, detail);
}

int service_request_use(Service *service, const Caller *caller, const char *number,
                        const UseOptions *options, Reply reply, ErrorDetail *detail) {
        _cleanup_free_ Request *request = calloc(1, sizeof(*request));
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        _cleanup_structure_ UseStructure frozen = {};

        if (!request || !seal)
                return -ENOMEM;
        int r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0)
                r = use_check_options(seal, options, detail);
        if (r == 0)
                r = use_prepare(service, caller, seal, options, request, &frozen, detail);
        if (r == 0 && options->live) {
                r = live_begin(service, caller, request, &frozen, &options->pin, reply, detail);
                if (r == 0)
                        (void) steal_ptr(request);
                return r;
        }
        if (r == 0)
                r = use_commit(service, caller, request, &frozen);
        if (r != 0)
                return r;
        live_turn_end(&service->live.turns, caller->uid);
        reply.done(reply.userdata, 0, NULL, &request->id);
        return 0;
}

/* --- the challenge ---------------------------------------------------------------------------- */

/* What it is that they sign for, where that is more than a digest. */
static int challenge_frozen(Service *service, const Request *request, UseStructure *ret,
                            CertificateChain *ret_chain) {
        if (request->use.facts.format == FORMAT_RAW)
                return 0;
        int r = store_use_structure_get(service->store, request->id, ret);
        if (r != 0)
                return r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
        const Bytes part = { ret->certificates, ret->certificates_size };
        return certificate_chain_of(&part, 1, ret_chain);
}

void use_challenge_clear(UseChallenge *challenge) {
        use_structure_free(&challenge->frozen);
        certificate_chain_free(&challenge->certificates);
        OPENSSL_cleanse(challenge, sizeof(*challenge));
}

int service_use_challenge(Service *service, const Caller *caller, uint64_t id, UseChallenge *ret,
                          ErrorDetail *detail) {
        Writer writer = writer_over(ret->to_sign, sizeof(ret->to_sign));
        UseTarget target;

        int r = service_request_get(service, caller, id, &ret->request);
        if (r == 0)
                r = use_check_approvable(service, &ret->request, &ret->seal, detail);
        if (r == 0)
                r = use_target(&ret->request, &ret->seal, &target);
        if (r == 0)
                r = use_approval_bytes(&target, &writer);
        if (r == 0)
                r = cphash_sign(&target.key, &target.digest, &target.scheme, &ret->cphash);
        if (r == 0)
                r = policy_ref(REF_SEAL, ret->seal.number, &ret->ref);
        if (r == 0)
                r = challenge_frozen(service, &ret->request, &ret->frozen, &ret->certificates);
        ret->size = writer.used;
        return r;
}

/* --- the end of a seal ------------------------------------------------------------------------ */

#define SETTLED_AT_ONCE 64 /* in one transaction */

static int settle_write(Service *service, Request *request, uint64_t id) {
        char reason[TEXT_MAX + 1];
        RequestState next;

        int r = store_request_get(service->store, id, request);
        if (r == 0)
                r = request_transition(KIND_USE, request->state, REQUEST_CANCEL, &next, NULL);
        if (r != 0)
                return r;
        (void) snprintf(reason, sizeof(reason), "Seal %s is revoked and signs no more",
                        request->target);
        return service_request_end_in(service, NULL, request, EVENT_USE_CANCELLED, next, reason);
}

/* One that is damaged, or over by now, keeps no other from its end. */
static int settle_some(Service *service, Request *request, const uint64_t *ids, size_t count) {
        int r = store_begin(service->store);

        if (r != 0)
                return r;
        for (size_t i = 0; r == 0 && i < count; i++) {
                r = settle_write(service, request, ids[i]);
                if (r == SEAL_E_REGISTER_TAMPERED || r == SEAL_E_INVALID_STATE)
                        r = 0;
        }
        return store_end(service->store, r);
}

static void settle_tell(Service *service, Request *request, const uint64_t *ids, size_t count) {
        for (size_t i = 0; i < count; i++) {
                live_forget(service, ids[i]);
                if (store_request_get(service->store, ids[i], request) == 0 &&
                    request->state == REQUEST_CANCELLED)
                        service_changed_request(service, request);
        }
}

/* Those that the chip is asked for have its answer first. */
static size_t settle_leave(const Service *service, uint64_t *ids, size_t count) {
        size_t used = 0;

        for (size_t i = 0; i < count; i++)
                if (!use_is_collected(service, ids[i]))
                        ids[used++] = ids[i];
        return used;
}

void use_settle(Service *service) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        _cleanup_free_ uint64_t *ids = NULL;
        size_t count = 0;

        if (!request)
                return;
        int r = store_use_list_over(service->store, &ids, &count);
        if (r == 0)
                count = settle_leave(service, ids, count);
        for (size_t i = 0, n; r == 0 && i < count; i += n) {
                n = count - i < SETTLED_AT_ONCE ? count - i : SETTLED_AT_ONCE;
                r = settle_some(service, request, ids + i, n);
                if (r == 0)
                        settle_tell(service, request, ids + i, n);
        }
        if (r != 0)
                log_error("uses of seals that are revoked: %s", error_text(r));
}
