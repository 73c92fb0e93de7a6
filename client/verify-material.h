/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and revocation lists out of the files that the command line names. */
#pragma once

#include "client/context.h"
#include "client/verify-words.h"
#include "format/verify-trust.h"
#include "format/x509-read.h"

typedef struct VerifyMaterial {
        DerList anchors, intermediates, crls, timestamp_anchors;
        VerifyTrust trust; /* refers to them */
} VerifyMaterial;

void verify_material_done(VerifyMaterial *material);
#define _cleanup_verify_material_ __attribute__((cleanup(verify_material_done)))

/* To be freed also after a failure. */
int verify_material_read(const Context *context, const VerifyWords *words, VerifyMaterial *ret);

/* The certificates of one file, the first first. Free with der_list_clear. */
int certificates_read(const Context *context, const char *path, DerList *ret);
