/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/challenges.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

OfferedChallenge *challenges_find(Challenges *challenges, const char *id) {
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++) {
                OfferedChallenge *c = &challenges->slots[i];

                if (c->id[0] != '\0' && strcmp(c->id, id) == 0)
                        return c;
        }
        return NULL;
}

OfferedChallenge *challenges_find_handle(Challenges *challenges, TPM2_HANDLE handle) {
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++) {
                OfferedChallenge *c = &challenges->slots[i];

                if (c->id[0] != '\0' && c->handle == handle)
                        return c;
        }
        return NULL;
}

OfferedChallenge *challenges_take(Challenges *challenges, const char *kind) {
        uint32_t random;

        if (challenges_count(challenges) >= CHALLENGES_OFFERED_MAX ||
            RAND_bytes((uint8_t *) &random, sizeof(random)) != 1)
                return NULL;
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++) {
                OfferedChallenge *c = &challenges->slots[i];

                if (c->id[0] != '\0')
                        continue;
                (void) snprintf(c->id, sizeof(c->id), "%s-%08x", kind, random);
                return c;
        }
        return NULL;
}

void challenge_drop(OfferedChallenge *challenge) {
        challenge->session = tpm_challenge_free(challenge->session);
        OPENSSL_cleanse(challenge, sizeof(*challenge));
}

void challenges_expire(Challenges *challenges, uint64_t now) {
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                if (challenges->slots[i].id[0] != '\0' && challenges->slots[i].expires <= now)
                        challenge_drop(&challenges->slots[i]);
}

void challenges_clear(Challenges *challenges) {
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                challenge_drop(&challenges->slots[i]);
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                held_use_drop(challenges, challenges->uses[i].key);
}

unsigned challenges_offered(const Challenges *challenges) {
        unsigned n = 0;

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                n += challenges->slots[i].id[0] != '\0';
        return n;
}

unsigned challenges_count(const Challenges *challenges) {
        unsigned n = challenges_offered(challenges);

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                n += challenges->uses[i].key != 0;
        return n;
}

unsigned challenges_room(const Challenges *challenges, const Tpm *tpm) {
        const unsigned held = challenges_count(challenges), max = tpm_live_uses_max(tpm);

        return held < max ? max - held : 0;
}

static bool index_on_offer(const Challenges *challenges) {
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                if (challenges->slots[i].id[0] != '\0' && challenges->slots[i].handle != 0)
                        return true;
        return false;
}

/* --- uses ------------------------------------------------------------------------------------- */

static HeldUse *use_slot(Challenges *challenges, uint64_t key) {
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                if (challenges->uses[i].key == key)
                        return &challenges->uses[i];
        return NULL;
}

int held_use_open(Challenges *challenges, Tpm *tpm, uint64_t key, bool index_waits,
                  TPM2B_NONCE *ret_nonce, ErrorDetail *detail) {
        const unsigned max = tpm_live_uses_max(tpm), room = challenges_room(challenges, tpm);
        LiveUse *session = NULL;

        if (room == 0)
                return error_set(detail, SEAL_E_BUSY,
                                 "The chip holds sessions for %u live request%s or challenges "
                                 "already: try again when one is over, or ask without 'live'",
                                 max, max == 1 ? "" : "s");
        if (index_waits && room == 1 && !index_on_offer(challenges))
                return error_set(
                        detail, SEAL_E_BUSY,
                        "The session that the chip has left is for the authority, for whom "
                        "an NV index waits: try again when it has answered, or ask without "
                        "'live'");
        int r = tpm_live_use_open(tpm, &session, detail);
        if (r != 0)
                return r;
        HeldUse *slot = use_slot(challenges, 0);
        *slot = (HeldUse){ .key = key, .session = session };
        *ret_nonce = *tpm_live_use_nonce(session);
        return 0;
}

LiveUse *held_use_find(Challenges *challenges, uint64_t key) {
        const HeldUse *slot = key == 0 ? NULL : use_slot(challenges, key);

        return slot ? slot->session : NULL;
}

void held_use_drop(Challenges *challenges, uint64_t key) {
        HeldUse *slot = key == 0 ? NULL : use_slot(challenges, key);

        if (!slot)
                return;
        (void) tpm_live_use_free(slot->session);
        *slot = (HeldUse){};
}

bool held_use_drop_spent(Challenges *challenges, uint64_t key) {
        const LiveUse *session = held_use_find(challenges, key);

        if (!session || !tpm_live_use_is_spent(session))
                return false;
        held_use_drop(challenges, key);
        return true;
}
