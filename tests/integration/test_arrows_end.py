# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every arrow: Revoke and its list, Lock, Destroy, and a machine state that is retired."""

import json

import pytest
from arrows import (BORN, KEEPER, PAID, arrows_of, at, attack, dying, installed, look, prepare_revocation, revocable,
                    sign_error)
from certificates import certificates, entries, revocation_list, serial
from lifecycle import Life, blob_of, files_with
from tampering import verify

pytestmark = pytest.mark.xdist_group("test_arrows")  # see test_arrows_listed.py

# --- Revoke ---------------------------------------------------------------------------------------


def finish_revoke(box, number, held):
    """From whatever the death has left: revoked, without anybody's asking."""
    box.ctl("start")
    assert sign_error(box, number) == "Revoked"
    assert box.seal_property(number, "State") == "revoked"
    box.ok(["/usr/bin/python3", "-c", PAID, number])
    assert attack(box, number) == "Revoked"
    held.write("sign\n")
    assert held.line() == "Busy"  # what the fence's TPM_RC_PCR_CHANGED is translated to
    assert held.wait() == 1
    assert sign_error(box, number) == "Revoked"
    box.ctl("stop")
    [row] = [s for s in look(box)["seals"] if s["number"] == number]
    assert (row["state"], row["revocation_pending"]) == ("revoked", 0)


@pytest.mark.parametrize("separation", BORN)
def test_revoke_killed_at_each_arrow_is_finished(installed, separation):
    box = installed(separation)
    [first] = revocable(box, ["first"], separation)
    arrows = arrows_of(box, lambda: box.seal(first, "Revoke", "s", "over"), "revoke")
    for (arrow, nth), number in zip(arrows, revocable(box, [f"{a} {n}" for a, n in arrows], separation)):
        held = prepare_revocation(box, number)
        with at(arrow, nth):
            with dying(box, arrow, nth):
                told, _error = box.seal(number, "Revoke", "s", "over", user="seal-admin")
            assert told is None or arrow == "revoke-replied"
            finish_revoke(box, number, held)


def test_revocation_owed_to_the_chip_killed_at_each_arrow_again_is_finished(installed):
    box = installed("single")
    arrows = ("revoke-bit-set", "revoke-fenced", "revoke-settled")
    for arrow, number in zip(arrows, revocable(box, arrows)):
        held = prepare_revocation(box, number)
        with at(arrow):
            with dying(box, "revoke-marked"):
                box.seal(number, "Revoke", "s", "over")
            assert attack(box, number) == "done"  # the bit is owed
            with dying(box, arrow):
                pass
            finish_revoke(box, number, held)


def test_revocation_found_in_the_chip_killed_at_each_arrow_is_finished(installed):
    """The register was put back: the daemon dies while it learns of the revocation."""
    box = installed("single")
    arrows = ("revoke-marked", "revoke-announced", "revoke-bit-set")
    for arrow, number in zip(arrows, revocable(box, arrows)):
        box.ok("rm -rf /run/before && cp -a $SEALSD_STATE /run/before")
        box.ctl("start")
        assert box.seal(number, "Revoke", "s", "over")[0] is not None
        box.ctl("stop")
        box.ok("rm -rf $SEALSD_STATE/* && cp -a /run/before/. $SEALSD_STATE/")
        with at(arrow):
            with dying(box, arrow):
                pass
            box.ctl("start")
            assert sign_error(box, number) == "Revoked"
            box.ok(["/usr/bin/python3", "-c", PAID, number])
            box.ctl("stop")
            look(box)


def wait_stopped(box):
    """Until the daemon is held (SIGSTOP)."""
    box.ok("pid=$($SEALSD_CTL pid); for i in $(seq 3000); do "
           "[[ $(ps -o state= $pid) != T ]] || exit 0; sleep 0.01; done; exit 1")


@pytest.mark.parametrize("arrow", ("revoke-bit-set", "revoke-fenced", "revoke-marked",
                                   "revoke-announced", "revoke-settled"))
