/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-chain.h"

#include <errno.h>

#include <openssl/x509v3.h>

#include "format/x509-path.h"
#include "format/x509-signed.h"
#include "policy/openssl.h"

typedef struct Chain {
        size_t count;
        X509 *certificates[CERTIFICATE_CHAIN_MAX];
} Chain;

static void chain_clear(Chain *chain) {
        for (size_t i = 0; i < chain->count; i++)
                X509_free(chain->certificates[i]);
}

static int chain_read(const Bytes *ders, size_t count, Chain *ret, ErrorDetail *detail) {
        if (count == 0)
                return error_set(detail, SEAL_E_INVALID_ARGS, "There is no certificate");
        if (count > CERTIFICATE_CHAIN_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "A chain has at most %d certificates", CERTIFICATE_CHAIN_MAX);
        for (size_t i = 0; i < count; i++) {
                int r = x509_read(ders[i], &ret->certificates[i], detail);
                if (r != 0)
                        return r;
                ret->count = i + 1;
        }
        return 0;
}

static int key_check(X509 *leaf, EVP_PKEY *key, ErrorDetail *detail) {
        EVP_PKEY *of_leaf = X509_get0_pubkey(leaf);

        bool equal = of_leaf && EVP_PKEY_eq(of_leaf, key) == 1;
        ERR_clear_error();
        return equal ? 0
                     : error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                                 "The first certificate is of another key");
}

static int links_check(const Chain *chain, ErrorDetail *detail) {
        for (size_t i = 0; i + 1 < chain->count; i++) {
                int r = x509_verify_by(chain->certificates[i], chain->certificates[i + 1]);
                if (r < 0)
                        return r;
                if (r > 0)
                        return error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                                         "Certificate %zu was not issued by the next one", i + 1);
        }
        return 0;
}

/* What a path does not ask of its anchor: whoever signs himself has done so. */
static int last_check(X509 *last, ErrorDetail *detail) {
        char name[X509_NAME_TEXT_MAX + 1];

        (void) x509_name_text(X509_get_subject_name(last), name);
        if (X509_get_extension_flags(last) & (EXFLAG_CRITICAL | EXFLAG_INVALID))
                return error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                                 "%s: it has a critical extension that is not understood", name);
        if (X509_NAME_cmp(X509_get_issuer_name(last), X509_get_subject_name(last)) != 0)
                return 0;
        int r = x509_verify_by(last, last);
        return r == SEAL_E_APPROVAL_INVALID ? error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                                                        "%s: its signature is not its own", name)
                                            : r;
}

static int use_check(X509 *leaf, X509Use use, ErrorDetail *detail) {
        X509Finding usage;

        if (use != X509_USE_MAKER && (X509_get_extension_flags(leaf) & EXFLAG_CA))
                return error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                                 "The first certificate is a CA's");
        x509_usage_check(leaf, use, &usage);
        return usage.good ? 0 : error_set(detail, SEAL_E_CERTIFICATE_INVALID, "%s", usage.text);
}

/* The last stands for the anchor: what is asked is whether the rest holds below it. */
static int rules_check(const Bytes *ders, size_t count, X509Use use, uint64_t now,
                       ErrorDetail *detail) {
        const X509Trust trust = {
                .anchors = &ders[count - 1],
                .anchor_count = 1,
                .others = &ders[1],
                .other_count = count - 1,
        };
        _cleanup_(x509_path_clear) X509Path path = {};

        int r = x509_path_find(ders[0], &trust, use, now, &path, detail);
        if (r != 0)
                return r;
        if (!path.chain.good)
                return error_set(detail, SEAL_E_CERTIFICATE_INVALID, "%s", path.chain.text);
        if (!path.validity.good)
                return error_set(detail, SEAL_E_CERTIFICATE_INVALID, "%s", path.validity.text);
        return path.count == count ? 0
                                   : error_set(detail, SEAL_E_CERTIFICATE_INVALID,
                                               "The chain has a certificate that is not needed");
}

static int check_once(const Bytes *chain, size_t count, EVP_PKEY *key, X509Use use, uint64_t now,
                      ErrorDetail *detail) {
        _cleanup_(chain_clear) Chain read = {};

        int r = chain_read(chain, count, &read, detail);
        if (r == 0)
                r = key_check(read.certificates[0], key, detail);
        if (r == 0)
                r = links_check(&read, detail);
        if (r == 0)
                r = last_check(read.certificates[count - 1], detail);
        if (r == 0)
                r = use_check(read.certificates[0], use, detail);
        return r == 0 ? rules_check(chain, count, use, now, detail) : r;
}

int x509_chain_check(const Bytes *chain, size_t count, EVP_PKEY *key, X509Use use, uint64_t now,
                     ErrorDetail *detail) {
        int r = check_once(chain, count, key, use, now, NULL);

        return r <= 0 ? r : check_once(chain, count, key, use, now, detail); /* policy/openssl.h */
}
