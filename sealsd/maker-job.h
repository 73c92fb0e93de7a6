/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The making of a maker: its key (chip), the certificate that it begins with, signed by itself
 * (chip), and its row (register). Or of one that is there another certificate, by the same key.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "policy/algorithm.h"
#include "sealsd/maker-use.h"
#include "sealsd/maker.h"
#include "sealsd/service-internal.h"

typedef struct MakerJob {
        ServiceJob head;
        unsigned kind;
        const Algorithm *algorithm;
        bool renews; /* the certificate of one that is there */
        bool dead;   /* the chip has its bit set */
        TPM2B_DIGEST policy;
        Maker maker;
        MakerUse use;
        CertificateRecord record;
} MakerJob;

/* algorithm: by its name; renewed NULL: its key is made. */
int maker_job_new(Service *service, unsigned kind, const char *algorithm, const Maker *renewed,
                  uint32_t uid, MakerJob **ret);
void maker_job_free(MakerJob *job);

/* In the worker. May be run again. */
int maker_job_run(Job *job, Chip *chip, ErrorDetail *detail);

/* What came of it, in a transaction of its own. */
int maker_job_keep(MakerJob *job);
