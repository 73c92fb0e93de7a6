/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, revocation lists and signature values of others, one of them by the first byte; and
 * our own, made of any facts. What is taken is written back as it was; what is found good is so
 * link by link.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "base/utc.h"
#include "format/x509-chain.h"
#include "format/x509-crl.h"
#include "format/x509-path.h"
#include "format/x509-request.h"
#include "policy/openssl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/own.h"

const unsigned fuzz_mutations = 100;

#define USES 3

/* --- certificates ----------------------------------------------------------------------------- */

static X509 *certificate_of(Bytes der) {
        _cleanup_free_ uint8_t *again = NULL;
        ErrorDetail detail = {};
        X509 *certificate = NULL;
        size_t size = 0;

        int r = x509_read(der, &certificate, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS || r == SEAL_E_LIMITS_EXCEEDED);
        fuzz_demand((r == 0) == (certificate != NULL));
        fuzz_demand((r == 0) == (detail.text[0] == '\0'));
        if (r != 0)
                return NULL;
        fuzz_demand(x509_write(certificate, &again, &size) == 0);
        fuzz_demand(size == der.size && memcmp(again, der.data, size) == 0);
        return certificate;
}

/* OpenSSL has followed it; we do so once more with what we know of signatures. */
static void demand_links(const X509Path *path) {
        for (size_t i = 0; i + 1 < path->count; i++) {
                X509 *issuer = path->certificates[i + 1];
                EVP_PKEY *key = X509_get0_pubkey(issuer);
                const X509_ALGOR *algorithm = X509_get0_tbs_sigalg(path->certificates[i]);

                fuzz_demand(X509_get_extension_flags(issuer) & EXFLAG_CA);
                if (key && signature_algorithm_read(algorithm, key))
                        fuzz_demand(x509_verify_by(path->certificates[i], issuer) == 0);
        }
}

static void fuzz_path(Input *input) {
        const X509Use use = (X509Use) (input_u8(input) % USES);
        const uint64_t time = input_u64(input) % UTC_MAX;
        _own_ Own leaf = own(input_field(input)), anchor = own(input_field(input)),
                  other = own(input_field(input));
        const X509Trust trust = { &anchor.bytes, 1, &other.bytes, 1 };
        _cleanup_(x509_path_clear) X509Path path = {};
        _cleanup_(X509_freep) X509 *certificate = certificate_of(leaf.bytes);

        int r = x509_path_find(leaf.bytes, &trust, use, time, &path, NULL);
        fuzz_demand((r == 0) == (certificate != NULL));
        fuzz_demand(r == 0 || path.count == 0);
        if (r != 0)
                return;
        fuzz_demand(path.count >= 1 && path.count <= CERTIFICATE_CHAIN_MAX);
        fuzz_demand(path.chain.text[0] && path.usage.text[0] && path.validity.text[0]);
        if (path.chain.good)
                demand_links(&path);
}

static void fuzz_chain(Input *input) {
        const X509Use use = (X509Use) (input_u8(input) % USES);
        const uint64_t time = input_u64(input) % UTC_MAX;
        _own_ Own a = own(input_field(input)), b = own(input_field(input)),
                  c = own(input_field(input));
        const Bytes chain[] = { a.bytes, b.bytes, c.bytes };
        _cleanup_(X509_freep) X509 *leaf = certificate_of(a.bytes);
        EVP_PKEY *key = leaf ? X509_get0_pubkey(leaf) : NULL;

        if (!key)
                return;
        for (size_t count = 0; count <= 3; count++) {
                ErrorDetail detail = {};

                int r = x509_chain_check(chain, count, key, use, time, &detail);
                fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS || r == SEAL_E_LIMITS_EXCEEDED ||
                            r == SEAL_E_CERTIFICATE_INVALID);
                fuzz_demand((r == 0) == (detail.text[0] == '\0'));
                fuzz_demand(r != 0 || count > 0);
        }
}

static void fuzz_file(Input *input) {
        _own_ Own file = own((Bytes){ input->data, input->size });
        DerList list = {};

        int r = x509_certificates_split(file.bytes, &list, NULL);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS || r == SEAL_E_LIMITS_EXCEEDED);
        fuzz_demand(r != 0 || list.count > 0); /* else what came before it may be there */
        r = x509_crls_split(file.bytes, &list, NULL);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS || r == SEAL_E_LIMITS_EXCEEDED);
        for (size_t i = 0; i < list.count; i++)
                X509_free(certificate_of(list.items[i]));
        der_list_clear(&list);
}

/* --- revocation lists ------------------------------------------------------------------------- */

static void demand_said(const X509Revocation *said, uint64_t time) {
        fuzz_demand(said->text[0]);
        fuzz_demand(said->status != X509_STATUS_REVOKED || said->date <= time);
}

