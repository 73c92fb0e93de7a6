# SPDX-License-Identifier: Apache-2.0
"""Signatures in the formats that others read: by the real daemon, of every algorithm, judged by openssl."""

import hashlib
import json
import time

import pytest

import der
from conftest import Sandbox
from pictures import png

ALGORITHMS = ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "sm2"]
HASHES = {"ecdsa-p384": "sha384", "sm2": "sm3"}  # the others: sha256
DISTID = "distid:1234567812345678"
SUFFIXES = {"cades": "p7s", "pades-cms": "cms", "eseal": "ses"}
TEXT = b"Contract no. 7\n"
PROPERTY = b"sealsd:document"


def hash_of(algorithm):
    return HASHES.get(algorithm, "sha256")


def make(box, algorithm, *words):
    return json.loads(box.ok(f"sealctl --json new --name {algorithm} --algorithm {algorithm} "
                             + " ".join(words)))["number"]


@pytest.fixture(scope="module")
def seals():
    """(sandbox in single mode, one seal of each algorithm, all with a picture)"""
    box = Sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    box.write("document", TEXT)
    picture = box.write("seal.png", png())
    yield box, {a: make(box, a, f"--picture {picture} --picture-mm 42x42") for a in ALGORITHMS}
    assert box.close() == 0


def read(box, path):
    return box.run(["cat", path]).bytes


def plain_digest(box, algorithm, path="/run/test/document"):
    return box.run(f"openssl dgst -{hash_of(algorithm)} -binary {path}").bytes


def pem(box, name, certificates):
    """A file of certificates; its path."""
    paths = [box.write(f"{name}-{i}.der", c) for i, c in enumerate(certificates)]
    path = box.temp(f"{name}.pem")
    box.ok(f"( {'; '.join(f'openssl x509 -inform DER -in {p}' for p in paths) or 'true'} ) > {path}")
    return path


def openssl_verifies_value(box, algorithm, certificate, message, value, scheme=None):
    """A signature's value over a message, by the key of a certificate."""
    cert, data, sig = (box.write(n, d) for n, d in (("signer.der", certificate), ("message", message),
                                                    ("value", value)))
    more = f"-sigopt {DISTID}" if algorithm == "sm2" else ""
    if scheme == "rsapss":
        more = "-sigopt rsa_padding_mode:pss"
    done = box.run(f"openssl x509 -inform DER -in {cert} -pubkey -noout > /run/test/signer.pem; "
                   f"openssl dgst -{hash_of(algorithm)} -verify /run/test/signer.pem {more} -signature {sig} {data}")
    return done.status == 0 and "Verified OK" in done.stdout


def check_cms(box, algorithm, data, path="/run/test/document", timed=True, scheme=None):
    """By openssl's cms where it can (not SM2), and part by part."""
    cms = der.Cms(data)
    signature = box.write("cms.der", data)
    if algorithm != "sm2":
        anchors = pem(box, "anchors", cms.others)
        box.ok(f"openssl cms -verify -cades -inform DER -in {signature} -content {path} -binary "
               f"-CAfile {anchors} -purpose any -out /dev/null")
        changed = box.write("changed", read(box, path) + b"x")
        assert box.run(f"openssl cms -verify -cades -inform DER -in {signature} -content {changed} -binary "
                       f"-CAfile {anchors} -purpose any -out /dev/null").status != 0
    digest = plain_digest(box, algorithm, path)
    assert cms.attribute(der.MESSAGE_DIGEST) == b"\x04" + bytes([len(digest)]) + digest
    assert (b"\x06\x09" + der.SIGNING_TIME in cms.attributes) == timed
    assert openssl_verifies_value(box, algorithm, cms.certificate, cms.signed, cms.value, scheme)
    return cms


def check_eseal(box, algorithm, data, number, path="/run/test/document", prop=PROPERTY):
    ses = der.SesSignature(data)
    assert ses.version == b"\x04" and ses.id == number and ses.property == prop
    assert ses.hash == plain_digest(box, algorithm, path)
    assert ses.picture == png()
    assert openssl_verifies_value(box, algorithm, ses.certificate, ses.tbs, ses.value)
    return ses


