# SPDX-License-Identifier: Apache-2.0
"""Values that nobody should send, and open files of every kind, drawn from one random source."""

import fcntl
import os
import socket

from dbus_bytes import split

DEPTH = 30  # variants in variants: each is two of the 64 levels that the bus allows

# design.md, section 5.6; a test compares the names with the tables of the daemon.
APPLICATION = {"name": "s", "holder": "s", "class": "s", "type": "s", "algorithm": "s",
               "purposes": "as", "not-before": "t", "not-after": "t", "use-limit": "t",
               "keepers": "as", "documents": "a(say)", "approvers": "a(ss)", "threshold": "u",
               "pin": "b", "backup": "b", "picture": "ay", "picture-mm": "(uu)", "copy-of": "o",
               "organization-identifier": "s", "country": "s"}
CHANGE = {"reason": "s", "overlap": "t", "keeper": "s"}  # of Seal.Apply, beside those of an application
FILTER = {"type": "s", "class": "s", "keeper": "s", "holder": "s", "name": "s", "expires-before": "t"}
SIGN = {"hash": "s", "format": "s", "purpose": "s", "document-name": "s", "scheme": "s",
        "property-info": "s", "pin": "h"}
OPTIONS = {
    "Initialize": {"separation": "s", "authority": "s", "passphrase": "h", "pcrs": "s",
                   "profile": "s", "capacity": "u", "owner-auth": "h", "lockout-auth": "h",
                   "set-owner-auth": "b", "escrow": "s", "machine-states": "b"},
    "ApproveMachineState": {"signature": "ay", "passphrase": "h", "profile": "s",
                            "predicted": "a(uay)"},
    "ExtendCapacity": {"passphrase": "h", "owner-auth": "h", "measure": "b", "machine-states": "b"},
    "Apply": {**APPLICATION, **CHANGE, "token": "s"},
    "CreateSeal": {**APPLICATION, "token": "s"},
    "ListSeals": {**FILTER, "state": "s", "after": "s", "limit": "u"},
    "SuspendSeals": FILTER,
    "SetSeparation": {"passphrase": "h"},
    "RegisterReviewer": {"signature": "ay"},
    "ListRequests": {"state": "s", "kind": "s", "seal": "s", "awaiting": "s", "after": "o",
                     "limit": "u"},
    "ReadLedger": {"first": "t", "since": "t", "until": "t", "seal": "s", "subject": "s", "event": "s",
                   "limit": "u"},
    "ExportLedger": {"first": "t"},
    "AcknowledgeTampering": {"passphrase": "h"},
    "Approve": {"signature": "ay"},
    "RejectSigned": {"signature": "ay"},
    "Sign": SIGN,
    "SignMany": SIGN,
    "RequestUse": {**SIGN, "expires": "t", "live": "b"},
    "GetCertificateRequest": {"hash": "s", "scheme": "s", "purpose": "s", "pin": "h"},
    "CollectWith": {"pin": "h"},
    "AddGrant": {"purposes": "as", "not-before": "t", "until": "t", "count": "t", "keeper": "b",
                 "emergency": "b", "reason": "s"},
    "RecordFiling": {"filing-number": "s", "authority": "s", "filed": "t", "documents": "a(say)"},
    "Accept": {"new-pin": "h", "pin": "h"},
}
WORDS = ["", "root", "user:root", "group:root", "user:", "user:" + "x" * 200, "group:no-such-group",
         "me", "active", "sha256", "sha256:0,2,7", "sha256:", "sha256:99", "sha256:0,0", "raw",
         "document-signing", "renew", "recertify", "amend", "transfer", "revoke", "official", "institution", "ecdsa-p256", "rsa-2048", "default", "dual",
         "single", "cades", "pades-cms", "eseal", "pkcs10", "-1", "0", "00000000000001", "%s%n%s%p", "../../../etc/shadow", "a\nb\x1b[31m",
         "\x01\x02\x7f", "\u202eevil", "\u0301", "\ufffe", "\U0010ffff", "' OR 1=1 --", "印" * 300,
         "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
         "-----BEGIN CERTIFICATE-----\n" + "A" * 800 + "\n-----END CERTIFICATE-----\n"]
SIZES = [1, 31, 32, 33, 63, 64, 255, 256, 257, 1023, 1024, 1025, 8192]
LARGE = [16 * 1024 + 1, 100_000, 1 << 20]
HUGE = 10 << 20
NUMBERS = [0, 1, 2, 7, 24, 64, 1000, 1001, 1024, 1025]
ELEMENTS = ["0", "01", "00000000000001", "9223372036854775807", "9223372036854775808",
            "18446744073709551616", "1" * 33, "1" * 10000, "A" * 255, "A" * 10000, "_31", "_2e_2e",
            "_", "_" * 10000, "x" * 1000000]
PATH_MAX = 64 * 1024  # sd-bus drops what has a longer one: there is nothing to answer to


