/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl status: GetStatus for administrators and auditors, the public properties for others. */
#include <stdio.h>
#include <string.h>

#include "client/bus-call.h"
#include "client/bus-value.h"
#include "client/output.h"
#include "client/verb.h"

static const char help[] =
        "Usage: sealctl status\n"
        "\n"
        "How sealsd is set up, how much of its capacity is used, how old the makers'\n"
        "revocation lists are, and what needs attention. Administrators and auditors see all\n"
        "of it, others the version, the state, and the algorithms that the TPM has.\n"
        "\n"
        "Example:\n"
        "  sealctl status\n"
        "\n"
        "States: uninitialized (run 'sealctl init'), ready, unapproved (see 'sealctl\n"
        "machine-state show'), locked (until the next boot), tampered (see 'sealctl\n"
        "ledger check'), no-tpm (see 'systemctl status sealsd tpm2-abrmd').\n";

static const OutputField fields[] = {
        { "state", "State", FIELD_TEXT },
        { "version", "Version", FIELD_TEXT },
        { "separation", "Separation of duties", FIELD_TEXT },
        { "profile", "Profile", FIELD_TEXT },
        { "pcrs", "PCRs", FIELD_TEXT },
        { "authority", "Authority", FIELD_TEXT },
        { "capacity", "Capacity", FIELD_SEALS },
        { "capacity-used", "Capacity used", FIELD_SEALS },
        { "seals", "Seals", FIELD_TEXT },
        { "seals-by-state", "By state", FIELD_TEXT },
        { "seals-expired", "Expired", FIELD_TEXT },
        { "seals-expiring", "Expiring soon", FIELD_TEXT },
        { "grants", "Grants", FIELD_TEXT },
        { "requests-open", "Open requests", FIELD_TEXT },
        { "requests-by-kind", "By kind", FIELD_TEXT },
        { "inspected", "Inspected", FIELD_TIME },
        { "findings", "Findings then", FIELD_TEXT },
        { "room-indices", "Room for more indices", FIELD_TEXT },
        { "ledger-rows", "Rows of the ledger", FIELD_TEXT },
        { "anchored-rows", "Anchored up to row", FIELD_TEXT },
        { "anchor-time", "Anchored", FIELD_TIME },
        { "checkpoint-rows", "Signed by TPM up to row", FIELD_TEXT },
        { "genesis", "Genesis of the ledger", FIELD_BYTES },
        { "ak-name", "Attestation key's Name", FIELD_BYTES },
        { "key-memory", "Register's key in", FIELD_TEXT },
        { "audit", "Kernel audit", FIELD_TEXT },
        { "command-audit", "TPM command audit", FIELD_TEXT },
        { "challenges", "Open challenges", FIELD_TEXT },
        { "live-uses", "Live uses that wait", FIELD_TEXT },
        { "ledger-index", "Ledger index", FIELD_HANDLE },
        { "fence-pcr", "Fence PCR", FIELD_TEXT },
        { "tcti", "TPM by", FIELD_TEXT },
        { "tpm", "TPM", FIELD_TEXT },
        { "features", "Algorithms", FIELD_TEXT },
        { "lockout-auth", "Lockout authorisation", FIELD_TEXT },
        { "owner-auth", "Owner authorisation", FIELD_TEXT },
        { "queue", "Waiting jobs", FIELD_TEXT },
        { "clients", "Clients", FIELD_TEXT },
};

/* Bits of machine states: those that are taken, and those of them that are retired. */
static int state_indices_print(const Context *context, const json_t *status) {
        static const char *const keys[] = { "index", "used", "retired" };
        static const OutputField columns[] = {
                { "index", "MACHINE STATES' INDEX", FIELD_HANDLE },
                { "used", "APPROVED BY IT", FIELD_TEXT },
                { "retired", "RETIRED", FIELD_TEXT },
        };
        _cleanup_(json_freep)
                json_t *rows = rows_named(json_object_get(status, "state-indices"), keys, 3);

        if (json_array_size(rows) == 0)
                return 0;
        putchar('\n');
        return print_table(context, rows, FIELDS(columns), "");
}

