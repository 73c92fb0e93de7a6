/* SPDX-License-Identifier: Apache-2.0 */
/* PINs of seals, for whatever signs with one, sets or changes it. */
#pragma once

#include "base/error.h"
#include "base/secret.h"
#include "sealsd/service.h"

/* PIN_MIN to PIN_MAX bytes, whatever they are: SEAL_E_INVALID_ARGS names the option. */
int service_pin_check(const Secret *pin, const char *option, ErrorDetail *detail);

/*
 * For a use: SEAL_E_PIN_REQUIRED where the seal has a PIN and none is given, SEAL_E_INVALID_ARGS
 * where it has none, and as service_pin_check() does. pin may be NULL.
 */
int service_pin_for_use(const Seal *seal, const Secret *pin, ErrorDetail *detail);

/*
 * SEAL_E_TPM_LOCKOUT with the seconds, where the seal has a PIN and the chip took none when last
 * seen.
 */
int service_pin_why_not(const Service *service, bool has_pin, ErrorDetail *detail);
