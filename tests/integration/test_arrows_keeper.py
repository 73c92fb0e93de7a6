# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every arrow: what keepers do: PINs, and Collect of a use that approvers signed for."""

import pytest
from approving import ALICE, BOB, Uses, document
from arrows import KEEPER, arrows_of, at, dying, installed, listed_arrows, look
from lifecycle import Life, blob_of, files_with
from tampering import verify

pytestmark = pytest.mark.xdist_group("test_arrows")  # see test_arrows_listed.py

# --- PINs -----------------------------------------------------------------------------------------


PINS = ("4711", "0815")


def pin_calls(life, number):
    """Accept, and ChangePin: each a call, whether it is done, and what then signs."""
    def accept():
        return life.box.seal(number, "Accept", "a{sv}", 1, "new-pin", "s", PINS[0], user=KEEPER)

    def change():
        return life.box.seal(number, "ChangePin", "vv", "s", PINS[0], "s", PINS[1], user=KEEPER)

    def signs(pin):
        return life.box.seal(number, "Sign", "aya{sv}", 32, *[7] * 32, 1, "pin", "s", pin,
                             user=KEEPER)[0] is not None

    return accept, change, signs


def pin_seal(life, name):
    number = life.seal(name, ("pin", "b", "true"), accept=False)
    assert life.state(number) == "delivered"
    return number


@pytest.mark.parametrize("what", ("accept", "change"))
def test_pin_killed_at_each_arrow_is_set_or_can_be_set_again(installed, what):
    """Never a seal whose PIN nobody knows."""
    box = installed("dual")
    life = Life(box, "dual")

    def prepared(name):
        box.ctl("start")
        number = pin_seal(life, name)
        accept, change, signs = pin_calls(life, number)
        if what == "change":
            assert accept()[0] is not None
        blob = blob_of(box, number)
        box.ctl("stop")
        return number, (accept if what == "accept" else change), signs, blob

    _number, first, _signs, _blob = prepared("first")
    arrows = arrows_of(box, first, "pin")
    assert {a for a, _n in arrows} == {"pin-changed", "pin-kept", "pin-purged", "pin-announced", "pin-replied"}
    for arrow, nth in arrows:
        number, call, signs, blob = prepared(arrow)
        with at(arrow, nth):
            with dying(box, arrow, nth):
                told, _error = call()
            assert told is None or arrow == "pin-replied"
            look(box)
            box.ctl("start")
            if arrow == "pin-changed":  # as if nothing had been
                assert life.state(number) == ("delivered" if what == "accept" else "active")
                assert what == "accept" or signs(PINS[0])
                assert files_with(box, blob)
                assert call()[0] is not None
            assert life.state(number) == "active"
            assert signs(PINS[0 if what == "accept" else 1])
            assert files_with(box, blob) == []
            box.ctl("stop")
    box.ctl("start")
    assert verify(box)["good"]
    box.ctl("stop")


# --- Collect --------------------------------------------------------------------------------------


def approved_use(uses, number, approvers, text):
    request = uses.request(number, document(text))
    uses.approve(request, *approvers)
    return request


def test_collection_killed_at_each_arrow_counts_one_use_and_gives_the_signature(installed):
    box = installed("dual")
    box.ctl("start")
    uses = Uses(Life(box, "dual"))
    approvers = uses.approvers(ALICE, BOB)
    number = uses.seal(approvers, 2)
    whole = approved_use(uses, number, approvers, "whole")
    box.ctl("stop")
    arrows = arrows_of(box, lambda: uses.collect(whole), "use")
    assert {arrow for arrow, _nth in arrows} == {name for name in listed_arrows() if name.startswith("use-")}
    for count, (arrow, nth) in enumerate(arrows, start=2):
        box.ctl("start")
        request = approved_use(uses, number, approvers, arrow)
        box.ctl("stop")
        with at(arrow, nth):
            with dying(box, arrow, nth):
                told, _error = box.request(request, "Collect", user=KEEPER)
            assert told is None or arrow == "use-replied"
            box.ctl("start")
            signature, use = uses.collect(request)
            assert box.verify(number, document(arrow), signature)
            assert told is None or (bytes(told[0]), told[1]) == (signature, use)
            assert use == uses.use_count(number) == count
            assert uses.collect(request) == (signature, use)
            assert [row["use"] for row in uses.events("use", number)] == list(range(1, count + 1))
            box.ctl("stop")
            look(box)


def test_use_that_the_chip_may_have_made_is_not_given_back_when_it_refuses_later(installed):
    box = installed("dual")
    box.ctl("start")
    uses = Uses(Life(box, "dual"))
    approvers = uses.approvers(ALICE)
    number = uses.seal(approvers, 1)
    request = approved_use(uses, number, approvers, "signed, and not kept")
    box.ctl("stop")
    with dying(box, "use-signed"):
        box.request(request, "Collect", user=KEEPER)
    box.ctl("start")
    box.pcr_extend(7)
    assert uses.refused(request, "Collect") == "MachineStateRefused"
    assert uses.use_count(number) == 1
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")
    signature, use = uses.collect(request)
    assert box.verify(number, document("signed, and not kept"), signature) and use == uses.use_count(number) == 1
    box.ctl("stop")
