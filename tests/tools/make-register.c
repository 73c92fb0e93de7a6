/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make-register [--one-key] SEALS [ROWS] - fills the register of a stopped daemon ($SEALSD_STATE,
 * initialized; its chip at $SEALSD_TCTI) with seals that have had a life: applied for, approved,
 * made, filed, delivered, accepted, used, and most of them revoked and destroyed since. Everything
 * goes through the store's and the ledger's own code, one transaction for each step, as in the
 * daemon. As many live as there are revocation bits left but KEPT_FREE, with keys of the chip; the
 * others were on indices that are retired. Then seals are used until the ledger has at least ROWS
 * rows. --one-key: the first key is everybody's, which saves the chip's time and is what an
 * inspection has to find.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/clock.h"
#include "policy/index.h"
#include "policy/key.h"
#include "sealsd/store-ledger.h"
#include "sealsd/store.h"
#include "tpm/index.h"
#include "tpm/register-key.h"
#include "tpm/seal.h"
#include "tpm/srk.h"

#define KEPT_FREE 8
#define USES_FIRST 3              /* of each seal, while it is new */
#define RETIRED_FIRST 0x01d00000U /* beside the range that handles are drawn from */
#define KEYS_MAX 4096
#define CLERKS 400 /* without accounts */
#define CLERKS_FIRST 40000

typedef struct Founder {
        Store *store;
        Tpm *tpm;
        Vault *key;
        Installation installation;
        TPM2B_NAME authority;
        Caller applicant, reviewer, administrator, keeper;
        SealKey last; /* of the chip; the destroyed ones had others, which are gone */
        RegisterIndex retired;
        bool has_retired;
        bool one_key;
        unsigned live_left;
        size_t live_count;
        char (*live)[NUMBER_MAX + 1]; /* active ones */
        uint64_t now;
} Founder;

/* What one seal is while it is written. */
typedef struct Life {
        bool ends; /* destroyed by now */
        Caller keeper;
        Request request;
        Seal seal;
} Life;

/* --- the installation ------------------------------------------------------------------------- */

static void caller_named(const char *name, Caller *ret) {
        const struct passwd *entry = getpwnam(name);

        ret->uid = entry ? entry->pw_uid : 0;
        ret->login_uid = ret->uid;
        subject_from_uid(ret->uid, &ret->subject);
        (void) snprintf(ret->process, sizeof(ret->process), "/usr/local/bin/sealctl");
        (void) snprintf(ret->unit, sizeof(ret->unit), "session-2.scope");
}

static int maker_unseal(Founder *m, ErrorDetail *detail) {
        _cleanup_free_ MachineState *states = NULL;
        _cleanup_free_ MachineApproval *approvals = NULL;
        _cleanup_(secret_wipe) Secret key = {};
        size_t count;

        if (m->installation.register_public.size == 0)
                return 0;
        int r = store_machine_state_list(m->store, &states, &count);
        if (r != 0)
                return r;
        approvals = calloc(count + 1, sizeof(*approvals));
        if (!approvals)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++)
                approvals[i] = states[i].approval;
        const RegisterKeyUse use = {
                .public = &m->installation.register_public,
                .private = &m->installation.register_private,
                .authority = &m->authority,
                .profile = m->installation.profile,
                .approvals = approvals,
                .approval_count = count,
        };
        r = tpm_register_key_unseal(m->tpm, &use, &key, detail);
        if (r == 0)
                r = vault_new(&m->key, REGISTER_KEY_SIZE, VAULT_MEMFD_SECRET);
        if (r == 0)
                r = vault_set(m->key, &key);
        if (r == 0)
                store_set_key(m->store, m->key);
        return r;
}

static int maker_count_live(Founder *m) {
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count;
        unsigned left = 0;

        int r = store_index_list(m->store, rows, INDICES_MAX + 1, &count);
        for (size_t i = 0; r == 0 && i < count; i++)
                if (rows[i].kind == INDEX_REVOCATION && rows[i].written)
                        left += SEALS_PER_INDEX - rows[i].used;
        OPENSSL_cleanse(rows, sizeof(rows));
        m->live_left = left > KEPT_FREE ? left - KEPT_FREE : 0;
        return r;
}

