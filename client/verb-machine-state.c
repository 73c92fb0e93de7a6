/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl machine-state show and approve: which PCR values may sign. */
#include <stdio.h>
#include <string.h>

#include "client/answer.h"
#include "client/bus-call.h"
#include "client/file.h"
#include "client/output.h"
#include "client/seal-act.h"
#include "client/secret-input.h"
#include "client/verb.h"

static const char show_help[] =
        "Usage: sealctl machine-state show [--to-sign FILE]\n"
        "\n"
        "The PCRs that seals are bound to, their values now, and which of them differ\n"
        "from the nearest approved state. Exits with 0 when this state is approved, else\n"
        "with 7.\n"
        "\n"
        "Options:\n"
        "  --to-sign FILE   Write the bytes that the authority signs to approve it\n"
        "\n"
        "Example:\n"
        "  sealctl machine-state show\n"
        "\n"
        "Next: 'sealctl machine-state approve', once you know why the values changed.\n";

static const char approve_help[] =
        "Usage: sealctl machine-state approve --authority KEYFILE [OPTIONS]\n"
        "       sealctl machine-state approve --signature FILE [OPTIONS]\n"
        "       sealctl machine-state approve --resident [OPTIONS]\n"
        "\n"
        "Approve the state that the machine is in now. Seals sign in every approved\n"
        "state.\n"
        "\n"
        "Options:\n"
        "  --authority KEYFILE      The authority's private key; what is signed is\n"
        "                           computed again from the PCR values first\n"
        "  --signature FILE         A signature that was made elsewhere, see below\n"
        "  --resident               The authority in the TPM, by its passphrase\n"
        "  --passphrase-file FILE   First line is the passphrase ('-': standard input)\n"
        "  --profile NAME           For this profile\n"
        "\n"
        "With the key on another machine:\n"
        "  sealctl machine-state show --to-sign state.bin\n"
        "  openssl dgst -sha256 -sign authority.pem -out state.sig state.bin\n"
        "  sealctl machine-state approve --signature state.sig\n"
        "\n"
        "Example:\n"
        "  sealctl machine-state approve --authority /media/key/sealsd-authority.pem\n"
        "\n"
        "Next: 'sealctl why NUMBER'.\n";

static const OutputField columns[] = {
        { "pcr", "PCR", FIELD_TEXT },
        { "value", "VALUE NOW", FIELD_BYTES },
        { "verdict", "COMPARED", FIELD_TEXT },
};

/* Is the PCR one of `differing`? */
static bool differs(const json_t *state, json_int_t pcr) {
        const json_t *item;
        size_t i;

        json_array_foreach(json_object_get(state, "differing"), i, item)
                if (json_integer_value(item) == pcr)
                        return true;
        return false;
}

static json_t *table_rows(const json_t *state) {
        static const char *const keys[] = { "pcr", "value" };
        json_t *row, *rows = rows_named(json_object_get(state, "values"), keys, 2);
        size_t i;

        json_array_foreach(rows, i, row) {
                bool other = differs(state, json_integer_value(json_object_get(row, "pcr")));
                json_object_set_new(row, "verdict", json_string(other ? "differs" : "as approved"));
        }
        return rows;
}

static int state_print(const Context *context, const json_t *state) {
        static const OutputField fields[] = {
                { "profile", "Profile", FIELD_TEXT },
                { "pcrs", "PCRs", FIELD_TEXT },
                { "approved", "Approved", FIELD_TEXT },
                { "approvals", "Approved states known", FIELD_TEXT },
        };
        bool approved = json_is_true(json_object_get(state, "approved"));
        _cleanup_(json_freep) json_t *rows = NULL;

        if (context->json) {
                int r = print_json_value(context, state);
                return r != 0 ? r : approved ? 0 : EXIT_MACHINE_REFUSES;
        }
        int r = print_fields(context, state, FIELDS(fields));
        if (r != 0)
                return r;
        putchar('\n');
        /* Without any approved state there is nothing to differ from. */
        size_t n_columns = json_integer_value(json_object_get(state, "approvals")) > 0 ? 3 : 2;
        rows = table_rows(state);
        r = print_table(context, rows, columns, n_columns, "No PCRs.");
        if (r == 0 && !approved)
                puts(json_is_true(json_object_get(state, "retired"))
                             ? "\nThis state was approved, and is retired ('sealctl machine-state "
                               "list').\n"
                               "Next: start the machine in a state that is approved; to take this "
                               "one "
                               "back\ndoes 'sealctl machine-state approve'."
                             : "\nNext: 'sealctl machine-state approve', once you know why the "
                               "values "
                               "changed.");
        return r != 0 ? r : approved ? 0 : EXIT_MACHINE_REFUSES;
}

