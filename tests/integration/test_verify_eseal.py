# SPDX-License-Identifier: Apache-2.0
"""`sealctl verify` of electronic seals (GB/T 38540) and of signatures with them."""

import os
import pathlib

import pytest

import ses
from conftest import ROOT
from pki import Authority, SIGNS, stamp
from verifying import (CERTIFICATE, RFC3339, deviations, report, rows, sealctl, sm2_of,  # noqa: F401
                       text, world_of)  # fixtures

SAMPLES = pathlib.Path(os.environ.get("SEALSD_SAMPLES", ROOT.parent / "shared/samples/eseal"))

SEALED = ("seal-signature", "seal-validity", "seal-picture", "seal-maker-chain", "seal-maker-usage",
          "seal-maker-validity", "seal-maker-revocation")
SIGNED = ("structure", "signature-value", "document-hash", "certificate-in-seal", *CERTIFICATE, *SEALED)
GOOD_SEAL = {**dict.fromkeys(("structure", *SEALED), "passed"), "seal-extensions": "absent"}
NO_MAKER = {"seal-maker-usage": "not-checked"}  # an end entity's certificate, not itself trusted
GOOD = {**dict.fromkeys(SIGNED, "passed"), "seal-extensions": "absent", "timestamp": "absent"}


def signed(world, signer=None, maker=None, listed=None, document=None, seal=None, **words):
    """The option for a signature that is good but for what is said here; seal: of ses.seal."""
    signer = signer or world.signer
    made = ses.seal(maker or world.maker, listed or [signer], **(seal or {}))
    content = ses.signature(signer, made, document or world.document.read_bytes(), **words)
    return ["--signature", world.file("signed.ses", content)]


@pytest.mark.parametrize("form", [1, 2])
def test_a_signature_with_an_electronic_seal_passes_every_check(world, sm2, form):
    for place, profile in ((world, "GB/T 38540-2020 structure, non-SM algorithm"), (sm2, "GB/T 38540-2020")):
        said = report(place.document, *signed(place, seal={"listed": form}), *place.trust(), status=0)
        assert rows(said) == GOOD
        facts = said["signed"]
        assert said["kind"] == "eseal" and facts["profile"] == profile
        assert facts["seal"] == "50011200000001" and facts["seal-name"] == "Acme Contracts"
        assert facts["subject"] == "CN=50011200000001,O=Acme,C=DE" and facts["seal-maker"] == "CN=Maker,O=Acme"
        assert facts["time-source"] == "claimed" and facts["property-info"] == "whole document"
        assert deviations(said) == ([] if place is sm2 else ["non-sm-algorithm"])


def test_a_seal_alone_passes_every_check(world, sm2):
    for place in (world, sm2):
        path = place.file("seal.esl", ses.seal(place.maker, [place.signer]))
        said = report("--signature", path, *place.trust(), status=0)
        assert rows(said) == GOOD_SEAL
        assert said["kind"] == "seal" and said["signed"]["time-source"] == "now"


# --- each check fails alone -----------------------------------------------------------------------


def stranger(world, name):
    """Certified by a root that nobody trusts."""
    return Authority(world.folder / f"stranger-{name}", "Stranger").signer(name=name)


def at_an_earlier_time(world):
    """When what is valid from 30 to 10 days ago was so no more, with lists that tell of it still."""
    lists = [world.root.crl(last=-20, name="old.pem"), world.maker.crl(last=-20, name="old.pem")]
    return [*world.trust(crl=lists), "--at", stamp(-5, RFC3339)]


def revoked(world, owner, reason):
    return world.trust(crl=[world.root_crl, world.maker.crl([(owner, -3, reason)], name="revoked.pem")])


def seal_maker(world, **words):
    """One who makes seals, and no certificates."""
    return world.maker.signer(name="Seal maker", **words)


def other_value(world):
    return [*signed(world, value=world.maker), *world.trust()]


def other_document(world):
    return [*signed(world, document=b"We hereby disagree.\n"), *world.trust()]


def not_listed(world):
    return [*signed(world, listed=[world.maker]), *world.trust()]


def no_time_stamp(world):
    return [*signed(world, stamp=ses.tlv(0xa0, ses.bits(b"\x30\0"))), *world.trust()]


def other_chain(world):
    return [*signed(world, signer=stranger(world, "signer")), *world.trust()]


def other_usage(world):
    return [*signed(world, signer=world.maker.signer(usage="critical,keyEncipherment")), *world.trust()]


def expired(world):
    return [*signed(world, signer=world.maker.signer(start=-30, end=-10)), *at_an_earlier_time(world)]


def signer_revoked(world):
    return [*signed(world), *revoked(world, world.signer, "keyCompromise")]


def other_seal_value(world):
    return [*signed(world, seal={"value": world.signer}), *world.trust()]


def seal_expired(world):
    return [*signed(world, seal={"until": -2}), *world.trust()]


def unknown_extension(world):
    return [*signed(world, seal={"extensions": [ses.extension(critical=True)]}), *world.trust()]


def no_picture(world):
    return [*signed(world, seal={"picture": b"GIF89a"}), *world.trust()]


