# SPDX-License-Identifier: Apache-2.0
"""One connection to the bus that makes many calls: a Python literal a line in, and one of marshal's
in base64 out, since a register is many.

In: (path, interface, member, signature, body, seconds); out: (error name or "", body). Also in:
("dump", path of the register); out: {table: {row id: {column: value}}}.
"""

import ast
import base64
import marshal
import sqlite3
import sys

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection

# Whose values are secret or long; only whether they change is looked at.
BLOBS = 16


def call(bus, path, interface, member, signature, body, seconds):
    name = "org.freedesktop.DBus" if interface == "org.freedesktop.DBus" else "org.sealsd1"
    address = DBusAddress(path, bus_name=name, interface=interface)
    try:
        reply = bus.send_and_get_reply(new_method_call(address, member, signature or None, body),
                                       timeout=seconds)
    except TimeoutError:
        return "Hang", ()
    if reply.header.message_type == MessageType.error:
        return reply.header.fields[4], reply.body
    return "", reply.body


def key(table, row):
    keys = {"decision": ("request", "ordinal"), "keeper": ("seal", "ordinal"), "counter": ("name",),
            "nv_index": ("handle",), "seal_use": ("seal",), "guard": ("tbl", "row"), "ledger": ("seq",),
            "seal_policy": ("seal",), "approver": ("seal", "ordinal"), "seal_birth": ("seal",),
            "use_approval": ("request", "approver"), "use_result": ("request",), "state_bit": ("state",),
            "use_given": ("given", "approver"), "certificate": ("row",), "revocation_list": ("maker",),
            "picture": ("request",), "use_structure": ("request",)}
    return tuple(row[k] for k in keys.get(table, ("id",)))


def dump(path):
    """All of the register; blobs by their beginning, since they are random where they differ."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    db.row_factory = sqlite3.Row
    try:
        db.execute("BEGIN")
        tables = [r[0] for r in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"
                                           " AND name NOT LIKE 'sqlite_%'")]
        found = {}
        for table in tables:
            rows = [dict(r) for r in db.execute(f"SELECT * FROM {table}")]
            for row in rows:
                for column, value in row.items():
                    if isinstance(value, bytes):
                        row[column] = value[:BLOBS].hex() + f"…{len(value)}…" + value[-BLOBS:].hex()
            found[table] = {key(table, row): row for row in rows}
        return found
    finally:
        db.close()


def main():
    with open_dbus_connection("SYSTEM") as bus:
        print("ready", flush=True)
        for line in sys.stdin:
            request = ast.literal_eval(line)
            answer = dump(request[1]) if request[0] == "dump" else call(bus, *request)
            print(base64.b64encode(marshal.dumps(answer)).decode(), flush=True)


main()
