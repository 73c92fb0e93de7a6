/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: what is accepted is within its bounds; what is refused says where. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "policy/pcr.h"
#include "sealsd/config.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 100;

/* A file without a folder: its path is that of the descriptor. */
static int file_of(const uint8_t *data, size_t size, char *path, size_t path_size) {
        int fd = memfd_create("sealsd.conf", MFD_CLOEXEC);

        fuzz_demand(fd >= 0);
        fuzz_demand(size == 0 || write(fd, data, size) == (ssize_t) size);
        (void) snprintf(path, path_size, "/proc/self/fd/%d", fd);
        return fd;
}

static void demand_list(const SubjectList *list) {
        SubjectKind kind;
        const char *name;

        fuzz_demand(list->count <= CONFIG_SUBJECTS_MAX);
        for (size_t i = 0; i < list->count; i++)
                fuzz_demand(subject_text_split(list->subjects[i].text, &kind, &name) &&
                            kind == list->subjects[i].kind);
}

static void demand_bounds(const Config *config) {
        fuzz_demand(strnlen(config->tcti, CONFIG_PATH_MAX) < CONFIG_PATH_MAX);
        fuzz_demand(strnlen(config->state_directory, CONFIG_PATH_MAX) < CONFIG_PATH_MAX);
        fuzz_demand(config->state_directory[0] == '/');
        fuzz_demand(strlen(config->number_region) == 6 &&
                    strspn(config->number_region, "0123456789") == 6);
        fuzz_demand(config->validity_days >= 1 && config->validity_days <= 36500);
        fuzz_demand(config->reviewers_needed >= 1 && config->reviewers_needed <= REVIEWERS_MAX);
        fuzz_demand(config->fence_pcr <= 15 && config->fence_pcr != PCR_IMA);
        demand_list(&config->applicants);
        demand_list(&config->reviewers);
        demand_list(&config->makers);
        demand_list(&config->administrators);
        demand_list(&config->auditors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(config_freep) Config *config = NULL;
        ErrorDetail detail = {};
        char path[64];

        _cleanup_close_ int fd = file_of(data, size, path, sizeof(path));
        fuzz_demand(fd >= 0);
        int r = config_load(&config, path, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_INVALID_ARGS);
        fuzz_demand((r == 0) == (config != NULL));
        if (r == 0)
                demand_bounds(config);
        else
                fuzz_demand(strncmp(detail.text, path, strlen(path)) == 0 &&
                            detail.text[strlen(path)] == ':');
        return 0;
}
