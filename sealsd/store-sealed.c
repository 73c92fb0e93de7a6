/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The confidential record of a row: nonce ‖ AES-256-GCM ‖ tag under the register key, with table,
 * row and version as associated data, so that it opens in no other place and as no other version. A
 * nonce is random: 2^32 records may be written under one key before two are alike with a chance of
 * 2^-32 (NIST SP 800-38D §8.3).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/bytes.h"
#include "policy/openssl.h"
#include "sealsd/store-internal.h"

#define KEY_SIZE 32
#define NONCE_SIZE 12
#define TAG_SIZE 16
#define OVERHEAD (NONCE_SIZE + TAG_SIZE)

DEFINE_CLEANUP(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

void sealed_free(Sealed *sealed) {
        if (sealed->data)
                OPENSSL_cleanse(sealed->data, sealed->size);
        free(sealed->data);
        *sealed = (Sealed){};
}

void plain_freep(char **text) {
        if (*text)
                OPENSSL_cleanse(*text, strlen(*text));
        free(*text);
}

static void put_sealed(Query *query, const Sealed *sealed) {
        put_number(query, sealed->version);
        put_bytes(query, sealed->data ? (const void *) sealed->data : "", sealed->size);
}

void take_sealed(Query *query, Sealed *ret) {
        size_t max;

        take_number(query, &ret->version);
        if (query_check(query) != 0)
                return;
        max = (size_t) sqlite3_column_bytes(query->statement, query->column);
        if (max > SEALED_MAX) {
                query->code = SEAL_E_REGISTER_TAMPERED;
                return;
        }
        ret->data = malloc(max + 1);
        if (!ret->data)
                query->code = -ENOMEM;
        else
                take_bytes(query, ret->data, max, &ret->size);
}

/* --- the cipher ----------------------------------------------------------------------------- */

/* "sealsd/row" ‖ 0 ‖ table ‖ 0 ‖ row ‖ version, the numbers in 8 bytes each. */
static Writer aad_write(uint8_t *buffer, size_t size, const char *table, uint64_t row,
                        uint64_t version) {
        Writer writer = writer_over(buffer, size);

        writer_put(&writer, "sealsd/row", sizeof("sealsd/row"));
        writer_put(&writer, table, strlen(table) + 1);
        writer_put_u64(&writer, row);
        writer_put_u64(&writer, version);
        return writer;
}

static EVP_CIPHER_CTX *cipher_begin(const uint8_t *key, const uint8_t *nonce, const Writer *aad,
                                    int encrypt) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        int used;

        if (aad->overflow || !context ||
            EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, encrypt) != 1 ||
            EVP_CipherUpdate(context, NULL, &used, aad->data, (int) aad->used) != 1)
                return NULL;
        return steal_ptr(context);
}

static int encrypt(const uint8_t *key, const Writer *aad, const char *text, Sealed *sealed) {
        uint8_t *nonce = sealed->data, *body = nonce + NONCE_SIZE;
        size_t size = strlen(text);
        int used = 0, last = 0;

        if (RAND_bytes(nonce, NONCE_SIZE) != 1)
                return openssl_error();
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *context = cipher_begin(key, nonce, aad, 1);
        if (!context ||
            EVP_CipherUpdate(context, body, &used, (const uint8_t *) text, (int) size) != 1 ||
            EVP_CipherFinal_ex(context, body + used, &last) != 1 ||
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, body + size) != 1)
                return openssl_error();
        return 0;
}

/* Into a zeroed text of its size and a zero. */
static int decrypt(const uint8_t *key, const Writer *aad, const Sealed *sealed, char *text) {
        size_t size = sealed->size - OVERHEAD;
        uint8_t *body = sealed->data + NONCE_SIZE;
        int used = 0, last = 0;

        _cleanup_(EVP_CIPHER_CTX_freep)
                EVP_CIPHER_CTX *context = cipher_begin(key, sealed->data, aad, 0);
        if (!context ||
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, body + size) != 1 ||
            EVP_CipherUpdate(context, (uint8_t *) text, &used, body, (int) size) != 1)
                return openssl_error();
        if (EVP_CipherFinal_ex(context, (uint8_t *) text + used, &last) != 1)
                return openssl_refused(SEAL_E_REGISTER_TAMPERED);
        return 0;
}

/* --- records -------------------------------------------------------------------------------- */

static int plain_copy(const Sealed *sealed, char **ret) {
        if (sealed->size > 0 && memchr(sealed->data, 0, sealed->size))
                return SEAL_E_REGISTER_TAMPERED;
        char *text = malloc(sealed->size + 1);
        if (!text)
                return -ENOMEM;
        if (sealed->size > 0)
                memcpy(text, sealed->data, sealed->size);
        text[sealed->size] = '\0';
        *ret = text;
        return 0;
}

static int opened(Store *store, const char *table, uint64_t row, const Sealed *sealed, char **ret) {
        uint8_t buffer[128];
        const Writer aad = aad_write(buffer, sizeof(buffer), table, row, sealed->version);
        _cleanup_plain_ char *text = NULL;

        if (sealed->size < OVERHEAD)
                return store_tampered(store, table, row, "its confidential record was cut off");
        text = calloc(1, sealed->size - OVERHEAD + 1);
        if (!text)
                return -ENOMEM;
        int r = decrypt(vault_data(store->key), &aad, sealed, text);
        if (r == SEAL_E_REGISTER_TAMPERED)
                return store_tampered(store, table, row,
                                      "its confidential record is not the one that was written");
        if (r == 0)
                *ret = steal_ptr(text);
        return r;
}

