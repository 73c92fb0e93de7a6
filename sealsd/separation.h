/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The separation of duties (design, section 4): who may not do what because of what he did before.
 * Pure. Roles are another matter (gate.h); nobody's role lifts any of this, root's neither.
 */
#pragma once

#include "base/error.h"
#include "sealsd/caller.h"
#include "sealsd/lifecycle.h"
#include "sealsd/request.h"
#include "sealsd/seal.h"

typedef struct SeparationRule {
        Separation mode;
        /*
         * People are told apart by login UID too: the same login is the same person, whoever he has
         * become since, and who has none cannot be told apart and is refused.
         */
        bool logins;
} SeparationRule;

/*
 * SEAL_E_SEPARATION_OF_DUTIES names the rule and who could act. In single mode all pass.
 *   decide:    not the applicant, nobody twice
 *   make:      strict: neither applicant nor reviewer nor a keeper
 *   deliver:   strict: not the maker as keeper
 *   keep:      strict: the maker neither accepts nor signs, though he be of a group that keeps
 *   resume:    not who suspended it
 *   destroy:   not who revoked it
 *   emergency: a grant of an administrator's is not for himself, nor for a group of his
 */
int separation_decide(const SeparationRule *rule, const Request *request, const Caller *caller,
                      ErrorDetail *detail);
int separation_make(const SeparationRule *rule, const Request *request, const Caller *caller,
                    ErrorDetail *detail);
int separation_deliver(const SeparationRule *rule, const Seal *seal, const Subject *keeper,
                       ErrorDetail *detail);
int separation_keep(const SeparationRule *rule, const Seal *seal, const Caller *caller,
                    ErrorDetail *detail);
int separation_resume(const SeparationRule *rule, const Seal *seal, const Caller *caller,
                      ErrorDetail *detail);
int separation_destroy(const SeparationRule *rule, const Seal *seal, const Caller *caller,
                       ErrorDetail *detail);
int separation_emergency(const SeparationRule *rule, const Subject *subject, const Caller *caller,
                         ErrorDetail *detail);

/*
 * Does the change take a safeguard away, so that it needs the authority? Single, dual, strict are
 * in this order.
 */
bool separation_lowers(Separation from, Separation to);
