/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attack/loot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/index.h"
#include "policy/key.h"
#include "sealsd/approver.h"
#include "tpm/register-key.h"
#include "tpm/srk.h"

static int loot_index(Loot *loot, Store *store, TPM2_HANDLE handle) {
        RegisterIndex row;

        int r = store_index_get(store, handle, &row);
        if (r == 0)
                loot->index = (TpmIndex){ row.kind, row.handle, loot->authority, row.auth };
        return r;
}

/* With the auth of the index whose bit retires it. */
static int loot_bit(Loot *loot, Store *store, StateBit *bit) {
        RegisterIndex row;

        if (bit->index.handle == 0)
                return 0;
        int r = store_index_get(store, bit->index.handle, &row);
        if (r == 0)
                bit->index = (TpmIndex){ row.kind, row.handle, loot->authority, row.auth };
        return r;
}

static int loot_approvals(Loot *loot, Store *store) {
        loot->approvals = calloc(loot->state_count + 1, sizeof(*loot->approvals));
        if (!loot->approvals)
                return -ENOMEM;
        int r = 0;
        for (size_t i = 0; r == 0 && i < loot->state_count; i++) {
                loot->approvals[i] = loot->states[i].approval;
                r = loot_bit(loot, store, &loot->approvals[i].retire);
        }
        return r;
}

/* The register's key, as the chip hands it to the daemon. */
static int loot_open(Loot *loot, Store *store, ErrorDetail *detail) {
        const Installation *i = &loot->installation;
        const RegisterKeyUse use = {
                .public = &i->register_public,
                .private = &i->register_private,
                .authority = &loot->authority,
                .profile = i->profile,
                .approvals = loot->approvals,
                .approval_count = loot->state_count,
        };
        _cleanup_(secret_wipe) Secret key = {};

        int r = tpm_register_key_unseal(loot->tpm, &use, &key, detail);
        if (r == 0)
                r = vault_new(&loot->vault, REGISTER_KEY_SIZE, VAULT_MEMFD_SECRET);
        if (r == 0)
                r = vault_set(loot->vault, &key);
        if (r == 0)
                store_set_key(store, loot->vault);
        return r;
}

static int loot_policy(Loot *loot) {
        const Seal *seal = &loot->seal;
        SealPolicy *policy = &loot->policy;
        TPMS_NV_PUBLIC public;

        *policy = (SealPolicy){
                .authority = loot->authority,
                .bit = seal->bit,
                .pin = seal->facts.pin,
                .approver_count = seal->facts.approver_count,
                .threshold = seal->facts.threshold,
        };
        memcpy(policy->profile, seal->profile, sizeof(policy->profile));
        memcpy(policy->number, seal->number, sizeof(policy->number));
        int r = index_public(loot->index.kind, loot->index.handle, &loot->authority, &public);
        if (r == 0)
                r = index_name(&public, true, &policy->index);
        for (size_t i = 0; r == 0 && i < policy->approver_count; i++)
                r = approver_name(&seal->facts.approvers[i], &policy->approvers[i]);
        return r;
}

static int loot_seal(Loot *loot, Store *store, const char *number, const char *request,
                     ErrorDetail *detail) {
        int r = loot_open(loot, store, detail);

        if (r == 0)
                r = store_seal_get(store, number, &loot->seal);
        if (r == 0 && request)
                r = store_request_get(store, strtoull(request, NULL, 10), &loot->request);
        if (r == 0 && request)
                r = store_seal_get(store, loot->request.target, &loot->approved);
        if (r == 0)
                r = loot_index(loot, store, loot->seal.index);
        if (r == 0)
                r = loot_policy(loot);
        store_set_key(store, NULL);
        return r;
}

/* Where it is not made yet there is only its bit. */
static int loot_maker_bit(Loot *loot, Store *store, const char *algorithm) {
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count = 0;

        int r = store_index_list(store, rows, INDICES_MAX + 1, &count);
        if (r != 0 || count == 0)
                return r != 0 ? r : -EINVAL;
        loot->seal.index = rows[0].handle;
        loot->seal.bit = strcmp(algorithm, "sm2") == 0;
        memcpy(loot->seal.number, "MAKER", sizeof("MAKER"));
        memcpy(loot->seal.profile, loot->installation.profile, sizeof(loot->seal.profile));
        return 0;
}

/* As a seal: its policy is a seal's. */
static int loot_maker(Loot *loot, Store *store, const char *algorithm, ErrorDetail *detail) {
        static Maker makers[MAKERS_MAX];
        size_t count = 0;

        int r = loot_open(loot, store, detail);
        if (r == 0)
                r = loot_maker_bit(loot, store, algorithm);
        if (r == 0)
                r = store_maker_list(store, makers, &count);
        for (size_t i = 0; r == 0 && i < count; i++)
                if (strcmp(makers[i].algorithm, algorithm) == 0) {
                        loot->seal.public = makers[i].public;
                        loot->seal.private = makers[i].private;
                }
        if (r == 0)
                r = loot_index(loot, store, loot->seal.index);
        if (r == 0)
                r = loot_policy(loot);
        store_set_key(store, NULL);
        return r;
}

int loot_take(Loot *loot, const char *folder, const char *what, const char *request,
              ErrorDetail *detail) {
        _cleanup_(store_closep) Store *store = NULL;
        char path[512];
        TPM2B_NAME srk;

        (void) snprintf(path, sizeof(path), "%s/register.db", folder);
        int r = store_open(&store, path, detail);
        if (r == 0)
                r = store_installation_load(store, &loot->installation);
        if (r == 0)
                r = public_name(&loot->installation.authority, &loot->authority);
        if (r == 0)
                r = store_machine_state_list(store, &loot->states, &loot->state_count);
        if (r == 0)
                r = loot_approvals(loot, store);
        if (r == 0)
                r = tpm_new(&loot->tpm, getenv("SEALSD_TCTI"), detail);
        if (r == 0)
                r = tpm_srk_ensure(loot->tpm, NULL, NULL, &srk, detail);
        if (r != 0)
                return r;
        if (strncmp(what, "0x", 2) == 0)
                return loot_index(loot, store, (TPM2_HANDLE) strtoul(what, NULL, 16));
        if (strncmp(what, "maker:", 6) == 0)
                return loot_maker(loot, store, what + 6, detail);
        return loot_seal(loot, store, what, request, detail);
}

void loot_drop(Loot *loot) {
        loot->tpm = tpm_free(loot->tpm);
        free(loot->states);
        free(loot->approvals);
        (void) vault_free(loot->vault);
        *loot = (Loot){};
}
