/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in the register, in numbers, and who has to act: computed from the lists that the
 * daemon gives. Pure.
 */
#pragma once

#include <stdint.h>

#include <jansson.h>

/*
 * Of seals ({"number", "name", "state", "type", "not-after"} each): {"total", "by-state",
 * "by-type", "expired", "expiring": [seals that end until soon]}. NULL without memory.
 */
json_t *report_seals(const json_t *seals, uint64_t now, uint64_t soon);

/* Of requests ({"id", "kind", "state", …} each) those that can still become something. */
json_t *report_requests(const json_t *requests);

/*
 * Who has to act: [{"who", "what", "count", "command"}], from the two above and the separation of
 * duties ("strict", …).
 */
json_t *report_actions(const json_t *seals, const json_t *requests, const char *separation);
