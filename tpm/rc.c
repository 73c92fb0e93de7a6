/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/rc.h"

#include <errno.h>
#include <stddef.h>

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tpm2_types.h>

/* Not codes of the specification: any error of format one that blames a parameter ... */
#define ANY_PARAMETER (TPM2_RC_FMT1 | TPM2_RC_P)
/*
 * ... and any of TPM_RC_REFERENCE_H0 to _S6: the handle or session is not loaded (Part 2 §6.6.3).
 */
#define ANY_REFERENCE TPM2_RC_REFERENCE_H0

/* Format-one codes are in bits 0 to 5 and 7; 6 and 8 to 11 say what is blamed (Part 2 §6.6.3). */
#define FORMAT_ONE_CODE (TPM2_RC_FMT1 | 0x3fU)

#define PARAMETER(code, number) ((code) | TPM2_RC_P | (TSS2_RC) (number) << 8)

#define BASE_RC_MASK 0xffffU

typedef struct Translation {
        TpmStep step;
        TSS2_RC code; /* exact, or a format-one code without what is blamed */
        int condition;
        const char *text;
} Translation;

static const char index_refuses[] =
        "The NV index does not take the authorisation that the register keeps for it; "
        "an administrator runs 'sealctl inspect'";
static const char index_gone[] = "The NV index is not in the chip; an administrator runs "
                                 "'sealctl inspect'";
static const char index_unwritten[] =
        "The NV index waits for the authority's first write; answer its challenge";
static const char blob_not_ours[] =
        "The chip does not take the wrapped key: it was altered, or made by another TPM or "
        "before the TPM was cleared; restore a backup or renew the seal";
static const char bad_signature[] =
        "The signature is not the expected key's over the expected bytes; sign the bytes of the "
        "challenge with 'openssl dgst -sha256 -sign'";
static const char srk_auth[] =
        "The storage root key at 0x81000001 has an authorisation of its own, which sealsd cannot "
        "use; evict it, and it will be made anew";
static const char key_refuses[] =
        "The chip has an authorisation for the seal's key, which ought to have none: somebody "
        "exchanged its blob; an administrator runs 'sealctl inspect'";
static const char other_birth[] =
        "What the register keeps of the key's birth is not this key's, or not this chip's: it was "
        "altered, or the TPM was cleared; renew the seal";
/* Seals without a PIN are noDA, and those with one say AUTH_FAIL: it is the HMAC that is wrong. */
static const char altered[] =
        "The command was altered on its way to the TPM, which refused it; look "
        "for what sits on the TPM's bus";
static const char no_algorithm[] = "The TPM does not make keys of this algorithm; 'sealctl status' "
                                   "shows those that it makes";
static const char no_scheme[] =
        "The TPM does not sign with this scheme or hash; choose another 'scheme' or 'hash'";
/*
 * A broker that was killed leaves its sessions in the chip, where the next one cannot load over
 * them.
 */
static const char was_reset[] = "The TPM or its resource manager was reset; try again, and if it "
                                "stays so, start tpm2-abrmd "
                                "with --flush-all";

