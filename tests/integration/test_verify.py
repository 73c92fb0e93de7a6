# SPDX-License-Identifier: Apache-2.0
"""`sealctl verify` of bare signatures with a certificate, and what it says of any file."""

import os
import subprocess

import pytest

from pki import Authority, SIGNS, key_make, openssl, stamp
from verifying import (BUILD, CERTIFICATE, RFC3339, deviations, report, rows, sealctl, sm2_of,  # noqa: F401
                       text, world_of)  # fixtures

RAW = ("signature-value", *CERTIFICATE)


# --- a bare signature with its certificate --------------------------------------------------------


@pytest.mark.parametrize("algorithm, digest", [("P-256", "sha256"), ("P-384", "sha384"), ("P-256", "sha512"),
                                               ("rsa2048", "sha256"), ("rsa3072", "sha512")])
def test_a_bare_signature_passes_every_check(world, algorithm, digest):
    signer = world.maker.signer(algorithm=algorithm)
    words = world.bare(signer.sign(world.document.read_bytes(), digest), signer)
    said = report(world.document, *words, *world.trust(), "--hash", digest, status=0)
    assert rows(said) == dict.fromkeys(RAW, "passed")
    assert said["signed"]["seal"] == "50011200000001"
    assert said["signed"]["hash"] == digest
    assert said["signed"]["time-source"] == "now"


def test_a_bare_signature_of_sm2_passes_every_check(sm2):
    said = report(sm2.document, *sm2.bare(), *sm2.trust(), status=0)
    assert rows(said) == dict.fromkeys(RAW, "passed")
    assert said["signed"]["algorithm"] == "sm2-sm3"


def other_document(world):
    return [world.file("other.txt", b"We hereby disagree.\n"), *world.bare(), *world.trust()]


def other_root(world):
    other = Authority(world.folder / "other-root", "Root")
    return [world.document, *world.bare(), *world.trust(trust=other.cert)]


def other_usage(world):
    signer = world.maker.signer(usage="critical,keyEncipherment")
    return [world.document, *world.bare(signer=signer), *world.trust()]


def expired(world):
    signer = world.maker.signer(start=-30, end=-10)
    # A list of that time, since one of today need not tell of what has expired.
    crls = [world.root.crl(last=-20, name="old.pem"), world.maker.crl(last=-20, name="old.pem")]
    return [world.document, *world.bare(signer=signer), *world.trust(crl=crls)]


def revoked(world):
    crl = world.maker.crl([(world.signer, -3, "keyCompromise")], name="revoked.pem")
    return [world.document, *world.bare(), *world.trust(crl=[world.root_crl, crl])]


@pytest.mark.parametrize("make, check, beside, words", [
    (other_document, "signature-value", {}, "is not this certificate's over the document with sha256"),
    (other_root, "certificate-chain", {"revocation": "not-checked"}, ""),
    (other_usage, "certificate-usage", {}, ""),
    (expired, "certificate-validity", {}, ""),
    (revoked, "revocation", {}, "(keyCompromise)"),
])
def test_each_check_of_a_bare_signature_fails_alone(world, make, check, beside, words):
    said = report(*make(world), status=10)
    assert rows(said) == {**dict.fromkeys(RAW, "passed"), **beside, check: "failed"}
    assert words in text(said, check)


@pytest.mark.parametrize("left_out, checks", [
    ("trust", ("certificate-chain", "revocation")),
    ("intermediate", None),
    ("crl", ("revocation",)),
])
def test_what_is_left_out_is_not_passed(world, left_out, checks):
    said = report(world.document, *world.bare(), *world.trust(**{left_out: None}))
    if checks:
        assert rows(said) == {**dict.fromkeys(RAW, "passed"), **dict.fromkeys(checks, "not-checked")}
        assert said["verdict"] == "incomplete"
    else:
        assert rows(said)["certificate-chain"] == "failed"


def test_the_lists_of_every_issuer_are_wanted(world):
    said = report(world.document, *world.bare(), *world.trust(crl=[world.crl]), status=11)
    assert rows(said)["revocation"] == "not-checked"
    assert "CN=Maker" in text(said, "revocation")
    crl = world.root.crl([(world.maker, -3, "CACompromise")], name="revoked.pem")
    said = report(world.document, *world.bare(), *world.trust(crl=[world.crl, crl]), status=10)
    assert "CN=Maker" in text(said, "revocation")


def test_time_is_named_by_at(world):
    words = [world.document, *world.bare(), *world.trust(crl=None)]
    said = report(*words, "--at", stamp(400, RFC3339), status=10)
    assert rows(said)["certificate-validity"] == "failed"
    assert said["signed"]["time-source"] == "given"
    # Revoked since: at a time before that it was good.
    crl = world.maker.crl([(world.signer, -3, "superseded")], name="revoked.pem")
    words = [world.document, *world.bare(), *world.trust(crl=[world.root_crl, crl])]
    said = report(*words, "--at", stamp(-5, RFC3339))
    assert rows(said)["revocation"] == "passed"
    assert "(superseded)" in text(said, "revocation")


