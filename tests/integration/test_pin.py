# SPDX-License-Identifier: Apache-2.0
"""Seals with a PIN: set by the keeper, asked for by the chip, known to nobody else."""

import json

import pytest
from lifecycle import (ADMIN, AUDITOR, KEEPER, MAKER, OTHER, REVIEWER, Life, blob_of, dictionary, files_with,
                       started)
from test_secrets import Depositor

PIN, NEW, WRONG = "4711", "correct horse battery staple", "0815"
DIGEST = [32, *range(32)]

LOCKOUT_AUTH = """
import os, sqlite3
db = sqlite3.connect(f"file:{os.environ['SEALSD_STATE']}/register.db?mode=ro", uri=True)
print(db.execute("SELECT hex(lockout_auth) FROM installation").fetchone()[0])
"""
BIRTHS = """
import os, sqlite3, sys
db = sqlite3.connect(f"file:{os.environ['SEALSD_STATE']}/register.db?mode=ro", uri=True)
for row in db.execute("SELECT hex(seal_birth.sealed) FROM seal_birth JOIN seal ON seal = id WHERE number = ?", sys.argv[1:]):
    print(row[0].lower())
"""


def dictionary_attack(box, *words):
    """tpm2_dictionarylockout with the authorisation that the register keeps."""
    auth = box.ok(["/usr/bin/python3", "-c", LOCKOUT_AUTH]).strip()
    box.ok(["tpm2_dictionarylockout", *words, "-p", f"hex:{auth.lower()}"])


def birth_of(box, number):
    return box.ok(["/usr/bin/python3", "-c", BIRTHS, number]).strip()


def pins(**given):
    return dictionary(*((name.replace("_", "-"), "s", value) for name, value in given.items()))


class Pins(Life):
    def delivered(self, name="Acme", keeper=KEEPER):
        number = self.seal(name, ("pin", "b", "true"), keeper=keeper, accept=False)
        assert self.state(number) == "delivered"
        return number

    def active(self, name="Acme", pin=PIN, keeper=KEEPER):
        number = self.delivered(name, keeper)
        self.accept(number, new_pin=pin, user=keeper)
        return number

    def accept(self, number, user=KEEPER, **given):
        self.do(number, "Accept", "a{sv}", *pins(**given), user=user)

    def accept_error(self, number, user=KEEPER, **given):
        return self.refused(number, "Accept", "a{sv}", *pins(**given), user=user)

    def sign(self, number, pin=None, user=KEEPER):
        """(signature or None, use or the error's text)"""
        data, error = self.box.seal(number, "Sign", "aya{sv}", *DIGEST, *pins(**({"pin": pin} if pin else {})),
                                    user=user)
        return (bytes(data[0]), data[1]) if data else (None, error)

    def pin_error(self, number, pin=None, user=KEEPER):
        return self.refused(number, "Sign", "aya{sv}", *DIGEST, *pins(**({"pin": pin} if pin else {})), user=user)

    def change(self, number, old, new, user=KEEPER):
        return self.refused(number, "ChangePin", "vv", "s", old, "s", new, user=user)

    def uses(self, number):
        return self.box.seal_property(number, "UseCount")

    def rows(self, number, event):
        data = self.told(self.box.manager("ReadLedger", "a{sv}", *dictionary(
            ("seal", "s", number), ("event", "s", event)), user=AUDITOR))
        return [json.loads(row) for row in data[0]]


@pytest.fixture(scope="module")
def life():
    """Tries without number, so that tests do not lock one another out."""
    from conftest import Sandbox
    box = Sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation dual --capacity 100")
    dictionary_attack(box, "-s", "-n", "1000", "-t", "10000", "-l", "1")
    yield Pins(box, "dual")
    assert box.close() == 0


def test_keeper_sets_the_pin_when_he_accepts_and_signs_with_it(life):
    number = life.delivered()
    assert life.accept_error(number) == "PinRequired"
    assert life.accept_error(number, new_pin="123") == "InvalidArgs"
    assert life.accept_error(number, new_pin="x" * 257) == "InvalidArgs"
    assert life.accept_error(number, new_pin=PIN, pin=PIN) == "InvalidArgs"
    assert life.state(number) == "delivered"
    life.accept(number, new_pin=PIN)
    assert life.state(number) == "active" and life.why_not(number) == ""

    assert life.pin_error(number) == "PinRequired"
    assert life.pin_error(number, "123") == "InvalidArgs"
    assert life.uses(number) == 0 and life.rows(number, "use") == []
    signature, use = life.sign(number, PIN)
    assert life.box.verify(number, bytes(range(32)), signature) and use == 1
    assert life.describe(number)["pin"] is True
    assert any(term == "PolicyAuthValue" for term in life.box.seal_property(number, "Policy"))


