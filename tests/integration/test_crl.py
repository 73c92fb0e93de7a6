# SPDX-License-Identifier: Apache-2.0
"""Revocation lists: what is revoked is on them before Revoke returns, or owed, and why."""

import json
import re
import time

import inject
import pytest
from certificates import (certificates, crl_is_signed, entries, events, lists, maker_certificates, number_of,
                          openssl_verify, revocation_list, serial, sm2_is_signed, text)
from lifecycle import KEEPER, Life
from test_signature_cost import SIGN, STEADY

FILE = "$SEALSD_CRL/maker-ecdsa-p256.crl"


def file_of(box, path=FILE):
    done = box.run(f"cat {path}")
    return done.bytes if done.status == 0 else None


def own_serial(box, number):
    return serial(box, certificates(box, number)[0])


def is_listed(box, number, der=None):
    """The reason, None when it is not on the list."""
    found = entries(box, der or revocation_list(box)).get(own_serial(box, number))
    return found and found[1]


def wait_listed(box, number, reason):
    """Until the list says so of it; nothing tells pytest but the list."""
    deadline = time.monotonic() + 60
    while is_listed(box, number) != reason:
        assert time.monotonic() < deadline, (is_listed(box, number), reason)
        time.sleep(0.02)


def codes(box):
    return {row[2] for row in box.manager("Inspect")[0][0]} - {"owner-auth-empty", "audit-absent",
                                                              "key-memory-plain", "key-memory-locked"}


def revoke(box, number):
    data, error = box.seal(number, "Revoke", "s", "over")
    assert data is not None, error


def check_revoked(box, number, der=None):
    """As an outsider would: the list is the maker's, and openssl takes the certificate for revoked."""
    der = der or revocation_list(box)
    maker = maker_certificates(box)[0]
    assert crl_is_signed(box, der, maker)
    good, told = openssl_verify(box, certificates(box, number)[:1], [maker], [der])
    assert not good and "certificate revoked" in told, told


def test_revoked_seal_is_on_the_list_before_revoke_returns(sandbox):
    box, number = sandbox, sandbox["SEAL"]
    neighbour, before = box.make_seal("Neighbour"), revocation_list(box)
    good, told = openssl_verify(box, certificates(box, number)[:1], maker_certificates(box)[:1], [before])
    assert good, told
    revoke(box, number)
    after = revocation_list(box)
    assert file_of(box) == after
    check_revoked(box, number, after)
    good, told = openssl_verify(box, certificates(box, neighbour)[:1], maker_certificates(box)[:1], [after])
    assert good, told
    assert number_of(box, after) > number_of(box, before)
    acts = {act["act"]: act["time"] for act in json.loads(box.seal(number, "Describe")[0][0])["acts"]}
    date, reason = entries(box, after)[own_serial(box, number)]
    assert int(box.ok(f"date -d '{date}' +%s")) == acts["revoked"] // 1000000 and reason == ""
    row = events(box, "revocation-list-issued")[-1]
    assert (row["object"], row["facts"]["entries"], row["facts"]["number"]) == ("ecdsa-p256", 1,
                                                                                number_of(box, after))
    # Once more, and nothing changes.
    revoke(box, number)
    assert revocation_list(box) == after
    box.ctl("restart")
    assert revocation_list(box) == after and file_of(box) == after


@pytest.fixture(scope="module")
def life(shared):
    shared.ok("sealctl capacity extend 64 --authority $SEAL_AUTHORITY")
    return Life(shared, "dual")


@pytest.mark.parametrize("algorithm", ("ecdsa-p384", "rsa-2048", "sm2"))
def test_seals_of_every_algorithm_are_listed_by_their_maker(life, algorithm):
    box, number = life.box, life.seal(f"Of {algorithm}", ("algorithm", "s", algorithm))
    life.do(number, "Revoke", "s", "over")
    if algorithm != "sm2":
        check_revoked(box, number)
        return
    der, maker = lists(box)["sm2"], maker_certificates(box)[1]
    assert sm2_is_signed(box, der, maker) and is_listed(box, number, der) == ""
    assert is_listed(box, number) is None
    assert file_of(box, "$SEALSD_CRL/maker-sm2.crl") == der


