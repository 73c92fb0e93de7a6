/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/gate.h"

#include <stdio.h>
#include <string.h>

#define MANAGER "org.sealsd1.Manager"
#define REQUEST "org.sealsd1.Request"
#define SEAL "org.sealsd1.Seal"
#define ACTION(name) "org.sealsd1." name

#define DUAL (1U << SEPARATION_DUAL)
#define STRICT (1U << SEPARATION_STRICT)
#define SINGLE (1U << SEPARATION_SINGLE)
/* Before Initialize too: what has no sense then is refused by its own state. */
#define ANY (1U << SEPARATION_NONE | DUAL | STRICT | SINGLE)

/*
 * The role table (design, sections 4 and 5). The order of a member's rows matters: of several roles
 * that a caller has, the first row decides which polkit action is asked.
 */
static const GateRule rules[] = {
        { MANAGER, "Initialize", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { MANAGER, "ListChallenges", ANY, ROLE_ADMINISTRATOR, NULL },
        { MANAGER, "Answer", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { MANAGER, "GetStatus", ANY, ROLE_ADMINISTRATOR, NULL },
        { MANAGER, "GetStatus", ANY, ROLE_AUDITOR, NULL },
        { MANAGER, "GetMachineState", ANY, ROLE_ADMINISTRATOR, NULL },
        { MANAGER, "GetMachineState", ANY, ROLE_AUDITOR, NULL },
        { MANAGER, "ApproveMachineState", ANY, ROLE_ADMINISTRATOR, ACTION("approve-policy") },
        { MANAGER, "ListMachineStates", ANY, ROLE_ADMINISTRATOR, NULL },
        { MANAGER, "ListMachineStates", ANY, ROLE_AUDITOR, NULL },
        { MANAGER, "RetireMachineState", ANY, ROLE_ADMINISTRATOR, ACTION("approve-policy") },
        { MANAGER, "Lock", ANY, ROLE_ADMINISTRATOR, ACTION("lock") },
        { MANAGER, "ExtendCapacity", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { MANAGER, "SetSeparation", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { MANAGER, "RegisterReviewer", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { MANAGER, "Inspect", ANY, ROLE_ADMINISTRATOR, NULL },
        { MANAGER, "Inspect", ANY, ROLE_AUDITOR, NULL },
        { MANAGER, "Apply", ANY, ROLE_APPLICANT, ACTION("apply") },
        { MANAGER, "CreateSeal", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { MANAGER, "SuspendSeals", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { MANAGER, "ListSeals", ANY, ROLE_ANYONE, NULL },
        { MANAGER, "ListRequests", ANY, ROLE_ANYONE, NULL },
        { MANAGER, "GetSeal", ANY, ROLE_ANYONE, NULL },
        { MANAGER, "ReadLedger", ANY, ROLE_AUDITOR, ACTION("audit") },
        { MANAGER, "ReadLedger", ANY, ROLE_ADMINISTRATOR, ACTION("audit") },
        { MANAGER, "VerifyLedger", ANY, ROLE_AUDITOR, NULL },
        { MANAGER, "VerifyLedger", ANY, ROLE_ADMINISTRATOR, NULL },
        { MANAGER, "ExportLedger", ANY, ROLE_AUDITOR, ACTION("audit") },
        { MANAGER, "AcknowledgeTampering", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { MANAGER, "GetMakerCertificates", ANY, ROLE_ANYONE, NULL },
        { MANAGER, "GetMakerRequest", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { MANAGER, "GetMakerRequests", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { MANAGER, "SetMakerCertificates", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { MANAGER, "GetRevocationList", ANY, ROLE_ANYONE, NULL },
        { MANAGER, "GetRevocationLists", ANY, ROLE_ANYONE, NULL },
        { MANAGER, "DepositSecret", ANY, ROLE_ANYONE, NULL },
        { MANAGER, "Subscribe", ANY, ROLE_ANYONE, NULL },
        { MANAGER, "Unsubscribe", ANY, ROLE_ANYONE, NULL },

        { REQUEST, "Approve", ANY, ROLE_REVIEWER, ACTION("review") },
        { REQUEST, "Reject", ANY, ROLE_REVIEWER, ACTION("review") },
        { REQUEST, "RejectSigned", ANY, ROLE_REVIEWER, ACTION("review") },
        { REQUEST, "Cancel", ANY, ROLE_OWNER, NULL },
        { REQUEST, "Cancel", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { REQUEST, "Make", STRICT, ROLE_MAKER, ACTION("make") },
        { REQUEST, "Make", DUAL, ROLE_REVIEWER, ACTION("review") },
        { REQUEST, "Make", SINGLE, ROLE_ADMINISTRATOR, ACTION("manage") },
        /*
         * What counts of an approval is the signature, which the chip checks: anybody may carry it.
         */
        { REQUEST, "Challenge", ANY, ROLE_APPROVER, NULL },
        { REQUEST, "Challenge", ANY, ROLE_OWNER, NULL },
        { REQUEST, "Challenge", ANY, ROLE_ADMINISTRATOR, NULL },
        { REQUEST, "Authorize", ANY, ROLE_APPROVER, NULL },
        { REQUEST, "Authorize", ANY, ROLE_OWNER, NULL },
        { REQUEST, "Authorize", ANY, ROLE_ADMINISTRATOR, NULL },
        /* Administrators first: they may take back everybody's, which is polkit's to judge. */
        { REQUEST, "WithdrawApproval", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { REQUEST, "WithdrawApproval", ANY, ROLE_APPROVER, NULL },
        { REQUEST, "Collect", ANY, ROLE_OWNER, NULL },
        { REQUEST, "CollectWith", ANY, ROLE_OWNER, NULL },
        { REQUEST, "GetPicture", ANY, ROLE_ANYONE, NULL },
        { REQUEST, "Describe", ANY, ROLE_ANYONE, NULL },

        { SEAL, "Sign", ANY, ROLE_KEEPER, NULL },
        { SEAL, "Sign", ANY, ROLE_USER, NULL },
        { SEAL, "SignMany", ANY, ROLE_KEEPER, NULL },
        { SEAL, "SignMany", ANY, ROLE_USER, NULL },
        { SEAL, "RequestUse", ANY, ROLE_KEEPER, NULL },
        { SEAL, "RequestUse", ANY, ROLE_USER, NULL },
        { SEAL, "GetCertificateRequest", ANY, ROLE_KEEPER, NULL },
        { SEAL, "GetCertificateRequest", ANY, ROLE_USER, NULL },
        /* Administrators first: an emergency is polkit's to judge, whatever else its giver is. */
        { SEAL, "AddGrant", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "AddGrant", ANY, ROLE_KEEPER, NULL },
        { SEAL, "RemoveGrant", ANY, ROLE_KEEPER, NULL },
        { SEAL, "RemoveGrant", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "ListGrants", ANY, ROLE_KEEPER, NULL },
        { SEAL, "ListGrants", ANY, ROLE_ADMINISTRATOR, NULL },
        { SEAL, "ListGrants", ANY, ROLE_AUDITOR, NULL },
        { SEAL, "Accept", ANY, ROLE_KEEPER, NULL },
        { SEAL, "ChangePin", ANY, ROLE_KEEPER, NULL },
        { SEAL, "Decline", ANY, ROLE_KEEPER, NULL },
        { SEAL, "RecordFiling", STRICT, ROLE_MAKER, ACTION("make") },
        { SEAL, "RecordFiling", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "RecordFiling", DUAL, ROLE_REVIEWER, ACTION("review") },
        { SEAL, "Deliver", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "Apply", ANY, ROLE_KEEPER, NULL },
        { SEAL, "Apply", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "Suspend", ANY, ROLE_KEEPER, NULL },
        { SEAL, "Suspend", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "Resume", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "ReportLost", ANY, ROLE_KEEPER, NULL },
        { SEAL, "ReportLost", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "ReportFound", ANY, ROLE_KEEPER, NULL },
        { SEAL, "ReportFound", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "Surrender", ANY, ROLE_KEEPER, NULL },
        { SEAL, "Surrender", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "Revoke", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "Destroy", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "StateAt", ANY, ROLE_ANYONE, NULL },
        { SEAL, "Inspect", ANY, ROLE_KEEPER, NULL },
        { SEAL, "Inspect", ANY, ROLE_ADMINISTRATOR, NULL },
        { SEAL, "Inspect", ANY, ROLE_AUDITOR, NULL },
        { SEAL, "Attest", ANY, ROLE_KEEPER, NULL },
        { SEAL, "Attest", ANY, ROLE_ADMINISTRATOR, NULL },
        { SEAL, "Attest", ANY, ROLE_AUDITOR, NULL },
        { SEAL, "SetCertificates", ANY, ROLE_ADMINISTRATOR, ACTION("manage") },
        { SEAL, "Describe", ANY, ROLE_ANYONE, NULL },
};

#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

/* A role in words; group is the default of the configuration, NULL for relations to an object. */
typedef struct RoleText {
        unsigned role;
        const char *people;
        const char *name;
        const char *group;
} RoleText;

static const RoleText role_texts[] = {
        { ROLE_APPLICANT, "applicants", "applicant", "seal-applicants" },
        { ROLE_REVIEWER, "reviewers", "reviewer", "seal-reviewers" },
        { ROLE_MAKER, "makers", "maker", "seal-makers" },
        { ROLE_ADMINISTRATOR, "administrators", "administrator", "seal-admins" },
        { ROLE_AUDITOR, "auditors", "auditor", "seal-auditors" },
        { ROLE_KEEPER, "keepers of the seal", NULL, NULL },
        { ROLE_USER, "holders of a grant", NULL, NULL },
        { ROLE_OWNER, "the applicant of this request", NULL, NULL },
        { ROLE_APPROVER, "approvers of this use", NULL, NULL },
        { ROLE_ANYONE, "everybody", NULL, NULL },
};

#define ROLE_TEXT_COUNT (sizeof(role_texts) / sizeof(role_texts[0]))

static bool rule_is_of(const GateRule *rule, const char *interface, const char *member) {
        return strcmp(rule->interface, interface) == 0 && strcmp(rule->member, member) == 0;
}

const GateRule *gate_rules(size_t *ret_count) {
        *ret_count = RULE_COUNT;
        return rules;
}

bool gate_has_entry(const char *interface, const char *member) {
        for (size_t i = 0; i < RULE_COUNT; i++)
                if (rule_is_of(&rules[i], interface, member))
                        return true;
        return false;
}

/* "makers or administrators", then how one becomes one. */
static void people_text(unsigned roles, char *ret, size_t size) {
        size_t used = 0;

        for (size_t i = 0; i < ROLE_TEXT_COUNT; i++)
                if (roles & role_texts[i].role && used < size)
                        used += (size_t) snprintf(ret + used, size - used, "%s%s",
                                                  used > 0 ? " or " : "", role_texts[i].people);
}

static void groups_text(unsigned roles, char *ret, size_t size) {
        size_t used = 0;

        for (size_t i = 0; i < ROLE_TEXT_COUNT; i++)
                if (roles & role_texts[i].role && role_texts[i].group && used < size)
                        used += (size_t) snprintf(ret + used, size - used, "%srole %s, group %s",
                                                  used > 0 ? "; " : " (", role_texts[i].name,
                                                  role_texts[i].group);
        if (used > 0 && used + 1 < size)
                strcpy(ret + used, ")");
}

static int deny(const char *member, Separation mode, bool entry, unsigned could,
                ErrorDetail *detail) {
        char people[192] = "", groups[256] = "";

        if (!entry)
                return error_set(detail, SEAL_E_ACCESS_DENIED,
                                 "%s has no entry in the role table: nobody may do this", member);
        if (could == 0)
                return error_set(detail, SEAL_E_ACCESS_DENIED,
                                 "%s: nobody may do this in separation %s", member,
                                 separation_name(mode));
        people_text(could, people, sizeof(people));
        groups_text(could, groups, sizeof(groups));
        return error_set(detail, SEAL_E_ACCESS_DENIED, "Only %s may do this%s", people, groups);
}

int gate_check(const char *interface, const char *member, Separation mode, unsigned roles,
               const GateRule **ret, ErrorDetail *detail) {
        unsigned could = 0;
        bool entry = false;

        for (size_t i = 0; i < RULE_COUNT; i++) {
                if (!rule_is_of(&rules[i], interface, member))
                        continue;
                entry = true;
                if (mode >= SEPARATION_MAX || !(rules[i].modes & 1U << mode))
                        continue;
                if (rules[i].role & roles) {
                        *ret = &rules[i];
                        return 0;
                }
                could |= rules[i].role;
        }
        return deny(member, mode, entry, could, detail);
}
