# SPDX-License-Identifier: Apache-2.0
"""Uses that approvers sign for, deferred: asked for by the keeper, signed for with openssl, collected."""

import re
import time

import pytest
from approving import ALICE, BOB, CAROL, document, opened
from conftest import ROOT
from lifecycle import ADMIN, AUDITOR, DAY, KEEPER, OTHER, REVIEWER
from test_polkit import with_rule


@pytest.fixture(scope="module")
def number(uses, three):
    """A seal that signs what two of three sign for."""
    return uses.seal(three, 2)


def test_two_of_three_sign_with_openssl_and_the_keeper_collects(uses, three, number):
    digest = document("contract")
    request = uses.request(number, digest, ("document-name", "s", "contract.pdf"))
    assert (uses.state(request), uses.missing(request)) == ("applied", 2)
    uses.approve(request, three[2])
    assert (uses.state(request), uses.missing(request)) == ("applied", 1)
    assert uses.refused(request, "Collect") == "ApprovalRequired"
    uses.approve(request, three[0])
    assert (uses.state(request), uses.missing(request)) == ("approved", 0)
    before = uses.use_count(number)
    signature, use = uses.collect(request)
    assert uses.box.verify(number, digest, signature)
    assert uses.state(request) == "completed" and uses.use_count(number) == before + 1 == use
    assert uses.collect(request) == (signature, use) and uses.use_count(number) == use


# --- instead of Sign ----------------------------------------------------------------------------

def test_seal_with_approvers_does_not_sign_without_them_and_no_use_is_taken(uses, number):
    before = uses.use_count(number)
    assert uses.life.sign_error(number) == "ApprovalRequired"
    many = ["aaya{sv}", "1", "32", *["7"] * 32, "0"]
    assert uses.life.refused(number, "SignMany", *many, user=KEEPER) == "ApprovalRequired"
    assert uses.use_count(number) == before and uses.life.why_not(number) == ""


def test_seal_without_approvers_has_nobody_to_ask(uses):
    plain = uses.life.seal("Plain")
    assert uses.refused_request(plain, document("a")) == "InvalidState"
    assert uses.life.signs(plain)


WRONG = [
    ([], b"short", "InvalidArgs"),
    ([("hash", "s", "sha512")], document("a"), "InvalidArgs"),
    ([("hash", "s", "sm3")], document("a"), "InvalidArgs"),
    ([("format", "s", "xades")], document("a"), "InvalidArgs"),
    ([("pin", "s", "1234")], document("a"), "InvalidArgs"),
    ([("live", "b", "true"), ("pin", "s", "1234")], document("a"), "InvalidArgs"),
    ([("expires", "t", 5)], document("a"), "InvalidArgs"),
    ([("expires", "t", 2**52)], document("a"), "InvalidArgs"),
    ([("document-name", "s", "a\nb")], document("a"), "InvalidArgs"),
]


@pytest.mark.parametrize("options,digest,code", WRONG)
def test_wrong_request_is_refused_and_nobody_is_asked(uses, number, options, digest, code):
    before = uses.listed(AUDITOR, ("kind", "s", "use"))
    assert uses.refused_request(number, digest, *options) == code
    assert uses.listed(AUDITOR, ("kind", "s", "use")) == before


def test_longest_time_is_that_of_the_configuration(uses, number):
    now = uses.life.now()
    later = uses.request(number, document("a"), ("expires", "t", now + 29 * DAY))
    assert uses.life.request(later, "Expires") == now + 29 * DAY
    assert uses.refused_request(number, document("a"), ("expires", "t", now + 31 * DAY)) == "InvalidArgs"
    request = uses.request(number, document("a"))
    assert abs(uses.life.request(request, "Expires") - now - 30 * DAY) < DAY / 24


# --- what is approved ---------------------------------------------------------------------------