static int maker_open(Founder *m, ErrorDetail *detail) {
        char path[512];
        TPM2B_NAME srk;

        (void) snprintf(path, sizeof(path), "%s/register.db", getenv("SEALSD_STATE"));
        m->now = clock_now(&(const Clock){ clock_system().now, NULL });
        caller_named("seal-applicant", &m->applicant);
        caller_named("seal-reviewer", &m->reviewer);
        caller_named("seal-admin", &m->administrator);
        caller_named("root", &m->keeper);
        int r = store_open(&m->store, path, detail);
        if (r == 0)
                r = store_installation_load(m->store, &m->installation);
        if (r == 0 && m->installation.phase != INIT_COMPLETE)
                r = SEAL_E_NOT_INITIALIZED;
        if (r == 0)
                r = public_name(&m->installation.authority, &m->authority);
        if (r == 0)
                r = tpm_new(&m->tpm, getenv("SEALSD_TCTI"), detail);
        if (r == 0)
                r = tpm_srk_ensure(m->tpm, &m->installation.srk, NULL, &srk, detail);
        if (r == 0)
                r = maker_unseal(m, detail);
        if (r == 0)
                r = maker_count_live(m);
        m->live = calloc(KEYS_MAX, sizeof(*m->live));
        return r == 0 && !m->live ? -ENOMEM : r;
}

/* --- steps, each a transaction ---------------------------------------------------------------- */

static int step_end(Founder *m, int r, Event event) {
        if (r == 0)
                r = store_event(m->store, &event);
        json_decref(event.facts);
        return store_end(m->store, r);
}

static Act act_of(const Founder *m, const Caller *by) {
        return (Act){ .by = by->subject, .login = by->login_uid, .time = m->now };
}

/* Those that live are root's; the others were of people who have left. */
static Caller keeper_of(const Founder *m, unsigned serial, bool ends) {
        Caller keeper = m->keeper;

        if (ends) {
                keeper.uid = keeper.login_uid = CLERKS_FIRST + serial % CLERKS;
                keeper.subject.id = keeper.uid;
                (void) snprintf(keeper.subject.text, sizeof(keeper.subject.text), "user:clerk%u",
                                serial % CLERKS);
        }
        return keeper;
}

static void fill_application(const Life *l, unsigned serial, uint64_t now, Application *a) {
        static const char *const types[] = { "official", "finance", "contract", "invoice",
                                             "department" };

        (void) snprintf(a->name, sizeof(a->name), "Seal %u of the Example Trading Company", serial);
        (void) snprintf(a->holder, sizeof(a->holder), "Example Trading Company, branch %u",
                        serial % 97);
        (void) snprintf(a->type, sizeof(a->type), "%s", types[serial % 5]);
        a->not_before = now - (serial % 900) * USEC_PER_DAY;
        a->not_after = a->not_before + 1095 * USEC_PER_DAY;
        a->use_limit = serial % 3 == 0 ? 1000000 : 0;
        a->keepers[a->keeper_count++] = l->keeper.subject;
        for (unsigned i = 0; i < 1 + serial % 3; i++) {
                Document *d = &a->documents[a->document_count++];

                (void) snprintf(d->title, sizeof(d->title), "Resolution %u-%u of the board.pdf",
                                serial, i);
                d->hash_size = 32;
                (void) RAND_bytes(d->hash, 32);
        }
}

static int step_apply(Founder *m, Life *l, unsigned serial) {
        Request *q = &l->request;

        *q = (Request){ .state = REQUEST_APPLIED,
                        .applicant = m->applicant.subject,
                        .applicant_login = m->applicant.login_uid,
                        .created = m->now,
                        .reviewers_needed = 1 };
        (void) snprintf(q->kind, sizeof(q->kind), "%s", REQUEST_KIND_MAKE);
        fill_application(l, serial, m->now, &q->application);
        int r = application_complete(&q->application, &q->applicant, m->now, 1095, NULL);
        (void) snprintf(q->type, sizeof(q->type), "%s", q->application.type);
        if (r == 0)
                r = request_digest(q, q->digest);
        if (r == 0)
                r = store_begin(m->store);
        if (r != 0)
                return r;
        r = store_request_add(m->store, q);
        return step_end(
                m, r,
                (Event){ .code = EVENT_REQUEST_APPLIED,
                         .caller = &m->applicant,
                         .request = q->id,
                         .state = "applied",
                         .facts = json_pack("{s:s, s:s}", "kind", q->kind, "type", q->type) });
}