# What happens to an active seal before it is revoked: the reason then, and the act since which it is
# on the list (None: the revocation itself).
WAYS = [
    ("", "", None),
    ("Suspend", "", "seal-suspended"),
    ("Suspend Resume", "", None),
    ("Suspend ReportLost", "Key Compromise", "seal-suspended"),
    ("Suspend Surrender", "Cessation Of Operation", None),
    ("Suspend transfer", "", None),
    ("ReportLost", "Key Compromise", "seal-lost"),
    ("ReportLost ReportFound", "", "seal-lost"),
    ("ReportLost ReportFound Resume", "", None),
    ("ReportLost ReportFound Resume Suspend", "", "seal-suspended"),
    ("ReportLost ReportFound ReportLost", "Key Compromise", "seal-lost"),
    ("ReportLost Surrender", "Cessation Of Operation", None),
    ("ReportLost transfer", "", None),
    ("ReportLost transfer Accept", "", None),
    ("ReportLost transfer Decline", "", None),
    ("Surrender", "Cessation Of Operation", None),
    ("Surrender Deliver", "", None),
    ("Surrender Deliver Accept", "", None),
    ("Surrender Deliver Decline", "", None),
    ("Surrender Deliver ReportLost", "Key Compromise", "seal-lost"),
    ("Surrender Deliver Accept Surrender", "Cessation Of Operation", None),
    ("Surrender transfer Accept Suspend", "", "seal-suspended"),
    ("renew", "Superseded", None),
    ("renew Suspend", "Superseded", "seal-suspended"),
    ("renew Surrender", "Superseded", None),
    ("renew ReportLost", "Key Compromise", "seal-lost"),
]


def go(life, number, steps):
    """By whom it takes; a transfer changes the keeper."""
    keeper = KEEPER
    for step in steps.split():
        if step == "renew":
            request = life.apply(number, "renew", ("overlap", "t", 3600 * 1000000))
            life.approve(request)
            life.hand_out(life.make(request), KEEPER)
        elif step == "transfer":
            keeper = "seal-stranger"
            life.approve(life.apply(number, "transfer", ("keeper", "s", f"user:{keeper}")))
        elif step == "Accept":
            life.do(number, step, "a{sv}", 0, user=keeper)
        elif step == "Deliver":
            life.do(number, step, "s", f"user:{keeper}", user="seal-admin")
        else:
            life.do(number, step, "s", "because", user="seal-admin" if step == "Resume" else keeper)


def second_of(box, number, event):
    """The first of a hold: the last one that no other state came behind."""
    rows = [json.loads(row) for row in box.manager("ReadLedger", "a{sv}", 1, "seal", "s", number)[0][0]]
    held = [row for row in rows if row["event"].startswith("seal-") and "state" in row]
    while held[-1]["state"] in ("revoked", "destroyed"):
        held.pop()
    first = held[-1]
    while held and held[-1]["state"] in ("suspended", "lost"):
        first = held.pop()
    assert first["event"] == event, (first, event)
    return first["time"] // 1000000


@pytest.mark.parametrize("steps, reason, since", WAYS, ids=[way[0] or "nothing" for way in WAYS])
def test_reason_and_date_are_of_what_the_seal_was_when_it_was_revoked(life, steps, reason, since):
    box, number = life.box, life.seal(f"way {steps}")
    go(life, number, steps)
    life.do(number, "Revoke", "s", "over")
    own = own_serial(box, number)
    date, told = entries(box, revocation_list(box))[own]
    acts = {act["act"]: act["time"] for act in json.loads(box.seal(number, "Describe")[0][0])["acts"]}
    expected = second_of(box, number, since) if since else acts["revoked"] // 1000000
    assert (told, int(box.ok(f"date -d '{date}' +%s"))) == (reason, expected)


def test_destruction_changes_nothing_on_the_list(life):
    box, number = life.box, life.seal("destroyed")
    go(life, number, "ReportLost")
    life.do(number, "Revoke", "s", "over")
    before = entries(box, revocation_list(box))[own_serial(box, number)]
    life.do(number, "Destroy", "s", "gone", user="seal-admin")
    life.do(life.seal("another"), "Revoke", "s", "for another list")
    own = serial(box, certificates(box, number, "seal-auditor")[0])
    assert entries(box, revocation_list(box))[own] == before


