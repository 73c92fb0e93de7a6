/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/openssl.h"

bool openssl_ran_short(void) {
        unsigned long error;
        bool ran_short = false;

        while ((error = ERR_get_error()) != 0)
                if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
                        ran_short = true;
        return ran_short;
}
