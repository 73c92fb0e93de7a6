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
};

int hash_find(const Context *context, const char *name, const EVP_MD **ret) {
        for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
                if (strcmp(name ? name : "sha256", hashes[i].name) == 0) {
                        *ret = EVP_get_digestbynid(hashes[i].nid);
                        return *ret ? 0 : fail_openssl(context, name);
                }
        return fail(context, EXIT_USAGE, "--hash is sha256, sha384 or sha512, not '%s'", name);
}

const char *hash_name(const EVP_MD *md) {
        for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
                if (EVP_MD_get_type(md) == hashes[i].nid)
                        return hashes[i].name;
        return "sha256";
}