def integer(data):
    return b"\x02" + bytes([len(data)]) + data


def raw_of(signature, size=32):
    """r ‖ s of a DER signature."""
    assert signature[0] == 0x30 and signature[1] < 0x80
    r = signature[4:4 + signature[3]]
    s = signature[6 + signature[3]:]
    return b"".join(n.lstrip(b"\0").rjust(size, b"\0") for n in (r, s))


def padded(signature):
    """With a superfluous zero byte before r."""
    raw = raw_of(signature)
    body = integer(b"\0\0" + raw[:32]) + integer(b"\0" + raw[32:])
    return b"\x30" + bytes([len(body)]) + body


@pytest.mark.parametrize("spell, code", [(raw_of, "raw-signature"), (padded, "non-minimal-integer")])
def test_signatures_in_odd_spellings_pass_and_are_listed(world, sm2, spell, code):
    for place in (world, sm2):
        signature = spell(place.signer.sign(place.document.read_bytes()))
        said = report(place.document, *place.bare(signature), *place.trust(), status=0)
        assert deviations(said) == [code]


# --- on the terminal ------------------------------------------------------------------------------


def test_people_read_rows_deviations_and_a_verdict(world):
    signature = raw_of(world.signer.sign(world.document.read_bytes()))
    done = sealctl("verify", world.document, *world.bare(signature), *world.trust())
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0
    assert any(line.split(maxsplit=1) == ["Signer:", "CN=50011200000001,O=Acme,C=DE"] for line in lines)
    assert [line.split()[:2] for line in lines if line.split()[:1] and line.split()[0] in RAW] == [
        [check, "passed"] for check in RAW]
    assert "  raw-signature: A signature is r and s side by side, not the SEQUENCE of two INTEGERs" in lines
    assert lines[-1] == "Good: all that applies was checked and passed."
    done = sealctl("verify", world.document, *world.bare(), *world.trust(crl=None))
    assert done.returncode == 11
    assert done.stdout.endswith(b"\nNothing is bad, but not all was checked: revocation (--crl, --at).\n")
    done = sealctl("verify", world.document, *world.bare(), "--offline")
    assert done.stdout.endswith(b"checked: certificate-chain (--trust), revocation (--crl, --at).\n")
    done = sealctl("verify", *other_document(world))
    assert done.returncode == 10
    assert done.stdout.endswith(b"\nNot to be relied on: signature-value failed.\n")


def test_what_a_certificate_says_does_not_speak_to_the_terminal(world):
    signer = world.maker.signer(name="Evil\x1b[2Kseal")
    done = sealctl("verify", world.document, *world.bare(signer=signer), *world.trust())
    assert b"\x1b" not in done.stdout
    assert b"Evil" in done.stdout


def test_without_a_bus_the_seal_s_state_is_absent(world):
    said = report(world.document, *world.bare(), *world.trust()[1:])
    assert rows(said) == {**dict.fromkeys(RAW, "passed"), "seal-state": "absent"}
    assert "no bus" in text(said, "seal-state")


# --- what is refused before anything is checked ---------------------------------------------------


def test_words_that_do_not_go_together(world):
    bare = world.bare()
    seal = world.file("seal.esl", bytes.fromhex("300a30083006160245530201"))
    cms = world.file("empty.p7s", bytes.fromhex("300d06092a864886f70d010702a000"))
    for words in ([], ["--trust", world.root.cert], ["-"], ["-", "--signature", "-"],
                  [world.document, "--public-key", world.signer.cert, *bare],
                  [world.document, *bare[:2]], [*bare], [world.document, *bare, "--kind", "pdf"],
                  [*bare[:2], "--public-key", world.signer.cert], [*bare[:2], "--seal", "50011200000001"],
                  [world.document, *bare, "--hash", "md5"], [world.document, *bare, "--hash", "sm3"],
                  [world.document, "--signature", seal], [world.document, "--signature", cms, *bare[2:]],
                  [world.document, "--signature", cms, "--hash", "sha256"],
                  [world.document, *bare, "--extract", world.folder / "out"],
                  [world.document, "--signature", cms, "--extract", "-"],
                  [world.document, "--signature", cms, "--public-key", world.signer.cert],
                  [world.document, "--signature", cms, "--seal", "50011200000001", "--offline"],
                  *([world.document, *bare[:2], "--public-key", world.signer.cert, *more] for more in (
                      ["--trust", world.root.cert], ["--intermediate", world.root.cert], ["--crl", world.crl],
                      ["--tsa-trust", world.root.cert], ["--at", "now"])),
                  [world.document, *bare, "--at", "some day"], [world.document, world.document]):
        done = sealctl("verify", *words)
        assert done.returncode == 2, (words, done)
        assert done.stderr.startswith(b"sealctl: ") and not done.stdout


