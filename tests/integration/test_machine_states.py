# SPDX-License-Identifier: Apache-2.0
"""Machine states that can be retired: in one that is, the chip refuses, whoever asks and with what he kept."""

import json

import pytest
from lifecycle import dictionary
from tampering import rows
from test_revocation import QUIET, attacker, keep_register, restore_register, sign_error

from inject import COMMAND, REFUSE, Inject


@pytest.fixture
def retirable(new_sandbox):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --machine-states")
    box.seal_number = box.manager("CreateSeal", "a{sv}", *dictionary(("name", "s", "Acme")))[0][0].rsplit("/", 1)[1]
    box.seal(box.seal_number, "Accept", "a{sv}", 0)
    assert box.sign(box.seal_number)[0]
    return box


def states(box):
    """{id: retired}, newest first."""
    return {row[0]: row[4] for row in box.manager("ListMachineStates")[0][0]}


def machine(box):
    return {key: value["data"] for key, value in box.manager("GetMachineState")[0][0].items()}


def retire(box, identity, reason="a hole in its boot loader"):
    return box.manager("RetireMachineState", "ts", identity, reason)


def approve(box):
    return box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY")


def reset(box):
    """Back to the state of the first boot."""
    box.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")
    return box.manager("GetStatus")[0][0]["state"]["data"]


def test_retired_state_is_refused_by_daemon_and_chip_also_in_an_older_register(retirable):
    box, seal = retirable, retirable.seal_number
    [(first, retired)] = states(box).items()
    assert retired == 0 and machine(box)["state"] == first and machine(box)["state-bit"] == 0
    keep_register(box)
    assert attacker(box, "sign", "/run/before", seal) == "done"
    held = box.pipe(["attacker", "hold", "/run/before", seal], env=QUIET)
    assert held.line() == "prepared"
    # He who has opened the register before, and satisfies the whole policy afterwards.
    later = box.pipe(["attacker", "later", "/run/before", seal], env=QUIET)
    assert later.line() == "prepared"
    watch = box.watch()

    assert retire(box, first)[0] == []
    assert watch.signal("Attention")["body"][1] == "machine-state-retired"
    assert states(box)[first] > 0
    held.write("sign\n")
    assert held.line() == "Busy"  # the fence
    later.write("sign\n")
    assert later.line() == "MachineStateRefused"
    for _ in range(2):
        assert sign_error(box, seal) == "MachineStateRefused"
        why = box.seal_property(seal, "WhyNot")
        assert "was retired on 20" in why and "by user:root: a hole in its boot loader" in why, why
        assert attacker(box, "sign", "/run/before", seal) == "MachineStateRefused"
        box.ctl("restart")
        assert box.manager_property("State") == "unapproved"
    [row] = [row for row in rows(box) if row["event"] == "machine-state-retired"]
    assert row["reason"] == "a hole in its boot loader" and row["facts"]["id"] == first
    assert retire(box, first)[0] == []  # once more: nothing
    assert len([r for r in rows(box) if r["event"] == "machine-state-retired"]) == 1

    # The register of before calls it approved; the chip does not, and the register learns it.
    restore_register(box)
    assert sign_error(box, seal) in ("MachineStateRefused", "RegisterTampered")
    assert box.manager("AcknowledgeTampering", "sa{sv}", "put back on purpose", 0)[0] is not None
    assert sign_error(box, seal) == "MachineStateRefused"
    assert states(box)[first] > 0
    assert [r["reason"] for r in rows(box) if r["event"] == "machine-state-retired"] == [
        "found retired in the chip; the register did not know"]

    # The authority approves it anew, with another bit; the old approval stays what it is.
    approve(box)
    assert box.sign(seal)[0] and machine(box)["state-bit"] == 1
    assert attacker(box, "sign", "/run/before", seal) == "MachineStateRefused"


def test_other_states_sign_on_and_the_same_state_keeps_its_bit(retirable):
    box, seal = retirable, retirable.seal_number
    [first] = states(box)
    approve(box)
    assert machine(box)["state-bit"] == 0 and len(states(box)) == 1
    box.pcr_extend(7)
    assert sign_error(box, seal) == "MachineStateRefused"
    approve(box)
    assert box.sign(seal)[0] and machine(box)["state-bit"] == 1
    old = min(states(box))
    assert retire(box, old)[0] == []
    assert box.sign(seal)[0]
    box.ctl("restart")  # the register's key opens in the state that is left
    assert box.sign(seal)[0] and box.manager_property("State") == "ready"
    assert reset(box) == "unapproved"
    assert sign_error(box, seal) == "MachineStateRefused"
    assert "was retired" in box.seal_property(seal, "WhyNot")
    assert first >= 1


