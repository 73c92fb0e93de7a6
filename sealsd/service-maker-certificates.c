/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The makers' certificates: those that they have, what an authority above them is asked for
 * (PKCS #10), and what it has issued.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "format/x509-chain.h"
#include "format/x509-request.h"
#include "policy/key.h"
#include "policy/openssl.h"
#include "sealsd/certificate-chain.h"
#include "sealsd/service-certify.h"
#include "sealsd/service-life.h"
#include "sealsd/service-maker.h"

/* Zeroed, of MAKERS_MAX; makers_freep() wipes them. */
static int makers_read(Service *service, Maker **ret, size_t *ret_count) {
        Maker *makers = calloc(MAKERS_MAX, sizeof(*makers));

        if (!makers)
                return -ENOMEM;
        *ret = makers;
        return store_maker_list(service->store, makers, ret_count);
}

static void makers_freep(Maker **makers) {
        if (*makers)
                OPENSSL_cleanse(*makers, MAKERS_MAX * sizeof(**makers));
        free(*makers);
}

#define _cleanup_makers_ _cleanup_(makers_freep)

/* --- what there is ---------------------------------------------------------------------------- */

static int list_add_maker(Service *service, const Maker *maker, DerList *list) {
        _cleanup_certificate_ CertificateRecord record = {};
        _cleanup_chain_ CertificateChain chain = {};

        int r = store_maker_certificate_get(service->store, maker->id, &record);
        if (r != 0)
                return r;
        const Bytes parts[] = { { record.der, record.der_size },
                                { record.chain, record.chain_size } };
        r = certificate_chain_of(parts, 2, &chain);
        for (size_t i = 0; r == 0 && i < chain.count; i++)
                r = der_list_add(list, chain.items[i]);
        return r;
}

int service_maker_certificates(Service *service, DerList *ret, ErrorDetail *detail) {
        _cleanup_makers_ Maker *makers = NULL;
        size_t count = 0;

        int r = service_require_ready(service, detail);
        if (r == 0)
                r = makers_read(service, &makers, &count);
        for (size_t i = 0; r == 0 && i < count; i++)
                r = list_add_maker(service, &makers[i], ret);
        return r;
}

/* --- requests --------------------------------------------------------------------------------- */

typedef struct RequestsJob {
        ServiceJob head;
        MakerUse uses[MAKERS_MAX];
        MakerRequests requests;
} RequestsJob;

static void requests_free(RequestsJob *job) {
        for (size_t i = 0; i < job->requests.count; i++) {
                maker_use_clear(&job->uses[i]);
                free((void *) job->requests.items[i].der.data);
        }
        (void) service_job_discard(job);
}

static int request_sign(const MakerUse *use, Chip *chip, Bytes *ret, ErrorDetail *detail) {
        X509RequestFacts facts = {
                .subject = { use->subject, use->subject_size },
                .use = X509_USE_MAKER,
        };
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        _cleanup_free_ uint8_t *tbs = NULL;
        uint8_t *der = NULL;
        size_t size = 0;

        int r = public_to_pkey(&use->key.public, &key);
        if (r != 0)
                return r;
        facts.key = key;
        r = x509_request_prepare(&facts, &tbs, &size, detail);
        if (r == 0)
                r = maker_use_finish(use, chip, (Bytes){ tbs, size }, &der, &ret->size, detail);
        free((void *) ret->data); /* of a run that was cut off */
        ret->data = der;
        return r;
}

static int requests_run(Job *job, Chip *chip, ErrorDetail *detail) {
        RequestsJob *j = (RequestsJob *) job;

        int r = service_job_begin(&j->head, chip, detail);
        for (size_t i = 0; r == 0 && i < j->requests.count; i++)
                r = request_sign(&j->uses[i], chip, &j->requests.items[i].der, detail);
        return r;
}

static void requests_done(Job *job, int code, const ErrorDetail *detail) {
        RequestsJob *j = (RequestsJob *) job;

        if (j->head.reply.done)
                j->head.reply.done(j->head.reply.userdata, code, detail, &j->requests);
        requests_free(j);
}

static int requests_fill(RequestsJob *job, ErrorDetail *detail) {
        _cleanup_makers_ Maker *makers = NULL;
        size_t count = 0;

        int r = makers_read(job->head.service, &makers, &count);
        for (size_t i = 0; r == 0 && i < count; i++) {
                r = makers_use_of(job->head.service, &makers[i], &job->uses[i]);
                if (r != 0)
                        return r;
                memcpy(job->requests.items[i].algorithm, makers[i].algorithm,
                       sizeof(makers[i].algorithm));
                job->requests.count++;
        }
        if (r == 0 && count == 0)
                r = error_set(detail, SEAL_E_NOT_FOUND,
                              "There is no maker yet: it is made when the machine is in an "
                              "approved state");
        return r;
}

int service_maker_requests(Service *service, const Caller *caller, Reply reply,
                           ErrorDetail *detail) {
        int r = service_require_ready(service, detail);
        RequestsJob *job = r == 0 ? service_job_new(service, sizeof(*job), caller->uid, reply)
                                  : NULL;

        if (!job)
                return r != 0 ? r : -ENOMEM;
        r = requests_fill(job, detail);
        if (r == 0)
                r = service_job_submit(&job->head, requests_run, requests_done);
        if (r != 0)
                requests_free(job);
        return r;
}

/* --- what another authority has issued -------------------------------------------------------- */

/* Whose key the certificate is about; NULL: nobody's. */
static int maker_of(const Maker *makers, size_t count, X509 *certificate, const Maker **ret) {
        const EVP_PKEY *key = X509_get0_pubkey(certificate);

        *ret = NULL;
        for (size_t i = 0; key && i < count && !*ret; i++) {
                _cleanup_(EVP_PKEY_freep) EVP_PKEY *own = NULL;

                int r = public_to_pkey(&makers[i].public, &own);
                if (r != 0)
                        return r;
                if (EVP_PKEY_eq(own, key) == 1)
                        *ret = &makers[i];
        }
        ERR_clear_error();
        return 0;
}

static int check_name(const Maker *maker, const X509 *certificate, ErrorDetail *detail) {
        const unsigned char *at = maker->subject;
        _cleanup_(X509_NAME_freep)
                X509_NAME *name = d2i_X509_NAME(NULL, &at, (long) maker->subject_size);

        if (!name)
                return openssl_error();
        if (X509_NAME_cmp(name, X509_get_subject_name(certificate)) == 0)
                return 0;
        char own[X509_NAME_TEXT_MAX + 1];
        return error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                         "Its subject is another than the maker's, which stands in all that it has "
                         "issued: %s",
                         x509_name_text(name, own));
}