static void fuzz_list(Input *input) {
        const uint64_t time = input_u64(input) % UTC_MAX;
        _own_ Own of = own(input_field(input)), by = own(input_field(input)),
                  list = own((Bytes){ input->data, input->size });
        _cleanup_(X509_freep) X509 *certificate = certificate_of(of.bytes),
                                   *issuer = certificate_of(by.bytes);
        _cleanup_(x509_crl_freep) X509Crl *crl = NULL;
        ErrorDetail detail = {};
        X509Revocation said;

        int r = x509_crl_read(list.bytes, &crl, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
        fuzz_demand((r == 0) == (crl != NULL) && (r == 0) == (detail.text[0] == '\0'));
        if (!certificate || !issuer)
                return;
        fuzz_demand(x509_revocation_at(&list.bytes, 1, certificate, issuer, time, UINT64_MAX,
                                       &said) == 0);
        demand_said(&said, time);
        if (!crl)
                return;
        r = x509_crl_verify(crl, issuer, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_APPROVAL_INVALID);
        fuzz_demand(r == 0 || said.status == X509_STATUS_UNKNOWN);
        x509_crl_find(crl, certificate, time, &said);
        demand_said(&said, time);
}

/* --- signature values ------------------------------------------------------------------------- */

/* What an identifier says we can say, too. */
static void demand_again(const SignatureAlgorithm *algorithm, EVP_PKEY *key) {
        _cleanup_(X509_ALGOR_freep) X509_ALGOR *identifier = X509_ALGOR_new();

        fuzz_demand(identifier && signature_algorithm_encode(algorithm, identifier) == 0);
        fuzz_demand(signature_algorithm_read(identifier, key) == algorithm);
}

static void fuzz_value(Input *input) {
        _own_ Own spki = own(input_field(input)), written = own(input_field(input)),
                  message = own(input_field(input)),
                  value = own((Bytes){ input->data, input->size });
        const unsigned char *at = spki.data, *from = written.data;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long) spki.bytes.size);
        _cleanup_(X509_ALGOR_freep)
                X509_ALGOR *identifier = d2i_X509_ALGOR(NULL, &from, (long) written.bytes.size);

        ERR_clear_error();
        if (!key || !identifier)
                return;
        const SignatureAlgorithm *algorithm = signature_algorithm_read(identifier, key);
        if (!algorithm)
                return;
        demand_again(algorithm, key);
        int r = signature_value_verify(algorithm, key, message.bytes, value.bytes, NULL);
        fuzz_demand(r == 0 || r == SEAL_E_APPROVAL_INVALID);
        r = x509_signature_verify(message.bytes, true, key);
        fuzz_demand(r == 0 || r == SEAL_E_APPROVAL_INVALID);
}

/* --- our own ---------------------------------------------------------------------------------- */

static char *text_of(Input *input) {
        return fuzz_text(input_field(input));
}

/* Whatever the facts: what is prepared and finished can be read, and says what it was given. */
static void demand_certificate(const X509CertificateFacts *facts) {
        _cleanup_free_ uint8_t *tbs = NULL, *der = NULL;
        ErrorDetail detail = {};
        size_t tbs_size = 0, size = 0;
        static const uint8_t signature[] = { 0x30, 0x00 };

        int r = x509_certificate_prepare(facts, &tbs, &tbs_size, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
        if (r != 0)
                return;
        fuzz_demand(x509_finish((Bytes){ tbs, tbs_size }, facts->algorithm,
                                (Bytes){ signature, sizeof(signature) }, &der, &size) == 0);
        if (size > CERTIFICATE_MAX)
                return;
        _cleanup_(X509_freep) X509 *certificate = certificate_of((Bytes){ der, size });
        fuzz_demand(certificate);
        fuzz_demand(!(X509_get_extension_flags(certificate) & (EXFLAG_INVALID | EXFLAG_CRITICAL)));
        uint64_t not_after = 0;
        fuzz_demand(x509_time_read(X509_get0_notAfter(certificate), &not_after));
        fuzz_demand(not_after == facts->not_after / USEC_PER_SEC * USEC_PER_SEC);
}

static void fuzz_facts(Input *input) {
        _own_ Own spki = own(input_field(input));
        const unsigned char *at = spki.data;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long) spki.bytes.size);
        _cleanup_free_ char *country = text_of(input), *organization = text_of(input),
                            *identifier = text_of(input), *name = text_of(input),
                            *url = text_of(input);
        const X509Subject subject = { country, organization, identifier, name };
        const char *const urls[] = { url };
        _cleanup_free_ uint8_t *der = NULL;
        ErrorDetail detail = {};
        X509CertificateFacts facts = {
                .key = key,
                .use = (X509Use) (input_u8(input) % USES),
                .not_before = input_u64(input),
                .not_after = input_u64(input),
                .crl_urls = urls,
                .crl_url_count = input_u8(input) % 2,
                .eseal = input_u8(input) % 2,
        };

        ERR_clear_error();
        int r = x509_name_encode(&subject, &der, &facts.subject.size, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
        fuzz_demand((r == 0) == (detail.text[0] == '\0'));
        facts.algorithm = key ? signature_algorithm_for(key, NULL, NULL) : NULL;
        if (r != 0 || !facts.algorithm)
                return;
        facts.subject.data = der;
        memcpy(facts.serial, "0123456789abcdef", sizeof(facts.serial));
        demand_certificate(&facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static void (*const targets[])(Input *) = { fuzz_path, fuzz_chain, fuzz_file,
                                                    fuzz_list, fuzz_value, fuzz_facts };
        Input input = { .data = data, .size = size };

        targets[input_u8(&input) % (sizeof(targets) / sizeof(targets[0]))](&input);
        return 0;
}
