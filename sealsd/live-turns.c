/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/live-turns.h"

#include <string.h>

#include "base/clock.h"

static LiveTurn *turn_find(LiveTurns *turns, uint32_t uid) {
        for (size_t i = 0; i < turns->count; i++)
                if (turns->turns[i].uid == uid)
                        return &turns->turns[i];
        return NULL;
}

static void turn_remove(LiveTurns *turns, size_t i) {
        turns->count--;
        memmove(&turns->turns[i], &turns->turns[i + 1],
                (turns->count - i) * sizeof(turns->turns[0]));
}

void live_turn_give(LiveTurns *turns, uint32_t uid, uint64_t until) {
        LiveTurn *turn = turn_find(turns, uid);

        if (!turn && turns->count < LIVE_TURNS_MAX) {
                turn = &turns->turns[turns->count++];
                *turn = (LiveTurn){ .uid = uid };
        }
        if (turn)
                turn->until = until;
}

/* A clock that was set back keeps nobody there for longer than a turn lasts. */
static void turns_expire(LiveTurns *turns, uint64_t now) {
        const uint64_t max = (LIVE_USE_SECONDS + LIVE_TURN_SECONDS) * USEC_PER_SEC;

        for (size_t i = turns->count; i-- > 0;) {
                const uint64_t until = turns->turns[i].until;

                if (until <= now || until - now > max)
                        turn_remove(turns, i);
        }
}

size_t live_turns_before(LiveTurns *turns, uint32_t uid, uint64_t now) {
        turns_expire(turns, now);
        const LiveTurn *turn = turn_find(turns, uid);
        return turn ? (size_t) (turn - turns->turns) : turns->count;
}

void live_turn_end(LiveTurns *turns, uint32_t uid) {
        const LiveTurn *turn = turn_find(turns, uid);

        if (turn)
                turn_remove(turns, (size_t) (turn - turns->turns));
}
