# SPDX-License-Identifier: Apache-2.0
"""Live uses: approvals of a nonce, in a session that the chip holds while they are signed."""

import pytest
from approving import ALICE, BOB, CAROL, LIVE, document, idle_sessions, opened, sessions
from lifecycle import ADMIN, AUDITOR, KEEPER, OTHER

MINUTE = 60 * 1000000


@pytest.fixture(scope="module")
def number(uses, three):
    number = uses.seal(three, 2)
    uses.life.do(number, "AddGrant", "sa{sv}", f"user:{OTHER}", 0, user=KEEPER)
    uses.life.do(number, "AddGrant", "sa{sv}", f"user:{ADMIN}", 0, user=KEEPER)
    return number


@pytest.fixture(autouse=True)
def nothing_waits(uses):
    yield
    for request in uses.listed(AUDITOR, ("kind", "s", "use")):
        if uses.state(request) in ("applied", "approved"):
            uses.life.told(uses.box.request(request, "Cancel", "s", "the test is over"))


def test_last_approval_signs_at_once_and_collect_gives_the_signature(uses, three, number):
    digest = document("live")
    request = uses.request(number, digest, LIVE)
    challenge = uses.challenge(request, ALICE)
    assert challenge["kind"] == "live" and challenge["expiration"] == 600
    data = bytes(challenge["to-sign"])
    assert data[:32] == bytes(challenge["nonce"]) and data[32:36] == (600).to_bytes(4, "big") and len(data) == 100
    uses.approve(request, three[0])
    assert uses.state(request) == "applied"
    uses.approve(request, three[2])
    assert uses.state(request) == "completed"
    signature, use = uses.collect(request)
    assert uses.box.verify(number, digest, signature) and uses.use_count(number) == use
    assert uses.collect(request) == (signature, use)


def test_approval_of_one_session_is_none_in_another(uses, three, number):
    first = uses.request(number, document("the same"), LIVE)
    signature = three[0].sign(uses.to_sign(first))
    uses.cancel(first)
    second = uses.request(number, document("the same"), LIVE)
    assert uses.refused_approval(second, three[0], signature) == "ApprovalInvalid"
    deferred = uses.request(number, document("the same"))
    assert uses.refused_approval(deferred, three[0], signature) == "ApprovalInvalid"
    late = three[0].sign(uses.to_sign(deferred))
    assert uses.refused_approval(second, three[0], late) == "ApprovalInvalid"


def test_one_user_has_one_and_two_are_held_in_all(uses, three, number):
    first = uses.request(number, document("mine"), LIVE)
    assert uses.refused_request(number, document("mine too"), LIVE) == "Busy"
    other = uses.request(number, document("his"), LIVE, user=OTHER)
    assert uses.refused_request(number, document("third"), LIVE, user=ADMIN) == "Busy"
    assert uses.request(number, document("deferred"))
    plain = getattr(uses, "plain", None) or uses.life.seal("Plain")
    uses.plain = plain
    assert uses.life.signs(plain)  # whatever is held
    uses.cancel(first)
    third = uses.request(number, document("third"), LIVE, user=ADMIN)
    for request, text, user in ((other, "his", OTHER), (third, "third", ADMIN)):
        uses.approve(request, *three[:2])
        assert uses.box.verify(number, document(text), uses.collect(request, user)[0])


def busy(uses, number, text, user):
    """What it says."""
    digest = document(text)
    data, error = uses.box.seal(number, "RequestUse", "aya{sv}", 32, *digest, 1, *LIVE, user=user)
    assert data is None and "live" in error
    return error


def test_who_was_turned_away_is_next_before_who_had_one_meanwhile(uses, number):
    first, other = (uses.request(number, document(user), LIVE, user=user) for user in (KEEPER, OTHER))
    assert "stand in line until" in busy(uses, number, "third", ADMIN)
    uses.cancel(first)
    assert "stand in line until" in busy(uses, number, "once more", KEEPER)
    third = uses.request(number, document("third"), LIVE, user=ADMIN)
    uses.cancel(other, OTHER)
    assert "stand in line until" in busy(uses, number, "once more", OTHER)
    uses.request(number, document("once more"), LIVE, user=KEEPER)
    uses.cancel(third, ADMIN)
    uses.request(number, document("once more"), LIVE, user=OTHER)


def test_who_asks_for_a_deferred_one_instead_leaves_the_line(uses, number):
    first, _other = (uses.request(number, document(user), LIVE, user=user) for user in (KEEPER, OTHER))
    busy(uses, number, "third", ADMIN)
    uses.request(number, document("third"), user=ADMIN)
    uses.cancel(first)
    uses.request(number, document("once more"), LIVE, user=KEEPER)


def test_live_use_makes_room_for_another_user_after_ten_minutes(new_sandbox):
    """Two users who each name the longest time, and begin again whenever it is over, shut out nobody."""
    uses = opened(new_sandbox())
    box, three = uses.box, uses.approvers(ALICE, BOB, CAROL)
    box.restart_ahead("--minutes 11")
    number = uses.seal(three, 2)
    for user in (OTHER, ADMIN):
        uses.life.do(number, "AddGrant", "sa{sv}", f"user:{user}", 0, user=KEEPER)
    late = ("expires", "t", uses.life.now() + 55 * MINUTE)
    held = {user: uses.request(number, document(user), LIVE, late, user=user) for user in (KEEPER, OTHER)}
    busy(uses, number, "third", ADMIN)
    box.step_clock()
    assert uses.refused_request(number, document("again"), LIVE) == "Busy"  # he has one
    assert {uses.state(request) for request in held.values()} == {"applied"}
    third = uses.request(number, document("third"), LIVE, user=ADMIN)
    assert uses.state(held[KEEPER]) == "expired"
    assert "Another user needed the session" in uses.life.request(held[KEEPER], "Error")
    for request, text, user in ((held[OTHER], OTHER, OTHER), (third, "third", ADMIN)):
        uses.approve(request, *three[:2])
        assert box.verify(number, document(text), uses.collect(request, user)[0])


