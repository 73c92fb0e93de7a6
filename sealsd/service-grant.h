/* SPDX-License-Identifier: Apache-2.0 */
/* Grants in the service: who may use a seal now, giving and taking back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sealsd/grant.h"
#include "sealsd/service.h"

/*
 * What the caller is to the seal: ROLE_KEEPER for its keepers and their deputies, ROLE_USER for
 * whom somebody has granted its use, be it over by now.
 */
int service_seal_relations(Service *service, const Caller *caller, const Seal *seal, unsigned *ret);

/*
 * By what the caller may use the seal count times for this purpose now: *ret is 0 for its keepers,
 * else a grant. SEAL_E_ACCESS_DENIED, and what grant_covers says of the grant that fits best.
 */
int service_grant_find(Service *service, const Caller *caller, const Seal *seal, Purpose purpose,
                       uint64_t count, uint64_t *ret, ErrorDetail *detail);
