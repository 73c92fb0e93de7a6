# SPDX-License-Identifier: Apache-2.0
"""sealctl sign with --embed and --timestamp: real seals and a real authority, judged by openssl and by
sealctl verify."""

import json

import pytest

from conftest import ROOT, Sandbox
from pictures import png

ALGORITHMS = ("ecdsa-p256", "rsa-2048", "sm2")
TEXT = b"Contract no. 7\n"
DOCUMENT = "/run/test/document"


class Box:
    def __init__(self):
        self.box = Sandbox()
        self.box.ok("sealctl init --authority $SEAL_AUTHORITY --separation single")
        self.box.write("document", TEXT)
        picture = self.box.write("seal.png", png())
        self.numbers = {name: json.loads(self.box.ok(
            f"sealctl --json new --name {name} --algorithm {name} --picture {picture} "
            "--picture-mm 42x42"))["number"] for name in ALGORITHMS}
        folder = self.box.temp("authority")
        self.box.ok(f"mkdir {folder}")
        self.authority = self.box.pipe(["/usr/bin/python3",
                                        ROOT / "tests/integration/time_authority.py", folder])
        self.port = self.authority.line()
        self.root = f"{folder}/root.pem"
        self.box.ok("sealctl maker certificates > /run/test/makers.pem")

    def url(self, path="/good"):
        return f"http://127.0.0.1:{self.port}{path}"

    def sign(self, algorithm, *words, status=0):
        done = self.box.run(["sealctl", "--json", "sign", self.numbers[algorithm], DOCUMENT, *words])
        assert done.status == status, done
        return done

    def read(self, path):
        return self.box.run(["cat", path]).bytes

    def verify(self, *words):
        """The results by check."""
        done = self.box.run(["sealctl", "--json", "verify", *words, "--trust", "/run/test/makers.pem",
                             "--tsa-trust", self.root])
        assert done.status in (0, 11), done  # without a list revocation is open
        report = json.loads(done.stdout)
        told = {told["deviation"] for told in report["deviations"]}
        assert told <= {"non-sm-algorithm"}, report
        return {check["check"]: check["result"] for check in report["checks"]}

    def uses(self, algorithm):
        return self.box.seal_property(self.numbers[algorithm], "UseCount")


@pytest.fixture(scope="module", name="b")
def box_fixture():
    b = Box()
    yield b
    b.authority.kill()
    assert b.box.close() == 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_enveloping_signature_has_its_document(b, algorithm):
    path = b.box.temp(f"{algorithm}.p7m")
    b.sign(algorithm, "--format", "cades", "--embed", "--output", path)
    found = b.verify("--signature", path)
    assert found["document-hash"] == found["signature-value"] == "passed"
    assert found["certificate-chain"] == "passed" and found["timestamp"] == "absent"
    if algorithm != "sm2":
        b.box.ok(f"openssl cms -verify -cades -inform DER -in {path} -CAfile /run/test/makers.pem "
                 f"-purpose any -binary -out {path}.out && cmp {path}.out {DOCUMENT}")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("style", ["cades", "pades-cms", "eseal"])
def test_a_signature_is_stamped(b, algorithm, style):
    path = b.box.temp(f"stamped-{style}-{algorithm}")
    b.sign(algorithm, "--format", style, "--timestamp", b.url(), "--tsa-trust", b.root, "--output", path)
    found = b.verify(DOCUMENT, "--signature", path)
    assert found["timestamp"] == found["signature-value"] == found["document-hash"] == "passed"
    if style != "eseal" and algorithm != "sm2":
        b.box.ok(f"openssl cms -verify -cades -inform DER -in {path} -content {DOCUMENT} -binary "
                 "-CAfile /run/test/makers.pem -purpose any -out /dev/null")


def test_the_printed_command_asks_for_trust_in_who_stamped(b):
    seal, path = b.numbers["ecdsa-p256"], b.box.temp("printed")
    sign = f"sealctl sign {seal} {DOCUMENT} --format cades --output {path}"
    assert b.box.ok(f"{sign} --timestamp {b.url()}").endswith(" --crl maker.crl --tsa-trust tsa.pem\n")
    assert b.box.ok(sign).endswith(" --crl maker.crl\n")


def test_both_at_once_and_through_a_pipe(b):
    path = b.box.temp("both")
    b.sign("ecdsa-p256", "--format", "cades", "--embed", "--timestamp", b.url(), "--output", path)
    found = b.verify("--signature", path)
    assert found["timestamp"] == found["document-hash"] == "passed"
    b.box.ok(f"sealctl sign {b.numbers['ecdsa-p256']} {DOCUMENT} --format cades --timestamp {b.url()} "
             f"--output - >{path}.piped")
    assert b.verify(DOCUMENT, "--signature", f"{path}.piped")["timestamp"] == "passed"


@pytest.mark.parametrize("path,status", [("/error", 1), ("/wrong-nonce", 10), ("/large", 1)])
def test_a_signature_that_cost_a_use_stays_without_its_stamp(b, path, status):
    """And can be stamped afterwards."""
    output = b.box.temp("kept.p7s")
    before = b.uses("ecdsa-p256")
    done = b.sign("ecdsa-p256", "--format", "cades", "--timestamp", b.url(path), "--output", output,
                  status=status)
    assert bytes.fromhex(json.loads(done.stdout)["signature"]) == b.read(output)
    assert b.uses("ecdsa-p256") == before + 1
    assert b.verify(DOCUMENT, "--signature", output)["timestamp"] == "absent"
    b.box.ok(["sealctl", "timestamp", output, "--url", b.url()])
    assert b.verify(DOCUMENT, "--signature", output)["timestamp"] == "passed"
    done = b.box.run(["sealctl", "sign", b.numbers["ecdsa-p256"], DOCUMENT, "--format", "cades",
                      "--timestamp", b.url(path), "--output", output])
    assert done.status == status and f"Again: sealctl timestamp {output} --url" in done.stderr


def test_what_cannot_be_costs_no_use(b):
    before = b.uses("ecdsa-p256")
    for words in (["--embed"], ["--timestamp", b.url()], ["--format", "cades", "--timestamp", "ftp://x/"],
                  ["--format", "cades", "--timestamp", b.url(), "--tsa-trust", DOCUMENT]):
        b.sign("ecdsa-p256", *words, status=2)
    assert b.uses("ecdsa-p256") == before
