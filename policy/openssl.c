/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/openssl.h"

#include <string.h>

#define OID_TEXT_MAX 128

bool openssl_object_is(const ASN1_OBJECT *object, const char *oid) {
        char text[OID_TEXT_MAX];

        int size = OBJ_obj2txt(text, sizeof(text), object, 1);
        return size > 0 && (size_t) size < sizeof(text) && strcmp(text, oid) == 0;
}

bool openssl_ran_short(void) {
        unsigned long error;
        bool ran_short = false;

        while ((error = ERR_get_error()) != 0)
                if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
                        ran_short = true;
        return ran_short;
}
