/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structure of GB/T 38540 that goes with a seal's certificate: its picture and its name, signed
 * by its maker. Filled in the main thread, made in the worker's right behind the certificate, which
 * it is made out to. A seal without a picture has none.
 */
#pragma once

#include "base/error.h"
#include "sealsd/maker-use.h"
#include "sealsd/maker.h"
#include "sealsd/seal.h"

struct Service;

#define ESEAL_VENDOR "sealsd"

typedef struct ESealIssue {
        char number[NUMBER_MAX + 1];
        char name[NAME_BYTES_MAX + 1];
        unsigned type;
        uint64_t created;
        PictureFacts facts;
        SealPicture picture; /* size 0: no structure */
} ESealIssue;

/* SEAL_E_REGISTER_TAMPERED where the register lacks the picture, or has another. */
int eseal_issue_fill(struct Service *service, const Seal *seal, ESealIssue *ret);
/* Frees what is owned and zeroes the rest. */
void eseal_issue_clear(ESealIssue *issue);

/*
 * Into record->structure, made out to record->der; nothing where there is no picture. May be run
 * again. Errors as maker_use_sign().
 */
int eseal_issue_run(const ESealIssue *issue, const MakerUse *maker, Chip *chip,
                    CertificateRecord *record, ErrorDetail *detail);
