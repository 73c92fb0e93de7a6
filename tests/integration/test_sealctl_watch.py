# SPDX-License-Identifier: Apache-2.0
"""sealctl watch and report: what happens while it happens, and the register on a page."""

import json
import os
import subprocess

from conftest import ROOT

BUS = """<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>"""


def event(pipe, signal, **wanted):
    """The next event of this signal that has these values, others dropped."""
    while True:
        found = json.loads(pipe.line())
        if found["signal"] == signal and all(found[k] == v for k, v in wanted.items()):
            return found


def watch(box, user=None, options=""):
    pipe = box.pipe(f"exec sealctl --json watch {options}", user)
    event(pipe, "Subscribed")
    return pipe


def test_watch_prints_what_its_user_may_see_and_nothing_else(shared):
    applicant, reviewer = shared["SEAL_APPLICANT"], shared["SEAL_REVIEWER"]
    theirs, stranger = watch(shared, reviewer), watch(shared, shared["SEAL_KEEPER"])
    made = json.loads(shared.ok("sealctl --json apply --name Watched --keeper root", applicant))
    found = event(theirs, "Changed", kind="request", id=str(made["id"]))
    assert found["state"] == "applied" and found["time"] > 10**15
    shared.ok(f"sealctl cancel {made['id']} 'no more'", applicant)
    event(theirs, "Changed", id=str(made["id"]), state="cancelled")
    for pipe in (theirs, stranger):
        pipe.kill()
        pipe.wait()
    assert stranger.inbox.empty()


def test_watch_ends_after_so_many_events(shared):
    pipe = watch(shared, options="--count 1")
    number = shared.make_seal("Counted", accept=False)
    event(pipe, "Changed")
    assert pipe.wait() == 0
    assert shared.run(f"sealctl decline {number} 'not mine'").status == 0


def test_watch_subscribes_again_when_the_daemon_was_restarted(sandbox):
    pipe = watch(sandbox)
    sandbox.ctl("stop")
    event(pipe, "Lost")
    sandbox.ctl("start")
    event(pipe, "Subscribed")
    sandbox.ok("sealctl revoke --yes $SEAL 'end of the test'")
    assert event(pipe, "Changed", kind="seal", id=sandbox["SEAL"])["state"] == "revoked"
    pipe.kill()
    pipe.wait()


class Bus:
    """A bus of its own with something on it that answers for sealsd."""

    def __init__(self, folder):
        self.address = f"unix:path={folder}/bus"
        (folder / "bus.conf").write_text(BUS.format(folder / "bus"))
        self.daemon = subprocess.Popen(["dbus-daemon", "--nofork", "--print-address",
                                        f"--config-file={folder}/bus.conf"], stdout=subprocess.PIPE)
        assert self.daemon.stdout.readline()
        self.service = subprocess.Popen(["/usr/bin/python3", ROOT / "tests/integration/answering_service.py",
                                         self.address], stdout=subprocess.PIPE)
        assert self.service.stdout.readline() == b"ready\n"

    def end(self):
        for process in (self.daemon, self.service):
            process.kill()
            process.wait()
            process.stdout.close()


def test_watch_connects_again_when_the_bus_was_restarted(tmp_path):
    bus = Bus(tmp_path)
    build = os.environ.get("SEALSD_BUILD", str(ROOT / "build"))
    watching = subprocess.Popen([f"{build}/sealctl", "--json", "watch"], text=True,
                                env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bus.address},
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert json.loads(watching.stdout.readline())["signal"] == "Subscribed"
        bus.end()
        assert json.loads(watching.stdout.readline())["signal"] == "Lost"
        bus = Bus(tmp_path)
        while json.loads(watching.stdout.readline())["signal"] != "Subscribed":
            pass
    finally:
        watching.kill()
        watching.wait()
        watching.stdout.close()
        bus.end()


def test_watch_believes_no_signal_of_a_stranger(shared):
    """Only the daemon speaks for seals, though anybody may send a message to anybody."""
    pipe = watch(shared)
    names = shared.ok("busctl --no-legend list --unique | awk '$3 == \"sealctl\" { print $1 }'").split()
    assert names
    for name in names:
        shared.ok(f"busctl emit --destination={name} /org/sealsd1 org.sealsd1.Manager Changed sss seal 1 lost")
    number = shared.make_seal("Real", accept=False)
    while True:
        found = json.loads(pipe.line())
        assert found.get("id") != "1", found
        if found.get("id") == number:
            break
    pipe.kill()
    pipe.wait()


def test_watch_speaks_to_people_in_lines(shared):
    pipe = shared.pipe("exec sealctl watch --count 1")
    assert "watching" in pipe.line()
    shared.make_seal("Spoken", accept=False)
    assert "request" in pipe.line()
    assert pipe.wait() == 0


def test_report_counts_and_says_who_has_to_act(sandbox):
    applicant = sandbox["SEAL_APPLICANT"]
    sandbox.make_seal("Waiting", accept=False)
    sandbox.ok("sealctl apply --name Asked --type finance --keeper root", applicant)
    sandbox.ok("sealctl apply --name Short --keeper root --not-after +2d", applicant)
    report = json.loads(sandbox.ok("sealctl --json report"))
    assert report["seals"]["total"] == 2
    assert report["seals"]["by-state"] == {"active": 1, "delivered": 1}
    assert report["seals"]["by-type"] == {"other": 2}
    assert [r["state"] for r in report["requests"]] == ["applied", "applied"]
    assert {(a["who"], a["count"]) for a in report["actions"]} == {("reviewers", 2), ("keepers", 1)}
    assert report["status"]["state"] == "ready" and "findings" not in report
    soon = json.loads(sandbox.ok("sealctl --json report --soon 3650d"))
    assert len(soon["seals"]["expiring"]) == 2
    page = sandbox.ok("sealctl report")
    for word in ("Seals: 2", "1 active", "sealctl requests --awaiting-me", "Capacity"):
        assert word in page, (word, page)
    assert len(page.splitlines()) < 60


def test_report_is_for_administrators_and_auditors(shared):
    done = shared.run("sealctl report", shared["SEAL_APPLICANT"])
    assert done.status == 3 and done.stdout == "", done
