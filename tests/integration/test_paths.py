# SPDX-License-Identifier: Apache-2.0
"""The ways to an active seal in each mode, and who may not walk them."""

import json

from test_polkit import with_rule

APPLICANT, REVIEWER, MAKER, ADMIN, AUDITOR, KEEPER, STRANGER = (
    f"seal-{name}" for name in ("applicant", "reviewer", "maker", "admin", "auditor", "keeper",
                                "stranger"))


def apply(box, user=APPLICANT, keeper=KEEPER, name="A Seal"):
    data, error = box.manager("Apply", "a{sv}", 2, "name", "s", name, "keepers", "as", 1,
                              f"user:{keeper}", user=user)
    assert data, error
    return data[0].rsplit("/", 1)[1]


def error(box, path, interface, member, *arguments, user=None):
    return box.error(path, interface, member, *arguments, user=user)


def test_dual_needs_another_reviewer_and_the_named_keeper(shared):
    request = apply(shared)
    path = f"/org/sealsd1/request/{request}"
    approve = ("Request", "Approve", "sa{sv}", "seen", "0")
    # Not the applicant, not root (whatever polkit says), not the maker, not who has no role.
    assert error(shared, path, *approve, user=APPLICANT) == "AccessDenied"
    assert error(shared, path, *approve) == "AccessDenied"
    assert error(shared, path, *approve, user=MAKER) == "AccessDenied"
    assert error(shared, path, *approve, user=STRANGER) == "UnknownObject"
    assert shared.property(path, "Request", "Missing") == 1
    waiting = shared.manager("ListRequests", "a{sv}", 1, "awaiting", "s", "me", user=REVIEWER)[0][0]
    assert path in [row[0] for row in waiting]
    assert error(shared, path, *approve, user=REVIEWER) == "ok"
    assert error(shared, path, *approve, user=REVIEWER) == "InvalidState"

    seal = shared.property(path, "Request", "Seal")
    assert shared.property(path, "Request", "State") == "completed"
    seal_path = f"/org/sealsd1/seal/{seal}"
    assert shared.seal_property(seal, "State") == "delivered"
    sign = ("Seal", "Sign", "aya{sv}", "32", *["1"] * 32, "0")
    assert error(shared, seal_path, *sign, user=KEEPER) == "InvalidState"
    for user in (None, REVIEWER, ADMIN):
        assert error(shared, seal_path, "Seal", "Accept", "a{sv}", "0", user=user) == "AccessDenied"
    assert error(shared, seal_path, "Seal", "Accept", "a{sv}", "0", user=KEEPER) == "ok"
    assert shared.seal_property(seal, "State") == "active"
    # Keepers sign; applicants, reviewers and administrators do not.
    assert error(shared, seal_path, *sign, user=KEEPER) == "ok"
    for user in (None, APPLICANT, REVIEWER, ADMIN):
        assert error(shared, seal_path, *sign, user=user) == "AccessDenied"


def test_declined_seal_is_delivered_again(shared):
    request = apply(shared)
    shared.request(request, "Approve", "sa{sv}", "", 0, user=REVIEWER)
    seal = shared.property(f"/org/sealsd1/request/{request}", "Request", "Seal")
    path = f"/org/sealsd1/seal/{seal}"
    assert error(shared, path, "Seal", "Decline", "s", "not mine", user=KEEPER) == "ok"
    assert shared.seal_property(seal, "State") == "filed"
    assert error(shared, path, "Seal", "Deliver", "s", f"user:{KEEPER}", user=ADMIN) == "ok"
    assert error(shared, path, "Seal", "Accept", "a{sv}", "0", user=KEEPER) == "ok"


def test_rejected_and_cancelled_requests_make_nothing(shared):
    first, second = apply(shared), apply(shared)
    before = len(shared.manager("ListSeals", "a{sv}", 0)[0][0])
    assert error(shared, f"/org/sealsd1/request/{first}", "Request", "Reject", "s", "the name",
                 user=REVIEWER) == "ok"
    assert error(shared, f"/org/sealsd1/request/{second}", "Request", "Cancel", "s", "no need",
                 user=REVIEWER) == "AccessDenied"
    assert error(shared, f"/org/sealsd1/request/{second}", "Request", "Cancel", "s", "no need",
                 user=APPLICANT) == "ok"
    for request, state, why in ((first, "rejected", "the name"), (second, "cancelled", "no need")):
        described = json.loads(shared.request(request, "Describe")[0][0])
        assert described["state"] == state and described["error"] == why
        assert error(shared, f"/org/sealsd1/request/{request}", "Request", "Approve", "sa{sv}", "",
                     "0", user=REVIEWER) == "InvalidState"
    assert len(shared.manager("ListSeals", "a{sv}", 0)[0][0]) == before


LONG = "印" * 300  # 900 bytes: longer than an error text, within the limit of a reason


def assert_begins(text, whole):
    """It is the whole, or its beginning, cut between characters and perhaps marked as cut."""
    beginning = text.rstrip("…")
    assert whole.startswith(beginning) and len(beginning) > 100, text


