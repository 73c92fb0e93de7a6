/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is next for a session that waits for approvers. There are two in all, and whoever has had one
 * could take it again sooner than who asked meanwhile. So those who were turned away stand in line,
 * each until a time by which there was a session for him; who asks no more in time leaves it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

typedef struct LiveTurn {
        uint32_t uid;
        uint64_t until;
} LiveTurn;

/* In the order in which they came; zeroed it is empty. */
typedef struct LiveTurns {
        LiveTurn turns[LIVE_TURNS_MAX];
        size_t count;
} LiveTurns;

/* At the end of the line, or, where he stands already, for longer; in a full line nobody does. */
void live_turn_give(LiveTurns *turns, uint32_t uid, uint64_t until);

/* How many stand before him, by now; all of them where he does not stand there himself. */
size_t live_turns_before(LiveTurns *turns, uint32_t uid, uint64_t now);

/* He has what he stood there for, or does without it. */
void live_turn_end(LiveTurns *turns, uint32_t uid);
