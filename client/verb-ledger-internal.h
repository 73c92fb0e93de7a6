/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs under `sealctl ledger`. */
#pragma once

#include "client/context.h"

int verb_ledger_list(Context *context, int argc, char **argv);
int verb_ledger_export(Context *context, int argc, char **argv);
int verb_ledger_verify(Context *context, int argc, char **argv);
int verb_ledger_check(Context *context, int argc, char **argv);
int verb_ledger_acknowledge(Context *context, int argc, char **argv);
