# SPDX-License-Identifier: Apache-2.0
"""Certificates of seals: issued when the key is made and at a recertification, or another authority's."""

import hashlib
import json
import re
import time

import pytest
from approving import ALICE, Uses, document
from arrows import Mode, dying
from certificates import (SEAL_USE, Authority, certificates, chain_words, entries, events, lists,
                          maker_certificates, openssl_verify, serial, subject, text)
from lifecycle import DAY, KEEPER, Life, started
from pictures import SVG

KEYS = {"ecdsa-p256": "P-256", "ecdsa-p384": "P-384", "rsa-2048": "2048 bit", "sm2": "SM2"}
POINTS = ("[Maker]\nCountry=CN\nCrlDistributionPoint=http://seals.example/maker-%a.crl\n"
          "  ldap://dir.example/cn=%a?certificateRevocationList\n")


@pytest.fixture(scope="module")
def dual(shared):
    return Life(shared, "dual")


def maker_of(box, algorithm):
    return maker_certificates(box)[1 if algorithm == "sm2" else 0]


def judged(box, number, algorithm="ecdsa-p256"):
    """By openssl, with the maker's list."""
    kind = "sm2" if algorithm == "sm2" else "ecdsa-p256"
    crls = None if kind == "sm2" else [lists(box)[kind]]  # SM2 lists openssl cannot check: test_crl.py does
    return openssl_verify(box, certificates(box, number)[:1], [maker_of(box, algorithm)], crls)


def dates(box, der):
    """Not before, not after, in seconds."""
    out = box.ok(f"openssl x509 -inform DER -in {box.write('one.der', der)} -noout -dates")
    return [int(box.ok(f"date -d '{value}' +%s")) for value in re.findall(r"=(.*)", out)]


@pytest.mark.parametrize("algorithm", KEYS)
def test_seal_of_each_algorithm_is_certified_with_its_making(dual, algorithm):
    box = dual.box
    number = dual.seal(f"Of {algorithm}", ("algorithm", "s", algorithm), ("holder", "s", "Äcme & Söhne"))
    chain = certificates(box, number)
    assert chain[1:] == [maker_of(box, algorithm)]
    says = text(box, chain[0])
    assert KEYS[algorithm] in says
    assert "Digital Signature, Non Repudiation" in says and "CA:FALSE" in says
    assert subject(box, chain[0]) == f"CN={number},O=Äcme & Söhne"
    assert "qcStatements" in says
    assert box.run(f"openssl x509 -inform DER -in {box.write('c.der', chain[0])} -noout -pubkey | openssl pkey "
                   "-pubin -outform DER").bytes == bytes(box.seal_property(number, "PublicKey"))
    good, told = judged(box, number, algorithm)
    assert good, told
    begin, end = dates(box, chain[0])
    assert begin == box.seal_property(number, "NotBefore") // 1000000 or begin == dates(box, chain[1])[0]
    assert end == box.seal_property(number, "NotAfter") // 1000000
    signature, error = box.sign(number, bytes(48 if algorithm == "ecdsa-p384" else 32), user=KEEPER)
    assert signature, error
    [row] = events(box, "certificate-issued", number)
    assert row["facts"]["sha256"] == hashlib.sha256(chain[0]).hexdigest()
    assert row["object"] == ("sm2" if algorithm == "sm2" else "ecdsa-p256")
    described = json.loads(box.seal(number, "Describe")[0][0])["certificates"]
    assert [box.run("openssl x509 -outform DER", data=pem).bytes for pem in described] == chain


def test_personal_seal_is_certified_with_the_person_s_name_and_claims_no_institution(dual):
    box = dual.box
    number = dual.seal("王 小明", ("class", "s", "personal"), ("type", "s", "legal-representative"),
                       ("holder", "s", "Acme"))
    der = certificates(box, number)[0]
    assert subject(box, der) == "CN=王 小明,O=Acme"
    assert "qcStatements" not in text(box, der)


