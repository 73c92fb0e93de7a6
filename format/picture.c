/* SPDX-License-Identifier: Apache-2.0 */
#include "format/picture.h"

#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "format/picture-decode.h"

static const struct {
        const char *name, *label;
        int (*decode)(Bytes picture, PictureSize *ret, ErrorDetail *detail);
} types[] = {
        [PICTURE_NONE] = { "", "", NULL },
        [PICTURE_PNG] = { "png", "PNG", picture_png },
        [PICTURE_JPEG] = { "jpeg", "JPG", picture_jpeg },
        [PICTURE_SVG] = { "svg", "SVG", picture_svg },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

const char *picture_type_name(PictureType type) {
        return type < TYPES ? types[type].name : "";
}

const char *picture_type_label(PictureType type) {
        return type < TYPES ? types[type].label : "";
}

PictureType picture_type_find(const char *name) {
        for (PictureType type = PICTURE_PNG; type < TYPES; type++)
                if (strcasecmp(name, types[type].name) == 0 ||
                    strcasecmp(name, types[type].label) == 0)
                        return type;
        return PICTURE_NONE;
}

static bool begins_with(Bytes picture, const void *magic, size_t size) {
        return picture.size >= size && memcmp(picture.data, magic, size) == 0;
}

static bool is_space(uint8_t c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* XML begins with '<', behind a byte order mark and white space. */
static bool is_markup(Bytes picture) {
        size_t at = begins_with(picture, "\xef\xbb\xbf", 3) ? 3 : 0;

        while (at < picture.size && is_space(picture.data[at]))
                at++;
        return at < picture.size && picture.data[at] == '<';
}

PictureType picture_type_guess(Bytes picture) {
        if (begins_with(picture, "\x89PNG\r\n\x1a\n", 8))
                return PICTURE_PNG;
        if (begins_with(picture, "\xff\xd8\xff", 3))
                return PICTURE_JPEG;
        return is_markup(picture) ? PICTURE_SVG : PICTURE_NONE;
}

int picture_size_check(unsigned long width, unsigned long height, ErrorDetail *detail) {
        if (width <= PICTURE_SIDE_MAX && height <= PICTURE_SIDE_MAX &&
            width * height <= PICTURE_PIXELS_MAX)
                return 0;
        return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                         "picture: it is %lu by %lu pixels; scale it down to at most %d a side and "
                         "%d in all",
                         width, height, PICTURE_SIDE_MAX, PICTURE_PIXELS_MAX);
}

int picture_decode(Bytes picture, PictureType *ret, unsigned *ret_width, unsigned *ret_height,
                   ErrorDetail *detail) {
        PictureSize size = {};

        PictureType type = picture_type_guess(picture);
        if (type == PICTURE_NONE)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "picture: it is neither PNG, JPEG nor SVG; save it as one of "
                                 "these");
        int r = types[type].decode(picture, &size, detail);
        if (r != 0)
                return r;
        *ret = type;
        *ret_width = size.width;
        *ret_height = size.height;
        return 0;
}

int picture_check(Bytes picture, PictureType *ret, unsigned *ret_width, unsigned *ret_height,
                  ErrorDetail *detail) {
        if (picture.size > PICTURE_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "picture: it has %zu bytes; scale it down or compress it to at "
                                 "most %d",
                                 picture.size, PICTURE_MAX);
        return picture_decode(picture, ret, ret_width, ret_height, detail);
}
