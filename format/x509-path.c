/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/utc.h"
#include "format/x509-route.h"
#include "format/x509-signed.h"
#include "policy/openssl.h"

DEFINE_CLEANUP(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free)
DEFINE_CLEANUP(X509_STORE, X509_STORE_free)
DEFINE_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free)

static void pile_free(STACK_OF(X509) * *pile) {
        sk_X509_pop_free(*pile, X509_free);
}

#define _cleanup_pile_ _cleanup_(pile_free)

#define SECURITY_LEVEL 2 /* 112 bits: no SHA-1, RSA of 2048 bits (SSL_CTX_set_security_level(3)) */

void x509_path_clear(X509Path *path) {
        for (size_t i = 0; i < path->count; i++)
                X509_free(path->certificates[i]);
        *path = (X509Path){};
}

/* --- findings --------------------------------------------------------------------------------- */

static void find(X509Finding *finding, bool good, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void find(X509Finding *finding, bool good, const char *format, ...) {
        va_list arguments;

        finding->good = good;
        va_start(arguments, format);
        (void) vsnprintf(finding->text, sizeof(finding->text), format, arguments);
        va_end(arguments);
}

/* What OpenSSL finds, in our words where its own mislead; the rest in its own. */
static const struct {
        int error;
        const char *text;
} words[] = {
        { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "its issuer is not among the certificates given" },
        { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
          "its issuer is not among the certificates given" },
        { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
          "its issuer is not among the certificates given" },
        { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
          "it is signed by itself and not among the trusted ones" },
        { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
          "it is signed by itself and not among the trusted ones" },
        { X509_V_ERR_CERT_SIGNATURE_FAILURE, "its signature is not its issuer's" },
        { X509_V_ERR_INVALID_CA, "it is not a CA certificate" },
        { X509_V_ERR_KEYUSAGE_NO_CERTSIGN, "its key usage does not allow to sign certificates" },
        { X509_V_ERR_PATH_LENGTH_EXCEEDED, "there are more CAs below it than it allows" },
        { X509_V_ERR_CERT_CHAIN_TOO_LONG, "there are too many certificates up to it" },
        { X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION,
          "it has a critical extension that is not understood" },
        { X509_V_ERR_NO_EXPLICIT_POLICY,
          "The chain lacks the policy that an issuer in it demands" },
        { X509_V_ERR_CA_MD_TOO_WEAK, "the hash of its signature is too weak" },
        { X509_V_ERR_CA_KEY_TOO_SMALL, "its key is too weak" },
        { X509_V_ERR_EE_KEY_TOO_SMALL, "its key is too weak" },
        { X509_V_ERR_INVALID_EXTENSION, "an extension of it cannot be read" },
};

static const char *error_words(int error) {
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (words[i].error == error)
                        return words[i].text;
        return X509_verify_cert_error_string(error);
}

static void complain(X509Finding *finding, const X509 *certificate, const char *text) {
        char name[X509_NAME_TEXT_MAX + 1] = "";

        if (!certificate) {
                find(finding, false, "%s", text);
                return;
        }
        (void) x509_name_text(X509_get_subject_name(certificate), name);
        find(finding, false, "%s: %s", name, text);
}

/* Of what cannot be read no issuer is found either; of a CA that may not be one, both are told. */
static void chain_complain(X509Finding *finding, X509 *certificate, int error) {
        if (certificate && (X509_get_extension_flags(certificate) & EXFLAG_INVALID))
                complain(finding, certificate, error_words(X509_V_ERR_INVALID_EXTENSION));
        else if (error == X509_V_ERR_INVALID_CA && certificate &&
                 (X509_get_extension_flags(certificate) & EXFLAG_CA))
                complain(finding, certificate,
                         "it is not a CA certificate: its key usage does not allow to sign "
                         "certificates");
        else
                complain(finding, certificate, error_words(error));
}

/* --- OpenSSL's part --------------------------------------------------------------------------- */

/* The first fault is kept; the path is followed as far as it goes. */
static int note(int good, X509_STORE_CTX *context) {
        X509Path *path = X509_STORE_CTX_get_app_data(context);
        int error = X509_STORE_CTX_get_error(context);

        if (good)
                return 1;
        if (error == X509_V_ERR_OUT_OF_MEM)
                return 0;
        if (path->chain.good)
                chain_complain(&path->chain, X509_STORE_CTX_get_current_cert(context), error);
        return 1;
}

static int store_fill(X509_STORE *store, const X509Trust *trust) {
        for (size_t i = 0; i < trust->anchor_count; i++) {
                _cleanup_(X509_freep) X509 *anchor = NULL;

                int r = x509_read(trust->anchors[i], &anchor, NULL);
                if (r < 0)
                        return r;
                if (r == 0 && X509_STORE_add_cert(store, anchor) != 1)
                        return openssl_short();
        }
        return 0;
}

static int pile_fill(STACK_OF(X509) * pile, const X509Trust *trust) {
        for (size_t i = 0; i < trust->other_count; i++) {
                _cleanup_(X509_freep) X509 *other = NULL;

                int r = x509_read(trust->others[i], &other, NULL);
                if (r < 0)
                        return r;
                if (r == 0 && sk_X509_push(pile, other) == 0)
                        return openssl_short();
                if (r == 0)
                        other = NULL; /* the pile has it now */
        }
        return 0;
}

static int context_prepare(X509_STORE_CTX *context, X509_STORE *store, X509 *leaf,
                           STACK_OF(X509) * others) {
        if (X509_STORE_CTX_init(context, store, leaf, others) != 1)
                return openssl_short();
        X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_depth(rules, CERTIFICATE_CHAIN_MAX -
                                                   2); /* between the leaf and the anchor */
        X509_VERIFY_PARAM_set_auth_level(rules, SECURITY_LEVEL);
        /* Times are judged by us: in the last second of a certificate OpenSSL finds it expired. */
        if (X509_VERIFY_PARAM_set_flags(
                    rules, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CHECK_SS_SIGNATURE |
                                   X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_NO_CHECK_TIME) != 1)
                return openssl_short();
        X509_STORE_CTX_set_verify_cb(context, note);
        return 0;
}

static int path_keep(X509Path *path, X509_STORE_CTX *context) {
        STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);

        for (int i = 0; i < sk_X509_num(chain) && path->count < CERTIFICATE_CHAIN_MAX; i++) {
                X509 *certificate = sk_X509_value(chain, i);

                if (X509_up_ref(certificate) != 1)
                        return openssl_short();
                path->certificates[path->count++] = certificate;
        }
        return 0;
}

