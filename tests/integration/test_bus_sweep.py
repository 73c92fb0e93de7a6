# SPDX-License-Identifier: Apache-2.0
"""Every member, called with malformed, oversized and random arguments: no crash, no leak.

`make sweep-bus SEED=… COUNT=…` calls more and otherwise; a fault names the seed and the call.
"""

import json
import os
import pathlib
import re
import sys

import pytest

from conftest import ROOT, Sandbox
from test_introspection import UNITS, arguments, interface_of, tree

HERE = pathlib.Path(__file__).resolve().parent
SEED = int(os.environ.get("SEED", "20240229"))
COUNT = int(os.environ.get("COUNT", "250"))  # random calls of each caller in each pass
PASSES = 5
CALLERS = (None, "seal-admin", "seal-keeper", "seal-applicant", "seal-reviewer", "seal-stranger")
NAMES = ("Manager", "Request", "Seal")

# Mapped for itself and given back, so that what a large message took does not hide what was lost.
WRAP = "env GLIBC_TUNABLES=glibc.malloc.mmap_threshold=131072:glibc.malloc.trim_threshold=131072"


def bring(box):
    """The scripts, to where the test users can read them."""
    for name in ("dbus_bytes.py", "sweep_values.py"):
        box.write(name, (HERE / name).read_bytes())
    return box.write("sweep.py", (HERE / "sweep.py").read_bytes())


def open_box(*options):
    os.environ["SEALSD_WRAP"] = WRAP
    try:
        return Sandbox(*options)
    finally:
        del os.environ["SEALSD_WRAP"]


def walk(box, script):
    return json.loads(box.ok(["/usr/bin/python3", script, "walk"]))


def error_names():
    """The contract's list (design, section 5.7), as the daemon has it."""
    text = (ROOT / "base/error.def").read_text()
    names = re.findall(r'(SEALSD|DBUS)_ERROR\("(\w+)"\)', text)
    assert len(names) > 30
    return [f"{'org.sealsd1' if k == 'SEALSD' else 'org.freedesktop.DBus'}.Error.{n}"
            for k, n in names]


def state(box):
    return box.usage("sealsd")


def sweep(box, script, caller, plan):
    """One run of sweep.py as this caller; its report."""
    plan = {"caller": caller or "root", "errors": error_names(), **plan}
    done = box.run(["/usr/bin/python3", script, "run"], caller, data=json.dumps(plan), timeout=120)
    assert done.status == 0, (plan["seed"], done)
    report = json.loads(done.stdout)
    assert not report["faults"], "\n".join([f"seed {plan['seed']} as {plan['caller']}:",
                                            *report["faults"]])
    return report


class Ready:
    """A sandbox with seals and requests in several states; those that must last are spared."""

    def __init__(self):
        self.box = open_box("--ready")
        self.script = bring(self.box)
        box, seal = self.box, self.box["SEAL"]
        kept = box.make_seal("Kept", "seal-keeper")
        delivered = box.make_seal("Delivered", "seal-keeper", accept=False)
        revoked = box.make_seal("Revoked", "seal-keeper")
        assert box.seal(revoked, "Revoke", "s", "over")[0] is not None
        for name in ("First", "Second", "Third"):
            assert box.manager("Apply", "a{sv}", 1, "name", "s", name, user="seal-applicant")[0]
        self.found = walk(box, self.script)
        self.secrets = [seal, kept, delivered, revoked]
        self.objects = {**self.found["objects"],
                        "org.sealsd1.Seal": [f"/org/sealsd1/seal/{n}" for n in self.secrets]}
        self.spared = [(f"/org/sealsd1/seal/{n}", member) for n in (seal, kept)
                       for member in ("Revoke", "Suspend", "ReportLost", "Surrender")]

    def pass_over(self, number):
        """Calls that were made."""
        sent = 0
        for caller in CALLERS:
            stranger = caller == "seal-stranger"
            report = sweep(self.box, self.script, caller, {
                "interfaces": self.found["interfaces"], "objects": self.objects,
                "spared": self.spared, "never": ["Lock"], "seed": SEED + number, "count": COUNT,
                "poison": {"SuspendSeals": [("type", ("s", "of no seal"))]},
                "secrets_of": self.secrets if stranger else []})
            print(number, caller, report)
            sent += report["sent"]
        return sent


@pytest.fixture(scope="module")
def ready():
    made = Ready()
    yield made
    assert made.box.close() == 0


def written(name):
    """{member: signature} of methods and of properties."""
    interface = interface_of(tree.parse(UNITS / f"{name}.xml").getroot(), name)
    return {"methods": {m.get("name"): "".join(t for _n, t, d in arguments(m, "in") if d == "in")
                        for m in interface.findall("method")},
            "properties": {p.get("name"): p.get("type") for p in interface.findall("property")}}


def test_walk_finds_every_written_member(ready):
    assert ready.found["interfaces"] == {f"org.sealsd1.{n}": written(f"org.sealsd1.{n}")
                                         for n in NAMES}


def test_sweep_knows_every_option_of_the_daemon():
    tables = "".join(p.read_text() for p in sorted((ROOT / "sealsd").glob("bus-*.c")))
    known = (HERE / "sweep_values.py").read_text()
    names = set(re.findall(r'\{ "([a-z-]+)", OPTION_', tables))
    assert len(names) > 40
    assert not [name for name in names if f'"{name}": ' not in known]


def smallest_growth(seen, what):
    """From one pass to the next."""
    return min(after[what] - before[what] for before, after in zip(seen, seen[1:]))


