# SPDX-License-Identifier: Apache-2.0
"""`sealctl verify` on files alone, without a daemon: who signs in the tests, and what is answered."""

import json
import os
import subprocess

import pytest

from conftest import ROOT
from pki import Authority

BUILD = os.environ.get("SEALSD_BUILD", str(ROOT / "build"))
CERTIFICATE = ("certificate-chain", "certificate-usage", "certificate-validity", "revocation")
RFC3339 = "%Y-%m-%dT%H:%M:%SZ"


def sealctl(*words, data=None):
    return subprocess.run([f"{BUILD}/sealctl", *map(str, words)], input=data,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"})


def report(*words, status=None, data=None):
    """The JSON of a report."""
    done = sealctl("--json", "verify", *words, data=data)
    assert done.returncode in ((0, 10, 11) if status is None else (status,)), done
    said = json.loads(done.stdout)
    assert done.returncode == {"passed": 0, "failed": 10, "incomplete": 11}[said["verdict"]]
    return said


def rows(said):
    return {row["check"]: row["result"] for row in said["checks"]}


def text(said, check):
    return next(row["text"] for row in said["checks"] if row["check"] == check)


def deviations(said):
    return [row["deviation"] for row in said["deviations"]]


class World:
    """A root, a maker below it, a signer of his, their lists, and a document."""

    def __init__(self, folder, algorithm="P-256"):
        self.folder = folder
        self.root = Authority(folder / "root", "Root", algorithm=algorithm)
        self.maker = Authority(folder / "maker", "Maker", by=self.root, algorithm=algorithm)
        self.signer = self.maker.signer(algorithm=algorithm)
        self.root_crl = self.root.crl()
        self.crl = self.maker.crl()
        self.document = folder / "contract.txt"
        self.document.write_bytes(b"We hereby agree.\n")

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def trust(self, **other):
        """Options; a keyword replaces one file, None leaves it out."""
        files = {"trust": self.root.cert, "intermediate": self.maker.cert, "crl": [self.root_crl, self.crl],
                 **other}
        words = ["--offline"]
        for name, value in files.items():
            for path in [] if value is None else value if isinstance(value, list) else [value]:
                words += [f"--{name}", path]
        return words

    def bare(self, signature=None, signer=None):
        """A bare signature in a file, and the signer's certificate."""
        signer = signer or self.signer
        return ["--signature", self.file("bare.sig", signature or signer.sign(self.document.read_bytes())),
                "--certificate", signer.cert]


@pytest.fixture(name="world", scope="module")
def world_of(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(name="sm2", scope="module")
def sm2_of(tmp_path_factory):
    return World(tmp_path_factory.mktemp("sm2"), "SM2")
