/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sealctl reads from the bus: a reply of any form becomes JSON that can be written and read
 * again, and what is printed of it for people does not speak to their terminal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "client/bus-value.h"
#include "client/output.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/message.h"

const unsigned fuzz_mutations = 150;

static const char *const signatures[] = {
        "a{sv}", "s", "v", "a(ssayt)", "a(sosst)", "a(osssst)", "ayt", "o", "a{sas}", "av", "sos",
};

static const char *const words[] = {
        "name",
        "holder",
        "keepers",
        "subject",
        "created",
        "use-limit",
        "index",
        "bytes",
        "seals",
        "user:root",
        "/",
        "/org/sealsd1/seal/11010500000001",
        "a\xe2\x80\xae-",
        "\x1b[31mred",
        "\xe4\xb8\xad\xe5\x9b\xbd",
        NULL,
};

/* One of each kind. */
static const OutputField fields[] = {
        { "holder", "Holder", FIELD_TEXT },   { "name", "Name", FIELD_NAME },
        { "created", "Created", FIELD_TIME }, { "use-limit", "Use limit", FIELD_LIMIT },
        { "index", "Index", FIELD_HANDLE },   { "bytes", "Bytes", FIELD_BYTES },
        { "keepers", "Keepers", FIELD_TEXT }, { "seals", "Seals", FIELD_SEALS },
};

static void demand_harmless(const char *text) {
        size_t size = strlen(text);

        for (size_t at = 0; at < size;) {
                uint32_t c;
                size_t length = char_decode(text + at, size - at, &c);

                fuzz_demand(length > 0);
                fuzz_demand(c == '\n' || !char_misleads(c));
                at += length;
        }
}

/* Standard output is a string meanwhile. */
static char *printed(const Context *context, const json_t *value) {
        static const char *const keys[] = { "name", "holder", "created", "keepers", "use-limit" };
        FILE *real = stdout;
        char *text = NULL;
        size_t size = 0;

        stdout = open_memstream(&text, &size);
        fuzz_demand(stdout != NULL);
        json_t *rows = rows_named(value, keys, sizeof(keys) / sizeof(keys[0]));
        fuzz_demand(print_table(context, rows, FIELDS(fields), "None") == 0);
        fuzz_demand(print_fields(context, value, FIELDS(fields)) == 0);
        print_escaped(json_text(value, "name"));
        json_decref(rows);
        fuzz_demand(fclose(stdout) == 0);
        stdout = real;
        return text;
}

static void check_json(json_t *value) {
        _cleanup_free_ char *text = json_dumps(value, JSON_ENCODE_ANY);

        fuzz_demand(text && text_is_utf8(text, strlen(text)));
        json_t *again = json_loads(text, JSON_DECODE_ANY, NULL);
        fuzz_demand(again && json_equal(value, again) == 1);
        json_decref(again);
}

static void check_printed(const json_t *value) {
        const Context context = {};
        _cleanup_free_ char *text = printed(&context, value);

        demand_harmless(text);
}

/* Describe() answers with a text that is JSON itself. */
static void check_description(const json_t *text) {
        json_t *object = json_loads(json_is_string(text) ? json_string_value(text) : "", 0, NULL);

        if (object)
                check_printed(object);
        json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static MessageMaker maker;
        Input input = { .data = data, .size = size };
        json_t *value = NULL;

        message_maker_open(&maker, words);
        size_t i = input_u8(&input) % (sizeof(signatures) / sizeof(signatures[0]));
        _cleanup_(message_unrefp) sd_bus_message *m = message_make(&maker, signatures[i], &input);
        if (!m)
                return 0;
        int r = message_to_json(m, &value);
        fuzz_demand(r == 0 || r == -EBADMSG || r == -ENXIO);
        fuzz_demand((r == 0) == (value != NULL));
        if (r != 0)
                return 0;
        check_json(value);
        check_printed(value);
        check_description(value);
        json_decref(value);
        return 0;
}
