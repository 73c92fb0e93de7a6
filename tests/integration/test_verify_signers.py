# SPDX-License-Identifier: Apache-2.0
"""`sealctl verify` of one CMS that several people signed: of each of them by his own rows."""

import pytest

import cms
from pki import Authority, der, openssl
from ses import seq, tlv
from verifying import CERTIFICATE, deviations, report, rows, sealctl, world_of  # noqa: F401  # fixtures

GOOD = {**dict.fromkeys(("structure", "signature-value", "document-hash", "signing-certificate", *CERTIFICATE),
                        "passed"), "timestamp": "absent"}


@pytest.fixture(name="second", scope="module")
def second_of(world):
    return world.maker.signer(name="50011200000002", algorithm="P-384")


def signed(world, *signers, words=()):
    """`openssl cms -sign -cades` with several -signer options, each with its own hash."""
    made = ["cms", "-sign", "-cades", "-binary", "-outform", "DER", "-in", world.document, "-nosmimecap", *words]
    for signer in signers:
        made += ["-signer", signer.cert, "-inkey", signer.key]
    return openssl(*made)


def parts(encoded):
    """The TLVs in one."""
    found, at = [], encoded.index(cms.inner(encoded, 0))
    while at < len(encoded):
        found.append(cms.inner(encoded[at:]))
        at += len(found[-1])
    return found


def both(one, other):
    """The signers of two files in one: lists of digest algorithms, certificates and signers are sets."""
    lists = [parts(cms.inner(content, 1, 0)) for content in (one, other)]
    version, algorithms, content, certificates, infos = (
        left if left == right else tlv(left[0], *sorted(set(parts(left) + parts(right))))
        for left, right in zip(*lists))
    return seq(cms.inner(one, 0), tlv(0xa0, seq(version, algorithms, content, certificates, infos)))


def told(world, content, *words, document=None, status):
    """The reports by the number of the seal."""
    said = report(document or world.document, "--signature", world.file("several.p7s", content), *words,
                  status=status)
    assert set(said) == {"verdict", "kind", "signers"} and said["kind"] == "cades"
    return {one["signed"]["seal"]: one for one in said["signers"]}


def test_each_of_two_signers_passes_every_check(world, second):
    content = signed(world, world.signer, second)
    by = told(world, content, *world.trust(), status=0)
    assert {seal: rows(one) for seal, one in by.items()} == {"50011200000001": GOOD, "50011200000002": GOOD}
    assert [one["verdict"] for one in by.values()] == ["passed", "passed"]
    assert all(deviations(one) == [] for one in by.values())
    assert by["50011200000002"]["signed"]["algorithm"].startswith("ecdsa-sha")


def test_signers_with_hashes_of_their_own_pass_also_from_standard_input(world, second):
    content = both(signed(world, world.signer), signed(world, second, words=["-md", "sha384"]))
    path = world.file("hashes.p7s", content)
    for words, data in (([world.document], None), (["-"], world.document.read_bytes())):
        said = report(*words, "--signature", path, *world.trust(), status=0, data=data)
        assert {one["signed"]["hash"] for one in said["signers"]} == {"sha256", "sha384"}
        assert all(rows(one) == GOOD and deviations(one) == [] for one in said["signers"])


def value_of(content, owner):
    """Where the last byte of this one's signature value stands: his SignerInfo ends with it."""
    for one in parts(parts(cms.inner(content, 1, 0))[-1]):
        if cms.inner(der(owner.cert), 0, 1) in one:
            return content.index(one) + len(one) - 1
    raise AssertionError


@pytest.mark.parametrize("altered", [0, 1])
def test_an_altered_signature_fails_on_its_signers_row_alone(world, second, altered):
    owners = [world.signer, second]
    content = bytearray(signed(world, *owners))
    content[value_of(bytes(content), owners[altered])] ^= 1
    by = told(world, bytes(content), *world.trust(), status=10)
    bad, good = f"5001120000000{altered + 1}", f"5001120000000{2 - altered}"
    assert rows(by[bad]) == {**GOOD, "signature-value": "failed"} and by[bad]["verdict"] == "failed"
    assert rows(by[good]) == GOOD and by[good]["verdict"] == "passed"
    out = world.folder / "extracted"
    done = sealctl("verify", world.document, "--signature", world.file("several.p7s", bytes(content)),
                   *world.trust(), "--extract", out)
    assert done.returncode == 10 and not out.exists()


