/* SPDX-License-Identifier: Apache-2.0 */
/* Findings are told once: to subscribers who may see them, and in the journal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/journal.h"
#include "base/log.h"
#include "sealsd/service-internal.h"

#define FINDING_MESSAGE_ID "c4d0d1f9a1f34ee5b1c27bb2d1a2f0a6" /* docs/inspection.md */

static int told_compare(const void *left, const void *right) {
        const ToldFinding *a = left, *b = right;

        if (a->code != b->code)
                return a->code < b->code ? -1 : 1;
        int r = strcmp(a->number, b->number);
        if (r != 0)
                return r;
        return a->about < b->about ? -1 : a->about > b->about;
}

static ToldFinding told_of(const Finding *finding) {
        ToldFinding told = { .code = finding->code, .about = finding->about };

        memcpy(told.number, finding->number, sizeof(told.number));
        return told;
}

static void finding_announce(Service *service, const Finding *finding) {
        static const int priorities[] = {
                [SEVERITY_INFO] = LOG_INFO,
                [SEVERITY_WARNING] = LOG_WARNING,
                [SEVERITY_CRITICAL] = LOG_CRIT,
        };
        Severity severity = finding_severity(finding->code);
        const char *name = finding_name(finding->code), *number = finding->number;
        const JournalField fields[] = {
                { "SEALSD_FINDING", name },
                { "SEALSD_SEVERITY", severity_name(severity) },
                { "SEALSD_SEAL", number[0] != '\0' ? number : NULL },
        };
        char object[sizeof("custody/") + NUMBER_MAX] = "";

        journal_event(priorities[severity], FINDING_MESSAGE_ID, fields,
                      sizeof(fields) / sizeof(fields[0]), finding->text);
        if (number[0] != '\0')
                (void) snprintf(object, sizeof(object), "custody/%s", number);
        if (service->observer.attention && !service->stopping)
                service->observer.attention(service->observer.userdata, severity_name(severity),
                                            name, object, finding->text);
}

/* What is known of other seals stays, when one alone was inspected. */
static size_t told_keep_others(const Inspections *inspections, const char *number,
                               ToldFinding *ret) {
        size_t count = 0;

        for (size_t i = 0; number[0] != '\0' && i < inspections->told_count; i++)
                if (strcmp(inspections->told[i].number, number) != 0)
                        ret[count++] = inspections->told[i];
        return count;
}

void inspections_tell(Service *service, const char *number, const Findings *findings) {
        Inspections *known = &service->inspections;
        ToldFinding *told = calloc(known->told_count + findings->count + 1, sizeof(*told));

        if (!told) {
                log_error("findings could not be told: out of memory");
                return;
        }
        size_t count = told_keep_others(known, number, told);
        for (size_t i = 0; i < findings->count; i++) {
                const ToldFinding one = told_of(&findings->list[i]);

                if (!known->told ||
                    !bsearch(&one, known->told, known->told_count, sizeof(one), told_compare))
                        finding_announce(service, &findings->list[i]);
                told[count++] = one;
        }
        qsort(told, count, sizeof(*told), told_compare);
        free(known->told);
        known->told = told;
        known->told_count = count;
}
