/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 3 of the register: approvers, PINs and approvals, and machine states that can be retired.
 * New tables only: a guarded row's hash is over all of its columns, so none gets another.
 */
#include "sealsd/store-internal.h"

#define SUBJECT(name)                                                                          \
        "  " name "_text TEXT NOT NULL, " name "_kind TEXT NOT NULL, " name "_id INTEGER NOT " \
        "NULL,"

const char schema_version_3[] =
        /* Of a seal whose use takes more than the machine; fixed at birth. */
        "CREATE TABLE seal_policy ("
        "  seal INTEGER PRIMARY KEY REFERENCES seal (id),"
        "  pin INTEGER NOT NULL,"
        "  threshold INTEGER NOT NULL"
        ") STRICT;"
        "CREATE TABLE approver ("
        "  row INTEGER PRIMARY KEY,"
        "  seal INTEGER NOT NULL REFERENCES seal (id),"
        "  ordinal INTEGER NOT NULL," /* as the policy has them */
        "  text TEXT NOT NULL, kind TEXT NOT NULL, id INTEGER NOT NULL,"
        "  pem TEXT NOT NULL,"
        "  UNIQUE (seal, ordinal)"
        ") STRICT;"
        "CREATE INDEX approver_subject ON approver (kind, id, seal);"

        /* The random authValue of a seal with a PIN, until its keeper sets his. */
        "CREATE TABLE seal_birth ("
        "  seal INTEGER PRIMARY KEY REFERENCES seal (id),"
        "  version INTEGER NOT NULL,"
        "  sealed BLOB NOT NULL"
        ") STRICT;"
        "CREATE INDEX seal_birth_plain ON seal_birth (seal) WHERE version = 0;"

        /*
         * An approver's word for a request of kind use; sealed has his signature until withdrawn.
         */
        "CREATE TABLE use_approval ("
        "  row INTEGER PRIMARY KEY,"
        "  request INTEGER NOT NULL REFERENCES request (id),"
        "  approver INTEGER NOT NULL," SUBJECT("by") /* who handed it in */
        "  by_login INTEGER NOT NULL,"
        "  time INTEGER NOT NULL,"
        "  withdrawn INTEGER NOT NULL,"
        "  version INTEGER NOT NULL,"
        "  sealed BLOB NOT NULL,"
        "  UNIQUE (request, approver)"
        ") STRICT;"
        "CREATE INDEX use_approval_plain ON use_approval (row) WHERE version = 0;"

        /*
         * What an approver has signed for once, as SHA-256 of the bytes, and the first request for
         * it.
         */
        "CREATE TABLE use_given ("
        "  row INTEGER PRIMARY KEY,"
        "  given BLOB NOT NULL,"
        "  approver INTEGER NOT NULL,"
        "  request INTEGER NOT NULL REFERENCES request (id),"
        "  UNIQUE (given, approver)"
        ") STRICT;"

        /*
         * What became of such a request: the use that was taken for it, once, 0 before; result is
         * empty until the chip signed.
         */
        "CREATE TABLE use_result ("
        "  request INTEGER PRIMARY KEY REFERENCES request (id),"
        "  live INTEGER NOT NULL," /* it waited in a session of the chip */
        "  use INTEGER NOT NULL,"
        "  use_grant INTEGER NOT NULL,"
        "  taken INTEGER NOT NULL,"
        "  result BLOB NOT NULL,"
        "  done INTEGER NOT NULL"
        ") STRICT;"

        /* The bit that an approved machine state names; stays when its approval has made room. */
        "CREATE TABLE state_bit ("
        "  state INTEGER PRIMARY KEY,"
        "  nv_index INTEGER NOT NULL REFERENCES nv_index (handle),"
        "  bit INTEGER NOT NULL CHECK (bit BETWEEN 0 AND 63),"
        "  retired INTEGER NOT NULL," SUBJECT("by") "  reason TEXT NOT NULL,"
                                                    "  UNIQUE (nv_index, bit)"
                                                    ") STRICT;";
