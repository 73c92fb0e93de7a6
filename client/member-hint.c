/* SPDX-License-Identifier: Apache-2.0 */
/* What an error of one member means, where the table of errors would point elsewhere. */
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "client/context.h"

typedef struct MemberHint {
        const char *member;
        int code; /* SEAL_E_… */
        const char *hint;
} MemberHint;

#define SIGN_DECISION "a reviewer whose key is registered decides with --key FILE"
#define REGISTERED_KEY "is this the key that was registered for you?"
#define PRESENT_KEY "sign with the key that is registered now (--key), or with the authority's"
#define ASK_ANEW "'sealctl request-use NUMBER FILE' asks for the approvals anew"
#define WHO_IS_MISSING "'sealctl request ID' shows whose approvals are missing"
#define GIVE_PIN "give it with --pin-file FILE or --ask-pin"
#define TRIES_COUNT "every wrong try counts, for all seals with a PIN on this machine"

static const MemberHint hints[] = {
        { "Answer", SEAL_E_NOT_FOUND, "'sealctl authority challenges' shows what is on offer" },
        { "ApproveMachineState", SEAL_E_NOT_FOUND,
          "'sealctl machine-state show' tells the profile" },
        { "RetireMachineState", SEAL_E_NOT_FOUND,
          "'sealctl machine-state list' shows which there are" },
        { "SetMakerCertificates", SEAL_E_CERTIFICATE_INVALID,
          "'sealctl maker request --help' tells what the authority has to issue" },
        { "SetCertificates", SEAL_E_CERTIFICATE_INVALID,
          "'sealctl certificate request NUMBER' is what the authority certifies; FILE has the "
          "seal's own certificate first" },
        { "WithdrawApproval", SEAL_E_NOT_FOUND,
          "'sealctl request ID' shows who has approved, where it is yours to see" },
        { "RemoveGrant", SEAL_E_NOT_FOUND, "'sealctl grant list NUMBER' shows which there are" },
        { "Approve", SEAL_E_ACCESS_DENIED,
          "the use of a seal is approved with 'sealctl approve-use'" },
        { "Approve", SEAL_E_INVALID_STATE,
          "'sealctl request ID' shows its state; one of kind 'use' is approved with 'sealctl "
          "approve-use'" },
        { "Approve", SEAL_E_APPROVAL_REQUIRED, SIGN_DECISION },
        { "Approve", SEAL_E_APPROVAL_INVALID, REGISTERED_KEY },
        { "Reject", SEAL_E_INVALID_STATE,
          "'sealctl request ID' shows its state; one of kind 'use' is cancelled by who asked" },
        { "Reject", SEAL_E_APPROVAL_REQUIRED, SIGN_DECISION },
        { "RejectSigned", SEAL_E_APPROVAL_REQUIRED, SIGN_DECISION },
        { "RejectSigned", SEAL_E_APPROVAL_INVALID, REGISTERED_KEY },
        { "RegisterReviewer", SEAL_E_APPROVAL_REQUIRED, PRESENT_KEY },
        { "RegisterReviewer", SEAL_E_APPROVAL_INVALID, PRESENT_KEY },
        { "Authorize", SEAL_E_APPROVAL_INVALID,
          "is this the key that the seal has for this approver?" },
        { "Authorize", SEAL_E_APPROVAL_EXPIRED, ASK_ANEW },
        { "Challenge", SEAL_E_APPROVAL_EXPIRED, ASK_ANEW },
        { "Collect", SEAL_E_APPROVAL_REQUIRED, WHO_IS_MISSING },
        { "Collect", SEAL_E_APPROVAL_INVALID, ASK_ANEW },
        { "Collect", SEAL_E_APPROVAL_EXPIRED, ASK_ANEW },
        { "Collect", SEAL_E_PIN_REQUIRED, GIVE_PIN },
        { "CollectWith", SEAL_E_APPROVAL_REQUIRED, WHO_IS_MISSING },
        { "CollectWith", SEAL_E_APPROVAL_INVALID, ASK_ANEW },
        { "CollectWith", SEAL_E_APPROVAL_EXPIRED, ASK_ANEW },
        { "CollectWith", SEAL_E_PIN_REQUIRED, GIVE_PIN },
        { "CollectWith", SEAL_E_WRONG_PIN, TRIES_COUNT },
        { "RequestUse", SEAL_E_BUSY,
          "'sealctl requests --kind use' shows what waits; without --live no session is needed" },
        { "RequestUse", SEAL_E_INVALID_STATE,
          "a seal without approvers signs with 'sealctl sign NUMBER FILE'; of another 'sealctl why "
          "NUMBER' tells what to do" },
        { "RequestUse", SEAL_E_PIN_REQUIRED, GIVE_PIN },
        { "RequestUse", SEAL_E_WRONG_PIN, TRIES_COUNT },
        { "Sign", SEAL_E_PIN_REQUIRED, GIVE_PIN },
        { "Sign", SEAL_E_WRONG_PIN, TRIES_COUNT },
        { "SignMany", SEAL_E_PIN_REQUIRED, GIVE_PIN },
        { "SignMany", SEAL_E_WRONG_PIN, TRIES_COUNT },
        { "Accept", SEAL_E_PIN_REQUIRED,
          "--ask-pin sets it; where somebody kept the seal before, --ask-old-pin gives the present "
          "one" },
        { "Accept", SEAL_E_WRONG_PIN, TRIES_COUNT },
        { "ChangePin", SEAL_E_WRONG_PIN, TRIES_COUNT },
};

const char *hint_of_call(const char *member, const char *name) {
        const int code = error_from_name(name);

        for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
                if (hints[i].code == code && strcmp(hints[i].member, member) == 0)
                        return hints[i].hint;
        return hint_of(name);
}

int exit_code_of_call(const char *member, const char *name) {
        const bool given = strcmp(member, "SetCertificates") == 0 ||
                           strcmp(member, "SetMakerCertificates") == 0;

        return given && error_from_name(name) == SEAL_E_CERTIFICATE_INVALID ? EXIT_USAGE
                                                                            : exit_code_of(name);
}
