/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl apply KIND NUMBER: Seal.Apply, for what shall become of a seal. */
#include <string.h>

#include "base/text.h"
#include "client/application.h"
#include "client/apply.h"
#include "client/approver.h"
#include "client/seal-act.h"

#define REASON_HELP "  --reason TEXT          Why (required)\n"
#define DOCUMENT_HELP "  --document TITLE=FILE  A supporting document; its SHA-256 is recorded\n"
#define NEXT_HELP "\nNext: a reviewer runs 'sealctl request ID', then 'sealctl approve ID'.\n"

static const char renew_help[] =
        "Usage: sealctl apply renew NUMBER --reason TEXT [OPTIONS]\n"
        "\n"
        "Apply for a seal with a new key and a new number in place of this one. But for\n"
        "its time, what no option says is as it was. The old seal signs until the new one\n"
        "is accepted, and --overlap days longer.\n"
        "\n"
        "Options:\n" REASON_HELP "  --overlap Nd           Both sign for N days (default: none)\n"
        "  --name NAME            What the new seal is called\n"
        "  --class CLASS          institution or personal\n"
        "  --type TYPE            official, finance, invoice, contract,\n"
        "                         legal-representative, personnel, department, special,\n"
        "                         other\n"
        "  --holder HOLDER        The organisation or person it stands for, at most 64\n"
        "                         characters\n"
        "  --algorithm ALGORITHM  ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, sm2; 'sealctl\n"
        "                         status' shows which this TPM has\n"
        "  --purpose PURPOSE      document-signing, identity-authentication, endorsement;\n"
        "                         may be repeated: all that it shall have\n"
        "  --not-before TIME      Valid from: YYYY-MM-DD (UTC), RFC 3339, or +Nd (N days\n"
        "                         from now); default: now\n"
        "  --not-after TIME       Valid until, likewise; a day counts to its end (default: for\n"
        "                         as long as a new seal; as configured, 3 years)\n"
        "  --use-limit N          How many signatures in all; 0: no limit\n"
        "  --keeper SUBJECT       Who signs with it: alice, user:alice or group:sales; may\n"
        "                         be repeated: all that it shall have\n"
        "  --approver SUBJECT=FILE  Who has to agree to each signature, and his public key or\n"
        "                         certificate (PEM); up to 4: all that it shall have\n"
        "  --no-approvers         Nobody has to agree any more\n"
        "  --threshold K          How many of the approvers each time\n"
        "  --pin                  The keeper sets a PIN, and gives it for each signature\n"
        "  --no-pin               Without a PIN\n"
        "  --organization-identifier ID  Of the holder, for the certificate\n"
        "  --country CC           Of the holder, likewise: two letters\n"
        "  --picture FILE         What it looks like: PNG, JPEG or SVG, up to 64 KiB\n"
        "  --picture-mm WxH       Its size in millimetres, as 42x42\n" DOCUMENT_HELP "\n"
        "Example:\n"
        "  sealctl apply renew 50011200000001 --overlap 30d --reason \"expires in "
        "March\"\n" NEXT_HELP;

static const char recertify_help[] =
        "Usage: sealctl apply recertify NUMBER --reason TEXT [OPTIONS]\n"
        "\n"
        "Apply for another certificate of a seal, with the same key: to a later end, or\n"
        "where it has none.\n"
        "\n"
        "Options:\n" REASON_HELP
        "  --not-after TIME       Valid until: YYYY-MM-DD (UTC), RFC 3339, or +Nd; a day\n"
        "                         counts to its end. Default: as it is\n" DOCUMENT_HELP "\n"
        "Example:\n"
        "  sealctl apply recertify 50011200000001 --not-after +730d --reason \"in "
        "use\"\n" NEXT_HELP;

