/* SPDX-License-Identifier: Apache-2.0 */
/* The path of a signature: what it costs, what it keeps, and what it lets nobody alter. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "policy/key.h"
#include "tests/fixture/chip.h"
#include "tpm/context.h"
#include "tpm/machine.h"
#include "tpm/salt.h"
#include "tpm/session.h"
#include "tpm/srk.h"

static int sign(Chip *chip, const ChipSeal *seal) {
        TPMT_SIGNATURE signature = {};

        return tpm_seal_sign(chip->tpm, &seal->use, &signature, NULL, NULL);
}

/* Whether the chip signed the digest of the use. */
static bool sign_and_verify(Chip *chip, const ChipSeal *seal) {
        TPMT_SIGNATURE signature = {};
        EVP_PKEY *pkey = NULL;
        uint8_t *der = NULL;
        size_t size;

        assert_int_equal(tpm_seal_sign(chip->tpm, &seal->use, &signature, NULL, NULL), 0);
        assert_int_equal(signature_to_openssl(&signature, &der, &size), 0);
        assert_int_equal(public_to_pkey(&seal->key.public, &pkey), 0);
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
        assert_int_equal(EVP_PKEY_verify_init(context), 1);
        bool good = EVP_PKEY_verify(context, der, size, seal->use.digest.buffer,
                                    seal->use.digest.size) == 1;
        EVP_PKEY_CTX_free(context);
        EVP_PKEY_free(pkey);
        free(der);
        return good;
}

static void forget_commands(Wire *wire) {
        wire->commands = 0;
}

#define assert_commands(chip, ...)                                                         \
        do {                                                                               \
                const TPM2_CC _codes[] = { __VA_ARGS__ };                                  \
                assert_int_equal((chip)->wire.commands, sizeof(_codes) / sizeof(*_codes)); \
                assert_memory_equal((chip)->wire.codes, _codes, sizeof(_codes));           \
                forget_commands(&(chip)->wire);                                            \
        } while (0)

/* What a chip of silicon takes its time for: whoever adds a command has to say so here. */
static void signature_costs_four_commands_after_the_first(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_srk_ensure(chip->tpm, &chip->srk, NULL, NULL, NULL), 0);
        assert_int_equal(sign(chip, &seal), 0);
        assert_commands(chip, TPM2_CC_Load, TPM2_CC_StartAuthSession, TPM2_CC_StartAuthSession,
                        TPM2_CC_PolicyPCR, TPM2_CC_PolicyAuthorize, TPM2_CC_PolicyNV, TPM2_CC_Sign);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(tpm_srk_ensure(chip->tpm, &chip->srk, NULL, NULL, NULL), 0);
                assert_true(sign_and_verify(chip, &seal));
                assert_commands(chip, TPM2_CC_PolicyPCR, TPM2_CC_PolicyAuthorize, TPM2_CC_PolicyNV,
                                TPM2_CC_Sign);
        }
        tpm_release(chip->tpm);
        assert_commands(chip, TPM2_CC_FlushContext, TPM2_CC_FlushContext, TPM2_CC_FlushContext);
        tpm_release(chip->tpm);
        assert_int_equal(chip->wire.commands, 0);
        chip_assert_empty(chip);
}

static void backup_leaf_costs_one_command_more(void **state) {
        Chip *chip = *state;
        SealPolicy policy = chip_seal_policy(chip);
        ChipSeal seal;

        policy.backup = true;
        chip_seal_make(chip, &seal, policy);
        assert_int_equal(sign(chip, &seal), 0);
        wire_tap(&chip->wire, chip->tpm);
        assert_true(sign_and_verify(chip, &seal));
        assert_commands(chip, TPM2_CC_PolicyPCR, TPM2_CC_PolicyAuthorize, TPM2_CC_PolicyNV,
                        TPM2_CC_PolicyOR, TPM2_CC_Sign);
}

