# SPDX-License-Identifier: Apache-2.0
"""The whole life cycle with real users, in each mode; what stops it, and what leads on."""

import json

import pytest
from conftest import PATIENCE, Sandbox
from lifecycle import (ADMIN, APPLICANT, AUDITOR, DAY, KEEPER, MAKER, OTHER, REVIEWER, Life, dictionary,
                       blob_of, files_with, started)

MODES = ("dual", "strict", "single")


@pytest.fixture(scope="module")
def dual():
    box = Sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY")
    yield Life(box, "dual")
    assert box.close() == 0


# --- roads, in each mode ------------------------------------------------------------------------

@pytest.fixture(scope="module", params=MODES)
def life(request):
    box = Sandbox()
    box.ok(f"sealctl init --authority $SEAL_AUTHORITY --separation {request.param}")
    yield Life(box, request.param)
    assert box.close() == 0


def test_suspended_seal_signs_again_when_another_administrator_resumes_it(life):
    number = life.seal()
    life.do(number, "Suspend", "s", "holidays", user=ADMIN)
    assert life.state(number) == "suspended" and life.sign_error(number) == "Suspended"
    if life.separation != "single":
        assert life.refused(number, "Resume", "s", "back", user=ADMIN) == "SeparationOfDuties"
    assert life.refused(number, "Resume", "s", "back", user=KEEPER) == "AccessDenied"
    life.do(number, "Resume", "s", "back")
    assert life.state(number) == "active" and life.signs(number)


def test_keeper_suspends_his_seal_and_reviewers_resume_it(life):
    number = life.seal()
    life.do(number, "Suspend", "s", "I am away", user=KEEPER)
    request = life.apply(number, "resume", user=KEEPER)
    assert life.request(request, "Kind") == "resume" and life.request(request, "Seal") == number
    life.approve(request)
    assert life.request(request, "State") == "completed"
    assert life.state(number) == "active" and life.signs(number)


def test_lost_seal_is_found_and_signs_only_after_it_was_resumed(life):
    number = life.seal()
    life.do(number, "ReportLost", "s", "the laptop is gone", user=KEEPER)
    assert life.sign_error(number) == "Lost"
    life.do(number, "ReportFound", "s", "in the car", user=KEEPER)
    assert life.sign_error(number) == "Suspended"
    life.do(number, "Resume", "s", "it was locked")
    assert life.signs(number)


def test_surrendered_seal_is_delivered_again(life):
    number = life.seal()
    life.do(number, "Surrender", "s", "he leaves", user=KEEPER)
    assert life.sign_error(number, user=None) in ("Surrendered", "AccessDenied")
    assert life.why_not(number) == "Surrendered"
    life.do(number, "Deliver", "s", f"user:{KEEPER}", user=ADMIN)
    assert life.state(number) == "delivered" and life.why_not(number) == "InvalidState"
    life.do(number, "Accept", "a{sv}", 0, user=KEEPER)
    assert life.signs(number)


def test_transferred_seal_is_the_new_keepers_alone(life):
    number = life.seal()
    request = life.apply(number, "transfer", ("keeper", "s", f"user:{OTHER}"), user=ADMIN)
    life.approve(request)
    assert life.state(number) == "delivered"
    assert life.refused(number, "Accept", "a{sv}", "0", user=KEEPER) in ("AccessDenied", "UnknownObject")
    life.do(number, "Accept", "a{sv}", 0, user=OTHER)
    assert life.signs(number, OTHER) and not life.signs(number, KEEPER)
    assert life.box.seal_property(number, "Keepers") == [f"user:{OTHER}"]


def test_renewed_seal_signs_beside_the_new_one_until_the_overlap_is_over(life):
    number = life.seal("Renewed")
    request = life.apply(number, "renew", ("overlap", "t", DAY), user=KEEPER)
    life.approve(request)
    new = life.make(request)
    assert new != number and life.signs(number)
    life.hand_out(new, KEEPER)
    assert life.signs(new) and life.signs(number)
    assert life.box.seal_property(number, "ReplacedBy") == new
    assert life.box.seal_property(new, "Replaces") == number
    until = life.box.seal_property(number, "SupersededAt")
    assert 0 < until - life.now() <= DAY
    assert life.describe(new)["name"] == "Renewed"
    assert life.box.seal_property(new, "PublicKey") != life.box.seal_property(number, "PublicKey")


