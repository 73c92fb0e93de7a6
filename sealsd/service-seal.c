/* SPDX-License-Identifier: Apache-2.0 */
/* Seals: seeing them, and the acts of their custody. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/service-internal.h"

/* --- seeing ------------------------------------------------------------------------------- */

int service_seal_visible(Service *service, const Caller *caller, const char *number, bool *ret) {
        if (!service_sees_all(caller))
                return store_seal_visible(service->store, number, caller, ret);
        return store_seal_exists(service->store, number, ret);
}

int service_seal_get(Service *service, const Caller *caller, const char *number, Seal *ret) {
        bool visible = false;
        int r;

        r = service_seal_visible(service, caller, number, &visible);
        if (r != 0)
                return r;
        return visible ? store_seal_get(service->store, number, ret) : SEAL_E_NOT_FOUND;
}

int service_seal_fetch(Service *service, const Caller *caller, const char *number, Seal *ret,
                       ErrorDetail *detail) {
        int r = service_require_ready(service, detail);

        return r == 0 ? service_seal_get(service, caller, number, ret) : r;
}

int service_seal_list(Service *service, const Caller *caller, SealFilter filter, SealRow **ret,
                      size_t *ret_count) {
        filter.viewer = service_sees_all(caller) ? NULL : caller;
        return store_seal_list(service->store, &filter, ret, ret_count);
}

int service_seal_request(Service *service, const Seal *seal, Request *ret) {
        return store_request_get(service->store, seal->request, ret);
}

/* --- may it sign? ------------------------------------------------------------------------- */

static int why_not_time(const Service *service, const Seal *seal, ErrorDetail *detail) {
        char when[TIME_TEXT_SIZE];

        switch (seal_timing_at(seal, service_now(service))) {
        case TIMING_NOT_YET_VALID:
                return error_set(detail, SEAL_E_NOT_YET_VALID,
                                 "Seal %s is not valid yet: it can be delivered, accepted and used "
                                 "from %s on",
                                 seal->number, time_format(seal->facts.not_before, when));
        case TIMING_EXPIRED:
                return error_set(detail, SEAL_E_EXPIRED, "Seal %s expired at %s: %s", seal->number,
                                 time_format(seal->facts.not_after, when),
                                 seal_timing_way(TIMING_EXPIRED));
        case TIMING_SUPERSEDED:
                return error_set(detail, SEAL_E_SUPERSEDED,
                                 "Seal %s was replaced by %s, and signs no more since %s: %s",
                                 seal->number, seal->replaced_by,
                                 time_format(seal->superseded_at, when),
                                 seal_timing_way(TIMING_SUPERSEDED));
        default:
                return 0;
        }
}

static int why_not_machine(const Service *service, ErrorDetail *detail) {
        if (service->failure[0] != '\0')
                return error_set(detail, SEAL_E_TPM_FAILURE, "%s", service->failure);
        if (!service->tpm_available && service->health.probed)
                return SEAL_E_TPM_UNAVAILABLE;
        if (service->health.locked)
                return SEAL_E_LOCKED;
        if (service->health.tampered)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED, "%s", service->health.problem);
        if (service->health.probed && !service->health.approved)
                return SEAL_E_MACHINE_STATE_REFUSED;
        return 0;
}

int service_seal_why_not(Service *service, const Seal *seal, ErrorDetail *detail) {
        const Algorithm *algorithm;
        SealState same;
        int r;

        r = seal_transition(seal->state, SEAL_SIGN, &same, detail);
        if (r == 0)
                r = why_not_time(service, seal, detail);
        if (r == 0 && seal->facts.use_limit > 0 && seal->use_count >= seal->facts.use_limit)
                r = error_set(detail, SEAL_E_LIMIT_REACHED,
                              "The seal's limit of %" PRIu64 " uses is reached",
                              seal->facts.use_limit);
        /* A register can come to another chip, and a chip lose an algorithm with new firmware. */
        if (r == 0)
                r = service_algorithm(service, seal->facts.algorithm, &algorithm, detail);
        return r == 0 ? why_not_machine(service, detail) : r;
}

static size_t leaf_count(const SealLeaves *leaves) {
        size_t n = 0;

        for (size_t i = 0; i < leaves->count; i++)
                n += leaves->leaves[i].count;
        return n;
}

static char **lines_free(char **lines) {
        for (char **line = lines; *line; line++)
                free(*line);
        free(lines);
        return NULL;
}
DEFINE_CLEANUP(char *, lines_free)

