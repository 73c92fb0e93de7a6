/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a sentence stands on the page and whether it holds for the seal is the same question. */
#include "format/passport-page.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/fixture/passport.h"
#include "tests/unit/unit.h"

typedef struct Case {
        PaperOptions options;
        bool revoked, retired, known, certified, limited;
        PassportAudit audit;
} Case;

/* A sentence (words as they stand, however their lines break), and when it has to be there. */
typedef struct Sentence {
        const char *text;
        bool (*holds)(const Case *c);
} Sentence;

#define HOLDS(name, condition)            \
        static bool name(const Case *c) { \
                return (condition);       \
        }

#define APPROVERS c->options.approvers

HOLDS(always, c != NULL)
HOLDS(is_revoked, c->revoked)
HOLDS(is_not_revoked, !c->revoked)
HOLDS(is_not_revoked_now, !c->revoked && c->known)
HOLDS(was_not_revoked, !c->revoked && !c->known)
HOLDS(is_fixed, !c->options.backup)
HOLDS(is_copied, c->options.backup)
HOLDS(is_copied_with_approvers, c->options.backup &&APPROVERS > 0)
HOLDS(is_copied_and_born, c->options.backup && c->options.creation)
HOLDS(is_of_unknown_birth, c->options.backup && !c->options.creation)
HOLDS(has_pin, c->options.pin)
HOLDS(has_approvers, APPROVERS > 0)
HOLDS(has_one, APPROVERS == 1)
HOLDS(has_two_of_three, APPROVERS == 3 && c->options.threshold == 2)
HOLDS(has_all_three, APPROVERS == 3 && c->options.threshold == 3)
HOLDS(is_bare, !c->options.pin && APPROVERS == 0)
HOLDS(has_pin_alone, c->options.pin &&APPROVERS == 0)
HOLDS(has_approvers_without_pin, !c->options.pin && APPROVERS > 0)
HOLDS(has_approvers_and_pin, c->options.pin &&APPROVERS > 0)
HOLDS(has_limit, c->limited)
HOLDS(has_no_good_state, c->options.states == 0 || (c->options.states == 1 && c->retired))
HOLDS(has_good_state, c->options.states > 1 || (c->options.states == 1 && !c->retired))
HOLDS(has_no_state, c->options.states == 0)
HOLDS(has_state, c->options.states > 0)
HOLDS(has_retired, c->retired)
HOLDS(is_unretirable, c->options.states > 0 && !c->options.indexed)
HOLDS(is_retirable, c->options.states > 0 && c->options.indexed)
HOLDS(is_known, c->known)
HOLDS(is_unknown, !c->known)
HOLDS(is_certified, c->certified)
HOLDS(is_not_certified, !c->certified)
HOLDS(is_not_audited, c->audit == PASSPORT_AUDIT_OFF)
HOLDS(is_audited, c->audit == PASSPORT_AUDIT_ON)
HOLDS(is_audited_no_more, c->audit == PASSPORT_AUDIT_STOPPED)
HOLDS(is_of_a_chip_without_audit, c->audit == PASSPORT_AUDIT_ABSENT)

static const Sentence sentences[] = {
        { "This passport holds.", is_known },
        { "This passport holds, if its attestation key is a TPM's (see the end).", is_unknown },
        { "THE SEAL IS REVOKED", is_revoked },
        { "What stands below of signing is about the time before.", is_revoked },
        { "The seal is not revoked.", is_not_revoked_now },
        { "The seal was not revoked when this passport was made.", was_not_revoked },
        { "does not sign any more", is_revoked },
        { "clear, as it was when this passport was made", is_not_revoked },
        { "was made in this TPM and cannot leave it. It cannot be copied", is_fixed },
        { "can be copied only in encrypted form", is_copied },
        { "The private key was made in this TPM. It can be copied", is_copied_and_born },
        { "approved, with the approvers' signatures for this, and only", is_copied_with_approvers },
        { "can take the key out of any TPM", is_copied },
        { "together, with the approvers can take the key", is_copied_with_approvers },
        { "does not show where the key was made", is_of_unknown_birth },
        { "It cannot sign without its PIN.", has_pin },
        { "A PIN change does not end the old PIN", has_pin },
        { "copied both the stored key and that secret by then needs no PIN.", has_pin },
        { "without the approval of this approver.", has_one },
        { "without the approval of 2 of these 3 approvers.", has_two_of_three },
        { "without the approval of all 3 of these approvers.", has_all_three },
        { "good for exactly one document", has_approvers },
        { "(a deferred one) counts once, expires, and can be withdrawn", has_approvers },
        { "Without a PIN and approvers: who is root", is_bare },
        { "learns the PIN can sign whatever he likes", has_pin_alone },
        { "in an approved state and has enough deferred approvals", has_approvers_without_pin },
        { "in an approved state, learns the PIN, and has enough deferred approvals",
          has_approvers_and_pin },
        { "used at most 1000 times", has_limit },
        { "tells of none that counts. One that sealsd does not tell of would", has_no_good_state },
        { "in a state (PCRs sha256:", has_state },
        { "in a state that the authority has approved", has_no_state },
        { "Known to this passport:", has_good_state },
        { "Retired, and refused by the chip: state 1, approved", has_retired },
        { "(cannot be retired)", is_unretirable },
        { "none of those above can be taken back", is_unretirable },
        { "those above end when an administrator retires the state", is_retirable },
        { "Nobody looks for signatures past sealsd", is_not_audited },
        { "Signatures past sealsd are found by inspections on the machine", is_audited },
        { "Signatures past sealsd were not looked for when", is_audited_no_more },
        { "this TPM does not count what it signs", is_of_a_chip_without_audit },
        { "no certified qualified seal creation device (QSCD)", always },
        { "The nonce is the given one", is_known },
        { "NOT compared, as no nonce was given", is_unknown },
        { "The given one: the attestation key", is_known },
        { "nothing shows that a TPM stands behind this passport", is_unknown },
        { "The given one: the authority's key", is_known },
        { "NOT compared: the authority's key", is_unknown },
        { "The given ledger has the row that this passport names", is_known },
        { "NOT compared, as no ledger was given", is_unknown },
        { "The seal's certificate is of its key, and", is_certified },
        { "The seal has no certificate", is_not_certified },
        { "has no certificate of the TPM's endorsement key", always },
};