def test_renewed_seal_without_overlap_is_superseded_and_can_be_revoked(life):
    number = life.seal()
    request = life.apply(number, "renew", ("name", "s", "Acme Holding"))
    life.approve(request)
    new = life.make(request)
    life.hand_out(new, KEEPER)
    assert life.sign_error(number) == "Superseded" and life.signs(new)
    assert life.state(number) == "active"
    assert life.describe(new)["name"] == "Acme Holding"
    assert new in life.box.seal_property(number, "WhyNot")
    life.do(number, "Suspend", "s", "not any more", user=KEEPER)
    assert life.refused(number, "Resume", "s", "try") == "Superseded"
    life.do(number, "Revoke", "s", "renewed")
    assert life.state(number) == "revoked"


def test_amended_seal_is_held_to_its_new_scope_at_once(life):
    number = life.seal()
    assert life.signs(number)
    request = life.apply(number, "amend", ("purposes", "as", 1, "endorsement"), ("use-limit", "t", 2))
    life.approve(request)
    assert life.sign_error(number) == "PurposeNotAllowed"
    assert life.box.seal_property(number, "UseLimit") == 2
    request = life.apply(number, "amend", ("purposes", "as", 1, "document-signing"))
    life.approve(request)
    assert life.signs(number) and life.sign_error(number) == "LimitReached"
    life.approve(life.apply(number, "amend", ("use-limit", "t", 0)))
    assert life.signs(number)


