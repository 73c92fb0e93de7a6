/* SPDX-License-Identifier: Apache-2.0 */
#include "client/use-request.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utc.h"
#include "client/file.h"
#include "client/hash.h"
#include "client/output.h"
#include "client/use-structure.h"
#include "policy/sm2.h"

#define GROUPS_MAX 256

int request_path_get(const Context *context, const char *id, char ret[static PATH_SIZE]) {
        if (request_path_parse(id, ret))
                return 0;
        return fail(context, EXIT_USAGE, "'%s' is no request: write its number", id);
}

/* --- facts ---------------------------------------------------------------------------------- */

/* APPROVAL_INVALID here is of the daemon's words, so that its hint would mislead. */
static int refused(const Context *context, int r, const ErrorDetail *detail) {
        const int code = exit_code_of(error_name(r));

        return fail_plain(context, code, "%s", error_describe(r, detail));
}

int use_facts_get(Context *context, const char *path, json_t **ret_facts, UseChallenge *ret) {
        const Clock clock = clock_system();
        _cleanup_(json_freep) json_t *facts = NULL;
        ErrorDetail detail = {};

        int r = call_json(context, path, REQUEST, "Challenge", NULL, &facts);
        if (r != 0)
                return r;
        r = use_challenge_parse(facts, ret, &detail);
        if (r == 0)
                r = use_challenge_check(ret, clock_now(&clock), &detail);
        if (r != 0)
                return refused(context, r, &detail);
        *ret_facts = steal_ptr(facts);
        return 0;
}

static json_t *text_new(const char *format, ...) __attribute__((format(printf, 1, 2)));

static json_t *text_new(const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        int n = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (n < 0)
                text = NULL;
        return text ? json_string(text) : NULL;
}

static json_t *seal_text(const json_t *facts) {
        return text_new("%s (%s)", json_text(facts, "seal"), json_text(facts, "seal-name"));
}

static json_t *kind_text(const UseChallenge *c) {
        if (c->live)
                return text_new("live: the TPM takes it once, within %lld s",
                                (long long) c->expiration);
        return text_new("deferred: for this document alone; that it counts once, and ends, only "
                        "sealsd sees to");
}

static json_t *needed_text(const json_t *facts) {
        return text_new("%lld of %zu",
                        (long long) json_integer_value(json_object_get(facts, "threshold")),
                        json_array_size(json_object_get(facts, "approvers")));
}

static json_t *format_text(SignFormat format) {
        static const char *const texts[] = {
                [FORMAT_CADES] = "cades: CMS with the seal's certificate (CAdES)",
                [FORMAT_PADES_CMS] = "pades-cms: CMS for a PDF (PAdES)",
                [FORMAT_ESEAL] = "eseal: electronic seal (GB/T 38540)",
                [FORMAT_PKCS10] = "pkcs10: a request for a certificate",
        };

        return format == FORMAT_RAW ? NULL : json_string(texts[format]);
}

/* The facts in the words of a person who decides. */
static json_t *facts_shown(const json_t *facts, const UseChallenge *c) {
        json_t *shown = json_deep_copy(facts);

        json_object_set_new(shown, "seal-text", seal_text(facts));
        json_object_set_new(shown, "hash-text",
                            text_new("%s %s", c->hash, json_text(facts, "digest")));
        json_object_set_new(shown, "kind-text", kind_text(c));
        json_object_set_new(shown, "needed", needed_text(facts));
        if (!sign_format_timed(c->format)) /* what is said of it binds nobody */
                (void) json_object_del(shown, "signing-time");
        json_object_set_new(shown, "format-text", format_text(c->format));
        json_object_set_new(shown, "certificate-text", use_certificate_text(facts));
        json_object_set_new(shown, "eseal-text", use_eseal_text(facts));
        json_object_set_new(shown, "subject-text", use_subject_text(facts));
        return shown;
}

int use_facts_print(const Context *context, const json_t *facts, const UseChallenge *c) {
        static const OutputField fields[] = {
                { "seal-text", "Seal", FIELD_TEXT },
                { "document-name", "Document", FIELD_TEXT },
                { "hash-text", "Hash", FIELD_TEXT },
                { "format-text", "Format", FIELD_TEXT },
                { "signing-time", "Signing time", FIELD_TIME },
                { "certificate-text", "Certificate", FIELD_TEXT },
                { "eseal-text", "Electronic seal", FIELD_TEXT },
                { "property-info", "Property info", FIELD_TEXT },
                { "subject-text", "Asked for", FIELD_TEXT },
                { "purpose", "Purpose", FIELD_TEXT },
                { "requester", "Requested by", FIELD_TEXT },
                { "kind-text", "Kind", FIELD_TEXT },
                { "expires", "Until", FIELD_TIME },
                { "needed", "Approvals needed", FIELD_TEXT },
                { "approvers", "Approvers", FIELD_TEXT },
                { "approved", "Approved by", FIELD_TEXT },
        };
        _cleanup_(json_freep) json_t *shown = facts_shown(facts, c);

        if (!shown)
                return fail(context, EXIT_OTHER, "out of memory");
        return print_fields(context, shown, FIELDS(fields));
}

int use_document_check(const Context *context, const UseChallenge *c, const char *file) {
        uint8_t hash[EVP_MAX_MD_SIZE];
        TPM2B_DIGEST prefix = {};
        const EVP_MD *md = NULL;
        ErrorDetail detail = {};
        size_t size = 0;

        int r = hash_choose(context, c->algorithm, c->hash, NULL, &md);
        if (r == 0 && c->format == FORMAT_RAW && sm2_prefix(&c->public, &prefix) != 0)
                r = fail(context, EXIT_OTHER, "the seal's key cannot be read");
        if (r == 0)
                r = file_hash(context, file, md, (Bytes){ prefix.buffer, prefix.size }, hash,
                              &size);
        if (r != 0)
                return r;
        r = use_challenge_document(c, (Bytes){ hash, size }, &detail);
        return r == 0 ? 0 : refused(context, r, &detail);
}

