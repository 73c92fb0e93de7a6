/* SPDX-License-Identifier: Apache-2.0 */
/* Live uses: approvals that the chip takes once, in one session, and for a time. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "policy/approval.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "tests/fixture/approvers.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/live-use.h"
#include "tpm/machine.h"
#include "tpm/policy.h"
#include "tpm/session.h"

#define SECONDS 300

static Approvers approvers;

static int group_make(void **state) {
        (void) state;
        approvers_make(&approvers, "prqp");
        return 0;
}

static int group_done(void **state) {
        (void) state;
        approvers_done(&approvers);
        return 0;
}

static void seal_of(Chip *chip, PeopleSeal *seal, size_t count, size_t threshold) {
        people_seal_make(chip, seal,
                         (PeopleWanted){
                                 .approvers = &approvers,
                                 .count = count,
                                 .threshold = threshold,
                         });
}

static LiveUse *live_open(Chip *chip) {
        ErrorDetail detail = {};
        LiveUse *live = NULL;

        if (tpm_live_use_open(chip->tpm, &live, &detail) != 0)
                fail_msg("%s", detail.text);
        return live;
}

static void live_approvals_sign_once(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 3, 2);
        for (unsigned set = 3; set < 7; set += set == 3 ? 2 : 1) {
                LiveUse *live = live_open(chip);

                assert_false(tpm_live_use_is_spent(live));
                people_approve(&seal, set, live, SECONDS);
                people_assert_signs(chip, &seal);
                assert_true(tpm_live_use_is_spent(live));
                assert_int_equal(people_use(chip, &seal, &detail), SEAL_E_APPROVAL_USED);
                (void) tpm_live_use_free(live);
        }
        tpm_release(chip->tpm);
        chip_assert_empty(chip);
}

/* ---- the chip's own refusals: sent as they are ------------------------------------------- */

/* An approval as somebody presents it. */
typedef struct Shown {
        const TPM2B_NONCE *nonce;
        int32_t expiration;
        TPM2B_DIGEST cphash;
        TPM2B_DIGEST ref;
} Shown;

static Shown shown_of(const PeopleSeal *seal, const TPM2B_NONCE *nonce, int32_t expiration) {
        Shown shown = { .nonce = nonce, .expiration = expiration };
        TPM2B_NAME name;

        assert_int_equal(public_name(&seal->base.key.public, &name), 0);
        assert_int_equal(
                cphash_sign(&name, &seal->base.use.digest, &seal->base.use.scheme, &shown.cphash),
                0);
        assert_int_equal(policy_ref(REF_SEAL, seal->base.policy.number, &shown.ref), 0);
        return shown;
}

/* PolicySigned with the first approver's signature. */
static int show(const TpmHandle *session, const PeopleSeal *seal, const Shown *shown,
                ErrorDetail *detail) {
        const PolicyTerm term = {
                .kind = POLICY_SIGNED,
                .signing = { .key = approvers.keys[0].name, .ref = shown->ref },
        };
        const PolicySignature signature = {
                .key = &seal->signatures[0].key,
                .nonce = shown->nonce,
                .cphash = &shown->cphash,
                .signature = &seal->signatures[0].signature,
                .expiration = shown->expiration,
        };
        const PolicyInputs inputs = { .signatures = &signature, .signature_count = 1 };

        return tpm_policy_apply(session, &term, 1, &inputs, detail);
}

/* What the machine gives: PolicyPCR, PolicyAuthorize, PolicyNV. */
static void satisfy_machine(Chip *chip, const TpmHandle *session, const PeopleSeal *seal) {
        const ChipSeal *base = &seal->base;
        _cleanup_(tpm_handle_close) TpmHandle hmac = {};
        PolicyTerm pcr = { .kind = POLICY_PCR };
        PolicyLeaf leaf;
        const PolicyInputs inputs = {
                .approved = &base->approval.policy,
                .ticket = &base->approval.ticket,
                .index = &chip->index,
                .hmac = &hmac,
        };

        assert_int_equal(seal_policy_use_leaf(&base->policy, 1, &leaf), 0);
        pcr.pcr.selection = base->approval.values.selection;
        assert_int_equal(pcr_values_digest(&base->approval.values, &pcr.pcr.digest), 0);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &hmac, NULL), 0);
        assert_int_equal(tpm_policy_apply(session, &pcr, 1, NULL, NULL), 0);
        assert_int_equal(tpm_policy_apply(session, leaf.terms, 2, &inputs, NULL), 0);
}