@pytest.mark.parametrize("mode", MODES)
def test_expired_seal_is_recertified_with_the_same_key(new_sandbox, mode):
    life = started(new_sandbox, mode)
    life.box.restart_ahead("--hours 2")
    number = life.seal("Short", ("not-after", "t", life.now() + DAY // 24))
    key = life.box.seal_property(number, "PublicKey")
    life.do(number, "Suspend", "s", "soon over", user=KEEPER)
    life.box.step_clock()
    assert life.refused(number, "Resume", "s", "too late") == "Expired"
    life.approve(life.apply(number, "recertify", ("not-after", "t", life.now() + DAY)))
    life.do(number, "Resume", "s", "again")
    assert life.signs(number)
    assert life.box.seal_property(number, "PublicKey") == key


def test_revocation_by_request_reaches_the_chip_and_destruction_erases_the_key(life):
    number = life.seal()
    life.approve(life.apply(number, "revoke", user=KEEPER))
    assert life.state(number) == "revoked" and life.sign_error(number) == "Revoked"
    request = life.apply(number, "destroy", user=ADMIN)
    life.approve(request)
    assert life.request(request, "State", None) == "completed"
    assert life.state(number, AUDITOR) == "destroyed"


def test_each_act_names_its_doer_in_the_description(life):
    number = life.seal()
    life.do(number, "Suspend", "s", "why", user=KEEPER)
    told = life.describe(number)
    acts = {act["act"]: act["by"] for act in told["acts"]}
    assert acts["suspended"] == f"user:{KEEPER}"
    assert {"made", "filed", "delivered", "accepted"} <= set(acts)
    assert told["filing"]["filing-number"] == number
    assert [d["verdict"] for d in told["decisions"]] == ["approve"]
    assert all("comment" not in d for d in told["decisions"])


# --- who may what -------------------------------------------------------------------------------

ACTS = ("Suspend", "Resume", "ReportLost", "ReportFound", "Surrender", "Revoke", "Destroy")


def test_strangers_do_not_find_the_seal_and_roles_keep_to_their_own(dual):
    number = dual.seal()
    for act in ACTS:
        assert dual.refused(number, act, "s", "mine", user=OTHER) == "UnknownObject"
        assert dual.refused(number, act, "s", "mine", user=REVIEWER) == "AccessDenied"
        assert dual.refused(number, act, "s", "mine", user=AUDITOR) == "AccessDenied"
    for act in ("Resume", "Revoke", "Destroy"):
        assert dual.refused(number, act, "s", "mine", user=KEEPER) == "AccessDenied"
    assert dual.refused(number, "Apply", "sa{sv}", "revoke", "1", "reason", "s", "x",
                        user=APPLICANT) == "AccessDenied"
    assert dual.signs(number)


def test_who_applied_does_not_approve_whatever_the_kind(dual):
    number = dual.seal(keeper=REVIEWER)
    request = dual.apply(number, "revoke", user=REVIEWER)
    assert dual.refused_approval(request, REVIEWER) == "SeparationOfDuties"
    assert dual.refused_approval(request, ADMIN) == "AccessDenied"
    assert dual.refused_approval(request, APPLICANT) == "UnknownObject"
    assert dual.state(number) == "active"
    dual.told(dual.box.request(request, "Cancel", "s", "so be it", user=REVIEWER))


def test_revoker_does_not_destroy_but_another_administrator_does(dual):
    number = dual.seal()
    dual.do(number, "Revoke", "s", "over", user=ADMIN)
    assert dual.refused(number, "Destroy", "s", "gone", user=ADMIN) == "SeparationOfDuties"
    dual.do(number, "Destroy", "s", "gone")
    assert dual.state(number, AUDITOR) == "destroyed"


def test_destroyed_seal_is_closed_to_all_but_auditors(dual):
    number = dual.seal("Closed")
    dual.do(number, "Revoke", "s", "over", user=ADMIN)
    dual.do(number, "Destroy", "s", "gone")
    for user in (None, ADMIN, KEEPER, APPLICANT, REVIEWER, MAKER, OTHER):
        assert dual.refused(number, "Describe", user=user) == "UnknownObject"
        listed = dual.told(dual.box.manager("ListSeals", "a{sv}", 1, "name", "s", "Closed", user=user))
        assert listed == [[]]
    told = dual.describe(number, AUDITOR)
    assert told["state"] == "destroyed" and told["name"] == "Closed" and told["public-key"]
    assert {"act": "destroyed", "by": "user:root"}.items() <= told["acts"][-1].items()
    assert dual.refused(number, "Revoke", "s", "again", user=AUDITOR) == "AccessDenied"


# --- dead ends ----------------------------------------------------------------------------------


def test_seal_lost_on_its_way_is_found_surrendered_and_delivered_again(dual):
    number = dual.seal(accept=False)
    dual.do(number, "ReportLost", "s", "never arrived", user=ADMIN)
    dual.do(number, "ReportFound", "s", "it did", user=ADMIN)
    data, error = dual.box.seal(number, "Resume", "s", "fine")
    assert data is None and "Surrender" in error and "Deliver" in error
    dual.do(number, "Surrender", "s", "from the start", user=ADMIN)
    dual.do(number, "Deliver", "s", f"user:{KEEPER}", user=ADMIN)
    dual.do(number, "Accept", "a{sv}", 0, user=KEEPER)
    assert dual.signs(number)


def test_declined_seal_goes_to_somebody_else_by_revocation_or_delivery(dual):
    number = dual.seal(accept=False)
    dual.do(number, "Decline", "s", "not mine", user=KEEPER)
    assert dual.state(number) == "filed"
    dual.do(number, "Deliver", "s", f"user:{KEEPER}", user=ADMIN)
    dual.do(number, "Accept", "a{sv}", 0, user=KEEPER)
    assert dual.signs(number)


def test_seal_of_a_deleted_account_is_recalled_and_transferred(new_sandbox):
    life = started(new_sandbox, "dual")
    number = life.seal()
    life.box.ok(f"grep -v ^{KEEPER}: /etc/passwd > /tmp/p && cat /tmp/p > /etc/passwd")
    life.do(number, "Surrender", "s", "his account is gone", user=ADMIN)
    life.approve(life.apply(number, "transfer", ("keeper", "s", f"user:{OTHER}")))
    life.do(number, "Accept", "a{sv}", 0, user=OTHER)
    assert life.signs(number, OTHER)


def test_refusal_names_state_and_way_on(dual):
    number = dual.seal()
    _, error = dual.box.seal(number, "Deliver", "s", f"user:{KEEPER}")
    assert "active" in error and "Suspend" in error, error
    dual.do(number, "Revoke", "s", "over")
    _, error = dual.box.seal(number, "Suspend", "s", "x")
    assert "revoked" in error and "Destroy" in error, error


# --- requests -----------------------------------------------------------------------------------

WRONG = [
    ("renew", [("odd", "s", "x")], "InvalidArgs"),
    ("recertify", [("not-after", "t", 5)], "InvalidArgs"),
    ("amend", [], "InvalidArgs"),
    ("amend", [("not-after", "t", 2**52)], "InvalidArgs"),
    ("amend", [("keeper", "s", "user:root")], "InvalidArgs"),
    ("transfer", [], "InvalidArgs"),
    ("transfer", [("keeper", "s", "user:nobody-of-that-name")], "InvalidArgs"),
    ("resume", [], "InvalidState"),
    ("destroy", [], "InvalidState"),
    ("review", [], "InvalidArgs"),
    ("make", [], "InvalidArgs"),
    ("use", [], "InvalidArgs"),
    ("odd", [], "InvalidArgs"),
]


@pytest.mark.parametrize("kind,options,code", WRONG)
def test_wrong_application_is_refused_before_it_is_a_request(dual, kind, options, code):
    number = getattr(dual, "wrong", None) or dual.seal()
    dual.wrong = number
    words = dictionary(("reason", "s", "why"), *options)
    assert dual.refused(number, "Apply", "sa{sv}", kind, *words) == code


def test_reason_is_required(dual):
    number = dual.seal()
    assert dual.refused(number, "Apply", "sa{sv}", "revoke", "0") == "InvalidArgs"
    assert dual.refused(number, "Apply", "sa{sv}", "revoke", "1", "reason", "s", " ") == "InvalidArgs"
    assert dual.refused(number, "Apply", "sa{sv}", "revoke", "1", "reason", "s",
                        "two\nlines") == "InvalidArgs"


def test_second_request_of_a_kind_waits_for_the_first(dual):
    number = dual.seal()
    first = dual.apply(number, "revoke")
    assert dual.refused(number, "Apply", "sa{sv}", "revoke", "1", "reason", "s", "x") == "AlreadyExists"
    dual.told(dual.box.request(first, "Cancel", "s", "no"))
    dual.apply(number, "revoke")


def test_request_about_a_seal_that_changed_meanwhile_changes_nothing(dual):
    number = dual.seal()
    transfer = dual.apply(number, "transfer", ("keeper", "s", f"user:{OTHER}"))
    dual.do(number, "Revoke", "s", "meanwhile")
    assert dual.refused_approval(transfer) == "InvalidState"
    assert dual.request(transfer, "State") == "applied" and dual.request(transfer, "Missing") == 1
    assert dual.state(number) == "revoked"
    dual.told(dual.box.request(transfer, "Reject", "s", "it is revoked", user=REVIEWER))
    assert dual.request(transfer, "State") == "rejected"


def test_recertification_overtaken_by_another_is_refused(dual):
    number = dual.seal()
    end = dual.box.seal_property(number, "NotAfter")
    late = dual.apply(number, "recertify", ("not-after", "t", end + 2 * DAY))
    dual.approve(late)
    assert dual.box.seal_property(number, "NotAfter") == end + 2 * DAY
    early = dual.apply(number, "amend", ("not-after", "t", end + DAY))
    dual.approve(early)
    assert dual.box.seal_property(number, "NotAfter") == end + DAY


def capacity_used(life):
    return life.told(life.box.manager("GetStatus"))[0]["capacity-used"]["data"]


def test_renewal_of_a_seal_revoked_meanwhile_makes_no_key(life):
    number = life.seal()
    request = life.apply(number, "renew")
    life.do(number, "Revoke", "s", "meanwhile")
    used, user = capacity_used(life), None if life.separation == "single" else REVIEWER
    assert life.refused_approval(request, user) == "InvalidState"
    assert life.request(request, "State") == "applied" and capacity_used(life) == used


def test_renewal_of_a_seal_revoked_before_the_making_makes_no_key(life):
    if life.separation == "dual":
        pytest.skip("the last approval makes it")
    number = life.seal()
    request = life.apply(number, "renew")
    life.approve(request)
    life.do(number, "Revoke", "s", "meanwhile")
    used, user = capacity_used(life), MAKER if life.separation == "strict" else None
    assert life.box.error(f"/org/sealsd1/request/{request}", "Request", "Make",
                          user=user) == "InvalidState"
    assert capacity_used(life) == used
    life.told(life.box.request(request, "Cancel", "s", "too late"))


def test_destruction_of_a_seal_destroyed_meanwhile_is_not_approved(dual):
    number = dual.seal()
    dual.do(number, "Revoke", "s", "over")
    request = dual.apply(number, "destroy")
    dual.do(number, "Destroy", "s", "gone", user=ADMIN)
    assert dual.refused_approval(request) == "InvalidState"
    assert dual.request(request, "State") == "applied"
    dual.told(dual.box.request(request, "Cancel", "s", "it is destroyed"))


def test_digest_is_of_all_that_was_applied_for(dual):
    number = dual.seal()
    request = dual.apply(number, "transfer", ("keeper", "s", f"user:{OTHER}"), reason="he retires")
    told = json.loads(dual.told(dual.box.request(request, "Describe"))[0])
    signed = {key: told[key] for key in ("kind", "applicant", "created", "application", "target", "reason")}
    assert signed["target"] == number and signed["reason"] == "he retires"
    text = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    out = dual.box.ok("openssl dgst -sha256 -r", data=text)
    assert out.split()[0] == told["digest"] == bytes(dual.request(request, "Digest")).hex()


def test_token_makes_an_application_once(dual):
    options = dictionary(("name", "s", "Token"), ("token", "s", "line 7 of seals.csv"))
    first = dual.told(dual.box.manager("Apply", "a{sv}", *options, user=APPLICANT))
    assert dual.told(dual.box.manager("Apply", "a{sv}", *options, user=APPLICANT)) == first


def awaiting(life, user):
    rows = life.told(life.box.manager("ListRequests", "a{sv}", 1, "awaiting", "s", "me", user=user))[0]
    return {row[0].rsplit("/", 1)[1]: row[2] for row in rows}


def test_requests_that_failed_await_whoever_can_make_them(new_sandbox):
    life = started(new_sandbox, "dual")
    options = dictionary(("name", "s", "Later"))
    path = life.told(life.box.manager("Apply", "a{sv}", *options, user=APPLICANT))[0]
    request = path.rsplit("/", 1)[1]
    assert awaiting(life, REVIEWER) == {request: "applied"} and awaiting(life, APPLICANT) == {}
    life.box.ok("$SEALSD_TPM_CTL stop")
    assert life.box.request(request, "Approve", "sa{sv}", "seen", 0, user=REVIEWER)[0] is None
    life.box.ok("$SEALSD_TPM_CTL start")
    assert awaiting(life, REVIEWER) == {request: "failed"}
    life.told(life.box.request(request, "Make", user=REVIEWER))
    assert awaiting(life, REVIEWER) == {}


def test_approved_requests_await_makers_in_strict(new_sandbox):
    life = started(new_sandbox, "strict")
    path = life.told(life.box.manager("Apply", "a{sv}", *dictionary(("name", "s", "Made")),
                                      user=APPLICANT))[0]
    request = path.rsplit("/", 1)[1]
    assert awaiting(life, MAKER) == {}
    life.approve(request)
    assert awaiting(life, MAKER) == {request: "approved"} and awaiting(life, REVIEWER) == {}


def test_request_that_nobody_decides_expires_and_its_seal_stays(new_sandbox):
    life = started(new_sandbox, "dual")
    number = life.seal()
    request = life.apply(number, "revoke")
    assert life.request(request, "Expires") - life.request(request, "Created") == 30 * DAY
    life.box.restart_ahead("--days 31")
    assert life.refused_approval(request) == "InvalidState"
    assert life.request(request, "State") == "expired"
    assert life.state(number) == "active"
    life.approve(life.apply(number, "revoke"))
    assert life.state(number) == "revoked"


def test_timer_expires_what_nobody_touches(new_sandbox):
    life = started(new_sandbox, "dual")
    request = life.apply(life.seal(), "revoke")
    life.box.restart_ahead("--days 31")
    watch = life.box.watch(REVIEWER)
    while life.request(request, "State") != "expired":
        body = watch.signal("Changed")["body"]
        if body[:2] == ["request", request]:
            assert body[2] == "expired"
    watch.kill()


def test_seal_expires_by_the_clock_and_its_renewal_replaces_it(new_sandbox):
    life = started(new_sandbox, "dual")
    number = life.seal()
    life.box.restart_ahead("--days 2000")
    assert life.sign_error(number) == "Expired"
    life.do(number, "Surrender", "s", "it is over", user=KEEPER)
    assert life.refused(number, "Deliver", "s", f"user:{KEEPER}", user=ADMIN) == "Expired"
    request = life.apply(number, "renew")
    life.approve(request)
    new = life.make(request)
    life.hand_out(new, KEEPER)
    assert life.signs(new)


# --- many at once -------------------------------------------------------------------------------


def test_bulk_suspension_takes_the_active_ones_of_the_filter(new_sandbox):
    life = started(new_sandbox, "single")
    finance = [life.seal(f"Finance {i}", ("type", "s", "finance")) for i in range(3)]
    contract = life.seal("Contract", ("type", "s", "contract"))
    life.do(finance[0], "Revoke", "s", "before")
    watch = life.box.watch()
    count = life.told(life.box.manager("SuspendSeals", "a{sv}s", 1, "type", "s", "finance", "audit"))
    assert count == [2]
    assert {tuple(watch.signal("Changed")["body"]) for _ in range(2)} == {
        ("seal", number, "suspended") for number in finance[1:]}
    assert [life.state(n) for n in (*finance, contract)] == ["revoked", "suspended", "suspended", "active"]
    assert life.told(life.box.manager("SuspendSeals", "a{sv}s", 0, "all of them")) == [1]
    assert life.state(contract) == "suspended"
    assert life.box.error("/org/sealsd1", "Manager", "SuspendSeals", "a{sv}s", "1", "state", "s", "lost",
                          "x") == "InvalidArgs"
    assert life.box.error("/org/sealsd1", "Manager", "SuspendSeals", "a{sv}s", "0", "x",
                          user=KEEPER) == "AccessDenied"


DAMAGE = """
import os, sqlite3, sys
with sqlite3.connect(os.environ["SEALSD_STATE"] + "/register.db") as db:
    db.execute("UPDATE seal SET sealed = x'00' WHERE number = ?", sys.argv[1:])
"""


def test_damaged_row_does_not_keep_the_others_from_suspension(new_sandbox):
    life = started(new_sandbox, "single")
    numbers = [life.seal(f"Seal {i}") for i in range(3)]
    life.box.ok(["/usr/bin/python3", "-c", DAMAGE, numbers[1]])
    data, error = life.box.manager("SuspendSeals", "a{sv}s", 0, "audit")
    assert data is None and "2 seals are suspended" in error and numbers[1] in error, error
    assert life.state(numbers[0]) == life.state(numbers[2]) == "suspended"
    life.do(numbers[1], "Revoke", "s", "as told")
    rows = life.told(life.box.manager("ListSeals", "a{sv}", 0))[0]
    assert {row[0]: row[3] for row in rows}[numbers[1]] == "revoked"


# --- the past -----------------------------------------------------------------------------------


def test_state_at_tells_every_state_of_the_past(dual):
    number = dual.seal()
    times = []
    for member, user in (("Suspend", KEEPER), ("ReportLost", KEEPER), ("Surrender", ADMIN),
                         ("Revoke", ADMIN)):
        times.append(dual.now())
        dual.do(number, member, "s", "step", user=user)
    told = [dual.do(number, "StateAt", "t", time)[0] for time in (*times, dual.now())]
    assert told == ["active", "suspended", "lost", "surrendered", "revoked"]
    assert dual.refused(number, "StateAt", "t", "5") == "NotFound"


def test_state_at_knows_what_the_clock_made_of_it_then(dual):
    number = dual.seal("Short", ("not-after", "t", dual.now() + 2 * DAY))
    end = dual.box.seal_property(number, "NotAfter")
    before = dual.now()
    assert dual.do(number, "StateAt", "t", end + 1) == ["active expired"]
    dual.approve(dual.apply(number, "recertify", ("not-after", "t", end + 5 * DAY)))
    assert dual.do(number, "StateAt", "t", end + 1) == ["active"]
    assert dual.do(number, "StateAt", "t", before) == ["active"]


def test_state_of_now_was_not_known_yet_after_the_clock_was_set_back(new_sandbox):
    life = started(new_sandbox, "dual")
    life.box.restart_ahead("--minutes -2")
    number = life.seal()
    life.do(number, "Revoke", "s", "step", user=ADMIN)
    life.box.step_clock()
    assert life.do(number, "StateAt", "t", life.now() - 110 * 1000000) == ["revoked not-yet-valid"]


# --- destruction --------------------------------------------------------------------------------

def test_destroyed_key_is_in_none_of_the_registers_files(new_sandbox):
    life = started(new_sandbox, "dual")
    number = life.seal()
    blob = blob_of(life.box, number)
    assert len(blob) > 400 and files_with(life.box, blob)
    life.do(number, "Revoke", "s", "over", user=ADMIN)
    revoked = blob_of(life.box, number)
    assert files_with(life.box, revoked)
    life.do(number, "Destroy", "s", "gone")
    assert files_with(life.box, blob) == [] and files_with(life.box, revoked) == []
    life.box.ctl("restart")
    assert files_with(life.box, blob) == [] and files_with(life.box, revoked) == []
    assert life.state(number, AUDITOR) == "destroyed"
