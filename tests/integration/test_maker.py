# SPDX-License-Identifier: Apache-2.0
"""The makers: keys of the chip that certify seals, themselves, and are certified by others."""

import hashlib
import json

import pytest
from arrows import Mode, dying
from certificates import (MAKER_USE, Authority, certificates, chain_words, crl_is_signed, entries, events,
                          lists, maker_certificates, openssl_verify, serial, sm2_is_signed, subject, text)
from lifecycle import Life

NAMED = ("[Maker]\nOrganization=Prüfstelle\nOrganizationIdentifier=VATDE-123456789\nCountry=DE\n"
         "CommonName=Seals of Test\nValidityDays=400\n")


def unapprove(box):
    """The machine is in another state than the approved one."""
    box.pcr_extend(7)


def approve(box):
    box.ok("sealctl machine-state approve --authority $SEAL_AUTHORITY --yes")


def test_makers_are_there_when_the_installation_is_and_anybody_gets_their_certificates(shared):
    found = maker_certificates(shared, user=shared["SEAL_STRANGER"])
    assert len(found) == 2
    p256, sm2 = found
    for certificate, kind in ((p256, "ecdsa-p256"), (sm2, "sm2")):
        assert f"CN=Seal maker {kind} of " in subject(shared, certificate)
        says = text(shared, certificate)
        assert "CA:TRUE, pathlen:0" in says and "Digital Signature, Certificate Sign, CRL Sign" in says
        good, told = openssl_verify(shared, [certificate], [certificate])
        assert good, told
    good, told = openssl_verify(shared, [p256], [p256], more="-check_ss_sig")
    assert good, told
    assert "prime256v1" in text(shared, p256) and "SM2-with-SM3" in text(shared, sm2)
    assert sm2_is_signed(shared, sm2, sm2)
    for algorithm, der in lists(shared, user=shared["SEAL_STRANGER"]).items():
        assert entries(shared, der) == {}
        if algorithm == "sm2":
            assert sm2_is_signed(shared, der, sm2)
        else:
            assert crl_is_signed(shared, der, p256)


def test_ledger_tells_of_them(shared):
    made = events(shared, "maker-made")
    assert [row["object"] for row in made] == ["ecdsa-p256", "sm2"]
    assert [row["facts"]["bit"] for row in made] == [0, 1]
    certified = events(shared, "maker-certified")
    assert [row["facts"]["sha256"] for row in certified] == [
        hashlib.sha256(der).hexdigest() for der in maker_certificates(shared)]
    issued = events(shared, "revocation-list-issued")
    assert {row["object"] for row in issued} == {"ecdsa-p256", "sm2"}
    assert {row["facts"]["sha256"] for row in issued} >= {
        hashlib.sha256(der).hexdigest() for der in lists(shared).values()}


def test_resident_authority_has_them_too(bare):
    bare.write("passphrase", "correct horse")
    bare.ok("sealctl init --resident --passphrase-file /run/test/passphrase --separation single")
    assert len(maker_certificates(bare)) == 2 and len(lists(bare)) == 2


def test_names_and_validity_are_the_configuration_s_and_the_name_stays(new_sandbox):
    box = new_sandbox("--ready", conf=NAMED)
    first, second = maker_certificates(box)
    assert subject(box, first) == ("CN=Seals of Test,organizationIdentifier=VATDE-123456789,O=Prüfstelle,"
                                   "C=DE")
    assert subject(box, second).startswith("CN=Seals of Test sm2,")
    says = box.ok(f"openssl x509 -inform DER -in {box.write('m.der', first)} -noout -checkend "
                  f"{399 * 86400} -checkend {401 * 86400} || true")
    assert "will expire" in says
    box.ok("sed -i 's/^Organization=.*/Organization=Another/' $SEALSD_CONF")
    box.ctl("restart")
    assert maker_certificates(box) == [first, second]


def refused_maker(box, change):
    """What the chip says to the P-256 maker's key, had in an approved state, after a change."""
    box.ok("rm -rf /run/before && cp -a $SEALSD_STATE /run/before")
    held = box.pipe(["attacker", "later", "/run/before", "maker:ecdsa-p256"], env={"TSS2_LOG": "all+none"})
    assert held.line() == "prepared"
    change()
    held.write("sign\n")
    said = held.line()
    held.wait()
    return said


def test_maker_s_key_is_refused_by_the_chip_in_a_state_that_is_not_approved(sandbox):
    """Not by the daemon alone: also who has blob, auth and approvals is refused."""
    box = sandbox
    assert refused_maker(box, lambda: None) == "done"
    assert refused_maker(box, lambda: unapprove(box)) == "MachineStateRefused"
    assert box.error("/org/sealsd1", "Manager", "GetMakerRequest") == "MachineStateRefused"
    approve(box)
    assert box.manager("GetMakerRequest")[0]
    # Under Lock, and once its own bit is set.
    assert refused_maker(box, lambda: box.manager("Lock", "s", "fire")) == "Locked"
    assert box.error("/org/sealsd1", "Manager", "GetMakerRequest") == "Locked"


