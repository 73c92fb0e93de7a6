/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/openssl.h"

#include <errno.h>

#include <openssl/err.h>

int openssl_error(void) {
        unsigned long error;
        int r = -EIO;

        while ((error = ERR_get_error()) != 0)
                if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
                        r = -ENOMEM;
        return r;
}

int openssl_refused(int code) {
        return openssl_error() == -ENOMEM ? -ENOMEM : code;
}
