# SPDX-License-Identifier: Apache-2.0
"""Signatures of other formats that approvers sign for: what they bind is the structure, here and at the chip."""

import hashlib
import json

import pytest

import der
from approving import ALICE, BOB, CAROL, document, opened
from conftest import Sandbox
from lifecycle import KEEPER, OTHER
from pictures import png
from test_approvals_chip import Root
from test_formats import SUFFIXES, TEXT, check, hash_of
from test_sealctl_lies import ME, Liar

PICTURE = png()
WITH_PICTURE = (("picture", "ay", len(PICTURE), *PICTURE), ("picture-mm", "(uu)", 42, 42))
DIGEST = hashlib.sha256(TEXT).digest()


def fmt_of(word):
    return ("format", "s", word)


@pytest.fixture(scope="module")
def uses():
    box = Sandbox()
    box.write("document", TEXT)
    yield opened(box)
    assert box.close() == 0


@pytest.fixture(scope="module")
def three(uses):
    return uses.approvers(ALICE, BOB) + uses.approvers(CAROL, algorithm="RSA")


@pytest.fixture(scope="module")
def number(uses, three):
    """Two of three."""
    return uses.seal(three, 2, *WITH_PICTURE)


@pytest.mark.parametrize("fmt", SUFFIXES)
def test_two_of_three_have_a_structure_signed(uses, three, number, fmt):
    request = uses.request(number, DIGEST, fmt_of(fmt))
    told = uses.challenge(request)
    assert ("property-info" in told) == (fmt == "eseal")
    assert told["format"] == fmt and bytes(told["digest"]) == DIGEST
    asked = uses.describe(request)["application"]
    assert asked["format"] == fmt and asked["digest"] == DIGEST.hex()
    assert asked["signs"] == hashlib.sha256(bytes(told["structure"])).hexdigest()
    assert asked.get("signing-time") == told.get("signing-time")
    assert ("signing-time" in told) == (fmt != "pades-cms")
    uses.approve(request, three[2], three[0])
    result, use = uses.collect(request)
    found = check(uses.box, "ecdsa-p256", fmt, result, number)
    assert (found.tbs if fmt == "eseal" else found.signed) == bytes(told["structure"])
    assert uses.collect(request) == (result, use)
    for name in ("use-requested", "use", "use-completed"):
        row = [row for row in uses.events(name, number) if row["request"] == request][-1]
        assert row["document-hash"] == DIGEST.hex() and row["facts"]["format"] == fmt, row


def test_what_is_signed_is_frozen_when_it_is_asked_for(uses, three, number):
    """Whenever it is signed: the time, the certificates."""
    request = uses.request(number, DIGEST, fmt_of("cades"))
    before = uses.challenge(request)
    uses.box.ctl("restart")
    assert uses.challenge(request) == before
    uses.approve(request, *three[:2])
    result, _use = uses.collect(request)
    assert der.Cms(result).signed == bytes(before["structure"])
    uses.box.ctl("restart")
    assert uses.collect(request)[0] == result


def test_a_later_certificate_is_of_later_requests(uses, three):
    box, life = uses.box, uses.life
    number = uses.seal(three, 2, *WITH_PICTURE)
    before = {fmt: uses.request(number, DIGEST, fmt_of(fmt)) for fmt in ("cades", "eseal")}
    end = box.seal_property(number, "NotAfter")
    life.approve(life.apply(number, "recertify", ("not-after", "t", end + 86400 * 1000000)))
    after = {fmt: uses.request(number, DIGEST, fmt_of(fmt)) for fmt in before}
    for fmt in before:
        found = []
        for request in (before[fmt], after[fmt]):
            uses.approve(request, *three[:2])
            found.append(check(box, "ecdsa-p256", fmt, uses.collect(request)[0], number))
        assert found[0].certificate != found[1].certificate
        if fmt == "eseal":
            assert found[0].info != found[1].info


COUNT = """
import os, sqlite3
db = sqlite3.connect(f"file:{os.environ['SEALSD_STATE']}/register.db?mode=ro", uri=True)
print(db.execute("SELECT count(*) FROM use_structure").fetchone()[0])
"""


