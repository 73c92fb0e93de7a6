/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bare signature and nothing but a key, from a file or of a seal of this machine: is it that
 * key's over this document?
 */
#pragma once

#include "base/bytes.h"
#include "client/context.h"
#include "client/verify-words.h"

/* signature is what the file holds. Says it; EXIT_VERIFICATION when it is not. */
int verify_plain(Context *context, const VerifyWords *words, Bytes signature);
