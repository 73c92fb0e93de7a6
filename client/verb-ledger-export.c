/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl ledger export: the ledger and the chip's attestation of its head, into a file. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/bus-call.h"
#include "client/file-stream.h"
#include "client/output.h"
#include "client/verb-ledger-internal.h"

static const char help[] =
        "Usage: sealctl ledger export FILE [OPTIONS]\n"
        "\n"
        "Write the ledger into FILE ('-': standard output): a header, every row as it is,\n"
        "and last its head, which the TPM attests. The export itself is a row too.\n"
        "For auditors.\n"
        "\n"
        "Options:\n"
        "  --first N   Leave out the rows before row N\n"
        "\n"
        "Example:\n"
        "  sealctl ledger export ledger.jsonl\n"
        "\n"
        "Next: 'sealctl ledger verify FILE', on any machine.\n";

/* The daemon writes into a pipe while its caller waits for the reply: somebody has to read. */
typedef struct Reader {
        int fd; /* owned */
        const FileStream *stream;
        int r; /* a negative errno, or 0 */
} Reader;

static void *reader_run(void *userdata) {
        Reader *reader = userdata;
        uint8_t piece[64 * 1024];
        ssize_t n;

        while (reader->r == 0 && (n = read(reader->fd, piece, sizeof(piece))) != 0) {
                if (n > 0)
                        reader->r = file_stream_write(reader->stream, (Bytes){ piece, (size_t) n });
                else if (errno != EINTR)
                        reader->r = -errno;
        }
        /* Whoever still writes learns that nobody reads any more. */
        closep(&reader->fd);
        reader->fd = -1;
        return NULL;
}

/* Takes fd: once the call is over, only the daemon could still write. */
static int export_send(Context *context, int taken, uint64_t first) {
        _cleanup_close_ int fd = taken;
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "ExportLedger", &call);
        if (r == 0)
                r = call_built(context, sd_bus_message_append(call, "h", fd));
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        entry_time(&e, "first", first);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send(context, call, NULL);
}

static int export_into(Context *context, const FileStream *stream, const char *path,
                       uint64_t first) {
        Reader reader = { .fd = -1, .stream = stream };
        pthread_t thread;
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return fail_errno(context, -errno, "a pipe cannot be made");
        reader.fd = ends[0];
        int r = pthread_create(&thread, NULL, reader_run, &reader);
        if (r != 0) {
                closep(&ends[0]);
                closep(&ends[1]);
                return fail_errno(context, -r, "a thread cannot be made");
        }
        r = export_send(context, ends[1], first);
        (void) pthread_join(thread, NULL);
        if (reader.r < 0)
                return fail_errno(context, reader.r, path);
        return r;
}

int verb_ledger_export(Context *context, int argc, char **argv) {
        uint64_t first = 0;
        const CommandOption table[] = { { "first", .number = &first } };
        const Usage usage = { help, OPTIONS(table), 1, 1 };
        _cleanup_(file_stream_abandon) FileStream stream = { .fd = -1 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0) /* it names who did what: for the auditor alone */
                r = file_stream_open(context, arguments[0], 0600, &stream);
        if (r == 0)
                r = export_into(context, &stream, arguments[0], first);
        if (r == 0)
                r = file_stream_commit(context, &stream);
        if (r != 0 || strcmp(arguments[0], "-") == 0)
                return r;
        return print_done(context, "output", arguments[0],
                          "The ledger is in %s; next: 'sealctl ledger verify %s'", arguments[0],
                          arguments[0]);
}
