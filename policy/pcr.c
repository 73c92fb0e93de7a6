/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/pcr.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/digest.h"

typedef struct Bank {
        TPMI_ALG_HASH alg;
        const char *prefix;
        UINT16 size;
} Bank;

static const Bank banks[] = {
        { TPM2_ALG_SHA256, "sha256:", TPM2_SHA256_DIGEST_SIZE },
        { TPM2_ALG_SHA384, "sha384:", TPM2_SHA384_DIGEST_SIZE },
};

#define BANK_COUNT (sizeof(banks) / sizeof(banks[0]))

static const Bank *bank_by_alg(TPMI_ALG_HASH alg) {
        for (size_t i = 0; i < BANK_COUNT; i++)
                if (banks[i].alg == alg)
                        return &banks[i];
        return NULL;
}

static const Bank *bank_by_text(const char *text) {
        for (size_t i = 0; i < BANK_COUNT; i++)
                if (strncmp(text, banks[i].prefix, strlen(banks[i].prefix)) == 0)
                        return &banks[i];
        return NULL;
}

/* A decimal number of at most two digits, without leading zeros. Moves *text behind it. */
static bool number_parse(const char **text, unsigned *ret) {
        const char *p = *text;
        unsigned value = 0;

        while (isdigit((unsigned char) *p) && p < *text + 2)
                value = value * 10 + (unsigned) (*p++ - '0');
        if (p == *text || isdigit((unsigned char) *p) || (**text == '0' && p > *text + 1))
                return false;
        *text = p;
        *ret = value;
        return true;
}

static int pcr_add(unsigned pcr, unsigned fence_pcr, uint32_t *mask, ErrorDetail *detail) {
        if (pcr >= PCR_COUNT)
                return error_set(detail, SEAL_E_INVALID_ARGS, "There is no PCR %u", pcr);
        if (pcr == PCR_IMA)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "PCR %u changes with every file that is measured", pcr);
        if (pcr == fence_pcr)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "PCR %u is the one that revocation extends", pcr);
        if (*mask & (UINT32_C(1) << pcr))
                return error_set(detail, SEAL_E_INVALID_ARGS, "PCR %u is named twice", pcr);
        *mask |= UINT32_C(1) << pcr;
        return 0;
}

static int mask_parse(const char *text, unsigned fence_pcr, uint32_t *ret, ErrorDetail *detail) {
        uint32_t mask = 0;

        for (;;) {
                unsigned pcr;

                if (!number_parse(&text, &pcr))
                        return error_set(detail, SEAL_E_INVALID_ARGS,
                                         "PCRs are numbers from 0 to %d, separated by commas",
                                         PCR_COUNT - 1);
                int r = pcr_add(pcr, fence_pcr, &mask, detail);
                if (r != 0)
                        return r;
                if (*text == '\0')
                        break;
                if (*text++ != ',')
                        return error_set(detail, SEAL_E_INVALID_ARGS,
                                         "PCRs are separated by commas and nothing else");
        }
        *ret = mask;
        return 0;
}

int pcr_selection_parse(const char *text, unsigned fence_pcr, PcrSelection *ret,
                        ErrorDetail *detail) {
        uint32_t mask = 0;

        const Bank *bank = bank_by_text(text);
        if (!bank)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "A PCR selection begins with sha256: or sha384:");
        int r = mask_parse(text + strlen(bank->prefix), fence_pcr, &mask, detail);
        if (r != 0)
                return r;
        *ret = (PcrSelection){ .bank = bank->alg, .mask = mask };
        return 0;
}

const char *pcr_selection_format(const PcrSelection *selection, char *ret) {
        const Bank *bank = bank_by_alg(selection->bank);
        const char *separator = "";
        char *p = ret, *end = ret + PCR_TEXT_MAX + 1;

        p += snprintf(p, (size_t) (end - p), "%s", bank ? bank->prefix : "unknown:");
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                if (!(selection->mask & (UINT32_C(1) << pcr)))
                        continue;
                p += snprintf(p, (size_t) (end - p), "%s%u", separator, pcr);
                separator = ",";
        }
        return ret;
}

void pcr_selection_list(const PcrSelection *selection, TPML_PCR_SELECTION *ret) {
        *ret = (TPML_PCR_SELECTION){
                .count = 1,
                .pcrSelections = { {
                        .hash = selection->bank,
                        .sizeofSelect = PCR_COUNT / 8,
                        .pcrSelect = { (BYTE) selection->mask, (BYTE) (selection->mask >> 8),
                                       (BYTE) (selection->mask >> 16) },
                } },
        };
}

int pcr_values_digest(const PcrValues *values, TPM2B_DIGEST *ret) {
        uint8_t all[PCR_COUNT * TPM2_SHA384_DIGEST_SIZE];
        Writer w = writer_over(all, sizeof(all));

        const Bank *bank = bank_by_alg(values->selection.bank);
        if (!bank || values->selection.mask == 0 || values->selection.mask >> PCR_COUNT)
                return -EINVAL;
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                if (!(values->selection.mask & (UINT32_C(1) << pcr)))
                        continue;
                if (values->values[pcr].size != bank->size)
                        return -EINVAL;
                writer_put_digest(&w, &values->values[pcr]);
        }
        return digest_written(&w, ret);
}

static bool digest_equal(const TPM2B_DIGEST *a, const TPM2B_DIGEST *b) {
        return a->size == b->size && a->size <= sizeof(a->buffer) &&
               memcmp(a->buffer, b->buffer, a->size) == 0;
}

uint32_t pcr_values_differing(const PcrValues *a, const PcrValues *b) {
        uint32_t differing = 0;

        if (a->selection.bank != b->selection.bank)
                return a->selection.mask;
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                uint32_t bit = UINT32_C(1) << pcr;

                if (!(a->selection.mask & bit))
                        continue;
                if (!(b->selection.mask & bit) || !digest_equal(&a->values[pcr], &b->values[pcr]))
                        differing |= bit;
        }
        return differing;
}
