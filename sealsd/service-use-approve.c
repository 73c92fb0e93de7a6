/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals of a use: what an approver signed comes in, and is taken back. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy/approval.h"
#include "policy/digest.h"
#include "policy/signature.h"
#include "sealsd/approver.h"
#include "sealsd/json.h"
#include "sealsd/service-life.h"
#include "sealsd/service-use.h"

/* What came in. */
typedef struct Handed {
        unsigned approver;
        Bytes signature;
        TPM2B_DIGEST given; /* SHA-256 of what it signs */
} Handed;

/* --- approvals -------------------------------------------------------------------------------- */

static int approver_by_text(const UseRequest *use, const char *text, unsigned *ret) {
        for (size_t i = 0; i < use->approver_count; i++)
                if (strcmp(use->approvers[i].text, text) == 0) {
                        *ret = (unsigned) i;
                        return 0;
                }
        return SEAL_E_NOT_FOUND;
}

static const char *approvers_text(const UseRequest *use, char *ret, size_t size) {
        size_t used = 0;

        for (size_t i = 0; i < use->approver_count && used < size; i++)
                used += (size_t) snprintf(ret + used, size - used, "%s%s", i > 0 ? ", " : "",
                                          use->approvers[i].text);
        return ret;
}

/* It is not his over these bytes: perhaps somebody else's, who was taken for him. */
static int approval_refuse(const Seal *seal, const char *named, Bytes bytes, Bytes signature,
                           ErrorDetail *detail) {
        TPMT_SIGNATURE ignored;
        TPM2B_PUBLIC key;

        for (size_t i = 0; i < seal->facts.approver_count; i++)
                if (approver_key(&seal->facts.approvers[i], &key) == 0 &&
                    signature_accept(&key, bytes, signature, &ignored) == 0)
                        return error_set(detail, SEAL_E_APPROVAL_INVALID,
                                         "The signature is by the key of %s and not of %s",
                                         seal->facts.approvers[i].subject.text, named);
        return error_set(detail, SEAL_E_APPROVAL_INVALID,
                         "The signature is not by the key of %s over this request's challenge: "
                         "another key, another document or another seal",
                         named);
}

/* *ret: the SHA-256 of what was signed. */
static int approval_check(const Request *request, const Seal *seal, unsigned approver,
                          Bytes signature, TPM2B_DIGEST *ret, ErrorDetail *detail) {
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer writer = writer_over(bytes, sizeof(bytes));
        TPMT_SIGNATURE ignored;
        TPM2B_PUBLIC key;
        UseTarget target;

        int r = use_target(request, seal, &target);
        if (r == 0)
                r = use_approval_bytes(&target, &writer);
        if (r == 0)
                r = approver_key(&seal->facts.approvers[approver], &key);
        if (r == 0)
                r = signature_accept(&key, (Bytes){ bytes, writer.used }, signature, &ignored);
        if (r == 0)
                r = digest_bytes((Bytes){ bytes, writer.used }, ret);
        if (r != SEAL_E_APPROVAL_INVALID)
                return r;
        return approval_refuse(seal, request->use.approvers[approver].text,
                               (Bytes){ bytes, writer.used }, signature, detail);
}

/*
 * Nothing in the bytes of a deferred approval, or of a live one while its session waits, tells a
 * new one from one that was withdrawn, used or left to expire: whoever carried it then still has
 * it. So the same again comes from the approver himself. What stands here already may come twice.
 */
static int given_check(Service *service, const Caller *caller, const Request *request,
                       unsigned approver, const TPM2B_DIGEST *given, ErrorDetail *detail) {
        const Subject *subject = &request->use.approvers[approver];
        uint64_t before = 0;

        if (caller_is(caller, subject) || use_approval_find(&request->use, approver))
                return 0;
        int r = store_use_given(service->store, given, approver, &before);
        if (r != 0)
                return r == SEAL_E_NOT_FOUND ? 0 : r;
        return error_set(detail, SEAL_E_APPROVAL_USED,
                         "%s has approved just this before, for request %" PRIu64
                         ", and that is withdrawn or for that request alone: a second time only he "
                         "himself hands it in",
                         subject->text, before);
}

