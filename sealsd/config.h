/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file (INI, units/sealsd.conf), read once at start. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/limits.h"
#include "sealsd/subject.h"

#define CONFIG_SUBJECTS_MAX 32
#define CONFIG_PATH_MAX 256

typedef struct SubjectList {
        size_t count;
        Subject subjects[CONFIG_SUBJECTS_MAX];
} SubjectList;

/* "finance:2": who applies for a seal of this type needs so many reviewers. */
typedef struct TypeReviewers {
        char type[WORD_MAX + 1];
        unsigned needed;
} TypeReviewers;

#define CONFIG_TYPES_MAX 16

/* What an inspection calls a finding, and how often there is one. */
typedef struct InspectionConfig {
        unsigned every_hours; /* 0: only when somebody asks */
        unsigned warn_days;   /* ahead of the end of validity */
        unsigned unused_days, wait_days;
        unsigned grants_max; /* of one seal */
        bool command_audit;  /* the chip's count of signatures is compared */
} InspectionConfig;

/* Who makes seals, as certificates say it, and the lists of what was revoked. */
typedef struct MakerConfig {
        char organization[CONFIG_PATH_MAX]; /* "" is "sealsd" */
        char organization_identifier[CONFIG_PATH_MAX];
        char country[3];                   /* two letters; "" leaves it out */
        char common_name[CONFIG_PATH_MAX]; /* "" names algorithm and machine */
        unsigned validity_days;
        unsigned crl_days;
        char crl_directory[CONFIG_PATH_MAX];
        size_t crl_url_count;
        char crl_urls[CRL_URLS_MAX][CONFIG_PATH_MAX]; /* "%a" stands for the maker's algorithm */
} MakerConfig;

typedef struct Config {
        char tcti[CONFIG_PATH_MAX]; /* "" is the default order */
        char state_directory[CONFIG_PATH_MAX];
        bool allow_inline_secrets;
        SubjectList applicants, reviewers, makers, administrators, auditors;
        char number_region[7]; /* 6 digits */
        unsigned validity_days;
        unsigned reviewers_needed; /* 1 to REVIEWERS_MAX; of types that are not in reviewers_for */
        size_t reviewers_for_count;
        TypeReviewers reviewers_for[CONFIG_TYPES_MAX];
        unsigned request_days;   /* a request that nobody decides expires */
        bool separate_logins;    /* people are told apart by login UID too */
        bool signed_decisions;   /* a reviewer without a registered key does not decide */
        unsigned anchor_minutes; /* longest time that uses wait for their anchor */
        InspectionConfig inspection;
        MakerConfig maker;
        unsigned fence_pcr;
        TPM2B_DIGEST digest; /* SHA-256 of the file */
} Config;

/*
 * Read path. A key or section that is not known, a value out of range, a file over
 * CONFIG_BYTES_MAX: SEAL_E_INVALID_ARGS with file and line. A subject without an account is left
 * out with a warning, since accounts may come later. state_directory falls back to
 * $STATE_DIRECTORY, then /var/lib/sealsd, and so does crl_directory to $CACHE_DIRECTORY, then
 * /var/cache/sealsd. *ret is owned by the caller.
 */
int config_load(Config **ret, const char *path, ErrorDetail *detail);

/* Reviewers that a request about a seal of this type needs, 1 to REVIEWERS_MAX. */
unsigned config_reviewers_needed(const Config *config, const char *type);
Config *config_free(Config *config);
DEFINE_CLEANUP(Config, config_free)
