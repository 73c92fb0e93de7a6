# SPDX-License-Identifier: Apache-2.0
"""sealctl timestamp and a real authority: what it adds, and every answer that it does not take.

The signatures are of `openssl cms`, so that nothing here is our own word for it.
"""

import json
import os
import subprocess

import pytest

from conftest import ROOT
from time_authority import Authority, openssl, serve

BUILD = os.environ.get("SEALSD_BUILD", str(ROOT / "build"))
SEALCTL = os.path.join(BUILD, "sealctl")
NOWHERE = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent", "no_proxy": "*"}


def sealctl(*words, status=0, stdin=None):
    done = subprocess.run([SEALCTL, *map(str, words)], env=NOWHERE, input=stdin,
                          capture_output=True, check=False)
    assert done.returncode == status, done
    return done


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = serve(Authority(tmp_path_factory.mktemp("authority")))
    yield server
    server.shutdown()


@pytest.fixture(scope="module", name="signed")
def signed_fixture(tmp_path_factory):
    """The bytes of a CMS signature, and the folder with its document and certificate."""
    folder = tmp_path_factory.mktemp("signer")
    (folder / "document").write_text("Contract no. 7\n")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", folder / "key.pem", "-out", folder / "signer.pem", "-subj", "/CN=Seal",
            "-addext", "keyUsage=critical,digitalSignature,nonRepudiation")
    openssl("cms", "-sign", "-cades", "-binary", "-in", folder / "document", "-signer",
            folder / "signer.pem", "-inkey", folder / "key.pem", "-md", "sha256", "-outform", "DER",
            "-out", folder / "cms")
    return folder


@pytest.fixture(name="file")
def file_fixture(signed, tmp_path):
    path = tmp_path / "document.p7s"
    path.write_bytes((signed / "cms").read_bytes())
    return path


def url(server, path="/good"):
    return f"http://127.0.0.1:{server.server_port}{path}"


def layout(path):
    return openssl("asn1parse", "-inform", "DER", "-in", path).decode().splitlines()


def token_of(path, folder):
    """The token, cut out at the place that asn1parse shows: a SEQUENCE in a SET behind the OID."""
    lines = layout(path)
    place = next(i for i, line in enumerate(lines) if "id-smime-aa-timeStampToken" in line)
    fields = lines[place + 2].replace("=", " ").replace(":", " ").split()
    offset, header, length = int(fields[0]), int(fields[4]), int(fields[6])
    token = folder / "token"
    token.write_bytes(path.read_bytes()[offset:offset + header + length])
    return token


def value_of(path, folder):
    """The signature's value, likewise: the OCTET STRING of SignerInfo."""
    lines = [line for line in layout(path) if ":d=5 " in line and "OCTET STRING" in line]
    openssl("asn1parse", "-inform", "DER", "-in", path, "-strparse", lines[0].split(":")[0].strip(),
            "-noout", "-out", folder / "value")
    return folder / "value"


def test_a_time_stamp_is_added_that_openssl_verifies(server, signed, file, tmp_path):
    before = file.read_bytes()
    done = sealctl("--json", "timestamp", file, "--url", url(server), "--tsa-trust",
                   server.authority.root)
    assert json.loads(done.stdout) == {"output": str(file)}
    assert file.read_bytes() != before
    token = token_of(file, tmp_path)
    said = openssl("ts", "-verify", "-data", value_of(file, tmp_path), "-in", token, "-token_in",
                   "-CAfile", server.authority.root)
    assert b"Verification: OK" in said
    # Nothing that was signed is another.
    openssl("cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", file, "-content",
            signed / "document", "-CAfile", signed / "signer.pem", "-purpose", "any")
    assert server.authority.asked[-1] == ("/good", "application/timestamp-query")


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_the_authority_is_told_a_hash_of_choice(server, file, tmp_path, name):
    sealctl("timestamp", file, "--url", url(server), "--hash", name)
    said = openssl("ts", "-reply", "-in", token_of(file, tmp_path), "-token_in", "-text").decode()
    assert f"Hash Algorithm: {name}" in said


def test_output_leaves_the_signature_as_it_is(server, file, tmp_path):
    before = file.read_bytes()
    sealctl("timestamp", file, "--url", url(server), "--output", tmp_path / "stamped")
    assert file.read_bytes() == before
    done = sealctl("timestamp", "-", "--url", url(server), "--output", "-", stdin=before)
    (tmp_path / "piped").write_bytes(done.stdout)
    for name in ("stamped", "piped"):
        token_of(tmp_path / name, tmp_path)


def test_pem_is_read(server, signed, tmp_path):
    path = tmp_path / "cms.pem"
    openssl("cms", "-cmsout", "-inform", "DER", "-in", signed / "cms", "-outform", "PEM", "-out",
            path)
    sealctl("timestamp", path, "--url", url(server), "--output", tmp_path / "stamped")
    token_of(tmp_path / "stamped", tmp_path)


def test_a_type_may_have_parameters(server, file, tmp_path):
    sealctl("timestamp", file, "--url", url(server, "/parameter"))
    token_of(file, tmp_path)