def test_a_request_that_came_to_nothing_leaves_no_structure(uses, three):
    """With a picture in each they would fill the register."""
    box, number = uses.box, uses.seal(three, 2, *WITH_PICTURE)
    before = int(box.ok(["/usr/bin/python3", "-c", COUNT]))
    request = uses.request(number, DIGEST, fmt_of("eseal"))
    assert int(box.ok(["/usr/bin/python3", "-c", COUNT])) == before + 1
    uses.approve(request, three[0])
    assert box.request(request, "Cancel", "s", "not needed", user=KEEPER)[0] is not None
    assert int(box.ok(["/usr/bin/python3", "-c", COUNT])) == before
    box.ok("sealctl ledger check")


def test_an_approval_of_one_structure_is_none_of_another(uses, three, number):
    """Another document, the same in another format, the same asked for again at another time."""
    request = uses.request(number, DIGEST, fmt_of("cades"))
    signature = three[0].sign(uses.to_sign(request))
    others = [uses.request(number, document("other"), fmt_of("cades")), uses.request(number, DIGEST),
              uses.request(number, DIGEST, fmt_of("pades-cms")), uses.request(number, DIGEST, fmt_of("eseal")),
              uses.request(number, DIGEST, fmt_of("eseal"), ("property-info", "s", "page 1"))]
    uses.box.ok("sleep 1.1")  # the time that is claimed has whole seconds
    others.append(uses.request(number, DIGEST, fmt_of("cades")))
    for other in others:
        assert uses.refused_approval(other, three[0], signature) == "ApprovalInvalid"
    uses.life.told(uses.authorize(request, three[0], signature))
    for identity in (request, *others):
        uses.cancel(identity)


def test_the_chip_signs_that_structure_and_no_other(uses, three, number):
    request = uses.request(number, DIGEST, fmt_of("cades"))
    uses.approve(request, *three[:2])
    root = Root(uses.box)
    assert root.use("use", number, request)[0] == "done"
    word, tricks = root.use("use-other", number, request)
    assert word == "ApprovalInvalid"
    assert tricks == {"another document": "99d", "another, no cpHash": "5db", "another, said to be it": "5db"}
    check(uses.box, "ecdsa-p256", "cades", uses.collect(request)[0], number)


@pytest.mark.parametrize("fmt", ["cades", "eseal"])
def test_a_live_use_is_signed_with_its_last_approval(uses, three, number, fmt):
    request = uses.request(number, DIGEST, fmt_of(fmt), ("live", "b", "true"))
    uses.approve(request, *three[:2])
    assert uses.state(request) == "completed"
    check(uses.box, "ecdsa-p256", fmt, uses.collect(request)[0], number)


def test_a_certificate_is_asked_for_as_a_use(uses, three, number):
    box = uses.box
    request = json.loads(box.ok(f"sealctl --json request-use {number} --format pkcs10", KEEPER))["id"]
    for approver in three[:2]:
        done = box.run(f"sealctl --yes approve-use {request} --key {approver.key}", approver.user)
        assert done.status == 0 and "--document" not in done.stdout + done.stderr, done
    told = box.run(f"sealctl approve-use {request} --key {three[2].key} --document /run/test/document",
                   three[2].user)
    assert told.status == 3 and "about no file" in told.stderr, told
    box.ok(f"sealctl collect {request} --output /run/test/{KEEPER}.csr; chmod 644 /run/test/{KEEPER}.csr", KEEPER)
    shown = box.ok(f"openssl req -inform DER -in /run/test/{KEEPER}.csr -verify -noout -subject 2>&1")
    assert "verify OK" in shown and number in shown


@pytest.mark.parametrize("algorithm", ["ecdsa-p384", "rsa-2048", "sm2"])
def test_approvers_of_every_algorithm_agree_by_sealctl(uses, three, algorithm):
    box = uses.box
    number = uses.seal(three, 2, ("algorithm", "s", algorithm), *WITH_PICTURE)
    for fmt in SUFFIXES:
        request = json.loads(box.ok(f"sealctl --json request-use {number} /run/test/document --format {fmt}",
                                    KEEPER))["id"]
        for approver in three[:2]:
            box.ok(f"sealctl --yes approve-use {request} --key {approver.key} --document /run/test/document",
                   approver.user)
        out = box.temp(f"{algorithm}.{fmt}")
        box.ok(f"sealctl collect {request} --output {out}; chmod 644 {out}", KEEPER)
        check(box, algorithm, fmt, box.run(["cat", out]).bytes, number)
        assert hash_of(algorithm) in box.ok(f"sealctl request {request}")


