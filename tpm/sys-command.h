/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command sent by SAPI, authorised by a SysSession or by nobody: prepare, authorise, send (again,
 * a bounded number of times, when the chip asks for it), check the answer. What it returns is taken
 * with the command's Tss2_Sys_…_Complete afterwards.
 */
#pragma once

#include <stddef.h>

#include "tpm/rc.h"
#include "tpm/sys-session.h"

#define SYS_HANDLES_MAX 3 /* Part 3: no command has more */

typedef struct SysCommand {
        TPM2_CC code;
        TpmStep step;
        /* Tss2_Sys_…_Prepare with the command's arguments: called for every submission. */
        TSS2_RC (*prepare)(TSS2_SYS_CONTEXT *sys, const void *args);
        const void *args;
        /* What authorises the first handle; NULL: the command has no authorisation area. */
        SysSession *session;
        const TPM2B_AUTH *auth; /* of the first handle's entity, for an HMAC session */
        const TPM2B_NAME *names[SYS_HANDLES_MAX]; /* of the handles in order, up to NULL */
} SysCommand;

/*
 * Errors of tpm_srk_rc(). An answer whose HMAC is wrong is SEAL_E_TPM_UNAVAILABLE, as ESAPI's is.
 * ret_sys (may be NULL) is for the command's Complete; it is the connection's own.
 */
int sys_command_run(Tpm *tpm, const SysCommand *command, TSS2_SYS_CONTEXT **ret_sys,
                    ErrorDetail *detail);
