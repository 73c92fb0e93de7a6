/* SPDX-License-Identifier: Apache-2.0 */
#include "client/hash.h"

#include <string.h>

typedef struct Hash {
        const char *name;
        int nid;
} Hash;

static const Hash hashes[] = {
        { "sha256", NID_sha256 },
        { "sha384", NID_sha384 },
        { "sha512", NID_sha512 },
        { "sm3", NID_sm3 },
};

static const Hash *hash_find(const char *name) {
        for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
                if (strcmp(name, hashes[i].name) == 0)
                        return &hashes[i];
        return NULL;
}

int hash_check(const Context *context, const char *name) {
        if (!name || hash_find(name))
                return 0;
        return fail(context, EXIT_USAGE, "--hash is sha256, sha384, sha512 or sm3, not '%s'", name);
}

int hash_choose(const Context *context, const Algorithm *algorithm, const char *name,
                const char *scheme, const EVP_MD **ret) {
        TPMT_SIG_SCHEME told;
        ErrorDetail detail;
        size_t size;

        if (algorithm_scheme(algorithm, name, scheme, &told, &size, &detail) != 0)
                return fail(context, EXIT_USAGE, "%s", detail.text);
        const Hash *hash = hash_find(name ? name : algorithm->hash);
        *ret = hash ? EVP_get_digestbynid(hash->nid) : NULL;
        return *ret ? 0 : fail_openssl(context, name ? name : algorithm->hash);
}

const EVP_MD *hash_md(const char *name) {
        const Hash *hash = hash_find(name);

        return hash ? EVP_get_digestbynid(hash->nid) : NULL;
}

const char *hash_name(const EVP_MD *md) {
        for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
                if (EVP_MD_get_type(md) == hashes[i].nid)
                        return hashes[i].name;
        return "sha256";
}
