/* SPDX-License-Identifier: Apache-2.0 */
#include "format/verify-kind.h"

#include <limits.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/pem.h>

#include "policy/openssl.h"

/* --- DER -------------------------------------------------------------------------------------- */

/*
 * The header that stands first, and what of its content is there: of a file that was cut, the
 * verifier tells. Returns its tag of the universal class, -1 for another or for none.
 */
static int tag_read(Bytes bytes, Bytes *ret_content) {
        const unsigned char *p = bytes.data;
        int tag = 0, class = 0;
        long size = 0;

        if (bytes.size == 0 || bytes.size > LONG_MAX)
                return -1;
        const bool indefinite = (ASN1_get_object(&p, &size, &tag, &class, (long) bytes.size) & 1) !=
                                0;
        if (p == bytes.data || class != V_ASN1_UNIVERSAL)
                return -1;
        const size_t rest = bytes.size - (size_t) (p - bytes.data);
        *ret_content = (Bytes){ p, indefinite || (size_t) size > rest ? rest : (size_t) size };
        return tag;
}

/*
 * Content of SES_SealInfo: its header begins with "ES" (GB/T 38540-2020 §7.1.2); any text will do.
 */
static bool is_seal_info(Bytes info) {
        Bytes header, id;

        return tag_read(info, &header) == V_ASN1_SEQUENCE &&
               tag_read(header, &id) == V_ASN1_IA5STRING;
}

/* Content of TBS_Sign: a version and a SESeal (§7.2), where certificates and CRLs have a name. */
static bool is_signed_part(Bytes content) {
        Bytes version, seal, info;

        if (tag_read(content, &version) != V_ASN1_INTEGER)
                return false;
        const uint8_t *next = version.data + version.size;
        const Bytes rest = { next, content.size - (size_t) (next - content.data) };
        return tag_read(rest, &seal) == V_ASN1_SEQUENCE &&
               tag_read(seal, &info) == V_ASN1_SEQUENCE && is_seal_info(info);
}

static VerifyFile sequence_guess(Bytes content) {
        Bytes first;

        switch (tag_read(content, &first)) {
        case V_ASN1_OBJECT:
                return VERIFY_FILE_CMS;
        case V_ASN1_SEQUENCE:
                return is_seal_info(first)     ? VERIFY_FILE_SES_SEAL
                       : is_signed_part(first) ? VERIFY_FILE_SES_SIGNATURE
                                               : VERIFY_FILE_X509;
        default:
                return VERIFY_FILE_OTHER;
        }
}

static const char pem[] = "-----BEGIN ";

static bool is_pem(Bytes file) {
        return file.size >= sizeof(pem) - 1 && memcmp(file.data, pem, sizeof(pem) - 1) == 0;
}

VerifyFile verify_file_guess(Bytes file) {
        VerifyFile found = VERIFY_FILE_OTHER;
        Bytes content;

        if (is_pem(file)) /* what verify_file_unwrap() leaves */
                return VERIFY_FILE_X509;
        if (tag_read(file, &content) == V_ASN1_SEQUENCE)
                found = sequence_guess(content);
        ERR_clear_error();
        return found;
}

/* --- PEM -------------------------------------------------------------------------------------- */

/* One block; false at the end of the file. */
static bool block_read(BIO *in, uint8_t **ret, size_t *ret_size, bool *ret_certificate) {
        char *name = NULL, *header = NULL;
        unsigned char *data = NULL;
        long size = 0;

        if (PEM_read_bio(in, &name, &header, &data, &size) != 1)
                return false;
        *ret_certificate = strcmp(name, PEM_STRING_X509) == 0;
        *ret = data;
        *ret_size = (size_t) size;
        OPENSSL_free(name);
        OPENSSL_free(header);
        return true;
}

bool verify_file_unwrap(Bytes file, uint8_t **ret, size_t *ret_size) {
        _cleanup_(BIO_freep) BIO *in = NULL;
        bool found = false, certificate = true;
        uint8_t *data = NULL;
        size_t size = 0;

        if (file.size > INT_MAX || !is_pem(file))
                return false;
        in = BIO_new_mem_buf(file.data, (int) file.size);
        while (in && certificate && block_read(in, &data, &size, &certificate)) {
                found = !certificate;
                if (certificate)
                        OPENSSL_free(data);
        }
        ERR_clear_error();
        if (!found)
                return false;
        *ret = data;
        *ret_size = size;
        return true;
}