def test_long_reason_leaves_the_request_readable(shared):
    for member, user in (("Reject", REVIEWER), ("Cancel", APPLICANT)):
        request = apply(shared)
        data, text = shared.request(request, member, "s", LONG, user=user)
        assert data is not None, text
        described = json.loads(shared.request(request, "Describe")[0][0])
        assert_begins(described["error"], LONG)
        assert_begins(shared.property(f"/org/sealsd1/request/{request}", "Request", "Error"), LONG)
        rows = shared.manager("ListRequests", "a{sv}", 0)[0][0]
        assert f"/org/sealsd1/request/{request}" in [row[0] for row in rows]


def test_long_reason_of_a_decline_reaches_the_keeper_with_the_seals_path(shared):
    request = apply(shared)
    assert shared.request(request, "Approve", "sa{sv}", "", 0, user=REVIEWER)[0] is not None
    seal = shared.property(f"/org/sealsd1/request/{request}", "Request", "Seal")
    keeper, stranger = shared.watch(KEEPER), shared.watch(STRANGER)
    data, text = shared.seal(seal, "Decline", "s", LONG, user=KEEPER)
    assert data is not None, text
    severity, code, path, text = keeper.signal("Attention")["body"]
    assert (severity, code, path) == ("warning", "declined", f"/org/sealsd1/seal/{seal}")
    introduction = f"user:{KEEPER} declined seal {seal}: "
    assert text.startswith(introduction)
    assert_begins(text.removeprefix(introduction), LONG)
    # What everybody is told comes after it; the stranger heard nothing of the seal until then.
    shared.pcr_extend(2)
    shared.manager("GetMachineState")
    heard = [json.loads(stranger.line())]
    while (heard[-1]["path"], heard[-1]["member"]) != ("/org/sealsd1", "PropertiesChanged"):
        heard.append(json.loads(stranger.line()))
    assert seal not in json.dumps(heard)
    keeper.kill()
    stranger.kill()
    assert shared.seal_property(seal, "State") == "filed"


def test_numbers_are_never_given_twice(shared):
    numbers = set()
    for _ in range(3):
        request = apply(shared)
        shared.request(request, "Approve", "sa{sv}", "", 0, user=REVIEWER)
        numbers.add(shared.property(f"/org/sealsd1/request/{request}", "Request", "Seal"))
    assert len(numbers) == 3
    assert all(len(n) == 14 and n.isdigit() for n in numbers)


def test_open_requests_of_one_applicant_are_bounded(sandbox):
    for _ in range(16):
        apply(sandbox)
    assert error(sandbox, "/org/sealsd1", "Manager", "Apply", "a{sv}", "1", "name", "s", "x",
                 user=APPLICANT) == "QuotaExceeded"


def test_strict_keeps_applicant_reviewer_maker_and_keeper_apart(new_sandbox):
    conf = ("[Roles]\nMakers=group:seal-makers user:seal-maker user:seal-reviewer user:seal-keeper\n")
    box = new_sandbox(conf=conf)
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation strict")
    request = apply(box)
    path = f"/org/sealsd1/request/{request}"
    assert error(box, path, "Request", "Approve", "sa{sv}", "", "0", user=REVIEWER) == "ok"
    assert box.property(path, "Request", "State") == "approved"
    seal = box.property(path, "Request", "Seal")
    assert error(box, f"/org/sealsd1/seal/{seal}", "Seal", "Describe") == "UnknownObject"
    assert error(box, path, "Request", "Make") == "AccessDenied"
    # Polkit is the second gate: by the shipped rules only members of seal-makers pass without a
    # password, so a reviewer who is named a maker in the configuration stops there or at the rule.
    assert error(box, path, "Request", "Make", user=REVIEWER) == "InteractiveAuthorizationRequired"
    assert error(box, path, "Request", "Make", user=MAKER) == "ok"
    assert box.request(request, "Make", user=MAKER)[0] == [f"/org/sealsd1/seal/{seal}"]
    seal_path = f"/org/sealsd1/seal/{seal}"
    assert box.seal_property(seal, "State") == "made"
    assert error(box, seal_path, "Seal", "Deliver", "s", f"user:{KEEPER}") == "InvalidState"
    assert error(box, seal_path, "Seal", "RecordFiling", "a{sv}", "1", "filing-number", "s",
                 "2026-17", user=APPLICANT) == "AccessDenied"
    assert error(box, seal_path, "Seal", "RecordFiling", "a{sv}", "1", "filing-number", "s",
                 "2026-17", user=MAKER) == "ok"
    assert error(box, seal_path, "Seal", "Deliver", "s", "user:root") == "InvalidArgs"
    assert error(box, seal_path, "Seal", "Deliver", "s", f"user:{KEEPER}") == "ok"
    assert error(box, seal_path, "Seal", "Accept", "a{sv}", "0", user=KEEPER) == "ok"
    signature, use = box.sign(seal, bytes(32), user=KEEPER)
    assert signature and use == 1
    described = json.loads(box.seal(seal, "Describe")[0][0])
    assert described["filing"]["filing-number"] == "2026-17"
    assert described["made-by"] == f"user:{MAKER}"
    assert described["separation"] == "strict"