@pytest.mark.parametrize("path,status,text", [
    ("/wrong-nonce", 10, "it answers another request (the nonce)"),
    ("/wrong-imprint", 10, "it is over something else"),
    ("/large", 1, "answers with more than 65536 bytes"),
    ("/endless", 1, "answers with more than 65536 bytes"),
    ("/error", 1, "answers with HTTP status 500"),
    ("/redirect", 1, "answers with HTTP status 302"),
    ("/page", 1, "answers with 'text/html' and not with application/timestamp-reply"),
    ("/garbage", 10, "that is not the answer of a time stamp authority (RFC 3161)"),
    ("/refuse", 10, "the time stamp authority refused (status 2): no reason given"),
])
def test_other_answers_leave_the_file_as_it_is(server, file, path, status, text):
    before = file.read_bytes()
    asked = len(server.authority.asked)
    done = sealctl("timestamp", file, "--url", url(server, path), status=status)
    assert text in done.stderr.decode() and not done.stdout
    assert file.read_bytes() == before
    assert len(server.authority.asked) == asked + 1  # and nobody else, nor twice


def test_a_slow_authority_is_not_waited_for(server, file):
    before = file.read_bytes()
    done = sealctl("timestamp", file, "--url", url(server, "/slow"), "--timeout", "1", status=9)
    assert "Timeout was reached" in done.stderr.decode()
    assert file.read_bytes() == before


def test_an_authority_that_is_not_there_is_said_to_be_away(file):
    done = sealctl("timestamp", file, "--url", "http://127.0.0.1:9/", status=9)
    assert "http://127.0.0.1:9/: Couldn't connect to server" in done.stderr.decode()


def test_an_authority_of_others_is_not_trusted(server, signed, file):
    before = file.read_bytes()
    done = sealctl("timestamp", file, "--url", url(server), "--tsa-trust", signed / "signer.pem",
                   status=10)
    assert "no time stamp to use" in done.stderr.decode()
    assert file.read_bytes() == before


@pytest.mark.parametrize("words", [
    "file:///etc/passwd", "ftp://127.0.0.1/", "ldap://127.0.0.1/", "gopher://127.0.0.1/", "/etc/passwd",
    "http://", "http://name:word@127.0.0.1/", "http://127.0.0.1/" + 2048 * "x", "",
])
def test_other_urls_are_not_spoken_to(file, words):
    before = file.read_bytes()
    sealctl("timestamp", file, "--url", words, status=2)
    assert file.read_bytes() == before


def test_what_has_no_place_for_a_time_stamp_is_left_alone(server, signed, file, tmp_path):
    asked = len(server.authority.asked)
    for data in (b"", b"not a signature", (signed / "signer.pem").read_bytes(),
                 file.read_bytes()[:-1]):
        path = tmp_path / "other"
        path.write_bytes(data)
        sealctl("timestamp", path, "--url", url(server), status=2)
        assert path.read_bytes() == data
    sealctl("timestamp", tmp_path / "nothing", "--url", url(server), status=4)
    sealctl("timestamp", file, status=2)
    sealctl("timestamp", file, "--url", url(server), "--hash", "md5", status=2)
    sealctl("timestamp", file, "--url", url(server), "--timeout", "301", status=2)
    sealctl("timestamp", "-", "--url", url(server), status=2)
    assert len(server.authority.asked) == asked


@pytest.mark.parametrize("words,text", [
    (["--embed"], "--embed goes with --format cades"),
    (["--embed", "--format", "pades-cms"], "--embed goes with --format cades"),
    (["--timestamp", "http://127.0.0.1/"], "a raw signature has no place for one"),
    (["--format", "cades", "--timestamp", "ftp://127.0.0.1/"], "is no URL of http or https"),
    (["--format", "cades", "--tsa-trust", "x"], "--tsa-trust is for --timestamp"),
])
def test_signing_asks_nobody_for_what_cannot_be(signed, words, text):
    """Nor the daemon, which is not there."""
    done = sealctl("sign", "50011200000001", signed / "document", *words, status=2)
    assert text in done.stderr.decode()


def test_what_is_embedded_is_a_file_of_bounded_size(tmp_path):
    sealctl("sign", "50011200000001", "-", "--embed", "--format", "cades", status=2, stdin=b"x")
    sealctl("sign", "50011200000001", tmp_path / "nothing", "--embed", "--format", "cades", status=4)
    with open(tmp_path / "large", "wb") as large:
        large.truncate(64 << 20)
    sealctl("sign", "50011200000001", tmp_path / "large", "--embed", "--format", "cades", status=2)


def test_what_openssl_signs_is_verified_whatever_its_salt(tmp_path):
    """Its cms takes the largest that fits; that nobody signs the parameters is told."""
    document, key, signer, cms = (tmp_path / name for name in ("document", "key", "signer", "cms"))
    document.write_text("Contract no. 7\n")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", signer, "-subj",
            "/CN=Seal", "-addext", "keyUsage=critical,digitalSignature,nonRepudiation")
    for words, deviations in (([], []), (["-keyopt", "rsa_pss_saltlen:32"], []),
                              (["-keyopt", "rsa_pss_saltlen:222"], ["algorithm-identifier"])):
        pss = ["-keyopt", "rsa_padding_mode:pss"] if words else []
        openssl("cms", "-sign", "-cades", "-binary", "-in", document, "-signer", signer, "-inkey", key, "-md",
                "sha256", *pss, *words, "-outform", "DER", "-out", cms)
        done = sealctl("--json", "verify", document, "--signature", cms, "--trust", signer, "--offline")
        report = json.loads(done.stdout)
        assert [told["deviation"] for told in report["deviations"]] == deviations


def test_only_sealctl_knows_how_to_reach_others():
    def libraries(program):
        return subprocess.run(["ldd", os.path.join(BUILD, program)], check=True, text=True,
                              capture_output=True).stdout

    assert "libcurl" in libraries("sealctl")
    assert "libcurl" not in libraries("sealsd")
