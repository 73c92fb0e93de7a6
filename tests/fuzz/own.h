/* SPDX-License-Identifier: Apache-2.0 */
/* A field in memory of its own size, so that whoever reads beyond it is caught. */
#pragma once

#include <stdlib.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "tests/fuzz/fuzz.h"

typedef struct Own {
        uint8_t *data;
        Bytes bytes;
} Own;

static inline Own own(Bytes bytes) {
        uint8_t *data = fuzz_copy(bytes);

        return (Own){ data, { data, bytes.size } };
}

static inline void own_done(Own *field) {
        free(field->data);
}

#define _own_ _cleanup_(own_done)
