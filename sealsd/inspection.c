/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/inspection.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* --- the list --------------------------------------------------------------------------------- */

typedef struct FindingFacts {
        const char *name;
        Severity severity;
        const char *meaning;
} FindingFacts;

static const FindingFacts facts[FINDING_MAX] = {
#define FINDING(code, word, level, text) \
        [FINDING_##code] = { .name = word, .severity = SEVERITY_##level, .meaning = text },
#include "sealsd/inspection.def"
#undef FINDING
};

const char *severity_name(Severity severity) {
        static const char *const names[] = { "info", "warning", "critical" };

        return (size_t) severity < sizeof(names) / sizeof(names[0]) ? names[severity] : "?";
}

const char *finding_name(FindingCode code) {
        return (unsigned) code < FINDING_MAX ? facts[code].name : "?";
}

Severity finding_severity(FindingCode code) {
        return (unsigned) code < FINDING_MAX ? facts[code].severity : SEVERITY_CRITICAL;
}

const char *finding_meaning(FindingCode code) {
        return (unsigned) code < FINDING_MAX ? facts[code].meaning : "?";
}

/* --- findings --------------------------------------------------------------------------------- */

void findings_done(Findings *findings) {
        free(findings->list);
        *findings = (Findings){};
}

/* NULL, and noted, without memory: what is missing must not look like what is well. */
static Finding *findings_place(Findings *findings) {
        if (findings->count == findings->room) {
                size_t room = findings->room == 0 ? 16 : 2 * findings->room;
                Finding *list = realloc(findings->list, room * sizeof(*list));

                if (!list) {
                        findings->incomplete = true;
                        return NULL;
                }
                findings->list = list;
                findings->room = room;
        }
        return &findings->list[findings->count++];
}

void findings_add(Findings *findings, FindingCode code, const char *number, uint64_t about,
                  const char *format, ...) {
        Finding *finding;
        va_list ap;

        if (findings->counts[code]++ >= FINDINGS_PER_CODE)
                return;
        finding = findings_place(findings);
        if (!finding)
                return;
        *finding = (Finding){ .code = code, .about = about };
        text_copy(finding->number, sizeof(finding->number), number ? number : "");
        va_start(ap, format);
        (void) vsnprintf(finding->text, sizeof(finding->text), format, ap);
        va_end(ap);
        text_end_whole(finding->text);
}

void findings_take(Findings *findings, Findings *from) {
        unsigned had[FINDING_MAX];

        memcpy(had, findings->counts, sizeof(had));
        for (size_t i = 0; i < FINDING_MAX; i++)
                findings->counts[i] += from->counts[i];
        for (size_t i = 0; i < from->count; i++) {
                FindingCode code = from->list[i].code;
                Finding *place = had[code] < FINDINGS_PER_CODE ? findings_place(findings) : NULL;

                had[code]++;
                if (place)
                        *place = from->list[i];
        }
        findings->incomplete |= from->incomplete;
        findings_done(from);
}

static int finding_compare(const void *left, const void *right) {
        const Finding *a = left, *b = right;

        if (finding_severity(a->code) != finding_severity(b->code))
                return finding_severity(a->code) > finding_severity(b->code) ? -1 : 1;
        if (a->code != b->code)
                return a->code < b->code ? -1 : 1;
        /* The count of those that had no place is the last of its code. */
        if ((a->about == UINT64_MAX) != (b->about == UINT64_MAX))
                return a->about == UINT64_MAX ? 1 : -1;
        int r = strcmp(a->number, b->number);
        if (r != 0)
                return r;
        return a->about < b->about ? -1 : a->about > b->about;
}

void findings_close(Findings *findings) {
        for (unsigned code = 0; code < FINDING_MAX; code++) {
                unsigned count = findings->counts[code];
                Finding *more = count > FINDINGS_PER_CODE ? findings_place(findings) : NULL;

                if (!more)
                        continue;
                *more = (Finding){ .code = (FindingCode) code, .about = UINT64_MAX };
                (void) snprintf(more->text, sizeof(more->text), "And %u more: %s",
                                count - FINDINGS_PER_CODE, facts[code].meaning);
        }
        if (findings->count > 0)
                qsort(findings->list, findings->count, sizeof(*findings->list), finding_compare);
}
