# SPDX-License-Identifier: Apache-2.0
"""Who may do what: each role tries what is another's, root what nobody's group gives it."""

import json
import re

import pytest

from conftest import ROOT
from test_polkit import with_rule

DIGEST = bytes(range(32))
ROLES = ("APPLICANT", "REVIEWER", "MAKER", "ADMIN", "AUDITOR")

# Member, arguments that the gate does not look at, roles that pass it in separation dual. A call that
# passes ends otherwise than with AccessDenied, and changes nothing: its arguments are no good.
MANAGER = [
    ("Initialize", ["a{sv}", "0"], {"ADMIN"}),
    ("ListChallenges", [], {"ADMIN"}),
    ("Answer", ["say", "no-such", "0"], {"ADMIN"}),
    ("GetStatus", [], {"ADMIN", "AUDITOR"}),
    ("GetMachineState", [], {"ADMIN", "AUDITOR"}),
    ("ApproveMachineState", ["a{sv}", "1", "x", "s", "x"], {"ADMIN"}),
    ("ExtendCapacity", ["ua{sv}", "0", "1", "x", "s", "x"], {"ADMIN"}),
    ("ListMachineStates", [], {"ADMIN", "AUDITOR"}),
    ("RetireMachineState", ["ts", "99", ""], {"ADMIN"}),
    ("Lock", ["s", ""], {"ADMIN"}),
    ("SuspendSeals", ["a{sv}s", "1", "x", "s", "x", ""], {"ADMIN"}),
    ("SetSeparation", ["sa{sv}", "none", "0"], {"ADMIN"}),
    ("RegisterReviewer", ["ssa{sv}", "user:nobody-here", "", "0"], {"ADMIN"}),
    ("Inspect", [], {"ADMIN", "AUDITOR"}),
    ("ReadLedger", ["a{sv}", "1", "x", "s", "x"], {"ADMIN", "AUDITOR"}),
    ("VerifyLedger", [], {"ADMIN", "AUDITOR"}),
    ("AcknowledgeTampering", ["sa{sv}", "", "1", "x", "s", "x"], {"ADMIN"}),
    ("GetMakerRequest", [], {"ADMIN"}),
    ("GetMakerRequests", [], {"ADMIN"}),
    ("SetMakerCertificates", ["aay", "0"], {"ADMIN"}),
    ("Apply", ["a{sv}", "1", "x", "s", "x"], {"APPLICANT"}),
    ("CreateSeal", ["a{sv}", "1", "x", "s", "x"], {"ADMIN"}),
]
REQUEST = [
    ("Approve", ["sa{sv}", "", "1", "x", "s", "x"], {"REVIEWER"}),
    ("Reject", ["s", "x" * 2000], {"REVIEWER"}),
    ("RejectSigned", ["sa{sv}", "", "1", "x", "s", "x"], {"REVIEWER"}),
    ("Cancel", ["s", "x" * 2000], {"APPLICANT", "ADMIN"}),
    ("Make", [], {"REVIEWER"}),
    ("Challenge", [], {"APPLICANT", "ADMIN"}),
    ("Authorize", ["say", "nobody", "0"], {"APPLICANT", "ADMIN"}),
    ("WithdrawApproval", ["s", "nobody"], {"ADMIN"}),
    ("Collect", [], {"APPLICANT"}),
    ("CollectWith", ["a{sv}", "1", "x", "s", "x"], {"APPLICANT"}),
]
SEAL = [
    ("Sign", ["aya{sv}", "0", "0"], set()),
    ("SignMany", ["aaya{sv}", "0", "0"], set()),
    ("RequestUse", ["aya{sv}", "0", "0"], set()),
    ("GetCertificateRequest", ["a{sv}", "1", "x", "s", "x"], set()),
    ("Accept", ["a{sv}", "1", "x", "s", "x"], set()),
    ("ChangePin", ["vv", "s", "x", "s", "x"], set()),
    ("Decline", ["s", "x" * 2000], set()),
    ("RecordFiling", ["a{sv}", "1", "x", "s", "x"], {"ADMIN", "REVIEWER"}),
    ("Deliver", ["s", "nobody"], {"ADMIN"}),
    ("Revoke", ["s", "x" * 2000], {"ADMIN"}),
    ("Apply", ["sa{sv}", "x", "0"], {"ADMIN"}),
    ("Suspend", ["s", "x" * 2000], {"ADMIN"}),
    ("Resume", ["s", "x" * 2000], {"ADMIN"}),
    ("ReportLost", ["s", "x" * 2000], {"ADMIN"}),
    ("ReportFound", ["s", "x" * 2000], {"ADMIN"}),
    ("Surrender", ["s", "x" * 2000], {"ADMIN"}),
    ("Destroy", ["s", "x" * 2000], {"ADMIN"}),
    ("AddGrant", ["sa{sv}", "nobody", "0"], {"ADMIN"}),
    ("RemoveGrant", ["ss", "none", ""], {"ADMIN"}),
    ("ListGrants", [], {"ADMIN", "AUDITOR"}),
    ("Inspect", [], {"ADMIN", "AUDITOR"}),
    ("Attest", ["ay", "0"], {"ADMIN", "AUDITOR"}),
    ("SetCertificates", ["aay", "0"], {"ADMIN"}),
]
# Everybody's, each for what he may see; and what takes a descriptor, which call_error has not.
ANYBODY = {"Manager": {"ListSeals", "ListRequests", "GetSeal", "Subscribe", "Unsubscribe",
                       "ExportLedger", "DepositSecret", "GetMakerCertificates",
                       "GetRevocationList", "GetRevocationLists"},
           "Request": {"Describe", "GetPicture"}, "Seal": {"Describe", "StateAt"}}


