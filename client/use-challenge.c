/* SPDX-License-Identifier: Apache-2.0 */
#include "client/use-challenge.h"

#include <string.h>

#include <tss2/tss2_mu.h>

#include "base/bytes.h"
#include "client/output.h"
#include "client/text.h"
#include "client/use-structure.h"
#include "policy/key.h"
#include "policy/ref.h"

static bool digest_is(const TPM2B_DIGEST *a, const TPM2B_DIGEST *b) {
        return a->size == b->size && memcmp(a->buffer, b->buffer, a->size) == 0;
}

static int refuse(ErrorDetail *detail, const char *sentence) {
        return error_set(detail, SEAL_E_APPROVAL_INVALID, "Refused to sign: %s", sentence);
}

/* --- reading -------------------------------------------------------------------------------- */

static int unreadable(ErrorDetail *detail, const char *key) {
        return error_set(detail, SEAL_E_APPROVAL_INVALID,
                         "Refused to sign: the daemon does not show the '%s' of the approval", key);
}

/* At most max bytes; "" is none. */
static int bytes_read(const json_t *facts, const char *key, uint8_t *ret, size_t max,
                      size_t *ret_size, ErrorDetail *detail) {
        const char *hex = json_string_value(json_object_get(facts, key));
        const size_t size = hex ? strlen(hex) / 2 : 0;

        if (!hex || size > max || (size > 0 && !hex_decode(hex, ret, size)) ||
            hex[2 * size] != '\0')
                return unreadable(detail, key);
        *ret_size = size;
        return 0;
}

static int digest_read(const json_t *facts, const char *key, TPM2B_DIGEST *ret,
                       ErrorDetail *detail) {
        size_t size = 0;

        int r = bytes_read(facts, key, ret->buffer, sizeof(ret->buffer), &size, detail);
        ret->size = (uint16_t) size;
        return r;
}

static int word_read(const json_t *facts, const char *key, char ret[static WORD_MAX + 1],
                     ErrorDetail *detail) {
        const char *word = json_text(facts, key);

        if (word[0] == '\0' || strlen(word) > WORD_MAX)
                return unreadable(detail, key);
        strcpy(ret, word);
        return 0;
}

static int number_read(const json_t *facts, const char *key, int64_t *ret, ErrorDetail *detail) {
        const json_t *number = json_object_get(facts, key);

        if (!json_is_integer(number))
                return unreadable(detail, key);
        *ret = json_integer_value(number);
        return 0;
}

static int kind_read(const json_t *facts, bool *ret_live, ErrorDetail *detail) {
        const char *kind = json_text(facts, "kind");

        *ret_live = strcmp(kind, "live") == 0;
        return *ret_live || strcmp(kind, "deferred") == 0 ? 0 : unreadable(detail, "kind");
}

static int seal_read(const json_t *facts, char ret[static NUMBER_MAX + 1], ErrorDetail *detail) {
        const char *number = json_text(facts, "seal");
        char path[PATH_SIZE];

        if (number[0] == '/' || strlen(number) > NUMBER_MAX || !seal_path_parse(number, path))
                return unreadable(detail, "seal");
        strcpy(ret, number);
        return 0;
}

static int key_read(const json_t *facts, UseChallenge *c, ErrorDetail *detail) {
        uint8_t bytes[TPM_BLOB_MAX];
        size_t size = 0, offset = 0;

        int r = bytes_read(facts, "public", bytes, sizeof(bytes), &size, detail);
        if (r != 0)
                return r;
        if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes, size, &offset, &c->public) != 0 || offset != size)
                return unreadable(detail, "public");
        c->algorithm = algorithm_of(&c->public);
        return c->algorithm ? 0 : refuse(detail, "the key is of no kind that a seal has");
}

static int what_read(const json_t *facts, UseChallenge *c, ErrorDetail *detail) {
        int r = kind_read(facts, &c->live, detail);

        if (r == 0)
                r = seal_read(facts, c->target.number, detail);
        if (r == 0)
                r = key_read(facts, c, detail);
        if (r == 0)
                r = word_read(facts, "hash", c->hash, detail);
        if (r == 0)
                r = word_read(facts, "scheme", c->scheme, detail);
        return r != 0 ? r : digest_read(facts, "digest", &c->document, detail);
}

static int signed_read(const json_t *facts, UseChallenge *c, ErrorDetail *detail) {
        const UseSigned known = {
                .public = &c->public,
                .hash = c->hash,
                .scheme = c->scheme,
                .document = &c->document,
        };

        return use_structure_check(facts, &known, &c->format, &c->target.digest, detail);
}