def check(box, algorithm, fmt, data, number, **more):
    if fmt == "eseal":
        return check_eseal(box, algorithm, data, number, **more)
    return check_cms(box, algorithm, data, timed=fmt == "cades", **more)


def check_by_sealctl(box, signature, makers, deviations=()):
    """By our own verifier, from files alone; without a list of revoked certificates that is not checked."""
    trust = pem(box, "makers", makers)
    done = box.run(f"sealctl --json verify /run/test/document --signature {signature} --trust {trust} --offline")
    said = json.loads(done.stdout)
    results = {row["check"]: row["result"] for row in said["checks"]}
    assert done.status == 11 and set(results.values()) <= {"passed", "not-checked", "absent"}, said
    assert {name for name, result in results.items() if result == "not-checked"} <= {
        "revocation", "seal-maker-revocation", "seal-state", "timestamp"}, said
    assert [row["deviation"] for row in said["deviations"]] == list(deviations), said


@pytest.mark.parametrize("fmt", SUFFIXES)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_signs_in_every_format(seals, algorithm, fmt):
    box, numbers = seals
    number = numbers[algorithm]
    before = time.time()
    done = json.loads(box.ok(f"sealctl --json sign {number} /run/test/document --format {fmt}"))
    path = f"/run/test/document.{SUFFIXES[fmt]}"
    assert done["output"] == path and done["format"] == fmt
    data = read(box, path)
    assert done["signature"] == data.hex()
    found = check(box, algorithm, fmt, data, number)
    check_by_sealctl(box, path, [found.maker] if fmt == "eseal" else found.others,
                     ["non-sm-algorithm"] if fmt == "eseal" and algorithm != "sm2" else [])
    if fmt == "cades":
        told = found.attribute(der.SIGNING_TIME)[2:].decode()
        claimed = time.mktime(time.strptime(told, "%y%m%d%H%M%SZ")) - time.timezone
        assert before - 2 <= claimed <= time.time() + 1
    assert f"sealctl verify /run/test/document --signature {path}" in box.ok(
        f"sealctl sign {number} /run/test/document --format {fmt}")


@pytest.mark.parametrize("hash_word,scheme", [("sha384", "rsassa"), ("sha256", "rsapss"), ("sha512", "rsapss")])
def test_hash_and_scheme_are_those_that_are_asked_for(seals, hash_word, scheme):
    box, numbers = seals
    box.ok(f"sealctl sign {numbers['rsa-2048']} /run/test/document --format cades --hash {hash_word} "
           f"--scheme {scheme} --output /run/test/rsa.p7s")
    cms = der.Cms(read(box, "/run/test/rsa.p7s"))
    anchors = pem(box, "anchors", cms.others)
    box.ok("openssl cms -verify -cades -inform DER -in /run/test/rsa.p7s -content /run/test/document -binary "
           f"-CAfile {anchors} -purpose any -out /dev/null")
    assert cms.attribute(der.MESSAGE_DIGEST)[2:] == hashlib.new(hash_word, TEXT).digest()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_certificate_is_asked_for_with_the_seals_key(seals, algorithm):
    """GetCertificateRequest is this format: of no document, a use like any other."""
    box, numbers = seals
    number = numbers[algorithm]
    short, error = box.seal(number, "GetCertificateRequest", "a{sv}", 0)
    assert short, error
    data, error = box.seal(number, "Sign", "aya{sv}", 0, 1, "format", "s", "pkcs10")
    assert data, error
    assert der.inside(bytes(short[0]))[0] == der.inside(bytes(data[0]))[0]  # but for the signature
    box.ok(f"sealctl certificate request {number} --output /run/test/request.der")
    assert der.inside(read(box, "/run/test/request.der"))[0] == der.inside(bytes(data[0]))[0]
    request = box.write("request.der", bytes(data[0]))
    more = f"-vfyopt {DISTID}" if algorithm == "sm2" else ""
    told = box.ok(f"openssl req -inform DER -in {request} -verify -noout -subject -pubkey {more} 2>&1")
    assert "verify OK" in told and f"CN = {number}" in told
    assert box.ok(f"sealctl show {number} --public-key").strip() in told
    [row] = [row for row in events(box, "use", number) if row["use"] == data[1]]
    assert row["facts"]["format"] == "pkcs10"
    info = der.inside(bytes(data[0]))[0][2]
    assert row["document-hash"] == box.run(f"openssl dgst -{hash_of(algorithm)} -binary "
                                    f"{box.write('info', info)}").bytes.hex()