def test_the_longest_pin_and_any_bytes_serve(life):
    long, odd = "x" * 256, "p\u00efn \t#'"
    number = life.active(pin=long)
    assert life.sign(number, long)[0]
    assert life.change(number, long, odd) == "ok"
    assert life.sign(number, odd)[0]
    one = Depositor(life.box, KEEPER)
    path = f"/org/sealsd1/seal/{number}"
    for pin in (b"\0\0\0\0", b"\xff\xfe\0\0", b"    "):  # no two of them are the same to the chip
        one.memfd(odd.encode() if isinstance(odd, str) else odd)
        one.memfd(pin)
        n = len(one.tickets)
        assert one.call("Seal", path, "ChangePin", "vv", (("o", f"${n - 2}"), ("o", f"${n - 1}"))) == "ok"
        odd = pin
    one.memfd(b"\0\0\0\0\0")
    assert one.call("Seal", path, "Sign", "aya{sv}", (bytes(32), {"pin": ("o", f"${len(one.tickets) - 1}")})) == (
        "WrongPin")
    one.memfd(odd)
    assert one.call("Seal", path, "Sign", "aya{sv}", (bytes(32), {"pin": ("o", f"${len(one.tickets) - 1}")})) == "ok"
    one.close()


def test_wrong_pin_is_told_with_the_tries_left_and_counts_a_use(life):
    number = life.active()
    signature, error = life.sign(number, WRONG)
    assert signature is None and "tries are left" in error
    assert life.pin_error(number, WRONG) == "WrongPin"
    assert life.uses(number) == 2
    assert [row["result"] for row in life.rows(number, "use-failed")] == ["WrongPin"] * 2
    assert life.sign(number, PIN)[1] == 3


def test_many_are_signed_with_one_pin(life):
    number = life.active()
    many = ["aaya{sv}", 3, *DIGEST, *DIGEST, *DIGEST]
    assert life.refused(number, "SignMany", *many, *pins(), user=KEEPER) == "PinRequired"
    assert life.refused(number, "SignMany", *many, *pins(pin=WRONG), user=KEEPER) == "WrongPin"
    assert life.uses(number) == 3
    signatures, first = life.do(number, "SignMany", *many, *pins(pin=PIN), user=KEEPER)
    assert first == 4 and all(life.box.verify(number, bytes(range(32)), bytes(s)) for s in signatures)


def test_pin_is_changed_with_the_old_one(life):
    number = life.active()
    assert life.change(number, WRONG, NEW) == "WrongPin"
    assert life.change(number, PIN, "123") == "InvalidArgs"
    assert life.change(number, "123", NEW) == "InvalidArgs"
    assert [row["result"] for row in life.rows(number, "pin-refused")] == ["WrongPin"]
    assert life.rows(number, "pin-changed") == [] and life.sign(number, PIN)[0]
    assert life.change(number, PIN, NEW) == "ok"
    [row] = life.rows(number, "pin-changed")
    assert row["subject"] == f"user:{KEEPER}"
    assert life.pin_error(number, PIN) == "WrongPin"
    assert life.sign(number, NEW)[0]
    life.do(number, "Suspend", "s", "holidays", user=KEEPER)
    assert life.change(number, NEW, PIN) == "ok"
    life.do(number, "Resume", "s", "back", user=ADMIN)
    assert life.sign(number, PIN)[0]
    life.do(number, "ReportLost", "s", "gone", user=KEEPER)
    assert life.change(number, PIN, NEW) == "InvalidState"
    life.box.ctl("restart")
    assert life.change(number, PIN, NEW) == "InvalidState"


def test_grant_lets_its_holder_sign_with_the_pin_and_not_change_it(life):
    number = life.active()
    life.do(number, "AddGrant", "sa{sv}", f"user:{OTHER}", 0, user=KEEPER)
    assert life.sign(number, PIN, user=OTHER)[0]
    assert life.pin_error(number, user=OTHER) == "PinRequired"
    assert life.change(number, PIN, NEW, user=OTHER) == "AccessDenied"


def test_seal_without_a_pin_takes_none(life):
    number = life.seal("Plain", accept=False)
    assert life.accept_error(number, new_pin=PIN) == "InvalidArgs"
    assert life.accept_error(number, pin=PIN) == "InvalidArgs"
    life.accept(number)
    assert life.pin_error(number, PIN) == "InvalidArgs"
    assert life.change(number, PIN, NEW) == "InvalidArgs"
    assert life.uses(number) == 0 and life.sign(number)[0]
    assert life.describe(number)["pin"] is False
    assert not any(term == "PolicyAuthValue" for term in life.box.seal_property(number, "Policy"))


