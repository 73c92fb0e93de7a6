/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMS signatures, one of three ways by the first byte: a file of anybody's, trusted or not; the
 * attributes that somebody is to approve; and our own, made of any facts. Nobody finds a signature
 * by chance, so with a flag the fixed key signs anew what is in a file: then what is judged behind
 * the signature is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utc.h"
#include "format/cms-attributes.h"
#include "format/cms-build.h"
#include "format/cms-extend.h"
#include "format/cms-verify.h"
#include "format/verify-trust.h"
#include "format/x509-signed.h"
#include "tests/fixture/deviation.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"
#include "tests/fuzz/own.h"

const unsigned fuzz_mutations = 200;

#define RESIGN 1U /* by keys/p256.pem */
#define NOW (1795931194 * USEC_PER_SEC)

/* --- files ---------------------------------------------------------------------------------- */

/* What it is verified with. */
typedef struct Case {
        Bytes document, anchor;
        VerifyDocument digests;
        VerifyTrust trust;
} Case;

static void verify(const Case *c, Bytes file, VerifyReport *ret) {
        fuzz_demand(cms_verify(file, &c->digests, &c->trust, ret, 1, &(size_t){ 0 }) == 0);
        fuzz_demand(ret->kind == VERIFY_CMS);
        fuzz_demand(ret->deviation_count <= VERIFY_DEVIATIONS_MAX);
        fuzz_demand(verify_result(ret, CHECK_STRUCTURE) != CHECK_ABSENT);
        if (verify_result(ret, CHECK_STRUCTURE) != CHECK_PASSED)
                fuzz_demand(verify_result(ret, CHECK_SIGNATURE_VALUE) == CHECK_NOT_CHECKED);
        if (verify_result(ret, CHECK_TIMESTAMP) == CHECK_PASSED)
                fuzz_demand(ret->facts.stamped != 0 && ret->facts.authority[0] != '\0');
        else
                fuzz_demand(ret->facts.time_source != VERIFY_TIME_STAMPED);
}

static bool value_is_good(const VerifyReport *report) {
        return verify_result(report, CHECK_SIGNATURE_VALUE) == CHECK_PASSED;
}

/* The attributes of the first signer as they are signed; malloc'ed, size 0: none. */
static Own message_of(Bytes file) {
        const unsigned char *at = file.data;
        CmsInfo *info = (CmsInfo *) ASN1_item_d2i(NULL, &at, (long) file.size,
                                                  ASN1_ITEM_rptr(CmsInfo));
        Own message = {};

        if (info && sk_CmsSignerInfo_num(info->data->signers) > 0) {
                const CmsSignerInfo *signer = sk_CmsSignerInfo_value(info->data->signers, 0);
                if (signer->signed_attributes)
                        fuzz_demand(x509_encode(signer->signed_attributes,
                                                ASN1_ITEM_rptr(CmsAttributesAsRead), &message.data,
                                                &message.bytes.size) == 0);
        }
        message.bytes.data = message.data;
        CmsInfo_free(info);
        ERR_clear_error();
        return message;
}

/* Where the signature is good, no other bytes are signed by it. */
static void demand_signed(const Case *c, Bytes file, size_t at) {
        _own_ Own message = message_of(file), other = own(file);
        VerifyReport report;

        fuzz_demand(message.bytes.size > 2);
        uint8_t *place = memmem(other.data, other.bytes.size, message.data + 1,
                                message.bytes.size - 1);
        fuzz_demand(place);
        place[at % (message.bytes.size - 1)] ^= 1;
        verify(c, other.bytes, &report);
        fuzz_demand(!value_is_good(&report));
}

static void demand_embedded(const Case *c, Bytes file, const VerifyReport *before) {
        static const VerifyDocument nothing;
        Case without = *c;
        VerifyReport report;
        _own_ Own whole = {};
        ErrorDetail detail = {};

        int r = cms_embed(file, c->document, &whole.data, &whole.bytes.size, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS || r == SEAL_E_LIMITS_EXCEEDED);
        fuzz_demand((r == 0) == (detail.text[0] == '\0'));
        if (r != 0)
                return;
        whole.bytes.data = whole.data;
        without.digests = nothing;
        verify(&without, whole.bytes, &report);
        if (verify_result(before, CHECK_STRUCTURE) == CHECK_PASSED)
                fuzz_demand(verify_result(&report, CHECK_DOCUMENT_HASH) == CHECK_PASSED);
        fuzz_demand(!value_is_good(before) || value_is_good(&report));
}

