/* SPDX-License-Identifier: Apache-2.0 */
/* What the service's other files know of inspections (service-inspect*.c). */
#pragma once

#include <systemd/sd-event.h>

#include "sealsd/inspection.h"

struct Service;
struct Inspection;

/* What was told already, so that it is not told at each inspection. */
typedef struct ToldFinding {
        FindingCode code;
        char number[NUMBER_MAX + 1];
        uint64_t about;
} ToldFinding;

typedef struct Inspections {
        struct Inspection *running; /* of all seals; NULL: none */
        unsigned count;             /* that run, those of one seal too */
        sd_event_source *timer;
        uint64_t last; /* when all was inspected; 0: not since the start */
        unsigned severities[SEVERITY_CRITICAL + 1]; /* what was found then */
        ToldFinding *told;
        size_t told_count;
} Inspections;

/* The timer, by the configuration's EveryHours. */
int inspections_start(struct Service *service);
void inspections_stop(struct Service *service);

/* By the configuration, and the clock. */
InspectionRules inspections_rules(const struct Service *service);
/*
 * The installation as the service knows it and the last look at the chip has found it; unreached:
 * why that failed, NULL when it did not. Texts are the service's, tampered's and unreached's.
 * (service-inspect-facts.c)
 */
void inspections_facts(struct Service *service, const char *unreached, ErrorDetail *tampered,
                       InspectedInstallation *ret);

/*
 * Announce what is new and remember what there is: of all, or of this seal where number is not "".
 * (service-inspect-tell.c)
 */
void inspections_tell(struct Service *service, const char *number, const Findings *findings);
