/* SPDX-License-Identifier: Apache-2.0 */
/* What a challenge is checked against, read from the JSON of GetStatus and GetMachineState. */
#pragma once

#include <jansson.h>

#include "client/challenge.h"
#include "client/context.h"

/* From GetMachineState; fence_pcr from GetStatus, key the authority's own. */
int machine_facts_read(const Context *context, const json_t *state, unsigned fence_pcr,
                       EVP_PKEY *key, MachineFacts *ret);

/*
 * From GetStatus, with the Name computed from the authority's own key; a daemon that was
 * initialized with another key is refused.
 */
int index_facts_read(const Context *context, const json_t *status, EVP_PKEY *key, IndexFacts *ret);
