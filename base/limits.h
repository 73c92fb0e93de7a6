/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The named maxima of everything that the bus, a file or the chip hands us (design, section 5.6).
 * Byte counts unless the name says otherwise; text maxima leave out the terminating zero.
 */
#pragma once

#define ERROR_TEXT_MAX 512

/* What is told to the journal and to the kernel's audit. */
#define LOG_LINE_MAX 4096      /* with the terminating zero: an event's longest field, escaped */
#define JOURNAL_NAME_MAX 64    /* of a field (systemd.journal-fields(7)) */
#define JOURNAL_VALUE_MAX 1024 /* of a field; a reason or a document's name fits */
#define JOURNAL_FIELDS_MAX 24  /* of an event */
#define AUDIT_VALUE_MAX 256    /* of a field of a record; twice that in hex */
#define AUDIT_TEXT_MAX 7168    /* a record has 8560 for all that is in it (linux/audit.h) */

/* Text and options. */
#define TEXT_MAX 1024       /* comment, reason, document name */
#define NAME_CHARS_MAX 256  /* a seal's name or holder, in characters */
#define NAME_BYTES_MAX 1024 /* the same in UTF-8 */
#define PEM_MAX (16 * 1024)
#define KEY_PEM_MAX 1024 /* a public key as we write it, RSA-4096 included */
#define SECRET_MAX 1024
#define PIN_MIN 4 /* bytes of a seal's PIN */
#define PIN_MAX 256
#define DIGEST_MAX 64
#define SIGNATURE_MAX 1024 /* DER or plain, RSA-4096 included */
#define NUMBER_MAX 32      /* [0-9A-Z]{1,32} */
#define BUS_NAME_MAX 255   /* an interface, a member (D-Bus specification); also a path */
#define WORD_MAX 31        /* a class, type or algorithm */
#define KIND_MAX 15        /* of a request */
#define SUBJECT_MAX 64     /* "user:" or "group:" and a name of at most 32 bytes and some */
#define KEEPERS_MAX 8
#define BIRTH_AUTH_SIZE 32  /* of a key with a PIN, until its keeper sets his */
#define GRANTS_MAX 1000     /* of one seal that have not ended */
#define SIGN_MANY_MAX 10000 /* digests of one SignMany */
#define PURPOSES_MAX 3
#define DOCUMENTS_MAX 32
#define COUNTRY_SIZE 2                 /* ISO 3166-1 alpha-2 */
#define ORGANIZATION_IDENTIFIER_MAX 64 /* characters of ASCII */
#define PCR_TEXT_MAX 256               /* "sha256:0,2,7" */
#define PROFILE_MAX 64                 /* [a-z0-9-]{1,64} */
#define PAGE_MAX 1000                  /* rows of a list */
#define CHILDREN_MAX 1000              /* children of one bus path that are listed */
#define CAPACITY_MAX 1024              /* seals asked for at Initialize */
#define REVIEWERS_MAX 4
#define DECISIONS_MAX (REVIEWERS_MAX + 1) /* approvals, and the rejection that ends them */

/* Ledger. */
#define LEDGER_ROW_MAX (1024 * 1024) /* the text of one row */
#define LEDGER_TOUCHES_MAX 4096      /* records that one row says were changed */
#define LEDGER_WORD_MAX 63           /* an event, a key, the name of a table */
#define LEDGER_BREAKS_MAX 256        /* breaks that are remembered, or acknowledged, one by one */

/* Passports. */
#define PASSPORT_MAX (1024 * 1024) /* the file */
#define PASSPORT_NONCE_MIN 8
#define PASSPORT_NONCE_MAX 64
#define PASSPORT_TERM_MAX 1023                                /* the text of one term of a policy */
#define PASSPORT_CERTIFICATES_MAX (CERTIFICATE_CHAIN_MAX + 1) /* of a chain, its anchor beside it */

