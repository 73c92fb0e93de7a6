# SPDX-License-Identifier: Apache-2.0
"""Whoever edits the register's file is found: every table, every kind of edit, stopped and running."""

import json

import pytest
from tampering import (acknowledge, check_acknowledged, check_found, edit, edit_stopped, rows, sign_error,
                       verify)


@pytest.fixture(scope="module")
def edited(shared):
    """One installation for all the edits, each acknowledged: three seals, of which one signs."""
    shared.make_seal("Another")
    shared.make_seal("A third")
    assert shared.sign(shared["SEAL"])[0]
    return shared


# --- around the records ---------------------------------------------------------------------------

def test_trigger_that_takes_uses_back_does_nothing_and_stops_signing_until_it_is_gone(new_sandbox):
    box = new_sandbox("--ready")
    box.ctl("stop")
    edit(box, "sql", "seal", "CREATE TRIGGER mine BEFORE UPDATE ON seal_use BEGIN SELECT raise(IGNORE); END")
    box.ctl("start")
    check_found(box, "schema")
    assert box.error("/org/sealsd1", "Manager", "AcknowledgeTampering", "sa{sv}", "never mind", "0") == "InvalidState"
    box.ctl("stop")
    edit(box, "sql", "seal", "DROP TRIGGER mine")
    box.ctl("start")
    check_acknowledged(box)
    assert box.seal_property(box["SEAL"], "UseCount") == 1


def test_anchor_that_cannot_be_read_keeps_no_edit_from_being_found(edited):
    edited.ctl("stop")
    edit(edited, "sql", "anchor", "UPDATE anchor SET head = x'00' WHERE id = 1")
    edit(edited, "sql", "seal", "UPDATE seal SET not_after = not_after + 1 WHERE id = 2")
    edited.ctl("start")
    assert not verify(edited)["good"]
    assert edited.manager_property("State") == "tampered"
    assert sign_error(edited, edited["SEAL"]) == "RegisterTampered"
    check_acknowledged(edited)
    edited.ok("sealctl ledger export /run/test/without.jsonl", edited["SEAL_AUDITOR"])


def test_page_that_cannot_be_read_is_no_way_to_be_verified_no_more(new_sandbox):
    """Where the check comes to no end, nobody knows what else was edited."""
    box = new_sandbox("--ready")
    box.ctl("stop")
    path = box["SEALSD_STATE"] + "/register.db"
    page = box.ok(["sqlite3", path, "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_reviewer_1'"]).strip()
    box.ok(f"dd if=/dev/urandom of={path} bs=4096 seek=$(({page} - 1)) count=1 conv=notrunc 2>&1")
    box.ctl("start")
    assert box.error("/org/sealsd1", "Manager", "VerifyLedger") == "RegisterTampered"
    assert box.manager_property("State") == "tampered"
    assert sign_error(box, box["SEAL"]) == "RegisterTampered"
    assert box.seal(box["SEAL"], "Revoke", "s", "theft")[0] is not None


# --- records --------------------------------------------------------------------------------------

RECORDS = [(table, kind) for table, kinds in {
    "installation": "changed",
    "nv_index": "changed",
    "counter": "changed added",
    "machine_state": "changed",
    "request": "changed deleted added swapped",
    "decision": "changed deleted added swapped",
    "seal_use": "changed deleted",
    "keeper": "changed deleted added swapped",
    "guard": "changed deleted added swapped",
    "seal": "changed deleted added swapped",
}.items() for kind in kinds.split()]


@pytest.mark.parametrize("table,kind", RECORDS)
def test_edited_record_is_found_named_and_acknowledged(edited, table, kind):
    edit_stopped(edited, kind, table, "tbl = 'seal'" if table == "guard" else None)
    check_found(edited, table)
    check_acknowledged(edited)


def test_record_put_back_to_an_older_version_is_found(edited):
    number = edited.make_seal("Put back", accept=False)
    edited.ctl("stop")
    edit(edited, "keep", "seal", f"number = '{number}'")
    edited.ctl("start")
    assert edited.seal(number, "Accept", "a{sv}", 0)[0] is not None
    edit_stopped(edited, "older", "seal")
    check_found(edited, "seal")
    check_acknowledged(edited)


