/* SPDX-License-Identifier: Apache-2.0 */
#include "base/audit-trail.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include <libaudit.h>
#include <linux/capability.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"

#define ABSENCE_MAX 128
#define FIELD_SIZE (1 + JOURNAL_NAME_MAX + 1 + 2 * AUDIT_VALUE_MAX + 2 + 1)

static const char truncated[] = " truncated=yes";

struct AuditTrail {
        AuditChannel channel;
        int fd; /* -1 while absent */
        bool failing;
        char absence[ABSENCE_MAX];
};

/* Asked for before, since libaudit counts a refusal to anybody but root as success. */
static bool may_write(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

        return syscall(SYS_capget, &header, data) == 0 &&
               (data[CAP_TO_INDEX(CAP_AUDIT_WRITE)].effective & CAP_TO_MASK(CAP_AUDIT_WRITE)) != 0;
}

static int kernel_open(void *userdata) {
        (void) userdata;
        errno = 0;
        _cleanup_close_ int fd = audit_open();
        if (fd < 0)
                return errno > 0 ? -errno : -EIO;
        return may_write() ? steal_fd(fd) : -EPERM;
}

/*
 * libaudit returns the record's number, which is above 0; for some refusals it returns 0 and leaves
 * the reason in errno.
 */
static int kernel_send(void *userdata, int fd, const char *text, bool success) {
        (void) userdata;
        errno = 0;
        int r = audit_log_user_message(fd, AUDIT_TRUSTED_APP, text, NULL, NULL, NULL, success);
        if (r > 0)
                return 0;
        return errno > 0 ? -errno : -EIO;
}

AuditChannel audit_channel_kernel(void) {
        return (AuditChannel){ .open = kernel_open, .send = kernel_send };
}

/* Reasons that stay for as long as the daemon runs; NULL for any other failure. */
static const char *lasting_reason(int error) {
        switch (error) {
        case -EPROTONOSUPPORT:
        case -EAFNOSUPPORT:
                return "the kernel has none, or the service may not reach it";
        case -EPERM:
        case -EACCES:
                return "it is not permitted (CAP_AUDIT_WRITE)";
        case -ECONNREFUSED:
                return "the kernel has none for this container";
        default:
                return NULL;
        }
}

static void trail_give_up(AuditTrail *trail, const char *reason) {
        if (trail->fd >= 0)
                audit_close(trail->fd);
        trail->fd = -1;
        text_copy(trail->absence, sizeof(trail->absence), reason);
        log_notice("kernel audit is not used: %s", trail->absence);
}

int audit_trail_new(AuditTrail **ret, const AuditChannel *channel) {
        AuditTrail *trail = calloc(1, sizeof(*trail));

        if (!trail)
                return -ENOMEM;
        trail->channel = *channel;
        trail->fd = channel->open(channel->userdata);
        if (trail->fd < 0) {
                const char *reason = lasting_reason(trail->fd);
                trail_give_up(trail, reason ? reason : strerror(-trail->fd));
        }
        *ret = trail;
        return 0;
}

AuditTrail *audit_trail_free(AuditTrail *trail) {
        if (!trail)
                return NULL;
        if (trail->fd >= 0)
                audit_close(trail->fd);
        free(trail);
        return NULL;
}

const char *audit_trail_absence(const AuditTrail *trail) {
        return trail->absence;
}

/*
 * The rule for untrusted strings: in quotes, or hex when it has what would end them or the field.
 * The kernel puts the whole text between apostrophes, so one of these must not be in it either.
 */
static void value_encode(const char *value, char *ret) {
        char cut[AUDIT_VALUE_MAX + 1];

        text_copy(cut, sizeof(cut), value);
        unsigned int size = (unsigned int) strlen(cut);
        if (audit_value_needs_encoding(cut, size) || strchr(cut, '\''))
                (void) audit_encode_value(ret, cut, size);
        else
                (void) sprintf(ret, "\"%s\"", cut);
}

static size_t field_encode(const JournalField *field, char ret[static FIELD_SIZE]) {
        int n = sprintf(ret, " %.*s=", JOURNAL_NAME_MAX, field->name);

        for (char *p = ret; *p; p++)
                *p = (char) tolower((unsigned char) *p);
        value_encode(field->value, ret + n);
        return strlen(ret);
}

static void text_build(const char *operation, const JournalField *fields, size_t count,
                       char ret[static AUDIT_TEXT_MAX]) {
        int n = snprintf(ret, AUDIT_TEXT_MAX, "op=%.*s", JOURNAL_NAME_MAX, operation);
        size_t used = (size_t) n;
        char field[FIELD_SIZE];

        for (size_t i = 0; i < count; i++) {
                if (!fields[i].value)
                        continue;
                if (!journal_field_is_valid(&fields[i])) {
                        log_error("a record's field '%s' is left out", fields[i].name);
                        continue;
                }
                size_t size = field_encode(&fields[i], field);
                if (used + size + sizeof(truncated) > AUDIT_TEXT_MAX) {
                        (void) strcpy(ret + used, truncated);
                        return;
                }
                (void) strcpy(ret + used, field);
                used += size;
        }
}

void audit_trail_log(AuditTrail *trail, const char *operation, const JournalField *fields,
                     size_t count, bool success) {
        char text[AUDIT_TEXT_MAX];

        if (trail->fd < 0)
                return;
        text_build(operation, fields, count, text);
        int r = trail->channel.send(trail->channel.userdata, trail->fd, text, success);
        const char *reason = lasting_reason(r);
        if (reason)
                trail_give_up(trail, reason);
        else if (r < 0 && !trail->failing)
                log_warning("kernel audit did not take a record: %s", strerror(-r));
        trail->failing = r < 0;
}
