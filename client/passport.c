/* SPDX-License-Identifier: Apache-2.0 */
#include "client/passport.h"

#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>

#include "client/bus-call.h"
#include "client/file.h"
#include "client/ledger-file.h"
#include "client/output.h"
#include "client/pem-file.h"
#include "format/passport-ledger.h"
#include "format/passport-page.h"
#include "policy/key.h"

#define NAME_SIZE (sizeof(TPMI_ALG_HASH) + TPM2_SHA256_DIGEST_SIZE)
#define ROOTS_MAX (1024 * 1024) /* of all makers of TPMs */

/* --- what the caller knows ------------------------------------------------------------------ */

static int authority_read(const Context *context, const char *path, TPM2B_PUBLIC *ret) {
        ErrorDetail detail = {};
        uint8_t *data = NULL;
        size_t size = 0;

        if (!path)
                return 0;
        int r = file_read(context, path, PEM_MAX, &data, &size);
        if (r != 0)
                return r;
        r = external_key_parse((const char *) data, size, ret, &detail);
        file_data_free(data, size);
        return r == 0 ? 0
                      : fail_plain(context, EXIT_USAGE, "%s: %s", path, error_describe(r, &detail));
}

static int name_read(const Context *context, const char *text, TPM2B_NAME *ret) {
        if (!text)
                return 0;
        if (!hex_decode(text, ret->name, NAME_SIZE))
                return fail(context, EXIT_USAGE, "--attestation-key is %zu hex digits",
                            2 * NAME_SIZE);
        ret->size = NAME_SIZE;
        return 0;
}

/* The roots belong to the caller, file_data_free. */
static int known_read(const Context *context, const PassportKnown *known, PassportWanted *ret,
                      uint8_t **ret_roots, size_t *ret_roots_size) {
        ret->nonce = known->nonce;
        int r = authority_read(context, known->authority, &ret->authority);
        if (r == 0)
                r = name_read(context, known->attestation_key, &ret->attestation_key);
        if (r != 0 || !known->ek_roots)
                return r;
        r = file_read(context, known->ek_roots, ROOTS_MAX, ret_roots, ret_roots_size);
        if (r == 0 && *ret_roots_size == 0)
                r = fail_plain(context, EXIT_USAGE, "%s is empty", known->ek_roots);
        ret->ek_roots = (Bytes){ *ret_roots, *ret_roots_size };
        return r;
}

/* --- checking ------------------------------------------------------------------------------- */

static int check_failed(const Context *context, const char *what, int r,
                        const ErrorDetail *detail) {
        if (r < 0)
                return fail_errno(context, r, what);
        return fail_plain(context, r == SEAL_E_INVALID_ARGS ? EXIT_USAGE : EXIT_VERIFICATION,
                          "%s: %s", what, error_describe(r, detail));
}

static int ledger_check(const Context *context, const char *path, const Passport *passport,
                        PassportVerdict *verdict) {
        LedgerExpected expected = {};
        LedgerVerdict ledger = {};
        LedgerSought sought = {};
        ErrorDetail detail = {};

        if (!path)
                return 0;
        int r = passport_ledger_seek(passport, &verdict->facts, &sought, &expected);
        if (r != 0)
                return check_failed(context, path, r, &detail);
        r = ledger_file_judge(context, path, &sought, &expected, &ledger);
        if (r != 0)
                return r;
        r = passport_ledger_judge(passport, &ledger, &detail);
        verdict->ledger_known = r == 0;
        return r == 0 ? 0 : check_failed(context, path, r, &detail);
}

int passport_check(Context *context, const char *what, Bytes file, const PassportKnown *known,
                   Passport **ret, PassportVerdict *ret_verdict) {
        _cleanup_(passport_freep) Passport *passport = NULL;
        PassportVerdict verdict = {};
        PassportWanted wanted = {};
        ErrorDetail detail = {};
        uint8_t *roots = NULL;
        size_t roots_size = 0;

        int r = known_read(context, known, &wanted, &roots, &roots_size);
        if (r == 0) {
                r = passport_verify(file, &wanted, &passport, &verdict.facts, &detail);
                if (r != 0)
                        r = check_failed(context, what, r, &detail);
        }
        file_data_free(roots, roots_size);
        if (r == 0)
                r = ledger_check(context, known->ledger, passport, &verdict);
        if (r != 0)
                return r;
        *ret = steal_ptr(passport);
        *ret_verdict = verdict;
        return 0;
}

/* --- telling -------------------------------------------------------------------------------- */

static json_t *name_json(const TPM2B_NAME *name) {
        char hex[2 * sizeof(name->name) + 1];

        return json_string(hex_encode(name->name, name->size, hex));
}