/* In its place, as the register will read it. */
static void approval_place(UseRequest *use, const UseApproval *approval) {
        size_t i = 0;

        while (i < use->approval_count && use->approvals[i].approver < approval->approver)
                i++;
        if (i == use->approval_count || use->approvals[i].approver != approval->approver) {
                memmove(&use->approvals[i + 1], &use->approvals[i],
                        (use->approval_count - i) * sizeof(use->approvals[0]));
                use->approval_count++;
        }
        use->approvals[i] = *approval;
}

/* The row, where the number of approvals leads to another state, and the event. */
static int approvals_changed(Service *service, const Caller *caller, Request *request,
                             EventCode code, unsigned approver) {
        const bool enough = request->use.approval_count >= request->reviewers_needed;
        const RequestState state = enough ? REQUEST_APPROVED : REQUEST_APPLIED;
        int r = 0;

        if (request->state != state) {
                request->state = state;
                r = store_request_update(service->store, request);
        }
        Event event = event_of_use(code, caller, request);
        event.object = request->use.approvers[approver].text;
        return r == 0 ? service_event(service, event,
                                      json_pack("{s:i}", "missing", (int) request_missing(request)))
                      : r;
}

static int authorize_write(Service *service, const Caller *caller, Request *request,
                           const UseApproval *approval, const TPM2B_DIGEST *given) {
        int r = store_use_approve(service->store, request->id, approval);

        if (r == 0)
                r = store_use_give(service->store, given, approval->approver, request->id);
        if (r != 0)
                return r;
        approval_place(&request->use, approval);
        return approvals_changed(service, caller, request, EVENT_USE_APPROVED, approval->approver);
}

/* As it stands at the request already: handed in once more, it tells the ledger nothing new. */
static bool approval_stands(const Request *request, const Handed *handed) {
        const UseApproval *before = use_approval_find(&request->use, handed->approver);

        return before && bytes_equal((Bytes){ before->signature, before->size }, handed->signature);
}

static int authorize_commit(Service *service, const Caller *caller, Request *request,
                            const Handed *handed) {
        UseApproval approval = {
                .approver = handed->approver,
                .by = caller->subject,
                .login = caller->login_uid,
                .time = service_now(service),
                .size = handed->signature.size,
        };

        memcpy(approval.signature, handed->signature.data, handed->signature.size);
        int r = store_begin(service->store);
        if (r != 0)
                return r;
        r = store_end(service->store,
                      authorize_write(service, caller, request, &approval, &handed->given));
        if (r == 0)
                service_changed_request(service, request);
        return r;
}

static int authorize_check(Service *service, const Caller *caller, uint64_t id,
                           const char *approver, Request *request, Handed *handed,
                           ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        char approvers[ERROR_TEXT_MAX / 2] = "";

        if (!seal)
                return -ENOMEM;
        int r = service_request_get(service, caller, id, request);
        if (r == 0)
                r = use_check_approvable(service, request, seal, detail);
        if (r == 0 && approver_by_text(&request->use, approver, &handed->approver) != 0)
                r = error_set(detail, SEAL_E_APPROVAL_INVALID,
                              "%.*s is no approver of seal %s: %s are", SUBJECT_MAX, approver,
                              request->target,
                              approvers_text(&request->use, approvers, sizeof(approvers)));
        if (r == 0 && (handed->signature.size == 0 || handed->signature.size > SIGNATURE_MAX))
                r = error_set(detail, SEAL_E_APPROVAL_INVALID,
                              "A signature has 1 to %d bytes, this has %zu", SIGNATURE_MAX,
                              handed->signature.size);
        if (r == 0)
                r = approval_check(request, seal, handed->approver, handed->signature,
                                   &handed->given, detail);
        return r == 0 ? given_check(service, caller, request, handed->approver, &handed->given,
                                    detail)
                      : r;
}

