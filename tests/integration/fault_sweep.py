# SPDX-License-Identifier: Apache-2.0
"""Sweeps: an operation is called again and again, each time with another of its steps failing.

The register's rows before and after a call are compared. What a call without a fault changes is
learned first; a call with one has to leave nothing of it, or all, or what the operation itself names
as a state from which it goes on.
"""

import base64
import collections
import dataclasses
import marshal
import os
import pathlib

import inject

CALLER = pathlib.Path(__file__).with_name("caller.py")
PATIENCE = 40  # seconds for a call that has a fault in it
ROOT = "root"

Reply = collections.namedtuple("Reply", "error body")


@dataclasses.dataclass(frozen=True)
class Fault:
    """One way to fail, and the names that are an answer to it."""

    name: str
    kind: int
    errors: tuple
    options: dict


CHIP_ERRORS = ("TpmFull", "TpmFailure", "TpmUnavailable", "Busy")
LOST = ("TpmUnavailable", "TpmFailure")

COMMAND_FAULTS = (
    Fault("object memory", inject.COMMAND, CHIP_ERRORS, {"how": inject.REFUSE, "code": 0x902}),
    Fault("failure mode", inject.COMMAND, CHIP_ERRORS, {"how": inject.REFUSE, "code": 0x101}),
    Fault("refused after all", inject.COMMAND, CHIP_ERRORS,
          {"how": inject.ANSWER_REFUSAL, "code": 0x101}),
    Fault("command lost", inject.COMMAND, LOST, {"how": inject.LOSE_COMMAND}),
    Fault("answer lost", inject.COMMAND, LOST, {"how": inject.LOSE_ANSWER}),
    Fault("all lost", inject.COMMAND, LOST, {"how": inject.LOSE_COMMAND, "lasting": True}),
)
STEP_FAULTS = (
    Fault("disk full", inject.STEP, ("StorageFailure",), {"how": inject.SQLITE_FULL}),
    Fault("disk error", inject.STEP, ("StorageFailure",), {"how": inject.SQLITE_IOERR_WRITE}),
    Fault("register busy", inject.STEP, ("StorageFailure",), {"how": inject.SQLITE_BUSY}),
    Fault("disk full for good", inject.STEP, ("StorageFailure",),
          {"how": inject.SQLITE_FULL, "lasting": True}),
)
ALLOCATION_FAULTS = (Fault("no memory", inject.ALLOCATION, ("NoMemory",), {}),)
FAULTS = COMMAND_FAULTS + STEP_FAULTS + ALLOCATION_FAULTS


def is_sanitized():
    """Then allocations are the sanitizer's own, and not counted."""
    build = os.environ.get("SEALSD_BUILD", "build")
    return any(s in pathlib.Path(build).name for s in ("asan", "tsan"))


def is_allowed(fault, error, where):
    """Is the error's name an answer to the fault, which these functions met?"""
    if error in fault.errors:
        return True
    if fault.kind != inject.ALLOCATION:
        return False
    # What a library below says of itself; its cause does not come through it.
    if error == "StorageFailure":
        return "libsqlite3" in where
    return error in ("TpmFailure", "TpmUnavailable") and ("libtss2" in where or "tcti" in where)


class Finding(AssertionError):
    """What an operation did wrong, with where the fault was."""


