/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded bytes: read-only views, and a writer over a caller's array that remembers overflow, so
 * that a sequence of puts is checked once at its end. Integers are big-endian, as in the TPM.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Bytes {
        const uint8_t *data; /* not owned */
        size_t size;
} Bytes;

bool bytes_equal(Bytes a, Bytes b);

typedef struct Writer {
        uint8_t *data; /* not owned */
        size_t size;
        size_t used;
        bool overflow;
} Writer;

static inline Writer writer_over(uint8_t *data, size_t size) {
        return (Writer){ .data = data, .size = size };
}

void writer_put(Writer *writer, const void *data, size_t size);
void writer_put_u8(Writer *writer, uint8_t value);
void writer_put_u16(Writer *writer, uint16_t value);
void writer_put_u32(Writer *writer, uint32_t value);
void writer_put_u64(Writer *writer, uint64_t value);

/* Lower-case hex with a terminating zero; ret has room for 2 * size + 1. Returns ret. */
char *hex_encode(const void *data, size_t size, char *ret);

/* Exactly size bytes from 2 * size hex digits and nothing else. */
bool hex_decode(const char *text, void *ret, size_t size);
