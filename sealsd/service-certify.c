/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-certify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/x509-certificate.h"
#include "policy/digest.h"
#include "policy/key.h"
#include "policy/openssl.h"
#include "sealsd/service-life.h"
#include "sealsd/service-maker.h"

void certification_clear(Certification *certification) {
        for (size_t i = 0; i < certification->url_count; i++)
                free(certification->urls[i]);
        certificate_record_free(&certification->record);
        eseal_issue_clear(&certification->issue);
        maker_use_clear(&certification->maker);
        *certification = (Certification){};
}

/* --- what is certified ------------------------------------------------------------------------ */

/* An institution's seal has its number, a person's the person's name (design, section 4). */
static bool is_institution(const Seal *seal) {
        return strcmp(seal->facts.class, "personal") != 0;
}

/* Whom the seal stands for; a person is no organization (EN 319 412-2 §4.2.4). */
static const char *organization_of(const Seal *seal) {
        const Application *facts = &seal->facts;

        return is_institution(seal) || facts->organization_identifier[0] ||
                               strcmp(facts->holder, facts->name) != 0
                       ? facts->holder
                       : NULL;
}

int service_seal_subject(const Service *service, const Seal *seal,
                         uint8_t ret[static DISTINGUISHED_NAME_MAX], size_t *ret_size,
                         ErrorDetail *detail) {
        const Application *facts = &seal->facts;
        const X509Subject subject = {
                .country = facts->country[0] ? facts->country : service->config->maker.country,
                .organization = organization_of(seal),
                .organization_identifier = facts->organization_identifier,
                .common_name = is_institution(seal) ? seal->number : facts->name,
        };
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        int r = x509_name_encode(&subject, &der, &size, detail);
        if (r != 0 || size > DISTINGUISHED_NAME_MAX)
                return r != 0 ? r : SEAL_E_LIMITS_EXCEEDED;
        memcpy(ret, der, size);
        *ret_size = size;
        return 0;
}

static int fill_subject(const Service *service, const Seal *seal, Certification *ret,
                        ErrorDetail *detail) {
        ret->eseal = is_institution(seal);
        return service_seal_subject(service, seal, ret->subject, &ret->subject_size, detail);
}

/* "%a" is the maker's algorithm. */
static char *url_expand(const char *url, const char *algorithm) {
        const size_t room = strlen(url) * (strlen(algorithm) + 1) + 1;
        char *ret = malloc(room), *to = ret;

        for (const char *from = url; ret && *from != '\0';) {
                if (from[0] != '%' || from[1] != 'a') {
                        *to++ = *from++;
                        continue;
                }
                to = stpcpy(to, algorithm);
                from += 2;
        }
        if (ret)
                *to = '\0';
        return ret;
}

static int fill_urls(const Service *service, Certification *ret) {
        const MakerConfig *config = &service->config->maker;

        for (size_t i = 0; i < config->crl_url_count; i++) {
                ret->urls[i] = url_expand(config->crl_urls[i], ret->maker.algorithm);
                if (!ret->urls[i])
                        return -ENOMEM;
                ret->url_count++;
        }
        return 0;
}

/* The seal's time, as far as its maker's own certificate reaches. */
static int fill_validity(const Seal *seal, Certification *ret, ErrorDetail *detail) {
        CertificateRecord *record = &ret->record;
        const uint64_t begin = seal->facts.not_before, end = seal->facts.not_after;

        record->not_before = begin > ret->maker.not_before ? begin : ret->maker.not_before;
        record->not_after = end < ret->maker.not_after ? end : ret->maker.not_after;
        record->not_before -= record->not_before % USEC_PER_SEC;
        record->not_after -= record->not_after % USEC_PER_SEC;
        if (record->not_before < record->not_after)
                return 0;
        return error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                         "The maker's own certificate ends before the seal begins");
}

int certification_fill(Service *service, const Seal *seal, const Caller *by, Certification *ret,
                       ErrorDetail *detail) {
        *ret = (Certification){};
        int r = makers_use(service, seal->facts.algorithm, &ret->maker);
        if (r == 0)
                r = fill_subject(service, seal, ret, detail);
        if (r == 0)
                r = fill_validity(seal, ret, detail);
        if (r == 0)
                r = fill_urls(service, ret);
        if (r == 0)
                r = eseal_issue_fill(service, seal, &ret->issue);
        ret->record.by = service_act(service, by);
        ret->record.issuer = ret->maker.maker;
        return r;
}

/* --- in the worker ---------------------------------------------------------------------------- */

