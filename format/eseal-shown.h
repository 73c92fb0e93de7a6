/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an electronic seal of GB/T 38540-2020 says to whoever has to agree to a signature with it:
 * whose it is. Nothing is verified; format/eseal-verify.h does that.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct ESealShown {
        char id[ESEAL_TEXT_MAX + 1];
        char name[NAME_BYTES_MAX + 1]; /* UTF-8 */
} ESealShown;

/* SEAL_E_INVALID_ARGS for other bytes, and for what is longer. */
int eseal_shown(Bytes eseal, ESealShown *ret);

/*
 * The bytes of its picture, as they are; *ret is malloc'ed. SEAL_E_INVALID_ARGS for other bytes,
 * -ENOMEM.
 */
int eseal_picture(Bytes eseal, uint8_t **ret, size_t *ret_size);

/*
 * Is it made out to this certificate (DER) and no other? SEAL_E_CERTIFICATE_INVALID when not;
 * SEAL_E_INVALID_ARGS for other bytes.
 */
int eseal_certificate_check(Bytes eseal, Bytes certificate);
