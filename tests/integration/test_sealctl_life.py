# SPDX-License-Identifier: Apache-2.0
"""sealctl's verbs for what becomes of a seal, each by the people whom the rules name."""

import json
import re

import pytest


@pytest.fixture
def number(shared):
    return shared.make_seal("Living", shared["SEAL_KEEPER"])


def state(box, number):
    return json.loads(box.ok(f"sealctl --json show {number}", box["SEAL_AUDITOR"]))["state"]


def apply(box, words, user):
    return json.loads(box.ok(f"sealctl --json apply {words}", user))["id"]


def approve(box, request):
    return json.loads(box.ok(f"sealctl --json approve {request}", box["SEAL_REVIEWER"]))


def test_suspended_by_its_keeper_and_resumed_by_an_administrator(shared, number):
    keeper = shared["SEAL_KEEPER"]
    out = shared.ok(f"sealctl suspend {number} 'under dispute'", keeper)
    assert "suspended" in out and f"sealctl resume {number}" in out
    done = shared.run(f"sealctl why {number}", keeper)
    assert done.status == 6 and "resume" in done.stdout, done
    assert shared.run(f"sealctl resume {number} 'settled'", keeper).status == 3
    assert json.loads(shared.ok(f"sealctl --json resume {number} settled", shared["SEAL_ADMIN"])) == \
        {"number": number, "state": "active"}


def test_lost_found_surrendered_and_delivered_again(shared, number):
    keeper, admin = shared["SEAL_KEEPER"], shared["SEAL_ADMIN"]
    out = shared.ok(f"sealctl report-lost {number} 'laptop stolen'", keeper)
    assert "lost" in out and "report-found" in out
    assert shared.run(f"sealctl sign {number} /etc/passwd --output /run/test/sig", keeper).status == 6
    assert "suspended" in shared.ok(f"sealctl report-found {number} 'laptop back'", keeper)
    out = shared.ok(f"sealctl surrender {number} 'I leave'", keeper)
    assert f"sealctl deliver {number} KEEPER" in out
    assert state(shared, number) == "surrendered"
    assert "delivered" in shared.ok(f"sealctl deliver {number} {keeper}", admin)
    assert "active" in shared.ok(f"sealctl accept {number}", keeper)


def test_recall_is_surrender_by_an_administrator(shared, number):
    assert "surrendered" in shared.ok(f"sealctl recall {number} 'he left'", shared["SEAL_ADMIN"])


def test_destroyed_after_a_confirmation_by_another_than_who_revoked(shared, number):
    admin = shared["SEAL_ADMIN"]
    out = shared.ok(f"sealctl revoke --yes {number} 'over'", admin)
    assert f"sealctl destroy {number} REASON" in out
    assert shared.run(f"sealctl destroy {number} 'over' </dev/null", "root").status == 2
    assert state(shared, number) == "revoked"
    assert shared.run(f"sealctl destroy --yes {number} 'over'", admin).status == 3
    shared.ok(f"sealctl destroy --yes {number} 'end of retention'", "root")
    assert state(shared, number) == "destroyed"


@pytest.mark.parametrize("verb", ["suspend", "resume", "report-lost", "report-found", "surrender",
                                  "destroy --yes"])
@pytest.mark.parametrize("words,status", [("1 x", 4), ("/bad x", 2), ("$SEAL ''", 2), ("$SEAL", 2),
                                          ("$SEAL x y", 2)])
def test_words_that_cannot_be_are_refused(shared, verb, words, status):
    assert shared.run(f"sealctl {verb} {words}").status == status


def test_wrong_state_says_what_is_possible(shared, number):
    done = shared.run(f"sealctl resume {number} 'why not'", shared["SEAL_ADMIN"])
    assert done.status == 5 and "Suspend" in done.stderr, done


def test_many_are_suspended_at_once_by_what_they_have_in_common(new_sandbox):
    box = new_sandbox("--ready")
    keeper = box["SEAL_KEEPER"]
    theirs = [box.make_seal(f"Many {i}", keeper) for i in range(3)]
    done = box.run("sealctl suspend-all 'break-in' </dev/null", box["SEAL_ADMIN"])
    assert done.status == 2 and "nothing was done" in done.stderr, done
    out = json.loads(box.ok(f"sealctl --json suspend-all --keeper {keeper} 'break-in'", box["SEAL_ADMIN"]))
    assert out == {"suspended": 3}
    assert {state(box, n) for n in theirs} == {"suspended"}
    assert state(box, box["SEAL"]) == "active"
    assert "1 seal is suspended" in box.ok("sealctl suspend-all --yes 'all of them'", box["SEAL_ADMIN"])
    assert box.run("sealctl suspend-all --type nonsense x", box["SEAL_ADMIN"]).status == 2


def test_state_at_tells_the_past(shared, number):
    before = shared.ok("date -u +%Y-%m-%dT%H:%M:%S.%6NZ").strip()
    shared.ok(f"sealctl suspend {number} 'a pause'", shared["SEAL_KEEPER"])
    assert shared.ok(f"sealctl state-at {number} {before}").strip() == "active"
    assert shared.ok(f"sealctl state-at {number} now").strip() == "suspended"
    assert shared.run(f"sealctl state-at {number} yesterday").status == 4
    assert shared.run(f"sealctl state-at {number} someday").status == 2