def apply(box, user=None, keeper="root", kind="other"):
    data, error = box.manager("Apply", "a{sv}", 3, "name", "s", "Roles", "type", "s", kind,
                              "keepers", "as", 1, f"user:{keeper}",
                              user=box["SEAL_APPLICANT"] if user is None else user)
    assert data, error
    return data[0].rsplit("/", 1)[1]


def error_of(box, kind, number, member, *arguments, user=None):
    path = {"Manager": "/org/sealsd1", "Request": f"/org/sealsd1/request/{number}",
            "Seal": f"/org/sealsd1/seal/{number}"}[kind]
    return box.error(path, kind, member, *arguments, user=user)


@pytest.fixture(scope="module")
def pending(shared):
    return apply(shared)


def test_every_member_is_tried():
    for kind, table in (("Manager", MANAGER), ("Request", REQUEST), ("Seal", SEAL)):
        text = (ROOT / f"units/org.sealsd1.{kind}.xml").read_text()
        members = set(re.findall(r'<method name="(\w+)"', text))
        assert members - ANYBODY[kind] == {member for member, _arguments, _roles in table}


def test_ledger_is_exported_by_auditors_alone(shared):
    for role in (*ROLES, "KEEPER", "STRANGER"):
        done = shared.run(f"sealctl ledger export /run/test/export-{role}", shared[f"SEAL_{role}"])
        assert (done.status == 0) == (role == "AUDITOR"), (role, done)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_refused_what_is_another_s(shared, pending, role):
    user = shared[f"SEAL_{role}"]
    objects = [("Manager", "", MANAGER), ("Request", pending, REQUEST), ("Seal", shared["SEAL"], SEAL)]
    # Keepers' acts are nobody's role; an applicant sees his request and his seals' records only.
    for kind, number, table in objects:
        for member, arguments, roles in table:
            found = error_of(shared, kind, number, member, *arguments, user=user)
            if role in roles:
                assert found not in ("AccessDenied", "UnknownObject"), (member, found)
            else:
                assert found == "AccessDenied", (member, found)
    assert shared.property(f"/org/sealsd1/request/{pending}", "Request", "State") == "applied"
    assert shared.seal_property(shared["SEAL"], "State") == "active"


def test_stranger_is_refused_everything(shared, pending):
    user = shared["SEAL_STRANGER"]
    for member, arguments, _roles in MANAGER:
        assert error_of(shared, "Manager", "", member, *arguments, user=user) == "AccessDenied"
    for member, arguments, _roles in REQUEST:
        assert error_of(shared, "Request", pending, member, *arguments, user=user) == "UnknownObject"
    for member, arguments, _roles in SEAL:
        assert error_of(shared, "Seal", shared["SEAL"], member, *arguments,
                        user=user) == "UnknownObject"


