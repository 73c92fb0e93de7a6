/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/keys.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "policy/key.h"
#include "tests/fuzz/fuzz.h"

/* The public halves of tests/fuzz/keys/, with which make-corpus signs. */
static const char *const pems[] = {
        /* p256 */
        "-----BEGIN PUBLIC KEY-----\n"
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE60Trda0vgyFfhiVKCKK15uXVNutN\n"
        "27h4M8x/DrT558X5i6MWhLzkq1Tb55586dfREXysWGBMBou7QFxJTHotdw==\n"
        "-----END PUBLIC KEY-----\n",
        /* p384 */
        "-----BEGIN PUBLIC KEY-----\n"
        "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE+s7JYkZUjadUTtGJiDwRRXffnsZFA0uQ\n"
        "P+nvoGBst1Wi/JK55C9D89dayHuEufHAba4OeyReV94hlf0avH4I6hK/HFeyfG3h\n"
        "HQIpBUq6cXOPKGHiMn+M8YwS2IuOC8VF\n"
        "-----END PUBLIC KEY-----\n",
        /* rsa2048 */
        "-----BEGIN PUBLIC KEY-----\n"
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAl2rI/SuBxVRfzcccXP/k\n"
        "0Wse8F222yrUBPDDnV1Xk3tp2p8upK7xAunXisbcJzhaLBy3XJPz9dOBJwNogVWI\n"
        "caqj0wjzA/gcNlXA0C8cAy/kT+zEVynzeHM+aTAZvyIlpv8nYryzf63Vfk5wLNhb\n"
        "DK2YxGfHY3i/+DGoipUJnXZRrb+pQsygenHA2XvLnYa4Ji2qz48OJCPj5XtPgwlb\n"
        "S323YKfIPXp6BvTB41BPoM8hVqag6oTB3boIzFzRmAv2z89yZZ26yTbWhesUPcdk\n"
        "0nhhubImGxTn6vbSsm6Phjb/jKr+ovmUl3hmtsRLCtn4cQTOdYh9SX6FuiH3J99O\n"
        "mwIDAQAB\n"
        "-----END PUBLIC KEY-----\n",
};

/* tests/fuzz/keys/p256.pem itself. */
static const char private_pem[] =
        "-----BEGIN PRIVATE KEY-----\n"
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpzWIcWExA2uQPPrf\n"
        "447kkKhE3y8vs98UnKO+fOS4toGhRANCAATrROt1rS+DIV+GJUoIorXm5dU2603b\n"
        "uHgzzH8OtPnnxfmLoxaEvOSrVNvnnnzp19ERfKxYYEwGi7tAXElMei13\n"
        "-----END PRIVATE KEY-----\n";

#define COUNT (sizeof(pems) / sizeof(pems[0]))

const TPM2B_PUBLIC *fuzz_key(unsigned number) {
        static TPM2B_PUBLIC keys[COUNT];

        for (size_t i = 0; i < COUNT && keys[COUNT - 1].size == 0; i++)
                fuzz_demand(external_key_parse(pems[i], strlen(pems[i]), &keys[i], NULL) == 0);
        return &keys[number % COUNT];
}

static EVP_PKEY *private_key(void) {
        static EVP_PKEY *key;

        if (!key) {
                BIO *bio = BIO_new_mem_buf(private_pem, sizeof(private_pem) - 1);

                fuzz_demand(bio != NULL);
                key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
                BIO_free(bio);
                fuzz_demand(key != NULL);
        }
        return key;
}

size_t fuzz_sign(Bytes message, uint8_t ret[static FUZZ_SIGNATURE_MAX]) {
        size_t size = FUZZ_SIGNATURE_MAX;
        EVP_MD_CTX *md = EVP_MD_CTX_new();

        fuzz_demand(md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, private_key()) == 1);
        fuzz_demand(EVP_DigestSign(md, ret, &size, message.data, message.size) == 1);
        EVP_MD_CTX_free(md);
        return size;
}
