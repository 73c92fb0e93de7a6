/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/certificate-chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "policy/certificate.h"

void certificate_chain_free(CertificateChain *chain) {
        free(chain->data);
        *chain = (CertificateChain){};
}

int certificate_chain_join(const Bytes *items, size_t count, uint8_t **ret, size_t *ret_size) {
        size_t size = 0, used = 0;

        for (size_t i = 0; i < count; i++)
                size += items[i].size;
        *ret = NULL;
        *ret_size = 0;
        if (size == 0)
                return 0;
        uint8_t *data = malloc(size);
        if (!data)
                return -ENOMEM;
        for (size_t i = 0; i < count; used += items[i++].size)
                if (items[i].size > 0)
                        memcpy(data + used, items[i].data, items[i].size);
        *ret = data;
        *ret_size = size;
        return 0;
}

static int chain_split(CertificateChain *chain) {
        Bytes rest = { chain->data, chain->size };

        while (rest.size > 0) {
                size_t size = certificate_size(rest);

                if (size == 0 || chain->count == CHAIN_LISTED_MAX)
                        return SEAL_E_REGISTER_TAMPERED;
                chain->items[chain->count++] = (Bytes){ rest.data, size };
                rest.data += size;
                rest.size -= size;
        }
        return 0;
}

int certificate_chain_of(const Bytes *parts, size_t count, CertificateChain *ret) {
        _cleanup_chain_ CertificateChain chain = {};

        int r = certificate_chain_join(parts, count, &chain.data, &chain.size);
        if (r == 0)
                r = chain_split(&chain);
        if (r != 0)
                return r;
        *ret = chain;
        chain = (CertificateChain){};
        return 0;
}
