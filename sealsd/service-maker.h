/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maker's keys (design, section 3): one for P-256, and one for SM2 where the chip has it, each
 * with a bit of the first revocation index. They are made by the daemon itself as soon as the
 * machine is in an approved state: without one the chip signs nothing with them, not even the
 * certificate that they begin with. What they certify is in service-certify.h, what they revoke in
 * service-crl.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "format/x509-read.h"
#include "sealsd/caller.h"
#include "sealsd/inspection.h"
#include "sealsd/maker-use.h"

struct Service;
struct Reply;

#define MAKER_KINDS 2 /* of keys */

typedef struct MakerWaiter MakerWaiter;

typedef struct Makers {
        bool busy; /* a job makes a key, or renews a certificate */
        MakerWaiter *waiters;
        MakerWaiter *settling;        /* who waits for all of it */
        bool dead[MAKER_KINDS];       /* the chip has the bit set of one that was never made */
        char problem[ERROR_TEXT_MAX]; /* why the last job came to nothing, "" when it did not */
} Makers;

/*
 * Make what is missing, one job at a time: keys, and certificates of their own that end before a
 * seal of today would. To be called whenever the machine is in an approved state.
 */
void makers_tend(struct Service *service);

/*
 * The one that certifies keys of this algorithm (of policy/algorithm.h): of SM2 the SM2 maker,
 * where there can be one. The caller clears it. SEAL_E_NOT_FOUND while it is not made,
 * SEAL_E_MACHINE_STATE_REFUSED without the register's key.
 */
int makers_use(struct Service *service, const char *algorithm, MakerUse *ret);

/* Any of them, by its id. The same conditions. */
int makers_use_of(struct Service *service, const Maker *maker, MakerUse *ret);

/* The same but for key and certificate, which one that is being made has not. */
int makers_use_fill(struct Service *service, const Maker *maker, MakerUse *ret);

/* Reply (NULL) when that one is made, or with why it is not, for this UID. */
int makers_demand(struct Service *service, const char *algorithm, uint32_t uid, struct Reply reply);

/*
 * Reply (NULL) when the register is open, the makers are made and have their lists, as far as they
 * can be had now: what follows an initialization before it is answered. May be called at once.
 */
void makers_settle(struct Service *service, struct Reply reply);
/* One of those steps has ended. */
void makers_settled(struct Service *service);

/* What an inspection looks at; returns how many there are or should be. */
size_t makers_inspect(struct Service *service, InspectedMaker ret[static MAKERS_MAX]);

/* The end: whoever waits still is told so. */
void makers_stop(struct Service *service);

/* --- their certificates (service-maker-certificates.c) ---------------------------------------- */

/* Of each maker its own, then those above it; appended. */
int service_maker_certificates(struct Service *service, DerList *ret, ErrorDetail *detail);

typedef struct MakerRequests {
        size_t count;
        struct {
                char algorithm[WORD_MAX + 1];
                Bytes der;   /* PKCS #10 */
        } items[MAKERS_MAX]; /* P-256's first */
} MakerRequests;

/* Result: MakerRequests. SEAL_E_NOT_FOUND before there is a maker. */
int service_maker_requests(struct Service *service, const Caller *caller, struct Reply reply,
                           ErrorDetail *detail);

/*
 * From now on the maker whose key the first of them is about has these: its own, then each above
 * the one before. SEAL_E_CERTIFICATE_INVALID with the reason.
 */
int service_set_maker_certificates(struct Service *service, const Caller *caller,
                                   const Bytes *chain, size_t count, ErrorDetail *detail);
