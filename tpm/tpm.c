/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/tpm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tss2/tss2_sys.h>
#include <tss2/tss2_tctildr.h>

#include "tpm/context.h"

Tpm *tpm_free(Tpm *tpm) {
        if (!tpm)
                return NULL;
        tpm_release(tpm);
        tpm_handle_close(&tpm->srk);
        if (tpm->esys)
                Esys_Finalize(&tpm->esys);
        if (tpm->tcti)
                Tss2_TctiLdr_Finalize(&tpm->tcti); /* lets be what the loader did not make */
        free(tpm->name);
        free(tpm);
        return NULL;
}

/*
 * A chip behind firmware and kernel was started long ago; a bare simulator was not. The first
 * command tells, so that nothing is sent to a running chip that it would refuse.
 */
static int chip_start(Tpm *tpm, ErrorDetail *detail) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;
        TPMI_YES_NO more;

        TSS2_RC rc = Esys_GetCapability(tpm->esys, NO_SESSIONS, TPM2_CAP_TPM_PROPERTIES,
                                        TPM2_PT_FAMILY_INDICATOR, 1, &more, &data);
        if (tpm_rc_chip(rc) != TPM2_RC_INITIALIZE)
                return tpm_rc(rc, TPM_STEP_GET_CAPABILITY, detail);
        rc = Esys_Startup(tpm->esys, TPM2_SU_CLEAR);
        if (tpm_rc_chip(rc) == TPM2_RC_INITIALIZE) /* somebody else did it in between */
                return 0;
        return tpm_rc(rc, TPM_STEP_STARTUP, detail);
}

/* One of tpm2-tss's own ways, without what may stand before it. */
static bool child_is_direct(const char *tcti) {
        static const char device[] = "device:/dev/tpm";

        if (strncmp(tcti, device, sizeof(device) - 1) == 0) {
                const char *number = tcti + sizeof(device) - 1; /* /dev/tpmrm0 is the manager's */

                return number[0] != '\0' && number[strspn(number, "0123456789")] == '\0';
        }
        return strcmp(tcti, "swtpm") == 0 || strncmp(tcti, "swtpm:", 6) == 0 ||
               strcmp(tcti, "mssim") == 0 || strncmp(tcti, "mssim:", 6) == 0;
}

/*
 * pcap and other TCTIs that look on are configured with the one behind them:
 * "pcap:device:/dev/tpm0".
 */
bool tcti_is_direct(const char *tcti) {
        const char *colon;

        while (!child_is_direct(tcti) && (colon = strchr(tcti, ':')))
                tcti = colon + 1;
        return child_is_direct(tcti);
}

/* By SAPI, since ESAPI flushes only what it has made. */
static int flush_all(Tpm *tpm, TPM2_HT type, ErrorDetail *detail) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;
        TSS2_SYS_CONTEXT *sys = NULL;

        int r = tpm_capability(tpm, TPM2_CAP_HANDLES, (TPM2_HANDLE) type << TPM2_HR_SHIFT,
                               TPM2_MAX_CAP_HANDLES, &data, detail);
        if (r == 0)
                r = tpm_rc(Esys_GetSysContext(tpm->esys, &sys), TPM_STEP_FLUSH_CONTEXT, detail);
        for (uint32_t i = 0; r == 0 && i < data->data.handles.count; i++)
                r = tpm_rc(Tss2_Sys_FlushContext(sys, data->data.handles.handle[i]),
                           TPM_STEP_FLUSH_CONTEXT, detail);
        return r;
}

/*
 * What a connection that broke could not flush stays in a chip that no resource manager sweeps, and
 * three keys fill it. Saved sessions are let be: sealsd saves none, but the kernel keeps those of
 * /dev/tpmrm0's users that way.
 */
static int clean_slate(Tpm *tpm, ErrorDetail *detail) {
        if (!tcti_is_direct(tpm->name))
                return 0;
        int r = flush_all(tpm, TPM2_HT_TRANSIENT, detail);
        return r != 0 ? r : flush_all(tpm, TPM2_HT_LOADED_SESSION, detail);
}

static int connection_begin(Tpm *tpm, ErrorDetail *detail) {
        int r = tpm_rc(Esys_Initialize(&tpm->esys, tpm->tcti, NULL), TPM_STEP_CONNECT, detail);
        if (r != 0)
                return r;
        /*
         * ESAPI's one-call functions block, and send a command again when the chip answers
         * TPM_RC_RETRY, TPM_RC_TESTING or TPM_RC_YIELDED (up to _ESYS_MAX_SUBMISSIONS times);
         * only what is left after that reaches tpm_rc().
         */
        r = tpm_rc(Esys_SetTimeout(tpm->esys, TSS2_TCTI_TIMEOUT_BLOCK), TPM_STEP_CONNECT, detail);
        if (r == 0)
                r = chip_start(tpm, detail);
        return r != 0 ? r : clean_slate(tpm, detail);
}

