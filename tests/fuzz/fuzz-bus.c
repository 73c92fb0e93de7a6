/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of every method that has any, as their callers may send them: read within their
 * bounds or refused by name; and an application that is taken can be kept in the register.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "sealsd/application.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-seal-life.h"
#include "sealsd/change.h"
#include "sealsd/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/message.h"

const unsigned fuzz_mutations = 100;

/* The members that take arguments; the order is that of the seeds' first byte. */
static const struct {
        const Interface *interface;
        const char *member, *signature;
} methods[] = {
        { &manager_interface, "Initialize", "a{sv}" },
        { &manager_interface, "Answer", "say" },
        { &manager_interface, "ApproveMachineState", "a{sv}" },
        { &manager_interface, "Apply", "a{sv}" },
        { &manager_interface, "CreateSeal", "a{sv}" },
        { &manager_interface, "ListSeals", "a{sv}" },
        { &manager_interface, "ListRequests", "a{sv}" },
        { &manager_interface, "GetSeal", "s" },
        { &request_interface, "Approve", "sa{sv}" },
        { &request_interface, "Reject", "s" },
        { &seal_interface, "Sign", "aya{sv}" },
        { &seal_interface, "RecordFiling", "a{sv}" },
        { &seal_interface, "Deliver", "s" },
        { &seal_interface, "Accept", "a{sv}" },
        { &seal_interface, "Apply", "sa{sv}" },
        { &seal_interface, "StateAt", "t" },
        { &request_interface, "RejectSigned", "sa{sv}" },
        { &manager_interface, "SuspendSeals", "a{sv}s" },
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

/* Options, and values that some of them take. The order is that of the seeds. */
/* clang-format off: one a line says no more */
static const char *const words[] = {
        "name",
        "holder",
        "class",
        "type",
        "algorithm",
        "purposes",
        "not-before",
        "not-after",
        "use-limit",
        "keepers",
        "documents",
        "token",
        "separation",
        "authority",
        "passphrase",
        "pcrs",
        "profile",
        "capacity",
        "owner-auth",
        "lockout-auth",
        "set-owner-auth",
        "escrow",
        "signature",
        "predicted",
        "state",
        "keeper",
        "expires-before",
        "after",
        "limit",
        "kind",
        "seal",
        "awaiting",
        "filing-number",
        "filed",
        "hash",
        "comment",
        "new-pin",
        "format",
        "user:root",
        "group:root",
        "institution",
        "official",
        "ecdsa-p256",
        "document-signing",
        "endorsement",
        "sha256",
        "sha256:0,2,7",
        "dual",
        "active",
        "applied",
        "make",
        "me",
        "11010500000001",
        "/org/sealsd1/request/7",
        "pin",
        "overlap",
        "reason",
        "renew",
        "recertify",
        "amend",
        "transfer",
        "destroy",
        NULL,
};
/* clang-format on */

static void demand_keepable(const Application *asked) {
        static Application whole, again;
        const Subject applicant = { .kind = SUBJECT_USER, .id = 1, .text = "user:a" };
        _cleanup_free_ char *json = NULL;

        fuzz_demand(asked->keeper_count <= KEEPERS_MAX && asked->document_count <= DOCUMENTS_MAX);
        fuzz_demand(asked->name[0] != '\0' &&
                    strnlen(asked->name, sizeof(asked->name)) < sizeof(asked->name));
        whole = *asked;
        if (application_complete(&whole, &applicant, 1000, 10, NULL) != 0)
                return;
        fuzz_demand(application_to_json(&whole, &json) == 0);
        fuzz_demand(application_from_json(json, &again) == 0);
        fuzz_demand(strcmp(again.name, whole.name) == 0);
}

/* What a request about a seal asks for is read back from the register as it was written. */
static void demand_change_keepable(const ChangeArgs *args) {
        static Seal seal = { .state = SEAL_ACTIVE, .applicant = { .text = "user:a" } };
        static Application change, again;
        _cleanup_free_ char *first = NULL, *second = NULL;
        _cleanup_json_ json_t *json = NULL, *of_first = NULL, *of_second = NULL;

        fuzz_demand(args->reason && strlen(args->reason) <= TEXT_MAX);
        seal.facts = (Application){ .name = "a",
                                    .holder = "a",
                                    .class = "personal",
                                    .type = "other",
                                    .algorithm = "sm2",
                                    .purposes = 1,
                                    .not_before = 1,
                                    .not_after = 100000,
                                    .keeper_count = 1,
                                    .keepers = { { .id = 5, .text = "user:k" } } };
        change = args->change;
        again = (Application){};
        if (change_check(args->kind, &seal, &change, 1000, 10, NULL) != 0)
                return;
        of_first = change_json(args->kind, &change);
        fuzz_demand(json_to_text(of_first, &first) == 0);
        json = json_loads(first, 0, NULL);
        fuzz_demand(change_read(args->kind, json, &again));
        of_second = change_json(args->kind, &again);
        fuzz_demand(json_to_text(of_second, &second) == 0);
        fuzz_demand(strcmp(first, second) == 0);
        change_apply(args->kind, &change, &seal.facts);
        fuzz_demand(seal.facts.keeper_count == 1);
}

static void demand_known(int code, const ErrorDetail *detail) {
        fuzz_demand(code == 0 || code == SEAL_E_INVALID_ARGS || code == SEAL_E_LIMITS_EXCEEDED ||
                    code == SEAL_E_UNSUPPORTED);
        fuzz_demand((code == 0) == (detail->text[0] == '\0'));
        fuzz_demand(text_is_utf8(detail->text, strlen(detail->text)));
}

static void parse(const Method *method, bool application, sd_bus_message *m, bool inline_secrets) {
        static Config config;
        Bus bus = { .config = &config };
        Operation op = { .bus = &bus, .message = m };
        ErrorDetail detail = {};

        config.allow_inline_secrets = inline_secrets;
        op.args = calloc(1, method->args_size);
        fuzz_demand(op.args != NULL);
        int r = method->parse(&op, &detail);
        demand_known(r, &detail);
        fuzz_demand(op.pipes.count <= SECRET_PIPES_MAX);
        if (r == 0) {
                fuzz_demand(sd_bus_message_at_end(m, true) > 0);
                if (application)
                        demand_keepable(op.args);
                if (method->parse == parse_seal_apply)
                        demand_change_keepable(op.args);
        }
        free(op.args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static MessageMaker maker;
        Input input = { .data = data, .size = size };

        message_maker_open(&maker, words);
        unsigned choice = input_u8(&input);
        size_t i = choice / 2 % METHODS;
        const Method *method = method_find(methods[i].interface, methods[i].member);
        fuzz_demand(method && method->parse);
        _cleanup_(message_unrefp)
                sd_bus_message *m = message_make(&maker, methods[i].signature, &input);
        if (m)
                parse(method, i == 3 || i == 4, m, choice % 2 == 0);
        return 0;
}
