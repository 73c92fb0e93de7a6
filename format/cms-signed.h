/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One CMS signature taken apart and judged, for format/cms-*.c and format/timestamp*.c alone: that
 * of a document, and that of a time stamp, which is a CMS signature of its own. Nothing that is not
 * signed passes in silence: what it can be compared with is compared, and the rest is a deviation.
 */
#pragma once

#include <openssl/x509.h>

#include "base/bytes.h"
#include "format/cms-asn1.h"
#include "format/signature-value.h"
#include "format/verify-report.h"
#include "format/verify-trust.h"

typedef struct CmsSigned {
        CmsInfo *info;
        const CmsSignerInfo *signer;         /* info's that is judged; NULL: there is none */
        Bytes embedded[VERIFY_EMBEDDED_MAX]; /* certificates, info's */
        size_t embedded_count;
        Bytes certificate; /* the signer's, info's or the trust's; size 0: not found */
        X509 *x509;        /* the same */
        const SignatureAlgorithm *algorithm; /* NULL: unknown, or no certificate */
} CmsSigned;

CmsSigned *cms_signed_free(CmsSigned *cms);
DEFINE_CLEANUP(CmsSigned, cms_signed_free)

/*
 * Read one that begins here, and choose its first signer; *ret_used is its size.
 * SEAL_E_INVALID_ARGS when it is no ContentInfo with SignedData of at most CMS_FILE_MAX bytes and
 * CMS_ELEMENTS_MAX elements, -ENOMEM.
 */
int cms_signed_read(Bytes file, CmsSigned **ret, size_t *ret_used);

/* How many signers it has. */
size_t cms_signed_signers(const CmsSigned *cms);

/* Judge another one from now on; what was found of the one before is forgotten. */
void cms_signed_choose(CmsSigned *cms, size_t signer);

/* Of the document itself, or of the time stamp in it: then all is one check. */
typedef struct CmsVoice {
        VerifyReport *report;
        const char *where; /* of deviations; NULL: the whole file */
        bool timestamp;
} CmsVoice;

/* As verify_check(), where a time stamp's passed checks are for its caller to say. */
void cms_tell(const CmsVoice *voice, CheckCode code, CheckResult result, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* As verify_deviation(), with where it is. what is borrowed; NULL: of the whole. */
void cms_deviation(const CmsVoice *voice, DeviationCode code, const char *what);

/*
 * Structure: versions, algorithms, a signer (of a time stamp no other), signed attributes of which
 * each required one is there once, and that the content has the type of the attribute and is one of
 * types (dotted OIDs, NULL behind the last). False: told, and nothing more can be judged.
 */
bool cms_signed_shape(const CmsSigned *cms, Bytes file, size_t used, const char *const *types,
                      const CmsVoice *voice);

/* Find the signer's certificate: signing-certificate, and the algorithm. 0 also when not found. */
int cms_signed_identify(CmsSigned *cms, const VerifyTrust *trust, const CmsVoice *voice);

/* The signature of the attributes by that certificate. -ENOMEM, -EIO. */
int cms_signed_value(const CmsSigned *cms, const CmsVoice *voice);

/* Deviations for embedded certificates that are not what their issuers signed. */
int cms_signed_others(const CmsSigned *cms, const VerifyTrust *trust, const CmsVoice *voice);

/* The hash of the content, by its attribute: size 0 when it has none. */
Bytes cms_signed_digest(const CmsSigned *cms);
/* Of the signer's digestAlgorithm, as on the bus; NULL: unknown. */
const char *cms_signed_hash(const CmsSigned *cms);
/* The content itself; data NULL: detached. */
Bytes cms_signed_content(const CmsSigned *cms);
Bytes cms_signed_signature(const CmsSigned *cms);
bool cms_signed_is_gb(const CmsSigned *cms);