def test_record_put_back_with_its_guard_is_found_though_the_daemon_writes_over_it(edited):
    """The chip knows of the revocation, so that the next start corrects the record at once."""
    number = edited.make_seal("Put back with its guard")
    edited.ctl("stop")
    edit(edited, "keep", "seal", f"number = '{number}'")
    edit(edited, "keep", "guard", f"tbl = 'seal' AND row = (SELECT id FROM seal WHERE number = '{number}')")
    edited.ctl("start")
    assert edited.seal(number, "Revoke", "s", "over")[0] is not None
    edited.ctl("stop")
    edit(edited, "older", "seal")
    edit(edited, "older", "guard")
    edited.ctl("start")
    verify(edited)
    assert edited.manager_property("State") == "tampered"
    assert rows(edited, event="tampering-found")[-1]["object"].startswith("seal ")
    assert edited.seal_property(number, "State") == "revoked"
    assert sign_error(edited, edited["SEAL"]) == "RegisterTampered"
    check_acknowledged(edited)


def test_count_of_uses_put_back_is_found(edited):
    edited.ctl("stop")
    edit(edited, "keep", "seal_use")
    edited.ctl("start")
    assert edited.sign(edited["SEAL"])[0]
    edit_stopped(edited, "older", "seal_use")
    check_found(edited, "seal_use")
    check_acknowledged(edited)


def test_confidential_parts_of_two_seals_exchanged_are_found(edited):
    edited.make_seal("One")
    edited.make_seal("Two")
    edit_stopped(edited, "sql", "seal", """
        WITH pair AS (SELECT id, sealed, version FROM seal ORDER BY id DESC LIMIT 2)
        UPDATE seal SET sealed = (SELECT sealed FROM pair WHERE pair.id <> seal.id),
                        version = (SELECT version FROM pair WHERE pair.id <> seal.id)
        WHERE id IN (SELECT id FROM pair)""")
    report = check_found(edited, "seal")
    assert report["breaks"] == 2
    check_acknowledged(edited)


def test_edit_while_the_daemon_runs_is_found_at_its_next_look(edited):
    watch = edited.watch()
    edit(edited, "changed", "request")
    edited.manager("GetStatus")
    message = watch.signal("Attention")
    assert message["body"][:2] == ["critical", "register-tampered"], message
    check_found(edited, "request")
    check_acknowledged(edited)


def test_edited_record_is_refused_before_anybody_has_verified(edited):
    """The guard speaks when the record is read."""
    number = edited.make_seal("Read at once")
    edit(edited, "sql", "seal", f"UPDATE seal SET use_limit = 1000 WHERE number = '{number}'")
    assert sign_error(edited, number) == "RegisterTampered"
    check_found(edited, "seal")
    check_acknowledged(edited, number)


def test_finding_is_told_once_and_outlives_a_restart(edited):
    edit_stopped(edited, "changed", "counter")
    check_found(edited, "counter")
    before = len(rows(edited, event="tampering-found"))
    edited.ctl("restart")
    check_found(edited, "counter")
    # Undone by hand it still was there: only an administrator ends it.
    edit_stopped(edited, "sql", "counter", "UPDATE counter SET value = value - 1 WHERE id = "
                 "(SELECT max(id) FROM counter)")
    assert verify(edited)["good"]
    assert edited.manager_property("State") == "tampered"
    assert sign_error(edited, edited["SEAL"]) == "RegisterTampered"
    assert len(rows(edited, event="tampering-found")) == before
    check_acknowledged(edited)


def edit_row(box, seq, old, new):
    """Its time begins with another digit."""
    edit_stopped(box, "sql", "ledger", f"UPDATE ledger SET text = replace(text, '\"time\":{old}', "
                 f"'\"time\":{new}') WHERE seq = {seq}")


def test_what_was_acknowledged_stays_acknowledged_and_what_is_new_is_found(edited):
    edit_row(edited, 5, "1", "2")
    check_found(edited, "ledger")
    check_acknowledged(edited)
    edited.ctl("restart")
    report = verify(edited)
    assert report["good"] and report["acknowledged"] >= 1
    assert edited.manager_property("State") == "ready"
    edit_row(edited, 6, "1", "2")
    check_found(edited, "ledger")
    check_acknowledged(edited)
    # The same row once more is another break.
    edit_row(edited, 5, "2", "3")
    check_found(edited, "ledger")
    check_acknowledged(edited)


