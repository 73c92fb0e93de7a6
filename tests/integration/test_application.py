# SPDX-License-Identifier: Apache-2.0
"""What an application says of a seal's holder, from the applicant's words to the seal's facts."""

import hashlib
import json
import re

import pytest

from conftest import ROOT
from pictures import SVG, png


def described(box, what, user=None):
    return json.loads(box.ok(f"sealctl --json {what}", user))


def applied(box, words):
    return described(box, f"apply {words}", box["SEAL_APPLICANT"])["id"]


def approved(box, request):
    box.ok(f"sealctl approve {request} --comment seen", box["SEAL_REVIEWER"])
    return described(box, f"request {request}")["seal"]


def test_country_and_identifier_are_the_seals_and_its_renewals(shared):
    request = applied(shared, "--name Held --keeper root --country BE "
                      "--organization-identifier VATBE-0123456789")
    asked = described(shared, f"request {request}")["application"]
    assert asked["country"] == "BE" and asked["organization-identifier"] == "VATBE-0123456789"
    number = approved(shared, request)
    shared.ok(f"sealctl accept {number}")
    seal = described(shared, f"show {number}")
    assert seal["country"] == "BE" and seal["organization-identifier"] == "VATBE-0123456789"
    renewal = described(shared, f"apply renew {number} --reason moved --country FR")["id"]
    asked = described(shared, f"request {renewal}")["application"]
    assert asked["country"] == "FR" and asked["organization-identifier"] == "VATBE-0123456789"


def test_what_is_not_said_stands_nowhere(shared):
    number = approved(shared, applied(shared, "--name Unsaid --keeper root"))
    assert not {"country", "organization-identifier"} & set(described(shared, f"show {number}"))


@pytest.mark.parametrize("words", ["--country be", "--country BEL", "--country 12",
                                   "--organization-identifier 'VAT BE'",
                                   f"--organization-identifier {'x' * 65}"])
def test_what_no_certificate_can_say_is_refused(shared, words):
    done = shared.run(f"sealctl apply --name Wrong --keeper root {words}", shared["SEAL_APPLICANT"])
    assert done.status == 2 and words.split()[0].strip("-") in done.stderr, done


# --- pictures -----------------------------------------------------------------------------------


def picture_of(box, request, user=None):
    return bytes.fromhex(box.ok(f"sealctl request {request} --picture - | od -An -v -tx1", user))


def withdraw(box, request):
    box.ok(f"sealctl cancel {request} over", box["SEAL_APPLICANT"])


@pytest.mark.parametrize("kind,picture", [("png", png()), ("svg", SVG)], ids=["png", "svg"])
def test_a_picture_is_kept_as_it_came_and_told_by_its_hash(shared, kind, picture):
    path = shared.write("seal.picture", picture)
    request = applied(shared, f"--name Shown --keeper root --picture {path} --picture-mm 42x30")
    facts = {"type": kind, "sha256": hashlib.sha256(picture).hexdigest(), "width": 42, "height": 30}
    assert described(shared, f"request {request}")["application"]["picture"] == facts
    for user in ("SEAL_APPLICANT", "SEAL_REVIEWER", "SEAL_AUDITOR"):
        assert picture_of(shared, request, shared[user]) == picture
    out = shared.temp("seal.out")
    assert f"({kind})" in shared.ok(f"sealctl request {request} --picture {out}")
    shared.ok(f"cmp {path} {out}")
    shown = shared.ok(f"sealctl request {request}")
    assert re.search(rf"Picture: {kind}, 42 x 30 mm, SHA-256 {facts['sha256']}", shown), shown
    number = approved(shared, request)
    assert described(shared, f"show {number}")["picture"] == facts
    assert f"{kind}, 42 x 30 mm" in shared.ok(f"sealctl show {number}")


def test_who_does_not_see_the_request_gets_no_picture(shared):
    request = applied(shared, "--name Bare --keeper root")
    path = f"/org/sealsd1/request/{request}"
    assert shared.error(path, "Request", "GetPicture") == "NotFound"
    done = shared.run(f"sealctl request {request} --picture -")
    assert done.status == 4 and "No picture came with request" in done.stderr, done
    assert shared.error(path, "Request", "GetPicture", user=shared["SEAL_STRANGER"]) == "UnknownObject"
    withdraw(shared, request)


