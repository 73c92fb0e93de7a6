/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-seal-certificate.h"

#include <errno.h>

#include "sealsd/bus-certificate.h"
#include "sealsd/service-certify.h"

int run_set_certificates(Operation *op, ErrorDetail *detail) {
        const ChainArgs *chain = op->args;

        return service_seal_set_certificates(
                op->bus->service, &op->caller, op->number, chain->items, chain->count,
                (Reply){ .done = operation_done, .userdata = op }, detail);
}

/* sd-bus knows errnos alone. */
static int property_code(int code) {
        return code > 0 ? -EIO : code;
}

int append_certificates(sd_bus_message *m, const void *userdata) {
        _cleanup_chain_ CertificateChain chain = {};
        const Bus *bus = userdata;

        int r = service_seal_certificates(bus->service, bus->seal_view.seal.number, &chain);
        return r == 0 ? append_chain(m, chain.items, chain.count) : property_code(r);
}

int append_electronic_seal(sd_bus_message *m, const void *userdata) {
        _cleanup_certificate_ CertificateRecord record = {};
        const Bus *bus = userdata;
        const char *profile;

        int r = service_seal_structure(bus->service, &bus->seal_view.seal, &record, &profile);
        if (r != 0)
                return property_code(r);
        return sd_bus_message_append_array(m, 'y', record.structure, record.structure_size);
}

int append_eseal_profile(sd_bus_message *m, const void *userdata) {
        _cleanup_certificate_ CertificateRecord record = {};
        const Bus *bus = userdata;
        const char *profile;

        int r = service_seal_structure(bus->service, &bus->seal_view.seal, &record, &profile);
        return r == 0 ? sd_bus_message_append(m, "s", profile) : property_code(r);
}
