# SPDX-License-Identifier: Apache-2.0
"""A slow call that is repeated while it runs is answered with the first, and done once."""

import json

CALLS = """
import sys
from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
path, *comments = sys.argv[1:]
request = DBusAddress(path, bus_name="org.sealsd1", interface="org.sealsd1.Request")
with open_dbus_connection("SYSTEM") as bus:
    for comment in comments:
        bus.send(new_method_call(request, "Approve", "sa{sv}", (comment, {})))
    for _ in comments:
        reply = bus.receive(timeout=60)
        while reply.header.message_type == MessageType.signal:
            reply = bus.receive(timeout=60)
        ok = reply.header.message_type == MessageType.method_return
        print("ok" if ok else reply.header.fields[4])
"""


def approve_while_the_chip_stands_still(box, *comments):
    """All calls are with the service before the chip goes on: their answers, sorted."""
    path, error = box.manager("Apply", "a{sv}", 1, "name", "s", "Joined",
                              user=box["SEAL_APPLICANT"])
    assert path, error
    monitor = box.pipe(["busctl", "--json=short", "monitor",
                        "--match=type='method_return',sender='org.freedesktop.PolicyKit1'"])
    while not monitor.line().startswith("Monitoring"):
        pass
    box.ok("kill -STOP $(cat /run/sealsd-sandbox/swtpm.pid)")
    number = box.start(["/usr/bin/python3", "-c", CALLS, path[0], *comments], box["SEAL_REVIEWER"])
    for _ in comments:
        while json.loads(monitor.line())["type"] != "method_return":
            pass
    # polkit's answers lie before this one in the daemon's queue.
    box.ok(["busctl", "call", "--", "org.sealsd1", "/org/sealsd1", "org.freedesktop.DBus.Peer",
            "Ping"])
    monitor.kill()
    box.ok("kill -CONT $(cat /run/sealsd-sandbox/swtpm.pid)")
    answers = sorted(box.finish(number).stdout.split())
    return answers, path[0]


def test_repeated_approval_is_answered_with_the_first(sandbox):
    answers, path = approve_while_the_chip_stands_still(sandbox, "fine", "fine", "fine")
    assert answers == ["ok", "ok", "ok"]
    assert sandbox.property(path, "Request", "State") == "completed"
    seals = sandbox.manager("ListSeals", "a{sv}", 1, "name", "s", "Joined")[0][0]
    assert len(seals) == 1
    described = json.loads(sandbox.bus(path, "Request", "Describe")[0][0])
    assert len(described["decisions"]) == 1


def test_call_with_other_arguments_is_judged_by_itself(sandbox):
    answers, _ = approve_while_the_chip_stands_still(sandbox, "fine", "even better")
    assert answers == ["ok", "org.sealsd1.Error.InvalidState"]
