/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/subject.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* A group's entry lists its members, so it can be long; beyond this it is not looked at. */
#define ENTRY_FIRST 1024
#define ENTRY_MAX (1024 * 1024)

static const char *const prefixes[] = {
        [SUBJECT_USER] = "user:",
        [SUBJECT_GROUP] = "group:",
};

/* NSS modules answer any of these for a name that they do not know (getpwnam(3)). */
static bool errno_is_absent(int error) {
        return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

/*
 * One lookup with a buffer of the given size: 0, -ENOENT, -ERANGE, or another negative errno. By
 * name, or by id when name is NULL.
 */
static int user_lookup(const char *name, char *buffer, size_t size, Subject *subject) {
        struct passwd entry, *found = NULL;

        int error = name ? getpwnam_r(name, &entry, buffer, size, &found)
                         : getpwuid_r(subject->id, &entry, buffer, size, &found);
        if (!found)
                return errno_is_absent(error) ? -ENOENT : -error;
        subject_from_account(SUBJECT_USER, entry.pw_uid, entry.pw_name, subject);
        return 0;
}

static int group_lookup(const char *name, char *buffer, size_t size, Subject *subject) {
        struct group entry, *found = NULL;

        int error = name ? getgrnam_r(name, &entry, buffer, size, &found)
                         : getgrgid_r(subject->id, &entry, buffer, size, &found);
        if (!found)
                return errno_is_absent(error) ? -ENOENT : -error;
        subject_from_account(SUBJECT_GROUP, entry.gr_gid, entry.gr_name, subject);
        return 0;
}

/* Fills id and text of the kind that the subject has. */
static int account_lookup(const char *name, Subject *subject) {
        for (size_t size = ENTRY_FIRST; size <= ENTRY_MAX; size *= 4) {
                _cleanup_free_ char *buffer = malloc(size);
                if (!buffer)
                        return -ENOMEM;
                int r = subject->kind == SUBJECT_GROUP ? group_lookup(name, buffer, size, subject)
                                                       : user_lookup(name, buffer, size, subject);
                if (r != -ERANGE)
                        return r;
        }
        return -ERANGE;
}

/* Account names are not ours to define: refused is what cannot be one or would confuse a reader. */
static bool name_is_plausible(const char *name) {
        for (const char *p = name; *p != '\0'; p++)
                if (*p == ' ' || *p == ':' || *p == '/' || *p == ',')
                        return false;
        return text_is_line(name, SUBJECT_MAX);
}

bool subject_text_split(const char *text, SubjectKind *ret_kind, const char **ret_name) {
        if (strnlen(text, SUBJECT_MAX + 1) > SUBJECT_MAX)
                return false;
        for (SubjectKind kind = SUBJECT_USER; kind <= SUBJECT_GROUP; kind++) {
                size_t size = strlen(prefixes[kind]);

                if (strncmp(text, prefixes[kind], size) == 0 && name_is_plausible(text + size)) {
                        *ret_kind = kind;
                        *ret_name = text + size;
                        return true;
                }
        }
        return false;
}

static void number_fill(SubjectKind kind, uint32_t id, Subject *ret) {
        *ret = (Subject){ .kind = kind, .id = id };
        (void) snprintf(ret->text, sizeof(ret->text), "%s%" PRIu32, prefixes[kind], id);
}

void subject_from_account(SubjectKind kind, uint32_t id, const char *name, Subject *ret) {
        number_fill(kind, id, ret);
        if (strlen(prefixes[kind]) + strlen(name) <= SUBJECT_MAX && name_is_plausible(name))
                (void) snprintf(ret->text, sizeof(ret->text), "%s%s", prefixes[kind], name);
}

int subject_parse(const char *text, Subject *ret, ErrorDetail *detail) {
        char shown[SUBJECT_MAX + 1];
        Subject subject = {};
        const char *name;

        text_copy(shown, sizeof(shown), text);
        if (!subject_text_split(text, &subject.kind, &name))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "A subject is user:NAME or group:NAME, not '%s'", shown);
        int r = account_lookup(name, &subject);
        if (r == -ENOENT)
                return error_set(detail, SEAL_E_INVALID_ARGS, "There is no %s '%s'",
                                 subject.kind == SUBJECT_GROUP ? "group" : "user", name);
        if (r == 0)
                *ret = subject;
        return r;
}

void subject_from_uid(uint32_t uid, Subject *ret) {
        Subject subject = { .kind = SUBJECT_USER, .id = uid };

        if (account_lookup(NULL, &subject) == 0)
                *ret = subject;
        else
                number_fill(SUBJECT_USER, uid, ret);
}

int subject_look_up(const Subject *subject, Subject *ret) {
        Subject now = { .kind = subject->kind, .id = subject->id };

        int r = account_lookup(NULL, &now);
        if (r == 0)
                *ret = now;
        return r;
}

bool subject_equal(const Subject *a, const Subject *b) {
        return a->kind == b->kind && a->id == b->id;
}
