/* SPDX-License-Identifier: Apache-2.0 */
#include "client/stamp.h"

#include <stdlib.h>

#include <openssl/rand.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "client/http.h"
#include "client/verify-material.h"
#include "format/cms-extend.h"
#include "format/eseal.h"
#include "format/timestamp.h"
#include "format/verify-kind.h"

#define HASH_DEFAULT "sha256"

/* A kind of signature with a place for a time stamp. */
typedef struct Place {
        VerifyFile kind;
        int (*value)(Bytes signature, uint8_t **ret, size_t *ret_size, ErrorDetail *detail);
        int (*add)(Bytes signature, Bytes token, uint8_t **ret, size_t *ret_size,
                   ErrorDetail *detail);
} Place;

static int seal_value(Bytes signature, uint8_t **ret, size_t *ret_size, ErrorDetail *detail) {
        (void) detail;
        return eseal_signature_value(signature, ret, ret_size);
}

static int seal_add(Bytes signature, Bytes token, uint8_t **ret, size_t *ret_size,
                    ErrorDetail *detail) {
        (void) detail;
        return eseal_add_timestamp(signature, token, ret, ret_size);
}

static const Place places[] = {
        { VERIFY_FILE_CMS, cms_signature_value, cms_add_timestamp },
        { VERIFY_FILE_SES_SIGNATURE, seal_value, seal_add },
};

static const Place *place_find(Bytes signature) {
        const VerifyFile kind = verify_file_guess(signature);

        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
                if (places[i].kind == kind)
                        return &places[i];
        return NULL;
}

static int format_failed(const Context *context, const char *what, int r,
                         const ErrorDetail *detail) {
        if (r < 0)
                return fail_errno(context, r, what);
        return fail_plain(context, r == SEAL_E_INVALID_ARGS ? EXIT_USAGE : EXIT_VERIFICATION,
                          "%s: %s", what, error_describe(r, detail));
}

/* --- whom to ask ---------------------------------------------------------------------------- */

void stamp_done(Stamp *stamp) {
        der_list_clear(&stamp->anchors);
}

int stamp_open(const Context *context, const StampWords *words, Stamp *ret) {
        ret->words = words;
        if (!words->url)
                return words->trust.count == 0
                               ? 0
                               : fail(context, EXIT_USAGE, "--tsa-trust is for --timestamp");
        if (words->seconds > HTTP_SECONDS_MAX)
                return fail(context, EXIT_USAGE, "--timeout takes %d seconds at most",
                            HTTP_SECONDS_MAX);
        int r = http_url_check(context, words->url);
        for (size_t i = 0; r == 0 && i < words->trust.count; i++)
                r = certificates_read(context, words->trust.values[i], &ret->anchors);
        return r;
}

/* --- asking --------------------------------------------------------------------------------- */

/* A number that nobody guesses; it is what ties the answer to the question. */
static int request_make(const Context *context, const Stamp *stamp, Bytes value, uint8_t **ret,
                        size_t *ret_size) {
        const char *hash = stamp->words->hash ? stamp->words->hash : HASH_DEFAULT;
        uint64_t nonce = 0;

        if (RAND_bytes((uint8_t *) &nonce, sizeof(nonce)) != 1)
                return fail_openssl(context, "no random number");
        int r = timestamp_request(hash, value, nonce | 1, ret, ret_size);
        if (r == SEAL_E_INVALID_ARGS)
                return fail(context, EXIT_USAGE, "'%s' is no hash", hash);
        return r != 0 ? fail_errno(context, r, "time stamp") : 0;
}

static int answer_get(const Context *context, const Stamp *stamp, Bytes request, uint8_t **ret,
                      size_t *ret_size) {
        const StampWords *words = stamp->words;
        const HttpPost post = {
                .url = words->url,
                .content_type = "application/timestamp-query", /* RFC 3161 §3.4 */
                .answer_type = "application/timestamp-reply",
                .body = request,
                .answer_max = TIMESTAMP_MAX,
                .seconds = words->seconds != 0 ? words->seconds : TIMESTAMP_SECONDS,
        };

        return http_post(context, &post, ret, ret_size);
}

static int token_get(const Context *context, const Stamp *stamp, Bytes value, uint8_t **ret,
                     size_t *ret_size) {
        _cleanup_free_ uint8_t *request = NULL, *answer = NULL;
        const Clock clock = clock_system();
        const VerifyTrust trust = {
                .timestamp_anchors = { stamp->anchors.items, stamp->anchors.count },
                .now = clock_now(&clock),
        };
        size_t request_size = 0, answer_size = 0;
        ErrorDetail detail = {};

        int r = request_make(context, stamp, value, &request, &request_size);
        if (r != 0)
                return r;
        const Bytes asked = { request, request_size };
        r = answer_get(context, stamp, asked, &answer, &answer_size);
        if (r != 0)
                return r;
        r = timestamp_accept((Bytes){ answer, answer_size }, asked, value, &trust, ret, ret_size,
                             &detail);
        return r != 0 ? format_failed(context, stamp->words->url, r, &detail) : 0;
}

int stamp_add(const Context *context, const Stamp *stamp, const char *what, Bytes signature,
              uint8_t **ret, size_t *ret_size) {
        _cleanup_free_ uint8_t *value = NULL, *token = NULL;
        const Place *place = place_find(signature);
        size_t value_size = 0, token_size = 0;
        ErrorDetail detail = {};

        if (!place)
                return fail_plain(context, EXIT_USAGE,
                                  "%s has no place for a time stamp: it is neither a CMS signature "
                                  "nor one with an electronic seal",
                                  what);
        int r = place->value(signature, &value, &value_size, &detail);
        if (r != 0)
                return format_failed(context, what, r, &detail);
        r = token_get(context, stamp, (Bytes){ value, value_size }, &token, &token_size);
        if (r != 0)
                return r;
        r = place->add(signature, (Bytes){ token, token_size }, ret, ret_size, &detail);
        return r != 0 ? format_failed(context, what, r, &detail) : 0;
}
