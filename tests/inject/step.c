/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite3_step for LD_PRELOAD: a step that fails has done nothing. */
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "tests/inject/inject.h"

typedef int (*Step)(sqlite3_stmt *statement);

static InjectControl *control;
static Step real_step;

__attribute__((constructor)) static void step_open(void) {
        control = inject_map();
        real_step = (Step) (uintptr_t) dlsym(RTLD_NEXT, "sqlite3_step");
        if (!control || !real_step)
                abort();
}

__attribute__((visibility("default"))) int sqlite3_step(sqlite3_stmt *statement) {
        InjectFault *fault = &control->faults[INJECT_STEP];

        return inject_strikes(fault) ? (int) fault->how : real_step(statement);
}