/* --- for whom ------------------------------------------------------------------------------- */

static bool has_text(const json_t *list, const char *text) {
        const json_t *item;
        size_t i;

        json_array_foreach(list, i, item)
                if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
                        return true;
        return false;
}

static int choice_failed(const Context *context, const json_t *approvers, const char *what) {
        char list[512] = "";
        const json_t *item;
        size_t i, used = 0;

        json_array_foreach(approvers, i, item) {
                int n = snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "",
                                 json_is_string(item) ? json_string_value(item) : "?");
                if (n < 0 || (size_t) n >= sizeof(list) - used)
                        break;
                used += (size_t) n;
        }
        return fail_plain(context, EXIT_USAGE, "%s: --approver SUBJECT says for which of %s", what,
                          list);
}

/* The groups of the caller that are approvers: how many, and the last of them. */
static size_t groups_count(const json_t *approvers, const struct passwd *me,
                           char ret[static SUBJECT_MAX + 1]) {
        gid_t ids[GROUPS_MAX];
        int n = GROUPS_MAX;
        size_t count = 0;

        if (getgrouplist(me->pw_name, me->pw_gid, ids, &n) < 0)
                return 0;
        for (int i = 0; i < n; i++) {
                const struct group *group = getgrgid(ids[i]);
                char subject[SUBJECT_MAX + 1];
                if (!group || strlen(group->gr_name) > SUBJECT_MAX - strlen("group:"))
                        continue;
                (void) snprintf(subject, sizeof(subject), "group:%.*s",
                                (int) (SUBJECT_MAX - strlen("group:")), group->gr_name);
                if (!has_text(approvers, subject))
                        continue;
                strcpy(ret, subject);
                count++;
        }
        return count;
}

int use_approver_choose(const Context *context, const json_t *approvers, const char *given,
                        char ret[static SUBJECT_MAX + 1]) {
        if (given && !subject_complete(given, ret))
                return fail(context, EXIT_USAGE,
                            "'%s' is no approver: write user:NAME or group:NAME", given);
        if (given && has_text(approvers, ret))
                return 0;
        if (given)
                return choice_failed(context, approvers, "there is no such approver");
        const struct passwd *me = getpwuid(getuid());
        if (!me)
                return choice_failed(context, approvers, "you have no name here");
        if (subject_complete(me->pw_name, ret) && has_text(approvers, ret))
                return 0;
        if (groups_count(approvers, me, ret) == 1)
                return 0;
        return choice_failed(context, approvers, "you are none of the approvers, or several");
}

/* --- how it stands -------------------------------------------------------------------------- */

/* The subjects whose approval stands; withdrawn ones are not told. */
static json_t *approved_of(const json_t *request) {
        const json_t *approval;
        json_t *list = json_array();
        size_t i;

        json_array_foreach(json_object_get(request, "approvals"), i, approval)
                json_array_append(list, json_object_get(approval, "approver"));
        return list;
}

static void waiting_write(FILE *out, const json_t *approvers, const json_t *approved) {
        const char *before = "; not yet: ";
        const json_t *item;
        size_t i;

        json_array_foreach(approvers, i, item) {
                const char *subject = json_is_string(item) ? json_string_value(item) : "?";
                if (has_text(approved, subject))
                        continue;
                fprintf(out, "%s%s", before, subject);
                before = ", ";
        }
}

int use_progress_text(const json_t *request, char **ret) {
        _cleanup_(json_freep) json_t *approved = approved_of(request);
        size_t size = 0;

        FILE *out = open_memstream(ret, &size);
        if (!out)
                return -1;
        const size_t given = json_array_size(approved);
        const long long needed = json_integer_value(json_object_get(request, "threshold"));
        if ((long long) given > needed)
                fprintf(out, "%zu approvals, where %lld are enough", given, needed);
        else
                fprintf(out, "%zu of %lld approvals", given, needed);
        if (strcmp(json_text(request, "state"), "applied") == 0)
                waiting_write(out, json_object_get(request, "approvers"), approved);
        return fclose(out) == 0 ? 0 : -1;
}

/* A request for a certificate is about no file. */
static bool is_about_file(const json_t *request) {
        const json_t *asked = json_object_get(request, "application");

        return strcmp(json_text(asked, "format"), sign_format_name(FORMAT_PKCS10)) != 0;
}

void use_next_print(const json_t *request, const char *id) {
        const char *state = json_text(request, "state");

        if (strcmp(state, "applied") == 0)
                printf("Next: an approver runs 'sealctl approve-use %s --key KEY%s'\n", id,
                       is_about_file(request) ? " --document FILE" : "");
        else if (strcmp(state, "approved") == 0 || strcmp(state, "completed") == 0)
                printf("Next: who asked for it runs 'sealctl collect %s --output FILE'\n", id);
}

int use_report(Context *context, const char *path) {
        _cleanup_(json_freep) json_t *request = NULL;
        _cleanup_free_ char *progress = NULL;

        int r = describe(context, path, REQUEST, &request);
        if (r != 0)
                return r;
        if (context->json)
                return print_json_value(context, request);
        const char *state = json_text(request, "state");
        printf("Request %s: ", path_last(path));
        print_escaped(state);
        if (use_progress_text(request, &progress) == 0) {
                fputs(", ", stdout);
                print_escaped(progress);
        }
        putchar('\n');
        use_next_print(request, path_last(path));
        return 0;
}
