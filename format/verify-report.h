/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verifier found: for each check that applies its own result with a sentence, the deviations
 * that it tolerated, what was signed by whom and when. There is no overall boolean to set: the
 * verdict is derived. A report begins with every check of its kind not-checked, so that a verifier
 * that stops early has not passed anything. Of a check the worst result stays.
 *
 * Texts may quote the file: they are bounded and made harmless here, once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/utc.h"
#include "format/json.h"

typedef enum CheckCode {
#define CHECK(code, word, question) CHECK_##code,
#define DEVIATION(code, word, text)
#include "format/verify-report.def"
#undef CHECK
#undef DEVIATION
        CHECK_MAX
} CheckCode;

typedef enum DeviationCode {
#define CHECK(code, word, question)
#define DEVIATION(code, word, text) DEVIATION_##code,
#include "format/verify-report.def"
#undef CHECK
#undef DEVIATION
        DEVIATION_MAX
} DeviationCode;

/* "signature-value". "raw-signature"; what it means, a sentence without its end. */
const char *check_word(CheckCode code);
const char *deviation_word(DeviationCode code);
const char *deviation_meaning(DeviationCode code);

typedef enum CheckResult {
        CHECK_NOT_APPLICABLE, /* this kind of file has no such thing: no row */
        CHECK_PASSED,
        CHECK_ABSENT,      /* it may be missing and is: no time stamp, no extension */
        CHECK_NOT_CHECKED, /* what it takes was not at hand */
        CHECK_FAILED,
        CHECK_RESULT_MAX
} CheckResult;

/* "passed", "absent", "not-checked", "failed". */
const char *check_result_word(CheckResult result);

typedef enum Verdict {
        VERDICT_PASSED,     /* every check that applies passed, or its subject may be absent */
        VERDICT_INCOMPLETE, /* none failed, and at least one was not made */
        VERDICT_FAILED,
        VERDICT_MAX
} Verdict;

/* "passed", "incomplete", "failed". */
const char *verdict_word(Verdict verdict);

/* What is verified; it says which checks apply. */
typedef enum VerifyKind {
        VERIFY_CMS,       /* CAdES, PAdES's CMS, GB/T 35275 */
        VERIFY_SIGNATURE, /* SES_Signature */
        VERIFY_SEAL,      /* SESeal alone */
        VERIFY_RAW,       /* a bare signature and a certificate */
        VERIFY_KEY,       /* a bare signature and a public key */
        VERIFY_KIND_MAX
} VerifyKind;

/* "cades", "eseal", "seal", "raw"; VERIFY_KEY is "raw" as well. */
const char *verify_kind_word(VerifyKind kind);

/* Where the time comes from at which certificates and seal are judged (format/verify-trust.h). */
typedef enum VerifyTimeSource {
        VERIFY_TIME_NOW,
        VERIFY_TIME_CLAIMED, /* by the signer: nobody else says so */
        VERIFY_TIME_STAMPED, /* proven by a time stamp that passed */
        VERIFY_TIME_GIVEN,   /* by who verifies */
        VERIFY_TIME_MAX
} VerifyTimeSource;

/* "now", "claimed", "timestamp", "given". */
const char *verify_time_word(VerifyTimeSource source);

typedef struct VerifyCheck {
        CheckResult result;
        bool made; /* something was said of it; else it is as the kind has begun it */
        char text[VERIFY_TEXT_MAX + 1];
} VerifyCheck;

typedef struct VerifyDeviation {
        DeviationCode code;
        char text[VERIFY_TEXT_MAX + 1]; /* the meaning, and where where that was said */
} VerifyDeviation;

/* What was read, whether it can be believed or not. Texts by verify_text_set(); "" is not said. */
typedef struct VerifyFacts {
        char profile[VERIFY_NAME_MAX + 1];   /* "CAdES", "GB/T 38540-2020", … */
        char algorithm[WORD_MAX + 1];        /* of SignatureAlgorithm: "ecdsa-sha256" */
        char hash[WORD_MAX + 1];             /* of the document, as on the bus */
        char subject[VERIFY_NAME_MAX + 1];   /* of the signer's certificate (RFC 2253) */
        char issuer[VERIFY_NAME_MAX + 1];    /* likewise */
        char serial[VERIFY_SERIAL_MAX + 1];  /* hex */
        char public_key_sha256[2 * 32 + 1];  /* of the signer's SubjectPublicKeyInfo, hex */
        char authority[VERIFY_NAME_MAX + 1]; /* that stamped the time */
        /* Of the seal. Its number is what a register is asked for. */
        char seal_number[VERIFY_NAME_MAX + 1];
        char seal_name[VERIFY_NAME_MAX + 1];
        char seal_vendor[VERIFY_NAME_MAX + 1];
        char seal_maker[VERIFY_NAME_MAX + 1]; /* subject */
        char seal_type[WORD_MAX + 1];         /* a number without a common meaning */
        char picture_type[WORD_MAX + 1];
        unsigned picture_width, picture_height; /* mm */
        uint64_t seal_not_before, seal_not_after;
        char property_info[VERIFY_NAME_MAX + 1]; /* what of the document is protected */
        /* Times of the signature; 0 is not said. */
        uint64_t claimed, stamped;
        uint64_t time; /* at which is judged */
        VerifyTimeSource time_source;
} VerifyFacts;

typedef struct VerifyReport {
        VerifyKind kind;
        VerifyCheck checks[CHECK_MAX];
        VerifyDeviation deviations[VERIFY_DEVIATIONS_MAX];
        size_t deviation_count;
        size_t deviations_left_off; /* that had no place */
        VerifyFacts facts;
} VerifyReport;

/* Every check of the kind not-checked ("It was not reached"). */
void verify_report_begin(VerifyReport *report, VerifyKind kind);

/*
 * Say the result of a check, with one sentence (no full stop). The worst result of several stays
 * with its own sentence: failed, not-checked, passed, absent. A check that the kind does not have
 * applies once it is named here.
 */
void verify_check(VerifyReport *report, CheckCode code, CheckResult result, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* The check does not apply after all: no row. */
void verify_check_drop(VerifyReport *report, CheckCode code);

/* Of a check: what it is now; CHECK_NOT_CHECKED until something was said. */
CheckResult verify_result(const VerifyReport *report, CheckCode code);

/*
 * One that was told with the same words before is not told again. where (may be NULL): "the seal".
 */
void verify_deviation(VerifyReport *report, DeviationCode code, const char *where);

/* Copy text of a file: cut, made harmless. size is that of the array. */
void verify_text_set(char *ret, size_t size, Bytes text);

Verdict verify_verdict(const VerifyReport *report);

/* The worst of several signers' ones. */
Verdict verify_reports_verdict(const VerifyReport *reports, size_t count);

/*
 * {"verdict","kind","checks":[{"check","result","text"}],"deviations":[{"deviation","text"}],
 * "deviations-left-off","signed":{…, "time","time-source"}} as sealctl-seal(8) has it. Times are
 * microseconds; of what is signed only what is said. NULL without memory.
 */
json_t *verify_report_json(const VerifyReport *report);

/* Of one signer the same; of several {"verdict","kind","signers":[…]} with the worst verdict. */
json_t *verify_reports_json(const VerifyReport *reports, size_t count);