def test_approval_is_of_one_document_one_seal_and_one_approver_and_each_refusal_says_so(uses, three, number):
    alice, bob, carol = three
    other_seal = uses.seal(three, 2)
    request, other = (uses.request(number, document(text)) for text in ("A", "B"))
    twin = uses.request(other_seal, document("A"))
    good = alice.sign(uses.to_sign(request, ALICE))
    for wrong in (alice.sign(uses.to_sign(other, ALICE)), alice.sign(uses.to_sign(twin, ALICE)),
                  alice.sign(document("A")), good[:-1], good + b"x", bytes(72), b""):
        assert uses.refused_approval(request, alice, wrong) == "ApprovalInvalid"
    assert "of user:mail" in uses.authorize(request, bob, good)[1]
    assert "is by the key of user:games" in uses.authorize(request, bob, good)[1]
    assert "another key, another document" in uses.authorize(request, carol, bytes(64))[1]
    assert uses.refused_approval(request, f"user:{OTHER}", good, user=ALICE) == "ApprovalInvalid"
    assert "is no approver" in uses.box.request(request, "Authorize", "say", "user:root", 1, 0,
                                                user=ALICE)[1]
    assert uses.missing(request) == 2 and uses.describe(request)["approvals"] == []
    # The other challenge of the same document says another seal.
    assert uses.to_sign(twin)[:4] == uses.to_sign(request)[:4] and len(uses.to_sign(twin)) == 68
    assert uses.to_sign(twin)[36:] != uses.to_sign(request)[36:]


def test_same_approver_twice_is_one_approval_the_second_in_place_of_the_first(uses, three, number):
    request = uses.request(number, document("twice"))
    uses.approve(request, three[1], three[1])
    assert uses.missing(request) == 1 and len(uses.describe(request)["approvals"]) == 1
    uses.approve(request, three[0], three[2])
    signature, _use = uses.collect(request)
    assert uses.box.verify(number, document("twice"), signature)
    spent = three[1].sign(bytes(68))
    assert uses.refused_approval(request, three[1], spent) == "ApprovalUsed"
    assert uses.refused(request, "Challenge", user=ALICE) == "ApprovalUsed"


def test_whoever_carries_an_approval_is_recorded_and_the_signature_is_what_counts(uses, three, number):
    request = uses.request(number, document("carried"))
    data = uses.to_sign(request, KEEPER)
    signature = three[0].sign(data)
    assert uses.authorize(request, three[0], signature, user=KEEPER)[0] is not None
    assert uses.authorize(request, three[1], three[1].sign(data), user=ADMIN)[0] is not None
    approvals = {a["approver"]: a["by"] for a in uses.describe(request)["approvals"]}
    assert approvals == {three[0].subject: f"user:{KEEPER}", three[1].subject: f"user:{ADMIN}"}
    assert signature.hex() not in str(uses.describe(request, AUDITOR))
    for user, code in ((REVIEWER, "AccessDenied"), (AUDITOR, "AccessDenied"), (OTHER, "UnknownObject")):
        assert uses.refused_approval(request, three[2], signature, user=user) == code
    rows = [row for row in uses.events("use-approved", number) if row["request"] == request]
    assert [(row["subject"], row["object"]) for row in rows] == [
        (f"user:{KEEPER}", three[0].subject), (f"user:{ADMIN}", three[1].subject)]


def test_approvals_by_rsa_and_curves_together(uses):
    mixed = [*uses.approvers(ALICE), *uses.approvers(BOB, algorithm="RSA")]
    rsa = uses.seal(mixed, 2, ("algorithm", "s", "rsa-2048"))
    for scheme in ("rsassa", "rsapss"):
        request = uses.request(rsa, document(scheme), ("scheme", "s", scheme))
        assert uses.challenge(request)["scheme"] == scheme
        uses.approve(request, *mixed)
        assert len(uses.collect(request)[0]) == 256


def test_hash_and_scheme_are_frozen_with_the_document(uses, three, number):
    digest = bytes(range(48))
    request = uses.request(number, digest, ("hash", "s", "sha384"), ("purpose", "s", "endorsement"))
    asked = uses.describe(request)["application"]
    assert (asked["digest"], asked["hash"], asked["scheme"]) == (digest.hex(), "sha384", "ecdsa")
    assert asked["purpose"] == "endorsement" and asked["live"] is False
    uses.approve(request, three[0], three[1])
    signature, _use = uses.collect(request)
    assert uses.box.verify(number, digest, signature)


# --- taking back --------------------------------------------------------------------------------