def test_revoke_on_a_full_disk_killed_at_each_arrow_is_finished(installed, arrow):
    """The mark cannot be written before the bit is set, and catches up where there is room again."""
    box = installed("single")
    [number] = revocable(box, [arrow])
    held = prepare_revocation(box, number)
    box.ok("mount -t tmpfs -o size=600k,mode=0700 full $SEALSD_STATE && cp -a /run/before/. "
           "$SEALSD_STATE/ && chown -R sealsd:sealsd $SEALSD_STATE")
    with dying(box, arrow, hold="--hold revoke-bit-set"):
        assert box.sign(number, user=KEEPER)[0]  # what the journal has room for is used up after this
        box.ok("head -c 1M /dev/zero > $SEALSD_STATE/filler || true")
        revoke = box.start(["busctl", "call", "--timeout=60", "--", "org.sealsd1",
                            f"/org/sealsd1/seal/{number}", "org.sealsd1.Seal", "Revoke", "s", "over"])
        wait_stopped(box)
        box.ok("rm $SEALSD_STATE/filler && kill -CONT $($SEALSD_CTL pid)")
        assert box.finish(revoke).status != 0
    finish_revoke(box, number, held)


# --- its list -------------------------------------------------------------------------------------


def listed(box, number):
    return serial(box, certificates(box, number)[0]) in entries(box, revocation_list(box))


def test_list_killed_at_each_arrow_is_issued_by_the_next_start(installed):
    box = installed("single")
    [first] = revocable(box, ["first"])
    arrows = arrows_of(box, lambda: box.seal(first, "Revoke", "s", "over"), "crl")
    assert {arrow for arrow, _nth in arrows} == {"crl-signed", "crl-kept", "crl-filed"}
    for (arrow, nth), number in zip(arrows, revocable(box, [arrow for arrow, _nth in arrows])):
        with at(arrow, nth):
            with dying(box, arrow, nth):
                told, _error = box.seal(number, "Revoke", "s", "over")
            assert told is None
            look(box)
            box.ctl("start")
            box.ok("for i in $(seq 600); do sealctl --json inspect | grep -q crl-owed || exit 0; sleep 0.05; "
                   "done; exit 1")
            assert listed(box, number) and listed(box, first)
            assert box.run("cat $SEALSD_CRL/maker-ecdsa-p256.crl").bytes == revocation_list(box)
            assert box.seal(number, "Revoke", "s", "over")[0] is not None
            assert verify(box)["good"]
            box.ctl("stop")


# --- Lock -----------------------------------------------------------------------------------------


def start_locked_chip_anew(box):
    """The daemon is stopped after it."""
    box.ctl("stop")
    box.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")


def finish_lock(box, number, held):
    """From whatever the death has left: the daemon refuses at once, the next Lock does the rest."""
    box.ctl("start")
    assert box.manager_property("State") == "locked" and sign_error(box, number) == "Locked"
    known = json.loads(box.manager("ReadLedger", "a{sv}", 1, "event", "s", "locked")[0][0][-1])
    assert known["reason"] in ("fire", "found locked in the chip")
    assert box.manager("Lock", "s", "again")[0] is not None
    assert attack(box, number) == "Locked"
    held.write("sign\n")
    assert held.line() == "Busy"
    start_locked_chip_anew(box)
    look(box)
    box.ctl("start")
    assert box.manager_property("State") == "ready" and box.sign(number, user=KEEPER)[0]
    box.ctl("stop")


def test_lock_killed_at_each_arrow_is_finished_by_the_next(bare):
    """Of two indices, so that one death is between them."""
    bare.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --capacity 126")
    bare.ctl("stop")
    [number] = revocable(bare, ["first"])
    arrows = arrows_of(bare, lambda: bare.manager("Lock", "s", "fire"), "lock")
    assert ("lock-index-locked", 2) in arrows
    for arrow, nth in arrows:
        start_locked_chip_anew(bare)
        bare.ctl("start")  # the ledger knows of the end
        bare.ctl("stop")
        held = prepare_revocation(bare, number)
        with at(arrow, nth):
            with dying(bare, arrow, nth):
                told, _error = bare.manager("Lock", "s", "fire")
            assert told is None or arrow == "lock-replied"
            finish_lock(bare, number, held)


# --- machine states -------------------------------------------------------------------------------