def test_what_is_suspended_or_lost_is_on_hold_and_comes_off_again(life):
    box, number = life.box, life.seal("on hold")
    life.do(number, "Suspend", "s", "holidays", user=KEEPER)
    wait_listed(box, number, "Certificate Hold")
    life.do(number, "Resume", "s", "back", user="seal-admin")
    wait_listed(box, number, None)
    life.do(number, "ReportLost", "s", "gone", user=KEEPER)
    wait_listed(box, number, "Certificate Hold")
    life.do(number, "ReportFound", "s", "here", user=KEEPER)
    life.approve(life.apply(number, "transfer", ("keeper", "s", "user:seal-stranger")))
    wait_listed(box, number, None)
    life.do(number, "Accept", "a{sv}", 0, user="seal-stranger")
    life.do(number, "Suspend", "s", "again", user="seal-admin")
    wait_listed(box, number, "Certificate Hold")
    life.do(number, "Revoke", "s", "for good")
    assert is_listed(box, number) == ""


def test_many_suspended_at_once_come_on_one_list_or_a_few(life):
    box = life.box
    numbers = [life.seal(f"many {i}", ("type", "s", "invoice")) for i in range(8)]
    before = len(events(box, "revocation-list-issued"))
    assert box.manager("SuspendSeals", "a{sv}s", 1, "type", "s", "invoice", "audit")[0] == [8]
    for number in numbers:
        wait_listed(box, number, "Certificate Hold")
    assert len(events(box, "revocation-list-issued")) - before <= 3


def test_revocation_by_request_is_listed_before_its_approval_returns(life):
    box, number = life.box, life.seal("by request")
    life.approve(life.apply(number, "revoke"))
    check_revoked(box, number)


def test_two_revocations_at_once_are_both_on_the_list_when_they_return(life):
    box = life.box
    numbers = [life.seal(f"at once {i}") for i in range(6)]
    calls = [box.start(["busctl", "call", "--timeout=120", "--", "org.sealsd1", f"/org/sealsd1/seal/{number}",
                        "org.sealsd1.Seal", "Revoke", "s", "over"]) for number in numbers]
    for number, call in zip(numbers, calls):
        assert box.finish(call).status == 0
        assert is_listed(box, number) == ""
    assert "crl-owed" not in codes(box)


# --- the chip refuses -------------------------------------------------------------------------------


def test_in_an_unapproved_state_revoke_works_and_the_list_is_owed_until_it_is_approved(sandbox):
    box, number, watch = sandbox, sandbox["SEAL"], sandbox.watch()
    before = revocation_list(box)
    box.pcr_extend(7)
    assert box.error("/org/sealsd1", "Manager", "GetMakerRequest") == "MachineStateRefused"  # it is noticed
    revoke(box, number)
    assert box.seal_property(number, "State") == "revoked"
    assert revocation_list(box) == before
    while (message := watch.signal("Attention"))["body"][1] != "crl-owed":
        pass
    assert message["body"][0] == "warning"
    assert {"crl-owed", "unapproved"} <= codes(box)
    box.ctl("restart")
    assert revocation_list(box) == before and "crl-owed" in codes(box)
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")
    wait_listed(box, number, "")
    check_revoked(box, number)
    assert file_of(box) == revocation_list(box)
    assert codes(box) == set()


