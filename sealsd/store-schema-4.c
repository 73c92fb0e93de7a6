/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 4 of the register: the maker's keys, certificates, revocation lists, pictures, and the
 * structures that signatures are made over. New tables only: a guarded row's hash is over all of
 * its columns, so none gets another.
 */
#include "sealsd/store-internal.h"

const char schema_version_4[] =
        /* subject is the DER of its name, for life; sealed has the key's private blob. */
        "CREATE TABLE maker ("
        "  id INTEGER PRIMARY KEY,"
        "  algorithm TEXT NOT NULL UNIQUE,"
        "  nv_index INTEGER NOT NULL REFERENCES nv_index (handle),"
        "  bit INTEGER NOT NULL CHECK (bit BETWEEN 0 AND 63),"
        "  profile TEXT NOT NULL,"
        "  subject BLOB NOT NULL,"
        "  public BLOB NOT NULL,"
        "  created INTEGER NOT NULL,"
        "  version INTEGER NOT NULL,"
        "  sealed BLOB NOT NULL,"
        "  UNIQUE (nv_index, bit)"
        ") STRICT;"
        "CREATE INDEX maker_plain ON maker (id) WHERE version = 0;"

        /*
         * Whose key it certifies is a maker's or a seal's, the other is 0. The last of each is in
         * force; none is ever taken out. issuer is the maker that issued it, 0 another authority.
         * chain has the certificates above it one after the other, structure the seal of GB/T 38540
         * that names it.
         */
        "CREATE TABLE certificate ("
        "  row INTEGER PRIMARY KEY,"
        "  seal INTEGER NOT NULL,"
        "  maker INTEGER NOT NULL,"
        "  issuer INTEGER NOT NULL,"
        "  serial BLOB NOT NULL,"
        "  not_before INTEGER NOT NULL,"
        "  not_after INTEGER NOT NULL,"
        "  by_text TEXT NOT NULL, by_kind TEXT NOT NULL, by_id INTEGER NOT NULL,"
        "  by_login INTEGER NOT NULL,"
        "  by_time INTEGER NOT NULL,"
        "  der BLOB NOT NULL,"
        "  chain BLOB NOT NULL,"
        "  structure BLOB NOT NULL,"
        "  CHECK ((seal = 0) <> (maker = 0))"
        ") STRICT;"
        "CREATE INDEX certificate_seal ON certificate (seal, row) WHERE seal <> 0;"
        "CREATE INDEX certificate_maker ON certificate (maker, row) WHERE maker <> 0;"
        "CREATE INDEX certificate_issuer ON certificate (issuer, seal) WHERE issuer <> 0;"

        /* The last list of each maker; owed: it does not say all that is revoked. */
        "CREATE TABLE revocation_list ("
        "  maker INTEGER PRIMARY KEY REFERENCES maker (id),"
        "  number INTEGER NOT NULL,"
        "  this_update INTEGER NOT NULL,"
        "  next_update INTEGER NOT NULL,"
        "  entries INTEGER NOT NULL,"
        "  owed INTEGER NOT NULL,"
        "  der BLOB NOT NULL"
        ") STRICT;"

        /* Of the seal that a request is about; its bytes' hash is in the application. */
        "CREATE TABLE picture ("
        "  request INTEGER PRIMARY KEY REFERENCES request (id),"
        "  type TEXT NOT NULL,"
        "  data BLOB NOT NULL"
        ") STRICT;"

        /* What a request of kind use has approvers sign for, where that is not a digest alone. */
        "CREATE TABLE use_structure ("
        "  request INTEGER PRIMARY KEY REFERENCES request (id),"
        "  format TEXT NOT NULL,"
        "  algorithm TEXT NOT NULL,"
        "  structure BLOB NOT NULL,"
        "  certificates BLOB NOT NULL"
        ") STRICT;";
