/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request of kind use asks for, the approvals that came in for it, and what became of it:
 * one signature of a seal with approvers (design, section 3.1). Plain values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/limits.h"
#include "format/signed-format.h"
#include "policy/seal-policy.h"
#include "sealsd/application.h"
#include "sealsd/subject.h"

/* The exact bytes to be signed, frozen when it is asked for. */
typedef struct UseFacts {
        TPM2B_DIGEST digest; /* of the document */
        char hash[WORD_MAX + 1];
        char scheme[WORD_MAX + 1]; /* ecdsa, rsassa, rsapss, sm2 */
        Purpose purpose;
        char document_name[TEXT_MAX + 1]; /* "" none */
        uint64_t grant;                   /* by which it was asked for; 0 as keeper */
        bool live;
        uint32_t expiration; /* live: seconds after which the chip refuses; else 0 */
        TPM2B_NONCE nonce;   /* live: of the session that waits; else empty */
        SignFormat format;
        /* Of another than raw: the digest of its structure, which is signed, and what it says. */
        TPM2B_DIGEST signs;
        uint64_t time; /* that is claimed; 0 where the format says none */
        char property_info[PROPERTY_INFO_MAX + 1]; /* "": none */
} UseFacts;

typedef struct UseApproval {
        unsigned approver; /* its place in the seal's policy */
        Subject by;        /* who handed it in */
        uint32_t login;
        uint64_t time;
        size_t size; /* 0 where it is not open */
        uint8_t signature[SIGNATURE_MAX];
} UseApproval;

/* A use is taken once, before the chip is asked, and stands here from then on. */
typedef struct UseResult {
        uint64_t use; /* 0: none taken */
        uint64_t grant;
        uint64_t taken; /* when */
        size_t size;    /* of the signature; 0 before there is one */
        uint8_t signature[SIGNATURE_MAX];
        uint64_t done;
} UseResult;

typedef struct UseRequest {
        UseFacts facts;
        bool live; /* as in facts, and there without the register key */
        size_t approver_count;
        Subject approvers[APPROVERS_MAX]; /* of the seal, in the order of its policy */
        size_t approval_count;
        UseApproval approvals[APPROVERS_MAX]; /* ascending, each approver once; none withdrawn */
        UseResult result;
} UseRequest;

/* What the chip signs. */
const TPM2B_DIGEST *use_signs(const UseFacts *facts);

/* His approval, NULL while there is none. */
const UseApproval *use_approval_find(const UseRequest *use, unsigned approver);

/* "ecdsa", "rsassa", "rsapss", "sm2"; "?" for another. */
const char *scheme_name(TPMI_ALG_SIG_SCHEME scheme);
/* What algorithm_scheme() takes for that word: curves have one scheme, which nobody names. */
const char *scheme_option(const char *name);

/*
 * As JSON, under the names of the options (docs/bus.md), and back: false for another shape, *ret
 * may be half filled then.
 */
json_t *use_json(const UseFacts *facts);
bool use_read(const json_t *object, UseFacts *ret);

/* What is confidential of an approval; malloc'ed, and back. SEAL_E_REGISTER_TAMPERED. */
int use_approval_to_json(const UseApproval *approval, char **ret);
int use_approval_from_json(const char *json, UseApproval *approval);

/* For people: who approved, and by whom it came. */
json_t *use_approvals_json(const UseRequest *use);
json_t *use_approvers_json(const UseRequest *use);
