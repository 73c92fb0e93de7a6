# SPDX-License-Identifier: Apache-2.0
"""Seal.Attest: what the chip signs for a passport, checked by passport.py and by nobody of ours."""

import hashlib
import json
import os
import shlex
import time

import pytest

from certificates import Authority, certificates, chain_words, openssl_verify
from conftest import Sandbox
from lifecycle import DAY, Life, started
from passport import Passport, canonical
from tampering import edit, rows, verify

ALGORITHMS = ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "sm2"]
ADMIN, AUDITOR, KEEPER, STRANGER = "seal-admin", "seal-auditor", "seal-keeper", "seal-stranger"


def attest(box, number, nonce=None, user=None):
    """The nonce, and the passport or None with the error's text."""
    nonce = os.urandom(32) if nonce is None else nonce
    data, error = box.seal(number, "Attest", "ay", len(nonce), *nonce, user=user)
    return nonce, Passport(data[0]) if data else None, error


def issued(box, number, user=None):
    nonce, passport, error = attest(box, number, user=user)
    assert passport, error
    return nonce, passport


def error_of(box, number, nonce=bytes(32), user=None):
    return box.error(f"/org/sealsd1/seal/{number}", "Seal", "Attest", "ay", str(len(nonce)),
                     *[str(b) for b in nonce], user=user)


def certified(passport):
    """The value of the ledger index."""
    return passport.index(passport.attestation["ledger"], passport.statement["ledger"]["index"])[0].hex()


def anchors_of(box):
    """The chip's value by row, as an exported ledger has it."""
    text = box.ok("sealctl ledger export -", AUDITOR)
    return {a["anchor"]: a["value"] for a in map(json.loads, text.splitlines()) if "anchor" in a}


@pytest.fixture(scope="module")
def life():
    box = Sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    yield Life(box, "single")
    assert box.close() == 0


@pytest.fixture(scope="module")
def number(life):
    return life.seal("Acme", ("purposes", "as", 2, "document-signing", "endorsement"), ("use-limit", "t", 1000))


# --- what it says ---------------------------------------------------------------------------------

@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_seals_of_every_algorithm_are_attested(life, algorithm):
    number = life.seal(algorithm, ("algorithm", "s", algorithm))
    nonce, passport = issued(life.box, number)
    assert passport.check(nonce)[0] is False
    assert passport.statement["seal"]["algorithm"] == algorithm
    assert passport.attestation["seal"]["kind"] == "creation"


def certificates_in(passport):
    return [bytes.fromhex(der) for der in passport.statement["certificates"]]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_seals_certificate_and_those_above_it_are_in_it(life, algorithm):
    box, number = life.box, life.seal(f"Certified {algorithm}", ("algorithm", "s", algorithm))
    nonce, passport = issued(box, number)
    passport.check(nonce)
    ders = certificates_in(passport)
    assert ders == certificates(box, number) and len(ders) == 2
    good, told = openssl_verify(box, ders[:1], ders[1:])
    assert good, told
    key = box.ok(f"openssl x509 -inform DER -in {box.write('leaf.der', ders[0])} -noout -pubkey |"
                 " openssl pkey -pubin -outform DER | xxd -p -c 0").strip()
    assert key == bytes(box.seal_property(number, "PublicKey")).hex()


def test_it_has_the_certificate_in_force(life):
    """That of another authority takes the place of the maker's, and a recertification's that one's."""
    box, other = life.box, Authority(life.box, "elsewhere")
    number = life.seal("Elsewhere")
    mine = certificates_in(issued(box, number)[1])
    leaf = other.issue_for(bytes(box.seal_property(number, "PublicKey")), f"/O=Other/CN={number}")
    life.do(number, "SetCertificates", *chain_words([leaf, other.root]))
    assert certificates_in(issued(box, number)[1]) == [leaf, other.root]
    life.approve(life.apply(number, "recertify"))
    again = certificates_in(issued(box, number)[1])
    assert again == certificates(box, number) and again[0] != mine[0] and again[1:] == mine[1:]


def test_it_says_what_describe_says(life, number):
    nonce, passport = issued(life.box, number)
    passport.check(nonce)
    told, seal = life.describe(number), passport.statement["seal"]
    for name in ("number", "name", "holder", "class", "type", "algorithm", "state", "purposes", "not-before",
                 "not-after", "use-limit", "separation", "replaces", "replaced-by"):
        assert seal[name] == told[name], name
    assert passport.statement["policy"]["bit"] == told["bit"]
    assert passport.statement["policy"]["pin"] is False and passport.statement["policy"]["approvers"] == []
    assert seal["use-limit"] == 1000 and seal["separation"] == "single"
    assert len(passport.statement["policy"]["terms"]) == 1
    assert [state["by"] for state in passport.statement["machine"]["states"]] == ["user:root"]


