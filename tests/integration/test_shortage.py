# SPDX-License-Identifier: Apache-2.0
"""What a lack of memory, of disk and of room in the chip must not be taken for, each as it once was."""

import itertools

import pytest
from conftest import Sandbox

import inject
import fault_sweep
import fault_operations
from fault_sweep import Bench, Sweep, is_sanitized

FLUSH_CONTEXT, FAILURE = 0x165, 0x101


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    control = inject.Inject(tmp_path_factory.mktemp("inject") / "control")
    box = Sandbox("--ready", "--tcti", "swtpm", inject=control)
    yield Bench(box)
    assert box.close() == 0


def fault(name):
    return next(f for f in fault_sweep.FAULTS if f.name == name)


def test_transaction_that_could_not_be_rolled_back_takes_nothing_along(bench):
    box = bench.box
    request = fault_operations.new_request(bench)
    for n in itertools.count(1):
        bench.inject.arm(inject.STEP, n, how=inject.SQLITE_FULL, lasting=True)
        reply = bench.call("seal-reviewer", request, "Request.Reject", "s", "no")
        bench.inject.disarm()
        assert reply.error == "StorageFailure"
        if "rollback: " in box.ok("cat $SEALSD_LOG"):
            break
    later = fault_operations.new_request(bench)
    bench.kill()
    state = ("org.freedesktop.DBus.Properties.Get", "ss", "org.sealsd1.Request", "State")
    assert bench.good("root", later, *state)[1] == "applied"
    assert bench.good("root", request, *state)[1] == "applied"


def test_revocation_that_was_marked_and_not_sent_is_sent_within_seconds(bench):
    """It waited for the next look at the chip, up to a minute."""
    runner = Sweep(bench, fault_operations.Revokes(), fault("disk full"))
    total = runner.learn()
    runner.at(range(total // 2, total + 1))
    runner.close()


def test_session_that_the_chip_does_not_flush_is_gone_with_the_connection(bench):
    """Three of them, and the daemon answered TpmFull until it was restarted."""
    for _ in range(6):
        bench.inject.arm(inject.COMMAND, only=FLUSH_CONTEXT, how=inject.REFUSE, code=FAILURE)
        fault_operations.delivered_seal(bench)
        assert bench.inject.fired(inject.COMMAND) == 1
        bench.inject.disarm()
    bench.chip_is_empty()
def error_of_allocation_in(bench, function, call):
    """What call answers when the first allocation that this function makes fails."""
    bench.inject.forget_paths()
    while True:
        bench.inject.arm(inject.ALLOCATION, new_paths=True)
        error = call()
        bench.inject.disarm()
        assert bench.inject.fired(inject.ALLOCATION), f"no allocation in {function}"
        if not bench.is_alive():
            bench.revive()
        elif function in bench.inject.where(inject.ALLOCATION, bench.box.build):
            return error


def describe(bench):
    """By a connection of its own."""
    return bench.box.error(f"/org/sealsd1/seal/{bench.box['SEAL']}", "Seal", "Describe")


@pytest.mark.skipif(is_sanitized(), reason="a sanitizer has allocations of its own")
def test_lack_of_memory_is_no_unknown_object(bench):
    assert error_of_allocation_in(bench, "caller_new", lambda: describe(bench)) == "NoMemory"


@pytest.mark.skipif(is_sanitized(), reason="a sanitizer has allocations of its own")
def test_lack_of_memory_is_no_tampered_register(bench):
    assert error_of_allocation_in(bench, "json_parse", lambda: describe(bench)) in ("ok", "NoMemory")
