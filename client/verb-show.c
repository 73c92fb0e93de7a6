/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl show and why: one seal, as it is and whether it signs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "client/application.h"
#include "client/approver.h"
#include "client/bus-call.h"
#include "client/certificate-row.h"
#include "client/file.h"
#include "client/output.h"
#include "client/text.h"
#include "client/verb.h"
#include "format/x509-read.h"

static const char show_help[] =
        "Usage: sealctl show NUMBER [--public-key [--output FILE]]\n"
        "\n"
        "Everything about a seal that you may see. With --json the daemon's document as\n"
        "it is.\n"
        "\n"
        "Options:\n"
        "  --public-key    Write only the public key (PEM), for openssl and verify\n"
        "  --output FILE   ... to this file instead of standard output\n"
        "\n"
        "Example:\n"
        "  sealctl show 50011200000001 --public-key > seal.pem\n"
        "\n"
        "Next: 'sealctl why NUMBER' tells whether it can sign.\n";

static const char why_help[] =
        "Usage: sealctl why NUMBER\n"
        "\n"
        "Whether a seal can sign (for its keepers) now, and if not, why and what to do.\n"
        "Whether you are one of them it does not tell. Exits with 0 when it can, else\n"
        "with the code that 'sealctl sign' would give a keeper.\n"
        "\n"
        "Example:\n"
        "  sealctl why 50011200000001 && sealctl sign 50011200000001 contract.pdf\n"
        "\n"
        "Next: 'sealctl sign NUMBER FILE'.\n";

static const OutputField fields[] = {
        { "number", "Number", FIELD_TEXT },
        { "name", "Name", FIELD_TEXT },
        { "holder", "Holder", FIELD_TEXT },
        { "organization-identifier", "Identifier", FIELD_TEXT },
        { "country", "Country", FIELD_TEXT },
        { "class", "Class", FIELD_TEXT },
        { "type", "Type", FIELD_TEXT },
        { "state", "State", FIELD_TEXT },
        { "why-not", "Cannot sign", FIELD_TEXT },
        { "algorithm", "Algorithm", FIELD_TEXT },
        { "purposes", "Purposes", FIELD_TEXT },
        { "keepers", "Keepers", FIELD_TEXT },
        { "pin", "PIN", FIELD_TEXT },
        { "created", "Created", FIELD_TIME },
        { "not-before", "Not before", FIELD_TIME },
        { "not-after", "Not after", FIELD_TIME },
        { "picture", "Picture", FIELD_TEXT },
        { "certified-by", "Certified by", FIELD_TEXT },
        { "certificate-ends", "Certificate ends", FIELD_TIME },
        { "eseal-profile", "Electronic seal", FIELD_TEXT },
        { "use-limit", "Use limit", FIELD_LIMIT },
        { "use-count", "Uses", FIELD_TEXT },
        { "replaces", "Replaces", FIELD_TEXT },
        { "replaced-by", "Replaced by", FIELD_TEXT },
        { "superseded-at", "Superseded", FIELD_TIME },
        { "separation", "Separation at birth", FIELD_TEXT },
        { "request", "Request", FIELD_TEXT },
        { "applicant", "Applied for by", FIELD_TEXT },
        { "made-by", "Made by", FIELD_TEXT },
        { "filing-number", "Filing number", FIELD_TEXT },
        { "filing-authority", "Filed with", FIELD_TEXT },
        { "filed", "Filed", FIELD_TIME },
        { "filed-by", "Filed by", FIELD_TEXT },
        { "delivered-by", "Delivered by", FIELD_TEXT },
        { "accepted-by", "Accepted by", FIELD_TEXT },
        { "revoked-by", "Revoked by", FIELD_TEXT },
        { "revoked", "Revoked", FIELD_TIME },
        { "revocation-reason", "Reason", FIELD_TEXT },
        { "index", "Revocation index", FIELD_HANDLE },
        { "bit", "Bit", FIELD_TEXT },
};

#define FIRST_TERM "PolicyAuthorize(" /* of each way that the policy has (policy/seal-policy.h) */

static size_t ways_count(const json_t *policy) {
        const json_t *term;
        size_t i, count = 0;

        json_array_foreach(policy, i, term)
                count += json_is_string(term) &&
                         strncmp(json_string_value(term), FIRST_TERM, strlen(FIRST_TERM)) == 0;
        return count;
}