/* Anything that is SignedData serves as a token here: to be put in, not to be believed. */
static void demand_stamped(const Case *c, Bytes file, const VerifyReport *before) {
        _own_ Own stamped = {}, value = {};
        ErrorDetail detail = {};
        VerifyReport report;

        int r = cms_signature_value(file, &value.data, &value.bytes.size, &detail);
        fuzz_demand((r == 0) == (value.data != NULL));
        int added = cms_add_timestamp(file, file, &stamped.data, &stamped.bytes.size, &detail);
        fuzz_demand(added == 0 || added == SEAL_E_INVALID_ARGS);
        fuzz_demand(added != 0 || r == 0);
        if (added != 0)
                return;
        stamped.bytes.data = stamped.data;
        verify(c, stamped.bytes, &report);
        fuzz_demand(!value_is_good(before) || value_is_good(&report));
        if (verify_result(before, CHECK_STRUCTURE) == CHECK_PASSED)
                fuzz_demand(verify_result(&report, CHECK_TIMESTAMP) == CHECK_FAILED);
}

/* What cannot be read stays as it is. */
static Own resign(Bytes file) {
        const unsigned char *at = file.data;
        uint8_t signature[FUZZ_SIGNATURE_MAX];
        _own_ Own message = message_of(file);
        Own signed_file = {};

        if (message.bytes.size == 0)
                return own(file);
        CmsInfo *info = (CmsInfo *) ASN1_item_d2i(NULL, &at, (long) file.size,
                                                  ASN1_ITEM_rptr(CmsInfo));
        const int size = (int) fuzz_sign(message.bytes, signature);
        fuzz_demand(ASN1_OCTET_STRING_set(sk_CmsSignerInfo_value(info->data->signers, 0)->signature,
                                          signature, size) == 1);
        fuzz_demand(x509_encode(info, ASN1_ITEM_rptr(CmsInfo), &signed_file.data,
                                &signed_file.bytes.size) == 0);
        signed_file.bytes.data = signed_file.data;
        CmsInfo_free(info);
        return signed_file;
}

static void digest_add(VerifyDocument *document, const char *hash, Bytes bytes) {
        unsigned size = 0;

        document->digests[document->count].hash = hash;
        fuzz_demand(EVP_Digest(bytes.data, bytes.size, document->digests[document->count].digest,
                               &size, EVP_get_digestbyname(hash), NULL) == 1);
        document->digests[document->count++].size = size;
}

static void fuzz_file(Input *input) {
        const uint8_t flags = input_u8(input);
        _own_ Own anchor = own(input_field(input)), document = own(input_field(input));
        _own_ Own plain = own((Bytes){ input->data, input->size });
        _own_ Own file = flags & RESIGN ? resign(plain.bytes) : own(plain.bytes);
        Case c = { .document = document.bytes, .anchor = anchor.bytes };
        VerifyReport report;

        c.trust = (VerifyTrust){ .anchors = { &c.anchor, 1 },
                                 .timestamp_anchors = { &c.anchor, 1 },
                                 .now = NOW };
        digest_add(&c.digests, "sha256", document.bytes);
        digest_add(&c.digests, "sm3", document.bytes);
        verify(&c, file.bytes, &report);
        if (value_is_good(&report))
                demand_signed(&c, file.bytes, input->size * 2654435761U >> 7);
        demand_embedded(&c, file.bytes, &report);
        demand_stamped(&c, file.bytes, &report);
        const char *hashes[VERIFY_HASHES_MAX];
        const size_t count = cms_document_hashes(file.bytes, hashes);
        fuzz_demand(verify_result(&report, CHECK_DOCUMENT_HASH) != CHECK_PASSED || count > 0);
}

/* --- attributes ----------------------------------------------------------------------------- */

