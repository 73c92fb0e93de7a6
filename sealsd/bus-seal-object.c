/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "policy/key.h"
#include "policy/sm2.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-object.h"
#include "sealsd/bus-path.h"
#include "sealsd/bus-seal-certificate.h"
#include "sealsd/bus-seal.h"

#define WHY_NOT_MAX (ERROR_TEXT_MAX + 64)

/* --- properties ----------------------------------------------------------------------------- */

static const Seal *seal_of(const void *bus) {
        return &((const Bus *) bus)->seal_view.seal;
}

static int append_state(sd_bus_message *m, const void *bus) {
        return sd_bus_message_append(m, "s", seal_state_name(seal_of(bus)->state));
}

static int append_separation(sd_bus_message *m, const void *bus) {
        return sd_bus_message_append(m, "s", separation_name(seal_of(bus)->separation));
}

static int append_why_not(sd_bus_message *m, const void *bus) {
        char why_not[WHY_NOT_MAX];

        seal_why_not(bus, seal_of(bus), why_not, sizeof(why_not));
        return sd_bus_message_append(m, "s", why_not);
}

static int append_purposes(sd_bus_message *m, const void *bus) {
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (unsigned purpose = 1; r >= 0 && purpose <= PURPOSE_ALL; purpose <<= 1)
                if (seal_of(bus)->facts.purposes & purpose)
                        r = sd_bus_message_append(m, "s", purpose_name((Purpose) purpose));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_keepers(sd_bus_message *m, const void *userdata) {
        const SealView *view = &((const Bus *) userdata)->seal_view;
        const Application *facts = &view->seal.facts;
        bool shown = seal_shows_custody(userdata, &view->seal, &view->viewer);

        int r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; r >= 0 && shown && i < facts->keeper_count; i++)
                r = sd_bus_message_append(m, "s", facts->keepers[i].text);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_policy(sd_bus_message *m, const void *userdata) {
        _cleanup_(paths_freep) char **policy = NULL;
        const Bus *bus = userdata;

        int r = service_seal_policy(bus->service, seal_of(bus), &policy);
        if (r != 0)
                return r < 0 ? r : -EIO;
        return sd_bus_message_append_strv(m, policy);
}

static int append_public_key(sd_bus_message *m, const void *bus) {
        _cleanup_free_ uint8_t *spki = NULL;
        const Seal *seal = seal_of(bus);
        size_t size = 0;

        int r = seal->public.size > 0 ? public_to_spki(&seal->public, &spki, &size) : 0;
        if (r != 0)
                return r < 0 ? r : -EIO;
        return sd_bus_message_append_array(m, 'y', spki, size);
}

/* Z_A of raw SM2; empty for every other algorithm (design, section 5.5). */
static int append_digest_prefix(sd_bus_message *m, const void *bus) {
        TPM2B_DIGEST prefix;

        int r = sm2_prefix(&seal_of(bus)->public, &prefix);
        if (r != 0)
                return r;
        return sd_bus_message_append_array(m, 'y', prefix.buffer, prefix.size);
}

#define TEXT(name, member) \
        { (name), FIELD_TEXT, offsetof(Seal, member), NULL }
#define TIME(name, member) \
        { (name), FIELD_TIME, offsetof(Seal, member), NULL }
#define CUSTOM(name, append) \
        { (name), FIELD_CUSTOM, 0, (append) }

static const Field fields[] = {
        TEXT("Number", number),
        TEXT("Class", facts.class),
        TEXT("Type", facts.type),
        TEXT("Name", facts.name),
        TEXT("Holder", facts.holder),
        CUSTOM("State", append_state),
        CUSTOM("WhyNot", append_why_not),
        TEXT("Algorithm", facts.algorithm),
        CUSTOM("Separation", append_separation),
        CUSTOM("Purposes", append_purposes),
        CUSTOM("Keepers", append_keepers),
        CUSTOM("Policy", append_policy),
        TIME("Created", created),
        TIME("NotBefore", facts.not_before),
        TIME("NotAfter", facts.not_after),
        TIME("UseLimit", facts.use_limit),
        TIME("UseCount", use_count),
        TEXT("Replaces", replaces),
        TEXT("ReplacedBy", replaced_by),
        TIME("SupersededAt", superseded_at),
        CUSTOM("PublicKey", append_public_key),
        CUSTOM("Certificates", append_certificates),
        CUSTOM("ElectronicSeal", append_electronic_seal),
        CUSTOM("ESealProfile", append_eseal_profile),
        CUSTOM("DigestPrefix", append_digest_prefix),
};

static int get_property(sd_bus *connection, const char *path, const char *interface,
                        const char *property, sd_bus_message *reply, void *userdata,
                        sd_bus_error *ret_error) {
        Bus *bus = userdata;
        SealView *view = &bus->seal_view;

        (void) connection;
        (void) path;
        (void) interface;
        if (!view->loaded) {
                int r = service_seal_get(bus->service, &view->viewer, view->number, &view->seal);
                if (r != 0)
                        return object_error(ret_error, r);
                view->loaded = true;
        }
        return fields_append(reply, fields, ROWS(fields), property, &view->seal, bus);
}

/* --- the objects ---------------------------------------------------------------------------- */

/* Those that may carry PINs are marked: their messages are wiped. */
static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Sign", SD_BUS_ARGS("ay", digest, "a{sv}", options),
                                SD_BUS_RESULT("ay", result, "t", use), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("SignMany", SD_BUS_ARGS("aay", digests, "a{sv}", options),
                                SD_BUS_RESULT("aay", results, "t", first), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("RequestUse", SD_BUS_ARGS("ay", digest, "a{sv}", options),
                                SD_BUS_RESULT("o", request), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("GetCertificateRequest", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("ay", request), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("AddGrant", SD_BUS_ARGS("s", subject, "a{sv}", options),
                                SD_BUS_RESULT("s", id), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RemoveGrant", SD_BUS_ARGS("s", id, "s", reason), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListGrants", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssa{sv})", grants),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RecordFiling", SD_BUS_ARGS("a{sv}", record), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Deliver", SD_BUS_ARGS("s", keeper), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Accept", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                                method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ChangePin", SD_BUS_ARGS("v", old, "v", new), SD_BUS_NO_RESULT,
                                method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Decline", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Apply", SD_BUS_ARGS("s", kind, "a{sv}", options),
                                SD_BUS_RESULT("o", request), method_dispatch,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Suspend", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ReportLost", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ReportFound", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Surrender", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Destroy", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("StateAt", SD_BUS_ARGS("t", time), SD_BUS_RESULT("s", state),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Revoke", SD_BUS_ARGS("s", reason), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Inspect", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssss)", findings),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetCertificates", SD_BUS_ARGS("aay", chain), SD_BUS_NO_RESULT,
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Attest", SD_BUS_ARGS("ay", nonce), SD_BUS_RESULT("ay", passport),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json),
                                method_dispatch, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Number", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Class", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Type", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Name", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Holder", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("State", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("WhyNot", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Algorithm", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Separation", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("Purposes", "as", get_property, 0, 0),
        SD_BUS_PROPERTY("Keepers", "as", get_property, 0, 0),
        SD_BUS_PROPERTY("Policy", "as", get_property, 0, 0),
        SD_BUS_PROPERTY("Created", "t", get_property, 0, 0),
        SD_BUS_PROPERTY("NotBefore", "t", get_property, 0, 0),
        SD_BUS_PROPERTY("NotAfter", "t", get_property, 0, 0),
        SD_BUS_PROPERTY("UseLimit", "t", get_property, 0, 0),
        SD_BUS_PROPERTY("UseCount", "t", get_property, 0, 0),
        SD_BUS_PROPERTY("Replaces", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("ReplacedBy", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("SupersededAt", "t", get_property, 0, 0),
        SD_BUS_PROPERTY("PublicKey", "ay", get_property, 0, 0),
        SD_BUS_PROPERTY("Certificates", "aay", get_property, 0, 0),
        SD_BUS_PROPERTY("ElectronicSeal", "ay", get_property, 0, 0),
        SD_BUS_PROPERTY("ESealProfile", "s", get_property, 0, 0),
        SD_BUS_PROPERTY("DigestPrefix", "ay", get_property, 0, 0),
        SD_BUS_VTABLE_END,
};

static int seal_find(sd_bus *connection, const char *path, const char *interface, void *userdata,
                     void **ret_found, sd_bus_error *ret_error) {
        const char *number = seal_path_number(path);
        Bus *bus = userdata;
        SealView *view = &bus->seal_view;
        bool visible = false;

        (void) interface;
        view->loaded = false;
        if (!number)
                return 0;
        int r = bus_caller(bus, sd_bus_get_current_message(connection), &view->viewer);
        if (r == SEAL_E_ACCESS_DENIED) /* nobody that is known sees anything */
                return 0;
        strcpy(view->number, number);
        if (r == 0)
                r = service_seal_visible(bus->service, &view->viewer, number, &visible);
        if (r != 0 && r != SEAL_E_NOT_FOUND)
                return object_error(ret_error, r);
        *ret_found = bus;
        return r == 0 && visible;
}

static int seal_enumerate(sd_bus *connection, const char *prefix, void *userdata, char ***ret_nodes,
                          sd_bus_error *ret_error) {
        SealFilter filter = { .state = -1, .limit = CHILDREN_MAX, .newest_first = true };
        _cleanup_(paths_freep) char **paths = NULL;
        _cleanup_free_ SealRow *rows = NULL;
        char path[OBJECT_PATH_MAX];
        Bus *bus = userdata;
        Caller caller;
        size_t count;

        /* Asked for each seal too, when that is introspected: there is nothing below it. */
        if (strcmp(prefix, SEAL_ROOT) != 0)
                return 0;
        int r = bus_caller(bus, sd_bus_get_current_message(connection), &caller);
        if (r == SEAL_E_ACCESS_DENIED)
                return 0;
        if (r == 0)
                r = service_seal_list(bus->service, &caller, filter, &rows, &count);
        if (r != 0)
                return object_error(ret_error, r);
        paths = calloc(count + 1, sizeof(*paths));
        if (!paths)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                paths[i] = strdup(seal_path(rows[i].number, path));
                if (!paths[i])
                        return -ENOMEM;
        }
        *ret_nodes = steal_ptr(paths);
        return 0;
}

int seal_register(Bus *bus) {
        int r = sd_bus_add_fallback_vtable(bus->connection, NULL, SEAL_ROOT, SEAL_INTERFACE, vtable,
                                           seal_find, bus);
        if (r < 0)
                return r;
        return sd_bus_add_node_enumerator(bus->connection, NULL, SEAL_ROOT, seal_enumerate, bus);
}
