/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "format/passport-fields.h"
#include "format/passport.h"
#include "policy/digest.h"

static const char *const no_others[] = { NULL };

/* --- lists ---------------------------------------------------------------------------------- */

/* One line of text in an array, not empty. */
static void line_read(Reading *reading, const json_t *value, const char *path, size_t size,
                      char *ret) {
        const char *text = json_string_value(value);

        if (!text || strlen(text) != json_string_length(value) || strlen(text) >= size ||
            !text_is_line(text, size))
                reading_fail(reading, path, NULL, "is not one line of text that fits there");
        else
                memcpy(ret, text, strlen(text) + 1);
}

static void ders_read(Reading *reading, const json_t *parent, const char *name, PassportDers *ret) {
        uint8_t der[CERTIFICATE_MAX];
        char path[PATH_SIZE], at[PATH_SIZE];

        const json_t *array = array_read(reading, parent, "statement", name,
                                         PASSPORT_CERTIFICATES_MAX);
        (void) path_join("statement", name, path);
        for (size_t i = 0; i < json_array_size(array) && reading->r == 0; i++) {
                size_t size = 0;

                if (!json_read_hex_sized(json_array_get(array, i), der, sizeof(der), &size) ||
                    size == 0)
                        reading_fail(reading, path_at(path, i, at), NULL,
                                     "is not a certificate in lower-case hex");
                else
                        reading->r = passport_ders_add(ret, (Bytes){ der, size });
        }
}

/* --- seal and policy ------------------------------------------------------------------------ */

static void seal_read(Reading *reading, const json_t *parent, PassportSeal *ret) {
        static const char path[] = "statement.seal";
        static const char *const others[] = { "purposes", NULL };
        char at[PATH_SIZE];

        const json_t *object = object_read(reading, parent, "statement", "seal");
        fields_read(reading, object, path, &passport_seal_fields, ret);
        const json_t *array = array_read(reading, object, path, "purposes", PURPOSES_MAX);
        for (size_t i = 0; i < json_array_size(array); i++)
                line_read(reading, json_array_get(array, i),
                          path_at("statement.seal.purposes", i, at), sizeof(ret->purposes[i]),
                          ret->purposes[ret->purpose_count++]);
        members_check(reading, object, path, &passport_seal_fields, others);
}

static void approvers_read(Reading *reading, const json_t *parent, PassportPolicy *ret) {
        char path[PATH_SIZE];

        const json_t *array = array_read(reading, parent, "statement.policy", "approvers",
                                         APPROVERS_MAX);
        for (size_t i = 0; i < json_array_size(array) && reading->r == 0; i++) {
                const json_t *object = json_array_get(array, i);

                (void) path_at("statement.policy.approvers", i, path);
                fields_read(reading, object, path, &passport_approver_fields, &ret->approvers[i]);
                members_check(reading, object, path, &passport_approver_fields, no_others);
                ret->approver_count++;
        }
}

static void leaf_read(Reading *reading, const json_t *array, size_t leaf, PassportTerms *ret) {
        char path[PATH_SIZE], at[PATH_SIZE];

        (void) path_at("statement.policy.terms", leaf, path);
        if (!json_is_array(array) || json_array_size(array) > POLICY_TERMS_MAX)
                reading_fail(reading, path, NULL, "is not a list of terms");
        for (size_t i = 0; i < json_array_size(array) && reading->r == 0; i++)
                line_read(reading, json_array_get(array, i), path_at(path, i, at),
                          sizeof(ret->leaves[leaf].lines[i]),
                          ret->leaves[leaf].lines[ret->leaves[leaf].count++]);
}

static void terms_read(Reading *reading, const json_t *parent, PassportTerms *ret) {
        const json_t *array = array_read(reading, parent, "statement.policy", "terms",
                                         POLICY_LEAVES_MAX);

        for (size_t i = 0; i < json_array_size(array) && reading->r == 0; i++) {
                leaf_read(reading, json_array_get(array, i), i, ret);
                ret->count++;
        }
}

static void policy_read(Reading *reading, const json_t *parent, PassportPolicy *ret) {
        static const char path[] = "statement.policy";
        static const char *const others[] = { "approvers", "terms", NULL };

        const json_t *object = object_read(reading, parent, "statement", "policy");
        fields_read(reading, object, path, &passport_policy_fields, ret);
        approvers_read(reading, object, ret);
        terms_read(reading, object, &ret->terms);
        members_check(reading, object, path, &passport_policy_fields, others);
}

/* --- machine -------------------------------------------------------------------------------- */

