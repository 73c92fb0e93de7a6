/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, requests and revocation lists of the bus, which are DER, as files of PEM and back.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/bytes.h"
#include "client/context.h"
#include "policy/openssl.h"

/* Text that grows; NULL after a complaint. Free with BIO_free. */
BIO *pem_new(const Context *context);

/* Append a block; name as PEM_STRING_X509. False without memory. */
bool pem_put(BIO *pem, const char *name, Bytes der);

/* Write all of it to a file ("-": standard output). */
int pem_write(const Context *context, BIO *pem, const char *path);

/* The same, and tell of the file: what says so, as "The lists are in". */
int pem_write_tell(const Context *context, BIO *pem, const char *path, const char *what);

/* From a reply that stands at aay: the first limit certificates. How many, or a negative errno. */
int pem_put_certificates(BIO *pem, sd_bus_message *reply, int limit);

/* Append to a call, as aay, the certificates of a file in PEM or DER. */
int certificates_append(const Context *context, sd_bus_message *call, const char *path);
