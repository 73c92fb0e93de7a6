# SPDX-License-Identifier: Apache-2.0
"""register.py [--one-key] SEALS [ROWS]: fills the sandbox's register, and measures the daemon with it.

Runs inside tests/sandbox, not initialized; prints one JSON object. Times are in seconds; of calls that
take milliseconds it is the median of several."""

import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection

CALLS = 21
PATIENCE = 1800
MANAGER = ("/org/sealsd1", "Manager")
AUDITOR = ("setpriv", "--reuid=seal-auditor", "--regid=seal-auditor", "--clear-groups")
FILE = "/run/export/ledger.jsonl"


def run(*argv):
    """The time that the command takes."""
    begin = time.monotonic()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def ctl(word):
    return run(os.environ["SEALSD_CTL"], word)


def daemon_memory():
    """Anonymous memory of the daemon, KiB."""
    pid = subprocess.run([os.environ["SEALSD_CTL"], "pid"], check=True, capture_output=True,
                         text=True).stdout.strip()
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return int(next(line.split()[1] for line in rollup if line.startswith("Anonymous:")))


class Client:
    def __init__(self, bus):
        self.bus = bus

    def call(self, path, interface, member, signature="", *body):
        address = DBusAddress(path, bus_name="org.sealsd1", interface=f"org.sealsd1.{interface}")
        reply = self.bus.send_and_get_reply(new_method_call(address, member, signature, body),
                                            timeout=PATIENCE)
        if reply.header.message_type == MessageType.error:
            raise SystemExit(f"{member}: {reply.body[0]}")
        return reply.body

    def median(self, *call):
        times = []
        for _ in range(CALLS):
            begin = time.monotonic()
            self.call(*call)
            times.append(time.monotonic() - begin)
        return statistics.median(times)

    def once(self, *call):
        begin = time.monotonic()
        result = self.call(*call)
        return time.monotonic() - begin, result


@contextlib.contextmanager
def client():
    with open_dbus_connection("SYSTEM") as bus:
        yield Client(bus)


def list_seals(**options):
    return (*MANAGER, "ListSeals", "a{sv}", options)


def measure_calls(bus, ret):
    first = bus.call(*list_seals(limit=("u", 100)))[0]
    number = first[len(first) // 2][0]
    path = f"/org/sealsd1/seal/{number}"
    ret["list 100"] = bus.median(*list_seals(limit=("u", 100)))
    ret["list 1,000"] = bus.median(*list_seals(limit=("u", 1000)))
    ret["list by state"] = bus.median(*list_seals(limit=("u", 100), state=("s", "active")))
    ret["list by holder"] = bus.median(*list_seals(limit=("u", 100), holder=(
        "s", "Example Trading Company, branch 7")))
    ret["list by name, none"] = bus.median(*list_seals(name=("s", "no such name")))
    ret["list by keeper"] = bus.median(*list_seals(limit=("u", 100), keeper=("s", "user:root")))
    ret["get"] = bus.median(*MANAGER, "GetSeal", "s", number)
    ret["describe"] = bus.median(path, "Seal", "Describe")
    ret["status"] = bus.median(*MANAGER, "GetStatus")


def measure_pages(bus, ret):
    """All of them, page by page."""
    begin, after, count = time.monotonic(), "", 0
    while page := bus.call(*list_seals(limit=("u", 1000), after=("s", after)))[0]:
        after, count = page[-1][0], count + len(page)
    ret["list all"], ret["seals"] = time.monotonic() - begin, count


def measure_inspection(bus, ret):
    ret["inspect"], [findings] = bus.once(*MANAGER, "Inspect")
    ret["findings"] = len(findings)


def measure_verification(bus, ret):
    ret["verify"], [report] = bus.once(*MANAGER, "VerifyLedger")
    ret["rows"], ret["breaks"] = report["rows"][1], report["breaks"][1]


def measure_export(ret):
    os.makedirs(os.path.dirname(FILE), exist_ok=True)
    os.chmod(os.path.dirname(FILE), 0o1777)
    ret["export"] = run(*AUDITOR, "sealctl", "ledger", "export", FILE)
    ret["export size"] = os.path.getsize(FILE)
    # The largest child so far: none of them was, by far.
    ret["offline verify"] = run("sealctl", "ledger", "verify", FILE)
    ret["offline verify memory"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def measure_as_auditor():
    """What is asked for on the bus, by somebody who sees destroyed seals too."""
    ret = {}
    with client() as bus:
        measure_calls(bus, ret)
        measure_pages(bus, ret)
        measure_inspection(bus, ret)
        measure_verification(bus, ret)
    print(json.dumps(ret))


def as_auditor():
    with open(__file__, encoding="utf-8") as script:
        done = subprocess.run([*AUDITOR, "/usr/bin/python3", "-", "auditor"], check=True, text=True,
                              stdin=script, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def main():
    options = [word for word in sys.argv[1:] if word.startswith("--")]
    seals, *rows = [word for word in sys.argv[1:] if not word.startswith("--")]
    ret = {"asked": int(seals)}
    capacity = 1024 if int(seals) > 100 and not options else 62
    run("sealctl", "init", "--authority", os.environ["SEAL_AUTHORITY"], "--capacity", str(capacity))
    ctl("stop")
    ret["made in"] = run("make-register", *options, seals, *rows)
    ret["size"] = os.path.getsize(f"{os.environ['SEALSD_STATE']}/register.db")
    ret["start, no checkpoint"] = ctl("start")
    ret |= as_auditor()
    measure_export(ret)
    ret["memory"] = daemon_memory()
    ctl("stop")
    ret["start"] = ctl("start")
    print(json.dumps(ret))


if sys.argv[1:] == ["auditor"]:
    measure_as_auditor()
else:
    main()
