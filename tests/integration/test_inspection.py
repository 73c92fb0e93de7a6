# SPDX-License-Identifier: Apache-2.0
"""Inspect: every finding is provoked for real, and seen by its name; a clean installation has none."""

import json
import re
import time

import pytest
from lifecycle import Life, dictionary
from tampering import edit, edit_stopped
from tampering import rows as ledger_rows
from test_revocation import (attacker, auth_of, first_index_and_its_challenge, index_of, initialize_by_hand,
                             keep_register)

# What says only that less protects here than could: a sandbox is no machine.
HERE = {"owner-auth-empty", "audit-absent", "key-memory-locked", "key-memory-plain"}
DAY = 24 * 3600 * 1000000
HOUR = DAY // 24
AT_ONCE = "[Inspection]\nUnusedDays=0\nWaitDays=0\nGrantsMax=0\n"


def findings(box, number=None, user=None):
    """[(number, severity, code, text)], without those of HERE."""
    if number:
        data, error = box.seal(number, "Inspect", user=user)
    else:
        data, error = box.manager("Inspect", user=user)
    assert data is not None, error
    return [tuple(row) for row in data[0] if row[2] not in HERE]


def codes(box, number=None):
    """{(number, code)}"""
    return {(row[0], row[2]) for row in findings(box, number)}


def text_of(box, code):
    [found] = [row[3] for row in findings(box) if row[2] == code]
    return found


def ledger(box, event):
    """Rows of this event, oldest first."""
    return ledger_rows(box, event=event)


@pytest.fixture
def strict_eye(new_sandbox):
    """--ready, with a configuration by which everything that may wait is a finding at once."""
    return new_sandbox("--ready", conf=AT_ONCE)


# --- nothing ----------------------------------------------------------------------------------------


def test_a_clean_installation_has_no_finding_but_those_that_say_why(sandbox):
    data, error = sandbox.manager("Inspect")
    assert data is not None, error
    assert {row[2] for row in data[0]} <= HERE and all(row[0] == "" for row in data[0])
    assert findings(sandbox, sandbox["SEAL"]) == []


def test_a_chip_with_an_owner_auth_is_no_finding(bare):
    bare.ok("sealctl init --authority $SEAL_AUTHORITY --set-owner-auth")
    assert "owner-auth-empty" not in {row[2] for row in bare.manager("Inspect")[0][0]}


# --- seals ------------------------------------------------------------------------------------------


def is_revoked(box, number):
    return box.seal_property(number, "State") == "revoked"


def test_a_bit_that_somebody_set_is_named(sandbox):
    seal, other = sandbox["SEAL"], sandbox.make_seal("Other")
    keep_register(sandbox)
    assert attacker(sandbox, "revoke", "/run/before", seal) == "done"
    # The daemon's own look at the chip may have come first: then the register knows already.
    assert codes(sandbox) == {(seal, "bit-set")} or is_revoked(sandbox, seal)
    assert codes(sandbox, seal) == {(seal, "bit-set")} or is_revoked(sandbox, seal)
    assert codes(sandbox, other) == set()


def test_an_index_made_anew_without_its_bits_is_named(bare):
    """By the owner and the authority together, who can."""
    handle, challenge = first_index_and_its_challenge(bare, initialize_by_hand(bare))
    seal, other = bare.make_seal("Revoked"), bare.make_seal("Other")
    assert index_of(bare, seal) == handle
    assert bare.seal(seal, "Revoke", "s", "over")[0] is not None
    keep_register(bare)
    assert attacker(bare, "redefine", "/run/before", handle) == "done"
    assert ("", "chip-tampered") in codes(bare)
    # With a nonce of now, and a signature of now, over what was signed at the first time.
    assert attacker(bare, "answer", "/run/before", handle, f"/run/test/{challenge}.bytes",
                    bare["SEAL_AUTHORITY"]) == "done"
    assert codes(bare) == {(seal, "bit-clear")}
    assert codes(bare, other) == set()