static void other_seal_takes_the_place_of_the_first(void **state) {
        Chip *chip = *state;
        SealPolicy policy = chip_seal_policy(chip);
        ChipSeal seal, other;

        chip_seal_make(chip, &seal, policy);
        policy.bit++;
        chip_seal_make(chip, &other, policy);
        assert_int_equal(sign(chip, &seal), 0);
        wire_tap(&chip->wire, chip->tpm);
        assert_true(sign_and_verify(chip, &other));
        assert_commands(chip, TPM2_CC_FlushContext, TPM2_CC_Load, TPM2_CC_PolicyPCR,
                        TPM2_CC_PolicyAuthorize, TPM2_CC_PolicyNV, TPM2_CC_Sign);
        assert_true(sign_and_verify(chip, &seal));
}

static void refusal_costs_a_restart_of_the_session_and_no_more(void **state) {
        Chip *chip = *state;
        ChipSeal seal, elsewhere;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(sign(chip, &seal), 0);
        elsewhere = seal;
        elsewhere.approval.values.values[7].buffer[0] ^= 1;
        elsewhere.use.approvals = &elsewhere.approval;
        assert_int_equal(sign(chip, &elsewhere), SEAL_E_MACHINE_STATE_REFUSED);
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(sign(chip, &elsewhere), SEAL_E_MACHINE_STATE_REFUSED);
        assert_commands(chip, TPM2_CC_PolicyRestart, TPM2_CC_PolicyPCR, TPM2_CC_PCR_Read);
        assert_true(sign_and_verify(chip, &seal));
        assert_commands(chip, TPM2_CC_PolicyRestart, TPM2_CC_PolicyPCR, TPM2_CC_PolicyAuthorize,
                        TPM2_CC_PolicyNV, TPM2_CC_Sign);
}

static void revoked_seal_leaves_its_neighbour_signing(void **state) {
        Chip *chip = *state;
        SealPolicy policy = chip_seal_policy(chip);
        ChipSeal revoked, other;

        chip_seal_make(chip, &revoked, policy);
        policy.bit++;
        chip_seal_make(chip, &other, policy);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &chip->index, 1U << CHIP_BIT, NULL), 0);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(sign(chip, &revoked), SEAL_E_REVOKED);
                assert_true(sign_and_verify(chip, &other));
        }
}

/* The chip judges the bit anew for every signature, whatever is kept for it. */
static void kept_session_does_not_outlive_a_revocation(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(sign(chip, &seal), 0);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &chip->index, 1U << CHIP_BIT, NULL), 0);
        assert_int_equal(tpm_fence(chip->tpm, 15, NULL), 0);
        assert_int_equal(sign(chip, &seal), SEAL_E_REVOKED);
}

/* The simulator has three places for sessions, and what is kept takes two of them. */
static void what_is_kept_makes_room_for_other_sessions(void **state) {
        Chip *chip = *state;
        TpmHandle sessions[3] = {};
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(sign(chip, &seal), 0);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN,
                                                  &sessions[i], NULL),
                                 0);
        assert_int_equal(sign(chip, &seal), SEAL_E_TPM_FULL);
        for (size_t i = 0; i < 3; i++)
                tpm_handle_close(&sessions[i]);
        assert_true(sign_and_verify(chip, &seal));
}

/* --- an interposer --------------------------------------------------------------------------- */

static void alter_digest(Wire *wire, TPM2_CC command, uint8_t *bytes, size_t size) {
        const ChipSeal *seal = wire->userdata;

        if (command != TPM2_CC_Sign)
                return;
        uint8_t *digest = memmem(bytes, size, seal->use.digest.buffer, seal->use.digest.size);
        assert_non_null(digest);
        digest[5] ^= 1;
}

