/* SPDX-License-Identifier: Apache-2.0 */
/* Initialize, the part before the chip changes: options, a look at the chip, the plan. */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "format/envelope.h"
#include "policy/key.h"
#include "sealsd/service-index.h"
#include "sealsd/service-initialize.h"
#include "tpm/machine.h"

#define DEFAULT_PCRS "sha256:0,2,7"
#define DEFAULT_PROFILE "default"
#define DEFAULT_CAPACITY 64

/* --- options ------------------------------------------------------------------------------ */

static bool profile_is_valid(const char *profile) {
        size_t n = strspn(profile, "abcdefghijklmnopqrstuvwxyz0123456789-");

        return n > 0 && n <= PROFILE_MAX && profile[n] == '\0';
}

static int options_authority(Installation *plan, const InitOptions *options, ErrorDetail *detail) {
        if ((options->authority_pem != NULL) == options->passphrase.set)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "Give either authority (the PEM of its public key) or passphrase "
                                 "(the authority then lives in the TPM)");
        plan->resident = options->authority_pem == NULL;
        if (plan->resident && options->passphrase.size == 0)
                return error_set(detail, SEAL_E_INVALID_ARGS, "passphrase is empty");
        if (plan->resident)
                return 0;
        return external_key_parse(options->authority_pem, options->authority_pem_size,
                                  &plan->authority, detail);
}

/* What an interrupted try fixed is the default of the next. */
static void options_default(Installation *plan, const Installation *stored) {
        if (stored->phase == INIT_NONE) {
                plan->separation = SEPARATION_DUAL;
                plan->capacity = DEFAULT_CAPACITY;
                (void) snprintf(plan->profile, sizeof(plan->profile), "%s", DEFAULT_PROFILE);
                return;
        }
        plan->separation = stored->separation;
        plan->capacity = stored->capacity;
        plan->pcrs = stored->pcrs;
        memcpy(plan->profile, stored->profile, sizeof(plan->profile));
}

static int options_profile(Installation *plan, const char *profile, ErrorDetail *detail) {
        if (!profile)
                return 0;
        if (!profile_is_valid(profile))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "profile is 1 to %d of a-z, 0-9 and -", PROFILE_MAX);
        (void) snprintf(plan->profile, sizeof(plan->profile), "%s", profile);
        return 0;
}

static int options_plan(Installation *plan, const Service *service, const InitOptions *options,
                        ErrorDetail *detail) {
        const char *pcrs = options->pcrs;
        int r;

        options_default(plan, &service->installation);
        if (options->separation != SEPARATION_NONE)
                plan->separation = options->separation;
        if (options->capacity > 0)
                plan->capacity = options->capacity;
        if (plan->capacity > CAPACITY_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS, "capacity is at most %d seals",
                                 CAPACITY_MAX);
        if (!pcrs && plan->pcrs.mask == 0)
                pcrs = DEFAULT_PCRS;
        r = options_profile(plan, options->profile, detail);
        if (r == 0 && pcrs)
                r = pcr_selection_parse(pcrs, service->config->fence_pcr, &plan->pcrs, detail);
        if (r == 0)
                r = options_authority(plan, options, detail);
        return r;
}

static int options_copy(InitOperation *op, const InitOptions *options, ErrorDetail *detail) {
        if (options->owner_auth.size > TPM2_SHA256_DIGEST_SIZE * 2 ||
            options->lockout_auth.size > TPM2_SHA256_DIGEST_SIZE * 2)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "An authorisation value is at most %d bytes",
                                 TPM2_SHA256_DIGEST_SIZE * 2);
        op->set_owner_auth = options->set_owner_auth;
        op->machine_states = options->machine_states;
        op->given_owner = options->owner_auth;
        op->given_lockout = options->lockout_auth;
        op->passphrase = options->passphrase;
        if (!options->escrow_pem)
                return 0;
        op->escrow_pem = strndup(options->escrow_pem, options->escrow_pem_size);
        op->escrow_pem_size = options->escrow_pem_size;
        return op->escrow_pem ? envelope_check(op->escrow_pem, op->escrow_pem_size, detail)
                              : -ENOMEM;
}

