/* SPDX-License-Identifier: Apache-2.0 */
/* One table: what an error of the bus means for a script (exit code) and for a person (hint). */
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "client/context.h"

typedef struct Meaning {
        int code; /* SEAL_E_… */
        int exit_code;
        const char *hint;
} Meaning;

#define AGAIN "run the same command again: it joins the work"
#define SHOW_STATE "'sealctl show NUMBER' tells more"

static const Meaning meanings[] = {
        { SEAL_E_ACCESS_DENIED, EXIT_NOT_ALLOWED, NULL },
        { SEAL_E_INTERACTION_REQUIRED, EXIT_NOT_ALLOWED,
          "run 'pkttyagent --process $$ &' in this shell, then the command again" },
        { SEAL_E_SEPARATION_OF_DUTIES, EXIT_NOT_ALLOWED, "somebody else has to do this step" },
        { SEAL_E_APPROVAL_REQUIRED, EXIT_NOT_ALLOWED,
          "'sealctl request-use NUMBER FILE' asks the seal's approvers" },
        { SEAL_E_APPROVAL_INVALID, EXIT_NOT_ALLOWED,
          "is this the authority key that the machine was initialized with?" },
        { SEAL_E_WRONG_PIN, EXIT_NOT_ALLOWED, NULL },
        { SEAL_E_PIN_REQUIRED, EXIT_NOT_ALLOWED, NULL },
        { SEAL_E_INVALID_ARGS, EXIT_USAGE, NULL },
        { SEAL_E_LIMITS_EXCEEDED, EXIT_USAGE, NULL },
        { SEAL_E_UNKNOWN_OBJECT, EXIT_NOT_FOUND,
          "'sealctl list' and 'sealctl requests' show what you may see" },
        { SEAL_E_NOT_FOUND, EXIT_NOT_FOUND,
          "'sealctl list' and 'sealctl requests' show what you may see" },
        { SEAL_E_ALREADY_EXISTS, EXIT_WRONG_STATE, NULL },
        { SEAL_E_ALREADY_INITIALIZED, EXIT_WRONG_STATE, "'sealctl status' shows how it is set up" },
        { SEAL_E_NOT_INITIALIZED, EXIT_WRONG_STATE, NULL },
        { SEAL_E_INVALID_STATE, EXIT_WRONG_STATE, NULL },
        { SEAL_E_APPROVAL_EXPIRED, EXIT_WRONG_STATE, "run the command again for a new one" },
        { SEAL_E_APPROVAL_USED, EXIT_WRONG_STATE, NULL },
        { SEAL_E_SUSPENDED, EXIT_SEAL_REFUSES,
          "an administrator runs 'sealctl resume NUMBER REASON'; others 'sealctl apply resume'" },
        { SEAL_E_LOST, EXIT_SEAL_REFUSES, "once it is back: 'sealctl report-found NUMBER REASON'" },
        { SEAL_E_SURRENDERED, EXIT_SEAL_REFUSES,
          "an administrator runs 'sealctl deliver NUMBER KEEPER'" },
        { SEAL_E_REVOKED, EXIT_SEAL_REFUSES, "apply for a new seal with 'sealctl apply'" },
        { SEAL_E_DESTROYED, EXIT_SEAL_REFUSES, "apply for a new seal with 'sealctl apply'" },
        { SEAL_E_NOT_YET_VALID, EXIT_SEAL_REFUSES, SHOW_STATE },
        { SEAL_E_EXPIRED, EXIT_SEAL_REFUSES,
          "apply for its renewal with 'sealctl apply renew NUMBER'" },
        { SEAL_E_SUPERSEDED, EXIT_SEAL_REFUSES, "use the seal that replaced it" },
        { SEAL_E_CERTIFICATE_INVALID, EXIT_SEAL_REFUSES,
          "'sealctl apply recertify NUMBER' asks for another certificate" },
        { SEAL_E_PURPOSE_NOT_ALLOWED, EXIT_SEAL_REFUSES,
          "'sealctl show NUMBER' lists the purposes; choose one with --purpose" },
        { SEAL_E_LIMIT_REACHED, EXIT_SEAL_REFUSES,
          "'sealctl apply amend NUMBER --use-limit N' asks for more uses of the seal; where it is "
          "the "
          "grant's limit a keeper gives another with 'sealctl grant add'" },
        { SEAL_E_MACHINE_STATE_REFUSED, EXIT_MACHINE_REFUSES,
          "an administrator approves the state with 'sealctl machine-state approve'" },
        { SEAL_E_LOCKED, EXIT_MACHINE_REFUSES, "restart the machine to unlock" },
        { SEAL_E_CLOCK_UNTRUSTED, EXIT_MACHINE_REFUSES, "set the clock right" },
        { SEAL_E_REGISTER_TAMPERED, EXIT_MACHINE_REFUSES,
          "an administrator finds out with 'sealctl ledger check'" },
        { SEAL_E_TPM_LOCKOUT, EXIT_TPM,
          "wait as long: the right one is refused as well; seals without a PIN go on signing" },
        { SEAL_E_TPM_UNAVAILABLE, EXIT_TPM, "see 'systemctl status sealsd tpm2-abrmd'" },
        { SEAL_E_TPM_FULL, EXIT_TPM, NULL },
        { SEAL_E_TPM_FAILURE, EXIT_TPM, "see 'journalctl -u sealsd'" },
        { SEAL_E_CAPACITY_EXHAUSTED, EXIT_TPM, "'sealctl capacity extend SEALS' makes room" },
        { SEAL_E_BUSY, EXIT_TRY_AGAIN, "try again in a moment" },
        { SEAL_E_QUOTA_EXCEEDED, EXIT_TRY_AGAIN, "wait for your other calls and requests" },
        { SEAL_E_TIMEOUT, EXIT_TRY_AGAIN, AGAIN },
        { SEAL_E_STORAGE_FAILURE, EXIT_OTHER, "see 'journalctl -u sealsd'" },
};