static void digest_altered_on_its_way_is_refused_by_the_chip(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        TPMT_SIGNATURE signature = {};
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(sign(chip, &seal), 0);
        chip->wire.sending = alter_digest;
        chip->wire.userdata = &seal;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_seal_sign(chip->tpm, &seal.use, &signature, NULL, &detail),
                         SEAL_E_TPM_UNAVAILABLE);
        assert_int_equal(signature.sigAlg, 0);
        assert_non_null(strstr(detail.text, "TPM2_Sign: 0x9a2")); /* the chip's own word */
        wire_untap(&chip->wire);
        assert_true(sign_and_verify(chip, &seal));
}

/* Operand, offset and operation are PolicyNV's last twelve bytes: 2 + 8 + 2 + 2. */
static void alter_bit(Wire *wire, TPM2_CC command, uint8_t *bytes, size_t size) {
        (void) wire;
        if (command == TPM2_CC_PolicyNV)
                bytes[size - 5] ^= 3;
}

static void other_bit_asked_for_on_the_way_is_refused(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip->wire.sending = alter_bit;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(sign(chip, &seal), SEAL_E_REGISTER_TAMPERED);
        wire_untap(&chip->wire);
        assert_int_equal(sign(chip, &seal), 0);
}

static void alter_signature(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        (void) wire;
        (void) size;
        if (command == TPM2_CC_Sign)
                answer[30] ^= 1; /* within the signature */
}

static void signature_altered_on_its_way_is_noticed(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        TPMT_SIGNATURE signature = {};
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip->wire.answered = alter_signature;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_seal_sign(chip->tpm, &seal.use, &signature, NULL, &detail),
                         SEAL_E_TPM_UNAVAILABLE);
        assert_int_equal(signature.sigAlg, 0);
        assert_non_null(strstr(detail.text, "altered on its way"));
        wire_untap(&chip->wire);
        chip_assert_empty(chip);
        chip_reconnect(chip);
        assert_int_equal(sign(chip, &seal), 0);
}

/* The last byte of the answer is the session's HMAC's. */
static void alter_hmac(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        if (command == *(const TPM2_CC *) wire->userdata)
                answer[size - 1] ^= 1;
}

static void answer_of_somebody_else_is_noticed(void **state) {
        TPM2_CC commands[] = { TPM2_CC_PolicyNV, TPM2_CC_Sign };
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        for (size_t i = 0; i < 2; i++) {
                chip->wire.answered = alter_hmac;
                chip->wire.userdata = &commands[i];
                wire_tap(&chip->wire, chip->tpm);
                assert_int_equal(sign(chip, &seal), SEAL_E_TPM_UNAVAILABLE);
                wire_untap(&chip->wire);
                chip_reconnect(chip);
        }
}

typedef struct Recording {
        uint8_t answer[TPM2_MAX_RESPONSE_SIZE];
        size_t size;
        bool replay;
} Recording;

static void record_or_replay(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        Recording *recording = wire->userdata;

        if (command != TPM2_CC_Sign)
                return;
        if (recording->replay && recording->size == size)
                memcpy(answer, recording->answer, size);
        memcpy(recording->answer, answer, size);
        recording->size = size;
}

/* ECDSA answers are of the same size but for leading zeros, which the chip does not cut. */
static void answer_of_an_earlier_signature_is_noticed(void **state) {
        Recording recording = {};
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip->wire.answered = record_or_replay;
        chip->wire.userdata = &recording;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(sign(chip, &seal), 0);
        recording.replay = true;
        assert_int_equal(sign(chip, &seal), SEAL_E_TPM_UNAVAILABLE);
        wire_untap(&chip->wire);
        chip_reconnect(chip);
}

/* Tag, size, code (Part 1 §18.4): an answer with success and without its authorisation area. */
static void cut_area(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        (void) wire;
        (void) size;
        if (command == TPM2_CC_PolicyNV)
                answer[1] = TPM2_ST_NO_SESSIONS & 0xff;
}