/* The first row that fits counts: the exact ones come before the general ones. */
static const Translation translations[] = {
        /* Machine state: the chip compares PolicyPCR's digest at once (Part 3 §23.7), and
         * PolicyAuthorize the policy approved with the session's (§23.16). */
        { TPM_STEP_POLICY_PCR, PARAMETER(TPM2_RC_VALUE, 1), SEAL_E_MACHINE_STATE_REFUSED,
          "The PCRs differ from the approved state; see 'sealctl machine-state show'" },
        { TPM_STEP_POLICY_AUTHORIZE, PARAMETER(TPM2_RC_VALUE, 1), SEAL_E_MACHINE_STATE_REFUSED,
          "The machine is not in the approved state; see 'sealctl machine-state show'" },
        { TPM_STEP_POLICY_AUTHORIZE, PARAMETER(TPM2_RC_VALUE, 4), SEAL_E_APPROVAL_INVALID,
          "The kept approval is not this authority's for this profile on this TPM; approve the "
          "machine state again" },

        { TPM_STEP_POLICY_NV_STATE, TPM2_RC_POLICY, SEAL_E_MACHINE_STATE_REFUSED,
          "This machine state was retired: its approval counts no more. Start what is approved, or "
          "have the authority approve it again ('sealctl machine-state list')" },
        { TPM_STEP_POLICY_NV_STATE, TPM2_RC_BAD_AUTH, SEAL_E_REGISTER_TAMPERED, index_refuses },

        { TPM_STEP_POLICY_NV, TPM2_RC_POLICY, SEAL_E_REVOKED,
          "The seal is revoked in the chip; it never signs again" },
        { TPM_STEP_POLICY_NV, TPM2_RC_NV_LOCKED, SEAL_E_LOCKED,
          "All seals are locked until the next boot" },
        { TPM_STEP_NV_READ, TPM2_RC_NV_LOCKED, SEAL_E_LOCKED,
          "The index is read-locked until the next boot" },
        { TPM_STEP_NV_CERTIFY, TPM2_RC_NV_LOCKED, SEAL_E_LOCKED,
          "The index is read-locked until the next boot, and nobody attests its value before" },
        { TPM_STEP_READ_EK, TPM2_RC_BAD_AUTH, SEAL_E_NOT_FOUND,
          "The endorsement key's certificate takes an authorisation to be read" },
        { TPM_STEP_ANY, TPM2_RC_NV_UNINITIALIZED, SEAL_E_REGISTER_TAMPERED, index_unwritten },
        { TPM_STEP_POLICY_NV, TPM2_RC_BAD_AUTH, SEAL_E_REGISTER_TAMPERED, index_refuses },
        { TPM_STEP_NV_SET_BITS, TPM2_RC_BAD_AUTH, SEAL_E_REGISTER_TAMPERED, index_refuses },
        { TPM_STEP_NV_EXTEND, TPM2_RC_BAD_AUTH, SEAL_E_REGISTER_TAMPERED, index_refuses },
        { TPM_STEP_NV_READ, TPM2_RC_BAD_AUTH, SEAL_E_REGISTER_TAMPERED, index_refuses },
        { TPM_STEP_NV_READ_LOCK, TPM2_RC_BAD_AUTH, SEAL_E_REGISTER_TAMPERED, index_refuses },
        { TPM_STEP_NV_CERTIFY, TPM2_RC_BAD_AUTH, SEAL_E_REGISTER_TAMPERED, index_refuses },
        { TPM_STEP_NV_SET_BITS, TPM2_RC_POLICY_FAIL, SEAL_E_REGISTER_TAMPERED, index_unwritten },
        { TPM_STEP_NV_EXTEND, TPM2_RC_POLICY_FAIL, SEAL_E_REGISTER_TAMPERED, index_unwritten },
        { TPM_STEP_NV_READ_PUBLIC, TPM2_RC_HANDLE, SEAL_E_NOT_FOUND, index_gone },
        { TPM_STEP_NV_UNDEFINE_SPACE, TPM2_RC_HANDLE, SEAL_E_NOT_FOUND, index_gone },
        { TPM_STEP_NV_DEFINE_SPACE, TPM2_RC_NV_DEFINED, SEAL_E_ALREADY_EXISTS,
          "An NV index with this handle exists already; undefine it first" },

        /* A session that is held for long, and whose chip was reset meanwhile. */
        { TPM_STEP_POLICY_PCR, TPM2_RC_HANDLE, SEAL_E_TPM_UNAVAILABLE, was_reset },
        { TPM_STEP_POLICY_RESTART, TPM2_RC_HANDLE, SEAL_E_TPM_UNAVAILABLE, was_reset },

        /* Approvals: a signature of another shape than the key's fails before it is verified. */
        { TPM_STEP_POLICY_SIGNED, TPM2_RC_NONCE, SEAL_E_APPROVAL_INVALID,
          "The signature answers another challenge; ask for a new one" },
        { TPM_STEP_POLICY_SIGNED, TPM2_RC_EXPIRED, SEAL_E_APPROVAL_EXPIRED,
          "The approval has expired; ask for a new challenge" },
        { TPM_STEP_POLICY_SIGNED, TPM2_RC_CPHASH, SEAL_E_APPROVAL_INVALID,
          "The approvals are for different documents" },
        { TPM_STEP_POLICY_SIGNED, ANY_PARAMETER, SEAL_E_APPROVAL_INVALID, bad_signature },
        { TPM_STEP_VERIFY_SIGNATURE, ANY_PARAMETER, SEAL_E_APPROVAL_INVALID, bad_signature },
        { TPM_STEP_LOAD_EXTERNAL, ANY_PARAMETER, SEAL_E_UNSUPPORTED,
          "The TPM does not know the algorithm of this public key; use an ECDSA P-256 key" },

        { TPM_STEP_POLICY_OR, PARAMETER(TPM2_RC_VALUE, 1), SEAL_E_REGISTER_TAMPERED,
          "The policy in the register is not the key's; an administrator runs 'sealctl inspect'" },
        { TPM_STEP_SIGN, TPM2_RC_POLICY_FAIL, SEAL_E_REGISTER_TAMPERED,
          "The policy in the register is not the key's, or an approval is for another document" },
        { TPM_STEP_SIGN, TPM2_RC_SCHEME, SEAL_E_UNSUPPORTED, no_scheme },
        { TPM_STEP_SIGN, TPM2_RC_HASH, SEAL_E_UNSUPPORTED, no_scheme },
        { TPM_STEP_SIGN, TPM2_RC_EXPIRED, SEAL_E_APPROVAL_EXPIRED,
          "The approval has expired; ask for a new challenge" },
        { TPM_STEP_SET_COMMAND_AUDIT, TPM2_RC_BAD_AUTH, SEAL_E_PIN_REQUIRED,
          "The TPM's owner hierarchy has an authorisation that sealsd does not know" },
        { TPM_STEP_GET_COMMAND_AUDIT, TPM2_RC_BAD_AUTH, SEAL_E_PIN_REQUIRED,
          "The TPM's endorsement hierarchy has an authorisation that sealsd does not know" },
        { TPM_STEP_CREATE_AK, TPM2_RC_BAD_AUTH, SEAL_E_PIN_REQUIRED,
          "The TPM's endorsement hierarchy has an authorisation that sealsd does not know, so "
          "there "
          "is no attestation key; remove it (tpm2_changeauth -c endorsement -p AUTH) to have "
          "attestations" },
        { TPM_STEP_CREATE_AK, TPM2_RC_HIERARCHY, SEAL_E_UNSUPPORTED,
          "The TPM's endorsement hierarchy is switched off, so there is no attestation key; switch "
          "it on in the firmware's settings to have attestations" },
        { TPM_STEP_CERTIFY, TPM2_RC_BAD_AUTH, SEAL_E_REGISTER_TAMPERED, key_refuses },
        { TPM_STEP_CERTIFY, TPM2_RC_AUTH_FAIL, SEAL_E_REGISTER_TAMPERED, key_refuses },
        { TPM_STEP_CERTIFY_CREATION, TPM2_RC_TICKET, SEAL_E_REGISTER_TAMPERED, other_birth },
        { TPM_STEP_CERTIFY_CREATION, ANY_PARAMETER, SEAL_E_REGISTER_TAMPERED, other_birth },
        /* The policy is looked at before: here it can only be the way to the chip. */
        { TPM_STEP_UNSEAL, TPM2_RC_POLICY_FAIL, SEAL_E_TPM_UNAVAILABLE, altered },
        { TPM_STEP_UNSEAL, TPM2_RC_BAD_AUTH, SEAL_E_TPM_UNAVAILABLE, altered },
        { TPM_STEP_LOAD, TPM2_RC_BAD_AUTH, SEAL_E_UNSUPPORTED, srk_auth },
        { TPM_STEP_CREATE, TPM2_RC_BAD_AUTH, SEAL_E_UNSUPPORTED, srk_auth },
        { TPM_STEP_CREATE, PARAMETER(TPM2_RC_CURVE, 2), SEAL_E_UNSUPPORTED, no_algorithm },
        { TPM_STEP_CREATE, PARAMETER(TPM2_RC_TYPE, 2), SEAL_E_UNSUPPORTED, no_algorithm },
        { TPM_STEP_CREATE, PARAMETER(TPM2_RC_VALUE, 2), SEAL_E_UNSUPPORTED, no_algorithm },
        { TPM_STEP_CREATE, PARAMETER(TPM2_RC_KEY_SIZE, 2), SEAL_E_UNSUPPORTED, no_algorithm },
        { TPM_STEP_LOAD, TPM2_RC_SENSITIVE, SEAL_E_REGISTER_TAMPERED, blob_not_ours },
        { TPM_STEP_LOAD, ANY_PARAMETER, SEAL_E_REGISTER_TAMPERED, blob_not_ours },

        /* Authorisations: AUTH_FAIL counts against dictionary attacks, BAD_AUTH does not. */
        { TPM_STEP_SIGN, TPM2_RC_BAD_AUTH, SEAL_E_TPM_UNAVAILABLE, altered },
        { TPM_STEP_SIGN, TPM2_RC_AUTH_FAIL, SEAL_E_WRONG_PIN, "Wrong PIN or passphrase" },
        /* As at Sign: a key with a PIN says AUTH_FAIL. */
        { TPM_STEP_OBJECT_CHANGE_AUTH, TPM2_RC_BAD_AUTH, SEAL_E_TPM_UNAVAILABLE, altered },
        { TPM_STEP_OBJECT_CHANGE_AUTH, TPM2_RC_AUTH_FAIL, SEAL_E_WRONG_PIN, "Wrong PIN" },
        { TPM_STEP_LOCK_RESET, TPM2_RC_AUTH_FAIL, SEAL_E_WRONG_PIN,
          "Wrong lockout authorisation; the TPM takes none now for its recovery time" },
        { TPM_STEP_ANY, TPM2_RC_AUTH_FAIL, SEAL_E_WRONG_PIN, "Wrong authorisation" },
        { TPM_STEP_ANY, TPM2_RC_BAD_AUTH, SEAL_E_WRONG_PIN,
          "Wrong authorisation of the TPM's hierarchy; give the right 'owner-auth' or "
          "'lockout-auth'" },
        { TPM_STEP_ANY, TPM2_RC_LOCKOUT, SEAL_E_TPM_LOCKOUT,
          "The TPM refuses passphrases, also right ones, after too many wrong ones; wait" },

        { TPM_STEP_ANY, TPM2_RC_NV_SPACE, SEAL_E_TPM_FULL,
          "The TPM's non-volatile memory is full; remove indices or persistent keys that are no "
          "longer needed (tpm2_getcap handles-nv-index handles-persistent)" },
        { TPM_STEP_ANY, TPM2_RC_OBJECT_MEMORY, SEAL_E_TPM_FULL,
          "The TPM has no room for another loaded key; use a resource manager (tpm2-abrmd or "
          "/dev/tpmrm0), or flush those of other programs (tpm2_flushcontext -t)" },
        { TPM_STEP_ANY, TPM2_RC_OBJECT_HANDLES, SEAL_E_TPM_FULL,
          "The TPM has no handle for another loaded key; reboot" },
        { TPM_STEP_ANY, TPM2_RC_SESSION_MEMORY, SEAL_E_TPM_FULL,
          "The TPM or its resource manager has no room for another session; answer the waiting "
          "challenges, or flush those of other programs (tpm2_flushcontext -l)" },
        { TPM_STEP_ANY, TPM2_RC_SESSION_HANDLES, SEAL_E_TPM_FULL,
          "The TPM has no handle for another session; flush those of other programs "
          "(tpm2_flushcontext -s)" },
        { TPM_STEP_ANY, TPM2_RC_MEMORY, SEAL_E_TPM_FULL,
          "The TPM is short of working memory; use a resource manager (tpm2-abrmd or "
          "/dev/tpmrm0)" },

        { TPM_STEP_ANY, TPM2_RC_PCR_CHANGED, SEAL_E_BUSY,
          "The machine's measurements changed meanwhile; try again" },
        { TPM_STEP_ANY, TPM2_RC_NV_RATE, SEAL_E_BUSY,
          "The TPM slows writes to its memory to make it last; try again in a minute" },
        { TPM_STEP_ANY, TPM2_RC_NV_UNAVAILABLE, SEAL_E_BUSY,
          "The TPM's memory cannot be written just now; try again" },
        { TPM_STEP_ANY, TPM2_RC_RETRY, SEAL_E_BUSY, "The TPM is busy; try again" },
        { TPM_STEP_ANY, TPM2_RC_YIELDED, SEAL_E_BUSY, "The TPM is busy; try again" },
        { TPM_STEP_ANY, TPM2_RC_TESTING, SEAL_E_BUSY, "The TPM tests itself; try again" },

        /* Our objects and sessions are gone: only a new connection helps. */
        { TPM_STEP_ANY, TPM2_RC_INITIALIZE, SEAL_E_TPM_UNAVAILABLE, was_reset },
        { TPM_STEP_ANY, ANY_REFERENCE, SEAL_E_TPM_UNAVAILABLE, was_reset },
        { TPM_STEP_ANY, TPM2_RC_CONTEXT_GAP, SEAL_E_TPM_UNAVAILABLE,
          "The TPM's contexts are too far apart, an old one keeps new ones out; try again, and if "
          "it stays so, flush the sessions of other programs (tpm2_flushcontext -s)" },

        /* Nothing helps but to start anew. */
        { TPM_STEP_ANY, TPM2_RC_FAILURE, SEAL_E_TPM_FAILURE,
          "The TPM found a fault in itself and refuses all work; switch the machine off and on, "
          "and if it stays so, ask the maker's tool" },
        { TPM_STEP_ANY, TPM2_RC_REBOOT, SEAL_E_TPM_FAILURE,
          "The TPM asks for a restart of the machine; switch it off and on" },
        { TPM_STEP_ANY, TPM2_RC_UPGRADE, SEAL_E_TPM_FAILURE,
          "The TPM's firmware is being upgraded; finish that with the maker's tool" },

        /* What this chip does not have. */
        { TPM_STEP_ANY, TPM2_RC_COMMAND_CODE, SEAL_E_UNSUPPORTED,
          "The TPM does not have this command" },
        { TPM_STEP_ANY, TPM2_RC_CURVE, SEAL_E_UNSUPPORTED, "The TPM does not have this curve" },
        { TPM_STEP_ANY, TPM2_RC_HASH, SEAL_E_UNSUPPORTED, "The TPM does not have this hash" },
        { TPM_STEP_ANY, TPM2_RC_SCHEME, SEAL_E_UNSUPPORTED,
          "The TPM does not have this signing scheme for this key" },
        { TPM_STEP_ANY, TPM2_RC_KEY_SIZE, SEAL_E_UNSUPPORTED,
          "The TPM does not have keys of this size" },
        { TPM_STEP_ANY, TPM2_RC_ASYMMETRIC, SEAL_E_UNSUPPORTED,
          "The TPM does not have this kind of key" },
        { TPM_STEP_ANY, TPM2_RC_SYMMETRIC, SEAL_E_UNSUPPORTED,
          "The TPM does not have this cipher" },
        { TPM_STEP_ANY, TPM2_RC_KDF, SEAL_E_UNSUPPORTED,
          "The TPM does not have this key derivation" },
};

