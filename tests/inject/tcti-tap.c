/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCTI that stands before another one: "PATH/libtcti-tap.so:CHILD", CHILD as tpm2-tss takes it
 * (swtpm:path=…, tabrmd:). It counts the commands that pass and does to them what the control block
 * says. Commands come one at a time, as the TCTI specification asks of its callers; several
 * contexts may share a block.
 */
#include <string.h>
#include <sys/mman.h>

#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tctildr.h>
#include <tss2/tss2_tpm2_types.h>

#include "tests/inject/inject.h"

#define TAP_MAGIC 0x7461702d74637469ULL
#define HEADER_SIZE 10U /* tag, size, code (Part 1 §18.2, §18.4) */

typedef struct Tap {
        TSS2_TCTI_CONTEXT_COMMON_V2 common;
        TSS2_TCTI_CONTEXT *child;
        InjectControl *control;
        bool struck;   /* the command that is under way */
        InjectHow how; /* what is done to it */
        uint8_t buffer[TPM2_MAX_COMMAND_SIZE];
} Tap;

static Tap *tap_of(TSS2_TCTI_CONTEXT *tcti) {
        return tcti && TSS2_TCTI_MAGIC(tcti) == TAP_MAGIC ? (Tap *) tcti : NULL;
}

static uint32_t read_u32(const uint8_t *data) {
        return (uint32_t) data[0] << 24 | (uint32_t) data[1] << 16 | (uint32_t) data[2] << 8 |
               data[3];
}

static void write_u32(uint8_t *data, uint32_t value) {
        for (int i = 0; i < 4; i++)
                data[i] = (uint8_t) (value >> (24 - 8 * i));
}

static void command_count(InjectControl *control, uint32_t code) {
        uint64_t n = __atomic_fetch_add(&control->commands, 1, __ATOMIC_RELAXED);
        uint32_t row = code - INJECT_FIRST_CODE;

        control->ring[n % INJECT_RING] = code;
        if (row >= INJECT_CODES)
                row = INJECT_CODES - 1;
        (void) __atomic_add_fetch(&control->per_code[row], 1, __ATOMIC_RELAXED);
}

static void byte_alter(const InjectFault *fault, uint8_t *data, size_t size) {
        int64_t at = fault->offset < 0 ? (int64_t) size + fault->offset : fault->offset;

        if (at >= 0 && at < (int64_t) size)
                data[at] ^= (uint8_t) fault->mask;
}

static void pattern_replace(const InjectFault *fault, uint8_t *data, size_t size) {
        size_t n = fault->pattern_size;
        uint8_t *found = data;

        if (n == 0 || n > INJECT_PATTERN_MAX)
                return;
        while ((found = memmem(found, size - (size_t) (found - data), fault->pattern, n))) {
                memcpy(found, fault->replacement, n);
                found += n;
        }
}

static bool pattern_is_in(const InjectFault *fault, const uint8_t *data, size_t size) {
        size_t n = fault->pattern_size;

        return n <= INJECT_PATTERN_MAX && memmem(data, size, fault->pattern, n) != NULL;
}

static bool command_is_struck(InjectControl *control, uint32_t code, const uint8_t *command,
                              size_t size) {
        const InjectFault *fault = &control->faults[INJECT_COMMAND];
        uint32_t only = __atomic_load_n(&fault->only, __ATOMIC_RELAXED);

        if (only != 0 && only != code)
                return false;
        if (fault->how == INJECT_REPLACE && !pattern_is_in(fault, command, size))
                return false;
        return inject_strikes(control, INJECT_COMMAND);
}

static TSS2_RC tap_transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, const uint8_t *command) {
        Tap *tap = tap_of(tcti);

        if (!tap || !command)
                return TSS2_TCTI_RC_BAD_REFERENCE;
        if (size < HEADER_SIZE || size > sizeof(tap->buffer))
                return TSS2_TCTI_RC_BAD_VALUE;

        InjectFault *fault = &tap->control->faults[INJECT_COMMAND];
        uint32_t code = read_u32(command + 6);
        command_count(tap->control, code);
        tap->struck = command_is_struck(tap->control, code, command, size);
        tap->how = tap->struck ? fault->how : INJECT_REFUSE;
        if (!tap->struck)
                return Tss2_Tcti_Transmit(tap->child, size, command);
        if (tap->how == INJECT_REFUSE)
                return TSS2_RC_SUCCESS;
        if (tap->how == INJECT_LOSE_COMMAND)
                return TSS2_TCTI_RC_IO_ERROR;
        memcpy(tap->buffer, command, size);
        if (tap->how == INJECT_ALTER_COMMAND)
                byte_alter(fault, tap->buffer, size);
        if (tap->how == INJECT_REPLACE)
                pattern_replace(fault, tap->buffer, size);
        return Tss2_Tcti_Transmit(tap->child, size, tap->buffer);
}

