# SPDX-License-Identifier: Apache-2.0
"""Seals with a PIN and approvers: both are needed, and a request that waits keeps no PIN."""

import pytest
from approving import ALICE, BOB, LIVE, document
from lifecycle import KEEPER, dictionary
from test_secrets import Depositor

PIN, WRONG = "correct horse battery", "4711"
HIDDEN = "a ticket's and never on the bus"
GREP = "grep -rlF '{}' $SEALSD_STATE || true"


@pytest.fixture(scope="module")
def two(uses):
    return uses.approvers(ALICE, BOB)


@pytest.fixture(scope="module")
def number(uses, two):
    number = uses.seal(two, 1, ("pin", "b", "true"), accept=False)
    uses.life.do(number, "Accept", "a{sv}", *dictionary(("new-pin", "s", PIN)), user=KEEPER)
    return number


# --- in memory ----------------------------------------------------------------------------------

# The mappings of a process that have a text in them, and may be swapped out or dumped.
SCAN = """
import re, sys

pid, needle = sys.argv[1], sys.argv[2].encode()
with open(f"/proc/{pid}/smaps") as smaps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
    for line in smaps:
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (r\\S*) .* (\\S*)$", line)
        if head:
            begin, end, name = int(head[1], 16), int(head[2], 16), head[4]
        elif line.startswith("VmFlags:") and " rd " in line and " lo " not in line:
            try:
                memory.seek(begin)
                found = needle in memory.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue  # the kernel's own pages, and those that it keeps from everybody
            if found:
                print(name or "anonymous")
"""


def unprotected(box, text):
    pid = box.ok("$SEALSD_CTL pid").strip()
    return box.ok(["/usr/bin/python3", "-c", SCAN, pid, text]).split()


def test_pin_of_a_use_that_waits_is_not_where_swap_and_core_dumps_have_it(uses, two):
    number = uses.seal(two, 1, ("pin", "b", "true"), accept=False)
    keeper = Depositor(uses.box, KEEPER)
    keeper.memfd(HIDDEN.encode())
    assert keeper.call("Seal", f"/org/sealsd1/seal/{number}", "Accept", "a{sv}",
                       ({"new-pin": ("o", "$0")},)) == "ok"
    assert unprotected(uses.box, HIDDEN) == []
    keeper.memfd(HIDDEN.encode())
    name, [path] = keeper.say("Seal", f"/org/sealsd1/seal/{number}", "RequestUse", "aya{sv}",
                              (document("waits"), {"live": ("b", True), "pin": ("o", "$1")}))
    assert name == "ok", path
    assert unprotected(uses.box, HIDDEN) == []
    request = int(path.rsplit("/", 1)[1])
    uses.approve(request, two[0])
    assert uses.state(request) == "completed"
    assert unprotected(uses.box, HIDDEN) == []
    assert unprotected(uses.box, "/org/sealsd1") != []  # it is looked for where things are
    keeper.close()


def test_no_pin_is_left_in_memory_by_a_call_that_took_one(uses, two):
    """Over the bus itself, which root may listen to: here it is about who gets the memory later."""
    first, second = "one that was set", "one in place of it"
    number = uses.seal(two, 1, ("pin", "b", "true"), accept=False)
    uses.life.do(number, "Accept", "a{sv}", *dictionary(("new-pin", "s", first)), user=KEEPER)
    request = uses.request(number, document("deferred"))
    uses.approve(request, two[0])
    data, error = collect_with(uses, request, first)
    assert data, error
    uses.life.do(number, "ChangePin", "vv", "s", first, "s", second, user=KEEPER)
    request = uses.request(number, document("live"), LIVE, ("pin", "s", second))
    uses.approve(request, two[0])
    assert uses.state(request) == "completed"
    for pin in (first, second):
        assert unprotected(uses.box, pin) == [], pin


# --- when it is collected -----------------------------------------------------------------------

def collect_with(uses, request, pin):
    return uses.box.request(request, "CollectWith", "a{sv}", 1, "pin", "s", pin, user=KEEPER)


def refused_with(uses, request, pin):
    return uses.refused(request, "CollectWith", "a{sv}", 1, "pin", "s", pin)


def test_pin_is_asked_for_when_it_is_collected_and_a_wrong_one_costs_one_use_and_no_other(uses, two, number):
    request = uses.request(number, document("deferred"))
    assert refused_with(uses, request, PIN) == "ApprovalRequired"
    uses.approve(request, two[0])
    before = uses.use_count(number)
    assert uses.refused(request, "Collect") == "PinRequired" and uses.use_count(number) == before
    assert refused_with(uses, request, WRONG) == "WrongPin"
    assert uses.state(request) == "approved"
    data, error = collect_with(uses, request, PIN)
    assert data, error
    assert uses.box.verify(number, document("deferred"), bytes(data[0]))
    assert data[1] == uses.use_count(number) == before + 1
    assert uses.collect(request) == (bytes(data[0]), data[1])  # what is there takes no PIN


def test_pin_for_a_seal_that_has_none_or_a_request_that_waits_is_refused(uses, two, number):
    plain = uses.seal(two, 1)
    request = uses.request(plain, document("a"))
    uses.approve(request, two[0])
    assert refused_with(uses, request, PIN) == "InvalidArgs"
    assert uses.collect(request)
    assert uses.refused_request(plain, document("a"), LIVE, ("pin", "s", PIN)) == "InvalidArgs"
    assert uses.refused_request(number, document("a"), ("pin", "s", PIN)) == "InvalidArgs"
    assert uses.refused_request(number, document("a"), LIVE) == "PinRequired"


def test_live_one_signs_with_the_pin_that_it_was_asked_with(uses, two, number):
    request = uses.request(number, document("live"), LIVE, ("pin", "s", PIN))
    uses.approve(request, two[1])
    assert uses.box.verify(number, document("live"), uses.collect(request)[0])


def test_live_one_asked_with_a_wrong_pin_is_collected_with_the_right_one(uses, two, number):
    request = uses.request(number, document("again"), LIVE, ("pin", "s", WRONG))
    data, error = uses.authorize(request, two[0])
    assert data is None and "Approved, but" in error
    assert uses.state(request) == "approved"
    data, error = uses.authorize(request, two[0])  # it is not tried once more by whoever approves
    assert data is None and "PIN: collect it" in error
    data, error = collect_with(uses, request, PIN)
    assert data, error
    assert uses.box.verify(number, document("again"), bytes(data[0]))


def test_pin_is_nowhere_in_the_register(uses, two, number):
    request = uses.request(number, document("secret"), LIVE, ("pin", "s", PIN))
    assert uses.box.ok(GREP.format(PIN)) == ""
    uses.cancel(request)
    assert PIN not in uses.box.ok("cat $SEALSD_LOG")


def test_pin_that_is_none_is_refused_before_anybody_is_asked(uses, two, number):
    assert uses.refused_request(number, document("a"), LIVE, ("pin", "s", "123")) == "InvalidArgs"
    request = uses.request(number, document("short"))
    uses.approve(request, two[0])
    before = uses.use_count(number)
    assert refused_with(uses, request, "123") == "InvalidArgs"
    assert uses.use_count(number) == before


def test_collecting_in_lockout_does_not_ask_the_chip_again_and_again(uses, two, number):
    request = uses.request(number, document("locked out"))
    uses.approve(request, two[0])
    while refused_with(uses, request, WRONG) == "WrongPin":
        pass
    failed = len(uses.events("use-failed", number))
    for _ in range(3):
        assert refused_with(uses, request, PIN) == "TpmLockout"
    assert len(uses.events("use-failed", number)) == failed
