/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealctl suspend, resume, report-lost, report-found, surrender, destroy: a seal that rests, is
 * missed, comes back, or ends. Each takes the number and a reason.
 */
#include "client/bus-call.h"
#include "client/options.h"
#include "client/seal-act.h"
#include "client/verb.h"

static const char suspend_help[] =
        "Usage: sealctl suspend NUMBER REASON\n"
        "\n"
        "Stop an active seal from signing, until it is resumed. Its keepers and the\n"
        "administrators may do this.\n"
        "\n"
        "Example:\n"
        "  sealctl suspend 50011200000001 \"contract under dispute\"\n"
        "\n"
        "Next: 'sealctl resume NUMBER REASON' by an administrator who did not suspend it,\n"
        "or 'sealctl apply resume NUMBER'.\n";

static const char resume_help[] =
        "Usage: sealctl resume NUMBER REASON\n"
        "\n"
        "Let a suspended seal sign again. An administrator does this, and not the one\n"
        "who suspended it; others apply for it with 'sealctl apply resume NUMBER'. A seal\n"
        "that was never accepted, or that has expired, is surrendered instead.\n"
        "\n"
        "Example:\n"
        "  sealctl resume 50011200000001 \"the dispute is settled\"\n"
        "\n"
        "Next: 'sealctl why NUMBER' tells whether it can sign.\n";

static const char lost_help[] =
        "Usage: sealctl report-lost NUMBER REASON\n"
        "\n"
        "Report that a seal is out of its keeper's control: his account, his machine or\n"
        "his PIN. It does not sign any more. Its keepers and the administrators may do\n"
        "this, from delivered, active and suspended.\n"
        "\n"
        "Example:\n"
        "  sealctl report-lost 50011200000001 \"laptop stolen\"\n"
        "\n"
        "Next: 'sealctl report-found NUMBER REASON', or 'sealctl revoke NUMBER REASON'.\n";

static const char found_help[] =
        "Usage: sealctl report-found NUMBER REASON\n"
        "\n"
        "A lost seal is under control again. It is suspended then, and does not sign\n"
        "before it was resumed.\n"
        "\n"
        "Example:\n"
        "  sealctl report-found 50011200000001 \"laptop back, never switched on\"\n"
        "\n"
        "Next: an administrator runs 'sealctl resume NUMBER REASON'; a seal that was\n"
        "never accepted is surrendered and delivered again.\n";

static const char surrender_help[] =
        "Usage: sealctl surrender NUMBER REASON\n"
        "\n"
        "Give a seal back, or recall it as an administrator ('sealctl recall' is the\n"
        "same). Its keepers and everybody with a grant cease to use it.\n"
        "\n"
        "Example:\n"
        "  sealctl surrender 50011200000001 \"I leave the department\"\n"
        "\n"
        "Next: 'sealctl deliver NUMBER KEEPER' gives it to a keeper again, 'sealctl apply\n"
        "transfer NUMBER' to a new one; 'sealctl revoke NUMBER REASON' ends it.\n";

static const char destroy_help[] =
        "Usage: sealctl destroy [--yes] NUMBER REASON\n"
        "\n"
        "Erase the key of a revoked seal from this machine. Its record stays, for\n"
        "auditors. An administrator other than the one who revoked it does this; others\n"
        "apply for it with 'sealctl apply destroy NUMBER'. It cannot be taken back: asks\n"
        "on the terminal, unless --yes is given.\n"
        "\n"
        "Example:\n"
        "  sealctl destroy --yes 50011200000001 \"end of its retention\"\n"
        "\n"
        "Next: 'sealctl show NUMBER' shows auditors the record.\n";

typedef struct LifeAct {
        const char *member;
        const char *help;
        const char *question, *rest; /* seal_confirm's; NULL: it can be taken back */
        SealNext next;               /* before NULL: nothing */
} LifeAct;

static int act_run(Context *context, int argc, char **argv, const LifeAct *act) {
        const Usage usage = { act->help, NULL, 0, 2, 2 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = reason_check(context, arguments[1]);
        if (r == 0 && act->question)
                r = seal_confirm(context, path, act->question, act->rest);
        if (r == 0)
                r = seal_text_call(context, path, act->member, arguments[1]);
        if (r != 0)
                return r;
        return seal_state_report(context, path, act->next.before ? &act->next : NULL);
}

int verb_suspend(Context *context, int argc, char **argv) {
        static const LifeAct act = {
                .member = "Suspend",
                .help = suspend_help,
                .next = { "another administrator runs ", "sealctl resume", " REASON" },
        };

        return act_run(context, argc, argv, &act);
}

int verb_resume(Context *context, int argc, char **argv) {
        static const LifeAct act = {
                .member = "Resume",
                .help = resume_help,
                .next = { "", "sealctl why", "" },
        };

        return act_run(context, argc, argv, &act);
}

int verb_report_lost(Context *context, int argc, char **argv) {
        static const LifeAct act = {
                .member = "ReportLost",
                .help = lost_help,
                .next = { "when it turns up, ", "sealctl report-found", " REASON" },
        };

        return act_run(context, argc, argv, &act);
}

int verb_report_found(Context *context, int argc, char **argv) {
        static const LifeAct act = {
                .member = "ReportFound",
                .help = found_help,
                .next = { "an administrator runs ", "sealctl resume", " REASON" },
        };

        return act_run(context, argc, argv, &act);
}

int verb_surrender(Context *context, int argc, char **argv) {
        static const LifeAct act = {
                .member = "Surrender",
                .help = surrender_help,
                .next = { "an administrator runs ", "sealctl deliver", " KEEPER" },
        };

        return act_run(context, argc, argv, &act);
}

int verb_destroy(Context *context, int argc, char **argv) {
        static const LifeAct act = {
                .member = "Destroy",
                .help = destroy_help,
                .question = "Erase the key of",
                .rest = "for ever?",
                .next = { "an auditor sees the record by ", "sealctl show", "" },
        };

        return act_run(context, argc, argv, &act);
}
