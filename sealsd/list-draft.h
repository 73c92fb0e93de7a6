/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A revocation list on its way: what the register says is gathered in it, a maker's key signs it in
 * the worker, and it is kept with what the register has to say of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sealsd/maker-use.h"
#include "sealsd/maker.h"
#include "sealsd/revocation.h"

struct Service;

typedef struct ListDraft {
        MakerUse use;
        uint64_t since; /* the maker's beginning: nothing that expired was ever left out */
        RevocationEntry *entries;
        X509CrlEntry *listed; /* made of them */
        size_t count;
        RevocationList list; /* without bytes: it could not be signed */
} ListDraft;

/* Another one is wanted behind this last one of a maker: one is owed, or its time is over soon. */
bool list_is_due(const struct Service *service, const RevocationList *last);

/*
 * What there is to sign now, with a number above the last one's and a time that is not before.
 * Nothing is left when it fails.
 */
int list_draft_fill(struct Service *service, const Maker *maker, const RevocationList *last,
                    ListDraft *ret);

/* In the worker. May be done again, once what was signed is dropped. */
int list_draft_sign(ListDraft *draft, Chip *chip, ErrorDetail *detail);
bool list_draft_is_signed(const ListDraft *draft);
void list_draft_drop(ListDraft *draft);

/*
 * In the open transaction, of one that is signed: it is the maker's last, and owed still where the
 * register says something else by now; with its event.
 */
int list_draft_keep(struct Service *service, ListDraft *draft);

void list_draft_clear(ListDraft *draft);
