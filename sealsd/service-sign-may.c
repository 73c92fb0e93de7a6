/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-sign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/service-certify.h"
#include "sealsd/service-grant.h"
#include "sealsd/service-ledger.h"
#include "sealsd/service-life.h"
#include "sealsd/service-pin.h"

int service_sign_scheme(const Service *service, const Seal *seal, const char *hash,
                        const char *scheme, TPMT_SIG_SCHEME *ret, size_t *ret_size,
                        ErrorDetail *detail) {
        const Algorithm *algorithm = algorithm_of(&seal->public);

        if (!algorithm)
                return error_set(detail, SEAL_E_UNSUPPORTED,
                                 "The key of seal %s is of an algorithm that this sealsd does not "
                                 "know; a newer one made it",
                                 seal->number);
        int r = algorithm_scheme(algorithm, hash, scheme, ret, ret_size, detail);
        if (r == 0)
                r = features_check(service->features, algorithm, ret, detail);
        return r;
}

/* What the chip judges, and may judge differently by now: it is asked again. */
static bool is_for_the_chip(int code) {
        return code == SEAL_E_MACHINE_STATE_REFUSED || code == SEAL_E_LOCKED ||
               code == SEAL_E_TPM_UNAVAILABLE || code == SEAL_E_TPM_FAILURE ||
               code == SEAL_E_TPM_LOCKOUT;
}

int service_sign_may(Service *service, const Caller *caller, const Seal *seal, const SignAim *aim,
                     uint64_t *ret_grant, int *ret_chip, ErrorDetail *detail) {
        const SeparationRule rule = service_separation_rule(service);

        *ret_chip = 0;
        int r = service_seal_why_not(service, seal, aim->format, detail);
        if (is_for_the_chip(r)) {
                *ret_chip = r;
                if (detail)
                        detail->text[0] = '\0';
                r = service_ledger_why_not(service, detail);
        }
        if (r ==
            SEAL_E_REGISTER_TAMPERED) /* perhaps it is mended by now: look, for the next call */
                service_probe(service);
        if (r == 0 && !(seal->facts.purposes & aim->purpose))
                r = error_set(detail, SEAL_E_PURPOSE_NOT_ALLOWED,
                              "Seal %s is not for the purpose %s", seal->number,
                              purpose_name(aim->purpose));
        if (r == 0)
                r = service_grant_find(service, caller, seal, aim->purpose, aim->count, ret_grant,
                                       detail);
        if (r == 0)
                r = separation_keep(&rule, seal, caller, detail);
        return r;
}

/* As keeper, or by the same grant. */
static int grant_still_covers(Service *service, const Caller *caller, const Seal *seal,
                              Purpose purpose, uint64_t id, ErrorDetail *detail) {
        Grant grant;

        if (id == 0)
                return seal_is_keeper(seal, caller)
                               ? 0
                               : error_set(detail, SEAL_E_ACCESS_DENIED,
                                           "You are not a keeper of seal %s any more",
                                           seal->number);
        int r = store_grant_get(service->store, id, &grant);
        if (r == 0)
                r = grant_covers(&grant, caller, purpose, 0, service_now(service), detail);
        return r;
}

/* All that was asked when the call came, but for the uses, which are taken, and the chip. */
int service_sign_still_may(Service *service, const Caller *caller, const char *number,
                           const SignAim *aim, uint64_t grant, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        SealState same;

        if (!seal)
                return -ENOMEM;
        int r = store_seal_get(service->store, number, seal);
        if (r == 0)
                r = seal_transition(seal->state, SEAL_SIGN, &same, detail);
        if (r == 0)
                r = service_check_timing(service, seal, detail);
        if (r == 0)
                r = service_certificate_why_not(service, number, aim->format, detail);
        if (r == 0 && service_is_locked(service))
                r = SEAL_E_LOCKED;
        if (r == 0)
                r = service_ledger_why_not(service, detail);
        if (r == 0 && !(seal->facts.purposes & aim->purpose))
                r = error_set(detail, SEAL_E_PURPOSE_NOT_ALLOWED,
                              "Seal %s is not for the purpose %s any more", number,
                              purpose_name(aim->purpose));
        return r == 0 ? grant_still_covers(service, caller, seal, aim->purpose, grant, detail) : r;
}

void sign_stop_review(SignStop *stop, Service *service, const Caller *caller, const char *number,
                      const SignAim *aim, uint64_t grant) {
        if (atomic_load(&stop->code) == 0)
                atomic_store(&stop->code, service_sign_still_may(service, caller, number, aim,
                                                                 grant, &stop->why));
}

int sign_stop_check(const SignStop *stop, ErrorDetail *detail) {
        int r = atomic_load(&stop->code);

        if (r != 0 && detail)
                *detail = stop->why;
        return r;
}

int service_sign_looked(Service *service, const Caller *caller, const char *number, bool pin,
                        int code, ErrorDetail *detail) {
        if (code == 0)
                code = service_machine_why_not(service, detail);
        if (code == 0)
                code = service_pin_why_not(service, pin, detail);
        if (code != 0)
                service_ledger_refused(service, caller, number, code);
        return code;
}

void service_sign_learn(Service *service, const char *number, int code) {
        if (service->stopping)
                return;
        switch (code) {
        case 0:
                if (!service->health.approved)
                        service_note_approved(service, true);
                break;
        case SEAL_E_MACHINE_STATE_REFUSED:
                service_note_approved(service, false);
                break;
        case SEAL_E_REVOKED:
                service_revoke_found(service, number);
                break;
        case SEAL_E_REGISTER_TAMPERED:
        case SEAL_E_LOCKED:
        case SEAL_E_TPM_FAILURE:
        case SEAL_E_TPM_UNAVAILABLE:
        case SEAL_E_WRONG_PIN: /* perhaps it was the last try */
        case SEAL_E_TPM_LOCKOUT:
                service_probe(service);
                break;
        default:
                break;
        }
}

const char *service_sign_result(int code) {
        const char *name = error_name(code), *dot = strrchr(name, '.');

        return dot ? dot + 1 : name;
}
