/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/inject/inject.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static InjectControl *control_map(int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0 || st.st_size != (off_t) sizeof(InjectControl))
                return NULL;
        InjectControl *control = mmap(NULL, sizeof(InjectControl), PROT_READ | PROT_WRITE,
                                      MAP_SHARED, fd, 0);
        if (control == MAP_FAILED)
                return NULL;
        if (control->magic == INJECT_MAGIC && control->size == sizeof(InjectControl))
                return control;
        (void) munmap(control, sizeof(InjectControl));
        return NULL;
}

InjectControl *inject_map(void) {
        const char *path = getenv(INJECT_VARIABLE);
        InjectControl *control = NULL;
        void *frame;

        int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        if (fd >= 0) {
                control = control_map(fd);
                (void) close(fd);
        }
        if (!control)
                (void) fprintf(stderr, "inject: %s: no control block of %zu bytes\n",
                               path ? path : INJECT_VARIABLE " is not set", sizeof(InjectControl));
        (void) backtrace(&frame,
                         1); /* the first one loads a library: not in the middle of malloc */
        return control;
}

static void frame_fill(InjectFrame *ret, void *address) {
        struct dl_find_object object; /* without a lock, unlike dladdr() */
        const char *path = "?";
        ElfW(Addr) base = 0;

        if (_dl_find_object(address, &object) == 0) {
                path = object.dlfo_link_map->l_name;
                base = object.dlfo_link_map->l_addr;
        }
        size_t length = strlen(path);
        if (length >= sizeof(ret->module))
                path += length - (sizeof(ret->module) - 1);
        (void) snprintf(ret->module, sizeof(ret->module), "%s", path);
        ret->offset = (uint64_t) (uintptr_t) address - base;
}

static void fault_trace(InjectFault *fault) {
        void *addresses[INJECT_FRAMES];

        int n = backtrace(addresses, INJECT_FRAMES);
        memset(fault->frames, 0, sizeof(fault->frames));
        for (int i = 0; i < n && i < INJECT_FRAMES; i++)
                frame_fill(&fault->frames[i], addresses[i]);
}

/* FNV-1a over return addresses as the modules have them, the same in every run of the program. */
static uint64_t path_hash(void) {
        void *addresses[INJECT_FRAMES];
        uint64_t hash = 0xcbf29ce484222325ULL;

        int n = backtrace(addresses, INJECT_FRAMES);
        for (int i = 0; i < n; i++) {
                InjectFrame frame;

                frame_fill(&frame, addresses[i]);
                for (unsigned shift = 0; shift < 64; shift += 8)
                        hash = (hash ^ (frame.offset >> shift & 0xff)) * 0x100000001b3ULL;
        }
        return hash ? hash : 1;
}

/* A table that is full knows everything, so that a sweep ends. */
static bool path_is_new(InjectControl *control) {
        uint64_t hash = path_hash();

        for (size_t i = 0; i < INJECT_PATHS; i++) {
                uint64_t *slot = &control->paths[(hash + i) % INJECT_PATHS];
                uint64_t free_slot = 0;

                if (__atomic_compare_exchange_n(slot, &free_slot, hash, false, __ATOMIC_RELAXED,
                                                __ATOMIC_RELAXED))
                        return true;
                if (free_slot == hash)
                        return false;
        }
        return false;
}

static bool fault_is_due(InjectControl *control, const InjectFault *fault, uint64_t n) {
        if (fault->new_paths)
                return n >= fault->nth && fault->struck == 0 && path_is_new(control);
        return n == fault->nth || (fault->lasting && n > fault->nth);
}

bool inject_strikes(InjectControl *control, InjectKind kind) {
        InjectFault *fault = &control->faults[kind];

        (void) __atomic_add_fetch(&fault->seen, 1, __ATOMIC_RELAXED);
        if (!__atomic_load_n(&fault->armed, __ATOMIC_ACQUIRE))
                return false;
        uint64_t n = __atomic_add_fetch(&fault->since, 1, __ATOMIC_RELAXED);
        if (!fault_is_due(control, fault, n))
                return false;
        if (__atomic_add_fetch(&fault->fired, 1, __ATOMIC_RELAXED) == 1) {
                fault->struck = n;
                fault_trace(fault);
        }
        return true;
}