/* Certificates, pictures and what is signed over them. */
#define CERTIFICATE_MAX (8 * 1024) /* DER */
#define CERTIFICATE_CHAIN_MAX 8    /* certificates, the first included */
#define CERTIFICATE_CHAIN_BYTES_MAX (CERTIFICATE_CHAIN_MAX * CERTIFICATE_MAX)
#define CERTIFICATE_SERIAL_MAX 20     /* RFC 5280 §4.1.2.2 */
#define ROUTES_MAX 16                 /* from a certificate to those that are trusted */
#define ROUTE_SIGNATURES_MAX 128      /* that are verified to find them */
#define CERTIFICATES_LISTED_MAX 64    /* of one seal, the newest */
#define CERTIFICATE_NAME_CHARS_MAX 64 /* of an organisation or a common name (RFC 5280 A.1) */
#define DISTINGUISHED_NAME_MAX 2048   /* DER */
#define REVOCATION_LIST_MAX (16 * 1024 * 1024)
#define PICTURE_MAX (64 * 1024)
#define ESEAL_MAX (PICTURE_MAX + CERTIFICATE_CHAIN_BYTES_MAX) /* an SESeal of GB/T 38540 */
#define USE_STRUCTURE_MAX (ESEAL_MAX + 16 * 1024) /* the bytes that a signature is made over */
#define SIGN_RESULTS_MAX (24 * 1024 * 1024) /* of one SignMany: a message has 32 MiB at most */
#define SIGN_RESULT_MAX (USE_STRUCTURE_MAX + CERTIFICATE_CHAIN_BYTES_MAX) /* of one digest */

/* Verification of signatures and seals. */
#define VERIFY_TEXT_MAX 383      /* a sentence of a report */
#define VERIFY_NAME_MAX 255      /* a name that is quoted; cut */
#define VERIFY_SERIAL_MAX 64     /* hex; RFC 5280 §4.1.2.2 has 20 bytes at most */
#define VERIFY_DEVIATIONS_MAX 32 /* that are told one by one */
#define VERIFY_CLOCKS_APART 300  /* s that a signer's clock may be ahead of the verifier's */
#define VERIFY_HASHES_MAX 4      /* of a document, made in one pass */

/* Pictures of seals. */
#define PICTURE_SIDE_MAX 4096                 /* pixels, PNG and JPEG */
#define PICTURE_PIXELS_MAX (4 * 1024 * 1024)  /* the same in all */
#define PICTURE_MEMORY_MAX (32 * 1024 * 1024) /* to decode one */
#define PICTURE_CHUNK_MAX (256 * 1024)        /* of a PNG beside its pixels, decompressed */
#define PICTURE_SCANS_MAX 64                  /* of a progressive JPEG */
#define PICTURE_ELEMENTS_MAX 4096             /* of an SVG */
#define PICTURE_DEPTH_MAX 32                  /* of an SVG's elements */
#define PICTURE_UNITS_MAX 1000000             /* a side of an SVG */
#define PICTURE_SVG_MAX (128 * 1024) /* bytes: each attribute is compared with all others */

/* Electronic seals (GB/T 38540-2020). */
#define ESEAL_TEXT_MAX 64                /* a seal's id, a vendor, as written */
#define ESEAL_MM_MAX 1000                /* a side of its picture */
#define ESEAL_FILE_MAX (2 * 1024 * 1024) /* of others, read: pictures of any size */
#define ESEAL_LISTED_MAX 64              /* certificates that a seal lists, read */
#define ESEAL_EXTENSIONS_MAX 64          /* read */
#define PROPERTY_INFO_MAX 1024

/* Revocation lists, and files of what to trust. */
#define CRL_URLS_MAX 4                           /* of a certificate */
#define CRL_ENTRIES_MAX (64 * 1024)              /* of a list that we make */
#define REVOCATION_FRAME_MAX (64 * 1024)         /* of a list beside its entries, read; DER */
#define REVOCATION_ENTRY_MAX 4096                /* of a list that is read, each; DER */
#define TRUST_FILE_MAX (2 * REVOCATION_LIST_MAX) /* PEM is a third longer than DER */
#define TRUST_ITEMS_MAX 256                      /* certificates or lists of one file */

