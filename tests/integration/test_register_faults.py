# SPDX-License-Identifier: Apache-2.0
"""The register's disk full, read-only, locked, damaged, of a newer version: said by name, nothing lost."""

import pytest

DB = "$SEALSD_STATE/register.db"
PASSPHRASE = ["passphrase", "s", "correct horse"]
FULL, LOCKED = "The disk is full", "holds the register locked"

# strace lets the files answer as those of a file system that the kernel turned read-only, which it
# only does by itself, after an error of the disk.
READ_ONLY = "strace -f -o /dev/null -e trace=pwrite64,fdatasync,ftruncate -e inject=pwrite64:error=EROFS"


def start_small(box):
    """The daemon on a register whose disk is a small one of its own."""
    box.ctl("stop")
    box.ok("cp -a $SEALSD_STATE /run/before;"
           "mount -t tmpfs -o size=2m,mode=0700 small $SEALSD_STATE;"
           "cp -a /run/before/. $SEALSD_STATE/; chown -R sealsd:sealsd $SEALSD_STATE")
    box.ctl("start")


def fill(box, leave=0):
    """Take all pages of the small disk but so many; again where the daemon took some meanwhile."""
    box.ok(f"""for i in $(seq 50); do
        rm -f $SEALSD_STATE/filler; pages=$(stat -f -c %a $SEALSD_STATE)
        head -c $(((pages - {leave}) * 4096)) /dev/zero > $SEALSD_STATE/filler 2> /dev/null && exit 0
        sleep 0.1
    done; exit 1""")


def free(box):
    box.ok("rm -f $SEALSD_STATE/filler")


def call(box, path, interface, member, *arguments, user=None):
    """(error name or "ok", the error's text)"""
    done = box.run(["/usr/bin/python3", box.call_error, path, f"org.sealsd1.{interface}", member,
                    *[str(a) for a in arguments]], user)
    assert done.status == 0, done
    return done.stdout.strip(), done.stderr.strip()


def manager(box, member, *arguments, user=None):
    return call(box, "/org/sealsd1", "Manager", member, *arguments, user=user)


def request(box, number, member, *arguments, user=None):
    return call(box, f"/org/sealsd1/request/{number}", "Request", member, *arguments, user=user)


def seal_call(box, number, member, *arguments, user=None):
    return call(box, f"/org/sealsd1/seal/{number}", "Seal", member, *arguments, user=user)


def sign(box, seal):
    return seal_call(box, seal, "Sign", "aya{sv}", 32, *[7] * 32, 0)


def assert_failed(answer, says):
    assert answer[0] == "StorageFailure" and says in answer[1], answer


def apply(box, name):
    data, error = box.manager("Apply", "a{sv}", 2, "name", "s", name, "keepers", "as", 1,
                              "user:root", user=box["SEAL_APPLICANT"])
    assert data, error
    return data[0].rsplit("/", 1)[1]


def request_state(box, number):
    return box.property(f"/org/sealsd1/request/{number}", "Request", "State")


def numbers(box):
    data, error = box.manager("ListSeals", "a{sv}", 0)
    assert data is not None, error
    return [row[0] for row in data[0]]


def capacity_used(box):
    return box.manager("GetStatus")[0][0]["capacity-used"]["data"]


def chip_says(box, seal):
    """To one who signs past the daemon, with the register as it was."""
    return box.run(["attacker", "sign", "/run/before", seal]).stdout.strip()


def start_by_hand(box):
    """(status, what it says) of a daemon that is expected not to start."""
    done = box.run(["sealsd", "--config", box["SEALSD_CONF"]], "sealsd", groups="--groups=tss",
                   timeout=20)
    return done.status, done.stderr


def resident(box):
    data, error = box.manager("Initialize", "a{sv}", 1, *PASSPHRASE)
    assert data, error


# --- a full disk ----------------------------------------------------------------------------------