/* OpenSSL takes certificates of before version 3, and those without the extension, for CAs. */
static void issuers_check(X509Path *path) {
        for (size_t i = 1; path->chain.good && i < path->count; i++)
                if (!(X509_get_extension_flags(path->certificates[i]) & EXFLAG_CA))
                        complain(&path->chain, path->certificates[i],
                                 error_words(X509_V_ERR_INVALID_CA));
}

/* Trusted as it is: neither issuer nor CA is asked of it. */
static int leaf_keep(X509Path *path, X509 *leaf) {
        if (X509_up_ref(leaf) != 1)
                return openssl_short();
        path->certificates[path->count++] = leaf;
        find(&path->chain, true, "The certificate is a trusted one itself");
        return 0;
}

static bool is_anchor(Bytes der, const X509Trust *trust) {
        for (size_t i = 0; i < trust->anchor_count; i++)
                if (trust->anchors[i].size == der.size &&
                    memcmp(trust->anchors[i].data, der.data, der.size) == 0)
                        return true;
        return false;
}

static int chain_judge(X509 *leaf, const X509Trust *trust, X509Path *path) {
        _cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *context = X509_STORE_CTX_new();
        _cleanup_(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
        _cleanup_pile_ STACK_OF(X509) *others = sk_X509_new_null();

        if (!context || !store || !others)
                return openssl_short();
        int r = store_fill(store, trust);
        if (r == 0)
                r = pile_fill(others, trust);
        if (r == 0)
                r = context_prepare(context, store, leaf, others);
        if (r != 0)
                return r;
        if (X509_STORE_CTX_set_app_data(context, path) != 1)
                return openssl_short();
        ERR_clear_error();
        int verdict = X509_verify_cert(context);
        int error = X509_STORE_CTX_get_error(context);
        if (openssl_ran_short() || error == X509_V_ERR_OUT_OF_MEM)
                return -ENOMEM;
        if (verdict != 1 && path->chain.good)
                complain(&path->chain, leaf, error_words(error));
        return path_keep(path, context);
}

/* --- times ------------------------------------------------------------------------------------ */

/* From the first second to the last, both included (RFC 5280 §4.1.2.5). */
static void period_check(const X509 *certificate, uint64_t time, X509Finding *ret) {
        uint64_t not_before, not_after;
        char text[64], when[TIME_TEXT_SIZE];

        if (!x509_time_read(X509_get0_notBefore(certificate), &not_before) ||
            !x509_time_read(X509_get0_notAfter(certificate), &not_after))
                return complain(ret, certificate, "its validity cannot be read");
        if (time < not_before) {
                (void) snprintf(text, sizeof(text), "it was not valid before %s",
                                time_format_rfc3339(not_before, when));
                complain(ret, certificate, text);
        } else if (time >= not_after + USEC_PER_SEC) {
                (void) snprintf(text, sizeof(text), "it expired at %s",
                                time_format_rfc3339(not_after, when));
                complain(ret, certificate, text);
        }
}

static void validity_check(X509Path *path, uint64_t time) {
        for (size_t i = 0; path->validity.good && i < path->count; i++)
                period_check(path->certificates[i], time, &path->validity);
}

/* --- the leaf's use --------------------------------------------------------------------------- */

/*
 * An extended key usage allows what it names and nothing else (RFC 5280 §4.2.1.12): also one that
 * cannot be read, be it that memory was short.
 */
static bool is_for_others(const X509 *certificate) {
        static const int others[] = { NID_server_auth, NID_code_sign, NID_time_stamp,
                                      NID_OCSP_sign };
        _cleanup_(EXTENDED_KEY_USAGE_freep) EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(
                certificate, NID_ext_key_usage, NULL, NULL);
        int known = 0;

        for (int i = 0; i < sk_ASN1_OBJECT_num(uses); i++)
                for (size_t j = 0; j < sizeof(others) / sizeof(others[0]); j++)
                        known += OBJ_obj2nid(sk_ASN1_OBJECT_value(uses, i)) == others[j];
        if (!uses) {
                ERR_clear_error();
                return X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1) >= 0;
        }
        return known == sk_ASN1_OBJECT_num(uses);
}

