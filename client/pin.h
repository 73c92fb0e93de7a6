/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seal's PIN: from a file or typed, never on the command line, and to the daemon as a ticket
 * (Manager.DepositSecret), since descriptors do not reach the objects of seals and requests.
 */
#pragma once

#include <stdbool.h>

#include "base/secret.h"
#include "client/bus-call.h"
#include "client/options.h"

typedef struct PinWords {
        const char *file;
        bool ask;
} PinWords;

/* clang-format off: one option a line */
#define PIN_OPTIONS(p)                       \
        { "pin-file", .text = &(p).file }, { \
                "ask-pin", .flag = &(p).ask  \
        }
/* clang-format on */

#define PIN_HELP                                                                   \
        "  --pin-file FILE   First line is the seal's PIN ('-': standard input)\n" \
        "  --ask-pin         Type it at the terminal\n"

/* Read the PIN (twice where it is a new one that is typed); not set where none is given. */
int pin_get(Context *context, const PinWords *words, const char *prompt, bool new_one, Secret *ret);

/*
 * Deposit it. *ret is the ticket's object path, a JSON string that the caller owns, or NULL for a
 * PIN that is not set: entry_path's value. A ticket serves once, within a minute, so that nothing
 * that takes a person's time comes behind it.
 */
int pin_deposit(Context *context, const Secret *pin, json_t **ret);

/* Both. */
int pin_ticket_get(Context *context, const PinWords *words, const char *prompt, bool new_one,
                   json_t **ret);

#define PIN_PROMPT "PIN of the seal: "