def test_neither_administrators_nor_makers_have_the_pin(life):
    """Two administrators, the maker and the reviewer, with all that the bus gives them."""
    number = life.delivered()
    birth = birth_of(life.box, number)
    assert birth  # encrypted: what the chip's key opens
    for user in (None, ADMIN, MAKER, REVIEWER, AUDITOR, OTHER):
        assert life.accept_error(number, new_pin="mine!", user=user) in ("AccessDenied", "UnknownObject")
        assert life.change(number, "mine!", "yours", user=user) in ("AccessDenied", "UnknownObject")
    text = life.do(number, "Describe")[0] + life.box.ok(f"sealctl --json ledger list --seal {number}")
    assert "auth" not in json.loads(life.do(number, "Describe")[0]) and birth not in text
    life.accept(number, new_pin=PIN)
    for user in (None, ADMIN, MAKER, REVIEWER, AUDITOR):
        assert life.pin_error(number, PIN, user=user) in ("AccessDenied", "UnknownObject")
        assert life.change(number, PIN, "yours", user=user) in ("AccessDenied", "UnknownObject")
    # An administrator hands the seal to himself: what he gets by it is a key that asks for the PIN.
    life.do(number, "Surrender", "s", "recalled")
    identity = life.apply(number, "transfer", ("keeper", "s", f"user:{ADMIN}"))
    life.approve(identity)
    assert life.accept_error(number, user=ADMIN, new_pin="mine!") == "PinRequired"
    assert life.accept_error(number, user=ADMIN, new_pin="mine!", pin=WRONG) == "WrongPin"
    assert life.state(number) == "delivered"
    # Told the PIN he is its keeper.
    life.accept(number, user=ADMIN, new_pin="mine!", pin=PIN)
    assert life.pin_error(number, PIN, user=ADMIN) == "WrongPin"
    assert life.sign(number, "mine!", user=ADMIN)[0]


def test_what_the_key_was_born_with_is_nowhere_in_the_files_afterwards(life):
    number = life.delivered()
    blob, birth = blob_of(life.box, number), birth_of(life.box, number)
    assert files_with(life.box, blob) and files_with(life.box, birth)
    life.accept(number, new_pin=PIN)
    assert birth_of(life.box, number) == ""
    assert files_with(life.box, blob) == [] and files_with(life.box, birth) == []
    second = blob_of(life.box, number)
    assert second != blob and files_with(life.box, second)
    assert life.change(number, PIN, NEW) == "ok"
    assert files_with(life.box, second) == []


def test_seal_that_was_never_accepted_is_handed_out_anew_without_a_pin(life):
    number = life.delivered()
    life.do(number, "Decline", "s", "not mine", user=KEEPER)
    life.do(number, "Deliver", "s", f"user:{KEEPER}", user=ADMIN)
    life.box.ctl("restart")
    life.do(number, "Surrender", "s", "he leaves", user=KEEPER)
    life.do(number, "Deliver", "s", f"user:{KEEPER}", user=ADMIN)
    life.accept(number, new_pin=PIN)
    life.box.ctl("restart")
    assert life.sign(number, PIN)[0]


def test_renewal_keeps_the_pin_or_leaves_it(life):
    number = life.active()
    for option, has in (((), True), ((("pin", "b", "false"),), False), ((("pin", "b", "true"),), True)):
        identity = life.apply(number, "renew", *option)
        life.approve(identity)
        number = life.request(identity, "Seal")
        assert life.describe(number)["pin"] is has
        if has:
            assert life.accept_error(number) == "PinRequired"
            life.accept(number, new_pin=NEW)
            assert life.sign(number, NEW)[0]
        else:
            life.accept(number)
            assert life.sign(number)[0]


def test_pins_come_by_ticket_too(life):
    number = life.delivered()
    path = f"/org/sealsd1/seal/{number}"
    one = Depositor(life.box, KEEPER)
    one.memfd(PIN.encode())
    assert one.call("Seal", path, "Accept", "a{sv}", ({"new-pin": ("o", "$0")},)) == "ok"
    assert one.call("Seal", path, "Sign", "aya{sv}", (bytes(32), {"pin": ("o", "$0")})) == "NotFound"
    one.memfd(PIN.encode())
    assert one.call("Seal", path, "Sign", "aya{sv}", (bytes(32), {"pin": ("o", "$1")})) == "ok"
    one.memfd(PIN.encode())
    one.memfd(NEW.encode())
    assert one.call("Seal", path, "ChangePin", "vv", (("o", "$2"), ("o", "$3"))) == "ok"
    # A descriptor itself does not get so far.
    assert one.call("Seal", path, "Sign", "aya{sv}", (bytes(32), {"pin": ("u", 7)})) == "InvalidArgs"
    one.memfd(NEW.encode())
    one.memfd(NEW.encode())
    assert one.call("Seal", path, "SignMany", "aaya{sv}", ([bytes(32)] * 2, {"pin": ("o", "$4")})) == "ok"
    one.close()
    assert life.uses(number) == 3