static void signing_check(X509 *certificate, X509Finding *ret) {
        uint32_t usage = X509_get_key_usage(certificate);

        if (is_for_others(certificate))
                complain(ret, certificate,
                         "its extended key usage is for other things than documents");
        else if ((usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0)
                find(ret, true, "The key may sign documents");
        else
                complain(ret, certificate, "its key usage does not allow to sign documents");
}

static void maker_check(X509 *certificate, X509Finding *ret) {
        uint32_t usage = X509_get_key_usage(certificate), needed = KU_KEY_CERT_SIGN | KU_CRL_SIGN;

        if (!(X509_get_extension_flags(certificate) & EXFLAG_CA))
                complain(ret, certificate, error_words(X509_V_ERR_INVALID_CA));
        else if ((usage & needed) != needed)
                complain(ret, certificate,
                         "its key usage does not allow to sign certificates and revocation lists");
        else
                find(ret, true, "The key may sign certificates and revocation lists");
}

static void timestamp_check(X509 *certificate, X509Finding *ret) {
        int at = X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1);
        bool critical = at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(certificate, at));

        if (!(X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) || !critical ||
            X509_get_extended_key_usage(certificate) != XKU_TIMESTAMP)
                complain(ret, certificate, "its key is not for timestamps alone");
        else if ((X509_get_key_usage(certificate) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) ==
                 0)
                complain(ret, certificate, "its key usage does not allow to sign timestamps");
        else
                find(ret, true, "The key may sign timestamps");
}

void x509_usage_check(X509 *certificate, X509Use use, X509Finding *ret) {
        if (X509_get_extension_flags(certificate) & EXFLAG_INVALID) {
                complain(ret, certificate, error_words(X509_V_ERR_INVALID_EXTENSION));
                return;
        }
        switch (use) {
        case X509_USE_SEAL:
                return signing_check(certificate, ret);
        case X509_USE_MAKER:
                return maker_check(certificate, ret);
        case X509_USE_TIMESTAMP:
                return timestamp_check(certificate, ret);
        }
}

/* --- all three -------------------------------------------------------------------------------- */

