/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ini.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "policy/digest.h"
#include "policy/pcr.h"
#include "sealsd/application.h"

#define STATE_DIRECTORY_DEFAULT "/var/lib/sealsd"
#define CRL_DIRECTORY_DEFAULT "/var/cache/sealsd"
#define CRL_DAYS_MAX 365
#define VALIDITY_DAYS_MAX 36500
#define REQUEST_DAYS_MAX 3650
#define ANCHOR_MINUTES_MAX 1440
#define INSPECT_HOURS_MAX 8760
#define GRANTS_MAX 1000

/* What the parser's two callbacks share. */
typedef struct Reading {
        Config *config;
        const char *next; /* the rest of the text */
        int line;         /* of the line handed out last */
        uint64_t seen;    /* bit per entry of keys */
        int failed_line;  /* of the first error, 0 without one */
        int code;
        char why[ERROR_TEXT_MAX / 2];
} Reading;

typedef struct ConfigKey {
        const char *section;
        const char *name;
        const char *preset; /* the value of a key that the file does not have */
        bool repeats;       /* a list: a further line adds to it */
        int (*read)(void *field, const char *value, Reading *reading);
        size_t offset;
} ConfigKey;

/* Keeps the first error; the parser itself goes on to the end. Returns code. */
static int fail(Reading *reading, int code, const char *why, const char *what) {
        if (reading->failed_line == 0) {
                reading->failed_line = reading->line;
                reading->code = code;
                (void) snprintf(reading->why, sizeof(reading->why), "%s '%.80s'", why, what);
        }
        return code;
}

static int refuse(Reading *reading, const char *why, const char *what) {
        return fail(reading, SEAL_E_INVALID_ARGS, why, what);
}

static bool text_is_printable(const char *text) {
        for (; *text != '\0'; text++)
                if ((unsigned char) *text < ' ' || *text == 0x7f)
                        return false;
        return true;
}

static int read_text(void *field, const char *value, Reading *reading) {
        if (strlen(value) >= CONFIG_PATH_MAX || !text_is_printable(value))
                return refuse(reading, "too long, or not plain text:", value);
        strcpy(field, value);
        return 0;
}

static int read_directory(void *field, const char *value, Reading *reading) {
        if (value[0] != '\0' && value[0] != '/')
                return refuse(reading, "a folder's path begins with '/', unlike", value);
        return read_text(field, value, reading);
}

static int read_bool(void *field, const char *value, Reading *reading) {
        static const char *const words[][2] = {
                { "no", "yes" },
                { "false", "true" },
                { "off", "on" },
                { "0", "1" },
        };

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                for (int truth = 0; truth <= 1; truth++)
                        if (strcmp(value, words[i][truth]) == 0) {
                                *(bool *) field = truth;
                                return 0;
                        }
        return refuse(reading, "yes or no expected, not", value);
}

static int number_parse(const char *value, unsigned low, unsigned high, unsigned *ret) {
        char *end;

        if (value[0] < '0' || value[0] > '9')
                return -EINVAL;
        errno = 0;
        unsigned long number = strtoul(value, &end, 10);
        if (errno != 0 || *end != '\0' || number < low || number > high)
                return -ERANGE;
        *ret = (unsigned) number;
        return 0;
}

static int read_days(void *field, const char *value, Reading *reading) {
        if (number_parse(value, 1, VALIDITY_DAYS_MAX, field) != 0)
                return refuse(reading, "1 to 36500 days expected, not", value);
        return 0;
}

static int read_crl_days(void *field, const char *value, Reading *reading) {
        if (number_parse(value, 1, CRL_DAYS_MAX, field) != 0)
                return refuse(reading, "1 to 365 days expected, not", value);
        return 0;
}

/* ISO 3166-1. */
static int read_country(void *field, const char *value, Reading *reading) {
        size_t size = strlen(value);

        if (size != 0 && (size != 2 || strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2))
                return refuse(reading, "two capital letters expected, not", value);
        strcpy(field, value);
        return 0;
}

