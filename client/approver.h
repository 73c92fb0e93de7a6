/* SPDX-License-Identifier: Apache-2.0 */
/* Who has to agree to each use of a seal: the options --approver, --threshold and --pin. */
#pragma once

#include "client/application.h"

/*
 * EXIT_USAGE for more than APPROVERS_MAX, a threshold without or beyond them, and contradictions.
 */
int approvers_check(const Context *context, const ApplicationWords *application);

/*
 * The entries `approvers` a(ss), `threshold` and `pin`. SUBJECT=FILE is read here: a public key or
 * certificate (PEM) of a kind that the chip takes. A private key is refused, and never sent.
 */
int approvers_append(const Context *context, const ApplicationWords *application, Entries *entries);

/* For people: how many of whom, and by which key each is known. Nothing where there are none. */
int approvers_print(const Context *context, const json_t *approvers, json_int_t threshold);

/*
 * "request-use" for a seal with approvers, else "sign": by which verb it is used; and whether it
 * has a PIN. "sign" and none where that cannot be found out.
 */
const char *approvers_verb(Context *context, const char *path, bool *ret_pin);
