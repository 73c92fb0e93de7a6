# SPDX-License-Identifier: Apache-2.0
"""A daemon in the wrong hands asks an approver for his signature: sealctl signs what it shows, or nothing."""

import hashlib
import json
import os
import pwd
import struct
import subprocess

import pytest

from conftest import ROOT
from test_sealctl_watch import BUS

NUMBER, DOCUMENT = "50011200000001", b"We hereby agree.\n"
SEALCTL = f"{os.environ.get('SEALSD_BUILD', ROOT / 'build')}/sealctl"
ME = f"user:{pwd.getpwuid(os.getuid()).pw_name}"


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def sized(data):
    return struct.pack(">H", len(data)) + data


def reference(number):
    return sha256(b"sealsd/seal/" + number.encode())


# A TPM2B_PUBLIC of an ECDSA P-256 key (Part 2 section 12.2.4).
AREA = struct.pack(">HHI", 0x23, 0x0b, 0x40072) + sized(b"\7" * 32) + \
    struct.pack(">HHHH", 0x10, 0x10, 3, 0x10) + sized(b"\1" * 32) + sized(b"\2" * 32)


def cphash(digest):
    """Of TPM2_Sign (Part 1 section 18.7): the Name, the digest, ECDSA with SHA-256, no ticket."""
    return sha256(struct.pack(">I", 0x15d), b"\x00\x0b", sha256(AREA), sized(digest),
                  struct.pack(">HH", 0x18, 0x0b), struct.pack(">HIH", 0x8024, 0x40000007, 0))


def facts(live=False, **lies):
    """As an honest daemon has them, but for the lies; bytes: what is signed is of these."""
    digest, nonce = sha256(DOCUMENT), b"\x09" * 32
    told = {
        "kind": ("s", "live" if live else "deferred"), "seal": ("s", NUMBER), "seal-name": ("s", "Acme"),
        "public": ("ay", sized(AREA)), "digest": ("ay", digest), "hash": ("s", "sha256"),
        "scheme": ("s", "ecdsa"), "purpose": ("s", "document-signing"), "document-name": ("s", "contract.txt"),
        "requester": ("s", "user:carol"), "expires": ("t", 1 << 52), "expiration": ("u", 600 if live else 0),
        "cphash": ("ay", cphash(digest)), "policy-ref": ("ay", reference(NUMBER)), "threshold": ("u", 1),
        "approvers": ("as", [ME]), "approved": ("as", []),
    }
    if live:
        told["nonce"] = ("ay", nonce)
    told["to-sign"] = ("ay", (nonce if live else b"") + struct.pack(">I", told["expiration"][1]) +
                       told["cphash"][1] + told["policy-ref"][1])
    for name, value in lies.items():
        name = name.replace("_", "-")
        if value is None:
            del told[name]
        else:
            told[name] = (told.get(name, ("ay",))[0], value)
    return {name: (signature, value.hex() if signature == "ay" else value)
            for name, (signature, value) in told.items()}


