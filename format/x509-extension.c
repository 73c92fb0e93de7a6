/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-extension.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "format/x509-signed.h"
#include "policy/openssl.h"

DEFINE_CLEANUP(ASN1_BIT_STRING, ASN1_BIT_STRING_free)
DEFINE_CLEANUP(ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free)
DEFINE_CLEANUP(ASN1_INTEGER, ASN1_INTEGER_free)
DEFINE_CLEANUP(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)
DEFINE_CLEANUP(AUTHORITY_KEYID, AUTHORITY_KEYID_free)
DEFINE_CLEANUP(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free)
DEFINE_CLEANUP(CRL_DIST_POINTS, CRL_DIST_POINTS_free)
DEFINE_CLEANUP(DIST_POINT, DIST_POINT_free)
DEFINE_CLEANUP(GENERAL_NAME, GENERAL_NAME_free)
DEFINE_CLEANUP(X509_EXTENSION, X509_EXTENSION_free)

#define OID_EXPIRED_CERTS_ON_CRL "2.5.29.60"

enum {
        CRITICAL = true,
        PLAIN = false,
};

static int put(X509_EXTENSIONS **extensions, int nid, void *value, bool critical) {
        return X509V3_add1_i2d(extensions, nid, value, critical, X509V3_ADD_APPEND) == 1
                       ? 0
                       : openssl_short();
}

/* One whose content OpenSSL does not know. */
static int put_der(X509_EXTENSIONS **extensions, const ASN1_OBJECT *id, Bytes der) {
        _cleanup_(ASN1_OCTET_STRING_freep) ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();
        _cleanup_(X509_EXTENSION_freep) X509_EXTENSION *extension = NULL;

        if (!content || ASN1_OCTET_STRING_set(content, der.data, (int) der.size) != 1)
                return openssl_short();
        extension = X509_EXTENSION_create_by_OBJ(NULL, id, 0, content);
        return extension && X509v3_add_ext(extensions, extension, -1) ? 0 : openssl_short();
}

/* --- use -------------------------------------------------------------------------------------- */

/* KeyUsage (§4.2.1.3). */
enum {
        BIT_DIGITAL_SIGNATURE = 0,
        BIT_NON_REPUDIATION = 1,
        BIT_KEY_CERT_SIGN = 5,
        BIT_CRL_SIGN = 6,
};

static int put_key_usage(X509_EXTENSIONS **extensions, const int *bits, size_t count) {
        _cleanup_(ASN1_BIT_STRING_freep) ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();

        if (!usage)
                return openssl_short();
        for (size_t i = 0; i < count; i++)
                if (ASN1_BIT_STRING_set_bit(usage, bits[i], 1) != 1)
                        return openssl_short();
        return put(extensions, NID_key_usage, usage, CRITICAL);
}

/* A CA of ours has no CAs below it. */
static int put_constraints(X509_EXTENSIONS **extensions, bool ca) {
        _cleanup_(BASIC_CONSTRAINTS_freep) BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();

        if (!constraints)
                return openssl_short();
        constraints->ca = ca ? 0xff : 0;
        if (ca) {
                constraints->pathlen = ASN1_INTEGER_new();
                if (!constraints->pathlen || ASN1_INTEGER_set(constraints->pathlen, 0) != 1)
                        return openssl_short();
        }
        return put(extensions, NID_basic_constraints, constraints, CRITICAL);
}

int extension_put_use(X509_EXTENSIONS **extensions, X509Use use) {
        static const int seal[] = { BIT_DIGITAL_SIGNATURE, BIT_NON_REPUDIATION };
        static const int maker[] = { BIT_DIGITAL_SIGNATURE, BIT_KEY_CERT_SIGN, BIT_CRL_SIGN };

        if (use != X509_USE_SEAL && use != X509_USE_MAKER)
                return SEAL_E_INVALID_ARGS;
        int r = put_constraints(extensions, use == X509_USE_MAKER);
        if (r != 0)
                return r;
        return use == X509_USE_MAKER
                       ? put_key_usage(extensions, maker, sizeof(maker) / sizeof(maker[0]))
                       : put_key_usage(extensions, seal, sizeof(seal) / sizeof(seal[0]));
}

/* --- keys ------------------------------------------------------------------------------------- */

#define KEY_IDENTIFIER_SIZE 20

static int key_identifier(const X509_PUBKEY *key, uint8_t ret[static KEY_IDENTIFIER_SIZE]) {
        const unsigned char *bits;
        int size;

        if (X509_PUBKEY_get0_param(NULL, &bits, &size, NULL, key) != 1 ||
            EVP_Digest(bits, (size_t) size, ret, NULL, EVP_sha1(), NULL) != 1)
                return openssl_short();
        return 0;
}

int extension_put_subject_key(X509_EXTENSIONS **extensions, const X509_PUBKEY *key) {
        _cleanup_(ASN1_OCTET_STRING_freep) ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();
        uint8_t identifier[KEY_IDENTIFIER_SIZE];

        int r = key_identifier(key, identifier);
        if (r != 0)
                return r;
        if (!content || ASN1_OCTET_STRING_set(content, identifier, sizeof(identifier)) != 1)
                return openssl_short();
        return put(extensions, NID_subject_key_identifier, content, PLAIN);
}