# --- applications about a seal --------------------------------------------------------------------


def test_renewed_with_another_name_and_an_overlap(shared, number):
    keeper = shared["SEAL_KEEPER"]
    request = apply(shared, f"renew {number} --reason 'ends soon' --name 'Living II' --overlap 30d", keeper)
    shown = shared.ok(f"sealctl request {request}", shared["SEAL_REVIEWER"])
    for word in ("renew", number, "ends soon", "Living II", "30 days"):
        assert word in shown, (word, shown)
    new = approve(shared, request)["seal"]
    shared.ok(f"sealctl accept {new}", keeper)
    shown = json.loads(shared.ok(f"sealctl --json show {new}", keeper))
    assert shown["name"] == "Living II" and shown["replaces"] == number
    assert f"Replaced by: {new}" in shared.ok(f"sealctl show {number}", keeper)


def test_recertified_and_amended(shared, number):
    keeper = shared["SEAL_KEEPER"]
    approve(shared, apply(shared, f"recertify {number} --not-after +2000d --reason x", keeper))
    approve(shared, apply(shared, f"amend {number} --purpose endorsement --use-limit 7 --reason x", keeper))
    shown = json.loads(shared.ok(f"sealctl --json show {number}", keeper))
    assert shown["purposes"] == ["endorsement"] and shown["use-limit"] == 7
    approve(shared, apply(shared, f"amend {number} --use-limit 0 --reason x", keeper))
    assert json.loads(shared.ok(f"sealctl --json show {number}", keeper))["use-limit"] == 0


def test_transferred_to_another_keeper(shared, number):
    keeper, other = shared["SEAL_KEEPER"], shared["SEAL_MAKER"]
    request = apply(shared, f"transfer {number} --keeper {other} --reason retires", keeper)
    assert other in shared.ok(f"sealctl request {request}", shared["SEAL_REVIEWER"])
    approve(shared, request)
    shared.ok(f"sealctl accept {number}", other)
    assert shared.run(f"sealctl show {number}", keeper).status == 4


def test_resumed_revoked_and_destroyed_by_application(shared, number):
    keeper = shared["SEAL_KEEPER"]
    shared.ok(f"sealctl suspend {number} pause", keeper)
    approve(shared, apply(shared, f"resume {number} --reason over", keeper))
    assert state(shared, number) == "active"
    approve(shared, apply(shared, f"revoke {number} --reason over", keeper))
    assert state(shared, number) == "revoked"
    approve(shared, apply(shared, f"destroy {number} --reason over", shared["SEAL_ADMIN"]))
    assert state(shared, number) == "destroyed"


def test_requests_are_listed_by_kind_and_seal(shared, number):
    keeper = shared["SEAL_KEEPER"]
    request = apply(shared, f"amend {number} --use-limit 7 --reason x", keeper)

    def ids(words):
        return [r["id"] for r in json.loads(shared.ok(f"sealctl --json requests {words}"))]

    assert ids(f"--kind amend --seal {number}") == [request]
    assert ids(f"--kind renew --seal {number}") == []


@pytest.mark.parametrize("words", ["renew $SEAL", "renew --reason x", "recertify $SEAL",
                                   "amend $SEAL --reason x", "transfer $SEAL --reason x",
                                   "transfer $SEAL --reason x --keeper robot:x",
                                   "revoke $SEAL --reason ''", "resume $SEAL --reason x --name y",
                                   "renew $SEAL --reason x --overlap 3"])
def test_applications_that_lack_something_are_refused_here(shared, words):
    assert shared.run(f"sealctl apply {words}").status == 2


# --- from a file ----------------------------------------------------------------------------------


def test_file_is_applied_for_once_however_often_it_is_sent(sandbox):
    applicant = sandbox["SEAL_APPLICANT"]
    lines = ["name,type,keeper", *(f"Line {i},contract,root" for i in range(20)), "Line 0,contract,root"]
    path = sandbox.write("many.csv", "\n".join(lines))
    done = sandbox.run(f"sealctl --json apply --csv {path}", applicant)
    sent = json.loads(done.stdout)
    assert done.status == 9 and len(sent) == 16, done  # so many may be open
    assert [line["line"] for line in sent] == list(range(2, 18))
    for line in sent[:10]:
        sandbox.ok(f"sealctl reject {line['id']} 'too many'", sandbox["SEAL_REVIEWER"])
    again = json.loads(sandbox.ok(f"sealctl --json apply --csv {path}", applicant))
    assert [line["id"] for line in again[:16]] == [line["id"] for line in sent]
    assert len(again) == 21 and len({line["id"] for line in again}) == 21  # equal lines are two
    assert again[0]["state"] == "rejected" and again[20]["state"] == "applied"
    shuffled = sandbox.write("shuffled.csv", "keeper,name,type\n" + "".join(
        f"root,Line {i},contract\n" for i in reversed(range(20))))
    third = json.loads(sandbox.ok(f"sealctl --json apply --csv {shuffled}", applicant))
    assert {line["id"] for line in third} <= {line["id"] for line in again}
    page = sandbox.ok(f"sealctl apply --csv {shuffled}", applicant)
    assert re.search(r"Line 7 +\d+ +rejected", page), page