/* One way: a term a line. Several (of a seal with approvers): each numbered. */
static void policy_print(const json_t *policy) {
        const size_t ways = ways_count(policy);
        const json_t *term;
        size_t i, way = 0;

        if (json_array_size(policy) == 0)
                return;
        puts("What the TPM asks for each signature:");
        if (ways > 1)
                printf("(one of %zu ways)\n", ways);
        json_array_foreach(policy, i, term) {
                const char *text = json_is_string(term) ? json_string_value(term) : "?";
                const bool first = strncmp(text, FIRST_TERM, strlen(FIRST_TERM)) == 0;
                if (ways <= 1)
                        printf("  %zu. ", i + 1);
                else if (first)
                        printf("  %zu. ", ++way);
                else
                        fputs("     ", stdout);
                print_escaped(text);
                putchar('\n');
        }
}

/* Of the certificate in force; the others are 'sealctl certificate show's. */
static void certificate_flatten(json_t *seal) {
        const char *pem = json_string_value(
                json_array_get(json_object_get(seal, "certificates"), 0));
        _cleanup_(json_freep) json_t *row = NULL;
        DerList list = {};

        if (pem && x509_certificates_split((Bytes){ (const uint8_t *) pem, strlen(pem) }, &list,
                                           NULL) == 0)
                row = certificate_row(list.items[0]);
        der_list_clear(&list);
        if (!row)
                return;
        (void) json_object_set(seal, "certified-by", json_object_get(row, "issuer"));
        (void) json_object_set(seal, "certificate-ends", json_object_get(row, "not-after"));
}

/* One level for people; and a time of 0 means never revoked here, not an unknown time. */
static void flatten(json_t *seal) {
        static const char *const keys[][2] = {
                { "filing-number", "filing-number" },
                { "authority", "filing-authority" },
                { "filed", "filed" },
                { "by", "filed-by" },
        };
        const json_t *filing = json_object_get(seal, "filing");

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                (void) json_object_set(seal, keys[i][1], json_object_get(filing, keys[i][0]));
        if (json_integer_value(json_object_get(seal, "revoked")) == 0)
                (void) json_object_del(seal, "revoked");
        if (json_integer_value(json_object_get(seal, "superseded-at")) == 0)
                (void) json_object_del(seal, "superseded-at");
        if (!json_is_true(json_object_get(seal, "pin")))
                (void) json_object_del(seal, "pin");
        picture_flatten(seal);
        certificate_flatten(seal);
}

static int acts_print(const Context *context, const json_t *acts) {
        static const OutputField columns[] = {
                { "act", "ACT", FIELD_TEXT },
                { "by", "BY", FIELD_TEXT },
                { "time", "TIME", FIELD_TIME },
        };

        if (json_array_size(acts) == 0)
                return 0;
        putchar('\n');
        return print_table(context, acts, FIELDS(columns), "");
}

static int seal_print(const Context *context, json_t *seal) {
        if (context->json)
                return print_json_value(context, seal);
        note_opaque(context, seal);
        flatten(seal);
        int r = print_fields(context, seal, FIELDS(fields));
        if (r == 0)
                policy_print(json_object_get(seal, "policy"));
        if (r == 0)
                r = approvers_print(context, json_object_get(seal, "approvers"),
                                    json_integer_value(json_object_get(seal, "threshold")));
        return r != 0 ? r : acts_print(context, json_object_get(seal, "acts"));
}

static int public_key_write(const Context *context, const json_t *seal, const char *output) {
        const char *pem = json_text(seal, "public-key");

        if (pem[0] == '\0')
                return fail(context, EXIT_WRONG_STATE, "this seal has no key yet");
        return file_write(context, output ? output : "-", 0644,
                          (Bytes){ (const uint8_t *) pem, strlen(pem) });
}

int verb_show(Context *context, int argc, char **argv) {
        bool public_key = false;
        const char *output = NULL;
        const CommandOption table[] = { { "public-key", .flag = &public_key },
                                        { "output", .text = &output } };
        const Usage usage = { show_help, OPTIONS(table), 1, 1 };
        _cleanup_(json_freep) json_t *seal = NULL;
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && output && !public_key)
                r = fail(context, EXIT_USAGE, "--output goes with --public-key");
        if (r == 0 && !seal_path_parse(arguments[0], path))
                r = fail(context, EXIT_USAGE, "'%s' is no seal number", arguments[0]);
        if (r == 0)
                r = describe(context, path, SEAL, &seal);
        if (r != 0)
                return r;
        return public_key ? public_key_write(context, seal, output) : seal_print(context, seal);
}

