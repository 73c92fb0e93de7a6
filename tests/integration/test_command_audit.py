# SPDX-License-Identifier: Apache-2.0
"""Command audit: a signature that the chip made past sealsd is found, where the configuration has it."""

import json

import pytest
from inject import COMMAND, LOSE_ANSWER, REFUSE, Inject
from tampering import rows
from test_inspection import codes, text_of
from test_revocation import attacker, keep_register
from test_signature_cost import FLUSH, SIGN, START, STEADY, cheapest_signature

ON = "[Inspection]\nCommandAudit=yes\n"
SET_AUDIT, GET_AUDIT, COMMAND_CODE = 0x140, 0x133, 0x143
FOUND = ("", "unexplained-signature")


def audit_status(box):
    return json.loads(box.ok("sealctl --json status"))["command-audit"]


def passport_says(box):
    return json.loads(box.ok("sealctl --json passport $SEAL"))["command-audit"]


def events(box, *words):
    return [row for row in rows(box) if row["event"] in words]


def begun(box):
    return events(box, "audit-begun")


def counted(box):
    """How many signatures the ledger accounts for."""
    return sum(row["count"] for row in events(box, "signed"))


def settle(box):
    """Two looks at the chip: the first may find that it has to begin, which the next one does."""
    return [audit_status(box) for _ in range(3)][-1]


def flat(digests):
    """As busctl takes an array of arrays."""
    return [number for digest in digests for number in (len(digest), *digest)]


@pytest.fixture
def counting(new_sandbox):
    box = new_sandbox("--ready", conf=ON)
    assert settle(box) == "on"
    return box


def test_our_own_signatures_are_explained(counting):
    for i in range(10):
        assert counting.sign(counting["SEAL"], bytes([i]) * 32)[0]
    assert FOUND not in codes(counting)
    assert counted(counting) >= 10
    assert len(begun(counting)) == 1
    [row] = begun(counting)
    assert passport_says(counting) == "on"
    assert len(row["facts"]["digest"]) == 64 and row["facts"]["counter"] >= 0


def test_our_own_signatures_are_explained_after_a_restart(counting):
    assert counting.sign(counting["SEAL"])[0]
    counting.ctl("stop")
    counting.ctl("start")
    assert counting.sign(counting["SEAL"])[0]
    assert FOUND not in codes(counting)
    assert len(begun(counting)) == 1


def test_many_signatures_are_one_row_a_turn(counting):
    digests = [[i] * 32 for i in range(40)]
    before = counted(counting), len(events(counting, "signed"))
    data, error = counting.seal(counting["SEAL"], "SignMany", "aaya{sv}", 40, *flat(digests), 0)
    assert data and len(data[0]) == 40, error
    assert FOUND not in codes(counting)
    assert counted(counting) - before[0] == 40
    assert len(events(counting, "signed")) - before[1] < 40


def test_attackers_signature_is_found_once(counting):
    keep_register(counting)
    assert counting.sign(counting["SEAL"])[0]
    assert attacker(counting, "sign", "/run/before", counting["SEAL"]) == "done"
    assert counting.sign(counting["SEAL"])[0]
    assert FOUND in codes(counting)
    assert settle(counting) == "on"
    assert len(begun(counting)) == 2
    assert FOUND not in codes(counting)
    assert counting.sign(counting["SEAL"])[0]
    assert FOUND not in codes(counting)
    assert attacker(counting, "sign", "/run/before", counting["SEAL"]) == "done"
    assert "every program" in text_of(counting, "unexplained-signature")


def test_attackers_signature_while_the_daemon_is_away_is_found(counting):
    keep_register(counting)
    counting.ctl("stop")
    assert attacker(counting, "sign", "/run/before", counting["SEAL"]) == "done"
    counting.ctl("start")
    assert FOUND in codes(counting)


def test_disarming_is_found_and_made_good(counting):
    counting.ok("tpm2_setcommandauditstatus -C o --clear-list 0x15d")
    assert FOUND in codes(counting)
    assert settle(counting) == "on"
    keep_register(counting)
    assert attacker(counting, "sign", "/run/before", counting["SEAL"]) == "done"
    assert FOUND in codes(counting)


def test_reset_of_the_tpm_begins_anew(counting):
    keep_register(counting)
    assert counting.sign(counting["SEAL"])[0]
    counting.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")
    assert settle(counting) == "on"
    assert len(begun(counting)) == 2
    assert counting.sign(counting["SEAL"])[0]
    assert FOUND not in codes(counting)
    assert attacker(counting, "sign", "/run/before", counting["SEAL"]) == "done"
    assert FOUND in codes(counting)


def test_off_leaves_no_row(sandbox):
    keep_register(sandbox)
    assert sandbox.sign(sandbox["SEAL"])[0]
    assert attacker(sandbox, "sign", "/run/before", sandbox["SEAL"]) == "done"
    assert FOUND not in codes(sandbox)
    assert audit_status(sandbox) == "off" and passport_says(sandbox) == "off"
    assert events(sandbox, "audit-begun", "signed") == []


@pytest.fixture
def tapped(new_sandbox, tmp_path):
    """Counting, with a tap between sealsd and the simulator."""
    box = new_sandbox("--ready", "--tcti", "swtpm", conf=ON, inject=Inject(tmp_path / "control"))
    assert settle(box) == "on"
    return box


@pytest.mark.alone
def test_signature_costs_no_command_more(tapped):
    assert cheapest_signature(tapped, tapped.inject) == [STEADY]


@pytest.mark.alone
def test_look_costs_three_commands_more(tapped):
    start = tapped.inject.commands()
    assert audit_status(tapped) == "on"
    codes_sent = tapped.inject.codes(start)
    at = codes_sent.index(GET_AUDIT)
    assert codes_sent[at - 1:at + 2] == [START, GET_AUDIT, FLUSH]
    assert SET_AUDIT not in codes_sent


def test_signature_whose_answer_was_lost_is_found(tapped):
    assert tapped.sign(tapped["SEAL"])[0]
    tapped.inject.arm(COMMAND, only=SIGN, how=LOSE_ANSWER)
    tapped.sign(tapped["SEAL"])
    tapped.inject.disarm()
    assert FOUND in codes(tapped)


def test_chip_without_command_audit_says_so(tapped):
    tapped.inject.arm(COMMAND, only=GET_AUDIT, how=REFUSE, code=COMMAND_CODE, lasting=True)
    assert audit_status(tapped).startswith("not in this TPM: The TPM does not have this command")
    assert passport_says(tapped) == "absent"
    assert "this TPM does not count what it signs" in " ".join(tapped.ok("sealctl passport $SEAL").split())
    assert FOUND not in codes(tapped)
    assert tapped.sign(tapped["SEAL"])[0]
    tapped.inject.disarm()
    assert settle(tapped) == "on"
    assert FOUND not in codes(tapped)


def test_owner_auth_of_somebody_else_is_told(counting):
    counting.ok("tpm2_changeauth -c owner stranger")
    counting.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")
    assert settle(counting) == ("not counting: The TPM's owner hierarchy has an authorisation that sealsd "
                                "does not know")
    assert passport_says(counting) == "stopped"
