/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/caller.h"

bool caller_is(const Caller *caller, const Subject *subject) {
        if (subject->text[0] == '\0') /* nobody: a Subject that was never filled has UID 0 */
                return false;
        if (subject->kind == SUBJECT_USER)
                return caller->uid == subject->id;
        for (size_t i = 0; i < caller->group_count; i++)
                if (caller->groups[i] == subject->id)
                        return true;
        return false;
}

static bool caller_in(const Caller *caller, const SubjectList *list) {
        for (size_t i = 0; i < list->count; i++)
                if (caller_is(caller, &list->subjects[i]))
                        return true;
        return false;
}

static unsigned configured_roles(const Caller *caller, const Config *config) {
        const struct {
                const SubjectList *list;
                unsigned role;
        } lists[] = {
                { &config->applicants, ROLE_APPLICANT },
                { &config->reviewers, ROLE_REVIEWER },
                { &config->makers, ROLE_MAKER },
                { &config->administrators, ROLE_ADMINISTRATOR },
                { &config->auditors, ROLE_AUDITOR },
        };
        unsigned roles = 0;

        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
                if (caller_in(caller, lists[i].list))
                        roles |= lists[i].role;
        return roles;
}

void caller_assign_roles(Caller *caller, const Config *config, bool single) {
        /* Whatever the lists say, so that root is bound by the separation of duties like anyone. */
        unsigned roles = caller->uid == 0 ? ROLE_ADMINISTRATOR : configured_roles(caller, config);

        if (single && roles & ROLE_ADMINISTRATOR)
                roles |= ROLE_CONFIGURED;
        caller->roles = roles | ROLE_ANYONE;
}
