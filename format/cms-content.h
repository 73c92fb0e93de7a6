/* SPDX-License-Identifier: Apache-2.0 */
/* The document in an enveloping CMS signature, for who has verified it with format/cms-verify.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/*
 * *ret is malloc'ed. SEAL_E_NOT_FOUND where the signature is detached, SEAL_E_INVALID_ARGS for what
 * is no CMS signature, -ENOMEM.
 */
int cms_content(Bytes file, uint8_t **ret, size_t *ret_size);
