/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of people and of programs, for the tests of their forms. */
#pragma once

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "policy/key.h"
#include "tests/unit/unit.h"

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)

static inline TPM2B_PUBLIC public_from(const char *pem) {
        ErrorDetail detail = {};
        TPM2B_PUBLIC public;

        if (external_key_parse(pem, strlen(pem), &public, &detail) != 0)
                fail_msg("%s", detail.text);
        return public;
}

static inline TPM2B_PUBLIC public_of(EVP_PKEY *key) {
        TPM2B_PUBLIC public;

        assert_int_equal(external_key_from_pkey(key, &public, NULL), 0);
        return public;
}

/* Whatever a function did, the next user of libcrypto in this thread finds no stale error. */
static inline void assert_queue_empty(void) {
        assert_int_equal(ERR_peek_error(), 0);
}

static inline EVP_PKEY *key_make(const char *curve) {
        EVP_PKEY *key = EVP_EC_gen(curve);

        assert_non_null(key);
        return key;
}
