# SPDX-License-Identifier: Apache-2.0
"""`sealctl passport` on a machine, and its files taken to one that knows nothing of it."""

import json
import os
import re
import subprocess

import pytest

from conftest import ROOT, Sandbox
from lifecycle import AUDITOR, KEEPER, OTHER, Life, dictionary

BUILD = os.environ.get("SEALSD_BUILD", str(ROOT / "build"))
ALGORITHMS = ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "sm2"]
APPROVERS = ("seal-applicant", "seal-reviewer", "seal-maker")


@pytest.fixture(scope="module")
def life():
    box = Sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    yield Life(box, "single")
    assert box.close() == 0


def approver_options(life, people):
    """P-256 for all but the last, who has an RSA key."""
    words = []
    for number, person in enumerate(people):
        kind = "RSA" if number == len(people) - 1 else "EC -pkeyopt ec_paramgen_curve:P-256"
        pem = life.box.ok(f"openssl genpkey -algorithm {kind} 2>/dev/null | "
                          f"tee /run/test/{person}.pem | openssl pkey -pubout")
        words += [f"user:{person}", pem]
    return ("approvers", "a(ss)", len(people), *words)


@pytest.fixture(scope="module")
def seals(life):
    """One of each kind: by a word, its number."""
    pair = ("threshold", "u", 2)
    return {
        "plain": life.seal("Plain"),
        "pin": life.seal("With a PIN", ("pin", "b", "true")),
        "approvers": life.seal("With approvers", approver_options(life, APPROVERS), pair),
        "both": life.seal("With both", approver_options(life, APPROVERS), pair, ("pin", "b", "true")),
    }


def passport(life, number, *words, user=None, status=0):
    """The file's bytes, and the page."""
    path = life.box.temp("seal.passport")
    life.box.ok(f"rm -f {path}")
    done = life.box.run(["sealctl", "passport", number, "--output", path, *words], user)
    assert done.status == status, done
    return life.box.run(f"cat {path}").bytes, done.stdout


UNBOUND = 11  # the attestation key's Name was not given


def verify(tmp_path, data, *words, status=UNBOUND, as_json=False):
    """Elsewhere: no daemon, no bus, no TPM."""
    path = tmp_path / "seal.passport"
    path.write_bytes(data)
    done = subprocess.run([f"{BUILD}/sealctl", *(["--json"] if as_json else []), "passport",
                           "verify", path, *map(str, words)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env={"PATH": os.environ["PATH"]})
    assert done.returncode == status, done
    return json.loads(done.stdout) if as_json else done


def prose(text):
    return " ".join(text.split())


# --- there and elsewhere --------------------------------------------------------------------------

@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_seal_of_every_algorithm_is_believed_elsewhere(life, tmp_path, algorithm):
    number = life.seal(algorithm, ("algorithm", "s", algorithm))
    data, page = passport(life, number)
    said = verify(tmp_path, data, as_json=True)
    assert said["seal"]["number"] == number and said["seal"]["algorithm"] == algorithm
    assert (said["fixed"], said["born-in-tpm"], said["revoked"]) == (True, True, False)
    assert "was made in this TPM and cannot leave it" in prose(page)
    der = bytes(life.box.seal_property(number, "PublicKey"))
    pem = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], check=True,
                         input=said["seal"]["public-key"].encode(), stdout=subprocess.PIPE).stdout
    assert pem == der


def test_who_knows_the_machine_has_nothing_left_to_compare(life, seals, tmp_path):
    nonce = os.urandom(32).hex()
    data, _page = passport(life, seals["plain"], "--nonce", nonce)
    name = json.loads(life.box.ok("sealctl --json status"))["ak-name"]
    (tmp_path / "authority.pem").write_text(
        life.box.ok("openssl pkey -in $SEAL_AUTHORITY -pubout"))
    ledger = life.box.temp("later.jsonl")
    life.box.ok(f"rm -f {ledger}; sealctl ledger export {ledger}")
    (tmp_path / "ledger.jsonl").write_bytes(life.box.run(f"cat {ledger}").bytes)
    known = ("--nonce", nonce, "--attestation-key", name, "--authority", tmp_path / "authority.pem",
             "--ledger", tmp_path / "ledger.jsonl")
    page = verify(tmp_path, data, *known, status=0).stdout
    assert page.splitlines()[2] == "This passport holds." and "NOT compared" not in page
    passport(life, seals["plain"])
    data, _page = passport(life, seals["plain"], "--nonce", nonce)
    assert "ends before the passport was made" in verify(tmp_path, data, *known, status=10).stderr


@pytest.mark.parametrize("kind,pin,approvers", [("plain", False, 0), ("pin", True, 0),
                                                ("approvers", False, 3), ("both", True, 3)])