def test_a_stranger_beside_a_good_signer_fails_alone(world):
    stranger = Authority(world.folder / "stranger", "Stranger").signer(name="50011200000003")
    by = told(world, signed(world, world.signer, stranger), *world.trust(), status=10)
    assert rows(by["50011200000001"]) == GOOD
    assert rows(by["50011200000003"]) == {**GOOD, "certificate-chain": "failed", "revocation": "not-checked"}


def test_a_revoked_signer_beside_a_good_one_fails_alone(world, second):
    crl = world.maker.crl([(second, -3, "keyCompromise")], name="second.pem")
    by = told(world, signed(world, world.signer, second), *world.trust(crl=[world.root_crl, crl]), status=10)
    assert rows(by["50011200000001"]) == GOOD and rows(by["50011200000002"]) == {**GOOD, "revocation": "failed"}


def test_of_another_document_all_fail(world, second):
    other = world.file("other.txt", b"We hereby disagree.\n")
    by = told(world, signed(world, world.signer, second), *world.trust(), document=other, status=10)
    assert all(rows(one) == {**GOOD, "document-hash": "failed"} for one in by.values())


def test_what_was_not_checked_of_one_is_the_exit_code_of_all(world, second):
    other = Authority(world.folder / "other", "Other", by=world.root)
    signer = other.signer(name="50011200000004")
    trust = world.trust(intermediate=[world.maker.cert, other.cert])
    by = told(world, signed(world, world.signer, signer), *trust, status=11)
    assert rows(by["50011200000001"]) == GOOD
    assert rows(by["50011200000004"]) == {**GOOD, "revocation": "not-checked"}


def test_people_are_shown_each_signer_and_what_all_come_to(world, second):
    content = bytearray(signed(world, world.signer, second))
    content[value_of(bytes(content), second)] ^= 1
    done = sealctl("verify", world.document, "--signature", world.file("several.p7s", bytes(content)), *world.trust())
    shown = done.stdout.decode()
    assert done.returncode == 10
    for word in ("Signer 1 of 2", "Signer 2 of 2", "Good: all that applies", "Not to be relied on: signature-value",
                 "\nOf 2 signers: 1 good, 0 not wholly checked, 1 not to be relied on.\n"):
        assert word in shown, shown


def test_there_is_a_most_of_signers(world):
    """The same one again and again is one each time."""
    path = world.file("many.p7s", cms.signature(world.signer, world.document.read_bytes(), signers=16))
    said = report(world.document, "--signature", path, *world.trust(), status=0)
    assert len(said["signers"]) == 16
    path = world.file("many.p7s", cms.signature(world.signer, world.document.read_bytes(), signers=17))
    said = report(world.document, "--signature", path, *world.trust(), status=11)
    assert set(rows(said).values()) == {"not-checked"}
    assert said["checks"][0]["text"] == "It has 17 signers, and 16 at most are verified here"


def test_a_time_stamp_of_several_signers_is_none(world):
    """RFC 3161 section 2.4.2: no signature but the authority's."""
    root = Authority(world.folder / "tsa-root", "TSA root")
    stamping = root.signer(name="TSA", usage="critical,digitalSignature", more="extendedKeyUsage = critical,timeStamping\n")

    def doubled(value):
        token = cms.token(stamping, value, world.folder)
        whole = parts(cms.inner(token, 1, 0))
        return tlv(0xa1, cms.attribute(cms.TIME_STAMP, seq(cms.inner(token, 0), tlv(0xa0, seq(
            *whole[:-1], tlv(0x31, *parts(whole[-1]) * 2))))))

    path = world.file("stamped.p7s", cms.signature(world.signer, world.document.read_bytes(), unsigned=doubled))
    said = report(world.document, "--signature", path, *world.trust(), "--tsa-trust", root.cert, status=10)
    assert rows(said) == {**GOOD, "timestamp": "failed"}


def test_a_signature_of_several_is_given_no_document_and_no_time_stamp(world, second):
    """It would be of the first of them alone."""
    path = world.file("several.p7s", signed(world, world.signer, second))
    done = sealctl("timestamp", path, "--url", "http://127.0.0.1:9/", "--tsa-trust", world.root.cert)
    assert done.returncode != 0 and b"the signature has not one signer" in done.stderr, done
