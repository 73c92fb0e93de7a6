/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Deeper than any of ours, and less deep than what sd-bus refuses. */
#define DEPTH_MAX 12
#define ELEMENTS_MAX 48
#define SIGNATURE_SIZE 32

/* What a variant may hold; the first ones are those of the contract. */
static const char *const variants[] = {
        "s", "b",    "u",      "t",     "ay",     "h",     "as",  "a(say)", "o",
        "y", "(su)", "a(uay)", "a{sv}", "a{sas}", "a(us)", "ayt", "x",      "i",
        "n", "q",    "d",      "g",     "v",      "a{us}", "aay", "av",     "a(ssayt)",
};

#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

typedef struct Filling {
        const MessageMaker *maker;
        sd_bus_message *message;
        Input *input;
} Filling;

static int fill(const Filling *f, const char *signature, unsigned depth);

/* A byte below 200 is one of the words, if there are as many; another is followed by the text. */
static int fill_text(const Filling *f, char type) {
        unsigned choice = input_u8(f->input);

        for (unsigned i = 0; f->maker->words[i]; i++)
                if (i == choice)
                        return sd_bus_message_append_basic(f->message, type, f->maker->words[i]);
        _cleanup_free_ char *text = fuzz_text(input_field(f->input));
        return sd_bus_message_append_basic(f->message, type, text);
}

static int fill_basic(const Filling *f, char type) {
        union {
                uint8_t y;
                uint16_t q;
                uint32_t u;
                uint64_t t;
                int b, h;
        } value = {};

        switch (type) {
        case 'y':
                value.y = input_u8(f->input);
                break;
        case 'b':
                value.b = input_u8(f->input) & 1;
                break;
        case 'n':
        case 'q':
                value.q = input_u16(f->input);
                break;
        case 'i':
        case 'u':
                value.u = input_u32(f->input);
                break;
        case 'h':
                value.h = f->maker->fds[input_u8(f->input) % MESSAGE_FDS];
                break;
        default: /* t, x, d */
                value.t = input_u64(f->input);
        }
        return sd_bus_message_append_basic(f->message, type, &value);
}

/* The length of the first complete type of a signature (D-Bus specification, Type System). */
static size_t type_length(const char *signature) {
        size_t length = strspn(signature, "a");
        unsigned open = 0;

        do {
                open += signature[length] == '(' || signature[length] == '{';
                open -= signature[length] == ')' || signature[length] == '}';
                length++;
        } while (open > 0);
        return length;
}

static int fill_container(const Filling *f, char type, const char *contents, unsigned count,
                          unsigned depth) {
        int r = sd_bus_message_open_container(f->message, type, contents);

        for (unsigned i = 0; r >= 0 && i < count; i++)
                r = fill(f, contents, depth + 1);
        return r < 0 ? r : sd_bus_message_close_container(f->message);
}

static int fill_array(const Filling *f, const char *element, unsigned depth) {
        if (strcmp(element, "y") == 0) {
                Bytes bytes = input_field(f->input);

                return sd_bus_message_append_array(f->message, 'y', bytes.data, bytes.size);
        }
        unsigned count = input_u8(f->input) % ELEMENTS_MAX;
        if (f->input->size == 0)
                count = 0;
        return fill_container(f, 'a', element, count, depth);
}

/* One complete type. */
static int fill_one(const Filling *f, const char *type, unsigned depth) {
        char contents[SIGNATURE_SIZE] = "";
        size_t length = strlen(type);

        fuzz_demand(length < sizeof(contents));
        if (depth > DEPTH_MAX)
                return -ELOOP;
        switch (type[0]) {
        case 'a':
                return fill_array(f, type + 1, depth);
        case '(':
        case '{':
                memcpy(contents, type + 1, length - 2);
                return fill_container(f, type[0] == '(' ? 'r' : 'e', contents, 1, depth);
        case 'v':
                return fill_container(f, 'v', variants[input_u8(f->input) % VARIANTS], 1, depth);
        case 's':
        case 'o':
        case 'g':
                return fill_text(f, type[0]);
        default:
                return fill_basic(f, type[0]);
        }
}

static int fill(const Filling *f, const char *signature, unsigned depth) {
        char type[SIGNATURE_SIZE];
        int r = 0;

        for (size_t length; r >= 0 && *signature != '\0'; signature += length) {
                length = type_length(signature);
                fuzz_demand(length < sizeof(type));
                *(char *) mempcpy(type, signature, length) = '\0';
                r = fill_one(f, type, depth);
        }
        return r;
}

sd_bus_message *message_make(const MessageMaker *maker, const char *signature, Input *input) {
        sd_bus_message *m = NULL;

        fuzz_demand(sd_bus_message_new_method_call(maker->bus, &m, "org.example", "/",
                                                   "org.example", "Call") >= 0);
        const Filling filling = { .maker = maker, .message = m, .input = input };
        if (fill(&filling, signature, 0) < 0 || sd_bus_message_seal(m, 1, 0) < 0 ||
            sd_bus_message_rewind(m, true) < 0)
                return sd_bus_message_unref(m);
        return m;
}

static int memfd_make(bool sealed) {
        int fd = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        fuzz_demand(fd >= 0 && write(fd, "secret", 6) == 6);
        if (sealed)
                fuzz_demand(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) ==
                            0);
        return fd;
}

void message_maker_open(MessageMaker *maker, const char *const *words) {
        int sockets[2], pipe_ends[2];

        if (maker->bus)
                return;
        fuzz_demand(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) ==
                    0);
        fuzz_demand(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) == 0);
        fuzz_demand(sd_bus_new(&maker->bus) >= 0);
        fuzz_demand(sd_bus_set_fd(maker->bus, sockets[0], sockets[0]) >= 0);
        fuzz_demand(sd_bus_start(maker->bus) >= 0);
        maker->fds[0] = memfd_make(true);
        maker->fds[1] = memfd_make(false);
        maker->fds[2] = pipe_ends[0];
        maker->fds[3] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        fuzz_demand(maker->fds[3] >= 0);
        maker->words = words;
}
