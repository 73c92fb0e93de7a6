# SPDX-License-Identifier: Apache-2.0
"""Secrets that are deposited at the Manager and named by their tickets."""

import ast
import re

import pytest

from conftest import ROOT, Sandbox

MANAGER = ("Manager", "/org/sealsd1")
RIGHT, WRONG = b"correct horse", b"battery staple"
DEPOSITOR = ROOT / "tests/integration/depositor.py"
TICKET = re.compile(r"/org/sealsd1/secret/[0-9a-f]{32}")


class Depositor:
    """One connection of a user, that lives as long as this."""

    def __init__(self, box, user=None):
        self.tickets = []
        self.pipe = box.pipe(["/usr/bin/python3", box.write("depositor.py", DEPOSITOR.read_bytes())], user)
        assert self.pipe.line() == "ready"

    def say(self, *words):
        self.pipe.write(repr(words) + "\n")
        return ast.literal_eval(self.pipe.line())

    def memfd(self, data):
        """The ticket."""
        name, ticket = self.say("memfd", data)
        assert name == "ok", ticket
        self.tickets.append(ticket)
        return ticket

    def call(self, *words):
        """The error's name, or ok."""
        return self.say(*words)[0]

    def set_separation(self, mode, kind, secret):
        return self.call(*MANAGER, "SetSeparation", "sa{sv}", (mode, {"passphrase": (kind, secret)}))

    def close(self):
        self.pipe.kill()
        self.pipe.wait()


def with_passphrase(box):
    """Where SetSeparation asks for one to lower the separation."""
    one = Depositor(box)
    one.memfd(RIGHT)
    assert one.call(*MANAGER, "Initialize", "a{sv}",
                    ({"passphrase": ("o", "$0"), "separation": ("s", "strict")},)) == "ok"
    one.close()
    return box


@pytest.fixture(scope="module")
def resident():
    box = Sandbox()
    yield with_passphrase(box)
    assert box.close() == 0


def lower(resident, who, kind, secret):
    """What a passphrase is for; undone, so that it is asked for the next time."""
    found = who.set_separation("dual", kind, secret)
    if found == "ok":
        assert resident.manager("SetSeparation", "sa{sv}", "strict", 0)[0] is not None
    return found


def test_ticket_is_the_secret_for_one_call(resident):
    one = Depositor(resident)
    assert TICKET.fullmatch(one.memfd(RIGHT))
    assert lower(resident, one, "o", "$0") == "ok"
    assert lower(resident, one, "o", "$0") == "NotFound"
    assert one.say("pipe", RIGHT)[0] == "ok"
    assert lower(resident, one, "o", "$1") == "ok"
    one.memfd(WRONG)
    assert lower(resident, one, "o", "$2") == "WrongPin"
    assert lower(resident, one, "o", "$2") == "NotFound"
    one.close()


def test_ticket_of_another_connection_is_none_also_of_the_same_user(resident):
    one, other = Depositor(resident), Depositor(resident)
    stranger = Depositor(resident, resident["SEAL_ADMIN"])
    ticket = one.memfd(RIGHT)
    for thief in (other, stranger):
        assert lower(resident, thief, "o", ticket) == "NotFound"
    # busctl, a connection for each call, is as much another one.
    assert resident.error("/org/sealsd1", "Manager", "SetSeparation", "sa{sv}", "dual", "1", "passphrase",
                          "o", ticket) == "NotFound"
    assert lower(resident, one, "o", ticket) == "ok"
    for each in (one, other, stranger):
        each.close()


def test_call_that_fails_has_used_its_ticket(resident):
    one = Depositor(resident)
    ticket = one.memfd(RIGHT)
    assert one.call(*MANAGER, "SetSeparation", "sa{sv}",
                    ("dual", {"passphrase": ("o", ticket), "colour": ("s", "red")})) == "InvalidArgs"
    assert lower(resident, one, "o", ticket) == "NotFound"
    # In a place where no secret goes it is a path, and as good as before.
    ticket = one.memfd(RIGHT)
    assert one.call(*MANAGER, "SetSeparation", "sa{sv}", ("dual", {ticket: ("o", ticket)})) == "InvalidArgs"
    assert one.call(*MANAGER, "ListRequests", "a{sv}", ({"after": ("o", ticket)},)) == "InvalidArgs"
    assert one.call("Seal", ticket, "Describe", "", ()) in ("UnknownObject", "UnknownMethod")
    assert lower(resident, one, "o", ticket) == "ok"
    one.close()


def test_what_is_no_secret_is_not_deposited(resident):
    one = Depositor(resident)
    assert one.say("memfd", b"x" * 1025)[0] == "LimitsExceeded"
    assert one.say("pipe", b"x" * 1025)[0] == "LimitsExceeded"
    assert one.say("other", "/etc/passwd")[0] == "InvalidArgs"
    assert one.say("other", "/")[0] == "InvalidArgs"
    assert one.say("pipe", None)[0] == "Timeout"
    assert one.say(*MANAGER, "DepositSecret", "s", ("open sesame",))[0] == "InvalidArgs"
    one.close()


def test_deposits_are_limited_for_a_user_and_end_with_his_connections(resident):
    first, second = (Depositor(resident, resident["SEAL_STRANGER"]) for _ in range(2))
    tickets = [who.memfd(b"x") for who in (first, first, second, second)]
    for who in (first, second):
        name, text = who.say("memfd", b"x")
        assert name == "QuotaExceeded" and "minute" in text
    own = Depositor(resident)
    own.memfd(RIGHT)
    first.close()
    while (found := second.say("memfd", b"x")[0]) == "QuotaExceeded":  # the daemon has not heard yet
        pass
    assert found == "ok"
    assert lower(resident, second, "o", tickets[0]) == "AccessDenied"
    assert lower(resident, own, "o", "$0") == "ok"
    second.close()
    own.close()


def test_deposits_leave_no_descriptor_in_the_daemon(resident):
    count = lambda: len(resident.ok("ls /proc/$($SEALSD_CTL pid)/fd").split())
    before = count()
    one = Depositor(resident)
    for i in range(40):
        ticket = one.memfd(RIGHT)
        if i % 2:
            assert lower(resident, one, "o", ticket) == "ok"
        else:
            assert one.call(*MANAGER, "SetSeparation", "sa{sv}",
                            ("none", {"passphrase": ("o", ticket)})) == "InvalidArgs"
            assert one.call(*MANAGER, "GetStatus", "v", (("o", ticket),)) == "InvalidArgs"
            assert one.call(*MANAGER, "SetSeparation", "sa{sv}",
                            ("strict", {"passphrase": ("o", ticket)})) == "ok"
        one.say("other", "/")
        one.say("memfd", b"x" * 2000)
    for _ in range(4):
        assert one.say("pipe", b"wait")[0] == "ok"
    assert one.say("pipe", b"wait")[0] == "QuotaExceeded"
    assert count() == before
    one.close()


def test_where_inline_secrets_are_forbidden_tickets_and_descriptors_are_not(new_sandbox):
    box = with_passphrase(new_sandbox(conf="[Daemon]\nAllowInlineSecrets=no\n"))
    one = Depositor(box)
    assert one.set_separation("dual", "s", RIGHT.decode()) == "InvalidArgs"
    one.memfd(RIGHT)
    assert one.set_separation("dual", "o", "$0") == "ok"
    one.close()
