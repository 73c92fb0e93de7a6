/* SPDX-License-Identifier: Apache-2.0 */
/* A request and its decisions, as the register keeps them. Plain values. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "sealsd/application.h"
#include "sealsd/lifecycle.h"
#include "sealsd/subject.h"

#define REQUEST_KIND_MAKE "make"

typedef struct Decision {
        Subject by;
        bool approve;
        char comment[TEXT_MAX + 1];
        uint64_t time;
} Decision;

typedef struct Request {
        uint64_t id; /* 1, 2, …; never reused */
        char kind[16];
        RequestState state;
        Subject applicant;
        char number[NUMBER_MAX + 1]; /* "" before approval */
        uint64_t created;
        uint64_t expires; /* 0: never */
        uint8_t digest[32];
        unsigned reviewers_needed;
        char error
                [ERROR_TEXT_MAX]; /* why it failed, or the reason of a rejection or cancellation */
        Application application;
        size_t decision_count;
        Decision decisions[REVIEWERS_MAX + 1];
} Request;

/* Approvals still needed. */
unsigned request_missing(const Request *request);

/* SHA-256 of the canonical JSON of kind, applicant, creation time and application. */
int request_digest(const Request *request, uint8_t ret[static 32]);

/* Everything as JSON (docs/bus.md), malloc'ed. */
int request_describe(const Request *request, char **ret);
