/* SPDX-License-Identifier: Apache-2.0 */
/* A bare signature with the certificate that it is said to belong to. */
#pragma once

#include "client/context.h"
#include "client/verify-material.h"
#include "client/verify-words.h"

/* Fill a report of VERIFY_RAW but for the seal's state. signature is what the file holds. */
int verify_raw(const Context *context, const VerifyWords *words, const VerifyTrust *trust,
               Bytes signature, VerifyReport *report);