static int certificate_sign(Certification *c, Chip *chip, EVP_PKEY *key, ErrorDetail *detail) {
        X509CertificateFacts facts = {
                .issuer = { c->maker.certificate, c->maker.certificate_size },
                .subject = { c->subject, c->subject_size },
                .key = key,
                .not_before = c->record.not_before,
                .not_after = c->record.not_after,
                .use = X509_USE_SEAL,
                .crl_urls = (const char *const *) c->urls,
                .crl_url_count = c->url_count,
                .eseal = c->eseal,
        };
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *maker = NULL;
        _cleanup_free_ uint8_t *tbs = NULL;
        size_t size = 0;

        int r = public_to_pkey(&c->maker.key.public, &maker);
        if (r == 0)
                r = x509_serial_make(facts.serial);
        if (r != 0)
                return r;
        facts.algorithm = maker_use_algorithm(maker);
        r = x509_certificate_prepare(&facts, &tbs, &size, detail);
        if (r == 0)
                r = maker_use_finish(&c->maker, chip, (Bytes){ tbs, size }, &c->record.der,
                                     &c->record.der_size, detail);
        c->record.serial_size = sizeof(facts.serial);
        memcpy(c->record.serial, facts.serial, sizeof(facts.serial));
        return r;
}

int certification_run(Certification *certification, Chip *chip, const TPM2B_PUBLIC *key,
                      ErrorDetail *detail) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *subject = NULL;

        free(certification->record.der); /* of a run that was cut off */
        certification->record.der = NULL;
        int r = public_to_pkey(key, &subject);
        if (r == 0)
                r = certificate_sign(certification, chip, subject, detail);
        return r == 0 ? eseal_issue_run(&certification->issue, &certification->maker, chip,
                                        &certification->record, detail)
                      : r;
}

/* --- in the register -------------------------------------------------------------------------- */

int service_event_certificate(Service *service, EventCode code, const Caller *caller,
                              const char *object, const char *seal,
                              const CertificateRecord *record) {
        TPM2B_DIGEST hash;

        int r = digest_bytes((Bytes){ record->der, record->der_size }, &hash);
        if (r != 0)
                return r;
        return service_event(
                service, (Event){ .code = code, .caller = caller, .seal = seal, .object = object },
                json_pack("{s:o, s:I, s:I, s:o}", "serial",
                          json_hex(record->serial, record->serial_size), "not-before",
                          (json_int_t) record->not_before, "not-after",
                          (json_int_t) record->not_after, "sha256",
                          json_hex(hash.buffer, hash.size)));
}

int certification_keep(Service *service, const Caller *caller, const char *number,
                       const Certification *certification) {
        int r = store_seal_certificate_add(service->store, number, &certification->record);

        return r == 0 ? service_event_certificate(service, EVENT_CERTIFICATE_ISSUED, caller,
                                                  certification->maker.algorithm, number,
                                                  &certification->record)
                      : r;
}

/* --- what there is ---------------------------------------------------------------------------- */

/* Above what a maker issued stands its certificate of now: its key and its name never change. */
static int issuer_fill(Service *service, uint64_t maker, CertificateRecord *ret) {
        return maker == 0 ? 0 : store_maker_certificate_get(service->store, maker, ret);
}

int service_seal_certificates(Service *service, const char *number, CertificateChain *ret) {
        _cleanup_certificate_ CertificateRecord record = {}, issuer = {};

        int r = store_seal_certificate_get(service->store, number, &record);
        if (r == SEAL_E_NOT_FOUND) {
                *ret = (CertificateChain){};
                return 0;
        }
        if (r == 0)
                r = issuer_fill(service, record.issuer, &issuer);
        if (r != 0)
                return r;
        const Bytes parts[] = {
                { record.der, record.der_size },
                { record.chain, record.chain_size },
                { issuer.der, issuer.der_size },
                { issuer.chain, issuer.chain_size },
        };
        return certificate_chain_of(parts, sizeof(parts) / sizeof(parts[0]), ret);
}

int service_seal_structure(Service *service, const Seal *seal, CertificateRecord *ret,
                           const char **ret_profile) {
        int r = store_seal_certificate_get(service->store, seal->number, ret);

        *ret_profile = "";
        if (r == SEAL_E_NOT_FOUND)
                return 0;
        if (r == 0 && ret->structure_size > 0)
                *ret_profile = strcmp(seal->facts.algorithm, "sm2") == 0
                                       ? "GB/T 38540-2020"
                                       : "GB/T 38540-2020 structure, non-SM algorithm";
        return r;
}

int service_check_certificate(Service *service, const char *number, bool required,
                              ErrorDetail *detail) {
        const uint64_t now = service_now(service);
        uint64_t begin, end;
        char text[TIME_TEXT_SIZE];

        int r = store_seal_certificate_validity(service->store, number, &begin, &end);
        if (r == SEAL_E_NOT_FOUND)
                return !required ? 0
                                 : error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                                             "Seal %s has no certificate: apply for a "
                                             "recertification ('sealctl apply recertify %s')",
                                             number, number);
        if (r != 0 || (begin <= now && now < end + USEC_PER_SEC))
                return r;
        return error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                         begin > now ? "The certificate of seal %s is not valid before %s"
                                     : "The certificate of seal %s has ended on %s: apply for a "
                                       "recertification",
                         number, time_format(begin > now ? begin : end, text));
}

/* Else nobody could be asked for another one. */
int service_certificate_why_not(Service *service, const char *number, SignFormat format,
                                ErrorDetail *detail) {
        return format == FORMAT_PKCS10 ? 0
                                       : service_check_certificate(service, number, false, detail);
}