def test_a_person_is_no_organization(dual):
    """The holder is by default the name, and stood in the certificate as O."""
    box = dual.box
    personal = ("class", "s", "personal")
    alone = certificates(box, dual.seal("Erika Muster", personal))[0]
    assert subject(box, alone) == "CN=Erika Muster"
    registered = certificates(box, dual.seal("Erika Muster", personal, ("organization-identifier", "s", "VATDE-1")))[0]
    assert subject(box, registered) == "CN=Erika Muster,organizationIdentifier=VATDE-1,O=Erika Muster"
    institution = dual.seal("Erika Muster")
    assert subject(box, certificates(box, institution)[0]) == f"CN={institution},O=Erika Muster"


def test_nothing_is_claimed_that_a_tpm_is_not(dual):
    """No QcSSCD, no QcCompliance: neither OID is in any certificate."""
    box = dual.box
    for der in certificates(box, box["SEAL"]):
        assert b"\x04\x00\x8e\x46\x01\x04" not in der and b"\x04\x00\x8e\x46\x01\x01" not in der


@pytest.mark.parametrize("separation", ("strict", "single"))
def test_other_modes_certify_too(new_sandbox, separation):
    life = started(new_sandbox, separation)
    number = life.seal("Elsewhere")
    good, told = judged(life.box, number)
    assert good, told


def test_subject_and_addresses_are_the_application_s_and_the_configuration_s(new_sandbox):
    life = started(new_sandbox, "dual", conf=POINTS)
    box = life.box
    plain = certificates(box, life.seal("Plain"))[0]
    assert subject(box, plain).endswith(",O=Plain,C=CN")
    for address in ("URI:http://seals.example/maker-ecdsa-p256.crl",
                    "URI:ldap://dir.example/cn=ecdsa-p256?certificateRevocationList"):
        assert address in text(box, plain)
    number = life.seal("Other", ("algorithm", "s", "sm2"), ("country", "s", "DE"),
                       ("organization-identifier", "s", "VATDE-123456789"))
    der = certificates(box, number)[0]
    assert subject(box, der) == f"CN={number},organizationIdentifier=VATDE-123456789,O=Other,C=DE"
    assert "URI:http://seals.example/maker-sm2.crl" in text(box, der)
    # A renewal has what its seal had.
    request = life.apply(number, "renew")
    life.approve(request)
    new = certificates(box, life.make(request))[0]
    assert "organizationIdentifier=VATDE-123456789,O=Other,C=DE" in subject(box, new)


def test_certificate_ends_with_its_maker_s_at_the_latest_and_the_seal_signs_no_longer(new_sandbox):
    life = started(new_sandbox, "dual", conf="[Maker]\nValidityDays=10\n")
    box, number = life.box, life.seal("Longer than its maker")
    chain = certificates(box, number)
    assert dates(box, chain[0])[1] == dates(box, chain[1])[1]
    box.restart_ahead("--days 11")
    assert life.why_not(number) == "CertificateInvalid"
    assert life.sign_error(number) == "CertificateInvalid"
    assert [row[2] for row in box.seal(number, "Inspect")[0][0]] == ["certificate-ended"]
    life.approve(life.apply(number, "recertify"))
    assert life.why_not(number) == "" and life.signs(number)


# --- the maker is waited for ------------------------------------------------------------------------


def test_seal_that_is_made_at_once_waits_for_its_maker(bare):
    """Killed before there was one; asked for one while it is made."""
    mode = Mode(bare, "external", "single")
    bare.ctl("stop")
    with dying(bare, "init-completed"):
        mode.initialize()
    bare.ctl("start")
    data, error = bare.manager("CreateSeal", "a{sv}", 1, "name", "s", "At once")
    assert data, error
    good, told = judged(bare, data[0].rsplit("/", 1)[1])
    assert good, told


