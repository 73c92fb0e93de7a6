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

bool inject_strikes(InjectFault *fault) {
        (void) __atomic_add_fetch(&fault->seen, 1, __ATOMIC_RELAXED);
        if (!__atomic_load_n(&fault->armed, __ATOMIC_ACQUIRE))
                return false;
        uint64_t n = __atomic_add_fetch(&fault->since, 1, __ATOMIC_RELAXED);
        if (n != fault->nth && !(fault->lasting && n > fault->nth))
                return false;
        if (__atomic_add_fetch(&fault->fired, 1, __ATOMIC_RELAXED) == 1)
                fault_trace(fault);
        return true;
}
