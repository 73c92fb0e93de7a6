/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-seal.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/bus-application.h"
#include "sealsd/bus-certificate.h"
#include "sealsd/bus-inspect.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-object.h"
#include "sealsd/bus-options.h"
#include "sealsd/bus-path.h"
#include "sealsd/bus-seal-attest.h"
#include "sealsd/bus-seal-certificate.h"
#include "sealsd/bus-seal-life.h"
#include "sealsd/bus-seal-use.h"
#include "sealsd/service-certify.h"
#include "sealsd/service-grant.h"

#define WHY_NOT_MAX (ERROR_TEXT_MAX + 64)

/* Of a damaged row nothing is known but its number, and that is enough to revoke it. */
static int relate_damaged(Operation *op, const char *number) {
        bool visible = false;

        if (strcmp(op->method->member, "Revoke") != 0)
                return SEAL_E_REGISTER_TAMPERED;
        int r = service_seal_visible(op->bus->service, &op->caller, number, &visible);
        if (r != 0 || !visible)
                return r != 0 ? r : SEAL_E_NOT_FOUND;
        strcpy(op->number, number);
        return 0;
}

static int seal_relate(Operation *op, unsigned *ret_relations) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        const char *number = seal_path_number(sd_bus_message_get_path(op->message));

        if (!seal)
                return -ENOMEM;
        if (!number)
                return SEAL_E_NOT_FOUND;
        int r = service_seal_get(op->bus->service, &op->caller, number, seal);
        if (r == SEAL_E_REGISTER_TAMPERED)
                return relate_damaged(op, number);
        if (r != 0)
                return r;
        strcpy(op->number, number);
        (void) snprintf(op->type, sizeof(op->type), "%s", seal->facts.type);
        return service_seal_relations(op->bus->service, &op->caller, seal, ret_relations);
}

bool seal_shows_custody(const Bus *bus, const Seal *seal, const Caller *caller) {
        unsigned relations = 0;

        if (caller->roles & (ROLE_ADMINISTRATOR | ROLE_AUDITOR))
                return true;
        return service_seal_relations(bus->service, caller, seal, &relations) == 0 &&
               relations & ROLE_KEEPER;
}

void seal_why_not(const Bus *bus, const Seal *seal, char *ret, size_t size) {
        ErrorDetail detail = {};
        int code = service_seal_why_not(bus->service, seal, FORMAT_RAW, &detail);
        const char *name = error_name(code);
        const char *dot = strrchr(name, '.');

        if (code == 0)
                ret[0] = '\0';
        else
                (void) snprintf(ret, size, "%s: %s", dot ? dot + 1 : name,
                                error_describe(code, &detail));
}

/* --- filing and custody --------------------------------------------------------------------- */

static int read_filing_documents(sd_bus_message *m, const char *option, void *target,
                                 ErrorDetail *detail) {
        Filing *filing = target;

        return documents_read(m, option, filing->documents, &filing->document_count, detail);
}

static const Option filing_options[] = {
        { "filing-number", OPTION_TEXT, offsetof(Filing, number), NAME_BYTES_MAX, NULL, NULL },
        { "authority", OPTION_TEXT, offsetof(Filing, authority), NAME_BYTES_MAX, NULL, NULL },
        { "filed", OPTION_TIME, offsetof(Filing, filed), 0, NULL, NULL },
        { "documents", OPTION_CUSTOM, 0, 0, DOCUMENTS_SIGNATURE, read_filing_documents },
};

static int parse_record_filing(Operation *op, ErrorDetail *detail) {
        return method_options(op, filing_options, ROWS(filing_options), op->args, detail);
}

static int run_record_filing(Operation *op, ErrorDetail *detail) {
        int r = service_seal_record_filing(op->bus->service, &op->caller, op->number, op->args,
                                           detail);
        if (r == 0)
                operation_return(op, NULL);
        return r;
}

static int parse_deliver(Operation *op, ErrorDetail *detail) {
        const char *keeper;

        int r = argument_text(op->message, "keeper", TEXT_MAX, &keeper, detail);
        return r != 0 ? r : subject_parse(keeper, op->args, detail);
}

static int run_deliver(Operation *op, ErrorDetail *detail) {
        int r = service_seal_deliver(op->bus->service, &op->caller, op->number, op->args, detail);

        if (r == 0)
                operation_return(op, NULL);
        return r;
}

static int parse_accept(Operation *op, ErrorDetail *detail) {
        static const Option table[] = {
                { "new-pin", OPTION_SECRET, offsetof(AcceptOptions, new_pin), 0, NULL, NULL },
                { "pin", OPTION_SECRET, offsetof(AcceptOptions, pin), 0, NULL, NULL },
        };

        return method_options(op, table, ROWS(table), op->args, detail);
}

static int run_accept(Operation *op, ErrorDetail *detail) {
        return service_seal_accept(op->bus->service, &op->caller, op->number, op->args,
                                   (Reply){ .done = operation_done, .userdata = op }, detail);
}