static json_t *key_json(const TPM2B_PUBLIC *key) {
        char *pem = NULL;

        if (public_to_pem(key, &pem) != 0)
                return NULL;
        json_t *value = json_string(pem);
        free(pem);
        return value;
}

static json_t *approvers_json(const PassportPolicy *policy) {
        json_t *array = json_array();

        for (size_t i = 0; i < policy->approver_count; i++)
                (void) json_array_append_new(
                        array, json_pack("{ss so}", "subject", policy->approvers[i].subject,
                                         "public-key", key_json(&policy->approvers[i].key)));
        return array;
}

static json_t *states_json(const PassportMachine *machine, const PassportFacts *facts) {
        json_t *array = json_array();

        for (size_t i = 0; i < machine->state_count; i++) {
                const PassportState *state = &machine->states[i];

                (void) json_array_append_new(
                        array,
                        json_pack("{sI sI ss sb sb}", "id", (json_int_t) state->id, "approved",
                                  (json_int_t) state->approved, "by", state->by, "retirable",
                                  state->has_index, "retired", facts->retired[i]));
        }
        return array;
}

static json_t *terms_json(const PassportTerms *terms) {
        json_t *ways = json_array();

        for (size_t i = 0; i < terms->count; i++) {
                json_t *lines = json_array();

                for (size_t k = 0; k < terms->leaves[i].count; k++)
                        (void) json_array_append_new(lines, json_string(terms->leaves[i].lines[k]));
                (void) json_array_append_new(ways, lines);
        }
        return ways;
}

/* In PEM, the seal's own first: for whoever judges them. */
static json_t *certificates_json(const PassportDers *ders) {
        json_t *list = json_array();

        for (size_t i = 0; i < ders->count; i++) {
                _cleanup_(BIO_freep) BIO *out = BIO_new(BIO_s_mem());
                char *text = NULL;

                if (!out || !pem_put(out, PEM_STRING_X509,
                                     (Bytes){ ders->items[i].data, ders->items[i].size }))
                        continue;
                const long size = BIO_get_mem_data(out, &text);
                (void) json_array_append_new(list, json_stringn(text, (size_t) size));
        }
        return list;
}

static json_t *compared_json(const PassportVerdict *verdict) {
        const PassportFacts *facts = &verdict->facts;

        return json_pack("{sb sb sb sb sb}", "nonce", facts->nonce_known, "authority",
                         facts->authority_known, "attestation-key", facts->attestation_key_known,
                         "ek-roots", facts->ek_chain_known, "ledger", verdict->ledger_known);
}

static json_t *seal_json(const PassportStatement *s) {
        return json_pack("{ss ss ss ss ss sI so}", "number", s->seal.number, "name", s->seal.name,
                         "holder", s->seal.holder, "state", s->seal.state, "algorithm",
                         s->seal.algorithm, "made", (json_int_t) s->seal.made, "public-key",
                         key_json(&s->seal.public));
}

static json_t *verdict_json(const Passport *passport, const PassportVerdict *verdict,
                            const char *page) {
        const PassportStatement *s = &passport->statement;
        const PassportFacts *facts = &verdict->facts;

        return json_pack("{sb sb so sI sb sb sb so si so so so so so so ss ss}", "holds", 1,
                         "revoked", facts->revoked, "seal", seal_json(s), "created",
                         (json_int_t) s->created, "fixed", facts->fixed, "born-in-tpm", facts->born,
                         "pin", s->policy.pin, "approvers", approvers_json(&s->policy), "threshold",
                         (int) s->policy.threshold, "machine-states",
                         states_json(&s->machine, facts), "terms", terms_json(&s->policy.terms),
                         "authority", name_json(&facts->authority), "attestation-key",
                         name_json(&facts->attestation_key), "certificates",
                         certificates_json(&s->certificates), "compared", compared_json(verdict),
                         "command-audit", passport_audit_name(s->audit), "page", page);
}

int passport_exit(const PassportVerdict *verdict) {
        return verdict->facts.revoked ? EXIT_SEAL_REFUSES : 0;
}

int passport_print(Context *context, const Passport *passport, const PassportVerdict *verdict) {
        const PassportPage page = { passport, &verdict->facts, verdict->ledger_known };
        _cleanup_free_ char *text = NULL;

        int r = passport_page_write(&page, &text);
        if (r < 0)
                return fail_errno(context, r, "the page");
        if (!context->json) {
                fputs(text, stdout);
                return passport_exit(verdict);
        }
        _cleanup_(json_freep) json_t *object = verdict_json(passport, verdict, text);
        r = print_json_value(context, object);
        return r != 0 ? r : passport_exit(verdict);
}
