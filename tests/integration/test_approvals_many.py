# SPDX-License-Identifier: Apache-2.0
"""Hundreds of uses that wait for approvals, and what they cost: rows of the register, nothing of the chip."""

import re

import pytest
from approving import ALICE, BOB, LIVE, document, idle_sessions, opened
from lifecycle import ADMIN, AUDITOR, KEEPER, OTHER

MANY, MAX = 300, 256
ASK = """
for i in $(seq {count}); do
    digest=$(printf '%s {user} %d' use $i | openssl dgst -sha256 -binary | od -An -v -tu1)
    busctl call -- org.sealsd1 /org/sealsd1/seal/{number} org.sealsd1.Seal RequestUse 'aya{{sv}}' 32 $digest 0
done > /dev/null
"""


def handles(box):
    text = box.ok("for what in loaded-session saved-session transient; do tpm2_getcap handles-$what; done")
    return len(re.findall("0x", text))


@pytest.mark.alone
def test_hundreds_wait_without_a_session_and_each_user_has_a_quota(new_sandbox):
    uses = opened(new_sandbox())
    box = uses.box
    approvers = uses.approvers(ALICE, BOB)
    number = uses.seal(approvers, 2)
    uses.life.do(number, "AddGrant", "sa{sv}", f"user:{OTHER}", 0, user=KEEPER)
    assert idle_sessions(box) == 0
    before = handles(box)
    anchored = box.manager("GetStatus")[0][0]["anchored-rows"]["data"]
    box.ok(ASK.format(count=MAX, user=KEEPER, number=number), user=KEEPER, timeout=400)
    box.ok(ASK.format(count=MANY - MAX, user=OTHER, number=number), user=OTHER, timeout=400)
    assert uses.refused_request(number, document("one more")) == "QuotaExceeded"
    assert len(uses.listed(ALICE, ("awaiting", "s", "me"), ("limit", "u", 1000))) == MANY
    assert handles(box) == before
    # Nor the chip's memory, which wears out: they are anchored with others.
    assert box.manager("GetStatus")[0][0]["anchored-rows"]["data"] == anchored
    # They are no requests that reviewers decide, and take nobody's room for those.
    assert uses.life.apply(number, "amend", ("use-limit", "t", 1000), user=KEEPER)
    [first] = [r for r in uses.listed(KEEPER, ("kind", "s", "use"), ("limit", "u", 1000)) if r == 2]
    uses.approve(first, *approvers)
    assert uses.collect(first)
    assert uses.request(number, document("room again"))
    uses.life.do(number, "Revoke", "s", "over", user=ADMIN)
    states = {uses.state(r) for r in (3, MANY, MANY + 1)}
    assert states == {"cancelled"}
    assert len(uses.events("use-cancelled", number)) == MANY
    assert uses.listed(AUDITOR, ("kind", "s", "use"), ("state", "s", "applied")) == []


def test_on_a_chip_of_our_own_one_live_use_waits_and_others_sign_meanwhile(new_sandbox):
    uses = opened(new_sandbox("--tcti", "swtpm"))
    box = uses.box
    approvers = uses.approvers(ALICE, BOB)
    number, plain = uses.seal(approvers, 1), uses.life.seal("Plain")
    uses.life.do(number, "AddGrant", "sa{sv}", f"user:{OTHER}", 0, user=KEEPER)
    request = uses.request(number, document("held"), LIVE)
    assert uses.refused_request(number, document("too many"), LIVE, user=OTHER) == "Busy"
    assert uses.life.signs(plain)
    deferred = uses.request(number, document("deferred"))
    uses.approve(deferred, approvers[0])
    assert box.verify(number, document("deferred"), uses.collect(deferred)[0])
    uses.approve(request, approvers[0])
    assert box.verify(number, document("held"), uses.collect(request)[0])
    again = uses.request(number, document("after"), LIVE, user=OTHER)
    uses.approve(again, approvers[1])
    assert box.verify(number, document("after"), uses.collect(again, OTHER)[0])