def test_no_seal_is_made_in_a_state_that_is_not_approved_and_the_request_is_made_again(sandbox):
    box, life = sandbox, Life(sandbox, "dual")
    path = box.manager("Apply", "a{sv}", 2, "name", "s", "Later", "keepers", "as", 1, f"user:{KEEPER}",
                       user=box["SEAL_APPLICANT"])[0][0]
    request = path.rsplit("/", 1)[1]
    box.pcr_extend(7)
    assert life.refused_approval(request) == "MachineStateRefused"
    assert life.request(request, "State") == "failed"
    assert len(box.manager("ListSeals", "a{sv}", 0)[0][0]) == 1
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")
    life.told(box.request(request, "Make", user="seal-reviewer"))
    number = life.request(request, "Seal")
    good, told = judged(box, number)
    assert good, told


# --- recertification --------------------------------------------------------------------------------


def test_recertification_keeps_the_key_and_ends_later_and_what_was_before_is_revoked_too(dual):
    box, number = dual.box, dual.seal("Recertified")
    first, end = certificates(box, number)[0], box.seal_property(number, "NotAfter")
    key = box.seal_property(number, "PublicKey")
    dual.approve(dual.apply(number, "recertify", ("not-after", "t", end + 30 * DAY)))
    second = certificates(box, number)[0]
    assert second != first and box.seal_property(number, "PublicKey") == key
    assert dates(box, second)[1] == (end + 30 * DAY) // 1000000 == box.seal_property(number, "NotAfter") // 1000000
    for der in (first, second):
        good, told = openssl_verify(box, [der], maker_certificates(box)[:1], [lists(box)["ecdsa-p256"]])
        assert good, told
    assert len(events(box, "certificate-issued", number)) == 2
    dual.do(number, "Revoke", "s", "over")
    revoked = entries(box, lists(box)["ecdsa-p256"])
    assert {serial(box, first), serial(box, second)} <= set(revoked)


def test_recertification_that_the_chip_refuses_has_failed_and_is_made_again(sandbox):
    box, life = sandbox, Life(sandbox, "dual")
    number, before = box["SEAL"], certificates(box, box["SEAL"])
    end = box.seal_property(number, "NotAfter")
    request = life.apply(number, "recertify", ("not-after", "t", end + DAY))
    box.pcr_extend(7)
    assert life.refused_approval(request) == "MachineStateRefused"
    assert (life.request(request, "State"), box.seal_property(number, "NotAfter")) == ("failed", end)
    assert certificates(box, number) == before
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")
    life.told(box.request(request, "Make", user="seal-reviewer"))
    assert (life.request(request, "State"), box.seal_property(number, "NotAfter")) == ("completed", end + DAY)
    assert certificates(box, number)[0] != before[0]


def test_recertification_of_a_seal_that_was_revoked_meanwhile_is_none(dual):
    box, number = dual.box, dual.seal("Revoked meanwhile")
    request = dual.apply(number, "recertify")
    dual.do(number, "Revoke", "s", "over")
    before = certificates(box, number)
    assert dual.refused_approval(request) == "InvalidState"
    assert certificates(box, number) == before


# --- certificates of another authority ---------------------------------------------------------------


def issue(box, number, authority, extensions=SEAL_USE, days=300, key=None):
    spki = key or bytes(box.seal_property(number, "PublicKey"))
    return authority.issue_for(spki, f"/O=Other/CN={number}", extensions, days)


def set_error(box, number, ders):
    return box.error(f"/org/sealsd1/seal/{number}", "Seal", "SetCertificates",
                     *[str(word) for word in chain_words(ders)])


@pytest.mark.parametrize("algorithm", ("ecdsa-p256", "rsa-2048"))
def test_chain_of_another_authority_takes_the_place_of_the_maker_s(dual, algorithm):
    box, other = dual.box, Authority(dual.box, f"other-{algorithm}")
    number = dual.seal("Elsewhere certified", ("algorithm", "s", algorithm))
    mine = certificates(box, number)[0]
    issued = issue(box, number, other)
    dual.do(number, "SetCertificates", *chain_words([issued, other.root]))
    assert certificates(box, number) == [issued, other.root]
    good, told = openssl_verify(box, [issued], [other.root])
    assert good, told
    assert dual.why_not(number) == "" and dual.signs(number)
    [row] = events(box, "certificates-set", number)
    assert row["facts"]["sha256"] == hashlib.sha256(issued).hexdigest() and row["subject"] == "user:root"
    # Our own list tells of our own certificate alone; a recertification is the maker's word again.
    dual.approve(dual.apply(number, "recertify"))
    again = certificates(box, number)
    assert again[1:] == maker_certificates(box)[:1] and again[0] != mine
    dual.do(number, "Revoke", "s", "over")
    revoked = entries(box, lists(box)["ecdsa-p256"])
    assert {serial(box, mine), serial(box, again[0])} <= set(revoked)
    assert serial(box, issued) not in revoked