class Bench:
    """A sandbox with its instruments and a connection for each user."""

    def __init__(self, box):
        self.box, self.inject = box, box.inject
        self.callers = {}
        self.script = box.write("caller.py", CALLER.read_bytes())
        self.numbers = {}  # of seals: the request that each belongs to
        self.uses = collections.defaultdict(set)
        self.signatures = collections.defaultdict(list)
        self.restarts = 0

    def ask(self, user, request, timeout=PATIENCE + 20):
        if user not in self.callers:
            self.callers[user] = self.box.pipe(["/usr/bin/python3", self.script],
                                               None if user == ROOT else user)
            assert self.callers[user].line() == "ready"
        self.callers[user].write(repr(request) + "\n")
        return marshal.loads(base64.b64decode(self.callers[user].line(timeout)))

    def call(self, user, path, member, signature="", *body):
        """member: "Manager.Apply", or with a whole interface's name before the last point."""
        interface, _, member = member.rpartition(".")
        if "." not in interface:
            interface = f"org.sealsd1.{interface}"
        error, body = self.ask(user, (path, interface, member, signature, body, PATIENCE))
        for prefix in ("org.sealsd1.Error.", "org.freedesktop.DBus.Error."):
            error = error.removeprefix(prefix)
        return Reply(error, body)

    def good(self, *call):
        """What a call without a fault gives."""
        reply = self.call(*call)
        if reply.error:
            raise Finding(f"without a fault, {call[2]} answers {reply}")
        return reply.body[0] if reply.body else None

    def dump(self):
        rows = self.ask(ROOT, ("dump", f"{self.box['SEALSD_STATE']}/register.db"))
        for table in ("anchor", "checkpoint", "revocation_list"):  # they come after the call
            rows.pop(table, None)
        rows["ledger"] = {key: row for key, row in rows["ledger"].items()
                          if row["event"] != "revocation-list-issued"}
        rows["guard"] = {key: row for key, row in rows["guard"].items() if row["tbl"] != "revocation_list"}
        for (identity,), row in rows["request"].items():
            if row["number"] and self.numbers.setdefault(row["number"], identity) != identity:
                raise Finding(f"number {row['number']} was given twice")
        for row in rows["seal"].values():
            if rows["seal_use"][(row["id"],)]["count"] < len(self.uses[row["number"]]):
                raise Finding(f"seal {row['number']} made more signatures than it counts")
        return rows

    # --- life -------------------------------------------------------------------------------

    def is_alive(self):
        return not self.call(ROOT, "/org/sealsd1", "org.freedesktop.DBus.Peer.Ping").error

    def revive(self):
        """After the daemon left: it must have ended in order."""
        self.box.ctl("stop")
        if self.inject.running():
            raise Finding("the daemon crashed:\n" + self.box.run("tail -n 5 $SEALSD_LOG").stdout)
        self.box.ctl("start")
        self.restarts += 1

    def kill(self):
        """And start it again: no end in order, and no crash."""
        self.box.ctl("kill")
        self.inject.control.ends = self.inject.control.starts
        self.box.ctl("start")

    # --- results ----------------------------------------------------------------------------

    def note_signature(self, number, digest, reply):
        signature, use = bytes(reply.body[0]), reply.body[1]
        if use in self.uses[number]:
            raise Finding(f"use {use} of seal {number} was given twice")
        self.uses[number].add(use)
        self.signatures[number].append((digest, signature))

    def verify_signatures(self):
        """All of them, with their seals' keys; how many."""
        count = 0
        for number, pairs in self.signatures.items():
            key = self.box.write("key.der", bytes(self.box.seal_property(number, "PublicKey")))
            lines = "\n".join(f"{digest.hex()} {signature.hex()}" for digest, signature in pairs)
            assert self.box.ok(["verify-digests", key], data=lines).strip() == str(len(pairs))
            count += len(pairs)
        self.signatures.clear()
        return count

    def chip_is_empty(self):
        """Transient objects and sessions that the daemon left behind, by its own means gone."""
        self.box.ctl("stop")
        left = self.box.ok('for what in transient loaded-session; do '
                           'tpm2_getcap -T "$SEALSD_TCTI" handles-$what; done').split()
        self.box.ctl("start")
        if left:
            raise Finding(f"left in the chip: {left}")


# --- differences -----------------------------------------------------------------------------

# Columns whose new value says how far an operation came.
TELLING = ("state", "revocation_pending", "phase", "written")


def delta(before, after):
    """What changed: a set of (table, "new" or "gone" or "changed", telling values, other columns)."""
    found = set()
    for table in before.keys() | after.keys():
        old, new = before.get(table, {}), after.get(table, {})
        for row in old.keys() | new.keys():
            a, b = old.get(row), new.get(row)
            if a == b:
                continue
            what = "new" if a is None else "gone" if b is None else "changed"
            columns = sorted(c for c in (b or a) if not (a and b) or a[c] != b[c])
            telling = tuple((c, b[c]) for c in columns if b and c in TELLING)
            others = tuple(c for c in columns if c not in TELLING) if what == "changed" else ()
            found.add((table, what, telling, others))
    return frozenset(found)


# --- the sweep -------------------------------------------------------------------------------


