/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl init: authority key, Initialize and its challenges, one command to be repeated. */
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "client/answer.h"
#include "client/bus-call.h"
#include "client/file.h"
#include "client/output.h"
#include "client/secret-input.h"
#include "client/verb.h"
#include "policy/pcr.h"

static const char help[] =
        "Usage: sealctl init [OPTIONS]\n"
        "\n"
        "Set up sealsd on this machine: pin the authority's key, approve the machine's\n"
        "present state, and define the revocation and ledger indices in the TPM.\n"
        "\n"
        "Without --authority a new key is written to ./sealsd-authority.pem, protected\n"
        "by a passphrase. Whoever holds it decides which machine states may sign: move\n"
        "it to another place once this command is done.\n"
        "\n"
        "Options:\n"
        "  --authority FILE         Use this key (PEM). A private key answers at once;\n"
        "                           with a public key the answers are given later\n"
        "  --resident               Keep the authority in the TPM, under a passphrase\n"
        "  --passphrase-file FILE   First line is the passphrase ('-': standard input)\n"
        "  --separation MODE        Who has to agree to a new seal: dual (default: one\n"
        "                           applies, another approves), strict (a maker and a\n"
        "                           filing besides) or single (nobody else)\n"
        "  --pcrs LIST              The PCRs that make up the machine's state, to which\n"
        "                           every seal is bound (default sha256:0,2,7)\n"
        "  --profile NAME           Name of this set of PCRs (default 'default')\n"
        "  --capacity N             Room for at least N seals (rounded up to whole indices\n"
        "                           of 64), revoked ones included (default 64)\n"
        "  --owner-auth-file FILE   The TPM's owner authorisation, where it has one\n"
        "  --lockout-auth-file FILE The TPM's lockout authorisation, where it has one\n"
        "  --set-owner-auth         Set a random owner authorisation; without one every\n"
        "                           user of the TPM can delete the indices\n"
        "  --machine-states         Let approved machine states be retired; costs one index\n"
        "                           and one more TPM command a signature\n"
        "  --escrow CERT            Encrypt the authorisations that are set here to the\n"
        "                           holder of this certificate (PEM), ...\n"
        "  --escrow-out FILE        ... and write them to this file (CMS, DER)\n"
        "\n"
        "Example:\n"
        "  sealctl init --separation dual --capacity 200\n"
        "\n"
        "If it was interrupted, run it again; it goes on where it was. If the new key was\n"
        "written already, add --authority sealsd-authority.pem.\n"
        "\n"
        "Next: 'sealctl status', then 'sealctl apply --name \"Acme Contracts\"'.\n";

typedef struct InitWords {
        const char *authority, *passphrase_file, *separation, *pcrs, *profile, *owner_auth_file,
                *lockout_auth_file, *escrow, *escrow_out;
        bool resident, set_owner_auth, machine_states;
        uint64_t capacity;
} InitWords;

#define CAPACITY_UNSAID UINT64_MAX

/* What Initialize takes besides plain options; owned. */
typedef struct InitInputs {
        Authority authority;
        char *public_pem;
        uint8_t *escrow;
        size_t escrow_size;
        int passphrase_fd, owner_auth_fd, lockout_auth_fd;
        bool key_made; /* AUTHORITY_FILE_DEFAULT is of this run */
} InitInputs;

static void inputs_done(InitInputs *inputs) {
        authority_done(&inputs->authority);
        free(inputs->public_pem);
        free(inputs->escrow);
        closep(&inputs->passphrase_fd);
        closep(&inputs->owner_auth_fd);
        closep(&inputs->lockout_auth_fd);
}

static int options_check(const Context *context, const InitWords *options) {
        if (options->resident && options->authority)
                return fail(context, EXIT_USAGE, "--resident and --authority exclude each other");
        if (!options->escrow != !options->escrow_out)
                return fail(context, EXIT_USAGE, "--escrow and --escrow-out go together");
        if (options->capacity == 0)
                return fail(context, EXIT_USAGE, "--capacity is at least 1");
        if (options->capacity != CAPACITY_UNSAID && options->capacity > CAPACITY_MAX)
                return fail(context, EXIT_USAGE, "--capacity is at most %d", CAPACITY_MAX);
        return 0;
}

static bool separation_is_known(const char *mode) {
        return strcmp(mode, "dual") == 0 || strcmp(mode, "strict") == 0 ||
               strcmp(mode, "single") == 0;
}