def test_the_attestation_key_is_the_one_that_status_names(life, number):
    _nonce, passport = issued(life.box, number)
    status = json.loads(life.box.ok("sealctl --json status"))
    assert status["ak-name"] == passport.key_name().hex()


def test_the_ledgers_last_rows_are_in_the_chip_first(life, number):
    """So that the value that the chip certifies is that of a row which the passport names."""
    assert life.signs(number)
    _nonce, passport = issued(life.box, number)
    ledger = passport.statement["ledger"]
    assert ledger["anchor-seq"] == ledger["head-seq"] == rows(life.box, event="use")[-1]["seq"]
    assert certified(passport) == anchors_of(life.box)[ledger["anchor-seq"]]


def test_each_is_a_row_of_the_ledger_with_the_files_hash(life, number):
    nonce, passport = issued(life.box, number, KEEPER)
    row = rows(life.box, event="passport-issued")[-1]
    assert row["document-hash"] == hashlib.sha256(passport.data).hexdigest() and row["hash"] == "sha256"
    assert row["seal"] == number and row["subject"] == f"user:{KEEPER}"
    assert row["facts"]["nonce"] == nonce.hex()


def approved_seal(life):
    """Two of three: its number, the approvers' people and keys in PEM."""
    box = life.box
    box.ok("cd /run/test; for i in 1 2 3; do openssl genpkey -algorithm EC -pkeyopt "
           "ec_paramgen_curve:P-256 -out a$i.pem; openssl pkey -in a$i.pem -pubout -out a$i.pub; done")
    pems = [box.ok(f"cat /run/test/a{i}.pub") for i in (1, 2, 3)]
    people = ["seal-applicant", "seal-reviewer", "seal-maker"]
    number = life.seal("Approved", ("approvers", "a(ss)", 3, *(w for pair in zip((f"user:{p}" for p in people), pems)
                                                              for w in pair)), ("threshold", "u", 2))
    return number, people, pems


def test_approvers_are_in_it_with_their_keys(life):
    number, people, pems = approved_seal(life)
    nonce, passport = issued(life.box, number)
    passport.check(nonce)
    policy = passport.statement["policy"]
    assert policy["threshold"] == 2 and len(policy["terms"]) == 3
    assert [a["subject"] for a in policy["approvers"]] == [f"user:{p}" for p in people]
    for approver, pem in zip(policy["approvers"], pems):
        der = life.box.run("openssl pkey -pubin -outform DER", data=pem).bytes
        assert der[-64:-32].hex() in approver["key"] and der[-32:].hex() in approver["key"]


def test_a_seal_with_a_pin_is_attested_without_it(life):
    """Before its keeper has set it, when he has, when he has changed it, and when others have guessed it to death."""
    box = life.box
    options = ("name", "s", "Guarded", "keepers", "as", 1, f"user:{KEEPER}", "pin", "b", "true")
    number = life.told(box.manager("CreateSeal", "a{sv}", 3, *options))[0].rsplit("/", 1)[1]
    assert life.state(number) == "delivered"
    born = issued(box, number)
    life.do(number, "Accept", "a{sv}", 1, "new-pin", "s", "1234", user=KEEPER)
    accepted = issued(box, number, KEEPER)
    life.do(number, "ChangePin", "vv", "s", "1234", "s", "5678", user=KEEPER)
    wrong = ["Sign", "aya{sv}", 32, *[7] * 32, 1, "pin", "s", "0000"]
    while (error := life.refused(number, *wrong, user=KEEPER)) == "WrongPin":
        pass
    assert error == "TpmLockout"
    changed = issued(box, number)
    for nonce, passport in (born, accepted, changed):
        passport.check(nonce)
        assert passport.statement["policy"]["pin"] is True
        assert passport.attestation["seal"]["kind"] == "creation"
        assert passport.statement["seal"]["public"] == born[1].statement["seal"]["public"]


# --- who, and with what -----------------------------------------------------------------------------