static int step_approve(Founder *m, Life *l) {
        Request *q = &l->request;
        Decision *d = calloc(1, sizeof(*d));

        if (!d)
                return -ENOMEM;
        d->by = m->reviewer.subject;
        d->login = m->reviewer.login_uid;
        d->approve = true;
        d->time = m->now;
        (void) snprintf(d->comment, sizeof(d->comment), "The documents are complete");
        q->state = REQUEST_MAKING;
        int r = store_begin(m->store);
        if (r == 0)
                r = store_number_take(m->store, "000000", q->number);
        if (r == 0)
                r = store_decision_add(m->store, q->id, d);
        if (r == 0)
                r = store_request_update(m->store, q);
        free(d);
        return step_end(m, r,
                        (Event){ .code = EVENT_REQUEST_APPROVED,
                                 .caller = &m->reviewer,
                                 .seal = q->number,
                                 .request = q->id,
                                 .state = "making",
                                 .facts = json_pack("{s:s, s:b}", "kind", q->kind, "signed", 0) });
}

/* The bit of a seal that has ended: on an index that is given back when it is full. */
static int take_retired_bit(Founder *m, Seal *seal) {
        RegisterIndex *row = &m->retired;
        int r = 0;

        if (m->has_retired && row->used == SEALS_PER_INDEX) {
                r = store_index_retire(m->store, row->handle);
                m->has_retired = false;
                row->handle++;
        }
        if (r == 0 && !m->has_retired) {
                if (row->handle == 0)
                        row->handle = RETIRED_FIRST;
                *row = (RegisterIndex){ .kind = INDEX_REVOCATION,
                                        .handle = row->handle,
                                        .ordinal = row->handle - RETIRED_FIRST + 1000,
                                        .written = true };
                r = secret_random(&row->auth, 32);
                /* Full for the store, so that the daemon never gives a bit of it. */
                row->used = SEALS_PER_INDEX;
                if (r == 0)
                        r = store_index_add(m->store, row);
                row->used = 0;
                m->has_retired = r == 0;
        }
        seal->index = row->handle;
        seal->bit = row->used++;
        return r;
}

static int create_key(Founder *m, const Seal *seal, SealKey *ret) {
        SealPolicy policy = { .authority = m->authority, .bit = seal->bit };
        TPMS_NV_PUBLIC public;
        TPM2B_DIGEST digest;
        ErrorDetail detail = {};

        memcpy(policy.profile, seal->profile, sizeof(policy.profile));
        memcpy(policy.number, seal->number, sizeof(policy.number));
        int r = index_public(INDEX_REVOCATION, seal->index, &m->authority, &public);
        if (r == 0)
                r = index_name(&public, true, &policy.index);
        if (r == 0)
                r = seal_policy_digest(&policy, &digest);
        if (r == 0)
                r = tpm_seal_create(m->tpm, algorithm_find("ecdsa-p256"), &digest, NULL, ret,
                                    &detail);
        if (r != 0)
                (void) fprintf(stderr, "make-register: key: %s\n", error_describe(r, &detail));
        return r;
}

static int step_make(Founder *m, Life *l) {
        Seal *s = &l->seal;
        Request *q = &l->request;
        int r;

        *s = (Seal){ .request = q->id,
                     .state = SEAL_MADE,
                     .separation = m->installation.separation,
                     .applicant = q->applicant,
                     .facts = q->application,
                     .created = m->now };
        memcpy(s->number, q->number, sizeof(s->number));
        memcpy(s->profile, m->installation.profile, sizeof(s->profile));
        s->made = act_of(m, &m->reviewer);
        r = store_begin(m->store);
        if (r == 0)
                r = l->ends ? take_retired_bit(m, s) : store_bit_take(m->store, &s->index, &s->bit);
        if (r == 0 && (m->last.public.size == 0 || (!l->ends && !m->one_key)))
                r = create_key(m, s, &m->last);
        s->public = m->last.public;
        s->private = m->last.private;
        if (r == 0)
                r = store_seal_add(m->store, s);
        q->state = REQUEST_COMPLETED;
        if (r == 0)
                r = store_request_update(m->store, q);
        if (r == 0)
                r = store_event(m->store, &(Event){ .code = EVENT_REQUEST_COMPLETED,
                                                    .caller = &m->reviewer,
                                                    .seal = s->number,
                                                    .request = q->id,
                                                    .state = "completed" });
        return step_end(
                m, r,
                (Event){ .code = EVENT_SEAL_MADE,
                         .caller = &m->reviewer,
                         .seal = s->number,
                         .request = q->id,
                         .state = "made",
                         .facts = json_pack("{s:s, s:[s], s:s, s:s, s:s}", "separation",
                                            separation_name(s->separation), "keepers",
                                            s->facts.keepers[0].text, "type", s->facts.type, "name",
                                            s->facts.name, "algorithm", s->facts.algorithm) });
}

