# SPDX-License-Identifier: Apache-2.0
"""Lock: until the next boot no seal signs, whoever asks the chip, and what was prepared before neither."""

import json

import pytest
from lifecycle import dictionary
from tampering import rows
from test_revocation import QUIET, attacker, index_of, keep_register, sign_error

from inject import COMMAND, REFUSE

NV_READ_LOCK, PCR_EVENT = 0x14F, 0x13C
NV_UNAVAILABLE = 0x923


def lock(box, reason="a stranger in the server room", user=None):
    return box.manager("Lock", "s", reason, user=user)


def locked(box):
    """The rows about it, oldest first."""
    return [row for row in rows(box) if row["event"] in ("locked", "lock-ended")]


def readlocked(box):
    """How many indices of the chip are."""
    return box.ok("tpm2_nvreadpublic | grep -c readlocked || true").strip()


def state(box):
    """After a look at the chip."""
    return box.manager("GetStatus")[0][0]["state"]["data"]


def prepare(box, number):
    held = box.pipe(["attacker", "hold", "/run/before", number], env=QUIET)
    assert held.line() == "prepared"
    return held


def check_nothing_signs(box, number):
    assert sign_error(box, number) == "Locked"
    assert box.seal_property(number, "WhyNot").startswith("Locked: ")
    assert attacker(box, "sign", "/run/before", number) == "Locked"


def test_locked_seals_are_refused_by_everybody_until_the_next_boot(sandbox):
    seal, other = sandbox["SEAL"], sandbox.make_seal("Other")
    keep_register(sandbox)
    assert sandbox.sign(seal)[0]  # its key and sessions are kept
    assert attacker(sandbox, "sign", "/run/before", seal) == "done"
    held = prepare(sandbox, seal)

    assert lock(sandbox)[0] == []
    assert sandbox.manager_property("State") == "locked"
    check_nothing_signs(sandbox, seal)
    held.write("sign\n")
    assert held.line() == "Busy"  # what the fence's TPM_RC_PCR_CHANGED is translated to
    assert held.wait() == 1
    sandbox.ctl("restart")
    assert sandbox.manager_property("State") == "locked"
    check_nothing_signs(sandbox, seal)

    # Taking a right away works all the same; the bit is there after the boot.
    assert sandbox.seal(other, "Revoke", "s", "theft", user="seal-admin")[0] is not None
    assert sandbox.seal(other, "Destroy", "s", "gone")[0] is not None
    assert lock(sandbox, "to be sure")[0] == []
    sandbox.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")
    assert state(sandbox) == "ready"
    assert sandbox.sign(seal)[0]
    assert attacker(sandbox, "sign", "/run/before", other) == "Revoked"
    told = locked(sandbox)
    assert [(row["event"], row.get("subject"), row["reason"]) for row in told] == [
        ("locked", "user:root", "a stranger in the server room"), ("locked", "user:root", "to be sure"),
        ("lock-ended", None, "found unlocked in the chip")]
    assert told[0]["facts"] == {"indices": 2, "locked": 2} and "result" not in told[0]


def test_lock_is_kept_over_suspend_and_ended_by_hibernation(sandbox):
    keep_register(sandbox)
    assert lock(sandbox)[0] == []
    sandbox.ok("$SEALSD_TPM_CTL suspend && $SEALSD_TPM_CTL resume")
    assert state(sandbox) == "locked"
    check_nothing_signs(sandbox, sandbox["SEAL"])
    assert lock(sandbox)[0] == []
    sandbox.ok("$SEALSD_TPM_CTL suspend && $SEALSD_TPM_CTL start")  # TPM Restart
    assert state(sandbox) == "ready"
    assert sandbox.sign(sandbox["SEAL"])[0]
    assert [row["event"] for row in locked(sandbox)] == ["locked", "locked", "lock-ended"]


def test_lock_that_ended_while_the_daemon_was_away_is_noticed(sandbox):
    assert lock(sandbox)[0] == []
    sandbox.ctl("stop")
    sandbox.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")
    sandbox.ctl("start")
    assert sandbox.manager_property("State") == "ready"
    assert sandbox.sign(sandbox["SEAL"])[0]
    assert [row["event"] for row in locked(sandbox)] == ["locked", "lock-ended"]


