# SPDX-License-Identifier: Apache-2.0
"""The instruments that make faults: each reaches the daemon, or the chip, as it says."""

import pathlib

import pytest

import inject

SIGN, GET_CAPABILITY, CONTEXT_LOAD = 0x15D, 0x17A, 0x161
POLICY_NV, LOAD, START_AUTH_SESSION = 0x149, 0x157, 0x176
OBJECT_MEMORY, RC_POLICY, RC_FAILURE = 0x902, 0x126, 0x101
RC_SCHEME = 0x2D2  # of the second parameter
DIGEST = bytes(range(32))


def error_of_sign(box):
    return box.error(f"/org/sealsd1/seal/{box['SEAL']}", "Seal", "Sign", "aya{sv}", "32",
                     *[str(b) for b in DIGEST], "0")


def test_layout_of_the_control_block_is_the_instruments(direct):
    """They refuse a block of another size, so the sandbox would not have started."""
    assert direct.inject.commands() > 0
    assert direct.inject.control.answers == direct.inject.commands()


def test_commands_are_counted_by_code_on_both_sides_of_the_resource_manager(behind):
    seal = behind["SEAL"]
    before = behind.inject.per_code()[SIGN]  # what the makers signed
    assert before == behind.inject_chip.per_code()[SIGN]
    assert behind.sign(seal)[0]  # opens what is kept
    with behind.inject.counting() as sent, behind.inject_chip.counting() as arrived:
        assert behind.sign(seal)[0]
    assert sent.count(SIGN) == arrived.count(SIGN) == 1
    assert CONTEXT_LOAD not in sent and CONTEXT_LOAD in arrived
    assert behind.inject.per_code()[SIGN] == behind.inject_chip.per_code()[SIGN] == before + 2
    assert sum(behind.inject.per_code().values()) == behind.inject.commands()


def test_command_that_is_refused_fails_the_call_and_nothing_else(direct):
    answers = direct.inject.control.answers
    direct.inject.arm(inject.COMMAND, only=SIGN, how=inject.REFUSE, code=RC_SCHEME)
    assert error_of_sign(direct) == "Unsupported"
    assert direct.inject.fired(inject.COMMAND) == 1
    assert direct.sign(direct["SEAL"])[0]  # only the first was struck
    assert direct.inject.since(inject.COMMAND) == 2
    assert direct.inject.control.answers > answers


def test_nth_command_and_all_from_there(direct):
    direct.inject.arm(inject.COMMAND, 2, how=inject.REFUSE, code=OBJECT_MEMORY, lasting=True)
    assert error_of_sign(direct) == "TpmFull"
    fired = direct.inject.fired(inject.COMMAND)
    assert fired == direct.inject.since(inject.COMMAND) - 1 > 0
    direct.inject.disarm()
    assert direct.sign(direct["SEAL"])[0]
    assert direct.inject.fired(inject.COMMAND) == fired


@pytest.mark.parametrize("how", [inject.LOSE_COMMAND, inject.LOSE_ANSWER])
def test_lost_command_or_answer_is_one_more_try_and_lost_ones_are_no_chip(direct, how):
    direct.inject.arm(inject.COMMAND, only=SIGN, how=how)
    assert direct.sign(direct["SEAL"])[0]  # a connection that died is no news
    assert direct.inject.fired(inject.COMMAND) == 1
    direct.inject.arm(inject.COMMAND, how=how, lasting=True)
    assert error_of_sign(direct) == "TpmUnavailable"
    direct.inject.disarm()
    assert direct.sign(direct["SEAL"])[0]


def test_altered_answer_is_noticed_by_the_daemon(direct):
    direct.inject.arm(inject.COMMAND, only=SIGN, how=inject.ALTER_ANSWER, offset=-1, mask=1,
                      lasting=True)
    assert error_of_sign(direct) == "TpmUnavailable"
    assert direct.inject.fired(inject.COMMAND) == 2  # tried again over a new connection
    direct.inject.disarm()
    assert direct.sign(direct["SEAL"])[0]


@pytest.mark.parametrize("how", [inject.LOSE_ANSWER, inject.ALTER_ANSWER, inject.ANSWER_REFUSAL])
def test_signature_that_was_made_and_did_not_arrive_is_a_use(direct, how):
    seal = direct["SEAL"]
    before = direct.seal_property(seal, "UseCount")
    direct.inject.arm(inject.COMMAND, only=SIGN, how=how, offset=-1, mask=1, code=OBJECT_MEMORY,
                      lasting=True)
    assert error_of_sign(direct) in ("TpmUnavailable", "TpmFull")
    assert direct.inject.fired(inject.COMMAND) >= 1
    direct.inject.disarm()
    assert direct.seal_property(seal, "UseCount") == before + 1