class Liar:
    """A bus of its own with something on it that asks for a signature."""

    def __init__(self, folder):
        self.folder, self.address = folder, f"unix:path={folder}/bus"
        (folder / "bus.conf").write_text(BUS.format(folder / "bus"))
        self.daemon = subprocess.Popen(["dbus-daemon", "--nofork", "--print-address",
                                        f"--config-file={folder}/bus.conf"], stdout=subprocess.PIPE)
        assert self.daemon.stdout.readline()
        (folder / "facts").write_text("{}")
        self.service = subprocess.Popen(["/usr/bin/python3", ROOT / "tests/integration/lying_daemon.py",
                                         self.address, folder / "facts"], stdout=subprocess.PIPE, text=True)
        assert self.service.stdout.readline() == "ready\n"
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
                        folder / "me.pem"], check=True)
        (folder / "contract.txt").write_bytes(DOCUMENT)

    def sealctl(self, told, *words):
        """The result, and what the daemon was called with."""
        (self.folder / "facts").write_text(json.dumps(told))
        done = subprocess.run([SEALCTL, *words], cwd=self.folder, text=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # The last thing it is called with is a word of ours, so that nothing has to be waited for.
        subprocess.run(["busctl", f"--address={self.address}", "call", "org.sealsd1", "/org/sealsd1",
                        "org.sealsd1.Manager", "End"], check=True)
        calls = []
        while (line := self.service.stdout.readline().strip()) != "End":
            calls.append(line)
        return done, calls

    def approve(self, told):
        return self.sealctl(told, "--yes", "approve-use", "7", "--key", "me.pem", "--document", "contract.txt")

    def end(self):
        for process in (self.daemon, self.service):
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.fixture(scope="module")
def liar(tmp_path_factory):
    made = Liar(tmp_path_factory.mktemp("liar"))
    yield made
    made.end()


@pytest.mark.parametrize("live", [False, True])
def test_what_is_shown_is_what_is_signed(liar, live):
    told = facts(live)
    done, calls = liar.approve(told)
    assert done.returncode == 0 and "contract.txt" in done.stdout and "user:carol" in done.stdout, done
    assert sha256(DOCUMENT).hex() in done.stdout
    signature = calls[1].removeprefix("Authorize ")
    (liar.folder / "signature").write_bytes(bytes.fromhex(signature))
    (liar.folder / "signed").write_bytes(bytes.fromhex(told["to-sign"][1]))
    subprocess.run(["openssl", "dgst", "-sha256", "-prverify", "me.pem", "-signature", "signature", "signed"],
                   cwd=liar.folder, check=True, stdout=subprocess.DEVNULL)


OTHER = sha256(b"We do not agree.\n")
DEFERRED = struct.pack(">I", 0) + cphash(sha256(DOCUMENT)) + reference(NUMBER)


@pytest.mark.parametrize("lies", [
    {"to_sign": struct.pack(">I", 0) + cphash(OTHER) + reference(NUMBER)},
    {"to_sign": struct.pack(">I", 0) + cphash(OTHER) + reference(NUMBER), "cphash": cphash(OTHER)},
    {"digest": OTHER, "to_sign": struct.pack(">I", 0) + cphash(OTHER) + reference(NUMBER),
     "cphash": cphash(OTHER)},
    {"to_sign": struct.pack(">I", 0) + reference(NUMBER)},
    {"to_sign": struct.pack(">I", 0) + reference(NUMBER), "cphash": b""},
    {"to_sign": struct.pack(">I", 0) + b"\0" * 32 + reference(NUMBER), "cphash": b"\0" * 32},
    {"to_sign": struct.pack(">I", 0) + cphash(sha256(DOCUMENT)) + reference("50011200000002")},
    {"to_sign": struct.pack(">I", 0) + cphash(sha256(DOCUMENT)) + reference("50011200000002"),
     "policy_ref": reference("50011200000002")},
    {"to_sign": struct.pack(">i", -1) + cphash(sha256(DOCUMENT)) + reference(NUMBER)},
    {"to_sign": struct.pack(">i", -1) + cphash(sha256(DOCUMENT)) + reference(NUMBER),
     "expiration": 0xffffffff},
    {"kind": "live"}, {"kind": "live", "expiration": 600}, {"kind": "live", "expiration": 600, "nonce": b""},
    {"kind": "eternal"}, {"nonce": b"\x09" * 32}, {"to_sign": None}, {"public": sized(AREA[:-1] + b"\3")},
    {"hash": "sha512"}, {"scheme": "rsassa"}, {"to_sign": DEFERRED + b"\0"}, {"to_sign": b""},
    {"to_sign": bytes.fromhex("00" * 100)}, {"seal": "50011200000002"}, {"seal": "../x"},
], ids=lambda lies: "-".join(lies))
def test_lies_are_not_signed(liar, lies):
    told = facts(**lies)
    for words in (("--yes", "approve-use", "7", "--key", "me.pem", "--document", "contract.txt"),
                  ("challenge", "7", "--document", "contract.txt", "-o", "to-sign")):
        done, calls = liar.sealctl(told, *words)
        assert done.returncode == 3 and done.stdout == "", done
        assert "sign" in done.stderr and "Hint" not in done.stderr, done
        assert calls == ["Challenge"] and not (liar.folder / "to-sign").exists()


def test_request_that_has_expired_is_not_signed(liar):
    done, calls = liar.approve(facts(expires=1))
    assert done.returncode == 5 and "expired" in done.stderr and calls == ["Challenge"], done


def test_names_do_not_speak_to_the_terminal(liar):
    done, _calls = liar.approve(facts(document_name="a\x1b[2Jb", requester="user:\u202ex"))
    assert done.returncode == 0 and "\x1b" not in done.stdout and "\u202e" not in done.stdout, done
