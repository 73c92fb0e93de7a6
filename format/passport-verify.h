/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges a seal's passport offline: no TPM, no daemon, no trust in either. What is believed is what
 * the attestation key signed; whose key that is, and whose the authority's, only those know who got
 * the Names from elsewhere.
 */
#pragma once

#include "format/passport.h"
#include "format/x509-name.h"

/* What the verifier knows from elsewhere; what is not given is not compared, and said so. */
typedef struct PassportWanted {
        Bytes nonce;                /* the one that he asked with; size 0: not given */
        TPM2B_PUBLIC authority;     /* the point or modulus counts; size 0: not given */
        TPM2B_NAME attestation_key; /* size 0: not given */
        Bytes ek_roots;             /* certificates in PEM of the TPM's makers; size 0: not given */
} PassportWanted;

/* What follows from a passport that holds. */
typedef struct PassportFacts {
        TPM2B_NAME seal, authority, attestation_key;
        bool revoked; /* the chip's bit is set: it never signs again */
        bool fixed;   /* the key cannot leave this TPM */
        bool born;    /* a TPM made the key: it is fixed, or its creation is attested */
        bool retired[MACHINE_STATES_MAX];  /* the chip's bit of that state is set */
        uint8_t ledger[LEDGER_VALUE_SIZE]; /* the certified value of the ledger index */
        /* The chip's clock, the same boot for all attestations. */
        uint64_t clock;
        uint32_t reset_count, restart_count;
        bool clock_safe;
        /* What was compared with what the verifier knows. */
        bool nonce_known, authority_known, attestation_key_known, ek_chain_known;
        /* Of the seal's first certificate, where it has one. */
        bool certified;
        char certificate_subject[X509_NAME_TEXT_MAX + 1];
        char certificate_issuer[X509_NAME_TEXT_MAX + 1];
        uint64_t certificate_not_before, certificate_not_after; /* µs since the epoch */
        char ek_issuer[X509_NAME_TEXT_MAX + 1];                 /* "": no certificate */
} PassportFacts;

/*
 * SEAL_E_REGISTER_TAMPERED with a sentence of its own for each defect, the first one found;
 * SEAL_E_INVALID_ARGS for roots that are no certificates; -ENOMEM, -EIO. ret is the passport as it
 * was read, also of a seal that is revoked: that is a fact and no defect.
 */
int passport_verify(Bytes file, const PassportWanted *wanted, Passport **ret,
                    PassportFacts *ret_facts, ErrorDetail *detail);