const char *tpm_step_name(TpmStep step) {
        static const char *const names[TPM_STEP_MAX] = { [TPM_STEP_ANY] = "a TPM command",
#define STEP(id, text) [TPM_STEP_##id] = (text),
                                                         TPM_STEPS(STEP)
#undef STEP
        };

        return step < TPM_STEP_MAX ? names[step] : names[TPM_STEP_ANY];
}

TSS2_RC tpm_rc_chip(TSS2_RC rc) {
        TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;

        /* The manager's own trouble: each of the chip's codes has one of these bits. */
        if (!(rc & (TPM2_RC_FMT1 | TPM2_RC_VER1)))
                return rc;
        /* tpm2-abrmd answers for itself in the first (0xb0903), the kernel's in the second. */
        if (layer == TSS2_RESMGR_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER)
                return rc & BASE_RC_MASK;
        return rc;
}

static bool code_matches(TSS2_RC wanted, TSS2_RC code) {
        if (code == wanted)
                return true;
        if (wanted == ANY_REFERENCE)
                return code >= TPM2_RC_REFERENCE_H0 && code <= TPM2_RC_REFERENCE_S6;
        if (!(code & TPM2_RC_FMT1))
                return false;
        if (wanted == ANY_PARAMETER)
                return (code & TPM2_RC_P) != 0;
        return (code & FORMAT_ONE_CODE) == wanted;
}

