/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-manager.h"

#include <stddef.h>

#include "base/version.h"
#include "sealsd/bus-application.h"
#include "sealsd/bus-certificate.h"
#include "sealsd/bus-inspect.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"
#include "sealsd/bus-path.h"

/* --- applications --------------------------------------------------------------------------- */

static int parse_apply(Operation *op, ErrorDetail *detail) {
        return application_read(op, op->args, detail);
}

static int run_apply(Operation *op, ErrorDetail *detail) {
        const ApplicationArgs *args = op->args;

        return service_apply(op->bus->service, &op->caller, &args->application, &args->picture,
                             (Reply){ .done = request_applied, .userdata = op }, detail);
}

static int parse_create_seal(Operation *op, ErrorDetail *detail) {
        return application_read(op, op->args, detail);
}

static void seal_created(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        char path[OBJECT_PATH_MAX];

        if (code != 0)
                operation_fail(userdata, code, detail);
        else
                operation_return(userdata, "o", seal_path(result, path));
}

static int run_create_seal(Operation *op, ErrorDetail *detail) {
        const ApplicationArgs *args = op->args;

        return service_create_seal(op->bus->service, &op->caller, &args->application,
                                   &args->picture, (Reply){ .done = seal_created, .userdata = op },
                                   detail);
}

/* --- secrets --------------------------------------------------------------------------------- */

static int parse_deposit_secret(Operation *op, ErrorDetail *detail) {
        return method_secret_fd(op, "secret", op->args, detail);
}

static int run_deposit_secret(Operation *op, ErrorDetail *detail) {
        char path[OBJECT_PATH_MAX];

        int r = tickets_put(op->bus->tickets, op->caller.bus_name, op->caller.uid, op->args, path,
                            detail);
        if (r == 0)
                operation_return(op, "o", path);
        return r;
}

/* --- seals and subscriptions ---------------------------------------------------------------- */

static int parse_number(Operation *op, ErrorDetail *detail) {
        return argument_text(op->message, "number", 0, op->args, detail);
}

/* What is no number has no seal either. */
static int run_get_seal(Operation *op, ErrorDetail *detail) {
        const char *number = *(const char **) op->args;
        char path[OBJECT_PATH_MAX];
        bool visible = false;

        int r = number_is_valid(number)
                        ? service_seal_visible(op->bus->service, &op->caller, number, &visible)
                        : 0;
        if (r != 0)
                return r;
        if (!visible)
                return error_set(detail, SEAL_E_NOT_FOUND, "No such seal");
        operation_return(op, "o", seal_path(number, path));
        return 0;
}

static int run_subscribe(Operation *op, ErrorDetail *detail) {
        int r = subscribers_add(op->bus->subscribers, &op->caller);

        if (r == SEAL_E_QUOTA_EXCEEDED)
                return error_set(detail, r, "There are %d subscribers already", SUBSCRIBERS_MAX);
        if (r == 0)
                operation_return(op, NULL);
        return r;
}

static int run_unsubscribe(Operation *op, ErrorDetail *detail) {
        (void) detail;
        subscribers_remove(op->bus->subscribers, op->caller.bus_name);
        operation_return(op, NULL);
        return 0;
}

/* --- properties ----------------------------------------------------------------------------- */

static int get_version(sd_bus *connection, const char *path, const char *interface,
                       const char *property, sd_bus_message *reply, void *userdata,
                       sd_bus_error *ret_error) {
        (void) connection;
        (void) path;
        (void) interface;
        (void) property;
        (void) userdata;
        (void) ret_error;
        return sd_bus_message_append(reply, "s", SEALSD_VERSION);
}

static int get_state(sd_bus *connection, const char *path, const char *interface,
                     const char *property, sd_bus_message *reply, void *userdata,
                     sd_bus_error *ret_error) {
        const Bus *bus = userdata;

        (void) connection;
        (void) path;
        (void) interface;
        (void) property;
        (void) ret_error;
        return sd_bus_message_append(reply, "s", service_state(bus->service));
}

static int get_separation(sd_bus *connection, const char *path, const char *interface,
                          const char *property, sd_bus_message *reply, void *userdata,
                          sd_bus_error *ret_error) {
        const Bus *bus = userdata;

        (void) connection;
        (void) path;
        (void) interface;
        (void) property;
        (void) ret_error;
        return sd_bus_message_append(reply, "s", separation_name(service_separation(bus->service)));
}