/* given NULL: the one that the loader finds by the name. */
static int connection_open(Tpm **ret, const char *name, TSS2_TCTI_CONTEXT *given,
                           ErrorDetail *detail) {
        _cleanup_(tpm_freep) Tpm *tpm = calloc(1, sizeof(*tpm));
        int r = 0;

        if (!tpm)
                return -ENOMEM;
        tpm->name = strdup(name);
        if (!tpm->name)
                return -ENOMEM;
        tpm->tcti = given;
        if (!given)
                r = tpm_rc(Tss2_TctiLdr_Initialize(name, &tpm->tcti), TPM_STEP_CONNECT, detail);
        if (r == 0)
                r = connection_begin(tpm, detail);
        if (r == 0)
                *ret = steal_ptr(tpm);
        return r;
}

int tpm_new_over(Tpm **ret, const char *name, TSS2_TCTI_CONTEXT *tcti, ErrorDetail *detail) {
        return connection_open(ret, name, tcti, detail);
}

int tpm_new(Tpm **ret, const char *tcti, ErrorDetail *detail) {
        if (tcti && tcti[0] != '\0')
                return connection_open(ret, tcti, NULL, detail);
        if (connection_open(ret, "tabrmd:", NULL, NULL) == 0)
                return 0;
        return connection_open(ret, "device:/dev/tpmrm0", NULL, detail);
}

void tpm_release(Tpm *tpm) {
        signer_close(&tpm->signer);
}

bool tpm_holds(const Tpm *tpm) {
        return tpm->signer.key.tpm || tpm->signer.hmac.tpm || tpm->signer.policy.session.tpm;
}

bool tpm_is_shared(const Tpm *tpm) {
        return !tcti_is_direct(tpm->name);
}

void tpm_flushed(Tpm *tpm, TSS2_RC rc) {
        if (rc != TSS2_RC_SUCCESS && !tpm_rc_is(rc, TPM2_RC_HANDLE))
                tpm->littered = true;
}

bool tpm_is_littered(const Tpm *tpm) {
        return tpm->littered;
}

const char *tpm_tcti(const Tpm *tpm) {
        return tpm->name;
}

int tpm_capability(Tpm *tpm, TPM2_CAP capability, uint32_t first, uint32_t count,
                   TPMS_CAPABILITY_DATA **ret, ErrorDetail *detail) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;
        TPMI_YES_NO more;

        int r = tpm_rc(
                Esys_GetCapability(tpm->esys, NO_SESSIONS, capability, first, count, &more, &data),
                TPM_STEP_GET_CAPABILITY, detail);
        if (r != 0)
                return r;
        /*
         * The lists of the union have room for different counts, so another one would be overrun.
         */
        if (data->capability != capability) {
                (void) error_set(detail, SEAL_E_TPM_FAILURE,
                                 "TPM2_GetCapability gave capability %u instead of %u",
                                 data->capability, capability);
                return SEAL_E_TPM_FAILURE; /* as the analyzer cannot see what error_set returns */
        }
        *ret = steal_ptr(data);
        return 0;
}

/* Four characters of a property, most significant first, joined with single spaces. */
static void text_add(char *text, size_t *used, uint32_t word) {
        for (int shift = 24; shift >= 0; shift -= 8) {
                char c = (char) (word >> shift & 0xff);

                if (c == ' ' && *used > 0 && text[*used - 1] != ' ')
                        text[(*used)++] = c;
                else if (c > ' ' && c < 0x7f)
                        text[(*used)++] = c;
        }
}

static uint32_t property_find(const TPML_TAGGED_TPM_PROPERTY *list, TPM2_PT property) {
        for (uint32_t i = 0; i < list->count; i++)
                if (list->tpmProperty[i].property == property)
                        return list->tpmProperty[i].value;
        return 0;
}

int tpm_describe(Tpm *tpm, char *ret, size_t size, ErrorDetail *detail) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;
        char text[5 * 4 + 2] = "";
        size_t used = 0;

        int r = tpm_capability(tpm, TPM2_CAP_TPM_PROPERTIES, TPM2_PT_MANUFACTURER,
                               TPM2_PT_FIRMWARE_VERSION_2 - TPM2_PT_MANUFACTURER + 1, &data,
                               detail);
        if (r != 0)
                return r;
        const TPML_TAGGED_TPM_PROPERTY *list = &data->data.tpmProperties;
        text_add(text, &used, property_find(list, TPM2_PT_MANUFACTURER));
        if (used > 0 && text[used - 1] != ' ')
                text[used++] = ' ';
        for (TPM2_PT p = TPM2_PT_VENDOR_STRING_1; p <= TPM2_PT_VENDOR_STRING_4; p++)
                text_add(text, &used, property_find(list, p));
        while (used > 0 && text[used - 1] == ' ')
                used--;
        uint32_t version = property_find(list, TPM2_PT_FIRMWARE_VERSION_1);
        (void) snprintf(ret, size, "%.*s %u.%u", (int) used, text, version >> 16, version & 0xffff);
        return 0;
}
