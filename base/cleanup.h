/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership in plain sight: an owned local carries a cleanup attribute and is handed over with
 * steal_ptr. For a type Foo with `Foo *foo_free(Foo *)`, DEFINE_CLEANUP(Foo, foo_free) gives
 * `_cleanup_(foo_freep) Foo *foo = NULL;`.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

#define DEFINE_CLEANUP(type, function)                  \
        static inline void function##p(type **object) { \
                if (*object)                            \
                        (void) function(*object);       \
        }

#define steal_ptr(pointer)                          \
        ({                                          \
                __typeof__(pointer) _p = (pointer); \
                (pointer) = NULL;                   \
                _p;                                 \
        })

#define steal_fd(fd)            \
        ({                      \
                int _fd = (fd); \
                (fd) = -1;      \
                _fd;            \
        })

static inline void freep(void *pointer) {
        free(*(void **) pointer);
}

static inline void closep(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

static inline void fclosep(FILE **file) {
        if (*file)
                (void) fclose(*file);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)
