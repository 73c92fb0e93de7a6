# SPDX-License-Identifier: Apache-2.0
"""A seal signs within its scope: purposes, validity, use limit, and for other people's requests only."""

import json
import time

import pytest
from test_polkit import with_rule

APPLICANT, REVIEWER = "seal-applicant", "seal-reviewer"
ALLOW_ALL = 'if (action.id.indexOf("org.sealsd1.") == 0) return polkit.Result.YES;'


def make(box, *options, accept=True):
    """A seal kept by root, made with more options of the application."""
    count = 2 + options.count(";") + (1 if options else 0)
    words = [w for w in options if w != ";"]
    data, error = box.manager("Apply", "a{sv}", count, "name", "s", "Scoped", "keepers", "as", 1,
                              "user:root", *words, user=APPLICANT)
    assert data, error
    request = data[0].rsplit("/", 1)[1]
    data, error = box.request(request, "Approve", "sa{sv}", "", 0, user=REVIEWER)
    assert data is not None, error
    seal = box.property(f"/org/sealsd1/request/{request}", "Request", "Seal")
    assert not accept or box.seal(seal, "Accept", "a{sv}", 0)[0] is not None
    return seal


def sign(box, seal, *options):
    words = [len(options) // 3, *options]
    return box.error(f"/org/sealsd1/seal/{seal}", "Seal", "Sign", "aya{sv}", "32", *["1"] * 32,
                     *[str(w) for w in words])


def test_other_purpose_than_the_seals_is_refused(shared):
    seal = make(shared, "purposes", "as", 1, "endorsement")
    assert sign(shared, seal) == "PurposeNotAllowed"  # document-signing by default
    assert sign(shared, seal, "purpose", "s", "identity-authentication") == "PurposeNotAllowed"
    assert sign(shared, seal, "purpose", "s", "endorsement") == "ok"
    assert shared.seal_property(seal, "UseCount") == 1


@pytest.mark.alone
def test_seal_is_not_accepted_before_its_time(shared):
    early = make(shared, "not-before", "t", time.time_ns() // 1000 + 3600 * 10**6, accept=False)
    accept = (f"/org/sealsd1/seal/{early}", "Seal", "Accept", "a{sv}", "0")
    assert shared.error(*accept) == "NotYetValid"
    assert shared.seal_property(early, "State") == "delivered"
    assert shared.seal_property(early, "WhyNot") != ""
    assert sign(shared, early) in ("NotYetValid", "InvalidState")

    # The control: one whose time comes soon is refused until then.
    soon = make(shared, "not-before", "t", time.time_ns() // 1000 + 1500000, accept=False)
    accept = (f"/org/sealsd1/seal/{soon}", "Seal", "Accept", "a{sv}", "0")
    end, answers = time.monotonic() + 60, set()
    while time.monotonic() < end and "ok" not in answers:
        answers.add(shared.error(*accept))
    assert answers == {"NotYetValid", "ok"}
    assert sign(shared, soon) == "ok"


@pytest.mark.alone
def test_seal_does_not_sign_after_its_time(shared):
    now = time.time_ns() // 1000
    late = make(shared, "not-after", "t", time.time_ns() // 1000 + 1500000)
    answers = set()
    while time.time_ns() // 1000 < now + 60 * 10**6 and "Expired" not in answers:
        answers.add(sign(shared, late))
    assert answers == {"ok", "Expired"}
    assert shared.seal_property(late, "WhyNot").startswith("Expired: ")
    # Expiry stops signing and nothing else: the state is what it was, and it can be revoked.
    assert shared.seal_property(late, "State") == "active"
    assert shared.seal(late, "Revoke", "s", "expired")[0] is not None


def test_use_limit_is_kept_by_clients_that_sign_at_once(shared):
    seal = make(shared, "use-limit", "t", 5)
    running = [shared.start(["/usr/bin/python3", shared.call_error, f"/org/sealsd1/seal/{seal}",
                             "org.sealsd1.Seal", "Sign", "aya{sv}", "32", *["1"] * 32, "0"])
               for _ in range(16)]
    answers = [shared.finish(n).stdout.strip() for n in running]
    assert sorted(answers) == ["LimitReached"] * 11 + ["ok"] * 5
    assert shared.seal_property(seal, "UseCount") == 5
    assert shared.seal_property(seal, "WhyNot").startswith("LimitReached: ")


def test_nobody_decides_on_his_own_request_nor_twice(new_sandbox):
    box = new_sandbox("--ready", conf="[Roles]\nApplicants=user:seal-reviewer user:seal-applicant\n"
                                      "Reviewers=user:seal-reviewer user:seal-maker\n"
                                      "[Seals]\nReviewersNeeded=1\n")
    with_rule(box, ALLOW_ALL)
    data, error = box.manager("Apply", "a{sv}", 1, "name", "s", "My own", user=REVIEWER)
    assert data, error
    for member, arguments in (("Approve", ["sa{sv}", "", "0"]), ("Reject", ["s", "no"])):
        assert box.error(data[0], "Request", member, *arguments,
                         user=REVIEWER) == "SeparationOfDuties"
    assert box.error(data[0], "Request", "Approve", "sa{sv}", "", "0", user="seal-maker") == "ok"


def test_two_reviewers_needed_are_two_people(new_sandbox):
    box = new_sandbox(conf="[Roles]\nReviewers=user:seal-reviewer user:seal-maker\n"
                           "[Seals]\nReviewersNeeded=2\n")
    with_rule(box, ALLOW_ALL)
    box.ok("sealctl init --authority $SEAL_AUTHORITY")
    data, error = box.manager("Apply", "a{sv}", 1, "name", "s", "Weighty", user=APPLICANT)
    assert data, error
    approve = ("Request", "Approve", "sa{sv}", "", "0")
    assert box.property(data[0], "Request", "Missing") == 2
    assert box.error(data[0], *approve, user=REVIEWER) == "ok"
    assert box.property(data[0], "Request", "State") == "applied"
    assert box.error(data[0], *approve, user=REVIEWER) == "SeparationOfDuties"
    assert box.property(data[0], "Request", "Seal") == ""
    assert box.error(data[0], *approve, user="seal-maker") == "ok"
    assert box.property(data[0], "Request", "State") == "completed"


def test_renewal_is_no_way_around_the_reviewers_of_a_type(new_sandbox):
    """A seal of a type that one reviewer approves does not become one of a type that needs two."""
    box = new_sandbox("--ready", conf="[Roles]\nReviewers=user:seal-reviewer user:seal-maker\n"
                                      "[Seals]\nReviewersFor=official:2\n")
    for more, kind, missing in ((["type", "s", "official"], "official", 2), ([], "other", 1)):
        data, error = box.seal(box["SEAL"], "Apply", "sa{sv}", "renew", 1 + len(more) // 3, "reason", "s", "grown",
                               *more)
        assert data, error
        assert box.property(data[0], "Request", "Missing") == missing
        described = json.loads(box.request(data[0].rsplit("/", 1)[1], "Describe", user=REVIEWER)[0][0])
        assert (described["type"], described["reviewers-needed"]) == (kind, missing)
        assert box.error(data[0], "Request", "Cancel", "s", "") == "ok"


def test_strict_maker_does_not_accept_through_a_group(new_sandbox):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation strict")
    data, error = box.manager("Apply", "a{sv}", 2, "name", "s", "Shared", "keepers", "as", 1,
                              "group:seal-makers", user=APPLICANT)
    assert data, error
    assert box.error(data[0], "Request", "Approve", "sa{sv}", "", "0", user=REVIEWER) == "ok"
    # With no group but his own he is no keeper, so making is his; at acceptance he comes with them.
    assert box.error(data[0], "Request", "Make", user="seal-maker") == "ok"
    path = f"/org/sealsd1/seal/{box.property(data[0], 'Request', 'Seal')}"
    assert box.error(path, "Seal", "RecordFiling", "a{sv}", "0", user="seal-maker") == "ok"
    assert box.error(path, "Seal", "Deliver", "s", "group:seal-makers") == "ok"
    accept = box.run(["/usr/bin/python3", box.call_error, path, "org.sealsd1.Seal", "Accept", "a{sv}",
                      "0"], "seal-maker", groups="--init-groups")
    assert accept.stdout.strip() == "SeparationOfDuties", accept