def test_machine_in_another_state_and_a_closed_register_are_locked_too(sandbox):
    keep_register(sandbox)
    sandbox.pcr_extend(7)
    sandbox.ctl("restart")  # without the register's key
    assert sandbox.manager_property("State") == "unapproved"
    assert lock(sandbox)[0] == []
    assert state(sandbox) == "locked" and readlocked(sandbox) == "2"
    sandbox.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")
    assert state(sandbox) == "ready"
    assert sandbox.sign(sandbox["SEAL"])[0]


def test_seals_that_root_locked_with_tools_are_recorded_as_found(sandbox):
    watch = sandbox.watch()
    handle = index_of(sandbox, sandbox["SEAL"])
    sandbox.ok("auth=$(/usr/bin/python3 -c \"import sqlite3, os; print(sqlite3.connect("
               "os.environ['SEALSD_STATE'] + '/register.db').execute(\\\"SELECT hex(auth) FROM nv_index "
               f"WHERE kind = 'revocation'\\\").fetchone()[0])\"); tpm2_nvreadlock -C {handle} "
               f"-P hex:$auth {handle}")
    assert sign_error(sandbox, sandbox["SEAL"]) == "Locked"
    assert state(sandbox) == "locked"
    assert watch.signal("Attention")["body"][1] == "locked-found"
    sandbox.ctl("restart")
    [row] = locked(sandbox)  # once, also over a restart
    assert row["reason"] == "found locked in the chip" and "subject" not in row
    assert lock(sandbox)[0] == []
    assert [row.get("subject") for row in locked(sandbox)] == [None, "user:root"]


def two_indices(box):
    box.ok("sealctl init --authority $SEAL_AUTHORITY --capacity 126")
    number = box.make_seal()
    box.ctl("stop")
    box.ok("rm -rf /run/before && cp -a $SEALSD_STATE /run/before")
    box.ctl("start")
    assert box.sign(number)[0]
    return number


def test_chip_error_between_two_indices_is_told_and_finished_by_the_next_lock(new_sandbox, tmp_path):
    from inject import Inject
    box = new_sandbox(inject=Inject(tmp_path / "control"))
    number = two_indices(box)
    watch = box.watch()
    box.inject.arm(COMMAND, nth=2, only=NV_READ_LOCK, how=REFUSE, code=NV_UNAVAILABLE)
    data, error = lock(box)
    box.inject.disarm()
    assert data is None and "only 1 of 2 revocation indices" in error and "Lock again" in error, error
    assert readlocked(box) == "1"
    assert state(box) == "locked" and sign_error(box, number) == "Locked"
    assert watch.signal("Attention")["body"][1] == "locked-in-part"
    assert lock(box, "again")[0] == []
    assert readlocked(box) == "2"
    check_nothing_signs(box, number)
    first, second = locked(box)
    assert first["result"] == "Busy" and first["facts"] == {"indices": 2, "locked": 1}
    assert "result" not in second and second["facts"] == {"indices": 2, "locked": 2}

    # Nothing at all was locked: said so, and seals sign on.
    box.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")
    assert state(box) == "ready"
    box.inject.arm(COMMAND, only=NV_READ_LOCK, how=REFUSE, code=NV_UNAVAILABLE, lasting=True)
    data, error = lock(box)
    box.inject.disarm()
    assert data is None and "No seal is locked" in error, error
    assert readlocked(box) == "0" and state(box) == "ready" and box.sign(number)[0]
    assert len(locked(box)) == 3

    # Locked and not fenced: a session of before would sign once.
    held = prepare(box, number)
    box.inject.arm(COMMAND, only=PCR_EVENT, how=REFUSE, code=NV_UNAVAILABLE)
    data, error = lock(box)
    box.inject.disarm()
    assert data is None and "may still sign once" in error, error
    assert lock(box)[0] == []
    held.write("sign\n")
    assert held.line() == "Busy"