BAD_FILINGS = [
    ["documents", "a(say)", "1", "Contract", "0"],
    ["documents", "a(say)", "1", "Con\x1b[31mtract", "32", *["1"] * 32],
    ["documents", "a(say)", "1", "", "32", *["1"] * 32],
    ["filing-number", "s", "2026\n17"],
    ["filing-number", "s", "2026\u202e17"],
    ["authority", "s", "Bu\x7freau"],
    ["filed", "t", str((1 << 53) + 1)],
    ["filed", "t", str(1 << 63)],
    ["filed", "t", str((1 << 64) - 1)],
]


def test_bad_filing_is_refused_and_the_seal_stays_readable_and_revocable(new_sandbox):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation strict")
    request = apply(box)
    path = f"/org/sealsd1/request/{request}"
    assert error(box, path, "Request", "Approve", "sa{sv}", "", "0", user=REVIEWER) == "ok"
    assert error(box, path, "Request", "Make", user=MAKER) == "ok"
    seal = box.property(path, "Request", "Seal")
    seal_path = f"/org/sealsd1/seal/{seal}"
    for filing in BAD_FILINGS:
        got = error(box, seal_path, "Seal", "RecordFiling", "a{sv}", "1", *filing, user=MAKER)
        assert got == "InvalidArgs", filing
        described = json.loads(box.seal(seal, "Describe")[0][0])
        assert described["state"] == "made" and described["filing"] is None, filing
    # The control: a filing with the same keys and good values is taken.
    assert error(box, seal_path, "Seal", "RecordFiling", "a{sv}", "4", "filing-number", "s",
                 "2026-17", "authority", "s", "Bureau", "filed", "t", "1790000000000000",
                 "documents", "a(say)", "1", "Contract", "32", *["1"] * 32, user=MAKER) == "ok"
    described = json.loads(box.seal(seal, "Describe")[0][0])
    assert described["state"] == "filed" and described["filing"]["authority"] == "Bureau"
    data, text = box.seal(seal, "Revoke", "s", "over")
    assert data is not None, text
    assert box.seal_property(seal, "State") == "revoked"


def test_strict_separation_holds_when_polkit_says_yes(new_sandbox):
    box = new_sandbox(conf="[Roles]\nMakers=user:seal-reviewer user:seal-applicant user:seal-keeper\n"
                           "Applicants=user:seal-applicant user:seal-keeper\n")
    with_rule(box, 'if (action.id.indexOf("org.sealsd1.") == 0) return polkit.Result.YES;')
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation strict")
    request = apply(box)
    path = f"/org/sealsd1/request/{request}"
    assert error(box, path, "Request", "Approve", "sa{sv}", "", "0", user=REVIEWER) == "ok"
    for user in (REVIEWER, APPLICANT, KEEPER):
        assert error(box, path, "Request", "Make", user=user) == "SeparationOfDuties", user
    assert error(box, path, "Request", "Make") == "AccessDenied"


def test_single_makes_an_active_seal_at_once_and_knows_its_token(new_sandbox):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    data, text = box.manager("CreateSeal", "a{sv}", 2, "name", "s", "One", "token", "s", "abc")
    assert data, text
    again, text = box.manager("CreateSeal", "a{sv}", 2, "name", "s", "One", "token", "s", "abc")
    assert again == data
    assert len(box.manager("ListSeals", "a{sv}", 0)[0][0]) == 1
    number = data[0].rsplit("/", 1)[1]
    assert box.seal_property(number, "State") == "active"
    assert box.seal_property(number, "Separation") == "single"
    assert box.sign(number)[0]
    assert error(box, "/org/sealsd1", "Manager", "CreateSeal", "a{sv}", "1", "name", "s", "Two",
                 user=STRANGER) == "AccessDenied"


def test_user_without_a_role_is_refused_the_acts_of_the_manager(shared):
    out = shared.ok("busctl --xml-interface introspect org.sealsd1 /org/sealsd1")
    assert "CreateSeal" in out
    for member in ("Initialize", "CreateSeal", "Apply", "ApproveMachineState"):
        assert error(shared, "/org/sealsd1", "Manager", member, "a{sv}", "1", "name", "s", "x",
                     user=STRANGER) == "AccessDenied", member


def test_what_awaits_a_strict_maker_is_what_he_can_make(new_sandbox):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation strict")
    request = apply(box)
    path = f"/org/sealsd1/request/{request}"

    def awaits(user):
        rows = box.manager("ListRequests", "a{sv}", 1, "awaiting", "s", "me", user=user)[0][0]
        return path in [row[0] for row in rows]

    assert awaits(REVIEWER) and not awaits(MAKER) and not awaits(ADMIN)
    assert error(box, path, "Request", "Approve", "sa{sv}", "", "0", user=REVIEWER) == "ok"
    assert awaits(MAKER) and not awaits(REVIEWER)
    assert error(box, path, "Request", "Make", user=MAKER) == "ok"
    assert not awaits(MAKER)
