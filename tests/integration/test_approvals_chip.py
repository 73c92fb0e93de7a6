# SPDX-License-Identifier: Apache-2.0
"""Approvals against root at the chip: register, blobs, auths, tickets, what approvers signed, and the PIN.

What tests/tools/attacker.c is refused, the chip refuses: no daemon is asked.
"""

import pytest
from approving import ALICE, BOB, CAROL, DAVE, LIVE, document
from lifecycle import APPLICANT, KEEPER, REVIEWER, dictionary
from test_revocation import QUIET

PIN = "swordfish"


@pytest.fixture(scope="module")
def four(uses):
    return uses.approvers(ALICE, BOB) + uses.approvers(CAROL, DAVE, algorithm="RSA")


class Root:
    """With a copy of the register as it was, at the chip."""

    def __init__(self, box):
        self.box = box
        box.ctl("stop")
        box.ok("rm -rf /run/before && cp -a $SEALSD_STATE /run/before")
        box.ctl("start")

    def use(self, word, number, request, pin=None):
        """The word it comes to, and what the chip said to each trick: its code."""
        done = self.box.run(["attacker", word, "/run/before", number, request],
                            env={"ATTACKER_PIN": pin} if pin else None)
        assert done.status in (0, 1) and done.stdout.strip() != "Failed", done
        told = [line.split(": ", 1) for line in done.stderr.splitlines() if ": " in line]
        return done.stdout.strip(), {name: text.rsplit("0x", 1)[1].rstrip(")") for name, text in told
                                     if " 0x" in text and not name.startswith("The ")}


def approved(uses, number, approvers, text="A", *options):
    request = uses.request(number, document(text), *options)
    uses.approve(request, *approvers)
    return request


def test_with_all_in_order_root_gets_the_same_document_signed_and_no_other(uses, four):
    number = uses.seal(four[:3], 2)
    request = approved(uses, number, [four[2], four[0]])
    root = Root(uses.box)
    # Twice: the chip counts no deferred approval, the daemon does.
    assert root.use("use", number, request)[0] == "done"
    assert root.use("use", number, request)[0] == "done"
    word, tricks = root.use("use-other", number, request)
    assert word == "ApprovalInvalid"
    assert tricks == {"another document": "99d", "another, no cpHash": "5db", "another, said to be it": "5db"}
    before = uses.use_count(number)
    assert uses.box.verify(number, document("A"), uses.collect(request)[0])
    assert uses.use_count(number) == before + 1


def test_approvals_of_one_seal_open_no_other_of_the_same_approvers(uses, four):
    number, other = uses.seal(four[:2], 2), uses.seal(four[:2], 2)
    request = approved(uses, number, four[:2])
    root = Root(uses.box)
    word, tricks = root.use("use-seal", other, request)
    assert word == "ApprovalInvalid"
    assert tricks == {"another seal": "99d", "another, said to be it": "5db"}
    assert root.use("use", number, request)[0] == "done"


OR, FAIL, SIGNATURE, SCHEME = "1c4", "99d", "5db", "5d2"


@pytest.mark.parametrize("n,k", [(1, 1), (3, 1), (3, 2), (4, 2), (4, 4)])
def test_fewer_twice_strangers_and_another_order_are_refused_by_the_chip(uses, four, n, k):
    number = uses.seal(four[:n], k)
    request = approved(uses, number, four[:k])
    several = OR if n != k else FAIL  # with one combination there is no PolicyOR
    root = Root(uses.box)
    word, tricks = root.use("use-fewer", number, request)
    assert word == "ApprovalInvalid"
    found = dict(tricks)
    assert found.pop("one fewer") == several
    assert found.pop("one fewer, no PolicyOR") == FAIL
    # Its own PolicyOR is one that the chip takes, but for nobody at all.
    assert found.pop("one fewer, another PolicyOR") in (FAIL, OR)
    assert found.pop("one twice") == several
    assert found.pop("in another order") == several
    assert found.pop("a stranger's") == several
    # A curve's signature in an RSA approver's name is not even of his scheme.
    assert found.pop("a stranger's, said to be it") == (SCHEME if k > 2 else SIGNATURE)
    assert not found
    assert root.use("use", number, request)[0] == "done"


def test_what_waits_for_one_more_approver_is_not_signed(uses, four):
    number = uses.seal(four[:3], 2)
    request = approved(uses, number, [four[1]])
    root = Root(uses.box)
    word, tricks = root.use("use", number, request)
    assert (word, tricks) == ("RegisterTampered", {"as it is": OR})


def test_withdrawn_approval_is_not_in_the_register(uses, four):
    number = uses.seal(four[:2], 2)
    request = approved(uses, number, four[:2])
    uses.life.told(uses.withdraw(request, four[0]))
    root = Root(uses.box)
    assert root.use("use", number, request)[0] == "RegisterTampered"


