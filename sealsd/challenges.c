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

        if (RAND_bytes((uint8_t *) &random, sizeof(random)) != 1)
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
}

unsigned challenges_count(const Challenges *challenges) {
        unsigned n = 0;

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                n += challenges->slots[i].id[0] != '\0';
        return n;
}