static int bound_read(const json_t *facts, UseChallenge *c, ErrorDetail *detail) {
        int64_t expires = 0;
        int r = bytes_read(facts, "to-sign", c->to_sign, sizeof(c->to_sign), &c->to_sign_size,
                           detail);

        if (r == 0 && (c->live || json_object_get(facts, "nonce")))
                r = digest_read(facts, "nonce", &c->target.nonce, detail);
        if (r == 0)
                r = digest_read(facts, "cphash", &c->cphash, detail);
        if (r == 0)
                r = digest_read(facts, "policy-ref", &c->ref, detail);
        if (r == 0)
                r = number_read(facts, "expiration", &c->expiration, detail);
        if (r == 0)
                r = number_read(facts, "expires", &expires, detail);
        c->expires = (uint64_t) expires;
        return r;
}

int use_challenge_parse(const json_t *facts, UseChallenge *ret, ErrorDetail *detail) {
        UseChallenge challenge = {};

        int r = what_read(facts, &challenge, detail);
        if (r == 0)
                r = signed_read(facts, &challenge, detail);
        if (r == 0)
                r = bound_read(facts, &challenge, detail);
        if (r == 0)
                *ret = challenge;
        return r;
}

/* --- checking ------------------------------------------------------------------------------- */

/* What the daemon states beside the bytes, which are judged by use_approval_check. */
static int kind_check(const UseChallenge *c, ErrorDetail *detail) {
        if (c->expiration < 0 || c->expiration > INT32_MAX)
                return refuse(detail, "the expiration is negative, which makes a ticket that "
                                      "serves again and again");
        if (!c->live && c->target.nonce.size > 0)
                return refuse(detail, "it is called deferred and bound to a session");
        if (c->live && c->target.nonce.size == 0)
                return refuse(detail, "it is called live and bound to no session, so that it "
                                      "would never end");
        return 0;
}

/* An RSA key has two schemes; of a curve the word only has to be the right one. */
static int scheme_get(const UseChallenge *c, TPMT_SIG_SCHEME *ret, ErrorDetail *detail) {
        const bool rsa = c->algorithm->type == TPM2_ALG_RSA;
        const char *curve_word = strcmp(c->algorithm->name, "sm2") == 0 ? "sm2" : "ecdsa";
        size_t size = 0;

        if (algorithm_scheme(c->algorithm, c->hash, rsa ? c->scheme : NULL, ret, &size, NULL) !=
                    0 ||
            (!rsa && strcmp(c->scheme, curve_word) != 0))
                return refuse(detail, "hash and scheme are not those of the seal's key");
        if (c->document.size != size || c->target.digest.size != size)
                return refuse(detail, "the document's hash has not its size");
        return 0;
}

static int cphash_check(const UseChallenge *c, const UseTarget *target, ErrorDetail *detail) {
        TPM2B_DIGEST wanted = {};

        int r = cphash_sign(&target->key, &target->digest, &target->scheme, &wanted);
        if (r != 0)
                return r;
        if (c->cphash.size == 0)
                return refuse(detail, "its cpHash is empty, so that it would be good for every "
                                      "document");
        if (!digest_is(&wanted, &c->cphash))
                return refuse(detail, "the cpHash that is stated is not that of one signature "
                                      "over this hash with this seal");
        return 0;
}

static int ref_check(const UseChallenge *c, ErrorDetail *detail) {
        TPM2B_DIGEST wanted = {};

        int r = policy_ref(REF_SEAL, c->target.number, &wanted);
        if (r != 0 || digest_is(&wanted, &c->ref))
                return r;
        return refuse(detail, "the reference that is stated is that of another seal");
}

int use_challenge_check(const UseChallenge *c, uint64_t now, ErrorDetail *detail) {
        UseTarget target = c->target;

        target.live = c->live;
        target.expiration = (int32_t) c->expiration;
        int r = kind_check(c, detail);
        if (r == 0)
                r = scheme_get(c, &target.scheme, detail);
        if (r == 0 && public_name(&c->public, &target.key) != 0)
                r = refuse(detail, "the key is of no kind that a seal has");
        if (r == 0)
                r = cphash_check(c, &target, detail);
        if (r == 0)
                r = ref_check(c, detail);
        if (r == 0)
                r = use_approval_check((Bytes){ c->to_sign, c->to_sign_size }, &target, detail);
        if (r == 0 && c->expires <= now)
                r = error_set(detail, SEAL_E_APPROVAL_EXPIRED,
                              "Refused to sign: the request has expired");
        return r;
}

int use_challenge_document(const UseChallenge *c, Bytes hash, ErrorDetail *detail) {
        if (c->format == FORMAT_PKCS10)
                return refuse(detail, "the request is for a certificate and about no file");
        if (hash.size == c->document.size && memcmp(hash.data, c->document.buffer, hash.size) == 0)
                return 0;
        return refuse(detail, "the request is about another document than this file");
}
