/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults put into a running daemon from outside: a control block in a file that the instruments map
 * and that the test writes (tests/integration/inject.py has the same layout). Each kind of event is
 * counted; a fault that is armed strikes the nth event from then on, once or every time from there,
 * or the first one from there that is reached by a way through the program on which none was struck
 * yet.
 *
 * The test fills a fault's fields while armed is 0 and sets armed last. Instruments never trust the
 * block: what they read from it is bounded before use.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INJECT_VARIABLE "SEALSD_INJECT" /* of the environment: the file's path */
#define INJECT_MAGIC 0x315443454a4e4921ULL
#define INJECT_CODES 256        /* counted one by one, from INJECT_FIRST_CODE */
#define INJECT_FIRST_CODE 0x100 /* below TPM2_CC_FIRST */
#define INJECT_RING 4096
#define INJECT_PATTERN_MAX 64
#define INJECT_FRAMES 20
#define INJECT_MODULE_MAX 40
#define INJECT_PATHS 32768 /* remembered ways, a power of two */

typedef enum InjectKind {
        INJECT_ALLOCATION, /* malloc and its like, in the whole process */
        INJECT_STEP,       /* sqlite3_step, sqlite3_exec */
        INJECT_COMMAND,    /* TPM commands */
        INJECT_KINDS,
} InjectKind;

/* How a TPM command fails. */
typedef enum InjectHow {
        INJECT_REFUSE,         /* not sent; code is the answer */
        INJECT_LOSE_COMMAND,   /* not sent; transmit fails with TSS2_TCTI_RC_IO_ERROR */
        INJECT_LOSE_ANSWER,    /* executed; receive fails with TSS2_TCTI_RC_IO_ERROR */
        INJECT_ALTER_COMMAND,  /* xor mask at offset, sent */
        INJECT_ALTER_ANSWER,   /* sent, the answer xor mask at offset */
        INJECT_REPLACE,        /* sent, pattern replaced; others are not counted */
        INJECT_ANSWER_REFUSAL, /* executed; code is the answer all the same */
} InjectHow;

/* A return address, as addr2line(1) needs it. */
typedef struct InjectFrame {
        uint64_t offset;                /* in the module */
        char module[INJECT_MODULE_MAX]; /* the end of its path; "" is the program */
} InjectFrame;

typedef struct InjectFault {
        uint64_t seen;   /* events in all */
        uint64_t since;  /* events since armed was set */
        uint64_t fired;  /* how many of these failed */
        uint64_t nth;    /* the first to fail, from 1 */
        uint64_t struck; /* the first that failed, 0: none yet */
        uint32_t armed;
        uint32_t lasting;   /* 1: every one from the nth on */
        uint32_t new_paths; /* 1: only what is reached by a new way, once */
        uint32_t reserved;
        uint32_t how;   /* steps: the SQLite result code; commands: InjectHow */
        uint32_t code;  /* commands: the TPM response code */
        uint32_t only;  /* commands: this command code alone is counted and struck; 0: any */
        int32_t offset; /* commands: of the byte to alter; negative from the end */
        uint32_t mask;  /* commands: its low byte is xored in */
        uint32_t pattern_size;
        uint8_t pattern[INJECT_PATTERN_MAX];
        uint8_t replacement[INJECT_PATTERN_MAX];
        InjectFrame frames[INJECT_FRAMES]; /* who met the first one; offset 0 ends them */
} InjectFault;

typedef struct InjectControl {
        uint64_t magic;
        uint64_t size; /* of this struct */
        InjectFault faults[INJECT_KINDS];
        uint64_t starts;    /* of the program */
        uint64_t ends;      /* in order: by exit() or a return from main */
        int64_t live_count; /* allocations that were not freed */
        int64_t live_bytes;
        uint64_t commands;               /* sent or refused, in all */
        uint64_t answers;                /* as the chip gave them, success or not */
        uint64_t per_code[INJECT_CODES]; /* the last one: codes out of range */
        uint32_t ring[INJECT_RING];   /* command codes; the next goes to commands % INJECT_RING */
        uint64_t paths[INJECT_PATHS]; /* hashes of ways on which a fault has struck; 0: free */
} InjectControl;

/* The block that $SEALSD_INJECT names, or NULL with a sentence on standard error. */
InjectControl *inject_map(void);

/* Count an event; does it fail? Remembers who met the first one that does. */
bool inject_strikes(InjectControl *control, InjectKind kind);
