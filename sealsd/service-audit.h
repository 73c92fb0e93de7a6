/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bypass detection by command audit (design, section 7), where the configuration has it
 * (CommandAudit): the chip counts every TPM2_Sign in one digest; sealsd writes each of its own into
 * the ledger (`signed`), and computes from its rows what that digest ought to be. At an inspection
 * the two are compared. Counting begins with a row `audit-begun`, that has the chip's digest as it
 * was then: at the first look, after a TPM reset, which ends the digest, and after a difference.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "format/passport.h"
#include "tpm/command-audit.h"
#include "tpm/hierarchy.h"

struct Service;

typedef struct CommandAudit {
        bool arming;        /* a look is to: one at a time, since each is counted by the chip */
        bool counting;      /* there is an `audit-begun` that counts */
        uint32_t resets;    /* of it */
        uint64_t row;       /* the newest that value is of */
        TPM2B_DIGEST value; /* by the ledger */
        bool fresh;         /* the last look has read the chip's, nothing came since */
        TpmCommandAudit chip;
        bool unexplained;            /* they differed, and no inspection has told it yet */
        char absent[ERROR_TEXT_MAX]; /* why nothing is counted, "" when it is */
        bool unsupported;            /* that the chip lacks it is why */
} CommandAudit;

/* A look's part of it: filled in the main thread, run in the worker, taken in the main thread. */
typedef struct AuditLook {
        bool wanted, arm, done;
        int code;
        ErrorDetail why;
        TpmCommandAudit found;
} AuditLook;

/* From the newest `audit-begun`. */
int audit_start(struct Service *service);

void audit_look_fill(struct Service *service, AuditLook *look);
/* It has ended, whatever it came to, or never began. */
void audit_look_end(struct Service *service, const AuditLook *look);
/* Fails only for what the look itself is to fail for: the chip is away, or full. */
int audit_look_run(AuditLook *look, Tpm *tpm, const TpmHierarchies *hierarchies,
                   const Secret *owner, ErrorDetail *detail);
void audit_looked(struct Service *service, const AuditLook *look);

/* The daemon's own signatures, in the chip's order (sealsd/worker.h). */
void audit_signed(void *userdata, const AuditedSigns *signs);

/* Compare what the look just before has read; called in its Reply. */
void audit_inspect(struct Service *service);

PassportAudit audit_state(const struct Service *service);
/*
 * The same in more words: "on", "off", "not in this TPM: …", "not counting: …"; room for
 * ERROR_TEXT_MAX.
 */
void audit_status(const struct Service *service, char ret[static ERROR_TEXT_MAX]);