static int sign(const TpmHandle *session, const PeopleSeal *seal, ErrorDetail *detail) {
        const SealKey *key = &seal->base.key;
        _cleanup_(tpm_handle_close) TpmHandle loaded = {};
        TPMT_SIGNATURE signature;

        assert_int_equal(
                tpm_key_load(session->tpm, NULL, &key->public, &key->private, &loaded, NULL), 0);
        return tpm_key_sign(&loaded, session, &seal->base.use.digest, &seal->base.use.scheme,
                            &signature, detail);
}

static void assert_code(const ErrorDetail *detail, const char *step, const char *code) {
        if (!strstr(detail->text, step) || !strstr(detail->text, code))
                fail_msg("'%s' is not %s at %s", detail->text, code, step);
}

/* A session of the attacker's own in place of the LiveUse's, and its nonce approved. */
static TPM2B_NONCE approve_own_session(PeopleSeal *seal, const TpmHandle *session,
                                       int32_t expiration) {
        _cleanup_esys_ TPM2B_NONCE *nonce = NULL;
        UseTarget target = people_target(seal, NULL, 0);

        assert_int_equal(Esys_TRSess_GetNonceTPM(session->tpm->esys, session->tr, &nonce), 0);
        target.live = true;
        target.nonce = *nonce;
        target.expiration = expiration;
        seal->signatures[0] = (ApproverSignature){
                .key = approvers.keys[0].public,
                .signature = people_sign(&approvers.keys[0], &target),
        };
        return *nonce;
}

static void used_live_approval_is_refused_in_its_own_session_and_in_another(void **state) {
        TpmHandle session = {}, another = {};
        ErrorDetail detail = {};
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 1, 1);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, NULL),
                         0);
        const TPM2B_NONCE nonce = approve_own_session(&seal, &session, SECONDS);
        const Shown shown = shown_of(&seal, &nonce, SECONDS);
        satisfy_machine(chip, &session, &seal);
        assert_int_equal(show(&session, &seal, &shown, NULL), 0);
        assert_int_equal(sign(&session, &seal, NULL), 0);

        satisfy_machine(chip, &session, &seal);
        assert_int_not_equal(show(&session, &seal, &shown, &detail), 0);
        assert_code(&detail, "TPM2_PolicySigned", "0x1cf");
        tpm_handle_close(&session);

        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &another, NULL),
                         0);
        satisfy_machine(chip, &another, &seal);
        assert_int_not_equal(show(&another, &seal, &shown, &detail), 0);
        assert_code(&detail, "TPM2_PolicySigned", "0x1cf");
        tpm_handle_close(&another);
}

static void live_approval_does_not_pass_for_a_deferred_one(void **state) {
        TpmHandle session = {};
        ErrorDetail detail = {};
        Chip *chip = *state;
        PeopleSeal seal;
        Shown shown;

        seal_of(chip, &seal, 1, 1);
        LiveUse *live = live_open(chip);
        people_approve(&seal, 1, live, SECONDS);
        const TPM2B_NONCE nonce = *tpm_live_use_nonce(live);
        (void) tpm_live_use_free(live);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, NULL),
                         0);
        satisfy_machine(chip, &session, &seal);
        shown = shown_of(&seal, NULL, 0);
        assert_int_not_equal(show(&session, &seal, &shown, &detail), 0);
        assert_code(&detail, "TPM2_PolicySigned", "0x5db");
        shown.expiration = SECONDS;
        assert_int_not_equal(show(&session, &seal, &shown, &detail), 0);

        /* The same 100 bytes cut otherwise, without a nonce: the reference is longer then. */
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer writer = writer_over(bytes, sizeof(bytes));

        shown = shown_of(&seal, &nonce, SECONDS);
        approval_signed_bytes(&nonce, SECONDS, &shown.cphash, &shown.ref, &writer);
        assert_int_equal(writer.used, 100);
        shown.nonce = NULL;
        shown.expiration = 0;
        for (size_t i = 0; i < 4; i++)
                shown.expiration = (int32_t) ((uint32_t) shown.expiration << 8 | bytes[i]);
        memcpy(shown.cphash.buffer, bytes + 4, 32);
        shown.ref.size = 64;
        memcpy(shown.ref.buffer, bytes + 36, 64);
        if (shown.expiration > 0 && show(&session, &seal, &shown, &detail) == 0) {
                assert_int_not_equal(sign(&session, &seal, &detail), 0);
                assert_code(&detail, "TPM2_Sign", "0x99d");
        }
        tpm_handle_close(&session);
        tpm_release(chip->tpm);
}

