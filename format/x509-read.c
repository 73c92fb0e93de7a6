/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/limits.h"
#include "format/x509-signed.h"
#include "policy/openssl.h"
#include "policy/sm2.h"

#define VERSION_3 2

/* --- one certificate -------------------------------------------------------------------------- */

/* OpenSSL computes e of SM2 signatures with it; of others it would not take it. */
static int identity_set(X509 *certificate) {
        ASN1_OCTET_STRING *identity;

        if (X509_get_signature_nid(certificate) != NID_SM2_with_SM3)
                return 0;
        identity = ASN1_OCTET_STRING_new();
        if (!identity || ASN1_OCTET_STRING_set(identity, (const unsigned char *) SM2_IDENTITY,
                                               sizeof(SM2_IDENTITY) - 1) != 1) {
                ASN1_OCTET_STRING_free(identity);
                return openssl_short();
        }
        X509_set0_distinguishing_id(certificate, identity);
        return 0;
}

int x509_write(const X509 *certificate, uint8_t **ret, size_t *ret_size) {
        unsigned char *der = NULL;

        int size = i2d_X509(certificate, &der);
        if (size <= 0)
                return openssl_short();
        *ret = der; /* OpenSSL's allocator is malloc: this program never replaces it */
        *ret_size = (size_t) size;
        return 0;
}

/* What is around the signed part, too, is as DER has it. */
static bool written_as(const X509 *certificate, Bytes der) {
        _cleanup_free_ uint8_t *again = NULL;
        size_t size = 0;

        int r = x509_write(certificate, &again, &size);
        return r == 0 && size == der.size && memcmp(again, der.data, size) == 0;
}

static int read_once(Bytes der, X509 **ret) {
        const unsigned char *at = der.data;
        _cleanup_(X509_freep) X509 *certificate = d2i_X509(NULL, &at, (long) der.size);

        if (!certificate || !written_as(certificate, der))
                return openssl_refused(SEAL_E_INVALID_ARGS);
        int r = identity_set(certificate);
        if (r == 0)
                *ret = steal_ptr(certificate);
        return r;
}

/* libcrypto passes over a key or an extension that it cannot read, for whatever reason. */
static bool is_whole(X509 *certificate) {
        bool whole = X509_get0_pubkey(certificate) &&
                     !(X509_get_extension_flags(certificate) & EXFLAG_INVALID);

        ERR_clear_error();
        return whole;
}

/* RFC 5280 §4.1.2.1: 3 is the last. */
static bool version_is_known(const X509 *certificate) {
        const long version = X509_get_version(certificate);

        return version >= 0 && version <= VERSION_3;
}

int x509_read(Bytes der, X509 **ret, ErrorDetail *detail) {
        _cleanup_(X509_freep) X509 *certificate = NULL;

        if (der.size > CERTIFICATE_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "A certificate has at most %d bytes", CERTIFICATE_MAX);
        int r = read_once(der, &certificate);
        if (r == 0 && !is_whole(certificate)) {
                X509_free(certificate);
                certificate = NULL;
                r = SEAL_E_INVALID_ARGS;
        }
        if (r > 0) /* a refusal is believed when it is said twice (policy/openssl.h) */
                r = read_once(der, &certificate);
        if (r != 0)
                return r < 0 ? r : error_set(detail, r, "Not a certificate in DER");
        if (!version_is_known(certificate))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "A certificate of a version that is not known");
        *ret = steal_ptr(certificate);
        return 0;
}

int x509_verify_by(const X509 *certificate, const X509 *issuer) {
        EVP_PKEY *key = X509_get0_pubkey(issuer);
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        if (!key ||
            X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) != 0)
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        int r = x509_write(certificate, &der, &size);
        if (r != 0)
                return r;
        return x509_signature_verify((Bytes){ der, size }, true, key);
}

/* --- files ------------------------------------------------------------------------------------ */

void der_list_clear(DerList *list) {
        for (size_t i = 0; i < list->count; i++)
                free((void *) list->items[i].data);
        free(list->items);
        *list = (DerList){};
}

int der_list_add(DerList *list, Bytes der) {
        if (list->count >= TRUST_ITEMS_MAX)
                return SEAL_E_LIMITS_EXCEEDED;
        Bytes *items = realloc(list->items, (list->count + 1) * sizeof(*items));
        if (!items)
                return -ENOMEM;
        list->items = items;
        uint8_t *copy = malloc(der.size + 1);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, der.data, der.size);
        items[list->count++] = (Bytes){ .data = copy, .size = der.size };
        return 0;
}

/* A block of PEM, as PEM_read_bio(3) hands it out. */
typedef struct PemBlock {
        char *label, *header;
        unsigned char *data;
        long size;
} PemBlock;

static void pem_clear(PemBlock *block) {
        OPENSSL_free(block->label);
        OPENSSL_free(block->header);
        OPENSSL_free(block->data);
}

/*
 * What ends a file is that no more begins in it; all else is damage, behind which there may be
 * more.
 */
static int pem_end(void) {
        const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

        if (openssl_ran_short())
                return -ENOMEM;
        return end ? 0 : SEAL_E_INVALID_ARGS;
}

/* 1: a block was added or passed over; 0: no more. */
static int pem_next(BIO *in, const char *label, DerList *list) {
        _cleanup_(pem_clear) PemBlock block = {};

        if (PEM_read_bio(in, &block.label, &block.header, &block.data, &block.size) != 1)
                return pem_end();
        if (strcmp(block.label, label) != 0)
                return 1;
        int r = der_list_add(list, (Bytes){ block.data, (size_t) block.size });
        return r == 0 ? 1 : r;
}

/* A DER SEQUENCE begins with what no text does: 0x30 is a digit, but 0x80 and above are none. */
static bool is_der(Bytes file) {
        return file.size > 2 && file.data[0] == 0x30 && file.data[1] >= 0x80;
}

static int split(Bytes file, const char *label, const char *what, DerList *list,
                 ErrorDetail *detail) {
        _cleanup_(BIO_freep) BIO *in = NULL;
        size_t before = list->count;
        int more;

        if (file.size > TRUST_FILE_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED, "The file has more than %d bytes",
                                 TRUST_FILE_MAX);
        if (is_der(file))
                return der_list_add(list, file);
        in = BIO_new_mem_buf(file.data, (int) file.size);
        if (!in)
                return openssl_short();
        while ((more = pem_next(in, label, list)) == 1)
                ;
        if (more == SEAL_E_LIMITS_EXCEEDED)
                return error_set(detail, more, "More than %d at once", TRUST_ITEMS_MAX);
        if (more == SEAL_E_INVALID_ARGS && list->count > before)
                return error_set(detail, more, "A block of PEM in it is damaged");
        if ((more == 0 || more == SEAL_E_INVALID_ARGS) && list->count == before)
                return error_set(detail, SEAL_E_INVALID_ARGS, "There is no %s in it", what);
        return more;
}

int x509_certificates_split(Bytes file, DerList *list, ErrorDetail *detail) {
        return split(file, PEM_STRING_X509, "certificate, neither in PEM nor in DER,", list,
                     detail);
}

int x509_crls_split(Bytes file, DerList *list, ErrorDetail *detail) {
        return split(file, PEM_STRING_X509_CRL, "revocation list, neither in PEM nor in DER,", list,
                     detail);
}
