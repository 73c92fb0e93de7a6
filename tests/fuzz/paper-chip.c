/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/paper-chip.h"

#include <string.h>

#define HEADER_SIZE 10 /* tag, size, code (Part 1 §18) */
#define CHANGES_MAX 4

/* What a byte of the input makes of an answer. */
enum {
        RIGHT,
        REFUSED,            /* a header with a code of the input's */
        ALTERED,            /* parameters changed before the HMAC is made */
        OTHER_PARAMETERS,   /* all of them the input's, under a right HMAC */
        OTHER_ANSWER,       /* every byte is the input's */
        ALTERED_ON_ITS_WAY, /* bytes changed after the HMAC was made */
        UNSENT,             /* the way to the chip breaks */
        CUT,
        SPOILINGS,
};

/* --- commands ------------------------------------------------------------------------------- */

/* Handles of a command: the ones that tpm/ sends (Part 3). */
static size_t handle_count(TPM2_CC code) {
        switch (code) {
        case TPM2_CC_Startup:
        case TPM2_CC_GetCapability:
        case TPM2_CC_LoadExternal:
        case TPM2_CC_PCR_Read:
        case TPM2_CC_FlushContext:
                return 0;
        case TPM2_CC_StartAuthSession:
        case TPM2_CC_EvictControl:
        case TPM2_CC_NV_UndefineSpace:
        case TPM2_CC_NV_SetBits:
        case TPM2_CC_NV_Extend:
        case TPM2_CC_NV_Read:
        case TPM2_CC_NV_ReadLock:
        case TPM2_CC_PolicySigned:
        case TPM2_CC_PolicySecret:
                return 2;
        case TPM2_CC_PolicyNV:
        case TPM2_CC_NV_Certify:
                return 3;
        default:
                return 1;
        }
}

PaperCommand paper_command(const PaperChip *chip) {
        Input rest = { .data = chip->command, .size = chip->command_size };
        PaperCommand command = {};

        uint16_t tag = input_u16(&rest);
        (void) input_u32(&rest);
        command.code = input_u32(&rest);
        command.handle_count = handle_count(command.code);
        for (size_t i = 0; i < command.handle_count; i++)
                command.handles[i] = input_u32(&rest);
        if (tag == TPM2_ST_SESSIONS)
                command.sessions = input_bytes(&rest, input_u32(&rest));
        command.parameters = rest;
        return command;
}

PaperAuthorization paper_authorization(Input *sessions) {
        PaperAuthorization authorization = { .handle = input_u32(sessions) };

        authorization.nonce_caller = input_field(sessions);
        authorization.attributes = input_u8(sessions);
        (void) input_field(sessions);
        return authorization;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command) {
        PaperChip *chip = (PaperChip *) tcti;

        fuzz_demand(++chip->commands <= PAPER_COMMANDS_MAX);
        fuzz_demand(size >= HEADER_SIZE && size <= sizeof(chip->command));
        memcpy(chip->command, command, size);
        chip->command_size = size;
        return TSS2_RC_SUCCESS;
}

/* --- answers -------------------------------------------------------------------------------- */

void put_sized(Writer *writer, const void *data, size_t size) {
        writer_put_u16(writer, (uint16_t) size);
        if (size > 0)
                writer_put(writer, data, size);
}

static void alter(Input *input, uint8_t *data, size_t size) {
        for (unsigned i = input_u8(input) % CHANGES_MAX + 1; i > 0 && size > 0; i--) {
                size_t at = input_u16(input) % size;

                data[at] ^= input_u8(input);
        }
}

static void refuse(TSS2_RC code, Writer *answer) {
        writer_put_u16(answer, TPM2_ST_NO_SESSIONS);
        writer_put_u32(answer, HEADER_SIZE);
        writer_put_u32(answer, code);
}

static void put_size(Writer *answer) {
        Writer size = writer_over(answer->data + 2, 4);

        writer_put_u32(&size, (uint32_t) answer->used);
}

/* Header, handle, and, where the command has sessions, parameterSize and their proof. */
static void compose(PaperChip *chip, const PaperCommand *command, TPM2_HANDLE handle,
                    Bytes parameters, Writer *answer) {
        bool sessions = command->sessions.size > 0;

        writer_put_u16(answer, sessions ? TPM2_ST_SESSIONS : TPM2_ST_NO_SESSIONS);
        writer_put_u32(answer, 0);
        writer_put_u32(answer, TPM2_RC_SUCCESS);
        if (handle != 0)
                writer_put_u32(answer, handle);
        if (sessions)
                writer_put_u32(answer, (uint32_t) parameters.size);
        writer_put(answer, parameters.data, parameters.size);
        if (sessions)
                paper_authorize(chip, command, parameters, answer);
        fuzz_demand(!answer->overflow);
        put_size(answer);
}

/* A session that began with a spoilt answer may have another handle at the host. */
static bool sessions_known(PaperChip *chip, const PaperCommand *command) {
        Input in = { .data = command->sessions.data, .size = command->sessions.size };

        while (in.size > 0) {
                TPM2_HANDLE handle = paper_authorization(&in).handle;

                if (handle == TPM2_RS_PW)
                        continue;
                if (handle == 0 || !paper_session_find(chip, handle))
                        return false;
        }
        return true;
}

