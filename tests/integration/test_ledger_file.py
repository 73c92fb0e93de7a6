# SPDX-License-Identifier: Apache-2.0
"""An exported ledger, verified without a daemon and a TPM, by sealctl and by the manual's commands.

The file is written by tests/fuzz/make-corpus from docs/ledger.md, not by the program's own code.
"""

import json
import os
import re
import subprocess

import pytest

from conftest import ROOT

MANUAL = (ROOT / "docs/ledger.md").read_text()
CORPUS = ROOT / "tests/fuzz/corpus/ledger"
WHOLE = CORPUS / "whole.jsonl"
SEALCTL = os.path.join(os.environ.get("SEALSD_BUILD", str(ROOT / "build")), "sealctl")
NOWHERE = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent",
           "TPM2TOOLS_TCTI": "none"}


def verify(*words, status=0, data=None):
    done = subprocess.run([SEALCTL, "--json", "ledger", "verify", *map(str, words)], env=NOWHERE,
                          input=data, capture_output=True, check=False)
    assert done.returncode == status, done
    return json.loads(done.stdout) if done.stdout else json.loads(done.stderr)


def results(verdict):
    return {check["check"]: check["result"] for check in verdict["checks"]}


def by_hand(path, folder):
    [commands] = re.findall(r"```sh\n(.*?)```", MANUAL, re.S)
    done = subprocess.run(["bash", "-c", commands], cwd=folder, env={**os.environ, "FILE": str(path)},
                          capture_output=True, text=True, check=False)
    return done.stdout.splitlines(), done


def test_a_whole_file_is_good_and_says_what_is_unknown():
    verdict = verify(WHOLE)
    assert set(results(verdict).values()) == {"good", "unknown"}
    assert [name for name, result in results(verdict).items() if result == "unknown"] == [
        "genesis", "key"]
    assert (verdict["first"], verdict["last"], verdict["rows"]) == (1, 4, 4)
    known = verify(WHOLE, "--ak-name", verdict["ak-name"], "--genesis", verdict["genesis"])
    assert set(results(known).values()) == {"good"}


def test_another_key_or_genesis_is_bad():
    verdict = verify(WHOLE, "--ak-name", "000b" + "00" * 32, "--genesis", "00" * 32, status=10)
    assert results(verdict)["key"] == results(verdict)["genesis"] == "bad"


def test_standard_input_is_a_file():
    assert verify("-", data=WHOLE.read_bytes()) == verify(WHOLE)


@pytest.mark.parametrize("name,check,status", [
    ("edited.jsonl", "chain", 10), ("damaged.jsonl", "chain", 10), ("header-alone", "format", 10)])
def test_what_was_tampered_with_is_bad(name, check, status):
    assert results(verify(CORPUS / name, status=status))[check] == "bad"


@pytest.mark.parametrize("name", ["acknowledged.jsonl", "acknowledged-by-itself.jsonl"])
def test_what_was_acknowledged_is_told_apart(name):
    verdict = verify(CORPUS / name)
    assert results(verdict)["chain"] == results(verdict)["anchors"] == "acknowledged"
    assert verdict["breaks"] == verdict["acknowledged"] == 1


def test_people_read_a_list_of_checks():
    done = subprocess.run([SEALCTL, "ledger", "verify", WHOLE], env=NOWHERE, capture_output=True,
                          text=True, check=True)
    assert re.search(r"^chain +good +Rows 1 to 4 follow", done.stdout, re.M), done.stdout
    assert "what is unknown is for you to compare" in done.stdout


def test_wrong_use_is_told():
    assert "68 hex digits" in verify(WHOLE, "--ak-name", "12", status=2)["message"]
    assert "64 hex digits" in verify(WHOLE, "--genesis", "xy", status=2)["message"]
    assert "No such file" in verify("/nonexistent", status=4)["message"]
    assert "directory" in verify("/", status=1)["message"]


# --- the manual ---------------------------------------------------------------------------------


def test_the_commands_of_the_manual_verify_a_good_file(tmp_path):
    lines, done = by_hand(WHOLE, tmp_path)
    assert done.returncode == 0, done
    assert lines == ["attestation key: " + verify(WHOLE)["ak-name"], "Verified OK"]


def test_the_commands_of_the_manual_find_what_sealctl_finds(tmp_path):
    lines, _ = by_hand(CORPUS / "edited.jsonl", tmp_path)
    assert any(line.startswith("does not follow") for line in lines)
    cut = [line for line in WHOLE.read_text().splitlines(True) if '"seq":3' not in line]
    (tmp_path / "cut").write_text("".join(cut))
    lines, _ = by_hand(tmp_path / "cut", tmp_path)
    assert any(line.startswith("does not follow") for line in lines)
    assert results(verify(tmp_path / "cut", status=10))["chain"] == "bad"
    whole = WHOLE.read_text().splitlines(True)
    (tmp_path / "short").write_text("".join(whole[:-4] + whole[-1:]))
    lines, _ = by_hand(tmp_path / "short", tmp_path)
    assert "the head is another" in lines and "another head or another value is attested" in lines


def test_the_manual_lists_the_events_and_when_they_are_anchored():
    table = MANUAL.split("## Events")[1].split("###")[0]
    told = {}
    for words, anchored in re.findall(r"^\| (`.*?`) \| (now|later) \|", table, re.M):
        for word in re.findall(r"`([a-z-]+)`", words):
            assert word not in told, word
            told[word] = anchored
    code = dict(re.findall(r'^EVENT\(\w+, "([a-z-]+)", (NOW|LATER),',
                           (ROOT / "format/event.def").read_text(), re.M))
    assert told == {word: anchored.lower() for word, anchored in code.items()}


def test_the_manual_lists_the_keys_of_a_row():
    table = MANUAL.split("## A row")[1].split("## ")[0]
    told = [key for cell in re.findall(r"^\| (`.*?`) \|", table, re.M)
            for key in re.findall(r"`([a-z-]+)`", cell)]
    code = re.findall(r'^\s+KEY(?:_WITH)?\("([a-z-]+)"',
                      (ROOT / "format/ledger-row.c").read_text(), re.M)
    assert told == code and len(code) > 20


def test_the_manual_lists_the_checks_of_the_verdict():
    table = MANUAL.split("## Verifying")[1].split("```")[0]
    told = re.findall(r"^\| `([a-z]+)` \|", table, re.M)
    assert told == list(results(verify(WHOLE)))
