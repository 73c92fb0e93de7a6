/* SPDX-License-Identifier: Apache-2.0 */
/* A table of verbs, its help, and the step from a word on the command line to the function. */
#pragma once

#include <stddef.h>

#include "client/context.h"

typedef struct Verb {
        const char *name; /* NULL: summary is a heading of the help */
        int (*run)(Context *context, int argc, char **argv); /* argv[0] is the verb itself */
        const char *summary;
} Verb;

typedef struct VerbTable {
        const char *usage;  /* the first lines of the help */
        const char *footer; /* its last lines */
        const Verb *verbs;
        size_t n_verbs;
} VerbTable;

/* Read global options up to the verb, then run it. */
int verb_dispatch(Context *context, const VerbTable *table, int argc, char **argv);

int verb_init(Context *context, int argc, char **argv);
int verb_status(Context *context, int argc, char **argv);
int verb_new(Context *context, int argc, char **argv);
int verb_apply(Context *context, int argc, char **argv);
int verb_requests(Context *context, int argc, char **argv);
int verb_request(Context *context, int argc, char **argv);
int verb_approve(Context *context, int argc, char **argv);
int verb_reject(Context *context, int argc, char **argv);
int verb_decisions(Context *context, int argc, char **argv);
int verb_cancel(Context *context, int argc, char **argv);
int verb_request_use(Context *context, int argc, char **argv);
int verb_challenge(Context *context, int argc, char **argv);
int verb_approve_use(Context *context, int argc, char **argv);
int verb_withdraw_approval(Context *context, int argc, char **argv);
int verb_collect(Context *context, int argc, char **argv);
int verb_make(Context *context, int argc, char **argv);
int verb_record_filing(Context *context, int argc, char **argv);
int verb_deliver(Context *context, int argc, char **argv);
int verb_accept(Context *context, int argc, char **argv);
int verb_change_pin(Context *context, int argc, char **argv);
int verb_decline(Context *context, int argc, char **argv);
int verb_list(Context *context, int argc, char **argv);
int verb_show(Context *context, int argc, char **argv);
int verb_why(Context *context, int argc, char **argv);
int verb_sign(Context *context, int argc, char **argv);
int verb_verify(Context *context, int argc, char **argv);
int verb_timestamp(Context *context, int argc, char **argv);
int verb_export(Context *context, int argc, char **argv);
int verb_maker(Context *context, int argc, char **argv);
int verb_crl(Context *context, int argc, char **argv);
int verb_passport(Context *context, int argc, char **argv);
int verb_state_at(Context *context, int argc, char **argv);
int verb_suspend(Context *context, int argc, char **argv);
int verb_resume(Context *context, int argc, char **argv);
int verb_lock(Context *context, int argc, char **argv);
int verb_suspend_all(Context *context, int argc, char **argv);
int verb_report_lost(Context *context, int argc, char **argv);
int verb_report_found(Context *context, int argc, char **argv);
int verb_surrender(Context *context, int argc, char **argv);
int verb_destroy(Context *context, int argc, char **argv);
int verb_revoke(Context *context, int argc, char **argv);
int verb_machine_state(Context *context, int argc, char **argv);
int verb_ledger(Context *context, int argc, char **argv);
int verb_authority(Context *context, int argc, char **argv);
int verb_separation(Context *context, int argc, char **argv);
int verb_capacity(Context *context, int argc, char **argv);
int verb_reviewer(Context *context, int argc, char **argv);
int verb_inspect(Context *context, int argc, char **argv);
int verb_certificate(Context *context, int argc, char **argv);
int verb_grant(Context *context, int argc, char **argv);
int verb_sign_many(Context *context, int argc, char **argv);
int verb_audit(Context *context, int argc, char **argv);
int verb_watch(Context *context, int argc, char **argv);
int verb_report(Context *context, int argc, char **argv);
