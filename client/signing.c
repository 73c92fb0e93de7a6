/* SPDX-License-Identifier: Apache-2.0 */
#include "client/signing.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/authority.h"
#include "client/bus-call.h"
#include "client/decision.h"
#include "client/file.h"
#include "client/output.h"

void signing_done(Signing *signing) {
        free(signing->made);
}

static int options_check(const Context *context, const Signing *s) {
        if (!!s->key + !!s->signature + !!s->to_sign > 1)
                return fail(context, EXIT_USAGE,
                            "--key, --signature and --to-sign exclude each other");
        if (s->passphrase_file && !s->key)
                return fail(context, EXIT_USAGE, "--passphrase-file goes with --key");
        return 0;
}

/* What is to be decided, by its own words and not by the digest that the daemon states. */
static int digest_get(Context *context, const char *path, const Signing *s,
                      uint8_t ret[static DECISION_DIGEST_SIZE]) {
        _cleanup_(json_freep) json_t *request = NULL;
        char hex[2 * DECISION_DIGEST_SIZE + 1];

        int r = describe(context, path, REQUEST, &request);
        if (r != 0)
                return r;
        if (!decision_digest(request, ret))
                return fail(context, EXIT_OTHER, "the daemon does not show all of the request");
        if (!decision_digest_is_stated(request, ret))
                return fail_plain(context, EXIT_NOT_ALLOWED,
                                  "Refused to sign: the digest that the daemon states is not that "
                                  "of the application it shows");
        if (s->digest && strcasecmp(s->digest, hex_encode(ret, DECISION_DIGEST_SIZE, hex)) != 0)
                return fail_plain(context, EXIT_NOT_ALLOWED,
                                  "Refused: the request is not the one that you looked at, its "
                                  "digest is %s",
                                  hex);
        return 0;
}

static int by_key(Context *context, Signing *s, Bytes bytes) {
        _cleanup_(authority_done) Authority key = {};

        int r = authority_load_private(context, s->key, s->passphrase_file, &key);
        return r != 0 ? r : authority_sign(context, &key, bytes, &s->made, &s->made_size);
}

int signing_prepare(Context *context, const char *path, Signing *s) {
        uint8_t digest[DECISION_DIGEST_SIZE], bytes[DECISION_BYTES_MAX];

        int r = options_check(context, s);
        if (r != 0 || (!s->key && !s->signature && !s->to_sign && !s->digest))
                return r;
        r = digest_get(context, path, s, digest);
        if (r != 0)
                return r;
        size_t size = decision_bytes(s->approve, digest, bytes);
        if (s->to_sign) {
                r = file_write(context, s->to_sign, 0644, (Bytes){ bytes, size });
                if (r == 0)
                        note(context, TO_SIGN_NEXT);
                return r != 0 ? r : DONE;
        }
        if (s->key)
                return by_key(context, s, (Bytes){ bytes, size });
        if (s->signature)
                return file_read(context, s->signature, SIGNATURE_MAX, &s->made, &s->made_size);
        return 0;
}
