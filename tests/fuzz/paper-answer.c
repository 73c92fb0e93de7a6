/* SPDX-License-Identifier: Apache-2.0 */
/* The right answers to the commands of tpm/, after the tables of Part 3. */
#include <string.h>

#include <tss2/tss2_mu.h>

#include "policy/key.h"
#include "tests/fuzz/paper-chip.h"

#define DIGESTS_MAX 8 /* of one TPM2_PCR_Read (Part 3 §22.4) */
#define PROPERTIES_MAX 8

/* --- structures ----------------------------------------------------------------------------- */

static void put_public(Writer *w, const TPM2B_PUBLIC *public) {
        uint8_t bytes[sizeof(*public)];
        size_t used = 0;

        fuzz_demand(Tss2_MU_TPM2B_PUBLIC_Marshal(public, bytes, sizeof(bytes), &used) ==
                    TSS2_RC_SUCCESS);
        writer_put(w, bytes, used);
}

/* Of the area that a command carries next; it has the key's point already, or the base point. */
static bool take_public(Input *in, TPM2B_PUBLIC *ret) {
        size_t used = 0;

        *ret = (TPM2B_PUBLIC){};
        return Tss2_MU_TPM2B_PUBLIC_Unmarshal(in->data, in->size, &used, ret) == TSS2_RC_SUCCESS &&
               used == sizeof(ret->size) + ret->size;
}

static void put_name(Writer *w, const TPM2B_PUBLIC *public) {
        TPM2B_NAME name = {};

        (void) public_name(public, &name); /* empty for another nameAlg */
        put_sized(w, name.name, name.size);
}

/*
 * TPM2B_CREATION_DATA, creationHash, TPMT_TK_CREATION: of which nobody here looks at the content.
 */
static void put_creation(Writer *w) {
        static const uint8_t none[32];
        uint8_t bytes[64];
        Writer data = writer_over(bytes, sizeof(bytes));

        writer_put_u32(&data, 0);             /* no PCRs */
        put_sized(&data, none, 0);            /* pcrDigest */
        writer_put_u8(&data, 1);              /* locality */
        writer_put_u16(&data, TPM2_ALG_NULL); /* parentNameAlg */
        put_sized(&data, none, 0);            /* parentName */
        put_sized(&data, none, 0);            /* parentQualifiedName */
        put_sized(&data, none, 0);            /* outsideInfo */
        put_sized(w, bytes, data.used);
        put_sized(w, none, sizeof(none));
        writer_put_u16(w, TPM2_ST_CREATION);
        writer_put_u32(w, TPM2_RH_OWNER);
        put_sized(w, none, sizeof(none));
}

/* --- commands that read --------------------------------------------------------------------- */

static void answer_capability(Input in, Writer *w) {
        uint32_t capability = input_u32(&in), first = input_u32(&in), count = input_u32(&in);

        writer_put_u8(w, TPM2_NO);
        writer_put_u32(w, capability);
        if (capability == TPM2_CAP_HANDLES) {
                writer_put_u32(w, 1);
                writer_put_u32(w, first);
                return;
        }
        if (count > PROPERTIES_MAX)
                count = PROPERTIES_MAX;
        writer_put_u32(w, count);
        for (uint32_t i = 0; i < count; i++) {
                writer_put_u32(w, first + i);
                writer_put_u32(w, 0x53572020); /* "SW  ", and of numbers a large one */
        }
}

static void answer_read_public(const PaperChip *chip, TPM2_HANDLE handle, Writer *w) {
        const TPM2B_PUBLIC *public = handle == PAPER_LOADED_HANDLE ? &chip->loaded : paper_srk();

        put_public(w, public);
        put_name(w, public);
        put_name(w, public); /* in place of the qualified Name, which is not looked at */
}