def test_acknowledging_says_who_why_and_what(edited):
    edit_stopped(edited, "changed", "keeper")
    check_found(edited, "keeper")
    for user in ("seal-auditor", "seal-keeper"):
        assert edited.error("/org/sealsd1", "Manager", "AcknowledgeTampering", "sa{sv}", "mine", "0",
                            user=user) == "AccessDenied"
    acknowledge(edited, "the disk of Tuesday")
    row = rows(edited, event="tampering-acknowledged")[-1]
    assert row["subject"] == "user:root" and row["reason"] == "the disk of Tuesday"
    assert any(touch[0] == "keeper" for touch in row["rows"]), row
    assert "keeper" in row["facts"]["found"]
    assert edited.error("/org/sealsd1", "Manager", "AcknowledgeTampering", "sa{sv}", "again", "0") \
        == "InvalidState"


# --- the ledger, its anchors, its checkpoints -----------------------------------------------------

# Recomputes the chain behind an edited row, as somebody does who knows how rows are hashed.
RECHAIN = r'''
import hashlib, json, os, sqlite3, sys
db = sqlite3.connect(os.environ["SEALSD_STATE"] + "/register.db")
seq, previous = int(sys.argv[1]), None
for number, text in db.execute("SELECT seq, text FROM ledger WHERE seq >= ? ORDER BY seq", (seq,)).fetchall():
    row = json.loads(text)
    if previous is None:
        row["reason"] = "nothing to see"
    else:
        row["previous"] = previous
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    previous = hashlib.sha256(text.encode()).hexdigest()
    db.execute("UPDATE ledger SET text = ?, hash = ? WHERE seq = ?", (text, bytes.fromhex(previous), number))
db.commit()
'''


@pytest.mark.parametrize("kind,where", (("changed", "seq = 9"), ("deleted", "seq = 10"),
                                        ("swapped", "seq IN (11, 12)")))
def test_edited_row_of_the_ledger_is_found_named_and_acknowledged(edited, kind, where):
    edit_stopped(edited, kind, "ledger", where)
    check_found(edited, "ledger")
    check_acknowledged(edited)


def test_row_inserted_behind_the_last_is_found(edited):
    edit_stopped(edited, "added", "ledger")
    check_found(edited, "ledger")
    check_acknowledged(edited)


def test_export_of_a_row_that_says_to_be_the_last_of_all_comes_to_its_end(edited):
    """Its successor would be row 0, and the file would begin again."""
    edit_stopped(edited, "sql", "ledger", "UPDATE ledger SET text = replace(text, '\"seq\":15,', "
                                          "'\"seq\":18446744073709551615,') WHERE seq = 15")
    report = check_found(edited, "ledger")
    edited.ok("timeout 60 sealctl ledger export /run/test/endless.jsonl", edited["SEAL_AUDITOR"])
    rows_written = int(edited.ok("grep -c '\"event\":' /run/test/endless.jsonl"))
    assert report["rows"] <= rows_written <= report["rows"] + 5, (report, rows_written)
    check_acknowledged(edited)


def test_row_edited_with_the_whole_chain_after_it_is_found_by_the_chips_anchors(edited):
    edited.ctl("stop")
    script = edited.write("rechain.py", RECHAIN.encode())
    edited.ok(["/usr/bin/python3", script, "20"])
    edited.ctl("start")
    report = check_found(edited, "ledger")
    assert "anchor" in report["problem"], report
    check_acknowledged(edited)


def test_tail_that_was_cut_off_is_found_by_the_chip(edited):
    head = edited.manager("GetStatus")[0][0]["ledger-rows"]["data"]
    edited.make_seal("Cut away")
    edit_stopped(edited, "cut", "ledger", str(head))
    report = verify(edited)
    assert "older than the chip" in report["chip"], report
    assert sign_error(edited, edited["SEAL"]) == "RegisterTampered"
    check_acknowledged(edited)


@pytest.mark.parametrize("kind", ("changed", "unreadable", "deleted", "added"))
def test_edited_anchor_is_found(edited, kind):
    columns = {"changed": "value = randomblob(32)", "unreadable": "head = x'00'"}
    if kind in columns:
        edit_stopped(edited, "sql", "anchor", f"UPDATE anchor SET {columns[kind]} WHERE id ="
                                              " (SELECT max(id) FROM anchor)")
    else:
        edit_stopped(edited, kind, "anchor")
    report = verify(edited)
    assert not report["good"], report
    assert edited.manager_property("State") == "tampered"
    assert sign_error(edited, edited["SEAL"]) == "RegisterTampered"
    check_acknowledged(edited)


