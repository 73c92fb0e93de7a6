# SPDX-License-Identifier: Apache-2.0
"""The ledger in the daemon: what becomes a row, where it goes, and what is told of it."""

import hashlib
import json
import re

from tampering import check_acknowledged, check_found, edit_stopped, rows, sign_error, verify

REFUSED = r'''
import os, sqlite3, sys
db = sqlite3.connect(f"file:{os.environ['SEALSD_STATE']}/register.db?mode=ro", uri=True)
print(db.execute("SELECT count(*) FROM ledger").fetchone()[0])
'''


def count(box):
    return int(box.ok(["/usr/bin/python3", "-c", REFUSED]))


# --- rows -----------------------------------------------------------------------------------------


def test_keeper_who_reports_without_end_wears_out_no_chip(sandbox):
    """Each act is anchored at once, until there are so many that they are anchored together."""
    script = """
import os, sqlite3, subprocess
seal = "/org/sealsd1/seal/" + os.environ["SEAL"]
db = sqlite3.connect(f"file:{os.environ['SEALSD_STATE']}/register.db?mode=ro", uri=True)
count = lambda: db.execute("SELECT count(*), max(seq) FROM anchor WHERE done").fetchone()
before = count()[0]
for act in ("ReportLost", "ReportFound") * 300:
    subprocess.run(["busctl", "call", "org.sealsd1", seal, "org.sealsd1.Seal", act, "s", "x"], check=True,
                   stdout=subprocess.DEVNULL)
print(count()[0] - before)
subprocess.run([os.environ["SEALSD_CTL"], "stop"], check=True)
print(count()[1], db.execute("SELECT max(seq) FROM ledger").fetchone()[0])
"""
    extends, anchored, last = sandbox.ok(["/usr/bin/python3", "-c", script]).split()
    assert int(extends) <= 60 and anchored == last, (extends, anchored, last)


def test_ledger_begins_with_the_installation_and_every_row_follows(sandbox):
    status = sandbox.manager("GetStatus")[0][0]
    data, error = sandbox.manager("ReadLedger", "a{sv}", 0)
    assert data, error
    texts, previous = data[0], bytes(status["genesis"]["data"]).hex()
    for seq, text in enumerate(texts, 1):
        row = json.loads(text)
        assert row["seq"] == seq and row["previous"] == previous, row
        assert json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == text
        previous = hashlib.sha256(text.encode()).hexdigest()
    events = [json.loads(text)["event"] for text in texts]
    assert events[:3] == ["initialized", "authority-answered", "authority-answered"]
    first = json.loads(texts[0])
    assert first["subject"] == "user:root" and first["uid"] == 0
    told = [touch[0] for text in texts[:4] for touch in json.loads(text).get("rows", [])]
    assert set(told) >= {"installation", "nv_index", "machine_state"}
    facts = first["facts"]
    assert facts["separation"] == "dual" and facts["roles"]["auditors"] == ["group:seal-auditors",
                                                                            "user:seal-auditor"]
    config = sandbox.run("cat $SEALSD_CONF").bytes
    assert facts["config"] == hashlib.sha256(config).hexdigest()
    assert re.fullmatch("[0-9a-f]{64}", facts["rules"])


def test_start_and_stop_are_rows_with_what_was_in_force(sandbox):
    before = rows(sandbox)[-1]["seq"]
    sandbox.ctl("stop")
    sandbox.ok("echo '// another rule' > /etc/polkit-1/rules.d/10-local.rules; "
               "sed -i 's/^Auditors=.*/Auditors=group:seal-auditors/' $SEALSD_CONF")
    sandbox.ctl("start")
    new = [row for row in rows(sandbox) if row["seq"] > before]
    events = [row["event"] for row in new]
    assert "stopped" in events and "started" in events
    assert events.index("stopped") < events.index("started")
    old = rows(sandbox, event="started")[0] if len(rows(sandbox, event="started")) > 1 else rows(sandbox)[0]
    started = rows(sandbox, event="started")[-1]["facts"]
    assert started["version"] and started["separation"] == "dual" and started["state"] == "ready"
    assert started["roles"]["auditors"] == ["group:seal-auditors"]
    assert started["config"] != old["facts"]["config"]
    assert started["rules"] != old["facts"]["rules"]