def test_full_disk_refuses_what_would_be_written_and_loses_nothing(bare):
    box = bare
    resident(box)
    seal = box.make_seal("First")
    start_small(box)
    pid = box.ctl("pid")
    applicant, reviewer = box["SEAL_APPLICANT"], box["SEAL_REVIEWER"]
    waiting = apply(box, "Waiting")
    before = capacity_used(box)
    fill(box)

    assert_failed(manager(box, "Apply", "a{sv}", 1, "name", "s", "x", user=applicant), FULL)
    assert_failed(request(box, waiting, "Approve", "sa{sv}", "", 0, user=reviewer), FULL)
    assert_failed(request(box, waiting, "Reject", "s", "no", user=reviewer), FULL)
    assert_failed(request(box, waiting, "Cancel", "s", "no", user=applicant), FULL)
    assert_failed(sign(box, seal), FULL)
    assert_failed(manager(box, "ApproveMachineState", "a{sv}", 1, *PASSPHRASE), FULL)
    assert box.seal_property(seal, "WhyNot") == ""
    assert box.manager_property("State") == "ready"

    free(box)
    assert request_state(box, waiting) == "applied"
    assert box.seal_property(seal, "UseCount") == 0
    assert capacity_used(box) == before
    assert len(box.manager("ListRequests", "a{sv}", 0)[0][0]) == 2
    assert manager(box, "ApproveMachineState", "a{sv}", 1, *PASSPHRASE) == ("ok", "")
    assert box.sign(seal)[1] == 1
    assert request(box, waiting, "Approve", "sa{sv}", "", 0, user=reviewer) == ("ok", "")
    made = box.property(f"/org/sealsd1/request/{waiting}", "Request", "Seal")
    assert numbers(box) == [seal, made]
    assert seal_call(box, made, "Accept", "a{sv}", 0) == ("ok", "")
    assert sign(box, made) == ("ok", "")
    assert box.ctl("pid") == pid


def test_full_disk_leaves_a_seal_on_its_way_where_it_was(new_sandbox):
    """Strict: filed, delivered and accepted by people, each once there is room."""
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation strict")
    start_small(box)
    waiting = apply(box, "Waiting")
    maker, admin = box["SEAL_MAKER"], box["SEAL_ADMIN"]
    assert request(box, waiting, "Approve", "sa{sv}", "", 0, user=box["SEAL_REVIEWER"]) == ("ok", "")
    seal = None

    def step(state, path, *arguments, user=None):
        fill(box)
        assert_failed(call(box, path(), *arguments, user=user), FULL)
        assert seal is None or box.seal_property(seal, "State") == state
        free(box)
        assert call(box, path(), *arguments, user=user) == ("ok", "")

    step(None, lambda: f"/org/sealsd1/request/{waiting}", "Request", "Make", user=maker)
    [seal] = numbers(box)
    at = lambda: f"/org/sealsd1/seal/{seal}"  # noqa: E731
    step("made", at, "Seal", "RecordFiling", "a{sv}", 1, "filing-number", "s", "7", user=admin)
    step("filed", at, "Seal", "Deliver", "s", "user:root", user=admin)
    step("delivered", at, "Seal", "Accept", "a{sv}", 0)
    assert sign(box, seal) == ("ok", "")


def test_disk_that_fills_while_the_key_is_made_leaves_a_request_to_make_again(sandbox):
    """It used to stay in the making until the next look at the chip, a minute later."""
    box = sandbox
    start_small(box)
    waiting = apply(box, "Waiting")
    box.ok("kill -STOP $(cat /run/sealsd-sandbox/swtpm.pid)")
    approve = box.start(["/usr/bin/python3", box.call_error, f"/org/sealsd1/request/{waiting}",
                         "org.sealsd1.Request", "Approve", "sa{sv}", "", "0"],
                        box["SEAL_REVIEWER"])
    while request_state(box, waiting) != "making":
        pass
    fill(box)
    box.ok("kill -CONT $(cat /run/sealsd-sandbox/swtpm.pid)")
    done = box.finish(approve)
    assert done.stdout.strip() == "StorageFailure" and FULL in done.stderr, done
    assert f"can be made again: 'sealctl make {waiting}'" in done.stderr
    assert numbers(box) == [box["SEAL"]]

    free(box)
    assert request(box, waiting, "Make", user=box["SEAL_REVIEWER"]) == ("ok", "")
    made = box.property(f"/org/sealsd1/request/{waiting}", "Request", "Seal")
    assert numbers(box) == [box["SEAL"], made] and request_state(box, waiting) == "completed"
    assert capacity_used(box) <= 3


def test_disk_that_is_full_after_any_page_leaves_each_approval_whole_or_undone(sandbox):
    box = sandbox
    start_small(box)
    waiting, leave, seen = apply(box, "Waiting"), 0, set()
    while True:
        fill(box, leave)
        name, text = request(box, waiting, "Approve", "sa{sv}", "", 0, user=box["SEAL_REVIEWER"])
        if name != "StorageFailure":
            break
        assert FULL in text, text
        free(box)
        state = request_state(box, waiting)
        seen.add(state)
        if state != "applied":  # decided and numbered, and then there was no room
            assert state in ("approved", "making", "failed"), state
            name, text = request(box, waiting, "Make", user=box["SEAL_REVIEWER"])
            break
        leave += 1
    free(box)
    assert (name, text) == ("ok", "")
    assert "applied" in seen and leave > 0
    made = box.property(f"/org/sealsd1/request/{waiting}", "Request", "Seal")
    assert numbers(box) == [box["SEAL"], made] and request_state(box, waiting) == "completed"