def events(box, name, number):
    rows, error = box.manager("ReadLedger", "a{sv}", 2, "event", "s", name, "seal", "s", number)
    assert rows, error
    return [json.loads(row) for row in rows[0]]


def test_the_ledger_has_the_documents_hash_and_the_format(seals):
    box, numbers = seals
    number = numbers["ecdsa-p256"]
    for fmt in ("raw", *SUFFIXES):
        box.ok(f"sealctl sign {number} /run/test/document --format {fmt} --output /run/test/any")
        row = events(box, "use", number)[-1]
        assert row["document-hash"] == hashlib.sha256(TEXT).hexdigest() and row["hash"] == "sha256"
        assert row.get("facts", {}).get("format", "raw") == fmt
        assert ("facts" in row) == (fmt != "raw")
    shown = box.ok(f"sealctl ledger list --seal {number} --event use").splitlines()
    assert all(f"as {fmt}," in line for fmt, line in zip(SUFFIXES, shown[-len(SUFFIXES):])), shown


def test_property_info_says_what_of_the_document_is_signed(seals):
    box, numbers = seals
    number = numbers["sm2"]
    box.ok(f"sealctl sign {number} /run/test/document --format eseal --property-info 'Doc_0/Signs/Sign_0'")
    check_eseal(box, "sm2", read(box, "/run/test/document.ses"), number, prop=b"Doc_0/Signs/Sign_0")
    for text in ("印", "a\tb", "x" * 1025):
        done = box.run(["sealctl", "sign", number, "/run/test/document", "--format", "eseal",
                        "--property-info", text, "--output", "/run/test/any"])
        assert done.status == 2 and "property-info" in done.stderr, done


@pytest.mark.parametrize("words,status,text", [
    ("--format xades", 2, "xades"),
    ("--format pkcs10", 2, "certificate request"),
    ("--format cades --property-info x", 2, "eseal"),
    ("--format cades --hash sm3", 2, "'hash'|sm3"),
])
def test_options_that_do_not_go_together_are_refused(seals, words, status, text):
    box, numbers = seals
    before = box.seal_property(numbers["ecdsa-p256"], "UseCount")
    done = box.run(f"sealctl sign {numbers['ecdsa-p256']} /run/test/document {words}")
    assert done.status == status and any(t in done.stderr for t in text.split("|")), done
    assert box.seal_property(numbers["ecdsa-p256"], "UseCount") == before


def error_of(box, number, member, *arguments):
    return box.error(f"/org/sealsd1/seal/{number}", "Seal", member, *[str(a) for a in arguments])


def test_the_daemon_refuses_what_does_not_go_together(seals):
    box, numbers = seals
    digest = list(hashlib.sha256(TEXT).digest())
    sign = ["aya{sv}", 32, *digest]
    before = {a: box.seal_property(n, "UseCount") for a, n in numbers.items()}
    for algorithm, more in [("ecdsa-p256", [1, "format", "s", "xades"]),
                            ("ecdsa-p256", [1, "format", "s", "pkcs10"]),
                            ("ecdsa-p256", [1, "property-info", "s", "x"]),
                            ("ecdsa-p256", [2, "format", "s", "eseal", "property-info", "s", ""]),
                            ("rsa-2048", [2, "format", "s", "eseal", "scheme", "s", "rsapss"]),
                            ("sm2", [2, "format", "s", "cades", "hash", "s", "sha256"])]:
        assert error_of(box, numbers[algorithm], "Sign", *sign, *more) == "InvalidArgs", more
    assert error_of(box, numbers["ecdsa-p256"], "Sign", "aya{sv}", 31, *digest[:31], 1, "format", "s",
                    "cades") == "InvalidArgs"
    assert error_of(box, numbers["ecdsa-p256"], "SignMany", "aaya{sv}", 2, 0, 0, 1, "format", "s",
                    "pkcs10") == "InvalidArgs"
    assert {a: box.seal_property(n, "UseCount") for a, n in numbers.items()} == before