/* The issuer's own word for its key comes first. */
static int authority_key(const X509 *issuer, const X509_PUBKEY *key, ASN1_OCTET_STRING *ret) {
        const ASN1_OCTET_STRING *named = issuer ? X509_get0_subject_key_id((X509 *) issuer) : NULL;
        uint8_t identifier[KEY_IDENTIFIER_SIZE];

        if (named)
                return ASN1_STRING_copy(ret, named) == 1 ? 0 : openssl_short();
        int r = key_identifier(issuer ? X509_get_X509_PUBKEY(issuer) : key, identifier);
        if (r != 0)
                return r;
        return ASN1_OCTET_STRING_set(ret, identifier, sizeof(identifier)) == 1 ? 0
                                                                               : openssl_short();
}

int extension_put_authority_key(X509_EXTENSIONS **extensions, const X509 *issuer,
                                const X509_PUBKEY *key) {
        _cleanup_(AUTHORITY_KEYID_freep) AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();

        if (!authority || !(authority->keyid = ASN1_OCTET_STRING_new()))
                return openssl_short();
        int r = authority_key(issuer, key, authority->keyid);
        return r == 0 ? put(extensions, NID_authority_key_identifier, authority, PLAIN) : r;
}

/* --- revocation lists ------------------------------------------------------------------------- */

/* IA5String without blanks: whether somebody answers there is not known here. */
static bool url_is_one(const char *url) {
        size_t size = strlen(url);

        if (size == 0 || size > TEXT_MAX || !strstr(url, ":"))
                return false;
        for (const char *c = url; *c; c++)
                if (*c <= ' ' || *c > '~')
                        return false;
        return true;
}

static int url_add(GENERAL_NAMES *names, const char *url) {
        _cleanup_(GENERAL_NAME_freep) GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();

        if (!name || !text || ASN1_STRING_set(text, url, -1) != 1) {
                ASN1_IA5STRING_free(text);
                return openssl_short();
        }
        GENERAL_NAME_set0_value(name, GEN_URI, text);
        if (sk_GENERAL_NAME_push(names, name) == 0)
                return openssl_short();
        name = NULL; /* the stack has it now */
        return 0;
}

static int point_fill(DIST_POINT *point, const char *const *urls, size_t count) {
        DIST_POINT_NAME *name = point->distpoint = DIST_POINT_NAME_new();
        int r = 0;

        if (!name || !(name->name.fullname = GENERAL_NAMES_new()))
                return openssl_short();
        name->type = 0; /* fullName */
        for (size_t i = 0; r == 0 && i < count; i++)
                r = url_add(name->name.fullname, urls[i]);
        return r;
}

int extension_put_crl_urls(X509_EXTENSIONS **extensions, const char *const *urls, size_t count,
                           ErrorDetail *detail) {
        _cleanup_(CRL_DIST_POINTS_freep) CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
        _cleanup_(DIST_POINT_freep) DIST_POINT *point = DIST_POINT_new();

        if (!points || !point)
                return openssl_short();
        if (count > CRL_URLS_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "A certificate names at most %d places of its revocation list",
                                 CRL_URLS_MAX);
        for (size_t i = 0; i < count; i++)
                if (!url_is_one(urls[i]))
                        return error_set(detail, SEAL_E_INVALID_ARGS,
                                         "'%.100s' is not the URL of a revocation list", urls[i]);
        int r = point_fill(point, urls, count);
        if (r != 0)
                return r;
        if (sk_DIST_POINT_push(points, point) == 0)
                return openssl_short();
        point = NULL; /* the stack has it now */
        return put(extensions, NID_crl_distribution_points, points, PLAIN);
}

int extension_put_crl_number(X509_EXTENSIONS **extensions, uint64_t number) {
        _cleanup_(ASN1_INTEGER_freep) ASN1_INTEGER *integer = ASN1_INTEGER_new();

        if (!integer || ASN1_INTEGER_set_uint64(integer, number) != 1)
                return openssl_short();
        return put(extensions, NID_crl_number, integer, PLAIN);
}

int extension_put_expired_since(X509_EXTENSIONS **extensions, uint64_t usec) {
        _cleanup_(ASN1_OBJECT_freep) ASN1_OBJECT *id = OBJ_txt2obj(OID_EXPIRED_CERTS_ON_CRL, 1);
        _cleanup_(ASN1_GENERALIZEDTIME_freep) ASN1_GENERALIZEDTIME *time = ASN1_GENERALIZEDTIME_set(
                NULL, (time_t) (usec / USEC_PER_SEC));
        _cleanup_free_ uint8_t *der = NULL;
        size_t size;

        if (!id || !time)
                return openssl_short();
        int r = x509_encode(time, ASN1_ITEM_rptr(ASN1_GENERALIZEDTIME), &der, &size);
        return r == 0 ? put_der(extensions, id, (Bytes){ der, size }) : r;
}

/* --- statements ------------------------------------------------------------------------------- */

int extension_put_eseal(X509_EXTENSIONS **extensions) {
        static const uint8_t statements[] = {
                0x30, 0x15,                                           /* QCStatements */
                0x30, 0x13,                                           /* QCStatement */
                0x06, 0x06, 0x04, 0x00, 0x8e, 0x46, 0x01, 0x06,       /* QcType 0.4.0.1862.1.6 */
                0x30, 0x09,                                           /* SEQUENCE OF */
                0x06, 0x07, 0x04, 0x00, 0x8e, 0x46, 0x01, 0x06, 0x02, /* eSeal 0.4.0.1862.1.6.2 */
        };

        return put_der(extensions, OBJ_nid2obj(NID_qcStatements),
                       (Bytes){ statements, sizeof(statements) });
}