def test_a_signature_that_is_not_there_is_asked_for(world):
    alone = world.file("alone.pdf", b"%PDF-1.7\n")
    done = sealctl("verify", alone, *world.trust())
    assert done.returncode == 4
    assert f"there is no {alone}.sig, .p7s, .cms or .ses: --signature FILE names" in done.stderr.decode()
    done = sealctl("verify", alone, "--public-key", world.signer.cert)
    assert done.returncode == 4 and f"there is no {alone}.sig: --signature" in done.stderr.decode()
    done = sealctl("verify", world.folder / "none", *world.trust())
    assert done.returncode == 4 and b"/none: No such file" in done.stderr


@pytest.mark.parametrize("option", ["trust", "intermediate", "crl", "tsa-trust"])
def test_trust_is_what_it_says_or_an_error(world, option):
    for content in (b"", b"nothing", b"-----BEGIN CERTIFICATE-----\n", b"\x30\x80"):
        done = sealctl("verify", world.document, *world.bare(), f"--{option}", world.file("odd", content))
        assert done.returncode == 2, done
        assert f"sealctl: {world.folder}/odd: " in done.stderr.decode()
    done = sealctl("verify", world.document, *world.bare(), f"--{option}", world.folder / "missing")
    assert done.returncode == 4


def test_trust_has_bounds_and_may_be_given_in_many_files(world):
    certificate = world.root.cert.read_bytes()
    many = world.file("many.pem", certificate * 300)
    done = sealctl("verify", world.document, *world.bare(), "--trust", many)
    assert done.returncode == 2 and f"{many}: " in done.stderr.decode(), done
    words = [word for _ in range(32) for word in ("--trust", world.root.cert)]
    said = report(world.document, *world.bare(), *world.trust(trust=None), *words, status=0)
    assert rows(said) == dict.fromkeys(RAW, "passed")
    done = sealctl("verify", world.document, *world.bare(), *words, "--trust", world.root.cert)
    assert done.returncode == 2 and b"--trust is given too often" in done.stderr


def test_files_that_are_no_signatures(world):
    key = key_make(world.folder / "a-key.pem")
    certificate = openssl("x509", "-in", world.signer.cert, "-outform", "DER")
    for content in (b"", b"\0", b"%PDF-1.7\n", os.urandom(100), key.read_bytes(), certificate,
                    world.signer.cert.read_bytes(), world.crl.read_bytes()):
        done = sealctl("verify", world.document, "--signature", world.file("odd", content))
        assert done.returncode == 2, (content, done)
        assert done.stderr.startswith(f"sealctl: {world.folder}/odd is ".encode())
        # As a bare signature it is one that does not fit.
        done = sealctl("verify", world.document, "--kind", "raw", *world.bare(content or b"\0"), *world.trust())
        assert done.returncode == 10, (content, done)


def test_a_huge_signature_is_refused_by_its_size(world):
    path = world.folder / "huge"
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    for words in (["--signature", path], ["--signature", path, "--certificate", world.signer.cert],
                  ["--signature", path, "--public-key", world.signer.cert],
                  [*world.bare(), "--trust", path], [*world.bare()[:2], "--certificate", path]):
        done = sealctl("verify", world.document, *words)
        assert done.returncode == 2
        assert f"{path} is larger than " in done.stderr.decode()


def test_a_document_of_any_size_is_read_piece_by_piece(world):
    """Standard input, and more of it than the program may have in memory."""
    size = 256 << 20
    command = f"ulimit -v 400000; head -c {size} /dev/zero | {BUILD}/sealctl --json verify - \"$@\""
    hashed = subprocess.run(f"head -c {size} /dev/zero | openssl dgst -sha256 -sign {world.signer.key}",
                            shell=True, check=True, stdout=subprocess.PIPE).stdout
    done = subprocess.run(["bash", "-c", command, "bash", *world.bare(hashed), *world.trust()],
                          stdout=subprocess.PIPE)
    assert done.returncode == 0, done


def test_the_order_and_the_keys_of_json_stay(world):
    said = report(world.document, *world.bare(), *world.trust()[1:])
    assert list(said) == ["verdict", "kind", "checks", "deviations", "deviations-left-off", "signed"]
    assert said["kind"] == "raw"
    assert [row["check"] for row in said["checks"]] == [*RAW, "seal-state"]
    assert all(list(row) == ["check", "result", "text"] for row in said["checks"])
    assert list(said["signed"]) == ["algorithm", "hash", "subject", "issuer", "serial", "public-key-sha256",
                                    "seal", "time", "time-source"]


def test_usage_of_both_kinds_goes_with_signatures(world):
    for usage in (SIGNS, "critical,nonRepudiation", "critical,digitalSignature", ""):
        signer = world.maker.signer(usage=usage)
        said = report(world.document, *world.bare(signer=signer), *world.trust())
        assert rows(said)["certificate-usage"] in ("passed", "absent"), usage