def test_full_disk_keeps_initialize_from_touching_the_chip(bare):
    box = bare
    start_small(box)
    before = box.ok("tpm2_getcap properties-variable; tpm2_getcap handles-nv-index")
    fill(box)
    assert_failed(manager(box, "Initialize", "a{sv}", 1, *PASSPHRASE), FULL)
    assert box.ok("tpm2_getcap properties-variable; tpm2_getcap handles-nv-index") == before
    # And at whichever page it fills: what was begun is completed by the next call.
    leave, failures = 1, 0
    while True:
        fill(box, leave)
        name, text = manager(box, "Initialize", "a{sv}", 1, *PASSPHRASE)
        if name == "ok":
            break
        assert name == "StorageFailure" and FULL in text, text
        failures += 1
        leave += 2
    assert failures > 1
    free(box)
    assert box.manager_property("State") == "ready"
    assert sign(box, box.make_seal()) == ("ok", "")


def test_revocation_on_a_full_disk_is_in_the_chip_and_survives_a_restart(sandbox):
    """The register could not be told; the chip tells it when there is room."""
    box, seal = sandbox, sandbox["SEAL"]
    start_small(box)
    fill(box)
    name, text = seal_call(box, seal, "Revoke", "s", "theft")
    assert name == "StorageFailure" and FULL in text and "The chip refuses seal" in text, text
    assert chip_says(box, seal) == "Revoked"
    free(box)
    box.ctl("restart")
    assert box.seal_property(seal, "State") == "revoked"
    assert sign(box, seal)[0] == "Revoked"


def test_full_disk_at_the_start_is_named_and_nothing_is_lost(sandbox):
    box, seal = sandbox, sandbox["SEAL"]
    start_small(box)
    assert sign(box, seal) == ("ok", "")
    box.ctl("kill")  # what the -wal file has is in no other
    before = box.ok(f"cat {DB} {DB}-wal | sha256sum")
    box.ok(f"rm {DB}-shm")
    fill(box)
    status, says = start_by_hand(box)
    assert status == 1 and FULL in says, (status, says)
    assert box.ok(f"cat {DB} {DB}-wal | sha256sum") == before
    free(box)
    box.ctl("start")
    assert box.seal_property(seal, "UseCount") == 1
    assert sign(box, seal) == ("ok", "")


# --- read-only ------------------------------------------------------------------------------------

def test_read_only_file_system_is_named_at_the_start(sandbox):
    box = sandbox
    start_small(box)
    box.ctl("stop")
    box.ok("mount -o remount,ro $SEALSD_STATE")
    before = box.ok("cd $SEALSD_STATE && sha256sum *")
    status, says = start_by_hand(box)
    assert status == 1 and "read-only" in says and "register.db" in says, (status, says)
    assert box.ok("cd $SEALSD_STATE && sha256sum *") == before
    box.ok("mount -o remount,rw $SEALSD_STATE")
    box.ctl("start")
    assert sign(box, box["SEAL"]) == ("ok", "")


def test_register_that_the_daemon_may_not_open_is_named_at_the_start(sandbox):
    box = sandbox
    box.ctl("stop")
    box.ok(f"chown root:root {DB}")
    status, says = start_by_hand(box)
    assert status == 1 and "may not open" in says and "register.db" in says, (status, says)
    assert "folder (mode 0700)" in says, says
    box.ok(f"chown sealsd:sealsd {DB}; chmod 0400 {DB}")
    status, says = start_by_hand(box)
    assert status == 1 and "may not open" in says, (status, says)
    box.ok(f"chmod 0600 {DB}")
    box.ctl("start")
    assert sign(box, box["SEAL"]) == ("ok", "")


def test_file_system_that_turns_read_only_is_named_and_the_chip_revokes(sandbox):
    box, seal = sandbox, sandbox["SEAL"]
    other = box.make_seal("Other")
    box.ctl("stop")
    box.ok("cp -a $SEALSD_STATE /run/before")
    box.ctl("start")
    assert sign(box, seal) == ("ok", "")
    tracer = box.pipe(f"exec {READ_ONLY} -p $($SEALSD_CTL pid) 2>&1")
    assert "attached" in tracer.line()
    assert_failed(sign(box, seal), "read-only")
    assert_failed(manager(box, "Apply", "a{sv}", 1, "name", "s", "x", user=box["SEAL_APPLICANT"]),
                  "read-only")
    assert_failed(seal_call(box, other, "Revoke", "s", "theft"), "read-only")
    assert box.seal_property(seal, "State") == "active"
    assert chip_says(box, other) == "Revoked"
    box.ok(f"kill -INT {tracer.pid}")
    tracer.wait()
    assert box.sign(seal)[1] == 2
    assert seal_call(box, other, "Revoke", "s", "theft") == ("ok", "")
    assert box.seal_property(other, "State") == "revoked"


