# SPDX-License-Identifier: Apache-2.0
"""A stranger sees no seal and no request, by any way of looking."""

import json
import time

import pytest

STRANGER = "seal-stranger"
SEAL_INTERFACE = "org.sealsd1.Seal"


def lines(box, command, user=None):
    done = box.run(command, user)
    return done.stdout + done.stderr


def test_stranger_sees_no_seal_by_any_way_of_looking(shared):
    seal = shared["SEAL"]
    path = f"/org/sealsd1/seal/{seal}"
    assert seal in lines(shared, "busctl tree org.sealsd1")
    assert seal not in lines(shared, "busctl tree org.sealsd1", STRANGER)
    assert "/request/1" not in lines(shared, "busctl tree org.sealsd1", STRANGER)
    for missing, present in ((path, "/org/sealsd1/seal/99999999999999"),):
        for member, words in (
                ("Get", ["org.freedesktop.DBus.Properties", "Get", "ss", SEAL_INTERFACE, "Name"]),
                ("GetAll", ["org.freedesktop.DBus.Properties", "GetAll", "s", SEAL_INTERFACE]),
                ("Sign", [SEAL_INTERFACE, "Sign", "aya{sv}", "1", "0", "0"]),
                ("Revoke", [SEAL_INTERFACE, "Revoke", "s", "x"]),
                ("Describe", [SEAL_INTERFACE, "Describe"])):
            hidden = shared.run(["busctl", "call", "--", "org.sealsd1", missing, *words], STRANGER)
            absent = shared.run(["busctl", "call", "--", "org.sealsd1", present, *words], STRANGER)
            assert hidden.status == absent.status == 1, member
            # The same answer as for a seal that does not exist, but for the path in it.
            assert hidden.stderr.replace(missing, "P") == absent.stderr.replace(present, "P"), member
    introspected = lines(shared, f"busctl introspect org.sealsd1 {path}", STRANGER)
    assert SEAL_INTERFACE not in introspected
    assert shared.error(path, "Seal", "Describe", user=STRANGER) == "UnknownObject"
    assert shared.error("/org/sealsd1", "Manager", "GetSeal", "s", seal, user=STRANGER) == "NotFound"
    assert shared.manager("ListSeals", "a{sv}", 0, user=STRANGER)[0] == [[]]
    assert shared.manager("ListRequests", "a{sv}", 0, user=STRANGER)[0] == [[]]
    assert shared.error("/org/sealsd1", "Manager", "GetStatus", user=STRANGER) == "AccessDenied"
    assert shared.error("/org/sealsd1/request/1", "Request", "Describe",
                        user=STRANGER) == "UnknownObject"


def test_those_concerned_see_the_seal(shared):
    seal = shared["SEAL"]
    for user in (None, "seal-applicant", "seal-reviewer", "seal-auditor", "seal-admin", "seal-maker"):
        rows = shared.manager("ListSeals", "a{sv}", 0, user=user)[0][0]
        assert seal in [row[0] for row in rows], user
        assert json.loads(shared.seal(seal, "Describe", user=user)[0][0])["number"] == seal
    # Custody is for keepers, administrators and auditors.
    full = json.loads(shared.seal(seal, "Describe")[0][0])
    partial = json.loads(shared.seal(seal, "Describe", user="seal-applicant")[0][0])
    assert "keepers" in full and "keepers" not in partial


def test_signals_reach_only_subscribers_who_may_see(sandbox):
    watchers = {
        "stranger match": sandbox.watch(STRANGER, subscribe=False),
        "stranger subscribed": sandbox.watch(STRANGER),
        "keeper subscribed": sandbox.watch(),
        "applicant subscribed": sandbox.watch("seal-applicant"),
    }
    assert sandbox.seal(sandbox["SEAL"], "Revoke", "s", "over")[0] is not None
    # A broadcast of the Manager's own that everybody gets, after all that came before it.
    sandbox.pcr_extend(7)
    sandbox.manager("GetMachineState")
    seen = {}
    for name, pipe in watchers.items():
        seen[name] = [json.loads(pipe.line())]
        while (seen[name][-1]["path"], seen[name][-1]["member"]) != ("/org/sealsd1",
                                                                     "PropertiesChanged"):
            seen[name].append(json.loads(pipe.line()))
        pipe.kill()
    number = sandbox["SEAL"]
    for name in ("keeper subscribed", "applicant subscribed"):
        assert ["seal", number, "revoked"] in [signal["body"] for signal in seen[name]], name
    for name in ("stranger match", "stranger subscribed"):
        assert number not in json.dumps(seen[name]), name


@pytest.mark.alone
def test_busctl_tree_with_10000_rows_ends_within_2_seconds(sandbox):
    sandbox.ctl("stop")
    sandbox.ok("""/usr/bin/python3 - <<'END'
import os, sqlite3
db = sqlite3.connect(os.environ["SEALSD_STATE"] + "/register.db")
def copies(table, change, count):
    columns = [r[1] for r in db.execute(f"PRAGMA table_info({table})")]
    row = dict(zip(columns, db.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()))
    for i in range(count):
        change(row, i)
        db.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(columns))})",
                   [row[c] for c in columns])
db.execute("PRAGMA foreign_keys = OFF")
copies("request", lambda row, i: row.update(id=i + 100, number=f"9{i:013d}"), 10000)
def seal(row, i):
    # Bits are unique: these stand in indices that were undefined after all their seals had died.
    row.update(id=i + 100, number=f"9{i:013d}", request=i + 100, nv_index=i // 64, bit=i % 64)
copies("seal", seal, 10000)
db.commit()
END
chown -R sealsd:sealsd $SEALSD_STATE""")
    sandbox.ctl("start")
    begin = time.monotonic()
    tree = sandbox.ok("busctl tree --list org.sealsd1")
    took = time.monotonic() - begin
    assert tree.count("/org/sealsd1/seal/") == 1000
    assert took < 2, took
    rows = sandbox.manager("ListSeals", "a{sv}", 1, "limit", "u", 1000)[0][0]
    assert len(rows) == 1000
    following = sandbox.manager("ListSeals", "a{sv}", 1, "after", "s", rows[-1][0])[0][0]
    assert following and following[0][0] > rows[-1][0]