bool tpm_rc_is(TSS2_RC rc, TSS2_RC code) {
        return code_matches(code, tpm_rc_chip(rc));
}

bool tpm_rc_blames_parameter(TSS2_RC rc) {
        return tpm_rc_is(rc, ANY_PARAMETER);
}

static const Translation *translation_find(TpmStep step, TSS2_RC code) {
        for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++) {
                const Translation *t = &translations[i];

                if ((t->step == TPM_STEP_ANY || t->step == step) && code_matches(t->code, code))
                        return t;
        }
        return NULL;
}

/*
 * Errors of the software between us and the chip. After a failed transmission, and after an answer
 * whose HMAC is wrong, ESAPI refuses every further call (BAD_SEQUENCE): connect anew.
 */
static int rc_from_software(TSS2_RC rc, TpmStep step, ErrorDetail *detail) {
        TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
        TSS2_RC base = rc & BASE_RC_MASK;

        if (base == TSS2_BASE_RC_MEMORY)
                return -ENOMEM;
        if (base == TSS2_BASE_RC_RSP_AUTH_FAILED)
                return error_set(detail, SEAL_E_TPM_UNAVAILABLE,
                                 "The TPM's answer to %s was altered on its way; try again, and "
                                 "look for what sits on the TPM's bus",
                                 tpm_step_name(step));
        if (layer == TSS2_TCTI_RC_LAYER || step == TPM_STEP_CONNECT ||
            base == TSS2_BASE_RC_BAD_SEQUENCE || base == TSS2_BASE_RC_IO_ERROR)
                return error_set(detail, SEAL_E_TPM_UNAVAILABLE,
                                 "The TPM cannot be reached; check tpm2-abrmd or /dev/tpmrm0 "
                                 "(%s: 0x%x %s)",
                                 tpm_step_name(step), rc, Tss2_RC_Decode(rc));
        return error_set(detail, SEAL_E_TPM_FAILURE, "%s failed: 0x%x %s", tpm_step_name(step), rc,
                         Tss2_RC_Decode(rc));
}

int tpm_rc(TSS2_RC rc, TpmStep step, ErrorDetail *detail) {
        TSS2_RC code = tpm_rc_chip(rc);

        if (rc == TSS2_RC_SUCCESS)
                return 0;
        if (code & TSS2_RC_LAYER_MASK)
                return rc_from_software(rc, step, detail);

        const Translation *t = translation_find(step, code);
        if (t)
                return error_set(detail, t->condition, "%s (%s: 0x%x)", t->text,
                                 tpm_step_name(step), rc);
        return error_set(detail, SEAL_E_TPM_FAILURE, "%s failed: 0x%x %s", tpm_step_name(step), rc,
                         Tss2_RC_Decode(rc));
}