static void answer_without_authorisation_is_noticed(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip->wire.answered = cut_area;
        wire_tap(&chip->wire, chip->tpm);
        int r = sign(chip, &seal);
        if (r != SEAL_E_TPM_UNAVAILABLE)
                assert_int_equal(r, SEAL_E_TPM_FAILURE);
        wire_untap(&chip->wire);
        chip_reconnect(chip);
        assert_int_equal(sign(chip, &seal), 0);
}

typedef struct Forgery {
        TPM2_CC command;
        TSS2_RC code;
        unsigned times;
} Forgery;

/* The chip did it, and its session went on to the next nonce; only the answer is another. */
static void forge_refusal(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        Forgery *forgery = wire->userdata;

        if (command != forgery->command || forgery->times == 0)
                return;
        forgery->times--;
        Writer writer = writer_over(answer, size);
        writer_put_u16(&writer, TPM2_ST_NO_SESSIONS);
        writer_put_u32(&writer, 10);
        writer_put_u32(&writer, forgery->code);
}

static void forge(Chip *chip, Forgery *forgery) {
        chip->wire.answered = forge_refusal;
        chip->wire.userdata = forgery;
        wire_tap(&chip->wire, chip->tpm);
}

static void forged_refusal_does_not_revoke_a_seal(void **state) {
        Forgery forgery = { TPM2_CC_PolicyNV, TPM2_RC_POLICY, 1 };
        ErrorDetail detail = {};
        Chip *chip = *state;
        TPMT_SIGNATURE signature;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        forge(chip, &forgery);
        assert_int_equal(tpm_seal_sign(chip->tpm, &seal.use, &signature, NULL, &detail),
                         SEAL_E_TPM_UNAVAILABLE);
        assert_int_equal(forgery.times, 0);
        assert_non_null(strstr(detail.text, "altered on its way"));
        wire_untap(&chip->wire);
        assert_true(sign_and_verify(chip, &seal));
}

/* The chip says BAD_AUTH of a session whose nonce is not ours any more, as of a wrong index. */
static void forged_refusal_does_not_make_the_register_suspect(void **state) {
        static const TSS2_RC codes[] = { TPM2_RC_PCR_CHANGED, TPM2_RC_RETRY, TPM2_RC_NV_RATE,
                                         TPM2_RC_LOCALITY };
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
                Forgery forgery = { TPM2_CC_PolicyNV, codes[i], 1 };

                assert_int_equal(sign(chip, &seal), 0);
                forge(chip, &forgery);
                int r = sign(chip, &seal);
                assert_int_equal(forgery.times, 0);
                wire_untap(&chip->wire);
                if (r != 0)
                        assert_int_equal(r, SEAL_E_BUSY);
                assert_true(sign_and_verify(chip, &seal));
        }
}

/* --- a chip that asks for patience ------------------------------------------------------------ */

typedef struct Patience {
        TPM2_CC command;
        TSS2_RC code;
        unsigned times;
} Patience;

static void ask_again(Wire *wire, TPM2_CC command) {
        Patience *patience = wire->userdata;

        if (command == patience->command && patience->times > 0) {
                patience->times--;
                wire->refusal = patience->code;
        }
}

static void command_is_sent_again_when_the_chip_asks_for_it(void **state) {
        static const TPM2_CC commands[] = { TPM2_CC_StartAuthSession, TPM2_CC_PolicyPCR,
                                            TPM2_CC_PolicyNV, TPM2_CC_Sign };
        static const TSS2_RC codes[] = { TPM2_RC_RETRY, TPM2_RC_TESTING, TPM2_RC_YIELDED };
        Patience patience = {};
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip->wire.before = ask_again;
        chip->wire.userdata = &patience;
        wire_tap(&chip->wire, chip->tpm);
        for (size_t i = 0; i < 4; i++)
                for (size_t k = 0; k < 3; k++) {
                        patience = (Patience){ commands[i], codes[k], 4 };
                        tpm_release(chip->tpm);
                        assert_true(sign_and_verify(chip, &seal));
                        assert_int_equal(patience.times, 0);
                }
}

