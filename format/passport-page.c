/* SPDX-License-Identifier: Apache-2.0 */
#include "format/passport-page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/utc.h"
#include "format/page-text.h"
#include "policy/key.h"

/* --- words ---------------------------------------------------------------------------------- */

typedef struct Words {
        char text[TIME_TEXT_SIZE];
} Words;

/* To the second. */
static const char *when(uint64_t usec, Words *words) {
        return time_format_rfc3339(usec - usec % USEC_PER_SEC, words->text);
}

/* "document-signing, endorsement" */
static const char *purposes_of(const PassportSeal *seal, char *ret, size_t size) {
        size_t used = 0;

        ret[0] = '\0';
        for (size_t i = 0; i < seal->purpose_count && used < size; i++)
                used += (size_t) snprintf(ret + used, size - used, "%s%s", i > 0 ? ", " : "",
                                          seal->purposes[i]);
        return ret;
}

#define FINGERPRINT_SIZE (2 * PASSPORT_HASH_SIZE + 1)

/* SHA-256 of the SubjectPublicKeyInfo: what openssl and sealctl show of a PEM. */
static const char *fingerprint_of(const TPM2B_PUBLIC *key, char ret[static FINGERPRINT_SIZE]) {
        uint8_t *spki = NULL, digest[EVP_MAX_MD_SIZE];
        unsigned digest_size = 0;
        size_t size = 0;

        ret[0] = '\0';
        if (public_to_spki(key, &spki, &size) == 0 &&
            EVP_Digest(spki, size, digest, &digest_size, EVP_sha256(), NULL) == 1)
                hex_encode(digest, PASSPORT_HASH_SIZE, ret);
        free(spki);
        return ret;
}

static const char *name_text(const TPM2B_NAME *name, char ret[static 2 * sizeof(TPMU_NAME) + 1]) {
        return hex_encode(name->name, name->size, ret);
}

/* "the approval of this approver", "… of all 2 of these approvers", "… of 2 of these 3 …" */
static const char *approvals_of(const PassportPolicy *policy, char *ret, size_t size) {
        if (policy->approver_count == 1)
                (void) snprintf(ret, size, "the approval of this approver");
        else if (policy->threshold == policy->approver_count)
                (void) snprintf(ret, size, "the approval of all %zu of these approvers",
                                policy->approver_count);
        else
                (void) snprintf(ret, size, "the approval of %u of these %zu approvers",
                                policy->threshold, policy->approver_count);
        return ret;
}

static bool has_approvers(const PassportPage *page) {
        return page->passport->statement.policy.approver_count > 0;
}

static bool has_pin(const PassportPage *page) {
        return page->passport->statement.policy.pin;
}

/* --- what it is ----------------------------------------------------------------------------- */

static void write_head(FILE *out, const PassportPage *page) {
        const PassportStatement *s = &page->passport->statement;
        char purposes[PURPOSES_MAX * (WORD_MAX + 3)], fingerprint[FINGERPRINT_SIZE];
        Words a, b;

        fputs("PASSPORT OF AN ELECTRONIC SEAL\n\n", out);
        fprintf(out, "This passport holds%s.\n%s\n\n",
                page->facts->attestation_key_known ? ""
                                                   : ", if its attestation key is a TPM's (see the "
                                                     "end)",
                page->facts->revoked
                        ? "THE SEAL IS REVOKED: its bit in the chip is set. What stands "
                          "below of signing\nis about the time before."
                : page->facts->nonce_known
                        ? "The seal is not revoked."
                        : "The seal was not revoked when this passport was made.");
        page_line(out, "Number", "%s", s->seal.number);
        page_line(out, "Name", "%s", s->seal.name);
        page_line(out, "Holder", "%s", s->seal.holder);
        page_line(out, "Kind", "%s, %s", s->seal.class, s->seal.type);
        page_line(out, "State", "%s", s->seal.state);
        page_line(out, "Made", "%s, separation of duties: %s", when(s->seal.made, &a),
                  s->seal.separation);
        page_line(out, "Valid", "%s to %s", when(s->seal.not_before, &a),
                  when(s->seal.not_after, &b));
        page_line(out, "Purposes", "%s", purposes_of(&s->seal, purposes, sizeof(purposes)));
        if (s->seal.replaces[0] != '\0')
                page_line(out, "Replaces", "%s", s->seal.replaces);
        if (s->seal.replaced_by[0] != '\0')
                page_line(out, "Replaced by", "%s", s->seal.replaced_by);
        page_line(out, "Key", "%s, SHA-256 of its public key %s", s->seal.algorithm,
                  fingerprint_of(&s->seal.public, fingerprint));
        if (page->facts->certified)
                page_line(out, "Certificate", "of %s, issued by %s, valid %s to %s",
                          page->facts->certificate_subject, page->facts->certificate_issuer,
                          when(page->facts->certificate_not_before, &a),
                          when(page->facts->certificate_not_after, &b));
        page_line(out, "As of", "%s, by the machine's clock", when(s->created, &a));
}

