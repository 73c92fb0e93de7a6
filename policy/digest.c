/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/digest.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "policy/openssl.h"

bool name_equal(const TPM2B_NAME *a, const TPM2B_NAME *b) {
        return a->size == b->size && memcmp(a->name, b->name, a->size) == 0;
}

void writer_put_digest(Writer *writer, const TPM2B_DIGEST *digest) {
        if (digest->size > sizeof(digest->buffer))
                writer->overflow = true;
        else
                writer_put(writer, digest->buffer, digest->size);
}

void writer_put_name(Writer *writer, const TPM2B_NAME *name) {
        if (name->size > sizeof(name->name))
                writer->overflow = true;
        else
                writer_put(writer, name->name, name->size);
}

int digest_bytes(Bytes bytes, TPM2B_DIGEST *ret) {
        TPM2B_DIGEST digest = { .size = TPM2_SHA256_DIGEST_SIZE };

        if (EVP_Digest(bytes.data, bytes.size, digest.buffer, NULL, EVP_sha256(), NULL) != 1)
                return openssl_short();
        *ret = digest;
        return 0;
}

int digest_written(const Writer *writer, TPM2B_DIGEST *ret) {
        if (writer->overflow)
                return -EINVAL;
        return digest_bytes((Bytes){ .data = writer->data, .size = writer->used }, ret);
}

size_t hash_size(TPMI_ALG_HASH hash) {
        switch (hash) {
        case TPM2_ALG_SHA256:
                return TPM2_SHA256_DIGEST_SIZE;
        case TPM2_ALG_SHA384:
                return TPM2_SHA384_DIGEST_SIZE;
        case TPM2_ALG_SHA512:
                return TPM2_SHA512_DIGEST_SIZE;
        default:
                return 0;
        }
}

int name_written(const Writer *writer, TPM2B_NAME *ret) {
        TPM2B_DIGEST digest;

        int r = digest_written(writer, &digest);
        if (r != 0)
                return r;
        TPM2B_NAME name = {};
        Writer w = writer_over(name.name, sizeof(name.name));
        writer_put_u16(&w, TPM2_ALG_SHA256);
        writer_put_digest(&w, &digest);
        name.size = (UINT16) w.used;
        *ret = name;
        return 0;
}
