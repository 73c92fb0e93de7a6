/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who calls: UID and groups as the bus took them from the caller's socket, and the roles that the
 * configuration gives them. A plain value; bus-caller.c makes it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sealsd/config.h"
#include "sealsd/subject.h"

#define CALLER_GROUPS_MAX 256
#define CALLER_TEXT_MAX 255
#define LOGIN_NONE UINT32_MAX /* login UID of what comes from no login, or is not known */

typedef enum Role {
        ROLE_APPLICANT = 1 << 0,
        ROLE_REVIEWER = 1 << 1,
        ROLE_MAKER = 1 << 2,
        ROLE_ADMINISTRATOR = 1 << 3,
        ROLE_AUDITOR = 1 << 4,
        ROLE_CONFIGURED = (1 << 5) - 1, /* all of the above */
        /* Relations to the object that is called. */
        ROLE_KEEPER = 1 << 5,   /* of that seal, or a deputy; before acceptance, the named keeper */
        ROLE_OWNER = 1 << 6,    /* applicant of that request */
        ROLE_ANYONE = 1 << 7,   /* everybody; on an object, everybody who sees it */
        ROLE_USER = 1 << 8,     /* somebody has granted him the use of that seal */
        ROLE_APPROVER = 1 << 9, /* one of those whom that request of kind use asks */
} Role;

typedef struct Caller {
        uint32_t uid;
        uint32_t pid; /* observed, never a reason to allow; 0 unknown */
        size_t group_count;
        uint32_t groups[CALLER_GROUPS_MAX];
        unsigned roles;    /* of enum Role, configured ones and ROLE_ANYONE */
        Subject subject;   /* user:NAME */
        char bus_name[64]; /* the unique name, "" when not known */
        /* Observed of the process that connected to the bus, for the ledger; never trusted. */
        uint32_t login_uid;
        char process[CALLER_TEXT_MAX + 1]; /* executable, or its short name; "" not known */
        char unit[CALLER_TEXT_MAX + 1];    /* of systemd; "" none */
} Caller;

bool caller_is(const Caller *caller, const Subject *subject);

/*
 * Fill roles from the configuration. root holds the administrator's role and no other configured
 * one; in single mode administrators hold every role (design, section 4).
 */
void caller_assign_roles(Caller *caller, const Config *config, bool single);

/* Fill what is observed of the process caller->pid; what cannot be read stays empty. */
void caller_observe(Caller *caller);