/* --- what the chip enforces ----------------------------------------------------------------- */

static void write_birth(FILE *out, const PassportPage *page) {
        const PassportFacts *facts = page->facts;

        if (facts->fixed)
                page_item(out,
                          "The private key was made in this TPM and cannot leave it. It cannot be "
                          "copied, neither to a file nor to another TPM.");
        else
                page_item(out,
                          "The private key%s can be copied only in encrypted form, to a recovery "
                          "key that the authority has approved%s, and only while the seal is not "
                          "revoked.",
                          facts->born ? " was made in this TPM. It" : "",
                          has_approvers(page) ? ", with the approvers' signatures for this" : "");
}

static void write_revocation(FILE *out, const PassportPage *page) {
        if (page->facts->revoked)
                page_item(out,
                          "The seal is revoked and does not sign any more, whatever is done with "
                          "the machine's disk.");
        else
                page_item(out,
                          "The seal signs only while its bit in the TPM's revocation index is "
                          "clear, as it was when this passport was made. Once it is set the seal "
                          "never signs again, whatever is done with the machine's disk.");
}

static void write_state(FILE *out, const PassportState *state) {
        Words a;

        page_subitem(out, "state %" PRIu64 ", approved %s%s%s%s", state->id,
                     when(state->approved, &a), state->by[0] != '\0' ? ", handed in by " : "",
                     state->by, state->has_index ? "" : " (cannot be retired)");
}

static size_t states_retired(const PassportPage *page) {
        const PassportMachine *machine = &page->passport->statement.machine;
        size_t count = 0;

        for (size_t i = 0; i < machine->state_count; i++)
                count += page->facts->retired[i];
        return count;
}

static void write_machine(FILE *out, const PassportPage *page) {
        const PassportMachine *machine = &page->passport->statement.machine;
        char pcrs[PCR_TEXT_MAX + 1], which[PCR_TEXT_MAX + 16] = "";
        size_t retired = states_retired(page), good = machine->state_count - retired;
        Words a;

        /* Only the approvals show it, and that there are no others nothing shows. */
        if (machine->state_count > 0)
                (void) snprintf(which, sizeof(which), " (PCRs %s)",
                                pcr_selection_format(&machine->pcrs, pcrs));
        page_item(out,
                  "The seal signs only while the machine is in a state%s that the authority has "
                  "approved with its key. %s",
                  which,
                  good == 0 ? "This passport tells of none that counts. One that sealsd does not "
                              "tell of would count, too."
                            : "Known to this passport:");
        for (size_t i = 0; i < machine->state_count; i++)
                if (!page->facts->retired[i])
                        write_state(out, &machine->states[i]);
        if (retired == 0)
                return;
        page_item(out, "Retired, and refused by the chip:");
        for (size_t i = 0; i < machine->state_count; i++)
                if (page->facts->retired[i])
                        page_subitem(out, "state %" PRIu64 ", approved %s%s%s",
                                     machine->states[i].id, when(machine->states[i].approved, &a),
                                     machine->states[i].by[0] != '\0' ? ", handed in by " : "",
                                     machine->states[i].by);
}

static void write_approvers(FILE *out, const PassportPage *page) {
        const PassportPolicy *policy = &page->passport->statement.policy;
        char approvals[64], fingerprint[FINGERPRINT_SIZE];

        if (!has_approvers(page))
                return;
        page_item(out,
                  "It cannot sign without %s. Each approval is a signature by that approver's own "
                  "key. It is good for exactly one document (its hash) and for this seal; given "
                  "live it "
                  "is also good only once and for a time:",
                  approvals_of(policy, approvals, sizeof(approvals)));
        for (size_t i = 0; i < policy->approver_count; i++)
                page_subitem(out, "%s, key SHA-256 %s", policy->approvers[i].subject,
                             fingerprint_of(&policy->approvers[i].key, fingerprint));
}

static void write_chip(FILE *out, const PassportPage *page) {
        page_heading(out,
                     "WHAT THE CHIP ENFORCES, against everybody, administrators and root included");
        write_birth(out, page);
        write_revocation(out, page);
        write_machine(out, page);
        write_approvers(out, page);
        if (has_pin(page))
                page_item(out,
                          "It cannot sign without its PIN. The TPM counts wrong ones and after "
                          "some of them refuses all PINs for a while.");
}

