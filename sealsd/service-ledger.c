/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-ledger.h"

#include "base/log.h"
#include "sealsd/service-internal.h"
#include "sealsd/store-ledger.h"

#define CLOCK_TOLERANCE (5 * 60 * USEC_PER_SEC)

void service_ledger_refused(Service *service, const Caller *caller, const char *seal, int code) {
        (void) service;
        log_debug("seal %s refused to %s: %s", seal, caller->subject.text, error_text(code));
}

bool service_clock_trusted(const Service *service) {
        LedgerHead head;

        store_ledger_head(service->store, &head);
        return head.seq == 0 || service_now(service) + CLOCK_TOLERANCE >= head.time;
}

int service_require_sound(const Service *service, ErrorDetail *detail) {
        (void) service;
        (void) detail;
        return 0;
}
