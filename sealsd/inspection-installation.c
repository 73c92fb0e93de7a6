/* SPDX-License-Identifier: Apache-2.0 */
/* The rules about the installation as a whole. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "sealsd/inspection.h"

#define CAPACITY_LOW 80 /* percent (design, section 4) */
#define LOCKOUT_NEAR 2  /* failures that are left, or half of all */

static void inspect_hierarchies(const TpmHierarchies *h, Findings *ret) {
        uint32_t left = h->max_auth_fail > h->lockout_counter
                                ? h->max_auth_fail - h->lockout_counter
                                : 0;

        if (h->in_lockout)
                findings_add(ret, FINDING_LOCKOUT, NULL, 0,
                             "The TPM is in lockout after %u wrong PINs or passphrases: it refuses "
                             "all, of every "
                             "program, and forgets one of them each %u s",
                             h->lockout_counter, h->lockout_interval);
        else if (h->lockout_counter > 0 &&
                 (left <= LOCKOUT_NEAR || 2 * h->lockout_counter >= h->max_auth_fail))
                findings_add(ret, FINDING_LOCKOUT_NEAR, NULL, 0,
                             "Of %u wrong PINs or passphrases, after which the TPM refuses all, "
                             "%u came in: who is guessing?",
                             h->max_auth_fail, h->lockout_counter);
        if (!h->owner_auth_set)
                findings_add(ret, FINDING_OWNER_AUTH_EMPTY, NULL, 0,
                             "The owner authorisation is empty: every TPM user can delete the "
                             "revocation indices, and nothing would sign any more");
        if (!h->lockout_auth_set)
                findings_add(ret, FINDING_LOCKOUT_AUTH_EMPTY, NULL, 0,
                             "The lockout authorisation is empty: PINs and passphrases can be "
                             "guessed without end");
        if (h->endorsement_auth_set)
                findings_add(ret, FINDING_ENDORSEMENT_AUTH_SET, NULL, 0,
                             "The endorsement authorisation is set: the attestation key cannot be "
                             "made, and the ledger has no checkpoints and no signed exports");
}

static void inspect_chip(const InspectedInstallation *facts, Findings *ret) {
        if (!facts->reached) {
                findings_add(ret, FINDING_CHIP_UNREACHED, NULL, 0,
                             "The chip was not looked at, or not to the end: %s", facts->problem);
                return;
        }
        inspect_hierarchies(&facts->hierarchies, ret);
        if (facts->chip_tampered)
                findings_add(ret, FINDING_CHIP_TAMPERED, NULL, 0, "%s", facts->problem);
        if (facts->locked)
                findings_add(ret, FINDING_LOCKED, NULL, 0,
                             "The seals are locked: they sign after the next boot");
        if (!facts->approved)
                findings_add(ret, FINDING_UNAPPROVED, NULL, 0,
                             "The machine is not in an approved state: nothing signs. See "
                             "'sealctl machine-state show'");
}

static void inspect_capacity(const InspectedInstallation *facts, Findings *ret) {
        if (facts->bits > 0 && facts->bits_used >= facts->bits)
                findings_add(ret, FINDING_CAPACITY_EXHAUSTED, NULL, 0,
                             "All %u revocation bits are used: extend the capacity before the next "
                             "seal",
                             facts->bits);
        else if (facts->bits_used * 100 >= facts->bits * CAPACITY_LOW && facts->bits > 0)
                findings_add(ret, FINDING_CAPACITY_LOW, NULL, 0,
                             "%u of %u revocation bits are used, 80 %% or more: extend the "
                             "capacity in time",
                             facts->bits_used, facts->bits);
        if (facts->indices_unfinished > 0)
                findings_add(ret, FINDING_INDICES_UNFINISHED, NULL, 0,
                             "%u new revocation indices wait for the authority's first write: "
                             "answer what 'sealctl authority challenges' lists, or extend the "
                             "capacity again",
                             facts->indices_unfinished);
}