def test_of_two_calls_at_once_the_one_that_was_told_ok_has_set_the_pin(life):
    number, box = life.delivered(), life.box

    def both(member, *calls):
        started = [box.start(["/usr/bin/python3", box.call_error, f"/org/sealsd1/seal/{number}",
                              "org.sealsd1.Seal", member, *arguments], KEEPER) for arguments in calls]
        return [box.finish(one).stdout.strip() for one in started]

    choices = ("first", "second")
    told = both("Accept", *(["a{sv}", "1", "new-pin", "s", pin] for pin in choices))
    assert sorted(told) == ["InvalidState", "ok"]
    present, other = (choices[told.index(word)] for word in ("ok", "InvalidState"))
    assert life.sign(number, present)[0] and life.pin_error(number, other) == "WrongPin"
    choices = ("third", "fourth")
    told = both("ChangePin", *(["vv", "s", present, "s", pin] for pin in choices))
    assert "ok" in told and set(told) <= {"ok", "InvalidState", "WrongPin"}, told
    assert [life.pin_error(number, pin) for pin in choices] == ["ok" if word == "ok" else "WrongPin"
                                                                for word in told]


def test_signing_that_began_before_the_pin_was_changed_goes_on_and_mixes_with_nothing(life):
    number, box = life.active(), life.box
    many = [400, *(word for i in range(400) for word in (32, *[i % 256] * 32))]
    running = box.start(["busctl", "--timeout=100", "call", "--", "org.sealsd1", f"/org/sealsd1/seal/{number}",
                         "org.sealsd1.Seal", "SignMany", "aaya{sv}", *many, *pins(pin=PIN)], KEEPER)
    while life.uses(number) == 0:
        pass
    assert life.change(number, PIN, NEW) == "ok"
    assert life.pin_error(number, NEW) == "ok" and life.pin_error(number, PIN) == "WrongPin"
    assert box.finish(running).status == 0
    assert life.pin_error(number, NEW) == "ok"


def test_single_mode_ends_with_a_seal_that_its_keeper_accepts(new_sandbox):
    one = started(new_sandbox, "single")
    one = Pins(one.box, "single")
    number = one.delivered()
    one.accept(number, new_pin=PIN)
    assert one.sign(number, PIN)[0]


def test_lockout_by_pins_stops_seals_with_a_pin_and_nothing_else(new_sandbox):
    box = started(new_sandbox, "dual").box
    life = Pins(box, "dual")
    number, plain = life.active(), life.seal("Plain")
    assert life.change(number, WRONG, NEW) == "WrongPin"
    signature, error = life.sign(number, WRONG)
    assert signature is None and "1 try is left" in error
    signature, error = life.sign(number, WRONG)
    assert signature is None and "refuses all" in error
    uses = life.uses(number)
    box.manager("GetStatus")  # behind the daemon's own look, which comes an instant after that answer
    for _ in range(2):
        signature, error = life.sign(number, PIN)
        assert signature is None and "forgets one every 1000 seconds" in error
        assert life.pin_error(number, PIN) == "TpmLockout"
    assert life.why_not(number) == "TpmLockout"
    assert life.uses(number) == uses  # the chip was looked at first
    assert life.change(number, PIN, NEW) == "TpmLockout"
    other = life.delivered("Other")  # keys are made, and wait for their PIN
    assert life.accept_error(other, new_pin=NEW) == "TpmLockout"
    assert life.state(other) == "delivered"

    def all_but_pins():
        assert life.sign(plain)[0] and life.why_not(plain) == ""
        report = life.told(box.manager("VerifyLedger", user=AUDITOR))[0]
        assert report["good"]["data"] and report["checkpoint"]["data"] > 0

    all_but_pins()
    box.ctl("restart")  # the register's key comes from the chip again
    all_but_pins()
    assert life.pin_error(number, PIN) == "TpmLockout"
    dictionary_attack(box, "-c")
    assert life.sign(number, PIN)[0]
    life.accept(other, new_pin=NEW)
    assert life.why_not(number) == ""
