/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl decisions verify: who decided what, checked without a daemon. */
#include <stdio.h>
#include <string.h>

#include "client/authority.h"
#include "client/bus-call.h"
#include "client/decision.h"
#include "client/file.h"
#include "client/options.h"
#include "client/output.h"
#include "client/text.h"
#include "client/verb.h"
#include "client/verify.h"

#define DOCUMENT_MAX (1024UL * 1024)

static const char verify_help[] =
        "Usage: sealctl decisions verify FILE [OPTIONS]\n"
        "\n"
        "Check the decisions about a request. FILE is what 'sealctl --json request ID'\n"
        "printed ('-': standard input); no daemon and no TPM is needed. The digest is\n"
        "computed from what was applied for, and each signature checked with the key\n"
        "that stands beside it. Exits with 10 when something is not as it should be.\n"
        "\n"
        "Options:\n"
        "  --reviewer SUBJECT=PEM   The public key that this reviewer is known by, as you\n"
        "                           have it; may be repeated. That he did not decide is a\n"
        "                           fault then. Without it compare the fingerprints\n"
        "  --all-signed             A decision without a signature is a fault, too\n"
        "\n"
        "Example:\n"
        "  sealctl decisions verify request-3.json --reviewer bob=bob.pem --all-signed\n"
        "\n"
        "Next: 'openssl pkey -pubin -in bob.pem -outform DER | sha256sum' is the\n"
        "fingerprint of a key that you have from the reviewer himself.\n";

typedef struct VerifyWords {
        TextList reviewers;
        bool all_signed;
} VerifyWords;

static int document_read(const Context *context, const char *path, json_t **ret) {
        uint8_t *data = NULL;
        size_t size = 0;

        int r = file_read(context, path, DOCUMENT_MAX, &data, &size);
        if (r != 0)
                return r;
        *ret = json_loadb((const char *) data, size, JSON_REJECT_DUPLICATES, NULL);
        free(data);
        if (*ret && json_is_array(json_object_get(*ret, "decisions")))
                return 0;
        return fail_plain(context, EXIT_USAGE, "%s is not what 'sealctl --json request' prints",
                          path);
}

static int key_read(const Context *context, const char *path, EVP_PKEY **ret) {
        uint8_t *data = NULL;
        size_t size = 0;

        int r = file_read(context, path, PEM_MAX, &data, &size);
        if (r != 0)
                return r;
        *ret = verify_key_parse((const char *) data, size);
        free(data);
        return *ret ? 0 : fail_plain(context, EXIT_USAGE, "%s is no PEM key or certificate", path);
}

/* Of SUBJECT=PEM. */
static bool reviewer_subject(const char *word, char ret[static SUBJECT_MAX + 1]) {
        const char *equals = strchr(word, '=');
        char name[SUBJECT_MAX + 1] = "";

        if (equals && (size_t) (equals - word) < sizeof(name))
                memcpy(name, word, (size_t) (equals - word));
        return subject_complete(name, ret);
}

/* The key given for this subject; *ret stays NULL when none was. */
static int expected_get(const Context *context, const VerifyWords *words, const char *subject,
                        EVP_PKEY **ret) {
        for (size_t i = 0; i < words->reviewers.count; i++) {
                const char *word = words->reviewers.values[i];
                char full[SUBJECT_MAX + 1];

                if (!reviewer_subject(word, full))
                        return fail(context, EXIT_USAGE, "--reviewer takes SUBJECT=PEM, not '%s'",
                                    word);
                if (strcmp(full, subject) == 0)
                        return key_read(context, strchr(word, '=') + 1, ret);
        }
        return 0;
}