static void inspect_ledger(const InspectionRules *rules, const InspectedInstallation *facts,
                           Findings *ret) {
        char since[TIME_TEXT_SIZE];

        if (facts->tampered[0] != '\0')
                findings_add(ret, FINDING_REGISTER_TAMPERED, NULL, 0,
                             "%s. Nothing signs until an administrator acknowledges it",
                             facts->tampered);
        if (facts->anchor_differs)
                findings_add(ret, FINDING_ANCHOR_DIFFERS, NULL, 0,
                             "The chip's ledger value is not that of the last anchor, at row "
                             "%" PRIu64 ": the register is an older copy, or somebody extended the "
                             "index",
                             facts->anchored);
        else if (facts->waiting_since != 0 && rules->now > facts->waiting_since &&
                 rules->now - facts->waiting_since >= facts->anchor_patience)
                findings_add(ret, FINDING_ANCHOR_OLD, NULL, 0,
                             "%" PRIu64 " rows of the ledger are not anchored, the oldest since "
                             "%s. What is not anchored could be cut off",
                             facts->head - facts->anchored,
                             time_format(facts->waiting_since, since));
        if (facts->head > facts->checkpoint &&
            facts->head - facts->checkpoint >= facts->checkpoint_rows)
                findings_add(ret, FINDING_CHECKPOINT_OLD, NULL, 0,
                             "%" PRIu64 " rows since the last checkpoint: each start reads them "
                             "all",
                             facts->head - facts->checkpoint);
        if (!facts->clock_trusted)
                findings_add(ret, FINDING_CLOCK_UNTRUSTED, NULL, 0,
                             "The clock is behind the newest row of the ledger: nothing signs "
                             "until it is right");
}

static void inspect_list(const InspectionRules *rules, const InspectedMaker *maker, uint64_t place,
                         const char *problem, Findings *ret) {
        char text[TIME_TEXT_SIZE];

        if (maker->list_until != 0 && rules->now > maker->list_until)
                findings_add(ret, FINDING_CRL_EXPIRED, NULL, place,
                             "The list of what the %s maker revoked was valid until %s. %s",
                             maker->algorithm, time_format(maker->list_until, text), problem);
        if (maker->owed)
                findings_add(ret, FINDING_CRL_OWED, NULL, place,
                             "The list of what the %s maker revoked is owed; a new one is issued "
                             "when its key can sign. %s",
                             maker->algorithm, problem);
}

static void inspect_maker(const InspectionRules *rules, const InspectedInstallation *facts,
                          const InspectedMaker *maker, uint64_t place, Findings *ret) {
        char text[TIME_TEXT_SIZE];

        if (!maker->made) {
                if (facts->reached && facts->approved && !facts->locked)
                        findings_add(ret, FINDING_MAKER_MISSING, NULL, place,
                                     "The %s maker is not made. %s", maker->algorithm,
                                     facts->maker_problem);
                return;
        }
        if (!maker->self && maker->until < rules->now + rules->warn)
                findings_add(ret, FINDING_MAKER_EXPIRES, NULL, place,
                             "The %s maker's certificate ends on %s: ask the authority above for "
                             "another, 'sealctl maker request'",
                             maker->algorithm, time_format(maker->until, text));
        inspect_list(rules, maker, place, facts->maker_problem, ret);
}

static void inspect_makers(const InspectionRules *rules, const InspectedInstallation *facts,
                           Findings *ret) {
        for (size_t i = 0; i < facts->maker_count; i++)
                inspect_maker(rules, facts, &facts->makers[i], i, ret);
        if (facts->unwritten[0] != '\0')
                findings_add(ret, FINDING_CRL_UNWRITTEN, NULL, 0, "%s", facts->unwritten);
}

static void inspect_protection(const InspectedInstallation *facts, Findings *ret) {
        if (strcmp(facts->key_memory, "plain") == 0)
                findings_add(ret, FINDING_KEY_MEMORY_PLAIN, NULL, 0,
                             "The register's key is in ordinary memory, which may be swapped out: "
                             "allow locked memory (LimitMEMLOCK=)");
        else if (strcmp(facts->key_memory, "mlock") == 0)
                findings_add(ret, FINDING_KEY_MEMORY_LOCKED, NULL, 0,
                             "The register's key is in locked memory, which root can read: this "
                             "kernel has no memfd_secret");
        if (facts->keys_unchecked > 0)
                findings_add(ret, FINDING_KEYS_UNCHECKED, NULL, 0,
                             "The keys of %u seals could not be read from the register, and were "
                             "not checked",
                             facts->keys_unchecked);
        if (facts->unexplained)
                findings_add(
                        ret, FINDING_UNEXPLAINED_SIGNATURE, NULL, 0,
                        "The TPM has made a signature that the ledger does not have. It counts "
                        "TPM2_Sign of every program on this machine, and one whose answer "
                        "sealsd never got");
        if (facts->audit_absence[0] != '\0')
                findings_add(ret, FINDING_AUDIT_ABSENT, NULL, 0,
                             "The kernel keeps no audit records of sealsd: %s. The ledger and the "
                             "journal have them",
                             facts->audit_absence);
}

void inspect_installation(const InspectionRules *rules, const InspectedInstallation *facts,
                          Findings *ret) {
        inspect_chip(facts, ret);
        inspect_capacity(facts, ret);
        inspect_ledger(rules, facts, ret);
        inspect_makers(rules, facts, ret);
        inspect_protection(facts, ret);
}
