# SPDX-License-Identifier: Apache-2.0
"""The life of the process: how it starts, and how it ends."""

import pytest

SIGN = ["busctl", "call", "--", "org.sealsd1", "/org/sealsd1/seal/{}", "org.sealsd1.Seal", "Sign",
        "aya{sv}", "32", *["1"] * 32, "0"]


def run_by_hand(box):
    """sealsd as the sandbox starts it, but with its exit status in our hands."""
    box.ctl("stop")
    daemon = box.pipe(["sealsd", "--config", box["SEALSD_CONF"]], "sealsd", groups="--groups=tss")
    box.ok("bus-wait 30 org.sealsd1")
    return daemon


def test_daemon_thrown_off_the_bus_ends_with_an_error(new_sandbox):
    box = new_sandbox("--ready")
    daemon = run_by_hand(box)
    box.ok("kill -KILL $(cat /run/sealsd-sandbox/dbus.pid)")
    assert daemon.wait() == 1


def test_signal_ends_the_daemon_well(sandbox):
    daemon = run_by_hand(sandbox)
    sandbox.ok(f"kill -TERM {daemon.pid}")
    assert daemon.wait() == 0


def test_second_daemon_does_not_start(sandbox):
    sandbox.ok("cp -r $SEALSD_STATE /run/test-state && chown -R sealsd /run/test-state && "
               "sed s,^StateDirectory=.*,StateDirectory=/run/test-state, $SEALSD_CONF >/run/second.conf")
    done = sandbox.run(["sealsd", "--config", "/run/second.conf"], "sealsd", groups="--groups=tss")
    assert done.status == 1 and "org.sealsd1" in done.stderr, done
    assert sandbox.sign(sandbox["SEAL"])[0]


def test_calls_that_wait_when_the_daemon_stops_are_answered(sandbox):
    # The chip stands still, so that the first call is with it and the others wait.
    sandbox.ok("kill -STOP $(cat /run/sealsd-sandbox/swtpm.pid)")
    command = [word.format(sandbox["SEAL"]) for word in SIGN]
    numbers = [sandbox.start(command) for _ in range(4)]
    wait_for_calls(sandbox, 4)
    sandbox.ok("kill -TERM $($SEALSD_CTL pid)")
    sandbox.ok("kill -CONT $(cat /run/sealsd-sandbox/swtpm.pid)")
    answers = [sandbox.finish(n) for n in numbers]
    assert [a.status for a in answers].count(0) <= 1
    for answer in answers:
        assert answer.status == 0 or "stopping" in answer.stderr, answer
    sandbox.ctl("stop")
    sandbox.ctl("start")
    assert sandbox.sign(sandbox["SEAL"])[0]


def wait_for_calls(box, count):
    """Until that many callers are connected and one more message of ours has been through."""
    box.ok(f"""until (($(busctl --list --no-legend | grep -c ' busctl ') >= {count})); do :; done
               busctl call -- org.sealsd1 /org/sealsd1 org.freedesktop.DBus.Peer Ping""")


@pytest.mark.parametrize("arguments, status", [
    (["--version"], 0), (["--help"], 0), (["--no-such-option"], 2), (["word"], 2),
    (["--config", "/nonexistent"], 1)])
def test_command_line(shared, arguments, status):
    done = shared.run(["sealsd", *arguments])
    assert done.status == status
    assert (done.stdout if status == 0 else done.stderr).strip()
