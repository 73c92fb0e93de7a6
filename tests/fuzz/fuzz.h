/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share. Each tests/fuzz/fuzz-NAME.c gives one function any bytes and demands
 * that what the headers promise holds. Linked with libFuzzer (`make fuzz`) it looks for new inputs;
 * linked with replay.c (`make check`) it runs those of tests/fuzz/corpus/NAME and mutations of
 * them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* The largest input that either of the two makes. */
#define FUZZ_INPUT_MAX (32 * 1024)

/* libFuzzer's entry. Always returns 0; keeps nothing from one call to the next. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Mutations of each file that are replayed: fewer where one input costs more. */
extern const unsigned fuzz_mutations;

/* Abort with the condition unless it holds. Always evaluated, in every build. */
#define fuzz_demand(condition) \
        ((condition) ? (void) 0 : fuzz_violated(__FILE__, __LINE__, #condition))
void fuzz_violated(const char *file, int line, const char *condition) __attribute__((noreturn));

/* What is left of an input that is taken apart from its beginning. Zeros follow its end. */
typedef struct Input {
        const uint8_t *data; /* not owned */
        size_t size;
} Input;

uint8_t input_u8(Input *input);
uint16_t input_u16(Input *input);
uint32_t input_u32(Input *input);
uint64_t input_u64(Input *input);

/* At most size bytes; fewer where the input ends. */
Bytes input_bytes(Input *input, size_t size);

/* A field: its length (16 bits, big-endian), then that many bytes, or what is left. */
Bytes input_field(Input *input);

/*
 * A malloc'ed copy with a terminating zero and not a byte more, so that reading over its end shows.
 * Never NULL.
 */
char *fuzz_text(Bytes bytes);

/* The same without the zero, for what comes with its size. */
uint8_t *fuzz_copy(Bytes bytes);

/* Byte by byte, padding too: the one is a copy of the other, or both began as zeros. */
bool fuzz_same(const void *a, const void *b, size_t size);

/* Is this a result that our functions may return: 0, a negative errno, a known condition? */
bool fuzz_code_is_known(int code);
