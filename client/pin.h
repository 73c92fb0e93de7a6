/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seal's PIN: from a file or typed, never on the command line, and to the daemon as a ticket
 * (Manager.DepositSecret), since descriptors do not reach the objects of seals and requests.
 */
#pragma once

#include <stdbool.h>

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

/*
 * Read the PIN (twice where it is a new one that is typed) and deposit it. *ret is the ticket's
 * object path, a JSON string that the caller owns, or NULL where no PIN is given: entry_path's
 * value. A ticket serves once, within a minute.
 */
int pin_ticket_get(Context *context, const PinWords *words, const char *prompt, bool new_one,
                   json_t **ret);