def test_ended_one_leaves_no_session_behind(uses, three, number):
    before = idle_sessions(uses.box)
    request = uses.request(number, document("held"), LIVE)
    assert sessions(uses.box) == before + 1
    uses.cancel(request)
    uses.box.manager("GetMachineState")  # the chip's turn comes after it
    assert sessions(uses.box) == before


@pytest.mark.parametrize("seconds,good", [(0, False), (20, True), (3590, True), (3660, False)])
def test_time_of_a_live_one_is_at_most_an_hour(uses, number, seconds, good):
    expires = ("expires", "t", uses.life.now() + seconds * 1000000 + 500000)
    if good:
        uses.request(number, document("a"), LIVE, expires)
    else:
        assert uses.refused_request(number, document("a"), LIVE, expires) == "InvalidArgs"


def test_it_expires_by_the_clock_without_anybody_asking(uses, three, number):
    before = idle_sessions(uses.box)
    watch = uses.box.watch(user=ALICE)
    request = uses.request(number, document("late"), LIVE, ("expires", "t", uses.life.now() + 8000000))
    data = three[0].sign(uses.to_sign(request))
    assert watch.signal("Changed")["body"] == ["request", str(request), "applied"]
    assert watch.signal("Changed")["body"] == ["request", str(request), "expired"]
    watch.kill()
    assert uses.refused_approval(request, three[0], data) == "ApprovalExpired"
    assert uses.refused(request, "Collect") == "ApprovalExpired"
    uses.box.manager("GetMachineState")
    assert sessions(uses.box) == before


def test_failed_signature_is_tried_again_by_collect(uses, three, number):
    """The machine's state was another when the last approval came."""
    request = uses.request(number, document("again"), LIVE)
    before = uses.use_count(number)
    uses.approve(request, three[0])
    uses.box.pcr_extend(7)
    data, error = uses.authorize(request, three[1])
    assert data is None and "Approved, but it is not signed yet" in error
    assert uses.state(request) == "approved" and uses.missing(request) == 0
    assert uses.refused(request, "Collect") == "MachineStateRefused"
    assert uses.use_count(number) == before
    uses.box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")
    assert uses.box.verify(number, document("again"), uses.collect(request)[0])
    assert uses.use_count(number) == before + 1


def test_suspended_seal_is_not_signed_with_by_the_last_approval(uses, three, number):
    request = uses.request(number, document("suspended"), LIVE)
    uses.approve(request, three[0])
    uses.life.do(number, "Suspend", "s", "wait", user=KEEPER)
    data, _error = uses.authorize(request, three[1])
    assert data is None and uses.refused(request, "Collect") == "Suspended"
    uses.life.do(number, "Resume", "s", "go on")
    assert uses.collect(request)


LOST = {"daemon": "$SEALSD_CTL restart", "connection": "$SEALSD_TPM_CTL kill; $SEALSD_TPM_CTL start"}


@pytest.mark.parametrize("how", LOST)
def test_lost_session_ends_the_request_and_tells_why(uses, three, number, how):
    watch = uses.box.watch(user=BOB) if how == "connection" else None
    request = uses.request(number, document(how), LIVE)
    deferred = uses.request(number, document(how))
    uses.approve(request, three[0])
    uses.box.ok(LOST[how])
    uses.box.run("for i in 1 2 3 4 5 6 7 8 9 10; do busctl call org.sealsd1 /org/sealsd1 org.sealsd1.Manager "
                 "GetMachineState > /dev/null && break; sleep 1; done")
    assert uses.state(request) == "expired"
    assert "ask again" in uses.life.request(request, "Error")
    assert uses.refused(request, "Collect") == "ApprovalExpired"
    assert uses.state(deferred) == "applied"
    if watch:
        told = watch.signal("Attention")["body"]
        assert told[1] == "live-use-lost" and told[2] == f"/org/sealsd1/request/{request}"
        watch.kill()
    again = uses.request(number, document(how), LIVE)
    uses.approve(again, *three[:2])
    assert uses.box.verify(number, document(how), uses.collect(again)[0])


def test_session_that_is_lost_under_the_last_approval_ends_the_request_once(uses, three, number):
    request = uses.request(number, document("under"), LIVE)
    uses.approve(request, three[0])
    signature = three[1].sign(uses.to_sign(request))
    mark = int(uses.box.ok("wc -c < $SEALSD_LOG"))
    uses.box.ok(LOST["connection"])
    data, error = uses.authorize(request, three[1], signature)
    assert data is None and "gone" in error
    assert uses.state(request) == "expired" and uses.refused(request, "Collect") == "ApprovalExpired"
    ends = [row for row in uses.events("use-expired", number) if row["request"] == request]
    assert len(ends) == 1 and "ask again" in ends[0]["reason"]
    assert "could not be recorded" not in uses.box.ok(f"tail -c +{mark + 1} $SEALSD_LOG")


def test_withdrawn_approval_is_needed_again_before_it_signs(uses, three, number):
    request = uses.request(number, document("withdrawn"), LIVE)
    uses.approve(request, three[0])
    uses.withdraw(request, three[0])
    uses.approve(request, three[1])
    assert uses.state(request) == "applied"
    uses.approve(request, three[0])
    assert uses.state(request) == "completed"


def test_nothing_is_left_in_the_chip(uses):
    uses.box.ctl("stop")
    assert sessions(uses.box) == 0
    uses.box.ctl("start")