def test_root_is_refused_what_its_group_does_not_give_although_polkit_says_yes(shared, pending):
    """root keeps the seal here, so keepers' acts are its; of the roles it has the administrator's."""
    with_rule(shared, "return polkit.Result.YES;")
    for kind, number, table in (("Manager", "", MANAGER), ("Request", pending, REQUEST)):
        for member, arguments, roles in table:
            found = error_of(shared, kind, number, member, *arguments)
            assert (found == "AccessDenied") == ("ADMIN" not in roles), (member, found)


def test_root_that_the_configuration_names_reviews_and_applies_nothing(new_sandbox):
    box = new_sandbox("--ready", conf="Reviewers=user:root user:seal-reviewer user:seal-applicant\n"
                                      "Applicants=user:root user:seal-applicant\n")
    with_rule(box, "return polkit.Result.YES;")  # the groups are not those of the roles here
    assert error_of(box, "Manager", "", "Apply", "a{sv}", "1", "name", "s", "x") == "AccessDenied"
    request = apply(box)
    assert error_of(box, "Request", request, "Approve", "sa{sv}", "", "0") == "AccessDenied"
    # Who has both roles still does not decide about what he applied for.
    assert error_of(box, "Request", request, "Approve", "sa{sv}", "", "0",
                    user=box["SEAL_APPLICANT"]) == "SeparationOfDuties"
    assert error_of(box, "Request", request, "Reject", "s", "mine",
                    user=box["SEAL_APPLICANT"]) == "SeparationOfDuties"
    assert error_of(box, "Request", request, "Approve", "sa{sv}", "", "0",
                    user=box["SEAL_REVIEWER"]) == "ok"


def test_root_that_applied_in_single_mode_cannot_review_after_it_was_raised(new_sandbox):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    request = apply(box, user="root")
    assert error_of(box, "Manager", "", "SetSeparation", "sa{sv}", "dual", "0") == "ok"
    assert box.manager_property("Separation") == "dual"
    assert error_of(box, "Request", request, "Approve", "sa{sv}", "", "0") == "AccessDenied"
    assert error_of(box, "Request", request, "Approve", "sa{sv}", "", "0",
                    user=box["SEAL_REVIEWER"]) == "ok"


def test_number_of_reviewers_goes_by_the_type(new_sandbox):
    box = new_sandbox("--ready", conf="Reviewers=user:seal-reviewer user:seal-maker\n[Seals]\n"
                                      "ReviewersFor=finance:2\n")
    with_rule(box, "return polkit.Result.YES;")
    finance, other = apply(box, kind="finance"), apply(box)
    missing = lambda r: box.property(f"/org/sealsd1/request/{r}", "Request", "Missing")
    assert (missing(finance), missing(other)) == (2, 1)
    approve = lambda r, user: error_of(box, "Request", r, "Approve", "sa{sv}", "", "0", user=box[user])
    assert approve(finance, "SEAL_REVIEWER") == "ok"
    assert box.property(f"/org/sealsd1/request/{finance}", "Request", "State") == "applied"
    assert approve(finance, "SEAL_REVIEWER") == "SeparationOfDuties"
    assert approve(finance, "SEAL_MAKER") == "ok"
    assert box.property(f"/org/sealsd1/request/{finance}", "Request", "State") == "completed"


# --- logins ---------------------------------------------------------------------------------------

def as_login(box, login, user, *call):
    """A call of this user from a process that comes from this login (proc(5), loginuid)."""
    words = " ".join(f"'{w}'" for w in call)
    done = box.run(f"echo {login} > /proc/self/loginuid; exec setpriv --reuid={user} --regid={user} "
                   f"--clear-groups -- /usr/bin/python3 {box.call_error} {words}")
    return done.stdout.strip()