def test_seal_with_a_picture_has_a_structure_made_out_to_each_of_its_certificates(dual):
    box, other = dual.box, Authority(dual.box, "pictured")
    number = dual.seal("Pictured", ("picture", "ay", len(SVG), *SVG), ("picture-mm", "(uu)", 40, 40))

    def structure():
        return bytes(box.seal_property(number, "ElectronicSeal"))

    first = structure()
    assert certificates(box, number)[0] in first
    assert box.seal_property(number, "ESealProfile") == "GB/T 38540-2020 structure, non-SM algorithm"
    issued = issue(box, number, other)
    dual.do(number, "SetCertificates", *chain_words([issued, other.root]))
    assert issued in structure() and certificates(box, number) == [issued, other.root]
    dual.approve(dual.apply(number, "recertify"))
    assert certificates(box, number)[0] in structure() and issued not in structure()
    assert bytes(box.seal_property(box["SEAL"], "ElectronicSeal")) == b""
    assert box.seal_property(box["SEAL"], "ESealProfile") == ""


def test_certificates_that_are_not_the_seal_s_are_refused_and_change_nothing(dual):
    box, number = dual.box, dual.seal("Steady")
    other, stranger = Authority(box, "right"), Authority(box, "wrong")
    before, good = certificates(box, number), issue(box, number, other)
    wrong = {
        "another key": [issue(box, number, other, key=bytes(box.seal_property(box["SEAL"], "PublicKey"))),
                        other.root],
        "a CA": [issue(box, number, other, "basicConstraints=critical,CA:TRUE\n"
                       "keyUsage=critical,keyCertSign,cRLSign,digitalSignature,nonRepudiation"), other.root],
        "no signatures": [issue(box, number, other, "basicConstraints=critical,CA:FALSE\n"
                                "keyUsage=critical,keyEncipherment"), other.root],
        "not signed by the next": [good, stranger.root],
        "over": [issue(box, number, other, days=-1), other.root],
        "the wrong way round": [other.root, good],
    }
    for what, chain in wrong.items():
        assert set_error(box, number, chain) == "CertificateInvalid", what
    for chain in ([], [b"no certificate"], [good + b"\0"], [good[:-1]]):
        assert set_error(box, number, chain) == "InvalidArgs", chain
    assert set_error(box, number, [good] * 9) in ("InvalidArgs", "LimitsExceeded")
    assert set_error(box, number, [b"\x30\x84\x00\x01\x00\x00" + bytes(65536)]) in ("InvalidArgs", "LimitsExceeded")
    assert certificates(box, number) == before
    dual.do(number, "Revoke", "s", "over")
    assert set_error(box, number, [good, other.root]) == "InvalidState"


def test_seal_whose_certificate_is_over_signs_nothing(sandbox):
    box, life = sandbox, Life(sandbox, "dual")
    number, other = box["SEAL"], Authority(sandbox, "short")
    life.do(number, "SetCertificates", *chain_words([issue(box, number, other, days=1), other.root]))
    assert box.sign(number)[0]
    assert [row[2] for row in box.seal(number, "Inspect")[0][0]] == ["certificate-ends-soon"]
    box.restart_ahead("--days 2")
    assert life.why_not(number) == "CertificateInvalid"
    assert life.sign_error(number, None) == "CertificateInvalid"
    assert box.seal_property(number, "UseCount") == 1
    assert [row[2] for row in box.seal(number, "Inspect")[0][0]] == ["certificate-ended"]


