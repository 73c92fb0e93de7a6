# SPDX-License-Identifier: Apache-2.0
"""Every nth allocation, register step and TPM command failing, swept over every operation.

`make check` takes some of them, spread over all operations by a fixed pattern; `make sweep`
(SEALSD_SWEEP=full) takes every n, allocations by each way through the program that leads to one. What
was done is printed (pytest -s) and is in the summary of a failure.
"""

import os
import time
import xml.etree.ElementTree as tree

import pytest
from conftest import ROOT as TREE
from conftest import Sandbox

import inject
import fault_sweep
import fault_operations
from fault_sweep import ROOT, Bench, Finding, Sweep, is_sanitized
from fault_operations import MANAGER

FULL = os.environ.get("SEALSD_SWEEP") == "full"
FRESH = ("Manager.Initialize", "Manager.Answer")  # swept by tests of their own, from an empty chip
# What sweeps cannot call again and again: an export needs a descriptor of its own each time, whose
# other end is read, and an acknowledgement a register that was damaged before it, with the daemon stopped.
ELSEWHERE = {"Manager.ExportLedger": "test_ledger_verbs.py", "Manager.AcknowledgeTampering": "test_tampering.py",
             "Manager.DepositSecret": "test_secrets.py",
             # It ends with a TPM Reset only, which no other operation would outlive.
             "Manager.Lock": "test_lock.py",
             # Of a state that is approved anew each time, by another authority's word.
             "Manager.RetireMachineState": "test_machine_states.py"}
SEPARATIONS = ("dual", "strict", "single")


def test_every_member_of_the_interfaces_is_swept():
    swept = {op.member for op in fault_operations.operations()} | set(FRESH)
    for member, file in ELSEWHERE.items():
        assert member not in swept and (TREE / "tests/integration" / file).exists()
    swept |= set(ELSEWHERE)
    for path in (TREE / "units").glob("org.sealsd1*.xml"):
        for interface in tree.parse(path).iter("interface"):
            name = interface.get("name").rsplit(".", 1)[1]
            for method in interface.iter("method"):
                assert f"{name}.{method.get('name')}" in swept


@pytest.fixture(scope="module")
def benches(tmp_path_factory):
    """For each separation one, made when it is asked for."""
    made = {}

    def get(separation):
        if separation not in made:
            control = tmp_path_factory.mktemp("inject") / separation
            box = Sandbox("--tcti", "swtpm", inject=inject.Inject(control))
            box.ok("sealctl init --authority $SEAL_AUTHORITY --separation "
                   f"{separation} --capacity {900 if FULL else 400}")
            made[separation] = Bench(box)
        return made[separation]

    yield get
    assert [bench.box.close() for bench in made.values()] == [0] * len(made)


