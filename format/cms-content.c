/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cms-content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/cms-signed.h"

int cms_content(Bytes file, uint8_t **ret, size_t *ret_size) {
        _cleanup_(cms_signed_freep) CmsSigned *cms = NULL;
        size_t used = 0;

        int r = cms_signed_read(file, &cms, &used);
        if (r != 0)
                return r;
        const Bytes content = cms_signed_content(cms);
        if (!content.data)
                return SEAL_E_NOT_FOUND;
        uint8_t *copy = malloc(content.size + 1);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, content.data, content.size);
        *ret = copy;
        *ret_size = content.size;
        return 0;
}
