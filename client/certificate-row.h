/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate as people are shown it. */
#pragma once

#include <jansson.h>

#include "base/bytes.h"

/*
 * {"subject", "issuer", "serial" (hex), "not-before", "not-after" (microseconds)} of a certificate
 * in DER, the caller's; NULL for what is none.
 */
json_t *certificate_row(Bytes der);
