/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-request-use.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <tss2/tss2_mu.h>

#include "sealsd/bus-dictionary.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"
#include "sealsd/bus-seal-use.h"

/* --- what is signed --------------------------------------------------------------------------- */

static int put_public(sd_bus_message *m, const TPM2B_PUBLIC *public) {
        uint8_t buffer[sizeof(*public)];
        size_t size = 0;

        if (Tss2_MU_TPM2B_PUBLIC_Marshal(public, buffer, sizeof(buffer), &size) != TSS2_RC_SUCCESS)
                return -EINVAL;
        return dictionary_bytes(m, "public", buffer, size);
}

static int put_digest(sd_bus_message *m, const char *name, const TPM2B_DIGEST *digest) {
        return dictionary_bytes(m, name, digest->buffer, digest->size);
}

static int put_approvers(sd_bus_message *m, const UseRequest *use) {
        const char *texts[APPROVERS_MAX], *approved[APPROVERS_MAX];

        for (size_t i = 0; i < use->approver_count; i++)
                texts[i] = use->approvers[i].text;
        for (size_t i = 0; i < use->approval_count; i++)
                approved[i] = use->approvers[use->approvals[i].approver].text;
        int r = dictionary_texts(m, "approvers", texts, use->approver_count);
        return r == 0 ? dictionary_texts(m, "approved", approved, use->approval_count) : r;
}

/* The bytes whose digest is signed, and what they were made of. */
static int put_structure(sd_bus_message *m, const UseChallenge *challenge) {
        const UseFacts *facts = &challenge->request.use.facts;
        const UseStructure *frozen = &challenge->frozen;

        int r = dictionary_text(m, "format", sign_format_name(facts->format));
        if (r != 0 || facts->format == FORMAT_RAW)
                return r;
        r = dictionary_bytes(m, "structure", frozen->structure, frozen->size);
        if (r == 0)
                r = dictionary_byte_arrays(m, "certificates", challenge->certificates.items,
                                           challenge->certificates.count);
        if (r == 0 && facts->time != 0)
                r = dictionary_u64(m, "signing-time", facts->time);
        return r == 0 && facts->property_info[0] != '\0'
                       ? dictionary_text(m, "property-info", facts->property_info)
                       : r;
}

/* The document, for who looks at it before he signs. */
static int put_document(sd_bus_message *m, const UseFacts *facts) {
        int r = put_digest(m, "digest", &facts->digest);

        if (r == 0)
                r = dictionary_text(m, "hash", facts->hash);
        if (r == 0)
                r = dictionary_text(m, "scheme", facts->scheme);
        if (r == 0)
                r = dictionary_text(m, "purpose", purpose_name(facts->purpose));
        return r == 0 ? dictionary_text(m, "document-name", facts->document_name) : r;
}

static int put_bytes_signed(sd_bus_message *m, const UseChallenge *challenge) {
        const UseFacts *facts = &challenge->request.use.facts;

        int r = dictionary_text(m, "kind", facts->live ? "live" : "deferred");
        if (r == 0)
                r = dictionary_bytes(m, "to-sign", challenge->to_sign, challenge->size);
        if (r == 0 && facts->live)
                r = put_digest(m, "nonce", &facts->nonce);
        if (r == 0)
                r = dictionary_u32(m, "expiration", facts->expiration);
        if (r == 0)
                r = put_digest(m, "cphash", &challenge->cphash);
        return r == 0 ? put_digest(m, "policy-ref", &challenge->ref) : r;
}

static int append_challenge(sd_bus_message *m, const void *result) {
        const UseChallenge *challenge = result;
        const Request *request = &challenge->request;

        int r = dictionary_open(m);
        if (r == 0)
                r = put_bytes_signed(m, challenge);
        if (r == 0)
                r = put_document(m, &request->use.facts);
        if (r == 0)
                r = put_structure(m, challenge);
        if (r == 0)
                r = put_public(m, &challenge->seal.public);
        if (r == 0)
                r = dictionary_text(m, "seal", challenge->seal.number);
        if (r == 0)
                r = dictionary_text(m, "seal-name", challenge->seal.facts.name);
        if (r == 0)
                r = dictionary_text(m, "requester", request->applicant.text);
        if (r == 0)
                r = dictionary_u64(m, "expires", request->expires);
        if (r == 0)
                r = dictionary_u32(m, "threshold", request->reviewers_needed);
        if (r == 0)
                r = put_approvers(m, &request->use);
        return r == 0 ? dictionary_close(m) : r;
}

int run_challenge(Operation *op, ErrorDetail *detail) {
        UseChallenge *challenge = calloc(1, sizeof(*challenge));

        if (!challenge)
                return -ENOMEM;
        int r = service_use_challenge(op->bus->service, &op->caller, op->request, challenge,
                                      detail);
        if (r == 0)
                operation_answer(op, 0, NULL, append_challenge, challenge);
        use_challenge_clear(challenge);
        free(challenge);
        return r;
}

/* --- approvals -------------------------------------------------------------------------------- */

int parse_withdraw(Operation *op, ErrorDetail *detail) {
        AuthorizeArgs *args = op->args;

        return argument_text(op->message, "approver", SUBJECT_MAX, &args->approver, detail);
}

int parse_authorize(Operation *op, ErrorDetail *detail) {
        AuthorizeArgs *args = op->args;

        int r = parse_withdraw(op, detail);
        return r == 0 ? argument_bytes(op->message, "signature", SIGNATURE_MAX, &args->signature,
                                       detail)
                      : r;
}

int run_authorize(Operation *op, ErrorDetail *detail) {
        const AuthorizeArgs *args = op->args;

        return service_use_authorize(op->bus->service, &op->caller, op->request, args->approver,
                                     args->signature,
                                     (Reply){ .done = operation_done, .userdata = op }, detail);
}

int run_withdraw(Operation *op, ErrorDetail *detail) {
        const AuthorizeArgs *args = op->args;

        int r = service_use_withdraw(op->bus->service, &op->caller, op->request, args->approver,
                                     detail);
        if (r == 0)
                operation_return(op, NULL);
        return r;
}

/* --- the signature ---------------------------------------------------------------------------- */

int parse_collect_with(Operation *op, ErrorDetail *detail) {
        static const Option table[] = {
                { "pin", OPTION_SECRET, offsetof(CollectArgs, pin), 0, NULL, NULL },
        };

        return method_options(op, table, ROWS(table), op->args, detail);
}

int run_collect(Operation *op, ErrorDetail *detail) {
        const CollectArgs *args = op->args;

        return service_use_collect(op->bus->service, &op->caller, op->request,
                                   args ? &args->pin : NULL,
                                   (Reply){ .done = seal_signed, .userdata = op }, detail);
}
