/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of passport_verify(), for format/passport-*.c alone. */
#pragma once

#include "format/passport-verify.h"

typedef struct Judgement {
        const PassportStatement *statement;
        const PassportAttestation *attestation;
        const PassportWanted *wanted;
        TPM2B_DATA extra; /* what binds an attestation to the statement */
        PassportFacts *facts;
        ErrorDetail *detail;
} Judgement;

/* The sentence, as SEAL_E_REGISTER_TAMPERED. */
int judgement_refuse(const Judgement *j, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* The key, its attributes and parameters, and the words of the statement about it. */
int passport_judge_key(const Judgement *j);

/* The policy anew from its parts: terms, digest, the key's authPolicy. */
int passport_judge_policy(const Judgement *j);

/* A written index of the kind that only this authority can have written; what names it. */
int passport_judge_index(const Judgement *j, IndexKind kind, const TPMS_NV_PUBLIC *index,
                         const char *what);

/* The approved states of the machine; bits of the state indices are read by their attestations. */
int passport_judge_machine(const Judgement *j);

/* Certificates of seal and endorsement key. */
int passport_judge_certificates(const Judgement *j);

/* Every attestation, and what it says. */
int passport_judge_attestations(const Judgement *j);
