/* SPDX-License-Identifier: Apache-2.0 */
/* What the service knows of the installation, for its inspection and its status. */
#include <openssl/crypto.h>

#include "sealsd/service-internal.h"
#include "sealsd/store-inspection.h"

#define ANCHOR_LATE 3         /* times AnchorMinutes */
#define CHECKPOINT_LATE 20000 /* rows; one is due each 5,000 */

InspectionRules inspections_rules(const Service *service) {
        const InspectionConfig *c = &service->config->inspection;

        return (InspectionRules){
                .now = service_now(service),
                .warn = c->warn_days * USEC_PER_DAY,
                .unused = c->unused_days * USEC_PER_DAY,
                .wait = c->wait_days * USEC_PER_DAY,
                .grants_max = c->grants_max,
        };
}

/* Only written indices have bits to give; two of the first are the maker's. */
static void facts_capacity(Service *service, InspectedInstallation *ret) {
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count = 0;

        (void) service_indices(service, rows, &count);
        for (size_t i = 0; i < count; i++) {
                unsigned maker = rows[i].ordinal == 0 ? MAKER_BITS : 0;

                if (rows[i].kind != INDEX_REVOCATION)
                        continue;
                ret->indices_unfinished += !rows[i].written;
                ret->bits += rows[i].written ? SEALS_PER_INDEX - maker : 0;
                ret->bits_used += rows[i].written ? rows[i].used - maker : 0;
        }
        OPENSSL_cleanse(rows, sizeof(rows));
}

static void facts_makers(Service *service, InspectedInstallation *ret) {
        const Service *s = service;

        ret->maker_problem = s->makers.problem[0] ? s->makers.problem : s->lists.problem;
        ret->unwritten = s->lists.unwritten;
        ret->maker_count = makers_inspect(service, ret->makers);
}

void inspections_facts(Service *service, const char *unreached, ErrorDetail *tampered,
                       InspectedInstallation *ret) {
        const Service *s = service;
        bool complete = s->installation.phase == INIT_COMPLETE;
        LedgerHead head;

        store_ledger_head(s->store, &head);
        *ret = (InspectedInstallation){
                .reached = !unreached,
                .approved = s->health.approved || !complete,
                .locked = s->health.locked,
                .chip_tampered = s->health.tampered,
                .problem = unreached ? unreached : s->health.problem,
                .hierarchies = s->health.hierarchies,
                .tampered = "",
                .anchor_differs = s->anchoring.foreign,
                .clock_trusted = service_clock_trusted(s),
                .head = head.seq,
                .anchored = s->anchoring.last.seq,
                .anchor_patience = ANCHOR_LATE * s->config->anchor_minutes * 60 * USEC_PER_SEC,
                .checkpoint = s->checkpoints.seq,
                .checkpoint_rows = CHECKPOINT_LATE,
                .key_memory = service_has_key(s) ? service_key_memory(s) : "",
                .maker_problem = "",
                .unwritten = "",
                .unexplained = s->audit.unexplained,
                .audit_absence = audit_trail_absence(s->ledger.audit),
        };
        if (service_require_sound(s, tampered) != 0)
                ret->tampered = tampered->text;
        (void) store_ledger_time_after(s->store, ret->anchored, &ret->waiting_since);
        if (complete) {
                facts_capacity(service, ret);
                facts_makers(service, ret);
        }
}