static bool profile_is_plain(const char *name) {
        size_t size = strlen(name);

        return size > 0 && size <= PROFILE_MAX &&
               strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

/* The form of the words: a key must not be made for a call that is refused for one of them. */
static int words_check(const Context *context, const InitWords *options) {
        PcrSelection selection;
        ErrorDetail detail = {};

        if (options->separation && !separation_is_known(options->separation))
                return fail(context, EXIT_USAGE, "--separation is dual, strict or single, not '%s'",
                            options->separation);
        if (options->profile && !profile_is_plain(options->profile))
                return fail(context, EXIT_USAGE,
                            "--profile takes a-z, 0-9 and '-', at most %d, not '%s'", PROFILE_MAX,
                            options->profile);
        /* Which PCR is the fence is the daemon's to know. */
        int r = options->pcrs ? pcr_selection_parse(options->pcrs, PCR_COUNT, &selection, &detail)
                              : 0;
        return r != 0 ? fail(context, EXIT_USAGE, "--pcrs: %s", error_describe(r, &detail)) : 0;
}

/* Before a key file is made for nothing. */
static int state_check(Context *context) {
        _cleanup_(json_freep) json_t *state = NULL;
        int code = SEAL_E_ALREADY_INITIALIZED;

        int r = property_json(context, MANAGER_PATH, MANAGER, "State", &state);
        if (r != 0)
                return r;
        const char *text = json_string_value(state);
        if (text && strcmp(text, "uninitialized") == 0)
                return 0;
        if (text && strcmp(text, "no-tpm") == 0)
                code = SEAL_E_TPM_UNAVAILABLE;
        return fail_remote(context, error_name(code), error_text(code));
}

static int authority_make(Context *context, const InitWords *options, Authority *ret,
                          bool *ret_made) {
        _cleanup_(secret_wipe) Secret passphrase = {};

        int r = state_check(context);
        if (r != 0)
                return r;
        if (access(AUTHORITY_FILE_DEFAULT, F_OK) == 0)
                return fail(context, EXIT_WRONG_STATE,
                            "%s exists already and is left as it is; go on with it by "
                            "'sealctl init --authority %s', or move it away",
                            AUTHORITY_FILE_DEFAULT, AUTHORITY_FILE_DEFAULT);
        r = passphrase_get(context, options->passphrase_file,
                           "New passphrase of the authority key: ", true, &passphrase);
        if (r == 0)
                r = authority_create(context, AUTHORITY_FILE_DEFAULT, &passphrase, ret);
        if (r != 0)
                return r;
        *ret_made = true;
        note(context, "Wrote the authority key to %s", AUTHORITY_FILE_DEFAULT);
        return 0;
}

static int secret_fd(const Context *context, const char *file, int *ret_fd) {
        _cleanup_(secret_wipe) Secret secret = {};

        if (!file)
                return 0;
        int r = secret_file_read(context, file, &secret);
        return r != 0 ? r : secret_to_memfd(context, &secret, ret_fd);
}

static int passphrase_fd(Context *context, const InitWords *options, int *ret_fd) {
        _cleanup_(secret_wipe) Secret passphrase = {};

        int r = state_check(context);
        if (r == 0)
                r = passphrase_get(context, options->passphrase_file,
                                   "New passphrase of the authority in the TPM: ", true,
                                   &passphrase);
        return r != 0 ? r : secret_to_memfd(context, &passphrase, ret_fd);
}

static int inputs_get(Context *context, const InitWords *options, InitInputs *inputs) {
        /* The key last: nothing after it fails here. */
        int r = secret_fd(context, options->owner_auth_file, &inputs->owner_auth_fd);
        if (r == 0)
                r = secret_fd(context, options->lockout_auth_file, &inputs->lockout_auth_fd);
        if (r == 0 && options->escrow)
                r = file_read(context, options->escrow, PEM_MAX, &inputs->escrow,
                              &inputs->escrow_size);
        if (r != 0)
                return r;
        if (options->resident)
                r = passphrase_fd(context, options, &inputs->passphrase_fd);
        else if (options->authority)
                r = authority_load(context, options->authority, options->passphrase_file,
                                   &inputs->authority);
        else
                r = authority_make(context, options, &inputs->authority, &inputs->key_made);
        if (r == 0 && !options->resident)
                r = authority_public_pem(context, &inputs->authority, &inputs->public_pem);
        return r;
}

static int entries_append(sd_bus_message *m, const InitWords *options, const InitInputs *inputs) {
        Entries e = entries_open(m);

        entry_text(&e, "separation", options->separation);
        entry_text(&e, "authority", inputs->public_pem);
        entry_fd(&e, "passphrase", inputs->passphrase_fd);
        entry_text(&e, "pcrs", options->pcrs);
        entry_text(&e, "profile", options->profile);
        if (options->capacity != CAPACITY_UNSAID)
                entry_u32(&e, "capacity", (uint32_t) options->capacity);
        entry_fd(&e, "owner-auth", inputs->owner_auth_fd);
        entry_fd(&e, "lockout-auth", inputs->lockout_auth_fd);
        entry_flag(&e, "set-owner-auth", options->set_owner_auth);
        entry_flag(&e, "machine-states", options->machine_states);
        entry_text(&e, "escrow", (const char *) inputs->escrow);
        return entries_close(&e);
}

static int initialize(Context *context, const InitWords *options, const InitInputs *inputs,
                      json_t **ret_report) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "Initialize", &call);
        if (r == 0)
                r = call_built(context, entries_append(call, options, inputs));
        return r != 0 ? r : call_send_json(context, call, ret_report);
}

/*
 * A key that the daemon refused would only bar the next try. Not after a failure that may have come
 * later (the chip, the time, the bus): the key may be pinned by then.
 */
