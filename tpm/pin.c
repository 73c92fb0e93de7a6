/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/pin.h"

#include <string.h>

#include <openssl/crypto.h>

#include "policy/digest.h"
#include "tpm/hierarchy.h"

static void digest_wipe(TPM2B_DIGEST *digest) {
        OPENSSL_cleanse(digest, sizeof(*digest));
}

/*
 * One SHA-256 and no slow derivation: nobody is given what he could guess against. The chip counts
 * wrong tries (noDA clear) and then refuses all. The authValue never leaves it, and passes on the
 * way in only encrypted, later only within HMACs of salted sessions. Guessing offline needs the
 * wrapped blob and the SRK's private half, which is to have opened the chip.
 */
static int auth_derive(const char *purpose, const Secret *secret, Secret *ret) {
        _cleanup_(secret_wipe) Secret text = {};
        _cleanup_(digest_wipe) TPM2B_DIGEST digest = {};

        int r = secret_set(&text, purpose, strlen(purpose));
        if (r == 0)
                r = secret_append(&text, secret->data, secret->size);
        if (r == 0)
                r = digest_bytes((Bytes){ .data = text.data, .size = text.size }, &digest);
        if (r != 0)
                return r;
        return secret_set(ret, digest.buffer, digest.size);
}

int tpm_pin_auth(const Secret *pin, Secret *ret) {
        return auth_derive("sealsd/seal/pin", pin, ret);
}

int tpm_passphrase_auth(const Secret *passphrase, Secret *ret) {
        return auth_derive("sealsd/authority/passphrase", passphrase, ret);
}

int tpm_pin_explain(Tpm *tpm, int condition, const char *what, const char *many,
                    ErrorDetail *detail) {
        TpmHierarchies h;

        if (tpm_hierarchies(tpm, &h, NULL) != 0)
                return condition;
        if (condition == SEAL_E_TPM_LOCKOUT)
                return error_set(detail, condition,
                                 "After too many wrong %s the TPM refuses all; it forgets one "
                                 "every %u seconds",
                                 many, h.lockout_interval);
        if (h.lockout_counter >= h.max_auth_fail)
                return error_set(detail, condition,
                                 "%s; the TPM now refuses all, and forgets one every %u seconds",
                                 what, h.lockout_interval);
        uint32_t left = h.max_auth_fail - h.lockout_counter;
        return error_set(detail, condition, "%s; %u %s left before the TPM refuses all", what, left,
                         left == 1 ? "try is" : "tries are");
}
