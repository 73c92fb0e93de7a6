# SPDX-License-Identifier: Apache-2.0
"""The life of the process: how it starts, and how it ends."""

import pytest

# Four signatures asked for at once; "sent" is said when the daemon has taken all of them.
CALLS = """
import sys
from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection
seal = DBusAddress(sys.argv[1], bus_name="org.sealsd1", interface="org.sealsd1.Seal")
peer = DBusAddress(sys.argv[1], bus_name="org.sealsd1", interface="org.freedesktop.DBus.Peer")
with open_dbus_connection("SYSTEM") as bus:
    for _ in range(4):
        bus.send(new_method_call(seal, "Sign", "aya{sv}", (bytes(32), {})))
    bus.send_and_get_reply(new_method_call(peer, "Ping"))
    print("sent", flush=True)
    for _ in range(4):
        reply = bus.receive(timeout=60)
        ok = reply.header.message_type == MessageType.method_return
        print("ok" if ok else reply.header.fields[4], flush=True)
"""


def run_by_hand(box):
    """sealsd as the sandbox starts it, but with its exit status in our hands."""
    box.ctl("stop")
    daemon = box.pipe(["sealsd", "--config", box["SEALSD_CONF"]], "sealsd", groups="--groups=tss")
    box.ok("bus-wait 30 org.sealsd1")
    return daemon


def test_signal_ends_the_daemon_well(sandbox):
    daemon = run_by_hand(sandbox)
    sandbox.ok(f"kill -TERM {daemon.pid}")
    assert daemon.wait() == 0


def test_daemon_kicked_off_the_bus_exits_with_1(bare):
    daemon = run_by_hand(bare)
    bare.ok("kill $(cat /run/sealsd-sandbox/dbus.pid)")
    while "lost its connection to the system bus" not in daemon.line():
        pass  # what it says at its start; the end of its lines fails
    assert daemon.wait() == 1


def test_unknown_key_keeps_the_daemon_from_starting(bare):
    bare.write("sealsd.conf", "# ours\n[Seals]\nReviewersNeeded=1\nReviewerNeeded=2\n")
    done = bare.run(["sealsd", "--config", "/run/test/sealsd.conf"], "sealsd",
                    groups="--groups=tss")
    assert done.status == 1 and "/run/test/sealsd.conf:4: " in done.stderr, done
    assert "ReviewerNeeded" in done.stderr


def test_second_daemon_does_not_start(sandbox):
    sandbox.ok("cp -r $SEALSD_STATE /run/test-state && chown -R sealsd /run/test-state && "
               "sed s,^StateDirectory=.*,StateDirectory=/run/test-state, $SEALSD_CONF "
               ">/run/second.conf")
    done = sandbox.run(["sealsd", "--config", "/run/second.conf"], "sealsd", groups="--groups=tss")
    assert done.status == 1 and "org.sealsd1" in done.stderr, done
    assert sandbox.sign(sandbox["SEAL"])[0]


def test_calls_that_wait_when_the_daemon_stops_are_answered(sandbox):
    # The chip stands still, so that the first call is with it and the others wait.
    sandbox.ok("kill -STOP $(cat /run/sealsd-sandbox/swtpm.pid)")
    calls = sandbox.pipe(["/usr/bin/python3", "-c", CALLS, f"/org/sealsd1/seal/{sandbox['SEAL']}"])
    assert calls.line() == "sent"
    sandbox.ok("kill -TERM $($SEALSD_CTL pid)")
    sandbox.ok("kill -CONT $(cat /run/sealsd-sandbox/swtpm.pid)")
    answers = [calls.line() for _ in range(4)]
    # It takes seconds to have the ledger's end signed by the chip, in which they may be served as well.
    assert set(answers) <= {"ok", "org.sealsd1.Error.Busy"}, answers
    sandbox.ctl("stop")
    sandbox.ctl("start")
    assert sandbox.sign(sandbox["SEAL"])[0]


@pytest.mark.parametrize("arguments, status", [
    (["--version"], 0), (["--help"], 0), (["--no-such-option"], 2), (["word"], 2),
    (["--config", "/nonexistent"], 1)])
def test_command_line(shared, arguments, status):
    done = shared.run(["sealsd", *arguments])
    assert done.status == status
    assert (done.stdout if status == 0 else done.stderr).strip()
