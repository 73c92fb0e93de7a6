/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "policy/key.h"
#include "policy/openssl.h"
#include "sealsd/service-certify.h"
#include "sealsd/service-internal.h"
#include "sealsd/use.h"

void format_use_clear(FormatUse *use) {
        EVP_PKEY_free(use->key);
        certificate_chain_free(&use->chain);
        free(use->eseal);
        *use = (FormatUse){};
}

static SignedFacts facts_of(const FormatUse *use, Bytes digest) {
        return (SignedFacts){
                .format = use->format,
                .algorithm = use->algorithm,
                .document_digest = digest,
                .time = use->time,
                .certificates = use->chain.items,
                .certificate_count = use->chain.count,
                .eseal = { use->eseal, use->eseal_size },
                .property_info = use->property_info,
                .subject = { use->subject, use->subject_size },
                .key = use->key,
        };
}

/* --- options ---------------------------------------------------------------------------------- */

int format_options_check(const SignOptions *options, const TPMT_SIG_SCHEME *scheme,
                         ErrorDetail *detail) {
        if (options->property_info && options->format != FORMAT_ESEAL)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'property-info' goes with the format eseal alone");
        if (options->format == FORMAT_ESEAL && scheme->scheme == TPM2_ALG_RSAPSS)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'scheme': the format eseal has no place for what rsapss needs to "
                                 "be told; use rsassa");
        if (options->format == FORMAT_PKCS10 &&
            (options->count != 1 || options->digests[0].size != 0))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'format': a request for a certificate is one, and of no "
                                 "document: its digest is empty");
        return 0;
}

/* --- what the register has -------------------------------------------------------------------- */

/* A new picture is a new seal's; an old certificate may be from before there was one. */
static int no_eseal(const Seal *seal, ErrorDetail *detail) {
        if (seal->facts.picture.type[0] == '\0')
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "Seal %s has no picture, which the format eseal shows: apply for "
                                 "its renewal with a picture ('sealctl apply renew %s --picture')",
                                 seal->number, seal->number);
        return error_set(detail, SEAL_E_INVALID_STATE,
                         "Seal %s has no structure of GB/T 38540 yet: apply for a recertification "
                         "('sealctl apply recertify %s')",
                         seal->number, seal->number);
}

static int fill_eseal(Service *service, const Seal *seal, FormatUse *ret, ErrorDetail *detail) {
        _cleanup_certificate_ CertificateRecord record = {};

        int r = store_seal_certificate_get(service->store, seal->number, &record);
        if (r != 0)
                return r;
        if (record.structure_size == 0)
                return no_eseal(seal, detail);
        ret->eseal = steal_ptr(record.structure);
        ret->eseal_size = record.structure_size;
        return 0;
}

static int fill_parts(Service *service, const Seal *seal, FormatUse *ret, ErrorDetail *detail) {
        if (ret->format == FORMAT_PKCS10)
                return service_seal_subject(service, seal, ret->subject, &ret->subject_size,
                                            detail);
        int r = service_check_certificate(service, seal->number, true, detail);
        if (r == 0)
                r = service_seal_certificates(service, seal->number, &ret->chain);
        if (r == 0 && ret->format == FORMAT_ESEAL)
                r = fill_eseal(service, seal, ret, detail);
        return r;
}

/* Before a use is spent on what no message could carry. */
static int check_size(const FormatUse *use, size_t count, ErrorDetail *detail) {
        const SignedFacts facts = facts_of(use, (Bytes){});
        const size_t each = signed_size_max(&facts);

        if (each > SIGN_RESULT_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "A signature with the seal's certificates has more than %d bytes",
                                 SIGN_RESULT_MAX);
        if (count > SIGN_RESULTS_MAX / each)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "'digests': of format %s at most %zu at a time, as each signature "
                                 "carries the seal's certificates",
                                 sign_format_name(use->format), SIGN_RESULTS_MAX / each);
        return 0;
}

int service_format_fill(Service *service, const Seal *seal, const SignOptions *options,
                        const char *hash, const TPMT_SIG_SCHEME *scheme, FormatUse *ret,
                        ErrorDetail *detail) {
        _cleanup_format_ FormatUse use = { .format = options->format };

        if (use.format == FORMAT_RAW) {
                *ret = (FormatUse){};
                return 0;
        }
        use.time = service_now(service);
        if (use.format == FORMAT_ESEAL)
                text_copy(use.property_info, sizeof(use.property_info),
                          options->property_info ? options->property_info : PROPERTY_INFO_DEFAULT);
        use.algorithm = signed_algorithm(scheme_name(scheme->scheme), hash);
        if (!use.algorithm)
                return SEAL_E_UNSUPPORTED;
        int r = public_to_pkey(&seal->public, &use.key);
        if (r == 0)
                r = fill_parts(service, seal, &use, detail);
        if (r == 0)
                r = check_size(&use, options->count, detail);
        if (r != 0)
                return r;
        *ret = use;
        use = (FormatUse){};
        return 0;
}

/* --- signatures ------------------------------------------------------------------------------- */

static int plain_hash(const SignatureAlgorithm *algorithm, Bytes message, TPM2B_DIGEST *ret) {
        unsigned size = 0;

        if (EVP_Digest(message.data, message.size, ret->buffer, &size,
                       signature_algorithm_md(algorithm), NULL) != 1)
                return openssl_short();
        ret->size = (UINT16) size;
        return 0;
}

