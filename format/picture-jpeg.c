/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>

#include "base/limits.h"
#include "format/picture-decode.h"

/*
 * What the callbacks and the decoder share. libjpeg leaves its functions by error_exit, which may
 * not return: it jumps, and whatever has to be freed is here and not in a frame that is jumped
 * over.
 */
typedef struct Decoder {
        struct jpeg_decompress_struct jpeg; /* first: libjpeg hands out a pointer to it */
        struct jpeg_error_mgr error;
        struct jpeg_progress_mgr progress;
        jmp_buf out;
        int refused; /* the condition; its sentence is in detail */
        ErrorDetail *detail;
        Bytes picture;
        PictureSize size;
} Decoder;

static void __attribute__((noreturn)) refuse(Decoder *decoder, int code) {
        decoder->refused = code;
        longjmp(decoder->out, 1);
}

static void __attribute__((noreturn)) refuse_damaged(Decoder *decoder, j_common_ptr jpeg) {
        char message[JMSG_LENGTH_MAX];

        jpeg->err->format_message(jpeg, message);
        refuse(decoder, error_set(decoder->detail, SEAL_E_INVALID_ARGS,
                                  "picture: the JPEG is damaged (%s); save it anew", message));
}

static void on_error(j_common_ptr jpeg) {
        Decoder *decoder = (Decoder *) jpeg;

        switch (jpeg->err->msg_code) {
        case JERR_OUT_OF_MEMORY:
                refuse(decoder, -ENOMEM);
        case JERR_NO_BACKING_STORE: /* more than max_memory_to_use */
                refuse(decoder, error_set(decoder->detail, SEAL_E_LIMITS_EXCEEDED,
                                          "picture: the JPEG takes more than %d bytes to decode; "
                                          "scale it down",
                                          PICTURE_MEMORY_MAX));
        case JERR_IMAGE_TOO_BIG:
                refuse(decoder,
                       picture_size_check(JPEG_MAX_DIMENSION, JPEG_MAX_DIMENSION, decoder->detail));
        default:
                refuse_damaged(decoder, jpeg);
        }
}

/* A warning (level -1) is of damaged data that libjpeg would paint over; the others are traces. */
static void on_message(j_common_ptr jpeg, int level) {
        if (level < 0)
                refuse_damaged((Decoder *) jpeg, jpeg);
}

static void output_nothing(j_common_ptr jpeg) {
        (void) jpeg;
}

/* Each scan of a progressive JPEG goes over the whole picture, and has few bytes. */
static void on_progress(j_common_ptr jpeg) {
        Decoder *decoder = (Decoder *) jpeg;

        if (decoder->jpeg.input_scan_number > PICTURE_SCANS_MAX)
                refuse(decoder, error_set(decoder->detail, SEAL_E_LIMITS_EXCEEDED,
                                          "picture: the JPEG has more than %d scans; save it "
                                          "anew, not as progressive",
                                          PICTURE_SCANS_MAX));
}

static void header_read(Decoder *decoder) {
        struct jpeg_decompress_struct *jpeg = &decoder->jpeg;

        (void) jpeg_read_header(jpeg, TRUE);
        int r = picture_size_check(jpeg->image_width, jpeg->image_height, decoder->detail);
        if (r != 0)
                refuse(decoder, r);
        if (jpeg->arith_code || (jpeg->num_components != 1 && jpeg->num_components != 3))
                refuse(decoder, error_set(decoder->detail, SEAL_E_INVALID_ARGS,
                                          "picture: the JPEG has %s, which few can show; save it "
                                          "anew as grey or RGB",
                                          jpeg->arith_code ? "arithmetic coding"
                                                           : "other colours than grey or RGB"));
        decoder->size = (PictureSize){ jpeg->image_width, jpeg->image_height };
}

/* One row serves all of them: they are decoded, not kept. Its memory is libjpeg's. */
static void rows_read(Decoder *decoder) {
        struct jpeg_decompress_struct *jpeg = &decoder->jpeg;

        (void) jpeg_start_decompress(jpeg);
        JSAMPARRAY row = jpeg->mem->alloc_sarray(
                (j_common_ptr) jpeg, JPOOL_IMAGE,
                jpeg->output_width * (JDIMENSION) jpeg->output_components, 1);
        while (jpeg->output_scanline < jpeg->output_height)
                (void) jpeg_read_scanlines(jpeg, row, 1);
        (void) jpeg_finish_decompress(jpeg);
        if (jpeg->src->bytes_in_buffer > 0)
                refuse(decoder, error_set(decoder->detail, SEAL_E_INVALID_ARGS,
                                          "picture: %zu bytes follow the end of the JPEG; save it "
                                          "anew",
                                          jpeg->src->bytes_in_buffer));
}

/* The only function that is returned to by a jump: it has no local variables. */
static void decode(Decoder *decoder) {
        if (setjmp(decoder->out) != 0)
                return;
        jpeg_create_decompress(&decoder->jpeg);
        decoder->jpeg.mem->max_memory_to_use = PICTURE_MEMORY_MAX;
        decoder->jpeg.progress = &decoder->progress;
        jpeg_mem_src(&decoder->jpeg, decoder->picture.data, decoder->picture.size);
        header_read(decoder);
        rows_read(decoder);
}

int picture_jpeg(Bytes picture, PictureSize *ret, ErrorDetail *detail) {
        Decoder decoder = { .detail = detail, .picture = picture };

        decoder.jpeg.err = jpeg_std_error(&decoder.error);
        decoder.error.error_exit = on_error;
        decoder.error.emit_message = on_message;
        decoder.error.output_message = output_nothing;
        decoder.progress.progress_monitor = on_progress;
        decode(&decoder);
        jpeg_destroy_decompress(&decoder.jpeg);
        if (decoder.refused == 0)
                *ret = decoder.size;
        return decoder.refused;
}