def test_every_member_survives_every_kind_of_call_and_loses_nothing(ready):
    box, seen, sent = ready.box, [], 0
    for number in range(PASSES):
        sent += ready.pass_over(number)
        seen.append(state(box))
    print(f"{sent} calls", seen)
    assert sent >= 5000
    assert len({s["pid"] for s in seen}) == 1
    assert smallest_growth(seen, "files") <= 0, seen
    # Caches, the register's pages above all, grow in some passes, and a leak in each. One of 48 bytes in
    # each call is more than is let pass here.
    growth = smallest_growth(seen, "memory")
    assert box.is_sanitized() or growth < sent // PASSES * 32 // 1024 + 20, seen
    assert box.manager_property("State") == "ready"
    digest = bytes(range(32))
    signature, error = box.sign(box["SEAL"], digest)
    assert signature and box.verify(box["SEAL"], digest, signature), error


def test_files_sent_along_to_impossible_paths_do_not_stay_open(ready):
    """sd-bus drops such a message and forgets its files; the bus's policy has to keep them away."""
    box = ready.box
    before = state(box)
    box.ok(["/usr/bin/python3", ready.script, "burden", "5"], "seal-stranger")
    assert state(box)["files"] == before["files"]
    assert state(box)["pid"] == before["pid"]


def test_messages_that_are_malformed_reach_nobody_and_harm_nobody(ready):
    box = ready.box
    before, bus = state(box), box.ok("cat /run/sealsd-sandbox/dbus.pid")
    report = json.loads(box.ok(["/usr/bin/python3", ready.script, "mutate", str(SEED), str(COUNT)],
                               "seal-stranger"))
    assert report["closed"] == COUNT, report
    box.ok(f"test -d /proc/{bus.strip()}")
    assert state(box)["pid"] == before["pid"] and state(box)["files"] == before["files"]
    assert box.sign(box["SEAL"])[0]


def answer(ready, user="seal-stranger", **parts):
    """(name, text) of the error that comes back."""
    return tuple(json.loads(ready.box.ok(["/usr/bin/python3", ready.script, "call"], user,
                                         data=json.dumps(parts))))


def test_long_path_is_not_repeated_in_the_error(ready):
    path = "/org/sealsd1/seal/" + "x" * 60_000
    for interface, member in (("org.sealsd1.Seal", "Describe"),
                              ("org.freedesktop.DBus.Introspectable", "Introspect")):
        name, text = answer(ready, path=path, interface=interface, member=member)
        assert name == "org.freedesktop.DBus.Error.UnknownObject"
        assert len(text) < 100


@pytest.mark.parametrize("member,signature,body", [
    ("Get", "ss", ["x" * 10_000, "Name"]), ("Get", "ss", ["org.sealsd1.Manager", "x" * 10_000]),
    ("Get", "ss", ["org.sealsd1.Manager", "a\x1b[31mb"]), ("GetAll", "s", ["\x1b[2J"]),
    ("GetAll", "s", ["\ufffe"]), ("Set", "ssv", ["x", "\ufffe", ["y", 1]]),
])
def test_interface_and_property_of_no_possible_name_are_not_repeated(ready, member, signature,
                                                                     body):
    name, text = answer(ready, path="/org/sealsd1", interface="org.freedesktop.DBus.Properties",
                        member=member, signature=signature, body=body)
    assert name == "org.freedesktop.DBus.Error.InvalidArgs"
    assert len(text) < 100 and text.isprintable()


def test_error_text_does_not_steer_a_terminal(ready):
    path = f"/org/sealsd1/seal/{ready.box['SEAL']}"
    for evil in ("\x1b[31mred", "a\nb", "\u202eevil", "\x7f", "\x9b31m", "\ufffe\x1b"):
        name, text = answer(ready, "seal-admin", path=path, interface="org.sealsd1.Seal",
                            member="Deliver", signature="s", body=[evil])
        assert name == "org.freedesktop.DBus.Error.InvalidArgs"
        assert text.isprintable(), text


def test_caller_of_the_other_byte_order_is_told_why_he_cannot_sign(ready):
    path = f"/org/sealsd1/seal/{ready.box['SEAL']}"
    sign = {"path": path, "interface": "org.sealsd1.Seal", "member": "Sign", "signature": "aya{sv}",
            "body": [[1] * 32, []]}
    assert answer(ready, None, **sign) == (None, None)
    name, text = answer(ready, None, big=sys.byteorder == "little", **sign)
    assert name == "org.sealsd1.Error.Unsupported" and "byte order" in text


# Whatever Initialize makes of the rest, this it refuses: as an option, and as the name of a profile.
POISONS = ([["capacity", ["u", 1 << 31]]], [["profile", ["s", "No Such Profile"]]])


def test_sweep_before_initialize_leaves_the_machine_as_it_was():
    box = open_box()
    script = bring(box)
    found = walk(box, script)
    manager = {"org.sealsd1.Manager": found["interfaces"]["org.sealsd1.Manager"]}
    for caller in (None, "seal-stranger"):
        for poison in POISONS:
            sweep(box, script, caller, {
                "interfaces": manager, "objects": found["objects"], "spared": [], "seed": SEED,
                "count": COUNT, "poison": {"Initialize": poison}, "secrets_of": []})
    assert box.manager_property("State") == "uninitialized"
    assert box.manager("GetStatus")[0][0]["indices"]["data"] == []
    box.ok("sealctl init --authority $SEAL_AUTHORITY")
    assert box.manager_property("State") == "ready"
    assert box.close() == 0