def test_maker_whose_bit_is_set_signs_nothing_any_more(sandbox):
    box = sandbox
    revoke = ["attacker", "revoke", "/run/before", "maker:ecdsa-p256"]
    assert refused_maker(box, lambda: box.run(revoke)) == "Revoked"
    assert box.error("/org/sealsd1", "Manager", "GetMakerRequest") == "Revoked"


def without_makers(box):
    """Initialized, and killed before they were made; the daemon has stopped."""
    mode = Mode(box, "external", "single")
    box.ctl("stop")
    with dying(box, "init-completed"):
        mode.initialize()


def wait_for_makers(box, count=2):
    """Until so many have lists."""
    box.ok("for i in $(seq 300); do [[ $(busctl --json=short call org.sealsd1 /org/sealsd1 "
           "org.sealsd1.Manager GetRevocationLists 2>/dev/null | grep -o '\"[a-z0-9-]*\",\\[' | wc -l) "
           f"-ge {count} ]] && exit 0; sleep 0.05; done; exit 1")
    assert len(maker_certificates(box)) >= count


def test_makers_wait_for_an_approved_state(bare):
    """And are made in the first one."""
    box = bare
    without_makers(box)
    unapprove(box)
    box.ctl("start")
    assert box.manager_property("State") == "unapproved"
    assert maker_certificates(box) == []
    assert box.error("/org/sealsd1", "Manager", "GetRevocationList") == "NotFound"
    approve(box)
    wait_for_makers(box)
    assert box.manager_property("State") == "ready" and len(lists(box)) == 2


# --- a parent authority ---------------------------------------------------------------------------


def requests(box):
    data, error = box.manager("GetMakerRequests")
    assert data is not None, error
    return {algorithm: bytes(der) for algorithm, der in data[0]}


def set_error(box, ders):
    return box.error("/org/sealsd1", "Manager", "SetMakerCertificates", *[str(w) for w in chain_words(ders)])


def test_parent_authority_certifies_the_makers_and_what_they_issued_before_is_good_with_it(sandbox):
    box = sandbox
    asked = requests(box)
    assert list(asked) == ["ecdsa-p256", "sm2"]
    assert bytes(box.manager("GetMakerRequest")[0][0]) and len(asked) == 2
    for algorithm, der in asked.items():
        done = box.run(f"openssl req -inform DER -in {box.write('r.csr', der)} -noout -verify "
                       f"{'-vfyopt distid:1234567812345678' if algorithm == 'sm2' else ''} 2>&1")
        assert "verify OK" in done.stdout, done
        assert "CA:TRUE" in text(box, der, "req")
    before = certificates(box, box["SEAL"])
    parent = Authority(box)
    issued = parent.issue(asked["ecdsa-p256"], MAKER_USE)
    assert box.manager("SetMakerCertificates", *chain_words([issued, parent.root]))[0] is not None
    assert maker_certificates(box)[:2] == [issued, parent.root]
    after = certificates(box, box["SEAL"])
    assert after == [before[0], issued, parent.root]
    good, told = openssl_verify(box, after, [parent.root])
    assert good, told
    good, told = openssl_verify(box, before[:1], before[1:])
    assert good, told
    new = box.make_seal("After")
    good, told = openssl_verify(box, certificates(box, new), [parent.root], [lists(box)["ecdsa-p256"],
                                *[parent_crl(box, parent)]], "-crl_check_all")
    assert good, told
    assert box.seal(box["SEAL"], "Revoke", "s", "over")[0] is not None
    assert serial(box, before[0]) in entries(box, lists(box)["ecdsa-p256"])
    assert crl_is_signed(box, lists(box)["ecdsa-p256"], issued)
    [row] = events(box, "maker-certificates-set")
    assert (row["object"], row["facts"]["sha256"]) == ("ecdsa-p256", hashlib.sha256(issued).hexdigest())
    assert row["subject"] == "user:root"


def parent_crl(box, parent):
    """Empty, of openssl ca's."""
    box.ok(f"cd /run/test; : > index.txt; echo 01 > crlnumber; printf '[ca]\\ndefault_ca=x\\n[x]\\n"
           f"database=index.txt\\ncrlnumber=crlnumber\\ndefault_md=sha256\\ndefault_crl_days=9\\n' > ca.conf; "
           f"openssl ca -config ca.conf -gencrl -cert {parent.name}.pem -keyfile {parent.name}.key -out p.crl; "
           "openssl crl -in p.crl -outform DER -out p.der")
    return box.run("cat /run/test/p.der").bytes