def test_same_approval_handed_in_again_wrote_a_row_each_time(uses, three, number):
    """Who carries an approval could make the ledger grow by it."""
    request = uses.request(number, document("carried"))
    signature = three[0].sign(uses.to_sign(request, three[0].user))
    for user in (three[0].user, three[0].user, KEEPER):
        uses.life.told(uses.authorize(request, three[0], signature, user=user))
    rows = [row for row in uses.events("use-approved", number) if row["request"] == int(request)]
    assert len(rows) == 1 and uses.missing(request) == 1
    uses.approve(request, three[0])  # another signature of his
    rows = [row for row in uses.events("use-approved", number) if row["request"] == int(request)]
    assert len(rows) == 2 and uses.missing(request) == 1


def test_approval_that_is_withdrawn_is_missing_again(uses, three, number):
    alice, bob, _carol = three
    request = uses.request(number, document("withdrawn"))
    uses.approve(request, alice, bob)
    assert uses.state(request) == "approved"
    assert uses.refused(request, "WithdrawApproval", "s", alice.subject, user=BOB) == "AccessDenied"
    assert uses.refused(request, "WithdrawApproval", "s", alice.subject, user=KEEPER) == "AccessDenied"
    assert uses.refused(request, "WithdrawApproval", "s", "user:news", user=CAROL) == "NotFound"
    assert uses.withdraw(request, alice)[0] is not None
    assert (uses.state(request), uses.missing(request)) == ("applied", 1)
    assert uses.refused(request, "Collect") == "ApprovalRequired"
    assert uses.refused(request, "WithdrawApproval", "s", alice.subject, user=ALICE) == "NotFound"
    assert [a["approver"] for a in uses.describe(request)["approvals"]] == [bob.subject]
    assert uses.withdraw(request, bob, user=ADMIN)[0] is not None
    assert uses.missing(request) == 2
    uses.approve(request, alice, bob)
    assert uses.collect(request)
    assert uses.refused(request, "WithdrawApproval", "s", alice.subject, user=ALICE) == "InvalidState"


def test_withdrawn_or_used_approval_is_not_handed_in_again_by_who_carried_it(uses, three, number):
    alice, bob, carol = three
    request = uses.request(number, document("replayed"))
    data = uses.to_sign(request, KEEPER)
    signatures = {a: a.sign(data) for a in three}
    for approver in (alice, bob):
        assert uses.authorize(request, approver, signatures[approver], user=KEEPER)[0] is not None
    assert uses.authorize(request, bob, signatures[bob], user=KEEPER)[0] is not None  # an answer was lost
    assert uses.withdraw(request, alice)[0] is not None
    # Any other signature over these bytes is as little hers: the carrier can turn the one into another.
    for replayed in (signatures[alice], alice.sign(data)):
        for user in (KEEPER, ADMIN):
            assert uses.refused_approval(request, alice, replayed, user=user) == "ApprovalUsed"
    assert uses.state(request) == "applied"
    assert uses.authorize(request, alice, signatures[alice])[0] is not None  # she has thought again
    assert uses.collect(request)
    # For the same document anew: nobody was asked whether it should be sealed twice.
    second = uses.request(number, document("replayed"))
    assert uses.to_sign(second, KEEPER) == data
    for approver in (alice, bob):
        assert uses.refused_approval(second, approver, signatures[approver], user=KEEPER) == "ApprovalUsed"
    assert f"for request {request}," in uses.authorize(second, bob, signatures[bob], user=KEEPER)[1]
    assert uses.authorize(second, carol, signatures[carol], user=KEEPER)[0] is not None
    uses.approve(second, bob)
    assert uses.collect(second)


def test_approval_of_a_live_request_that_is_withdrawn_is_not_handed_in_again_either(uses, three, number):
    request = uses.request(number, document("replayed live"), ("live", "b", "true"))
    signature = three[0].sign(uses.to_sign(request, KEEPER))
    assert uses.authorize(request, three[0], signature, user=KEEPER)[0] is not None
    assert uses.withdraw(request, three[0])[0] is not None
    assert uses.refused_approval(request, three[0], signature, user=KEEPER) == "ApprovalUsed"
    uses.life.told(uses.box.request(request, "Cancel", "s", "the test is over"))