static int path_once(Bytes leaf, const X509Trust *trust, X509Use use, uint64_t time, X509Path *ret,
                     ErrorDetail *detail) {
        _cleanup_(X509_freep) X509 *certificate = NULL;
        _cleanup_(x509_path_clear) X509Path path = {};

        int r = x509_read(leaf, &certificate, detail);
        if (r != 0)
                return r;
        find(&path.chain, true, "The chain leads to a trusted certificate");
        find(&path.validity, true, "All certificates of the chain were valid");
        x509_usage_check(certificate, use, &path.usage);
        r = is_anchor(leaf, trust) ? leaf_keep(&path, certificate)
                                   : chain_judge(certificate, trust, &path);
        if (r != 0)
                return r;
        issuers_check(&path);
        validity_check(&path, time);
        *ret = path;
        path = (X509Path){};
        return 0;
}

static void path_take(X509Path *path, X509Path *from) {
        x509_path_clear(path);
        *path = *from;
        *from = (X509Path){};
}

/* One way alone is offered. Of those that fail the first is told: it led to an anchor. */
static int routes_try(Bytes leaf, const X509Route *routes, size_t count, X509Use use, uint64_t time,
                      X509Path *path, ErrorDetail *detail) {
        for (size_t i = 0; i < count && !path->chain.good; i++) {
                const size_t between = routes[i].count - 1;
                const X509Trust trust = { &routes[i].items[between], 1, routes[i].items, between };
                _cleanup_(x509_path_clear) X509Path found = {};

                int r = path_once(leaf, &trust, use, time, &found, detail);
                if (r != 0)
                        return r;
                if (i == 0 || found.chain.good)
                        path_take(path, &found);
        }
        return 0;
}

/* libcrypto's own way, which is nearly always there; else all others. */
static int path_any(Bytes leaf, const X509Trust *trust, X509Use use, uint64_t time, X509Path *ret,
                    ErrorDetail *detail) {
        _cleanup_(x509_path_clear) X509Path path = {};
        X509Route routes[ROUTES_MAX];
        size_t count = 0;

        int r = path_once(leaf, trust, use, time, &path, detail);
        if (r == 0 && !path.chain.good)
                r = x509_routes_find(path.certificates[0], trust, routes, &count);
        if (r == 0)
                r = routes_try(leaf, routes, count, use, time, &path, detail);
        if (r == 0)
                path_take(ret, &path);
        return r;
}

static int current_take(const Bytes *ders, size_t count, uint64_t time, Bytes *ret,
                        size_t *ret_count) {
        for (size_t i = 0; i < count; i++) {
                _cleanup_(X509_freep) X509 *certificate = NULL;
                X509Finding finding = { .good = true };

                int r = x509_read(ders[i], &certificate, NULL);
                if (r < 0)
                        return r;
                if (r == 0)
                        period_check(certificate, time, &finding);
                if (r == 0 && finding.good)
                        ret[(*ret_count)++] = ders[i];
        }
        return 0;
}

/*
 * Of an authority's certificates of one key, libcrypto takes the first, be it over: not offered
 * one.
 */
static int path_of_current(Bytes leaf, const X509Trust *trust, X509Use use, uint64_t time,
                           X509Path *ret, ErrorDetail *detail) {
        _cleanup_free_ Bytes *kept = calloc(trust->anchor_count + trust->other_count + 1,
                                            sizeof(*kept));
        X509Trust current = { .anchors = kept };

        if (!kept)
                return -ENOMEM;
        int r = current_take(trust->anchors, trust->anchor_count, time, kept,
                             &current.anchor_count);
        current.others = kept + current.anchor_count;
        if (r == 0)
                r = current_take(trust->others, trust->other_count, time,
                                 kept + current.anchor_count, &current.other_count);
        return r == 0 ? path_any(leaf, &current, use, time, ret, detail) : r;
}

int x509_path_find(Bytes leaf, const X509Trust *trust, X509Use use, uint64_t time, X509Path *ret,
                   ErrorDetail *detail) {
        _cleanup_(x509_path_clear) X509Path path = {};

        int r = path_of_current(leaf, trust, use, time, &path, detail);
        if (r == 0 && !path.chain.good) {
                x509_path_clear(&path);
                r = path_any(leaf, trust, use, time, &path, detail);
        }
        if (r == 0 && !path.chain.good) { /* twice: policy/openssl.h */
                x509_path_clear(&path);
                r = path_any(leaf, trust, use, time, &path, detail);
        }
        if (r != 0)
                return r;
        *ret = path;
        path = (X509Path){};
        return 0;
}