typedef struct ChangePinArgs {
        Secret old, new;
} ChangePinArgs;

static int parse_change_pin(Operation *op, ErrorDetail *detail) {
        ChangePinArgs *args = op->args;

        int r = method_secret(op, "old", &args->old, detail);
        return r == 0 ? method_secret(op, "new", &args->new, detail) : r;
}

static int run_change_pin(Operation *op, ErrorDetail *detail) {
        const ChangePinArgs *args = op->args;

        return service_seal_change_pin(op->bus->service, &op->caller, op->number, &args->old,
                                       &args->new,
                                       (Reply){ .done = operation_done, .userdata = op }, detail);
}

static int run_decline(Operation *op, ErrorDetail *detail) {
        const char *reason = *(const char **) op->args;

        int r = service_seal_decline(op->bus->service, &op->caller, op->number, reason, detail);
        if (r == 0)
                operation_return(op, NULL);
        return r;
}

/* --- Describe ------------------------------------------------------------------------------- */

static int seal_to_json(Operation *op, const Seal *seal, char **ret) {
        _cleanup_certificate_ CertificateRecord record = {};
        _cleanup_chain_ CertificateChain chain = {};
        _cleanup_(paths_freep) char **policy = NULL;
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        char why_not[WHY_NOT_MAX];
        SealContext context = { .request = request, .why_not = why_not };

        if (!request)
                return -ENOMEM;
        int r = service_seal_policy(op->bus->service, seal, &policy);
        if (r == 0)
                r = service_seal_request(op->bus->service, seal, request);
        if (r == 0)
                r = service_seal_certificates(op->bus->service, seal->number, &chain);
        if (r == 0)
                r = service_seal_structure(op->bus->service, seal, &record, &context.eseal_profile);
        if (r != 0)
                return r;
        seal_why_not(op->bus, seal, why_not, sizeof(why_not));
        context.policy = (const char *const *) policy;
        context.certificates = chain.items;
        context.certificate_count = chain.count;
        return seal_describe(seal, &context, seal_shows_custody(op->bus, seal, &op->caller), ret);
}

static int run_describe(Operation *op, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        _cleanup_free_ char *json = NULL;

        (void) detail;
        if (!seal)
                return -ENOMEM;
        int r = service_seal_get(op->bus->service, &op->caller, op->number, seal);
        if (r == 0)
                r = seal_to_json(op, seal, &json);
        if (r == 0)
                operation_return(op, "s", json);
        return r;
}

static const Method methods[] = {
        { "Sign", sizeof(SignArgs), parse_sign, run_sign, false },
        { "SignMany", sizeof(SignManyArgs), parse_sign_many, run_sign_many, false },
        { "RequestUse", sizeof(RequestUseArgs), parse_request_use, run_request_use, false },
        { "GetCertificateRequest", sizeof(SignArgs), parse_certificate_request,
          run_certificate_request, false },
        { "AddGrant", sizeof(Grant), parse_add_grant, run_add_grant, false },
        { "RemoveGrant", sizeof(RemoveGrantArgs), parse_remove_grant, run_remove_grant, false },
        { "ListGrants", 0, NULL, run_list_grants, false },
        { "RecordFiling", sizeof(Filing), parse_record_filing, run_record_filing, false },
        { "Deliver", sizeof(Subject), parse_deliver, run_deliver, false },
        { "Accept", sizeof(AcceptOptions), parse_accept, run_accept, false },
        { "ChangePin", sizeof(ChangePinArgs), parse_change_pin, run_change_pin, false },
        { "Decline", sizeof(const char *), parse_reason, run_decline, false },
        { "Apply", sizeof(ChangeArgs), parse_seal_apply, run_seal_apply, false },
        { "Suspend", sizeof(const char *), parse_reason, run_suspend, false },
        { "Resume", sizeof(const char *), parse_reason, run_resume, false },
        { "ReportLost", sizeof(const char *), parse_reason, run_report_lost, false },
        { "ReportFound", sizeof(const char *), parse_reason, run_report_found, false },
        { "Surrender", sizeof(const char *), parse_reason, run_surrender, false },
        { "Revoke", sizeof(const char *), parse_reason, run_revoke, true },
        { "Destroy", sizeof(const char *), parse_reason, run_destroy, true },
        { "StateAt", sizeof(uint64_t), parse_state_at, run_state_at, false },
        { "Inspect", 0, NULL, run_seal_inspect, true },
        { "Attest", sizeof(Bytes), parse_attest, run_attest, false },
        { "SetCertificates", sizeof(ChainArgs), parse_chain, run_set_certificates, false },
        { "Describe", 0, NULL, run_describe, false },
};

const Interface seal_interface = {
        .name = SEAL_INTERFACE,
        .methods = methods,
        .count = ROWS(methods),
        .relate = seal_relate,
};