static int to_sign_write(const Context *context, const json_t *state, const char *path) {
        const char *hex = json_text(state, "to-sign");
        uint8_t data[256];
        size_t size = strlen(hex) / 2;

        if (size == 0 || size > sizeof(data) || !hex_decode(hex, data, size))
                return fail(context, EXIT_OTHER, "the bytes to sign cannot be read");
        return file_write(context, path, 0644, (Bytes){ data, size });
}

static int verb_show_state(Context *context, int argc, char **argv) {
        const char *to_sign = NULL;
        const CommandOption table[] = { { "to-sign", .text = &to_sign } };
        const Usage usage = { show_help, OPTIONS(table), 0, 0 };
        _cleanup_(json_freep) json_t *state = NULL;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = call_json(context, MANAGER_PATH, MANAGER, "GetMachineState", NULL, &state);
        if (r == 0 && to_sign)
                return to_sign_write(context, state, to_sign);
        return r != 0 ? r : state_print(context, state);
}

typedef struct ApproveOptions {
        const char *authority, *signature, *passphrase_file, *profile;
        bool resident;
} ApproveOptions;

static int by_key(Context *context, const ApproveOptions *o) {
        _cleanup_(authority_done) Authority authority = {};

        int r = authority_load_private(context, o->authority, o->passphrase_file, &authority);
        return r != 0 ? r : answer_machine_state(context, &authority, o->profile);
}

static int approve_send(Context *context, const ApproveOptions *o, Bytes signature, int fd) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "ApproveMachineState", &call);
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        entry_bytes(&e, "signature", signature);
        entry_fd(&e, "passphrase", fd);
        entry_text(&e, "profile", o->profile);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send(context, call, NULL);
}

static int by_signature(Context *context, const ApproveOptions *o) {
        _cleanup_free_ uint8_t *data = NULL;
        size_t size = 0;

        int r = file_read(context, o->signature, SIGNATURE_MAX, &data, &size);
        return r != 0 ? r : approve_send(context, o, (Bytes){ data, size }, -1);
}

static int by_passphrase(Context *context, const ApproveOptions *o) {
        _cleanup_(secret_wipe) Secret passphrase = {};
        _cleanup_close_ int fd = -1;

        int r = passphrase_get(context, o->passphrase_file,
                               "Passphrase of the authority in the TPM: ", false, &passphrase);
        if (r == 0)
                r = secret_to_memfd(context, &passphrase, &fd);
        return r != 0 ? r : approve_send(context, o, (Bytes){}, fd);
}

static int verb_approve_state(Context *context, int argc, char **argv) {
        ApproveOptions o = {};
        const CommandOption table[] = {
                { "authority", .text = &o.authority },
                { "signature", .text = &o.signature },
                { "resident", .flag = &o.resident },
                { "passphrase-file", .text = &o.passphrase_file },
                { "profile", .text = &o.profile },
        };
        const Usage usage = { approve_help, OPTIONS(table), 0, 0 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r != 0)
                return r;
        if (!!o.authority + !!o.signature + o.resident != 1)
                return fail(context, EXIT_USAGE,
                            "one of --authority, --signature and --resident is needed");
        r = o.authority   ? by_key(context, &o)
            : o.signature ? by_signature(context, &o)
                          : by_passphrase(context, &o);
        if (r != 0)
                return r;
        return print_done(context, "machine-state", "approved",
                          "The present machine state is approved.");
}

/* --- list and retire ------------------------------------------------------------------------ */

static const char list_help[] =
        "Usage: sealctl machine-state list\n"
        "\n"
        "The machine states that the authority approved, newest first: number, profile,\n"
        "since when, handed in by whom, whether it is the one in force, and when it was\n"
        "retired.\n"
        "\n"
        "Example:\n"
        "  sealctl machine-state list\n"
        "\n"
        "Next: 'sealctl machine-state retire ID REASON'.\n";