def other_maker(world):
    return [*signed(world, maker=stranger(world, "maker")), *world.trust()]


def other_maker_usage(world):
    return [*signed(world, maker=seal_maker(world, usage="critical,keyEncipherment")), *world.trust()]


def maker_expired(world):
    return [*signed(world, maker=seal_maker(world, start=-30, end=-10)), *at_an_earlier_time(world)]


def maker_revoked(world):
    maker = seal_maker(world)
    return [*signed(world, maker=maker), *revoked(world, maker, "cessationOfOperation")]


@pytest.mark.parametrize("make, check, beside", [
    (other_value, "signature-value", {}),
    (other_document, "document-hash", {}),
    (not_listed, "certificate-in-seal", {}),
    (no_time_stamp, "timestamp", {}),
    (other_chain, "certificate-chain", {"revocation": "not-checked"}),
    (other_usage, "certificate-usage", {}),
    (expired, "certificate-validity", {}),
    (signer_revoked, "revocation", {}),
    (other_seal_value, "seal-signature", {}),
    (seal_expired, "seal-validity", {}),
    (unknown_extension, "seal-extensions", {}),
    (no_picture, "seal-picture", {}),
    (other_maker, "seal-maker-chain", {"seal-maker-revocation": "not-checked"}),
    (other_maker_usage, "seal-maker-usage", {}),
    (maker_expired, "seal-maker-validity", NO_MAKER),
    (maker_revoked, "seal-maker-revocation", NO_MAKER),
], ids=lambda value: value if isinstance(value, str) else "")
def test_each_check_fails_alone(sm2, make, check, beside):
    said = report(sm2.document, *make(sm2), status=10)
    assert rows(said) == {**GOOD, **beside, check: "failed"}


def test_who_has_a_seal_cannot_make_himself_another_s(sm2):
    forged = {"number": "50011200000099", "name": "Another's seal"}
    said = report(sm2.document, *signed(sm2, maker=sm2.signer, seal=forged), *sm2.trust(), status=11)
    assert rows(said) == {**GOOD, **NO_MAKER}
    words = [*signed(sm2, maker=seal_maker(sm2)), *sm2.trust()]
    assert rows(report(sm2.document, *words, status=11)) == {**GOOD, **NO_MAKER}


def test_a_maker_that_is_no_ca_is_trusted_by_name(sm2):
    maker = seal_maker(sm2)
    words = [*signed(sm2, maker=maker), *sm2.trust(trust=[sm2.root.cert, maker.cert])]
    assert rows(report(sm2.document, *words, status=0)) == {**GOOD, "seal-maker-revocation": "absent"}


@pytest.mark.parametrize("version, name", [(2, "2"), (5, "5"), (9, "9")])
def test_a_version_that_is_not_known_is_refused_by_name(sm2, version, name):
    for words in (signed(sm2, seal={"version": version}, version=version),
                  ["--signature", sm2.file("seal.esl", ses.seal(sm2.maker, [sm2.signer], version=version))]):
        document = [sm2.document] if "seal.esl" not in str(words) else []
        said = report(*document, *words, *sm2.trust(), status=10)
        assert rows(said)["structure"] == "failed" and f"ersion {name}" in text(said, "structure")
        assert set(rows(said).values()) == {"failed", "not-checked"}


def test_without_the_document_its_hash_is_not_checked(sm2):
    said = report(*signed(sm2), *sm2.trust(), status=11)
    assert rows(said) == {**GOOD, "document-hash": "not-checked"}
    said = report(sm2.document, *signed(sm2), "--offline", status=11)
    assert rows(said)["certificate-chain"] == rows(said)["seal-maker-chain"] == "not-checked"


def test_a_claimed_time_does_not_help_against_a_later_revocation(sm2):
    crl = sm2.maker.crl([(sm2.signer, -0.25, "superseded")], name="revoked.pem")
    words = [sm2.document, *signed(sm2), *sm2.trust(crl=[sm2.root_crl, crl])]
    said = report(*words, status=11)
    assert rows(said) == {**GOOD, "revocation": "not-checked"}
    assert "no time stamp proves" in text(said, "revocation")
    assert rows(report(*words, "--at", stamp(-0.5, RFC3339)))["revocation"] == "passed"
    assert rows(report(*words, "--at", "now"))["revocation"] == "failed"


# --- what real files do ---------------------------------------------------------------------------


def raw(signature):
    """r ‖ s."""
    r = signature[4:4 + signature[3]]
    s = signature[6 + signature[3]:]
    return b"".join(n.lstrip(b"\0").rjust(32, b"\0") for n in (r, s))


def padded(signature):
    numbers = [ses.tlv(0x02, b"\0\0" + raw(signature)[:32]), ses.tlv(0x02, b"\0\0" + raw(signature)[32:])]
    return ses.seq(*numbers)


ODD = ses.extension(), ses.extension("1.2.3.5", critical=False)