static void deferred_approval_does_not_pass_for_a_live_one(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 1, 1);
        people_approve(&seal, 1, NULL, 0);
        LiveUse *live = live_open(chip);
        seal.by.live = live;
        seal.by.expiration = SECONDS;
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_APPROVAL_INVALID);
        (void) tpm_live_use_free(live);
}

/* ---- time -------------------------------------------------------------------------------- */

static uint64_t chip_time(Chip *chip) {
        _cleanup_esys_ TPMS_TIME_INFO *now = NULL;

        assert_int_equal(Esys_ReadClock(chip->tpm->esys, NO_SESSIONS, &now), 0);
        return now->time;
}

/* The chip's own clock, which counts while it is asked. */
static void wait_for(Chip *chip, uint64_t until) {
        while (chip_time(chip) < until)
                continue;
}

static void live_approval_is_refused_after_its_expiration(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 1, 1);
        LiveUse *live = live_open(chip);
        people_approve(&seal, 1, live, 1);
        wait_for(chip, chip_time(chip) + 2100);
        assert_int_equal(people_use(chip, &seal, &detail), SEAL_E_APPROVAL_EXPIRED);
        assert_code(&detail, "TPM2_PolicySigned", "0x4e3");
        assert_false(tpm_live_use_is_spent(live));
        /* What is signed anew in the same session, for longer, is as good as ever. */
        people_approve(&seal, 1, live, SECONDS);
        people_assert_signs(chip, &seal);
        (void) tpm_live_use_free(live);
}

/* Shown in time, and kept: the chip looks at its clock once more when it is to sign. */
static void session_that_was_opened_in_time_does_not_sign_later(void **state) {
        TpmHandle session = {};
        ErrorDetail detail = {};
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 1, 1);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, NULL),
                         0);
        const TPM2B_NONCE nonce = approve_own_session(&seal, &session, 6);
        const Shown shown = shown_of(&seal, &nonce, 6);
        satisfy_machine(chip, &session, &seal);
        assert_int_equal(show(&session, &seal, &shown, NULL), 0);
        wait_for(chip, chip_time(chip) + 7100);
        assert_int_not_equal(sign(&session, &seal, &detail), 0);
        assert_code(&detail, "TPM2_Sign", "0x9a3");
        /* ... also when it is shown again. */
        assert_int_equal(tpm_policy_restart(&session, NULL), 0);
        satisfy_machine(chip, &session, &seal);
        assert_int_not_equal(show(&session, &seal, &shown, &detail), 0);
        assert_code(&detail, "TPM2_PolicySigned", "0x4e3");
        tpm_handle_close(&session);
}

/* ---- refusals that leave it as it was ---------------------------------------------------- */

static void refusals_leave_nonce_and_approvals_good(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 2, 2);
        LiveUse *live = live_open(chip);
        const TPM2B_NONCE before = *tpm_live_use_nonce(live);
        people_approve(&seal, 3, live, SECONDS);

        seal.base.use.digest.buffer[0] = 'B';
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_APPROVAL_INVALID);
        seal.base.use.digest.buffer[0] = 'A';
        chip_pcr_extend(chip, 7);
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_MACHINE_STATE_REFUSED);
        seal.base.approval = chip_approve(chip, &chip->key, CHIP_PROFILE);
        assert_int_equal(tpm_fence(chip->tpm, 15, NULL), 0);
        tpm_release(chip->tpm);

        assert_memory_equal(tpm_live_use_nonce(live)->buffer, before.buffer, before.size);
        people_assert_signs(chip, &seal);
        (void) tpm_live_use_free(live);
}

static void wrong_pin_leaves_the_approvals_good(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        PeopleSeal seal;

        people_seal_make(chip, &seal,
                         (PeopleWanted){
                                 .approvers = &approvers,
                                 .count = 2,
                                 .threshold = 1,
                                 .pin = true,
                         });
        LiveUse *live = live_open(chip);
        people_approve(&seal, 2, live, SECONDS);
        seal.pin.data[0] ^= 1;
        assert_int_equal(people_use(chip, &seal, &detail), SEAL_E_WRONG_PIN);
        assert_non_null(strstr(detail.text, "2 tries are left"));
        seal.pin.data[0] ^= 1;
        people_assert_signs(chip, &seal);
        (void) tpm_live_use_free(live);
}