def test_without_a_picture_there_is_no_electronic_seal(seals):
    box, _numbers = seals
    number = make(box, "ecdsa-p256")
    done = box.run(f"sealctl sign {number} /run/test/document --format eseal")
    assert done.status == 5 and "apply renew" in done.stderr and "picture" in done.stderr, done
    assert error_of(box, number, "Sign", "aya{sv}", 32, *range(32), 1, "format", "s", "eseal") == "InvalidState"
    assert box.seal_property(number, "UseCount") == 0
    box.ok(f"sealctl sign {number} /run/test/document --format cades")


# --- many ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fmt", SUFFIXES)
def test_a_hundred_documents_are_signed_with_one_call(seals, fmt):
    box, numbers = seals
    number = numbers["ecdsa-p256"]
    box.ok("mkdir -p /run/test/many; for i in $(seq 100); do echo document $i > /run/test/many/$i; done")
    before = box.seal_property(number, "UseCount")
    told = json.loads(box.ok(f"sealctl --json sign-many {number} /run/test/many/[0-9]* --format {fmt}"))
    assert told["signed"] == 100 and box.seal_property(number, "UseCount") == before + 100
    for i in (1, 50, 100):
        check(box, "ecdsa-p256", fmt, read(box, f"/run/test/many/{i}.{SUFFIXES[fmt]}"), number,
              path=f"/run/test/many/{i}")
    rows = events(box, "use", number)[-1]
    assert rows["count"] == 100 and rows["facts"]["format"] == fmt and len(rows["facts"]["digests"]) == 100
    box.ok("rm -r /run/test/many")


def test_what_no_message_could_carry_is_refused_before_a_use_is_spent(new_sandbox):
    box = new_sandbox()
    box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
    picture = box.write("seal.png", png(240, 240, noise=True))
    number = make(box, "ecdsa-p256", f"--picture {picture} --picture-mm 42x42")
    box.ok("mkdir -p /run/test/many; for i in $(seq 600); do echo $i > /run/test/many/$i; done")
    done = box.run(f"sealctl sign-many {number} /run/test/many/* --format eseal")
    assert done.status == 2 and "at most" in done.stderr and "eseal" in done.stderr, done
    assert box.seal_property(number, "UseCount") == 0
    room = int(done.stderr.split("at most ")[1].split()[0])
    assert 200 < room < 600
    box.ok(f"cd /run/test/many; sealctl sign-many {number} $(ls | head -{room}) --format eseal")
    assert box.seal_property(number, "UseCount") == room


# --- with a PIN ---------------------------------------------------------------------------------


def test_a_seal_with_a_pin_signs_in_every_format(seals):
    box, _numbers = seals
    picture = box.temp("seal.png")
    number = make(box, "ecdsa-p256", f"--pin --picture {picture} --picture-mm 42x42")
    box.write("pin", "4711\n")
    box.ok(f"sealctl accept {number} --pin-file /run/test/pin")
    for fmt, suffix in SUFFIXES.items():
        assert error_of(box, number, "Sign", "aya{sv}", 32, *range(32), 1, "format", "s", fmt) == "PinRequired"
        box.ok(f"sealctl sign {number} /run/test/document --format {fmt} --pin-file /run/test/pin")
        check(box, "ecdsa-p256", fmt, read(box, f"/run/test/document.{suffix}"), number)
