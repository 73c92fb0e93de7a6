/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a passport's objects as tables, by which they are written and read; for
 * format/passport-*.c alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "format/json.h"

#define PATH_SIZE 160 /* "statement.machine.states[63].state-index" */

typedef enum FieldKind {
        FIELD_TEXT,      /* char[size], one line or empty */
        FIELD_NUMBER,    /* uint64_t */
        FIELD_UNSIGNED,  /* unsigned, at most size */
        FIELD_FLAG,      /* bool */
        FIELD_HASH,      /* uint8_t[size] */
        FIELD_DIGEST,    /* TPM2B_DIGEST of SHA-256, without its size */
        FIELD_PUBLIC,    /* TPM2B_PUBLIC */
        FIELD_NV_PUBLIC, /* TPMS_NV_PUBLIC */
        FIELD_SIGNATURE, /* TPMT_SIGNATURE */
} FieldKind;

typedef struct Field {
        const char *name;
        FieldKind kind;
        size_t offset; /* in the struct that the object is read into */
        size_t size;
} Field;

typedef struct FieldTable {
        const Field *fields;
        size_t count;
} FieldTable;

/* An object's members, but those that are arrays or objects themselves. */
extern const FieldTable passport_statement_fields, passport_seal_fields, passport_approver_fields,
        passport_policy_fields, passport_machine_fields, passport_state_fields,
        passport_state_index_fields, passport_ledger_fields, passport_attestation_fields;

/* --- writing: r keeps the first failure, -ENOMEM or -EINVAL ----------------------------------- */

/* Set a member; takes the value, NULL: no memory. */
void member_set(int *r, json_t *object, const char *name, json_t *taken);

/* The same for a struct's members. */
void fields_write(int *r, json_t *object, const FieldTable *table, const void *from);

/* Lower-case hex of any size; NULL without memory. */
json_t *hex_write(const uint8_t *data, size_t size);

/* --- reading: the first failure is kept ------------------------------------------------------- */

typedef struct Reading {
        int r; /* 0, -ENOMEM, SEAL_E_REGISTER_TAMPERED */
        ErrorDetail *detail;
} Reading;

/* "PATH.NAME WHAT" is the sentence; a NULL name is left out. */
void reading_fail(Reading *reading, const char *path, const char *name, const char *what);

void fields_read(Reading *reading, const json_t *object, const char *path, const FieldTable *table,
                 void *ret);

/* A member that is there and an object or an array of at most max elements; else NULL. */
json_t *object_read(Reading *reading, const json_t *parent, const char *path, const char *name);
json_t *array_read(Reading *reading, const json_t *parent, const char *path, const char *name,
                   size_t max);

/* What else the object has than count members of those names is told. */
void members_check(Reading *reading, const json_t *object, const char *path,
                   const FieldTable *table, const char *const *others);

/* PATH.NAME, and PATH[NUMBER], cut at PATH_SIZE. Both return ret. */
const char *path_join(const char *path, const char *name, char ret[static PATH_SIZE]);
const char *path_at(const char *path, size_t number, char ret[static PATH_SIZE]);