static void other_numbers_than_the_policy_has_are_not_sent(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 3, 2);
        LiveUse *live = live_open(chip);
        people_approve(&seal, 1, live, SECONDS);
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_APPROVAL_REQUIRED);
        people_approve(&seal, 7, live, SECONDS);
        assert_int_equal(people_use(chip, &seal, NULL), -EINVAL);
        people_approve(&seal, 3, live, SECONDS);
        seal.by.approvers = 5;
        assert_int_equal(people_use(chip, &seal, NULL), -EINVAL);
        people_approve(&seal, 3, live, SECONDS);
        seal.signatures[1].approver = 0;
        assert_int_equal(people_use(chip, &seal, NULL), -EINVAL);
        people_approve(&seal, 3, live, SECONDS);
        seal.signatures[1].key = approvers.keys[3].public;
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_APPROVAL_INVALID);
        static const int32_t wrong[] = { 0, -1, LIVE_USE_SECONDS_MAX + 1 };
        for (size_t i = 0; i < 3; i++) {
                people_approve(&seal, 3, live, SECONDS);
                seal.by.expiration = wrong[i];
                assert_int_equal(people_use(chip, &seal, NULL), -EINVAL);
        }
        people_approve(&seal, 3, NULL, 0);
        seal.by.expiration = 1;
        assert_int_equal(people_use(chip, &seal, NULL), -EINVAL);
        (void) tpm_live_use_free(live);
        assert_false(tpm_holds(chip->tpm)); /* the chip was not asked at all */
}

/* ---- room -------------------------------------------------------------------------------- */

static void no_more_are_open_than_the_chip_has_room_for(void **state) {
        LiveUse *second = NULL;
        ErrorDetail detail = {};
        Chip *chip = *state;

        assert_int_equal(tpm_live_uses_max(chip->tpm), 1);
        LiveUse *live = live_open(chip);
        assert_int_equal(tpm_live_use_open(chip->tpm, &second, &detail), SEAL_E_BUSY);
        assert_null(second);
        assert_non_null(strstr(detail.text, "deferred"));
        assert_null(tpm_live_use_free(live));
        assert_null(tpm_live_use_free(NULL));
        live = live_open(chip);
        (void) tpm_live_use_free(live);
}

/* Three sessions are all that a chip need load: nothing else waits for the approvers. */
static void everything_else_works_while_a_live_use_waits(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;
        ChipSeal plain;
        uint64_t bits;

        seal_of(chip, &seal, 1, 1);
        chip_seal_make(chip, &plain, chip_seal_policy(chip));
        LiveUse *live = live_open(chip);
        people_approve(&seal, 1, live, SECONDS);
        for (int i = 0; i < 2; i++) {
                TPMT_SIGNATURE signature;
                ChipSeal born;

                assert_int_equal(tpm_seal_sign(chip->tpm, &plain.use, &signature, NULL, NULL), 0);
                chip_seal_make(chip, &born, chip_seal_policy(chip));
                assert_int_equal(tpm_index_read_bits(chip->tpm, &chip->index, &bits, NULL), 0);
                assert_int_equal(tpm_seal_sign(chip->tpm, &plain.use, &signature, NULL, NULL), 0);
        }
        people_assert_signs(chip, &seal);
        (void) tpm_live_use_free(live);
}

static void live_use_dies_with_a_reset(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 1, 1);
        LiveUse *live = live_open(chip);
        people_approve(&seal, 1, live, SECONDS);
        swtpm_reset(&chip->swtpm);
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_TPM_UNAVAILABLE);
        (void) tpm_live_use_free(live);
        chip_reconnect(chip);
}

#define chip_test(name) cmocka_unit_test_setup_teardown(name, chip_setup_installed, chip_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                chip_test(live_approvals_sign_once),
                chip_test(used_live_approval_is_refused_in_its_own_session_and_in_another),
                chip_test(live_approval_does_not_pass_for_a_deferred_one),
                chip_test(deferred_approval_does_not_pass_for_a_live_one),
                chip_test(live_approval_is_refused_after_its_expiration),
                chip_test(session_that_was_opened_in_time_does_not_sign_later),
                chip_test(refusals_leave_nonce_and_approvals_good),
                chip_test(wrong_pin_leaves_the_approvals_good),
                chip_test(other_numbers_than_the_policy_has_are_not_sent),
                chip_test(no_more_are_open_than_the_chip_has_room_for),
                chip_test(everything_else_works_while_a_live_use_waits),
                chip_test(live_use_dies_with_a_reset),
        };

        return cmocka_run_group_tests(tests, group_make, group_done);
}