def test_a_renewal_has_the_picture_unless_it_brings_another(shared):
    first, second = shared.write("first.png", png()), shared.write("second.png", png(shade=7))
    number = approved(shared, applied(shared, f"--name Old --keeper root --picture {first} "
                                      "--picture-mm 42x42"))
    shared.ok(f"sealctl accept {number}")
    kept = described(shared, f"apply renew {number} --reason key --picture-mm 38x38")["id"]
    assert picture_of(shared, kept) == png()
    asked = described(shared, f"request {kept}")["application"]["picture"]
    assert (asked["width"], asked["height"]) == (38, 38)
    shared.ok(f"sealctl cancel {kept} again")
    other = described(shared, f"apply renew {number} --reason key --picture {second}")["id"]
    assert picture_of(shared, other) == png(shade=7)
    asked = described(shared, f"request {other}")["application"]["picture"]
    assert (asked["width"], asked["height"]) == (42, 42)
    renewed = approved(shared, other)
    assert described(shared, f"show {renewed}")["picture"]["sha256"] == asked["sha256"]


@pytest.mark.parametrize("picture,more,status,text", [
    (png(), "", 2, "picture-mm"),
    (None, "--picture-mm 42x42", 2, "goes with a 'picture'"),
    (png(), "--picture-mm 42", 2, "--picture-mm"),
    (png(), "--picture-mm 42x42x1", 2, "--picture-mm"),
    (png(), "--picture-mm 0x42", 2, "millimetres"),
    (png(), "--picture-mm 1001x42", 2, "millimetres"),
    (png()[:-20], "--picture-mm 42x42", 2, "'picture'"),
    (b"GIF89a" + bytes(100), "--picture-mm 42x42", 2, "'picture'"),
    (b"", "--picture-mm 42x42", 2, "'picture'"),
    (bytes(64 * 1024 + 1), "--picture-mm 42x42", 2, "65536"),
], ids=["no size", "no picture", "one number", "three numbers", "zero", "too wide", "cut", "gif", "empty",
        "large"])
def test_what_is_no_picture_of_a_seal_is_refused(shared, picture, more, status, text):
    words = f"--picture {shared.write('wrong.picture', picture)}" if picture is not None else ""
    before = shared.ok("sealctl --json requests --state applied")
    done = shared.run(f"sealctl apply --name Wrong --keeper root {words} {more}", shared["SEAL_APPLICANT"])
    assert done.status == status and re.search(text, done.stderr), done
    assert shared.ok("sealctl --json requests --state applied") == before


def test_many_pictures_at_once_become_as_many_requests(shared):
    files = [shared.write(f"many-{i}.png", png(shade=i)) for i in range(6)]
    runs = [shared.start(f"sealctl --json apply --name Many --keeper root --picture {file} "
                         "--picture-mm 42x42", shared["SEAL_APPLICANT"]) for file in files]
    found = [shared.finish(run) for run in runs]
    assert all(done.status == 0 for done in found), found
    requests = [json.loads(done.stdout)["id"] for done in found]
    assert [picture_of(shared, request) for request in requests] == [png(shade=i) for i in range(6)]
    for request in requests:
        withdraw(shared, request)


def test_pictures_of_one_applicant_that_wait_are_as_many_as_his_requests_may_be(shared):
    """Else thousands would be looked at, one after the other, before anybody else's."""
    picture = png(4096, 1000)
    words = ["busctl", "--json=short", "call", "--timeout=60", "--", "org.sealsd1", "/org/sealsd1",
             "org.sealsd1.Manager", "Apply", "a{sv}", "4", "name", "s", "Flood", "keepers", "as", "1",
             "user:root", "picture-mm", "(uu)", "42", "42", "picture", "ay", len(picture), *picture]
    before = counted_pictures(shared)
    runs = [shared.start(words, shared["SEAL_APPLICANT"]) for _ in range(24)]
    found = [shared.finish(run) for run in runs]
    refused = [done for done in found if done.status != 0]
    assert len(refused) == 8 and all("open requests" in done.stderr for done in refused), found
    for done in found:
        if done.status == 0:
            withdraw(shared, json.loads(done.stdout)["data"][0].rsplit("/", 1)[1])
    assert counted_pictures(shared) == before


