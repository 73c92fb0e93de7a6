/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the bus made from an input: the target says the signature, the input the values, also
 * those in variants. sd-bus keeps the form (UTF-8, lengths, alignment), as it does for what
 * arrives.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "tests/fuzz/fuzz.h"

/* Descriptors that h of a value chooses from: a sealed memfd, a plain memfd, a pipe, /dev/null. */
#define MESSAGE_FDS 4

typedef struct MessageMaker {
        sd_bus *bus; /* to nobody, which is enough to make messages */
        int fds[MESSAGE_FDS];
        const char *const *words; /* texts that a byte of the input stands for; ends with NULL */
} MessageMaker;

/* Opened once and kept. */
void message_maker_open(MessageMaker *maker, const char *const *words);

/* A sealed call at its beginning. NULL when sd-bus refuses to carry what the input says. */
sd_bus_message *message_make(const MessageMaker *maker, const char *signature, Input *input);

/* For an owned local. */
static inline void message_unrefp(sd_bus_message **m) {
        sd_bus_message_unref(*m);
}