static void answer_nv_public(const PaperChip *chip, TPM2_HANDLE handle, Writer *w) {
        const PaperWorld *world = chip->world;
        const TpmIndex *index = handle == world->ledger.handle ? &world->ledger : &world->index;
        TPM2B_NV_PUBLIC public = {};
        TPM2B_NAME name = {};
        uint8_t bytes[sizeof(public)];
        size_t used = 0;

        fuzz_demand(index_public(index->kind, index->handle, &index->authority, &public.nvPublic) ==
                    0);
        fuzz_demand(index_name(&public.nvPublic, chip->index_written, &name) == 0);
        if (chip->index_written)
        public.nvPublic.attributes |= TPMA_NV_WRITTEN;
        fuzz_demand(Tss2_MU_TPM2B_NV_PUBLIC_Marshal(&public, bytes, sizeof(bytes), &used) == 0);
        writer_put(w, bytes, used);
        put_sized(w, name.name, name.size);
}

/* As many bytes as were asked for. */
static void answer_nv_read(Input in, Writer *w) {
        static const uint8_t value[LEDGER_VALUE_SIZE] = { 0, 0, 0, 0, 0, 0, 0, 3 };
        uint16_t size = input_u16(&in);

        put_sized(w, value, size <= sizeof(value) ? size : sizeof(value));
}

/* Digests of zeros for the first DIGESTS_MAX of the selection, and a selection of these. */
static void answer_pcr_read(Input in, Writer *w) {
        static const uint8_t zeros[48];
        unsigned left = DIGESTS_MAX, given = 0;
        uint8_t selection[3] = {};

        (void) input_u32(&in);
        uint16_t bank = input_u16(&in);
        (void) input_u8(&in);
        for (size_t i = 0; i < sizeof(selection); i++) {
                uint8_t wanted = input_u8(&in);

                for (unsigned bit = 0; bit < 8 && left > 0; bit++)
                        if (wanted & 1U << bit) {
                                selection[i] |= (uint8_t) (1U << bit);
                                left--;
                                given++;
                        }
        }
        writer_put_u32(w, 1); /* pcrUpdateCounter */
        writer_put_u32(w, 1);
        writer_put_u16(w, bank);
        writer_put_u8(w, sizeof(selection));
        writer_put(w, selection, sizeof(selection));
        writer_put_u32(w, given);
        for (unsigned i = 0; i < given; i++)
                put_sized(w, zeros, bank == TPM2_ALG_SHA384 ? 48 : 32);
}

/* --- commands with keys --------------------------------------------------------------------- */

static bool answer_create(Input in, Writer *w) {
        static const uint8_t wrapped[64] = { 1 };
        TPM2B_PUBLIC public;

        (void) input_field(&in); /* inSensitive */
        if (!take_public(&in, &public))
                return false;
        public.publicArea.unique = paper_srk()->publicArea.unique;
        put_sized(w, wrapped, sizeof(wrapped));
        put_public(w, &public);
        put_creation(w);
        return true;
}

static bool answer_load(PaperChip *chip, Input in, Writer *w) {
        (void) input_field(&in); /* inPrivate */
        if (!take_public(&in, &chip->loaded))
                return false;
        put_name(w, &chip->loaded);
        return true;
}

static void answer_sign(Writer *w) {
        uint8_t number[32];

        memset(number, 0x11, sizeof(number));
        writer_put_u16(w, TPM2_ALG_ECDSA);
        writer_put_u16(w, TPM2_ALG_SHA256);
        put_sized(w, number, sizeof(number));
        put_sized(w, number, sizeof(number));
}

static void put_ticket(Writer *w, TPM2_ST tag) {
        static const uint8_t digest[32] = { 2 };

        writer_put_u16(w, tag);
        writer_put_u32(w, TPM2_RH_OWNER);
        put_sized(w, digest, sizeof(digest));
}

static void answer_certify(Writer *w) {
        static const uint8_t attest[100] = { 0xff, 0x54, 0x43, 0x47, 0x80, 0x14 };

        put_sized(w, attest, sizeof(attest));
        answer_sign(w);
}

static void answer_unseal(Writer *w) {
        uint8_t key[32];

        memset(key, 0x22, sizeof(key));
        put_sized(w, key, sizeof(key));
}

static bool answer_create_primary(Input in, Writer *w) {
        TPM2B_PUBLIC public;

        (void) input_field(&in); /* inSensitive */
        if (!take_public(&in, &public))
                return false;
        public.publicArea.unique = paper_srk()->publicArea.unique;
        put_public(w, &public);
        put_creation(w);
        put_name(w, &public);
        return true;
}