def request_error(box, number):
    return box.error(f"/org/sealsd1/seal/{number}", "Seal", "GetCertificateRequest", "a{sv}", "0")


def test_seal_whose_certificate_is_over_asks_another_authority_for_one_and_signs_nothing_else(new_sandbox):
    life = started(new_sandbox, "dual")
    box, uses = life.box, Uses(life)
    approvers = uses.approvers(ALICE)
    number, approved, authority = life.seal(), uses.seal(approvers, 1), Authority(life.box, "short")
    for one in (number, approved):
        life.do(one, "SetCertificates", *chain_words([issue(box, one, authority, days=1), authority.root]))
    box.restart_ahead("--days 2")
    for one in (number, approved):
        assert life.why_not(one) == "CertificateInvalid"
    assert life.sign_error(number) == "CertificateInvalid"
    assert uses.refused_request(approved, document("x")) == "CertificateInvalid"
    wanted = {one: None for one in (number, approved)}
    wanted[number] = bytes(life.do(number, "GetCertificateRequest", "a{sv}", 0, user=KEEPER)[0])
    request = uses.request(approved, b"", ("format", "s", "pkcs10"))
    uses.approve(request, *approvers)
    wanted[approved] = uses.collect(request)[0]
    for one, csr in wanted.items():
        leaf = authority.issue(csr, SEAL_USE)
        life.do(one, "SetCertificates", *chain_words([leaf, authority.root]))
        assert life.why_not(one) == ""
    assert life.signs(number)


def test_what_else_keeps_a_seal_from_signing_keeps_it_from_asking_for_a_certificate(sandbox):
    box, life, number = sandbox, Life(sandbox, "dual"), sandbox["SEAL"]
    life.do(number, "Suspend", "s", "holidays", user="seal-admin")
    assert request_error(box, number) == "Suspended"
    life.do(number, "Resume", "s", "back", user=None)
    authority = Authority(box, "short")
    life.do(number, "SetCertificates", *chain_words([issue(box, number, authority, days=1), authority.root]))
    box.restart_ahead("--days 2000")
    assert life.why_not(number) == "Expired" and request_error(box, number) == "Expired"
    box.restart_ahead("--days 2")
    assert life.why_not(number) == "CertificateInvalid"
    assert request_error(box, number) == "ClockUntrusted"


def test_amendment_to_an_earlier_end_leaves_a_certificate_that_outlives_the_seal_and_is_told(dual):
    number = dual.seal("shortened")
    end = dual.now() + 100 * DAY
    dual.approve(dual.apply(number, "amend", ("not-after", "t", end)))
    assert dual.box.seal_property(number, "NotAfter") == end
    found = {row[2]: row[3] for row in dual.do(number, "Inspect")[0]}
    assert set(found) == {"certificate-outlives-seal"} and "revoke it at its end" in found["certificate-outlives-seal"]
    dual.approve(dual.apply(number, "recertify"))
    assert dates(dual.box, certificates(dual.box, number)[0])[1] == end // 1000000
    assert dual.do(number, "Inspect")[0] == []


def test_certificates_are_seen_by_who_sees_the_seal(shared):
    assert certificates(shared, shared["SEAL"], shared["SEAL_AUDITOR"])
    done = shared.run(["busctl", "get-property", "org.sealsd1", f"/org/sealsd1/seal/{shared['SEAL']}",
                       "org.sealsd1.Seal", "Certificates"], shared["SEAL_STRANGER"])
    assert done.status != 0


def test_certificate_row_that_somebody_changed_is_tampering(sandbox):
    box, number = sandbox, sandbox["SEAL"]
    box.ctl("stop")
    box.ok(["/usr/bin/python3", "-c", "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
            "db.execute('UPDATE certificate SET not_after = not_after + 1000000 WHERE seal <> 0'); db.commit()",
            box["SEALSD_STATE"] + "/register.db"])
    box.ctl("start")
    assert Life(box, "dual").sign_error(number, None) == "RegisterTampered"
    deadline = time.monotonic() + 60
    while box.manager_property("State") != "tampered":
        assert time.monotonic() < deadline
        time.sleep(0.05)
