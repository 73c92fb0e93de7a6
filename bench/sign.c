/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign [--tcti TCTI] [COUNT] - time per signature of tpm_seal_sign() beside the least that anybody
 * could do: the same four commands sent by SAPI one after the other, in a session without salt, the
 * index's auth as a password, no HMAC made or checked. Rounds of both alternate, so that a noisy
 * machine is noisy for both. Without --tcti on a simulator of its own.
 */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "policy/algorithm.h"
#include "policy/ref.h"
#include "tests/fixture/chip.h"
#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/srk.h"

#define ROUND 50
#define COUNT_MAX 1000000

/* What the bare loop holds in the chip. */
typedef struct Bare {
        TSS2_SYS_CONTEXT *sys;
        TpmHandle key;
        TPM2_HANDLE key_handle;
        TPM2_HANDLE session;
} Bare;

static double seconds_now(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static void demand(const char *what, TSS2_RC rc) {
        if (rc == TSS2_RC_SUCCESS)
                return;
        (void) fprintf(stderr, "sign: %s: 0x%x\n", what, rc);
        exit(EXIT_FAILURE);
}

static void bare_open(Bare *bare, const Chip *chip, const ChipSeal *seal) {
        static const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
        const TPM2B_NONCE nonce = { .size = 16 };
        const TPM2B_ENCRYPTED_SECRET unsalted = {};
        TPM2B_NONCE nonce_tpm = {};

        demand("GetSysContext", Esys_GetSysContext(chip->tpm->esys, &bare->sys));
        demand("Load", tpm_key_load(chip->tpm, NULL, &seal->key.public, &seal->key.private,
                                    &bare->key, NULL) != 0);
        demand("GetTpmHandle",
               Esys_TR_GetTpmHandle(chip->tpm->esys, bare->key.tr, &bare->key_handle));
        demand("StartAuthSession",
               Tss2_Sys_StartAuthSession(bare->sys, TPM2_RH_NULL, TPM2_RH_NULL, NULL, &nonce,
                                         &unsalted, TPM2_SE_POLICY, &none, TPM2_ALG_SHA256,
                                         &bare->session, &nonce_tpm, NULL));
}

static void bare_close(Bare *bare) {
        demand("FlushContext", Tss2_Sys_FlushContext(bare->sys, bare->session));
        tpm_handle_close(&bare->key);
}

static void bare_sign(const Bare *bare, const Chip *chip, const ChipSeal *seal) {
        static const TPM2B_DIGEST any = {};
        const TPM2B_OPERAND operand = policy_nv_operand((uint64_t) 1 << CHIP_BIT);
        const TPM2_HANDLE index = chip->index.handle;
        TSS2L_SYS_AUTH_COMMAND password = { .count = 1 };
        TSS2L_SYS_AUTH_COMMAND policy = { .count = 1 };
        TSS2L_SYS_AUTH_RESPONSE response;
        TPML_PCR_SELECTION pcrs = {};
        TPM2B_DIGEST ref;
        TPMT_SIGNATURE signature;

        pcr_selection_list(&seal->approval.values.selection, &pcrs);
        (void) policy_ref(REF_PROFILE, CHIP_PROFILE, &ref);
        password.auths[0].sessionHandle = TPM2_RS_PW;
        (void) tpm_auth_value(&chip->index.auth, &password.auths[0].hmac, NULL);
        policy.auths[0].sessionHandle = bare->session;
        policy.auths[0].sessionAttributes = TPMA_SESSION_CONTINUESESSION;

        demand("PolicyPCR", Tss2_Sys_PolicyPCR(bare->sys, bare->session, NULL, &any, &pcrs, NULL));
        demand("PolicyAuthorize",
               Tss2_Sys_PolicyAuthorize(bare->sys, bare->session, NULL, &seal->approval.policy,
                                        &ref, &chip->key.name, &seal->approval.ticket, NULL));
        demand("PolicyNV", Tss2_Sys_PolicyNV(bare->sys, index, index, bare->session, &password,
                                             &operand, 0, TPM2_EO_BITCLEAR, &response));
        demand("Sign", Tss2_Sys_Sign(bare->sys, bare->key_handle, &policy, &seal->use.digest,
                                     &ecdsa_sha256, &no_hash_ticket, &signature, &response));
}

static void sealsd_sign(Chip *chip, const ChipSeal *seal) {
        TPMT_SIGNATURE signature;
        ErrorDetail detail = {};

        if (tpm_seal_sign(chip->tpm, &seal->use, &signature, NULL, &detail) == 0)
                return;
        (void) fprintf(stderr, "sign: %s\n", detail.text);
        exit(EXIT_FAILURE);
}

static void measure(Chip *chip, const ChipSeal *seal, unsigned count) {
        double bare_time = 0, sealsd_time = 0;
        unsigned done = 0;
        Bare bare = {};

        sealsd_sign(chip, seal); /* loads and opens */
        bare_open(&bare, chip, seal);
        while (done < count) {
                double start = seconds_now();

                for (int i = 0; i < ROUND; i++)
                        bare_sign(&bare, chip, seal);
                double middle = seconds_now();
                for (int i = 0; i < ROUND; i++)
                        sealsd_sign(chip, seal);
                sealsd_time += seconds_now() - middle;
                bare_time += middle - start;
                done += ROUND;
        }
        bare_close(&bare);
        (void) printf("%u signatures each: bare SAPI %.3f ms, sealsd %.3f ms, ratio %.2f\n", done,
                      bare_time * 1e3 / done, sealsd_time * 1e3 / done, sealsd_time / bare_time);
}

/* A chip, and in it an index and a seal, of which nothing is left afterwards. */
static void run(const char *tcti, unsigned count) {
        Chip chip = {};
        ChipSeal seal;
        ErrorDetail detail = {};

        if (!tcti) {
                swtpm_start(&chip.swtpm);
                tcti = chip.swtpm.tcti;
        }
        if (tpm_new(&chip.tpm, tcti, &detail) != 0 ||
            tpm_srk_ensure(chip.tpm, NULL, NULL, &chip.srk, &detail) != 0) {
                (void) fprintf(stderr, "sign: %s\n", detail.text);
                exit(EXIT_FAILURE);
        }
        software_key_make(&chip.key);
        chip.authority = (TpmAuthority){ .public = chip.key.public };
        chip.index = chip_index_values(&chip, INDEX_REVOCATION, 0x018bbbbb);
        chip_index_write(&chip, &chip.index, &chip.key, 0);
        chip_seal_make(&chip, &seal, chip_seal_policy(&chip));
        measure(&chip, &seal, count);
        (void) tpm_index_undefine(chip.tpm, chip.index.handle, NULL, NULL);
        (void) tpm_free(chip.tpm);
        software_key_done(&chip.key);
        swtpm_stop(&chip.swtpm);
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "tcti", required_argument, NULL, 't' },
                { NULL, 0, NULL, 0 },
        };
        const char *tcti = NULL;
        unsigned long count = 1000;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (c == 't')
                        tcti = optarg;
                else
                        return 2;
        if (optind < argc)
                count = strtoul(argv[optind], NULL, 10);
        if (count == 0 || count > COUNT_MAX)
                return 2;
        run(tcti, (unsigned) count);
        return EXIT_SUCCESS;
}