def test_a_revocation_that_the_chip_does_not_know_yet_is_named(sandbox):
    seal = sandbox["SEAL"]
    sandbox.ok("$SEALSD_TPM_CTL stop")
    assert sandbox.seal(seal, "Revoke", "s", "over")[0] is None
    assert codes(sandbox) == {("", "chip-unreached"), ("", "crl-owed"), (seal, "revocation-owed")}
    sandbox.ok("$SEALSD_TPM_CTL start")
    for _ in range(3000):
        if codes(sandbox) == set():
            return
        time.sleep(0.01)
    raise AssertionError(findings(sandbox))


def test_the_end_of_validity_is_told_ahead_and_after_it(sandbox):
    sandbox.restart_ahead("--hours 2")
    now = int(time.time() * 1000000)
    for name, end in (("soon", now + 29 * DAY), ("later", now + 31 * DAY), ("at once", now + HOUR)):
        data, error = sandbox.manager("Apply", "a{sv}", 3, "name", "s", name, "keepers", "as", 1,
                                      "user:root", "not-after", "t", end, user="seal-applicant")
        assert data, error
        sandbox.ok(f"sealctl approve {data[0].rsplit('/', 1)[1]}", user="seal-reviewer")
    rows = {row[2]: row[0] for row in sandbox.manager("ListSeals", "a{sv}", 0)[0][0]}
    for number in rows.values():
        sandbox.seal(number, "Accept", "a{sv}", 0)
    assert (rows["soon"], "expires-soon") in codes(sandbox)
    assert codes(sandbox, rows["later"]) == set()
    assert codes(sandbox, rows["at once"]) == {(rows["at once"], "expires-soon")}
    sandbox.step_clock()
    assert codes(sandbox, rows["at once"]) == {(rows["at once"], "expired")}


def test_a_keeper_without_an_account_is_named_until_the_seal_is_recalled(sandbox):
    number = sandbox.make_seal("Of one who leaves", keeper="seal-keeper")
    other = sandbox.make_seal("Of one who is renamed", keeper="seal-stranger")
    # The file is a mount: it is written in place.
    sandbox.ok("sed '/^seal-keeper:/d; s/^seal-stranger:/seal-married:/' /etc/passwd >/run/passwd; "
               "cat /run/passwd >/etc/passwd")
    assert codes(sandbox) == {(number, "keeper-no-account"), (other, "keeper-other-account")}
    assert codes(sandbox, number) == {(number, "keeper-no-account")}
    [row] = findings(sandbox, number)
    assert "seal-keeper" in row[3]


def test_what_nobody_uses_accepts_or_decides_is_named(strict_eye):
    box, seal = strict_eye, strict_eye["SEAL"]
    waiting = box.make_seal("Waiting", accept=False)
    data, error = box.manager("Apply", "a{sv}", 1, "name", "s", "Undecided", user="seal-applicant")
    assert data, error
    assert codes(box) == {(seal, "unused"), (waiting, "acceptance-waits"), ("", "request-waits")}
    assert f"Request {data[0].rsplit('/', 1)[1]} " in text_of(box, "request-waits")


def test_a_use_limit_that_is_reached_is_named(sandbox):
    data, error = sandbox.manager("Apply", "a{sv}", 3, "name", "s", "Once", "keepers", "as", 1,
                                  "user:root", "use-limit", "t", 1, user="seal-applicant")
    assert data, error
    sandbox.ok(f"sealctl approve {data[0].rsplit('/', 1)[1]}", user="seal-reviewer")
    number = sandbox.property(data[0], "Request", "Seal")
    assert sandbox.seal(number, "Accept", "a{sv}", 0)[0] == []
    assert codes(sandbox, number) == set()
    assert sandbox.sign(number)[0]
    assert codes(sandbox, number) == {(number, "limit-reached")}