/* Seals' certificates name their issuer's key by it. */
static int check_identifier(const CertificateRecord *before, const X509 *certificate,
                            ErrorDetail *detail) {
        _cleanup_(X509_freep) X509 *old = NULL;

        int r = x509_read((Bytes){ before->der, before->der_size }, &old, detail);
        if (r != 0)
                return r;
        const ASN1_OCTET_STRING *was = X509_get0_subject_key_id(old);
        const ASN1_OCTET_STRING *is = X509_get0_subject_key_id((X509 *) certificate);
        if (was && is && ASN1_OCTET_STRING_cmp(was, is) == 0)
                return 0;
        return error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                         "Its subject key identifier is another than the one that certificates of "
                         "seals name; have the authority take it from the request");
}

int certificate_record_of(const Bytes *chain, size_t count, X509 *leaf, CertificateRecord *ret) {
        const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);

        if (serial->length < 1 || (size_t) serial->length > sizeof(ret->serial) ||
            !x509_time_read(X509_get0_notBefore(leaf), &ret->not_before) ||
            !x509_time_read(X509_get0_notAfter(leaf), &ret->not_after))
                return SEAL_E_CERTIFICATE_INVALID;
        memcpy(ret->serial, serial->data, (size_t) serial->length);
        ret->serial_size = (size_t) serial->length;
        int r = certificate_chain_join(chain, 1, &ret->der, &ret->der_size);
        return r == 0 ? certificate_chain_join(chain + 1, count - 1, &ret->chain, &ret->chain_size)
                      : r;
}

#define MAKER_CHAIN_MAX (CERTIFICATE_CHAIN_MAX - 1)

static int set_write(Service *service, const Caller *caller, const Maker *maker,
                     const CertificateRecord *record) {
        int r = store_begin(service->store);

        if (r != 0)
                return r;
        r = store_maker_certificate_add(service->store, maker->id, record);
        if (r == 0)
                r = service_event_certificate(service, EVENT_MAKER_CERTIFICATES_SET, caller,
                                              maker->algorithm, NULL, record);
        return store_end(service->store, r);
}

static int set_check(Service *service, const Maker *maker, const Bytes *chain, size_t count,
                     X509 *leaf, ErrorDetail *detail) {
        _cleanup_certificate_ CertificateRecord before = {};

        int r = store_maker_certificate_get(service->store, maker->id, &before);
        if (r == 0)
                r = x509_chain_check(chain, count, X509_get0_pubkey(leaf), X509_USE_MAKER,
                                     service_now(service), detail);
        if (r == 0)
                r = check_name(maker, leaf, detail);
        return r == 0 ? check_identifier(&before, leaf, detail) : r;
}

static int set_of(Service *service, const Caller *caller, const Maker *maker, const Bytes *chain,
                  size_t count, X509 *leaf, ErrorDetail *detail) {
        _cleanup_certificate_ CertificateRecord record = { .by = service_act(service, caller) };

        int r = set_check(service, maker, chain, count, leaf, detail);
        if (r == 0)
                r = certificate_record_of(chain, count, leaf, &record);
        return r == 0 ? set_write(service, caller, maker, &record) : r;
}

int service_set_maker_certificates(Service *service, const Caller *caller, const Bytes *chain,
                                   size_t count, ErrorDetail *detail) {
        _cleanup_(X509_freep) X509 *leaf = NULL;
        _cleanup_makers_ Maker *makers = NULL;
        const Maker *maker = NULL;
        size_t maker_count = 0;

        int r = service_require_ready(service, detail);
        if (r == 0)
                r = service_require_sound(service, detail);
        if (r == 0 && count == 0)
                r = error_set(detail, SEAL_E_INVALID_ARGS,
                              "Give the maker's certificate first, "
                              "then those above it");
        if (r == 0 && count > MAKER_CHAIN_MAX)
                r = error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                              "A maker's chain has at most %d certificates: a seal's stands below "
                              "it in all that is signed",
                              MAKER_CHAIN_MAX);
        if (r == 0)
                r = x509_read(chain[0], &leaf, detail);
        if (r == 0)
                r = makers_read(service, &makers, &maker_count);
        if (r == 0)
                r = maker_of(makers, maker_count, leaf, &maker);
        if (r == 0)
                r = maker ? set_of(service, caller, maker, chain, count, leaf, detail)
                          : error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                                      "The first certificate is of no maker's key here");
        if (r == 0)
                service_changed(service, "manager", "", service->state);
        return r;
}
