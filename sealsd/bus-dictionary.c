/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-dictionary.h"

#include "sealsd/bus-options.h"

int dictionary_open(sd_bus_message *m) {
        return sd_result(sd_bus_message_open_container(m, 'a', "{sv}"));
}

int dictionary_close(sd_bus_message *m) {
        return sd_result(sd_bus_message_close_container(m));
}

int dictionary_text(sd_bus_message *m, const char *name, const char *value) {
        return sd_result(sd_bus_message_append(m, "{sv}", name, "s", value));
}

int dictionary_u32(sd_bus_message *m, const char *name, uint32_t value) {
        return sd_result(sd_bus_message_append(m, "{sv}", name, "u", value));
}

int dictionary_u64(sd_bus_message *m, const char *name, uint64_t value) {
        return sd_result(sd_bus_message_append(m, "{sv}", name, "t", value));
}

int dictionary_boolean(sd_bus_message *m, const char *name, bool value) {
        return sd_result(sd_bus_message_append(m, "{sv}", name, "b", (int) value));
}

static int entry_open(sd_bus_message *m, const char *name, const char *signature) {
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', name);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', signature);
        return sd_result(r);
}

/* r is what became of the value in between. */
static int entry_close(sd_bus_message *m, int r) {
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return sd_result(r);
}

int dictionary_bytes(sd_bus_message *m, const char *name, const void *data, size_t size) {
        int r = entry_open(m, name, "ay");

        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', data, size);
        return entry_close(m, r);
}

int dictionary_u32s(sd_bus_message *m, const char *name, const uint32_t *values, size_t count) {
        int r = entry_open(m, name, "au");

        if (r >= 0)
                r = sd_bus_message_append_array(m, 'u', values, count * sizeof(uint32_t));
        return entry_close(m, r);
}

int dictionary_texts(sd_bus_message *m, const char *name, const char *const *values, size_t count) {
        int r = entry_open(m, name, "as");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; r >= 0 && i < count; i++)
                r = sd_bus_message_append_basic(m, 's', values[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return entry_close(m, r);
}

int dictionary_byte_arrays(sd_bus_message *m, const char *name, const Bytes *values, size_t count) {
        int r = entry_open(m, name, "aay");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "ay");
        for (size_t i = 0; r >= 0 && i < count; i++)
                r = sd_bus_message_append_array(m, 'y', values[i].data, values[i].size);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return entry_close(m, r);
}

int dictionary_mask(sd_bus_message *m, const char *name, uint32_t mask) {
        uint32_t numbers[PCR_COUNT];
        size_t count = 0;

        for (uint32_t i = 0; i < PCR_COUNT; i++)
                if (mask & (1U << i))
                        numbers[count++] = i;
        return dictionary_u32s(m, name, numbers, count);
}

static int append_pcr(sd_bus_message *m, uint32_t number, const TPM2B_DIGEST *value) {
        int r = sd_bus_message_open_container(m, 'r', "uay");

        if (r >= 0)
                r = sd_bus_message_append_basic(m, 'u', &number);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', value->buffer, value->size);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int dictionary_pcrs(sd_bus_message *m, const char *name, const PcrValues *values) {
        int r = entry_open(m, name, "a(uay)");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(uay)");
        for (uint32_t i = 0; r >= 0 && i < PCR_COUNT; i++)
                if (values->values[i].size > 0)
                        r = append_pcr(m, i, &values->values[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return entry_close(m, r);
}

int dictionary_counts(sd_bus_message *m, const char *name, const char *(*word)(int which),
                      const uint64_t *counts, int count) {
        int r = entry_open(m, name, "a{su}");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{su}");
        for (int i = 0; r >= 0 && i < count; i++)
                if (counts[i] > 0)
                        r = sd_bus_message_append(m, "{su}", word(i), (uint32_t) counts[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return entry_close(m, r);
}