static const char amend_help[] =
        "Usage: sealctl apply amend NUMBER --reason TEXT [OPTIONS]\n"
        "\n"
        "Apply for another scope of a seal: its purposes, its use limit, an earlier end.\n"
        "\n"
        "Options:\n" REASON_HELP
        "  --purpose PURPOSE      document-signing, identity-authentication, endorsement;\n"
        "                         may be repeated: all that it shall have\n"
        "  --use-limit N          How many signatures in all; 0: no limit\n"
        "  --not-after TIME       An earlier end: YYYY-MM-DD (UTC), RFC 3339, or "
        "+Nd\n" DOCUMENT_HELP "\n"
        "Example:\n"
        "  sealctl apply amend 50011200000001 --use-limit 500 --reason \"pilot only\"\n" NEXT_HELP;

static const char transfer_help[] =
        "Usage: sealctl apply transfer NUMBER --keeper SUBJECT --reason TEXT\n"
        "\n"
        "Apply for another keeper. Once approved, the seal is delivered to him, and its\n"
        "grants end.\n"
        "\n"
        "Options:\n" REASON_HELP
        "  --keeper SUBJECT       alice, user:alice or group:sales (required)\n" DOCUMENT_HELP "\n"
        "Example:\n"
        "  sealctl apply transfer 50011200000001 --keeper bob --reason \"alice "
        "retires\"\n" NEXT_HELP;

static const char revoke_help[] =
        "Usage: sealctl apply revoke NUMBER --reason TEXT\n"
        "\n"
        "Apply for a seal's end. An administrator revokes at once with 'sealctl revoke'.\n"
        "\n"
        "Options:\n" REASON_HELP DOCUMENT_HELP "\n"
        "Example:\n"
        "  sealctl apply revoke 50011200000001 --reason \"department closed\"\n" NEXT_HELP;

static const char resume_help[] =
        "Usage: sealctl apply resume NUMBER --reason TEXT\n"
        "\n"
        "Apply for a suspended seal to sign again.\n"
        "\n"
        "Options:\n" REASON_HELP DOCUMENT_HELP "\n"
        "Example:\n"
        "  sealctl apply resume 50011200000001 --reason \"the dispute is settled\"\n" NEXT_HELP;

static const char destroy_help[] =
        "Usage: sealctl apply destroy NUMBER --reason TEXT\n"
        "\n"
        "Apply for the key of a revoked seal to be erased.\n"
        "\n"
        "Options:\n" REASON_HELP DOCUMENT_HELP "\n"
        "Example:\n"
        "  sealctl apply destroy 50011200000001 --reason \"end of its retention\"\n" NEXT_HELP;

enum {
        RENEW = 1 << 0,
        RECERTIFY = 1 << 1,
        AMEND = 1 << 2,
        TRANSFER = 1 << 3,
        OTHERS = 1 << 4,
        EVERY = RENEW | RECERTIFY | AMEND | TRANSFER | OTHERS,
};

typedef struct ApplyKind {
        const char *name;
        const char *help;
        unsigned bit;
} ApplyKind;

static const ApplyKind kinds[] = {
        { "renew", renew_help, RENEW },      { "recertify", recertify_help, RECERTIFY },
        { "amend", amend_help, AMEND },      { "transfer", transfer_help, TRANSFER },
        { "revoke", revoke_help, OTHERS },   { "resume", resume_help, OTHERS },
        { "destroy", destroy_help, OTHERS },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))
#define UNSAID UINT64_MAX /* of the use limit, where 0 says something */

static const ApplyKind *kind_find(const char *word) {
        for (size_t i = 0; i < KIND_COUNT; i++)
                if (strcmp(kinds[i].name, word) == 0)
                        return &kinds[i];
        return NULL;
}

bool apply_kind_is(const char *word) {
        return kind_find(word) != NULL;
}

typedef struct KindWords {
        ApplicationWords words;
        const char *reason, *keeper;
        uint64_t overlap;
        char subject[SUBJECT_MAX + 1];
} KindWords;

typedef struct KindOption {
        unsigned kinds;
        CommandOption option;
} KindOption;