int init_options(InitOperation *op, const InitOptions *options, ErrorDetail *detail) {
        int r = options_plan(&op->plan, op->head.service, options, detail);

        return r == 0 ? options_copy(op, options, detail) : r;
}

/* --- plan --------------------------------------------------------------------------------- */

/*
 * One that an earlier try set is known to nobody else and is never replaced. A given one is checked
 * by the chip before it counts, and forgotten when it is wrong (provision_done).
 */
static int plan_lockout(InitOperation *op, const Installation *stored, ErrorDetail *detail) {
        Installation *plan = &op->plan;

        if (stored->lockout_auth.set && !stored->lockout_auth_taken) {
                plan->lockout_auth = stored->lockout_auth;
                if (op->given_lockout.set && !secret_equal(&op->given_lockout, &plan->lockout_auth))
                        return error_set(
                                detail, SEAL_E_INVALID_ARGS,
                                "lockout-auth: an earlier try has set it; leave the option "
                                "away");
                return 0;
        }
        if (op->given_lockout.set && !op->hierarchies.lockout_auth_set)
                return error_set(
                        detail, SEAL_E_INVALID_ARGS,
                        "lockout-auth: the TPM has none yet; leave the option away and one "
                        "is set");
        if (op->given_lockout.set || stored->lockout_auth.set) {
                plan->lockout_auth = op->given_lockout.set ? op->given_lockout
                                                           : stored->lockout_auth;
                plan->lockout_auth_taken = true;
                return 0;
        }
        if (op->hierarchies.lockout_auth_set)
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "The TPM has a lockout authorisation already: give it as the "
                                 "option lockout-auth");
        return secret_random(&plan->lockout_auth, INDEX_AUTH_SIZE);
}

static int plan_owner(InitOperation *op, const Installation *stored, ErrorDetail *detail) {
        Installation *plan = &op->plan;

        if (stored->owner_auth_ours) {
                plan->owner_auth_ours = true;
                plan->owner_auth = stored->owner_auth;
                plan->owner_auth_old = op->given_owner.set ? op->given_owner
                                                           : stored->owner_auth_old;
                return 0;
        }
        if (op->hierarchies.owner_auth_set && !op->given_owner.set)
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "The TPM has an owner authorisation: give it as the option "
                                 "owner-auth");
        if (!op->set_owner_auth)
                return 0;
        plan->owner_auth_ours = true;
        plan->owner_auth_old = op->given_owner;
        return secret_random(&plan->owner_auth, INDEX_AUTH_SIZE);
}

/* The handles of an earlier try are kept: what stands there is ours to define anew. */
static int plan_indices(InitOperation *op) {
        size_t have = 0, ledger = 0, states = 0, drawn = 0, want;
        int r = service_indices(op->head.service, op->indices, &op->index_count);

        for (size_t i = 0; i < op->index_count; i++) {
                op->indices[i].written = false;
                ledger += op->indices[i].kind == INDEX_LEDGER;
                states += op->indices[i].kind == INDEX_STATE;
        }
        have = op->index_count - ledger - states;
        /* Indices that are there stay, so the capacity does not shrink. */
        if (op->head.service->installation.capacity > op->plan.capacity)
                op->plan.capacity = op->head.service->installation.capacity;
        want = installation_index_count(op->plan.capacity);
        while (r == 0 && (have < want || ledger == 0)) {
                RegisterIndex *row = &op->indices[op->index_count++];
                bool revocation = have < want;

                *row = (RegisterIndex){
                        .kind = revocation ? INDEX_REVOCATION : INDEX_LEDGER,
                        .handle = op->drawn[drawn++],
                        .ordinal = revocation ? (unsigned) have : 0,
                        .used = revocation && have == 0 ? MAKER_BITS : 0,
                };
                r = secret_random(&row->auth, INDEX_AUTH_SIZE);
                have += revocation;
                ledger += !revocation;
        }
        if (r == 0 && op->machine_states && states == 0) {
                if (op->index_count > INDICES_MAX)
                        return SEAL_E_LIMITS_EXCEEDED;
                RegisterIndex *row = &op->indices[op->index_count++];

                *row = (RegisterIndex){ .kind = INDEX_STATE, .handle = op->drawn[drawn] };
                r = secret_random(&row->auth, INDEX_AUTH_SIZE);
        }
        return r;
}