/* A change of the record alone, with its event. */
static int step_update(Founder *m, Life *l, SealState state, EventCode code, const Caller *by) {
        l->seal.state = state;
        int r = store_begin(m->store);
        if (r == 0)
                r = store_seal_update(m->store, &l->seal);
        return step_end(
                m, r,
                (Event){ .code = code,
                         .caller = by,
                         .seal = l->seal.number,
                         .object = code == EVENT_SEAL_DELIVERED ? l->keeper.subject.text : NULL,
                         .state = seal_state_name(state) });
}

static int step_custody(Founder *m, Life *l) {
        Seal *s = &l->seal;

        s->filed = act_of(m, &m->administrator);
        s->filing.filed = m->now;
        (void) snprintf(s->filing.number, sizeof(s->filing.number), "2026-%s", s->number);
        int r = step_update(m, l, SEAL_FILED, EVENT_SEAL_FILED, &m->administrator);
        s->delivered = act_of(m, &m->administrator);
        s->named_keeper = l->keeper.subject;
        if (r == 0)
                r = step_update(m, l, SEAL_DELIVERED, EVENT_SEAL_DELIVERED, &m->administrator);
        s->accepted = act_of(m, &l->keeper);
        if (r == 0)
                r = step_update(m, l, SEAL_ACTIVE, EVENT_SEAL_ACCEPTED, &l->keeper);
        return r;
}

static int step_grant(Founder *m, Life *l) {
        Grant grant = { .subject = m->applicant.subject,
                        .purposes = PURPOSE_DOCUMENT_SIGNING,
                        .not_before = m->now,
                        .until = m->now + 90 * USEC_PER_DAY,
                        .giver = l->keeper.subject,
                        .given = m->now,
                        .reason = "stands in during the holidays" };

        memcpy(grant.number, l->seal.number, sizeof(grant.number));
        int r = store_begin(m->store);
        if (r == 0)
                r = store_grant_add(m->store, &grant);
        return step_end(m, r,
                        (Event){ .code = EVENT_GRANT_ADDED,
                                 .caller = &l->keeper,
                                 .seal = l->seal.number,
                                 .object = grant.subject.text,
                                 .facts = json_pack("{s:I}", "id", (json_int_t) grant.id) });
}

static int step_use(Founder *m, const char *number, const Caller *by) {
        uint8_t digest[32];
        uint64_t use = 0;

        (void) RAND_bytes(digest, sizeof(digest));
        int r = store_begin(m->store);
        if (r == 0)
                r = store_use_take(m->store, number, 0, 1, &use, NULL);
        return step_end(m, r,
                        (Event){ .code = EVENT_USE,
                                 .caller = by,
                                 .seal = number,
                                 .purpose = "document-signing",
                                 .digest = { digest, sizeof(digest) },
                                 .hash = "sha256",
                                 .document = "Contract with a customer.pdf",
                                 .use = use,
                                 .count = 1 });
}

static int step_revoke(Founder *m, Life *l) {
        const Act act = act_of(m, &m->administrator);
        uint64_t *ids = NULL;
        size_t count;

        int r = store_begin(m->store);
        if (r == 0)
                r = store_grants_end(m->store, l->seal.number, NULL, &act, "revoked", &ids, &count);
        free(ids);
        if (r == 0)
                r = store_seal_mark_revoked(m->store, l->seal.number, &act, "no longer in use");
        r = step_end(m, r,
                     (Event){ .code = EVENT_SEAL_REVOKED,
                              .caller = &m->administrator,
                              .seal = l->seal.number,
                              .state = "revoked",
                              .reason = "no longer in use" });
        if (r == 0)
                r = store_begin(m->store);
        if (r != 0)
                return r;
        r = store_seal_settle_revoked(m->store, l->seal.number);
        return step_end(m, r,
                        (Event){ .code = EVENT_SEAL_REVOCATION_SETTLED, .seal = l->seal.number });
}

