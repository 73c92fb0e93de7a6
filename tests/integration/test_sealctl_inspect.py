# SPDX-License-Identifier: Apache-2.0
"""sealctl inspect and report --inspect."""

import json


def findings(box, words="", user=None):
    return json.loads(box.ok(f"sealctl --json inspect {words}", user))


def test_a_seal_and_the_whole_are_inspected(sandbox):
    number = sandbox["SEAL"]
    assert findings(sandbox, number, sandbox["SEAL_AUDITOR"]) == []
    assert "Nothing was found" in sandbox.ok(f"sealctl inspect {number}")
    for finding in findings(sandbox):
        assert set(finding) == {"seal", "severity", "code", "text"}
        assert finding["seal"] == "" and finding["severity"] != "critical", finding


def test_what_ends_soon_is_found_and_reported(sandbox):
    request = json.loads(sandbox.ok("sealctl --json apply --name Short --keeper root --not-after +3d",
                                    sandbox["SEAL_APPLICANT"]))["id"]
    number = json.loads(sandbox.ok(f"sealctl --json approve {request}", sandbox["SEAL_REVIEWER"]))["seal"]
    sandbox.ok(f"sealctl accept {number}")
    codes = {(f["seal"], f["code"]) for f in findings(sandbox, number)}
    assert (number, "expires-soon") in codes
    assert "expires-soon" in sandbox.ok("sealctl inspect")
    report = json.loads(sandbox.ok("sealctl --json report --inspect"))
    assert (number, "expires-soon") in {(f["seal"], f["code"]) for f in report["findings"]}
    assert [s["number"] for s in report["seals"]["expiring"]] == [number]
    page = sandbox.ok("sealctl report --inspect")
    assert "expires-soon" in page and "sealctl apply renew" in page


def test_inspection_is_for_those_who_answer_for_the_seals(shared):
    assert shared.run("sealctl inspect", shared["SEAL_APPLICANT"]).status == 3
    assert shared.run("sealctl inspect 1").status == 4
    assert shared.run("sealctl inspect x y").status == 2