def test_sealctl_tells_an_approver_what_it_is(uses, three, number):
    box = uses.box
    wait = box.ok(f"sealctl request-use {number} /run/test/document --format eseal --property-info 'page 1'", KEEPER)
    request = wait.split()[1].strip(":,")
    shown = box.ok(f"sealctl challenge {request} --document /run/test/document", three[0].user)
    for word in ("eseal: electronic seal (GB/T 38540)", f"{number} (Acme), GB/T 38540-2020 structure, non-SM",
                 f"CN={number}", "page 1", "Signing time"):
        assert word in shown, (word, shown)
    box.write("other", b"another")
    done = box.run(f"sealctl challenge {request} --document /run/test/other", three[0].user)
    assert done.status == 3 and "another document" in done.stderr, done
    uses.cancel(request)


def test_without_approvers_agreeing_nothing_is_taken(uses, three, number):
    before = uses.use_count(number)
    request = uses.request(number, DIGEST, fmt_of("eseal"))
    assert uses.refused(request, "Collect") == "ApprovalRequired"
    assert uses.life.refused(number, "GetCertificateRequest", "a{sv}", "0", user=KEEPER) == "ApprovalRequired"
    assert uses.life.refused(number, "Sign", "aya{sv}", "32", *DIGEST, "1", "format", "s", "cades",
                             user=KEEPER) == "ApprovalRequired"
    for more in ([fmt_of("pkcs10")], [fmt_of("cades"), ("property-info", "s", "x")], [fmt_of("xades")]):
        assert uses.refused_request(number, DIGEST, *more) == "InvalidArgs"
    assert uses.use_count(number) == before
    uses.cancel(request)


def test_what_was_signed_is_given_again_in_any_state_of_the_machine(new_sandbox):
    """As the file that it is, although nobody can read the request then."""
    uses = opened(new_sandbox())
    box = uses.box
    [alice] = uses.approvers(ALICE)
    number = uses.seal([alice], 1)
    request, waiting = uses.request(number, DIGEST, fmt_of("cades")), uses.request(number, DIGEST, fmt_of("cades"))
    uses.approve(request, alice)
    result = uses.collect(request)
    box.pcr_extend(7)
    box.ctl("restart")
    assert box.property(f"/org/sealsd1/request/{request}", "Request", "State") == "completed"
    assert uses.collect(request) == result
    assert uses.refused(waiting, "Challenge") == "MachineStateRefused"


# --- a daemon in the wrong hands ----------------------------------------------------------------


@pytest.fixture(scope="module")
def liar(tmp_path_factory):
    made = Liar(tmp_path_factory.mktemp("liar"))
    (made.folder / "contract.txt").write_bytes(TEXT)
    yield made
    made.end()


def told(uses, request, **lies):
    """What the real daemon says of a request, as the other one says it, but for the lies."""
    facts = uses.life.told(uses.box.request(request, "Challenge"))[0]
    facts = {name: (value["type"], value["data"]) for name, value in facts.items()}
    facts["approvers"] = ("as", [ME])
    for name, value in lies.items():
        facts[name.replace("_", "-")] = value
    return {name: (kind, [bytes(one).hex() for one in value] if kind == "aay" else
                   bytes(value).hex() if kind == "ay" else value) for name, (kind, value) in facts.items()}


def of(uses, request, *names):
    facts = uses.life.told(uses.box.request(request, "Challenge"))[0]
    return {name: (facts[name.replace("_", "-")]["type"], facts[name.replace("_", "-")]["data"]) for name in names}


BOUND = ("to_sign", "cphash")  # what the chip would be given


