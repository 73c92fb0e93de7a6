/* SPDX-License-Identifier: Apache-2.0 */
/* What a failure of libcrypto comes to. */
#pragma once

/*
 * -ENOMEM when memory ran out on the way, else -EIO. Empties the thread's error queue, whose last entry
 * seldom has the cause.
 */
int openssl_error(void);

/* The code given, where the input is to blame, unless memory ran out. */
int openssl_refused(int code);

/*
 * -ENOMEM, for a digest: neither its input nor its algorithm can be at fault, and libcrypto does not say of
 * every allocation that it failed. Empties the error queue.
 */
int openssl_short(void);
