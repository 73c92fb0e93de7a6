# SPDX-License-Identifier: Apache-2.0
"""sealctl apply --csv: all lines are looked at before the first is sent, and none is sent twice."""

import json

import pytest

GOOD = ("name,type,keeper,keeper,not-after,purpose,country\r\n"
        "\"Acme, Contracts\",contract,root,user:seal-keeper,+90d,document-signing,CN\r\n"
        "Acme Invoices,invoice,root,,,,\r\n")


def open_requests(box):
    return len(json.loads(box.ok("sealctl --json requests --state applied")))


@pytest.mark.parametrize("text,line,word", [
    ("name,colour\nA,red\n", 1, "colour"),
    ("name,name\nA,B\n", 1, "twice"),
    ("name,type\nA,contract\nB,nonsense\n", 3, "nonsense"),
    ("name,not-after\nA,soon\n", 2, "--not-after"),
    ("name,use-limit\nA,1\nB,-1\n", 3, "--use-limit"),
    ("name,keeper\nA,robot:x\n", 2, "robot:x"),
    ("name,document\nA,T=/nowhere\n", 2, "/nowhere"),
    ("name,type\n,contract\n", 2, "--name"),
    ("name,type\nA\n", 2, "number of fields"),
    ("name\n\"A\n", 3, "not closed"),
])
def test_one_wrong_line_sends_none(shared, text, line, word):
    path = shared.write("wrong.csv", text)
    before = open_requests(shared)
    done = shared.run(f"sealctl apply --csv {path}", shared["SEAL_APPLICANT"])
    assert done.status in (1, 2, 4), done
    assert f"{path}, line {line}" in done.stderr and word in done.stderr, done
    assert open_requests(shared) == before


def test_dry_run_checks_and_sends_none(shared):
    path = shared.write("good.csv", GOOD)
    before = open_requests(shared)
    done = json.loads(shared.ok(f"sealctl --json apply --csv {path} --dry-run",
                                shared["SEAL_APPLICANT"]))
    assert done == {"checked": "2"}
    assert "1 lines" not in shared.ok(f"head -n 2 {path} > {path}.one; sealctl apply --csv {path}.one --dry-run")
    assert open_requests(shared) == before


@pytest.mark.parametrize("words", ["--csv x --name A", "--dry-run --name A", "--csv x y"])
def test_options_that_contradict_a_file_are_refused(shared, words):
    assert shared.run(f"sealctl apply {words}", shared["SEAL_APPLICANT"]).status == 2


def test_progress_is_for_a_terminal_alone(shared):
    applicant = shared["SEAL_APPLICANT"]
    path = shared.write("shown.csv", "name,keeper\nShown 1,root\nShown 2,root\n")
    on_terminal = shared.ok(f"script -qc 'sealctl apply --csv {path}' /dev/null </dev/null", applicant)
    assert "Lines sent: 0 of 2" in on_terminal and "Shown 2" in on_terminal
    elsewhere = shared.run(f"sealctl apply --csv {path}", applicant)
    assert elsewhere.status == 0 and "Lines sent" not in elsewhere.stderr + elsewhere.stdout
    assert "Shown 2" in elsewhere.stdout
