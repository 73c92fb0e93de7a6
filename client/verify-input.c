/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verify-input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "client/file.h"
#include "client/hash.h"
#include "client/sign.h"

typedef struct Kind {
        const char *word;
        VerifyFile kind;
} Kind;

static const Kind kinds[] = {
        { "cades", VERIFY_FILE_CMS },
        { "eseal", VERIFY_FILE_SES_SIGNATURE },
        { "seal", VERIFY_FILE_SES_SEAL },
        { "raw", VERIFY_FILE_OTHER },
};

static const Kind *kind_of(const char *word) {
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (strcmp(word, kinds[i].word) == 0)
                        return &kinds[i];
        return NULL;
}

/* A file that says itself what it is is not taken for another thing: a seal alone signs nothing. */
static int kind_find(const Context *context, const VerifyWords *words, VerifyInput *input) {
        const VerifyFile found = verify_file_guess((Bytes){ input->data, input->size });
        const Kind *named = words->kind ? kind_of(words->kind) : NULL;

        if (words->kind && !named)
                return fail(context, EXIT_USAGE, "--kind is cades, eseal, seal or raw, not '%s'",
                            words->kind);
        input->kind = named ? named->kind : found;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (kinds[i].kind == found && found != VERIFY_FILE_OTHER && input->kind != found &&
                    input->kind != VERIFY_FILE_OTHER)
                        return fail_plain(context, EXIT_USAGE, "it is of kind %s, not %s",
                                          kinds[i].word, words->kind);
        return 0;
}

static void unwrap(VerifyInput *input) {
        uint8_t *data = NULL;
        size_t size = 0;

        if (!verify_file_unwrap((Bytes){ input->data, input->size }, &data, &size))
                return;
        free(input->data);
        input->data = data;
        input->size = size;
        input->pem = true;
}

/* --- the file --------------------------------------------------------------------------------- */

/* What is verified of those that sealctl sign writes beside a document; a bare signature first. */
static const SignFormat formats[] = { FORMAT_RAW, FORMAT_CADES, FORMAT_PADES_CMS, FORMAT_ESEAL };

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

static bool is_bare(const VerifyWords *words) {
        return words->public_key || words->certificate ||
               (words->kind && strcmp(words->kind, "raw") == 0);
}

static int beside_missing(const Context *context, const VerifyWords *words) {
        if (access(words->document, F_OK) != 0)
                return fail(context, EXIT_NOT_FOUND, "%s: %s", words->document, strerror(errno));
        return fail_plain(context, EXIT_NOT_FOUND,
                          "there is no %s%s%s: --signature FILE names the signature, also one that "
                          "has its document in it",
                          words->document, sign_suffix(FORMAT_RAW),
                          is_bare(words) ? "" : ", .p7s, .cms or .ses");
}

/* The one beside the document; *ret is malloc'ed. */
static int beside(const Context *context, const VerifyWords *words, char **ret) {
        _cleanup_free_ char *found = NULL;

        for (size_t i = 0; i < (is_bare(words) ? 1 : FORMATS); i++) {
                _cleanup_free_ char *path = NULL;
                if (asprintf(&path, "%s%s", words->document, sign_suffix(formats[i])) < 0) {
                        path = NULL;
                        return fail(context, EXIT_OTHER, "out of memory");
                }
                if (access(path, F_OK) != 0)
                        continue;
                if (found)
                        return fail(context, EXIT_USAGE,
                                    "%s and %s are both there: --signature names one", found, path);
                found = steal_ptr(path);
        }
        *ret = steal_ptr(found);
        return *ret ? 0 : beside_missing(context, words);
}

static int file_get(const Context *context, const VerifyWords *words, VerifyInput *input) {
        _cleanup_free_ char *path = NULL;
        int r = 0;

        if (!words->signature)
                r = beside(context, words, &path);
        return r != 0 ? r
                      : file_read(context, path ? path : words->signature, CMS_FILE_MAX,
                                  &input->data, &input->size);
}

int verify_input_read(const Context *context, const VerifyWords *words, VerifyInput *ret) {
        int r = file_get(context, words, ret);

        if (r != 0)
                return r;
        unwrap(ret);
        return kind_find(context, words, ret);
}

void verify_input_done(VerifyInput *input) {
        free(input->data);
        *input = (VerifyInput){};
}

int verify_document_hash(const Context *context, const VerifyWords *words,
                         const char *const *hashes, size_t count, VerifyDocument *ret) {
        uint8_t digests[VERIFY_HASHES_MAX][EVP_MAX_MD_SIZE];
        const EVP_MD *mds[VERIFY_HASHES_MAX];
        size_t sizes[VERIFY_HASHES_MAX], known = 0;

        for (size_t i = 0; i < count; i++)
                if ((mds[known] = hash_md(hashes[i])))
                        known++;
        if (!words->document || known == 0)
                return 0;
        int r = file_hashes(context, words->document, mds, known, digests, sizes);
        if (r != 0)
                return r;
        ret->count = known;
        for (size_t i = 0; i < known; i++) {
                ret->digests[i].hash = hash_name(mds[i]);
                ret->digests[i].size = sizes[i];
                memcpy(ret->digests[i].digest, digests[i], sizes[i]);
        }
        return 0;
}