/* Into a certificate (RFC 5280, appendix A.1). */
static int read_certificate_text(void *field, const char *value, Reading *reading) {
        if (value[0] != '\0' &&
            (strlen(value) >= CONFIG_PATH_MAX || !text_is_line(value, CERTIFICATE_NAME_CHARS_MAX)))
                return refuse(reading, "a text of at most 64 characters expected, not", value);
        strcpy(field, value);
        return 0;
}

/* It stands in certificates for years: only what fetches a list without a key of ours. */
static int url_add(void *field, const char *word, Reading *reading) {
        MakerConfig *maker = field;

        if (strncmp(word, "http://", 7) != 0 && strncmp(word, "https://", 8) != 0 &&
            strncmp(word, "ldap://", 7) != 0)
                return refuse(reading, "http://, https:// or ldap:// expected, not", word);
        if (maker->crl_url_count >= CRL_URLS_MAX)
                return refuse(reading, "too many addresses, beginning with", word);
        for (const char *at = strchr(word, '%'); at; at = strchr(at + 1, '%'))
                if (at[1] != 'a' && !(strspn(at + 1, "0123456789ABCDEF") >= 2))
                        return refuse(reading, "neither %a nor %HEX in", word);
        int r = read_text(maker->crl_urls[maker->crl_url_count], word, reading);
        maker->crl_url_count += r == 0;
        return r;
}

static int read_reviewers(void *field, const char *value, Reading *reading) {
        if (number_parse(value, 1, REVIEWERS_MAX, field) != 0)
                return refuse(reading, "1 to 4 reviewers expected, not", value);
        return 0;
}

static int read_request_days(void *field, const char *value, Reading *reading) {
        if (number_parse(value, 1, REQUEST_DAYS_MAX, field) != 0)
                return refuse(reading, "1 to 3650 days expected, not", value);
        return 0;
}

static int read_anchor_minutes(void *field, const char *value, Reading *reading) {
        if (number_parse(value, 1, ANCHOR_MINUTES_MAX, field) != 0)
                return refuse(reading, "1 to 1440 minutes expected, not", value);
        return 0;
}

static int read_inspect_hours(void *field, const char *value, Reading *reading) {
        if (number_parse(value, 0, INSPECT_HOURS_MAX, field) != 0)
                return refuse(reading, "0 to 8760 hours expected, not", value);
        return 0;
}

static int read_inspect_days(void *field, const char *value, Reading *reading) {
        if (number_parse(value, 0, VALIDITY_DAYS_MAX, field) != 0)
                return refuse(reading, "0 to 36500 days expected, not", value);
        return 0;
}

static int read_grants_max(void *field, const char *value, Reading *reading) {
        if (number_parse(value, 0, GRANTS_MAX, field) != 0)
                return refuse(reading, "0 to 1000 grants expected, not", value);
        return 0;
}

/*
 * PCR 10 moves by itself. 16 and 23 can be reset by anyone, 17 to 22 are extended from other
 * localities than ours (TCG PC Client Platform TPM Profile §4.6).
 */
static int read_fence(void *field, const char *value, Reading *reading) {
        unsigned pcr;

        if (number_parse(value, 0, 15, &pcr) != 0 || pcr == PCR_IMA)
                return refuse(reading, "a PCR of 0 to 15, but not 10, expected, not", value);
        *(unsigned *) field = pcr;
        return 0;
}

static int read_region(void *field, const char *value, Reading *reading) {
        if (strlen(value) != 6 || strspn(value, "0123456789") != 6)
                return refuse(reading, "6 digits expected, not", value);
        strcpy(field, value);
        return 0;
}