/*
 * What will be set, before the chip changes. A lockout auth that was given sets nothing, and is not
 * kept before the chip took it: were it wrong, a next try would use it again.
 */
static int plan_save_installation(InitOperation *op) {
        const Installation *stored = &op->head.service->installation;
        Installation kept = op->plan;

        if (kept.lockout_auth_taken) {
                kept.lockout_auth = stored->lockout_auth;
                kept.lockout_auth_taken = stored->lockout_auth_taken;
        }
        int r = store_installation_save(op->head.service->store, &kept);
        OPENSSL_cleanse(&kept, sizeof(kept));
        return r;
}

static int plan_save(InitOperation *op) {
        Store *store = op->head.service->store;

        int r = store_begin(store);
        if (r != 0)
                return r;
        op->plan.phase = INIT_STARTED;
        r = plan_save_installation(op);
        /* What another authority approved, or for other PCRs, is no approval here. */
        if (r == 0)
                r = store_machine_state_remove_all(store);
        if (r == 0)
                r = store_index_remove_all(store);
        for (size_t i = 0; r == 0 && i < op->index_count; i++)
                r = store_index_add(store, &op->indices[i]);
        return store_end(store, r);
}

/* What the escrow holder receives: the authorisations that Initialize sets. */
static int plan_escrow(InitOperation *op, ErrorDetail *detail) {
        char text[2 * SECRET_MAX * 2 + 64], hex[2 * SECRET_MAX + 1];
        int n = 0;

        if (!op->escrow_pem)
                return 0;
        if (!op->plan.lockout_auth_taken)
                n = snprintf(
                        text, sizeof(text), "lockout-auth %s\n",
                        hex_encode(op->plan.lockout_auth.data, op->plan.lockout_auth.size, hex));
        if (op->plan.owner_auth_ours)
                n += snprintf(text + n, sizeof(text) - (size_t) n, "owner-auth %s\n",
                              hex_encode(op->plan.owner_auth.data, op->plan.owner_auth.size, hex));
        int r = envelope_encrypt(op->escrow_pem, op->escrow_pem_size,
                                 (Bytes){ (uint8_t *) text, (size_t) n }, &op->envelope,
                                 &op->envelope_size, detail);
        OPENSSL_cleanse(text, sizeof(text));
        OPENSSL_cleanse(hex, sizeof(hex));
        return r;
}

int init_plan(InitOperation *op, ErrorDetail *detail) {
        const Installation *stored = &op->head.service->installation;
        int r;

        op->plan.srk = stored->srk;
        r = plan_lockout(op, stored, detail);
        if (r == 0)
                r = plan_owner(op, stored, detail);
        if (r == 0)
                r = plan_escrow(op, detail);
        if (r == 0)
                r = plan_indices(op);
        if (r == 0)
                r = plan_save(op);
        return r;
}

int init_inspect(Job *job, Chip *chip, ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;
        size_t count = installation_index_count(op->plan.capacity) + 1 + op->machine_states;
        PcrValues values;
        int r;

        r = tpm_hierarchies(chip->tpm, &op->hierarchies, detail);
        if (r == 0) /* a bank that the chip lacks is told before anything changes */
                r = tpm_pcr_read(chip->tpm, &op->plan.pcrs, &values, detail);
        for (size_t i = 0; r == 0 && i < count; i++)
                r = index_draw(chip, &op->drawn[i], detail);
        return r;
}