def test_machine_state_and_revocation_bit_are_not_left_out(uses, four):
    number = uses.seal(four[:1], 1)
    request = approved(uses, number, four[:1])
    root = Root(uses.box)
    word, tricks = root.use("use-bare", number, request)
    assert word == "RegisterTampered" and set(tricks.values()) == {FAIL}
    assert len(tricks) == 3


def test_changed_machine_is_refused_and_once_approved_signs_without_asking_again(uses, four):
    box = uses.box
    number = uses.seal(four[:2], 2)
    request = approved(uses, number, four[:2])
    box.pcr_extend(7)
    assert uses.refused(request, "Collect") == "MachineStateRefused"
    root = Root(box)
    assert root.use("use", number, request)[0] == "MachineStateRefused"
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")
    root = Root(box)
    assert root.use("use", number, request)[0] == "done"
    assert box.verify(number, document("A"), uses.collect(request)[0])


def test_revoked_seal_does_not_sign_what_was_approved_nor_what_was_prepared(uses, four):
    number = uses.seal(four[:2], 2)
    request = approved(uses, number, four[:2])
    root = Root(uses.box)
    assert root.use("use", number, request)[0] == "done"
    held = uses.box.pipe(["attacker", "use-hold", "/run/before", number, request], env=QUIET)
    assert held.line() == "prepared"
    uses.life.told(uses.box.seal(number, "Revoke", "s", "the end"))
    held.write("sign\n")
    assert "Busy" in (held.line(), held.line())  # what the fence's TPM_RC_PCR_CHANGED is translated to
    assert held.wait() == 1
    assert root.use("use", number, request)[0] == "Revoked"


def test_live_approvals_are_good_in_no_other_session(uses, four):
    number = uses.seal(four[:2], 2)
    request = uses.request(number, document("A"), LIVE)
    uses.approve(request, four[0])
    waiting = approved(uses, number, [four[1]], "B")
    assert waiting
    root = Root(uses.box)  # which ends the session
    word, tricks = root.use("use-again", number, request)
    assert word == "ApprovalInvalid"
    assert tricks == {"in another session": "1cf", "without its nonce": SIGNATURE,
                             "as a deferred one": SIGNATURE}


def test_live_approvals_that_were_used_are_good_for_nothing(uses, four):
    number = uses.seal(four[:2], 2)
    request = uses.request(number, document("A"), LIVE)
    uses.approve(request, *four[:2])
    assert uses.box.verify(number, document("A"), uses.collect(request)[0])
    root = Root(uses.box)
    word, tricks = root.use("use-again", number, request)
    assert word == "ApprovalInvalid"
    assert tricks["in another session"] == "1cf"


def test_approver_whose_key_the_chip_cannot_verify_is_told_before_a_key_is_made(uses, four):
    box = uses.box
    key = box.temp("large.key")
    box.ok(f"openssl genrsa -out {key} 4096 2> /dev/null")
    pem = box.ok(f"openssl pkey -in {key} -pubout")
    data, error = box.manager("Apply", "a{sv}", *dictionary(
        ("name", "s", "Acme"), ("keepers", "as", 1, f"user:{KEEPER}"), ("threshold", "u", 1),
        ("approvers", "a(ss)", 2, four[0].subject, four[0].pem, four[1].subject, pem)), user=APPLICANT)
    assert data, error
    request = data[0].rsplit("/", 1)[1]
    _, error = box.request(request, "Approve", "sa{sv}", "seen", 0, user=REVIEWER)
    assert "cannot verify signatures by an approver's key" in error
    assert uses.state(request) == "failed"
    assert "name another key" in uses.life.request(request, "Error")


def test_pin_is_asked_for_by_the_chip_beside_the_approvals(uses, four):
    number = uses.seal(four[:2], 2, ("pin", "b", "true"), accept=False)
    uses.life.do(number, "Accept", "a{sv}", *dictionary(("new-pin", "s", PIN)), user=KEEPER)
    request = approved(uses, number, four[:2])
    root = Root(uses.box)
    assert root.use("use", number, request) == ("WrongPin", {"as it is": "98e"})
    assert root.use("use", number, request, "sword") == ("WrongPin", {"as it is": "98e"})
    # Neither is done without the other: of what leaves one out, nothing is even tried against the PIN.
    word, tricks = root.use("use-bare", number, request, PIN)
    assert word == "RegisterTampered" and set(tricks.values()) == {FAIL} and len(tricks) == 3
    assert root.use("use-fewer", number, request, PIN)[0] == "ApprovalInvalid"
    assert root.use("use-other", number, request, PIN)[0] == "ApprovalInvalid"
    assert root.use("use", number, request, PIN)[0] == "done"


# Last: the index stays locked until the chip is reset.
def test_locked_seals_do_not_sign_what_was_approved(uses, four):
    number = uses.seal(four[:1], 1)
    request = approved(uses, number, four[:1])
    uses.life.told(uses.box.manager("Lock", "s", "a stranger in the server room"))
    assert uses.refused(request, "Collect") == "Locked"
    root = Root(uses.box)
    assert root.use("use", number, request)[0] == "Locked"