static int list_add(void *field, const char *text, Reading *reading) {
        SubjectList *list = field;
        SubjectKind kind;
        const char *name;
        ErrorDetail detail = {};

        if (!subject_text_split(text, &kind, &name))
                return refuse(reading, "user:NAME or group:NAME expected, not", text);
        if (list->count >= CONFIG_SUBJECTS_MAX)
                return refuse(reading, "too many subjects, beginning with", text);
        int r = subject_parse(text, &list->subjects[list->count], &detail);
        if (r < 0)
                return fail(reading, r, "cannot look up", text);
        if (r == 0)
                list->count++;
        else
                log_warning("Configuration: %s; it is left out", error_describe(r, &detail));
        return 0;
}

/* Each word of a list. */
static int read_words(void *field, const char *value, Reading *reading,
                      int (*add)(void *field, const char *word, Reading *reading)) {
        _cleanup_free_ char *words = strdup(value);
        char *rest = NULL;

        if (!words)
                return fail(reading, -ENOMEM, "no memory for", value);
        for (char *word = strtok_r(words, " \t", &rest); word;
             word = strtok_r(NULL, " \t", &rest)) {
                int r = add(field, word, reading);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int read_subjects(void *field, const char *value, Reading *reading) {
        return read_words(field, value, reading, list_add);
}

static int read_urls(void *field, const char *value, Reading *reading) {
        return read_words(field, value, reading, url_add);
}

/* "finance:2"; field is the Config, which has count and array. */
static int type_add(void *field, const char *word, Reading *reading) {
        Config *config = field;
        const char *colon = strchr(word, ':');
        TypeReviewers *entry = &config->reviewers_for[config->reviewers_for_count];

        if (!colon || (size_t) (colon - word) >= sizeof(entry->type))
                return refuse(reading, "TYPE:NUMBER expected, not", word);
        if (config->reviewers_for_count >= CONFIG_TYPES_MAX)
                return refuse(reading, "too many types, beginning with", word);
        memcpy(entry->type, word, (size_t) (colon - word));
        entry->type[colon - word] = '\0';
        if (!seal_type_code(entry->type))
                return refuse(reading, "no such type of seal:", word);
        for (size_t i = 0; i < config->reviewers_for_count; i++)
                if (strcmp(config->reviewers_for[i].type, entry->type) == 0)
                        return refuse(reading, "given twice:", word);
        if (number_parse(colon + 1, 1, REVIEWERS_MAX, &entry->needed) != 0)
                return refuse(reading, "1 to 4 reviewers expected, not", word);
        config->reviewers_for_count++;
        return 0;
}

static int read_reviewers_for(void *field, const char *value, Reading *reading) {
        return read_words(field, value, reading, type_add);
}

#define KEY(part, key, field, function, value)                                   \
        {                                                                        \
                .section = part, .name = key, .preset = value, .read = function, \
                .offset = offsetof(Config, field)                                \
        }
#define LIST(part, key, field, value)                                                 \
        {                                                                             \
                .section = part, .name = key, .preset = value, .read = read_subjects, \
                .offset = offsetof(Config, field), .repeats = true                    \
        }

static const ConfigKey keys[] = {
        KEY("Daemon", "Tcti", tcti, read_text, ""),
        KEY("Daemon", "StateDirectory", state_directory, read_directory, ""),
        KEY("Daemon", "AllowInlineSecrets", allow_inline_secrets, read_bool, "yes"),
        LIST("Roles", "Applicants", applicants, "group:seal-applicants"),
        LIST("Roles", "Reviewers", reviewers, "group:seal-reviewers"),
        LIST("Roles", "Makers", makers, "group:seal-makers"),
        LIST("Roles", "Administrators", administrators, "group:seal-admins"),
        LIST("Roles", "Auditors", auditors, "group:seal-auditors"),
        KEY("Roles", "SeparateLogins", separate_logins, read_bool, "no"),
        KEY("Roles", "SignedDecisions", signed_decisions, read_bool, "no"),
        KEY("Seals", "NumberRegion", number_region, read_region, "000000"),
        KEY("Seals", "ValidityDays", validity_days, read_days, "1095"),
        KEY("Seals", "ReviewersNeeded", reviewers_needed, read_reviewers, "1"),
        {
                .section = "Seals",
                .name = "ReviewersFor",
                .preset = "",
                .read = read_reviewers_for,
                .repeats = true,
        },
        KEY("Seals", "RequestDays", request_days, read_request_days, "30"),
        KEY("Maker", "Organization", maker.organization, read_certificate_text, ""),
        KEY("Maker", "OrganizationIdentifier", maker.organization_identifier, read_certificate_text,
            ""),
        KEY("Maker", "Country", maker.country, read_country, ""),
        KEY("Maker", "CommonName", maker.common_name, read_certificate_text, ""),
        KEY("Maker", "ValidityDays", maker.validity_days, read_days, "3650"),
        KEY("Maker", "CrlValidityDays", maker.crl_days, read_crl_days, "7"),
        KEY("Maker", "CrlDirectory", maker.crl_directory, read_directory, ""),
        {
                .section = "Maker",
                .name = "CrlDistributionPoint",
                .preset = "",
                .read = read_urls,
                .offset = offsetof(Config, maker),
                .repeats = true,
        },
        KEY("Ledger", "AnchorMinutes", anchor_minutes, read_anchor_minutes, "10"),
        KEY("Inspection", "EveryHours", inspection.every_hours, read_inspect_hours, "24"),
        KEY("Inspection", "WarnDays", inspection.warn_days, read_inspect_days, "30"),
        KEY("Inspection", "UnusedDays", inspection.unused_days, read_inspect_days, "180"),
        KEY("Inspection", "WaitDays", inspection.wait_days, read_inspect_days, "7"),
        KEY("Inspection", "GrantsMax", inspection.grants_max, read_grants_max, "8"),
        KEY("Inspection", "CommandAudit", inspection.command_audit, read_bool, "no"),
        KEY("Tpm", "FencePcr", fence_pcr, read_fence, "15"),
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))
_Static_assert(KEY_COUNT <= 64, "Reading.seen has a bit per key");

static int key_read(const ConfigKey *key, const char *value, Reading *reading) {
        return key->read((char *) reading->config + key->offset, value, reading);
}

/* ini.h: an ini_handler. Returns 0 for an error. */
static int reading_value(void *userdata, const char *section, const char *name, const char *value) {
        Reading *reading = userdata;

        for (size_t i = 0; i < KEY_COUNT; i++) {
                const ConfigKey *key = &keys[i];

                if (strcmp(key->section, section) != 0 || strcmp(key->name, name) != 0)
                        continue;
                if (reading->seen & UINT64_C(1) << i && !key->repeats)
                        return refuse(reading, "given twice:", name) == 0;
                reading->seen |= UINT64_C(1) << i;
                return key_read(key, value, reading) == 0;
        }
        return refuse(reading, "no such key in its section:", name) == 0;
}

/* The parser calls nobody for a section without keys, so a misspelt one is found here. */
static void section_check(Reading *reading, const char *line) {
        const char *name = line + strspn(line, " \t");

        if (*name != '[')
                return;
        size_t size = strcspn(++name, "]");
        for (size_t i = 0; i < KEY_COUNT; i++)
                if (strlen(keys[i].section) == size && strncmp(keys[i].section, name, size) == 0)
                        return;
        (void) refuse(reading, "no such section:", line);
}

/*
 * ini.h: an ini_reader, as fgets. It counts the lines, and ends at one that the parser's buffer
 * does not hold, which fgets would hand out in pieces.
 */
static char *reading_line(char *ret, int size, void *userdata) {
        Reading *reading = userdata;
        size_t length = strcspn(reading->next, "\n");

        if (reading->next[0] == '\0')
                return NULL;
        reading->line++;
        if (length + 2 > (size_t) size) {
                (void) refuse(reading,
                              "line too long, an indented one continues a list:", reading->next);
                return NULL;
        }
        memcpy(ret, reading->next, length);
        ret[length] = '\0';
        reading->next += length + (reading->next[length] == '\n');
        section_check(reading, ret);
        return ret;
}

static int file_read(const char *path, char **ret, ErrorDetail *detail) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return error_set(detail, -errno, "%s: %s", path, strerror(errno));
        _cleanup_free_ char *text = calloc(1, CONFIG_BYTES_MAX + 1);
        if (!text)
                return -ENOMEM;
        size_t used = 0;
        ssize_t n = 0;
        do {
                n = read(fd, text + used, CONFIG_BYTES_MAX + 1 - used);
                used += n > 0 ? (size_t) n : 0;
        } while (n > 0 && used <= CONFIG_BYTES_MAX);
        if (n < 0)
                return error_set(detail, -errno, "%s: %s", path, strerror(errno));
        if (used > CONFIG_BYTES_MAX || memchr(text, '\0', used))
                return error_set(detail, SEAL_E_INVALID_ARGS, "%s:1: too large, or not text", path);
        *ret = steal_ptr(text);
        return 0;
}

