/* SPDX-License-Identifier: Apache-2.0 */
#include "client/ledger-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE (256 * 1024)

static int input_open(const Context *context, const char *path, int *ret) {
        *ret = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                      : open(path, O_RDONLY | O_CLOEXEC);
        if (*ret >= 0)
                return 0;
        return fail_plain(context, errno == ENOENT ? EXIT_NOT_FOUND : EXIT_OTHER, "%s: %s", path,
                          strerror(errno));
}

static int input_feed(const Context *context, const char *path, int fd, LedgerVerifier *verifier) {
        _cleanup_free_ char *piece = malloc(PIECE);
        ssize_t n = -1;
        int r = piece ? 0 : -ENOMEM;

        while (r == 0 && (n = read(fd, piece, PIECE)) != 0) {
                if (n > 0)
                        r = ledger_verifier_feed(verifier, piece, (size_t) n);
                else if (errno != EINTR)
                        r = -errno;
        }
        return r < 0 ? fail_errno(context, r, path) : 0;
}

int ledger_file_judge(const Context *context, const char *path, const LedgerSought *sought,
                      const LedgerExpected *expected, LedgerVerdict *ret) {
        _cleanup_(ledger_verifier_freep) LedgerVerifier *verifier = NULL;
        _cleanup_close_ int fd = -1;

        int r = input_open(context, path, &fd);
        if (r != 0)
                return r;
        r = ledger_verifier_new(&verifier);
        if (r < 0)
                return fail_errno(context, r, path);
        if (sought)
                ledger_verifier_seek(verifier, sought);
        r = input_feed(context, path, fd, verifier);
        if (r != 0)
                return r;
        r = ledger_verifier_finish(verifier, expected, ret);
        return r < 0 ? fail_errno(context, r, path) : 0;
}
