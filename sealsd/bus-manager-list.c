/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "sealsd/bus-manager.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"
#include "sealsd/bus-path.h"

/* --- ListSeals ------------------------------------------------------------------------------ */

static int read_seal_state(sd_bus_message *m, const char *option, void *target,
                           ErrorDetail *detail) {
        ListSealsArgs *args = target;
        const char *text;

        int r = sd_bus_message_read_basic(m, 's', &text);
        if (r < 0)
                return r;
        args->filter.state = seal_state_from_name(text);
        return args->filter.state < 0 ? option_invalid(detail, option, "no state of a seal") : 0;
}

static int read_keeper(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        ListSealsArgs *args = target;
        const char *text;

        (void) option;
        int r = sd_bus_message_read_basic(m, 's', &text);
        if (r < 0)
                return r;
        args->filter.keeper = &args->keeper;
        return subject_parse(text, &args->keeper, detail);
}

#define FIELD(member) offsetof(ListSealsArgs, member)

/* state, after and limit stand last: what is before them is a filter without them. */
#define SEAL_PAGE_OPTIONS 3

static const Option seal_options[] = {
        { "type", OPTION_STRING, FIELD(filter.type), TEXT_MAX, NULL, NULL },
        { "class", OPTION_STRING, FIELD(filter.class), TEXT_MAX, NULL, NULL },
        { "keeper", OPTION_CUSTOM, 0, 0, "s", read_keeper },
        { "holder", OPTION_STRING, FIELD(filter.holder), NAME_BYTES_MAX, NULL, NULL },
        { "name", OPTION_STRING, FIELD(filter.name), NAME_BYTES_MAX, NULL, NULL },
        { "expires-before", OPTION_TIME, FIELD(filter.expires_before), 0, NULL, NULL },
        { "state", OPTION_CUSTOM, 0, 0, "s", read_seal_state },
        { "after", OPTION_STRING, FIELD(filter.after), NUMBER_MAX, NULL, NULL },
        { "limit", OPTION_U32, FIELD(limit), PAGE_MAX, NULL, NULL },
};

#undef FIELD

int parse_seal_filter(Operation *op, ListSealsArgs *args, ErrorDetail *detail) {
        args->filter.state = -1;
        return method_options(op, seal_options, ROWS(seal_options) - SEAL_PAGE_OPTIONS, args,
                              detail);
}

int parse_list_seals(Operation *op, ErrorDetail *detail) {
        ListSealsArgs *args = op->args;

        args->filter.state = -1;
        int r = method_options(op, seal_options, ROWS(seal_options), args, detail);
        if (r != 0)
                return r;
        args->filter.limit = args->limit;
        if (args->filter.after && args->filter.after[0] == '\0')
                args->filter.after = NULL;
        return 0;
}

typedef struct SealPage {
        SealRow *rows;
        size_t count;
} SealPage;

static int append_seals(sd_bus_message *m, const void *result) {
        const SealPage *page = result;
        char path[OBJECT_PATH_MAX];

        int r = sd_bus_message_open_container(m, 'a', "(sosst)");
        for (size_t i = 0; r >= 0 && i < page->count; i++) {
                const SealRow *seal = &page->rows[i];

                r = sd_bus_message_append(m, "(sosst)", seal->number, seal_path(seal->number, path),
                                          seal->name, seal_state_name(seal->state),
                                          seal->not_after);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int run_list_seals(Operation *op, ErrorDetail *detail) {
        const ListSealsArgs *args = op->args;
        _cleanup_free_ SealRow *rows = NULL;
        size_t count;

        (void) detail;
        int r = service_seal_list(op->bus->service, &op->caller, args->filter, &rows, &count);
        if (r == 0)
                operation_answer(op, 0, NULL, append_seals, &(SealPage){ rows, count });
        return r;
}

/* --- ListRequests --------------------------------------------------------------------------- */

static int read_request_state(sd_bus_message *m, const char *option, void *target,
                              ErrorDetail *detail) {
        ListRequestsArgs *args = target;
        const char *text;

        int r = sd_bus_message_read_basic(m, 's', &text);
        if (r < 0)
                return r;
        args->filter.state = request_state_from_name(text);
        return args->filter.state < 0 ? option_invalid(detail, option, "no state of a request") : 0;
}

static int read_awaiting(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        ListRequestsArgs *args = target;
        const char *text;

        int r = sd_bus_message_read_basic(m, 's', &text);
        if (r < 0)
                return r;
        args->filter.awaiting = AWAITING_ME;
        return strcmp(text, "me") == 0 ? 0 : option_invalid(detail, option, "only 'me'");
}

static int read_after(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail) {
        ListRequestsArgs *args = target;
        const char *path;

        int r = sd_bus_message_read_basic(m, 'o', &path);
        if (r < 0)
                return r;
        if (!request_path_id(path, &args->filter.after))
                return option_invalid(detail, option, "no path of a request");
        return 0;
}

#define FIELD(member) offsetof(ListRequestsArgs, member)

static const Option request_options[] = {
        { "state", OPTION_CUSTOM, 0, 0, "s", read_request_state },
        { "kind", OPTION_STRING, FIELD(filter.kind), TEXT_MAX, NULL, NULL },
        { "seal", OPTION_STRING, FIELD(filter.seal), NUMBER_MAX, NULL, NULL },
        { "awaiting", OPTION_CUSTOM, 0, 0, "s", read_awaiting },
        { "after", OPTION_CUSTOM, 0, 0, "o", read_after },
        { "limit", OPTION_U32, FIELD(limit), PAGE_MAX, NULL, NULL },
};

#undef FIELD

int parse_list_requests(Operation *op, ErrorDetail *detail) {
        ListRequestsArgs *args = op->args;

        args->filter.state = -1;
        args->filter.awaiting_uid = op->caller.uid;
        int r = method_options(op, request_options, ROWS(request_options), args, detail);
        args->filter.limit = args->limit;
        return r;
}

typedef struct RequestPage {
        RequestRow *rows;
        size_t count;
} RequestPage;

static int append_requests(sd_bus_message *m, const void *result) {
        const RequestPage *page = result;
        char path[OBJECT_PATH_MAX];

        int r = sd_bus_message_open_container(m, 'a', "(osssst)");
        for (size_t i = 0; r >= 0 && i < page->count; i++) {
                const RequestRow *request = &page->rows[i];

                r = sd_bus_message_append(m, "(osssst)", request_path(request->id, path),
                                          request->kind, request_state_name(request->state),
                                          request->number[0] ? request->number : request->target,
                                          request->applicant.text, request->created);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int run_list_requests(Operation *op, ErrorDetail *detail) {
        const ListRequestsArgs *args = op->args;
        _cleanup_free_ RequestRow *requests = NULL;
        size_t count;

        (void) detail;
        int r = service_request_list(op->bus->service, &op->caller, args->filter, &requests,
                                     &count);
        if (r == 0)
                operation_answer(op, 0, NULL, append_requests, &(RequestPage){ requests, count });
        return r;
}
