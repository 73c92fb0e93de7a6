/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-subscribers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "sealsd/bus-internal.h"
#include "sealsd/bus-options.h"
#include "sealsd/bus-path.h"
#include "sealsd/service-grant.h"

struct Subscribers {
        size_t count;
        Caller callers[SUBSCRIBERS_MAX];
};

int subscribers_new(Subscribers **ret) {
        Subscribers *subscribers = calloc(1, sizeof(*subscribers));

        if (!subscribers)
                return -ENOMEM;
        *ret = subscribers;
        return 0;
}

Subscribers *subscribers_free(Subscribers *subscribers) {
        free(subscribers);
        return NULL;
}

static size_t subscribers_find(const Subscribers *subscribers, const char *name) {
        size_t i = 0;

        while (i < subscribers->count && strcmp(subscribers->callers[i].bus_name, name) != 0)
                i++;
        return i;
}

static size_t subscribers_of(const Subscribers *subscribers, uint32_t uid) {
        size_t n = 0;

        for (size_t i = 0; i < subscribers->count; i++)
                n += subscribers->callers[i].uid == uid;
        return n;
}

int subscribers_add(Subscribers *subscribers, const Caller *caller) {
        if (subscribers_find(subscribers, caller->bus_name) < subscribers->count)
                return 0;
        if (subscribers->count == SUBSCRIBERS_MAX ||
            subscribers_of(subscribers, caller->uid) >= UID_SUBSCRIBERS_MAX)
                return SEAL_E_QUOTA_EXCEEDED;
        subscribers->callers[subscribers->count++] = *caller;
        return 0;
}

void subscribers_remove(Subscribers *subscribers, const char *name) {
        size_t i = subscribers_find(subscribers, name);

        if (i < subscribers->count)
                subscribers->callers[i] = subscribers->callers[--subscribers->count];
}

/* --- announcing ----------------------------------------------------------------------------- */

/* Builds one message; the same one cannot be sent twice. */
typedef struct Announcement {
        const char *path, *interface, *member;
        int (*append)(sd_bus_message *m, const struct Announcement *announcement);
        const char *kind, *id; /* of the object that it is about */
        const char *texts[4];  /* for append */
        uint64_t done, total;
        const char *const *properties;
} Announcement;

/* What is found of a seal is for its keepers (design, section 5.1), whoever else sees the seal. */
static bool keeps_seal(Bus *bus, const Caller *caller, const char *number) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        unsigned relations = 0;

        return seal && service_seal_get(bus->service, caller, number, seal) == 0 &&
               service_seal_relations(bus->service, caller, seal, &relations) == 0 &&
               (relations & ROLE_KEEPER);
}

/* "manager" stands for what concerns everybody, "" for what those who look after it all need. */
static bool may_see(Bus *bus, const Caller *caller, const char *kind, const char *id) {
        uint64_t request;
        bool visible = false;

        if (strcmp(kind, "manager") == 0)
                return true;
        if (strcmp(kind, "custody") == 0)
                return caller->roles & (ROLE_ADMINISTRATOR | ROLE_AUDITOR) ||
                       keeps_seal(bus, caller, id);
        if (strcmp(kind, "seal") == 0)
                return service_seal_visible(bus->service, caller, id, &visible) == 0 && visible;
        if (strcmp(kind, "request") == 0)
                return request_id_parse(id, &request) &&
                       service_request_visible(bus->service, caller, request, &visible) == 0 &&
                       visible;
        return caller->roles & (ROLE_ADMINISTRATOR | ROLE_AUDITOR);
}

static int send_to(Bus *bus, const Caller *caller, const Announcement *announcement) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        int r = sd_bus_message_new_signal(bus->connection, &m, announcement->path,
                                          announcement->interface, announcement->member);
        if (r >= 0)
                r = announcement->append(m, announcement);
        return r < 0 ? r : sd_bus_send_to(bus->connection, m, caller->bus_name, NULL);
}

static void announce(Bus *bus, const Announcement *announcement) {
        bool single = service_separation(bus->service) == SEPARATION_SINGLE;

        for (size_t i = 0; i < bus->subscribers->count; i++) {
                Caller *caller = &bus->subscribers->callers[i];

                caller_assign_roles(caller, bus->config, single);
                if (!may_see(bus, caller, announcement->kind, announcement->id))
                        continue;
                int r = send_to(bus, caller, announcement);
                if (r < 0)
                        log_warning("%s could not be told of a change: %s", caller->bus_name,
                                    strerror(-r));
        }
}

static int append_changed(sd_bus_message *m, const Announcement *a) {
        return sd_bus_message_append(m, "sss", a->kind, a->id, a->texts[0]);
}