def test_two_users_of_one_login_are_one_person(new_sandbox):
    box = new_sandbox(conf="SeparateLogins=yes\n")
    if box.run("echo 4000 > /proc/self/loginuid").status != 0:
        pytest.skip("this kernel lets nobody set a login UID")
    box.ok("sealctl init --authority $SEAL_AUTHORITY")
    apply_call = ["/org/sealsd1", "org.sealsd1.Manager", "Apply", "a{sv}", "2", "name", "s", "x",
                  "keepers", "as", "1", "user:root"]
    assert as_login(box, 4001, "seal-applicant", *apply_call) == "ok"
    approve = ["/org/sealsd1/request/1", "org.sealsd1.Request", "Approve", "sa{sv}", "", "0"]
    # The applicant became the reviewer by su; a service has no login by which to tell.
    assert as_login(box, 4001, "seal-reviewer", *approve) == "SeparationOfDuties"
    assert error_of(box, "Request", 1, "Approve", "sa{sv}", "", "0",
                    user=box["SEAL_REVIEWER"]) == "SeparationOfDuties"
    assert as_login(box, 4002, "seal-reviewer", *approve) == "ok"


def test_who_took_a_seal_out_of_use_does_not_undo_it_as_another_user(new_sandbox):
    box = new_sandbox("--ready")
    if box.run("echo 4000 > /proc/self/loginuid").status != 0:
        pytest.skip("this kernel lets nobody set a login UID")
    seal = box["SEAL"]
    suspend, resume, revoke, destroy = (
        [f"/org/sealsd1/seal/{seal}", "org.sealsd1.Seal", member, "s", "reason"]
        for member in ("Suspend", "Resume", "Revoke", "Destroy"))
    # By UID alone, as it is by default.
    assert as_login(box, 4001, "seal-admin", *suspend) == "ok"
    assert as_login(box, 4002, "seal-admin", *resume) == "SeparationOfDuties"
    assert as_login(box, 4001, "root", *resume) == "ok"
    box.ok("echo SeparateLogins=yes >> $SEALSD_CONF")
    box.ctl("restart")
    assert as_login(box, 4001, "seal-admin", *suspend) == "ok"
    assert as_login(box, 4001, "root", *resume) == "SeparationOfDuties"
    assert error_of(box, "Seal", seal, "Resume", "s", "no login") == "SeparationOfDuties"
    assert as_login(box, 4002, "root", *resume) == "ok"
    assert as_login(box, 4001, "seal-admin", *revoke) == "ok"
    assert as_login(box, 4001, "root", *destroy) == "SeparationOfDuties"
    assert as_login(box, 4002, "seal-admin", *destroy) == "SeparationOfDuties"
    assert as_login(box, 4002, "root", *destroy) == "ok"


# --- signed decisions -----------------------------------------------------------------------------

def key_new(box, name):
    """A reviewer's key; the path of the private half, and the public one as PEM."""
    path = box.temp(f"{name}.pem")
    box.ok(f"openssl ecparam -name prime256v1 -genkey -noout -out {path}; chmod 0644 {path}")
    return path, box.ok(f"openssl pkey -in {path} -pubout")


def sign_bytes(box, key, data):
    message = box.write("to-sign", data)
    return box.run(f"openssl dgst -sha256 -sign {key} {message}").bytes


def ay(data):
    return [str(len(data)), *(str(b) for b in data)]


def decide(box, request, member, text, signature=None, user=None):
    options = ["0"] if signature is None else ["1", "signature", "ay", *ay(signature)]
    return error_of(box, "Request", request, member, "sa{sv}", text, *options,
                    user=user or box["SEAL_REVIEWER"])


def digest_of(box, request):
    return bytes(box.property(f"/org/sealsd1/request/{request}", "Request", "Digest"))


def register(box, subject, pem, signature=None, user=None):
    options = ["0"] if signature is None else ["1", "signature", "ay", *ay(signature)]
    return error_of(box, "Manager", "", "RegisterReviewer", "ssa{sv}", f"user:{subject}", pem, *options,
                    user=user or box["SEAL_ADMIN"])


def key_hash(box, path):
    return bytes.fromhex(box.ok(f"openssl pkey -in {path} -pubout -outform DER | sha256sum")[:64])


