# SPDX-License-Identifier: Apache-2.0
"""What a signature with approvers costs the chip, counted in the real daemon.

On a chip of silicon a command takes milliseconds to tenths of a second: whoever adds one has to
change a number here.
"""

import pytest
from approving import ALICE, BOB, CAROL, DAVE, Uses, document
from lifecycle import KEEPER, Life, dictionary
from test_signature_cost import FLUSH, POLICY_AUTHORIZE, POLICY_NV, POLICY_PCR, SIGN, START

pytestmark = pytest.mark.alone

LOAD_EXTERNAL, POLICY_SIGNED, POLICY_OR, POLICY_AUTH_VALUE = 0x167, 0x160, 0x171, 0x16B
MACHINE = [POLICY_PCR, POLICY_AUTHORIZE, POLICY_NV]
ONE = [LOAD_EXTERNAL, POLICY_SIGNED, FLUSH]
CASES = {
    (1, 1): [*MACHINE, *ONE, SIGN],
    (3, 2): [*MACHINE, *ONE, *ONE, POLICY_OR, SIGN],
    (4, 4): [*MACHINE, *ONE, *ONE, *ONE, *ONE, SIGN],
}
AT_THE_CHIP = {(1, 1): 26, (3, 2): 38, (4, 4): 53}  # behind tpm2-abrmd; 17 without approvers
ROUNDS = 4


def cheapest(control, act):
    """The fewest codes from one PolicyPCR to the next, of several rounds: see test_signature_cost."""
    before = control.commands()
    act()
    codes = control.codes(before)
    starts = [i for i, code in enumerate(codes) if code == POLICY_PCR]
    return min((codes[i:j] for i, j in zip(starts, starts[1:])), key=len)


def fewest(arrived):
    starts = [i for i, code in enumerate(arrived) if code == POLICY_PCR]
    return min(j - i for i, j in zip(starts, starts[1:]))


def seal(uses, n, k):
    approvers = uses.approvers(ALICE, BOB, CAROL, DAVE)[:n]
    return uses.seal(approvers, k), approvers[:k]


def requests(uses, number, approvers):
    made = [uses.request(number, document(str(i))) for i in range(ROUNDS)]
    for request in made:
        uses.approve(request, *approvers)
    return made


def collect(uses, number, made):
    for i, request in enumerate(made):
        assert uses.box.verify(number, document(str(i)), uses.collect(request)[0])


@pytest.mark.parametrize("n,k", CASES)
def test_approved_signature_on_a_chip_of_our_own(direct, n, k):
    uses = Uses(Life(direct, "dual"))
    number, approvers = seal(uses, n, k)
    made = requests(uses, number, approvers)
    assert cheapest(direct.inject, lambda: collect(uses, number, made)) == CASES[n, k]


@pytest.mark.parametrize("n,k", CASES)
def test_approved_signature_behind_the_resource_manager(behind, n, k):
    uses = Uses(Life(behind, "dual"))
    number, approvers = seal(uses, n, k)
    made = requests(uses, number, approvers)
    before = behind.inject_chip.commands()
    assert cheapest(behind.inject, lambda: collect(uses, number, made)) == CASES[n, k]
    assert fewest(behind.inject_chip.codes(before)) == AT_THE_CHIP[n, k]


def pin_seal(uses):
    number = uses.life.seal("Acme", ("pin", "b", "true"), accept=False)
    uses.life.do(number, "Accept", "a{sv}", *dictionary(("new-pin", "s", "swordfish")), user=KEEPER)
    return number


def sign_with_pin(uses, number):
    digest = document("a")
    for _ in range(ROUNDS):
        data = uses.life.do(number, "Sign", "aya{sv}", 32, *digest, *dictionary(("pin", "s", "swordfish")),
                            user=KEEPER)
        assert uses.box.verify(number, digest, bytes(data[0]))


def test_signature_with_a_pin_on_a_chip_of_our_own(direct):
    uses = Uses(Life(direct, "dual"))
    number = pin_seal(uses)
    assert cheapest(direct.inject, lambda: sign_with_pin(uses, number)) == [*MACHINE, POLICY_AUTH_VALUE, SIGN]


def test_signature_with_a_pin_behind_the_resource_manager(behind):
    uses = Uses(Life(behind, "dual"))
    number = pin_seal(uses)
    before = behind.inject_chip.commands()
    assert cheapest(behind.inject, lambda: sign_with_pin(uses, number)) == [*MACHINE, POLICY_AUTH_VALUE, SIGN]
    assert fewest(behind.inject_chip.codes(before)) == 20


def test_live_signature_has_a_session_of_its_own_to_open_and_to_flush(direct):
    uses = Uses(Life(direct, "dual"))
    number, approvers = seal(uses, 3, 2)

    def act():
        for i in range(ROUNDS):
            request = uses.request(number, document(str(i)), ("live", "b", "true"))
            uses.approve(request, *approvers)
            assert uses.box.verify(number, document(str(i)), uses.collect(request)[0])

    assert cheapest(direct.inject, act) == [*CASES[3, 2], FLUSH, START]