static const char retire_help[] =
        "Usage: sealctl machine-state retire [--yes] ID REASON\n"
        "\n"
        "Take the approval of a machine state back: in that state the TPM refuses every\n"
        "seal from now on, whoever asks it. That is for the state before an update that\n"
        "closes a hole. It takes the authority to approve it again. Only states that were\n"
        "approved since there is an index for it ('sealctl init --machine-states', 'sealctl\n"
        "capacity extend --machine-states') can be retired.\n"
        "Asks on the terminal; --yes does not.\n"
        "\n"
        "Example:\n"
        "  sealctl machine-state retire 3 \"boot loader with a known hole\"\n"
        "\n"
        "Next: 'sealctl machine-state show'.\n";

/* The daemon's rows with the columns' names; in force is the one that GetMachineState names. */
static json_t *states_named(const json_t *list, json_int_t in_force) {
        static const char *const keys[] = { "id", "profile", "approved", "by", "retired" };
        json_t *row, *rows = rows_named(list, keys, 5);
        size_t i;

        json_array_foreach(rows, i, row) {
                bool is = json_integer_value(json_object_get(row, "id")) == in_force;

                json_object_set_new(row, "in-force", json_boolean(is));
        }
        return rows;
}

static int verb_list_states(Context *context, int argc, char **argv) {
        static const OutputField fields[] = {
                { "id", "ID", FIELD_TEXT },
                { "profile", "PROFILE", FIELD_TEXT },
                { "approved", "APPROVED", FIELD_TIME },
                { "by", "BY", FIELD_TEXT },
                { "in-force", "IN FORCE", FIELD_TEXT },
                { "retired", "RETIRED", FIELD_TIME },
        };
        const Usage usage = { .help = list_help };
        _cleanup_(json_freep) json_t *list = NULL, *state = NULL, *rows = NULL;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = call_json(context, MANAGER_PATH, MANAGER, "ListMachineStates", NULL, &list);
        if (r == 0)
                r = call_json(context, MANAGER_PATH, MANAGER, "GetMachineState", NULL, &state);
        if (r != 0)
                return r;
        rows = states_named(list, json_integer_value(json_object_get(state, "state")));
        if (context->json)
                return print_json_value(context, rows);
        return print_table(context, rows, FIELDS(fields), "No machine state is approved.");
}

static int retire_send(Context *context, uint64_t id, const char *reason) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "RetireMachineState", &call);
        if (r != 0)
                return r;
        int built = sd_bus_message_append(call, "t", id);
        if (built >= 0)
                built = text_append(call, reason);
        r = call_built(context, built);
        return r != 0 ? r : call_send(context, call, NULL);
}

static int verb_retire_state(Context *context, int argc, char **argv) {
        const Usage usage = { retire_help, NULL, 0, 2, 2 };
        char **arguments;
        uint64_t id = 0;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && !count_parse(arguments[0], &id))
                r = fail(context, EXIT_USAGE, "ID is a number of 'sealctl machine-state list'");
        if (r == 0)
                r = reason_check(context, arguments[1]);
        if (r == 0)
                r = confirm_or_fail(context, "Retire this machine state, so that no seal signs in "
                                             "it?");
        if (r == 0)
                r = retire_send(context, id, arguments[1]);
        if (r != 0)
                return r;
        r = print_done(context, "retired", arguments[0],
                       "Machine state %s is retired: no seal signs in it any more.", arguments[0]);
        if (r == 0 && !context->json)
                puts("Next: 'sealctl machine-state show' tells whether the present state is "
                     "approved");
        return r;
}

int verb_machine_state(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "show", verb_show_state, "PCR values now, and which differ" },
                { "approve", verb_approve_state, "Approve the present state" },
                { "list", verb_list_states, "Which are approved, since when, and retired" },
                { "retire", verb_retire_state, "Take the approval of a state back" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl machine-state show|approve|list|retire [OPTIONS]\n"
                         "\n"
                         "The TPM measures what the machine starts (firmware, boot loader, Secure "
                         "Boot\n"
                         "keys) into PCRs. Seals sign only while these have values that the "
                         "authority has\n"
                         "approved, so an update or an attack stops them until it approves the new "
                         "ones.\n"
                         "\n",
                .footer = "\n'sealctl machine-state VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl machine-state show\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}