class Sweep:
    """One operation under one fault. Operations are those of fault_operations.py."""

    def __init__(self, bench, operation, fault):
        self.bench, self.operation, self.fault = bench, operation, fault
        self.target = None
        self.done = None  # the delta of a call that succeeds
        self.calls = self.struck = self.gone = 0

    def where(self):
        return self.bench.inject.where(self.fault.kind, self.bench.box.build)

    def fail(self, n, reply, text):
        where = self.where()
        raise Finding(f"{self.operation.name}, {self.fault.name}, step {n}: {text}\n"
                      f"answer: {reply}\nfault met by:\n{where}\n"
                      f"log: {self.bench.box.run('tail -n 6 $SEALSD_LOG').stdout}")

    def prepare(self):
        if self.target is None:
            self.target = self.operation.prepare(self.bench)
        return self.target

    def delta(self, before):
        """Without what an operation writes down on its way that others have left to be told."""
        change = delta(before, self.bench.dump())
        if not self.operation.tells_of_others:
            return change
        return type(change)(c for c in change if c[0] not in ("ledger", "guard"))

    def learn(self):
        """A call without a fault: how many events it has."""
        target, kind = self.prepare(), self.fault.kind
        before = self.bench.dump()
        self.bench.inject.arm(kind, 1 << 62)
        reply = self.operation.call(self.bench, target)
        self.bench.inject.disarm()
        if reply.error:
            raise Finding(f"{self.operation.name} without a fault: {reply}")
        events = self.bench.inject.since(kind)
        self.done = self.delta(before)
        self.operation.check(self.bench, target, reply)
        self.target = None
        return events

    def step(self, n, **options):
        """A call whose nth event fails. Did one?"""
        bench, fault = self.bench, self.fault
        target = self.prepare()
        before = bench.dump()
        bench.inject.arm(fault.kind, n, **fault.options, **options)
        reply = self.operation.call(bench, target)
        bench.inject.disarm()
        self.calls += 1
        fired = bench.inject.fired(fault.kind)
        self.struck += fired > 0
        try:
            self.judge(n, target, before, reply, fired)
        except Finding as finding:
            if str(finding).startswith(self.operation.name):
                raise
            self.fail(n, reply, finding)
        return fired > 0

    def judge(self, n, target, before, reply, fired):
        bench, operation = self.bench, self.operation
        died = not bench.is_alive()
        if died:
            if self.fault.kind != inject.ALLOCATION:
                self.fail(n, reply, "the daemon ended")
            bench.revive()
            self.gone += 1
        elif reply.error and not is_allowed(self.fault, reply.error, self.where()):
            self.fail(n, reply, "this is not what happened")
        if reply.error and not fired:
            self.fail(n, reply, "an error without a fault")
        change = self.delta(before)
        if not reply.error:
            if change != self.done:
                self.fail(n, reply, f"a success that is not: {set(change)}, not {set(self.done)}")
            operation.check(bench, target, reply)
            self.target = None
        elif change and change == self.done:
            if self.fault.kind != inject.ALLOCATION and not operation.may_fail_late:
                self.fail(n, reply, "told as failed, but done")
            operation.repeat(bench, target)
            self.target = None
        elif change:
            # What the ledger says of a half goes with it.
            half = frozenset(c for c in change if c[0] not in ("ledger", "guard"))
            if not half:
                return  # it tells that something was tried, or that the daemon was started again
            if not operation.is_half(half, died or "lasting" in self.fault.options):
                self.fail(n, reply, f"half done: {set(change)}")
            operation.finish(bench, target)
            self.target = None

    def close(self):
        """What the last fault left serves without one."""
        target = self.prepare()
        before = self.bench.dump()
        reply = self.operation.call(self.bench, target)
        if reply.error:
            raise Finding(f"{self.operation.name} after {self.fault.name}: {reply}")
        if self.delta(before) != self.done:
            raise Finding(f"{self.operation.name} after {self.fault.name} does something else")
        self.operation.check(self.bench, target, reply)
        self.target = None

    def every(self):
        """Every n, until none fails."""
        n = 1
        while self.step(n):
            n += 1

    def at(self, points):
        for n in points:
            if not self.step(n):
                break

    def every_path(self, limit=None):
        """Every allocation that is reached in another way than those before."""
        self.bench.inject.forget_paths()
        first = 1
        while limit is None or self.struck < limit:
            if self.step(first, new_paths=True):
                # Those before are known; some come in another order the next time.
                first = max(1, self.bench.inject.struck(inject.ALLOCATION) - 200)
            elif first > 1:
                first = 1
            else:
                return
