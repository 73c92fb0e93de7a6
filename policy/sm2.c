/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sm2.h"

#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>

#include "base/bytes.h"
#include "policy/openssl.h"

#define FIELD_SIZE 32

/* a, b and the base point of sm2p256v1 (GB/T 32918.5). */
static const uint8_t curve[] = {
        /* a */
        0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xfc,
        /* b */
        0x28, 0xe9, 0xfa, 0x9e, 0x9d, 0x9f, 0x5e, 0x34, 0x4d, 0x5a, 0x9e, 0x4b, 0xcf, 0x65, 0x09,
        0xa7, 0xf3, 0x97, 0x89, 0xf5, 0x15, 0xab, 0x8f, 0x92, 0xdd, 0xbc, 0xbd, 0x41, 0x4d, 0x94,
        0x0e, 0x93,
        /* x of G */
        0x32, 0xc4, 0xae, 0x2c, 0x1f, 0x19, 0x81, 0x19, 0x5f, 0x99, 0x04, 0x46, 0x6a, 0x39, 0xc9,
        0x94, 0x8f, 0xe3, 0x0b, 0xbf, 0xf2, 0x66, 0x0b, 0xe1, 0x71, 0x5a, 0x45, 0x89, 0x33, 0x4c,
        0x74, 0xc7,
        /* y of G */
        0xbc, 0x37, 0x36, 0xa2, 0xf4, 0xf6, 0x77, 0x9c, 0x59, 0xbd, 0xce, 0xe3, 0x6b, 0x69, 0x21,
        0x53, 0xd0, 0xa9, 0x87, 0x7c, 0xc6, 0x2a, 0x47, 0x40, 0x02, 0xdf, 0x32, 0xe5, 0x21, 0x39,
        0xf0, 0xa0
};

_Static_assert(sizeof(curve) == 4 * (size_t) FIELD_SIZE, "a, b, x and y of the base point");

typedef struct Point {
        uint8_t x[FIELD_SIZE], y[FIELD_SIZE];
} Point;

static int prefix_compute(const Point *point, TPM2B_DIGEST *ret) {
        static const char identity[] = SM2_IDENTITY;
        const size_t identity_size = sizeof(identity) - 1;
        uint8_t bytes[2 + sizeof(identity) + sizeof(curve) + sizeof(*point)];
        Writer w = writer_over(bytes, sizeof(bytes));

        writer_put_u16(&w, (uint16_t) (8 * identity_size)); /* ENTL: in bits */
        writer_put(&w, identity, identity_size);
        writer_put(&w, curve, sizeof(curve));
        writer_put(&w, point->x, sizeof(point->x));
        writer_put(&w, point->y, sizeof(point->y));
        if (EVP_Digest(w.data, w.used, ret->buffer, NULL, EVP_sm3(), NULL) != 1)
                return openssl_short();
        ret->size = TPM2_SM3_256_DIGEST_SIZE;
        return 0;
}

/* A chip may leave out leading zeros. */
static int coordinate_pad(const TPM2B_ECC_PARAMETER *from, uint8_t ret[static FIELD_SIZE]) {
        if (from->size > FIELD_SIZE)
                return -EINVAL;
        memset(ret, 0, FIELD_SIZE);
        memcpy(ret + FIELD_SIZE - from->size, from->buffer, from->size);
        return 0;
}

int sm2_prefix(const TPM2B_PUBLIC *public, TPM2B_DIGEST *ret) {
        const TPMT_PUBLIC *area = &public->publicArea;
        Point point;

        if (area->type != TPM2_ALG_ECC || area->parameters.eccDetail.curveID != TPM2_ECC_SM2_P256) {
                *ret = (TPM2B_DIGEST){};
                return 0;
        }
        int r = coordinate_pad(&area->unique.ecc.x, point.x);
        if (r == 0)
                r = coordinate_pad(&area->unique.ecc.y, point.y);
        return r == 0 ? prefix_compute(&point, ret) : r;
}

static int coordinate_get(EVP_PKEY *key, const char *name, uint8_t ret[static FIELD_SIZE]) {
        _cleanup_(BN_freep) BIGNUM *n = NULL;

        if (EVP_PKEY_get_bn_param(key, name, &n) == 1 &&
            BN_bn2binpad(n, ret, FIELD_SIZE) == FIELD_SIZE)
                return 0;
        return openssl_short();
}

int sm2_prefix_of_pkey(EVP_PKEY *key, TPM2B_DIGEST *ret) {
        Point point;

        if (!EVP_PKEY_is_a(key, "SM2")) {
                *ret = (TPM2B_DIGEST){};
                return 0;
        }
        int r = coordinate_get(key, OSSL_PKEY_PARAM_EC_PUB_X, point.x);
        if (r == 0)
                r = coordinate_get(key, OSSL_PKEY_PARAM_EC_PUB_Y, point.y);
        return r == 0 ? prefix_compute(&point, ret) : r;
}