def test_reviewer_with_a_key_is_not_impersonated(sandbox):
    """The sandbox's users are root with another UID: just what a signature is against."""
    box = sandbox
    key, pem = key_new(box, "reviewer")
    other, other_pem = key_new(box, "other")
    request = apply(box)
    digest = digest_of(box, request)
    assert decide(box, request, "Approve", "", sign_bytes(box, key, b"x")) == "ApprovalInvalid"
    assert register(box, "seal-reviewer", pem) == "ok"

    assert decide(box, request, "Approve", "unsigned") == "ApprovalRequired"
    assert error_of(box, "Request", request, "Reject", "s", "unsigned",
                    user=box["SEAL_REVIEWER"]) == "ApprovalRequired"
    assert decide(box, request, "RejectSigned", "unsigned") == "ApprovalRequired"
    yes = sign_bytes(box, key, b"sealsd/decision/approve" + digest)
    no = sign_bytes(box, key, b"sealsd/decision/reject" + digest)
    assert decide(box, request, "RejectSigned", "turned round", yes) == "ApprovalInvalid"
    assert decide(box, request, "Approve", "turned round", no) == "ApprovalInvalid"
    assert decide(box, request, "Approve", "stranger's key",
                  sign_bytes(box, other, b"sealsd/decision/approve" + digest)) == "ApprovalInvalid"
    second = apply(box)
    assert decide(box, second, "Approve", "another request's", yes) == "ApprovalInvalid"
    assert box.property(f"/org/sealsd1/request/{request}", "Request", "State") == "applied"

    assert decide(box, request, "Approve", "seen", yes) == "ok"
    no = sign_bytes(box, key, b"sealsd/decision/reject" + digest_of(box, second))
    assert decide(box, second, "RejectSigned", "no need", no) == "ok"

    # Anybody can check it afterwards, by what Describe says and openssl alone.
    text, error = box.request(request, "Describe", user=box["SEAL_AUDITOR"])
    assert text, error
    decision = json.loads(text[0])["decisions"][0]
    public = box.write("public.pem", decision["key"].encode())
    signature = box.write("signature", bytes.fromhex(decision["signature"]))
    message = box.write("message", b"sealsd/decision/approve" + digest)
    assert "Verified OK" in box.ok(f"openssl dgst -sha256 -verify {public} -signature {signature} "
                                   f"{message}")

    # A key gives way only to its own signature or to the authority's.
    replace = b"sealsd/reviewer/replace\0user:seal-reviewer\0" + key_hash(box, other)
    assert register(box, "seal-reviewer", pem) == "ok"  # the same again
    assert register(box, "seal-reviewer", other_pem) == "ApprovalRequired"
    assert register(box, "seal-reviewer", other_pem,
                    sign_bytes(box, other, replace)) == "ApprovalInvalid"
    assert register(box, "seal-reviewer", other_pem, sign_bytes(box, key, replace)) == "ok"
    assert register(box, "seal-reviewer", pem,
                    sign_bytes(box, box["SEAL_AUTHORITY"], replace)) == "ApprovalInvalid"
    back = b"sealsd/reviewer/replace\0user:seal-reviewer\0" + key_hash(box, key)
    assert register(box, "seal-reviewer", pem, sign_bytes(box, box["SEAL_AUTHORITY"], back)) == "ok"

    # What the authority has signed for one reviewer gives his key to no other one.
    assert register(box, "seal-maker", other_pem) == "ok"
    assert register(box, "seal-maker", pem,
                    sign_bytes(box, box["SEAL_AUTHORITY"], back)) == "ApprovalInvalid"


def test_where_decisions_are_signed_nobody_decides_without_a_key(new_sandbox):
    box = new_sandbox(conf="SignedDecisions=yes\n")
    box.ok("sealctl init --authority $SEAL_AUTHORITY")
    request = apply(box)
    assert decide(box, request, "Approve", "") == "ApprovalRequired"
    assert error_of(box, "Request", request, "Reject", "s", "", user=box["SEAL_REVIEWER"]) == (
        "ApprovalRequired")
    key, pem = key_new(box, "reviewer")
    assert register(box, "seal-reviewer", pem) == "ok"
    signature = sign_bytes(box, key, b"sealsd/decision/approve" + digest_of(box, request))
    assert decide(box, request, "Approve", "", signature) == "ok"


