/* SPDX-License-Identifier: Apache-2.0 */
/* Seals: seeing them, whether they may sign, and what they were. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/service-certify.h"
#include "sealsd/service-ledger.h"
#include "sealsd/service-life.h"
#include "sealsd/service-pin.h"

/* --- seeing ------------------------------------------------------------------------------- */

/* The record of a destroyed seal is for auditors alone. */
static int is_closed(Service *service, const Caller *caller, const char *number, bool *ret) {
        SealBrief brief;

        *ret = false;
        if (caller->roles & ROLE_AUDITOR)
                return 0;
        int r = store_seal_get_brief(service->store, number, &brief);
        if (r == 0)
                *ret = brief.state == SEAL_DESTROYED;
        return r == SEAL_E_NOT_FOUND || r == SEAL_E_REGISTER_TAMPERED ? 0 : r;
}

int service_seal_visible(Service *service, const Caller *caller, const char *number, bool *ret) {
        bool closed;

        int r = is_closed(service, caller, number, &closed);
        if (r != 0)
                return r;
        *ret = false;
        if (closed)
                return 0;
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
        filter.without_destroyed = !(caller->roles & ROLE_AUDITOR);
        int r = store_seal_list(service->store, &filter, ret, ret_count);
        if (r == 0 && !filter.viewer)
                service_ledger_disclosed(service, caller, "ListSeals");
        return r;
}

int service_seal_request(Service *service, const Seal *seal, Request *ret) {
        return store_request_get(service->store, seal->request, ret);
}

/* --- may it sign? ------------------------------------------------------------------------- */

bool service_is_locked(const Service *service) {
        return service->lock.locking > 0 || service->health.locked;
}

int service_machine_why_not(const Service *service, ErrorDetail *detail) {
        if (service->failure[0] != '\0')
                return error_set(detail, SEAL_E_TPM_FAILURE, "%s", service->failure);
        if (!service->tpm_available && service->health.probed)
                return SEAL_E_TPM_UNAVAILABLE;
        if (service_is_locked(service))
                return SEAL_E_LOCKED;
        if (service->health.tampered)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED, "%s", service->health.problem);
        if (!service->health.probed || service->health.approved)
                return 0;
        if (service->health.retired[0] != '\0')
                return error_set(detail, SEAL_E_MACHINE_STATE_REFUSED, "%s",
                                 service->health.retired);
        if (service->approvals->count == 0 || service->health.differing == 0)
                return SEAL_E_MACHINE_STATE_REFUSED;
        return machine_differing(&service->installation.pcrs, service->health.differing, detail);
}

int service_ledger_why_not(const Service *service, ErrorDetail *detail) {
        int r = service_require_sound(service, detail);

        if (r == 0 && !service_clock_trusted(service))
                r = error_set(detail, SEAL_E_CLOCK_UNTRUSTED,
                              "The clock is more than five minutes behind the newest row of the "
                              "ledger: it was set back; nothing signs until it is right again");
        return r;
}

int service_seal_why_not(Service *service, const Seal *seal, SignFormat format,
                         ErrorDetail *detail) {
        const Algorithm *algorithm;
        SealState same;
        int r;

        r = seal_transition(seal->state, SEAL_SIGN, &same, detail);
        if (r == 0)
                r = service_check_timing(service, seal, detail);
        if (r == 0)
                r = service_certificate_why_not(service, seal->number, format, detail);
        if (r == 0 && seal->facts.use_limit > 0 && seal->use_count >= seal->facts.use_limit)
                r = error_set(detail, SEAL_E_LIMIT_REACHED,
                              "The seal's limit of %" PRIu64 " uses is reached",
                              seal->facts.use_limit);
        /* A register can come to another chip, and a chip lose an algorithm with new firmware. */
        if (r == 0)
                r = service_algorithm(service, seal->facts.algorithm, &algorithm, detail);
        if (r == 0)
                r = service_machine_why_not(service, detail);
        if (r == 0)
                r = service_pin_why_not(service, seal->facts.pin, detail);
        return r == 0 ? service_ledger_why_not(service, detail) : r;
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