static void key_withdraw(const Context *context, const InitInputs *inputs, int exit_code) {
        const bool refused = exit_code == EXIT_USAGE || exit_code == EXIT_NOT_ALLOWED ||
                             exit_code == EXIT_WRONG_STATE;

        if (inputs->key_made && refused && unlink(AUTHORITY_FILE_DEFAULT) == 0)
                note(context, "Removed %s again: nothing was set up with it",
                     AUTHORITY_FILE_DEFAULT);
}

/* Written before anything else: these values are returned only once. */
static int escrow_write(const Context *context, const InitWords *options, const json_t *report) {
        const char *hex = json_text(report, "escrowed");
        size_t size = strlen(hex) / 2;

        if (size == 0 || !options->escrow_out)
                return 0;
        _cleanup_free_ uint8_t *data = malloc(size);
        if (!data || !hex_decode(hex, data, size))
                return fail(context, EXIT_OTHER, "the escrowed values cannot be read");
        return file_write(context, options->escrow_out, 0600, (Bytes){ data, size });
}

static void print_next(void) {
        puts("\nThe machine waits for the authority's answers. Where the private key can be read:\n"
             "  sealctl authority answer --key authority.pem\n"
             "Where it is kept on another machine, until none is left:\n"
             "  sealctl authority challenges --directory .\n"
             "  openssl dgst -sha256 -sign authority.pem -out ID.sig ID.bin\n"
             "  sealctl authority answer --id ID --signature ID.sig");
}

static int report_print(Context *context, const InitWords *options, json_t *report) {
        static const OutputField fields[] = {
                { "state", "State", FIELD_TEXT },
                { "separation", "Separation of duties", FIELD_TEXT },
                { "authority", "Authority", FIELD_TEXT },
                { "authority-file", "Authority key file", FIELD_TEXT },
                { "capacity", "Capacity", FIELD_SEALS },
                { "lockout-auth", "Lockout authorisation", FIELD_TEXT },
                { "owner-auth", "Owner authorisation", FIELD_TEXT },
                { "challenges", "Answers still needed", FIELD_TEXT },
        };

        (void) json_object_del(report, "escrowed");
        if (!options->authority && !options->resident)
                json_object_set_new(report, "authority-file", json_string(AUTHORITY_FILE_DEFAULT));
        if (context->json)
                return print_json_value(context, report);
        int r = print_fields(context, report, FIELDS(fields));
        if (!options->authority && !options->resident)
                printf("\nKeep %s away from this machine, with a copy: without it no new machine\n"
                       "state can be approved, and whoever has it and its passphrase can.\n",
                       AUTHORITY_FILE_DEFAULT);
        return r;
}

static int finish(Context *context, const InitWords *options, const InitInputs *inputs,
                  json_t *report) {
        json_t *state = NULL;
        unsigned answered = 0;
        int r = 0;

        if (inputs->authority.is_private) {
                r = answer_all(context, &inputs->authority, &answered);
                if (r == 0)
                        r = property_json(context, MANAGER_PATH, MANAGER, "State", &state);
                if (r == 0) {
                        json_object_set_new(report, "state", state);
                        json_object_set_new(report, "challenges", json_integer(0));
                }
        }
        if (r == 0)
                r = report_print(context, options, report);
        if (r == 0 && !context->json &&
            json_integer_value(json_object_get(report, "challenges")) > 0)
                print_next();
        return r;
}

int verb_init(Context *context, int argc, char **argv) {
        InitWords o = { .capacity = CAPACITY_UNSAID };
        _cleanup_(inputs_done) InitInputs inputs = { .passphrase_fd = -1,
                                                     .owner_auth_fd = -1,
                                                     .lockout_auth_fd = -1 };
        _cleanup_(json_freep) json_t *report = NULL;
        char **arguments;
        const CommandOption table[] = {
                { "authority", .text = &o.authority },
                { "resident", .flag = &o.resident },
                { "passphrase-file", .text = &o.passphrase_file },
                { "separation", .text = &o.separation },
                { "pcrs", .text = &o.pcrs },
                { "profile", .text = &o.profile },
                { "capacity", .number = &o.capacity },
                { "owner-auth-file", .text = &o.owner_auth_file },
                { "lockout-auth-file", .text = &o.lockout_auth_file },
                { "set-owner-auth", .flag = &o.set_owner_auth },
                { "machine-states", .flag = &o.machine_states },
                { "escrow", .text = &o.escrow },
                { "escrow-out", .text = &o.escrow_out },
        };
        const Usage usage = { help, OPTIONS(table), 0, 0 };

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = options_check(context, &o);
        if (r == 0)
                r = words_check(context, &o);
        if (r == 0)
                r = inputs_get(context, &o, &inputs);
        if (r == 0)
                r = initialize(context, &o, &inputs, &report);
        if (r != 0)
                key_withdraw(context, &inputs, r);
        if (r == 0)
                r = escrow_write(context, &o, report);
        return r != 0 ? r : finish(context, &o, &inputs, report);
}
