/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arrows of design section 4: every point of Initialize, Make, Revoke, Lock,
 * RetireMachineState, Destroy, of the acts of custody, of the approved requests that change a seal,
 * of a use that approvers signed for, and of the ledger's anchors, between two steps of which each
 * makes something durable (in the register, in the chip) or visible (a signal, a reply). A process
 * that is killed at one of them has done what stands before it and nothing of what comes after;
 * each sentence says what is true there. The next start finishes it or undoes it.
 *
 * The code passes each of these points by name, and an observer hears of it. The daemon has none;
 * what has one is tests/tools/crash-daemon.c, which ends there.
 */
#pragma once

/* ARROW(code, name, what is true there), in the order in which they are passed. */
#define ARROWS                                                                                     \
        ARROW(INIT_INSPECTED, "init-inspected",                                                    \
              "The chip was looked at; nothing has changed, neither there nor in the register")    \
        ARROW(INIT_PLANNED, "init-planned",                                                        \
              "What will be set, and where, is in the register; the chip is as it was")            \
        ARROW(INIT_SRK_MADE, "init-srk-made",                                                      \
              "The storage root key is persistent; the register does not know its Name")           \
        ARROW(INIT_LOCKOUT_SET, "init-lockout-set",                                                \
              "The chip's lockout authorisation is the one in the register")                       \
        ARROW(INIT_LOCKOUT_REFUSED, "init-lockout-refused",                                        \
              "The chip refused the lockout authorisation that an earlier try had kept")           \
        ARROW(INIT_LOCKOUT_FORGOTTEN, "init-lockout-forgotten",                                    \
              "That one is out of the register; the caller does not know")                         \
        ARROW(INIT_OWNER_SET, "init-owner-set",                                                    \
              "The chip's owner authorisation is the one in the register")                         \
        ARROW(INIT_AUTHORITY_MADE, "init-authority-made",                                          \
              "The chip has answered with a resident authority; nobody else has its blob")         \
        ARROW(INIT_PROVISIONED, "init-provisioned",                                                \
              "The storage root key's Name and the authority are in the register")                 \
        ARROW(INIT_INDEX_REMOVED, "init-index-removed",                                            \
              "An index of an earlier try's authority is gone from the chip")                      \
        ARROW(INIT_INDEX_DEFINED, "init-index-defined",                                            \
              "One more index stands in the chip, unwritten")                                      \
        ARROW(INIT_DEFINED, "init-defined",                                                        \
              "The register knows that all indices stand; nobody was asked to sign")               \
        ARROW(INIT_OFFERED, "init-offered",                                                        \
              "Challenges are on offer, sessions of the chip with them; the caller does not know") \
        ARROW(INIT_REPLIED, "init-replied", "The caller of Initialize has its report")             \
        ARROW(INIT_INDEX_WRITTEN, "init-index-written",                                            \
              "An index has its first write; the register does not know")                          \
        ARROW(INIT_WRITE_KEPT, "init-write-kept", "The register knows of that first write")        \
        ARROW(INIT_WRITE_FOUND, "init-write-found",                                                \
              "The register knows of a first write that it had missed")                            \
        ARROW(INIT_STATE_APPROVED, "init-state-approved",                                          \
              "The chip has accepted the approval of the machine's state; it is kept nowhere")     \
        ARROW(INIT_APPROVAL_KEPT, "init-approval-kept", "That approval is in the register")        \
        ARROW(INIT_COMPLETED, "init-completed",                                                    \
              "The register says that initialization is complete; nobody was told")                \
        ARROW(INIT_ANNOUNCED, "init-announced", "The manager's state was announced")               \
        ARROW(INIT_ANSWERED, "init-answered", "The caller of Answer has its reply")                \
                                                                                                   \
        ARROW(CAPACITY_PLANNED, "capacity-planned",                                                \
              "New revocation indices are in the register, unwritten; the chip has none of them")  \
        ARROW(CAPACITY_DEFINED, "capacity-defined",                                                \
              "They stand in the chip, unwritten; nobody was asked to sign")                       \
        ARROW(CAPACITY_UNDONE, "capacity-undone",                                                  \
              "They did not fit: chip and register are as they were; the caller does not know")    \
                                                                                                   \
        ARROW(MAKE_DECIDED, "make-decided",                                                        \
              "A decision is in the register, with the last one the number; nobody was told")      \
        ARROW(MAKE_DECISION_ANNOUNCED, "make-decision-announced",                                  \
              "The request's state after the decision was announced")                              \
        ARROW(MAKE_SELF_APPROVED, "make-self-approved",                                            \
              "Single: request, decision and number are in the register; nobody was told")         \
        ARROW(MAKE_BIT_TAKEN, "make-bit-taken",                                                    \
              "The request is in the making and has a revocation bit; there is no key")            \
        ARROW(MAKE_NEXT_BIT_TAKEN, "make-next-bit-taken",                                          \
              "The chip has that bit set already; the request has another")                        \
        ARROW(MAKE_KEY_CREATED, "make-key-created",                                                \
              "The chip has answered with the key; nobody else has its blob")                      \
        ARROW(MAKE_CERTIFIED, "make-certified",                                                    \
              "The maker's key has certified it; nobody else has the certificate")                 \
        ARROW(MAKE_COMMITTED, "make-committed",                                                    \
              "The seal is in the register, its request completed; nobody was told")               \
        ARROW(MAKE_REQUEST_ANNOUNCED, "make-request-announced",                                    \
              "That the request is completed was announced, the seal not yet")                     \
        ARROW(MAKE_ANNOUNCED, "make-announced", "The seal was announced; the caller waits")        \
        ARROW(MAKE_REPLIED, "make-replied", "The caller has the seal's number")                    \
        ARROW(MAKE_UNDONE, "make-undone",                                                          \
              "No key: the request has failed, and its bit was given back; nobody was told")       \
        ARROW(MAKE_FAILURE_ANNOUNCED, "make-failure-announced",                                    \
              "That the request has failed was announced; the caller waits")                       \
        ARROW(MAKE_RECOVERED, "make-recovered",                                                    \
              "Requests whose making had been interrupted have failed")                            \
                                                                                                   \
        ARROW(REVOKE_MARKED, "revoke-marked",                                                      \
              "The seal is revoked in the register, which owes the chip the bit")                  \
        ARROW(REVOKE_ANNOUNCED, "revoke-announced", "That it is revoked was announced")            \
        ARROW(REVOKE_BIT_SET, "revoke-bit-set",                                                    \
              "The seal's bit is set in the chip; sessions prepared before still sign once")       \
        ARROW(REVOKE_FENCED, "revoke-fenced",                                                      \
              "Those sessions are refused too; the register still owes the bit")                   \
        ARROW(REVOKE_SETTLED, "revoke-settled", "Nothing is owed; the caller waits")               \
        ARROW(REVOKE_REPLIED, "revoke-replied", "The caller knows that the seal is revoked")       \
                                                                                                   \
        ARROW(MAKER_CREATED, "maker-created",                                                      \
              "The chip has answered with a maker's key; nobody else has its blob")                \
        ARROW(MAKER_CERTIFIED, "maker-certified",                                                  \
              "It has certified itself; the register knows of neither")                            \
        ARROW(MAKER_KEPT, "maker-kept",                                                            \
              "Key and certificate are in the register, and its first list is owed")               \
                                                                                                   \
        ARROW(CRL_SIGNED, "crl-signed",                                                            \
              "The chip has signed lists of revoked certificates; nobody has them")                \
        ARROW(CRL_KEPT, "crl-kept", "They are in the register; the files are those before")        \
        ARROW(CRL_FILED, "crl-filed",                                                              \
              "The files are written, if they can be; whoever waits is told next")                 \
                                                                                                   \
        ARROW(CERTIFY_SIGNED, "certify-signed",                                                    \
              "A seal that is certified anew has its certificate from the chip; the register "     \
              "does not know")                                                                     \
        ARROW(CERTIFY_COMMITTED, "certify-committed",                                              \
              "Certificate, the seal's new end and its completed request are in the register")     \
        ARROW(CERTIFY_ANNOUNCED, "certify-announced", "That was announced; the caller waits")      \
        ARROW(CERTIFY_REPLIED, "certify-replied", "The caller knows that it is certified")         \
                                                                                                   \
        ARROW(LOCK_INDEX_LOCKED, "lock-index-locked",                                              \
              "One more revocation index refuses its seals; sessions prepared before still sign "  \
              "once")                                                                              \
        ARROW(LOCK_FENCED, "lock-fenced",                                                          \
              "All indices refuse, and those sessions too; the register does not know")            \
        ARROW(LOCK_RECORDED, "lock-recorded", "It is in the ledger; nobody was told")              \
        ARROW(LOCK_ANNOUNCED, "lock-announced", "The manager's state was announced")               \
        ARROW(LOCK_REPLIED, "lock-replied", "The caller knows that all seals are locked")          \
                                                                                                   \
        ARROW(RETIRE_BIT_SET, "retire-bit-set",                                                    \
              "A machine state's bit is set in the chip; sessions prepared before still sign "     \
              "once")                                                                              \
        ARROW(RETIRE_FENCED, "retire-fenced",                                                      \
              "Those sessions are refused too; the register does not know")                        \
        ARROW(RETIRE_RECORDED, "retire-recorded",                                                  \
              "The state is retired in the register; the caller waits")                            \
        ARROW(RETIRE_REPLIED, "retire-replied", "The caller knows that the state is retired")      \
                                                                                                   \
        ARROW(DESTROY_SEEN, "destroy-seen",                                                        \
              "The chip says that the revoked seal's bit is set; its key is in the register "      \
              "still")                                                                             \
        ARROW(DESTROY_ERASED, "destroy-erased",                                                    \
              "The key is erased from its row; the journal may hold older pages that have it")     \
        ARROW(DESTROY_PURGED, "destroy-purged", "It is nowhere in the register's files any more")  \
        ARROW(DESTROY_ANNOUNCED, "destroy-announced", "That was announced; the caller waits")      \
        ARROW(DESTROY_REPLIED, "destroy-replied", "The caller knows that the seal is destroyed")   \
                                                                                                   \
        ARROW(DECIDE_WRITTEN, "decide-written",                                                    \
              "The decision, with the last one what it changes in the seal, is written and not "   \
              "committed: nothing has happened")                                                   \
        ARROW(DECIDE_COMMITTED, "decide-committed",                                                \
              "The decision, with the last one what it changes in the seal, is in the register")   \
        ARROW(DECIDE_ANNOUNCED, "decide-announced",                                                \
              "The request and the seal were announced; the caller waits")                         \
        ARROW(DECIDE_REPLIED, "decide-replied", "The caller knows that it was carried out")        \
                                                                                                   \
        ARROW(CUSTODY_WRITTEN, "custody-written",                                                  \
              "An act of custody is written and not committed: nothing has happened")              \
        ARROW(CUSTODY_COMMITTED, "custody-committed",                                              \
              "An act of custody is in the register, with what follows from it for grants and "    \
              "the "                                                                               \
              "seal that is renewed; nobody was told")                                             \
        ARROW(CUSTODY_ANNOUNCED, "custody-announced", "The seal was announced; the caller waits")  \
                                                                                                   \
        ARROW(USE_TAKEN, "use-taken",                                                              \
              "A use is counted for the request that approvers signed for; the chip was not "      \
              "asked")                                                                             \
        ARROW(USE_SIGNED, "use-signed", "The chip has signed; nobody else has the signature")      \
        ARROW(USE_KEPT, "use-kept",                                                                \
              "The signature is in the register, the request completed; nobody was told")          \
        ARROW(USE_ANNOUNCED, "use-announced", "That was announced; the caller waits")              \
        ARROW(USE_REPLIED, "use-replied", "The caller has the signature")                          \
                                                                                                   \
        ARROW(PIN_CHANGED, "pin-changed",                                                          \
              "The chip has answered with the key under its new PIN; the register has the old "    \
              "blob")                                                                              \
        ARROW(PIN_KEPT, "pin-kept",                                                                \
              "The new blob is in the register, the old one erased; the journal may hold it "      \
              "still")                                                                             \
        ARROW(PIN_PURGED, "pin-purged", "The old one is nowhere in the register's files any more") \
        ARROW(PIN_ANNOUNCED, "pin-announced", "That was announced; the caller waits")              \
        ARROW(PIN_REPLIED, "pin-replied", "The caller knows that the PIN is set")                  \
                                                                                                   \
        ARROW(KEY_SEALED, "key-sealed",                                                            \
              "The chip has sealed a register key; nobody else has its blob")                      \
        ARROW(KEY_KEPT, "key-kept",                                                                \
              "A register from before has its key's blob; its rows are in the clear")              \
                                                                                                   \
        ARROW(ANCHOR_WRITTEN, "anchor-written",                                                    \
              "An anchor of the ledger is in the register, not marked; the chip has the one "      \
              "before")                                                                            \
        ARROW(ANCHOR_EXTENDED, "anchor-extended",                                                  \
              "The chip's ledger index has that anchor's value; the register has not marked it")   \
        ARROW(ANCHOR_MARKED, "anchor-marked", "The register knows that the chip has it")           \
        ARROW(TAMPERING_ACKNOWLEDGED, "tampering-acknowledged",                                    \
              "That it was acknowledged is in the ledger; the chain goes on from the old anchor")

typedef enum Arrow {
#define ARROW(code, name, text) ARROW_##code,
        ARROWS
#undef ARROW
                ARROW_MAX
} Arrow;

/*
 * Called in the main thread and in the worker's, whichever passes the arrow, so it locks what it
 * changes. Outlives whom it is given to.
 */
typedef struct ArrowObserver {
        void (*passed)(void *userdata, Arrow arrow);
        void *userdata;
} ArrowObserver;

/* observer may be NULL: nobody listens. */
void arrow_pass(const ArrowObserver *observer, Arrow arrow);

const char *arrow_name(Arrow arrow);
const char *arrow_text(Arrow arrow);
/* -1 when no arrow has this name. */
int arrow_from_name(const char *name);
