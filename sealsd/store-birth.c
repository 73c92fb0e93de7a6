/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authValue that a key with a PIN is born with: random, known to nobody, and gone from the
 * register once the keeper has set his PIN.
 */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/bytes.h"
#include "sealsd/store-internal.h"

/* What is before the digits and after them. */
#define BIRTH_TEXT_BEFORE "{\"auth\":\""
#define BIRTH_TEXT_AFTER "\"}"
#define BIRTH_TEXT_MAX (2 * BIRTH_AUTH_SIZE + sizeof(BIRTH_TEXT_BEFORE BIRTH_TEXT_AFTER))

static int birth_insert(Store *store, uint64_t seal) {
        _cleanup_query_ Query query = query_new(
                store, "INSERT INTO seal_birth (seal, version, sealed) VALUES (?, 0, x'')");

        put_number(&query, seal);
        return query_run(&query);
}

static int birth_write(Store *store, uint64_t seal, const Secret *auth) {
        char hex[2 * BIRTH_AUTH_SIZE + 1], text[BIRTH_TEXT_MAX];

        int r = birth_insert(store, seal);
        if (r != 0)
                return r;
        (void) snprintf(text, sizeof(text), BIRTH_TEXT_BEFORE "%s" BIRTH_TEXT_AFTER,
                        hex_encode(auth->data, auth->size, hex));
        r = sealed_write(store, "seal_birth", seal, text);
        OPENSSL_cleanse(hex, sizeof(hex));
        OPENSSL_cleanse(text, sizeof(text));
        return r;
}

int store_birth_auth_set(Store *store, const char *number, const Secret *auth) {
        uint64_t seal = 0;
        bool own;

        if (auth->size != BIRTH_AUTH_SIZE)
                return -EINVAL;
        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        r = seal_row(store, number, &seal);
        if (r == 0)
                r = birth_write(store, seal, auth);
        return store_end_own(store, own, r);
}

/* Read by hand: libjansson would leave a copy in memory that it frees. */
static int auth_parse(const char *text, Secret *ret) {
        const size_t before = strlen(BIRTH_TEXT_BEFORE), digits = 2 * BIRTH_AUTH_SIZE;
        char hex[2 * BIRTH_AUTH_SIZE + 1] = "";
        uint8_t auth[BIRTH_AUTH_SIZE];
        int r = SEAL_E_REGISTER_TAMPERED;

        if (strncmp(text, BIRTH_TEXT_BEFORE, before) != 0 || strlen(text) < before + digits ||
            strcmp(text + before + digits, BIRTH_TEXT_AFTER) != 0)
                return r;
        memcpy(hex, text + before, digits);
        if (hex_decode(hex, auth, sizeof(auth)))
                r = secret_set(ret, auth, sizeof(auth));
        OPENSSL_cleanse(auth, sizeof(auth));
        OPENSSL_cleanse(hex, sizeof(hex));
        return r;
}

int store_birth_auth_get(Store *store, const char *number, Secret *ret) {
        _cleanup_plain_ char *text = NULL;
        uint64_t seal = 0;

        int r = seal_row(store, number, &seal);
        if (r == 0)
                r = guard_check(store, "seal_birth", seal);
        if (r == 0)
                r = sealed_read(store, "seal_birth", seal, &text);
        if (r == 0 && !text)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        return r == 0 ? auth_parse(text, ret) : r;
}

int store_birth_auth_erase(Store *store, const char *number) {
        _cleanup_query_ Query query = query_new(
                store,
                "DELETE FROM seal_birth WHERE seal = (SELECT id FROM seal WHERE number = ?)");

        put_text(&query, number);
        return query_run(&query);
}
