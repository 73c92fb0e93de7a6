/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may have a seal sign, for whatever signs: Sign and SignMany at once, a use that approvers
 * sign for when it is asked for and again when it is collected.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "policy/algorithm.h"
#include "sealsd/service.h"

/*
 * The scheme that these words (NULL: the algorithm's own) mean to the seal's key, and the size of
 * its digests. The key says what it is; the row's word is only what was applied for.
 */
int service_sign_scheme(const Service *service, const Seal *seal, const char *hash,
                        const char *scheme, TPMT_SIG_SCHEME *ret, size_t *ret_size,
                        ErrorDetail *detail);

/* What somebody wants signed, as far as that decides whether it is. */
typedef struct SignAim {
        SignFormat format; /* a request for a certificate is signed also where that is over */
        Purpose purpose;
        uint64_t count; /* of uses */
} SignAim;

/*
 * In the design's order (section 4, "May sign"): the seal, the machine, the caller, who uses it.
 * What the chip judges, and may judge differently by now, is no refusal but *ret_chip: ask it
 * again. *ret_grant as of service_grant_find().
 */
int service_sign_may(Service *service, const Caller *caller, const Seal *seal, const SignAim *aim,
                     uint64_t *ret_grant, int *ret_chip, ErrorDetail *detail);

/* The same later, by the register as it is then, for uses that were taken by this grant. */
int service_sign_still_may(Service *service, const Caller *caller, const char *number,
                           const SignAim *aim, uint64_t grant, ErrorDetail *detail);

/*
 * Of a job that waits for the chip: a condition that has come up since it was asked for, for the
 * worker to stop at; why is the main thread's.
 */
typedef struct SignStop {
        atomic_int code;
        ErrorDetail why;
} SignStop;

/* Judged again, unless it stops already. */
void sign_stop_review(SignStop *stop, Service *service, const Caller *caller, const char *number,
                      const SignAim *aim, uint64_t grant);
/* 0, or what it stops at. */
int sign_stop_check(const SignStop *stop, ErrorDetail *detail);

/*
 * The chip was looked at because it was known to refuse, with this outcome: 0, or why it still
 * does, which is a row of the ledger. As long as it does no use is taken, so that calls without
 * number leave no rows without number.
 */
int service_sign_looked(Service *service, const Caller *caller, const char *number, bool pin,
                        int code, ErrorDetail *detail);

/* What the chip said to a signature, for the rest of the daemon. */
void service_sign_learn(Service *service, const char *number, int code);

/* "Revoked": the error's name for a row of the ledger. */
const char *service_sign_result(int code);
