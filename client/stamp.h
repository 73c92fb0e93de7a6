/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time stamps of an authority (RFC 3161) for signatures that have a place for one: CMS (CAdES B-T)
 * and SES_Signature. Only who asks for it speaks to an authority, which learns a hash and no more.
 */
#pragma once

#include "client/options.h"
#include "format/x509-read.h"

typedef struct StampWords {
        const char *url;  /* NULL: no time stamp */
        const char *hash; /* of what is stamped; NULL: sha256 */
        TextList trust;   /* files of certificates; none: who stamps is not judged here */
        uint64_t seconds; /* until it has answered; 0: TIMESTAMP_SECONDS */
} StampWords;

/* What the words say of whom to ask, looked at before anything is asked or signed. */
typedef struct Stamp {
        const StampWords *words;
        DerList anchors;
} Stamp;

void stamp_done(Stamp *stamp);
#define _cleanup_stamp_ __attribute__((cleanup(stamp_done)))

/* To be ended also after a failure. Speaks to nobody. */
int stamp_open(const Context *context, const StampWords *words, Stamp *ret);

/*
 * The signature with a time stamp in it, DER; *ret is malloc'ed. what names it in sentences.
 * EXIT_USAGE where it has no place for one, EXIT_VERIFICATION where the answer does not hold.
 */
int stamp_add(const Context *context, const Stamp *stamp, const char *what, Bytes signature,
              uint8_t **ret, size_t *ret_size);
