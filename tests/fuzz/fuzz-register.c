/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register's file with bytes changed or cut off: it is refused, or what is read from it is
 * within its bounds. Each input is a list of changes to a register with a row of every kind.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/register.h"

const unsigned fuzz_mutations = 6;

#define FILE_MAX (1024 * 1024)
#define CHANGES_MAX 16

typedef struct Image {
        size_t size;
        uint8_t data[FILE_MAX];
} Image;

/* A whole register; closed, so that nothing of it is left in a journal. */
static void image_make(Image *ret, bool with_ledger) {
        (void) store_close(register_make(register_path(), with_ledger));
        _cleanup_fclose_ FILE *file = fopen(register_path(), "re");
        fuzz_demand(file != NULL);
        ret->size = fread(ret->data, 1, sizeof(ret->data), file);
        fuzz_demand(ret->size > 0 && ret->size < sizeof(ret->data));
}

/* Where (24 bits), then the bytes; cut says how much of the file is cut off. */
static void image_change(Image *image, uint8_t cut, Input *input) {

        for (int i = 0; i < CHANGES_MAX && input->size > 0; i++) {
                size_t at = ((size_t) input_u8(input) << 16 | input_u16(input)) % image->size;
                Bytes bytes = input_field(input);

                if (bytes.size > image->size - at)
                        bytes.size = image->size - at;
                if (bytes.size > 0)
                        memcpy(image->data + at, bytes.data, bytes.size);
        }
        image->size -= image->size * cut / 256;
}

static void image_write(const Image *image, const char *path) {
        register_remove(path);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        fuzz_demand(fd >= 0 && write(fd, image->data, image->size) == (ssize_t) image->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static Image whole[2], image;
        Input input = { .data = data, .size = size };
        Store *store = NULL;
        ErrorDetail detail = {};

        for (int i = 0; i < 2 && whole[i].size == 0; i++)
                image_make(&whole[i], i == 1);
        uint8_t first = input_u8(&input); /* its last bit: with a ledger */
        image = whole[first & 1];
        image_change(&image, first & 0xfe, &input);
        image_write(&image, register_path());
        int r = store_open(&store, register_path(), &detail);
        fuzz_demand(r == 0 || r == SEAL_E_STORAGE_FAILURE || r == SEAL_E_UNSUPPORTED ||
                    r == SEAL_E_REGISTER_TAMPERED || r == SEAL_E_NOT_FOUND);
        fuzz_demand((r == 0) == (store != NULL));
        fuzz_demand(text_is_utf8(detail.text, strlen(detail.text)));
        if (r == 0)
                register_read_all(store);
        (void) store_close(store);
        return 0;
}