# --- not ours, not whole --------------------------------------------------------------------------

def test_register_of_a_newer_version_is_refused_and_left_as_it_is(sandbox):
    box = sandbox
    box.ctl("stop")
    box.ok(f"sqlite3 {DB} 'PRAGMA user_version=7'")
    before = box.ok(f"sha256sum {DB} && stat -c '%s %y %z' {DB}")
    status, says = start_by_hand(box)
    assert status == 78, (status, says)  # no reason to start it again: CONFIG to systemd
    assert "version 7, this sealsd knows 4" in says and "install the newer sealsd" in says, says
    assert box.ok(f"sha256sum {DB} && stat -c '%s %y %z' {DB}") == before
    box.ok(f"sqlite3 {DB} 'PRAGMA user_version=4'")
    box.ctl("start")
    assert sign(box, box["SEAL"]) == ("ok", "")


@pytest.mark.parametrize("damage, says", [
    ("head -c 8192 /dev/urandom > {db}", "not a database"),
    ("truncate -s 8192 {db}", "damaged"),
    ("truncate -s 20000 {db}", "damaged"),
    ("dd if=/dev/urandom of={db} bs=4096 seek=1 count=40 conv=notrunc 2>&1", "damaged"),
], ids=["no-database", "two-pages", "half-a-page", "pages-overwritten"])
def test_damaged_register_is_named_at_the_start_and_left_as_it_is(shared, damage, says):
    box = shared
    box.ctl("stop")
    box.ok("rm -rf /run/whole && cp -a $SEALSD_STATE /run/whole")
    box.ok(damage.format(db=DB))
    before = box.ok(f"sha256sum {DB}")
    status, said = start_by_hand(box)
    assert status == 78 and says in said and "put a good copy in its place" in said, (status, said)
    assert box.ok(f"sha256sum {DB}") == before
    box.ok("rm $SEALSD_STATE/*; cp -a /run/whole/. $SEALSD_STATE/")
    box.ctl("start")
    assert sign(box, box["SEAL"]) == ("ok", "")


def test_page_that_is_damaged_is_named_and_ends_signing_and_no_revocation(sandbox):
    """What the page held cannot be compared with the ledger any more."""
    box, seal = sandbox, sandbox["SEAL"]
    box.ctl("stop")
    page = box.ok(f"sqlite3 {DB} \"SELECT rootpage FROM sqlite_schema WHERE name = 'request'\"")
    box.ok(f"dd if=/dev/urandom of={DB} bs=4096 seek=$(({page} - 1)) count=1 conv=notrunc 2>&1")
    box.ctl("start")
    name, text = manager(box, "Apply", "a{sv}", 1, "name", "s", "x", user=box["SEAL_APPLICANT"])
    assert name == "RegisterTampered" and "damaged" in text, (name, text)
    report, error = box.manager("VerifyLedger")
    assert "damaged" in error if report is None else not report[0]["good"]["data"], (report, error)
    assert sign(box, seal)[0] == "RegisterTampered"
    assert seal_call(box, seal, "Revoke", "s", "theft") == ("ok", "")


def test_missing_journal_takes_its_commits_along_and_the_chip_finds_out(sandbox):
    """After a crash: the register is an older, whole one, and what was revoked stays so."""
    box, seal = sandbox, sandbox["SEAL"]
    box.ctl("restart")  # what was before is in the database itself
    assert sign(box, seal) == ("ok", "")
    assert seal_call(box, seal, "Revoke", "s", "theft") == ("ok", "")
    box.ctl("kill")
    box.ok(f"rm {DB}-wal")
    box.ctl("start")
    assert box.seal_property(seal, "State") == "revoked"
    assert "register-older-than-chip" in box.ok("cat $SEALSD_LOG")
    assert sign(box, seal)[0] == "Revoked"


