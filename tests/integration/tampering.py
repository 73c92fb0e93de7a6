# SPDX-License-Identifier: Apache-2.0
"""Edits of the register's file by somebody who is not the daemon, and what the daemon says to them."""

import json

# Runs as root inside the sandbox: edit.py KIND TABLE [WHERE]. Foreign keys are off here, as they are
# for anybody who opens the file with sqlite3.
EDIT = r'''
import os, pickle, sqlite3, sys

kind, table = sys.argv[1:3]
where = sys.argv[3] if len(sys.argv) > 3 else "1"
db = sqlite3.connect(os.environ["SEALSD_STATE"] + "/register.db", timeout=30)
columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
key = next((row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[5] == 1), "rowid")
if table == "guard":
    key = "row"  # and tbl, which the edits of the guard name
NUMBERS = {"installation": "capacity", "nv_index": "used", "counter": "value", "machine_state": "approved",
           "request": "created", "decision": "time", "seal": "made_time", "seal_use": "count",
           "keeper": "ordinal", "use_grant": "given", "reviewer": "registered", "guard": "seq",
           "anchor": "time", "ledger": "time"}

def pick(count=1):
    rows = db.execute(f"SELECT {key}, * FROM {table} WHERE {where} ORDER BY {key} DESC LIMIT {count}").fetchall()
    assert len(rows) == count, (table, len(rows))
    return rows

def insert(values):
    # By name, the key among them where it is a column.
    names = list(values)
    db.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
               [values[n] for n in names])

def as_dict(row):
    values = dict(zip(columns, row[1:]))
    values[key] = row[0]
    return values

def fresh(values):
    """Unlike any other row, where the table wants that."""
    values = dict(values)
    values[key] = db.execute(f"SELECT max({key}) FROM {table}").fetchone()[0] + 1
    for name, value in {"number": "9" * 14, "bit": 63, "name": "another", "seq": values[key]}.items():
        if name in values and name != key and not (table == "guard" and name == "seq"):
            values[name] = value
    if table == "decision" or table == "keeper":
        values["ordinal"] = 60
    if table == "nv_index":
        values["ordinal"] = 30
    if table == "guard":
        values["row"] = 4711
    return values

if kind == "changed":
    [row] = pick()
    db.execute(f"UPDATE {table} SET {NUMBERS[table]} = {NUMBERS[table]} + 1 WHERE {key} = ? AND {where}", (row[0],))
elif kind == "deleted":
    [row] = pick()
    db.execute(f"DELETE FROM {table} WHERE {key} = ? AND {where}", (row[0],))
elif kind == "added":
    [row] = pick()
    insert(fresh(as_dict(row)))
elif kind == "swapped":
    one, other = (as_dict(row) for row in pick(2))
    db.execute(f"DELETE FROM {table} WHERE {key} IN (?, ?) AND {where}", (one[key], other[key]))
    one[key], other[key] = other[key], one[key]
    insert(one)
    insert(other)
elif kind == "keep":
    with open(f"/run/kept-{table}", "wb") as file:
        pickle.dump([as_dict(row) for row in db.execute(f"SELECT {key}, * FROM {table} WHERE {where}")], file)
elif kind == "older":
    with open(f"/run/kept-{table}", "rb") as file:
        kept = pickle.load(file)
    for values in kept:
        more = f" AND tbl = '{values['tbl']}'" if table == "guard" else ""
        db.execute(f"DELETE FROM {table} WHERE {key} = ?{more}", (values[key],))
        insert(values)
elif kind == "cut":
    # Everything that came after the row, as if it had never been: the chip alone knows better.
    seq = int(where)
    db.execute("DELETE FROM ledger WHERE seq > ?", (seq,))
    db.execute("DELETE FROM anchor WHERE seq > ?", (seq,))
    db.execute("DELETE FROM checkpoint WHERE seq > ?", (seq,))
elif kind == "sql":
    db.execute(where)
db.commit()
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
'''


def edit(box, kind, table, where=None):
    script = box.write("edit.py", EDIT.encode())
    box.ok(["/usr/bin/python3", script, kind, table, *([where] if where else [])])


def edit_stopped(box, kind, table, where=None):
    box.ctl("stop")
    edit(box, kind, table, where)
    box.ctl("start")


def rows(box, **filters):
    """ReadLedger, page by page."""
    found, first = [], 1
    while True:
        options = [("first", "t", first)] + [(k, "t" if k in ("since", "until") else "s", v)
                                             for k, v in filters.items()]
        data, error = box.manager("ReadLedger", "a{sv}", len(options), *(w for o in options for w in o))
        assert data is not None, error
        page = [json.loads(text) for text in data[0]]
        found += page
        if not page or len(found) > 100000:
            return found
        first = page[-1]["seq"] + 1


def verify(box):
    data, error = box.manager("VerifyLedger")
    assert data is not None, error
    return {key: value["data"] for key, value in data[0].items()}


def sign_error(box, number):
    return box.error(f"/org/sealsd1/seal/{number}", "Seal", "Sign", "aya{sv}", "32", *["7"] * 32, "0")


def acknowledge(box, reason="seen, and gone on"):
    data, error = box.manager("AcknowledgeTampering", "sa{sv}", reason, 0)
    assert data is not None, error


def check_found(box, place, number=None):
    """It is found, named, in the way of every signature: what VerifyLedger says."""
    report = verify(box)
    assert not report["good"], report
    assert box.manager_property("State") == "tampered"
    assert sign_error(box, number or box["SEAL"]) == "RegisterTampered"
    told = report["chip"] if place == "chip" else report["first-bad"]
    assert place == "chip" and told or told.split(" ")[0] == place, report
    status = box.manager("GetStatus")[0][0]
    said = [sentence[:300] for sentence in (report["chip"], report["problem"]) if sentence]
    assert any(text.startswith(sentence) for text in status["attention"]["data"] for sentence in said), \
        (status["attention"], report)
    found = rows(box, event="tampering-found")
    assert any(row["object"].split(" ")[0] == place and row["reason"] for row in found[-2:]), found[-2:]
    return report


def check_acknowledged(box, number=None):
    """It works again, and whoever looks finds nothing more."""
    acknowledge(box)
    assert box.manager_property("State") == "ready"
    report = verify(box)
    assert report["good"], report
    signature, error = box.sign(number or box["SEAL"])
    assert signature, error
