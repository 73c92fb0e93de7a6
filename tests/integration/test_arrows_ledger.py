# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every arrow: anchors of the ledger, acknowledgement, and what is adopted."""

import pytest
from arrows import Mode, arrows_of, at, dying, look, make_active
from tampering import check_acknowledged, check_found, rows, verify

pytestmark = pytest.mark.xdist_group("test_arrows")  # see test_arrows_listed.py


def finish_anchor(box, number):
    """From whatever the death has left: sound, anchored, signed by the chip, and it signs."""
    look(box)
    box.ctl("start")
    assert box.manager_property("State") == "ready"
    report = verify(box)
    assert report["good"], report
    assert report["checkpoint"] >= report["last"]
    assert box.sign(number)[0]
    box.ctl("stop")


def test_anchor_killed_at_each_arrow_is_finished(sandbox):
    number = sandbox["SEAL"]
    sandbox.ctl("stop")
    arrows = {arrow for arrow, _ in arrows_of(sandbox, lambda: sandbox.make_seal("Anchored"), "anchor")}
    assert arrows == {"anchor-written", "anchor-extended", "anchor-marked"}
    for arrow in sorted(arrows):  # how many there are is a matter of what falls together
        with at(arrow):
            with dying(sandbox, arrow):
                sandbox.run("sealctl apply --name Another --keeper user:root || true", "seal-applicant")
                sandbox.manager("VerifyLedger")
            finish_anchor(sandbox, number)


def test_acknowledgement_killed_before_the_chain_goes_on_is_asked_for_again(sandbox):
    sandbox.ctl("stop")
    sandbox.ok("cp -a $SEALSD_STATE /run/before")
    sandbox.ctl("start")
    sandbox.make_seal("Later")
    sandbox.ctl("stop")
    sandbox.ok("rm -rf $SEALSD_STATE/* && cp -a /run/before/. $SEALSD_STATE/")
    with dying(sandbox, "tampering-acknowledged"):
        sandbox.manager("AcknowledgeTampering", "sa{sv}", "the first time", 0)
    sandbox.ctl("start")
    check_found(sandbox, "chip")
    check_acknowledged(sandbox)


def test_register_key_killed_when_it_is_sealed_is_sealed_by_the_next_try(bare):
    bare.ctl("stop")
    mode = Mode(bare, "external", "dual")
    with dying(bare, "key-sealed"):
        mode.initialize()
    bare.ctl("start")
    mode.go_on()
    assert mode.state() == "ready"
    make_active(bare, "dual", "with the second key")
    assert bare.manager("GetStatus")[0][0]["key-memory"]["data"]


# An installation as it was before there was a ledger: the chip has the genesis, the register no key.
BEFORE_THE_LEDGER = """
DELETE FROM ledger; DELETE FROM guard; DELETE FROM anchor; DELETE FROM checkpoint;
UPDATE installation SET register_public = x'', register_private = x'';
"""


def test_register_from_before_the_ledger_is_adopted_and_its_key_survives_a_death(bare):
    bare.ctl("stop")
    mode = Mode(bare, "external", "dual")
    with dying(bare, "init-completed"):
        mode.initialize()
    bare.ok(["/usr/bin/python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])",
             bare["SEALSD_STATE"] + "/register.db", BEFORE_THE_LEDGER])
    with dying(bare, "key-kept"):
        pass
    bare.ctl("start")
    assert mode.state() == "ready"
    make_active(bare, "dual", "in the adopted register")
    assert rows(bare)[0]["event"] == "adopted"
    assert verify(bare)["good"]
    assert bare.manager("GetStatus")[0][0]["key-memory"]["data"]
