/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where return codes of the chip, of a resource manager and of the TSS become
 * conditions (design, section 3.3). One number means different things at different commands, so a
 * code is translated together with the step that met it.
 */
#pragma once

#include <stdbool.h>

#include <tss2/tss2_common.h>

#include "base/error.h"

/* clang-format off */
#define TPM_STEPS(STEP)                                          \
        STEP(CONNECT, "connecting")                              \
        STEP(STARTUP, "TPM2_Startup")                            \
        STEP(GET_CAPABILITY, "TPM2_GetCapability")               \
        STEP(TEST_PARMS, "TPM2_TestParms")                       \
        STEP(READ_PUBLIC, "TPM2_ReadPublic")                     \
        STEP(START_SESSION, "TPM2_StartAuthSession")             \
        STEP(CREATE_PRIMARY, "TPM2_CreatePrimary")               \
        STEP(CREATE_AK, "TPM2_CreatePrimary")                    \
        STEP(EVICT_CONTROL, "TPM2_EvictControl")                 \
        STEP(CREATE, "TPM2_Create")                              \
        STEP(LOAD, "TPM2_Load")                                  \
        STEP(OBJECT_CHANGE_AUTH, "TPM2_ObjectChangeAuth")        \
        STEP(LOAD_EXTERNAL, "TPM2_LoadExternal")                 \
        STEP(UNSEAL, "TPM2_Unseal")                              \
        STEP(SIGN, "TPM2_Sign")                                  \
        STEP(VERIFY_SIGNATURE, "TPM2_VerifySignature")           \
        STEP(HIERARCHY_CHANGE_AUTH, "TPM2_HierarchyChangeAuth")  \
        STEP(LOCK_RESET, "TPM2_DictionaryAttackLockReset")       \
        STEP(NV_DEFINE_SPACE, "TPM2_NV_DefineSpace")             \
        STEP(NV_UNDEFINE_SPACE, "TPM2_NV_UndefineSpace")         \
        STEP(NV_READ_PUBLIC, "TPM2_NV_ReadPublic")               \
        STEP(NV_SET_BITS, "TPM2_NV_SetBits")                     \
        STEP(NV_EXTEND, "TPM2_NV_Extend")                        \
        STEP(NV_READ, "TPM2_NV_Read")                            \
        STEP(READ_EK, "TPM2_NV_Read")                            \
        STEP(NV_READ_LOCK, "TPM2_NV_ReadLock")                   \
        STEP(NV_CERTIFY, "TPM2_NV_Certify")                      \
        STEP(SET_COMMAND_AUDIT, "TPM2_SetCommandCodeAuditStatus") \
        STEP(GET_COMMAND_AUDIT, "TPM2_GetCommandAuditDigest")    \
        STEP(CERTIFY, "TPM2_Certify")                            \
        STEP(CERTIFY_CREATION, "TPM2_CertifyCreation")           \
        STEP(PCR_READ, "TPM2_PCR_Read")                          \
        STEP(PCR_EVENT, "TPM2_PCR_Event")                        \
        STEP(POLICY_PCR, "TPM2_PolicyPCR")                       \
        STEP(POLICY_AUTHORIZE, "TPM2_PolicyAuthorize")           \
        STEP(POLICY_NV, "TPM2_PolicyNV")                         \
        STEP(POLICY_NV_STATE, "TPM2_PolicyNV")                   \
        STEP(POLICY_AUTH_VALUE, "TPM2_PolicyAuthValue")          \
        STEP(POLICY_SIGNED, "TPM2_PolicySigned")                 \
        STEP(POLICY_SECRET, "TPM2_PolicySecret")                 \
        STEP(POLICY_OR, "TPM2_PolicyOR")                         \
        STEP(POLICY_NV_WRITTEN, "TPM2_PolicyNvWritten")          \
        STEP(POLICY_COMMAND_CODE, "TPM2_PolicyCommandCode")      \
        STEP(POLICY_DUPLICATION_SELECT, "TPM2_PolicyDuplicationSelect") \
        STEP(POLICY_RESTART, "TPM2_PolicyRestart")               \
        STEP(POLICY_GET_DIGEST, "TPM2_PolicyGetDigest")          \
        STEP(FLUSH_CONTEXT, "TPM2_FlushContext")
/* clang-format on */

typedef enum TpmStep {
        TPM_STEP_ANY, /* in the table only */
#define STEP(id, name) TPM_STEP_##id,
        TPM_STEPS(STEP)
#undef STEP
                TPM_STEP_MAX,
} TpmStep;

/* The command's name in the specification. Never NULL. */
const char *tpm_step_name(TpmStep step);

/* rc as the chip would have said it: a resource manager's layer bits are taken away, no others. */
TSS2_RC tpm_rc_chip(TSS2_RC rc);

/*
 * Whether the chip said that; a format-one code is meant whatever handle, parameter or session it
 * blames.
 */
bool tpm_rc_is(TSS2_RC rc, TSS2_RC code);

/* Whether the chip blamed a parameter of the command: a value that it does not know or have. */
bool tpm_rc_blames_parameter(TSS2_RC rc);

/*
 * 0 for success; else a condition with its sentence in detail, -ENOMEM, or SEAL_E_TPM_FAILURE with
 * step, code and the TSS's text for a code that nobody foresaw. SEAL_E_BUSY is the chip's
 * TPM_RC_PCR_CHANGED and the like: the same again may well succeed.
 */
int tpm_rc(TSS2_RC rc, TpmStep step, ErrorDetail *detail);
