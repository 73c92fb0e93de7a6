# SPDX-License-Identifier: Apache-2.0
"""What the daemon does about the chip's conditions: docs/design.md, section 5.8, row by row."""

import json
import re

import pytest
from conftest import Sandbox

from inject import COMMAND, REFUSE, Inject

LOAD, SIGN, POLICY_PCR, POLICY_NV = 0x157, 0x15D, 0x17F, 0x149
FLUSH_CONTEXT = 0x165
FAILURE, REBOOT, COMMAND_CODE, CONTEXT_GAP = 0x101, 0x130, 0x143, 0x901
OBJECT_MEMORY, SESSION_MEMORY, RETRY, REFERENCE_S0 = 0x902, 0x903, 0x922, 0x918
PCR_CHANGED, NV_RATE, SCHEME = 0x128, 0x920, 0x2D2
LAYERS = {"chip": 0, "tpm2-abrmd": 11 << 16, "kernel": 12 << 16}


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    """A chip without a broker, whose answers the tests alter; nothing is armed between them."""
    made = Sandbox("--ready", "--tcti", "swtpm", inject=Inject(tmp_path_factory.mktemp("i") / "control"))
    yield made
    assert made.close() == 0


@pytest.fixture(autouse=True)
def disarmed(box):
    yield
    box.inject.disarm()
    assert box.sign(box["SEAL"])[0]
    assert box.manager_property("State") == "ready"


def sign(box):
    """(name of the error or "ok", its text)"""
    done = box.run(["/usr/bin/python3", box.call_error, f"/org/sealsd1/seal/{box['SEAL']}",
                    "org.sealsd1.Seal", "Sign", "aya{sv}", "32", *["7"] * 32, "0"])
    assert done.status == 0, done
    return done.stdout.strip(), done.stderr.strip()


def refuse(box, code, only, lasting=False):
    box.inject.arm(COMMAND, only=only, how=REFUSE, code=code, lasting=lasting)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("code, only", [
    (OBJECT_MEMORY, LOAD), (SESSION_MEMORY, POLICY_PCR), (SESSION_MEMORY, SIGN),
], ids=["key", "session", "late"])
def test_full_chip_is_given_back_what_is_kept_and_asked_once_more(box, code, only, layer):
    """A second seal, for which the first one's key and sessions stand in the way."""
    other = box.make_seal("Other")
    assert box.sign(other)[0]
    for _ in range(5):  # the daemon's own look at the chip may have come first, which gives back too
        refuse(box, code | LAYERS[layer], only)
        with box.inject.counting() as codes:
            answer = sign(box)
        assert box.inject.fired(COMMAND) == 1
        if answer == ("ok", ""):
            break
        assert box.sign(other)[0]
    assert answer == ("ok", "")
    assert codes.count(FLUSH_CONTEXT) >= 2  # both sessions
    refuse(box, code | LAYERS[layer], only, lasting=True)
    assert box.error(f"/org/sealsd1/seal/{other}", "Seal", "Sign", "aya{sv}", "32", *["7"] * 32,
                     "0") == "TpmFull"
    assert box.inject.fired(COMMAND) <= 2


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("code, only", [(CONTEXT_GAP, POLICY_PCR), (REFERENCE_S0, POLICY_NV),
                                        (CONTEXT_GAP, SIGN), (REFERENCE_S0, SIGN)])
def test_what_the_chip_lost_is_made_anew_over_a_new_connection_once(box, code, only, layer):
    assert box.sign(box["SEAL"])[0]
    refuse(box, code | LAYERS[layer], only)
    with box.inject.counting() as codes:
        assert sign(box) == ("ok", "")
    assert box.inject.fired(COMMAND) == 1 and codes.count(SIGN) in (1, 2) and LOAD in codes
    refuse(box, code | LAYERS[layer], only, lasting=True)
    assert sign(box)[0] == "TpmUnavailable"
    assert box.inject.fired(COMMAND) == 2


@pytest.mark.parametrize("code, only, most", [(RETRY, SIGN, 5 * 8), (PCR_CHANGED, SIGN, 8),
                                              (NV_RATE, POLICY_NV, 8)])