def test_approval_of_a_machine_state_is_a_row(sandbox):
    state = sandbox.manager("GetMachineState")[0][0]
    sandbox.write("state", bytes(state["to-sign"]["data"]))
    signature = sandbox.run("openssl dgst -sha256 -sign $SEAL_AUTHORITY /run/test/state").bytes
    data, error = sandbox.manager("ApproveMachineState", "a{sv}", 1, "signature", "ay", len(signature),
                                  *signature, user="seal-admin")
    assert data is not None, error
    row = rows(sandbox, event="machine-state-approved")[-1]
    assert row["subject"] == "user:seal-admin"
    assert row["facts"]["policy"] == bytes(state["policy"]["data"]).hex()
    assert any(touch[0] == "machine_state" for touch in row["rows"])


def test_reading_is_filtered_and_paged_and_told(shared):
    everything = rows(shared)
    last = everything[-1]
    assert [r["seq"] for r in rows(shared, event="initialized")] == [1]
    assert all(r["seal"] == shared["SEAL"] for r in rows(shared, seal=shared["SEAL"]))
    data, _error = shared.manager("ReadLedger", "a{sv}", 2, "first", "t", 2, "limit", "u", 3)
    assert [json.loads(text)["seq"] for text in data[0]] == [2, 3, 4]
    assert rows(shared, since=last["time"] + 10**12) == []
    for user in ("seal-keeper", "seal-reviewer", "seal-applicant"):
        assert shared.error("/org/sealsd1", "Manager", "ReadLedger", "a{sv}", "0", user=user) == "AccessDenied"
    assert shared.error("/org/sealsd1", "Manager", "ReadLedger", "a{sv}", "1", "event", "s",
                        "no-such-thing") == "InvalidArgs"
    told = [r for r in rows(shared, event="disclosed") if r["object"] == "ReadLedger"]
    assert told and told[-1]["count"] >= 1 and told[-1]["subject"] == "user:root"


# --- repeats --------------------------------------------------------------------------------------


def test_repeated_refusals_are_one_row_with_their_number(sandbox):
    seal = sandbox["SEAL"]
    other = sandbox.make_seal("Another", keeper="seal-keeper")
    for _ in range(7):
        assert sign_error(sandbox, other) == "AccessDenied"
    assert sandbox.seal(seal, "Revoke", "s", "over")[0] is not None
    for _ in range(3):
        assert sign_error(sandbox, seal) == "Revoked"
    refused = {(r["seal"], r["result"]): r for r in rows(sandbox, event="use-refused")}
    assert refused[(other, "AccessDenied")]["count"] == 7
    row = refused[(seal, "Revoked")]
    assert row["count"] == 3 and row["subject"] == "user:root" and row["uid"] == 0
    assert row["facts"]["first"] <= row["facts"]["last"]


def test_flood_of_refused_calls_leaves_few_rows_and_a_working_daemon(sandbox):
    seal = sandbox["SEAL"]
    other = sandbox.make_seal("Another")
    assert sandbox.seal(seal, "Revoke", "s", "over")[0] is not None
    before, memory = count(sandbox), sandbox.usage("sealsd")["memory"]
    out = sandbox.ok(["refuse-loop", seal, "100000", "Revoked"], timeout=600)
    assert out.startswith("100000 refused"), out
    told = [r for r in rows(sandbox, event="use-refused") if r["seal"] == seal]
    assert sum(r["count"] for r in told) == 100000
    assert count(sandbox) - before < 50
    assert sandbox.sign(other)[0]
    if not sandbox.is_sanitized():
        assert sandbox.usage("sealsd")["memory"] < memory + 4096
    assert verify(sandbox)["good"]


def test_what_was_refused_is_told_also_by_a_daemon_that_stops(sandbox):
    assert sandbox.seal(sandbox["SEAL"], "Revoke", "s", "over")[0] is not None
    assert sign_error(sandbox, sandbox["SEAL"]) == "Revoked"
    sandbox.ctl("restart")
    events = [row["event"] for row in rows(sandbox)]
    refused = len(events) - 1 - events[::-1].index("use-refused")
    stopped = len(events) - 1 - events[::-1].index("stopped")
    assert refused < stopped


# --- where rows go --------------------------------------------------------------------------------


