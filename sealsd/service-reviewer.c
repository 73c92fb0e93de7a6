/* SPDX-License-Identifier: Apache-2.0 */
/* Registering the keys by which reviewers sign (reviewer.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/key.h"
#include "sealsd/json.h"
#include "sealsd/reviewer.h"
#include "sealsd/service-authority.h"
#include "sealsd/service-life.h"

static int reviewer_write(Service *service, const Caller *caller, Reviewer *reviewer) {
        char hex[2 * TPM2_SHA256_DIGEST_SIZE + 1];
        uint8_t hash[TPM2_SHA256_DIGEST_SIZE];
        const Event event = {
                .code = EVENT_REVIEWER_REGISTERED,
                .caller = caller,
                .object = reviewer->subject.text,
        };

        reviewer->registered = service_now(service);
        reviewer->by = caller->subject;
        int r = reviewer_key_hash(reviewer, hash);
        if (r == 0)
                r = store_begin(service->store);
        if (r != 0)
                return r;
        r = store_reviewer_set(service->store, reviewer);
        if (r == 0)
                r = service_event(service, event,
                                  json_pack("{s:s}", "key", hex_encode(hash, sizeof(hash), hex)));
        r = store_end(service->store, r);
        if (r == 0)
                service_attention(service, "info", "reviewer-registered", "",
                                  "%s registered the key %s for %s", caller->subject.text, hex,
                                  reviewer->subject.text);
        return r;
}

/* A registered key gives way to its own signature, or to the authority's. */
static int replace_check(const Service *service, const Reviewer *old, const Subject *subject,
                         Bytes bytes, Bytes signature, ErrorDetail *detail) {
        if (signature.size == 0)
                return error_set(
                        detail, SEAL_E_APPROVAL_REQUIRED,
                        "%s has a registered key: another one takes its place with a "
                        "signature of the present key or of the authority over "
                        "'sealsd/reviewer/replace', a zero byte, '%s', a zero byte and the SHA-256 "
                        "of the new key's DER SubjectPublicKeyInfo%s",
                        old->subject.text, subject->text,
                        service->installation.resident ? ", or with the passphrase" : "");
        int r = reviewer_verify(old, bytes, signature);
        if (r == SEAL_E_APPROVAL_INVALID && !service->installation.resident)
                r = signature_verify(&service->installation.authority, bytes, signature);
        if (r == SEAL_E_APPROVAL_INVALID)
                return error_set(
                        detail, r,
                        "The signature is neither the present key's nor the authority's "
                        "over 'sealsd/reviewer/replace', a zero byte, '%s', a zero byte and the "
                        "SHA-256 of the new key's DER SubjectPublicKeyInfo",
                        subject->text);
        return r;
}

typedef struct Replacement {
        Service *service;
        Caller caller;
        Reviewer reviewer;
        Reply outer;
} Replacement;

static void replace_proved(void *userdata, int code, const ErrorDetail *detail,
                           const void *result) {
        Replacement *replacement = userdata;

        (void) result;
        if (code == 0)
                code = reviewer_write(replacement->service, &replacement->caller,
                                      &replacement->reviewer);
        replacement->outer.done(replacement->outer.userdata, code, detail, NULL);
        free(replacement);
}

static int replace_prove(Service *service, const Caller *caller, const Reviewer *reviewer,
                         const Secret *passphrase, Bytes bytes, Reply reply, ErrorDetail *detail) {
        Replacement *replacement = malloc(sizeof(*replacement));

        if (!replacement)
                return -ENOMEM;
        *replacement = (Replacement){ service, *caller, *reviewer, reply };
        int r = service_authority_prove(service, caller->uid, passphrase, bytes,
                                        (Reply){ .done = replace_proved, .userdata = replacement },
                                        detail);
        if (r != 0)
                free(replacement);
        return r;
}

/* 0 and answered later (*ret_later), or 0 and to be written now. */
static int replace(Service *service, const Caller *caller, const Reviewer *old,
                   const Reviewer *reviewer, const ReviewerOptions *options, Reply reply,
                   bool *ret_later, ErrorDetail *detail) {
        uint8_t hash[TPM2_SHA256_DIGEST_SIZE], bytes[REVIEWER_BYTES_MAX];
        Writer w = writer_over(bytes, sizeof(bytes));

        int r = reviewer_key_hash(reviewer, hash);
        if (r != 0)
                return r;
        reviewer_replace_bytes(&reviewer->subject, hash, &w);
        *ret_later = service->installation.resident && options->passphrase.set &&
                     options->signature.size == 0;
        if (*ret_later)
                return replace_prove(service, caller, reviewer, &options->passphrase,
                                     (Bytes){ bytes, w.used }, reply, detail);
        return replace_check(service, old, &reviewer->subject, (Bytes){ bytes, w.used },
                             options->signature, detail);
}

int service_register_reviewer(Service *service, const Caller *caller,
                              const ReviewerOptions *options, Reply reply, ErrorDetail *detail) {
        Reviewer reviewer = { .subject = options->subject }, old;
        bool later = false;

        int r = service_require_ready(service, detail);
        if (r == 0)
                r = reviewer_complete(&reviewer, options->pem, detail);
        if (r != 0)
                return r;
        r = store_reviewer_get(service->store, &reviewer.subject, &old);
        if (r == 0 && strcmp(old.pem, reviewer.pem) == 0) {
                reply.done(reply.userdata, 0, NULL, NULL);
                return 0;
        }
        if (r == 0)
                r = replace(service, caller, &old, &reviewer, options, reply, &later, detail);
        else if (r == SEAL_E_NOT_FOUND)
                r = 0;
        if (r != 0 || later)
                return r;
        r = reviewer_write(service, caller, &reviewer);
        if (r == 0)
                reply.done(reply.userdata, 0, NULL, NULL);
        return r;
}
