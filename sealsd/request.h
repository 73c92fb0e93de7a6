/* SPDX-License-Identifier: Apache-2.0 */
/* A request and its decisions, as the register keeps them. Plain values. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/limits.h"
#include "sealsd/application.h"
#include "sealsd/lifecycle.h"
#include "sealsd/subject.h"

#define REQUEST_KIND_MAKE "make"

typedef struct Decision {
        Subject by;
        uint32_t login; /* as observed; LOGIN_NONE not known */
        bool approve;
        char comment[TEXT_MAX + 1];
        uint64_t time;
} Decision;

typedef struct Request {
        uint64_t id; /* 1, 2, …; never reused */
        char kind[KIND_MAX + 1];
        RequestState state;
        Subject applicant;
        uint32_t applicant_login;    /* as observed; LOGIN_NONE not known */
        char number[NUMBER_MAX + 1]; /* "" before approval */
        uint64_t created;
        uint64_t expires; /* 0: never */
        uint8_t digest[TPM2_SHA256_DIGEST_SIZE];
        unsigned reviewers_needed;
        char error[TEXT_MAX + 1]; /* why it failed, or was rejected or cancelled */
        Application application;
        size_t decision_count;
        Decision decisions[DECISIONS_MAX];
} Request;

/* Approvals still needed. */
unsigned request_missing(const Request *request);

/* SHA-256 of the canonical JSON of kind, applicant, creation time and application. */
int request_digest(const Request *request, uint8_t ret[static TPM2_SHA256_DIGEST_SIZE]);

/*
 * Everything as JSON (docs/bus.md), malloc'ed; full is false for those who may not see what the
 * reviewers wrote (design, section 5.1): the decisions have no comment then.
 */
int request_describe(const Request *request, bool full, char **ret);