def test_rows_are_entries_of_the_journal(sandbox):
    """Here nobody listens at the journal's socket: then the fields are lines of the log."""
    number = sandbox.make_seal("In the journal")
    row = [r for r in rows(sandbox, seal=number) if r["event"] == "seal-accepted"][-1]
    log = sandbox.ok("cat $SEALSD_LOG")
    assert f'SEALSD_SEQ="{row["seq"]}"' in log
    for field in ('SEALSD_EVENT="seal-accepted"', f'SEALSD_SEAL="{number}"', 'SEALSD_SUBJECT="user:root"',
                  'SEALSD_UID="0"', 'SEALSD_STATE="active"', "cfeef2f8a8e94ad6b6af5caf34864f50"):
        assert field in log, field


def test_status_tells_of_ledger_anchor_checkpoint_key_and_audit(sandbox):
    sandbox.make_seal("Some")
    report = verify(sandbox)
    status = {k: v["data"] for k, v in sandbox.manager("GetStatus")[0][0].items()}
    assert status["ledger-rows"] >= report["last"] > 0
    assert len(status["ledger-head"]) == 32
    assert status["checkpoint-rows"] == report["checkpoint"] >= report["last"]
    assert status["anchored-rows"] >= report["last"]
    assert status["anchor-time"] > 0 and status["checkpoint-time"] > 0
    assert status["key-memory"] in ("memfd_secret", "mlock", "plain")
    assert status["audit"]
    assert report["good"] and report["rows"] == report["last"]


# --- export ---------------------------------------------------------------------------------------


def test_export_is_verified_offline(sandbox):
    sandbox.make_seal("To be exported")
    assert sandbox.sign(sandbox["SEAL"])[0]
    path = sandbox.temp("ledger.jsonl")
    for user in (None, "seal-keeper"):
        assert sandbox.run(f"sealctl ledger export {path}.refused", user).status != 0
    sandbox.ok(f"sealctl ledger export {path}", "seal-auditor")
    lines = sandbox.ok(f"cat {path}").splitlines()
    assert json.loads(lines[0])["format"] == "sealsd-ledger"
    exported = [json.loads(line) for line in lines if '"event":' in line]
    assert exported[-1]["event"] == "ledger-exported" and exported[-1]["subject"] == "user:seal-auditor"
    assert [row["seq"] for row in exported] == list(range(1, len(exported) + 1))
    done = sandbox.run(f"sealctl ledger verify {path}")
    assert done.status == 0, done
    # One letter of one row.
    sandbox.ok(f"sed '4s/root/toor/' {path} > {path}.edited; ! cmp -s {path} {path}.edited")
    assert sandbox.run(f"sealctl ledger verify {path}.edited").status == 10


def test_export_from_a_later_row(sandbox):
    path = sandbox.temp("later.jsonl")
    sandbox.ok(f"sealctl ledger export --first 5 {path}", "seal-auditor")
    lines = [json.loads(line) for line in sandbox.ok(f"cat {path}").splitlines()]
    assert lines[0]["first"] == 5
    assert [row["seq"] for row in lines if "event" in row][0] == 5
    done = sandbox.run(f"sealctl ledger verify {path}")
    assert done.status == 0, done


def test_ledger_that_was_tampered_with_is_exported_and_judged_alike(sandbox):
    sandbox.make_seal("Some")
    edit_stopped(sandbox, "sql", "ledger", "UPDATE ledger SET text = replace(text, '\"time\":1', '\"time\":2') "
                 "WHERE seq = 5")
    path = sandbox.temp("tampered.jsonl")
    sandbox.ok(f"sealctl ledger export {path}", "seal-auditor")
    done = sandbox.run(f"sealctl ledger verify {path}")
    assert done.status == 10, done
    check_found(sandbox, "ledger")
    check_acknowledged(sandbox)
    sandbox.ok(f"sealctl ledger export {path}.acknowledged", "seal-auditor")
    done = sandbox.run(f"sealctl ledger verify {path}.acknowledged")
    assert done.status == 0, done


# --- the machine's state --------------------------------------------------------------------------


def approve(box):
    state = box.manager("GetMachineState")[0][0]
    box.write("state", bytes(state["to-sign"]["data"]))
    signature = box.run("openssl dgst -sha256 -sign $SEAL_AUTHORITY /run/test/state").bytes
    data, error = box.manager("ApproveMachineState", "a{sv}", 1, "signature", "ay", len(signature), *signature)
    assert data is not None, error


