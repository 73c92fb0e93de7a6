/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture of a seal as its applicant hands it in: PNG, JPEG or SVG, decoded to its end so that
 * what is kept can be shown by everybody, and bounded before anything is decoded.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

typedef enum PictureType {
        PICTURE_NONE,
        PICTURE_PNG,
        PICTURE_JPEG,
        PICTURE_SVG,
} PictureType;

/* "png", "jpeg", "svg", as on the bus; "" for none. */
const char *picture_type_name(PictureType type);

/* "PNG", "JPG", "SVG", as in SES_ESPictrueInfo (GB/T 38540-2020 §7.1.5); "" for none. */
const char *picture_type_label(PictureType type);

/* Either of these, "jpg" and "jpeg", in any case; PICTURE_NONE for another. */
PictureType picture_type_find(const char *name);

/* By its first bytes alone; PICTURE_NONE for what is none of these. */
PictureType picture_type_guess(Bytes picture);

/*
 * Decode a picture of at most PICTURE_MAX bytes. Of PNG and JPEG (grey or colour, no CMYK, no
 * arithmetic coding): whole and undamaged, nothing behind its end, at most PICTURE_SIDE_MAX pixels
 * wide and high and PICTURE_PIXELS_MAX in all. Of SVG: well-formed UTF-8 without document type,
 * entities and processing instructions; elements that draw, of a list, at most
 * PICTURE_ELEMENTS_MAX of them, PICTURE_DEPTH_MAX deep; no script, style sheet or animation;
 * references only to what is in it. Width and height are in pixels, of SVG its own units rounded
 * up. Decoding takes at most PICTURE_MEMORY_MAX bytes, and writes nowhere. SEAL_E_INVALID_ARGS and
 * SEAL_E_LIMITS_EXCEEDED say what to do; -ENOMEM.
 */
int picture_check(Bytes picture, PictureType *ret, unsigned *ret_width, unsigned *ret_height,
                  ErrorDetail *detail);

/*
 * The same of a picture whose bytes are bounded already, for seals of others: theirs may be larger,
 * but for SVG's (PICTURE_SVG_MAX).
 */
int picture_decode(Bytes picture, PictureType *ret, unsigned *ret_width, unsigned *ret_height,
                   ErrorDetail *detail);