typedef struct BusMeaning {
        const char *name;
        int exit_code;
        const char *text; /* instead of the bus's own; NULL: that */
        const char *hint;
} BusMeaning;

#define BUS_ERROR(name) "org.freedesktop.DBus.Error." name
#define NOT_RUNNING "sealsd does not run and could not be started"
#define START "start it with 'systemctl start sealsd'; see 'journalctl -u sealsd'"

/* Errors of the bus itself, which the daemon never sends. */
static const BusMeaning bus_meanings[] = {
        { BUS_ERROR("ServiceUnknown"), EXIT_OTHER, NOT_RUNNING, START },
        { BUS_ERROR("NameHasNoOwner"), EXIT_OTHER, NOT_RUNNING, START },
        { BUS_ERROR("Spawn.ChildExited"), EXIT_OTHER, NOT_RUNNING, START },
        { BUS_ERROR("Spawn.ServiceNotFound"), EXIT_OTHER, NOT_RUNNING, START },
        { BUS_ERROR("NoReply"), EXIT_TRY_AGAIN, "sealsd did not answer in time, or ended meanwhile",
          AGAIN },
        { BUS_ERROR("Timeout"), EXIT_TRY_AGAIN, "sealsd did not answer in time, or ended meanwhile",
          AGAIN },
        { BUS_ERROR("TimedOut"), EXIT_TRY_AGAIN, "sealsd did not start in time", START },
        { BUS_ERROR("UnknownMethod"), EXIT_OTHER, NULL,
          "the sealsd that runs is of another version" },
};

static const Meaning *meaning_find(int code) {
        for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
                if (code != 0 && meanings[i].code == code)
                        return &meanings[i];
        return NULL;
}

static const BusMeaning *bus_meaning_find(const char *name) {
        for (size_t i = 0; i < sizeof(bus_meanings) / sizeof(bus_meanings[0]); i++)
                if (strcmp(bus_meanings[i].name, name) == 0)
                        return &bus_meanings[i];
        return NULL;
}

int exit_code_of(const char *name) {
        const Meaning *meaning = meaning_find(error_from_name(name));
        const BusMeaning *bus_meaning = bus_meaning_find(name);

        if (meaning)
                return meaning->exit_code;
        return bus_meaning ? bus_meaning->exit_code : EXIT_OTHER;
}

const char *hint_of(const char *name) {
        const Meaning *meaning = meaning_find(error_from_name(name));
        const BusMeaning *bus_meaning = bus_meaning_find(name);

        if (meaning)
                return meaning->hint;
        return bus_meaning ? bus_meaning->hint : NULL;
}

const char *text_of(const char *name, const char *message) {
        const BusMeaning *bus_meaning = bus_meaning_find(name);

        if (bus_meaning && bus_meaning->text)
                return bus_meaning->text;
        return message && message[0] != '\0' ? message : name;
}
