/* SPDX-License-Identifier: Apache-2.0 */
#include "client/installation.h"

#include <unistd.h>

#include "client/answer.h"
#include "client/secret-input.h"

void consent_done(Consent *consent) {
        closep(&consent->fd);
}

int consent_get(const Context *context, Consent *consent) {
        _cleanup_(secret_wipe) Secret passphrase = {};

        if (consent->authority && consent->resident)
                return fail(context, EXIT_USAGE, "--authority and --resident exclude each other");
        if (consent->passphrase_file && !consent->authority && !consent->resident)
                return fail(context, EXIT_USAGE,
                            "--passphrase-file goes with --authority or --resident");
        if (!consent->resident)
                return 0;
        int r = passphrase_get(context, consent->passphrase_file,
                               "Passphrase of the authority in the TPM: ", false, &passphrase);
        return r != 0 ? r : secret_to_memfd(context, &passphrase, &consent->fd);
}

void consent_append(Entries *entries, const Consent *consent) {
        entry_fd(entries, "passphrase", consent->fd);
}

static int waits_get(Context *context, bool *ret) {
        _cleanup_(json_freep) json_t *rows = NULL;

        int r = call_json(context, MANAGER_PATH, MANAGER, "ListChallenges", NULL, &rows);
        *ret = r == 0 && json_array_size(rows) > 0;
        return r;
}

int consent_finish(Context *context, const Consent *consent, bool *ret_waits) {
        _cleanup_(authority_done) Authority authority = {};
        unsigned answered = 0;

        if (!consent->authority)
                return waits_get(context, ret_waits);
        int r = authority_load_private(context, consent->authority, consent->passphrase_file,
                                       &authority);
        authority.separation = consent->separation;
        if (r == 0)
                r = answer_all(context, &authority, &answered);
        *ret_waits = false;
        return r;
}