static int lines_fill(const SealLeaves *leaves, char **lines) {
        char text[ERROR_TEXT_MAX];

        for (size_t i = 0; i < leaves->count; i++)
                for (size_t j = 0; j < leaves->leaves[i].count; j++) {
                        const PolicyTerm *term = &leaves->leaves[i].terms[j];

                        *lines = strdup(policy_term_describe(term, text, sizeof(text)));
                        if (!*lines++)
                                return -ENOMEM;
                }
        return 0;
}

int service_seal_policy(Service *service, const Seal *seal, char ***ret) {
        _cleanup_free_ SealLeaves *leaves = malloc(sizeof(*leaves));
        _cleanup_(lines_freep) char **lines = NULL;
        SealPolicy policy;
        int r;

        if (!leaves)
                return -ENOMEM;
        r = service_build_policy(service, seal, &policy);
        if (r == 0)
                r = seal_policy_leaves(&policy, leaves);
        if (r != 0)
                return r;
        lines = calloc(leaf_count(leaves) + 1, sizeof(*lines));
        if (!lines)
                return -ENOMEM;
        r = lines_fill(leaves, lines);
        if (r == 0)
                *ret = steal_ptr(lines);
        return r;
}

/* --- custody ------------------------------------------------------------------------------ */

/* Fetch, check the table, and leave the new state in the row. */
static int act_begin(Service *service, const Caller *caller, const char *number,
                     SealOperation operation, Seal *seal, ErrorDetail *detail) {
        SealState next;
        int r;

        r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0)
                r = seal_transition(seal->state, operation, &next, detail);
        if (r == 0)
                seal->state = next;
        return r;
}

static int act_finish(Service *service, const Seal *seal) {
        int r = store_seal_update(service->store, seal);

        if (r == 0)
                service_changed_seal(service, seal);
        return r;
}

static Act act_of(const Service *service, const Caller *caller) {
        return (Act){
                .by = caller->subject,
                .login = caller->login_uid,
                .time = service_now(service),
        };
}

int service_seal_record_filing(Service *service, const Caller *caller, const char *number,
                               const Filing *filing, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = act_begin(service, caller, number, SEAL_RECORD_FILING, seal, detail);
        if (r == 0)
                r = filing_check(filing, detail);
        if (r != 0)
                return r;
        seal->filing = *filing;
        seal->filed = act_of(service, caller);
        if (seal->filing.filed == 0)
                seal->filing.filed = seal->filed.time;
        if (seal->filing.number[0] == '\0')
                memcpy(seal->filing.number, seal->number, sizeof(seal->number));
        return act_finish(service, seal);
}

int service_seal_deliver(Service *service, const Caller *caller, const char *number,
                         const Subject *keeper, ErrorDetail *detail) {
        const SeparationRule rule = service_separation_rule(service);
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = act_begin(service, caller, number, SEAL_DELIVER, seal, detail);
        if (r == 0 && !seal_names_keeper(seal, keeper))
                r = error_set(detail, SEAL_E_INVALID_ARGS,
                              "%s is not among the keepers that were applied for", keeper->text);
        if (r == 0)
                r = separation_deliver(&rule, seal, keeper, detail);
        if (r == 0)
                r = why_not_time(service, seal, detail);
        if (r != 0)
                return r;
        seal->named_keeper = *keeper;
        seal->delivered = act_of(service, caller);
        return act_finish(service, seal);
}

int service_seal_accept(Service *service, const Caller *caller, const char *number,
                        ErrorDetail *detail) {
        const SeparationRule rule = service_separation_rule(service);
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = act_begin(service, caller, number, SEAL_ACCEPT, seal, detail);
        if (r == 0)
                r = separation_keep(&rule, seal, caller, detail);
        if (r == 0)
                r = why_not_time(service, seal, detail);
        if (r != 0)
                return r;
        seal->accepted = act_of(service, caller);
        return act_finish(service, seal);
}

int service_seal_decline(Service *service, const Caller *caller, const char *number,
                         const char *reason, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = act_begin(service, caller, number, SEAL_DECLINE, seal, detail);
        if (r != 0)
                return r;
        seal->named_keeper = (Subject){};
        seal->delivered = (Act){};
        r = act_finish(service, seal);
        if (r == 0)
                service_attention_seal(service, "warning", "declined", seal->number,
                                       "%s declined seal %s: %s", caller->subject.text,
                                       seal->number, reason);
        return r;
}
