/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TPM that exists on paper: a TCTI inside the process which knows the right answer, its HMAC
 * included, to the commands of tpm/, and lets an input spoil one answer after the other. It keeps
 * no state but sessions, and judges no policy: it is there to answer and not to refuse.
 *
 * One byte of the input is taken for each command and says how it is answered (paper-chip.c); when
 * the input has ended, rightly.
 */
#pragma once

#include <stdbool.h>

#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tpm2_types.h>

#include "tests/fuzz/fuzz.h"
#include "tpm/index.h"

/* More commands than any operation sends: beyond it something does not end. */
#define PAPER_COMMANDS_MAX 1000
#define PAPER_ANSWER_MAX 4096
#define PAPER_SESSIONS 8
#define PAPER_PRIMARY_HANDLE 0x80000000U
#define PAPER_LOADED_HANDLE 0x80000001U

typedef struct PaperSession {
        TPM2_HANDLE handle;
        size_t key_size; /* 0 without a salt */
        uint8_t key[32];
        uint8_t nonce[32]; /* nonceTPM */
        bool auth_value;   /* TPM2_PolicyAuthValue was there */
        bool rolled;       /* the nonce is the next answer's already */
} PaperSession;

/* What the chip is made with; borrowed. The other authValues are empty. */
typedef struct PaperWorld {
        TpmIndex index;     /* revocation */
        TpmIndex ledger;    /* at another handle */
        Secret loaded_auth; /* of every loaded key */
        Secret new_auth;    /* what TPM2_HierarchyChangeAuth will set */
} PaperWorld;

typedef struct PaperChip {
        TSS2_TCTI_CONTEXT_COMMON_V1 tcti; /* first, since the TSS casts */
        Input input;
        const PaperWorld *world;
        bool index_written;
        unsigned commands;
        /* An answer that nobody without the session's key could believe said success. */
        bool forged;
        TPM2B_PUBLIC loaded; /* what PAPER_LOADED_HANDLE is */
        size_t command_size;
        uint8_t command[PAPER_ANSWER_MAX];
        unsigned next_nonce, next_session;
        PaperSession sessions[PAPER_SESSIONS];
} PaperChip;

void paper_chip_init(PaperChip *chip, Input input, const PaperWorld *world, bool index_written);

/* The Name of its storage root key. */
TPM2B_NAME paper_srk_name(void);

/* --- between its files ---------------------------------------------------------------------- */

/* A command taken apart; parameters are what follows handles and sessions. */
typedef struct PaperCommand {
        TPM2_CC code;
        size_t handle_count;
        TPM2_HANDLE handles[3];
        Bytes sessions; /* the authorisation area without its size; empty without sessions */
        Input parameters;
} PaperCommand;

PaperCommand paper_command(const PaperChip *chip);

/*
 * One session of a command's, taken from the authorisation area (Part 1 §18.6.2); its HMAC is not.
 */
typedef struct PaperAuthorization {
        TPM2_HANDLE handle;
        Bytes nonce_caller;
        uint8_t attributes;
} PaperAuthorization;

PaperAuthorization paper_authorization(Input *sessions);

/* paper-answer.c: handle (0: none) and parameters of the right answer; false: no such command. */
bool paper_answer(PaperChip *chip, const PaperCommand *command, TPM2_HANDLE *ret_handle,
                  Writer *parameters);

/* paper-session.c: a session begins; and the right authorisation area of an answer. */
TPM2_HANDLE paper_session_begin(PaperChip *chip, const PaperCommand *command, Writer *parameters);
PaperSession *paper_session_find(PaperChip *chip, TPM2_HANDLE handle);
/* Encrypt the first parameter, a sized buffer, where a session of the command asks for that. */
void paper_encrypt(PaperChip *chip, const PaperCommand *command, Writer *parameters);
void paper_authorize(PaperChip *chip, const PaperCommand *command, Bytes parameters,
                     Writer *answer);
const TPM2B_PUBLIC *paper_srk(void);

/* A sized buffer of the TPM: 16 bits of size, then the bytes. */
void put_sized(Writer *writer, const void *data, size_t size);