int sealed_open(Store *store, const char *table, uint64_t row, const Sealed *sealed, char **ret) {
        if (sealed->version == 0)
                return plain_copy(sealed, ret);
        if (!store_has_key(store))
                return 0;
        return opened(store, table, row, sealed, ret);
}

/* Before Initialize has made a register key, rows are plain. */
static int key_missing(Store *store) {
        uint64_t size = 0;

        int r = store_read_number(store,
                                  "SELECT coalesce(max(length(register_public)), 0)"
                                  " FROM installation",
                                  &size);
        return r == 0 && size > 0 ? SEAL_E_MACHINE_STATE_REFUSED : r;
}

static int sealed_allocate(size_t size, Sealed *ret) {
        if (size > SEALED_MAX)
                return SEAL_E_LIMITS_EXCEEDED;
        ret->data = calloc(1, size + 1);
        if (!ret->data)
                return -ENOMEM;
        ret->size = size;
        return 0;
}

static int plain_make(Store *store, uint64_t version, const char *text, Sealed *sealed) {
        int r = version > 0 ? SEAL_E_MACHINE_STATE_REFUSED : key_missing(store);

        if (r == 0)
                r = sealed_allocate(strlen(text), sealed);
        if (r == 0)
                memcpy(sealed->data, text, sealed->size);
        return r;
}

/*
 * The record of the row after this version: encrypted under the key, or plain as long as the
 * installation has none. SEAL_E_MACHINE_STATE_REFUSED where it has one that is not known now.
 */
static int sealed_make(Store *store, const char *table, uint64_t row, uint64_t version,
                       const char *text, Sealed *ret) {
        _cleanup_sealed_ Sealed sealed = { .version = version + 1 };
        uint8_t buffer[128];

        if (!store_has_key(store)) {
                sealed.version = 0;
                int r = plain_make(store, version, text, &sealed);
                if (r != 0)
                        return r;
        } else {
                const Writer aad = aad_write(buffer, sizeof(buffer), table, row, sealed.version);
                int r = sealed_allocate(strlen(text) + OVERHEAD, &sealed);

                if (r == 0)
                        r = encrypt(vault_data(store->key), &aad, text, &sealed);
                if (r != 0)
                        return r;
        }
        *ret = sealed;
        sealed = (Sealed){};
        return 0;
}

/* The tables that have such a record, and the column of their row's number. */
typedef struct SealedTable {
        const char *name;
        const char *read, *write;
} SealedTable;

#define SEALED_TABLE(name, id)                                                     \
        {                                                                          \
                name, "SELECT version, sealed FROM " name " WHERE " id " = ?",     \
                        "UPDATE " name " SET (version, sealed) = (?, ?) WHERE " id \
                        " = ? RETURNING 1",                                        \
        }

static const SealedTable sealed_tables[SEALED_TABLES] = {
        SEALED_TABLE("request", "id"),      SEALED_TABLE("decision", "row"),
        SEALED_TABLE("seal", "id"),         SEALED_TABLE("use_grant", "id"),
        SEALED_TABLE("seal_birth", "seal"), SEALED_TABLE("use_approval", "row"),
        SEALED_TABLE("maker", "id"),
};

static const SealedTable *table_find(const char *name) {
        size_t i = 0;

        while (strcmp(sealed_tables[i].name, name) != 0)
                i++;
        return &sealed_tables[i];
}

static int record_read(Store *store, const SealedTable *table, uint64_t row, Sealed *ret) {
        _cleanup_query_ Query query = query_kept(store, table->read);

        put_number(&query, row);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_sealed(&query, ret);
        return query_check(&query);
}

static int record_write(Store *store, const SealedTable *table, uint64_t row,
                        const Sealed *sealed) {
        _cleanup_query_ Query query = query_kept(store, table->write);

        put_sealed(&query, sealed);
        put_number(&query, row);
        return query_change(&query);
}

int sealed_read(Store *store, const char *name, uint64_t row, char **ret) {
        _cleanup_sealed_ Sealed sealed = {};

        int r = record_read(store, table_find(name), row, &sealed);
        return r != 0 ? r : sealed_open(store, name, row, &sealed, ret);
}

int sealed_write(Store *store, const char *name, uint64_t row, const char *text) {
        const SealedTable *table = table_find(name);
        _cleanup_sealed_ Sealed before = {}, after = {};

        int r = record_read(store, table, row, &before);
        if (r == 0)
                r = sealed_make(store, name, row, before.version, text, &after);
        return r != 0 ? r : record_write(store, table, row, &after);
}

/* --- the key ---------------------------------------------------------------------------------- */

void store_set_key(Store *store, const Vault *key) {
        store->key = key;
        memset(store->sealed_up_to, 0, sizeof(store->sealed_up_to));
}

bool store_has_key(const Store *store) {
        return store->key && vault_size(store->key) == KEY_SIZE && vault_data(store->key);
}
