/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/fuzz/fuzz.h"

void fuzz_violated(const char *file, int line, const char *condition) {
        fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
        abort();
}

Bytes input_bytes(Input *input, size_t size) {
        Bytes bytes = { .data = input->data, .size = size < input->size ? size : input->size };

        if (bytes.size > 0)
                input->data += bytes.size;
        input->size -= bytes.size;
        return bytes;
}

uint64_t input_u64(Input *input) {
        return (uint64_t) input_u32(input) << 32 | input_u32(input);
}

uint32_t input_u32(Input *input) {
        return (uint32_t) input_u16(input) << 16 | input_u16(input);
}

uint16_t input_u16(Input *input) {
        uint8_t high = input_u8(input);

        return (uint16_t) (high << 8 | input_u8(input));
}

uint8_t input_u8(Input *input) {
        Bytes byte = input_bytes(input, 1);

        return byte.size == 1 ? byte.data[0] : 0;
}

Bytes input_field(Input *input) {
        return input_bytes(input, input_u16(input));
}

uint8_t *fuzz_copy(Bytes bytes) {
        uint8_t *copy = malloc(bytes.size > 0 ? bytes.size : 1);

        if (!copy)
                abort();
        if (bytes.size > 0)
                memcpy(copy, bytes.data, bytes.size);
        return copy;
}

char *fuzz_text(Bytes bytes) {
        char *text = malloc(bytes.size + 1);

        if (!text)
                abort();
        if (bytes.size > 0)
                memcpy(text, bytes.data, bytes.size);
        text[bytes.size] = '\0';
        return text;
}

bool fuzz_same(const void *a, const void *b, size_t size) {
        return memcmp(a, b, size) == 0;
}

bool fuzz_code_is_known(int code) {
        return code > -4096 && code < SEAL_CODE_MAX;
}