ROWS = """
import json, os, sqlite3, sys
db = sqlite3.connect(f"file:{os.environ['SEALSD_STATE']}/register.db?mode=ro", uri=True)
print(json.dumps([[v, len(s), w] for v, s, w in db.execute(
    "SELECT version, sealed, withdrawn FROM use_approval WHERE request = ?", sys.argv[1:])]))
"""


def test_withdrawn_signature_is_erased_from_the_register_and_confidential_before(uses, three, number):
    request = uses.request(number, document("erased"))
    signature = three[0].sign(uses.to_sign(request))
    uses.authorize(request, three[0], signature)
    [[version, size, withdrawn]] = eval(uses.box.ok(["/usr/bin/python3", "-c", ROWS, request]))
    assert version == 1 and size > len(signature) and withdrawn == 0
    uses.withdraw(request, three[0])
    [[version, size, withdrawn]] = eval(uses.box.ok(["/usr/bin/python3", "-c", ROWS, request]))
    assert version == 1 and size == 0 and withdrawn > 0
    uses.approve(request, three[0])
    [[version, size, withdrawn]] = eval(uses.box.ok(["/usr/bin/python3", "-c", ROWS, request]))
    assert version == 2 and size > 0 and withdrawn == 0


def test_cancelled_request_is_over(uses, three, number):
    request = uses.request(number, document("cancelled"))
    uses.approve(request, *three[:2])
    assert uses.refused(request, "Cancel", "s", "no", user=ALICE) == "AccessDenied"
    uses.life.told(uses.box.request(request, "Cancel", "s", "a mistake", user=KEEPER))
    assert uses.state(request) == "cancelled"
    assert uses.refused(request, "Collect") == "InvalidState"
    assert uses.refused(request, "Challenge", user=ALICE) == "InvalidState"
    assert uses.events("use-cancelled", number)[-1]["reason"] == "a mistake"


@pytest.mark.parametrize("member,words", [("Approve", ["sa{sv}", "fine", "0"]), ("Reject", ["s", "no"]),
                                          ("Make", [])])
def test_reviewers_have_no_part_in_it(uses, number, member, words):
    request = uses.request(number, document("reviewed"))
    assert uses.refused(request, member, *words, user=REVIEWER) == "InvalidState"
    [done] = uses.listed(REVIEWER, ("kind", "s", "use"), ("state", "s", "completed"), ("limit", "u", 1))
    assert uses.refused(done, member, *words, user=REVIEWER) == "InvalidState"
    assert request not in uses.listed(REVIEWER, ("awaiting", "s", "me"))


