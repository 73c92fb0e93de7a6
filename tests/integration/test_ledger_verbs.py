# SPDX-License-Identifier: Apache-2.0
"""`sealctl ledger` against the daemon: what happened, its export verified offline, and tampering."""

import hashlib
import json
import re
import subprocess

import pytest

from conftest import ROOT
from lifecycle import AUDITOR, OTHER

MANUAL = (ROOT / "docs/ledger.md").read_text()


def rows(box, *words, user=AUDITOR):
    lines = box.ok(["sealctl", "--json", "ledger", "list", *words], user).splitlines()
    return [json.loads(line) for line in lines]


def verify(box, path, *words, status=0):
    done = box.run(["sealctl", "--json", "ledger", "verify", path, *words])
    assert done.status == status, done
    return json.loads(done.stdout)


def results(verdict):
    return {check["check"]: check["result"] for check in verdict["checks"]}


def export(box, name, *words, user=AUDITOR):
    path = box.temp(name)
    box.ok(f"rm -f {path}")
    box.ok(["sealctl", "ledger", "export", path, *words], user)
    return path


# --- list ---------------------------------------------------------------------------------------


def test_list_has_the_rows_as_they_are(shared):
    lines = shared.ok("sealctl --json ledger list", AUDITOR).splitlines()
    assert json.loads(lines[0])["event"] == "initialized"
    for before, after in zip(lines, lines[1:]):
        assert json.loads(after)["previous"] == hashlib.sha256(before.encode()).hexdigest()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(lines) + 1))


def test_list_takes_filters_that_all_must_fit(shared):
    seal = shared["SEAL"]
    found = rows(shared, "--seal", seal)
    assert found and {row["seal"] for row in found} == {seal}
    made = rows(shared, "--seal", seal, "--event", "seal-made")
    assert [row["event"] for row in made] == ["seal-made"]
    by = rows(shared, "--subject", shared["SEAL_APPLICANT"], "--event", "request-applied")
    assert by and {row["subject"] for row in by} == {"user:" + shared["SEAL_APPLICANT"]}
    assert [row["seq"] for row in rows(shared, "--first", "3", "--limit", "2")] == [3, 4]
    assert rows(shared, "--since", "2999-01-01") == []
    assert rows(shared, "--until", "2001-01-01") == []


def test_list_is_a_table_for_people(shared):
    text = shared.ok(["sealctl", "ledger", "list", "--seal", shared["SEAL"]], AUDITOR)
    assert re.search(r"^ROW +TIME +EVENT +SEAL +BY +WHAT", text), text
    assert re.search(r"^ *\d+ .* seal-made +" + shared["SEAL"], text, re.M), text
    assert shared.ok("sealctl ledger list --since 2999-01-01", AUDITOR) == "No rows.\n"


def test_list_refuses_what_could_not_be_meant(shared):
    for words, status in (("--event seal-eaten", 2), ("--since yesterdayish", 2), ("more", 2)):
        assert shared.run(f"sealctl ledger list {words}", AUDITOR).status == status
    assert shared.run("sealctl ledger list", OTHER).status == 3


# --- the manual says what is in the rows ----------------------------------------------------------


def carried():
    """The keys of `facts` by event, as docs/ledger.md has them."""
    told = {}
    table = MANUAL.split("## Events")[1].split("###")[0]
    for words, keys in re.findall(r"^\| (`.*?`) \| (?:now|later) \|[^|]*\| (.*) \|$", table, re.M):
        names = set(re.findall(r"`([a-z0-9-]+)`", re.sub(r"\[[^]]*\]", "", keys)))
        for word in re.findall(r"`([a-z-]+)`", words):
            told[word] = told["initialized"] if keys == "the same" else names
    return told


def test_rows_carry_what_the_manual_says(shared):
    told = carried()
    for row in rows(shared):
        assert set(row.get("facts", {})) <= told[row["event"]], row


# --- export -------------------------------------------------------------------------------------


def test_an_export_is_good_offline(shared):
    path = export(shared, "whole.jsonl")
    assert shared.ok(f"stat -c %a {path}") == "600\n"
    status = json.loads(shared.ok("sealctl --json status"))
    verdict = verify(shared, path, "--ak-name", status["ak-name"], "--genesis", status["genesis"])
    assert set(results(verdict).values()) == {"good"}, verdict
    last = json.loads(shared.ok(f"tail -n 1 {path}"))
    exported = rows(shared, "--first", str(last["seq"]), "--limit", "1")[0]
    assert exported["event"] == "ledger-exported"
    assert exported["subject"] == "user:" + AUDITOR