@pytest.mark.parametrize("how", ("disk full", "no chip"))
def test_lock_that_could_not_be_recorded_or_done_says_which(sandbox, how):
    if how == "no chip":
        sandbox.ok("$SEALSD_TPM_CTL stop")
        data, error = lock(sandbox)
        assert data is None and "No seal is locked" in error, error
        return
    sandbox.ctl("stop")
    sandbox.ok("cp -a $SEALSD_STATE /run/before; mount -t tmpfs -o size=700k,mode=0700 full $SEALSD_STATE "
               "&& cp -a /run/before/. $SEALSD_STATE/ && chown -R sealsd:sealsd $SEALSD_STATE")
    sandbox.ctl("start")
    sandbox.ok("head -c 1M /dev/zero > $SEALSD_STATE/filler || true")
    data, error = lock(sandbox)
    assert data is None and "could not be recorded" in error, error
    assert readlocked(sandbox) == "2" and sign_error(sandbox, sandbox["SEAL"]) == "Locked"
    sandbox.ok("rm $SEALSD_STATE/filler")
    assert lock(sandbox)[0] == []
    assert locked(sandbox)[-1]["reason"] == "a stranger in the server room"


def test_signatures_that_wait_are_answered_locked(sandbox):
    count = 2000
    many = sandbox.start(["busctl", "call", "--timeout=120", "--", "org.sealsd1",
                          f"/org/sealsd1/seal/{sandbox['SEAL']}", "org.sealsd1.Seal", "SignMany",
                          "aaya{sv}", count, *[word for _ in range(count) for word in (32, *[7] * 32)], 0])
    progress = sandbox.watch()
    progress.signal("Progress")
    assert lock(sandbox)[0] == []
    done = sandbox.finish(many)
    assert done.status != 0 and "ocked" in done.stderr, done


def test_every_step_of_lock_that_fails_is_told_and_the_next_call_locks(direct):
    """What follows ends with a TPM Reset, which needs the daemon away where there is no broker."""
    with direct.inject.counting() as codes:
        assert lock(direct)[0] == []
    total = len(codes)
    assert total >= 6
    for nth in range(1, total + 1):
        direct.ctl("stop")
        direct.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")
        direct.ctl("start")
        assert direct.sign(direct["SEAL"])[0]
        direct.inject.arm(COMMAND, nth=nth, how=REFUSE, code=0x902)
        data, error = lock(direct)
        direct.inject.disarm()
        assert data == [] or "Lock again" in error or "No seal is locked" in error, (nth, error)
        assert lock(direct)[0] == []
        assert sign_error(direct, direct["SEAL"]) == "Locked", nth


def test_sealctl_lock_asks_and_says_what_ends_it(sandbox):
    assert sandbox.run("sealctl lock --reason fire </dev/null").status == 2
    assert sandbox.run("sealctl --yes lock").status == 2
    assert sandbox.run("sealctl --yes lock --reason fire", user="seal-applicant").status == 3
    assert sandbox.manager_property("State") == "ready"
    assert "starting the machine anew" in sandbox.ok("sealctl lock --yes --reason fire")
    done = sandbox.run("sealctl --json --yes lock --reason fire")
    assert done.status == 0 and json.loads(done.stdout), done
    assert "locked (restart the machine" in sandbox.ok("sealctl status") or \
        "locked" in sandbox.ok("sealctl status")
    done = sandbox.run("echo x | sealctl sign $SEAL -")
    assert done.status in (2, 7), done


def test_new_index_of_an_extension_is_found_unlocked_until_the_next_lock(bare):
    bare.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --capacity 62")
    assert lock(bare)[0] == []
    watch = bare.watch()
    assert bare.manager("ExtendCapacity", "ua{sv}", 64, *dictionary())[0] is not None
    bare.ok("sealctl authority answer --key $SEAL_AUTHORITY")
    assert state(bare) == "locked"
    assert watch.signal("Attention")["body"][1] == "locked-in-part"
    assert lock(bare)[0] == [] and readlocked(bare) == "2"