def test_daemon_starts_unapproved_serves_what_needs_no_secret_and_recovers_by_an_approval(sandbox):
    seal, other = sandbox["SEAL"], sandbox.make_seal("To be revoked")
    sandbox.ctl("stop")
    sandbox.pcr_extend(7)
    sandbox.ctl("start")
    pid = sandbox.ok("$SEALSD_CTL pid")
    assert sandbox.manager_property("State") == "unapproved"
    status = {k: v["data"] for k, v in sandbox.manager("GetStatus")[0][0].items()}
    assert status["key-memory"] == "" and status["ledger-rows"] > 0
    assert {row[0] for row in sandbox.manager("ListSeals", "a{sv}", 0)[0][0]} == {seal, other}
    assert rows(sandbox)
    # What needs a secret says which PCR is another.
    error = sandbox.seal(seal, "Sign", "aya{sv}", 32, *range(32), 0)[1]
    assert "7" in re.findall(r"\d+", error), error
    assert sign_error(sandbox, seal) == "MachineStateRefused"
    assert sandbox.error("/org/sealsd1", "Manager", "Apply", "a{sv}", "1", "name", "s", "New",
                         user="seal-applicant") == "MachineStateRefused"
    # Revoking needs none.
    assert sandbox.seal(other, "Revoke", "s", "at once")[0] is not None
    assert sandbox.seal_property(other, "State") == "revoked"
    approve(sandbox)
    assert sandbox.manager_property("State") == "ready"
    signature, error = sandbox.sign(seal)
    assert signature, error
    assert sandbox.make_seal("After the approval")
    assert sandbox.ok("$SEALSD_CTL pid") == pid
    assert verify(sandbox)["good"]


def test_register_holds_no_confidential_text_in_the_clear(sandbox):
    data, error = sandbox.manager("Apply", "a{sv}", 2, "name", "s", "Named", "documents", "a(say)", 1,
                                  "Hush-hush contract", 32, *range(32), user="seal-applicant")
    assert data is not None, error
    request = data[0].rsplit("/", 1)[1]
    data, error = sandbox.request(request, "Approve", "sa{sv}", "Tell-nobody comment", 0, user="seal-reviewer")
    assert data is not None, error
    number = sandbox.property(f"/org/sealsd1/request/{request}", "Request", "Seal")
    sandbox.ctl("stop")
    files = sandbox.run("cat $SEALSD_STATE/*").bytes
    assert number.encode() in files  # which does stand in the clear
    for text in (b"Hush-hush", b"Tell-nobody"):
        assert text not in files, text


# --- the clock ------------------------------------------------------------------------------------


def set_clock(box):
    """By the hours that clock-daemon was started with; the next look notices."""
    box.step_clock()
    box.manager("GetStatus")


def test_clock_set_back_is_a_row_and_nothing_signs_until_it_is_right_or_acknowledged(sandbox):
    seal = sandbox["SEAL"]
    sandbox.restart_ahead("--days 1 --hours -2")
    assert sandbox.sign(seal)[0]
    set_clock(sandbox)
    [jump] = rows(sandbox, event="clock-jumped")
    assert abs(jump["facts"]["from"] - jump["facts"]["to"] - 2 * 3600 * 10**6) < 60 * 10**6
    assert sign_error(sandbox, seal) == "ClockUntrusted"
    # The row of the jump, and of a start, are by the new time: that makes it no better.
    sandbox.ctl("restart")
    assert sign_error(sandbox, seal) == "ClockUntrusted"
    data, error = sandbox.manager("AcknowledgeTampering", "sa{sv}", "the clock was a day ahead", 0)
    assert data is not None, error
    assert rows(sandbox, event="tampering-acknowledged")[-1]["facts"]["clock-was"]
    assert sandbox.sign(seal)[0]
    sandbox.ctl("restart")
    assert sandbox.sign(seal)[0]
    assert verify(sandbox)["good"]


def test_clock_set_ahead_is_a_row(sandbox):
    sandbox.restart_ahead("--hours 3")
    set_clock(sandbox)
    [jump] = rows(sandbox, event="clock-jumped")
    assert abs(jump["facts"]["to"] - jump["facts"]["from"] - 3 * 3600 * 10**6) < 60 * 10**6
    assert sandbox.sign(sandbox["SEAL"])[0]