def test_the_key_and_the_genesis_are_known_from_the_beginning(new_sandbox):
    """What an auditor writes down when the machine is set up is what exports show later."""
    box = new_sandbox()
    box.ok("sealctl --yes init --authority $SEAL_AUTHORITY")
    first = json.loads(box.ok("sealctl --json status"))
    assert first["ak-name"].startswith("000b") and len(first["ak-name"]) == 68
    assert first["ak-name"] in box.ok("sealctl status")
    box.ctl("stop")
    box.ctl("start")
    status = json.loads(box.ok("sealctl --json status"))
    assert (status["ak-name"], status["genesis"]) == (first["ak-name"], first["genesis"])
    path = export(box, "first.jsonl")
    verdict = verify(box, path, "--ak-name", first["ak-name"], "--genesis", first["genesis"])
    assert set(results(verdict).values()) == {"good"}, verdict


def test_an_export_is_good_by_hand(shared, tmp_path):
    path = export(shared, "by-hand.jsonl")
    (tmp_path / "ledger.jsonl").write_text(shared.ok(f"cat {path}"))
    [commands] = re.findall(r"```sh\n(.*?)```", MANUAL, re.S)
    done = subprocess.run(["bash", "-c", "FILE=ledger.jsonl\n" + commands], cwd=tmp_path, check=True,
                          capture_output=True, text=True)
    assert done.stdout.splitlines() == ["attestation key: " + verify(shared, path)["ak-name"],
                                        "Verified OK"]


def test_a_later_part_is_good_and_says_so(shared):
    path = export(shared, "part.jsonl", "--first", "4")
    verdict = verify(shared, path)
    assert "bad" not in results(verdict).values(), verdict
    assert verdict["first"] == 4


def test_an_export_goes_to_standard_output(shared):
    text = shared.ok("sealctl ledger export - | sealctl --json ledger verify -", AUDITOR)
    assert "bad" not in results(json.loads(text)).values(), text


@pytest.mark.parametrize("user,first,status", [(OTHER, "1", 3), (AUDITOR, "99999999", 2)])
def test_a_refused_export_leaves_no_file(shared, user, first, status):
    place = shared.temp("refused")
    shared.ok(f"rm -rf {place}; install -d -m 777 {place}; echo old > {place}/old; "
              f"chmod 666 {place}/old")
    for name in ("new", "old"):
        assert shared.run(["sealctl", "ledger", "export", f"{place}/{name}", "--first", first],
                          user).status == status
    assert shared.ok(f"ls -A {place}; cat {place}/old") == "old\nold\n"


def test_an_export_that_cannot_be_written_is_told(shared):
    done = shared.run("sealctl ledger export /dev/full", AUDITOR)
    assert done.status == 1 and "No space left" in done.stderr, done
    done = shared.run("sealctl ledger export /nonexistent/file", AUDITOR)
    assert done.status == 1 and "No such file" in done.stderr, done
    assert shared.manager_property("State") == "ready"


# --- check and acknowledge ------------------------------------------------------------------------


def test_check_says_that_all_is_good(shared):
    result = json.loads(shared.ok("sealctl --json ledger check", AUDITOR))
    assert result["good"] is True and result["breaks"] == 0
    assert result["rows"] == result["last"] > 5
    assert re.search(r"Good: yes", shared.ok("sealctl ledger check"))


def test_acknowledge_wants_a_reason_and_a_yes(shared):
    for words in ("", "--reason ''", "--reason 'two\nlines'", "--reason why"):
        assert shared.run(f"sealctl ledger acknowledge {words} < /dev/null").status == 2


def edit(box, sql):
    """With the daemon stopped, as somebody with the disk would."""
    box.ctl("stop")
    box.ok(["sqlite3", box["SEALSD_STATE"] + "/register.db", sql])
    box.ctl("start")


def test_an_edited_row_is_found_acknowledged_and_told_for_ever(new_sandbox):
    box = new_sandbox("--ready")
    victim = rows(box, "--event", "seal-made")[0]["seq"]
    edit(box, f"UPDATE ledger SET text = replace(text, 'seal-made', 'seal-mace') WHERE seq = {victim}")
    done = box.run("sealctl --json ledger check")
    assert done.status == 10, done
    result = json.loads(done.stdout)
    assert result["good"] is False and result["breaks"] > 0
    assert result["first-bad"] in (f"ledger {victim}", f"ledger {victim + 1}"), result
    verdict = verify(box, export(box, "tampered.jsonl"), status=10)
    assert results(verdict)["chain"] == "bad"
    assert verdict["first-bad"] in (victim, victim + 1)

    box.ok("sealctl --yes ledger acknowledge --reason 'an exercise'")
    assert json.loads(box.ok("sealctl --json ledger check"))["good"] is True
    verdict = verify(box, export(box, "acknowledged.jsonl"))
    assert results(verdict)["chain"] == "acknowledged", verdict
    assert verdict["breaks"] == verdict["acknowledged"]
    assert rows(box, "--event", "tampering-acknowledged")[0]["reason"] == "an exercise"