@pytest.mark.parametrize("fmt", [*SUFFIXES, "pkcs10"])
def test_sealctl_signs_what_the_daemon_says_truly(uses, liar, number, fmt):
    request = uses.request(number, b"" if fmt == "pkcs10" else DIGEST, fmt_of(fmt))
    done, calls = liar.sealctl(told(uses, request), "--yes", "approve-use", "7", "--key", "me.pem",
                               *([] if fmt == "pkcs10" else ["--document", "contract.txt"]))
    assert done.returncode == 0 and calls[1].startswith("Authorize "), (done, calls)
    assert fmt in done.stdout
    uses.cancel(request)


def test_sealctl_signs_for_no_structure_but_the_documents(uses, three, liar, number):
    """A structure of another document, format, time, certificate or seal under the words of the right one."""
    second = uses.seal(three, 2, *WITH_PICTURE)
    good = {fmt: uses.request(number, DIGEST, fmt_of(fmt)) for fmt in ("cades", "pades-cms", "eseal")}
    other = {fmt: uses.request(number, document("other"), fmt_of(fmt)) for fmt in good}
    seconds = {fmt: uses.request(second, DIGEST, fmt_of(fmt)) for fmt in good}
    raw = uses.request(number, DIGEST)
    for fmt, request in good.items():
        page = ("s", "page 1")
        another = "pades-cms" if fmt != "pades-cms" else "cades"
        for lies in (of(uses, other[fmt], "structure", *BOUND), of(uses, other[fmt], *BOUND),
                     of(uses, other[fmt], "structure"), of(uses, good[another], "structure", *BOUND),
                     {"format": ("s", another)}, {"format": ("s", "raw")}, {"format": ("s", "xades")},
                     of(uses, seconds[fmt], "certificates"),
                     of(uses, seconds[fmt], "structure", "certificates", *BOUND), of(uses, raw, *BOUND),
                     {"certificates": ("aay", [])}, {"structure": ("ay", [])},
                     *([{"signing_time": ("t", 1 << 50)}] if fmt != "pades-cms" else []),
                     *([{"property_info": page}] if fmt == "eseal" else [])):
            done, calls = liar.approve(told(uses, request, **lies))
            assert done.returncode == 3 and "Refused to sign" in done.stderr, (fmt, lies.keys(), done)
            assert calls == ["Challenge"], (fmt, lies.keys())
    for request in (*good.values(), *other.values(), *seconds.values(), raw):
        uses.cancel(request)


def test_sealctl_signs_with_no_electronic_seal_that_its_maker_has_not_signed(uses, liar, number):
    """Another name in it, another picture."""
    request = uses.request(number, DIGEST, fmt_of("eseal"))
    structure = bytes(of(uses, request, "structure")["structure"][1])
    for part, other in ((b"Acme", b"Acne"), (PICTURE[-16:], bytes(16))):
        changed = structure.replace(part, other, 1)
        assert changed != structure
        done, calls = liar.approve(told(uses, request, structure=("ay", list(changed))))
        assert done.returncode == 3 and "the electronic seal is not as its maker signed it" in done.stderr, done
        assert calls == ["Challenge"]
    uses.cancel(request)


def test_what_waits_of_one_user_is_bounded_and_leaves_16_of_the_largest(uses, three):
    picture = png(250, 250, noise=True)
    assert 60 * 1024 < len(picture) <= 64 * 1024
    number = uses.seal(three, 2, ("picture", "ay", len(picture), *picture), ("picture-mm", "(uu)", 42, 42))
    uses.life.do(number, "AddGrant", "sa{sv}", f"user:{OTHER}", 0, user=KEEPER)
    waiting = []
    while (data := uses.box.seal(number, "RequestUse", "aya{sv}", 32, *DIGEST, 1, "format", "s", "eseal",
                                 user=KEEPER))[0] is not None:
        waiting.append(int(data[0][0].rsplit("/", 1)[1]))
    assert "4194304 at most" in data[1]
    assert 16 <= len(waiting) < 4 * 1024 * 1024 // len(picture)
    assert uses.request(number, DIGEST, fmt_of("eseal"), user=OTHER)  # another user's are his own
    assert uses.request(number, DIGEST)  # raw freezes nothing
    uses.cancel(waiting[0])
    assert uses.request(number, DIGEST, fmt_of("eseal"))
    for request in waiting[1:]:
        uses.cancel(request)