def test_status_tells_the_age_of_each_list_and_whether_another_is_owed(sandbox):
    box, number = sandbox, sandbox["SEAL"]
    rows = {row[0]: row[1:] for row in json.loads(box.ok("sealctl --json status"))["revocation-lists"]}
    assert set(rows) == {"ecdsa-p256", "sm2"}
    for algorithm, (own, this, following, count, owed) in rows.items():
        der = lists(box)[algorithm]
        times = [int(box.ok(f"date -d '{value}' +%s")) for value in
                 re.findall(r"(?:Last|Next) Update: (.*)", text(box, der, "crl"))]
        assert (own, [this // 1000000, following // 1000000], count, owed) == (number_of(box, der), times, 0, False)
    box.pcr_extend(7)
    revoke(box, number)
    told = box.ok("sealctl status")
    head, first, second = told[told.index("REVOCATION LIST"):].splitlines()[:3]
    assert head.split() == "REVOCATION LIST NUMBER THIS UPDATE NEXT UPDATE ENTRIES OWED".split()
    assert first.split()[:2] == ["ecdsa-p256", str(rows["ecdsa-p256"][0])] and first.split()[-2:] == ["0", "yes"]
    assert second.split()[-2:] == ["0", "no"]
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")
    wait_listed(box, number, "")
    assert [row[4:] for row in json.loads(box.ok("sealctl --json status"))["revocation-lists"]] == [[1, False],
                                                                                                  [0, False]]


def test_state_that_nobody_has_noticed_yet_does_not_hold_revoke_up(sandbox):
    """The daemon thinks that the key can sign, and the chip refuses it: revoked all the same."""
    box, number = sandbox, sandbox["SEAL"]
    box.pcr_extend(7)
    revoke(box, number)
    assert is_listed(box, number) is None and "crl-owed" in codes(box)
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")
    wait_listed(box, number, "")


def test_under_lock_revoke_works_and_the_list_is_owed_until_the_next_boot(sandbox):
    box, number = sandbox, sandbox["SEAL"]
    assert box.manager("Lock", "s", "fire")[0] is not None
    revoke(box, number)
    assert is_listed(box, number) is None and {"crl-owed", "locked"} <= codes(box)
    box.ok("$SEALSD_TPM_CTL stop && $SEALSD_TPM_CTL start")
    wait_listed(box, number, "")
    check_revoked(box, number)
    assert "crl-owed" not in codes(box)


def test_without_a_chip_the_list_comes_with_the_bit(sandbox):
    box, number = sandbox, sandbox["SEAL"]
    box.ok("$SEALSD_TPM_CTL stop")
    assert box.seal(number, "Revoke", "s", "over")[0] is None  # the bit is owed, and it is said
    box.ok("$SEALSD_TPM_CTL start")
    wait_listed(box, number, "")
    check_revoked(box, number)


def test_tampered_register_issues_no_list_until_it_is_acknowledged(sandbox):
    """Put back to before the revocation, it would take the certificate off the list."""
    box, number = sandbox, sandbox["SEAL"]
    box.ctl("stop")
    box.ok("cp -a $SEALSD_STATE /run/before")
    box.ctl("start")
    revoke(box, number)
    last = revocation_list(box)
    box.ctl("stop")
    box.ok("rm -rf $SEALSD_STATE/* && cp -a /run/before/. $SEALSD_STATE/")
    box.ctl("start")
    assert box.manager_property("State") == "tampered"
    assert box.seal_property(number, "State") == "revoked"  # found in the chip
    assert is_listed(box, number) is None and "crl-owed" in codes(box)
    assert box.manager("AcknowledgeTampering", "sa{sv}", "put back on purpose", 0)[0] is not None
    wait_listed(box, number, "")
    check_revoked(box, number)
    assert number_of(box, revocation_list(box)) > number_of(box, last)


def test_revoking_again_waits_for_the_list_that_was_left_owed(direct):
    box, number = direct, direct["SEAL"]
    box.inject.arm(inject.COMMAND, only=SIGN, how=inject.REFUSE, code=0x120, lasting=True)
    revoke(box, number)
    assert is_listed(box, number) is None
    box.inject.disarm()
    revoke(box, number)
    assert is_listed(box, number) == ""


def test_certificate_made_while_its_seal_is_on_hold_is_on_hold_too(life):
    box, number = life.box, life.seal("certified on hold")
    life.do(number, "Suspend", "s", "holidays", user=KEEPER)
    wait_listed(box, number, "Certificate Hold")
    first = own_serial(box, number)
    life.approve(life.apply(number, "recertify"))
    assert own_serial(box, number) != first
    wait_listed(box, number, "Certificate Hold")
    assert first in entries(box, revocation_list(box))


def test_maker_that_signs_no_more_does_not_hold_up_the_other_s_list(sandbox):
    box, life = sandbox, Life(sandbox, "dual")
    other = life.seal("of SM2", ("algorithm", "s", "sm2"))
    box.ctl("stop")
    assert box.run(["attacker", "revoke", box["SEALSD_STATE"], "maker:sm2"]).stdout.strip() == "done"
    box.ok("chown -R sealsd:sealsd $SEALSD_STATE")
    box.ctl("start")
    life.do(other, "Revoke", "s", "over")
    assert "crl-owed" in codes(box)
    revoke(box, box["SEAL"])
    check_revoked(box, box["SEAL"])
    assert "crl-owed" in codes(box)


def test_register_key_that_the_chip_refuses_is_not_asked_for_again_at_once(direct):
    box = direct
    box.ctl("stop")
    box.inject.arm(inject.COMMAND, only=UNSEAL, how=inject.REFUSE, code=0x1C4, lasting=True)
    box.ctl("start")
    revoke(box, box["SEAL"])
    # Answered one after the other by the chip; who asks it again at once would come in between each time.
    for _ in range(20):
        assert box.manager("GetMachineState")[0] is not None
    assert box.inject.fired(inject.COMMAND) <= 6
    assert is_listed(box, box["SEAL"]) is None
    box.inject.disarm()
    revoke(box, box["SEAL"])
    assert is_listed(box, box["SEAL"]) == ""


# --- files ------------------------------------------------------------------------------------------


def test_files_are_everybody_s_to_read_and_written_again_where_they_are_gone_or_changed(sandbox):
    box = sandbox
    assert box.ok(f"stat -c '%a %U' {FILE}").strip() == "644 sealsd"
    assert box.run(f"cat {FILE}", box["SEAL_STRANGER"]).bytes == revocation_list(box)
    box.ok(f"rm $SEALSD_CRL/*; ln -s /etc/passwd {FILE}; chown -h sealsd {FILE}")
    box.ctl("restart")
    assert file_of(box) == revocation_list(box)
    assert box.ok(f"stat -c %F {FILE}").strip() == "regular file" and box.ok("grep -c root /etc/passwd")
    box.ok(f"echo rubbish > {FILE}")
    revoke(box, box["SEAL"])
    assert file_of(box) == revocation_list(box)
    assert box.ok("ls $SEALSD_CRL").split() == ["maker-ecdsa-p256.crl", "maker-sm2.crl"]


def test_full_disk_of_the_files_holds_nothing_up_and_is_a_finding(sandbox):
    box, number = sandbox, sandbox["SEAL"]
    before = file_of(box)
    box.ok("mount -t tmpfs -o size=4k,mode=0755 full $SEALSD_CRL && chown sealsd $SEALSD_CRL && "
           "head -c 8192 /dev/zero > $SEALSD_CRL/filler || true")
    revoke(box, number)
    check_revoked(box, number)
    assert "crl-unwritten" in codes(box)
    assert "crl-owed" not in codes(box)
    assert box.ok("ls $SEALSD_CRL").split() == ["filler"]
    box.ok("umount $SEALSD_CRL")
    assert file_of(box) == before
    box.ctl("restart")
    assert file_of(box) == revocation_list(box) and codes(box) == set()


def test_full_disk_of_the_register_leaves_the_bit_set_and_the_list_comes_when_there_is_room(sandbox):
    box, number = sandbox, sandbox["SEAL"]
    box.ctl("stop")
    box.ok("cp -a $SEALSD_STATE /run/before && mount -t tmpfs -o size=900k,mode=0700 full $SEALSD_STATE && "
           "cp -a /run/before/. $SEALSD_STATE/ && chown -R sealsd:sealsd $SEALSD_STATE")
    box.ctl("start")
    box.ok("head -c 2M /dev/zero > $SEALSD_STATE/filler || true")
    data, error = box.seal(number, "Revoke", "s", "over")
    assert data is None and "could not be recorded" in error, error
    box.ok("rm $SEALSD_STATE/filler")
    revoke(box, number)
    check_revoked(box, number)


# --- time -------------------------------------------------------------------------------------------


def test_new_list_comes_in_the_middle_of_the_last_one_s_time(sandbox):
    box, number = sandbox, sandbox["SEAL"]
    revoke(box, number)
    before = revocation_list(box)
    box.restart_ahead("--days 3")
    revoke(box, number)  # once more: it returns when every list that was due is there
    assert revocation_list(box) == before
    box.restart_ahead("--days 4")
    deadline = time.monotonic() + 60
    while revocation_list(box) == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    after = revocation_list(box)
    assert number_of(box, after) > number_of(box, before) and file_of(box) == after
    assert set(lists(box)) == {"ecdsa-p256", "sm2"}


def test_list_of_a_time_that_has_not_come_is_issued_again(sandbox):
    """Somebody has set the clock right: nobody would take a list of next week."""
    box = sandbox
    before = revocation_list(box)
    box.restart_ahead("--days 4")
    deadline = time.monotonic() + 60
    while (ahead := revocation_list(box)) == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    box.ctl("stop")
    box.ctl("start")
    assert box.manager("AcknowledgeTampering", "sa{sv}", "the clock is right now", 0)[0] is not None
    while (after := revocation_list(box)) == ahead:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert number_of(box, after) > number_of(box, ahead)
    revoke(box, box["SEAL"])
    check_revoked(box, box["SEAL"])


def this_update_of(box, der):
    return re.search(r"Last Update: (.*)", text(box, der, "crl"))[1]


def test_list_after_the_clock_was_set_back_was_older_than_the_one_that_it_replaces(sandbox):
    """Of two lists OpenSSL takes the one with the later time."""
    box = sandbox
    box.restart_ahead("--minutes -2")
    assert box.seal(box["SEAL"], "Suspend", "s", "for now")[0] is not None
    wait_listed(box, box["SEAL"], "Certificate Hold")
    before = revocation_list(box)
    box.step_clock()
    revoke(box, box["SEAL"])
    after = revocation_list(box)
    assert number_of(box, after) > number_of(box, before)
    assert this_update_of(box, after) == this_update_of(box, before)
    assert is_listed(box, box["SEAL"], after) != "Certificate Hold"


def test_list_that_is_over_is_a_finding(sandbox):
    box = sandbox
    box.pcr_extend(7)
    box.restart_ahead("--days 8")
    assert "crl-expired" in codes(box)
    assert {row[1] for row in box.manager("Inspect")[0][0] if row[2] == "crl-expired"} == {"critical"}


# --- what it costs ----------------------------------------------------------------------------------

LOAD, START, SAVE, SET_BITS, UNSEAL = 0x157, 0x176, 0x162, 0x135, 0x15E
LIST = [LOAD, START, START, *STEADY]


def revoke_and_count(box, *controls):
    """The codes from the maker's key to its signature that one Revoke sends, of several the fewest: a look
    may come in between, and what an earlier signature left is given back first."""
    life = Life(box, "dual")
    found = []
    for i in range(4):
        number = life.seal(f"to be counted {i}")
        time.sleep(1.2)
        starts = [control.commands() for control in controls]
        revoke(box, number)
        # Behind this, the resource manager has put away what it does after its answer.
        assert box.manager("GetMachineState")[0]
        codes_here = [control.codes(start) for control, start in zip(controls, starts)]
        assert all(SET_BITS in each and each.count(SIGN) == 1 for each in codes_here)
        found.append([list_part(each) for each in codes_here])
    return [min((each[i] for each in found), key=len) for i in range(len(controls))]


def list_part(sent):
    """And what the resource manager puts away after the signature."""
    end = sent.index(SIGN) + 1
    while end < len(sent) and sent[end] == SAVE:
        end += 1
    start = max(i for i, code in enumerate(sent[:end]) if code == LOAD)
    return sent[start:end]


@pytest.mark.alone
def test_list_costs_a_revocation_seven_commands_on_a_chip_of_our_own(direct):
    assert revoke_and_count(direct, direct.inject) == [LIST]


@pytest.mark.alone
def test_list_costs_a_revocation_seven_commands_and_twenty_three_behind_the_resource_manager(behind):
    sent, arrived = revoke_and_count(behind, behind.inject, behind.inject_chip)
    assert sent == LIST
    assert len(arrived) == 23, [hex(code) for code in arrived]


def test_chip_that_fails_while_it_signs_the_list_leaves_it_owed_and_the_seal_revoked(direct):
    """Once the bit is set and the fence done Revoke succeeds, whatever becomes of the list."""
    box, number = direct, direct["SEAL"]
    box.inject.arm(inject.COMMAND, only=SIGN, how=inject.REFUSE, code=0x120, lasting=True)
    revoke(box, number)
    box.inject.disarm()
    assert is_listed(box, number) is None
    assert box.seal_property(number, "State") == "revoked"
    box.ctl("restart")
    wait_listed(box, number, "")