/* --- what the daemon enforces --------------------------------------------------------------- */

static void write_daemon(FILE *out, const PassportPage *page) {
        const PassportSeal *seal = &page->passport->statement.seal;
        char purposes[PURPOSES_MAX * (WORD_MAX + 3)];

        page_heading(out, "WHAT SEALSD ENFORCES, and whoever is root on the machine can pass by");
        page_item(out, "Who may use the seal: its keepers, and those to whom they give a grant.");
        page_item(out, "That it is used for its purposes (%s) and within its validity.",
                  purposes_of(seal, purposes, sizeof(purposes)));
        if (seal->use_limit > 0)
                page_item(out, "That it is used at most %" PRIu64 " times.", seal->use_limit);
        page_item(out, "That it does not sign while it is suspended, lost or surrendered.");
        if (has_approvers(page))
                page_item(
                        out,
                        "That an approval that may wait (a deferred one) counts once, expires, "
                        "and can be withdrawn. For the chip it stays good, for its one document.");
        page_item(out,
                  "That each use stands in the ledger. Rows that the chip has anchored cannot be "
                  "taken out without being found.");
        page_item(out,
                  "All else that stands here, as name, holder, number, state and times, and "
                  "who keepers and approvers are: the TPM attests that sealsd says so, not that it "
                  "is true.");
}

/* --- what nobody does ----------------------------------------------------------------------- */

static void write_bypass(FILE *out, const PassportPage *page) {
        if (!has_pin(page) && !has_approvers(page))
                page_item(out,
                          "Without a PIN and approvers: who is root on the machine while it is in "
                          "an approved state, or otherwise has the stored key and the use of this "
                          "TPM there, can sign whatever he likes, past sealsd and its ledger.");
        else if (!has_approvers(page))
                page_item(out,
                          "Who is root on the machine while it is in an approved state and learns "
                          "the PIN can sign whatever he likes, past sealsd and its ledger.");
        else
                page_item(out,
                          "Who is root on the machine while it is in an approved state%s and has "
                          "enough deferred approvals of a document can sign that document, more "
                          "than once, also after they were withdrawn in sealsd or have expired "
                          "there, and past its ledger; no other document.",
                          has_pin(page) ? ", learns the PIN," : "");
        if (has_approvers(page))
                page_item(out,
                          "The approvers' keys are theirs to keep: who has enough of them approves "
                          "in their name. What stands behind a document's hash each approver has "
                          "to look at himself.");
}

/* The first is said of both, since a chip is asked only where sealsd is to look. */
static void write_audit(FILE *out, const PassportPage *page) {
        static const char *const words[] = {
                [PASSPORT_AUDIT_OFF] =
                        "Nobody looks for signatures past sealsd: it does not compare a count of "
                        "the TPM's signatures (command audit) with its ledger.",
                [PASSPORT_AUDIT_ON] =
                        "Signatures past sealsd are found by inspections on the machine, which "
                        "compare the TPM's count of all signatures (command audit) with the "
                        "ledger: those since the TPM's last start, after they were made.",
                [PASSPORT_AUDIT_STOPPED] =
                        "Signatures past sealsd were not looked for when this passport was made, "
                        "though sealsd is told to: the TPM's count of signatures (command audit) "
                        "could not be used.",
                [PASSPORT_AUDIT_ABSENT] =
                        "Nobody finds signatures past sealsd: this TPM does not count what it "
                        "signs (it has no command audit).",
        };

        page_item(out, "%s", words[page->passport->statement.audit]);
}

static void write_pin(FILE *out, const PassportPage *page) {
        if (!has_pin(page))
                return;
        page_item(out,
                  "A PIN change does not end the old PIN: an older copy of the stored key still "
                  "signs with the PIN of its time. A PIN that became known is cured by renewing "
                  "and revoking the seal.");
        page_item(out,
                  "Until its keeper accepts the seal it has a secret in place of his PIN. Who has "
                  "copied both the stored key and that secret by then needs no PIN.");
}

/* Of the states that are told: bit 0, some can be retired; bit 1, some cannot. */
static unsigned retirable(const PassportPage *page) {
        const PassportMachine *machine = &page->passport->statement.machine;
        unsigned found = 0;

        for (size_t i = 0; i < machine->state_count; i++)
                found |= machine->states[i].has_index ? 1U : 2U;
        return found;
}