@pytest.mark.parametrize("words, codes, extensions", [
    ({"spell": raw}, ["raw-signature"], "absent"),
    ({"seal": {"spell": raw}}, ["raw-signature"], "absent"),
    ({"spell": padded}, ["non-minimal-integer"], "absent"),
    ({"seal": {"spell": padded}}, ["non-minimal-integer"], "absent"),
    ({"seal": {"extensions": ODD}}, ["critical-encoded"], "passed"),
    ({"seal": {"extensions": [ses.extension(always=False)]}}, [], "passed"),
    ({"seal": {"extensions": [ses.extension(always=False)], "tag": 0xa0}}, ["extdatas-tag"], "passed"),
    ({"seal": {"picture_type": "png"}}, ["picture-type-case"], "absent"),
])
def test_what_real_files_do_is_tolerated_and_listed(sm2, words, codes, extensions):
    said = report(sm2.document, *signed(sm2, **words), *sm2.trust(), status=0)
    assert rows(said) == {**GOOD, "seal-extensions": extensions}
    assert sorted(set(deviations(said))) == codes


# --- files of others ------------------------------------------------------------------------------


def sample(name):
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"no samples of others' files in {SAMPLES}")
    return path


# What README.md beside them says, and what follows from their certificates: the root is no CA's, and
# those of signer and maker ended in April 2022, as their seals did.
UNTRUSTED = {"seal-maker-chain": "failed", "seal-maker-revocation": "not-checked"}
EXPIRED = {"seal-validity": "failed", "seal-maker-validity": "failed"}
SIGNER = {"certificate-chain": "failed", "revocation": "not-checked"}


@pytest.mark.parametrize("name, document, good, other", [
    ("UserV1.esl", None, GOOD_SEAL, {**UNTRUSTED, **EXPIRED}),
    ("UserV4.esl", None, GOOD_SEAL, {**UNTRUSTED, **EXPIRED}),
    ("SignedValueV4.dat", "ofdrw-v4-ok.Signature.xml", GOOD,
     {**UNTRUSTED, **SIGNER, "document-hash": "failed"}),
    ("ofdrw-v4-ok.SignedValue.dat", "ofdrw-v4-ok.Signature.xml", GOOD,
     {**UNTRUSTED, **SIGNER, **EXPIRED, "certificate-validity": "failed"}),
    ("hebeigede-v4-2certs-ext-BADSIG.der", None, GOOD_SEAL,
     {**UNTRUSTED, **EXPIRED, "seal-signature": "failed", "seal-extensions": "failed"}),
])
def test_samples_verify_as_they_are_known_to(name, document, good, other):
    words = ["--signature", sample(name), "--offline", "--trust", sample("ROOT.crt.pem")]
    said = report(*([sample(document)] if document else []), *words, status=10)
    assert rows(said) == {**good, **other}
    assert deviations(said) == (["critical-encoded"] if "ext" in name else [])


def test_samples_are_good_where_their_own_certificates_are_trusted_at_their_time():
    words = ["--offline", "--trust", sample("SealBuilder.crt.pem"), "--trust", sample("USER.crt.pem")]
    said = report(sample("ofdrw-v4-ok.Signature.xml"), "--signature", sample("ofdrw-v4-ok.SignedValue.dat"), *words,
                  "--at", "2021-01-01", status=0)
    assert rows(said) == {**GOOD, "revocation": "absent", "seal-maker-revocation": "absent"}
    for name in ("UserV1.esl", "UserV4.esl"):
        said = report("--signature", sample(name), *words, "--at", "2021-01-01", status=0)
        assert rows(said) == {**GOOD_SEAL, "seal-maker-revocation": "absent"}


# --- hostile files --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["eseal", "seal"])
def test_a_file_that_was_cut_is_refused_wherever(sm2, kind):
    sealed = ses.seal(sm2.maker, [sm2.signer])
    whole = sealed if kind == "seal" else ses.signature(sm2.signer, sealed, sm2.document.read_bytes())
    document = [sm2.document] if kind == "eseal" else []
    for size in [0, *range(1, len(whole), 61)]:
        path = sm2.file("cut", whole[:size])
        said = report(*document, "--kind", kind, "--signature", path, *sm2.trust(), status=10)
        assert rows(said)["structure"] == "failed"
        done = sealctl("verify", *document, "--signature", path, *sm2.trust())
        assert done.returncode in (2, 10) and (done.stdout or done.stderr.startswith(b"sealctl: "))


def test_a_file_of_one_kind_is_not_taken_for_another(sm2):
    """A good seal beside a document is no signature over it."""
    sealed = ses.seal(sm2.maker, [sm2.signer])
    signature = ses.signature(sm2.signer, sealed, sm2.document.read_bytes())
    for content, kind, found in ((sealed, "eseal", "seal"), (signature, "seal", "eseal"),
                                 (sealed, "cades", "seal"), (signature, "cades", "eseal")):
        done = sealctl("verify", *([sm2.document] if kind != "seal" else []), "--kind", kind, "--signature",
                       sm2.file("odd", content), *sm2.trust())
        assert done.returncode == 2 and f"it is of kind {found}, not {kind}" in done.stderr.decode(), done
    done = sealctl("verify", sm2.document, "--signature", sm2.file("seal.esl", sealed), *sm2.trust())
    assert done.returncode == 2 and b"is a seal alone, and of no DOCUMENT" in done.stderr
