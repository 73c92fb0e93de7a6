/* SPDX-License-Identifier: Apache-2.0 */
#include "client/ledger-page.h"

#include "client/bus-call.h"

int ledger_page_get(Context *context, const LedgerQuery *query, json_t **ret) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "ReadLedger", &call);
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        entry_time(&e, "first", query->first);
        entry_time(&e, "since", query->since);
        entry_time(&e, "until", query->until);
        entry_text(&e, "seal", query->seal);
        entry_text(&e, "subject", query->subject);
        entry_text(&e, "event", query->event);
        entry_u32(&e, "limit", (uint32_t) query->limit);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send_json(context, call, ret);
}