def test_journal_cut_short_loses_no_more_than_what_was_cut(sandbox):
    box, seal = sandbox, sandbox["SEAL"]
    box.ctl("restart")
    for _ in range(3):
        assert sign(box, seal) == ("ok", "")
    box.ctl("kill")
    box.ok(f"truncate -s -1 {DB}-wal")
    box.ctl("start")
    assert box.seal_property(seal, "UseCount") == 2
    assert sign(box, seal) == ("ok", "")
    assert box.ok(f"sqlite3 {DB} 'PRAGMA integrity_check'").strip() == "ok"


def test_journal_removed_under_the_daemon_stops_it_from_promising(sandbox):
    """SQLite goes on writing into the file without a name, and the next crash would lose all of it."""
    box, seal = sandbox, sandbox["SEAL"]
    assert sign(box, seal) == ("ok", "")
    box.ok(f"rm {DB}-wal")
    assert_failed(sign(box, seal), "moved or removed")
    assert_failed(manager(box, "Apply", "a{sv}", 1, "name", "s", "x", user=box["SEAL_APPLICANT"]),
                  "restart sealsd")
    box.ctl("restart")
    assert box.seal_property(seal, "UseCount") == 1
    assert box.sign(seal)[1] == 2


def test_journal_emptied_under_the_daemon_is_survived(sandbox):
    """What was in no other file is gone, and said where it is missed; the chip has what it has."""
    box, seal = sandbox, sandbox["SEAL"]
    other = box.make_seal("Other")
    box.ctl("restart")
    for _ in range(3):
        assert sign(box, seal) == ("ok", "")
    assert seal_call(box, other, "Revoke", "s", "theft") == ("ok", "")
    pid = box.ctl("pid")
    box.ok(f"truncate -s 0 {DB}-wal")
    names = {sign(box, seal)[0] for _ in range(3)}
    assert names <= {"ok", "StorageFailure", "RegisterTampered"}, names
    assert box.ctl("pid") == pid
    box.ctl("kill")
    box.ctl("start")
    assert box.ok(f"sqlite3 {DB} 'PRAGMA integrity_check'").strip() == "ok"
    # Rows that were anchored are gone: that is a register put back, whoever did it.
    assert sign(box, seal)[0] == "RegisterTampered"
    assert manager(box, "AcknowledgeTampering", "sa{sv}", "the journal was lost", 0) == ("ok", "")
    assert sign(box, seal) == ("ok", "")
    assert box.seal_property(other, "State") == "revoked"
    assert sign(box, other)[0] == "Revoked"


# --- locked ---------------------------------------------------------------------------------------

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA locking_mode=" + sys.argv[2])
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
db.execute("ROLLBACK")
db.close()
print("gone", flush=True)
"""


def hold(box, mode="NORMAL"):
    holder = box.pipe(["/usr/bin/python3", "-c", HOLD, box.ok(f"echo {DB}").strip(), mode])
    assert holder.line() == "held"
    return holder


def test_lock_held_for_a_moment_is_waited_for(sandbox):
    box = sandbox
    holder = hold(box)
    number = box.start(["/usr/bin/python3", box.call_error, f"/org/sealsd1/seal/{box['SEAL']}",
                        "org.sealsd1.Seal", "Sign", "aya{sv}", "32", *["7"] * 32, "0"])
    # The daemon is seen to wait before the lock is given up.
    box.ok("pid=$($SEALSD_CTL pid); until grep -q nanosleep /proc/$pid/wchan /proc/$pid/stack; do"
           " sleep 0.01; done", timeout=10)
    holder.write("\n")
    assert holder.line() == "gone"
    assert box.finish(number).stdout.strip() == "ok"


def test_lock_held_for_longer_is_named_and_the_chip_revokes(sandbox):
    box, seal = sandbox, sandbox["SEAL"]
    other = box.make_seal("Other")
    box.ctl("stop")
    box.ok("cp -a $SEALSD_STATE /run/before")
    box.ctl("start")
    holder = hold(box)
    assert_failed(sign(box, seal), LOCKED)
    assert_failed(seal_call(box, other, "Revoke", "s", "theft"), LOCKED)
    assert chip_says(box, other) == "Revoked"
    holder.write("\n")
    assert holder.line() == "gone"
    assert box.sign(seal)[1] == 1
    assert seal_call(box, other, "Revoke", "s", "theft") == ("ok", "")


def test_register_in_the_hands_of_another_program_at_the_start(sandbox):
    box = sandbox
    box.ctl("stop")
    holder = hold(box, "EXCLUSIVE")
    status, says = start_by_hand(box)
    assert status == 1 and LOCKED in says, (status, says)
    holder.write("\n")
    assert holder.line() == "gone"
    box.ctl("start")
    assert sign(box, box["SEAL"]) == ("ok", "")