/* Those who verify signatures fetch another one before it is over. */
static int lists_print(const Context *context, const json_t *status) {
        static const char *const keys[] = { "algorithm",   "number",  "this-update",
                                            "next-update", "entries", "owed" };
        static const OutputField columns[] = {
                { "algorithm", "REVOCATION LIST", FIELD_TEXT },
                { "number", "NUMBER", FIELD_TEXT },
                { "this-update", "THIS UPDATE", FIELD_TIME },
                { "next-update", "NEXT UPDATE", FIELD_TIME },
                { "entries", "ENTRIES", FIELD_TEXT },
                { "owed", "OWED", FIELD_TEXT },
        };
        _cleanup_(json_freep)
                json_t *rows = rows_named(json_object_get(status, "revocation-lists"), keys, 6);

        if (json_array_size(rows) == 0)
                return 0;
        putchar('\n');
        return print_table(context, rows, FIELDS(columns), "");
}

static int indices_print(const Context *context, const json_t *status) {
        static const char *const keys[] = { "index", "used", "size" };
        static const OutputField columns[] = {
                { "index", "REVOCATION INDEX", FIELD_HANDLE },
                { "used", "BITS USED", FIELD_TEXT },
                { "size", "OF", FIELD_TEXT },
        };
        _cleanup_(json_freep)
                json_t *rows = rows_named(json_object_get(status, "indices"), keys, 3);

        if (json_array_size(rows) == 0)
                return 0;
        putchar('\n');
        return print_table(context, rows, FIELDS(columns), "");
}

/* What to do about a state in which nothing signs. */
static void next_print(const char *state) {
        static const struct {
                const char *state, *next;
        } table[] = {
                { "unapproved", "an administrator runs 'sealctl machine-state show'" },
                { "locked", "restart the machine to unlock" },
                { "tampered",
                  "'sealctl ledger check' names what was found; sealsd-procedures(7) tells what "
                  "to do" },
                { "no-tpm", "see 'systemctl status sealsd tpm2-abrmd'" },
        };

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                if (strcmp(table[i].state, state) == 0)
                        printf("\nNext: %s\n", table[i].next);
}

/* Nothing is set up: capacity, indices and seals would be rows of zeros. */
static int uninitialized_print(const Context *context, const json_t *status) {
        static const OutputField before[] = {
                { "state", "State", FIELD_TEXT },         { "version", "Version", FIELD_TEXT },
                { "tcti", "TPM by", FIELD_TEXT },         { "tpm", "TPM", FIELD_TEXT },
                { "features", "Algorithms", FIELD_TEXT },
        };
        bool waits = json_integer_value(json_object_get(status, "challenges")) > 0;

        int r = print_fields(context, status, FIELDS(before));
        if (r != 0)
                return r;
        print_attention(status);
        puts(waits ? "\nNext: 'sealctl authority challenges' shows what the authority has to "
                     "answer"
                   : "\nNext: an administrator runs 'sealctl init'");
        return 0;
}

static int status_print(const Context *context, const json_t *status) {
        if (context->json)
                return print_json_value(context, status);
        if (strcmp(json_text(status, "state"), "uninitialized") == 0)
                return uninitialized_print(context, status);
        int r = print_fields(context, status, FIELDS(fields));
        if (r == 0)
                r = indices_print(context, status);
        if (r == 0)
                r = state_indices_print(context, status);
        if (r == 0)
                r = lists_print(context, status);
        if (r == 0)
                print_attention(status);
        if (r == 0)
                next_print(json_text(status, "state"));
        return r;
}

/* What every local user may read. */
static int status_public(Context *context, json_t **ret) {
        static const char *const names[][2] = {
                { "Version", "version" },
                { "State", "state" },
                { "Separation", "separation" },
                { "Features", "features" },
        };
        json_t *status = json_object();
        int r = 0;

        for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
                json_t *value = NULL;
                r = property_json(context, MANAGER_PATH, MANAGER, names[i][0], &value);
                if (r == 0)
                        json_object_set_new(status, names[i][1], value);
        }
        if (r == 0)
                *ret = steal_ptr(status);
        json_decref(status);
        return r;
}

static int status_get(Context *context, json_t **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "GetStatus", &call);
        if (r != 0)
                return r;
        if (call_attempt(context, call, &error, &reply) >= 0) {
                r = message_to_json(reply, ret);
                return r < 0 ? fail_errno(context, r, "the status cannot be read") : 0;
        }
        if (exit_code_of(error.name) != EXIT_NOT_ALLOWED)
                return fail_remote(context, error.name, error.message);
        note(context, "Only administrators and auditors see more than this.");
        return status_public(context, ret);
}

int verb_status(Context *context, int argc, char **argv) {
        const Usage usage = { .help = help };
        _cleanup_(json_freep) json_t *status = NULL;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = status_get(context, &status);
        return r != 0 ? r : status_print(context, status);
}