/* Each PCR of the profile, and no other. */
static void pcrs_read(Reading *reading, const json_t *parent, const char *path,
                      const PcrSelection *wanted, PcrValues *ret) {
        const json_t *object = object_read(reading, parent, path, "pcrs");
        size_t count = 0;
        char name[12], at[PATH_SIZE];

        ret->selection = *wanted;
        (void) path_join(path, "pcrs", at);
        for (unsigned pcr = 0; pcr < PCR_COUNT && reading->r == 0; pcr++) {
                TPM2B_DIGEST *value = &ret->values[pcr];

                if (!(wanted->mask & UINT32_C(1) << pcr))
                        continue;
                count++;
                value->size = (UINT16) hash_size(wanted->bank);
                (void) snprintf(name, sizeof(name), "%u", pcr);
                if (!json_read_hex(json_object_get(object, name), value->buffer, value->size))
                        reading_fail(reading, at, name,
                                     "is not the value of a PCR in lower-case hex");
        }
        if (reading->r == 0 && json_object_size(object) != count)
                reading_fail(reading, at, NULL, "has a PCR that is none of the profile's");
}

static void state_read(Reading *reading, const json_t *object, const char *path,
                       const PcrSelection *pcrs, PassportState *ret) {
        static const char *const others[] = { "pcrs", NULL };
        static const char *const others_indexed[] = { "pcrs", "state-index", "bit", NULL };

        fields_read(reading, object, path, &passport_state_fields, ret);
        pcrs_read(reading, object, path, pcrs, &ret->values);
        ret->has_index = json_object_get(object, "state-index") || json_object_get(object, "bit");
        if (ret->has_index)
                fields_read(reading, object, path, &passport_state_index_fields, ret);
        members_check(reading, object, path, &passport_state_fields,
                      ret->has_index ? others_indexed : others);
}

/* A PCR of the fence may be any: which it is, the daemon has seen to. */
static void selection_read(Reading *reading, const json_t *parent, PcrSelection *ret) {
        const char *text = json_string_value(json_object_get(parent, "pcrs"));
        char again[PCR_TEXT_MAX + 1];

        if (!text || pcr_selection_parse(text, PCR_COUNT, ret, NULL) != 0 ||
            strcmp(pcr_selection_format(ret, again), text) != 0)
                reading_fail(reading, "statement.machine", "pcrs",
                             "is not a selection of PCRs (\"sha256:0,2,7\")");
}

static void machine_read(Reading *reading, const json_t *parent, PassportMachine *ret) {
        static const char path[] = "statement.machine";
        static const char *const others[] = { "pcrs", "states", NULL };
        char at[PATH_SIZE];

        const json_t *object = object_read(reading, parent, "statement", "machine");
        fields_read(reading, object, path, &passport_machine_fields, ret);
        selection_read(reading, object, &ret->pcrs);
        const json_t *array = array_read(reading, object, path, "states", MACHINE_STATES_MAX);
        for (size_t i = 0; i < json_array_size(array) && reading->r == 0; i++) {
                state_read(reading, json_array_get(array, i),
                           path_at("statement.machine.states", i, at), &ret->pcrs, &ret->states[i]);
                ret->state_count++;
        }
        members_check(reading, object, path, &passport_machine_fields, others);
}

/* --- the statement -------------------------------------------------------------------------- */

static void ledger_read(Reading *reading, const json_t *parent, PassportLedger *ret) {
        const json_t *object = object_read(reading, parent, "statement", "ledger");

        fields_read(reading, object, "statement.ledger", &passport_ledger_fields, ret);
        members_check(reading, object, "statement.ledger", &passport_ledger_fields, no_others);
}

static void format_check(Reading *reading, const json_t *object) {
        const char *format = json_string_value(json_object_get(object, "format"));
        const json_t *version = json_object_get(object, "version");

        if (!format || strcmp(format, PASSPORT_FORMAT) != 0)
                reading_fail(reading, "statement", "format", "is not that of a seal's passport");
        if (!json_is_integer(version) || json_integer_value(version) != PASSPORT_FORMAT_VERSION)
                reading_fail(reading, "statement", "version",
                             "is another one than this program knows");
}

static void audit_read(Reading *reading, const json_t *object, PassportAudit *ret) {
        const char *text = json_string_value(json_object_get(object, "command-audit"));

        for (int audit = 0; audit < PASSPORT_AUDIT_MAX; audit++)
                if (text && strcmp(text, passport_audit_name((PassportAudit) audit)) == 0) {
                        *ret = (PassportAudit) audit;
                        return;
                }
        reading_fail(reading, "statement", "command-audit",
                     "is none of off, on, stopped and absent");
}

