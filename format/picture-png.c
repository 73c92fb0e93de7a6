/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/limits.h"
#include "format/picture-decode.h"

/*
 * What the callbacks and the decoder share. libpng jumps out of its functions when something is
 * wrong: whatever has to be freed is here, and not in a frame that is jumped over.
 */
typedef struct Decoder {
        Bytes rest;
        size_t taken; /* by libpng and zlib, in bytes */
        bool memory_short;
        int refused; /* the condition; its sentence is in detail */
        ErrorDetail *detail;
        PictureSize size;
        png_structp png;
        png_infop info;
        png_bytep row;
} Decoder;

/* In front of each allocation, so that freeing gives its bytes back. */
typedef union Prefix {
        size_t size;
        max_align_t align;
} Prefix;

static png_voidp take(png_structp png, png_alloc_size_t size) {
        Decoder *decoder = png_get_mem_ptr(png);
        Prefix *prefix;

        if (size > PICTURE_MEMORY_MAX - decoder->taken) {
                decoder->refused = error_set(decoder->detail, SEAL_E_LIMITS_EXCEEDED,
                                             "picture: the PNG takes more than %d bytes to decode; "
                                             "scale it down",
                                             PICTURE_MEMORY_MAX);
                return NULL;
        }
        prefix = malloc(sizeof(*prefix) + size);
        if (!prefix) {
                decoder->memory_short = true;
                return NULL;
        }
        prefix->size = size;
        decoder->taken += size;
        return prefix + 1;
}

static void give_back(png_structp png, png_voidp pointer) {
        Decoder *decoder = png_get_mem_ptr(png);

        if (!pointer)
                return;
        Prefix *prefix = (Prefix *) pointer - 1;
        decoder->taken -= prefix->size;
        free(prefix);
}

static void read_some(png_structp png, png_bytep ret, size_t size) {
        Decoder *decoder = png_get_io_ptr(png);

        if (size > decoder->rest.size)
                png_error(png, "it ends too early");
        memcpy(ret, decoder->rest.data, size);
        decoder->rest.data += size;
        decoder->rest.size -= size;
}

static void __attribute__((noreturn)) on_error(png_structp png, const char *message) {
        Decoder *decoder = png_get_error_ptr(png);

        if (decoder->refused == 0)
                decoder->refused = error_set(decoder->detail, SEAL_E_INVALID_ARGS,
                                             "picture: the PNG is damaged (%s); save it anew",
                                             message);
        png_longjmp(png, 1);
}

static void on_warning(png_structp png, const char *message) {
        (void) png;
        (void) message;
}

static void refuse(Decoder *decoder, int code) {
        decoder->refused = code;
        png_longjmp(decoder->png, 1);
}

static void header_read(Decoder *decoder) {
        png_read_info(decoder->png, decoder->info);
        png_uint_32 width = png_get_image_width(decoder->png, decoder->info);
        png_uint_32 height = png_get_image_height(decoder->png, decoder->info);
        int r = picture_size_check(width, height, decoder->detail);
        if (r != 0)
                refuse(decoder, r);
        decoder->size = (PictureSize){ width, height };
}

/* One row serves all of them: they are decoded, not kept. */
static void rows_read(Decoder *decoder) {
        int passes = png_set_interlace_handling(decoder->png);

        png_read_update_info(decoder->png, decoder->info);
        decoder->row = png_calloc(decoder->png, png_get_rowbytes(decoder->png, decoder->info));
        for (int pass = 0; pass < passes; pass++)
                for (unsigned y = 0; y < decoder->size.height; y++)
                        png_read_row(decoder->png, decoder->row, NULL);
        png_read_end(decoder->png, NULL);
        if (decoder->rest.size > 0)
                refuse(decoder, error_set(decoder->detail, SEAL_E_INVALID_ARGS,
                                          "picture: %zu bytes follow the end of the PNG; save it "
                                          "anew",
                                          decoder->rest.size));
}

/* The only function that is returned to by a jump: it has no local variables. */
static void decode(Decoder *decoder) {
        if (setjmp(png_jmpbuf(decoder->png)) != 0)
                return;
        png_set_read_fn(decoder->png, decoder, read_some);
        png_set_crc_action(decoder->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
        png_set_chunk_malloc_max(decoder->png, PICTURE_CHUNK_MAX);
        header_read(decoder);
        rows_read(decoder);
}

static void decoder_done(Decoder *decoder) {
        if (decoder->row)
                png_free(decoder->png, decoder->row);
        png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
}

int picture_png(Bytes picture, PictureSize *ret, ErrorDetail *detail) {
        Decoder decoder = { .rest = picture, .detail = detail };

        decoder.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &decoder, on_error,
                                               on_warning, &decoder, take, give_back);
        if (!decoder.png)
                return -ENOMEM;
        decoder.info = png_create_info_struct(decoder.png);
        if (decoder.info)
                decode(&decoder);
        bool memory_short = !decoder.info || decoder.memory_short;
        decoder_done(&decoder);
        if (memory_short)
                return -ENOMEM;
        if (decoder.refused == 0)
                *ret = decoder.size;
        return decoder.refused;
}
