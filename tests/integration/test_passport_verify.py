# SPDX-License-Identifier: Apache-2.0
"""`sealctl passport verify`: files alone, without a daemon and without a TPM."""

import json
import os
import re
import subprocess

import pytest

from conftest import ROOT

BUILD = os.environ.get("SEALSD_BUILD", str(ROOT / "build"))
SEEDS = ROOT / "tests/fuzz/corpus/passport"  # made by make-corpus, which computes all of it itself
NONCE = "0011223344556677"
GOOD = ("plain", "stateless", "indexed", "backup", "backup-certified", "approvers",
        "approver-backup")


def document(name):
    """Of a seed, which begins with a byte of flags for the fuzzer."""
    return (SEEDS / name).read_bytes()[1:]


@pytest.fixture(name="file")
def file_of(tmp_path):
    def write(content, name="seal.passport"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def sealctl(*words, data=None):
    return subprocess.run([f"{BUILD}/sealctl", *map(str, words)], input=data, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})


UNBOUND = 11  # all that is in the file holds, and whose attestation key it is was not compared


def verify(path, *words, status=UNBOUND, as_json=False):
    done = sealctl(*(["--json"] if as_json else []), "passport", "verify", path, *words)
    assert done.returncode == status, done
    return json.loads(done.stdout) if as_json and status in (0, 6, UNBOUND) else done


def prose(text):
    return " ".join(text.split())


@pytest.mark.parametrize("name", GOOD)
def test_a_passport_made_by_others_from_the_manual_holds(file, name):
    done = verify(file(document(name)))
    assert "This passport holds, if its attestation key is a TPM's" in prose(done.stdout)
    assert "The seal was not revoked when this passport was made." in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_json_has_what_the_page_has(file):
    said = verify(file(document("approvers")), "--nonce", NONCE, as_json=True)
    assert said["holds"] is True and said["revoked"] is False and said["fixed"] is True
    assert said["pin"] is True and said["threshold"] == 2
    assert [a["subject"] for a in said["approvers"]] == ["user:u0", "user:u1", "user:u2"]
    assert all(a["public-key"].startswith("-----BEGIN PUBLIC KEY-----") for a in said["approvers"])
    assert [len(way) for way in said["terms"]] == [5, 5, 5]
    assert said["certificates"] == []
    assert "The seal has no certificate: who its holder is, sealsd says alone." in prose(said["page"])
    assert said["compared"] == {"nonce": True, "authority": False, "attestation-key": False,
                                "ek-roots": False, "ledger": False}
    assert "It cannot sign without the approval of 2 of these 3 approvers." in prose(said["page"])


def test_what_the_caller_knows_is_compared(file):
    path = file(document("plain"))
    said = verify(path, as_json=True)
    pem = subprocess.run(["openssl", "pkey", "-in", ROOT / "tests/fuzz/keys/p256.pem", "-pubout"],
                         check=True, stdout=subprocess.PIPE).stdout
    key = file(pem, "authority.pem")
    known = verify(path, "--nonce", NONCE.upper(), "--authority", key, "--attestation-key",
                   said["attestation-key"], status=0)
    assert known.stderr == ""
    assert "NOT compared: the" not in known.stdout
    assert "This passport holds.\nThe seal is not revoked." in known.stdout
    other = subprocess.run(["openssl", "pkey", "-in", ROOT / "tests/fuzz/keys/p384.pem", "-pubout"],
                           check=True, stdout=subprocess.PIPE).stdout
    for words, says in (
            (("--nonce", "ff" * 8), "another nonce"),
            (("--authority", file(other, "other.pem")), "under another authority"),
            (("--attestation-key", "000b" + "00" * 32), "by another key than the expected"),
            (("--ek-roots", key), "no certificate of the TPM's endorsement key")):
        done = verify(path, *words, status=10)
        assert says in done.stderr and done.stdout == "", done


@pytest.mark.parametrize("name", GOOD)
def test_forgery_that_holds_throughout_is_not_taken_for_a_passport(file, name):
    """Made whole with a key of software, as these files are."""
    path = file(document(name))
    done = verify(path, "--nonce", NONCE)
    assert "nothing shows that a TPM made this passport" in done.stderr
    assert "--attestation-key NAME" in done.stderr and done.stdout
    told = sealctl("--json", "passport", "verify", path)
    assert told.returncode == UNBOUND
    assert json.loads(told.stderr)["error"] == "Incomplete"
    assert json.loads(told.stdout)["compared"]["attestation-key"] is False


def test_wrong_words_are_wrong_usage(file):
    path = file(document("plain"))
    for words in (("--nonce", "00"), ("--nonce", "0" * 17), ("--nonce", "xx" * 8),
                  ("--nonce", "00" * 65), ("--attestation-key", "00"), ("--output", "x"),
                  ("--authority", path), ("--ek-roots", file(b"", "empty"))):
        assert verify(path, *words, status=2).stderr, words
    assert sealctl("passport", "verify").returncode == 2
    assert sealctl("passport").returncode == 2
    assert sealctl("passport", "11", "12").returncode == 2
    assert verify(path.parent / "none", status=4).stderr


def test_what_does_not_hold_is_told_with_its_reason(file):
    for name in (seed.name for seed in SEEDS.iterdir() if seed.name.startswith("edited-")):
        done = verify(file(document(name)), status=10)
        assert done.stdout == "" and "seal.passport: " in done.stderr, name
    done = verify(file(document("not-canonical")), status=10)
    assert "not canonical JSON" in done.stderr
    failed = json.loads(verify(file(b"{}"), status=10, as_json=True).stderr)
    assert "statement is missing" in failed["message"], failed


def test_a_terminal_is_not_steered(file):
    text = document("plain").replace(b'"Works"', b'"\\u001b[31mWorks"')
    done = verify(file(text), status=10)
    assert "statement.seal.name is not one line of text" in done.stderr
    text = document("plain").replace(b'"version":1}', b'"version":1,"z\\u001b[31m":1}')
    assert "\x1b" not in verify(file(text), status=10).stderr


def test_a_ledger_of_another_machine_is_no_proof(file):
    ledger = ROOT / "tests/fuzz/corpus/ledger/whole.jsonl"
    assert ledger.exists()
    done = verify(file(document("plain")), "--ledger", ledger, status=10)
    assert "The ledger: " in done.stderr


# --- by hand ------------------------------------------------------------------------------------

BY_HAND = "\n".join(re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs/passport.md").read_text(),
                               re.M | re.S))


def by_hand(path):
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", BY_HAND], text=True, cwd=path.parent,
                          env={**os.environ, "FILE": str(path)}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ["plain", "indexed", "approver-backup"])
def test_the_manual_s_way_by_hand_comes_to_the_same(file, name):
    path = file(document(name))
    key = verify(path, as_json=True)["attestation-key"]
    assert by_hand(path) == [f"attestation key: {key}", "revoked: 0"]


@pytest.mark.parametrize("old,new,says", [
    ('"bit":3', '"bit":4', ".attestation.seal: of something else"),
    ('"PolicyAuthValue"', '"PolicyOther"', "no term of a seal: PolicyOther"),
    ('"PolicyAuthValue",', "", "the key has another policy"),
    ('"seal":{"algorithm"', '"seal": {"algorithm"', "not canonical"),
])
def test_by_hand_shows_what_was_altered(file, old, new, says):
    text = document("approvers").decode()
    assert old in text
    assert says in by_hand(file(text.replace(old, new)))
