/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl: the administrator's and the keeper's hand on sealsd. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/context.h"
#include "client/verb.h"

static const Verb verbs[] = {
        { NULL, NULL, "Setting up" },
        { "init", verb_init, "Set up this machine: authority, machine state, revocation" },
        { "status", verb_status, "How the daemon is and what needs attention" },
        { "machine-state", verb_machine_state, "show or approve the state of this machine" },
        { "separation", verb_separation, "show or set the separation of duties" },
        { "capacity", verb_capacity, "extend: make room for more seals" },
        { "reviewer", verb_reviewer, "register: have a reviewer's decisions signed" },
        { "maker", verb_maker, "Who certifies the seals: certificates, request, set" },
        { "authority", verb_authority, "The authority's key: new, show, challenges, answer" },

        { NULL, NULL, "Requests" },
        { "apply", verb_apply, "Apply for a seal, or for what shall become of one" },
        { "requests", verb_requests, "List requests" },
        { "request", verb_request, "Everything about one request: look before you approve" },
        { "approve", verb_approve, "Approve a request" },
        { "reject", verb_reject, "Reject a request" },
        { "cancel", verb_cancel, "Cancel a request" },
        { "make", verb_make, "Make the seal of an approved request" },
        { "decisions", verb_decisions, "verify: check reviewers' signatures offline" },

        { NULL, NULL, "Seals" },
        { "new", verb_new, "Make a seal at once (separation 'single')" },
        { "record-filing", verb_record_filing, "Record that a seal was filed" },
        { "deliver", verb_deliver, "Deliver a seal to its keeper" },
        { "accept", verb_accept, "Accept a delivered seal: it becomes active" },
        { "change-pin", verb_change_pin, "Give a seal another PIN" },
        { "decline", verb_decline, "Decline a delivered seal" },
        { "list", verb_list, "List seals" },
        { "show", verb_show, "Everything about one seal, or its public key" },
        { "state-at", verb_state_at, "How a seal stood at a time" },
        { "why", verb_why, "Whether a seal can sign, and what to do when it cannot" },
        { "sign", verb_sign, "Sign a file with a seal" },
        { "sign-many", verb_sign_many, "Sign many files with one call" },
        { "verify", verb_verify, "Check a signature offline" },
        { "timestamp", verb_timestamp, "Have an authority stamp the time into a signature" },
        { "export", verb_export, "What others need to verify a seal's signatures, as files" },
        { "passport", verb_passport, "What a seal is, proved by its TPM: get one, verify one" },
        { "certificate", verb_certificate, "show, request, set: what certifies a seal" },
        { "grant", verb_grant, "add, remove, list: who else may use a seal" },
        { "suspend", verb_suspend, "Stop a seal from signing for a while" },
        { "resume", verb_resume, "Let a suspended seal sign again" },
        { "suspend-all", verb_suspend_all, "Suspend many seals at once" },
        { "lock", verb_lock, "Lock all seals until the machine is started anew" },
        { "report-lost", verb_report_lost, "Report that a seal is out of control" },
        { "report-found", verb_report_found, "Report that a lost seal is back" },
        { "surrender", verb_surrender, "Give a seal back, or recall it" },
        { "recall", verb_surrender, "The same as surrender" },
        { "revoke", verb_revoke, "Revoke a seal for ever" },
        { "destroy", verb_destroy, "Erase the key of a revoked seal" },

        { NULL, NULL, "Signatures that several people approve" },
        { "request-use", verb_request_use, "Ask a seal's approvers for one signature" },
        { "challenge", verb_challenge, "What an approver signs, for openssl or a smartcard" },
        { "approve-use", verb_approve_use, "Approve one use of a seal, with your key" },
        { "withdraw-approval", verb_withdraw_approval, "Take an unused approval back" },
        { "collect", verb_collect, "Fetch the signature once enough have approved" },

        { NULL, NULL, "Looking after it" },
        { "ledger", verb_ledger, "list, export, verify, check, acknowledge: what happened here" },
        { "crl", verb_crl, "The revocation lists, for those who verify signatures" },
        { "inspect", verb_inspect, "Look for what is not as it should be" },
        { "report", verb_report, "The register and what needs attention, on a page" },
        { "watch", verb_watch, "What happens, while it happens" },
        { "audit", verb_audit, "could, uses, rules, disclosures, off, single" },
};

static const VerbTable table = {
        .usage = "Usage: sealctl [--json] [--yes] VERB [OPTIONS] [ARGUMENTS]\n"
                 "\n"
                 "Electronic seals whose keys live in this machine's TPM.\n"
                 "'sealctl help VERB' (or VERB --help) tells what it takes and what comes next.\n",
        .footer =
                "\n"
                "Options of every verb:\n"
                "  --json         Results and errors as JSON\n"
                "  -y, --yes      Do not ask for confirmation\n"
                "  -o FILE        The same as --output FILE, where a verb has that\n"
                "  -h, --help     This text, or the verb's\n"
                "  --version      The version\n"
                "\n"
                "Exit codes: 0 done, 1 other failure, 2 wrong usage, 3 not allowed, 4 not found,\n"
                "5 not in this state, 6 the seal refuses, 7 the machine state or a lock refuses,\n"
                "8 TPM trouble, 9 busy or too slow (try again), 10 a signature, ledger or\n"
                "passport is bad, 11 a signature or passport was not checked in every\n"
                "respect\n",
        .verbs = verbs,
        .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
};

/* What did not reach its reader was not done, whatever else went well. */
static int output_finish(const Context *context, int r) {
        const char *reason = fflush(stdout) != 0 ? strerror(errno)
                             : ferror(stdout)    ? "not all of it could be written"
                                                 : NULL;

        if (!reason || r > 0)
                return r;
        return fail_plain(context, EXIT_OTHER, "standard output: %s", reason);
}

int main(int argc, char **argv) {
        Context context = {};

        /* Names are UTF-8 on the bus, also where the environment names no locale. */
        if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
                (void) setlocale(LC_CTYPE, "C.UTF-8");
        int r = verb_dispatch(&context, &table, argc, argv);
        r = output_finish(&context, r);
        context_done(&context);
        return r < 0 ? EXIT_OK : r;
}
