/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/sys-command.h"

#include <errno.h>

#include "base/bytes.h"
#include "policy/digest.h"
#include "tpm/context.h"
#include "tpm/srk.h"

/* As ESAPI: a chip that asks for more than this is busy (SEAL_E_BUSY). */
#define SUBMISSIONS_MAX 5

/* Codes, Names and a whole command or answer. */
#define HASHED_MAX (8 + SYS_HANDLES_MAX * sizeof(TPMU_NAME) + TPM2_MAX_COMMAND_SIZE)

/* cpHash = H(commandCode ‖ Names ‖ parameters), Part 1 §18.7. */
static int command_hash(TSS2_SYS_CONTEXT *sys, const SysCommand *command, TPM2B_DIGEST *ret) {
        uint8_t hashed[HASHED_MAX];
        Writer writer = writer_over(hashed, sizeof(hashed));
        const uint8_t *parameters;
        size_t size;

        if (Tss2_Sys_GetCpBuffer(sys, &size, &parameters) != TSS2_RC_SUCCESS)
                return -EINVAL;
        writer_put_u32(&writer, command->code);
        for (size_t i = 0; i < SYS_HANDLES_MAX && command->names[i]; i++)
                writer_put_name(&writer, command->names[i]);
        writer_put(&writer, parameters, size);
        return digest_written(&writer, ret);
}

/* rpHash = H(responseCode ‖ commandCode ‖ parameters), Part 1 §18.8. */
static int answer_hash(TSS2_SYS_CONTEXT *sys, const SysCommand *command, TPM2B_DIGEST *ret) {
        uint8_t hashed[HASHED_MAX];
        Writer writer = writer_over(hashed, sizeof(hashed));
        const uint8_t *parameters;
        size_t size;

        if (Tss2_Sys_GetRpBuffer(sys, &size, &parameters) != TSS2_RC_SUCCESS)
                return -EINVAL;
        writer_put_u32(&writer, TPM2_RC_SUCCESS);
        writer_put_u32(&writer, command->code);
        writer_put(&writer, parameters, size);
        return digest_written(&writer, ret);
}

static int command_authorise(TSS2_SYS_CONTEXT *sys, const SysCommand *command, SysProof *proof) {
        TSS2L_SYS_AUTH_COMMAND area = { .count = 1 };
        TPM2B_DIGEST cphash;

        int r = command_hash(sys, command, &cphash);
        if (r == 0)
                r = sys_session_authorise(proof, &cphash, &area.auths[0]);
        if (r == 0 && Tss2_Sys_SetCmdAuths(sys, &area) != TSS2_RC_SUCCESS)
                r = -EINVAL;
        return r;
}

static int answer_accept(TSS2_SYS_CONTEXT *sys, const SysCommand *command, const SysProof *proof) {
        TSS2L_SYS_AUTH_RESPONSE area = {};
        TPM2B_DIGEST rphash;

        /* Torn off on its way, or without the area that the chip always sends. */
        if (Tss2_Sys_GetRspAuths(sys, &area) != TSS2_RC_SUCCESS || area.count != 1)
                return SEAL_E_TPM_UNAVAILABLE;
        int r = answer_hash(sys, command, &rphash);
        return r == 0 ? sys_session_accept(command->session, proof, &rphash, &area.auths[0]) : r;
}

/* Warnings (Part 2 §6.6.3): the command did nothing, and may do well when it is sent again. */
static bool asks_again(TSS2_RC rc) {
        TSS2_RC code = tpm_rc_chip(rc);

        return code == TPM2_RC_RETRY || code == TPM2_RC_TESTING || code == TPM2_RC_YIELDED;
}

/*
 * One submission. What the chip or the TSS said is *ret_rc; the answer is checked when it is good.
 */
static int command_submit(TSS2_SYS_CONTEXT *sys, const SysCommand *command, TSS2_RC *ret_rc) {
        SysProof proof = { .session = command->session, .auth = command->auth };
        int r = 0;

        *ret_rc = command->prepare(sys, command->args);
        if (*ret_rc == TSS2_RC_SUCCESS && command->session)
                r = command_authorise(sys, command, &proof);
        if (r == 0 && *ret_rc == TSS2_RC_SUCCESS)
                *ret_rc = Tss2_Sys_Execute(sys);
        if (r == 0 && *ret_rc == TSS2_RC_SUCCESS && command->session) {
                r = answer_accept(sys, command, &proof);
                if (r == SEAL_E_TPM_UNAVAILABLE) {
                        *ret_rc = TSS2_ESYS_RC_RSP_AUTH_FAILED;
                        r = 0;
                }
        }
        return r;
}

int sys_command_run(Tpm *tpm, const SysCommand *command, TSS2_SYS_CONTEXT **ret_sys,
                    ErrorDetail *detail) {
        TSS2_SYS_CONTEXT *sys;
        TSS2_RC rc = TSS2_RC_SUCCESS;

        int r = tpm_rc(Esys_GetSysContext(tpm->esys, &sys), command->step, detail);
        for (int i = 0; r == 0 && i < SUBMISSIONS_MAX; i++) {
                r = command_submit(sys, command, &rc);
                if (!asks_again(rc))
                        break;
        }
        if (r == 0)
                r = tpm_srk_rc(tpm, rc, command->step, detail);
        if (r == 0 && ret_sys)
                *ret_sys = sys;
        return r;
}