int format_use_prepare(const FormatUse *use, TPM2B_DIGEST *digest, uint8_t **ret, size_t *ret_size,
                       TPM2B_DIGEST *ret_signs) {
        const SignedFacts facts = facts_of(use, (Bytes){ digest->buffer, digest->size });
        _cleanup_free_ uint8_t *structure = NULL;
        size_t size = 0;

        if (use->format == FORMAT_RAW) {
                *ret_signs = *digest;
                return 0;
        }
        int r = signed_prepare(&facts, &structure, &size);
        if (r == 0 && size > USE_STRUCTURE_MAX)
                r = SEAL_E_LIMITS_EXCEEDED;
        if (r == 0 && use->format == FORMAT_PKCS10)
                r = plain_hash(use->algorithm, (Bytes){ structure, size }, digest);
        if (r == 0)
                r = signature_digest(use->algorithm, use->key, (Bytes){ structure, size },
                                     ret_signs);
        if (r != 0)
                return r;
        *ret = steal_ptr(structure);
        *ret_size = size;
        return 0;
}

static int bytes_copy(Bytes bytes, uint8_t **ret, size_t *ret_size) {
        uint8_t *copy = malloc(bytes.size + 1); /* never NULL, also of nothing */

        if (!copy)
                return -ENOMEM;
        if (bytes.size > 0)
                memcpy(copy, bytes.data, bytes.size);
        *ret = copy;
        *ret_size = bytes.size;
        return 0;
}

/* The identifier of PSS says that the salt has the hash's size; a chip may take another. */
static int check_salt(const SignatureAlgorithm *algorithm, EVP_PKEY *key,
                      const TPM2B_DIGEST *digest, Bytes signature, ErrorDetail *detail) {
        int r = signature_value_check_salt(algorithm, key, digest, signature);
        if (r != SEAL_E_APPROVAL_INVALID)
                return r;
        return error_set(detail, SEAL_E_UNSUPPORTED,
                         "This TPM salts RSAPSS with another number of bytes than the hash has, "
                         "which no format but raw can say: use the scheme rsassa");
}

int format_check_value(const UseFacts *facts, const TPM2B_PUBLIC *public, Bytes signature,
                       ErrorDetail *detail) {
        const SignatureAlgorithm *algorithm = signed_algorithm(facts->scheme, facts->hash);
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;

        if (facts->format == FORMAT_RAW)
                return 0;
        if (!algorithm)
                return SEAL_E_REGISTER_TAMPERED;
        int r = public_to_pkey(public, &key);
        return r == 0 ? check_salt(algorithm, key, &facts->signs, signature, detail) : r;
}

int format_use_finish(const FormatUse *use, Bytes structure, const TPM2B_DIGEST *digest,
                      Bytes signature, uint8_t **ret, size_t *ret_size, ErrorDetail *detail) {
        const SignedFacts facts = facts_of(use, (Bytes){});

        if (use->format == FORMAT_RAW)
                return bytes_copy(signature, ret, ret_size);
        int r = check_salt(use->algorithm, use->key, digest, signature, detail);
        return r == 0 ? signed_finish(&facts, structure, signature, ret, ret_size) : r;
}

/* --- frozen with a request -------------------------------------------------------------------- */

int format_freeze(const FormatUse *use, Bytes structure, UseStructure *ret) {
        const Bytes chain = { use->chain.data, use->chain.size };
        _cleanup_structure_ UseStructure frozen = {};

        int r = bytes_copy(structure, &frozen.structure, &frozen.size);
        if (r == 0)
                r = bytes_copy(chain, &frozen.certificates, &frozen.certificates_size);
        if (r != 0)
                return r;
        text_copy(frozen.format, sizeof(frozen.format), sign_format_name(use->format));
        text_copy(frozen.algorithm, sizeof(frozen.algorithm), use->algorithm->name);
        *ret = frozen;
        frozen = (UseStructure){};
        return 0;
}

int format_signs(const UseStructure *frozen, const TPM2B_PUBLIC *public, TPM2B_DIGEST *ret) {
        const SignatureAlgorithm *algorithm = signed_algorithm_find(frozen->algorithm);
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;

        if (!algorithm)
                return SEAL_E_REGISTER_TAMPERED;
        int r = public_to_pkey(public, &key);
        return r == 0 ? signature_digest(algorithm, key, (Bytes){ frozen->structure, frozen->size },
                                         ret)
                      : r;
}

int format_thaw(const UseStructure *frozen, Bytes signature, uint8_t **ret, size_t *ret_size) {
        const Bytes part = { frozen->certificates, frozen->certificates_size };
        _cleanup_chain_ CertificateChain chain = {};
        SignedFacts facts = {
                .format = sign_format_find(frozen->format),
                .algorithm = signed_algorithm_find(frozen->algorithm),
        };

        if (facts.format == SIGN_FORMAT_COUNT || !facts.algorithm)
                return SEAL_E_REGISTER_TAMPERED;
        int r = certificate_chain_of(&part, 1, &chain);
        if (r != 0)
                return r;
        facts.certificates = chain.items;
        facts.certificate_count = chain.count;
        return signed_finish(&facts, (Bytes){ frozen->structure, frozen->size }, signature, ret,
                             ret_size);
}
