/* SPDX-License-Identifier: Apache-2.0 */
/* A request and its decisions, as the register keeps them. Plain values. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/limits.h"
#include "sealsd/application.h"
#include "sealsd/lifecycle.h"
#include "sealsd/subject.h"
#include "sealsd/use.h"

#define REQUEST_KIND_MAKE "make" /* request_kind_name(KIND_MAKE) */

typedef struct Decision {
        Subject by;
        uint32_t login; /* as observed; LOGIN_NONE not known */
        bool approve;
        char comment[TEXT_MAX + 1];
        uint64_t time;
        /* By the key that the reviewer had registered, over the request's digest; size 0: none. */
        size_t signature_size;
        uint8_t signature[SIGNATURE_MAX];
        char key[KEY_PEM_MAX + 1];
} Decision;

typedef struct Request {
        uint64_t id;             /* 1, 2, …; never reused */
        char kind[KIND_MAX + 1]; /* a word of RequestKind */
        bool opaque; /* read without the register key: what is confidential is not there */
        RequestState state;
        Subject applicant;
        uint32_t applicant_login;    /* as observed; LOGIN_NONE not known */
        char number[NUMBER_MAX + 1]; /* of the seal that is made; "" before approval */
        char target[NUMBER_MAX + 1]; /* the seal that it concerns; "" of kind make */
        char type[WORD_MAX + 1];     /* of that seal, or of the one applied for */
        uint64_t created;
        uint64_t expires; /* 0: never */
        uint8_t digest[TPM2_SHA256_DIGEST_SIZE];
        unsigned reviewers_needed; /* of kind use: approvals of its approvers */
        char error[TEXT_MAX + 1];  /* why it failed, or was rejected or cancelled */
        char reason[TEXT_MAX + 1]; /* why it was applied for; "" of kind make */
        Application application;   /* the whole (make, renew) or a part (change.h) */
        size_t decision_count;
        Decision decisions[DECISIONS_MAX];
        UseRequest use; /* of kind use; of others empty */
} Request;

/* Approvals still needed. */
unsigned request_missing(const Request *request);

/* The kind; -1 for a word that is none. */
int request_kind(const Request *request);

/* The seal that it is about, for who looks: the one that it made or will make, or its target. */
const char *request_seal(const Request *request);

/*
 * SHA-256 of the canonical JSON of kind, applicant, creation time, application, and where there are
 * any target and reason: of all that was applied for.
 */
int request_digest(const Request *request, uint8_t ret[static TPM2_SHA256_DIGEST_SIZE]);

/*
 * What is confidential of a request and of a decision, as canonical JSON (malloc'ed) and back: into
 * a zeroed one whose kind is set. SEAL_E_REGISTER_TAMPERED for anything else.
 */
int request_to_json(const Request *request, char **ret);
int request_from_json(const char *json, Request *request);
int decision_to_json(const Decision *decision, char **ret);
int decision_from_json(const char *json, Decision *decision);

/* The decisions as a JSON array, a new reference; with full, what the reviewers wrote. */
json_t *request_decisions(const Request *request, bool full);

/*
 * Everything as JSON (docs/bus.md), malloc'ed; full is false for those who may not see what the
 * reviewers wrote (design, section 5.1): the decisions have no comment then.
 */
int request_describe(const Request *request, bool full, char **ret);
