/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manual-tables roles|states - the tables of the code that the manual has, a row a line, its cells
 * with tabs between them; docs/update-manual lays them out.
 */
#include <stdio.h>
#include <string.h>

#include "sealsd/gate.h"
#include "sealsd/lifecycle.h"

static const char *role_word(unsigned role) {
        switch (role) {
        case ROLE_APPLICANT:
                return "applicants";
        case ROLE_REVIEWER:
                return "reviewers";
        case ROLE_MAKER:
                return "makers";
        case ROLE_ADMINISTRATOR:
                return "administrators";
        case ROLE_AUDITOR:
                return "auditors";
        case ROLE_KEEPER:
                return "keepers of the seal";
        case ROLE_USER:
                return "who has a grant";
        case ROLE_OWNER:
                return "the applicant";
        case ROLE_ANYONE:
                return "everybody";
        default:
                return "?";
        }
}

static const char *last_part(const char *name) {
        const char *dot = name ? strrchr(name, '.') : NULL;

        return dot ? dot + 1 : "-";
}

/* ret has 64 bytes. */
static const char *modes_word(unsigned modes, char *ret) {
        const char *separator = "";
        size_t used = 0;

        for (int mode = SEPARATION_NONE + 1; mode < SEPARATION_MAX; mode++)
                if (modes & 1U << mode) {
                        used += (size_t) snprintf(ret + used, 64 - used, "%s%s", separator,
                                                  separation_name((Separation) mode));
                        separator = ", ";
                }
        return strcmp(ret, "dual, strict, single") == 0 ? "any" : ret;
}

static void roles_print(void) {
        char modes[64];
        size_t count;
        const GateRule *rules = gate_rules(&count);

        for (size_t i = 0; i < count; i++)
                printf("%s.%s\t%s\t%s\t%s\n", last_part(rules[i].interface), rules[i].member,
                       modes_word(rules[i].modes, modes), role_word(rules[i].role),
                       last_part(rules[i].action));
}

static void states_print(void) {
        for (int operation = 0; operation < SEAL_OPERATION_MAX; operation++) {
                const SealOperationFacts *facts = seal_operation_facts((SealOperation) operation);
                const char *separator = "";

                printf("%s\t", facts->name);
                for (int state = 0; state < SEAL_STATE_MAX; state++)
                        if (facts->from & 1U << state) {
                                printf("%s%s", separator, seal_state_name((SealState) state));
                                separator = ", ";
                        }
                printf("\t%s\t%s\n",
                       facts->to < 0 ? "stays" : seal_state_name((SealState) facts->to),
                       facts->who);
        }
}

int main(int argc, char **argv) {
        if (argc == 2 && strcmp(argv[1], "roles") == 0)
                roles_print();
        else if (argc == 2 && strcmp(argv[1], "states") == 0)
                states_print();
        else
                return 2;
        return fflush(stdout) == 0 ? 0 : 1;
}
