/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "format/passport-judge.h"
#include "format/x509-read.h"
#include "format/x509-signed.h"
#include "policy/key.h"
#include "policy/openssl.h"

DEFINE_CLEANUP(X509_STORE, X509_STORE_free)
DEFINE_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free)

static void chain_free(STACK_OF(X509) * *chain) {
        sk_X509_pop_free(*chain, X509_free);
}

#define _cleanup_chain_ _cleanup_(chain_free)

/* --- reading -------------------------------------------------------------------------------- */

static int certificate_read(const Judgement *j, const PassportDer *der, const char *what, size_t i,
                            X509 **ret) {
        int r = x509_read((Bytes){ der->data, der->size }, ret, NULL);

        return r <= 0 ? r : judgement_refuse(j, "%s %zu is not a certificate", what, i + 1);
}

static int chain_read(const Judgement *j, const PassportDers *ders, const char *what,
                      STACK_OF(X509) * *ret) {
        _cleanup_chain_ STACK_OF(X509) *chain = sk_X509_new_null();

        if (!chain)
                return openssl_short();
        for (size_t i = 0; i < ders->count; i++) {
                X509 *certificate = NULL;

                int r = certificate_read(j, &ders->items[i], what, i, &certificate);
                if (r != 0)
                        return r;
                if (sk_X509_push(chain, certificate) == 0) {
                        X509_free(certificate);
                        return openssl_short();
                }
        }
        *ret = steal_ptr(chain);
        return 0;
}

/* --- the seal's ----------------------------------------------------------------------------- */

static int judge_public_key(const Judgement *j, X509 *certificate) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;

        int r = public_to_pkey(&j->statement->seal.public, &key);
        if (r != 0)
                return r;
        EVP_PKEY *of_certificate = X509_get0_pubkey(certificate);
        bool equal = of_certificate && EVP_PKEY_eq(key, of_certificate) == 1;
        ERR_clear_error();
        return equal ? 0
                     : judgement_refuse(j, "The seal's certificate is of another key than the "
                                           "seal's");
}

/* Each one is signed by the next. */
static int judge_issuers(const Judgement *j, STACK_OF(X509) * chain) {
        for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
                int r = x509_verify_by(sk_X509_value(chain, i), sk_X509_value(chain, i + 1));
                if (r < 0)
                        return r;
                if (r > 0)
                        return judgement_refuse(j,
                                                "Certificate %d of the seal was not issued by "
                                                "the next one",
                                                i + 1);
        }
        return 0;
}

/* Told, and not judged: of an expired certificate a passport may tell, too. */
static int judge_period(const Judgement *j, X509 *first) {
        PassportFacts *facts = j->facts;

        if (!x509_time_read(X509_get0_notBefore(first), &facts->certificate_not_before) ||
            !x509_time_read(X509_get0_notAfter(first), &facts->certificate_not_after))
                return judgement_refuse(j, "The seal's certificate has times that are none");
        (void) x509_name_text(X509_get_subject_name(first), facts->certificate_subject);
        (void) x509_name_text(X509_get_issuer_name(first), facts->certificate_issuer);
        facts->certified = true;
        return 0;
}

static int judge_seals(const Judgement *j) {
        const PassportDers *ders = &j->statement->certificates;
        _cleanup_chain_ STACK_OF(X509) *chain = NULL;

        if (ders->count == 0)
                return 0;
        int r = chain_read(j, ders, "The seal's certificate", &chain);
        if (r == 0)
                r = judge_public_key(j, sk_X509_value(chain, 0));
        if (r == 0)
                r = judge_issuers(j, chain);
        if (r != 0)
                return r;
        return judge_period(j, sk_X509_value(chain, 0));
}

/* --- the endorsement key's ------------------------------------------------------------------ */

static int roots_refused(const Judgement *j) {
        int r = openssl_refused(SEAL_E_INVALID_ARGS);

        return r < 0 ? r
                     : error_set(j->detail, r,
                                 "The roots for the endorsement key are no "
                                 "certificates in PEM");
}

/* All of the blocks, at least one. */
static int store_read(const Judgement *j, X509_STORE *store) {
        _cleanup_(BIO_freep)
                BIO *in = BIO_new_mem_buf(j->wanted->ek_roots.data, (int) j->wanted->ek_roots.size);
        size_t count = 0;

        if (!in)
                return openssl_short();
        for (;; count++) {
                _cleanup_(X509_freep) X509 *root = PEM_read_bio_X509(in, NULL, NULL, NULL);

                if (!root)
                        break;
                if (X509_STORE_add_cert(store, root) != 1)
                        return openssl_error();
        }
        if (count == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
                return roots_refused(j);
        ERR_clear_error();
        return 0;
}

/* As of the passport's own time. */
static int judge_chain(const Judgement *j, STACK_OF(X509) * chain) {
        _cleanup_(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
        _cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *context = X509_STORE_CTX_new();

        if (!store || !context)
                return openssl_short();
        int r = store_read(j, store);
        if (r != 0)
                return r;
        if (X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain) != 1)
                return openssl_error();
        X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context),
                                   (time_t) (j->statement->created / 1000000));
        bool good = X509_verify_cert(context) == 1;
        int why = X509_STORE_CTX_get_error(context);
        ERR_clear_error();
        if (!good && why == X509_V_ERR_OUT_OF_MEM)
                return -ENOMEM;
        if (!good)
                return judgement_refuse(j,
                                        "The endorsement key's certificate does not lead to the "
                                        "given roots: %s",
                                        X509_verify_cert_error_string(why));
        j->facts->ek_chain_known = true;
        return 0;
}

static int judge_endorsement(const Judgement *j) {
        const PassportDers *ders = &j->statement->ek_certificates;
        _cleanup_chain_ STACK_OF(X509) *chain = NULL;

        if (ders->count == 0)
                return j->wanted->ek_roots.size == 0
                               ? 0
                               : judgement_refuse(j, "The passport has no certificate of the TPM's "
                                                     "endorsement key that could lead to the given "
                                                     "roots");
        int r = chain_read(j, ders, "The endorsement key's certificate", &chain);
        if (r == 0 && j->wanted->ek_roots.size > 0)
                r = judge_chain(j, chain);
        if (r == 0)
                (void) x509_name_text(X509_get_issuer_name(sk_X509_value(chain, 0)),
                                      j->facts->ek_issuer);
        return r;
}

int passport_judge_certificates(const Judgement *j) {
        int r = judge_seals(j);

        return r == 0 ? judge_endorsement(j) : r;
}
