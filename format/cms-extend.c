/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cms-extend.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "format/cms-attributes.h"
#include "format/cms-signed.h"
#include "format/x509-signed.h"

/* What there is around a document, beside the signature. */
#define ENVELOPE_MAX 64

static int signature_refuse(const char *text, ErrorDetail *detail) {
        (void) error_set(detail, SEAL_E_INVALID_ARGS, "%s", text);
        return SEAL_E_INVALID_ARGS;
}

static int signature_read(Bytes file, CmsSigned **ret, ErrorDetail *detail) {
        _cleanup_(cms_signed_freep) CmsSigned *cms = NULL;
        size_t used = 0;

        int r = cms_signed_read(file, &cms, &used);
        if (r < 0)
                return r;
        if (r != 0 || used != file.size)
                return signature_refuse("that is no CMS signature", detail);
        if (cms_signed_signers(cms) != 1)
                return signature_refuse("the signature has not one signer", detail);
        *ret = steal_ptr(cms);
        return 0;
}

static int signature_write(const CmsSigned *cms, uint8_t **ret, size_t *ret_size) {
        return x509_encode(cms->info, ASN1_ITEM_rptr(CmsInfo), ret, ret_size);
}

/* --- document ------------------------------------------------------------------------------- */

static int document_compare(const CmsSigned *cms, Bytes document, ErrorDetail *detail) {
        const char *hash = cms_signed_hash(cms);
        const Bytes named = cms_signed_digest(cms);
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;

        if (hash && EVP_Digest(document.data, document.size, digest, &size,
                               EVP_get_digestbyname(hash), NULL) != 1)
                return openssl_error();
        if (hash && size == named.size && memcmp(digest, named.data, size) == 0)
                return 0;
        return error_set(detail, SEAL_E_INVALID_ARGS, "the signature is not over this document");
}

int cms_embed(Bytes file, Bytes document, uint8_t **ret, size_t *ret_size, ErrorDetail *detail) {
        _cleanup_(cms_signed_freep) CmsSigned *cms = NULL;

        int r = signature_read(file, &cms, detail);
        if (r != 0)
                return r;
        if (cms_signed_content(cms).data)
                return error_set(detail, SEAL_E_INVALID_ARGS, "the signature has a document in it");
        if (document.size > CMS_FILE_MAX || file.size + document.size > CMS_FILE_MAX - ENVELOPE_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "document and signature together are larger than %d bytes",
                                 CMS_FILE_MAX - ENVELOPE_MAX);
        r = document_compare(cms, document, detail);
        if (r != 0)
                return r;
        ASN1_OCTET_STRING *content = cms->info->data->content->data = ASN1_OCTET_STRING_new();
        if (!content || ASN1_OCTET_STRING_set(content, document.data, (int) document.size) != 1)
                return openssl_short();
        return signature_write(cms, ret, ret_size);
}

/* --- time stamp ----------------------------------------------------------------------------- */

int cms_signature_value(Bytes file, uint8_t **ret, size_t *ret_size, ErrorDetail *detail) {
        _cleanup_(cms_signed_freep) CmsSigned *cms = NULL;

        int r = signature_read(file, &cms, detail);
        if (r != 0)
                return r;
        const Bytes value = cms_signed_signature(cms);
        uint8_t *copy = malloc(value.size + 1);
        if (!copy)
                return -ENOMEM;
        if (value.size > 0)
                memcpy(copy, value.data, value.size);
        *ret = copy;
        *ret_size = value.size;
        return 0;
}

static bool token_is_one(Bytes token) {
        _cleanup_(cms_signed_freep) CmsSigned *cms = NULL;
        size_t used = 0;

        return token.size <= TIMESTAMP_MAX && cms_signed_read(token, &cms, &used) == 0 &&
               used == token.size;
}

int cms_add_timestamp(Bytes file, Bytes token, uint8_t **ret, size_t *ret_size,
                      ErrorDetail *detail) {
        _cleanup_(cms_signed_freep) CmsSigned *cms = NULL;

        int r = signature_read(file, &cms, detail);
        if (r != 0)
                return r;
        CmsSignerInfo *signer = sk_CmsSignerInfo_value(cms->info->data->signers, 0);
        if (!token_is_one(token))
                return error_set(detail, SEAL_E_INVALID_ARGS, "that is no time stamp");
        if (!signer->unsigned_attributes)
                signer->unsigned_attributes = sk_X509_ATTRIBUTE_new_null();
        if (!signer->unsigned_attributes)
                return openssl_short();
        if (cms_attribute_count(signer->unsigned_attributes, NID_id_smime_aa_timeStampToken) >=
            CMS_TIMESTAMPS_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS, "it has %d time stamps already",
                                 CMS_TIMESTAMPS_MAX);
        r = cms_attribute_add(signer->unsigned_attributes, NID_id_smime_aa_timeStampToken,
                              V_ASN1_SEQUENCE, token.data, (int) token.size);
        return r != 0 ? r : signature_write(cms, ret, ret_size);
}
