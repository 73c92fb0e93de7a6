/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal-list.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <openssl/x509.h>

#include "base/limits.h"
#include "policy/openssl.h"

/* Names that are seen or that can be expected: the standard leaves them open. */
static const struct {
        const char *name;
        int nid;
} hashes[] = {
        { "SM3", NID_sm3 },
        { "1.2.156.10197.1.401", NID_sm3 },
        { "SHA-256", NID_sha256 },
        { "SHA256", NID_sha256 },
        { "2.16.840.1.101.3.4.2.1", NID_sha256 },
        { "SHA-384", NID_sha384 },
        { "SHA384", NID_sha384 },
        { "2.16.840.1.101.3.4.2.2", NID_sha384 },
        { "SHA-512", NID_sha512 },
        { "SHA512", NID_sha512 },
        { "2.16.840.1.101.3.4.2.3", NID_sha512 },
};

#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

static bool same(Bytes a, Bytes b) {
        return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* NID_undef for a name that is none of ours. */
static int hash_named(Bytes name) {
        for (size_t i = 0; i < HASHES; i++)
                if (strlen(hashes[i].name) == name.size &&
                    strncasecmp(hashes[i].name, (const char *) name.data, name.size) == 0)
                        return hashes[i].nid;
        return NID_undef;
}

/* 1, 0; negative errno. */
static int digest_is_of(Bytes digest, int nid, Bytes certificate) {
        uint8_t made[EVP_MAX_MD_SIZE];
        unsigned size = 0;

        if (EVP_Digest(certificate.data, certificate.size, made, &size, EVP_get_digestbynid(nid),
                       NULL) != 1)
                return openssl_error();
        return same(digest, (Bytes){ made, size });
}

static int digest_matches(const SesDigest *listed, Bytes certificate) {
        static const int ours[] = { NID_sm3, NID_sha256, NID_sha384, NID_sha512 };
        const Bytes value = ses_bytes(listed->value);
        const int named = hash_named(ses_bytes(listed->type));

        if (named != NID_undef)
                return digest_is_of(value, named, certificate);
        for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
                int r = digest_is_of(value, ours[i], certificate);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int item_matches(const SesListed *listed, Bytes certificate) {
        if (listed->type == SES_LISTED_DIGEST)
                return digest_matches(listed->d.digest, certificate);
        return same(ses_bytes(listed->d.certificate), certificate);
}

static X509 *certificate_parse(Bytes der) {
        const unsigned char *at = der.data;

        return der.size <= CERTIFICATE_MAX ? d2i_X509(NULL, &at, (long) der.size) : NULL;
}

/* Renewed since: another certificate of the same key. */
static bool key_is_listed(const STACK_OF(SesListed) * list, Bytes certificate) {
        _cleanup_(X509_freep) X509 *signer = certificate_parse(certificate);
        bool found = false;

        for (int i = 0; signer && !found && i < sk_SesListed_num(list); i++) {
                const SesListed *item = sk_SesListed_value(list, i);

                if (item->type != SES_LISTED_CERTIFICATE)
                        continue;
                _cleanup_(X509_freep)
                        X509 *other = certificate_parse(ses_bytes(item->d.certificate));
                found = other && X509_get0_pubkey(other) && X509_get0_pubkey(signer) &&
                        EVP_PKEY_eq(X509_get0_pubkey(other), X509_get0_pubkey(signer)) == 1;
        }
        ERR_clear_error();
        return found;
}

int eseal_list_check(const ESealFile *file, VerifyReport *report) {
        const STACK_OF(SesListed) *list = file->info->property->list;
        const Bytes certificate = file->signer.certificate;

        for (int i = 0; i < sk_SesListed_num(list); i++) {
                const SesListed *item = sk_SesListed_value(list, i);
                int r = item_matches(item, certificate);

                if (r < 0)
                        return r;
                if (r > 0) {
                        verify_check(report, CHECK_CERTIFICATE_IN_SEAL, CHECK_PASSED,
                                     "The seal lists the signer's certificate%s",
                                     item->type == SES_LISTED_DIGEST ? " by its digest" : "");
                        return 0;
                }
        }
        verify_check(report, CHECK_CERTIFICATE_IN_SEAL, CHECK_FAILED,
                     key_is_listed(list, certificate)
                             ? "The seal lists another certificate of the signer's key; it has to "
                               "be made anew since the certificate was renewed"
                             : "The seal does not list the signer's certificate");
        return 0;
}
