/* SPDX-License-Identifier: Apache-2.0 */
/* What service-challenge.c needs of ExtendCapacity (service-capacity.c). */
#pragma once

#include "sealsd/service.h"

/*
 * Keep that this index has its first write; the capacity grows by it. caller is who brought it
 * about; NULL: found by the daemon.
 */
int service_capacity_keep(Service *service, const Caller *caller, TPM2_HANDLE handle);