COUNT = """
import os, sqlite3
db = sqlite3.connect(f"file:{os.environ['SEALSD_STATE']}/register.db?mode=ro", uri=True)
print(db.execute("SELECT count(*) FROM picture").fetchone()[0])
"""


def counted_pictures(box):
    return int(box.ok(["/usr/bin/python3", "-c", COUNT]))


@pytest.mark.parametrize("end", ("Cancel", "Reject"))
def test_request_that_came_to_nothing_leaves_no_picture(shared, end):
    before = counted_pictures(shared)
    file = shared.write("left.png", png(shade=9))
    request = json.loads(shared.ok(f"sealctl --json apply --name Left --keeper root --picture {file} "
                                   "--picture-mm 42x42", shared["SEAL_APPLICANT"]))["id"]
    assert picture_of(shared, request) == png(shade=9) and counted_pictures(shared) == before + 1
    if end == "Cancel":
        withdraw(shared, request)
    else:
        data, error = shared.request(request, "Reject", "s", "no", user="seal-reviewer")
        assert data is not None, error
    assert counted_pictures(shared) == before
    assert shared.error(f"/org/sealsd1/request/{request}", "Request", "GetPicture") == "NotFound"
    shared.ok("sealctl ledger check")


def test_a_token_is_one_request_also_while_its_picture_is_looked_at(shared):
    """The line of a file that was sent twice at the same time."""
    picture = png(400, 400)
    words = ["busctl", "--json=short", "call", "--", "org.sealsd1", "/org/sealsd1", "org.sealsd1.Manager",
             "Apply", "a{sv}", "5", "name", "s", "Token", "keepers", "as", "1", "user:root", "token", "s",
             "one", "picture-mm", "(uu)", "42", "42", "picture", "ay", len(picture), *picture]
    runs = [shared.start(words, shared["SEAL_APPLICANT"]) for _ in range(4)]
    found = [shared.finish(run) for run in runs]
    assert all(done.status == 0 for done in found), found
    assert len({done.stdout for done in found}) == 1, found
    withdraw(shared, json.loads(found[0].stdout)["data"][0].rsplit("/", 1)[1])


@pytest.mark.parametrize("kind,good", [("file", True), ("memfd", True), ("pipe", False), ("path", False),
                                       ("written", False), ("file /run", False), ("file /dev/zero", False),
                                       ("file /dev/null", False), ("file /proc/version", False)])
def test_a_descriptor_is_of_a_file_or_a_memfd(shared, kind, good):
    script = shared.write("hand_over.py", (ROOT / "tests/integration/hand_over.py").read_bytes())
    path = shared.write("handed.png", png())
    shared.ok(f"chmod 0666 {path}")
    words = kind if " " in kind else f"{kind} {path}"
    answer = shared.ok(f"/usr/bin/python3 {script} {words}", shared["SEAL_APPLICANT"]).strip()
    if not good:
        assert answer.startswith("InvalidArgs 'picture': "), answer
        return
    request = answer.rsplit("/", 1)[1]
    assert picture_of(shared, request) == png()
    withdraw(shared, request)


def test_no_descriptor_reaches_a_seal(shared):
    """Which the bus refuses, as anybody could fill the daemon's table of open files otherwise."""
    script = shared.write("hand_over.py", (ROOT / "tests/integration/hand_over.py").read_bytes().replace(
        b'"/org/sealsd1", bus_name="org.sealsd1", interface="org.sealsd1.Manager"',
        b'"/org/sealsd1/seal/" + os.environ["SEAL"], bus_name="org.sealsd1", interface="org.sealsd1.Seal"'))
    path = shared.write("handed.png", png())
    assert shared.ok(f"/usr/bin/python3 {script} file {path}").startswith("AccessDenied")