def test_edited_checkpoint_does_not_count_and_everything_is_verified_without_it(edited):
    edited.ctl("stop")
    edit(edited, "sql", "checkpoint", "UPDATE checkpoint SET seq = seq - 1")
    mark = edited.ok("wc -c <$SEALSD_LOG").strip()
    edited.ctl("start")
    assert "does not count" in edited.ok(f"tail -c +{mark} $SEALSD_LOG")
    assert verify(edited)["good"]
    assert edited.sign(edited["SEAL"])[0]


def test_checkpoint_of_another_ledger_hides_no_edit(edited):
    """An edit before the newest checkpoint, which the start does not look at: the second thread does."""
    head = edited.manager("GetStatus")[0][0]["checkpoint-rows"]["data"]
    assert head > 30
    edit_stopped(edited, "changed", "ledger", "seq = 30")
    check_found(edited, "ledger")
    check_acknowledged(edited)


# --- all of it ------------------------------------------------------------------------------------


def test_whole_register_put_back_is_found_and_no_number_is_given_twice(sandbox):
    sandbox.ctl("stop")
    sandbox.ok("cp -a $SEALSD_STATE /run/before")
    sandbox.ctl("start")
    given = {sandbox.make_seal(f"Seal {i}") for i in range(3)}
    sandbox.ctl("stop")
    sandbox.ok("rm -rf $SEALSD_STATE/* && cp -a /run/before/. $SEALSD_STATE/")
    sandbox.ctl("start")
    assert sandbox.manager_property("State") == "tampered"
    report = check_found(sandbox, "chip")
    assert "older than the chip" in report["chip"]
    sandbox.ctl("restart")
    check_found(sandbox, "chip")
    check_acknowledged(sandbox)
    assert sandbox.make_seal("After all") not in given
    sandbox.ctl("restart")
    assert sandbox.manager_property("State") == "ready"
    assert verify(sandbox)["good"]
    # Once more: what was acknowledged is no licence.
    sandbox.ctl("stop")
    sandbox.ok("rm -rf $SEALSD_STATE/* && cp -a /run/before/. $SEALSD_STATE/")
    sandbox.ctl("start")
    check_found(sandbox, "chip")


def test_forged_base_of_the_anchors_is_no_acknowledgement(sandbox):
    """Who puts the register back also writes what an acknowledgement would have written."""
    sandbox.ctl("stop")
    sandbox.ok("cp -a $SEALSD_STATE /run/before")
    sandbox.ctl("start")
    sandbox.make_seal("Later")
    sandbox.ctl("stop")
    value = sandbox.ok(["/usr/bin/python3", "-c", "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("
                        "'SELECT hex(value) FROM anchor ORDER BY id DESC').fetchone()[0])",
                        sandbox["SEALSD_STATE"] + "/register.db"]).strip()
    sandbox.ok("rm -rf $SEALSD_STATE/* && cp -a /run/before/. $SEALSD_STATE/")
    edit(sandbox, "sql", "anchor", "INSERT INTO anchor (seq, head, value, kind, done, time) SELECT seq, hash, "
         f"x'{value}', 'rebase', 1, time FROM ledger ORDER BY seq DESC LIMIT 1")
    sandbox.ctl("start")
    check_found(sandbox, "chip")


def test_ledger_index_extended_by_another_program_is_found(sandbox):
    status = sandbox.manager("GetStatus")[0][0]
    auth = sandbox.ok(["/usr/bin/python3", "-c", "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("
                       "\"SELECT hex(auth) FROM nv_index WHERE kind = 'ledger'\").fetchone()[0])",
                       sandbox["SEALSD_STATE"] + "/register.db"]).strip()
    assert status["state"]["data"] == "ready" and auth
    sandbox.ctl("stop")
    done = sandbox.run(["attacker", "extend", sandbox["SEALSD_STATE"],
                        f"0x{status['ledger-index']['data']:08x}"])
    assert done.stdout.strip() == "done", done
    sandbox.ctl("start")
    check_found(sandbox, "chip")
    check_acknowledged(sandbox)


def test_register_without_its_installation_does_not_start_anew(sandbox):
    """Initialize would make another of it."""
    sandbox.ctl("stop")
    edit(sandbox, "sql", "installation", "DELETE FROM installation")
    done = sandbox.run("$SEALSD_CTL start")
    assert done.status != 0
    log = sandbox.ok("cat $SEALSD_LOG")
    assert "installation" in log.splitlines()[-1], log
    assert json.loads  # the register is as it was found: nothing was written over it
