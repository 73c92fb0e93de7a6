/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-index.h"

#include <errno.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

int index_draw(Chip *chip, TPM2_HANDLE *ret, ErrorDetail *detail) {
        TpmIndex candidate = { .kind = INDEX_REVOCATION };
        TpmIndexState state = TPM_INDEX_FOREIGN;
        uint32_t random;
        int r = 0;

        while (r == 0 && state != TPM_INDEX_ABSENT) {
                if (RAND_bytes((uint8_t *) &random, sizeof(random)) != 1)
                        return -EIO;
                candidate.handle = INDEX_HANDLE_FIRST +
                                   random % (INDEX_HANDLE_LAST - INDEX_HANDLE_FIRST + 1);
                r = tpm_index_state(chip->tpm, &candidate, &state, detail);
        }
        *ret = candidate.handle;
        return r;
}

int index_define(const ServiceJob *job, Chip *chip, RegisterIndex *row, const Secret *owner,
                 ErrorDetail *detail) {
        TpmIndexState state;
        TpmIndex index;
        int r;

        service_tpm_index(&job->authority, row, &index);
        r = tpm_index_state(chip->tpm, &index, &state, detail);
        if (r == 0 && state == TPM_INDEX_FOREIGN) {
                r = tpm_index_undefine(chip->tpm, row->handle, owner, detail);
                state = TPM_INDEX_ABSENT;
                if (r == 0)
                        arrow_pass(job->arrows, ARROW_INIT_INDEX_REMOVED);
        }
        if (r == 0 && state == TPM_INDEX_ABSENT)
                r = tpm_index_define(chip->tpm, &index, owner, detail);
        if (r == 0)
                arrow_pass(job->arrows, ARROW_INIT_INDEX_DEFINED);
        if (r == 0)
                row->written = state == TPM_INDEX_WRITTEN || state == TPM_INDEX_LOCKED;
        OPENSSL_cleanse(&index, sizeof(index));
        return r;
}

int index_write_resident(const ServiceJob *job, Chip *chip, const TpmAuthority *authority,
                         const Secret *passphrase, const RegisterIndex *row, ErrorDetail *detail) {
        _cleanup_(tpm_challenge_freep) TpmChallenge *challenge = NULL;
        TPM2B_DIGEST value = { .size = 8 }; /* no bit set */
        TPMT_SIGNATURE signature;
        TpmIndex index;
        int r = 0;

        service_tpm_index(&job->authority, row, &index);
        if (row->kind == INDEX_LEDGER)
                r = ledger_genesis(&index.authority, row->handle, &value);
        if (r == 0)
                r = tpm_challenge_new(&challenge, chip->tpm, &index,
                                      (Bytes){ value.buffer, value.size }, detail);
        if (r == 0)
                r = tpm_authority_sign(chip->tpm, authority, passphrase,
                                       tpm_challenge_bytes(challenge), &signature, detail);
        if (r == 0)
                r = tpm_challenge_answer(challenge, authority, &signature, detail);
        OPENSSL_cleanse(&index, sizeof(index));
        return r;
}