def test_a_request_that_failed_is_named_with_its_seal(sandbox):
    data, error = sandbox.manager("Apply", "a{sv}", 1, "name", "s", "Unmade", user="seal-applicant")
    assert data, error
    sandbox.ok("$SEALSD_TPM_CTL stop")
    assert sandbox.run(f"sealctl approve {data[0].rsplit('/', 1)[1]}", user="seal-reviewer").status
    sandbox.ok("$SEALSD_TPM_CTL start")
    number = sandbox.property(data[0], "Request", "Seal")
    assert (number, "request-failed") in codes(sandbox)


def test_keys_that_are_not_the_recorded_ones_are_told_to_a_hundred_and_the_rest_counted(sandbox):
    """What a generator made that gave all seals one key: policy and key of each differ but the first's."""
    sandbox.ctl("stop")
    sandbox.ok("make-register --one-key 121")
    sandbox.ctl("start")
    told = findings(sandbox)
    live = [row[0] for row in sandbox.manager("ListSeals", "a{sv}", 1, "limit", "u", 1000)[0][0]
            if row[3] not in ("revoked", "destroyed")]
    wrong = [row for row in told if row[2] == "key-differs"]
    assert len(wrong) == 101 and len({row[0] for row in wrong[:100]}) == 100
    # All but the seal that was there before, and the first that was made.
    assert wrong[100][0] == "" and f"And {len(live) - 2 - 100} more" in wrong[100][3]
    assert told == sorted(told, key=lambda row: ("critical", "warning", "info").index(row[1]))


def grant(box, number, subject, *options):
    data, error = box.seal(number, "AddGrant", "sa{sv}", subject, *dictionary(*options))
    assert data, error
    return data[0]


def test_grants_that_are_many_wide_or_not_needed_are_named(strict_eye):
    box, seal = strict_eye, strict_eye["SEAL"]
    assert box.sign(seal)[0]
    end = int(time.time() * 1000000) + DAY
    first = grant(box, seal, "user:seal-stranger", ("until", "t", end))
    assert codes(box, seal) - {(seal, "unused")} == {(seal, "grants-many"), (seal, "grant-unused")}
    grant(box, seal, "group:root")
    assert (seal, "grant-group-forever") in codes(box, seal)
    box.ok("sed /^seal-stranger:/d /etc/passwd >/run/passwd; cat /run/passwd >/etc/passwd")
    [row] = [row for row in findings(box, seal) if row[2] == "holder-no-account"]
    assert f"Grant {first}: user:seal-stranger" in row[3]
    assert box.seal(seal, "Surrender", "s", "over")[0] is not None
    assert codes(box, seal) == set()  # the grants have ended with the custody


def test_an_emergency_grant_is_named_until_it_was_reviewed(sandbox):
    seal = sandbox["SEAL"]
    data, error = sandbox.seal(seal, "AddGrant", "sa{sv}", "user:seal-keeper",
                               *dictionary(("emergency", "b", "true"), ("reason", "s", "fire")),
                               user="seal-admin")
    assert data, error
    assert (seal, "review-open") in codes(sandbox)
    [request] = [row[0] for row in sandbox.manager("ListRequests", "a{sv}", 0)[0][0] if row[1] == "review"]
    assert sandbox.bus(request, "Request", "Approve", "sa{sv}", "rightly", 0,
                       user="seal-reviewer")[0] is not None
    assert (seal, "review-open") not in codes(sandbox)


def test_a_seal_that_was_replaced_is_named_from_its_time_on(sandbox):
    life = Life(sandbox, "dual")
    old = life.seal("Old")
    renewal = life.apply(old, "renew", ("overlap", "t", 0))
    life.approve(renewal)
    assert codes(sandbox, old) == set()
    new = life.make(renewal)
    life.hand_out(new, "seal-keeper")
    assert codes(sandbox, old) == {(old, "superseded")} and codes(sandbox, new) == set()