static void statement_read(Reading *reading, const json_t *object, PassportStatement *ret) {
        static const char *const others[] = {
                "format", "version",      "nonce",           "seal",          "policy", "machine",
                "ledger", "certificates", "ek-certificates", "command-audit", NULL,
        };

        format_check(reading, object);
        if (!json_read_hex_sized(json_object_get(object, "nonce"), ret->nonce, sizeof(ret->nonce),
                                 &ret->nonce_size) ||
            ret->nonce_size < PASSPORT_NONCE_MIN)
                reading_fail(reading, "statement", "nonce",
                             "is not 8 to 64 bytes in lower-case hex");
        fields_read(reading, object, "statement", &passport_statement_fields, ret);
        seal_read(reading, object, &ret->seal);
        policy_read(reading, object, &ret->policy);
        machine_read(reading, object, &ret->machine);
        ledger_read(reading, object, &ret->ledger);
        audit_read(reading, object, &ret->audit);
        ders_read(reading, object, "certificates", &ret->certificates);
        ders_read(reading, object, "ek-certificates", &ret->ek_certificates);
        members_check(reading, object, "statement", &passport_statement_fields, others);
}

/* --- the attestation ------------------------------------------------------------------------ */

static const FieldTable no_fields = {};

/* The members that others names beside the two. */
static void proof_read(Reading *reading, const json_t *object, const char *path,
                       const char *const *others, PassportProof *ret) {
        if (!json_read_hex_sized(json_object_get(object, "attest"), ret->attest,
                                 sizeof(ret->attest), &ret->attest_size))
                reading_fail(reading, path, "attest", "is missing or not in lower-case hex");
        if (!json_read_hex_sized(json_object_get(object, "signature"), ret->signature,
                                 sizeof(ret->signature), &ret->signature_size))
                reading_fail(reading, path, "signature", "is missing or not in lower-case hex");
        members_check(reading, object, path, &no_fields, others);
}

static const char *const proof_members[] = { "attest", "signature", NULL };
static const char *const seal_proof_members[] = { "attest", "signature", "kind", NULL };

static void kind_read(Reading *reading, const json_t *object, PassportKind *ret) {
        const char *text = json_string_value(json_object_get(object, "kind"));

        for (int kind = 0; kind < PASSPORT_KIND_MAX; kind++)
                if (text && strcmp(text, passport_kind_name((PassportKind) kind)) == 0) {
                        *ret = (PassportKind) kind;
                        return;
                }
        reading_fail(reading, "attestation.seal", "kind", "is neither certify nor creation");
}

static void attestation_read(Reading *reading, const json_t *object, PassportAttestation *ret) {
        static const char *const others[] = { "seal", "revocation", "ledger", "states", NULL };
        static const char path[] = "attestation";
        char at[PATH_SIZE];

        fields_read(reading, object, path, &passport_attestation_fields, ret);
        const json_t *seal = object_read(reading, object, path, "seal");
        kind_read(reading, seal, &ret->kind);
        proof_read(reading, seal, "attestation.seal", seal_proof_members, &ret->seal);
        proof_read(reading, object_read(reading, object, path, "revocation"),
                   "attestation.revocation", proof_members, &ret->revocation);
        proof_read(reading, object_read(reading, object, path, "ledger"), "attestation.ledger",
                   proof_members, &ret->ledger);
        const json_t *array = array_read(reading, object, path, "states", INDICES_MAX);
        for (size_t i = 0; i < json_array_size(array) && reading->r == 0; i++)
                proof_read(reading, json_array_get(array, i), path_at("attestation.states", i, at),
                           proof_members, &ret->states[ret->state_count++]);
        members_check(reading, object, path, &passport_attestation_fields, others);
}

/* --- a whole text --------------------------------------------------------------------------- */

static int text_parse(const char *text, size_t size, json_t **ret, ErrorDetail *detail) {
        if (size > PASSPORT_MAX)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "The file is larger than a passport may be (%d bytes)",
                                 PASSPORT_MAX);
        int r = json_parse_sized(text, size, ret);
        if (r == SEAL_E_REGISTER_TAMPERED)
                return error_set(detail, r,
                                 "The file is not canonical JSON (RFC 8785), so it is not as "
                                 "sealsd wrote it");
        return r;
}

int passport_parse(const char *text, size_t size, Passport **ret, ErrorDetail *detail) {
        static const char *const others[] = { "attestation", "statement", NULL };
        _cleanup_(passport_freep) Passport *passport = passport_new();
        _cleanup_json_ json_t *document = NULL;
        Reading reading = { .detail = detail };

        if (!passport)
                return -ENOMEM;
        int r = text_parse(text, size, &document, detail);
        if (r != 0)
                return r;
        statement_read(&reading, object_read(&reading, document, "", "statement"),
                       &passport->statement);
        attestation_read(&reading, object_read(&reading, document, "", "attestation"),
                         &passport->attestation);
        members_check(&reading, document, "", &no_fields, others);
        if (reading.r == 0)
                *ret = steal_ptr(passport);
        return reading.r;
}
