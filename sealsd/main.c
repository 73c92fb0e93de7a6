/* SPDX-License-Identifier: Apache-2.0 */
/* sealsd: keeps the keys of electronic seals in the TPM and serves them on the system bus. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/version.h"
#include "sealsd/daemon.h"

#define DEFAULT_CONFIG "/etc/sealsd/sealsd.conf"

static const char usage[] = "Usage: sealsd [--config FILE]\n"
                            "\n"
                            "Electronic seals whose keys live in the TPM, served on D-Bus.\n"
                            "Started by systemd; administered with sealctl.\n"
                            "\n"
                            "  --config FILE  The configuration (" DEFAULT_CONFIG ")\n"
                            "  --version      The version\n"
                            "  -h, --help     This text\n";

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "config", required_argument, NULL, 'c' },
                { "version", no_argument, NULL, 'v' },
                { "help", no_argument, NULL, 'h' },
                { NULL, 0, NULL, 0 },
        };
        const char *config = DEFAULT_CONFIG;
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'c':
                        config = optarg;
                        break;
                case 'v':
                        return puts("sealsd " SEALSD_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
                case 'h':
                        return fputs(usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
                default:
                        return DAEMON_EXIT_USAGE;
                }
        if (optind < argc) {
                log_error("sealsd takes no arguments; see --help");
                return DAEMON_EXIT_USAGE;
        }
        return daemon_run(config, NULL);
}