def test_a_record_that_was_edited_is_named(sandbox):
    seal, other = sandbox["SEAL"], sandbox.make_seal("Other")
    edit(sandbox, "sql", "seal", f"UPDATE seal SET holder = 'Somebody Else' WHERE number = '{seal}'")
    assert (seal, "record-differs") in codes(sandbox)
    assert codes(sandbox, other) == set()
    # Who may see its custody cannot be told from it any more: the refusal names it.
    assert sandbox.error(f"/org/sealsd1/seal/{seal}", "Seal", "Inspect") == "RegisterTampered"


# --- the installation -------------------------------------------------------------------------------


def test_a_chip_that_is_away_is_named_and_the_register_inspected_all_the_same(strict_eye):
    strict_eye.ok("$SEALSD_TPM_CTL stop")
    assert codes(strict_eye) == {("", "chip-unreached"), (strict_eye["SEAL"], "unused")}


def test_an_index_that_is_gone_is_named(sandbox):
    handle = index_of(sandbox, sandbox["SEAL"])
    sandbox.ok(f"tpm2_nvundefine {handle}")
    assert handle in text_of(sandbox, "chip-tampered")


def test_guesses_are_told_before_the_lockout_and_in_it(bare):
    bare.write("passphrase", "correct horse")
    bare.ok("sealctl init --resident --passphrase-file /run/test/passphrase")
    bare.ok("tpm2_dictionarylockout -p hex:$(/usr/bin/python3 -c \"import sqlite3, os; print(sqlite3."
            "connect(os.environ['SEALSD_STATE'] + '/register.db').execute("
            "'SELECT hex(lockout_auth) FROM installation').fetchone()[0])\") "
            "--setup-parameters --max-tries=4 --recovery-time=1000 --lockout-recovery-time=0")
    assert codes(bare) == set()
    seen = set()
    for _ in range(4):
        assert bare.manager("ApproveMachineState", "a{sv}", 1, "passphrase", "s", "wrong")[0] is None
        seen |= {code for _number, code in codes(bare)}
        assert len(codes(bare)) <= 1
    assert seen == {"lockout-near", "lockout"} and codes(bare) == {("", "lockout")}


def test_authorisations_that_were_emptied_or_set_are_named(sandbox):
    sandbox.ok("tpm2_changeauth -c endorsement other")
    assert codes(sandbox) == {("", "endorsement-auth-set")}
    sandbox.ok("tpm2_changeauth -c endorsement -p other")
    sandbox.ok("auth=$(/usr/bin/python3 -c \"import sqlite3, os; print(sqlite3.connect("
               "os.environ['SEALSD_STATE'] + '/register.db').execute("
               "'SELECT hex(lockout_auth) FROM installation').fetchone()[0])\"); "
               "tpm2_changeauth -c lockout -p hex:$auth")
    assert codes(sandbox) == {("", "lockout-auth-empty")}


def test_a_machine_in_another_state_is_named(sandbox):
    sandbox.pcr_extend(7)
    assert codes(sandbox) == {("", "unapproved")}


def test_seals_that_somebody_locked_are_named(sandbox):
    handle = index_of(sandbox, sandbox["SEAL"])
    sandbox.ok(["tpm2_nvreadlock", "-C", handle, "-P", auth_of(sandbox, handle), handle])
    assert codes(sandbox) == {("", "locked")}


def test_rows_that_were_never_anchored_are_named(sandbox):
    assert sandbox.sign(sandbox["SEAL"])[0]
    sandbox.ctl("kill")
    sandbox.restart_ahead("--days 1")
    assert "since" in text_of(sandbox, "anchor-old")


def test_after_half_a_year_without_a_use_a_seal_is_named_by_the_defaults(sandbox):
    sandbox.restart_ahead("--days 181")
    assert (sandbox["SEAL"], "unused") in codes(sandbox)


def test_keys_of_a_closed_register_are_counted_as_unchecked(sandbox):
    sandbox.make_seal("Other")
    sandbox.ctl("stop")
    sandbox.pcr_extend(7)
    sandbox.ctl("start")
    assert codes(sandbox) == {("", "unapproved"), ("", "keys-unchecked")}
    assert "2 seals" in text_of(sandbox, "keys-unchecked")