/* --- all of them ---------------------------------------------------------------------------- */

static void auth_value_note(PaperChip *chip, const PaperCommand *command) {
        PaperSession *session = paper_session_find(chip, command->handles[0]);

        if (session)
                session->auth_value = command->code == TPM2_CC_PolicyAuthValue;
}

/* Those that answer with a handle. */
static bool answer_with_handle(PaperChip *chip, const PaperCommand *command, TPM2_HANDLE *ret,
                               Writer *w) {
        switch (command->code) {
        case TPM2_CC_StartAuthSession:
                *ret = paper_session_begin(chip, command, w);
                return true;
        case TPM2_CC_CreatePrimary:
                *ret = PAPER_PRIMARY_HANDLE;
                return answer_create_primary(command->parameters, w);
        case TPM2_CC_Load:
        case TPM2_CC_LoadExternal:
                *ret = PAPER_LOADED_HANDLE;
                return answer_load(chip, command->parameters, w);
        default:
                return false;
        }
}

static bool answer_with_parameters(PaperChip *chip, const PaperCommand *command, Writer *w) {
        switch (command->code) {
        case TPM2_CC_GetCapability:
                answer_capability(command->parameters, w);
                return true;
        case TPM2_CC_ReadPublic:
                answer_read_public(chip, command->handles[0], w);
                return true;
        case TPM2_CC_NV_ReadPublic:
                answer_nv_public(chip, command->handles[0], w);
                return true;
        case TPM2_CC_PCR_Read:
                answer_pcr_read(command->parameters, w);
                return true;
        case TPM2_CC_PCR_Event:
                writer_put_u32(w, 0); /* no digests */
                return true;
        case TPM2_CC_NV_Read:
                answer_nv_read(command->parameters, w);
                return true;
        case TPM2_CC_NV_Certify:
                answer_certify(w);
                return true;
        case TPM2_CC_Unseal:
                answer_unseal(w);
                return true;
        case TPM2_CC_Create:
                return answer_create(command->parameters, w);
        case TPM2_CC_Sign:
                answer_sign(w);
                return true;
        case TPM2_CC_VerifySignature:
                put_ticket(w, TPM2_ST_VERIFIED);
                return true;
        case TPM2_CC_PolicySigned:
        case TPM2_CC_PolicySecret:
                put_sized(w, NULL, 0); /* timeout */
                put_ticket(w, command->code == TPM2_CC_PolicySigned ? TPM2_ST_AUTH_SIGNED
                                                                    : TPM2_ST_AUTH_SECRET);
                return true;
        default:
                return false;
        }
}

/* Those whose answer says nothing but that it was done. */
static bool is_done_in_silence(TPM2_CC code) {
        static const TPM2_CC codes[] = {
                TPM2_CC_Startup,
                TPM2_CC_FlushContext,
                TPM2_CC_EvictControl,
                TPM2_CC_HierarchyChangeAuth,
                TPM2_CC_DictionaryAttackLockReset,
                TPM2_CC_NV_DefineSpace,
                TPM2_CC_NV_UndefineSpace,
                TPM2_CC_NV_SetBits,
                TPM2_CC_NV_Extend,
                TPM2_CC_NV_ReadLock,
                TPM2_CC_PolicyPCR,
                TPM2_CC_PolicyAuthorize,
                TPM2_CC_PolicyNV,
                TPM2_CC_PolicyAuthValue,
                TPM2_CC_PolicyOR,
                TPM2_CC_PolicyNvWritten,
                TPM2_CC_PolicyCommandCode,
                TPM2_CC_PolicyRestart,
        };

        for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
                if (codes[i] == code)
                        return true;
        return false;
}

bool paper_answer(PaperChip *chip, const PaperCommand *command, TPM2_HANDLE *ret_handle,
                  Writer *parameters) {
        if (command->code == TPM2_CC_PolicyAuthValue || command->code == TPM2_CC_PolicyRestart)
                auth_value_note(chip, command);
        return answer_with_handle(chip, command, ret_handle, parameters) ||
               answer_with_parameters(chip, command, parameters) ||
               is_done_in_silence(command->code);
}
