/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pin.h"

#include "base/cleanup.h"
#include "client/secret-input.h"

int pin_deposit(Context *context, const Secret *pin, json_t **ret) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;
        _cleanup_close_ int fd = -1;

        *ret = NULL;
        if (!pin->set)
                return 0;
        int r = secret_to_memfd(context, pin, &fd);
        if (r == 0)
                r = call_new(context, MANAGER_PATH, MANAGER, "DepositSecret", &call);
        if (r == 0)
                r = call_built(context, sd_bus_message_append(call, "h", fd));
        if (r == 0)
                r = call_send_json(context, call, ret);
        if (r == 0 && !json_is_string(*ret))
                r = fail(context, EXIT_OTHER, "the daemon's answer cannot be read");
        return r;
}

int pin_get(Context *context, const PinWords *words, const char *prompt, bool new_one,
            Secret *ret) {
        if (words->file && words->ask)
                return fail(context, EXIT_USAGE, "the PIN comes from a file or from the terminal");
        if (!words->file && !words->ask)
                return 0;
        return passphrase_get(context, words->file, prompt, new_one, ret);
}

int pin_ticket_get(Context *context, const PinWords *words, const char *prompt, bool new_one,
                   json_t **ret) {
        _cleanup_(secret_wipe) Secret pin = {};

        *ret = NULL;
        int r = pin_get(context, words, prompt, new_one, &pin);
        return r != 0 ? r : pin_deposit(context, &pin, ret);
}
