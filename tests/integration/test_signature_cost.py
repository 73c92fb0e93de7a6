# SPDX-License-Identifier: Apache-2.0
"""What a signature costs the chip, counted in the real daemon, and what it leaves there.

On a chip of silicon a command takes milliseconds to tenths of a second: whoever adds one has to
change a number here.
"""

import time

import pytest

import inject
from inject import Inject

LOAD, START, FLUSH = 0x157, 0x176, 0x165
POLICY_PCR, POLICY_AUTHORIZE, POLICY_NV, SIGN = 0x17F, 0x16A, 0x149, 0x15D
CONTEXT_LOAD, CONTEXT_SAVE = 0x161, 0x162
STEADY = [POLICY_PCR, POLICY_AUTHORIZE, POLICY_NV, SIGN]
DIGEST = bytes(range(32))


@pytest.fixture
def direct(new_sandbox, tmp_path):
    return new_sandbox("--ready", "--tcti", "swtpm", inject=Inject(tmp_path / "control"))


@pytest.fixture
def behind(new_sandbox, tmp_path):
    return new_sandbox("--ready", inject=Inject(tmp_path / "sealsd"),
                       inject_chip=Inject(tmp_path / "chip"))


def sign_and_verify(box, digest=DIGEST):
    signature, _ = box.sign(box["SEAL"], digest)
    assert box.verify(box["SEAL"], digest, signature)


def error_of_sign(box):
    return box.error(f"/org/sealsd1/seal/{box['SEAL']}", "Seal", "Sign", "aya{sv}", "32",
                     *[str(b) for b in DIGEST], "0")


def test_signature_on_a_chip_of_our_own_is_four_commands(direct):
    sign_and_verify(direct)
    for _ in range(3):
        with direct.inject.counting() as codes:
            sign_and_verify(direct)
        assert codes == STEADY


def test_signature_behind_the_resource_manager_is_four_commands_and_seventeen_at_the_chip(behind):
    for _ in range(3):  # the first ones open what is kept
        sign_and_verify(behind)
    with behind.inject.counting() as sent, behind.inject_chip.counting() as arrived:
        sign_and_verify(behind)
    assert sent == STEADY
    ours = [code for code in arrived if code in STEADY]
    assert ours == STEADY
    assert len(arrived) == 17, [hex(code) for code in arrived]


def await_commands(control, wanted, patience=10):
    """Until these came, in order and alone; nothing tells pytest but the block."""
    start, before = time.monotonic(), control.commands()
    while len(control.codes(before)) < len(wanted) and time.monotonic() - start < patience:
        time.sleep(0.02)
    assert control.codes(before) == wanted
    return time.monotonic() - start


def test_what_is_kept_behind_the_resource_manager_is_given_back_when_idle(behind):
    sign_and_verify(behind)
    await_commands(behind.inject, [FLUSH, FLUSH, FLUSH])
    with behind.inject.counting() as codes:
        sign_and_verify(behind)
    assert codes == [LOAD, START, START, *STEADY]


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