/* An answer that only refuses is a header. */
static TSS2_RC tap_refuse(Tap *tap, size_t *size, uint8_t *answer) {
        if (answer && *size < HEADER_SIZE)
                return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
        if (answer) {
                answer[0] = TPM2_ST_NO_SESSIONS >> 8;
                answer[1] = TPM2_ST_NO_SESSIONS & 0xff;
                write_u32(answer + 2, HEADER_SIZE);
                write_u32(answer + 6, tap->control->faults[INJECT_COMMAND].code);
                tap->struck = false;
        }
        *size = HEADER_SIZE;
        return TSS2_RC_SUCCESS;
}

static TSS2_RC tap_receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *answer,
                           int32_t timeout) {
        Tap *tap = tap_of(tcti);

        if (!tap || !size)
                return TSS2_TCTI_RC_BAD_REFERENCE;
        if (tap->struck && tap->how == INJECT_REFUSE)
                return tap_refuse(tap, size, answer);
        TSS2_RC rc = Tss2_Tcti_Receive(tap->child, size, answer, timeout);
        if (rc != TSS2_RC_SUCCESS || !answer) /* no buffer: only the size was asked for */
                return rc;
        (void) __atomic_add_fetch(&tap->control->answers, 1, __ATOMIC_RELAXED);
        if (!tap->struck)
                return rc;
        if (tap->how == INJECT_ANSWER_REFUSAL)
                return tap_refuse(tap, size, answer);
        tap->struck = false;
        if (tap->how == INJECT_ALTER_ANSWER)
                byte_alter(&tap->control->faults[INJECT_COMMAND], answer, *size);
        return tap->how == INJECT_LOSE_ANSWER ? TSS2_TCTI_RC_IO_ERROR : rc;
}

static void tap_finalize(TSS2_TCTI_CONTEXT *tcti) {
        Tap *tap = tap_of(tcti);

        if (!tap)
                return;
        Tss2_TctiLdr_Finalize(&tap->child);
        (void) munmap(tap->control, sizeof(*tap->control));
}

static TSS2_RC tap_cancel(TSS2_TCTI_CONTEXT *tcti) {
        Tap *tap = tap_of(tcti);

        return tap ? Tss2_Tcti_Cancel(tap->child) : TSS2_TCTI_RC_BAD_REFERENCE;
}

static TSS2_RC tap_poll_handles(TSS2_TCTI_CONTEXT *tcti, TSS2_TCTI_POLL_HANDLE *handles,
                                size_t *count) {
        Tap *tap = tap_of(tcti);

        return tap ? Tss2_Tcti_GetPollHandles(tap->child, handles, count)
                   : TSS2_TCTI_RC_BAD_REFERENCE;
}

static TSS2_RC tap_set_locality(TSS2_TCTI_CONTEXT *tcti, uint8_t locality) {
        Tap *tap = tap_of(tcti);

        return tap ? Tss2_Tcti_SetLocality(tap->child, locality) : TSS2_TCTI_RC_BAD_REFERENCE;
}

static TSS2_RC tap_make_sticky(TSS2_TCTI_CONTEXT *tcti, TPM2_HANDLE *handle, uint8_t sticky) {
        Tap *tap = tap_of(tcti);

        return tap ? Tss2_Tcti_MakeSticky(tap->child, handle, sticky) : TSS2_TCTI_RC_BAD_REFERENCE;
}

static TSS2_RC tap_init(TSS2_TCTI_CONTEXT *tcti, size_t *size, const char *child) {
        Tap *tap = (Tap *) tcti;

        if (!size || !child)
                return TSS2_TCTI_RC_BAD_VALUE;
        if (!tap) {
                *size = sizeof(Tap);
                return TSS2_RC_SUCCESS;
        }
        if (*size < sizeof(Tap))
                return TSS2_TCTI_RC_BAD_VALUE;
        *tap = (Tap){ .common = { .v1 = { .magic = TAP_MAGIC,
                                          .version = 2,
                                          .transmit = tap_transmit,
                                          .receive = tap_receive,
                                          .finalize = tap_finalize,
                                          .cancel = tap_cancel,
                                          .getPollHandles = tap_poll_handles,
                                          .setLocality = tap_set_locality },
                                  .makeSticky = tap_make_sticky } };
        tap->control = inject_map();
        if (!tap->control)
                return TSS2_TCTI_RC_BAD_CONTEXT;
        TSS2_RC rc = Tss2_TctiLdr_Initialize(child, &tap->child);
        if (rc != TSS2_RC_SUCCESS)
                (void) munmap(tap->control, sizeof(*tap->control));
        return rc;
}

__attribute__((visibility("default"))) const TSS2_TCTI_INFO *Tss2_Tcti_Info(void);

const TSS2_TCTI_INFO *Tss2_Tcti_Info(void) {
        static const TSS2_TCTI_INFO info = {
                .version = 2,
                .name = "tap",
                .description = "Counts and spoils what passes to another TCTI.",
                .config_help = "The other TCTI, as NAME:CONFIGURATION.",
                .init = tap_init,
        };

        return &info;
}
