/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign-loop SEAL COUNT [CLIENTS [WINDOW [EVERY]]] - makes COUNT signatures through CLIENTS
 * connections to the bus (default 4), each of which keeps WINDOW calls open (default 4), and
 * verifies every EVERYth (default 100) with OpenSSL and none of our code. The use numbers must be
 * as many in a row, none twice and none left out. Prints "COUNT signatures, VERIFIED verified, uses
 * FIRST to LAST, MS ms each"; the first call that fails ends it with status 1.
 *
 * One process for thousands of signatures, where one for each would measure the shell.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define BUS_NAME "org.sealsd1"
#define SEAL_INTERFACE "org.sealsd1.Seal"
#define TIMEOUT (120 * 1000000ULL) /* µs, of one call */
#define CLIENTS_MAX 64
#define DIGEST_SIZE 32
#define NS_PER_S 1000000000LL

typedef struct Loop {
        sd_event *event;
        sd_bus *clients[CLIENTS_MAX];
        unsigned client_count, window, every;
        char path[128];
        EVP_PKEY *key;
        uint64_t *uses; /* in the order of the answers */
        size_t count, sent, answered, verified;
} Loop;

typedef struct Call {
        Loop *loop;
        sd_bus *client;
        uint8_t digest[DIGEST_SIZE];
} Call;

static int loop_fail(const Loop *loop, const char *what, int r) {
        (void) fprintf(stderr, "sign-loop: %s\n", what);
        return sd_event_exit(loop->event, r < 0 ? -r : EIO);
}

static bool verifies(const Call *call, const void *signature, size_t size) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(call->loop->key, NULL);

        bool good = context && EVP_PKEY_verify_init(context) == 1 &&
                    EVP_PKEY_verify(context, signature, size, call->digest, DIGEST_SIZE) == 1;
        EVP_PKEY_CTX_free(context);
        return good;
}

static int call_send(Loop *loop, sd_bus *client);

static int answer_take(const Call *call, sd_bus_message *reply) {
        Loop *loop = call->loop;
        const void *signature;
        size_t size;

        int r = sd_bus_message_read_array(reply, 'y', &signature, &size);
        if (r >= 0)
                r = sd_bus_message_read_basic(reply, 't', &loop->uses[loop->answered]);
        if (r < 0)
                return r;
        if (loop->answered++ % loop->every != 0)
                return 0;
        if (!verifies(call, signature, size))
                return -EKEYREJECTED;
        loop->verified++;
        return 0;
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Call *call = userdata;
        Loop *loop = call->loop;
        sd_bus *client = call->client;

        (void) ret_error;
        int r = error ? -EIO : answer_take(call, reply);
        free(call);
        if (r < 0)
                return loop_fail(loop, error ? error->message : strerror(-r), r);
        if (loop->answered == loop->count)
                return sd_event_exit(loop->event, 0);
        r = call_send(loop, client);
        return r < 0 ? loop_fail(loop, "a call could not be sent", r) : 0;
}

static int call_send(Loop *loop, sd_bus *client) {
        sd_bus_message *m = NULL;

        if (loop->sent == loop->count)
                return 0;
        Call *call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        *call = (Call){ .loop = loop, .client = client };
        memcpy(call->digest, &loop->sent, sizeof(loop->sent));
        int r = sd_bus_message_new_method_call(client, &m, BUS_NAME, loop->path, SEAL_INTERFACE,
                                               "Sign");
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', call->digest, DIGEST_SIZE);
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 0);
        if (r >= 0)
                r = sd_bus_call_async(client, NULL, m, on_answer, call, TIMEOUT);
        (void) sd_bus_message_unref(m);
        if (r < 0)
                free(call);
        else
                loop->sent++;
        return r;
}