static void write_authority(FILE *out, const PassportPage *page) {
        static const char *const ends[] = {
                ".",
                "; those above end when an administrator retires the state.",
                ", and none of those above can be taken back.",
                ("; those above end when an administrator retires the state, except those marked "
                 "'cannot be retired'."),
        };

        page_item(
                out,
                "Who has the authority's key can approve any state of the machine. Shown are the "
                "approvals that sealsd keeps; others, also older ones that it has dropped, are as "
                "good. An approval does not expire%s",
                ends[retirable(page)]);
        page_item(out, "The authority and the owner of the TPM together can make the revocation "
                       "index anew, and so undo a revocation.");
        if (!page->facts->fixed)
                page_item(out,
                          "The authority and the holder of a recovery key together%s can take "
                          "the key out of any TPM, by a backup. A copy in another machine is "
                          "not revoked with this one.",
                          has_approvers(page) ? ", with the approvers" : "");
        if (!page->facts->born)
                page_item(out,
                          "This passport does not show where the key was made: the TPM attests "
                          "that it is loaded, and not that it has created it.");
}

static void write_nobody(FILE *out, const PassportPage *page) {
        page_heading(out, "WHAT NOBODY ENFORCES");
        write_bypass(out, page);
        write_audit(out, page);
        write_pin(out, page);
        write_authority(out, page);
        page_item(out,
                  "sealsd and the TPM are together no certified qualified seal creation device "
                  "(QSCD).");
}

/* --- what was compared ---------------------------------------------------------------------- */

static void write_compared(FILE *out, const PassportPage *page) {
        const PassportFacts *facts = page->facts;
        char name[2 * sizeof(TPMU_NAME) + 1];
        Words a;

        page_heading(out, "WHAT WAS COMPARED, and what is left to the reader");
        if (facts->nonce_known)
                page_item(out, "The nonce is the given one: this is the answer to that question.");
        else
                page_item(out,
                          "NOT compared, as no nonce was given: whether this passport is new. What "
                          "it tells is as of %s and may have changed since.",
                          when(page->passport->statement.created, &a));
        page_item(
                out, "%s: the attestation key, %s. %s",
                facts->attestation_key_known ? "The given one" : "NOT compared",
                name_text(&facts->attestation_key, name),
                facts->attestation_key_known
                        ? "That it is this machine's TPM's, you know from where you have it."
                        : "Unless it is known to be that of the machine's TPM ('sealctl status' "
                          "there, or the TPM's maker), nothing shows that a TPM stands behind this "
                          "passport.");
        page_item(out, "%s: the authority's key, %s.%s",
                  facts->authority_known ? "The given one" : "NOT compared",
                  name_text(&facts->authority, name),
                  facts->authority_known ? "" : " Ask the authority whether this is its key.");
}

static void write_ek(FILE *out, const PassportPage *page) {
        const PassportFacts *facts = page->facts;

        if (facts->ek_chain_known)
                page_item(out,
                          "The certificate of the TPM's endorsement key leads to the given roots. "
                          "Nothing in this file ties the attestation key to it.");
        else if (facts->ek_issuer[0] != '\0')
                page_item(out,
                          "NOT compared, as no roots were given: the certificate of the TPM's "
                          "endorsement key, which says to be issued by %s.",
                          facts->ek_issuer);
        else
                page_item(out,
                          "The passport has no certificate of the TPM's endorsement key: its maker "
                          "does not vouch for it here.");
}

static void write_rest(FILE *out, const PassportPage *page) {
        const PassportFacts *facts = page->facts;

        write_ek(out, page);
        if (page->ledger_known)
                page_item(out,
                          "The given ledger has the row that this passport names (%" PRIu64 ") and "
                          "leads to the value in the chip.",
                          page->passport->statement.ledger.head_seq);
        else
                page_item(
                        out,
                        "NOT compared, as no ledger was given: whether the machine's ledger leads "
                        "to the value in the chip.");
        if (facts->certified)
                page_item(out, "The seal's certificate is of its key, and each of its chain was "
                               "issued by the next. Whether the issuer is to be trusted and has "
                               "not revoked it is NOT compared.");
        else
                page_item(out,
                          "The seal has no certificate: who its holder is, sealsd says alone.");
        page_item(out,
                  "The TPM attested all of this within one start of the machine (reset %" PRIu32
                  ", restart %" PRIu32 "%s).",
                  facts->reset_count, facts->restart_count,
                  facts->clock_safe ? "" : "; its clock may have been set back by a loss of power");
}

int passport_page_write(const PassportPage *page, char **ret) {
        char *text = NULL;
        size_t size = 0;

        FILE *out = open_memstream(&text, &size);
        if (!out)
                return -ENOMEM;
        write_head(out, page);
        write_chip(out, page);
        write_daemon(out, page);
        write_nobody(out, page);
        write_compared(out, page);
        write_rest(out, page);
        bool failed = ferror(out);
        if (fclose(out) != 0 || failed) {
                free(text);
                return -ENOMEM;
        }
        *ret = text;
        return 0;
}
