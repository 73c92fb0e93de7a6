/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/separation.h"

/* Before Initialize nothing can be asked; should it be, the strictest answer is right. */
static bool is_strict(const SeparationRule *rule) {
        return rule->mode != SEPARATION_SINGLE && rule->mode != SEPARATION_DUAL;
}

static int refuse(ErrorDetail *detail, const char *why) {
        return error_set(detail, SEAL_E_SEPARATION_OF_DUTIES, "%s", why);
}

/* Was it the caller who did that, as this user or as another of the same login? */
static bool is_same(const SeparationRule *rule, const Caller *caller, const Subject *by,
                    uint32_t login) {
        if (by->text[0] == '\0')
                return false;
        return caller_is(caller, by) ||
               (rule->logins && login != LOGIN_NONE && caller->login_uid == login);
}

static int require_login(const SeparationRule *rule, const Caller *caller, ErrorDetail *detail) {
        if (!rule->logins || caller->login_uid != LOGIN_NONE)
                return 0;
        return refuse(detail,
                      "People are told apart by their logins here (SeparateLogins), and this "
                      "call comes from none: log in and call again");
}

static bool has_decided(const SeparationRule *rule, const Request *request, const Caller *caller) {
        for (size_t i = 0; i < request->decision_count; i++)
                if (is_same(rule, caller, &request->decisions[i].by, request->decisions[i].login))
                        return true;
        return false;
}

int separation_decide(const SeparationRule *rule, const Request *request, const Caller *caller,
                      ErrorDetail *detail) {
        if (rule->mode == SEPARATION_SINGLE)
                return 0;
        if (is_same(rule, caller, &request->applicant, request->applicant_login))
                return refuse(detail, "Who applied does not decide: another reviewer has to");
        if (has_decided(rule, request, caller))
                return refuse(detail, "Nobody decides twice: another reviewer has to");
        return require_login(rule, caller, detail);
}

int separation_make(const SeparationRule *rule, const Request *request, const Caller *caller,
                    ErrorDetail *detail) {
        if (!is_strict(rule))
                return 0;
        if (is_same(rule, caller, &request->applicant, request->applicant_login))
                return refuse(detail, "Who applied does not make: another maker has to");
        if (has_decided(rule, request, caller))
                return refuse(detail, "Who reviewed does not make: another maker has to");
        for (size_t i = 0; i < request->application.keeper_count; i++)
                if (caller_is(caller, &request->application.keepers[i]))
                        return refuse(detail,
                                      "A keeper does not make his seal: another maker has to");
        return require_login(rule, caller, detail);
}

int separation_deliver(const SeparationRule *rule, const Seal *seal, const Subject *keeper,
                       ErrorDetail *detail) {
        if (is_strict(rule) && seal->made.by.text[0] != '\0' &&
            subject_equal(&seal->made.by, keeper))
                return error_set(detail, SEAL_E_SEPARATION_OF_DUTIES,
                                 "Who made a seal does not keep it: deliver it to another than %s",
                                 keeper->text);
        return 0;
}

/* A signature asks for no login: programs sign too. */
int separation_keep(const SeparationRule *rule, const Seal *seal, const Caller *caller,
                    ErrorDetail *detail) {
        if (is_strict(rule) && is_same(rule, caller, &seal->made.by, seal->made.login))
                return refuse(detail,
                              "Who made a seal does not keep it: another keeper has to act");
        return 0;
}

int separation_resume(const SeparationRule *rule, const Seal *seal, const Caller *caller,
                      ErrorDetail *detail) {
        if (rule->mode == SEPARATION_SINGLE)
                return 0;
        if (is_same(rule, caller, &seal->suspended.by, seal->suspended.login))
                return refuse(detail,
                              "Who suspended a seal does not resume it: another administrator "
                              "has to, or apply for it");
        return require_login(rule, caller, detail);
}

int separation_destroy(const SeparationRule *rule, const Seal *seal, const Caller *caller,
                       ErrorDetail *detail) {
        if (rule->mode == SEPARATION_SINGLE)
                return 0;
        if (is_same(rule, caller, &seal->revoked.by, seal->revoked.login))
                return refuse(detail,
                              "Who revoked a seal does not destroy it: another administrator "
                              "has to, or apply for it");
        return require_login(rule, caller, detail);
}

int separation_emergency(const SeparationRule *rule, const Subject *subject, const Caller *caller,
                         ErrorDetail *detail) {
        if (rule->mode == SEPARATION_SINGLE || !caller_is(caller, subject))
                return 0;
        return refuse(detail, "An emergency grant is not for who gives it, nor for a group of his: "
                              "another administrator has to give it");
}

static int rank(Separation mode) {
        switch (mode) {
        case SEPARATION_SINGLE:
                return 1;
        case SEPARATION_DUAL:
                return 2;
        case SEPARATION_STRICT:
                return 3;
        default:
                return 0;
        }
}

bool separation_lowers(Separation from, Separation to) {
        return rank(to) < rank(from);
}