def test_use_that_the_chip_was_not_asked_for_is_given_back(direct):
    seal = direct["SEAL"]
    before = direct.seal_property(seal, "UseCount")
    direct.inject.arm(inject.COMMAND, only=POLICY_NV, how=inject.LOSE_COMMAND, lasting=True)
    assert error_of_sign(direct) == "TpmUnavailable"
    assert direct.inject.fired(inject.COMMAND) == 2
    direct.inject.disarm()
    assert direct.seal_property(seal, "UseCount") == before


@pytest.mark.parametrize("command", [START_AUTH_SESSION, LOAD])
def test_what_a_forged_refusal_left_in_the_chip_does_not_fill_it_for_good(direct, command):
    direct.inject.arm(inject.COMMAND, only=command, how=inject.ANSWER_REFUSAL, code=RC_FAILURE,
                      lasting=True)
    for _ in range(4):
        assert error_of_sign(direct) != "ok"
    assert direct.inject.fired(inject.COMMAND) >= 4
    direct.inject.disarm()
    assert direct.sign(direct["SEAL"])[0]


def test_refusal_that_somebody_forged_does_not_revoke_the_seal(direct):
    seal = direct["SEAL"]
    direct.inject.arm(inject.COMMAND, only=POLICY_NV, how=inject.ANSWER_REFUSAL, code=RC_POLICY,
                      lasting=True)
    assert error_of_sign(direct) == "TpmUnavailable"
    direct.inject.disarm()
    assert direct.seal_property(seal, "State") == "active"
    assert direct.sign(seal)[0]


def test_altered_command_is_noticed_by_the_chip(direct):
    direct.inject.arm(inject.COMMAND, only=SIGN, how=inject.ALTER_COMMAND, offset=-1, mask=1,
                      lasting=True)
    assert error_of_sign(direct) != "ok"
    assert direct.inject.fired(inject.COMMAND) >= 1
    direct.inject.disarm()
    assert direct.sign(direct["SEAL"])[0]


@pytest.mark.parametrize("side", ["direct", "behind"])
def test_pattern_is_replaced_only_where_it_is(side, request):
    box = request.getfixturevalue(side)
    block = box.inject_chip or box.inject
    block.arm(inject.COMMAND, how=inject.REPLACE, pattern=DIGEST, replacement=bytes(32), lasting=True)
    assert box.sign(box["SEAL"], bytes(31) + b"\1")[0]
    assert block.fired(inject.COMMAND) == 0
    assert error_of_sign(box) != "ok"
    assert block.fired(inject.COMMAND) >= 1


def test_step_in_the_register_fails_with_the_code_that_is_asked_for(direct):
    for code in (inject.SQLITE_FULL, inject.SQLITE_IOERR_WRITE, inject.SQLITE_BUSY):
        direct.inject.arm(inject.STEP, how=code)
        assert error_of_sign(direct) == "StorageFailure"
        assert direct.inject.fired(inject.STEP) == 1
        direct.inject.disarm()
        assert direct.sign(direct["SEAL"])[0]


def test_allocation_fails_where_the_trace_says(direct):
    if any(s in pathlib.Path(direct.build).name for s in ("asan", "tsan")):
        pytest.skip("a sanitizer has allocations of its own")
    for n in range(1, 200):
        direct.inject.arm(inject.ALLOCATION, n)
        error = error_of_sign(direct)
        direct.inject.disarm()
        if "service_seal_sign" in direct.inject.where(inject.ALLOCATION, direct.build):
            break
        direct.ctl("start")  # where it ended: the library lost its connection
    assert error == "NoMemory"
    assert direct.inject.fired(inject.ALLOCATION) == 1


def test_live_allocations_return_to_what_they_were(direct):
    if any(s in pathlib.Path(direct.build).name for s in ("asan", "tsan")):
        pytest.skip("a sanitizer has allocations of its own")
    count, size = direct.inject.live()
    assert 0 < count < size
    levels = set()
    for _ in range(6):
        assert direct.sign(direct["SEAL"])[0]
        levels.add(direct.inject.live()[0])
    assert max(levels) - min(levels) < 50, levels