def test_index_made_again_does_not_bring_a_retired_state_back(retirable):
    box, seal = retirable, retirable.seal_number
    [first] = states(box)
    keep_register(box)
    assert retire(box, first)[0] == []
    handle = machine(box)["state-index"]
    assert attacker(box, "redefine", "/run/before", f"{handle:#010x}") == "done"
    assert attacker(box, "sign", "/run/before", seal) == "RegisterTampered"
    assert box.manager("GetStatus")[0][0]["state"]["data"] == "tampered"
    assert attacker(box, "rewrite", "/run/before", f"{handle:#010x}") == "RegisterTampered"


def test_state_approved_before_there_was_an_index_is_not_retired_and_says_why(new_sandbox):
    box = new_sandbox("--ready")
    seal = box["SEAL"]
    [first] = states(box)
    data, error = retire(box, first)
    assert data is None and "before there was a state index" in error, error
    assert box.error("/org/sealsd1", "Manager", "RetireMachineState", "ts", str(first), "x") == "InvalidState"
    assert box.error("/org/sealsd1", "Manager", "RetireMachineState", "ts", "99", "x") == "NotFound"
    box.ok("sealctl capacity extend 0 --machine-states --authority $SEAL_AUTHORITY")
    assert box.sign(seal)[0]
    approve(box)
    second = max(states(box))
    assert second != first and machine(box)["state-bit"] == 0
    data, error = retire(box, second)
    assert data is None and f"number {first}" in error, error
    box.pcr_extend(7)  # another state, approved since
    approve(box)
    assert box.sign(seal)[0]
    assert retire(box, max(states(box)))[0] == []
    assert sign_error(box, seal) == "MachineStateRefused"
    assert reset(box) == "ready" and box.sign(seal)[0]


def test_every_step_of_retiring_that_fails_is_told_and_the_next_call_retires(new_sandbox, tmp_path):
    box = new_sandbox("--tcti", "swtpm", inject=Inject(tmp_path / "control"))
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --machine-states")
    seal = box.manager("CreateSeal", "a{sv}", *dictionary(("name", "s", "Acme")))[0][0].rsplit("/", 1)[1]
    box.seal(seal, "Accept", "a{sv}", 0)
    with box.inject.counting() as codes:
        assert retire(box, max(states(box)))[0] == []
    for nth in range(1, len(codes) + 1, 2):
        approve(box)
        assert box.sign(seal)[0]
        newest = max(states(box))
        box.inject.arm(COMMAND, nth=nth, how=REFUSE, code=0x902)
        data, error = retire(box, newest)
        box.inject.disarm()
        assert data == [] or "TPM" in error, (nth, error)
        assert retire(box, newest)[0] == []
        assert states(box)[newest] > 0 and sign_error(box, seal) == "MachineStateRefused", nth


def test_resident_authority_retires_too(bare):
    bare.write("passphrase", "correct horse")
    bare.ok("sealctl init --resident --passphrase-file /run/test/passphrase --separation single --machine-states")
    [first] = states(bare)
    assert retire(bare, first)[0] == []
    assert bare.manager("GetStatus")[0][0]["state"]["data"] == "unapproved"
    bare.ok("sealctl machine-state approve --resident --passphrase-file /run/test/passphrase")
    assert bare.manager("GetStatus")[0][0]["state"]["data"] == "ready"
    assert machine(bare)["state-bit"] == 1


def test_lock_leaves_the_register_to_open_and_states_to_be_retired(retirable):
    box = retirable
    assert box.manager("Lock", "s", "fire")[0] == []
    box.ctl("restart")
    assert box.manager_property("State") == "locked"
    assert json.loads(box.seal(box.seal_number, "Describe")[0][0])["name"] == "Acme"
    assert retire(box, max(states(box)))[0] == []


def test_sealctl_lists_and_retires(retirable):
    box = retirable
    [first] = states(box)
    listed = json.loads(box.ok("sealctl --json machine-state list"))
    assert [(s["id"], s["profile"], s["by"], s["in-force"], s["retired"]) for s in listed] == [
        (first, "default", "user:root", True, 0)]
    assert "IN FORCE" in box.ok("sealctl machine-state list")
    assert box.run(f"sealctl machine-state retire {first} old </dev/null").status == 2
    assert "RETIRED" in box.ok("sealctl status")
    assert "\nNext: 'sealctl machine-state show'" in box.ok(f"sealctl --yes machine-state retire {first} old")
    assert json.loads(box.ok("sealctl --json machine-state list"))[0]["retired"] > 0
    done = box.run("sealctl machine-state show")
    assert done.status == 7 and "is retired" in done.stdout and "why the values" not in done.stdout, done
    done = box.run("sealctl --yes machine-state retire 99 old")
    assert done.status == 4 and "machine-state list" in done.stderr, done


def test_authority_with_plain_openssl_signs_what_is_computed_from_the_documented_terms(retirable):
    box = retirable
    box.pcr_extend(7)
    state = machine(box)
    box.write("to-sign", bytes(state["to-sign"]))
    box.ok("cd /run/test; openssl dgst -sha256 -sign $SEAL_AUTHORITY -out sig to-sign; "
           "sealctl machine-state approve --signature sig")
    assert box.sign(box.seal_number)[0]
