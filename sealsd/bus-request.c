/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-request.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/bus-method.h"
#include "sealsd/bus-object.h"
#include "sealsd/bus-options.h"
#include "sealsd/bus-path.h"
#include "sealsd/bus-request-use.h"

static int request_relate(Operation *op, unsigned *ret_relations) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));

        if (!request)
                return -ENOMEM;
        if (!request_path_id(sd_bus_message_get_path(op->message), &op->request))
                return SEAL_E_NOT_FOUND;
        int r = service_request_get(op->bus->service, &op->caller, op->request, request);
        if (r != 0)
                return r;
        (void) snprintf(op->number, sizeof(op->number), "%s", request_seal(request));
        (void) snprintf(op->kind, sizeof(op->kind), "%s", request->kind);
        (void) snprintf(op->type, sizeof(op->type), "%s", request->type);
        *ret_relations = caller_is(&op->caller, &request->applicant) ? ROLE_OWNER : 0;
        for (size_t i = 0; i < request->use.approver_count; i++)
                if (caller_is(&op->caller, &request->use.approvers[i]))
                        *ret_relations |= ROLE_APPROVER;
        return 0;
}

/* Who reads what reviewers wrote; the applicant learns why he was refused from Error. */
#define COMMENT_ROLES (ROLE_REVIEWER | ROLE_ADMINISTRATOR | ROLE_AUDITOR)

/* --- methods -------------------------------------------------------------------------------- */

typedef struct DecideArgs {
        const char *text;
        Bytes signature;
} DecideArgs;

static int parse_signed(Operation *op, const char *argument, ErrorDetail *detail) {
        static const Option table[] = {
                { "signature", OPTION_BYTES, offsetof(DecideArgs, signature), SIGNATURE_MAX, NULL,
                  NULL },
        };
        DecideArgs *args = op->args;

        int r = argument_text(op->message, argument, TEXT_MAX, &args->text, detail);
        return r != 0 ? r : method_options(op, table, ROWS(table), args, detail);
}

static int parse_approve(Operation *op, ErrorDetail *detail) {
        return parse_signed(op, "comment", detail);
}

static int parse_reject_signed(Operation *op, ErrorDetail *detail) {
        return parse_signed(op, "reason", detail);
}

static int parse_reject(Operation *op, ErrorDetail *detail) {
        DecideArgs *args = op->args;

        return argument_text(op->message, "reason", TEXT_MAX, &args->text, detail);
}

static int run_approve(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = operation_done, .userdata = op };
        const DecideArgs *args = op->args;

        return service_request_approve(op->bus->service, &op->caller, op->request, args->text,
                                       args->signature, reply, detail);
}

static int run_reject(Operation *op, ErrorDetail *detail) {
        const DecideArgs *args = op->args;

        int r = service_request_reject(op->bus->service, &op->caller, op->request, args->text,
                                       args->signature, detail);
        if (r == 0)
                operation_return(op, NULL);
        return r;
}

static int run_cancel(Operation *op, ErrorDetail *detail) {
        const char *reason = *(const char **) op->args;

        int r = service_request_cancel(op->bus->service, &op->caller, op->request, reason, detail);
        if (r == 0)
                operation_return(op, NULL);
        return r;
}

static void request_made(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        char path[OBJECT_PATH_MAX];

        if (code != 0)
                operation_fail(userdata, code, detail);
        else
                operation_return(userdata, "o", seal_path(result, path));
}

static int run_make(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = request_made, .userdata = op };

        return service_request_make(op->bus->service, &op->caller, op->request, reply, detail);
}

static int run_describe(Operation *op, ErrorDetail *detail) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        _cleanup_free_ char *json = NULL;

        (void) detail;
        if (!request)
                return -ENOMEM;
        int r = service_request_get(op->bus->service, &op->caller, op->request, request);
        if (r == 0)
                r = request_describe(request, op->caller.roles & COMMENT_ROLES, &json);
        if (r == 0)
                operation_return(op, "s", json);
        return r;
}

static int append_picture(sd_bus_message *m, const void *result) {
        const SealPicture *picture = result;

        int r = sd_bus_message_append(m, "s", picture->type);
        return r < 0 ? r : sd_bus_message_append_array(m, 'y', picture->data, picture->size);
}

static int run_get_picture(Operation *op, ErrorDetail *detail) {
        _cleanup_picture_ SealPicture picture = {};

        int r = service_request_picture(op->bus->service, &op->caller, op->request, &picture,
                                        detail);
        if (r == 0)
                operation_answer(op, 0, NULL, append_picture, &picture);
        return r;
}

static const Method methods[] = {
        { "Approve", sizeof(DecideArgs), parse_approve, run_approve, true },
        { "Reject", sizeof(DecideArgs), parse_reject, run_reject, false },
        { "RejectSigned", sizeof(DecideArgs), parse_reject_signed, run_reject, false },
        { "Cancel", sizeof(const char *), parse_reason, run_cancel, false },
        { "Make", 0, NULL, run_make, true },
        { "Challenge", 0, NULL, run_challenge, false },
        { "Authorize", sizeof(AuthorizeArgs), parse_authorize, run_authorize, false },
        { "WithdrawApproval", sizeof(AuthorizeArgs), parse_withdraw, run_withdraw, false },
        { "Collect", 0, NULL, run_collect, true },
        { "CollectWith", sizeof(CollectArgs), parse_collect_with, run_collect, false },
        { "GetPicture", 0, NULL, run_get_picture, false },
        { "Describe", 0, NULL, run_describe, false },
};

const Interface request_interface = {
        .name = REQUEST_INTERFACE,
        .methods = methods,
        .count = ROWS(methods),
        .relate = request_relate,
};

/* --- properties ----------------------------------------------------------------------------- */

