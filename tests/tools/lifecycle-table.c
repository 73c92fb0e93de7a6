/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle-table: the tables and the diagrams of docs/lifecycle.md, from the table that the daemon
 * decides by (sealsd/lifecycle.h). tests/integration/test_lifecycle_manual.py compares the two.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sealsd/lifecycle.h"

static bool is_from(const SealOperationFacts *facts, SealState state) {
        return facts->from & 1U << state;
}

static void states_print(const SealOperationFacts *facts) {
        const char *comma = "";

        for (SealState s = 0; s < SEAL_STATE_MAX; s++)
                if (is_from(facts, s)) {
                        printf("%s%s", comma, seal_state_name(s));
                        comma = ", ";
                }
}

static const char *how(const SealOperationFacts *facts) {
        if (!facts->requested)
                return "call";
        return facts->called ? "call, request" : "request";
}

static void operations_print(void) {
        printf("| operation | from | to | how | who | waits for the validity |\n"
               "|---|---|---|---|---|---|\n");
        for (SealOperation op = 0; op < SEAL_OPERATION_MAX; op++) {
                const SealOperationFacts *facts = seal_operation_facts(op);

                printf("| %s | ", facts->name);
                states_print(facts);
                printf(" | %s | %s | %s | %s |\n",
                       facts->to < 0 ? "the same" : seal_state_name((SealState) facts->to),
                       how(facts), facts->who, seal_operation_is_timed(op) ? "yes" : "no");
        }
}

static void ways_print(void) {
        printf("| state | what leads on |\n|---|---|\n");
        for (SealState s = 0; s < SEAL_STATE_MAX; s++)
                printf("| %s | %s |\n", seal_state_name(s), seal_state_way(s));
        for (SealTiming t = TIMING_NOT_YET_VALID; t < TIMING_MAX; t++)
                printf("| %s | %s |\n", seal_timing_name(t), seal_timing_way(t));
}

/* What changes the state, an arrow each. */
static void diagram_print(void) {
        printf("```mermaid\nstateDiagram-v2\n    [*] --> made: Make\n");
        for (SealOperation op = 0; op < SEAL_OPERATION_MAX; op++) {
                const SealOperationFacts *facts = seal_operation_facts(op);

                for (SealState s = 0; s < SEAL_STATE_MAX; s++)
                        if (facts->to >= 0 && is_from(facts, s))
                                printf("    %s --> %s: %s\n", seal_state_name(s),
                                       seal_state_name((SealState) facts->to), facts->name);
        }
        printf("    destroyed --> [*]\n```\n");
}

/* Of kind use, and of all others, which have the same. */
static void transitions_print(RequestKind kind, const char *title) {
        printf("| %s | operation | to |\n|---|---|---|\n", title);
        for (RequestState s = 0; s < REQUEST_STATE_MAX; s++)
                for (RequestOperation op = 0; op < REQUEST_OPERATION_MAX; op++) {
                        RequestState to;

                        if (request_transition(kind, s, op, &to, NULL) == 0)
                                printf("| %s | %s | %s |\n", request_state_name(s),
                                       request_operation_name(op), request_state_name(to));
                }
}

static void requests_print(void) {
        transitions_print(KIND_MAKE, "from");
        printf("\n");
        transitions_print(KIND_USE, "from, kind use");
        printf("\n| kind | operation | makes a key |\n|---|---|---|\n");
        for (RequestKind kind = 0; kind < KIND_COUNT; kind++) {
                const SealOperationFacts *facts = seal_operation_facts(
                        request_kind_operation(kind));

                printf("| %s | %s | %s |\n", request_kind_name(kind), facts ? facts->name : "",
                       request_kind_makes(kind) ? "yes" : "no");
        }
}

int main(void) {
        operations_print();
        printf("\n");
        diagram_print();
        printf("\n");
        ways_print();
        printf("\n");
        requests_print();
        return ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