static void fuzz_attributes(Input *input) {
        const CmsProfile profile = input_u8(input) % 2 ? CMS_PROFILE_PADES : CMS_PROFILE_CADES;
        _own_ Own der = own((Bytes){ input->data, input->size });
        TPM2B_DIGEST before, digest, other;
        CmsAttributes *attributes = NULL;
        _own_ Own again = {};

        memset(&before, 0xa5, sizeof(before));
        digest = before;
        int r = cms_document_digest(profile, der.bytes, &digest);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
        if (r != 0) {
                fuzz_demand(fuzz_same(&digest, &before, sizeof(before)));
                return;
        }
        fuzz_demand(digest.size <= DIGEST_MAX &&
                    memmem(der.data, der.bytes.size, digest.buffer, digest.size));
        fuzz_demand(cms_document_digest(profile == CMS_PROFILE_CADES ? CMS_PROFILE_PADES
                                                                     : CMS_PROFILE_CADES,
                                        der.bytes, &other) == SEAL_E_INVALID_ARGS);
        fuzz_demand(cms_attributes_read(der.bytes, &attributes) == 0);
        fuzz_demand(x509_encode(attributes, ASN1_ITEM_rptr(CmsAttributesSorted), &again.data,
                                &again.bytes.size) == 0);
        fuzz_demand(again.bytes.size == der.bytes.size &&
                    memcmp(again.data, der.data, der.bytes.size) == 0);
        cms_attributes_freep(&attributes);
}

/* --- our own -------------------------------------------------------------------------------- */

/* What was finished reads as what was given. */
static void demand_finished(const CmsFacts *facts, Bytes cms, Bytes signature) {
        const VerifyTrust nobody = { .now = NOW };
        _own_ Own value = {};
        VerifyReport report;
        const char *hashes[VERIFY_HASHES_MAX];
        VerifyDocument document = { .count = 1 };

        document.digests[0].hash = facts->algorithm->hash;
        document.digests[0].size = facts->document_digest.size;
        memcpy(document.digests[0].digest, facts->document_digest.data,
               facts->document_digest.size);
        fuzz_demand(cms_verify(cms, &document, &nobody, &report, 1, &(size_t){ 0 }) == 0);
        fuzz_demand(verify_result(&report, CHECK_STRUCTURE) == CHECK_PASSED);
        fuzz_demand(verify_result(&report, CHECK_DOCUMENT_HASH) == CHECK_PASSED);
        fuzz_demand(verify_result(&report, CHECK_SIGNING_CERTIFICATE) == CHECK_PASSED);
        fuzz_demand(!deviated(&report, DEVIATION_NOT_DER));
        fuzz_demand(!deviated(&report, DEVIATION_VERSION));
        fuzz_demand(cms_document_hashes(cms, hashes) == 1);
        fuzz_demand(strcmp(hashes[0], facts->algorithm->hash) == 0);
        fuzz_demand(cms_signature_value(cms, &value.data, &value.bytes.size, NULL) == 0);
        fuzz_demand(value.bytes.size == signature.size &&
                    memcmp(value.data, signature.data, signature.size) == 0);
}

static void fuzz_facts(Input *input) {
        const SignatureAlgorithm *algorithm = signature_algorithm_at(input_u8(input) % 10);
        const CmsProfile profile = input_u8(input) % 2 ? CMS_PROFILE_PADES : CMS_PROFILE_CADES;
        const uint64_t time = input_u64(input);
        _own_ Own digest = own(input_field(input)), one = own(input_field(input)),
                  two = own(input_field(input)), signature = own(input_field(input));
        const Bytes certificates[] = { one.bytes, two.bytes };
        const CmsFacts facts = { .profile = profile,
                                 .algorithm = algorithm,
                                 .document_digest = digest.bytes,
                                 .certificates = certificates,
                                 .certificate_count = two.bytes.size > 0 ? 2 : 1,
                                 .time = time };
        _own_ Own attributes = {}, cms = {};
        TPM2B_DIGEST told;

        int r = cms_prepare(&facts, &attributes.data, &attributes.bytes.size);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
        if (r != 0)
                return;
        attributes.bytes.data = attributes.data;
        fuzz_demand(cms_document_digest(profile, attributes.bytes, &told) == 0);
        fuzz_demand(told.size == digest.bytes.size &&
                    memcmp(told.buffer, digest.data, told.size) == 0);
        r = cms_finish(&facts, attributes.bytes, signature.bytes, &cms.data, &cms.bytes.size);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS || r == SEAL_E_CERTIFICATE_INVALID);
        if (r != 0)
                return;
        cms.bytes.data = cms.data;
        demand_finished(&facts, cms.bytes, signature.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static void (*const targets[])(Input *) = { fuzz_file, fuzz_attributes, fuzz_facts };
        Input input = { .data = data, .size = size };

        targets[input_u8(&input) % (sizeof(targets) / sizeof(targets[0]))](&input);
        return 0;
}