def sealed_memfd(data):
    fd = os.memfd_create("sealed", os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return fd


def unsealed_memfd():
    fd = os.memfd_create("unsealed")
    os.write(fd, b"secret")
    return fd


def full_pipe(data):
    r, w = os.pipe()
    os.write(w, data)
    os.close(w)
    return r


class Descriptors:
    """One open file of every kind; open as long as this process is."""

    def __init__(self):
        self.silent = os.pipe()
        self.kinds = {
            "socket": socket.socketpair()[0].detach(),
            "path": os.open("/etc/passwd", os.O_PATH),
            "directory": os.open("/", os.O_RDONLY),
            "file": os.open("/etc/passwd", os.O_RDONLY),
            "zero": os.open("/dev/zero", os.O_RDONLY),
            "null": os.open("/dev/null", os.O_WRONLY),
            "unsealed": unsealed_memfd(),
            "empty": sealed_memfd(b""),
            "large": sealed_memfd(b"x" * 2000),
            "good": sealed_memfd(b"secret"),
            "write end": os.pipe()[1],
        }
        self.silences = 2  # pipes that keep their call for 2 s

    def choose(self, rng):
        kind = rng.choice([*self.kinds, "pipe", "long pipe", "silent"])
        if kind == "silent" and self.silences:
            self.silences -= 1
            return self.silent[0], False
        if kind in ("pipe", "long pipe"):
            return full_pipe(b"x" * (6 if kind == "pipe" else 3000)), True
        return self.kinds.get(kind, self.kinds["socket"]), False


class Values:
    """Values of a signature, and signatures."""

    def __init__(self, rng, descriptors, objects):
        self.rng, self.descriptors, self.objects = rng, descriptors, objects
        self.begin()
        self.huge = 2  # of 10 MiB, each of which takes as long as hundreds of others

    def begin(self):
        self.fds, self.temporary = [], []
        self.room = 12 << 20  # bytes of one call: the bus carries 32 MiB, and one may be there twice

    def end(self):
        for fd in self.temporary:
            os.close(fd)

    def size(self):
        roll = self.rng.random()
        size = self.rng.choice(LARGE if roll < 0.02 else SIZES)
        if roll < 0.004 and self.huge:
            self.huge -= 1
            size = HUGE
        size = min(size, self.room)
        self.room -= size
        return size

    def text(self):
        if self.rng.random() < 0.6:
            return self.rng.choice(WORDS)
        c = self.rng.choice(["x", "0", "\x07", "é", "\n"])
        return c * (self.size() // len(c.encode()))

    def octets(self):
        return self.rng.choice([b"", bytes(32), self.rng.randbytes(32), self.rng.randbytes(48),
                                b"\xff" * self.size()])

    def path(self):
        roll = self.rng.random()
        if roll < 0.5:
            return self.rng.choice(self.objects)
        path = self.rng.choice(["/", "/org", "/org/sealsd1/seal", "/org/sealsd1/request",
                                f"/org/sealsd1/request/{self.rng.choice(ELEMENTS)}"])
        if len(path) > self.room:
            return "/"
        self.room -= len(path)
        return path

    def fd(self):
        fd, temporary = self.descriptors.choose(self.rng)
        self.fds.append(fd)
        if temporary:
            self.temporary.append(fd)
        return len(self.fds) - 1

    def integer(self, kind):
        bits = {"y": 8, "n": 16, "q": 16, "i": 32, "u": 32, "x": 64, "t": 64}[kind]
        signed = kind in "nix"
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
        edges = [low, high, high // 2, high // 2 + 1, *(n for n in NUMBERS if n <= high)]
        return self.rng.choice([*edges, self.rng.randint(low, high)])

    def nested(self, depth):
        value = ("y", 1)
        for _ in range(depth):
            value = ("v", value)
        return value

    def signature(self, depth=0):
        kind = self.rng.choice("ybnqiuxtdsoghv" if depth > 2 else "ybnqiuxtdsoghvaaarr")
        if kind == "a" and self.rng.random() < 0.5:
            return f"a{{{self.rng.choice('ysuto')}{self.signature(depth + 1)}}}"
        if kind == "a":
            return "a" + self.signature(depth + 1)
        if kind == "r":
            return f"({''.join(self.signature(depth + 1) for _ in range(self.rng.randint(1, 3)))})"
        return kind

    def variant(self):
        if self.rng.random() < 0.1:
            return self.nested(self.rng.randint(1, DEPTH // 2))
        kind = self.signature()
        return kind, self.value(kind)

    def value(self, kind):
        c = kind[0]
        if c in "ynqiuxt":
            return self.integer(c)
        if c in "sgov":
            return {"s": self.text, "g": lambda: "a{sv}", "o": self.path, "v": self.variant}[c]()
        if c == "h":
            return self.fd()
        if c == "b":
            return self.rng.randint(0, 1)
        if c == "d":
            return self.rng.choice([0.0, -1.5, float("inf"), float("nan")])
        if kind == "ay":
            return self.octets()
        if c == "a":
            count = self.rng.choice([0, 1, 2, 5, 40]) if kind[1] in "sotyu({" else 1
            return [self.value(kind[1:]) for _ in range(count)]
        return [self.value(k) for k in split(kind[1:-1])]

    def option(self, options):
        """One (name, (type, value)); mostly of the type that it should be."""
        if not options or self.rng.random() < 0.2:
            return self.rng.choice([*WORDS, "x" * self.size()]), self.variant()
        name = self.rng.choice(list(options))
        kind = options[name]
        if kind == "h" and self.rng.random() < 0.3:
            kind = "s"
        if self.rng.random() < 0.15:
            kind = self.signature()
        return name, (kind, self.value(kind))

    def dictionary(self, member):
        options = OPTIONS.get(member, {})
        pairs = [self.option(options) for _ in range(self.rng.choice([0, 0, 1, 1, 1, 2, 3, 6]))]
        if pairs and self.rng.random() < 0.1:
            pairs.append(pairs[0])
        if self.rng.random() < 0.005 and len(str(pairs)) < 10_000:
            pairs *= 200
        return pairs

    def arguments(self, signature, member):
        return [self.dictionary(member) if kind == "a{sv}" else self.value(kind)
                for kind in split(signature)]