static int append_features(sd_bus_message *m, FeatureSet features) {
        const char *words[FEATURE_MAX];
        size_t count = feature_names(features, words);

        int r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; r >= 0 && i < count; i++)
                r = sd_bus_message_append(m, "s", words[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int get_features(sd_bus *connection, const char *path, const char *interface,
                        const char *property, sd_bus_message *reply, void *userdata,
                        sd_bus_error *ret_error) {
        const Bus *bus = userdata;

        (void) connection;
        (void) path;
        (void) interface;
        (void) property;
        (void) ret_error;
        return append_features(reply, service_features(bus->service));
}

/* --- the object ----------------------------------------------------------------------------- */

static const Method methods[] = {
        { "Initialize", sizeof(InitOptions), parse_initialize, run_initialize, true },
        { "ListChallenges", 0, NULL, run_list_challenges, false },
        { "Answer", sizeof(AnswerArgs), parse_answer, run_answer, true },
        { "GetStatus", 0, NULL, run_get_status, false },
        { "GetMachineState", 0, NULL, run_get_machine_state, false },
        { "ApproveMachineState", sizeof(MachineApproveOptions), parse_approve_machine_state,
          run_approve_machine_state, true },
        { "ListMachineStates", 0, NULL, run_list_machine_states, false },
        { "RetireMachineState", sizeof(RetireArgs), parse_retire_machine_state,
          run_retire_machine_state, true },
        { "Lock", sizeof(const char *), parse_reason, run_lock, true },
        { "ExtendCapacity", sizeof(ExtendOptions), parse_extend_capacity, run_extend_capacity,
          true },
        { "SetSeparation", sizeof(SeparationArgs), parse_set_separation, run_set_separation, true },
        { "RegisterReviewer", sizeof(ReviewerOptions), parse_register_reviewer,
          run_register_reviewer, true },
        { "Inspect", 0, NULL, run_inspect, false },
        { "Apply", sizeof(ApplicationArgs), parse_apply, run_apply, false },
        { "CreateSeal", sizeof(ApplicationArgs), parse_create_seal, run_create_seal, true },
        { "SuspendSeals", sizeof(SuspendSealsArgs), parse_suspend_seals, run_suspend_seals, true },
        { "ListSeals", sizeof(ListSealsArgs), parse_list_seals, run_list_seals, false },
        { "ListRequests", sizeof(ListRequestsArgs), parse_list_requests, run_list_requests, false },
        { "GetSeal", sizeof(const char *), parse_number, run_get_seal, false },
        { "ReadLedger", sizeof(ReadLedgerArgs), parse_read_ledger, run_read_ledger, false },
        { "VerifyLedger", 0, NULL, run_verify_ledger, false },
        { "ExportLedger", sizeof(ExportLedgerArgs), parse_export_ledger, run_export_ledger, false },
        { "AcknowledgeTampering", sizeof(AcknowledgeArgs), parse_acknowledge, run_acknowledge,
          true },
        { "GetMakerCertificates", 0, NULL, run_get_maker_certificates, false },
        { "GetMakerRequest", 0, NULL, run_get_maker_request, false },
        { "GetMakerRequests", 0, NULL, run_get_maker_requests, false },
        { "SetMakerCertificates", sizeof(ChainArgs), parse_chain, run_set_maker_certificates,
          false },
        { "GetRevocationList", 0, NULL, run_get_revocation_list, false },
        { "GetRevocationLists", 0, NULL, run_get_revocation_lists, false },
        { "DepositSecret", sizeof(Secret), parse_deposit_secret, run_deposit_secret, false },
        { "Subscribe", 0, NULL, run_subscribe, false },
        { "Unsubscribe", 0, NULL, run_unsubscribe, false },
};

const Interface manager_interface = {
        .name = MANAGER_INTERFACE,
        .methods = methods,
        .count = ROWS(methods),
};

/* Those that may carry passphrases are marked: their messages are wiped. */
static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Initialize", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("a{sv}", report), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ListChallenges", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(ssayt)", challenges), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Answer", SD_BUS_ARGS("s", id, "ay", signature), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetStatus", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", status),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetMachineState", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", report),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ApproveMachineState", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_NO_RESULT, method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ListMachineStates", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(tstst)", states), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RetireMachineState", SD_BUS_ARGS("t", id, "s", reason),
                                SD_BUS_NO_RESULT, method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Lock", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT, method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ExtendCapacity", SD_BUS_ARGS("u", seals, "a{sv}", options),
                                SD_BUS_NO_RESULT, method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("SetSeparation", SD_BUS_ARGS("s", mode, "a{sv}", options),
                                SD_BUS_NO_RESULT, method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("RegisterReviewer",
                                SD_BUS_ARGS("s", subject, "s", pem, "a{sv}", options),
                                SD_BUS_NO_RESULT, method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Inspect", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssss)", findings),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Apply", SD_BUS_ARGS("a{sv}", application),
                                SD_BUS_RESULT("o", request), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CreateSeal", SD_BUS_ARGS("a{sv}", application),
                                SD_BUS_RESULT("o", seal), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SuspendSeals", SD_BUS_ARGS("a{sv}", filter, "s", reason),
                                SD_BUS_RESULT("u", count), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListSeals", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("a(sosst)", seals), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListRequests", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("a(osssst)", requests), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetSeal", SD_BUS_ARGS("s", number), SD_BUS_RESULT("o", seal),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ReadLedger", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("as", rows), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("VerifyLedger", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", report),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ExportLedger", SD_BUS_ARGS("h", fd, "a{sv}", options),
                                SD_BUS_NO_RESULT, method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AcknowledgeTampering", SD_BUS_ARGS("s", reason, "a{sv}", options),
                                SD_BUS_NO_RESULT, method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("GetMakerCertificates", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("aay", certificates), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetMakerRequest", SD_BUS_NO_ARGS, SD_BUS_RESULT("ay", request),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetMakerRequests", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(say)", requests), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetMakerCertificates", SD_BUS_ARGS("aay", chain), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetRevocationList", SD_BUS_NO_ARGS, SD_BUS_RESULT("ay", list),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetRevocationLists", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(say)", lists), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("DepositSecret", SD_BUS_ARGS("h", secret),
                                SD_BUS_RESULT("o", ticket), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Separation", "s", get_separation, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Features", "as", get_features, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_SIGNAL_WITH_ARGS("Changed", SD_BUS_ARGS("s", kind, "s", id, "s", state), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Attention",
                                SD_BUS_ARGS("s", severity, "s", code, "o", object, "s", text), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Progress", SD_BUS_ARGS("s", operation, "t", done, "t", total), 0),
        SD_BUS_VTABLE_END,
};

int manager_register(Bus *bus) {
        return sd_bus_add_object_vtable(bus->connection, NULL, MANAGER_PATH, MANAGER_INTERFACE,
                                        vtable, bus);
}
