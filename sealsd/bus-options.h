/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options: the a{sv} that most methods take, read strictly by a table. A name that is not in the
 * table, a wrong type and a repeat are SEAL_E_INVALID_ARGS; what is too large is
 * SEAL_E_LIMITS_EXCEEDED; what the contract has and this version has not is SEAL_E_UNSUPPORTED;
 * each names the option. Also the bounded reading of plain arguments.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "base/bytes.h"
#include "base/error.h"
#include "sealsd/bus-secret.h"
#include "sealsd/bus-ticket.h"
#include "sealsd/handed-file.h"

/* Rows of a table. */
#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* sd-bus also says yes with 1, 2, …; among ours a positive number is a condition. */
static inline int sd_result(int r) {
        return r < 0 ? r : 0;
}

typedef enum OptionType {
        OPTION_STRING,  /* s into const char *, borrowed from the message */
        OPTION_TEXT,    /* s into char[max + 1] */
        OPTION_BOOLEAN, /* b into bool */
        OPTION_U32,     /* u into uint32_t */
        OPTION_TIME,    /* t of at most INT64_MAX into uint64_t; also counts */
        OPTION_BYTES,   /* ay into Bytes, borrowed */
        OPTION_SECRET,  /* s, h or o into Secret */
        OPTION_FILE,    /* ay or h, at most max bytes, into HandedFile, borrowed */
        OPTION_CUSTOM,  /* signature and read of the row */
        OPTION_LATER,   /* known, but not to this version */
} OptionType;

/* Reads one value of the row's signature; option is the name, for the detail. */
typedef int (*OptionRead)(sd_bus_message *m, const char *option, void *target, ErrorDetail *detail);

typedef struct Option {
        const char *name;
        OptionType type;
        size_t target; /* offset in the structure that options_read fills */
        size_t max;    /* bytes of text, array and PEM; the value of a u, 0: any */
        const char *signature;
        OptionRead read;
} Option;

/* What reading secrets needs; pipes collects those that remain to be read (bus-secret.h). */
typedef struct OptionContext {
        bool allow_inline_secrets;
        SecretPipes *pipes;
        Tickets *tickets;
        const char *sender; /* whose tickets count; a ticket that is read is used */
} OptionContext;

/*
 * At most 64 rows; target is not NULL. Options that do not occur leave their targets as they are.
 */
int options_read(sd_bus_message *m, const Option *table, size_t count, const OptionContext *context,
                 void *target, ErrorDetail *detail);

/* A plain argument: s of at most max bytes, ay of at most max bytes; both borrowed. */
int argument_text(sd_bus_message *m, const char *name, size_t max, const char **ret,
                  ErrorDetail *detail);
int argument_bytes(sd_bus_message *m, const char *name, size_t max, Bytes *ret,
                   ErrorDetail *detail);

/*
 * A plain argument that is a secret: v of s, h or o as the option is; or h alone. name is static.
 */
int argument_secret(sd_bus_message *m, const char *name, const OptionContext *context, Secret *ret,
                    ErrorDetail *detail);
int argument_secret_fd(sd_bus_message *m, const char *name, const OptionContext *context,
                       Secret *ret, ErrorDetail *detail);

/* The two conditions that readers of values of their own share. Both return the code. */
int option_invalid(ErrorDetail *detail, const char *option, const char *why);
int option_too_large(ErrorDetail *detail, const char *option, size_t max, const char *unit);
