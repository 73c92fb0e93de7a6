/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Electronic seals and signatures with them as they are read: one view of both standards, GB/T
 * 38540-2020 (version 4) and GM/T 0031-2014. What is signed is handed out in the bytes of the file.
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "format/eseal-asn1.h"
#include "format/verify-report.h"

/* Who signed what, and how. */
typedef struct ESealSigning {
        Bytes message;                /* as it is in the file; size 0 where nobody signed */
        Bytes certificate;            /* DER */
        const ASN1_OBJECT *algorithm; /* bare */
        Bytes value;
} ESealSigning;

/* Everything but whole and maker_message points into whole. */
typedef struct ESealFile {
        bool is_2014, is_signature;
        void *whole;            /* owned */
        const ASN1_ITEM *item;  /* its template */
        uint8_t *maker_message; /* owned: what is signed in 2014 is not a part of the file */
        SesInfo *info;
        ESealSigning maker, signer;
        /* Of a signature. */
        const ASN1_STRING *time, *hash, *property;
        const ASN1_STRING *stamp;                  /* NULL: none */
        const STACK_OF(SesExtension) * extensions; /* may be NULL */
} ESealFile;

ESealFile *eseal_file_free(ESealFile *file);
DEFINE_CLEANUP(ESealFile, eseal_file_free)

/*
 * Read an SESeal (report->kind VERIFY_SEAL) or SES_Signature (VERIFY_SIGNATURE) of at most
 * ESEAL_FILE_MAX bytes. Deviations of its shape are told in the report. *ret stays NULL where the
 * structure check failed, which is then said there: no such structure, a version that is not known
 * (by its name), a value beyond its bounds. 0, -ENOMEM, -EIO.
 */
int eseal_file_read(Bytes bytes, VerifyReport *report, ESealFile **ret);

/* The extensions of the seal, whichever tag they have; NULL where it has none. */
const STACK_OF(SesExtension) * eseal_file_extensions(const ESealFile *file);

/* µs since the epoch; false for what is no time. *ret_strict: written as the standard has it. */
bool eseal_time_read(const ASN1_STRING *time, uint64_t *ret, bool *ret_strict);
