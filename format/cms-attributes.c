/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cms-attributes.h"

#include "base/error.h"
#include "base/limits.h"
#include "format/x509-signed.h"

int cms_attributes_read(Bytes der, CmsAttributes **ret) {
        const unsigned char *at = der.data;

        if (der.size > CMS_ATTRIBUTES_SIZE_MAX)
                return SEAL_E_INVALID_ARGS;
        _cleanup_(cms_attributes_freep) CmsAttributes *attributes = (CmsAttributes *) ASN1_item_d2i(
                NULL, &at, (long) der.size, ASN1_ITEM_rptr(CmsAttributesAsRead));
        if (!attributes || at != der.data + der.size)
                return openssl_refused(SEAL_E_INVALID_ARGS);
        *ret = steal_ptr(attributes);
        return 0;
}

int cms_attribute_add(CmsAttributes *attributes, int nid, int type, const void *value, int size) {
        X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_create_by_NID(NULL, nid, type, value, size);

        if (attribute && sk_X509_ATTRIBUTE_push(attributes, attribute) > 0)
                return 0;
        X509_ATTRIBUTE_free(attribute);
        return openssl_short();
}

static bool attribute_is(X509_ATTRIBUTE *attribute, int nid) {
        return OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attribute)) == nid;
}

int cms_attribute_count(const CmsAttributes *attributes, int nid) {
        int count = 0;

        for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++)
                count += attribute_is(sk_X509_ATTRIBUTE_value(attributes, i), nid);
        return count;
}

const ASN1_TYPE *cms_attribute_value(const CmsAttributes *attributes, int nid, int type) {
        X509_ATTRIBUTE *found = NULL;

        for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++) {
                X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(attributes, i);
                if (!attribute_is(attribute, nid))
                        continue;
                if (found)
                        return NULL;
                found = attribute;
        }
        if (!found || X509_ATTRIBUTE_count(found) != 1)
                return NULL;
        const ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(found, 0);
        return value && ASN1_TYPE_get(value) == type ? value : NULL;
}

uint64_t cms_attribute_time(const CmsAttributes *attributes) {
        const ASN1_TYPE *value = cms_attribute_value(attributes, NID_pkcs9_signingTime,
                                                     V_ASN1_UTCTIME);
        uint64_t time = 0;

        if (!value)
                value = cms_attribute_value(attributes, NID_pkcs9_signingTime,
                                            V_ASN1_GENERALIZEDTIME);
        return value && x509_time_read(value->value.asn1_string, &time) ? time : 0;
}

CmsSigningCertificate *cms_attribute_signing_certificate(const CmsAttributes *attributes,
                                                         bool first_version) {
        const int nid = first_version ? NID_id_smime_aa_signingCertificate
                                      : NID_id_smime_aa_signingCertificateV2;
        const ASN1_TYPE *value = cms_attribute_value(attributes, nid, V_ASN1_SEQUENCE);

        return value ? ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(CmsSigningCertificate), value)
                     : NULL;
}