def test_keepers_administrators_and_auditors_get_one(life, number):
    for user in (None, ADMIN, AUDITOR, KEEPER):
        issued(life.box, number, user)
    assert error_of(life.box, number, user=STRANGER) == "UnknownObject"
    assert life.box.seal(number, "AddGrant", "sa{sv}", f"user:{STRANGER}", 0, user=KEEPER)[0]
    assert error_of(life.box, number, user=STRANGER) == "AccessDenied"


@pytest.mark.parametrize("size,error", [(0, "InvalidArgs"), (7, "InvalidArgs"), (65, "LimitsExceeded")])
def test_a_nonce_has_8_to_64_bytes(life, number, size, error):
    assert error_of(life.box, number, bytes(size)) == error


@pytest.mark.parametrize("size", [8, 64])
def test_the_shortest_and_the_longest_nonce(life, number, size):
    nonce, passport, error = attest(life.box, number, bytes(range(size)))
    assert passport, error
    passport.check(nonce)


# --- states -----------------------------------------------------------------------------------------

def test_a_seal_that_does_not_sign_is_attested_as_what_it_is(life):
    number = life.seal("Suspended")
    life.do(number, "Suspend", "s", "holidays")
    nonce, passport = issued(life.box, number)
    assert passport.statement["seal"]["state"] == "suspended" and not passport.check(nonce)[0]
    life.do(number, "Revoke", "s", "over")
    nonce, passport = issued(life.box, number)
    assert passport.statement["seal"]["state"] == "revoked" and passport.check(nonce)[0]
    life.do(number, "Destroy", "s", "erased")
    assert error_of(life.box, number, user=AUDITOR) == "InvalidState"


