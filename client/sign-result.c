/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sign-result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "client/file.h"
#include "client/hash.h"
#include "client/output.h"
#include "client/sign-extra.h"
#include "client/text.h"
#include "policy/sm2.h"

static int json_result(const Context *context, const SignWords *o, const char *number,
                       const char *output, Bytes data, uint64_t use) {
        _cleanup_free_ char *hex = malloc(2 * data.size + 1), *escaped = text_escape(output);

        if (!hex || !escaped)
                return fail(context, EXIT_OTHER, "out of memory");
        hex_encode(data.data, data.size, hex);
        _cleanup_(json_freep) json_t *object = json_pack(
                "{ss ss ss ss sI}", "number", number, "format", sign_format_name(o->format),
                "output", text_is_utf8(output, strlen(output)) ? output : escaped, "signature", hex,
                "use", (json_int_t) use);
        return print_json_value(context, object);
}

/* In single quotes for the shell, so that the printed command can be pasted. */
static void print_quoted(const char *text) {
        _cleanup_free_ char *escaped = text_escape(text);

        if (text[0] != '\0' && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                            "0123456789._/+-,:@=") == strlen(text)) {
                fputs(text, stdout);
                return;
        }
        putchar('\'');
        for (const char *p = escaped ? escaped : "?"; *p; p++)
                if (*p == '\'')
                        fputs("'\\''", stdout);
                else
                        putchar(*p);
        putchar('\'');
}

/* A chip may salt with fewer or more bytes than the digest has (Part 1 §B.7): auto takes any. */
static const char *openssl_options(const SignWords *o) {
        if (strcmp(hash_name(o->md), "sm3") == 0)
                return " -sigopt distid:" SM2_IDENTITY;
        if (o->scheme && strcmp(o->scheme, "rsapss") == 0)
                return " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:auto";
        return "";
}

static void formatted_result(const SignWords *o, const char *output) {
        fputs("Anybody can verify it, given 'sealctl maker certificates' and 'sealctl crl' (those "
              "of\n"
              "another authority where one certified the seal):\n"
              "  sealctl verify ",
              stdout);
        print_quoted(o->file);
        fputs(" --signature ", stdout);
        print_quoted(output);
        fputs(" --trust maker.pem --crl maker.crl", stdout);
        puts(o->extra && o->extra->words->stamp.url ? " --tsa-trust tsa.pem" : "");
}

static void people_result(const SignWords *o, const char *number, const char *output,
                          uint64_t use) {
        printf("Signed with seal %s (use %llu): ", number, (unsigned long long) use);
        print_quoted(output);
        putchar('\n');
        if (!o->file || strcmp(o->file, "-") == 0 || o->format == FORMAT_PKCS10)
                return;
        if (o->format != FORMAT_RAW) {
                formatted_result(o, output);
                return;
        }
        printf("Anybody can verify it:\n"
               "  sealctl show %s --public-key > %s.pem\n"
               "  openssl dgst -%s -verify %s.pem%s -signature ",
               number, number, hash_name(o->md), number, openssl_options(o));
        print_quoted(output);
        putchar(' ');
        print_quoted(o->file);
        putchar('\n');
}

static void result_tell(const SignWords *o, const char *number, const char *output, uint64_t use) {
        if (strcmp(output, "-") != 0)
                people_result(o, number, output, use);
}

/* The exit code of what was to be put in and is not; the signature is written nevertheless. */
static int extra_write(const Context *context, const SignWords *o, const char *number,
                       const char *output, Bytes signature, uint64_t use) {
        _cleanup_free_ uint8_t *data = NULL;
        int failure = 0;
        size_t size = 0;

        int r = sign_extra_write(context, o->extra, output, signature, &data, &size, &failure);
        if (r != 0)
                return r;
        if (context->json)
                r = json_result(context, o, number, output, (Bytes){ data, size }, use);
        else
                result_tell(o, number, output, use);
        return r != 0 ? r : failure;
}

int sign_result_write(Context *context, const SignWords *o, const char *number, const char *output,
                      sd_bus_message *reply) {
        const void *data = NULL;
        size_t size = 0;
        uint64_t use = 0;

        int r = sd_bus_message_read_array(reply, 'y', &data, &size);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &use);
        if (r < 0)
                return fail_errno(context, r, "the signature cannot be read");
        if (o->extra)
                return extra_write(context, o, number, output, (Bytes){ data, size }, use);
        r = file_write(context, output, 0644, (Bytes){ data, size });
        if (r != 0)
                return r;
        if (context->json)
                return json_result(context, o, number, output, (Bytes){ data, size }, use);
        result_tell(o, number, output, use);
        return 0;
}
