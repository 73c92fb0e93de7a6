/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc and its like for LD_PRELOAD: each allocation is counted and may fail; what lives is
 * counted exactly, from the process's first allocation on.
 *
 * glibc calls these by their names where it allocates itself (strdup, asprintf, getline,
 * open_memstream, reallocarray: "Replacing malloc" in its manual), so nothing else is replaced; its
 * own functions stay reachable as __libc_….
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "tests/inject/inject.h"

#define EXPORT __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *pointer);

/* Allocations are counted here before the block is mapped. */
static InjectControl early;
static InjectControl *control = &early;

__attribute__((constructor)) static void control_open(void) {
        InjectControl *mapped = inject_map();

        if (!mapped)
                abort();
        mapped->live_count = early.live_count;
        mapped->live_bytes = early.live_bytes;
        control = mapped;
}

static void live_add(int64_t count, int64_t bytes) {
        (void) __atomic_add_fetch(&control->live_count, count, __ATOMIC_RELAXED);
        (void) __atomic_add_fetch(&control->live_bytes, bytes, __ATOMIC_RELAXED);
}

static bool allocation_fails(void) {
        if (!inject_strikes(control, INJECT_ALLOCATION))
                return false;
        errno = ENOMEM;
        return true;
}

static void *born(void *pointer) {
        if (pointer)
                live_add(1, (int64_t) malloc_usable_size(pointer));
        return pointer;
}

EXPORT void *malloc(size_t size) {
        return allocation_fails() ? NULL : born(__libc_malloc(size));
}

EXPORT void *calloc(size_t count, size_t size) {
        return allocation_fails() ? NULL : born(__libc_calloc(count, size));
}

EXPORT void free(void *pointer) {
        if (!pointer)
                return;
        live_add(-1, -(int64_t) malloc_usable_size(pointer));
        __libc_free(pointer);
}

EXPORT void *realloc(void *old, size_t size) {
        if (!old)
                return malloc(size);
        if (size == 0) { /* as glibc does it */
                free(old);
                return NULL;
        }
        if (allocation_fails())
                return NULL;
        int64_t before = (int64_t) malloc_usable_size(old);
        void *pointer = __libc_realloc(old, size);
        if (pointer)
                live_add(0, (int64_t) malloc_usable_size(pointer) - before);
        return pointer;
}

EXPORT void *memalign(size_t alignment, size_t size) {
        return allocation_fails() ? NULL : born(__libc_memalign(alignment, size));
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
        return memalign(alignment, size);
}

EXPORT int posix_memalign(void **ret, size_t alignment, size_t size) {
        if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
                return EINVAL;
        void *pointer = memalign(alignment, size);
        if (!pointer)
                return ENOMEM;
        *ret = pointer;
        return 0;
}
