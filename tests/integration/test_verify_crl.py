# SPDX-License-Identifier: Apache-2.0
"""`sealctl verify` and revocation lists of hundreds of thousands of entries, or made to take up memory."""

import pathlib
import subprocess

import pytest

from cms import inner
from pki import der, moment
from ses import bits, integer, octets, oid, seq, tlv
from verifying import BUILD, World

ECDSA = seq(oid("1.2.840.10045.4.3.2"))
SIZE = 6 * 1024 * 1024
MEMORY = 64 * 1024  # KiB: the bytes of the list some times over


@pytest.fixture(name="world", scope="module")
def world_of(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


def time_of(days):
    return tlv(0x17, moment(days).strftime("%y%m%d%H%M%SZ").encode())


def entry(serial, *extensions):
    return seq(serial, time_of(-2), *([seq(*extensions)] if extensions else []))


def extension(identifier, content, critical=False):
    return seq(oid(identifier), *([tlv(0x01, b"\xff")] if critical else []), octets(content))


def filled(part):
    return part * (SIZE // len(part))


def crl(world, entries, issuer=None, extensions=()):
    """A list that the maker signs, whatever is in it."""
    signed = seq(integer(1), ECDSA, issuer or inner(der(world.maker.cert), 0, 5), time_of(-1), time_of(30),
                 tlv(0x30, entries), *([tlv(0xa0, seq(*extensions))] if extensions else []))
    return world.file("made.crl", seq(signed, ECDSA, bits(world.maker.sign(signed))))


# A process of its own, since what is told of a child's memory begins with what its parent had.
MEASURE = """
import os, sys
_pid, status, usage = os.wait4(os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]), 0)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def verified(world, path):
    """The exit status, the row, and the memory that it took in KiB."""
    words = ["/usr/bin/python3", "-c", MEASURE, f"{BUILD}/sealctl", "verify", world.document, *world.bare(),
             *world.trust(crl=[world.root_crl, path])]
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    row = [line for line in done.stdout.splitlines() if line.startswith("revocation ")]
    measured = not any(word in pathlib.Path(BUILD).name for word in ("asan", "tsan", "memcheck"))
    return done.returncode, row[0], int(done.stderr) if measured else 0  # those take memory of their own


SMALL = seq(oid("2.5"), octets(b""))
NAMES = filled(tlv(0x82))


@pytest.mark.parametrize("what, words", [
    ("entries", {"entries": filled(entry(integer(5)))}),
    ("extensions of entries", {"entries": filled(entry(integer(5), *[SMALL] * 400))}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_list_of_any_number_of_entries_is_read_in_little_memory(world, what, words):
    status, row, memory = verified(world, crl(world, **words))
    assert status == 0 and "was not revoked" in row, (what, row)
    assert memory < MEMORY, what


@pytest.mark.parametrize("words, told", [
    ({"entries": entry(integer(5), filled(SMALL))}, "an entry that is damaged or too large"),
    ({"entries": entry(integer(5), extension("2.5.29.29", tlv(0x30, NAMES), True))},
     "an entry that is damaged or too large"),
    ({"entries": entry(integer(5)), "extensions": [filled(SMALL)]}, "too much beside its entries"),
    ({"entries": entry(integer(5)), "issuer": tlv(0x30, filled(tlv(0x31, seq(oid("2.5"), tlv(0x0c)))))},
     "too much beside its entries"),
    ({"entries": entry(integer(5)),
      "extensions": [extension("2.5.29.28", seq(tlv(0xa0, tlv(0xa0, NAMES))), True)]}, "too much beside its entries"),
    ({"entries": entry(integer(5)), "extensions": [extension("2.5.29.35", seq(tlv(0xa1, NAMES)))]},
     "too much beside its entries"),
], ids=["one entry", "an entry's issuer", "extensions", "issuer", "places", "issuers of its key"])
def test_a_list_made_to_take_up_memory_is_not_read(world, words, told):
    """Its parts would take a hundred times their bytes."""
    status, row, memory = verified(world, crl(world, **words))
    assert status == 11 and "not-checked" in row and told in row, row
    assert memory < MEMORY


def test_a_revocation_among_300000_is_found(world):
    reason = extension("2.5.29.21", tlv(0x0a, b"\x01"))
    mine = inner(der(world.signer.cert), 0, 1)
    others = b"".join(entry(tlv(0x02, b"\x40" + i.to_bytes(4, "big") + bytes(11)), reason) for i in range(300000))
    for entries in (entry(mine, reason) + others, others + entry(mine, reason)):
        status, row, memory = verified(world, crl(world, entries))
        assert status == 10 and "keyCompromise" in row and memory < 2 * MEMORY, row
    status, row, memory = verified(world, crl(world, others))
    assert status == 0 and "was not revoked" in row and memory < 2 * MEMORY, row
