/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl ledger: what happened here, and whether the record of it is whole. */
#include "client/verb-ledger-internal.h"
#include "client/verb.h"

int verb_ledger(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "list", verb_ledger_list, "What happened, oldest first" },
                { "export", verb_ledger_export, "Write it into a file for an auditor" },
                { "verify", verb_ledger_verify, "Check such a file offline" },
                { "check", verb_ledger_check, "Have the daemon check ledger and register" },
                { "acknowledge", verb_ledger_acknowledge, "Let seals sign again after tampering" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl ledger list|export|verify|check|acknowledge [OPTIONS]\n"
                         "\n"
                         "The ledger has a row for every act, use and refusal. Each row names the "
                         "hash of\n"
                         "the one before it, and the TPM holds a value that only the whole of it "
                         "leads to,\n"
                         "so that a row that is edited, cut off or put in shows.\n"
                         "\n",
                .footer = "\n'sealctl ledger VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl ledger list --seal 33010000000001\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}
