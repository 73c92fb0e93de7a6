/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <string.h>

bool bytes_equal(Bytes a, Bytes b) {
        return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

void writer_put(Writer *writer, const void *data, size_t size) {
        if (writer->overflow || size > writer->size - writer->used) {
                writer->overflow = true;
                return;
        }
        if (size > 0)
                memcpy(writer->data + writer->used, data, size);
        writer->used += size;
}

static void put_be(Writer *writer, uint64_t value, size_t size) {
        uint8_t b[8];

        for (size_t i = 0; i < size; i++)
                b[i] = (uint8_t) (value >> (8 * (size - 1 - i)));
        writer_put(writer, b, size);
}

void writer_put_u8(Writer *writer, uint8_t value) {
        put_be(writer, value, 1);
}

void writer_put_u16(Writer *writer, uint16_t value) {
        put_be(writer, value, 2);
}

void writer_put_u32(Writer *writer, uint32_t value) {
        put_be(writer, value, 4);
}

void writer_put_u64(Writer *writer, uint64_t value) {
        put_be(writer, value, 8);
}

char *hex_encode(const void *data, size_t size, char *ret) {
        static const char digits[] = "0123456789abcdef";
        const uint8_t *p = data;

        for (size_t i = 0; i < size; i++) {
                ret[2 * i] = digits[p[i] >> 4];
                ret[2 * i + 1] = digits[p[i] & 15];
        }
        ret[2 * size] = '\0';
        return ret;
}

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_decode(const char *text, void *ret, size_t size) {
        uint8_t *p = ret;

        if (strlen(text) != 2 * size)
                return false;
        for (size_t i = 0; i < size; i++) {
                int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

                if (high < 0 || low < 0)
                        return false;
                p[i] = (uint8_t) (high << 4 | low);
        }
        return true;
}
