/* SPDX-License-Identifier: Apache-2.0 */
/* The makers' certificates, and their lists of what was revoked. */
#include "sealsd/bus-certificate.h"
#include "sealsd/bus-manager.h"
#include "sealsd/bus-method.h"
#include "sealsd/service-crl.h"
#include "sealsd/service-maker.h"

/* --- certificates --------------------------------------------------------------------------- */

static int append_list(sd_bus_message *m, const void *result) {
        const DerList *list = result;

        return append_chain(m, list->items, list->count);
}

int run_get_maker_certificates(Operation *op, ErrorDetail *detail) {
        DerList list = {};

        int r = service_maker_certificates(op->bus->service, &list, detail);
        if (r == 0)
                operation_answer(op, 0, NULL, append_list, &list);
        der_list_clear(&list);
        return r;
}

int run_set_maker_certificates(Operation *op, ErrorDetail *detail) {
        const ChainArgs *chain = op->args;

        int r = service_set_maker_certificates(op->bus->service, &op->caller, chain->items,
                                               chain->count, detail);
        if (r == 0)
                operation_return(op, NULL);
        return r;
}

/* The first one's: P-256's. */
static int append_request(sd_bus_message *m, const void *result) {
        const MakerRequests *requests = result;
        const Bytes *der = &requests->items[0].der;

        return sd_bus_message_append_array(m, 'y', der->data, der->size);
}

static void maker_requested(void *userdata, int code, const ErrorDetail *detail,
                            const void *result) {
        operation_answer(userdata, code, detail, append_request, result);
}

int run_get_maker_request(Operation *op, ErrorDetail *detail) {
        return service_maker_requests(op->bus->service, &op->caller,
                                      (Reply){ .done = maker_requested, .userdata = op }, detail);
}

static int append_named(sd_bus_message *m, const char *name, Bytes der) {
        int r = sd_bus_message_open_container(m, 'r', "say");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', der.data, der.size);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_requests(sd_bus_message *m, const void *result) {
        const MakerRequests *requests = result;

        int r = sd_bus_message_open_container(m, 'a', "(say)");
        for (size_t i = 0; r >= 0 && i < requests->count; i++)
                r = append_named(m, requests->items[i].algorithm, requests->items[i].der);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void makers_requested(void *userdata, int code, const ErrorDetail *detail,
                             const void *result) {
        operation_answer(userdata, code, detail, append_requests, result);
}

int run_get_maker_requests(Operation *op, ErrorDetail *detail) {
        return service_maker_requests(op->bus->service, &op->caller,
                                      (Reply){ .done = makers_requested, .userdata = op }, detail);
}

/* --- lists ---------------------------------------------------------------------------------- */

static int append_first(sd_bus_message *m, const void *result) {
        const RevocationLists *lists = result;

        return sd_bus_message_append_array(m, 'y', lists->items[0].list.der,
                                           lists->items[0].list.size);
}

static int append_lists(sd_bus_message *m, const void *result) {
        const RevocationLists *lists = result;

        int r = sd_bus_message_open_container(m, 'a', "(say)");
        for (size_t i = 0; r >= 0 && i < lists->count; i++)
                r = append_named(m, lists->items[i].algorithm,
                                 (Bytes){ lists->items[i].list.der, lists->items[i].list.size });
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int answer_lists(Operation *op, int (*append)(sd_bus_message *m, const void *result),
                        ErrorDetail *detail) {
        _cleanup_(revocation_lists_free) RevocationLists lists = {};

        int r = service_revocation_lists(op->bus->service, &lists, detail);
        if (r == 0)
                operation_answer(op, 0, NULL, append, &lists);
        return r;
}

int run_get_revocation_list(Operation *op, ErrorDetail *detail) {
        return answer_lists(op, append_first, detail);
}

int run_get_revocation_lists(Operation *op, ErrorDetail *detail) {
        return answer_lists(op, append_lists, detail);
}
