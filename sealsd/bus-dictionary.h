/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing: entries of an a{sv} that is open in a reply, and the few arrays that replies hold. All
 * return 0 or a negative errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "base/bytes.h"
#include "policy/pcr.h"

int dictionary_open(sd_bus_message *m);
int dictionary_close(sd_bus_message *m);

int dictionary_text(sd_bus_message *m, const char *name, const char *value);
int dictionary_u32(sd_bus_message *m, const char *name, uint32_t value);
int dictionary_u64(sd_bus_message *m, const char *name, uint64_t value);
int dictionary_boolean(sd_bus_message *m, const char *name, bool value);
int dictionary_bytes(sd_bus_message *m, const char *name, const void *data, size_t size);
int dictionary_u32s(sd_bus_message *m, const char *name, const uint32_t *values, size_t count);
int dictionary_texts(sd_bus_message *m, const char *name, const char *const *values, size_t count);

int dictionary_byte_arrays(sd_bus_message *m, const char *name, const Bytes *values, size_t count);

/* How many of each, as a{su}; what there is none of is left out. */
int dictionary_counts(sd_bus_message *m, const char *name, const char *(*word)(int which),
                      const uint64_t *counts, int count);

/* The PCRs of a mask as au, ascending. */
int dictionary_mask(sd_bus_message *m, const char *name, uint32_t mask);
/* PCR numbers and their values as a(uay). */
int dictionary_pcrs(sd_bus_message *m, const char *name, const PcrValues *values);
