/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoders behind picture_check(), one for each type. A picture of at most PICTURE_MAX bytes;
 * width and height are written on success only.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

typedef struct PictureSize {
        unsigned width, height;
} PictureSize;

/* SEAL_E_LIMITS_EXCEEDED beyond what is said of pixels there. */
int picture_size_check(unsigned long width, unsigned long height, ErrorDetail *detail);

int picture_png(Bytes picture, PictureSize *ret, ErrorDetail *detail);
int picture_jpeg(Bytes picture, PictureSize *ret, ErrorDetail *detail);
int picture_svg(Bytes picture, PictureSize *ret, ErrorDetail *detail);
