/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an applicant asks for: the facts of a seal before it is made. Kept in the request as
 * canonical JSON (RFC 8785), whose SHA-256 is the request's Digest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"
#include "policy/seal-policy.h"
#include "sealsd/approver.h"
#include "sealsd/subject.h"

typedef enum Purpose {
        PURPOSE_IDENTITY_AUTHENTICATION = 1 << 0,
        PURPOSE_DOCUMENT_SIGNING = 1 << 1,
        PURPOSE_ENDORSEMENT = 1 << 2,
        PURPOSE_ALL = 7,
} Purpose;

typedef struct Document {
        char title[NAME_BYTES_MAX + 1];
        size_t hash_size;
        uint8_t hash[DIGEST_MAX];
} Document;

/* A seal's picture; its bytes are kept beside the request that it came with. */
typedef struct PictureFacts {
        char type[WORD_MAX + 1]; /* png, jpeg, svg; "": none */
        uint8_t sha256[TPM2_SHA256_DIGEST_SIZE];
        uint32_t width, height; /* in millimetres */
} PictureFacts;

typedef struct Application {
        char name[NAME_BYTES_MAX + 1];   /* required */
        char holder[NAME_BYTES_MAX + 1]; /* default: name */
        char class[WORD_MAX + 1];        /* institution (default), personal */
        char type[WORD_MAX + 1];         /* official, finance, …, other (default) */
        char algorithm[WORD_MAX + 1];    /* ecdsa-p256 (default), … */
        unsigned purposes;               /* of Purpose; 0 means all */
        uint64_t not_before;             /* 0: now */
        uint64_t not_after;              /* 0: not_before + the configured days */
        uint64_t use_limit;              /* 0: none */
        size_t keeper_count;             /* 0: the applicant */
        Subject keepers[KEEPERS_MAX];
        bool pin;              /* its keeper's; the chip asks for it at each use */
        size_t approver_count; /* 0: none; in the order that the policy has them */
        Approver approvers[APPROVERS_MAX];
        unsigned threshold; /* how many of them approve each use; 0: all */
        size_t document_count;
        Document documents[DOCUMENTS_MAX];
        PictureFacts picture;
        /* Of the subject of its certificate; "": none, and the configuration's country. */
        char organization_identifier[ORGANIZATION_IDENTIFIER_MAX + 1];
        char country[COUNTRY_SIZE + 1];
        /* Of requests that concern a seal (change.h). */
        uint64_t overlap; /* renewal: the old seal signs so long after the new one's acceptance */
        bool use_limit_given;            /* amendment: a use_limit of 0 takes the limit away */
        bool pin_given, approvers_given; /* renewal: else they are as they were */
        /* CreateSeal's mark of a repeated call; no part of the JSON. */
        char token[NAME_BYTES_MAX + 1];
} Application;

const char *purpose_name(Purpose purpose);
/* 0 when it is none. */
unsigned purpose_from_name(const char *name);

/* The two-digit code of a type ("official" → "01"), NULL for an unknown word. */
const char *seal_type_code(const char *type);

/*
 * Check everything and fill the defaults; unchanged on failure. SEAL_E_INVALID_ARGS names the
 * option. Text is UTF-8 without control characters, not blank; times and numbers are what JSON can
 * carry, at most JSON_NUMBER_MAX.
 */
int application_complete(Application *application, const Subject *applicant, uint64_t now,
                         unsigned validity_days, ErrorDetail *detail);

/* The parts of it that other records have too: SEAL_E_INVALID_ARGS names the option. */
int option_check_line(const char *option, const char *text, ErrorDetail *detail);
int documents_check(const Document *documents, size_t count, ErrorDetail *detail);

/*
 * Canonical JSON, malloc'ed: the options under their names, and "keeper-ids", since names are
 * reused. Read back: SEAL_E_REGISTER_TAMPERED for anything else; the token is no part of it.
 */
int application_to_json(const Application *application, char **ret);
int application_from_json(const char *json, Application *ret);
