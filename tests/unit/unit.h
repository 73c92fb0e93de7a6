/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with what it wants included before it, and bytes in hex for the unit tests. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"

#define UNIT_BYTES_MAX 1024

static inline size_t unit_bytes(const char *hex, uint8_t ret[static UNIT_BYTES_MAX]) {
        size_t size = strlen(hex) / 2;

        assert_true(size <= UNIT_BYTES_MAX);
        assert_true(hex_decode(hex, ret, size));
        return size;
}

static inline TPM2B_DIGEST unit_digest(const char *hex) {
        TPM2B_DIGEST digest = { .size = (UINT16) (strlen(hex) / 2) };

        assert_true(hex_decode(hex, digest.buffer, digest.size));
        return digest;
}

static inline TPM2B_NAME unit_name(const char *hex) {
        TPM2B_NAME name = { .size = (UINT16) (strlen(hex) / 2) };

        assert_true(hex_decode(hex, name.name, name.size));
        return name;
}

/* Fails with both in hex, which tells more than cmocka's list of bytes. */
static inline void unit_assert_hex(const void *data, size_t size, const char *hex) {
        char text[2 * UNIT_BYTES_MAX + 1];

        assert_true(size <= UNIT_BYTES_MAX);
        assert_string_equal(hex_encode(data, size, text), hex);
}

#define unit_assert_digest(digest, hex) unit_assert_hex((digest).buffer, (digest).size, hex)
#define unit_assert_name(object, hex) unit_assert_hex((object).name, (object).size, hex)