def test_the_page_is_of_the_seal_at_hand(life, seals, tmp_path, kind, pin, approvers):
    data, page = passport(life, seals[kind])
    said = verify(tmp_path, data, as_json=True)
    assert (said["pin"], len(said["approvers"])) == (pin, approvers)
    text = prose(page)
    assert ("It cannot sign without its PIN." in text) == pin
    assert ("without the approval of 2 of these 3 approvers." in text) == (approvers > 0)
    assert ("Without a PIN and approvers" in text) == (kind == "plain")
    for person in APPROVERS:
        assert (f"user:{person}, key SHA-256" in text) == (approvers > 0)


def test_the_manual_s_way_by_hand_comes_to_the_same(life, seals, tmp_path):
    data, _page = passport(life, seals["both"])
    key = verify(tmp_path, data, as_json=True)["attestation-key"]
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs/passport.md").read_text(),
                                    re.M | re.S))
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], text=True, cwd=tmp_path,
                          env={**os.environ, "FILE": "seal.passport"}, check=True,
                          stdout=subprocess.PIPE)
    assert done.stdout.splitlines() == [f"attestation key: {key}", "revoked: 0"]


# --- forgeries ------------------------------------------------------------------------------------

def test_an_older_answer_is_none_to_this_question(life, seals, tmp_path):
    data, _page = passport(life, seals["plain"])
    assert "another nonce" in verify(tmp_path, data, "--nonce", "ab" * 32, status=10).stderr


@pytest.mark.parametrize("part,says", [
    ("seal", "The attestation of the seal's key: The attestation is of another key"),
    ("revocation", "The attestation of the revocation index: The attestation was made for something"),
    ("ledger", "The attestation of the ledger index: The attestation was made for something"),
])
def test_a_part_of_another_passport_does_not_fit(life, seals, tmp_path, part, says):
    nonce = os.urandom(32).hex()
    one = json.loads(passport(life, seals["plain"], "--nonce", nonce)[0])
    other = json.loads(passport(life, seals["approvers"], "--nonce", nonce)[0])
    one["attestation"][part] = other["attestation"][part]
    text = json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert says in verify(tmp_path, text.encode(), status=10).stderr


