/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/arrow.h"

#include <string.h>

static const struct {
        const char *name, *text;
} arrows[ARROW_MAX] = {
#define ARROW(code, name, text) [ARROW_##code] = { name, text },
        ARROWS
#undef ARROW
};

void arrow_pass(const ArrowObserver *observer, Arrow arrow) {
        if (observer)
                observer->passed(observer->userdata, arrow);
}

const char *arrow_name(Arrow arrow) {
        return arrows[arrow].name;
}

const char *arrow_text(Arrow arrow) {
        return arrows[arrow].text;
}

int arrow_from_name(const char *name) {
        for (int i = 0; i < ARROW_MAX; i++)
                if (strcmp(arrows[i].name, name) == 0)
                        return i;
        return -1;
}
