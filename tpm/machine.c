/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/machine.h"

#include <string.h>

#include "tpm/context.h"
#include "tpm/session.h"
#include "tpm/srk.h"

#define PCR_READ_TRIES 8

/* Take the digests of one answer, ascending by PCR, and strike them off the mask. */
static void digests_take(const TPML_PCR_SELECTION *selection, const TPML_DIGEST *digests,
                         PcrValues *values, uint32_t *left) {
        uint32_t taken = 0;

        if (selection->count != 1)
                return;
        const TPMS_PCR_SELECTION *pcrs = &selection->pcrSelections[0];
        for (unsigned n = 0; n < PCR_COUNT && taken < digests->count; n++) {
                if (n / 8 >= pcrs->sizeofSelect || !(pcrs->pcrSelect[n / 8] & 1U << (n % 8)) ||
                    !(*left & 1U << n))
                        continue;
                values->values[n] = digests->digests[taken++];
                *left &= ~(1U << n);
        }
}

/* One command; the chip leaves out what does not fit into its answer, and banks it has not. */
static int pcr_read_some(Tpm *tpm, PcrValues *values, uint32_t *left, uint32_t *ret_counter,
                         ErrorDetail *detail) {
        _cleanup_esys_ TPML_PCR_SELECTION *read = NULL;
        _cleanup_esys_ TPML_DIGEST *digests = NULL;
        PcrSelection wanted = { .bank = values->selection.bank, .mask = *left };
        TPML_PCR_SELECTION list = {};
        uint32_t before = *left;

        pcr_selection_list(&wanted, &list);
        int r = tpm_rc(Esys_PCR_Read(tpm->esys, NO_SESSIONS, &list, ret_counter, &read, &digests),
                       TPM_STEP_PCR_READ, detail);
        if (r != 0)
                return r;
        digests_take(read, digests, values, left);
        if (*left == before)
                return error_set(detail, SEAL_E_UNSUPPORTED,
                                 "The TPM does not measure into the %s bank; choose another in "
                                 "'pcrs'",
                                 wanted.bank == TPM2_ALG_SHA256 ? "sha256" : "sha384");
        return 0;
}

/* All answers have to be of one moment: the chip counts the changes (Part 3 §22.4). */
static int pcr_read_all(Tpm *tpm, PcrValues *values, bool *ret_consistent, ErrorDetail *detail) {
        uint32_t left = values->selection.mask, counter = 0, first = 0;

        *ret_consistent = true;
        for (bool started = false; left != 0; started = true) {
                int r = pcr_read_some(tpm, values, &left, &counter, detail);
                if (r != 0)
                        return r;
                if (!started)
                        first = counter;
                else if (counter != first)
                        *ret_consistent = false;
        }
        return 0;
}

int tpm_pcr_read(Tpm *tpm, const PcrSelection *selection, PcrValues *ret, ErrorDetail *detail) {
        for (int i = 0; i < PCR_READ_TRIES; i++) {
                PcrValues values = { .selection = *selection };
                bool consistent = false;

                int r = pcr_read_all(tpm, &values, &consistent, detail);
                if (r != 0)
                        return r;
                if (consistent) {
                        *ret = values;
                        return 0;
                }
        }
        return error_set(detail, SEAL_E_BUSY, "The PCRs change while they are read; try again");
}

int tpm_fence(Tpm *tpm, unsigned pcr, ErrorDetail *detail) {
        static const char text[] = "sealsd: fence";
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        TPM2B_EVENT event = { .size = sizeof(text) - 1 };

        if (pcr >= PCR_COUNT)
                return error_set(detail, SEAL_E_INVALID_ARGS, "There is no PCR %u", pcr);
        memcpy(event.buffer, text, sizeof(text) - 1);
        /* The answer's HMAC is the proof that the chip did it, and not something before it. */
        int r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, detail);
        if (r != 0)
                return r;
        return tpm_srk_rc(
                tpm,
                Esys_PCR_Event(tpm->esys, ESYS_TR_PCR0 + pcr, ONE_SESSION(&session), &event, NULL),
                TPM_STEP_PCR_EVENT, detail);
}