/* Line breaks and indentation as one blank. */
static void unfold(char *text) {
        char *to = text;

        for (const char *from = text; *from != '\0'; from++) {
                if (*from != '\n' && *from != ' ')
                        *to++ = *from;
                else if (to > text && to[-1] != ' ')
                        *to++ = ' ';
        }
        *to = '\0';
}

static char *page_of(const Passport *passport, const PassportFacts *facts, bool ledger_known) {
        const PassportPage page = { passport, facts, ledger_known };
        char *text = NULL;

        assert_int_equal(passport_page_write(&page, &text), 0);
        return text;
}

static void assert_page(const Case *c, const Passport *passport, const PassportFacts *facts) {
        _cleanup_free_ char *text = page_of(passport, facts, c->known);

        unfold(text);
        for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
                if ((strstr(text, sentences[i].text) != NULL) != sentences[i].holds(c))
                        fail_msg("'%s' is %s: pin %d backup %d approvers %zu threshold %u\n%s",
                                 sentences[i].text, sentences[i].holds(c) ? "missing" : "wrong",
                                 c->options.pin, c->options.backup, c->options.approvers,
                                 c->options.threshold, text);
}

static void case_run(const Case *c) {
        _cleanup_(passport_freep) Passport *passport = NULL;
        _cleanup_free_ char *text = NULL;
        PassportFacts facts;
        ErrorDetail detail = {};
        PaperPassport paper;
        size_t size = 0;

        paper_passport_make(&paper, &c->options);
        if (!c->limited)
                paper.passport->statement.seal.use_limit = 0;
        paper.passport->statement.audit = c->audit;
        if (c->revoked)
                paper.revocation_attest.attested.nv.nvContents.buffer[7] = 1 << CHIP_BIT;
        if (c->retired)
                paper.state_attest.attested.nv.nvContents.buffer[7] = 1 << 1;
        text = paper_passport_text(&paper, &size);
        if (passport_verify((Bytes){ (const uint8_t *) text, size }, &(PassportWanted){}, &passport,
                            &facts, &detail) != 0)
                fail_msg("%s", detail.text);
        facts.nonce_known = facts.authority_known = facts.attestation_key_known = c->known;
        facts.certified = c->certified;
        assert_page(c, passport, &facts);
        paper_passport_done(&paper);
}

static void every_sentence_holds(void **state) {
        static const struct {
                size_t n;
                unsigned k;
        } rules[] = { { 0, 0 }, { 1, 1 }, { 3, 2 }, { 3, 3 } };

        (void) state;
        for (unsigned flags = 0; flags < 256; flags++)
                for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
                        const Case c = {
                                .options = { .pin = flags & 1,
                                             .backup = flags & 2,
                                             .creation = flags & 4,
                                             .indexed = flags & 8,
                                             .states = (flags >> 4) % 3,
                                             .approvers = rules[i].n,
                                             .threshold = rules[i].k },
                                .revoked = flags & 64,
                                .retired = (flags & 8) && (flags >> 4) % 3 > 0 && (flags & 128),
                                .known = flags & 128,
                                .certified = flags & 64,
                                .limited = flags & 32,
                                .audit = (PassportAudit) ((flags + i) % PASSPORT_AUDIT_MAX),
                        };

                        case_run(&c);
                }
}

/* --- the page as such ----------------------------------------------------------------------- */

static void lines_fit_a_terminal(void **state) {
        const PaperOptions options = { .pin = true,
                                       .backup = true,
                                       .approvers = 4,
                                       .threshold = 2,
                                       .states = MACHINE_STATES_MAX };
        PassportFacts facts = { .attestation_key = { .size = 34 }, .authority = { .size = 34 } };
        PaperPassport paper;

        (void) state;
        paper_passport_make(&paper, &options);
        PassportSeal *seal = &paper.passport->statement.seal;
        for (size_t i = 0; i + 6 < sizeof(seal->name); i += 6)
                memcpy(seal->name + i, "Wö-r ", 7);
        _cleanup_free_ char *text = page_of(paper.passport, &facts, false);
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                size_t width = 0;

                for (const char *p = line; *p != '\0'; p++)
                        width += ((unsigned char) *p & 0xc0) != 0x80;
                if (width > 80 &&
                    strlen(line) - strspn(line, " ") != strcspn(line + strspn(line, " "), " "))
                        fail_msg("%zu columns: %s", width, line);
        }
        paper_passport_done(&paper);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_sentence_holds),
                cmocka_unit_test(lines_fit_a_terminal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