static int words_check(const Context *context, const ApplyKind *kind, KindWords *w) {
        if (!w->reason || !text_is_line(w->reason, TEXT_MAX))
                return fail(context, EXIT_USAGE, "--reason is required: one line of text");
        if (kind->bit == AMEND && w->words.not_after == 0 && w->words.purposes.count == 0 &&
            w->words.use_limit == UNSAID)
                return fail(context, EXIT_USAGE,
                            "one of --purpose, --use-limit and --not-after is needed");
        if (kind->bit != TRANSFER)
                return approvers_check(context, &w->words);
        if (!w->keeper)
                return fail(context, EXIT_USAGE, "--keeper is required");
        if (!subject_complete(w->keeper, w->subject))
                return fail(context, EXIT_USAGE, "'%s' is no keeper: write user:NAME or group:NAME",
                            w->keeper);
        w->keeper = w->subject;
        return 0;
}

/* entry_time leaves out 0, which takes a limit away. */
static void limit_append(Entries *entries, uint64_t limit) {
        if (limit == 0 && entries->r >= 0)
                entries->r = sd_bus_message_append(entries->message, "{sv}", "use-limit", "t",
                                                   limit);
}

static int kind_send(Context *context, const char *path, const ApplyKind *kind, KindWords *w,
                     json_t **ret) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, SEAL, "Apply", &call);
        if (r == 0)
                r = call_built(context, text_append(call, kind->name));
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        entry_text(&e, "reason", w->reason);
        entry_text(&e, "keeper", w->keeper);
        entry_time(&e, "overlap", w->overlap);
        limit_append(&e, w->words.use_limit);
        if (w->words.use_limit == UNSAID)
                w->words.use_limit = 0;
        r = application_entries(context, &w->words, &e);
        if (r == 0)
                r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send_json(context, call, ret);
}

static int kind_run(Context *context, int argc, char **argv, const ApplyKind *kind,
                    const Usage *usage, KindWords *w) {
        _cleanup_(json_freep) json_t *request = NULL;
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = words_check(context, kind, w);
        if (r == 0)
                r = kind_send(context, path, kind, w, &request);
        if (r != 0)
                return r;
        if (!json_is_string(request))
                return fail(context, EXIT_OTHER, "the daemon's answer cannot be read");
        return application_report(context, json_string_value(request));
}

int apply_kind(Context *context, int argc, char **argv) {
        const ApplyKind *kind = kind_find(argv[0]);
        KindWords w = { .words.use_limit = UNSAID };
        const KindOption all[] = {
                { EVERY, { "reason", .text = &w.reason } },
                { EVERY, { "document", .list = &w.words.documents } },
                { RENEW, { "overlap", .duration = &w.overlap } },
                { RENEW, { "name", .text = &w.words.name } },
                { RENEW, { "class", .text = &w.words.class } },
                { RENEW, { "type", .text = &w.words.type } },
                { RENEW, { "holder", .text = &w.words.holder } },
                { RENEW, { "algorithm", .text = &w.words.algorithm } },
                { RENEW | AMEND, { "purpose", .list = &w.words.purposes } },
                { RENEW, { "not-before", .time = &w.words.not_before } },
                { RENEW | RECERTIFY | AMEND, { "not-after", .time_end = &w.words.not_after } },
                { RENEW | AMEND, { "use-limit", .number = &w.words.use_limit } },
                { RENEW, { "keeper", .list = &w.words.keepers } },
                { RENEW, { "approver", .list = &w.words.approvers } },
                { RENEW, { "no-approvers", .flag = &w.words.no_approvers } },
                { RENEW, { "threshold", .number = &w.words.threshold } },
                { RENEW, { "pin", .flag = &w.words.pin } },
                { RENEW, { "no-pin", .flag = &w.words.no_pin } },
                { RENEW, { "organization-identifier", .text = &w.words.organization_identifier } },
                { RENEW, { "country", .text = &w.words.country } },
                { RENEW, { "picture", .text = &w.words.picture } },
                { RENEW, { "picture-mm", .text = &w.words.picture_mm } },
                { TRANSFER, { "keeper", .text = &w.keeper } },
        };
        CommandOption table[sizeof(all) / sizeof(all[0])];
        size_t n = 0;

        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
                if (all[i].kinds & kind->bit)
                        table[n++] = all[i].option;
        const Usage usage = { kind->help, table, n, 1, 1 };
        return kind_run(context, argc, argv, kind, &usage, &w);
}
