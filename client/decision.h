/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reviewer decides about, and whether a decision is his: computed from the JSON that a
 * request's Describe gives, with nothing but OpenSSL. A daemon in the wrong hands can show one
 * application and ask for a signature over another; therefore the digest is never taken as stated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <openssl/evp.h>

#define DECISION_DIGEST_SIZE 32
#define DECISION_BYTES_MAX (sizeof("sealsd/decision/approve") - 1 + DECISION_DIGEST_SIZE)

/*
 * SHA-256 of the RFC 8785 JSON of kind, applicant, created, application, and where they are not ""
 * target and reason. False for a document that lacks one, or without memory.
 */
bool decision_digest(const json_t *request, uint8_t ret[static DECISION_DIGEST_SIZE]);

/* Is the digest that the document states the one computed? */
bool decision_digest_is_stated(const json_t *request,
                               const uint8_t digest[static DECISION_DIGEST_SIZE]);

/* "sealsd/decision/approve" or "…/reject" ‖ digest; the size. */
size_t decision_bytes(bool approve, const uint8_t digest[static DECISION_DIGEST_SIZE],
                      uint8_t ret[static DECISION_BYTES_MAX]);

typedef enum DecisionVerdict {
        DECISION_UNSIGNED,  /* it carries no signature */
        DECISION_GOOD,      /* of the key beside it, and that is the one expected, where one is */
        DECISION_BAD,       /* of another key, over other bytes, or not to be read */
        DECISION_OTHER_KEY, /* good, but not of the key that this reviewer should have */
        DECISION_VERDICT_MAX,
} DecisionVerdict;

/* "good", "bad", …; for tables and --json. */
const char *decision_verdict_name(DecisionVerdict verdict);

/* One element of the document's decisions; expected may be NULL. */
DecisionVerdict decision_check(const json_t *decision,
                               const uint8_t digest[static DECISION_DIGEST_SIZE],
                               EVP_PKEY *expected);
