# SPDX-License-Identifier: Apache-2.0
"""`sealctl verify` of CAdES signatures, of PAdES's, and of those of GB/T 35275."""

import pytest

import cms
import ses
from pki import Authority, openssl, stamp
from verifying import (CERTIFICATE, RFC3339, deviations, report, rows, sealctl, sm2_of,  # noqa: F401
                       text, world_of)  # fixtures

SIGNED = ("structure", "signature-value", "document-hash", "signing-certificate", *CERTIFICATE)
GOOD = {**dict.fromkeys(SIGNED, "passed"), "timestamp": "absent"}


def signed(world, signer=None, document=None, **words):
    """The option for a signature that is good but for what is said here."""
    document = world.document.read_bytes() if document is None else document
    return ["--signature", world.file("signed.p7s", cms.signature(signer or world.signer, document, **words))]


# --- what others make -----------------------------------------------------------------------------


def by_openssl(world, signer, *words):
    """`openssl cms -sign -cades`; its signing time is now."""
    content = openssl("cms", "-sign", "-cades", "-binary", "-outform", "DER", "-in", world.document, "-signer",
                      signer.cert, "-inkey", signer.key, "-nosmimecap", *words)
    return ["--signature", world.file("openssl.p7s", content)]


@pytest.mark.parametrize("algorithm, words, name", [
    ("P-256", ("-md", "sha256"), "ecdsa-sha256"),
    ("P-384", ("-md", "sha384"), "ecdsa-sha384"),
    ("rsa2048", ("-md", "sha256"), "rsassa-sha256"),
    ("rsa3072", ("-md", "sha512"), "rsassa-sha512"),
    ("rsa3072", ("-md", "sha256", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:32"),
     "rsapss-sha256"),
])
def test_what_openssl_makes_passes_every_check(world, algorithm, words, name):
    signer = world.maker.signer(algorithm=algorithm)
    said = report(world.document, *by_openssl(world, signer, *words), *world.trust(), status=0)
    assert rows(said) == GOOD
    assert said["kind"] == "cades" and said["signed"]["algorithm"] == name
    assert said["signed"]["time-source"] == "claimed" and said["signed"]["seal"] == "50011200000001"


def test_what_we_change_below_openssl_verifies_unchanged(world):
    """The tests' own builder makes what openssl takes for CAdES."""
    signature = signed(world)[1]
    authorities = world.file("authorities.pem", world.root.cert.read_bytes() + world.maker.cert.read_bytes())
    openssl("cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", signature, "-content", world.document,
            "-CAfile", authorities, "-out", world.folder / "out", "-purpose", "any")


def test_a_signature_of_sm2_passes_every_check(sm2):
    said = report(sm2.document, *signed(sm2), *sm2.trust(), status=0)
    assert rows(said) == GOOD
    assert said["signed"]["profile"] == "CAdES, GB/T 35275" and said["signed"]["algorithm"] == "sm2-sm3"


def test_pem_is_read_and_listed(world):
    content = openssl("cms", "-cmsout", "-inform", "DER", "-outform", "PEM", "-in", signed(world)[1])
    said = report(world.document, "--signature", world.file("signed.pem", content), *world.trust(), status=0)
    assert rows(said) == GOOD and deviations(said) == ["pem"]


def test_a_signature_without_a_time_is_of_pades_and_judged_now(world):
    said = report(world.document, *signed(world, time=None), *world.trust(), status=0)
    assert rows(said) == GOOD
    assert said["signed"]["time-source"] == "now" and "PAdES" in said["signed"]["profile"]


def test_a_time_that_has_not_come_is_not_believed(world):
    said = report(world.document, *signed(world, time=10), *world.trust(), status=0)
    assert said["signed"]["time-source"] == "now" and deviations(said) == ["future-time"]


# --- each check fails alone -----------------------------------------------------------------------


def other_value(world):
    return [*signed(world, value=world.maker), *world.trust()]


def other_document(world):
    return [*signed(world, document=b"We hereby disagree.\n"), *world.trust()]


def other_certificate(world):
    return [*signed(world, named=world.maker), *world.trust()]


def other_chain(world):
    signer = Authority(world.folder / "stranger", "Stranger").signer()
    return [*signed(world, signer), *world.trust()]


def other_usage(world):
    return [*signed(world, world.maker.signer(usage="critical,keyEncipherment")), *world.trust()]


def expired(world):
    lists = [world.root.crl(last=-20, name="old.pem"), world.maker.crl(last=-20, name="old.pem")]
    return [*signed(world, world.maker.signer(start=-30, end=-10)), *world.trust(crl=lists),
            "--at", stamp(-5, RFC3339)]


def revoked(world):
    crl = world.maker.crl([(world.signer, -3, "keyCompromise")], name="revoked.pem")
    return [*signed(world), *world.trust(crl=[world.root_crl, crl])]


def no_time_stamp(world):
    stamped = cms.attribute(cms.TIME_STAMP, ses.seq(ses.oid(cms.SIGNED_DATA[False]), ses.tlv(0xa0, ses.seq())))
    return [*signed(world, unsigned=lambda value: ses.tlv(0xa1, stamped)), *world.trust()]


@pytest.mark.parametrize("make, check, beside", [
    (other_value, "signature-value", {}),
    (other_document, "document-hash", {}),
    (other_certificate, "signing-certificate", {}),
    (other_chain, "certificate-chain", {"revocation": "not-checked"}),
    (other_usage, "certificate-usage", {}),
    (expired, "certificate-validity", {}),
    (revoked, "revocation", {}),
    (no_time_stamp, "timestamp", {}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_each_check_fails_alone(world, sm2, make, check, beside):
    for place in (world, sm2):
        said = report(place.document, *make(place), status=10)
        assert rows(said) == {**GOOD, **beside, check: "failed"}


@pytest.mark.parametrize("words", [{"signers": 0},
                                   {"content_type": cms.SIGNED_DATA[False]},
                                   {"more": [cms.attribute(cms.MESSAGE_DIGEST, ses.octets(bytes(32)))]}])
def test_a_structure_that_is_not_as_it_has_to_be_fails(world, words):
    said = report(world.document, *signed(world, **words), *world.trust(), status=10)
    assert rows(said)["structure"] == "failed"


# --- the document ---------------------------------------------------------------------------------


def test_a_detached_signature_without_its_document_is_incomplete(world):
    said = report(*signed(world), *world.trust(), status=11)
    assert rows(said) == {**GOOD, "document-hash": "not-checked"}


def test_the_document_inside_is_verified_and_extracted(world):
    out = world.folder / "extracted"
    said = report(*signed(world, embedded=True), *world.trust(), "--extract", out, status=0)
    assert rows(said) == GOOD
    assert out.read_bytes() == world.document.read_bytes()
    out.unlink()
    # A document beside it has to be the same one.
    said = report(world.document, *signed(world, embedded=True), *world.trust(), status=0)
    assert rows(said) == GOOD
    other = world.file("other.txt", b"We hereby disagree.\n")
    said = report(other, *signed(world, embedded=True), *world.trust(), "--extract", out, status=10)
    assert rows(said) == {**GOOD, "document-hash": "failed"}
    assert not out.exists()
    done = sealctl("verify", world.document, *signed(world), *world.trust(), "--extract", out)
    assert done.returncode == 4 and b"detached" in done.stderr


def test_signed_attributes_that_are_not_read_are_named(world):
    """A policy (EN 319 122-1 5.2.9), and an algorithm that contradicts (RFC 6211): once they passed in silence."""
    policy, algorithm = "1.2.840.113549.1.9.16.2.15", "1.2.840.113549.1.9.52"
    more = [cms.attribute(policy, ses.seq(ses.oid("1.2.3.4"))), cms.attribute(algorithm, ses.seq(ses.oid("1.2.3.5")))]
    said = report(world.document, *signed(world, more=more), *world.trust(), status=0)
    assert rows(said) == GOOD
    assert deviations(said) == ["unread-attribute"] * 2
    for identifier, found in zip((policy, algorithm), sorted(said["deviations"], key=lambda each: each["text"])):
        assert f": {identifier}" in found["text"] or f"({identifier})" in found["text"], found


def test_what_mail_the_signer_reads_is_no_deviation(world):
    content = openssl("cms", "-sign", "-cades", "-binary", "-outform", "DER", "-in", world.document, "-signer",
                      world.signer.cert, "-inkey", world.signer.key)
    said = report(world.document, "--signature", world.file("mail.p7s", content), *world.trust(), status=0)
    assert rows(said) == GOOD and deviations(said) == []


def test_the_signature_beside_the_document_is_found(world):
    document = world.file("letter.txt", b"Dear all\n")
    beside = world.file("letter.txt.p7s", cms.signature(world.signer, b"Dear all\n"))
    assert rows(report(document, *world.trust(), status=0)) == GOOD
    (world.folder / "letter.txt.ses").write_bytes(beside.read_bytes())
    done = sealctl("verify", document, *world.trust())
    assert done.returncode == 2
    assert f"{beside} and {world.folder}/letter.txt.ses are both there" in done.stderr.decode()
    done = sealctl("verify", document, "--certificate", world.signer.cert, *world.trust())
    assert done.returncode == 4 and b"there is no " in done.stderr and b"letter.txt.sig" in done.stderr


# --- time -----------------------------------------------------------------------------------------


@pytest.fixture(name="tsa", scope="module")
def tsa_of(world):
    root = Authority(world.folder / "tsa-root", "TSA root")
    root.stamping = root.signer(name="TSA", usage="critical,digitalSignature",
                                more="extendedKeyUsage = critical,timeStamping\n")
    return root


def stamped(world, tsa, **words):
    return signed(world, unsigned=lambda value: cms.time_stamp(tsa.stamping, value, world.folder), **words)


def test_a_time_stamp_proves_that_a_signature_is_older_than_a_revocation(world, tsa):
    """The stamp is of now, the revocation of tomorrow, and the verifier's lists are of then."""
    signature = stamped(world, tsa)
    words = [world.document, *signature, *world.trust(), "--tsa-trust", tsa.cert]
    said = report(*words)
    assert rows(said)["timestamp"] == "passed"
    assert said["signed"]["time-source"] == "timestamp" and said["signed"]["timestamp-authority"] == "CN=TSA,O=Acme,C=DE"
    assert {k: v for k, v in rows(said).items() if k != "timestamp"} == {k: v for k, v in GOOD.items()
                                                                         if k != "timestamp"}


def test_a_time_stamp_that_nobody_vouches_for_proves_nothing(world, tsa):
    said = report(world.document, *stamped(world, tsa), *world.trust(), status=11)
    assert rows(said) == {**GOOD, "timestamp": "not-checked"}
    assert said["signed"]["time-source"] == "claimed"
    said = report(world.document, *stamped(world, tsa), *world.trust(), "--tsa-trust", world.root.cert, status=10)
    assert rows(said)["timestamp"] == "failed" and said["signed"]["time-source"] == "claimed"


def test_a_time_stamp_of_another_signature_fails(world, tsa):
    other = signed(world, unsigned=lambda value: cms.time_stamp(tsa.stamping, value + b"\0", world.folder))
    said = report(world.document, *other, *world.trust(), "--tsa-trust", tsa.cert, status=10)
    assert rows(said) == {**GOOD, "timestamp": "failed"}


# --- hostile files --------------------------------------------------------------------------------


def test_a_signature_that_was_cut_is_refused_wherever(world):
    whole = (world.folder / "signed.p7s").read_bytes() if signed(world) else b""
    for size in range(1, len(whole), 37):
        done = sealctl("--json", "verify", world.document, "--signature", world.file("cut", whole[:size]),
                       *world.trust())
        assert done.returncode in (2, 10), (size, done)
        assert done.stdout or done.stderr.startswith(b'{"error"')
    said = report(world.document, "--kind", "cades", "--signature", world.file("empty", b""), *world.trust(), status=10)
    assert rows(said)["structure"] == "failed"


def test_what_follows_the_signature_is_listed(world):
    whole = cms.signature(world.signer, world.document.read_bytes())
    said = report(world.document, "--signature", world.file("long", whole + b"\0\0"), *world.trust(), status=0)
    assert deviations(said) == ["trailing-bytes"]
