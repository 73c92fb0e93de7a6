# SPDX-License-Identifier: Apache-2.0
"""Many at once, clients that vanish, a queue that is full."""

import json

CLIENT = """
import hashlib, json, os, sys
from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
bus = open_dbus_connection("SYSTEM")
address = DBusAddress(path, bus_name="org.sealsd1", interface="org.sealsd1.Seal")
for i in range(count):
    digest = hashlib.sha256(f"{name} {i}".encode()).digest()
    reply = bus.send_and_get_reply(new_method_call(address, "Sign", "aya{sv}", (digest, {})))
    assert reply.header.message_type == MessageType.method_return, reply.body
    print(json.dumps([digest.hex(), bytes(reply.body[0]).hex(), reply.body[1]]), flush=True)
"""

def test_32_clients_with_50_signatures_each_are_all_right_and_none_is_lost(sandbox):
    seal = sandbox["SEAL"]
    script = sandbox.write("client.py", CLIENT)
    key = sandbox.write("key.der", bytes(sandbox.seal_property(seal, "PublicKey")))
    running = [sandbox.start(["/usr/bin/python3", script, f"/org/sealsd1/seal/{seal}", str(i), "50"])
               for i in range(32)]
    lines = []
    for number in running:
        done = sandbox.finish(number)
        assert done.status == 0, done
        lines += done.stdout.splitlines()
    answers = [json.loads(line) for line in lines]
    assert len(answers) == 1600
    assert sorted(use for _d, _s, use in answers) == list(range(1, 1601))
    assert len({digest for digest, _s, _u in answers}) == 1600
    assert sandbox.seal_property(seal, "UseCount") == 1600
    pairs = "\n".join(f"{digest} {signature}" for digest, signature, _u in answers)
    assert sandbox.ok(["verify-digests", key], data=pairs).strip() == "1600"


VANISH = """
import os, sys
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection("SYSTEM")
address = DBusAddress(sys.argv[1], bus_name="org.sealsd1", interface="org.sealsd1.Seal")
for i in range(20):
    bus.send_message(new_method_call(address, "Sign", "aya{sv}", (bytes(32), {})))
os._exit(0)
"""


def test_client_that_vanishes_in_mid_call_leaves_the_daemon_working(sandbox):
    seal = sandbox["SEAL"]
    script = sandbox.write("vanish.py", VANISH)
    pid = sandbox.ctl("pid")
    for _ in range(5):
        sandbox.ok(["/usr/bin/python3", script, f"/org/sealsd1/seal/{seal}"])
    # A caller gone cancels nothing: his calls still count until they are done.
    for _ in range(1000):
        signature, error = sandbox.sign(seal)
        if signature or "too many" not in error:
            break
    assert signature, error
    assert sandbox.ctl("pid") == pid
    status = sandbox.manager("GetStatus")[0][0]
    assert status["clients"]["data"] <= 2


FLOOD = """
import collections, json, sys
from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection("SYSTEM")
address = DBusAddress(sys.argv[1], bus_name="org.sealsd1", interface="org.sealsd1.Seal")
count, names = 120, collections.Counter()
refused = open("/run/test/refused", "r+b", buffering=0)  # a FIFO; for both, so that nobody waits
for i in range(count):
    bus.send_message(new_method_call(address, "Sign", "aya{sv}", (bytes(32), {})))
while sum(names.values()) < count:
    m = bus.receive()
    if m.header.message_type == MessageType.error:
        refused.write(b"refused\\n")
        names[m.header.fields[4].rsplit(".", 1)[1]] += 1
    elif m.header.message_type == MessageType.method_return and m.header.fields[5] > 1:
        names["ok"] += 1
print(json.dumps(names))
"""


def write_flood(box):
    box.ok(f"mkfifo -m 0666 {box.temp('refused')}")
    return box.write("flood.py", FLOOD)


def test_one_user_cannot_fill_the_queue(sandbox):
    """40 of the 120 calls may be there at a time; the chip is held up, so that none of them ends."""
    script = write_flood(sandbox)
    sandbox.ok("kill -STOP $(cat /run/sealsd-sandbox/swtpm.pid)")
    running = sandbox.start(["/usr/bin/python3", script, f"/org/sealsd1/seal/{sandbox['SEAL']}"])
    sandbox.ok("head -n 80 <> /run/test/refused > /dev/null")
    sandbox.ok("kill -CONT $(cat /run/sealsd-sandbox/swtpm.pid)")
    done = sandbox.finish(running)
    assert done.status == 0, done
    assert json.loads(done.stdout) == {"ok": 40, "QuotaExceeded": 80}
    assert sandbox.sign(sandbox["SEAL"])[0]


def test_full_queue_answers_busy(new_sandbox):
    """Eight users with 40 calls each, while the chip is held up: more than the 256 that may wait."""
    users = ["root", *(f"seal-{n}" for n in ("applicant", "reviewer", "maker", "admin", "auditor",
                                             "keeper", "stranger"))]
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    keepers = [f"user:{u}" for u in users]
    data, error = box.manager("CreateSeal", "a{sv}", 2, "name", "s", "Everybody's", "keepers", "as",
                              len(keepers), *keepers)
    assert data, error
    script = write_flood(box)
    box.ok("kill -STOP $(cat /run/sealsd-sandbox/swtpm.pid)")
    running = [box.start(["/usr/bin/python3", script, data[0]], user=u) for u in users]
    # Only refusals are answered while the chip stands still; those of the first to fill the queue are
    # quota's, of the last the queue's. When 8 × 120 calls are in, all that can be refused was.
    wanted = 8 * 120 - 256 - 1  # one is with the chip
    box.ok(f"head -n {wanted} <> /run/test/refused > /dev/null")
    box.ok("kill -CONT $(cat /run/sealsd-sandbox/swtpm.pid)")
    total = {}
    for number in running:
        done = box.finish(number)
        assert done.status == 0, done
        for name, count in json.loads(done.stdout).items():
            total[name] = total.get(name, 0) + count
    assert total.get("Busy", 0) > 0, total
    assert set(total) <= {"ok", "Busy", "QuotaExceeded"}, total
    assert sum(total.values()) == 8 * 120
    assert box.manager_property("State") == "ready"