static int append_attention(sd_bus_message *m, const Announcement *a) {
        return sd_bus_message_append(m, "ssos", a->texts[0], a->texts[1], a->texts[2], a->texts[3]);
}

static int append_progress(sd_bus_message *m, const Announcement *a) {
        return sd_bus_message_append(m, "stt", a->texts[0], a->done, a->total);
}

/* PropertiesChanged(interface, no values, names): who wants a value asks, and is judged then. */
static int append_properties(sd_bus_message *m, const Announcement *a) {
        int r = sd_bus_message_append(m, "sa{sv}", a->texts[0], 0);

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; r >= 0 && a->properties[i]; i++)
                r = sd_bus_message_append_basic(m, 's', a->properties[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void announce_properties(Bus *bus, const char *kind, const char *id, const char *path) {
        static const char *const of_seal[] = {
                "State",          "WhyNot",       "Keepers",    "UseCount",     "Purposes",
                "NotAfter",       "UseLimit",     "ReplacedBy", "SupersededAt", "Certificates",
                "ElectronicSeal", "ESealProfile", NULL
        };
        static const char *const of_request[] = { "State", "Seal", "Missing", "Error", NULL };
        bool seal = strcmp(kind, "seal") == 0;
        const Announcement announcement = {
                .path = path,
                .interface = PROPERTIES_INTERFACE,
                .member = "PropertiesChanged",
                .append = append_properties,
                .kind = kind,
                .id = id,
                .texts = { seal ? SEAL_INTERFACE : REQUEST_INTERFACE },
                .properties = seal ? of_seal : of_request,
        };

        announce(bus, &announcement);
}

static void announce_manager(Bus *bus) {
        int r = sd_bus_emit_properties_changed(bus->connection, MANAGER_PATH, MANAGER_INTERFACE,
                                               "State", "Separation", NULL);
        if (r < 0)
                log_warning("A change of the Manager's properties could not be told: %s",
                            strerror(-r));
}

static const char *changed_path(const char *kind, const char *id,
                                char ret[static OBJECT_PATH_MAX]) {
        uint64_t request;

        if (strcmp(kind, "seal") == 0 && number_is_valid(id))
                return seal_path(id, ret);
        if (strcmp(kind, "request") == 0 && request_id_parse(id, &request))
                return request_path(request, ret);
        return NULL;
}

static void changed(void *userdata, const char *kind, const char *id, const char *state) {
        Bus *bus = userdata;
        char buffer[OBJECT_PATH_MAX];
        const char *path = changed_path(kind, id, buffer);
        const Announcement announcement = {
                .path = MANAGER_PATH,
                .interface = MANAGER_INTERFACE,
                .member = "Changed",
                .append = append_changed,
                .kind = kind,
                .id = id,
                .texts = { state },
        };

        announce(bus, &announcement);
        if (path)
                announce_properties(bus, kind, id, path);
        else
                announce_manager(bus);
}

static void attention(void *userdata, const char *severity, const char *code, const char *object,
                      const char *text) {
        char path[OBJECT_PATH_MAX];
        const char *slash = strchr(object, '/');
        bool custody = strncmp(object, "custody/", 8) == 0;
        const Announcement announcement = {
                .path = MANAGER_PATH,
                .interface = MANAGER_INTERFACE,
                .member = "Attention",
                .append = append_attention,
                .kind = !slash                             ? ""
                        : custody                          ? "custody"
                        : strncmp(object, "seal/", 5) == 0 ? "seal"
                                                           : "request",
                .id = slash ? slash + 1 : "",
                .texts = { severity, code,
                           custody ? seal_path(slash + 1, path) : object_path(object, path), text },
        };

        announce(userdata, &announcement);
}

static void progress(void *userdata, const char *operation, uint64_t done, uint64_t total) {
        const Announcement announcement = {
                .path = MANAGER_PATH,
                .interface = MANAGER_INTERFACE,
                .member = "Progress",
                .append = append_progress,
                .kind = "",
                .id = "",
                .texts = { operation },
                .done = done,
                .total = total,
        };

        announce(userdata, &announcement);
}

static void features(void *userdata) {
        const Bus *bus = userdata;
        int r = sd_bus_emit_properties_changed(bus->connection, MANAGER_PATH, MANAGER_INTERFACE,
                                               "Features", NULL);
        if (r < 0)
                log_warning("A change of Features could not be told: %s", strerror(-r));
}

Observer subscribers_observer(Bus *bus) {
        return (Observer){
                .changed = changed,
                .attention = attention,
                .progress = progress,
                .features = features,
                .userdata = bus,
        };
}
