/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inspection (design, section 4): what of the installation and its seals needs somebody's
 * attention. Pure: facts that others have gathered, and the rules that make findings of them. What
 * the register has is judged in one thread and what the chip has in another, each into Findings of
 * its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/limits.h"
#include "sealsd/lifecycle.h"
#include "sealsd/subject.h"
#include "tpm/hierarchy.h"

typedef enum Severity {
        SEVERITY_INFO,
        SEVERITY_WARNING,
        SEVERITY_CRITICAL,
} Severity;

typedef enum FindingCode {
#define FINDING(code, name, severity, text) FINDING_##code,
#include "sealsd/inspection.def"
#undef FINDING
        FINDING_MAX
} FindingCode;

/* "info", "warning", "critical"; "expires-soon"; what it means, a sentence without its end. */
const char *severity_name(Severity severity);
const char *finding_name(FindingCode code);
Severity finding_severity(FindingCode code);
const char *finding_meaning(FindingCode code);

/* --- findings --------------------------------------------------------------------------------- */

typedef struct Finding {
        FindingCode code;
        char number[NUMBER_MAX + 1]; /* "" of the installation as a whole */
        /* What tells it from others of its code and seal: a grant, a request, a subject's id. */
        uint64_t about;
        char text[FINDING_TEXT_MAX + 1];
} Finding;

/* FINDINGS_PER_CODE of each code, and how many more there were. */
typedef struct Findings {
        Finding *list;
        size_t count, room;
        unsigned counts[FINDING_MAX]; /* also of those that had no place */
        bool incomplete;              /* there was no memory for one */
} Findings;

void findings_done(Findings *findings);
#define _cleanup_findings_ __attribute__((cleanup(findings_done)))

/* number NULL: of the installation. What does not fit is counted. */
void findings_add(Findings *findings, FindingCode code, const char *number, uint64_t about,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Move all of from to the end. */
void findings_take(Findings *findings, Findings *from);

/*
 * The worst first, each code's by number; after those of a code that were too many one more, of no
 * seal, that tells their count.
 */
void findings_close(Findings *findings);

/* --- the facts -------------------------------------------------------------------------------- */

/* From the configuration; times in µs. */
typedef struct InspectionRules {
        uint64_t now;
        uint64_t warn;       /* ahead of the end of validity */
        uint64_t unused;     /* a seal or a grant that nobody used for so long */
        uint64_t wait;       /* a request, an acceptance */
        unsigned grants_max; /* of one seal */
} InspectionRules;

/* Whether the id has an account, as NSS says; unknown where it cannot be asked. */
typedef enum Account {
        ACCOUNT_UNKNOWN,
        ACCOUNT_THERE,
        ACCOUNT_OTHER, /* of another name: the id was given to somebody else */
        ACCOUNT_NONE,
} Account;

typedef struct InspectedPerson {
        Subject subject;
        Account account;
} InspectedPerson;

typedef struct InspectedGrant {
        uint64_t id;
        InspectedPerson holder;
        uint64_t until, used, given;
        bool emergency;
} InspectedGrant;

/* What the register has of a seal; grants are judged one by one, with the seal. */
typedef struct InspectedSeal {
        char number[NUMBER_MAX + 1];
        SealState state;
        bool revocation_pending;
        bool found_revoked; /* revoked by nobody: the chip was found so */
        uint32_t index;
        unsigned bit;
        uint64_t not_before, not_after, superseded_at; /* 0: never */
        bool certified;                                /* it has a certificate */
        uint64_t certified_until;
        uint64_t delivered, accepted; /* 0: not */
        uint64_t use_limit, use_count, last_use;
        size_t keeper_count;
        InspectedPerson keepers[KEEPERS_MAX + 1]; /* and to whom it was delivered */
        unsigned grants;                          /* that may be used */
} InspectedSeal;

typedef struct InspectedRequest {
        uint64_t id;
        RequestState state;
        bool review;
        char kind[KIND_MAX + 1];
        char seal[NUMBER_MAX + 1];
        uint64_t created;
} InspectedRequest;

typedef enum KeyCheck {
        KEY_NOT_CHECKED,
        KEY_GOOD,
        KEY_DIFFERS,
} KeyCheck;

/* What the chip has of a seal. */
typedef struct InspectedKey {
        bool bit_known, bit; /* read once for the index, and set */
        KeyCheck key;
        char why[FINDING_TEXT_MAX / 2]; /* it differs */
} InspectedKey;

/* One who certifies seals, and his list. */
typedef struct InspectedMaker {
        char algorithm[WORD_MAX + 1];
        bool made;
        bool self;      /* by its own word, which it renews itself */
        uint64_t until; /* its certificate's end */
        bool owed;
        uint64_t list_until; /* 0: there is none */
} InspectedMaker;

typedef struct InspectedInstallation {
        bool reached; /* the chip; why not, or what is wrong with it, in problem */
        bool approved, locked, chip_tampered;
        const char *problem;
        TpmHierarchies hierarchies;
        const char *tampered; /* what the ledger's verification found, "" nothing */
        bool anchor_differs, clock_trusted;
        uint64_t head, anchored; /* the newest row, and the newest that the chip has */
        uint64_t waiting_since;  /* of the oldest row that the chip has not; 0 none */
        uint64_t anchor_patience;
        uint64_t checkpoint, checkpoint_rows; /* row of the last, and after how many one is due */
        unsigned bits, bits_used, indices_unfinished;
        const char *key_memory; /* vault_protection(); "" while the key is not there */
        unsigned keys_unchecked;
        size_t maker_count;
        InspectedMaker makers[MAKERS_MAX];
        const char *maker_problem; /* why one is not made, or its list not issued; "" not known */
        const char *unwritten;     /* why a list's file is not as it should be, "" when all are */
        bool unexplained;          /* the chip's count of signatures is not that of the ledger */
        const char *audit_absence; /* "" when it is there */
} InspectedInstallation;

/* --- the rules -------------------------------------------------------------------------------- */

/* Neither revoked nor destroyed: its key may still sign one day. */
bool inspected_is_live(const InspectedSeal *seal);

void inspect_seal(const InspectionRules *rules, const InspectedSeal *seal, Findings *ret);
void inspect_grant(const InspectionRules *rules, const InspectedSeal *seal,
                   const InspectedGrant *grant, Findings *ret);
void inspect_request(const InspectionRules *rules, const InspectedRequest *request, Findings *ret);
void inspect_key(const InspectedSeal *seal, const InspectedKey *key, Findings *ret);
void inspect_installation(const InspectionRules *rules, const InspectedInstallation *facts,
                          Findings *ret);