def test_what_is_edited_is_told(life, seals, tmp_path):
    """A sample of all bytes; test-passport-verify.c tries each."""
    data, _page = passport(life, seals["both"])
    verify(tmp_path, data)
    for at in range(0, len(data), len(data) // 40):
        altered = bytearray(data)
        altered[at] = ord("7") if data[at] != ord("7") else ord("3")
        assert verify(tmp_path, bytes(altered), status=10).stderr


# --- a seal's end, and who may ask ----------------------------------------------------------------

def test_a_revoked_seal_has_a_passport_that_says_so(life, tmp_path):
    number = life.seal("Revoked")
    before, _page = passport(life, number)
    life.do(number, "Revoke", "s", "key ceremony over")
    after, page = passport(life, number, status=6)
    assert "THE SEAL IS REVOKED" in page
    done = verify(tmp_path, after, status=6)
    assert "does not sign any more" in prose(done.stdout)
    verify(tmp_path, before)  # of before: that it is older, only a nonce tells


def test_keepers_and_auditors_get_one_and_strangers_none(life, seals):
    for user in (KEEPER, AUDITOR):
        assert passport(life, seals["plain"], user=user)[0]
    data, page = passport(life, seals["plain"], user=OTHER, status=4)
    assert data == b"" and page == ""


def test_nobody_is_asked_for_a_pin_and_a_changed_one_is_the_same_seal(life, tmp_path):
    number = life.seal("PIN", ("pin", "b", "true"), accept=False)
    key = verify(tmp_path, passport(life, number)[0], as_json=True)["seal"]["public-key"]
    life.do(number, "Accept", "a{sv}", *dictionary(("new-pin", "s", "4711")), user=KEEPER)
    life.do(number, "ChangePin", "vv", "s", "4711", "s", "a longer one", user=KEEPER)
    data, _page = passport(life, number, user=AUDITOR)
    said = verify(tmp_path, data, as_json=True)
    assert said["seal"]["state"] == "active" and said["pin"] is True
    assert said["seal"]["public-key"] == key


def test_a_retired_state_of_the_machine_is_told(new_sandbox, tmp_path):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --machine-states")
    life = Life(box, "single")
    number = life.seal()
    data, page = passport(life, number)
    assert "cannot be retired" not in page and "Retired" not in page
    assert "those above end when an administrator retires the state." in prose(page)
    box.pcr_extend(7)
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY")
    before = verify(tmp_path, passport(life, number)[0], as_json=True)["machine-states"]
    assert [(s["retirable"], s["retired"]) for s in before] == [(True, False)] * 2
    old = min(s["id"] for s in before)
    life.told(box.manager("RetireMachineState", "ts", old, "a hole in its boot loader"))
    data, page = passport(life, number)
    assert f"Retired, and refused by the chip: state {old}, approved" in prose(page)
    said = verify(tmp_path, data, as_json=True)["machine-states"]
    assert {s["id"]: s["retired"] for s in said} == {s["id"]: s["id"] == old for s in before}
    whole = json.loads(data)
    whole["attestation"]["states"] = []
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert "The attestation of a state index is missing" in verify(tmp_path, text.encode(),
                                                                   status=10).stderr


def test_standard_output_has_the_file_itself(life, seals, tmp_path):
    data = life.box.run(["sealctl", "passport", seals["plain"], "--output", "-"]).bytes
    assert verify(tmp_path, data, as_json=True)["seal"]["number"] == seals["plain"]


def test_a_passport_made_over_there_holds_after_a_reset_and_new_ones_too(life, seals, tmp_path):
    data, _page = passport(life, seals["both"])
    key = verify(tmp_path, data, as_json=True)["attestation-key"]
    life.box.ok("$SEALSD_TPM_CTL stop; $SEALSD_TPM_CTL start")
    life.box.ctl("restart")
    verify(tmp_path, data, "--attestation-key", key, status=0)
    data, _page = passport(life, seals["both"])
    verify(tmp_path, data, "--attestation-key", key, status=0)


def test_page_and_json_tell_the_certificate(life, seals, tmp_path):
    data, _out = passport(life, seals["plain"])
    page = prose(verify(tmp_path, data).stdout)
    assert f"Certificate of CN={seals['plain']},O=Plain, issued by CN=" in page
    assert re.search(r", valid \d{4}-\d\d-\d\dT[0-9:]{8}Z to \d{4}-\d\d-\d\dT[0-9:]{8}Z ", page)
    assert "The seal's certificate is of its key, and each of its chain was issued by the next." in page
    assert "The seal has no certificate" not in page
    pems = verify(tmp_path, data, as_json=True)["certificates"]
    assert pems == life.describe(seals["plain"])["certificates"] and len(pems) == 2


def test_the_makers_certificate_leads_to_its_root(life, seals, tmp_path):
    """As a maker leaves it in the chip (TCG EK Credential Profile); the last, since it stays there."""
    life.box.ok(
        "cd /run/test; openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=TPM Works' -days 30 "
        "-keyout root.key -out root.pem; "
        "openssl req -new -newkey rsa:2048 -nodes -subj '/CN=EK' -keyout /dev/null -out ek.csr; "
        "openssl x509 -req -in ek.csr -CA root.pem -CAkey root.key -days 30 -outform DER -out ek.der; "
        "size=$(stat -c %s ek.der); "
        "tpm2_nvdefine -C o -s $size -a 'ownerwrite|ownerread|authread|no_da' 0x01c00002; "
        "tpm2_nvwrite -C o -i ek.der 0x01c00002", env={"HOME": life.box.temp("")})
    data, page = passport(life, seals["plain"])
    assert "which says to be issued by CN=TPM Works" in prose(page)
    (tmp_path / "root.pem").write_text(life.box.ok("cat /run/test/root.pem"))
    done = verify(tmp_path, data, "--ek-roots", tmp_path / "root.pem")
    assert "endorsement key leads to the given roots. Nothing in this file ties the attestation " \
        "key to it." in prose(done.stdout)
    (tmp_path / "root.pem").write_text(life.box.ok(
        "openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=TPM Works' -days 30 -keyout /dev/null"))
    done = verify(tmp_path, data, "--ek-roots", tmp_path / "root.pem", status=10)
    assert "does not lead to the given roots" in done.stderr


# --- machine states -------------------------------------------------------------------------------

def test_states_that_can_be_retired_are_attested_with_their_bits(new_sandbox, tmp_path):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single --machine-states")
    own = Life(box, "single")
    number = own.seal("Plain")
    [first] = [row[0] for row in box.manager("ListMachineStates")[0][0]]
    box.pcr_extend(7)
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY")
    data, page = passport(own, number)
    said = verify(tmp_path, data, as_json=True)
    assert "cannot be retired" not in page, page
    assert [state["retired"] for state in said["machine-states"]] == [False, False], said
    assert box.manager("RetireMachineState", "ts", first, "old")[0] == []
    data, page = passport(own, number)
    said = verify(tmp_path, data, as_json=True)
    retired = {state["id"]: state["retired"] for state in said["machine-states"]}
    assert retired.pop(first) is True and list(retired.values()) == [False]
    # What the chip certifies counts, not what the statement says of it.
    passport_json = json.loads(data)
    assert len(passport_json["attestation"]["states"]) == 1
