/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maker of seals, as the register keeps it: a key in the chip that certifies seals, one for
 * each kind of signature, with what it has issued. Plain values, but for bytes of any length.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "sealsd/seal.h"

typedef struct Maker {
        uint64_t id; /* set when it is added */
        char algorithm[WORD_MAX + 1];
        TPM2_HANDLE index; /* its revocation bit is one of those kept for makers */
        unsigned bit;
        char profile[PROFILE_MAX + 1];
        size_t subject_size;
        uint8_t subject[DISTINGUISHED_NAME_MAX]; /* DER Name; never changes */
        uint64_t created;
        bool opaque; /* read without the register key: no private blob */
        TPM2B_PUBLIC public;
        TPM2B_PRIVATE private; /* wrapped by the SRK */
} Maker;

/* A certificate of a maker or of a seal. Owns its bytes. */
typedef struct CertificateRecord {
        uint64_t issuer; /* the maker that issued it; 0: another authority */
        size_t serial_size;
        uint8_t serial[CERTIFICATE_SERIAL_MAX]; /* big-endian, as the certificate has it */
        uint64_t not_before, not_after;
        Act by; /* who had it issued or brought it, and when */
        uint8_t *der;
        size_t der_size;
        uint8_t *chain; /* the certificates above it, one after the other, nearest first */
        size_t chain_size;
        uint8_t *structure; /* the SESeal that names it (GB/T 38540), size 0: none */
        size_t structure_size;
} CertificateRecord;

/* What a revocation list says of one certificate. */
typedef struct RevocationEntry {
        size_t serial_size;
        uint8_t serial[CERTIFICATE_SERIAL_MAX];
        SealState state;  /* of its seal: revoked or destroyed, suspended, lost */
        SealState before; /* of a revoked one: what it was revoked from */
        uint64_t since;   /* suspended, lost or revoked, without a break */
        bool replaced;    /* the seal was renewed */
} RevocationEntry;

/* The last list that a maker issued. Owns its bytes. */
typedef struct RevocationList {
        uint64_t maker;
        uint64_t number; /* 0: none was issued yet */
        uint64_t this_update, next_update;
        uint64_t entries;
        bool owed; /* it does not say all that is revoked */
        uint8_t *der;
        size_t size;
} RevocationList;

/* The same without its bytes, of which maker; number 0: none was issued yet. */
typedef struct ListStatus {
        char algorithm[WORD_MAX + 1];
        uint64_t number, this_update, next_update, entries;
        bool owed;
} ListStatus;

/* A seal's picture as it was applied for. Owns its bytes. */
typedef struct SealPicture {
        char type[WORD_MAX + 1]; /* png, jpeg, svg */
        uint8_t *data;
        size_t size;
} SealPicture;

/* What approvers sign for where that is not a digest alone. Owns its bytes. */
typedef struct UseStructure {
        char format[WORD_MAX + 1];    /* as on the bus */
        char algorithm[WORD_MAX + 1]; /* of the signature (format/signature-algorithm.h) */
        uint8_t *structure;           /* the bytes whose digest is signed */
        size_t size;
        uint8_t *certificates; /* that go with it, one after the other, the signer's first */
        size_t certificates_size;
} UseStructure;

/* They free what is owned and zero the rest; for cleanup attributes. */
void certificate_record_free(CertificateRecord *record);
void revocation_list_free(RevocationList *list);
void seal_picture_free(SealPicture *picture);
void use_structure_free(UseStructure *structure);

#define _cleanup_certificate_ _cleanup_(certificate_record_free)
#define _cleanup_list_ _cleanup_(revocation_list_free)
#define _cleanup_picture_ _cleanup_(seal_picture_free)
#define _cleanup_structure_ _cleanup_(use_structure_free)