/* The approval stands whatever becomes of the signature, and the answer says both. */
static void authorize_signed(void *userdata, int code, const ErrorDetail *detail,
                             const void *result) {
        Reply *outer = userdata;
        ErrorDetail told = {};

        (void) result;
        if (code != 0)
                (void) error_set(
                        &told, code,
                        "Approved, but it is not signed yet: %s (its applicant can collect "
                        "it)",
                        error_describe(code, detail));
        outer->done(outer->userdata, code, &told, NULL);
        free(outer);
}

static int authorize_live(Service *service, Request *request, Reply reply) {
        Reply *outer = malloc(sizeof(*outer));
        ErrorDetail detail = {};

        if (!outer)
                return -ENOMEM;
        *outer = reply;
        int r = use_collect_live(service, request,
                                 (Reply){ .done = authorize_signed, .userdata = outer }, &detail);
        if (r != 0) {
                service_explain(service, r, &detail);
                authorize_signed(outer, r, &detail, NULL);
        }
        return 0;
}

int service_use_authorize(Service *service, const Caller *caller, uint64_t id, const char *approver,
                          Bytes signature, Reply reply, ErrorDetail *detail) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        Handed handed = { .signature = signature };

        if (!request)
                return -ENOMEM;
        int r = authorize_check(service, caller, id, approver, request, &handed, detail);
        if (r == 0 && !approval_stands(request, &handed))
                r = authorize_commit(service, caller, request, &handed);
        if (r != 0)
                return r;
        if (request->use.live && request->state == REQUEST_APPROVED)
                return authorize_live(service, request, reply);
        reply.done(reply.userdata, 0, NULL, NULL);
        return 0;
}

/* --- taking back ------------------------------------------------------------------------------ */

static void approval_remove(UseRequest *use, unsigned approver) {
        size_t used = 0;

        for (size_t i = 0; i < use->approval_count; i++)
                if (use->approvals[i].approver != approver)
                        use->approvals[used++] = use->approvals[i];
        use->approval_count = used;
}

static int withdraw_write(Service *service, const Caller *caller, Request *request,
                          unsigned approver) {
        int r = store_use_withdraw(service->store, request->id, approver, service_now(service));

        if (r != 0)
                return r;
        approval_remove(&request->use, approver);
        return approvals_changed(service, caller, request, EVENT_USE_APPROVAL_WITHDRAWN, approver);
}

static int withdraw_check(Service *service, const Caller *caller, Request *request,
                          const char *approver, unsigned *ret, ErrorDetail *detail) {
        RequestState next;

        int r = request_transition((RequestKind) request_kind(request), request->state,
                                   REQUEST_WITHDRAW, &next, detail);
        if (r == 0 && (approver_by_text(&request->use, approver, ret) != 0 ||
                       !use_approval_find(&request->use, *ret)))
                r = error_set(detail, SEAL_E_NOT_FOUND, "%.*s has not approved request %" PRIu64,
                              SUBJECT_MAX, approver, request->id);
        if (r != 0)
                return r;
        if (!(caller->roles & ROLE_ADMINISTRATOR) &&
            !caller_is(caller, &request->use.approvers[*ret]))
                return error_set(detail, SEAL_E_ACCESS_DENIED,
                                 "The approval of %s is his to withdraw, or an administrator's",
                                 request->use.approvers[*ret].text);
        if (use_is_collected(service, request->id))
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "The chip is signing it at this moment: it is too late");
        return 0;
}

int service_use_withdraw(Service *service, const Caller *caller, uint64_t id, const char *approver,
                         ErrorDetail *detail) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        unsigned which = 0;

        if (!request)
                return -ENOMEM;
        int r = service_request_get(service, caller, id, request);
        if (r == 0)
                r = withdraw_check(service, caller, request, approver, &which, detail);
        if (r == 0)
                r = store_begin(service->store);
        if (r != 0)
                return r;
        r = store_end(service->store, withdraw_write(service, caller, request, which));
        if (r != 0)
                return r;
        service_purge(service); /* a deferred one is good for the chip for ever */
        service_changed_request(service, request);
        return 0;
}
