/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/list-draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/digest.h"
#include "policy/key.h"
#include "policy/openssl.h"
#include "sealsd/service-life.h"
#include "sealsd/service-maker.h"

void list_draft_clear(ListDraft *draft) {
        maker_use_clear(&draft->use);
        revocation_list_free(&draft->list);
        free(draft->entries);
        free(draft->listed);
        *draft = (ListDraft){};
}

/* --- gathering -------------------------------------------------------------------------------- */

/* Of a time that has not come by any row that counts: nobody would take it (design, section 7). */
static bool list_is_ahead(const Service *service, const RevocationList *list) {
        return list->this_update > service_now(service) &&
               list->this_update > service->ledger.latest;
}

bool list_is_due(const Service *service, const RevocationList *list) {
        return list->owed || list->number == 0 || list_is_ahead(service, list) ||
               service_now(service) >=
                       list->this_update + (list->next_update - list->this_update) / 2;
}

/*
 * Numbers go up also where an older register was put back: they are seconds, unless lists come
 * faster than those. Of two lists many take the one with the later time, so that goes back only
 * where the clock is right again that was ahead.
 */
static void draft_date(const Service *service, ListDraft *draft, const RevocationList *last) {
        const uint64_t second = service_now(service) / USEC_PER_SEC;

        draft->list.number = second > last->number ? second : last->number + 1;
        draft->list.this_update = second * USEC_PER_SEC;
        if (draft->list.this_update < last->this_update && !list_is_ahead(service, last))
                draft->list.this_update = last->this_update;
        draft->list.next_update = draft->list.this_update +
                                  service->config->maker.crl_days * USEC_PER_DAY;
}

static int draft_entries(Service *service, ListDraft *draft) {
        int r = store_revocation_entries(service->store, draft->use.maker, &draft->entries,
                                         &draft->count);
        if (r != 0)
                return r;
        draft->listed = calloc(draft->count + 1, sizeof(*draft->listed));
        if (!draft->listed)
                return -ENOMEM;
        for (size_t i = 0; i < draft->count; i++)
                draft->listed[i] = revocation_of(&draft->entries[i]);
        draft->list.entries = draft->count;
        return 0;
}

int list_draft_fill(Service *service, const Maker *maker, const RevocationList *last,
                    ListDraft *ret) {
        int r = makers_use_of(service, maker, &ret->use);

        if (r != 0)
                return r;
        ret->since = maker->created;
        ret->list.maker = maker->id;
        draft_date(service, ret, last);
        r = draft_entries(service, ret);
        if (r != 0)
                list_draft_clear(ret);
        return r;
}

/* --- in the worker ---------------------------------------------------------------------------- */

int list_draft_sign(ListDraft *draft, Chip *chip, ErrorDetail *detail) {
        X509CrlFacts facts = {
                .issuer = { draft->use.certificate, draft->use.certificate_size },
                .number = draft->list.number,
                .this_update = draft->list.this_update,
                .next_update = draft->list.next_update,
                .expired_since = draft->since,
                .entries = draft->listed,
                .entry_count = draft->count,
        };
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        _cleanup_free_ uint8_t *tbs = NULL;
        size_t size = 0;

        int r = public_to_pkey(&draft->use.key.public, &key);
        if (r != 0)
                return r;
        facts.algorithm = maker_use_algorithm(key);
        r = x509_crl_prepare(&facts, &tbs, &size, detail);
        return r == 0 ? maker_use_finish(&draft->use, chip, (Bytes){ tbs, size }, &draft->list.der,
                                         &draft->list.size, detail)
                      : r;
}

bool list_draft_is_signed(const ListDraft *draft) {
        return draft->list.der != NULL;
}

void list_draft_drop(ListDraft *draft) {
        free(draft->list.der);
        draft->list.der = NULL;
}

/* --- in the register -------------------------------------------------------------------------- */

/* What the register says by now: the list is owed still where that is something else. */
static int draft_compare(Store *store, ListDraft *draft) {
        _cleanup_free_ RevocationEntry *now = NULL;
        size_t count = 0;

        int r = store_revocation_entries(store, draft->use.maker, &now, &count);
        if (r == 0)
                draft->list.owed = !revocations_equal(draft->entries, draft->count, now, count);
        return r;
}

static int issued_event(Service *service, const ListDraft *draft) {
        const RevocationList *list = &draft->list;
        TPM2B_DIGEST hash;

        int r = digest_bytes((Bytes){ list->der, list->size }, &hash);
        if (r != 0)
                return r;
        return service_event(
                service,
                (Event){ .code = EVENT_REVOCATION_LIST_ISSUED, .object = draft->use.algorithm },
                json_pack("{s:I, s:I, s:I, s:I, s:o}", "number", (json_int_t) list->number,
                          "entries", (json_int_t) list->entries, "this-update",
                          (json_int_t) list->this_update, "next-update",
                          (json_int_t) list->next_update, "sha256",
                          json_hex(hash.buffer, hash.size)));
}

int list_draft_keep(Service *service, ListDraft *draft) {
        int r = draft_compare(service->store, draft);

        if (r == 0)
                r = store_revocation_list_set(service->store, &draft->list);
        return r == 0 ? issued_event(service, draft) : r;
}