static int key_read(Loop *loop) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        const void *der = NULL;
        size_t size = 0;

        int r = sd_bus_get_property(loop->clients[0], BUS_NAME, loop->path, SEAL_INTERFACE,
                                    "PublicKey", &error, &reply, "ay");
        if (r >= 0)
                r = sd_bus_message_read_array(reply, 'y', &der, &size);
        if (r >= 0) {
                const unsigned char *p = der;

                loop->key = d2i_PUBKEY(NULL, &p, (long) size);
                r = loop->key ? 0 : -EKEYREJECTED;
        } else if (error.message) {
                (void) fprintf(stderr, "sign-loop: %s\n", error.message);
        }
        sd_bus_error_free(&error);
        (void) sd_bus_message_unref(reply);
        return r;
}

static int loop_open(Loop *loop) {
        int r = sd_event_new(&loop->event);

        for (unsigned i = 0; r >= 0 && i < loop->client_count; i++) {
                r = sd_bus_open_system(&loop->clients[i]);
                if (r >= 0)
                        r = sd_bus_attach_event(loop->clients[i], loop->event, 0);
        }
        return r < 0 ? r : key_read(loop);
}

static void loop_close(Loop *loop) {
        for (unsigned i = 0; i < loop->client_count; i++)
                (void) sd_bus_flush_close_unref(loop->clients[i]);
        (void) sd_event_unref(loop->event);
        EVP_PKEY_free(loop->key);
        free(loop->uses);
}

static int loop_run(Loop *loop) {
        int r = 0;

        for (unsigned n = 0; n < loop->window; n++)
                for (unsigned i = 0; r >= 0 && i < loop->client_count; i++)
                        r = call_send(loop, loop->clients[i]);
        return r < 0 ? r : -sd_event_loop(loop->event);
}

static int use_compare(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static bool uses_are_in_a_row(Loop *loop) {
        qsort(loop->uses, loop->count, sizeof(*loop->uses), use_compare);
        for (size_t i = 1; i < loop->count; i++)
                if (loop->uses[i] != loop->uses[0] + i) {
                        (void) fprintf(stderr, "sign-loop: use %" PRIu64 " after %" PRIu64 "\n",
                                       loop->uses[i], loop->uses[i - 1]);
                        return false;
                }
        return true;
}

static int64_t now_ns(void) {
        struct timespec now = {};

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static unsigned number(int argc, char **argv, int i, unsigned otherwise) {
        unsigned long value = i < argc ? strtoul(argv[i], NULL, 10) : otherwise;

        return value > UINT32_MAX ? 0 : (unsigned) value;
}

int main(int argc, char **argv) {
        Loop loop = {
                .count = number(argc, argv, 2, 0),
                .client_count = number(argc, argv, 3, 4),
                .window = number(argc, argv, 4, 4),
                .every = number(argc, argv, 5, 100),
        };

        if (loop.count == 0 || loop.client_count == 0 || loop.client_count > CLIENTS_MAX ||
            loop.window == 0 || loop.every == 0) {
                (void) fprintf(stderr, "Usage: sign-loop SEAL COUNT [CLIENTS [WINDOW [EVERY]]]\n");
                return 2;
        }
        (void) snprintf(loop.path, sizeof(loop.path), "/org/sealsd1/seal/%s", argv[1]);
        loop.uses = calloc(loop.count, sizeof(*loop.uses));
        int r = loop.uses ? loop_open(&loop) : -ENOMEM;
        int64_t begin = now_ns();
        if (r >= 0)
                r = loop_run(&loop);
        double ms = (double) (now_ns() - begin) / 1e6 / (double) loop.count;
        if (r < 0)
                (void) fprintf(stderr, "sign-loop: %s\n", strerror(-r));
        bool good = r >= 0 && uses_are_in_a_row(&loop);
        if (good)
                (void) printf("%zu signatures, %zu verified, uses %" PRIu64 " to %" PRIu64
                              ", %.3f ms each\n",
                              loop.count, loop.verified, loop.uses[0], loop.uses[loop.count - 1],
                              ms);
        loop_close(&loop);
        return good ? 0 : 1;
}