def test_chains_that_are_not_the_maker_s_are_refused_and_change_nothing(shared):
    box = shared
    before = maker_certificates(box)
    asked = requests(box)
    parent, other = Authority(box), Authority(box, "other")
    good = parent.issue(asked["ecdsa-p256"], MAKER_USE)
    wrong = {
        "another key": [other.root],
        "a seal's use": [parent.issue(asked["ecdsa-p256"],
                                      "basicConstraints=critical,CA:FALSE\n"
                                      "keyUsage=critical,digitalSignature"), parent.root],
        "not signed by the next": [good, other.root],
        "the wrong way round": [parent.root, good],
        "another subject": [parent.issue(asked["ecdsa-p256"], MAKER_USE, more="-subj /CN=Other"), parent.root],
        "another identifier": [parent.issue(asked["ecdsa-p256"], MAKER_USE.replace(
            "subjectKeyIdentifier=hash", "subjectKeyIdentifier=0102030405")), parent.root],
        "over": [parent.issue(asked["ecdsa-p256"], MAKER_USE, days=-1), parent.root],
    }
    for what, chain in wrong.items():
        assert set_error(box, chain) == "CertificateInvalid", what
    assert set_error(box, []) == "InvalidArgs"
    assert set_error(box, [b"\x30\x03\x02\x01\x01"]) == "InvalidArgs"
    assert set_error(box, [good + b"\0", parent.root]) == "InvalidArgs"
    # With a seal's below it there would be more than a signature carries.
    assert set_error(box, [good] * 8) == "LimitsExceeded"
    assert set_error(box, [good] * 7) == "CertificateInvalid"
    assert set_error(box, [good] * 9) in ("InvalidArgs", "LimitsExceeded")
    assert maker_certificates(box) == before


# --- a register of version 3 ------------------------------------------------------------------------


def test_register_of_version_3_gets_its_makers_at_the_first_approved_look(bare):
    """Its seals have no certificate until they are recertified, and sign as before."""
    box = bare
    without_makers(box)
    box.ok("make-register 20")
    box.ok(["/usr/bin/python3", "-c", VERSION_3, box["SEALSD_STATE"] + "/register.db"])
    box.ok("chown -R sealsd:sealsd $SEALSD_STATE")
    box.ctl("start")
    wait_for_makers(box)
    assert box.manager("VerifyLedger")[0][0]["good"]["data"] is True
    live = [row[0] for row in box.manager("ListSeals", "a{sv}", 1, "state", "s", "active")[0][0]]
    number = live[0]
    assert certificates(box, number) == []
    assert box.seal_property(number, "WhyNot") == ""
    life = Life(box, "single")
    life.approve(life.apply(number, "recertify"))
    chain = certificates(box, number)
    good, told = openssl_verify(box, chain, maker_certificates(box)[:1], [lists(box)["ecdsa-p256"]])
    assert good, told
    assert box.seal_property(number, "WhyNot") == ""


VERSION_3 = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
tables = ("use_structure", "picture", "revocation_list", "certificate", "maker")
db.executescript("".join(f"DROP TABLE {t};" for t in tables) + "PRAGMA user_version=3;")
db.commit()
"""


# --- renewal of the maker's own certificate ---------------------------------------------------------


def test_maker_renews_its_own_certificate_before_seals_would_end_with_it(new_sandbox):
    """By the clock: half of a short validity, by the same key and the same name."""
    box = new_sandbox("--ready", conf="[Maker]\nValidityDays=100\n")
    first = maker_certificates(box)
    box.restart_ahead("--days 60")
    box.ok("for i in $(seq 300); do [[ $(busctl --json=short call org.sealsd1 /org/sealsd1 "
           "org.sealsd1.Manager ReadLedger 'a{sv}' 1 event s maker-certified | grep -o '\\\\\"seq' | wc -l) "
           "-ge 4 ]] && exit 0; sleep 0.05; done; exit 1")
    second = maker_certificates(box)
    assert len(second) == 2 and second[0] not in first and second[1] not in first
    assert [subject(box, der) for der in first] == [subject(box, der) for der in second]
    good, told = openssl_verify(box, certificates(box, box["SEAL"])[:1], second[:1],
                                more=f"-attime {int(box.ok('date +%s')) + 61 * 24 * 3600}")
    assert good, told


@pytest.mark.parametrize("kind", ("ecdsa-p256", "sm2"))
def test_maker_whose_bit_was_set_before_it_was_made_is_not_made(bare, kind):
    """The register is an older copy: there was one. SM2 seals have the other's word then."""
    box = bare
    without_makers(box)
    assert box.run(["attacker", "revoke", box["SEALSD_STATE"], f"maker:{kind}"]).stdout.strip() == "done"
    box.ok("chown -R sealsd:sealsd $SEALSD_STATE")
    box.ctl("start")
    if kind == "ecdsa-p256":
        assert box.error("/org/sealsd1", "Manager", "CreateSeal", "a{sv}", "1", "name", "s", "x") == "Revoked"
        assert "register-older-than-chip" in box.ok("cat $SEALSD_LOG")
        return
    wait_for_makers(box, 1)
    life = Life(box, "single")
    number = life.seal("of the other maker", ("algorithm", "s", "sm2"))
    chain = certificates(box, number)
    assert "ASN1 OID: SM2" in text(box, chain[0]) and "ecdsa-with-SHA256" in text(box, chain[0])
    good, told = openssl_verify(box, chain, maker_certificates(box)[:1])
    assert good, told
    assert len(json.loads(box.seal(number, "Describe")[0][0])["certificates"]) == 2