static int reading_result(const Reading *reading, int syntax, const char *path,
                          ErrorDetail *detail) {
        if (syntax > 0 && (reading->failed_line == 0 || syntax < reading->failed_line))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "%s:%d: neither [Section] nor Key=value", path, syntax);
        if (reading->code != 0)
                return error_set(detail, reading->code, "%s:%d: %s", path, reading->failed_line,
                                 reading->why);
        return syntax < 0 ? -ENOMEM : 0;
}

static int config_parse(Config *config, const char *path, const char *text, ErrorDetail *detail) {
        Reading reading = { .config = config, .next = text };

        int syntax = ini_parse_stream(reading_line, &reading, reading_value, &reading);
        for (size_t i = 0; syntax == 0 && reading.failed_line == 0 && i < KEY_COUNT; i++)
                if (!(reading.seen & UINT64_C(1) << i))
                        (void) key_read(&keys[i], keys[i].preset, &reading);
        return reading_result(&reading, syntax, path, detail);
}

/* systemd gives a list when the unit names several folders; ours is the first. */
static int directory_find(char *ret, const char *variable, const char *otherwise) {
        const char *folder = getenv(variable);

        if (ret[0] != '\0')
                return 0;
        if (!folder || folder[0] != '/')
                folder = otherwise;
        size_t size = strcspn(folder, ":");
        if (size >= CONFIG_PATH_MAX)
                return -ENAMETOOLONG;
        memcpy(ret, folder, size);
        return 0;
}

int config_load(Config **ret, const char *path, ErrorDetail *detail) {
        _cleanup_free_ char *text = NULL;
        _cleanup_(config_freep) Config *config = calloc(1, sizeof(*config));

        if (!config)
                return -ENOMEM;
        int r = file_read(path, &text, detail);
        if (r == 0)
                r = config_parse(config, path, text, detail);
        if (r == 0 && text)
                r = digest_bytes((Bytes){ (const uint8_t *) text, strlen(text) }, &config->digest);
        if (r == 0)
                r = directory_find(config->state_directory, "STATE_DIRECTORY",
                                   STATE_DIRECTORY_DEFAULT);
        if (r == 0)
                r = directory_find(config->maker.crl_directory, "CACHE_DIRECTORY",
                                   CRL_DIRECTORY_DEFAULT);
        if (r == 0)
                *ret = steal_ptr(config);
        return r;
}

unsigned config_reviewers_needed(const Config *config, const char *type) {
        for (size_t i = 0; i < config->reviewers_for_count; i++)
                if (strcmp(config->reviewers_for[i].type, type) == 0)
                        return config->reviewers_for[i].needed;
        return config->reviewers_needed;
}

Config *config_free(Config *config) {
        free(config);
        return NULL;
}