static void command_is_not_sent_for_ever(void **state) {
        Patience patience = { TPM2_CC_Sign, TPM2_RC_RETRY, UINT32_MAX };
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip->wire.before = ask_again;
        chip->wire.userdata = &patience;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(sign(chip, &seal), SEAL_E_BUSY);
        assert_true(UINT32_MAX - patience.times <= 40);
        patience.times = 0;
        assert_true(sign_and_verify(chip, &seal));
}

/* --- what was kept is gone -------------------------------------------------------------------- */

static void chip_reset_between_signatures_asks_for_a_new_connection(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(sign(chip, &seal), 0);
        swtpm_reset(&chip->swtpm);
        assert_int_equal(sign(chip, &seal), SEAL_E_TPM_UNAVAILABLE);
        chip_reconnect(chip);
        assert_true(sign_and_verify(chip, &seal));
}

/* The same key and parts give the same; each of them counts. */
static void session_key_depends_on_all_it_is_made_of(void **state) {
        static const uint8_t salt[SESSION_KEY_SIZE] = { 1 }, other_salt[SESSION_KEY_SIZE] = { 2 };
        const TPM2B_NONCE a = { .size = 32, .buffer = { 1 } }, b = { .size = 32, .buffer = { 2 } };
        uint8_t key[SESSION_KEY_SIZE], again[SESSION_KEY_SIZE];

        (void) state;
        assert_int_equal(session_key_derive(salt, &a, &b, key), 0);
        assert_int_equal(session_key_derive(salt, &a, &b, again), 0);
        assert_memory_equal(key, again, sizeof(key));
        assert_int_equal(session_key_derive(salt, &b, &a, again), 0);
        assert_memory_not_equal(key, again, sizeof(key));
        assert_int_equal(session_key_derive(other_salt, &a, &b, again), 0);
        assert_memory_not_equal(key, again, sizeof(key));
}

static void salt_wants_a_point_on_the_curve(void **state) {
        TPM2B_ENCRYPTED_SECRET encrypted;
        uint8_t salt[SESSION_KEY_SIZE];
        Chip *chip = *state;

        TPM2B_PUBLIC public = chip->tpm->srk_public;
        assert_int_equal(salt_new(&public, &encrypted, salt), 0);
        public.publicArea.unique.ecc.y.buffer[3] ^= 1;
        assert_int_equal(salt_new(&public, &encrypted, salt), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define SEALED(test) cmocka_unit_test_setup_teardown(test, chip_setup_installed, chip_teardown)
                SEALED(signature_costs_four_commands_after_the_first),
                SEALED(backup_leaf_costs_one_command_more),
                SEALED(other_seal_takes_the_place_of_the_first),
                SEALED(refusal_costs_a_restart_of_the_session_and_no_more),
                SEALED(revoked_seal_leaves_its_neighbour_signing),
                SEALED(kept_session_does_not_outlive_a_revocation),
                SEALED(what_is_kept_makes_room_for_other_sessions),
                SEALED(digest_altered_on_its_way_is_refused_by_the_chip),
                SEALED(other_bit_asked_for_on_the_way_is_refused),
                SEALED(signature_altered_on_its_way_is_noticed),
                SEALED(answer_of_somebody_else_is_noticed),
                SEALED(answer_of_an_earlier_signature_is_noticed),
                SEALED(answer_without_authorisation_is_noticed),
                SEALED(forged_refusal_does_not_revoke_a_seal),
                SEALED(forged_refusal_does_not_make_the_register_suspect),
                SEALED(command_is_sent_again_when_the_chip_asks_for_it),
                SEALED(command_is_not_sent_for_ever),
                SEALED(chip_reset_between_signatures_asks_for_a_new_connection),
                cmocka_unit_test(session_key_depends_on_all_it_is_made_of),
                SEALED(salt_wants_a_point_on_the_curve),
#undef SEALED
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