def test_an_edited_register_and_an_older_one_are_named(sandbox):
    edit_stopped(sandbox, "changed", "counter")
    assert ("", "register-tampered") in codes(sandbox)


def test_a_register_that_was_put_back_is_named_by_its_anchor(sandbox):
    keep_register(sandbox)
    sandbox.make_seal("Later")
    sandbox.ctl("stop")
    sandbox.ok("rm -rf $SEALSD_STATE/* && cp -a /run/before/. $SEALSD_STATE/")
    sandbox.ctl("start")
    assert {("", "register-tampered"), ("", "anchor-differs")} <= codes(sandbox)


def test_capacity_is_told_from_eighty_percent_on_and_when_it_is_gone(bare):
    bare.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --capacity 62")
    bare.ok("for i in $(seq 49); do busctl call org.sealsd1 /org/sealsd1 org.sealsd1.Manager CreateSeal "
            "'a{sv}' 1 name s \"$i\"; done")
    assert codes(bare) == set()
    bare.manager("CreateSeal", "a{sv}", 1, "name", "s", "50")
    assert codes(bare) == {("", "capacity-low")}
    bare.ok("for i in $(seq 12); do busctl call org.sealsd1 /org/sealsd1 org.sealsd1.Manager CreateSeal "
            "'a{sv}' 1 name s \"$i\"; done")
    assert codes(bare) == {("", "capacity-exhausted")}
    assert bare.manager("ExtendCapacity", "ua{sv}", 1, 0)[0] == []
    assert codes(bare) == {("", "capacity-exhausted"), ("", "indices-unfinished")}
    bare.ok("sealctl authority answer --key $SEAL_AUTHORITY")
    assert codes(bare) == set()


# --- who, when, how often ---------------------------------------------------------------------------


def test_who_may_inspect(sandbox):
    seal, applicant = sandbox["SEAL"], sandbox["SEAL_APPLICANT"]
    other = sandbox.make_seal("Kept", keeper="seal-keeper")
    for user in ("seal-admin", "seal-auditor"):
        assert findings(sandbox, user=user) == [] and findings(sandbox, other, user=user) == []
    assert findings(sandbox, other, user="seal-keeper") == []
    manager = ("/org/sealsd1", "Manager", "Inspect")
    assert sandbox.error(*manager, user="seal-keeper") == "AccessDenied"
    assert sandbox.error(*manager, user="seal-reviewer") == "AccessDenied"
    path = f"/org/sealsd1/seal/{seal}"
    assert sandbox.error(path, "Seal", "Inspect", user=applicant) == "AccessDenied"  # sees it, keeps it not
    assert sandbox.error(path, "Seal", "Inspect", user="seal-keeper") == "UnknownObject"


def test_nothing_is_inspected_before_there_is_an_installation(bare):
    assert bare.error("/org/sealsd1", "Manager", "Inspect") == "NotInitialized"


def next_attention(watch, until):
    """Codes of Attention signals up to the one that is waited for."""
    seen = []
    while until not in seen:
        body = watch.signal("Attention")["body"]
        seen.append(body[1])
    return seen