/* Who goes on with a seal that is not at its keeper's yet; nothing for other states. */
static void way_on_print(const char *state, const char *number) {
        if (strcmp(state, "made") == 0)
                printf("Next: a maker runs 'sealctl record-filing %s'\n", number);
        else if (strcmp(state, "filed") == 0)
                printf("Next: an administrator runs 'sealctl deliver %s KEEPER'\n", number);
        else if (strcmp(state, "delivered") == 0)
                printf("Next: the keeper runs 'sealctl accept %s'\n", number);
}

/* "NAME: sentence", NAME being the last part of an error's name. */
static int why_print(const Context *context, const char *number, const char *state,
                     const char *why) {
        char name[128];

        const char *colon = strchr(why, ':');
        (void) snprintf(name, sizeof(name), "org.sealsd1.Error.%.*s",
                        colon ? (int) (colon - why) : 0, why);
        int exit_code = exit_code_of(name);
        if (context->json) {
                _cleanup_(json_freep) json_t *object = json_pack("{ss sb ss}", "number", number,
                                                                 "can-sign", 0, "why-not", why);
                (void) print_json_value(context, object);
                return exit_code;
        }
        printf("Seal %s cannot sign: ", number);
        print_escaped(colon ? colon + 1 + strspn(colon + 1, " ") : why);
        putchar('\n');
        if (hint_of(name))
                printf("Next: %s\n", hint_of(name));
        else
                way_on_print(state, number);
        return exit_code;
}

/*
 * Before its time a seal cannot be accepted either, and waits in a state that would be blamed
 * first. *ret is then the sentence that says so, owned by the caller; else NULL.
 */
static int early_get(Context *context, const char *path, const char *why, char **ret) {
        static const char blamed[] = "InvalidState: ";
        const Clock clock = clock_system();
        _cleanup_(json_freep) json_t *value = NULL;
        char when[TIME_TEXT_SIZE];

        *ret = NULL;
        if (strncmp(why, blamed, strlen(blamed)) != 0)
                return 0;
        int r = property_json(context, path, SEAL, "NotBefore", &value);
        if (r != 0)
                return r;
        uint64_t not_before = (uint64_t) json_integer_value(value);
        if (not_before <= clock_now(&clock))
                return 0;
        if (asprintf(ret, "NotYetValid: The seal is not valid before %s. %s",
                     time_format(not_before, when), why + strlen(blamed)) >= 0)
                return 0;
        *ret = NULL;
        return fail_errno(context, -ENOMEM, path);
}

static int can_sign_print(Context *context, const char *path) {
        const char *number = path_last(path);

        if (context->json) {
                _cleanup_(json_freep) json_t *object = json_pack("{ss sb ss}", "number", number,
                                                                 "can-sign", 1, "why-not", "");
                return print_json_value(context, object);
        }
        bool pin = false;
        const char *verb = approvers_verb(context, path, &pin);
        const bool sign = strcmp(verb, "sign") == 0;
        printf("Seal %s can sign (for its keepers%s%s).\n"
               "Next: a keeper runs 'sealctl %s %s FILE%s'\n",
               number, sign ? "" : ", once its approvers agree", pin ? ", with its PIN" : "", verb,
               number, sign && pin ? " --ask-pin" : "");
        return 0;
}

static int why_not(Context *context, const char *path) {
        _cleanup_(json_freep) json_t *why = NULL, *state = NULL;
        _cleanup_free_ char *early = NULL;

        int r = property_json(context, path, SEAL, "WhyNot", &why);
        if (r != 0)
                return r;
        const char *text = json_is_string(why) ? json_string_value(why) : "";
        r = early_get(context, path, text, &early);
        if (r != 0)
                return r;
        if (text[0] == '\0')
                return can_sign_print(context, path);
        r = property_json(context, path, SEAL, "State", &state);
        if (r != 0)
                return r;
        return why_print(context, path_last(path),
                         json_is_string(state) && !early ? json_string_value(state) : "",
                         early ? early : text);
}

int verb_why(Context *context, int argc, char **argv) {
        const Usage usage = { why_help, NULL, 0, 1, 1 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && !seal_path_parse(arguments[0], path))
                r = fail(context, EXIT_USAGE, "'%s' is no seal number", arguments[0]);
        return r != 0 ? r : why_not(context, path);
}