# --- the separation itself ------------------------------------------------------------------------

def challenges(box):
    data, error = box.manager("ListChallenges")
    assert data is not None, error
    return data[0]


def answer(box, identity, signature):
    return error_of(box, "Manager", "", "Answer", "say", identity, *ay(signature))


def set_separation(box, mode, *options):
    return error_of(box, "Manager", "", "SetSeparation", "sa{sv}", mode, *(options or ["0"]))


def test_separation_is_raised_by_an_administrator_and_lowered_by_the_authority(sandbox):
    box = sandbox
    assert set_separation(box, "dual") == "ok"  # as it is
    assert set_separation(box, "strict") == "ok"
    assert box.manager_property("Separation") == "strict"
    assert box.seal_property(box["SEAL"], "Separation") == "dual"  # of its birth
    assert challenges(box) == []

    assert set_separation(box, "single") == "ok"  # which offers a challenge, and no more
    assert box.manager_property("Separation") == "strict"
    [(identity, kind, data, _expires)] = challenges(box)
    data = bytes(data)
    assert kind == "separation" and data.startswith(b"sealsd/separation/single\0")
    key, _pem = key_new(box, "stranger")
    assert answer(box, identity, sign_bytes(box, key, data)) == "ApprovalInvalid"
    assert answer(box, identity, b"") == "ApprovalInvalid"
    good = sign_bytes(box, box["SEAL_AUTHORITY"], data)

    # Each is fresh, and dies with the daemon.
    box.ctl("restart")
    assert challenges(box) == []
    assert answer(box, identity, good) == "NotFound"
    assert set_separation(box, "dual") == "ok"
    [(again, _kind, other, _expires)] = challenges(box)
    assert answer(box, again, good) == "ApprovalInvalid"
    # The authority's own tool signs it only when its owner has agreed.
    refused = box.run("sealctl authority answer --key $SEAL_AUTHORITY")
    assert refused.status != 0 and "--separation" in refused.stderr, refused
    assert box.run("sealctl authority answer --key $SEAL_AUTHORITY --separation single").status != 0
    box.ok("sealctl authority answer --key $SEAL_AUTHORITY --separation dual")
    assert box.manager_property("Separation") == "dual"
    assert challenges(box) == []
    assert answer(box, again, sign_bytes(box, box["SEAL_AUTHORITY"], bytes(other))) == "NotFound"
    box.ctl("restart")
    assert box.manager_property("Separation") == "dual"


def test_resident_authority_lowers_it_for_its_passphrase(bare):
    box = bare
    data, error = box.manager("Initialize", "a{sv}", 2, "passphrase", "s", "correct horse",
                              "separation", "s", "strict")
    assert data, error
    assert set_separation(box, "dual") == "PinRequired"
    assert set_separation(box, "dual", "1", "passphrase", "s", "wrong") == "WrongPin"
    assert box.manager_property("Separation") == "strict"
    assert set_separation(box, "dual", "1", "passphrase", "s", "correct horse") == "ok"
    assert box.manager_property("Separation") == "dual"
    # A reviewer's key gives way to the passphrase too.
    key, pem = key_new(box, "one")
    _other, other_pem = key_new(box, "two")
    call = ["RegisterReviewer", "ssa{sv}", "user:seal-reviewer"]
    assert error_of(box, "Manager", "", *call, pem, "0") == "ok"
    assert error_of(box, "Manager", "", *call, other_pem, "0") == "ApprovalRequired"
    assert error_of(box, "Manager", "", *call, other_pem, "1", "passphrase", "s", "no") == "WrongPin"
    assert error_of(box, "Manager", "", *call, other_pem, "1", "passphrase", "s",
                    "correct horse") == "ok"


def test_change_of_the_separation_is_announced(sandbox):
    pipe = sandbox.watch(subscribe=True)
    assert set_separation(sandbox, "strict") == "ok"
    assert "strict" in pipe.signal("Attention")["body"][3]
    pipe.kill()