def test_a_finding_is_announced_once_and_again_when_it_comes_back(sandbox):
    number = sandbox.make_seal("Of one who leaves", keeper="seal-keeper")
    admin, applicant = sandbox.watch(user="seal-admin"), sandbox.watch(user="seal-applicant")
    sandbox.manager("Inspect")
    sandbox.ok("cp /etc/passwd /run/passwd-all; sed /^seal-keeper:/d /etc/passwd >/run/passwd; "
               "cat /run/passwd >/etc/passwd")
    for _ in range(3):
        assert codes(sandbox) == {(number, "keeper-no-account")}
    sandbox.ok("cat /run/passwd-all >/etc/passwd")
    assert codes(sandbox, number) == set()
    sandbox.ok("cat /run/passwd >/etc/passwd")
    assert codes(sandbox) == {(number, "keeper-no-account")}
    sandbox.pcr_extend(7)
    sandbox.manager("Inspect")
    seen = next_attention(admin, "unapproved")
    assert seen.count("keeper-no-account") == 2 and seen.count("owner-auth-empty") == 1
    # The applicant sees the seal, and not who keeps it; an end for him to wait for:
    assert sandbox.seal(number, "Revoke", "s", "over", user="seal-admin")[0] is not None
    while (message := json.loads(applicant.line())) and message["member"] != "Changed":
        assert message["member"] != "Attention", message
    journal = sandbox.ok("grep -c 'SEALSD_FINDING=\"keeper-no-account\"' $SEALSD_LOG")
    assert journal.strip() == "2"


def test_calls_that_come_while_all_is_inspected_are_answered_with_it(sandbox):
    sandbox.ctl("stop")
    sandbox.ok("make-register 60")
    sandbox.ctl("start")
    before = len(ledger(sandbox, "inspected"))
    runs = [sandbox.start(["busctl", "--json=short", "call", "org.sealsd1", "/org/sealsd1",
                           "org.sealsd1.Manager", "Inspect"], user)
            for user in ("seal-admin", "seal-auditor") * 6]
    answers = {sandbox.finish(run).stdout for run in runs}
    assert len(answers) == 1 and "data" in answers.pop()
    assert len(ledger(sandbox, "inspected")) - before < 6


def test_an_inspection_is_a_row_of_the_ledger_and_tells_how_far_it_is(sandbox):
    sandbox.ctl("stop")
    sandbox.ok("make-register 40")
    sandbox.ctl("start")
    watch = sandbox.watch(user="seal-admin")
    sandbox.pcr_extend(7)
    sandbox.manager("Inspect", user="seal-auditor")
    sandbox.seal(sandbox["SEAL"], "Inspect")
    operation, done, total = watch.signal("Progress")["body"]
    assert operation == "inspect" and 0 <= done <= total
    *_, whole, one = ledger(sandbox, "inspected")
    assert whole["subject"] == "user:seal-auditor" and "seal" not in whole
    assert whole["facts"]["warning"] >= 1 and whole["facts"]["critical"] == 0
    assert one["seal"] == sandbox["SEAL"]


def test_sealctl_shows_the_findings_as_a_table_and_as_json(sandbox):
    sandbox.pcr_extend(7)
    assert re.search(r"warning +unapproved", sandbox.ok("sealctl inspect"))
    rows = json.loads(sandbox.ok("sealctl --json inspect"))
    assert "unapproved" in {row["code"] for row in rows}
    assert json.loads(sandbox.ok(f"sealctl --json inspect {sandbox['SEAL']}")) == []


def test_the_status_counts_what_a_report_begins_with(sandbox):
    now = int(time.time() * 1000000)
    sandbox.make_seal("Waiting", accept=False)
    data, error = sandbox.manager("Apply", "a{sv}", 2, "name", "s", "Soon", "not-after", "t", now + DAY,
                                  user="seal-applicant")
    assert data, error
    status = {key: value["data"] for key, value in sandbox.manager("GetStatus")[0][0].items()}
    assert status["seals-by-state"] == {"active": 1, "delivered": 1}
    assert status["requests-by-kind"] == {"make": 1}
    assert (status["seals-expired"], status["seals-expiring"], status["grants"]) == (0, 0, 0)
    assert status["inspected"] == 0 and status["findings"] == {}
    sandbox.ok(f"sealctl approve {data[0].rsplit('/', 1)[1]}", user="seal-reviewer")
    findings(sandbox)
    status = {key: value["data"] for key, value in sandbox.manager("GetStatus")[0][0].items()}
    assert status["requests-by-kind"] == {} and status["seals-expiring"] == 1
    assert status["inspected"] > now and status["findings"]["warning"] >= 1