def test_chip_that_asks_for_patience_gets_it_within_bounds(box, code, only, most):
    refuse(box, code, only)
    assert sign(box) == ("ok", "")
    refuse(box, code, only, lasting=True)
    name, text = sign(box)
    assert name == "Busy" and "try again" in text, (name, text)
    assert 1 < box.inject.fired(COMMAND) <= most


@pytest.mark.parametrize("code, only, says", [(COMMAND_CODE, POLICY_NV, "command"),
                                              (SCHEME, SIGN, "scheme")])
def test_what_the_chip_does_not_have_is_unsupported(box, code, only, says):
    refuse(box, code, only)
    name, text = sign(box)
    assert name == "Unsupported" and says in text, (name, text)
    assert box.inject.fired(COMMAND) == 1  # asking again would not help


def test_use_of_a_refused_signature_is_given_back(box):
    before = box.seal_property(box["SEAL"], "UseCount")
    refuse(box, COMMAND_CODE, POLICY_NV)  # a refusal of Sign itself may be forged
    assert sign(box)[0] == "Unsupported"
    assert box.seal_property(box["SEAL"], "UseCount") == before


@pytest.mark.parametrize("code, says", [(FAILURE, "switch the machine off and on"),
                                        (REBOOT, "restart of the machine")])
def test_chip_in_failure_mode_is_said_once_and_works_again_after_a_reset(box, code, says):
    pid = box.ctl("pid")
    watch = box.watch()
    box.inject.arm(COMMAND, how=REFUSE, code=code, lasting=True)
    name, text = sign(box)
    assert name == "TpmFailure" and says in text, (name, text)
    # In whichever order: a connection that the chip would not tidy up is given up first.
    told = {}
    while told.keys() != {"Attention", "Changed"}:
        message = json.loads(watch.line())
        if message["member"] in ("Attention", "Changed"):
            told.setdefault(message["member"], message["body"])
    assert told["Attention"][:2] == ["critical", "tpm-failure"] and says in told["Attention"][3]
    assert told["Changed"] == ["manager", "", "no-tpm"]
    why = box.seal_property(box["SEAL"], "WhyNot")
    assert why.startswith("TpmFailure: ") and says in why
    assert sign(box)[0] == "TpmFailure"
    assert any(says in line for line in box.manager("GetStatus")[0][0]["attention"]["data"])
    # The reset: nobody has to ask for it to be noticed.
    box.ok("$SEALSD_TPM_CTL kill; $SEALSD_TPM_CTL start")
    box.inject.disarm()
    states = []
    while "ready" not in states:
        message = watch.signal("Changed")["body"]
        states += [message[2]] if message[0] == "manager" else []
    assert states == ["ready"]
    assert sign(box) == ("ok", "") and box.ctl("pid") == pid
    watch.kill()


def test_wrong_passphrases_are_counted_down_to_a_lockout_that_names_its_seconds(new_sandbox):
    box = new_sandbox()
    assert box.manager("Initialize", "a{sv}", 1, "passphrase", "s", "correct horse")[0]
    seal = box.make_seal()

    def approve(passphrase):
        done = box.run(["/usr/bin/python3", box.call_error, "/org/sealsd1", "org.sealsd1.Manager",
                        "ApproveMachineState", "a{sv}", "1", "passphrase", "s", passphrase])
        return done.stdout.strip(), done.stderr.strip()

    tries = []
    while True:
        name, text = approve("battery staple")
        if name != "WrongPin":
            break
        found = re.search(r"(\d+) tr(?:y is|ies are) left", text)
        tries.append(int(found[1]) if found else 0)
        assert found or "refuses all" in text, text
    assert tries == list(range(len(tries) - 1, -1, -1)) and len(tries) > 1
    for passphrase in ("battery staple", "correct horse"):
        name, text = approve(passphrase)
        assert name == "TpmLockout" and re.search(r"every \d+ seconds", text), (name, text)
    assert box.sign(seal)[0]  # its key is noDA
    assert any("lockout" in t for t in box.manager("GetStatus")[0][0]["attention"]["data"])
    # Who holds the lockout authorisation ends it; the register keeps the one that Initialize set.
    auth = box.ok("sqlite3 $SEALSD_STATE/register.db 'SELECT hex(lockout_auth) FROM installation'")
    box.ok(f"tpm2_dictionarylockout --clear-lockout --auth hex:{auth.strip()}")
    assert approve("correct horse") == ("ok", "")
