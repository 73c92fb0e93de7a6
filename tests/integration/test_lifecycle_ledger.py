# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of a life cycle: a row for every step, with who, why and what it takes to answer
an auditor."""

import json

import pytest
from conftest import Sandbox
from lifecycle import ADMIN, APPLICANT, AUDITOR, DAY, KEEPER, OTHER, REVIEWER, Life


@pytest.fixture(scope="module")
def dual():
    box = Sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY")
    yield Life(box, "dual")
    assert box.close() == 0


@pytest.fixture(scope="module")
def single():
    box = Sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    yield Life(box, "single")
    assert box.close() == 0


def rows(life, number):
    told = life.told(life.box.manager("ReadLedger", "a{sv}", 1, "seal", "s", number, user=AUDITOR))[0]
    return [json.loads(row) for row in told]


def steps(life, number):
    return [(row["event"], row.get("state")) for row in rows(life, number)]


def last(life, number, event):
    return [row for row in rows(life, number) if row["event"] == event][-1]


def test_making_of_a_seal_is_a_row_for_each_step_that_the_mode_takes_at_once(dual):
    number = dual.seal("Rows", ("type", "s", "contract"))
    assert steps(dual, number) == [
        ("request-approved", "approved"), ("request-making", "making"), ("seal-made", "made"),
        ("certificate-issued", None), ("seal-filed", "filed"), ("seal-delivered", "delivered"), ("request-completed", "completed"),
        ("seal-accepted", "active")]
    made = last(dual, number, "seal-made")
    assert made["subject"] == f"user:{REVIEWER}" and "self" not in made
    assert made["facts"] == {
        "separation": "dual", "keepers": [f"user:{KEEPER}"], "class": "institution", "type": "contract",
        "name": "Rows", "holder": "Rows", "algorithm": "ecdsa-p256", "replaces": "", "use-limit": 0,
        "purposes": ["identity-authentication", "document-signing", "endorsement"],
        "not-before": dual.box.seal_property(number, "NotBefore"),
        "not-after": dual.box.seal_property(number, "NotAfter")}
    assert last(dual, number, "seal-filed")["facts"] == {"filing-number": number, "authority": ""}
    assert last(dual, number, "seal-delivered")["object"] == f"user:{KEEPER}"
    accepted = last(dual, number, "seal-accepted")
    assert accepted["subject"] == f"user:{KEEPER}" and accepted["facts"]["keepers"] == [f"user:{KEEPER}"]
    approved = last(dual, number, "request-approved")
    assert approved["subject"] == f"user:{REVIEWER}"
    assert approved["facts"] == {"kind": "make", "type": "contract", "signed": False}


def test_custody_is_told_with_state_and_reason(dual):
    number = dual.seal()
    dual.do(number, "Suspend", "s", "holidays", user=KEEPER)
    dual.do(number, "Resume", "s", "back", user=ADMIN)
    dual.do(number, "ReportLost", "s", "a theft", user=KEEPER)
    dual.do(number, "ReportFound", "s", "at the police", user=KEEPER)
    dual.do(number, "Surrender", "s", "enough", user=KEEPER)
    told = [(r["event"], r["state"], r["reason"], r["subject"]) for r in rows(dual, number)[-5:]]
    assert told == [
        ("seal-suspended", "suspended", "holidays", f"user:{KEEPER}"),
        ("seal-resumed", "active", "back", f"user:{ADMIN}"),
        ("seal-lost", "lost", "a theft", f"user:{KEEPER}"),
        ("seal-found", "suspended", "at the police", f"user:{KEEPER}"),
        ("seal-surrendered", "surrendered", "enough", f"user:{KEEPER}")]


def test_transfer_ends_the_grants_and_says_which(dual):
    number = dual.seal()
    grant = dual.do(number, "AddGrant", "sa{sv}", f"user:{OTHER}", 0, user=KEEPER)[0]
    request = dual.apply(number, "transfer", ("keeper", "s", f"user:{APPLICANT}"), reason="he retires")
    dual.approve(request)
    transferred = last(dual, number, "seal-transferred")
    assert transferred["object"] == f"user:{APPLICANT}" and transferred["state"] == "delivered"
    assert transferred["facts"] == {"keepers": [f"user:{APPLICANT}"]}
    assert transferred["reason"] == "he retires" and transferred["request"] == int(request)
    assert last(dual, number, "grants-ended")["facts"]["ids"] == [int(grant)]
    assert last(dual, number, "request-applied")["facts"]["digest"] == bytes(
        dual.request(request, "Digest")).hex()


def test_surrender_ends_the_grants_too(dual):
    number = dual.seal()
    dual.do(number, "AddGrant", "sa{sv}", f"user:{OTHER}", 0, user=KEEPER)
    assert dual.signs(number, OTHER)
    dual.do(number, "Surrender", "s", "enough", user=ADMIN)
    assert last(dual, number, "grants-ended")["subject"] == f"user:{ADMIN}"
    dual.do(number, "Deliver", "s", f"user:{KEEPER}", user=ADMIN)
    dual.do(number, "Accept", "a{sv}", 0, user=KEEPER)
    assert dual.signs(number) and not dual.signs(number, OTHER)


def test_scope_is_told_as_it_is_in_force(dual):
    number = dual.seal()
    end = dual.box.seal_property(number, "NotAfter")
    dual.approve(dual.apply(number, "recertify", ("not-after", "t", end + DAY)))
    assert last(dual, number, "seal-recertified")["facts"]["not-after"] == end + DAY
    dual.approve(dual.apply(number, "amend", ("purposes", "as", 1, "endorsement"), ("use-limit", "t", 9)))
    assert last(dual, number, "seal-amended")["facts"] == {
        "purposes": ["endorsement"], "use-limit": 9, "not-after": end + DAY}


def test_renewal_links_both_and_says_from_when(dual):
    number = dual.seal()
    request = dual.apply(number, "renew", ("overlap", "t", DAY))
    dual.approve(request)
    new = dual.request(request, "Seal")
    dual.do(new, "Accept", "a{sv}", 0, user=KEEPER)
    assert last(dual, new, "seal-made")["facts"]["replaces"] == number
    superseded = last(dual, number, "seal-superseded")
    assert superseded["facts"] == {"by": new, "at": dual.box.seal_property(number, "SupersededAt")}
    at = superseded["facts"]["at"]
    assert dual.do(number, "StateAt", "t", at - 1) == ["active"]
    assert dual.do(number, "StateAt", "t", at) == ["active superseded"]


def test_end_of_a_seal_is_told_up_to_the_erasure_of_its_key(dual):
    number = dual.seal()
    dual.do(number, "Revoke", "s", "stolen", user=ADMIN)
    dual.do(number, "Destroy", "s", "no use")
    told = [(r["event"], r["state"], r.get("reason"), r["subject"]) for r in rows(dual, number)[-3:]]
    assert told == [
        ("seal-revoked", "revoked", "stolen", f"user:{ADMIN}"),
        ("seal-revocation-settled", "revoked", None, f"user:{ADMIN}"),
        ("seal-destroyed", "destroyed", "no use", "user:root")]


def test_decisions_and_their_ends_are_told(dual):
    number = dual.seal()
    request = dual.apply(number, "revoke", reason="to be sure")
    dual.told(dual.box.request(request, "Reject", "s", "why should it", user=REVIEWER))
    rejected = last(dual, number, "request-rejected")
    assert rejected["reason"] == "why should it" and rejected["state"] == "rejected"
    request = dual.apply(number, "revoke")
    dual.told(dual.box.request(request, "Cancel", "s", "never mind"))
    assert last(dual, number, "request-cancelled")["reason"] == "never mind"


def test_single_mode_marks_what_would_have_been_anothers(single):
    number = single.seal(keeper="root")
    marked = {row["event"] for row in rows(single, number) if row.get("self")}
    assert {"request-approved", "seal-made", "request-completed"} <= marked
    single.do(number, "Suspend", "s", "a test")
    single.do(number, "Resume", "s", "a test")
    assert last(single, number, "seal-resumed")["self"] is True
    single.do(number, "Revoke", "s", "a test")
    single.do(number, "Destroy", "s", "a test")
    assert last(single, number, "seal-destroyed")["self"] is True
    other = single.seal(keeper="root")
    single.do(other, "Suspend", "s", "a test", user=ADMIN)
    single.do(other, "Resume", "s", "a test")
    assert "self" not in last(single, other, "seal-resumed")


def test_bulk_suspension_is_a_row_for_each(single):
    numbers = [single.seal(f"Bulk {i}", ("type", "s", "invoice")) for i in range(3)]
    single.told(single.box.manager("SuspendSeals", "a{sv}s", 1, "type", "s", "invoice", "audit", user=ADMIN))
    for number in numbers:
        row = last(single, number, "seal-suspended")
        assert row["reason"] == "audit" and row["subject"] == f"user:{ADMIN}"


def test_all_of_it_verifies_after_a_restart(dual):
    """Every row of the register that these tests changed is in the ledger as it is."""
    dual.box.ctl("restart")
    assert dual.box.manager_property("State") == "ready"
    report = dual.told(dual.box.manager("VerifyLedger"))[0]
    assert report["good"]["data"] is True and report["breaks"]["data"] == 0, report