/* The chip's own answer, its parameters spoilt where the input wants that. */
static void answer_compose(PaperChip *chip, unsigned spoiling, Writer *answer) {
        const PaperCommand command = paper_command(chip);
        uint8_t buffer[PAPER_ANSWER_MAX / 2];
        Writer parameters = writer_over(buffer, sizeof(buffer));
        TPM2_HANDLE handle = 0;

        if (!sessions_known(chip, &command)) {
                refuse(TPM2_RC_REFERENCE_S0, answer);
                return;
        }
        if (!paper_answer(chip, &command, &handle, &parameters)) {
                refuse(TPM2_RC_COMMAND_CODE, answer);
                return;
        }
        fuzz_demand(!parameters.overflow);
        if (spoiling == ALTERED)
                alter(&chip->input, buffer, parameters.used);
        if (spoiling == OTHER_PARAMETERS) {
                Bytes other = input_field(&chip->input);

                parameters = writer_over(buffer, sizeof(buffer));
                if (other.size <= sizeof(buffer))
                        writer_put(&parameters, other.data, other.size);
        }
        paper_encrypt(chip, &command, &parameters);
        compose(chip, &command, handle, (Bytes){ .data = buffer, .size = parameters.used }, answer);
}

/* The chip proves nothing to a password. */
static bool is_proved(const PaperCommand *command) {
        Input in = { .data = command->sessions.data, .size = command->sessions.size };

        while (in.size > 0)
                if (paper_authorization(&in).handle != TPM2_RS_PW)
                        return true;
        return false;
}

/*
 * Is what is delivered still what the sessions prove? Header and handle are not part of it: who
 * alters these can only make it fail, or send the host elsewhere.
 */
static bool proof_is_spoilt(const PaperCommand *command, const Writer *right, const Writer *sent) {
        size_t from = HEADER_SIZE;

        if (!is_proved(command))
                return false;
        if (command->code == TPM2_CC_CreatePrimary || command->code == TPM2_CC_Load)
                from += sizeof(TPM2_HANDLE);
        return sent->used != right->used ||
               (right->used > from &&
                memcmp(right->data + from, sent->data + from, right->used - from) != 0);
}

/* As header says: the code of what is delivered. */
static bool says_success(const Writer *answer) {
        static const uint8_t success[4];

        return answer->used >= HEADER_SIZE && memcmp(answer->data + 6, success, 4) == 0;
}

static void answer_replace(PaperChip *chip, unsigned spoiling, Writer *answer) {
        Bytes other;

        switch (spoiling) {
        case REFUSED:
                answer->used = 0;
                refuse(input_u32(&chip->input), answer);
                return;
        case OTHER_ANSWER:
                other = input_field(&chip->input);
                answer->used = 0;
                if (other.size <= answer->size)
                        writer_put(answer, other.data, other.size);
                return;
        case ALTERED_ON_ITS_WAY:
                alter(&chip->input, answer->data, answer->used);
                return;
        case CUT:
                answer->used = input_u16(&chip->input) % (answer->used + 1);
                return;
        }
}

static TSS2_RC receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *ret, int32_t timeout) {
        PaperChip *chip = (PaperChip *) tcti;
        uint8_t right_buffer[PAPER_ANSWER_MAX], buffer[PAPER_ANSWER_MAX];
        Writer right = writer_over(right_buffer, sizeof(right_buffer));
        Writer answer = writer_over(buffer, sizeof(buffer));

        (void) timeout;
        if (!ret) { /* how large it could be */
                *size = sizeof(buffer);
                return TSS2_RC_SUCCESS;
        }
        unsigned spoiling = input_u8(&chip->input) % SPOILINGS;
        if (spoiling == UNSENT)
                return TSS2_TCTI_RC_IO_ERROR;
        answer_compose(chip, spoiling, &right);
        writer_put(&answer, right.data, right.used);
        answer_replace(chip, spoiling, &answer);
        const PaperCommand command = paper_command(chip);
        if (says_success(&answer) && proof_is_spoilt(&command, &right, &answer))
                chip->forged = true;
        if (answer.used < *size)
                *size = answer.used;
        memcpy(ret, answer.data, *size);
        return TSS2_RC_SUCCESS;
}

static void finalize(TSS2_TCTI_CONTEXT *tcti) {
        (void) tcti;
}

static TSS2_RC set_locality(TSS2_TCTI_CONTEXT *tcti, uint8_t locality) {
        (void) tcti;
        (void) locality;
        return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

void paper_chip_init(PaperChip *chip, Input input, const PaperWorld *world, bool index_written) {
        *chip = (PaperChip){
                .tcti = {
                        .magic = 0x7061706572, /* any */
                        .version = 1,
                        .transmit = transmit,
                        .receive = receive,
                        .finalize = finalize,
                        .setLocality = set_locality,
                },
                .input = input,
                .world = world,
                .index_written = index_written,
        };
}
