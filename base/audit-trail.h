/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records for the kernel's audit, where the machine's administrators keep what other programs
 * cannot alter (auditctl(8), ausearch(8)). They are of type AUDIT_TRUSTED_APP, "trusted app msg -
 * freestyle text" (libaudit.h), and need CAP_AUDIT_WRITE. Many kernels and all containers are
 * without: then the trail is absent, says why, and takes records without keeping them, since the
 * ledger and the journal have them too. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/journal.h"

typedef struct AuditTrail AuditTrail;

/* The way to the kernel, as a value, so that a test can hand in one that fails. */
typedef struct AuditChannel {
        /* A descriptor, which the trail closes, or a negative errno. */
        int (*open)(void *userdata);
        /* 0 when the kernel has taken the record, or a negative errno. */
        int (*send)(void *userdata, int fd, const char *text, bool success);
        void *userdata;
} AuditChannel;

/* Through libaudit. */
AuditChannel audit_channel_kernel(void);

/* Present or absent; an absence is told in one log line. Returns -ENOMEM. */
int audit_trail_new(AuditTrail **ret, const AuditChannel *channel);
AuditTrail *audit_trail_free(AuditTrail *trail);

DEFINE_CLEANUP(AuditTrail, audit_trail_free)

/* Why no record is kept, "" while they are. A refusal may show at the first record only. */
const char *audit_trail_absence(const AuditTrail *trail);

/*
 * Write one record: op=OPERATION ([a-z-]+, a constant), the fields with their names in lower case,
 * and whether what it tells of succeeded. A value is cut at AUDIT_VALUE_MAX, and hex where it could
 * be taken for another field; fields beyond AUDIT_TEXT_MAX are left out, and truncated=yes says so.
 * A kernel that takes no more records makes the trail absent; any other failure is told in a log
 * line, once until a record is taken again. Waits while the kernel's backlog is full, as it is told
 * to by audit_backlog_wait_time.
 */
void audit_trail_log(AuditTrail *trail, const char *operation, const JournalField *fields,
                     size_t count, bool success);
