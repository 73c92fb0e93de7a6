# SPDX-License-Identifier: Apache-2.0
"""Nothing is left in the chip, and nothing is left running."""

import os
import select
import signal
import subprocess

import pytest
from conftest import ROOT


def test_no_transient_object_or_session_is_left_in_the_tpm_after_a_run(new_sandbox):
    box = new_sandbox("--ready", "--tcti", "swtpm")
    seal = box["SEAL"]
    assert "TPM2TOOLS_TCTI" not in box.environment
    for _ in range(5):
        assert box.sign(seal)[0]
    other = box.make_seal("Other")
    assert box.seal(other, "Revoke", "s", "over")[0] is not None
    assert box.sign(other)[0] is None
    assert box.seal(seal, "Sign", "aya{sv}", 1, 1, 0)[0] is None
    box.manager("GetMachineState")
    box.manager("GetStatus")
    box.ctl("stop")
    for what in ("transient", "loaded-session", "saved-session"):
        out = box.ok(f"tpm2_getcap -T \"$SEALSD_TCTI\" handles-{what}")
        assert out.strip() == "", (what, out)


def test_no_session_is_left_after_challenges_that_nobody_answered(new_sandbox):
    box = new_sandbox("--tcti", "swtpm")
    public = box.ok("openssl pkey -in $SEAL_AUTHORITY -pubout")
    assert box.manager("Initialize", "a{sv}", 1, "authority", "s", public)[0]
    assert len(box.manager("ListChallenges")[0][0]) == 2
    box.ctl("stop")
    for what in ("transient", "loaded-session", "saved-session"):
        assert box.ok(f"tpm2_getcap -T \"$SEALSD_TCTI\" handles-{what}").strip() == "", what


def test_sandbox_passes_the_exit_status_on():
    for status in (0, 1, 7):
        done = subprocess.run([ROOT / "tests/sandbox", "bash", "-c", f"exit {status}"], check=False)
        assert done.returncode == status


def namespaces_left(marker):
    left = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                if marker in environ.read():
                    left.append(pid)
        except OSError:
            pass
    return left


def wait_for_end(pid):
    """The kernel kills a namespace's processes one after the other: wait for this one's turn."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    select.select([fd], [], [], 10)
    os.close(fd)


@pytest.mark.alone
def test_interrupted_sandbox_takes_everything_down():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        marker = f"SANDBOX_MARKER=m{os.getpid()}x{int(number)}"
        name, value = marker.split("=")
        # What a shell started with & ignores SIGINT, what nohup did SIGHUP, and so would all that it starts.
        process = subprocess.Popen(
            ["env", "--default-signal=INT,TERM,HUP", ROOT / "tests/sandbox", "bash", "-c", "echo up; exec tail -f /dev/null"],
            stdout=subprocess.PIPE, text=True, env={**os.environ, name: value})
        assert process.stdout.readline() == "up\n"
        assert len(namespaces_left(marker.encode())) > 4
        process.send_signal(number)
        assert process.wait(timeout=30) != 0
        process.stdout.read()  # ends when the last process that holds it has
        for pid in namespaces_left(marker.encode()):
            wait_for_end(int(pid))
        assert namespaces_left(marker.encode()) == []
