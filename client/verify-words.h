/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of `sealctl verify` says. Texts belong to argv; NULL is not given. */
#pragma once

#include <stdbool.h>

#include "client/options.h"

typedef struct VerifyWords {
        const char *document, *signature, *kind;
        const char *public_key, *certificate, *seal, *hash, *scheme; /* of a bare signature */
        const char *extract;
        TextList trust, intermediates, crls, timestamp_trust;
        uint64_t at; /* 0: not given */
        bool offline;
} VerifyWords;