/* CMS signatures (RFC 5652) and time stamps (RFC 3161). */
#define CMS_FILE_MAX (64 * 1024 * 1024)               /* with the document in it */
#define CMS_DOCUMENT_MAX (CMS_FILE_MAX - 1024 * 1024) /* that is put into one */
#define CMS_ELEMENTS_MAX (512 * 1024)       /* of ASN.1 in it: each takes 100 bytes and more */
#define CMS_CERTIFICATES_MAX 8              /* that we put into one */
#define VERIFY_EMBEDDED_MAX 32              /* certificates in one that is verified */
#define CMS_ATTRIBUTES_SIZE_MAX (64 * 1024) /* the signed ones of a signer, DER */
#define CMS_SIGNERS_MAX 16                  /* of one file, that are verified */
#define CMS_TIMESTAMPS_MAX 8                /* of one signature */
#define TIMESTAMP_MAX (64 * 1024)           /* a token, or an authority's response, DER */

/* What sealctl asks others over HTTP. */
#define URL_MAX 2048
#define HTTP_CONNECT_SECONDS_MAX 10
#define HTTP_SECONDS_MAX 300
#define TIMESTAMP_SECONDS 30 /* until an authority has answered, where nothing else is said */

/* Accounting, per UID and in all. */
#define UID_RUNNING_MAX 8  /* calls of one UID at the worker */
#define UID_WAITING_MAX 32 /* calls of one UID that wait beside those */
#define UID_JOBS_MAX (UID_RUNNING_MAX + UID_WAITING_MAX)
#define QUEUE_MAX 256        /* jobs waiting in all */
#define OPEN_REQUESTS_MAX 16 /* per UID */
#define USE_REQUESTS_MAX 256 /* the same of kind use, beside those */
/* Of what those freeze in the register: 16 of the largest, and 256 CAdES signatures. */
#define USE_STRUCTURES_MAX (4 * 1024 * 1024)
#define SUBSCRIBERS_MAX 64
#define UID_SUBSCRIBERS_MAX 16 /* of these, so that one user leaves room for others */
#define CALLERS_CACHED_MAX 512
#define TICKETS_MAX 64     /* secrets deposited and not used */
#define UID_TICKETS_MAX 4  /* of these */
#define BACKGROUND_MAX 4   /* tasks beside the worker: verification, inspection */
#define TALLY_MAX 128      /* kinds of repeated events between two rows of the ledger */
#define TALLY_UID_MAX 16   /* of these, of one event and one UID */
#define TALLY_EVENTS_MAX 4 /* events that are counted so */

/* Inspection. */
#define FINDING_TEXT_MAX 383  /* a finding's sentence */
#define FINDINGS_PER_CODE 100 /* that are told one by one; the rest is a count */

/* Chip. */
#define SEALS_PER_INDEX 64
#define MAKERS_MAX 2
#define MAKER_BITS 2   /* of the first index, kept for the maker's keys (design, section 4) */
#define INDICES_MAX 32 /* revocation indices of one installation */
#define CHALLENGES_OFFERED_MAX 2
#define LIVE_USES_MAX 2           /* sessions that wait for approvers, behind tpm2-abrmd */
#define LIVE_USE_SECONDS_MAX 3600 /* until the chip refuses a live approval */
#define LIVE_USE_SECONDS 600 /* of one that names no time, and that nobody is asked to make room */
#define LIVE_TURN_SECONDS 60 /* that who was turned away has to come back in */
#define LIVE_TURNS_MAX 64    /* users who wait for a session, in their order */
#define TPM_BLOB_MAX 2048    /* marshalled public or private area */
#define TICKET_MAX 128
#define MACHINE_STATES_MAX 64 /* approved states kept */
#define CONFIG_BYTES_MAX (64 * 1024)