def test_retiring_killed_at_each_arrow_is_finished_by_the_next_start(bare):
    bare.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --machine-states")
    bare.ctl("stop")
    [number] = revocable(bare, ["first"])

    def newest():
        return max(row[0] for row in bare.manager("ListMachineStates")[0][0])

    arrows = arrows_of(bare, lambda: bare.manager("RetireMachineState", "ts", newest(), "old"), "retire")
    assert len(arrows) == 4
    for arrow, nth in arrows:
        bare.ctl("start")
        bare.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY")
        assert bare.sign(number, user=KEEPER)[0]
        bare.ctl("stop")
        held = prepare_revocation(bare, number)
        with at(arrow, nth):
            with dying(bare, arrow, nth):
                told, _error = bare.manager("RetireMachineState", "ts", newest(), "old")
            assert told is None or arrow == "retire-replied"
            bare.ctl("start")
            assert sign_error(bare, number) == "MachineStateRefused"
            bare.ok("for i in $(seq 600); do sealctl --json machine-state list | grep -q '\"retired\": 0' "
                    "|| exit 0; sleep 0.05; done; exit 1")
            held.write("sign\n")
            assert held.line() == "Busy"
            bare.ctl("stop")
            look(bare)


# --- Destroy --------------------------------------------------------------------------------------


def destroyable(box, separation, names):
    """Revoked seals and the records that have their keys; the daemon has stopped."""
    found = []
    for number in revocable(box, names, separation):
        box.ctl("start")
        assert box.seal(number, "Revoke", "s", "over", user="seal-admin")[0] is not None
        found.append((number, blob_of(box, number)))
        box.ctl("stop")
    return found


def finish_destroy(box, number, blob, go_on):
    """From whatever the death has left: destroyed, its key nowhere, its record whole."""
    box.ctl("start")
    state = box.seal_property(number, "State", "seal-auditor")
    if state != "destroyed":
        assert state == "revoked" and files_with(box, blob)
        go_on()
        assert box.seal_property(number, "State", "seal-auditor") == "destroyed"
    assert files_with(box, blob) == []
    assert json.loads(box.seal(number, "Describe", user="seal-auditor")[0][0])["public-key"]
    assert box.error(f"/org/sealsd1/seal/{number}", "Seal", "Describe", user=KEEPER) == "UnknownObject"
    box.ctl("stop")
    look(box)


@pytest.mark.parametrize("separation", BORN)
def test_destroy_killed_at_each_arrow_is_finished_or_can_be_done_again(installed, separation):
    box = installed(separation)
    [(first, _blob)] = destroyable(box, separation, ["first"])
    arrows = arrows_of(box, lambda: box.seal(first, "Destroy", "s", "gone"), "destroy")
    for (arrow, nth), (number, blob) in zip(arrows, destroyable(box, separation, [a for a, _n in arrows])):
        with at(arrow, nth):
            with dying(box, arrow, nth):
                told, _error = box.seal(number, "Destroy", "s", "gone")
            assert told is None or arrow == "destroy-replied"
            finish_destroy(box, number, blob, lambda: box.seal(number, "Destroy", "s", "gone"))


def test_destroy_by_request_killed_at_each_arrow_is_finished_with_its_request(installed):
    box = installed("dual")
    life = Life(box, "dual")
    [(first, _blob)] = destroyable(box, "dual", ["first"])
    box.ctl("start")
    request = life.apply(first, "destroy")
    box.ctl("stop")
    arrows = arrows_of(box, lambda: life.approve(request), "(?:decide|destroy)")
    for (arrow, nth), (number, blob) in zip(arrows, destroyable(box, "dual", [a for a, _n in arrows])):
        box.ctl("start")
        request = life.apply(number, "destroy")
        box.ctl("stop")
        with at(arrow, nth):
            with dying(box, arrow, nth):
                box.request(request, "Approve", "sa{sv}", "seen", 0, user="seal-reviewer")

            def go_on():
                state = life.request(request, "State")
                assert state == ("applied" if arrow == "decide-written" else "approved")
                life.told(life.box.request(request, "Make", user="seal-reviewer")
                          if state == "approved" else (life.approve(request), ""))

            finish_destroy(box, number, blob, go_on)
            box.ctl("start")
            assert life.request(request, "State") == "completed"
            box.ctl("stop")
