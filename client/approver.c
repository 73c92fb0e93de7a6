/* SPDX-License-Identifier: Apache-2.0 */
#include "client/approver.h"

#include <stdio.h>
#include <string.h>

#include "client/authority.h"
#include "client/file.h"
#include "client/output.h"
#include "client/text.h"
#include "policy/key.h"
#include "policy/seal-policy.h"

int approvers_check(const Context *context, const ApplicationWords *a) {
        if (a->approvers.count > APPROVERS_MAX)
                return fail(context, EXIT_USAGE, "a seal has at most %d approvers", APPROVERS_MAX);
        if (a->no_approvers && a->approvers.count > 0)
                return fail(context, EXIT_USAGE,
                            "--approver and --no-approvers exclude each other");
        if (a->pin && a->no_pin)
                return fail(context, EXIT_USAGE, "--pin and --no-pin exclude each other");
        if (a->threshold > APPROVERS_MAX ||
            (a->approvers.count > 0 && a->threshold > a->approvers.count))
                return fail(context, EXIT_USAGE, "--threshold is at most the number of approvers");
        return 0;
}

/* What is on the disk of the applicant's may be more than he means to give away. */
static int pem_check(const Context *context, const char *path, const char *pem, size_t size) {
        TPM2B_PUBLIC key;
        ErrorDetail detail = {};

        if (strstr(pem, "PRIVATE KEY-----"))
                return fail_plain(context, EXIT_USAGE,
                                  "%s holds a private key, which is its owner's alone: give what "
                                  "'openssl pkey -in %s -pubout' prints",
                                  path, path);
        int r = external_key_parse(pem, size, &key, &detail);
        return r == 0 ? 0
                      : fail_plain(context, EXIT_USAGE, "%s: %s", path, error_describe(r, &detail));
}

static int pem_append(const Context *context, sd_bus_message *call, const char *path) {
        uint8_t *data = NULL;
        size_t size = 0;

        int r = file_read(context, path, PEM_MAX, &data, &size);
        if (r != 0)
                return r;
        r = pem_check(context, path, (const char *) data, size);
        if (r == 0)
                r = call_built(context, text_append(call, (const char *) data));
        file_data_free(data, size);
        return r;
}

static int approver_append(const Context *context, sd_bus_message *call, const char *words) {
        char name[SUBJECT_MAX + 1], subject[SUBJECT_MAX + 1];
        const char *equals = strchr(words, '=');

        if (!equals || equals[1] == '\0' || (size_t) (equals - words) >= sizeof(name))
                return fail(context, EXIT_USAGE, "--approver takes SUBJECT=FILE, not '%s'", words);
        (void) snprintf(name, sizeof(name), "%.*s", (int) (equals - words), words);
        if (!subject_complete(name, subject))
                return fail(context, EXIT_USAGE,
                            "'%s' is no approver: write user:NAME or group:NAME", name);
        int r = call_built(context, sd_bus_message_open_container(call, 'r', "ss"));
        if (r == 0)
                r = call_built(context, text_append(call, subject));
        if (r == 0)
                r = pem_append(context, call, equals + 1);
        return r != 0 ? r : call_built(context, sd_bus_message_close_container(call));
}

static int list_open(sd_bus_message *call) {
        int r = sd_bus_message_open_container(call, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(call, "s", "approvers");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'v', "a(ss)");
        return r < 0 ? r : sd_bus_message_open_container(call, 'a', "(ss)");
}

static int list_close(sd_bus_message *call) {
        int r = 0;

        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(call);
        return r;
}

/* An empty list takes away those that a renewed seal would have of the old one. */
static int list_append(const Context *context, const ApplicationWords *a, Entries *entries) {
        if ((a->approvers.count == 0 && !a->no_approvers) || entries->r < 0)
                return 0;
        int r = call_built(context, list_open(entries->message));
        for (size_t i = 0; i < a->approvers.count && r == 0; i++)
                r = approver_append(context, entries->message, a->approvers.values[i]);
        return r != 0 ? r : call_built(context, list_close(entries->message));
}

int approvers_append(const Context *context, const ApplicationWords *a, Entries *entries) {
        entry_u32(entries, "threshold", (uint32_t) a->threshold);
        entry_flag(entries, "pin", a->pin);
        if (a->no_pin && entries->r >= 0)
                entries->r = sd_bus_message_append(entries->message, "{sv}", "pin", "b", 0);
        return list_append(context, a, entries);
}

/* ["user:alice", the fingerprint of her key] as an object. */
static json_t *approver_row(const json_t *approver) {
        _cleanup_(pkey_freep) EVP_PKEY *key = authority_public_parse(json_text(approver, "key"));
        char fingerprint[FINGERPRINT_SIZE] = "?";

        if (key)
                (void) authority_fingerprint(key, fingerprint);
        return json_pack("{ss ss}", "subject", json_text(approver, "subject"), "fingerprint",
                         fingerprint);
}

int approvers_print(const Context *context, const json_t *approvers, json_int_t threshold) {
        static const OutputField columns[] = {
                { "subject", "APPROVER", FIELD_TEXT },
                { "fingerprint", "SHA-256 OF HIS KEY", FIELD_TEXT },
        };
        _cleanup_(json_freep) json_t *rows = json_array();
        const json_t *approver;
        size_t i;

        if (json_array_size(approvers) == 0)
                return 0;
        json_array_foreach(approvers, i, approver)
                if (json_array_append_new(rows, approver_row(approver)) < 0)
                        return fail(context, EXIT_OTHER, "out of memory");
        printf("\nEach signature is approved by %lld of %zu:\n", (long long) threshold,
               json_array_size(approvers));
        return print_table(context, rows, FIELDS(columns), "");
}

const char *approvers_verb(Context *context, const char *path, bool *ret_pin) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(json_freep) json_t *seal = NULL;
        const char *text = "";

        if (call_new(context, path, SEAL, "Describe", &call) == 0 &&
            call_attempt(context, call, &error, &reply) >= 0 &&
            sd_bus_message_read(reply, "s", &text) >= 0)
                seal = json_loads(text, 0, NULL);
        *ret_pin = json_is_true(json_object_get(seal, "pin"));
        return json_array_size(json_object_get(seal, "approvers")) > 0 ? "request-use" : "sign";
}