static int step_destroy(Founder *m, Life *l) {
        Seal *s = &l->seal;

        int r = store_seal_get(m->store, s->number, s);
        if (r != 0)
                return r;
        s->destroyed = act_of(m, &m->administrator);
        s->private = (TPM2B_PRIVATE){};
        return step_update(m, l, SEAL_DESTROYED, EVENT_SEAL_DESTROYED, &m->administrator);
}

/* --- all -------------------------------------------------------------------------------------- */

/* One of twenty that live is suspended, one surrendered. */
static int life_now(Founder *m, Life *l, unsigned serial) {
        if (serial % 20 == 7) {
                l->seal.suspended = act_of(m, &m->administrator);
                return step_update(m, l, SEAL_SUSPENDED, EVENT_SEAL_SUSPENDED, &m->administrator);
        }
        if (serial % 20 == 13) {
                l->seal.surrendered = act_of(m, &m->administrator);
                return step_update(m, l, SEAL_SURRENDERED, EVENT_SEAL_SURRENDERED,
                                   &m->administrator);
        }
        memcpy(m->live[m->live_count++], l->seal.number, sizeof(m->live[0]));
        return 0;
}

static int life_write(Founder *m, Life *l, unsigned serial) {
        l->ends = m->live_left == 0;
        m->live_left -= !l->ends;
        l->keeper = keeper_of(m, serial, l->ends);
        int r = step_apply(m, l, serial);
        if (r == 0)
                r = step_approve(m, l);
        if (r == 0)
                r = step_make(m, l);
        if (r == 0)
                r = step_custody(m, l);
        if (r == 0 && serial % 4 == 0)
                r = step_grant(m, l);
        for (unsigned i = 0; r == 0 && i < USES_FIRST; i++)
                r = step_use(m, l->seal.number, &l->keeper);
        if (r == 0 && l->ends)
                r = step_revoke(m, l);
        if (r == 0 && l->ends)
                r = step_destroy(m, l);
        return r == 0 && !l->ends ? life_now(m, l, serial) : r;
}

static int use_until(Founder *m, uint64_t rows) {
        LedgerHead head = {};
        int r = 0;

        store_ledger_head(m->store, &head);
        if (head.seq == 0 && rows > 0)
                return SEAL_E_INVALID_STATE; /* an installation without a ledger */
        if (m->live_count == 0 && head.seq < rows)
                return SEAL_E_CAPACITY_EXHAUSTED;
        for (uint64_t seq = head.seq; r == 0 && seq < rows; seq++)
                r = step_use(m, m->live[seq % m->live_count], &m->keeper);
        return r;
}

static int fill(Founder *m, unsigned seals, uint64_t rows) {
        Life *life = calloc(1, sizeof(*life));
        int r = life ? 0 : -ENOMEM;

        for (unsigned i = 0; r == 0 && i < seals; i++) {
                r = life_write(m, life, i);
                if ((i + 1) % 10000 == 0)
                        (void) fprintf(stderr, "make-register: %u seals\n", i + 1);
        }
        free(life);
        if (r == 0 && m->has_retired)
                r = store_index_retire(m->store, m->retired.handle);
        return r == 0 ? use_until(m, rows) : r;
}

int main(int argc, char **argv) {
        static Founder maker;
        ErrorDetail detail = {};
        LedgerHead head = {};

        if (argc > 1 && strcmp(argv[1], "--one-key") == 0) {
                maker.one_key = true;
                argc--;
                argv++;
        }
        if (argc < 2 || argc > 3 || !getenv("SEALSD_STATE"))
                return 2;
        int r = maker_open(&maker, &detail);
        if (r == 0)
                r = fill(&maker, (unsigned) strtoul(argv[1], NULL, 10),
                         argc > 2 ? strtoull(argv[2], NULL, 10) : 0);
        if (r != 0 && maker.store)
                store_explain(maker.store, r, &detail);
        if (r != 0)
                (void) fprintf(stderr, "make-register: %s\n", error_describe(r, &detail));
        if (maker.store)
                store_ledger_head(maker.store, &head);
        if (r == 0)
                (void) printf("%zu live and active, %llu rows in the ledger\n", maker.live_count,
                              (unsigned long long) head.seq);
        maker.store = store_close(maker.store);
        maker.tpm = tpm_free(maker.tpm);
        maker.key = vault_free(maker.key);
        free(maker.live);
        return r == 0 ? 0 : 1;
}