def points(total, count, first):
    """So many of 1 to total, evenly, beginning where the operation's turn says."""
    step = max(1, total // count)
    return list(range(1 + first % step, total + 1, step))[:count]


def some(runner, total, turn):
    kind = runner.fault.kind
    if total:
        runner.at(points(total, 1 if kind == inject.ALLOCATION else 2, turn))


def faults_of(kind, turn):
    """In full all; else each operation meets another one, so that all of them are met."""
    found = [fault for fault in fault_sweep.FAULTS if fault.kind == kind]
    return found if FULL else [found[turn % len(found)]]


KINDS = {"command": inject.COMMAND, "step": inject.STEP, "allocation": inject.ALLOCATION}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("separation", SEPARATIONS)
def test_fault_in_any_step_is_told_by_name_and_leaves_nothing_half_done(benches, separation, kind):
    if kind == "allocation" and is_sanitized():
        pytest.skip("a sanitizer has allocations of its own")
    bench, findings, calls, struck, gone = benches(separation), [], 0, 0, 0
    for turn, operation in enumerate(fault_operations.operations()):
        if operation.separation != separation:
            continue
        for fault in faults_of(KINDS[kind], turn):
            runner = Sweep(bench, operation, fault)
            try:
                total = runner.learn()
                if not FULL:
                    some(runner, total, turn)
                elif kind == "allocation":
                    runner.every_path()
                else:
                    runner.every()
                runner.close()
            except Finding as finding:
                findings.append(str(finding))
                if not bench.is_alive():
                    bench.revive()
            calls, struck, gone = calls + runner.calls, struck + runner.struck, gone + runner.gone
    signatures = bench.verify_signatures()
    print(f"\n{separation}, {kind}: {calls} calls, {struck} faults, {gone} restarts, "
          f"{signatures} signatures verified")
    bench.chip_is_empty()
    assert not findings, "\n\n".join(findings)
    assert struck > 0


@pytest.mark.parametrize("kind", ["command", "step"])
def test_faults_leave_no_memory_behind(benches, kind):
    """
    Sign and Make: what lives after the third pass is what lived after the second. SQLite keeps the
    register's pages, an allocation each, until it has two megabytes of them: those do not count.
    """
    if is_sanitized():
        pytest.skip("a sanitizer has allocations of its own")
    bench, lives = benches("dual"), []
    for _ in range(3):
        for operation in fault_operations.operations()[:3]:
            if operation.member == "Seal.Revoke":
                continue
            for fault in [f for f in fault_sweep.FAULTS if f.kind == KINDS[kind]][:None if FULL else 1]:
                runner = Sweep(bench, operation, fault)
                total = runner.learn()
                runner.at(range(1, total + 1, 1 if FULL else max(1, total // 4)))
                runner.close()
        assert bench.is_alive()
        pages = int(bench.box.ok("sqlite3 $SEALSD_STATE/register.db 'PRAGMA page_count'"))
        lives.append(bench.inject.live()[0] - pages)
    assert lives[2] - lives[1] < 20, lives


# --- Initialize and Answer ---------------------------------------------------------------------


class Fresh:
    """A sandbox whose chip and register are emptied again and again."""

    def __init__(self, box, resident):
        self.box, self.resident, self.bench = box, resident, Bench(box)
        self.public = box.ok("openssl pkey -in $SEAL_AUTHORITY -pubout")

    def empty(self):
        self.box.ok("$SEALSD_CTL stop; $SEALSD_TPM_CTL stop; "
                    "rm -rf /run/sealsd-sandbox/tpm/* $SEALSD_STATE/*; "
                    "$SEALSD_TPM_CTL start; $SEALSD_CTL start")
        self.bench.numbers.clear()
        self.bench.uses.clear()

    def initialize(self):
        options = {"passphrase" if self.resident else "authority":
                   ("s", "a passphrase" if self.resident else self.public)}
        return self.bench.call(ROOT, MANAGER, "Manager.Initialize", "a{sv}", options)

    def state(self):
        return self.bench.good(ROOT, MANAGER, "org.freedesktop.DBus.Properties.Get", "ss",
                               "org.sealsd1.Manager", "State")[1]

    def offered(self):
        return self.bench.good(ROOT, MANAGER, "Manager.ListChallenges")

    def answer(self, challenge):
        signature = fault_operations.authority_signature(self.bench, bytes(challenge[2]))
        return self.bench.call(ROOT, MANAGER, "Manager.Answer", "say", challenge[0], signature)

    def complete(self):
        """From wherever it is to a signature, without a fault."""
        reply = self.initialize()
        if reply.error not in ("", "AlreadyInitialized"):
            raise Finding(f"again, Initialize answers {reply}")
        for _ in range(10):
            if self.state() != "uninitialized":
                break
            for challenge in self.offered():
                reply = self.answer(challenge)
                if reply.error:
                    raise Finding(f"again, Answer says {reply}")
        deadline = time.monotonic() + 30  # a fault of the makers' jobs: the next look reaches the chip again
        while self.state() == "no-tpm" and time.monotonic() < deadline:
            time.sleep(0.1)
        if self.state() != "ready":
            raise Finding(f"the state is {self.state()}")
        seal = fault_operations.active_seal(self.bench)
        reply = self.bench.call(ROOT, seal, "Seal.Sign", "aya{sv}", fault_operations.DIGEST, {})
        if reply.error:
            raise Finding(f"the first seal answers {reply}")

    def judge(self, reply, fault, allowed=()):
        where = self.bench.inject.where(fault.kind, self.box.build)
        if not self.bench.is_alive():
            assert fault.kind == inject.ALLOCATION, where
            self.bench.revive()
        elif reply.error not in ("", *allowed) and not fault_sweep.is_allowed(fault, reply.error, where):
            raise Finding(f"{fault.name}: {reply}\n{where}")


@pytest.fixture(params=["external", "resident"])
def fresh(request, new_sandbox, tmp_path):
    box = new_sandbox("--tcti", "swtpm", inject=inject.Inject(tmp_path / "control"))
    return Fresh(box, request.param == "resident")


def initialize_faults():
    wanted = ("object memory", "answer lost", "disk full", "no memory")
    return [f for f in fault_sweep.FAULTS if f.name in wanted
            and not (f.kind == inject.ALLOCATION and is_sanitized())]


def test_initialize_goes_on_after_a_fault_anywhere(fresh):
    findings, calls = [], 0
    for turn, fault in enumerate(initialize_faults()):
        fresh.empty()
        fresh.bench.inject.arm(fault.kind, 1 << 62)
        assert not fresh.initialize().error
        fresh.bench.inject.disarm()
        total = fresh.bench.inject.since(fault.kind)
        many = 200 if fault.kind == inject.ALLOCATION else total
        for n in points(total, many if FULL else 3, 7 * turn + 3):
            fresh.empty()
            fresh.bench.inject.arm(fault.kind, n, **fault.options)
            reply = fresh.initialize()
            fresh.bench.inject.disarm()
            calls += 1
            try:
                fresh.judge(reply, fault)
                fresh.complete()
            except Finding as finding:
                findings.append(f"Initialize, {fault.name}, step {n} of {total}: {finding}")
    print(f"\nInitialize: {calls} calls")
    fresh.bench.chip_is_empty()
    assert not findings, "\n\n".join(findings)


def test_answer_goes_on_after_a_fault_anywhere(fresh):
    if fresh.resident:
        return  # answers itself, within Initialize
    findings, calls = [], 0
    for turn, fault in enumerate(initialize_faults()):
        fresh.empty()
        assert not fresh.initialize().error
        n = 1 + turn
        while fresh.state() == "uninitialized":
            offered = fresh.offered()
            if not offered:
                continue  # the last answer was kept, and this has completed it
            challenge = offered[0]
            fresh.bench.inject.arm(fault.kind, n, **fault.options)
            reply = fresh.answer(challenge)
            fresh.bench.inject.disarm()
            calls += 1
            try:
                fresh.judge(reply, fault, ("ApprovalExpired", "NotFound"))
            except Finding as finding:
                findings.append(f"Answer of {challenge[1]}, step {n}: {finding}")
            if not reply.error:
                n = 1 + turn
            else:
                n += (200 if fault.kind == inject.ALLOCATION else 1) * (1 if FULL else 5)
        fresh.complete()
    print(f"\nAnswer: {calls} calls")
    fresh.bench.chip_is_empty()
    assert not findings, "\n\n".join(findings)
