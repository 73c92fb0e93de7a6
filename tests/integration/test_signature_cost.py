# SPDX-License-Identifier: Apache-2.0
"""What a signature costs the chip, counted in the real daemon, and what it leaves there.

On a chip of silicon a command takes milliseconds to tenths of a second: whoever adds one has to
change a number here.
"""

import time

import inject
import pytest

pytestmark = pytest.mark.alone

LOAD, START, FLUSH = 0x157, 0x176, 0x165
POLICY_PCR, POLICY_AUTHORIZE, POLICY_NV, SIGN = 0x17F, 0x16A, 0x149, 0x15D
STEADY = [POLICY_PCR, POLICY_AUTHORIZE, POLICY_NV, SIGN]
DIGEST = bytes(range(32))


def sign_and_verify(box, digest=DIGEST):
    signature, _ = box.sign(box["SEAL"], digest)
    assert box.verify(box["SEAL"], digest, signature)


def error_of_sign(box):
    return box.error(f"/org/sealsd1/seal/{box['SEAL']}", "Seal", "Sign", "aya{sv}", "32",
                     *[str(b) for b in DIGEST], "0")


def cheapest_signature(box, *controls):
    """The fewest codes from one PolicyPCR to the next, for each control block.

    Of several signatures: the daemon looks at the chip now and then, and on a busy machine what is
    kept may be given back between two. What costs a command more costs it every time.
    """
    before = [control.commands() for control in controls]
    for _ in range(12):
        sign_and_verify(box)
    found = []
    for control, start in zip(controls, before):
        codes = control.codes(start)
        starts = [i for i, code in enumerate(codes) if code == POLICY_PCR]
        found.append(min((codes[i:j] for i, j in zip(starts, starts[1:])), key=len))
    return found


def test_signature_on_a_chip_of_our_own_is_four_commands(direct):
    assert cheapest_signature(direct, direct.inject) == [STEADY]


def test_signature_behind_the_resource_manager_is_four_commands_and_seventeen_at_the_chip(behind):
    sent, arrived = cheapest_signature(behind, behind.inject, behind.inject_chip)
    assert sent == STEADY
    assert [code for code in arrived if code in STEADY] == STEADY
    assert len(arrived) == 17, [hex(code) for code in arrived]


def with_states(box):
    """Installed so that machine states can be retired, with a seal that signs."""
    box.ok("sealctl init --authority $SEAL_AUTHORITY --machine-states")
    box.environment["SEAL"] = box.make_seal()
    return box


def test_a_signature_that_others_read_costs_the_chip_the_same(direct):
    """The structure is made and hashed by the daemon."""
    number = direct["SEAL"]
    start = direct.inject.commands()
    for _ in range(12):
        data, error = direct.seal(number, "Sign", "aya{sv}", 32, *DIGEST, 1, "format", "s", "cades")
        assert data, error
    codes = direct.inject.codes(start)
    starts = [i for i, code in enumerate(codes) if code == POLICY_PCR]
    assert min((codes[i:j] for i, j in zip(starts, starts[1:])), key=len) == STEADY


def test_machine_states_that_can_be_retired_cost_one_command(new_sandbox, tmp_path):
    box = with_states(new_sandbox("--tcti", "swtpm", inject=inject.Inject(tmp_path / "control")))
    assert cheapest_signature(box, box.inject) == [[POLICY_PCR, POLICY_NV, *STEADY[1:]]]


def test_machine_states_that_can_be_retired_cost_five_more_behind_the_resource_manager(new_sandbox, tmp_path):
    box = with_states(new_sandbox(inject=inject.Inject(tmp_path / "sealsd"),
                                  inject_chip=inject.Inject(tmp_path / "chip")))
    sent, arrived = cheapest_signature(box, box.inject, box.inject_chip)
    assert sent == [POLICY_PCR, POLICY_NV, *STEADY[1:]]
    assert len(arrived) == 22, [hex(code) for code in arrived]


def test_what_is_kept_behind_the_resource_manager_is_given_back_when_idle(behind):
    before = behind.inject.commands()
    behind.sign(behind["SEAL"], DIGEST)
    deadline = time.monotonic() + 30
    while behind.inject.codes(before).count(FLUSH) < 3:  # nothing tells pytest but the block
        assert time.monotonic() < deadline
        time.sleep(0.02)
    codes = [code for code in behind.inject.codes(before) if code in (LOAD, START, FLUSH, *STEADY)]
    codes = codes[codes.index(LOAD):]  # a look at the chip may have come before
    assert codes[:10] == [LOAD, START, START, *STEADY, FLUSH, FLUSH, FLUSH]


def test_digest_altered_between_daemon_and_chip_is_refused(direct):
    sign_and_verify(direct)
    direct.inject.arm(inject.COMMAND, how=inject.REPLACE, pattern=DIGEST,
                      replacement=bytes(reversed(DIGEST)), lasting=True)
    assert error_of_sign(direct) == "TpmUnavailable"
    assert direct.inject.fired(inject.COMMAND) == 2  # once more, in a new connection
    direct.inject.disarm()
    sign_and_verify(direct)


def test_digest_altered_behind_the_resource_manager_is_refused(behind):
    sign_and_verify(behind)
    behind.inject_chip.arm(inject.COMMAND, how=inject.REPLACE, pattern=DIGEST,
                           replacement=bytes(reversed(DIGEST)), lasting=True)
    assert error_of_sign(behind) == "TpmUnavailable"
    assert behind.inject_chip.fired(inject.COMMAND) == 2
    behind.inject_chip.disarm()
    sign_and_verify(behind)
