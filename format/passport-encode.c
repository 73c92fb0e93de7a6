/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "format/passport-fields.h"
#include "format/passport.h"
#include "policy/digest.h"

static void fail(int *r, int code) {
        if (*r == 0)
                *r = code;
}

/* Append to an array; takes the value, NULL: no memory. */
static void element_add(int *r, json_t *array, json_t *taken) {
        if (json_array_append_new(array, taken) != 0)
                fail(r, -ENOMEM);
}

/* Counts come from outside as well as everything else. */
static size_t bounded(int *r, size_t count, size_t max) {
        if (count <= max)
                return count;
        fail(r, -EINVAL);
        return 0;
}

/* --- the statement's parts ------------------------------------------------------------------ */

/* count texts, each in so many bytes, one behind the other. */
static json_t *texts_write(int *r, const char *texts, size_t size, size_t count) {
        json_t *array = json_array();

        for (size_t i = 0; i < count; i++) {
                const char *text = texts + i * size;

                if (strnlen(text, size) == size || !text_is_line(text, size))
                        fail(r, -EINVAL);
                else
                        element_add(r, array, json_string(text));
        }
        return array;
}

static json_t *seal_write(int *r, const PassportSeal *seal) {
        size_t count = bounded(r, seal->purpose_count, PURPOSES_MAX);
        json_t *object = json_object();

        fields_write(r, object, &passport_seal_fields, seal);
        member_set(r, object, "purposes",
                   texts_write(r, seal->purposes[0], sizeof(seal->purposes[0]), count));
        return object;
}

static json_t *approvers_write(int *r, const PassportPolicy *policy) {
        size_t count = bounded(r, policy->approver_count, APPROVERS_MAX);
        json_t *array = json_array();

        for (size_t i = 0; i < count; i++) {
                json_t *object = json_object();

                fields_write(r, object, &passport_approver_fields, &policy->approvers[i]);
                element_add(r, array, object);
        }
        return array;
}

static json_t *terms_write(int *r, const PassportTerms *terms) {
        size_t count = bounded(r, terms->count, POLICY_LEAVES_MAX);
        json_t *array = json_array();

        for (size_t i = 0; i < count; i++) {
                size_t lines = bounded(r, terms->leaves[i].count, POLICY_TERMS_MAX);

                element_add(r, array,
                            texts_write(r, terms->leaves[i].lines[0],
                                        sizeof(terms->leaves[i].lines[0]), lines));
        }
        return array;
}

static json_t *policy_write(int *r, const PassportPolicy *policy) {
        json_t *object = json_object();

        fields_write(r, object, &passport_policy_fields, policy);
        member_set(r, object, "approvers", approvers_write(r, policy));
        member_set(r, object, "terms", terms_write(r, &policy->terms));
        return object;
}

/* {"0": hex, …}: those of the profile's selection, all of them. */
static json_t *pcrs_write(int *r, const PcrValues *values, const PcrSelection *wanted) {
        json_t *object = json_object();
        char name[12];

        if (values->selection.bank != wanted->bank || values->selection.mask != wanted->mask)
                fail(r, -EINVAL);
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                const TPM2B_DIGEST *value = &values->values[pcr];

                if (!(values->selection.mask & UINT32_C(1) << pcr))
                        continue;
                if (value->size != hash_size(wanted->bank))
                        fail(r, -EINVAL);
                else {
                        (void) snprintf(name, sizeof(name), "%u", pcr);
                        member_set(r, object, name, hex_write(value->buffer, value->size));
                }
        }
        return object;
}

static json_t *state_write(int *r, const PassportState *state, const PcrSelection *wanted) {
        json_t *object = json_object();

        fields_write(r, object, &passport_state_fields, state);
        member_set(r, object, "pcrs", pcrs_write(r, &state->values, wanted));
        if (state->has_index)
                fields_write(r, object, &passport_state_index_fields, state);
        return object;
}

static json_t *machine_write(int *r, const PassportMachine *machine) {
        size_t count = bounded(r, machine->state_count, MACHINE_STATES_MAX);
        json_t *object = json_object(), *states = json_array();
        char pcrs[PCR_TEXT_MAX + 1];

        for (size_t i = 0; i < count; i++)
                element_add(r, states, state_write(r, &machine->states[i], &machine->pcrs));
        fields_write(r, object, &passport_machine_fields, machine);
        member_set(r, object, "pcrs", json_string(pcr_selection_format(&machine->pcrs, pcrs)));
        member_set(r, object, "states", states);
        return object;
}

