/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of applicants: whatever is taken is what it begins as, and within its bounds. */
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "format/picture.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 400;

static void demand_size(PictureType type, unsigned width, unsigned height) {
        const unsigned most = type == PICTURE_SVG ? PICTURE_UNITS_MAX : PICTURE_SIDE_MAX;

        fuzz_demand(width >= 1 && width <= most && height >= 1 && height <= most);
        if (type != PICTURE_SVG)
                fuzz_demand((size_t) width * height <= PICTURE_PIXELS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ uint8_t *copy = fuzz_copy((Bytes){ data, size });
        const Bytes picture = { copy, size };
        PictureType type = PICTURE_NONE, again = PICTURE_NONE;
        unsigned width = 0, height = 0;
        ErrorDetail detail = {};

        int r = picture_check(picture, &type, &width, &height, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS || r == SEAL_E_LIMITS_EXCEEDED);
        fuzz_demand(memcmp(copy, data, size) == 0);
        if (r == 0) {
                fuzz_demand(detail.text[0] == '\0');
                fuzz_demand(type == picture_type_guess(picture));
                fuzz_demand(picture_type_find(picture_type_name(type)) == type);
                demand_size(type, width, height);
        } else {
                fuzz_demand(memcmp(detail.text, "picture: ", 9) == 0);
                fuzz_demand(text_is_line(detail.text, ERROR_TEXT_MAX));
                fuzz_demand(type == PICTURE_NONE && width == 0 && height == 0);
        }
        fuzz_demand(picture_decode(picture, &again, &width, &height, NULL) == r && again == type);
        return 0;
}
