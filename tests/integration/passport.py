# SPDX-License-Identifier: Apache-2.0
"""A second opinion about passports: what a third party can do with Python, hashlib and openssl."""

import hashlib
import json
import subprocess
import tempfile

P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200" "04")  # SubjectPublicKeyInfo
MAGIC, NV, CERTIFY, CREATION = b"\xff\x54\x43\x47", b"\x80\x14", b"\x80\x17", b"\x80\x1a"


def canonical(value):
    """RFC 8785, of what a passport can have in it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Cursor:
    """What TPMs marshal: numbers big-endian, sized buffers with 16 bits."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        assert self.at + size <= len(self.data)
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def sized(self):
        return self.take(self.number(2))

    def end(self):
        assert self.at == len(self.data)


def name_of(area):
    return b"\x00\x0b" + sha256(area)


def name_of_public(hexadecimal):
    """Of a TPM2B_PUBLIC."""
    data = bytes.fromhex(hexadecimal)
    assert int.from_bytes(data[:2], "big") == len(data) - 2
    return name_of(data[2:])


def der_integer(number):
    data = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(data)]) + data


def signature_der(hexadecimal):
    """Of a TPMT_SIGNATURE: ECDSA with SHA-256."""
    c = Cursor(bytes.fromhex(hexadecimal))
    assert (c.number(2), c.number(2)) == (0x18, 0x0b)
    body = b"".join(der_integer(int.from_bytes(c.sized(), "big")) for _ in "rs")
    c.end()
    return b"\x30" + bytes([len(body)]) + body


def point_of(hexadecimal):
    """x ‖ y: the last two sized buffers of an attestation key."""
    data = bytes.fromhex(hexadecimal)
    return data[-66:-34][-32:] + data[-32:]


def openssl_verifies(key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        files = {"key": P256 + point_of(key), "sig": signature_der(signature), "msg": message}
        for name, data in files.items():
            with open(f"{folder}/{name}", "wb") as file:
                file.write(data)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", "key", "-signature",
                               "sig", "msg"], cwd=folder, capture_output=True, text=True)
    return done.returncode == 0


class Passport:
    """As it was read; believed are its attestations only."""

    def __init__(self, data):
        self.data = bytes(data)
        self.whole = json.loads(self.data)
        assert canonical(self.whole) == self.data and set(self.whole) == {"attestation", "statement"}
        self.statement, self.attestation = self.whole["statement"], self.whole["attestation"]

    def extra(self):
        return sha256(b"sealsd/passport\0", bytes.fromhex(self.statement["nonce"]),
                      sha256(canonical(self.statement)))

    def attested(self, proof, kind):
        """Checked: signed by the key, of this statement. The cursor behind what all have, and the clock."""
        message = bytes.fromhex(proof["attest"])
        assert openssl_verifies(self.attestation["key"], message, proof["signature"])
        c = Cursor(message)
        assert c.take(4) == MAGIC and c.take(2) == kind
        signer = c.sized()
        assert signer == b"\x00\x0b" + sha256(bytes.fromhex("4000000b"), self.key_name())
        assert c.sized() == self.extra()
        clock, resets, restarts = c.number(8), c.number(4), c.number(4)
        c.take(1 + 8)  # safe, firmware
        return c, (clock, resets, restarts)

    def key_name(self):
        return name_of_public(self.attestation["key"])

    def index(self, proof, public):
        """The index's certified value, and the clock."""
        c, clock = self.attested(proof, NV)
        assert c.sized() == name_of(bytes.fromhex(public))
        assert c.number(2) == 0
        value = c.sized()
        c.end()
        return value, clock

    def check(self, nonce):
        """All of it; (revoked, resets)."""
        seal, policy = self.statement["seal"], self.statement["policy"]
        assert self.statement["nonce"] == nonce.hex()
        proof = self.attestation["seal"]
        c, (_, resets, restarts) = self.attested(proof, CREATION if proof["kind"] == "creation" else CERTIFY)
        assert c.sized() == name_of_public(seal["public"])
        assert policy["digest"] in seal["public"]
        bits, clock = self.index(self.attestation["revocation"], policy["index"])
        assert clock[1:] == (resets, restarts)
        _value, clock = self.index(self.attestation["ledger"], self.statement["ledger"]["index"])
        assert clock[1:] == (resets, restarts)
        return bool(int.from_bytes(bits, "big") >> policy["bit"] & 1), resets

    def retired(self):
        """The numbers of the states whose bits the chip attests to be set."""
        machine, found, bits = self.statement["machine"], [], {}
        named = [s for s in machine["states"] if "state-index" in s]
        for state in named:
            if state["state-index"] not in bits:
                proof = self.attestation["states"][len(bits)]
                bits[state["state-index"]] = int.from_bytes(self.index(proof, state["state-index"])[0], "big")
            if bits[state["state-index"]] >> state["bit"] & 1:
                found.append(state["id"])
        assert len(self.attestation["states"]) == len(bits)
        return found

    def edited(self, change):
        """The file with something else in it, canonical still."""
        whole = json.loads(self.data)
        change(whole)
        return canonical(whole)