static json_t *ledger_write(int *r, const PassportLedger *ledger) {
        json_t *object = json_object();

        fields_write(r, object, &passport_ledger_fields, ledger);
        return object;
}

static json_t *ders_write(int *r, const PassportDers *ders) {
        size_t count = bounded(r, ders->count, PASSPORT_CERTIFICATES_MAX);
        json_t *array = json_array();

        for (size_t i = 0; i < count; i++)
                element_add(r, array, hex_write(ders->items[i].data, ders->items[i].size));
        return array;
}

static bool nonce_fits(const PassportStatement *s) {
        return s->nonce_size >= PASSPORT_NONCE_MIN && s->nonce_size <= PASSPORT_NONCE_MAX;
}

static json_t *statement_write(int *r, const PassportStatement *s) {
        json_t *object = json_object();

        if (!nonce_fits(s))
                fail(r, -EINVAL);
        else
                member_set(r, object, "nonce", hex_write(s->nonce, s->nonce_size));
        member_set(r, object, "format", json_string(PASSPORT_FORMAT));
        member_set(r, object, "version", json_integer(PASSPORT_FORMAT_VERSION));
        member_set(r, object, "command-audit", json_string(passport_audit_name(s->audit)));
        fields_write(r, object, &passport_statement_fields, s);
        member_set(r, object, "seal", seal_write(r, &s->seal));
        member_set(r, object, "policy", policy_write(r, &s->policy));
        member_set(r, object, "machine", machine_write(r, &s->machine));
        member_set(r, object, "ledger", ledger_write(r, &s->ledger));
        member_set(r, object, "certificates", ders_write(r, &s->certificates));
        member_set(r, object, "ek-certificates", ders_write(r, &s->ek_certificates));
        return object;
}

/* --- the attestation ------------------------------------------------------------------------ */

static json_t *proof_write(int *r, const PassportProof *proof) {
        json_t *object = json_object();

        if (proof->attest_size > sizeof(proof->attest) ||
            proof->signature_size > sizeof(proof->signature))
                fail(r, -EINVAL);
        else {
                member_set(r, object, "attest", hex_write(proof->attest, proof->attest_size));
                member_set(r, object, "signature",
                           hex_write(proof->signature, proof->signature_size));
        }
        return object;
}

static json_t *seal_proof_write(int *r, const PassportAttestation *attestation) {
        json_t *object = proof_write(r, &attestation->seal);

        member_set(r, object, "kind", json_string(passport_kind_name(attestation->kind)));
        return object;
}

static json_t *attestation_write(int *r, const PassportAttestation *attestation) {
        size_t count = bounded(r, attestation->state_count, INDICES_MAX);
        json_t *object = json_object(), *states = json_array();

        for (size_t i = 0; i < count; i++)
                element_add(r, states, proof_write(r, &attestation->states[i]));
        fields_write(r, object, &passport_attestation_fields, attestation);
        member_set(r, object, "seal", seal_proof_write(r, attestation));
        member_set(r, object, "revocation", proof_write(r, &attestation->revocation));
        member_set(r, object, "ledger", proof_write(r, &attestation->ledger));
        member_set(r, object, "states", states);
        return object;
}

/* --- as text -------------------------------------------------------------------------------- */

/* Takes the document. */
static int text_write(int r, json_t *taken, char **ret, size_t *ret_size) {
        _cleanup_json_ json_t *document = taken;

        return r != 0 ? r : json_to_text_sized(document, ret, ret_size);
}

int passport_statement_encode(const PassportStatement *statement, char **ret, size_t *ret_size) {
        int r = 0;
        json_t *document = statement_write(&r, statement);

        return text_write(r, document, ret, ret_size);
}

int passport_encode(const Passport *passport, char **ret, size_t *ret_size) {
        json_t *document = json_object();
        int r = 0;

        member_set(&r, document, "statement", statement_write(&r, &passport->statement));
        member_set(&r, document, "attestation", attestation_write(&r, &passport->attestation));
        return text_write(r, document, ret, ret_size);
}
