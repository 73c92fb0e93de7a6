/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request of another kind than make asks for of the seal that it concerns: a part of an
 * Application, each kind its own. Pure.
 *   renew      everything, absent facts as they are, and overlap
 *   recertify  not_after, later than it is
 *   amend      purposes, use_limit (use_limit_given), not_after, earlier than it is
 *   transfer   keepers, one
 * documents everybody may add.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "sealsd/application.h"
#include "sealsd/lifecycle.h"
#include "sealsd/seal.h"

/*
 * Check what was asked for against the seal as it is; with KIND_RENEW change is completed: what it
 * leaves out is the seal's, but for the validity, which begins now and has the configured days.
 * Unchanged on failure. SEAL_E_INVALID_ARGS names the option.
 */
int change_check(RequestKind kind, const Seal *seal, Application *change, uint64_t now,
                 unsigned validity_days, ErrorDetail *detail);

/* Do it to the facts: recertify, amend, transfer (the keepers are then the new one alone). */
void change_apply(RequestKind kind, const Application *change, Application *facts);

/*
 * The parts of a kind as JSON, under the names of the options; make and renew have the whole. Back:
 * false for anything else, *ret may be half filled then.
 */
json_t *change_json(RequestKind kind, const Application *change);
bool change_read(RequestKind kind, const json_t *object, Application *ret);