/* One row of the result; *good becomes false when it is not as it should be. */
static int decision_row(const Context *context, const VerifyWords *words, const json_t *decision,
                        const uint8_t *digest, json_t *rows, bool *good) {
        _cleanup_(pkey_freep) EVP_PKEY *expected = NULL, *key = NULL;
        const char *pem = json_text(decision, "key");
        char fingerprint[FINGERPRINT_SIZE] = "";

        int r = expected_get(context, words, json_text(decision, "by"), &expected);
        if (r != 0)
                return r;
        DecisionVerdict verdict = decision_check(decision, digest, expected);
        const bool unsigned_will_do = !words->all_signed && !expected;
        if (verdict != DECISION_GOOD && !(verdict == DECISION_UNSIGNED && unsigned_will_do))
                *good = false;
        key = verify_key_parse(pem, strlen(pem));
        if (key)
                authority_fingerprint(key, fingerprint);
        json_array_append_new(
                rows, json_pack("{ss ss ss ss sb sI}", "by", json_text(decision, "by"), "verdict",
                                json_text(decision, "verdict"), "signature",
                                decision_verdict_name(verdict), "key-sha256", fingerprint,
                                "key-as-expected", expected && verdict == DECISION_GOOD, "time",
                                json_integer_value(json_object_get(decision, "time"))));
        return 0;
}

/* A decision that was taken out of the document is as bad as another one put in. */
static bool is_there(const json_t *request, const char *subject) {
        const json_t *decision;
        size_t i;

        json_array_foreach(json_object_get(request, "decisions"), i, decision)
                if (strcmp(json_text(decision, "by"), subject) == 0)
                        return true;
        return false;
}

static void missing_rows(const VerifyWords *words, const json_t *request, json_t *rows,
                         bool *good) {
        for (size_t i = 0; i < words->reviewers.count; i++) {
                const char *word = words->reviewers.values[i];
                char full[SUBJECT_MAX + 1];

                if (!reviewer_subject(word, full) || is_there(request, full))
                        continue;
                *good = false;
                json_array_append_new(rows,
                                      json_pack("{ss ss ss ss sb sI}", "by", full, "verdict", "",
                                                "signature", "missing", "key-sha256", "",
                                                "key-as-expected", false, "time", (json_int_t) 0));
        }
}

static int result_print(const Context *context, json_t *rows, bool stated, bool good) {
        static const OutputField columns[] = {
                { "by", "DECIDED BY", FIELD_TEXT },
                { "verdict", "VERDICT", FIELD_TEXT },
                { "signature", "SIGNATURE", FIELD_TEXT },
                { "key-sha256", "KEY (SHA256)", FIELD_TEXT },
        };
        int r;

        if (context->json) {
                _cleanup_(json_freep) json_t *object = json_pack(
                        "{sb sb sO}", "good", good, "digest-as-stated", stated, "decisions", rows);
                r = print_json_value(context, object);
        } else {
                printf("Digest: %s\n", stated ? "as computed from the application"
                                              : "NOT that of the application shown");
                r = print_table(context, rows, FIELDS(columns), "No decisions.");
        }
        if (r != 0 || good)
                return r;
        return fail(context, EXIT_VERIFICATION, "the decisions are not what they should be");
}

static int decisions_verify(Context *context, int argc, char **argv) {
        VerifyWords words = {};
        const CommandOption table[] = { { "reviewer", .list = &words.reviewers },
                                        { "all-signed", .flag = &words.all_signed } };
        const Usage usage = { verify_help, OPTIONS(table), 1, 1 };
        _cleanup_(json_freep) json_t *request = NULL, *rows = json_array();
        uint8_t digest[DECISION_DIGEST_SIZE];
        const json_t *decision;
        char **arguments;
        size_t i;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = document_read(context, arguments[0], &request);
        if (r == 0 && !decision_digest(request, digest))
                r = fail_plain(context, EXIT_USAGE,
                               "the document does not have all that was applied for");
        if (r != 0)
                return r;
        const bool stated = decision_digest_is_stated(request, digest);
        bool good = stated;
        json_array_foreach(json_object_get(request, "decisions"), i, decision)
                if (r == 0)
                        r = decision_row(context, &words, decision, digest, rows, &good);
        missing_rows(&words, request, rows, &good);
        return r != 0 ? r : result_print(context, rows, stated, good);
}

int verb_decisions(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "verify", decisions_verify, "Check them offline" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl decisions verify FILE [OPTIONS]\n"
                         "\n"
                         "A reviewer with a registered key signs what he decides, so that nobody "
                         "else can\n"
                         "have decided for him.\n"
                         "\n",
                .footer = "\n'sealctl decisions VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl decisions verify request-3.json\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}