def test_request_that_nobody_collects_in_time_expires(new_sandbox):
    uses = opened(new_sandbox())
    three = uses.approvers(ALICE, BOB, CAROL)
    number = uses.seal(three, 2)
    uses.box.restart_ahead("--hours 2")
    request = uses.request(number, document("late"), ("expires", "t", uses.life.now() + DAY // 24))
    uses.approve(request, *three[:2])
    uses.box.step_clock()
    assert uses.refused(request, "Collect") == "ApprovalExpired"
    assert uses.state(request) == "expired" and "ask again" in uses.life.request(request, "Error")
    assert uses.refused(request, "Collect") == "ApprovalExpired"
    assert uses.refused_approval(request, three[2], bytes(70)) == "ApprovalExpired"
    assert uses.events("use-expired", number)[-1]["request"] == request


def test_challenge_and_describe_have_the_keys_that_the_manual_names(uses, three, number):
    text = (ROOT / "docs/bus.md").read_text().split("### Uses that approvers sign for")[1].split("```")[0]
    table = "".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    request = uses.request(number, document("keys"))
    formatted = {"structure", "certificates", "signing-time", "property-info"}
    named = set(re.findall(r"`([a-z-]+)`", table)) - {"nonce"}
    assert set(uses.challenge(request)) == named - formatted
    other = uses.request(number, document("keys"), ("format", "s", "cades"))
    assert set(uses.challenge(other)) == named - {"property-info"}
    uses.approve(request, three[0])
    shown = uses.describe(request)
    for key in ("threshold", "approvers", "approvals", "use", "collected"):
        assert f"`{key}`" in text and key in shown
    assert set(shown["application"]) == {"digest", "hash", "scheme", "purpose", "document-name", "live", "grant"}
    assert all(f"`{key}`" in text for key in shown["application"])
    assert set(shown["approvals"][0]) == {"approver", "by", "time"}
    assert (shown["threshold"], shown["use"], shown["collected"], shown["missing"]) == (2, 0, 0, 1)
    assert shown["approvers"] == [a.subject for a in three] and shown["target"] == number


# --- who sees it --------------------------------------------------------------------------------

def test_approvers_see_the_request_and_not_the_seal(uses, three, number):
    request = uses.request(number, document("seen"))
    for user in (ALICE, BOB, CAROL):
        assert request in uses.listed(user, ("awaiting", "s", "me"))
        assert uses.state(request, user) == "applied"
        assert uses.life.refused(number, "Describe", user=user) == "UnknownObject"
        assert uses.box.error("/org/sealsd1", "Manager", "GetSeal", "s", number, user=user) == "NotFound"
        assert uses.life.told(uses.box.manager("ListSeals", "a{sv}", 0, user=user)) == [[]]
    assert uses.refused(request, "Describe", user=OTHER) == "UnknownObject"
    assert uses.refused(request, "Challenge", user=OTHER) == "UnknownObject"
    assert uses.listed(OTHER) == []
    uses.approve(request, three[0])
    assert request not in uses.listed(ALICE, ("awaiting", "s", "me"))
    assert request in uses.listed(ALICE) and request in uses.listed(BOB, ("awaiting", "s", "me"))
    uses.approve(request, three[1])
    assert request not in uses.listed(CAROL, ("awaiting", "s", "me"))
    assert request in uses.listed(KEEPER, ("awaiting", "s", "me"))
    for user in (ALICE, ADMIN):
        assert uses.refused(request, "Collect", user=user) == "AccessDenied"


def test_collecting_another_ones_signature_is_told_in_the_ledger(uses, three):
    number = uses.seal(three, 1)
    request = uses.request(number, document("not his"))
    uses.approve(request, three[0])
    for member in (["Collect"], ["CollectWith", "a{sv}", "0"]):
        assert uses.refused(request, *member, user=ALICE) == "AccessDenied"
    assert uses.refused(request, "Collect", user=OTHER) == "UnknownObject"  # who learns nothing, nor the ledger
    told = uses.events("use-refused", number)
    assert [(row["subject"], row["result"], row["count"]) for row in told] == [(f"user:{ALICE}", "AccessDenied", 2)]


def test_approver_of_one_seal_sees_no_request_about_another(uses, three):
    theirs = uses.seal(three[:1], 1)
    request = uses.request(theirs, document("of one"))
    assert uses.refused(request, "Challenge", user=BOB) == "UnknownObject"
    assert request not in uses.listed(BOB)
    other = uses.life.apply(theirs, "amend", ("use-limit", "t", 50))
    assert uses.refused(other, "Describe", user=ALICE) == "UnknownObject"


def test_subscribed_approver_hears_of_each_approval(uses, three, number):
    watch = uses.box.watch(user=CAROL)
    request = uses.request(number, document("heard"))
    assert watch.signal("Changed")["body"] == ["request", str(request), "applied"]
    uses.approve(request, three[0])
    assert watch.signal("Changed")["body"] == ["request", str(request), "applied"]
    uses.approve(request, three[1])
    assert watch.signal("Changed")["body"] == ["request", str(request), "approved"]
    watch.kill()


# --- the seal meanwhile -------------------------------------------------------------------------

def test_request_about_a_suspended_seal_waits(uses, three):
    seal = uses.seal(three, 2)
    request = uses.request(seal, document("waits"))
    uses.approve(request, *three[:2])
    uses.life.do(seal, "Suspend", "s", "holidays", user=KEEPER)
    assert uses.refused(request, "Collect") == "Suspended" and uses.state(request) == "approved"
    assert uses.refused_request(seal, document("more")) == "Suspended"
    uses.life.do(seal, "Resume", "s", "back")
    assert uses.box.verify(seal, document("waits"), uses.collect(request)[0])


@pytest.mark.parametrize("away,back", [(("Suspend",), ("Resume",)), (("ReportLost",), ("ReportFound", "Resume"))])
def test_approvals_wait_for_a_seal_that_may_come_back(uses, three, away, back):
    seal = uses.seal(three, 2)
    request = uses.request(seal, document(away[0]))
    uses.approve(request, three[0])
    for member in away:
        uses.life.do(seal, member, "s", "away", user=KEEPER)
    uses.approve(request, three[1])
    assert uses.state(request) == "approved" and uses.refused(request, "Collect") in ("Suspended", "Lost")
    for member in back:
        uses.life.do(seal, member, "s", "back", user=KEEPER if member == "ReportFound" else ADMIN)
    assert uses.box.verify(seal, document(away[0]), uses.collect(request)[0])


def not_approvable(uses, request, approver, code):
    """Nor is anybody told what there would be to sign."""
    assert uses.refused_approval(request, approver, bytes(70)) == code
    assert uses.refused(request, "Challenge", user=approver.user) == code


def test_seal_that_was_revoked_or_destroyed_takes_no_approval_and_says_so(uses, three):
    seal = uses.seal(three, 2)
    request = uses.request(seal, document("late"))
    signature = three[0].sign(uses.to_sign(request))
    uses.life.do(seal, "Revoke", "s", "over", user=ADMIN)
    not_approvable(uses, request, three[0], "Revoked")
    uses.life.do(seal, "Destroy", "s", "over")
    not_approvable(uses, request, three[0], "Destroyed")
    assert uses.refused_approval(request, three[0], signature) == "Destroyed"
    assert uses.state(request) == "cancelled"


def test_seal_that_was_replaced_takes_no_approval_and_says_so(uses, three):
    seal = uses.seal(three, 2)
    request = uses.request(seal, document("of the old one"))
    uses.approve(request, three[0])
    signature = three[1].sign(uses.to_sign(request))
    renewal = uses.life.apply(seal, "renew", ("overlap", "t", 0))
    uses.life.approve(renewal)
    uses.life.hand_out(uses.life.make(renewal), KEEPER)
    not_approvable(uses, request, three[1], "Superseded")
    assert uses.refused_approval(request, three[1], signature) == "Superseded"
    assert uses.state(request) == "applied" and uses.refused(request, "Collect") == "ApprovalRequired"
    uses.life.told(uses.withdraw(request, three[0]))


def test_seal_that_is_out_of_its_time_takes_no_approval_until_it_is_recertified(new_sandbox):
    uses = opened(new_sandbox())
    box = uses.box
    [alice] = uses.approvers(ALICE)
    seal = uses.seal([alice], 1, ("not-after", "t", uses.life.now() + 2 * DAY))
    early, late = (uses.request(seal, document(text)) for text in ("early", "late"))
    box.restart_ahead("--days 3 --hours -96")
    not_approvable(uses, late, alice, "Expired")
    uses.life.approve(uses.life.apply(seal, "recertify", ("not-after", "t", uses.life.now() + 9 * DAY)))
    uses.approve(late, alice)
    assert box.verify(seal, document("late"), uses.collect(late)[0])
    box.step_clock()  # to a day before it was made
    not_approvable(uses, early, alice, "NotYetValid")


def test_requests_about_a_revoked_seal_end_and_say_why(uses, three):
    seal = uses.seal(three, 2)
    approved, applied, done = (uses.request(seal, document(text)) for text in ("a", "b", "c"))
    uses.approve(approved, *three[:2])
    uses.approve(done, *three[:2])
    collected = uses.collect(done)
    uses.life.do(seal, "Revoke", "s", "over", user=ADMIN)
    for request in (approved, applied):
        assert uses.state(request) == "cancelled"
        assert "revoked" in uses.life.request(request, "Error")
        assert uses.refused(request, "Collect") == "InvalidState"
    assert uses.collect(done) == collected


def test_keeper_who_lost_custody_cannot_collect(uses, three):
    seal = uses.seal(three, 2)
    request = uses.request(seal, document("not mine any more"))
    uses.approve(request, *three[:2])
    uses.life.approve(uses.life.apply(seal, "transfer", ("keeper", "s", f"user:{OTHER}")))
    uses.life.do(seal, "Accept", "a{sv}", 0, user=OTHER)
    assert uses.refused(request, "Collect") == "AccessDenied"
    assert uses.refused(request, "Collect", user=OTHER) == "UnknownObject"
    assert uses.use_count(seal) == 0


def test_use_limit_counts_what_is_collected_and_not_what_is_asked_for(uses, three):
    seal = uses.seal(three, 1, ("use-limit", "t", 1))
    first, second = (uses.request(seal, document(text)) for text in ("first", "second"))
    for request in (first, second):
        uses.approve(request, three[0])
    collected = uses.collect(second)
    assert collected[1] == 1
    assert uses.refused(first, "Collect") == "LimitReached" and uses.state(first) == "approved"
    assert uses.collect(second) == collected


def test_holder_of_a_grant_asks_and_collects_as_long_as_it_lasts(uses, three):
    seal = uses.seal(three, 1)
    uses.life.do(seal, "AddGrant", "sa{sv}", f"user:{OTHER}", 1, "count", "t", 1, user=KEEPER)
    first, second = (uses.request(seal, document(text), user=OTHER) for text in ("first", "second"))
    for request in (first, second):
        uses.approve(request, three[0])
    assert uses.box.verify(seal, document("first"), uses.collect(first, OTHER)[0])
    assert uses.refused(second, "Collect", user=OTHER) == "LimitReached"
    assert uses.events("use", seal)[-1]["object"].startswith("grant:")


def test_collected_by_many_at_once_it_is_one_use_and_one_signature(uses, three, number):
    request = uses.request(number, document("crowd"))
    uses.approve(request, *three[:2])
    before = uses.use_count(number)
    words = ["busctl", "--json=short", "call", "--", "org.sealsd1", f"/org/sealsd1/request/{request}",
             "org.sealsd1.Request"]
    calls = [uses.box.start([*words, *member], user=KEEPER)
             for member in [["Collect"], ["CollectWith", "a{sv}", "0"]] * 6]
    told = [uses.box.finish(call) for call in calls]
    given = {done.stdout for done in told if done.status == 0}
    assert len(given) == 1 and all("collect it again" in d.stderr for d in told if d.status != 0)
    assert uses.collect(request)[1] == uses.use_count(number) == before + 1


def test_what_the_chip_is_signing_is_neither_withdrawn_nor_cancelled(uses, three, number):
    box = uses.box
    request = uses.request(number, document("under way"))
    uses.approve(request, *three[:2])
    before = uses.use_count(number)
    box.ok("kill -STOP $(cat /run/sealsd-sandbox/swtpm.pid)")
    try:
        call = box.start(["busctl", "call", "--timeout=180", "--", "org.sealsd1",
                          f"/org/sealsd1/request/{request}", "org.sealsd1.Request", "Collect"], user=KEEPER)
        while uses.use_count(number) == before:
            time.sleep(0.05)
        for tried in (uses.withdraw(request, three[0]), box.request(request, "Cancel", "s", "no", user=KEEPER)):
            assert tried[0] is None and "it is too late" in tried[1], tried
    finally:
        box.ok("kill -CONT $(cat /run/sealsd-sandbox/swtpm.pid)")
    assert box.finish(call).status == 0
    assert uses.state(request) == "completed"
    assert box.verify(number, document("under way"), uses.collect(request)[0])


# --- the machine meanwhile ----------------------------------------------------------------------

def test_deferred_requests_survive_a_restart_and_their_results_too(uses, three, number):
    applied, approved, done = (uses.request(number, document(text)) for text in ("x", "y", "z"))
    uses.approve(applied, three[0])
    uses.approve(approved, *three[:2])
    uses.approve(done, *three[:2])
    collected = uses.collect(done)
    uses.box.ctl("restart")
    assert (uses.state(applied), uses.missing(applied)) == ("applied", 1)
    assert uses.collect(done) == collected
    uses.approve(applied, three[2])
    for request, text in ((applied, "x"), (approved, "y")):
        assert uses.box.verify(number, document(text), uses.collect(request)[0])


def test_machine_that_changed_after_the_approval_refuses_and_once_approved_signs(uses, three, number):
    """Without asking the approvers again, and without a use for what was refused."""
    request = uses.request(number, document("another kernel"))
    uses.approve(request, *three[:2])
    before = uses.use_count(number)
    uses.box.pcr_extend(7)
    for _ in range(2):
        assert uses.refused(request, "Collect") == "MachineStateRefused"
    assert uses.use_count(number) == before and uses.state(request) == "approved"
    uses.box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")
    signature, use = uses.collect(request)
    assert uses.box.verify(number, document("another kernel"), signature)
    assert use == before + 1


def test_ledger_and_counts_are_sound_after_all_of_it(uses, number):
    report = uses.life.told(uses.box.manager("VerifyLedger", user=AUDITOR))[0]
    assert report["breaks"]["data"] == 0
    used = [row["use"] for row in uses.events("use", number)]
    for row in uses.events("use-failed", number):  # the chip was not asked: they were given back
        used.remove(row["use"])
    made = [row["use"] for row in uses.events("use-completed", number)]
    assert sorted(used) == sorted(made) == list(range(1, uses.use_count(number) + 1))


# --- what others write into the register, and what polkit says --------------------------------------

EDITS = {
    "use given back": "UPDATE use_result SET use = 0",
    "another signature": "UPDATE use_result SET result = x'3000'",
    "approval of another": "UPDATE use_approval SET approver = 2 WHERE approver = 1",
    "approval that was withdrawn": "UPDATE use_approval SET withdrawn = 0",
    "state": "UPDATE request SET state = 'approved' WHERE kind = 'use'",
}
EDIT = "import os, sqlite3, sys; db = sqlite3.connect(os.environ['SEALSD_STATE'] + '/register.db'); " \
       "db.execute(sys.argv[1]); db.commit()"


def test_records_that_were_edited_are_refused(new_sandbox):
    uses = opened(new_sandbox())
    box = uses.box
    three = uses.approvers(ALICE, BOB, CAROL)
    number = uses.seal(three, 2)
    done, fewer = uses.request(number, document("done")), uses.request(number, document("fewer"))
    uses.approve(done, *three[:2])
    uses.approve(fewer, *three[:2])
    uses.withdraw(fewer, three[1])
    uses.collect(done)
    box.ctl("stop")
    box.ok("cp -a $SEALSD_STATE /run/good")
    for what, sql in EDITS.items():
        box.ok(["/usr/bin/python3", "-c", EDIT, sql])
        box.ctl("start")
        codes = {uses.refused(request, "Collect") for request in (done, fewer)}
        assert "RegisterTampered" in codes and codes <= {"RegisterTampered", "ok", "ApprovalRequired"}, what
        box.ctl("stop")
        box.ok("rm -rf $SEALSD_STATE/* && cp -a /run/good/. $SEALSD_STATE/")
    box.ctl("start")
    assert uses.collect(done) and uses.refused(fewer, "Collect") == "ApprovalRequired"


def test_administrator_takes_an_approval_back_when_polkit_says_so_and_an_approver_without_asking(new_sandbox):
    uses = opened(new_sandbox())
    box = uses.box
    both = uses.approvers(ALICE, ADMIN)
    request = uses.request(uses.seal(both, 2), document("polkit"))
    uses.approve(request, *both)
    with_rule(box, "return polkit.Result.NO;")
    for approver in both:
        assert uses.refused(request, "WithdrawApproval", "s", approver.subject, user=ADMIN) == "AccessDenied"
    assert uses.withdraw(request, both[0])[0] is not None
    assert uses.missing(request) == 1


def test_older_register_does_not_bring_an_approval_back_that_was_withdrawn(new_sandbox):
    uses = opened(new_sandbox())
    box = uses.box
    approvers = uses.approvers(ALICE)
    number = uses.seal(approvers, 1)
    request = uses.request(number, document("rolled back"))
    uses.approve(request, *approvers)
    box.ctl("kill")
    box.ok("cp -a $SEALSD_STATE /run/test/older")
    box.ctl("start")
    assert uses.withdraw(request, approvers[0])[0] is not None
    # The chip has it an instant after the answer.
    row = uses.events("use-approval-withdrawn", number)[-1]["seq"]
    for _ in range(1000):
        if box.manager("GetStatus")[0][0]["anchored-rows"]["data"] >= row:
            break
    box.ctl("kill")
    box.ok("rm -r $SEALSD_STATE && cp -a /run/test/older $SEALSD_STATE")
    box.ctl("start")
    assert uses.state(request) == "approved"
    assert uses.refused(request, "Collect") == "RegisterTampered"