#define TEXT(name, member) \
        { (name), FIELD_TEXT, offsetof(Request, member), NULL }
#define TIME(name, member) \
        { (name), FIELD_TIME, offsetof(Request, member), NULL }

static int append_state(sd_bus_message *m, const void *view) {
        return sd_bus_message_append(
                m, "s", request_state_name(((const RequestView *) view)->request.state));
}

static int append_digest(sd_bus_message *m, const void *view) {
        const Request *request = &((const RequestView *) view)->request;

        return sd_bus_message_append_array(m, 'y', request->digest, sizeof(request->digest));
}

static int append_missing(sd_bus_message *m, const void *view) {
        return sd_bus_message_append(m, "u",
                                     request_missing(&((const RequestView *) view)->request));
}

static int append_seal(sd_bus_message *m, const void *view) {
        return sd_bus_message_append(m, "s", request_seal(&((const RequestView *) view)->request));
}

static const Field fields[] = {
        TEXT("Kind", kind),
        { "State", FIELD_CUSTOM, 0, append_state },
        TEXT("Applicant", applicant.text),
        { "Seal", FIELD_CUSTOM, 0, append_seal },
        TIME("Created", created),
        TIME("Expires", expires),
        { "Digest", FIELD_CUSTOM, 0, append_digest },
        { "Missing", FIELD_CUSTOM, 0, append_missing },
        TEXT("Error", error),
};

static int get_property(sd_bus *connection, const char *path, const char *interface,
                        const char *property, sd_bus_message *reply, void *userdata,
                        sd_bus_error *ret_error) {
        Bus *bus = userdata;
        RequestView *view = &bus->request_view;

        (void) connection;
        (void) path;
        (void) interface;
        if (!view->loaded) {
                int r = service_request_get(bus->service, &view->viewer, view->id, &view->request);
                if (r != 0)
                        return object_error(ret_error, r);
                view->loaded = true;
        }
        return fields_append(reply, fields, ROWS(fields), property, &view->request, view);
}

/* --- the objects ---------------------------------------------------------------------------- */

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Approve", SD_BUS_ARGS("s", comment, "a{sv}", options),
                                SD_BUS_NO_RESULT, method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reject", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RejectSigned", SD_BUS_ARGS("s", reason, "a{sv}", options),
                                SD_BUS_NO_RESULT, method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Make", SD_BUS_NO_ARGS, SD_BUS_RESULT("o", seal), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Challenge", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", challenge),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Authorize", SD_BUS_ARGS("s", approver, "ay", signature),
                                SD_BUS_NO_RESULT, method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("WithdrawApproval", SD_BUS_ARGS("s", approver), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Collect", SD_BUS_NO_ARGS, SD_BUS_RESULT("ay", result, "t", use),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CollectWith", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("ay", result, "t", use), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("GetPicture", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", type, "ay", data),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Kind", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("State", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Applicant", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Seal", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Created", "t", get_property, 0, 0),
        SD_BUS_PROPERTY("Expires", "t", get_property, 0, 0),
        SD_BUS_PROPERTY("Digest", "ay", get_property, 0, 0),
        SD_BUS_PROPERTY("Missing", "u", get_property, 0, 0),
        SD_BUS_PROPERTY("Error", "s", get_property, 0, 0),
        SD_BUS_VTABLE_END,
};

static int request_find(sd_bus *connection, const char *path, const char *interface, void *userdata,
                        void **ret_found, sd_bus_error *ret_error) {
        Bus *bus = userdata;
        RequestView *view = &bus->request_view;
        bool visible = false;

        (void) interface;
        view->loaded = false;
        if (!request_path_id(path, &view->id))
                return 0;
        int r = bus_caller(bus, sd_bus_get_current_message(connection), &view->viewer);
        if (r == SEAL_E_ACCESS_DENIED) /* nobody that is known sees anything */
                return 0;
        if (r == 0)
                r = service_request_visible(bus->service, &view->viewer, view->id, &visible);
        if (r != 0 && r != SEAL_E_NOT_FOUND)
                return object_error(ret_error, r);
        *ret_found = bus;
        return r == 0 && visible;
}

static int request_enumerate(sd_bus *connection, const char *prefix, void *userdata,
                             char ***ret_nodes, sd_bus_error *ret_error) {
        RequestFilter filter = { .state = -1, .limit = CHILDREN_MAX };
        _cleanup_free_ RequestRow *requests = NULL;
        char path[OBJECT_PATH_MAX];
        Bus *bus = userdata;
        Caller caller;
        size_t count;

        /* Asked for each request too, when that is introspected: there is nothing below it. */
        if (strcmp(prefix, REQUEST_ROOT) != 0)
                return 0;
        int r = bus_caller(bus, sd_bus_get_current_message(connection), &caller);
        if (r == SEAL_E_ACCESS_DENIED)
                return 0;
        if (r == 0)
                r = service_request_list(bus->service, &caller, filter, &requests, &count);
        if (r != 0)
                return object_error(ret_error, r);
        _cleanup_(paths_freep) char **paths = calloc(count + 1, sizeof(*paths));
        for (size_t i = 0; paths && i < count; i++) {
                paths[i] = strdup(request_path(requests[i].id, path));
                if (!paths[i])
                        return -ENOMEM;
        }
        *ret_nodes = steal_ptr(paths);
        return *ret_nodes ? 0 : -ENOMEM;
}

int request_register(Bus *bus) {
        int r = sd_bus_add_fallback_vtable(bus->connection, NULL, REQUEST_ROOT, REQUEST_INTERFACE,
                                           vtable, request_find, bus);
        if (r < 0)
                return r;
        return sd_bus_add_node_enumerator(bus->connection, NULL, REQUEST_ROOT, request_enumerate,
                                          bus);
}