def test_an_expired_seal_is_attested(new_sandbox):
    life = started(new_sandbox, "dual")
    life.box.restart_ahead("--hours 2")
    number = life.seal("Brief", ("not-after", "t", life.now() + DAY // 24))
    life.box.step_clock()
    assert life.why_not(number) == "Expired"
    nonce, passport = issued(life.box, number)
    assert not passport.check(nonce)[0]
    assert passport.statement["seal"]["not-after"] < passport.statement["created"]


def test_many_at_once_beside_what_is_anchored(life, number):
    """Each is of its own nonce, and of a value that its own row names, while the ledger is anchored again."""
    box = life.box
    start = ["busctl", "--json=short", "call", "--", "org.sealsd1", f"/org/sealsd1/seal/{number}", "org.sealsd1.Seal"]
    calls, others = [], []
    for i in range(8):
        nonce = bytes([i] * 16)
        calls.append((nonce, box.start([*start, "Attest", "ay", "16", *[str(b) for b in nonce]])))
        others.append(box.start([*start, "Suspend" if i % 2 == 0 else "Resume", "s", "again"]))
    for call in others:
        box.finish(call)
    made = []
    for nonce, call in calls:
        done = box.finish(call)
        assert done.status == 0, done
        made.append(Passport(json.loads(done.stdout)["data"][0]))
        made[-1].check(nonce)
    anchors = anchors_of(box)
    for passport in made:
        assert certified(passport) == anchors[passport.statement["ledger"]["anchor-seq"]]


# --- the chip ---------------------------------------------------------------------------------------

def test_after_a_tpm_reset_it_is_the_same_key(new_sandbox):
    life = started(new_sandbox, "dual")
    number = life.seal()
    nonce, before = issued(life.box, number)
    resets = before.check(nonce)[1]
    life.box.ok("$SEALSD_TPM_CTL stop; $SEALSD_TPM_CTL start")
    nonce, after = issued(life.box, number)
    assert after.check(nonce) == (False, resets + 1)
    assert after.key_name() == before.key_name()
    assert after.statement["policy"] == before.statement["policy"]


def auth_of(box, handle):
    sql = f"SELECT hex(auth) FROM nv_index WHERE handle = {int(handle, 16)}"
    return "hex:" + box.ok(["sqlite3", box["SEALSD_STATE"] + "/register.db", sql]).strip()


def test_a_locked_machine_gives_none_until_the_next_boot(sandbox):
    handle = hex(json.loads(sandbox.seal(sandbox["SEAL"], "Describe")[0][0])["index"])
    sandbox.ok(["tpm2_nvreadlock", "-C", handle, "-P", auth_of(sandbox, handle), handle])
    assert error_of(sandbox, sandbox["SEAL"]) == "Locked"
    sandbox.ok("$SEALSD_TPM_CTL stop; $SEALSD_TPM_CTL start")
    end = time.monotonic() + 30  # until the daemon has seen that the chip was reset
    nonce, passport, error = attest(sandbox, sandbox["SEAL"])
    while not passport and time.monotonic() < end:
        time.sleep(0.5)
        nonce, passport, error = attest(sandbox, sandbox["SEAL"])
    assert passport, error
    passport.check(nonce)


def test_without_the_endorsement_hierarchy_there_is_none(sandbox):
    sandbox.ok("tpm2_changeauth -c endorsement other")
    assert error_of(sandbox, sandbox["SEAL"]) == "PinRequired"
    sandbox.ok("tpm2_changeauth -c endorsement -p other")
    nonce, passport = issued(sandbox, sandbox["SEAL"])
    passport.check(nonce)


def test_in_a_state_that_is_not_approved_it_goes_on_until_the_register_is_closed(sandbox):
    """The attestation asks for no machine state, but without its key the register tells nothing."""
    sandbox.pcr_extend(7)
    nonce, passport = issued(sandbox, sandbox["SEAL"])
    passport.check(nonce)
    sandbox.ctl("stop")
    sandbox.ctl("start")
    assert error_of(sandbox, sandbox["SEAL"]) == "MachineStateRefused"


def test_the_makers_certificates_are_in_it(sandbox):
    sandbox.ok("cd /run/test; openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=An endorsement key' -keyout /dev/null "
               "-outform DER -out ek.der; size=$(stat -c %s ek.der); "
               "tpm2_nvdefine -C o -s $size -a 'ownerwrite|ownerread|authread|no_da' 0x01c00002; "
               "tpm2_nvwrite -C o -i ek.der 0x01c00002", env={"HOME": sandbox.temp("")})
    nonce, passport = issued(sandbox, sandbox["SEAL"])
    passport.check(nonce)
    assert passport.statement["ek-certificates"] == [sandbox.run("cat /run/test/ek.der").bytes.hex()]


def test_retired_states_are_told_by_the_chip(new_sandbox):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --machine-states")
    number = Life(box, "single").seal()
    box.pcr_extend(7)
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY")
    nonce, passport = issued(box, number)
    passport.check(nonce)
    ids = [state["id"] for state in passport.statement["machine"]["states"]]
    assert len(ids) == 2 and passport.retired() == [] and len(passport.attestation["states"]) == 1
    assert box.manager("RetireMachineState", "ts", min(ids), "a hole in it")[0] == []
    nonce, passport = issued(box, number)
    passport.check(nonce)
    assert passport.retired() == [min(ids)]
    told = {state["id"]: state["retired"] for state in passport.statement["machine"]["states"]}
    assert told[min(ids)] > 0 and told[max(ids)] == 0
    for sql in ("UPDATE state_bit SET retired = 0", "UPDATE state_bit SET bit = bit + 7", "DELETE FROM state_bit"):
        edit(box, "sql", "state_bit", sql)
        assert error_of(box, number) == "RegisterTampered"


# --- edits ------------------------------------------------------------------------------------------

# What stands in the row of a seal and in those beside it, by which the daemon would say something else.
EDITS = ["UPDATE seal SET name = 'Another'", "UPDATE seal SET bit = bit + 1", "UPDATE seal SET profile = 'other'",
         "UPDATE seal SET not_after = not_after + 1", "UPDATE seal SET made_time = made_time - 1",
         "UPDATE machine_state SET approved = approved - 1", "UPDATE machine_state SET by_text = 'user:nobody'"]


@pytest.mark.parametrize("sql", EDITS)
def test_a_register_edited_behind_its_back_gives_none(new_sandbox, sql):
    box = new_sandbox("--ready")
    edit(box, "sql", "seal", sql)
    found = error_of(box, box["SEAL"])
    assert found == "RegisterTampered"
    assert not rows(box, event="passport-issued")


@pytest.mark.parametrize("sql", ["UPDATE seal_policy SET threshold = 1", "DELETE FROM seal_policy",
                                 "UPDATE approver SET text = 'user:root' WHERE ordinal = 0", "DELETE FROM approver"])
def test_a_register_with_other_approvers_gives_none(new_sandbox, sql):
    life = started(new_sandbox, "single")
    life.box.temp("")
    number = approved_seal(life)[0]
    issued(life.box, number)
    edit(life.box, "sql", "approver", sql)
    assert error_of(life.box, number) == "RegisterTampered"


def test_a_tampered_register_gives_none_until_it_is_acknowledged(sandbox):
    sandbox.ctl("stop")
    edit(sandbox, "sql", "decision", "UPDATE decision SET time = time + 1")
    sandbox.ctl("start")
    assert not verify(sandbox)["good"]
    assert error_of(sandbox, sandbox["SEAL"]) == "RegisterTampered"


def test_another_seals_key_is_not_attested_in_its_place(new_sandbox):
    """Also when the guards were edited along: the chip does not take one's blob with the other's public half."""
    life = started(new_sandbox, "dual")
    one, other = life.seal("One"), life.seal("Other")
    columns = life.box.ok(["sqlite3", life.box["SEALSD_STATE"] + "/register.db",
                           "SELECT group_concat(name) FROM pragma_table_info('seal')"]).strip().split(",")
    assert "public" in columns
    edit(life.box, "sql", "seal", f"UPDATE seal SET public = (SELECT public FROM seal WHERE number = '{other}') "
                                  f"WHERE number = '{one}'")
    assert error_of(life.box, one) == "RegisterTampered"


# --- what others make of it -------------------------------------------------------------------------

def test_no_part_of_another_passport_fits(life, number):
    """The same chip and key, another seal or nonce: the qualifying data is of one statement alone."""
    other = life.seal("Beside it")
    nonce, mine = issued(life.box, number)
    theirs, again = issued(life.box, other)[1], issued(life.box, number)[1]
    for foreign in (theirs, again):
        for part in ("seal", "revocation", "ledger"):
            mixed = mine.edited(lambda whole: whole["attestation"].update({part: foreign.attestation[part]}))
            with pytest.raises(AssertionError):
                Passport(mixed).check(nonce)
    with pytest.raises(AssertionError):
        Passport(mine.edited(lambda whole: whole["statement"]["seal"].update(name="Acme Ltd"))).check(nonce)
    Passport(mine.data).check(nonce)


def test_a_chips_memory_is_not_worn_out_with_passports(new_sandbox):
    """Each would have the row of the one before anchored: beyond the first 50 they share anchors."""
    box = new_sandbox("--ready", "--tcti", "swtpm")
    sql = ["sqlite3", box["SEALSD_STATE"] + "/register.db", "SELECT count(*) FROM anchor"]
    nonce = " ".join("1" for _ in range(8))
    box.ok(f"for i in $(seq 80); do busctl call -- org.sealsd1 /org/sealsd1/seal/{shlex.quote(box['SEAL'])} "
           f"org.sealsd1.Seal Attest ay 8 {nonce} >/dev/null; done")
    assert len(rows(box, event="passport-issued")) == 80
    assert int(box.ok(sql)) < 70
    nonce, passport = issued(box, box["SEAL"])
    passport.check(nonce)
    assert passport.statement["ledger"]["anchor-seq"] < passport.statement["ledger"]["head-seq"]


def test_canonical_is_what_the_daemon_writes(life, number):
    _nonce, passport = issued(life.box, number)
    assert canonical(json.loads(passport.data)) == passport.data


# --- cost -------------------------------------------------------------------------------------------

START, CREATE_PRIMARY, CAPABILITY, LOAD, CERTIFY_CREATION = 0x176, 0x131, 0x17A, 0x157, 0x14A
FLUSH, NV_READ_PUBLIC, NV_CERTIFY = 0x165, 0x169, 0x184
ONCE = [START, CREATE_PRIMARY, CAPABILITY, LOAD, CERTIFY_CREATION, FLUSH, NV_READ_PUBLIC, NV_CERTIFY, NV_READ_PUBLIC,
        NV_CERTIFY, FLUSH, FLUSH]


def passport_codes(control, box):
    """Of the second of two, from its session to the end of it; the first has an anchor to wait for."""
    issued(box, box["SEAL"])
    before = control.commands()
    nonce, passport = issued(box, box["SEAL"])
    passport.check(nonce)
    return control.codes(before)


@pytest.mark.alone
def test_passport_costs_the_chip_12_commands(direct):
    tries = [passport_codes(direct.inject, direct) for _ in range(3)]
    codes = min(tries, key=len)  # the daemon looks at the chip by itself, too, now and then
    found = [i for i in range(len(codes)) if codes[i:i + len(ONCE)] == ONCE]
    assert found, [hex(code) for code in codes]
    assert len(codes) - len(ONCE) <= 11  # the anchor of the row before


@pytest.mark.alone
def test_passport_behind_a_broker_costs_no_more_than_65(behind):
    tries = [passport_codes(behind.inject_chip, behind) for _ in range(3)]
    assert min(len(codes) for codes in tries) <= 65  # 60 with the anchor, when counted
