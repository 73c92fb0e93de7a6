/* SPDX-License-Identifier: Apache-2.0 */
#include "format/signed-format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/asn1.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "format/cms-build.h"
#include "format/eseal.h"
#include "format/x509-request.h"
#include "format/x509-signed.h"
#include "policy/openssl.h"

static const char *const names[] = {
        [FORMAT_RAW] = "raw",     [FORMAT_CADES] = "cades",   [FORMAT_PADES_CMS] = "pades-cms",
        [FORMAT_ESEAL] = "eseal", [FORMAT_PKCS10] = "pkcs10",
};

_Static_assert(sizeof(names) / sizeof(names[0]) == SIGN_FORMAT_COUNT, "each has a name");

const char *sign_format_name(SignFormat format) {
        return names[format];
}

SignFormat sign_format_find(const char *name) {
        SignFormat format = FORMAT_RAW;

        while (format < SIGN_FORMAT_COUNT && strcmp(names[format], name) != 0)
                format++;
        return format;
}

bool sign_format_timed(SignFormat format) {
        return format == FORMAT_CADES || format == FORMAT_ESEAL;
}

const SignatureAlgorithm *signed_algorithm_find(const char *name) {
        const SignatureAlgorithm *algorithm;

        for (size_t i = 0; (algorithm = signature_algorithm_at(i)); i++)
                if (strcmp(algorithm->name, name) == 0)
                        return algorithm;
        return NULL;
}

const SignatureAlgorithm *signed_algorithm(const char *scheme, const char *hash) {
        char name[2 * WORD_MAX + 2];

        (void) snprintf(name, sizeof(name), "%s-%s", scheme, hash);
        return signed_algorithm_find(name);
}

static CmsFacts cms_facts(const SignedFacts *facts) {
        return (CmsFacts){
                .profile = facts->format == FORMAT_PADES_CMS ? CMS_PROFILE_PADES
                                                             : CMS_PROFILE_CADES,
                .algorithm = facts->algorithm,
                .document_digest = facts->document_digest,
                .certificates = facts->certificates,
                .certificate_count = facts->certificate_count,
                .time = facts->time,
        };
}

/* --- two steps -------------------------------------------------------------------------------- */

int signed_prepare(const SignedFacts *facts, uint8_t **ret, size_t *ret_size) {
        const X509RequestFacts request = {
                .subject = facts->subject,
                .key = facts->key,
                .use = X509_USE_SEAL,
        };
        const CmsFacts cms = cms_facts(facts);

        switch (facts->format) {
        case FORMAT_CADES:
        case FORMAT_PADES_CMS:
                return cms_prepare(&cms, ret, ret_size);
        case FORMAT_ESEAL:
                return eseal_sign_prepare(facts->eseal, facts->time, facts->document_digest,
                                          facts->property_info, ret, ret_size);
        case FORMAT_PKCS10:
                return x509_request_prepare(&request, ret, ret_size, NULL);
        default:
                return -EINVAL;
        }
}

int signed_finish(const SignedFacts *facts, Bytes structure, Bytes signature, uint8_t **ret,
                  size_t *ret_size) {
        const CmsFacts cms = cms_facts(facts);

        switch (facts->format) {
        case FORMAT_CADES:
        case FORMAT_PADES_CMS:
                return cms_finish(&cms, structure, signature, ret, ret_size);
        case FORMAT_ESEAL:
                if (facts->certificate_count == 0)
                        return SEAL_E_INVALID_ARGS;
                return eseal_sign_finish(structure, facts->certificates[0], facts->algorithm,
                                         signature, ret, ret_size);
        case FORMAT_PKCS10:
                return x509_finish(structure, facts->algorithm, signature, ret, ret_size);
        default:
                return -EINVAL;
        }
}

/* What is not counted one by one: attributes, names, the value, tags and lengths. */
#define OVERHEAD_MAX (4 * 1024)

size_t signed_size_max(const SignedFacts *facts) {
        size_t size = facts->eseal.size + facts->subject.size + SIGNATURE_MAX + OVERHEAD_MAX;

        for (size_t i = 0; i < facts->certificate_count; i++)
                size += facts->certificates[i].size;
        return size;
}

/* --- reading back ----------------------------------------------------------------------------- */

int signed_document(SignFormat format, Bytes structure, TPM2B_DIGEST *ret) {
        switch (format) {
        case FORMAT_CADES:
                return cms_document_digest(CMS_PROFILE_CADES, structure, ret);
        case FORMAT_PADES_CMS:
                return cms_document_digest(CMS_PROFILE_PADES, structure, ret);
        case FORMAT_ESEAL:
                return eseal_document_digest(structure, ret);
        default:
                return SEAL_E_INVALID_ARGS;
        }
}

static void sequence_freep(ASN1_SEQUENCE_ANY **sequence) {
        sk_ASN1_TYPE_pop_free(*sequence, ASN1_TYPE_free);
}

/* In both (GB/T 38540-2020 §7.2.2, RFC 2986 §4.1) it is the SEQUENCE behind a version. */
int signed_part(Bytes structure, uint8_t **ret, size_t *ret_size) {
        _cleanup_(sequence_freep) ASN1_SEQUENCE_ANY *sequence = NULL;
        const uint8_t *at = structure.data;

        if (structure.size > USE_STRUCTURE_MAX)
                return SEAL_E_INVALID_ARGS;
        sequence = d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long) structure.size);
        if (!sequence || at != structure.data + structure.size || sk_ASN1_TYPE_num(sequence) < 2)
                return openssl_refused(SEAL_E_INVALID_ARGS);
        const ASN1_TYPE *part = sk_ASN1_TYPE_value(sequence, 1);
        if (sk_ASN1_TYPE_value(sequence, 0)->type != V_ASN1_INTEGER ||
            part->type != V_ASN1_SEQUENCE)
                return SEAL_E_INVALID_ARGS;
        const size_t size = (size_t) part->value.sequence->length;
        uint8_t *copy = malloc(size);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, part->value.sequence->data, size);
        *ret = copy;
        *ret_size = size;
        return 0;
}
